# All of the project.
list "massif_server" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_server" "web" {
  provider         = massif
  include_resource = true

  config {
    tags = ["prod"]
  }
}
