# What `hearth deploy` and people need to go on. No secret is among it.

locals {
  app_url = "https://${one(concat(
    [for app in azurerm_windows_function_app.bot : app.default_hostname],
    [for app in azurerm_function_app_flex_consumption.bot : app.default_hostname],
  ))}"

  # The same address as `hearth doctor` gives (internal/operator).
  invite_url = join("", [
    "https://discord.com/oauth2/authorize?client_id=${var.discord.application_id}&disable_guild_select=true",
    "&guild_id=${var.discord.guild_id}&permissions=84992&scope=bot+applications.commands",
  ])
}

output "interactions_url" {
  description = "Discord's way to the bot: the application's Interactions Endpoint URL."
  value       = "${local.app_url}/api/interactions"
}

output "health_url" {
  description = "Tells the bot's version and which settings it has, and no value of any."
  value       = "${local.app_url}/api/health"
}

output "invite_url" {
  description = "Brings the application into the Discord server."
  value       = local.invite_url
}

output "function_app" {
  description = "The function app's name."
  value       = local.function_app
}

output "resource_group" {
  description = "The resource group of all that lasts."
  value       = azurerm_resource_group.data.name
}

output "machines_group" {
  description = "The resource group of the machines, which holds nothing else."
  value       = azurerm_resource_group.machines.name
}

output "vault" {
  description = "The key vault's name."
  value       = azurerm_key_vault.bot.name
}

output "bot_account" {
  description = "The bot's storage account."
  value       = azurerm_storage_account.bot.name
}

output "package" {
  description = "The package in dist that this plan runs."
  value       = var.plan == "windows" ? "hearth-bot-windows-amd64.zip" : "hearth-bot-linux-amd64.zip"
}

output "shares" {
  description = "The storage accounts of the worlds' files, by world; each has the share world."
  value       = local.share_accounts
}

output "state_backend" {
  description = "Where Terraform's state goes with `make remote-state`: the configuration of a backend of type azurerm."
  value = {
    resource_group_name  = azurerm_resource_group.data.name
    storage_account_name = azurerm_storage_account.bot.name
    container_name       = azurerm_storage_container.tfstate.name
    key                  = "hearth.tfstate"
    use_azuread_auth     = "true"
  }
}

output "next_steps" {
  description = "What to do next."
  value       = <<-EOT
    1. Open ${local.invite_url}
       and choose Authorize: it brings the bot into your Discord server.
    2. `make deploy` does the rest: the bot's token, its program, its commands, and its address at Discord. To set that by hand: discord.com/developers/applications/${var.discord.application_id}/information, Interactions Endpoint URL, ${local.app_url}/api/interactions
    3. `hearth doctor` looks at all of it. Then type /start in your channel.
  EOT
}
