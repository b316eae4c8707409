# The pool that the cloud offers to everybody.
data "massif_subnet_pool" "shared" {
  ip_version = 4
  is_default = true
}

resource "massif_network" "prod" {
  name = "prod"
}

resource "massif_subnet" "servers" {
  name           = "servers"
  network_id     = massif_network.prod.id
  subnet_pool_id = data.massif_subnet_pool.shared.id
}
