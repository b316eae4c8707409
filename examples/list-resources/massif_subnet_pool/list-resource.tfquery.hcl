# All of the project.
list "massif_subnet_pool" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_subnet_pool" "prod" {
  provider         = massif
  include_resource = true

  config {
    tags = ["prod"]
  }
}
