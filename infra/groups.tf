# What lives as long as the deployment: the worlds' files, the bot, their keys.
resource "azurerm_resource_group" "data" {
  name     = local.data_group
  location = var.region

  lifecycle {
    prevent_destroy = true
  }
}

# What machines are made of, and what is made with them. The bot may change all of
# this and nothing else, and calls what nothing uses here a leftover.
resource "azurerm_resource_group" "machines" {
  name     = local.machines_group
  location = var.region
}
