resource "massif_volume" "data" {
  name = "data"
  size = 1
}

resource "massif_volume_snapshot" "nightly" {
  name      = "nightly"
  volume_id = massif_volume.data.id
}

data "massif_volume_snapshot" "newest" {
  volume_id   = massif_volume.data.id
  most_recent = true
  depends_on  = [massif_volume_snapshot.nightly]
}
