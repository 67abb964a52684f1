# What the bot's host writes down. The caps are what it may cost when something
# goes round in circles: 0.1 GB a day are 3 GB a month, of 5 that are free.

resource "azurerm_log_analytics_workspace" "bot" {
  name                = "${var.name}-logs-${local.suffix}"
  resource_group_name = azurerm_resource_group.data.name
  location            = azurerm_resource_group.data.location

  sku               = "PerGB2018"
  retention_in_days = 30
  daily_quota_gb    = 0.1

  # A role that was just given is not known everywhere at once, and azurerm asks
  # for a secret or writes a blob only once. So what needs these two roles waits
  # for the workspace, and that, which takes Azure most of a minute, for them.
  depends_on = [azurerm_role_assignment.keeper_secrets, azurerm_role_assignment.keeper_blobs]
}

resource "azurerm_application_insights" "bot" {
  name                = "${var.name}-${local.suffix}"
  resource_group_name = azurerm_resource_group.data.name
  location            = azurerm_resource_group.data.location

  workspace_id         = azurerm_log_analytics_workspace.bot.id
  application_type     = "web"
  retention_in_days    = 30
  daily_data_cap_in_gb = 0.1
  # The host samples by itself, and never leaves an exception out (host.json).
  sampling_percentage = 100
}
