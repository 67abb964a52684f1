# What a deployment is told, in terraform.tfvars. `hearth init` writes that file;
# terraform.tfvars.example shows one. What is refused here would be refused later
# by Azure, by the bot's start or by the agent on the machine, and cost an evening.

# What the checks below compare with.
locals {
  # Of these the bot knows the price (internal/world/price): it can keep a world's
  # monthly_dollars without being told more. "Region size".
  priced = ["eastus Standard_D2ads_v5", "eastus2 Standard_D2ads_v5", "westus2 Standard_D2ads_v5"]

  # What Hearth itself tells the server's image (internal/docker).
  own_variables = [
    "BACKUPS", "BACKUPS_CRON", "RESTART_CRON", "SERVER_ARGS", "SERVER_NAME", "SERVER_PASS", "SERVER_PORT", "SERVER_PUBLIC",
    "STATUS_HTTP", "SUPERVISOR_HTTP", "TZ", "UPDATE_CRON", "UPDATE_IF_IDLE", "WORLD_NAME",
  ]
}

variable "subscription_id" {
  description = "Id of the Azure subscription that pays: `az account show --query id --output tsv`."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", var.subscription_id))
    error_message = "subscription_id is no subscription's id: take what `az account show --query id --output tsv` prints, such as 00000000-0000-0000-0000-000000000000."
  }
}

variable "name" {
  description = "Begins the name of everything that is made. Another one makes a second deployment; it can't be changed afterwards."
  type        = string
  default     = "hearth"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{2,9}$", var.name))
    error_message = "name must be 3 to 10 small letters and digits, a letter first: storage accounts are named by it, whose names have 24 of these at most."
  }
}

variable "region" {
  description = "Where the bot and the worlds' files are, such as eastus2: near the players. Machines may be in other regions besides."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{3,}[0-9]?$", var.region))
    error_message = "region must be a region's short name, such as eastus2 or westeurope: `az account list-locations --query \"[].name\" --output tsv` lists them."
  }
}

variable "plan" {
  description = "What the bot runs on: windows (Consumption) or flex (Flex Consumption, on Linux)."
  type        = string
  default     = "windows"
  nullable    = false

  validation {
    condition     = contains(["windows", "flex"], var.plan)
    error_message = "plan must be windows or flex: take windows, unless your subscription can't have a Windows Consumption plan."
  }
}

variable "discord" {
  description = "The Discord application, and where in Discord Hearth lives. The bot's token is no variable: `hearth deploy` puts it into the vault."
  type = object({
    application_id    = string
    public_key        = string
    guild_id          = string
    channel_id        = string
    keeper_role_id    = optional(string) # without it the keepers are those who may manage the server
    keeper_channel_id = optional(string) # without it the keepers are told in the channel
  })
  nullable = false

  validation {
    condition = alltrue([
      for id in [var.discord.application_id, var.discord.guild_id, var.discord.channel_id] : can(regex("^[0-9]{1,20}$", id))
    ])
    error_message = "discord: application_id, guild_id and channel_id must be ids, numbers in quotes. The application's is on its General Information page; for the others switch on developer mode in Discord, then copy the ids of the server and of the channel."
  }

  validation {
    condition = alltrue([
      for id in [var.discord.keeper_role_id, var.discord.keeper_channel_id] : can(regex("^[0-9]{1,20}$", coalesce(id, "0")))
    ])
    error_message = "discord: keeper_role_id and keeper_channel_id must be ids, numbers in quotes: switch on developer mode in Discord, then copy them, or leave them out."
  }

  validation {
    condition     = can(regex("^[0-9a-fA-F]{64}$", var.discord.public_key)) && can(regex("[^0]", var.discord.public_key))
    error_message = "discord: public_key must be the application's \"Public Key\", 64 hex digits: copy it from its General Information page in Discord's developer portal."
  }
}

