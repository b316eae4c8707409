resource "massif_volume" "data" {
  name     = "data"
  size     = 1
  metadata = { role = "database" }
}

data "massif_volume" "by_name" {
  name       = "data"
  depends_on = [massif_volume.data]
}

data "massif_volume" "by_metadata" {
  metadata   = { role = "database" }
  depends_on = [massif_volume.data]
}
