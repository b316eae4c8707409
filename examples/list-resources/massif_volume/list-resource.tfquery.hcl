# All of the project.
list "massif_volume" "all" {
  provider = massif
}

# Some, with all there is to know of them.
list "massif_volume" "data" {
  provider         = massif
  include_resource = true

  config {
    name = "data"
  }
}
