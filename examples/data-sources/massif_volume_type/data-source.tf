data "massif_volume_type" "default" {}

data "massif_volume_type" "fast" {
  name = "fast"
}
