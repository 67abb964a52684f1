# Ends every name that must be one of a kind in all of Azure.
resource "random_string" "suffix" {
  length  = 6
  upper   = false
  special = false
}

locals {
  suffix         = random_string.suffix.result
  data_group     = var.name
  machines_group = "${var.name}-machines"
  bot_account    = "${var.name}bot${local.suffix}"
  vault          = "${var.name}-${local.suffix}"
  function_app   = "${var.name}-${local.suffix}"

  # A world's storage account, by its id. Names of accounts have 24 letters and
  # digits, too few for most ids.
  share_accounts = { for id in keys(var.worlds) : id => "${var.name}${local.suffix}${substr(sha256(id), 0, 8)}" }
  share          = "world"

  # Of the worlds' machines. Not "-bot", whatever a world is called: that is the bot's.
  identities = { for id in keys(var.worlds) : id => "${var.name}-world-${id}" }

  server_names = { for id, w in var.worlds : id => coalesce(w.server_name, w.name) }

  # A placement's id, and its scale set's name: the same wherever it stands in the
  # list. By world, in their order.
  placement_ids = {
    for id, w in var.worlds : id => [
      for p in w.placements : join("-", compact([
        var.name, id, p.region, replace(trimprefix(lower(p.size), "standard_"), "_", "-"),
        p.zone == null ? "" : "z${p.zone}", p.regular ? "regular" : "",
      ]))
    ]
  }

  # All placements, by their ids.
  placements = merge([
    for id, w in var.worlds : {
      for i, p in w.placements : local.placement_ids[id][i] => merge(p, { world = id })
    }
  ]...)
}
