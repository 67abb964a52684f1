# What is refused, each with a run of its own: without its validation, a run would
# pass that must not. bounds_test.go looks at each bound of the worlds' values.

mock_provider "azurerm" {
  source          = "./tests/mocks"
  override_during = plan
}

mock_provider "random" {
  source          = "./tests/mocks"
  override_during = plan
}

run "a_subscription_by_its_name" {
  command = plan

  variables {
    subscription_id = "my subscription"
  }

  expect_failures = [var.subscription_id]
}

run "a_name_that_no_account_can_have" {
  command = plan

  variables {
    name = "our-hearth"
  }

  expect_failures = [var.name]
}

run "a_region_as_people_say_it" {
  command = plan

  variables {
    region = "East US 2"
  }

  expect_failures = [var.region]
}

run "another_plan" {
  command = plan

  variables {
    plan = "linux"
  }

  expect_failures = [var.plan]
}

run "an_application_that_is_no_id" {
  command = plan

  variables {
    discord = {
      application_id = "hearth"
      public_key     = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
      guild_id       = "1200"
      channel_id     = "1300"
    }
  }

  expect_failures = [var.discord]
}

run "a_keeper_role_that_is_no_id" {
  command = plan

  variables {
    discord = {
      application_id = "1100"
      public_key     = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
      guild_id       = "1200"
      channel_id     = "1300"
      keeper_role_id = "keepers"
    }
  }

  expect_failures = [var.discord]
}

run "a_keeper_channel_that_is_no_id" {
  command = plan

  variables {
    discord = {
      application_id    = "1100"
      public_key        = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
      guild_id          = "1200"
      channel_id        = "1300"
      keeper_channel_id = "#keepers"
    }
  }

  expect_failures = [var.discord]
}

run "a_public_key_that_is_cut_off" {
  command = plan

  variables {
    discord = {
      application_id = "1100"
      public_key     = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f70751"
      guild_id       = "1200"
      channel_id     = "1300"
    }
  }

  expect_failures = [var.discord]
}

run "a_public_key_of_zeros" {
  command = plan

  variables {
    discord = {
      application_id = "1100"
      public_key     = "0000000000000000000000000000000000000000000000000000000000000000"
      guild_id       = "1200"
      channel_id     = "1300"
    }
  }

  expect_failures = [var.discord]
}

run "no_world" {
  command = plan

  variables {
    worlds = {}
  }

  expect_failures = [var.worlds]
}

run "a_worlds_id_in_capitals" {
  command = plan

  variables {
    worlds = {
      Midgard = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = [{ region = "eastus2", size = "Standard_D2ads_v5" }]
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_name_that_nobody_sees" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = " "
        world_file = "Midgard"
        placements = [{ region = "eastus2", size = "Standard_D2ads_v5" }]
      }
    }
  }

  expect_failures = [var.worlds]
}

run "world_file_with_its_ending" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = "Midgard"
        world_file = "Midgard.db"
        placements = [{ region = "eastus2", size = "Standard_D2ads_v5" }]
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_server_name_of_two_lines" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name        = "Midgard"
        world_file  = "Midgard"
        placements  = [{ region = "eastus2", size = "Standard_D2ads_v5" }]
        server_name = "a\nb"
      }
    }
  }

  expect_failures = [var.worlds]
}

run "no_placement" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = []
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_placement_without_a_region" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = [{ region = "East US 2", size = "Standard_D2ads_v5" }]
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_zone_that_there_is_not" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = [{ region = "eastus2", size = "Standard_D2ads_v5", zone = "4" }]
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_size_without_a_disk" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = [{ region = "eastus2", size = "Standard_D2as_v5" }]
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_size_with_a_small_disk" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = [{ region = "eastus2", size = "Standard_D2as_v4" }]
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_size_whose_disk_is_nvme" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = [{ region = "eastus2", size = "Standard_D2ads_v6" }]
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_size_for_arm" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = [{ region = "eastus2", size = "Standard_D2pds_v5" }]
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_size_that_price_does_not_know_by_its_capitals" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = [{ region = "eastus2", size = "standard_d2ads_v5" }]
      }
    }
  }

  expect_failures = [var.worlds]
}

run "the_same_placement_twice" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = [{ region = "eastus2", size = "Standard_D2ads_v5" }, { region = "eastus2", size = "Standard_D2ads_v5" }]
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_scale_sets_name_that_is_too_long" {
  command = plan

  variables {
    name = "hearthfire"
    worlds = {
      a-world-with-a-long-name = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = [{ region = "germanywestcentral", size = "Standard_D2ads_v5", regular = true }]
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_price_of_nothing" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = [{ region = "eastus2", size = "Standard_D2ads_v5", cents_per_hour = 0 }]
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_price_of_no_day" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = [{ region = "eastus2", size = "Standard_D2ads_v5", cents_per_hour = 2, priced_on = "2026-02-30" }]
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_port_of_the_system" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = [{ region = "eastus2", size = "Standard_D2ads_v5" }]
        port       = 443
      }
    }
  }

  expect_failures = [var.worlds]
}

