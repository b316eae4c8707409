resource "massif_network" "prod" {
  name = "prod"
}

resource "massif_subnet" "servers" {
  name       = "servers"
  network_id = massif_network.prod.id
  cidr       = "10.2.1.0/24"
}

data "massif_subnet" "servers" {
  network_id = massif_network.prod.id
  name       = massif_subnet.servers.name
}

output "gateway" {
  value = data.massif_subnet.servers.gateway_ip
}