variable "worlds" {
  description = "The worlds, by id: docs/bot.md and docs/agent.md explain each of these. Ids name queues, files and accounts, so a world keeps its id."
  type = map(object({
    name        = string           # as people see it in Discord
    world_file  = string           # of its files: Midgard of Midgard.db
    server_name = optional(string) # as players see it in the game; the name, if it is left out
    placements = list(object({     # where a machine may be had, the best first
      region         = string
      size           = string
      zone           = optional(string)
      regular        = optional(bool, false) # never taken back, several times the price, only when a keeper says so
      cents_per_hour = optional(number)
      priced_on      = optional(string)
    }))
    port                 = optional(number, 2456)
    public               = optional(bool, false)
    crossplay            = optional(bool, false)
    save_interval        = optional(string, "5m")
    args                 = optional(list(string), [])
    environment          = optional(map(string), {})
    allow_new_world      = optional(bool, true)
    share_gb             = optional(number, 20)
    roles                = optional(list(string), [])
    idle_minutes         = optional(number)
    never_joined_minutes = optional(number)
    session_hours        = optional(number)
    monthly_dollars      = optional(number)
  }))
  nullable = false

  validation {
    condition     = length(var.worlds) >= 1 && length(var.worlds) <= 25
    error_message = "worlds has ${length(var.worlds)} of them: one deployment keeps 1 to 25."
  }

  validation {
    condition = alltrue([
      for id in keys(var.worlds) : length(id) <= 24 && can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", id)) && !endswith(id, "-poison")
    ])
    error_message = "worlds: an id is 1 to 24 of a-z, 0-9 and single inner dashes, and does not end in -poison, which names the queue of another world's broken orders. These are none: ${join(", ", [for id in keys(var.worlds) : id if length(id) > 24 || !can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", id)) || endswith(id, "-poison")])}."
  }

  # One line with something that can be seen. A character of several code points
  # counts as several, as it does for the bot.
  validation {
    condition = alltrue([
      for w in var.worlds : length(regexall("(?s).", w.name)) <= 40 && can(regex("[^\\pZ\\pC\\pM]", w.name)) && !can(regex("\\p{Cc}", w.name))
    ])
    error_message = "worlds: name must be one line of 1 to 40 characters. Write it so for ${join(", ", [for id, w in var.worlds : id if length(regexall("(?s).", w.name)) > 40 || !can(regex("[^\\pZ\\pC\\pM]", w.name)) || can(regex("\\p{Cc}", w.name))])}."
  }

  validation {
    condition     = alltrue([for w in var.worlds : can(regex("^[A-Za-z0-9_-]{1,40}$", w.world_file))])
    error_message = "worlds: world_file names the world's files and must be 1 to 40 letters, digits, _ and -, without .db. Write it so for ${join(", ", [for id, w in var.worlds : id if !can(regex("^[A-Za-z0-9_-]{1,40}$", w.world_file))])}."
  }

  validation {
    condition = alltrue([
      for w in var.worlds : length(regexall("(?s).", coalesce(w.server_name, w.name, "-"))) <= 64 && !can(regex("[\\r\\n\\x00]", coalesce(w.server_name, w.name, "-")))
    ])
    error_message = "worlds: server_name must be one line of 1 to 64 characters. Write it so for ${join(", ", [for id, w in var.worlds : id if length(regexall("(?s).", coalesce(w.server_name, "-"))) > 64 || can(regex("[\\r\\n\\x00]", coalesce(w.server_name, "-")))])}."
  }

  validation {
    condition     = alltrue([for w in var.worlds : length(w.placements) >= 1 && length(w.placements) <= 25])
    error_message = "worlds: placements must name 1 to 25 places where a machine may be had, the best first, such as { region = \"eastus2\", size = \"Standard_D2ads_v5\" }. Mend those of ${join(", ", [for id, w in var.worlds : id if length(w.placements) < 1 || length(w.placements) > 25])}."
  }

  validation {
    condition = alltrue(flatten([
      for w in var.worlds : [for p in w.placements : can(regex("^[a-z]{3,}[0-9]?$", p.region)) && contains(["", "1", "2", "3"], coalesce(p.zone, "none") == "none" ? "" : p.zone)]
    ]))
    error_message = "worlds: a placement's region must be a region's short name, such as eastus2 (`az account list-locations --query \"[].name\" --output tsv` lists them), and its zone \"1\", \"2\", \"3\" or left out, which leaves Azure the most room."
  }

  # The system's disk is the machine's own (an ephemeral one), or a disk would be
  # billed beside it: "Ephemeral OS disks for Azure VMs". azurerm knows the
  # placements CacheDisk and ResourceDisk, not the NVMe disk of the v6 sizes.
  validation {
    condition = alltrue(flatten([
      for w in var.worlds : [for p in w.placements : can(regex("^Standard_[DE](2|4|8|16|32|48|64|96)a?ds_v5$", p.size))]
    ]))
    error_message = "worlds: a placement's size must be one of the families Dads_v5, Dds_v5, Eads_v5 or Eds_v5, such as Standard_D2ads_v5: their local disk (the d) holds the system, so that no disk is left over and billed. Sizes without a d (Standard_D2as_v5) have none, older ones (v4 and before) too small a one for this, and that of v6 and later is NVMe, which Terraform's azurerm can't use for it. Not so: ${join(", ", distinct(flatten([for w in var.worlds : [for p in w.placements : p.size if !can(regex("^Standard_[DE](2|4|8|16|32|48|64|96)a?ds_v5$", p.size))]])))}."
  }

  validation {
    condition = alltrue([
      for w in var.worlds : length(distinct([for p in w.placements : "${p.region} ${p.size} ${coalesce(p.zone, "none")} ${p.regular}"])) == length(w.placements)
    ])
    error_message = "worlds: no world has a placement twice. Remove one of those with the same region, size, zone and regular."
  }

  # The names are made in locals.tf.
  validation {
    condition = alltrue(flatten([
      for id, w in var.worlds : [
        for p in w.placements : length("${var.name}-${id}-${p.region}-${trimprefix(p.size, "Standard_")}${p.zone == null ? "" : "-z1"}${p.regular ? "-regular" : ""}") <= 64
      ]
    ]))
    error_message = "worlds: a scale set's name has 64 characters at most, and is made of the variable name, the world's id, region and size: give a shorter id to those with long ones, or the deployment a shorter name."
  }

  validation {
    condition = alltrue(flatten([
      for w in var.worlds : [
        for p in w.placements : coalesce(p.cents_per_hour, 1) > 0 && coalesce(p.cents_per_hour, 1) <= 1000 &&
        can(regex("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", coalesce(p.priced_on, "2026-11-30"))) && can(formatdate("YYYY", "${coalesce(p.priced_on, "2026-11-30")}T00:00:00Z"))
      ]
    ]))
    error_message = "worlds: a placement's cents_per_hour must be above 0 and at most 1000 (US cents an hour, the public address included), and its priced_on a day such as 2026-11-30; or leave them out."
  }

  validation {
    condition     = alltrue([for w in var.worlds : w.port >= 1024 && w.port <= 65534 && floor(w.port) == w.port])
    error_message = "worlds: port must be 1024 to 65534 (UDP; the one above it is the game's, too): choose another one for ${join(", ", [for id, w in var.worlds : id if w.port < 1024 || w.port > 65534 || floor(w.port) != w.port])}."
  }

  validation {
    condition = alltrue([
      for w in var.worlds : can(regex("^([0-9]{1,4}h)?([0-9]{1,4}m)?([0-9]{1,4}s)?$", w.save_interval)) &&
      try(sum([for part in regexall("([0-9]+)([hms])", w.save_interval) : tonumber(part[0]) * { h = 3600, m = 60, s = 1 }[part[1]]]), 0) >= 60 &&
      try(sum([for part in regexall("([0-9]+)([hms])", w.save_interval) : tonumber(part[0]) * { h = 3600, m = 60, s = 1 }[part[1]]]), 0) <= 7200
    ])
    error_message = "worlds: save_interval must be 1m to 2h, written like 5m, 1h or 7m30s: that is how much of the game is lost when a machine vanishes. 5m is a good one."
  }

  validation {
    condition     = alltrue(flatten([for w in var.worlds : [for a in w.args : can(regex("^[A-Za-z0-9_.:/+=,@%-]{1,100}$", a))]]))
    error_message = "worlds: args is a list with each of the game's arguments and each of their values by itself, such as [\"-preset\", \"hard\"]; they have no blanks and none of *, ? and $."
  }

  validation {
    condition = alltrue(flatten([
      for w in var.worlds : [for name in keys(w.environment) : can(regex("^[A-Za-z_][A-Za-z0-9_]{0,100}$", name)) && !contains(local.own_variables, name)]
    ]))
    error_message = "worlds: environment is variables of the server's image, named by letters, digits and _, such as ADMINLIST_IDS. Hearth itself sets ${join(", ", local.own_variables)}: use the world's own keys for these."
  }

  validation {
    condition     = alltrue([for w in var.worlds : w.share_gb >= 1 && w.share_gb <= 5120 && floor(w.share_gb) == w.share_gb])
    error_message = "worlds: share_gb must be whole gigabytes, 1 to 5120: the most that a world's files may grow to. What they use is billed, not this, so 20 is plenty and costs nothing more."
  }

  validation {
    condition     = alltrue(flatten([for w in var.worlds : [for role in w.roles : can(regex("^[0-9]{1,20}$", role))]]))
    error_message = "worlds: roles are ids of Discord roles, numbers in quotes: switch on developer mode in Discord, then copy the roles' ids. Leave it out to let everybody in the channel play."
  }

  validation {
    condition = alltrue([
      for w in var.worlds : alltrue([
        for minutes in [coalesce(w.idle_minutes, 10), coalesce(w.never_joined_minutes, 30)] : minutes >= 1 && minutes <= 720 && floor(minutes) == minutes
      ])
    ])
    error_message = "worlds: idle_minutes and never_joined_minutes must be whole minutes, 1 to 720, or left out for 10 and 30: so long a machine may burn with nobody on."
  }

  validation {
    condition     = alltrue([for w in var.worlds : coalesce(w.session_hours, 24) >= 0.25 && coalesce(w.session_hours, 24) <= 168])
    error_message = "worlds: session_hours must be 0.25 to 168, or left out for 24: so long a session may last, whoever is on."
  }

  validation {
    condition     = alltrue([for w in var.worlds : coalesce(w.monthly_dollars, 0) >= 0 && coalesce(w.monthly_dollars, 0) <= 10000])
    error_message = "worlds: monthly_dollars must be up to 10000, or left out for no limit: so much a world's machines may cost in a calendar month."
  }

  # The bot refuses to start with a limit that it can't keep.
  validation {
    condition = alltrue(flatten([
      for w in var.worlds : [
        for p in w.placements : coalesce(w.monthly_dollars, 0) == 0 || p.cents_per_hour != null || contains(local.priced, "${p.region} ${p.size}")
      ]
    ]))
    error_message = "worlds: a world with monthly_dollars needs to know what a machine costs. Give these placements cents_per_hour, in US cents an hour with the public address (azure.com/pricing, spot, and half a cent): ${join(", ", distinct(flatten([for w in var.worlds : [for p in w.placements : "${p.size} in ${p.region}" if coalesce(w.monthly_dollars, 0) != 0 && p.cents_per_hour == null && !contains(local.priced, "${p.region} ${p.size}")]])))}."
  }
}

