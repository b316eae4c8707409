resource "massif_network" "prod" {
  name       = "prod"
  dns_domain = "prod.example.org."
  tags       = ["team:platform"]
}
