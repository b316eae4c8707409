resource "massif_subnet_pool" "prod" {
  name                  = "prod"
  prefixes              = ["10.16.0.0/16"]
  default_prefix_length = 24
}

resource "massif_network" "prod" {
  name = "prod"
}

resource "massif_subnet" "servers" {
  name           = "servers"
  network_id     = massif_network.prod.id
  subnet_pool_id = massif_subnet_pool.prod.id
  prefix_length  = 26
}
