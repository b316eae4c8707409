resource "massif_object_container" "shared" {
  name = "shared"
}

data "massif_object_container" "shared" {
  name = massif_object_container.shared.name
}

output "address" {
  value = data.massif_object_container.shared.url
}
