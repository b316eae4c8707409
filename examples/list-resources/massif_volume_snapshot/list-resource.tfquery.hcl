# All of the project.
list "massif_volume_snapshot" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_volume_snapshot" "before_upgrade" {
  provider         = massif
  include_resource = true

  config {
    name = "before_upgrade"
  }
}
