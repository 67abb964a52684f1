# What a deployment is at rest, and what a machine of it would be.

mock_provider "azurerm" {
  source          = "./tests/mocks"
  override_during = plan
}

mock_provider "random" {
  source          = "./tests/mocks"
  override_during = plan
}

run "every_placement_has_its_set_and_none_a_machine" {
  command = plan

  assert {
    condition = toset(keys(azurerm_orchestrated_virtual_machine_scale_set.placement)) == toset([
      "hearth-midgard-eastus2-d2ads-v5", "hearth-midgard-westus2-e4ds-v5-z1", "hearth-midgard-eastus2-d2ads-v5-regular", "hearth-our-world-eastus2-d2ads-v5",
    ])
    error_message = "the scale sets are ${jsonencode(keys(azurerm_orchestrated_virtual_machine_scale_set.placement))}"
  }

  assert {
    condition     = alltrue([for id, s in azurerm_orchestrated_virtual_machine_scale_set.placement : s.name == id && s.instances == 0])
    error_message = "a scale set is not empty at rest, or has another name than its placement"
  }

  assert {
    condition = alltrue([
      for id, s in azurerm_orchestrated_virtual_machine_scale_set.placement :
      s.location == local.placements[id].region && s.sku_name == local.placements[id].size && s.resource_group_name == "hearth-machines" && s.platform_fault_domain_count == 1
    ])
    error_message = "a scale set is elsewhere than its placement says, or of another size"
  }

  assert {
    condition     = azurerm_orchestrated_virtual_machine_scale_set.placement["hearth-midgard-westus2-e4ds-v5-z1"].zones == toset(["1"]) && azurerm_orchestrated_virtual_machine_scale_set.placement["hearth-midgard-eastus2-d2ads-v5"].zones == null
    error_message = "a zone is not where it was asked for"
  }
}

run "spot_machines_are_spot_and_go_for_good" {
  command = plan

  assert {
    condition = alltrue([
      for id, s in azurerm_orchestrated_virtual_machine_scale_set.placement :
      endswith(id, "-regular") ? s.priority == "Regular" && s.eviction_policy == null : s.priority == "Spot" && s.eviction_policy == "Delete" && s.max_bid_price == -1
    ])
    error_message = "a placement is not Spot, deleted when it is taken, at any price up to the full one; or a regular one is"
  }
}

run "the_systems_disk_is_the_machines_own" {
  command = plan

  assert {
    condition = alltrue([
      for s in azurerm_orchestrated_virtual_machine_scale_set.placement :
      [for d in s.os_disk : d.caching] == ["ReadOnly"] && length(s.data_disk) == 0 &&
      flatten([for d in s.os_disk : [for e in d.diff_disk_settings : "${e.option} ${coalesce(e.placement, "CacheDisk")}"]]) == ["Local ResourceDisk"]
    ])
    error_message = "a machine would have a disk that is billed, or none at all: ephemeral disks must be Local, on the ResourceDisk, with caching ReadOnly"
  }
}

run "a_machine_has_one_address_while_it_is_there" {
  command = plan

  assert {
    condition = alltrue([
      for s in azurerm_orchestrated_virtual_machine_scale_set.placement :
      [for n in s.network_interface : n.accelerated_networking_enabled] == [true] &&
      flatten([
        for n in s.network_interface : [for c in n.ip_configuration : [for a in c.public_ip_address : "${a.sku_name}${a.public_ip_prefix_id == null ? "" : " of a prefix"}"]]
      ]) == ["Standard_Regional"]
    ])
    error_message = "a machine must have one address of the Standard SKU, made with it"
  }
}

run "the_serial_log_is_kept_and_nobody_can_log_in" {
  command = plan

  assert {
    condition     = alltrue([for s in azurerm_orchestrated_virtual_machine_scale_set.placement : length(s.boot_diagnostics) == 1 && s.boot_diagnostics[0].storage_account_uri == null])
    error_message = "without boot diagnostics nobody learns why a machine does not come up"
  }

  assert {
    condition = alltrue([
      for s in azurerm_orchestrated_virtual_machine_scale_set.placement :
      s.os_profile[0].linux_configuration[0].disable_password_authentication && s.os_profile[0].linux_configuration[0].admin_password == null &&
      [for k in s.os_profile[0].linux_configuration[0].admin_ssh_key : k.public_key] == [local.nobodys_key]
    ])
    error_message = "a machine can be logged into with a password, or another key than nobody's"
  }

  assert {
    condition = alltrue([
      for id, s in azurerm_orchestrated_virtual_machine_scale_set.placement :
      s.source_image_reference[0].publisher == "Canonical" && s.source_image_reference[0].sku == "22_04-lts-gen2" && s.source_image_reference[0].version == "latest" && s.source_image_id == null
    ])
    error_message = "the image is not Ubuntu 22.04's newest"
  }
}

run "the_month_has_a_budget" {
  command = plan

  variables {
    budget_dollars = 7
  }

  assert {
    condition = (
      azurerm_consumption_budget_subscription.month[0].amount == 7 && azurerm_consumption_budget_subscription.month[0].time_grain == "Monthly" &&
      [for d in azurerm_consumption_budget_subscription.month[0].filter[0].dimension : "${d.name} ${join(" ", d.values)}"] == ["ResourceGroupName hearth hearth-machines"] && can(regex("^[0-9]{4}-[0-9]{2}-01T00:00:00Z$", azurerm_consumption_budget_subscription.month[0].time_period[0].start_date))
    )
    error_message = "the budget is not of both groups, by the month"
  }

  assert {
    condition = (
      alltrue([for n in azurerm_consumption_budget_subscription.month[0].notification : n.contact_emails == tolist(["keeper@example.com"])]) &&
      toset([for n in azurerm_consumption_budget_subscription.month[0].notification : "${n.threshold} ${n.threshold_type}"]) == toset(["50 Actual", "80 Actual", "100 Actual", "100 Forecasted"])
    )
    error_message = "the keeper is not told at 50, 80 and 100 %, nor of what is to be expected"
  }
}

run "a_young_subscription_has_no_budget" {
  command = plan

  variables {
    budget_dollars = 0
  }

  assert {
    condition     = length(azurerm_consumption_budget_subscription.month) == 0
    error_message = "a deployment with budget_dollars = 0 has a budget"
  }
}
