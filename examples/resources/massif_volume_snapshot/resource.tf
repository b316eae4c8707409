resource "massif_volume" "data" {
  name = "data"
  size = 20
}

resource "massif_volume_snapshot" "before_upgrade" {
  name      = "data-before-upgrade"
  volume_id = massif_volume.data.id
  force     = true # also while a server uses it
}

resource "massif_volume" "restored" {
  name        = "data-restored"
  snapshot_id = massif_volume_snapshot.before_upgrade.id
}
