# All of the project.
list "massif_floating_ip" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_floating_ip" "web" {
  provider         = massif
  include_resource = true

  config {
    tags = ["prod"]
  }
}
