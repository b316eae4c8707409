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
  external_network = "ext-floating1" # by name or id
  subnet_ids       = [massif_subnet.servers.id]
  routes           = [{ destination = "10.99.0.0/16", nexthop = "10.2.1.254" }]
}
