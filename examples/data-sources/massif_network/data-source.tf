data "massif_network" "external" {
  name = "ext-floating1"
}

output "external_network_id" {
  value = data.massif_network.external.id
}
