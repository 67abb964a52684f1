# Who gets in, and where to.

mock_provider "azurerm" {
  source          = "./tests/mocks"
  override_during = plan
}

mock_provider "random" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  keeper_addresses = ["203.0.113.7"]
}

override_resource {
  target          = azurerm_subnet.site["midgard-eastus2"]
  override_during = plan
  values          = { id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/midgard-eastus2/subnets/machine" }
}

override_resource {
  target          = azurerm_subnet.site["midgard-westus2"]
  override_during = plan
  values          = { id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/midgard-westus2/subnets/machine" }
}

override_resource {
  target          = azurerm_subnet.site["our-world-eastus2"]
  override_during = plan
  values          = { id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/our-world-eastus2/subnets/machine" }
}

override_resource {
  target          = azurerm_network_security_group.site["our-world-eastus2"]
  override_during = plan
  values          = { id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/our-world-eastus2" }
}

run "players_get_in_and_nobody_else" {
  command = plan

  variables {
    worlds = {
      midgard = {
        name       = "Midgard"
        world_file = "Midgard"
        placements = [{ region = "eastus2", size = "Standard_D2ads_v5" }, { region = "westus2", size = "Standard_D2ads_v5" }]
      }
      our-world = {
        name       = "Ours"
        world_file = "Ours"
        port       = 30000
        placements = [{ region = "eastus2", size = "Standard_D2ads_v5" }]
      }
    }
  }

  assert {
    condition     = toset(keys(azurerm_network_security_group.site)) == toset(["midgard-eastus2", "midgard-westus2", "our-world-eastus2"])
    error_message = "the networks are of ${jsonencode(keys(azurerm_network_security_group.site))}"
  }

  assert {
    condition = alltrue([
      for key, g in azurerm_network_security_group.site :
      [for r in g.security_rule : "${r.protocol} ${r.destination_port_range} ${jsonencode(r.destination_port_ranges)}" if r.direction == "Inbound" && r.access == "Allow"] == [startswith(key, "midgard") ? "Udp 2456-2457 null" : "Udp 30000-30001 null"]
    ])
    error_message = "other inbound rules than the game's two UDP ports: ${jsonencode([for g in azurerm_network_security_group.site : [for r in g.security_rule : "${r.access} ${r.protocol} ${coalesce(r.destination_port_range, "several")}"]])}"
  }

  # Azure's own rules come after these, and let the network in.
  assert {
    condition = alltrue([
      for g in azurerm_network_security_group.site : anytrue([
        for r in g.security_rule : r.direction == "Inbound" && r.access == "Deny" && r.protocol == "*" && r.destination_port_range == "*" && r.source_address_prefix == "*" && r.destination_address_prefix == "*" && r.priority > 100
      ])
    ])
    error_message = "not everything else is denied"
  }

  assert {
    condition = alltrue([
      for key in keys(azurerm_subnet.site) :
      azurerm_subnet_network_security_group_association.site[key].subnet_id == azurerm_subnet.site[key].id && azurerm_subnet_network_security_group_association.site[key].network_security_group_id == azurerm_network_security_group.site[key].id
    ])
    error_message = "a subnet is without its rules"
  }

  assert {
    condition     = alltrue([for s in azurerm_subnet.site : !s.default_outbound_access_enabled && [for e in s.service_endpoint : e.service] == ["Microsoft.Storage.Global"]])
    error_message = "a subnet has Azure's default way out, or none to the worlds' files in another region"
  }

  assert {
    condition = alltrue([
      for id, s in azurerm_orchestrated_virtual_machine_scale_set.placement :
      s.network_interface[0].ip_configuration[0].subnet_id == azurerm_subnet.site["${local.placements[id].world}-${local.placements[id].region}"].id
    ])
    error_message = "a scale set is in another world's or region's network"
  }
}

run "a_worlds_files_are_for_its_machines_and_the_keeper" {
  command = plan

  assert {
    condition     = alltrue([for a in azurerm_storage_account.world : length(a.network_rules) == 1 && a.network_rules[0].default_action == "Deny" && a.network_rules[0].bypass == toset(["None"]) && a.network_rules[0].ip_rules == toset(["203.0.113.7"])])
    error_message = "a world's files can be reached from elsewhere than its machines and the keeper's addresses"
  }

  assert {
    condition = (
      azurerm_storage_account.world["midgard"].network_rules[0].virtual_network_subnet_ids == toset([azurerm_subnet.site["midgard-eastus2"].id, azurerm_subnet.site["midgard-westus2"].id]) &&
      azurerm_storage_account.world["our-world"].network_rules[0].virtual_network_subnet_ids == toset([azurerm_subnet.site["our-world-eastus2"].id])
    )
    error_message = "a world's files are not open to just the subnets of its placements"
  }

  assert {
    condition     = alltrue([for a in azurerm_storage_account.world : a.min_tls_version == "TLS1_2" && a.https_traffic_only_enabled && !a.allow_nested_items_to_be_public && !a.cross_tenant_replication_enabled && !a.local_user_enabled])
    error_message = "a world's account lets old TLS, plain HTTP, the public or local users in"
  }

  assert {
    condition = alltrue([
      for a in azurerm_storage_account.world :
      a.share_properties[0].smb[0].versions == toset(["SMB3.1.1"]) && a.share_properties[0].smb[0].channel_encryption_type == toset(["AES-256-GCM"]) && a.share_properties[0].smb[0].authentication_types == toset(["NTLMv2"])
    ])
    error_message = "SMB must be 3.1.1 with AES-256-GCM"
  }
}
