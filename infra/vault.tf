# The secrets. The bot reads those of its own kinds by reference in its settings,
# a machine the one of its world (worlds.tf).

resource "azurerm_key_vault" "bot" {
  name                = local.vault
  resource_group_name = azurerm_resource_group.data.name
  location            = azurerm_resource_group.data.location
  tenant_id           = data.azurerm_client_config.keeper.tenant_id
  sku_name            = "standard"

  rbac_authorization_enabled = true
  purge_protection_enabled   = true
  soft_delete_retention_days = 7
}

resource "azurerm_role_assignment" "keeper_secrets" {
  scope                = azurerm_key_vault.bot.id
  role_definition_name = "Key Vault Secrets Officer"
  principal_id         = data.azurerm_client_config.keeper.object_id

  lifecycle {
    # Another keeper who applies this has been given the same (docs/runbook.md), and
    # takes nothing from the first.
    ignore_changes = [principal_id]
  }
}

# Seals the bot's own events.
resource "random_password" "bot_key" {
  length  = 64
  special = false
}

# Seals the events of a world's agent.
resource "random_password" "agent_key" {
  for_each = var.worlds

  length  = 48
  special = false
}

# Of the games that were given none. People type it into the game.
resource "random_password" "game" {
  for_each = setsubtract(keys(var.worlds), nonsensitive(keys(var.passwords)))

  length  = 10
  special = false
}

locals {
  passwords = { for id in keys(var.worlds) : id => try(var.passwords[id], random_password.game[id].result) }

  # What the bot's settings refer to: the names of settings, by those of secrets.
  bot_secrets = merge(
    {
      discord-bot-token = "DISCORD_BOT_TOKEN"
      bot-key           = "HEARTH_BOT_KEY"
    },
    { for id in keys(var.worlds) : "agent-key-${id}" => "HEARTH_AGENT_KEY_${replace(upper(id), "-", "_")}" },
    { for id in keys(var.worlds) : "password-${id}" => "HEARTH_PASSWORD_${replace(upper(id), "-", "_")}" },
  )
}

# The bot's token is `hearth deploy`'s to write, and never in Terraform's state: what
# is written here is forgotten at once, and not written again. The secret must be
# there before a role on it can be. What it holds until then the bot takes for a
# reference that leads nowhere, and says so.
resource "azurerm_key_vault_secret" "token" {
  name             = "discord-bot-token"
  key_vault_id     = azurerm_key_vault.bot.id
  value_wo         = "@Microsoft.KeyVault(hearth deploy writes it)"
  value_wo_version = 1

  depends_on = [azurerm_log_analytics_workspace.bot] # see there
}

resource "azurerm_key_vault_secret" "bot_key" {
  name         = "bot-key"
  key_vault_id = azurerm_key_vault.bot.id
  value        = random_password.bot_key.result

  depends_on = [azurerm_log_analytics_workspace.bot] # see there
}

resource "azurerm_key_vault_secret" "agent_key" {
  for_each = var.worlds

  name         = "agent-key-${each.key}"
  key_vault_id = azurerm_key_vault.bot.id
  value        = random_password.agent_key[each.key].result

  depends_on = [azurerm_log_analytics_workspace.bot]
}

resource "azurerm_key_vault_secret" "password" {
  for_each = var.worlds

  name         = "password-${each.key}"
  key_vault_id = azurerm_key_vault.bot.id
  value        = local.passwords[each.key]

  depends_on = [azurerm_log_analytics_workspace.bot]
}
