# The worlds' files, and what their machines may do. Nothing here is shared by two
# worlds: whoever breaks into the machine of one reaches nothing of another.

# An account each, since its key opens all of an account's shares.
resource "azurerm_storage_account" "world" {
  for_each = var.worlds

  name                = local.share_accounts[each.key]
  resource_group_name = azurerm_resource_group.data.name
  location            = azurerm_resource_group.data.location

  account_tier             = "Standard"
  account_replication_type = "LRS"

  min_tls_version                  = "TLS1_2"
  https_traffic_only_enabled       = true # SMB with encryption counts as such
  shared_access_key_enabled        = true # SMB on Linux: the machine mounts the share with it
  allow_nested_items_to_be_public  = false
  cross_tenant_replication_enabled = false
  local_user_enabled               = false

  share_properties {
    # A deleted share can be had back for so long.
    retention_policy {
      days = 30
    }

    smb {
      versions                = ["SMB3.1.1"]
      authentication_types    = ["NTLMv2"]
      channel_encryption_type = ["AES-256-GCM"]
    }
  }

  network_rules {
    default_action             = "Deny"
    bypass                     = ["None"]
    ip_rules                   = var.keeper_addresses
    virtual_network_subnet_ids = [for key, site in local.sites : azurerm_subnet.site[key].id if site.world == each.key]
  }

  lifecycle {
    prevent_destroy = true
  }
}

# Soft delete is for shares. An account, once deleted, is Azure's to give back.
resource "azurerm_management_lock" "world" {
  for_each = var.worlds

  name       = "world"
  scope      = azurerm_storage_account.world[each.key].id
  lock_level = "CanNotDelete"
  notes      = "The files of the world ${each.key}."
}

resource "azurerm_storage_share" "world" {
  for_each = var.worlds

  name               = local.share
  storage_account_id = azurerm_storage_account.world[each.key].id
  quota              = each.value.share_gb
  access_tier        = "TransactionOptimized"

  lifecycle {
    prevent_destroy = true
  }
}

resource "azurerm_user_assigned_identity" "world" {
  for_each = var.worlds

  name                = local.identities[each.key]
  resource_group_name = azurerm_resource_group.data.name
  location            = azurerm_resource_group.data.location
}

# All that a machine must know and nobody else: `hearth-agent secrets` fetches it.
resource "azurerm_key_vault_secret" "machine" {
  for_each = var.worlds

  name         = "machine-${each.key}"
  key_vault_id = azurerm_key_vault.bot.id
  content_type = "application/json"
  value = jsonencode({
    key      = random_password.agent_key[each.key].result
    password = local.passwords[each.key]
    share    = azurerm_storage_account.world[each.key].primary_access_key
  })

  depends_on = [azurerm_log_analytics_workspace.bot] # see there
}

# All that a machine may do.
locals {
  machine_roles = merge([
    for id in keys(var.worlds) : {
      "${id} events" = { world = id, role = "Storage Queue Data Message Sender", scope = azurerm_storage_queue.bot["events"].id }
      "${id} orders" = { world = id, role = "Storage Queue Data Message Processor", scope = azurerm_storage_queue.bot["orders-${id}"].id }
      "${id} lease"  = { world = id, role = "Storage Blob Data Contributor", scope = azurerm_storage_container.lease[id].id }
      "${id} agent"  = { world = id, role = "Storage Blob Data Reader", scope = azurerm_storage_container.deploy.id }
      "${id} secret" = { world = id, role = "Key Vault Secrets User", scope = azurerm_key_vault_secret.machine[id].resource_versionless_id }
    }
  ]...)
}

resource "azurerm_role_assignment" "machine" {
  for_each = local.machine_roles

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = azurerm_user_assigned_identity.world[each.value.world].principal_id
  principal_type       = "ServicePrincipal"
}
