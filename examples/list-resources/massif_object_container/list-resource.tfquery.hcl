# All of the project.
list "massif_object_container" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_object_container" "site" {
  provider         = massif
  include_resource = true

  config {
    name = "site"
  }
}
