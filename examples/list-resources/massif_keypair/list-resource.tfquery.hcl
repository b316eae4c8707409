# All of the project.
list "massif_keypair" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_keypair" "ops" {
  provider         = massif
  include_resource = true

  config {
    name = "ops"
  }
}
