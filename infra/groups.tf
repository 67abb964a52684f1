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

# Over both groups together: a machine's hours and what is kept are one bill. A
# budget per group would have to divide an amount that nobody can divide.
#
# Azure makes none for a subscription that is younger than some two days.
resource "azurerm_consumption_budget_subscription" "month" {
  count = var.budget_dollars > 0 ? 1 : 0

  name            = "${var.name}-month"
  subscription_id = "/subscriptions/${var.subscription_id}"
  amount          = var.budget_dollars
  time_grain      = "Monthly"

  time_period {
    start_date = formatdate("YYYY-MM-01'T'00:00:00Z", plantimestamp())
  }

  filter {
    dimension {
      name   = "ResourceGroupName"
      values = [azurerm_resource_group.data.name, azurerm_resource_group.machines.name]
    }
  }

  dynamic "notification" {
    for_each = [
      { threshold = 50, type = "Actual" },
      { threshold = 80, type = "Actual" },
      { threshold = 100, type = "Actual" },
      { threshold = 100, type = "Forecasted" },
    ]

    content {
      operator       = "GreaterThanOrEqualTo"
      threshold      = notification.value.threshold
      threshold_type = notification.value.type
      contact_emails = [var.alert_email]
    }
  }

  lifecycle {
    # Azure takes the month in which the budget was made, and no other.
    ignore_changes = [time_period]
  }
}
