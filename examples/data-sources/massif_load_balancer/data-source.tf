resource "massif_network" "web" {
  name = "web"
}

resource "massif_subnet" "web" {
  name       = "web"
  network_id = massif_network.web.id
  cidr       = "10.2.4.0/24"
}

resource "massif_load_balancer" "web" {
  name          = "web"
  vip_subnet_id = massif_subnet.web.id
}

data "massif_load_balancer" "web" {
  name       = "web"
  depends_on = [massif_load_balancer.web]
}

output "web_address" {
  value = data.massif_load_balancer.web.vip_address
}
