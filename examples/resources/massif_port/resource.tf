resource "massif_network" "prod" {
  name = "prod"
}

resource "massif_subnet" "servers" {
  name       = "servers"
  network_id = massif_network.prod.id
  cidr       = "10.2.1.0/24"
}

# A port with an address of its own, that may also answer for one that it shares with others.
resource "massif_port" "web" {
  name                  = "web"
  network_id            = massif_network.prod.id
  fixed_ips             = [{ subnet_id = massif_subnet.servers.id, ip_address = "10.2.1.10" }]
  allowed_address_pairs = [{ ip_address = "10.2.1.100" }]
}
