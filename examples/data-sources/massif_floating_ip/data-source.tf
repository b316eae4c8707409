resource "massif_floating_ip" "web" {
  description      = "web"
  external_network = "ext-floating1"
}

# The floating IP that a DNS record names, whoever made it.
data "massif_floating_ip" "web" {
  address = massif_floating_ip.web.address
}
