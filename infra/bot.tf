# The bot: a function app, the identity it acts as, and what that may do. docs/bot.md
# has the settings and the rights; tests compare both.

resource "azurerm_user_assigned_identity" "bot" {
  name                = "${var.name}-bot"
  resource_group_name = azurerm_resource_group.data.name
  location            = azurerm_resource_group.data.location
}

locals {
  windows = var.plan == "windows" ? toset(["windows"]) : toset([])
  flex    = var.plan == "flex" ? toset(["flex"]) : toset([])

  # HEARTH_WORLDS, without what was left out.
  bot_worlds = [
    for id, w in var.worlds : {
      for key, value in {
        id   = id
        name = w.name
        port = w.port
        placements = [
          for i, p in w.placements : {
            for k, v in {
              id             = local.placement_ids[id][i]
              size           = p.size
              region         = p.region
              regular        = p.regular ? true : null
              cents_per_hour = p.cents_per_hour
              priced_on      = p.priced_on
            } : k => v if v != null
          }
        ]
        roles                = length(w.roles) > 0 ? w.roles : null
        idle_minutes         = w.idle_minutes
        never_joined_minutes = w.never_joined_minutes
        session_hours        = w.session_hours
        monthly_dollars      = w.monthly_dollars
      } : key => value if value != null
    }
  ]

  bot_settings = merge(
    {
      DISCORD_APPLICATION_ID = var.discord.application_id
      DISCORD_PUBLIC_KEY     = var.discord.public_key
      DISCORD_GUILD_ID       = var.discord.guild_id
      DISCORD_CHANNEL_ID     = var.discord.channel_id
      HEARTH_WORLDS          = jsonencode(local.bot_worlds)
      HEARTH_RESOURCE_GROUP  = local.machines_group
      HEARTH_LOG_LEVEL       = var.log_level
      AZURE_SUBSCRIPTION_ID  = var.subscription_id
      AZURE_CLIENT_ID        = azurerm_user_assigned_identity.bot.client_id
    },
    # Without a version: a secret that changes is taken up by itself, within a day.
    {
      for secret, setting in local.bot_secrets :
      setting => "@Microsoft.KeyVault(SecretUri=https://${local.vault}.vault.azure.net/secrets/${secret})"
    },
    {
      for setting, value in {
        DISCORD_KEEPER_ROLE_ID    = var.discord.keeper_role_id
        DISCORD_KEEPER_CHANNEL_ID = var.discord.keeper_channel_id
        HEARTH_PROBE_KEY          = var.probe_key
      } : setting => value if value != null
    },
  )
}

resource "azurerm_service_plan" "bot" {
  name                = "${var.name}-${var.plan}-${local.suffix}"
  resource_group_name = azurerm_resource_group.data.name
  location            = azurerm_resource_group.data.location

  os_type  = var.plan == "windows" ? "Windows" : "Linux"
  sku_name = var.plan == "windows" ? "Y1" : "FC1"
}

# Windows Consumption. No health check: its pings would keep an instance awake.
resource "azurerm_windows_function_app" "bot" {
  for_each = local.windows

  name                = local.function_app
  resource_group_name = azurerm_resource_group.data.name
  location            = azurerm_resource_group.data.location
  service_plan_id     = azurerm_service_plan.bot.id

  # The key: a queue trigger of this plan does not wake up by identity, and the
  # app's share can't be mounted by it.
  storage_account_name       = azurerm_storage_account.bot.name
  storage_account_access_key = azurerm_storage_account.bot.primary_access_key

  functions_extension_version = "~4"
  https_only                  = true
  builtin_logging_enabled     = false

  # Nobody publishes with a password; `az` does it with a token.
  ftp_publish_basic_authentication_enabled       = false
  webdeploy_publish_basic_authentication_enabled = false

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.bot.id]
  }

  key_vault_reference_identity_id = azurerm_user_assigned_identity.bot.id

  app_settings = merge(local.bot_settings, {
    WEBSITE_RUN_FROM_PACKAGE = "1"
  })

  site_config {
    application_insights_connection_string = azurerm_application_insights.bot.connection_string

    # One instance is plenty; a flood of requests shall not become one of instances.
    app_scale_limit         = 4
    ftps_state              = "Disabled"
    http2_enabled           = true
    minimum_tls_version     = "1.2"
    scm_minimum_tls_version = "1.2"

    application_stack {
      use_custom_runtime = true
    }
  }

  # A reference that can't be resolved when the app is made is tried again only a
  # day later, or when it is told to.
  depends_on = [
    azurerm_role_assignment.bot_secret,
    azurerm_key_vault_secret.token, azurerm_key_vault_secret.bot_key, azurerm_key_vault_secret.agent_key, azurerm_key_vault_secret.password,
  ]
}

