# All of the project.
list "massif_subnet" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_subnet" "servers" {
  provider         = massif
  include_resource = true

  config {
    tags = ["prod"]
  }
}
