resource "massif_floating_ip" "web" {
  description      = "web"
  external_network = "ext-floating1"
}
