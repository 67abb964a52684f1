# What Azure would make up. Ids have Azure's form: the real provider looks at it.

mock_data "azurerm_client_config" {
  defaults = {
    tenant_id = "00000000-0000-4000-8000-00000000000a"
    object_id = "00000000-0000-4000-8000-00000000000b"
  }
}

mock_resource "azurerm_resource_group" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g"
  }
}

mock_resource "azurerm_storage_account" {
  defaults = {
    id                 = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account"
    primary_access_key = "Y2FuYXJ5LWFjY291bnQ="
  }
}

mock_resource "azurerm_storage_share" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account/fileServices/default/shares/world"
  }
}

mock_resource "azurerm_storage_queue" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account/queueServices/default/queues/queue"
  }
}

mock_resource "azurerm_storage_table" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account/tableServices/default/tables/table"
  }
}

mock_resource "azurerm_storage_container" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account/blobServices/default/containers/container"
  }
}

mock_resource "azurerm_user_assigned_identity" {
  defaults = {
    id           = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/identity"
    client_id    = "00000000-0000-4000-8000-00000000000c"
    principal_id = "00000000-0000-4000-8000-00000000000d"
  }
}

mock_resource "azurerm_key_vault" {
  defaults = {
    id        = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.KeyVault/vaults/vault"
    vault_uri = "https://vault.vault.azure.net/"
  }
}

mock_resource "azurerm_key_vault_secret" {
  defaults = {
    id                      = "https://vault.vault.azure.net/secrets/secret/0123456789abcdef0123456789abcdef"
    versionless_id          = "https://vault.vault.azure.net/secrets/secret"
    resource_versionless_id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.KeyVault/vaults/vault/secrets/secret"
  }
}

mock_resource "azurerm_virtual_network" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/network"
  }
}

mock_resource "azurerm_subnet" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/network/subnets/machine"
  }
}

mock_resource "azurerm_network_security_group" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/group"
  }
}

mock_resource "azurerm_orchestrated_virtual_machine_scale_set" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/set"
  }
}

mock_resource "azurerm_log_analytics_workspace" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/logs"
  }
}

mock_resource "azurerm_application_insights" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Insights/components/app"
  }
}

mock_resource "azurerm_service_plan" {
  defaults = {
    id = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Web/serverFarms/plan"
  }
}

mock_resource "azurerm_windows_function_app" {
  defaults = {
    id               = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Web/sites/app"
    default_hostname = "app.azurewebsites.net"
  }
}

mock_resource "azurerm_function_app_flex_consumption" {
  defaults = {
    id               = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Web/sites/app"
    default_hostname = "app.azurewebsites.net"
  }
}

mock_resource "azurerm_role_definition" {
  defaults = {
    id                          = "/subscriptions/00000000-0000-4000-8000-000000000001/providers/Microsoft.Authorization/roleDefinitions/00000000-0000-4000-8000-00000000000e|/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g"
    role_definition_resource_id = "/subscriptions/00000000-0000-4000-8000-000000000001/providers/Microsoft.Authorization/roleDefinitions/00000000-0000-4000-8000-00000000000e"
  }
}
