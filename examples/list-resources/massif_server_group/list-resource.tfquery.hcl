# All of the project.
list "massif_server_group" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_server_group" "web" {
  provider         = massif
  include_resource = true

  config {
    name = "web"
  }
}
