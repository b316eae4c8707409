data "massif_availability_zones" "all" {}

output "zones_for_servers" {
  value = data.massif_availability_zones.all.names
}