variable "passwords" {
  description = "Passwords of the worlds' games, by the world's id. A world that is not here gets one made up, which `/join` shows to those who may play."
  type        = map(string)
  default     = {}
  nullable    = false
  sensitive   = true

  validation {
    condition     = length(setsubtract(nonsensitive(keys(var.passwords)), keys(var.worlds))) == 0
    error_message = "passwords is for the worlds of this deployment, by their ids; there is no ${join(", ", setsubtract(nonsensitive(keys(var.passwords)), keys(var.worlds)))}. Remove it, or write the id as it is in worlds."
  }

  validation {
    condition     = alltrue([for p in values(var.passwords) : can(regex("^[!-~]{5,64}$", p))])
    error_message = "passwords: each must be 5 to 64 letters, digits and signs without blanks (the game refuses shorter ones). Leave a world out to have one made up."
  }

  validation {
    condition = alltrue([
      for id, p in var.passwords : !strcontains(try(coalesce(var.worlds[id].server_name, var.worlds[id].name), ""), p)
    ])
    error_message = "passwords: the game refuses a password that is part of the server's name: choose another one."
  }
}

variable "alert_email" {
  description = "Who is written to when money is spent faster than budget_dollars allows."
  type        = string

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alert_email))
    error_message = "alert_email must be one e-mail address that you read: Azure writes to it when money is spent faster than budget_dollars allows."
  }
}

