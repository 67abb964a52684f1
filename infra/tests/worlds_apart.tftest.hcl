# What a machine may do, and that it is nothing of another world's.

mock_provider "azurerm" {
  source          = "./tests/mocks"
  override_during = plan
}

mock_provider "random" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  passwords = { our-world = "canary-given" }
}

override_resource {
  target          = azurerm_storage_queue.bot["events"]
  override_during = plan
  values          = { id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account/queueServices/default/queues/events" }
}

override_resource {
  target          = azurerm_storage_queue.bot["orders-midgard"]
  override_during = plan
  values          = { id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account/queueServices/default/queues/orders-midgard" }
}

override_resource {
  target          = azurerm_storage_queue.bot["orders-our-world"]
  override_during = plan
  values          = { id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account/queueServices/default/queues/orders-our-world" }
}

override_resource {
  target          = azurerm_storage_container.lease["midgard"]
  override_during = plan
  values          = { id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account/blobServices/default/containers/lease-midgard" }
}

override_resource {
  target          = azurerm_storage_container.lease["our-world"]
  override_during = plan
  values          = { id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account/blobServices/default/containers/lease-our-world" }
}

override_resource {
  target          = azurerm_storage_container.deploy
  override_during = plan
  values          = { id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account/blobServices/default/containers/deploy" }
}

override_resource {
  target          = azurerm_key_vault_secret.machine["midgard"]
  override_during = plan
  values          = { resource_versionless_id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.KeyVault/vaults/vault/secrets/machine-midgard" }
}

override_resource {
  target          = azurerm_key_vault_secret.machine["our-world"]
  override_during = plan
  values          = { resource_versionless_id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.KeyVault/vaults/vault/secrets/machine-our-world" }
}

override_resource {
  target          = azurerm_user_assigned_identity.world["midgard"]
  override_during = plan
  values = {
    id           = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/midgard"
    client_id    = "11111111-0000-4000-8000-00000000000c"
    principal_id = "11111111-0000-4000-8000-00000000000d"
  }
}

override_resource {
  target          = azurerm_user_assigned_identity.world["our-world"]
  override_during = plan
  values = {
    id           = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/our-world"
    client_id    = "22222222-0000-4000-8000-00000000000c"
    principal_id = "22222222-0000-4000-8000-00000000000d"
  }
}

override_resource {
  target          = azurerm_storage_account.world["midgard"]
  override_during = plan
  values = {
    id                 = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/midgard"
    primary_access_key = "canary-account-midgard"
  }
}

override_resource {
  target          = azurerm_storage_account.world["our-world"]
  override_during = plan
  values = {
    id                 = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/ourworld"
    primary_access_key = "canary-account-our-world"
  }
}

override_resource {
  target          = random_password.agent_key["midgard"]
  override_during = plan
  values          = { result = "canary-agent-midgard" }
}

override_resource {
  target          = random_password.agent_key["our-world"]
  override_during = plan
  values          = { result = "canary-agent-our-world" }
}

run "a_machine_may_do_five_things" {
  command = plan

  # All roles that a world's identity has anywhere.
  assert {
    condition = toset([
      for a in azurerm_role_assignment.machine : "${a.principal_id} ${a.role_definition_name} ${basename(a.scope)}"
      ]) == toset(flatten([
        for id, w in azurerm_user_assigned_identity.world : [
          "${w.principal_id} Storage Queue Data Message Sender events",
          "${w.principal_id} Storage Queue Data Message Processor orders-${id}",
          "${w.principal_id} Storage Blob Data Contributor lease-${id}",
          "${w.principal_id} Storage Blob Data Reader deploy",
          "${w.principal_id} Key Vault Secrets User machine-${id}",
        ]
    ]))
    error_message = "a machine may do something else: ${jsonencode([for a in azurerm_role_assignment.machine : "${a.role_definition_name} on ${a.scope}"])}"
  }

  assert {
    condition     = length(azurerm_role_assignment.machine) == 5 * length(var.worlds)
    error_message = "a machine has ${length(azurerm_role_assignment.machine) / length(var.worlds)} roles, not 5"
  }

  assert {
    condition = alltrue([
      for a in azurerm_role_assignment.machine : can(regex("/(queueServices/default/queues|blobServices/default/containers|vaults/vault/secrets)/[a-z-]+$", a.scope))
    ])
    error_message = "a machine's role is on more than one queue, container or secret"
  }

  assert {
    condition = alltrue([
      for id, s in azurerm_orchestrated_virtual_machine_scale_set.placement :
      s.identity[0].type == "UserAssigned" && s.identity[0].identity_ids == toset([azurerm_user_assigned_identity.world[local.placements[id].world].id])
    ])
    error_message = "a scale set's machines have another identity than their world's"
  }
}

run "two_worlds_share_nothing" {
  command = plan

  assert {
    condition = alltrue([
      for things in [
        [for a in azurerm_storage_account.world : a.name], [for i in azurerm_user_assigned_identity.world : i.name], [for s in azurerm_key_vault_secret.machine : s.name],
        [for s in azurerm_storage_share.world : s.storage_account_id],
      ] : length(distinct(things)) == length(var.worlds)
    ])
    error_message = "two worlds have the same account, share, identity or secret"
  }

  assert {
    condition     = azurerm_storage_share.world["midgard"].storage_account_id == azurerm_storage_account.world["midgard"].id && azurerm_storage_share.world["our-world"].storage_account_id == azurerm_storage_account.world["our-world"].id
    error_message = "a world's share is in another world's account"
  }

  assert {
    condition     = alltrue([for a in azurerm_storage_account.world : a.name != azurerm_storage_account.bot.name && can(regex("^[a-z0-9]{3,24}$", a.name))])
    error_message = "a world's account is the bot's, or has no name for an account"
  }

  assert {
    condition = jsondecode(azurerm_key_vault_secret.machine["midgard"].value) == {
      key = "canary-agent-midgard", password = "canary-random", share = "canary-account-midgard"
      } && jsondecode(azurerm_key_vault_secret.machine["our-world"].value) == {
      key = "canary-agent-our-world", password = "canary-given", share = "canary-account-our-world"
    }
    error_message = "a machine's secret is not just its agent's key, its game's password and its account's key"
  }
}

run "no_secret_is_in_a_machines_description" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for id, s in azurerm_orchestrated_virtual_machine_scale_set.placement : [
        !strcontains(base64decode(s.os_profile[0].custom_data), "canary"), s.user_data_base64 == null, length(s.extension) == 0,
      ]
    ]))
    error_message = "a machine's description has a secret in it, or something else than its cloud-init"
  }

  # What it has instead.
  assert {
    condition = alltrue([
      for id, s in azurerm_orchestrated_virtual_machine_scale_set.placement :
      startswith(base64decode(s.os_profile[0].custom_data), "#cloud-config\n") &&
      strcontains(base64decode(s.os_profile[0].custom_data), "https://hearth-a1b2c3.vault.azure.net/secrets/machine-${local.placements[id].world}") &&
      strcontains(base64decode(s.os_profile[0].custom_data), azurerm_user_assigned_identity.world[local.placements[id].world].client_id) &&
      strcontains(base64decode(s.os_profile[0].custom_data), azurerm_storage_account.world[local.placements[id].world].name) &&
      strcontains(base64decode(s.os_profile[0].custom_data), "https://hearthbota1b2c3.blob.core.windows.net/deploy/hearth-agent-${filesha256(var.agent_file)}")
    ])
    error_message = "a machine is not told its own world's secret, identity, share and the agent's program"
  }
}

run "a_worlds_files_are_kept" {
  command = plan

  assert {
    condition     = alltrue([for a in azurerm_storage_account.world : a.share_properties[0].retention_policy[0].days >= 14 && a.resource_group_name == "hearth"])
    error_message = "a deleted share is not kept for two weeks, or a world's files lie with the machines"
  }

  assert {
    condition     = alltrue([for id, s in azurerm_storage_share.world : s.name == "world" && s.quota == 20 && s.access_tier == "TransactionOptimized"])
    error_message = "a world has another share than it should"
  }

  assert {
    condition     = alltrue([for id, l in azurerm_management_lock.world : l.scope == azurerm_storage_account.world[id].id && l.lock_level == "CanNotDelete"]) && length(azurerm_management_lock.world) == length(var.worlds)
    error_message = "a world's account can be deleted by a slip"
  }
}
