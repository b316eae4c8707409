resource "massif_network" "prod" {
  name = "prod"
}

resource "massif_subnet" "servers" {
  name       = "servers"
  network_id = massif_network.prod.id
  cidr       = "10.2.1.0/24"
}

resource "massif_port" "web" {
  name       = "web"
  network_id = massif_network.prod.id
  fixed_ips  = [{ subnet_id = massif_subnet.servers.id, ip_address = "10.2.1.10" }]
}

# The port that has an address, whoever made it.
data "massif_port" "web" {
  network_id = massif_network.prod.id
  ip_address = massif_port.web.fixed_ips[0].ip_address
}
