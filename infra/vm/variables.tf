# What the machine of one world is told. The settings of the game are explained
# in docs/agent.md and checked by the root module, and again by the agent; what
# goes into a shell's or systemd's file is checked here, where it is put there.

variable "world" {
  description = "The world's id."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.world) <= 24 && can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.world))
    error_message = "world must be a world's id: 1 to 24 of a-z, 0-9 and single inner dashes."
  }
}

variable "world_file" {
  description = "The name of the world's files."
  type        = string
  nullable    = false
}

variable "server_name" {
  description = "The server's name as players see it."
  type        = string
  nullable    = false
}

variable "port" {
  description = "The game's UDP port; it has the one above it, too."
  type        = number
  default     = 2456
  nullable    = false
}

variable "public" {
  description = "Whether the server is listed."
  type        = bool
  default     = false
  nullable    = false
}

variable "crossplay" {
  description = "Whether others than Steam's players may join."
  type        = bool
  default     = false
  nullable    = false
}

variable "save_interval" {
  description = "Between the game's own saves."
  type        = string
  default     = "5m"
  nullable    = false
}

variable "args" {
  description = "More of the game's arguments."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "environment" {
  description = "More of the environment for the game's image."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for name in ["PUID", "PGID"] : can(regex("^[0-9]{1,9}$", lookup(var.environment, name, "0")))
    ])
    error_message = "environment: PUID and PGID must be the numbers of a user and a group, or left out for root's."
  }
}

variable "allow_new_world" {
  description = "Whether the game may make a world where there has never been one."
  type        = bool
  default     = true
  nullable    = false
}

variable "storage_account" {
  description = "The bot's storage account: queues and the world's lease."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]{3,24}$", var.storage_account))
    error_message = "storage_account must be a storage account's name: 3 to 24 small letters and digits."
  }
}

variable "client_id" {
  description = "Client id of the world's managed identity, which the machine has."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", var.client_id))
    error_message = "client_id must be a managed identity's client id, a GUID."
  }
}

variable "secret_url" {
  description = "The vault's secret of this machine, without a version."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^https://[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]\\.vault\\.azure\\.net/secrets/[a-zA-Z0-9-]{1,127}$", var.secret_url))
    error_message = "secret_url must be the address of a secret without its version, such as https://VAULT.vault.azure.net/secrets/machine-midgard."
  }
}

variable "agent_url" {
  description = "Where the agent's program is, a blob that the machine's identity may read."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^https://[a-z0-9]{3,24}\\.blob\\.core\\.windows\\.net/[a-z0-9-]{3,63}/[A-Za-z0-9._-]{1,200}$", var.agent_url))
    error_message = "agent_url must be the address of a blob, such as https://ACCOUNT.blob.core.windows.net/deploy/hearth-agent-SHA256."
  }
}

variable "agent_sha256" {
  description = "The program's SHA-256."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.agent_sha256))
    error_message = "agent_sha256 must be a SHA-256 as 64 small hex digits, as filesha256() gives it."
  }
}

variable "share_account" {
  description = "The world's storage account, whose share holds its files."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]{3,24}$", var.share_account))
    error_message = "share_account must be a storage account's name: 3 to 24 small letters and digits."
  }
}

variable "share" {
  description = "The share's name."
  type        = string
  default     = "world"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{1,61}[a-z0-9])$", var.share)) && !strcontains(var.share, "--")
    error_message = "share must be a share's name: 3 to 63 small letters, digits and single inner dashes."
  }
}
