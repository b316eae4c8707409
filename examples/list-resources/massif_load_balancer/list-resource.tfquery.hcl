# All of the project.
list "massif_load_balancer" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_load_balancer" "web" {
  provider         = massif
  include_resource = true

  config {
    tags = ["prod"]
  }
}