# Flex Consumption.
resource "azurerm_function_app_flex_consumption" "bot" {
  for_each = local.flex

  name                = local.function_app
  resource_group_name = azurerm_resource_group.data.name
  location            = azurerm_resource_group.data.location
  service_plan_id     = azurerm_service_plan.bot.id

  runtime_name          = "custom"
  runtime_version       = "1.0"
  instance_memory_in_mb = 512
  # The least that every region takes.
  maximum_instance_count = 40

  storage_container_type            = "blobContainer"
  storage_container_endpoint        = "https://${azurerm_storage_account.bot.name}.blob.core.windows.net/${azurerm_storage_container.app[0].name}"
  storage_authentication_type       = "UserAssignedIdentity"
  storage_user_assigned_identity_id = azurerm_user_assigned_identity.bot.id

  https_only                                     = true
  webdeploy_publish_basic_authentication_enabled = false

  # azurerm can't tell this kind of app by which identity it reads the vault
  # (hashicorp/terraform-provider-azurerm#28928), and without being told it does so
  # by its system-assigned one. So that one reads secrets, and does nothing else.
  identity {
    type         = "SystemAssigned, UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.bot.id]
  }

  app_settings = merge(local.bot_settings, {
    # Emptied: azurerm puts a connection string without a key here, which the host
    # would take before the identity (hashicorp/terraform-provider-azurerm#29149). It
    # does not read it back, so that every plan says it will be set again.
    AzureWebJobsStorage              = ""
    AzureWebJobsStorage__accountName = azurerm_storage_account.bot.name
    AzureWebJobsStorage__credential  = "managedidentity"
    AzureWebJobsStorage__clientId    = azurerm_user_assigned_identity.bot.client_id
  })

  site_config {
    application_insights_connection_string = azurerm_application_insights.bot.connection_string

    http2_enabled           = true
    minimum_tls_version     = "1.2"
    scm_minimum_tls_version = "1.2"
  }

  depends_on = [
    azurerm_role_assignment.bot_storage,
    azurerm_key_vault_secret.token, azurerm_key_vault_secret.bot_key, azurerm_key_vault_secret.agent_key, azurerm_key_vault_secret.password,
  ]
}

# What the bot does with machines: docs/bot.md says what each of these is for. Who
# may write a scale set may do anything on its machine.
resource "azurerm_role_definition" "bot" {
  name        = "${var.name}-${local.suffix} bot"
  description = "Hearth's bot: the worlds' scale sets and what is left over of their machines."
  scope       = azurerm_resource_group.machines.id

  assignable_scopes = [azurerm_resource_group.machines.id]

  permissions {
    actions = [
      "Microsoft.Compute/virtualMachineScaleSets/read",
      "Microsoft.Compute/virtualMachineScaleSets/write",
      "Microsoft.Compute/virtualMachineScaleSets/instanceView/read",
      "Microsoft.Compute/virtualMachines/read",
      "Microsoft.Compute/virtualMachines/write",
      "Microsoft.Compute/virtualMachines/delete",
      "Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action",
      "Microsoft.Compute/disks/read",
      "Microsoft.Compute/disks/write",
      "Microsoft.Compute/disks/delete",
      "Microsoft.Network/networkInterfaces/read",
      "Microsoft.Network/networkInterfaces/write",
      "Microsoft.Network/networkInterfaces/delete",
      "Microsoft.Network/networkInterfaces/join/action",
      "Microsoft.Network/publicIPAddresses/read",
      "Microsoft.Network/publicIPAddresses/write",
      "Microsoft.Network/publicIPAddresses/delete",
      "Microsoft.Network/publicIPAddresses/join/action",
      "Microsoft.Network/virtualNetworks/subnets/join/action",
      "Microsoft.Network/networkSecurityGroups/join/action",
    ]
  }
}

resource "azurerm_role_assignment" "bot_machines" {
  scope              = azurerm_resource_group.machines.id
  role_definition_id = azurerm_role_definition.bot.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.bot.principal_id
  principal_type     = "ServicePrincipal"
}

# A scale set's machines get their world's identity, in the name of who asks for
# them.
resource "azurerm_role_assignment" "bot_identity" {
  for_each = var.worlds

  scope                = azurerm_user_assigned_identity.world[each.key].id
  role_definition_name = "Managed Identity Operator"
  principal_id         = azurerm_user_assigned_identity.bot.principal_id
  principal_type       = "ServicePrincipal"
}

# On each secret by itself: the vault has those of the machines, too.
resource "azurerm_role_assignment" "bot_secret" {
  for_each = local.bot_secrets

  scope                = "${azurerm_key_vault.bot.id}/secrets/${each.key}"
  role_definition_name = "Key Vault Secrets User"
  principal_id = (
    var.plan == "windows" ? azurerm_user_assigned_identity.bot.principal_id
    : azurerm_function_app_flex_consumption.bot["flex"].identity[0].principal_id
  )
  principal_type = "ServicePrincipal"

  depends_on = [
    azurerm_key_vault_secret.token, azurerm_key_vault_secret.bot_key, azurerm_key_vault_secret.agent_key, azurerm_key_vault_secret.password,
  ]
}

# What the host and the bot do in the account where there is no key ("Connecting to
# host storage with an identity"): leases and timers, queues, rows.
resource "azurerm_role_assignment" "bot_storage" {
  for_each = var.plan == "flex" ? toset([
    "Storage Blob Data Owner", "Storage Queue Data Contributor", "Storage Table Data Contributor",
  ]) : toset([])

  scope                = azurerm_storage_account.bot.id
  role_definition_name = each.key
  principal_id         = azurerm_user_assigned_identity.bot.principal_id
  principal_type       = "ServicePrincipal"
}
