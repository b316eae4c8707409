# All of the project.
list "massif_application_credential" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_application_credential" "backup" {
  provider         = massif
  include_resource = true

  config {
    name = "backup"
  }
}
