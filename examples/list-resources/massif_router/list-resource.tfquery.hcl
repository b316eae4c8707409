# All of the project.
list "massif_router" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_router" "prod" {
  provider         = massif
  include_resource = true

  config {
    tags = ["prod"]
  }
}
