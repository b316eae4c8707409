# All of the project.
list "massif_dns_zone" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_dns_zone" "shop" {
  provider         = massif
  include_resource = true

  config {
    name = "shop"
  }
}
