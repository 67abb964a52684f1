# The machine of one world, as cloud-init makes it: files, and one service that
# does the rest. This module has no provider: it renders a text. No secret is in
# it, for whoever may read the machine's description reads it, too.

terraform {
  required_version = ">= 1.11"
}

locals {
  # docs/agent.md. The two files are written by `hearth-agent secrets`.
  agent = {
    world             = var.world
    world_file        = var.world_file
    server_name       = var.server_name
    password_file     = "/run/hearth/password"
    key_file          = "/run/hearth/key"
    port              = var.port
    public            = var.public
    crossplay         = var.crossplay
    save_interval     = var.save_interval
    args              = var.args
    environment       = var.environment
    mount             = "/srv/hearth/world"
    allow_new_world   = var.allow_new_world
    storage           = "azure"
    storage_account   = var.storage_account
    storage_client_id = var.client_id
    vault_secret      = var.secret_url
    share_account     = var.share_account
    share             = var.share
  }

  # What boot.sh reads, a shell's assignments.
  boot = {
    client_id    = var.client_id
    agent_url    = var.agent_url
    agent_sha256 = var.agent_sha256
  }

  # A checkout on Windows may have carriage returns, which no shell understands.
  text = { for name in fileset(path.module, "*.{sh,service,conf}") : name => replace(file("${path.module}/${name}"), "\r\n", "\n") }

  units = {
    "hearth-boot.service"               = local.text["hearth-boot.service"]
    "hearth-fence.service"              = local.text["hearth-fence.service"]
    "hearth-secrets.service"            = local.text["hearth-secrets.service"]
    "hearth-share.service"              = local.text["hearth-share.service"]
    "hearth-agent.service"              = local.text["hearth-agent.service"]
    "hearth-agent.service.d/azure.conf" = local.text["hearth-agent.azure.conf"]
    "srv-hearth-world.mount" = replace(templatefile("${path.module}/srv-hearth-world.mount.tftpl", {
      account = var.share_account
      share   = var.share
      # The game runs as this user of its container, which is the machine's.
      uid = lookup(var.environment, "PUID", "0")
      gid = lookup(var.environment, "PGID", "0")
    }), "\r\n", "\n")
  }

  cloud_config = {
    write_files = concat(
      [
        { path = "/etc/hearth/agent.json", permissions = "0644", content = "${jsonencode(local.agent)}\n" },
        { path = "/etc/hearth/boot.conf", permissions = "0644", content = join("", [for name, value in local.boot : "${name}='${value}'\n"]) },
        # A restart of the engine must not end the game.
        { path = "/etc/docker/daemon.json", permissions = "0644", content = "${jsonencode({ live-restore = true })}\n" },
        { path = "/usr/local/lib/hearth/boot.sh", permissions = "0755", content = local.text["boot.sh"] },
      ],
      [for name, text in local.units : { path = "/etc/systemd/system/${name}", permissions = "0644", content = text }],
    )
    runcmd = [
      ["systemctl", "daemon-reload"],
      # cloud-init need not wait for it, nor the machine for cloud-init.
      ["systemctl", "start", "--no-block", "hearth-boot.service"],
    ]
  }
}
