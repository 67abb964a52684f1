# What the tests deploy, where they do not say otherwise.

subscription_id = "00000000-0000-4000-8000-000000000001"
region          = "eastus2"
alert_email     = "keeper@example.com"
agent_file      = "variables.tf"
discord = {
  application_id = "1100"
  public_key     = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
  guild_id       = "1200"
  channel_id     = "1300"
}
worlds = {
  midgard = {
    name       = "Midgard"
    world_file = "Midgard"
    placements = [
      { region = "eastus2", size = "Standard_D2ads_v5" },
      { region = "westus2", size = "Standard_E4ds_v5", zone = "1" },
      { region = "eastus2", size = "Standard_D2ads_v5", regular = true },
    ]
  }
  our-world = {
    name       = "Ours"
    world_file = "Ours"
    placements = [{ region = "eastus2", size = "Standard_D2ads_v5" }]
  }
}
