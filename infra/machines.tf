# What machines are made from: a scale set for each placement. They are empty at
# rest, and the bot alone fills them.

locals {
  # Azure wants a way to log in. This is a key that nobody has the other half of:
  # its modulus is RSA-2048 of the RSA Factoring Challenge, whose factors were
  # destroyed in 1991 and not found since. A test compares it. And no way leads to
  # SSH (network.tf).
  nobodys_key = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDHlwzu3MOwdUSQIBp6phPNc5EQgceQ9fGocm9GNVC7W3/w244eoRiexy+T0WUAEb1yGu6swqzeMqBBB/BkjCgTox9bC3dl/4tEtLb/yTOEtkbrCcfPXoWS1A6jPIADnzW08UoEtR97/Xgb5NFnMWS6jrmRwsTXMLu+NfWSve9SSvfo2u/SbGb8AsR5r4nWTTc/RCcJQ53mbOuVXz6jfVFZ9hNYCfhTNLXLGBOt3IDNBWCfEKxqla1lhyyQlSW9rTK8cpWSZCkg8kxh3Fs8O3kj5WsWpNnTc9hyHySj/A8bMTH1VhUXKGa8zDD5UFTIJOczpetoF/e8FjmdSMY2HMfl"
}

# The machine's description. No secret is in it: whoever may read a scale set reads
# it, too.
module "vm" {
  source   = "./vm"
  for_each = var.worlds

  world           = each.key
  world_file      = each.value.world_file
  server_name     = local.server_names[each.key]
  port            = each.value.port
  public          = each.value.public
  crossplay       = each.value.crossplay
  save_interval   = each.value.save_interval
  args            = each.value.args
  environment     = each.value.environment
  allow_new_world = each.value.allow_new_world

  storage_account = azurerm_storage_account.bot.name
  client_id       = azurerm_user_assigned_identity.world[each.key].client_id
  secret_url      = "https://${azurerm_key_vault.bot.name}.vault.azure.net/secrets/${azurerm_key_vault_secret.machine[each.key].name}"
  agent_url       = "https://${azurerm_storage_account.bot.name}.blob.core.windows.net/${azurerm_storage_container.deploy.name}/${azurerm_storage_blob.agent.name}"
  agent_sha256    = local.agent_sha256
  share_account   = azurerm_storage_account.world[each.key].name
  share           = azurerm_storage_share.world[each.key].name
}

# azurerm never touches a set's running machines: what is changed here is so from
# the next start on.
resource "azurerm_orchestrated_virtual_machine_scale_set" "placement" {
  for_each = local.placements

  name                        = each.key
  resource_group_name         = azurerm_resource_group.machines.name
  location                    = each.value.region
  zones                       = each.value.zone == null ? null : [each.value.zone]
  platform_fault_domain_count = 1

  instances = 0
  sku_name  = each.value.size

  priority        = each.value.regular ? "Regular" : "Spot"
  eviction_policy = each.value.regular ? null : "Delete"
  max_bid_price   = each.value.regular ? null : -1 # up to the full price; taken back for room alone

  source_image_reference {
    publisher = "Canonical"
    offer     = "0001-com-ubuntu-server-jammy"
    sku       = "22_04-lts-gen2"
    version   = var.image_version
  }

  # The machine's own disk: it costs nothing, and is gone with it.
  os_disk {
    caching              = "ReadOnly"
    storage_account_type = "Standard_LRS"

    diff_disk_settings {
      option    = "Local"
      placement = "ResourceDisk"
    }
  }

  os_profile {
    custom_data = base64encode(module.vm[each.value.world].cloud_init)

    linux_configuration {
      computer_name_prefix            = each.value.world
      admin_username                  = "hearth"
      disable_password_authentication = true

      admin_ssh_key {
        username   = "hearth"
        public_key = local.nobodys_key
      }
    }
  }

  network_interface {
    name                           = "machine"
    primary                        = true
    accelerated_networking_enabled = true

    ip_configuration {
      name      = "machine"
      primary   = true
      subnet_id = azurerm_subnet.site["${each.value.world}-${each.value.region}"].id

      # Made with the machine and deleted with it: a static one is billed always.
      public_ip_address {
        name     = "machine"
        sku_name = "Standard_Regional"
      }
    }
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.world[each.value.world].id]
  }

  # Azure's own storage keeps the serial log: an account of ours would have to be
  # in the machine's region, and would fill up with the logs of machines long gone.
  boot_diagnostics {}

  lifecycle {
    # The bot's to change: a `terraform apply` on an evening must not take the
    # machine away from under the players.
    ignore_changes = [instances, sku_name]
  }

  # No machine before its network is closed.
  depends_on = [azurerm_subnet_network_security_group_association.site]
}
