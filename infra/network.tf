# A network for each world in each region that it may be in. Networks cost nothing,
# machines of two worlds can't reach each other, and no address depends on which
# other worlds there are.

locals {
  sites = merge([
    for id, w in var.worlds : {
      for region in distinct(w.placements[*].region) : "${id}-${region}" => { world = id, region = region }
    }
  ]...)
}

resource "azurerm_virtual_network" "site" {
  for_each = local.sites

  name                = "${var.name}-${each.key}"
  resource_group_name = azurerm_resource_group.machines.name
  location            = each.value.region
  address_space       = ["10.0.0.0/24"]
}

resource "azurerm_subnet" "site" {
  for_each = local.sites

  name                 = "machine"
  resource_group_name  = azurerm_resource_group.machines.name
  virtual_network_name = azurerm_virtual_network.site[each.key].name
  address_prefixes     = ["10.0.0.0/24"]

  # A machine has an address of its own.
  default_outbound_access_enabled = false

  # The world's files let this subnet in. Global: they may be in another region.
  service_endpoint {
    service = "Microsoft.Storage.Global"
  }
}

# Players come in, nobody else: not other machines, not to SSH. Help for a machine
# goes through Azure (run-command, the serial log).
resource "azurerm_network_security_group" "site" {
  for_each = local.sites

  name                = "${var.name}-${each.key}"
  resource_group_name = azurerm_resource_group.machines.name
  location            = each.value.region

  security_rule {
    name                       = "game"
    priority                   = 100
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Udp"
    source_address_prefix      = "*"
    source_port_range          = "*"
    destination_address_prefix = "*"
    destination_port_range     = "${var.worlds[each.value.world].port}-${var.worlds[each.value.world].port + 1}"
  }

  # Azure's own rules would let in what is in the network.
  security_rule {
    name                       = "nothing-else"
    priority                   = 4096
    direction                  = "Inbound"
    access                     = "Deny"
    protocol                   = "*"
    source_address_prefix      = "*"
    source_port_range          = "*"
    destination_address_prefix = "*"
    destination_port_range     = "*"
  }
}

resource "azurerm_subnet_network_security_group_association" "site" {
  for_each = local.sites

  subnet_id                 = azurerm_subnet.site[each.key].id
  network_security_group_id = azurerm_network_security_group.site[each.key].id
}
