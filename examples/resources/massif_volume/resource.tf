resource "massif_volume" "data" {
  name        = "data"
  size        = 20
  volume_type = "fast"
  metadata    = { role = "database" }
}

# A bootable volume, and a copy of it as it is now.
resource "massif_volume" "system" {
  name  = "system"
  size  = 10
  image = "cirros-fake"
}

resource "massif_volume" "copy" {
  name             = "system-copy"
  source_volume_id = massif_volume.system.id
}
