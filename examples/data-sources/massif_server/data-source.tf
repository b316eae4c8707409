resource "massif_network" "web" {
  name = "web"
}

resource "massif_subnet" "web" {
  name       = "web"
  network_id = massif_network.web.id
  cidr       = "10.20.0.0/24"
}

resource "massif_server" "web" {
  name     = "web-1"
  flavor   = "m1.small"
  image    = "cirros-fake"
  tags     = ["web"]
  networks = [{ subnet_id = massif_subnet.web.id }]
}

data "massif_server" "by_name" {
  name       = "web-1"
  depends_on = [massif_server.web]
}

data "massif_server" "by_tag" {
  tags       = ["web"]
  depends_on = [massif_server.web]
}
