resource "massif_router" "prod" {
  name             = "prod"
  external_network = "ext-floating1"
}

data "massif_router" "prod" {
  name       = "prod"
  depends_on = [massif_router.prod]
}

output "addresses" {
  value = data.massif_router.prod.external_addresses
}
