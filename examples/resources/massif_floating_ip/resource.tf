resource "massif_network" "prod" {
  name = "prod"
}

resource "massif_subnet" "servers" {
  name       = "servers"
  network_id = massif_network.prod.id
  cidr       = "10.2.1.0/24"
}

resource "massif_router" "prod" {
  name             = "prod"
  external_network = "ext-floating1"
  subnet_ids       = [massif_subnet.servers.id]
}

resource "massif_port" "web" {
  name       = "web"
  network_id = massif_network.prod.id
  fixed_ips  = [{ subnet_id = massif_subnet.servers.id }]
}

resource "massif_floating_ip" "web" {
  description      = "web"
  external_network = "ext-floating1"
  port_id          = massif_port.web.id
}
