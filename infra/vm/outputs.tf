output "cloud_init" {
  description = "The machine's cloud-init; azurerm's custom_data is its base64. Azure takes 64 KiB of it."
  value       = "#cloud-config\n${yamlencode(local.cloud_config)}"

  precondition {
    condition     = length(base64encode(yamlencode(local.cloud_config))) < 64 * 1024
    error_message = "the machine's cloud-init is too long, it may have about 48 KiB: shorten the world's environment."
  }
}
