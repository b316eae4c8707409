resource "massif_address_scope" "internal" {
  name       = "internal"
  ip_version = 4
}

resource "massif_subnet_pool" "internal" {
  name             = "internal"
  prefixes         = ["10.16.0.0/16"]
  address_scope_id = massif_address_scope.internal.id
}
