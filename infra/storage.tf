# The bot's storage account: the worlds' rows, the queues, the leases, the agent's
# program. internal/azure/storage and internal/azure/bloblease say what is what; a
# test compares the names.

data "azurerm_client_config" "keeper" {}

resource "azurerm_storage_account" "bot" {
  name                = local.bot_account
  resource_group_name = azurerm_resource_group.data.name
  location            = azurerm_resource_group.data.location

  account_tier             = "Standard"
  account_replication_type = "LRS"

  min_tls_version                  = "TLS1_2"
  https_traffic_only_enabled       = true
  allow_nested_items_to_be_public  = false
  cross_tenant_replication_enabled = false
  local_user_enabled               = false
  default_to_oauth_authentication  = true
  # On Windows Consumption the app's own files are a share, which is mounted with
  # the key ("WEBSITE_CONTENTAZUREFILECONNECTIONSTRING"). Elsewhere nobody needs it.
  shared_access_key_enabled = var.plan == "windows"

  # A blob here is Terraform's state or a lease's epoch: both are worse lost than
  # kept too long.
  blob_properties {
    versioning_enabled = true

    delete_retention_policy {
      days = 7
    }

    container_delete_retention_policy {
      days = 7
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

# What was written over or deleted is kept for three months, what is there for
# ever: the agent's program may be older than that, and the leases are.
resource "azurerm_storage_management_policy" "bot" {
  storage_account_id = azurerm_storage_account.bot.id

  rule {
    name    = "old-versions"
    enabled = true

    filters {
      blob_types = ["blockBlob"]
    }

    actions {
      version {
        delete_after_days_since_creation = 90
      }
    }
  }
}

# events-poison is what the Functions host sets aside; it would make that queue
# itself, at the first time.
resource "azurerm_storage_queue" "bot" {
  for_each = toset(concat(["events", "events-poison"], [for id in keys(var.worlds) : "orders-${id}"]))

  name               = each.key
  storage_account_id = azurerm_storage_account.bot.id
}

resource "azurerm_storage_table" "bot" {
  for_each = toset(["worlds", "archive"])

  name               = each.key
  storage_account_id = azurerm_storage_account.bot.id

  lifecycle {
    prevent_destroy = true
  }
}

# A world's lease, in a container of its own for the sake of its machine's role. A
# lease that is made anew counts its boots from 1 again, and the world's row, which
# remembers more of them, would not listen to its machine.
resource "azurerm_storage_container" "lease" {
  for_each = var.worlds

  name               = "lease-${each.key}"
  storage_account_id = azurerm_storage_account.bot.id

  lifecycle {
    prevent_destroy = true
  }
}

# The agent's program, for the machines.
resource "azurerm_storage_container" "deploy" {
  name               = "deploy"
  storage_account_id = azurerm_storage_account.bot.id
}

# Terraform's state, if the keeper moves it here: `make remote-state`.
resource "azurerm_storage_container" "tfstate" {
  name               = "tfstate"
  storage_account_id = azurerm_storage_account.bot.id

  lifecycle {
    prevent_destroy = true
  }
}

# The bot's own package, where the plan keeps it in a container.
resource "azurerm_storage_container" "app" {
  count = var.plan == "flex" ? 1 : 0

  name               = "app"
  storage_account_id = azurerm_storage_account.bot.id
}

# Whoever applies this writes blobs by role, not by key: there may be none.
resource "azurerm_role_assignment" "keeper_blobs" {
  for_each = {
    deploy  = azurerm_storage_container.deploy.id
    tfstate = azurerm_storage_container.tfstate.id
  }

  scope                = each.value
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = data.azurerm_client_config.keeper.object_id

  lifecycle {
    # Another keeper who applies this has been given the same (docs/runbook.md), and
    # takes nothing from the first.
    ignore_changes = [principal_id]
  }
}

locals {
  agent_sha256 = filesha256(var.agent_file)
  agent_blob   = "hearth-agent-${local.agent_sha256}"
}

# Named by what is in it, and the new one is there before the old one goes: a
# machine that comes up meanwhile finds the one it was told of.
resource "azurerm_storage_blob" "agent" {
  name                 = local.agent_blob
  storage_container_id = azurerm_storage_container.deploy.id
  type                 = "Block"
  source               = var.agent_file
  content_type         = "application/octet-stream"

  lifecycle {
    create_before_destroy = true
    # The name tells what is in it. That the same file lies elsewhere changes nothing.
    ignore_changes = [source]
  }

  depends_on = [azurerm_log_analytics_workspace.bot] # see there
}
