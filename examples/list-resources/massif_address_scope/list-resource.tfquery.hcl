# All of the project.
list "massif_address_scope" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_address_scope" "internal" {
  provider         = massif
  include_resource = true

  config {
    name = "internal"
  }
}
