resource "massif_object_container" "backups" {
  name = "prod-backups"
}
