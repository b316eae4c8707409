resource "massif_network" "prod" {
  name = "prod"
}

resource "massif_subnet" "servers" {
  name             = "servers"
  network_id       = massif_network.prod.id
  cidr             = "10.2.1.0/24"
  allocation_pools = [{ start = "10.2.1.20", end = "10.2.1.199" }]
  dns_nameservers  = ["9.9.9.9", "149.112.112.112"]
}

# Without a router nothing leaves the network, so this one has no gateway.
resource "massif_subnet" "storage" {
  name       = "storage"
  network_id = massif_network.prod.id
  cidr       = "10.2.9.0/24"
  no_gateway = true
}