run "saves_that_are_far_apart" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name          = "Midgard"
        world_file    = "Midgard"
        placements    = [{ region = "eastus2", size = "Standard_D2ads_v5" }]
        save_interval = "3h"
      }
    }
  }

  expect_failures = [var.worlds]
}

run "an_argument_with_a_blank" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = [{ region = "eastus2", size = "Standard_D2ads_v5" }]
        args       = ["-preset hard"]
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_variable_of_hearths_own" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name        = "Midgard"
        world_file  = "Midgard"
        placements  = [{ region = "eastus2", size = "Standard_D2ads_v5" }]
        environment = { SERVER_PASS = "x" }
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_share_of_nothing" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = [{ region = "eastus2", size = "Standard_D2ads_v5" }]
        share_gb   = 0
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_role_that_is_no_id" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = [{ region = "eastus2", size = "Standard_D2ads_v5" }]
        roles      = ["vikings"]
      }
    }
  }

  expect_failures = [var.worlds]
}

run "idle_for_ever" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name         = "Midgard"
        world_file   = "Midgard"
        placements   = [{ region = "eastus2", size = "Standard_D2ads_v5" }]
        idle_minutes = 100000
      }
    }
  }

  expect_failures = [var.worlds]
}

run "never_joined_for_ever" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name                 = "Midgard"
        world_file           = "Midgard"
        placements           = [{ region = "eastus2", size = "Standard_D2ads_v5" }]
        never_joined_minutes = 100000
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_session_without_an_end" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name          = "Midgard"
        world_file    = "Midgard"
        placements    = [{ region = "eastus2", size = "Standard_D2ads_v5" }]
        session_hours = 1000
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_limit_below_nothing" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name            = "Midgard"
        world_file      = "Midgard"
        placements      = [{ region = "eastus2", size = "Standard_D2ads_v5" }]
        monthly_dollars = -1
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_limit_that_cant_be_kept" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name            = "Midgard"
        world_file      = "Midgard"
        placements      = [{ region = "westeurope", size = "Standard_D2ads_v5" }]
        monthly_dollars = 5
      }
    }
  }

  expect_failures = [var.worlds]
}

run "a_password_of_no_world" {
  command = plan

  variables {
    passwords = { asgard = "longenough" }
  }

  expect_failures = [var.passwords]
}

run "a_password_that_the_game_refuses" {
  command = plan

  variables {
    passwords = { midgard = "1234" }
  }

  expect_failures = [var.passwords]
}

run "a_password_that_is_in_the_servers_name" {
  command = plan

  variables {
    passwords = { midgard = "Midga" }
  }

  expect_failures = [var.passwords]
}

run "an_address_for_no_mail" {
  command = plan

  variables {
    alert_email = "the keeper"
  }

  expect_failures = [var.alert_email]
}

run "no_budget" {
  command = plan

  variables {
    budget_dollars = 0.5
  }

  expect_failures = [var.budget_dollars]
}

run "an_address_at_home" {
  command = plan

  variables {
    keeper_addresses = ["192.168.1.10"]
  }

  expect_failures = [var.keeper_addresses]
}

run "an_address_that_is_none" {
  command = plan

  variables {
    keeper_addresses = ["256.1.1.1"]
  }

  expect_failures = [var.keeper_addresses]
}

run "a_block_that_is_too_small" {
  command = plan

  variables {
    keeper_addresses = ["203.0.113.7/32"]
  }

  expect_failures = [var.keeper_addresses]
}

run "the_whole_internet" {
  command = plan

  variables {
    keeper_addresses = ["0.0.0.0/0"]
  }

  expect_failures = [var.keeper_addresses]
}

run "an_agent_that_was_not_built" {
  command = plan

  variables {
    agent_file = "../bin/no-such-agent"
  }

  expect_failures = [var.agent_file]
}

run "a_probe_key_that_is_cut_off" {
  command = plan

  variables {
    probe_key = "abc"
  }

  expect_failures = [var.probe_key]
}

run "another_log_level" {
  command = plan

  variables {
    log_level = "loud"
  }

  expect_failures = [var.log_level]
}

run "an_image_of_another_release" {
  command = plan

  variables {
    image_version = "24.04.202611010"
  }

  expect_failures = [var.image_version]
}
