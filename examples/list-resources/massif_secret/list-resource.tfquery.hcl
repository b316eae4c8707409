# All of the project.
list "massif_secret" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_secret" "database" {
  provider         = massif
  include_resource = true

  config {
    name = "database"
  }
}