variable "budget_dollars" {
  description = "What a month may cost before mails are sent. Azure stops nothing by itself: monthly_dollars of a world does."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.budget_dollars == 0 || var.budget_dollars >= 1 && var.budget_dollars <= 10000
    error_message = "budget_dollars must be 1 to 10000, in the currency that the subscription is billed in: what a month may cost before a mail is sent; or 0 for no mails."
  }
}

variable "keeper_addresses" {
  description = "Public IPv4 addresses, or CIDR blocks of them, from which the worlds' files may be read and written besides by their machines: the keeper's own, for copies."
  type        = list(string)
  default     = []
  nullable    = false

  # A storage account's firewall knows public addresses alone, and no block smaller
  # than four of them: "Configure Azure Storage firewalls and virtual networks".
  validation {
    condition = alltrue([
      for a in var.keeper_addresses : can(regex("^([0-9]{1,3}\\.){3}[0-9]{1,3}(/([1-9]|[12][0-9]|30))?$", a)) && can(cidrhost(strcontains(a, "/") ? a : "${a}/32", 0)) &&
      !can(regex("^(0|10|127|169\\.254|192\\.168|172\\.(1[6-9]|2[0-9]|3[01]))\\.", a))
    ])
    error_message = "keeper_addresses must be IPv4 addresses such as 203.0.113.7, or blocks such as 203.0.113.0/24 (/30 at the smallest), as the internet sees them: not those of a home network (10., 172.16. to 172.31., 192.168.). `curl -4 ifconfig.me` prints yours."
  }
}

