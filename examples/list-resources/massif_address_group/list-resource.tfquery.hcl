# All of the project.
list "massif_address_group" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_address_group" "offices" {
  provider         = massif
  include_resource = true

  config {
    name = "offices"
  }
}
