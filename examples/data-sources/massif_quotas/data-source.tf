data "massif_quotas" "project" {}

output "room_for_servers" {
  value = data.massif_quotas.project.instances.free
}
