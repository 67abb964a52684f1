terraform {
  # 1.11: a value that is written and not kept (vault.tf).
  required_version = ">= 1.11"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.0"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }
}

provider "azurerm" {
  subscription_id = var.subscription_id

  # A new subscription knows few of Azure's services.
  resource_providers_to_register = [
    "Microsoft.Compute", "Microsoft.Consumption", "microsoft.insights", "Microsoft.KeyVault", "Microsoft.ManagedIdentity",
    "Microsoft.Network", "Microsoft.OperationalInsights", "Microsoft.Storage", "Microsoft.Web",
  ]

  # Blobs are written by the role of whoever applies this, not by key (storage.tf).
  storage_use_azuread = true

  features {
    # Else Azure makes an alert beside the bot's log that mails about every failure,
    # and is in the way when the group is deleted.
    application_insights {
      disable_generated_rule = true
    }
  }
}
