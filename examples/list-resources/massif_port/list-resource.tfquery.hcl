# All of the project.
list "massif_port" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_port" "web" {
  provider         = massif
  include_resource = true

  config {
    tags = ["prod"]
  }
}
