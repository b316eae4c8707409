# All of the project.
list "massif_security_group" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_security_group" "web" {
  provider         = massif
  include_resource = true

  config {
    tags = ["prod"]
  }
}
