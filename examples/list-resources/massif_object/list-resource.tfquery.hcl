# All of one container.
list "massif_object" "page" {
  provider         = massif
  include_resource = true

  config {
    container = "site"
  }
}
