# All of the project.
list "massif_network" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_network" "prod" {
  provider         = massif
  include_resource = true

  config {
    tags = ["prod"]
  }
}
