# All of the project.
list "massif_certificate" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_certificate" "shop" {
  provider         = massif
  include_resource = true

  config {
    name = "shop"
  }
}
