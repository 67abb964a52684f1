# The function app on both plans. What the bot makes of its settings, and what it
# may do, is tried in bot_test.go.

mock_provider "azurerm" {
  source          = "./tests/mocks"
  override_during = plan
}

mock_provider "random" {
  source          = "./tests/mocks"
  override_during = plan
}

run "windows" {
  command = plan

  assert {
    condition     = length(azurerm_windows_function_app.bot) == 1 && length(azurerm_function_app_flex_consumption.bot) == 0 && azurerm_service_plan.bot.sku_name == "Y1" && azurerm_service_plan.bot.os_type == "Windows"
    error_message = "plan windows is one app on Windows Consumption"
  }

  assert {
    condition     = azurerm_windows_function_app.bot["windows"].app_settings.WEBSITE_RUN_FROM_PACKAGE == "1" && azurerm_windows_function_app.bot["windows"].key_vault_reference_identity_id == azurerm_user_assigned_identity.bot.id
    error_message = "the app runs from its package, and reads the vault as the bot"
  }

  assert {
    condition     = azurerm_storage_account.bot.shared_access_key_enabled && length(azurerm_role_assignment.bot_storage) == 0 && length(azurerm_storage_container.app) == 0
    error_message = "on Windows the account is opened by its key"
  }

  # Health checks keep an instance awake, a quota puts the bot out while a machine
  # burns.
  assert {
    condition     = azurerm_windows_function_app.bot["windows"].site_config[0].health_check_path == null && coalesce(azurerm_windows_function_app.bot["windows"].daily_memory_time_quota, 0) == 0
    error_message = "the app has neither a health check nor a daily quota"
  }
}

run "flex" {
  command = plan

  variables {
    plan = "flex"
  }

  assert {
    condition     = length(azurerm_windows_function_app.bot) == 0 && length(azurerm_function_app_flex_consumption.bot) == 1 && azurerm_service_plan.bot.sku_name == "FC1" && azurerm_service_plan.bot.os_type == "Linux"
    error_message = "plan flex is one app on Flex Consumption"
  }

  assert {
    condition     = azurerm_function_app_flex_consumption.bot["flex"].storage_authentication_type == "UserAssignedIdentity" && azurerm_function_app_flex_consumption.bot["flex"].storage_container_endpoint == "https://hearthbota1b2c3.blob.core.windows.net/app"
    error_message = "the package is read from the container app as the bot"
  }

  # azurerm's own would win over the identity.
  assert {
    condition     = azurerm_function_app_flex_consumption.bot["flex"].app_settings.AzureWebJobsStorage == ""
    error_message = "AzureWebJobsStorage is emptied"
  }

  assert {
    condition     = !azurerm_storage_account.bot.shared_access_key_enabled
    error_message = "on Flex the account has no use for a key"
  }

  # Not a setting of this plan.
  assert {
    condition     = !contains(keys(azurerm_function_app_flex_consumption.bot["flex"].app_settings), "WEBSITE_RUN_FROM_PACKAGE")
    error_message = "WEBSITE_RUN_FROM_PACKAGE is for Windows"
  }
}

run "token" {
  command = plan

  assert {
    condition     = azurerm_windows_function_app.bot["windows"].app_settings.DISCORD_BOT_TOKEN == "@Microsoft.KeyVault(SecretUri=https://hearth-a1b2c3.vault.azure.net/secrets/discord-bot-token)"
    error_message = "the bot's token is referred to, not given"
  }

  assert {
    condition     = alltrue([for name, value in azurerm_windows_function_app.bot["windows"].app_settings : startswith(value, "@Microsoft.KeyVault(") if can(regex("_KEY$|_KEY_|TOKEN|PASSWORD", name)) && name != "DISCORD_PUBLIC_KEY"])
    error_message = "keys, passwords and the token are referred to, not given"
  }
}

run "storage" {
  command = plan

  assert {
    condition     = azurerm_storage_account.bot.min_tls_version == "TLS1_2" && azurerm_storage_account.bot.https_traffic_only_enabled && !azurerm_storage_account.bot.allow_nested_items_to_be_public && !azurerm_storage_account.bot.local_user_enabled
    error_message = "the account is reached over TLS and by nobody unknown"
  }

  assert {
    condition     = azurerm_storage_account.bot.blob_properties[0].versioning_enabled && azurerm_storage_account.bot.blob_properties[0].delete_retention_policy[0].days == 7 && azurerm_storage_account.bot.blob_properties[0].container_delete_retention_policy[0].days == 7
    error_message = "what is deleted or written over can be had back"
  }

  # What is there stays, however old: the agent's program, the leases' epochs.
  assert {
    condition     = alltrue([for rule in azurerm_storage_management_policy.bot.rule : length(rule.actions[0].base_blob) == 0 && rule.actions[0].version[0].delete_after_days_since_creation == 90])
    error_message = "old versions expire, and nothing else"
  }

  assert {
    condition     = alltrue([for c in concat([azurerm_storage_container.deploy, azurerm_storage_container.tfstate], values(azurerm_storage_container.lease)) : coalesce(c.container_access_type, "private") == "private"])
    error_message = "no container is public"
  }

  assert {
    condition     = azurerm_storage_blob.agent.name == "hearth-agent-${filesha256(var.agent_file)}"
    error_message = "the agent's program is named by what is in it"
  }
}

run "vault" {
  command = plan

  assert {
    condition     = azurerm_key_vault.bot.rbac_authorization_enabled && azurerm_key_vault.bot.purge_protection_enabled && azurerm_key_vault.bot.soft_delete_retention_days == 7
    error_message = "the vault goes by roles, and a deleted secret can be had back"
  }

  assert {
    condition     = random_password.bot_key.length >= 32 && alltrue([for key in random_password.agent_key : key.length >= 16])
    error_message = "keys are long"
  }
}
