resource "massif_server" "web" {
  name     = "web"
  flavor   = "m1.small"
  image    = "Debian 12"
  networks = [{ network_id = "9c1b6e0f-3c59-4c8e-a52c-3a1a5d1f2b7e" }]

  # Metadata is read when the server starts.
  metadata = { channel = "stable" }

  lifecycle {
    action_trigger {
      events  = [after_update]
      actions = [action.massif_server_reboot.web]
    }
  }
}

# Also by hand: terraform apply -invoke=action.massif_server_reboot.web
action "massif_server_reboot" "web" {
  config {
    server_id = massif_server.web.id
    type      = "soft"
  }
}