variable "agent_file" {
  description = "The agent's program for the machines, which is put into the deployment's storage. `make agent` builds it."
  type        = string
  default     = "../bin/hearth-agent"
  nullable    = false

  validation {
    condition     = fileexists(var.agent_file)
    error_message = "agent_file ${var.agent_file} is not there: run `make agent` in the repository, which builds it."
  }
}

variable "probe_key" {
  description = "Public key of a probe that may measure the bot's answer to a PING: `hearth probe --new-key FILE` prints it."
  type        = string
  default     = null

  validation {
    condition     = can(regex("^[0-9a-fA-F]{64}$", coalesce(var.probe_key, join("", [for i in range(64) : "1"])))) && can(regex("[^0]", coalesce(var.probe_key, "1")))
    error_message = "probe_key must be 64 hex digits, as `hearth probe --new-key FILE` prints them, or left out."
  }
}

variable "log_level" {
  description = "How much the bot writes into its log: debug, info, warn or error."
  type        = string
  default     = "info"
  nullable    = false

  validation {
    condition     = contains(["debug", "info", "warn", "error"], var.log_level)
    error_message = "log_level must be debug, info, warn or error."
  }
}

variable "image_version" {
  description = "Version of the machines' image, Ubuntu Server 22.04: latest, so that a machine begins up to date, or a fixed one."
  type        = string
  default     = "latest"
  nullable    = false

  validation {
    condition     = can(regex("^(latest|22\\.04\\.[0-9]{9,12})$", var.image_version))
    error_message = "image_version must be latest, or one that `az vm image list --all --publisher Canonical --offer 0001-com-ubuntu-server-jammy --sku 22_04-lts-gen2 --query \"[].version\" --output tsv` prints, such as 22.04.202611010."
  }
}
