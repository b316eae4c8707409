data "massif_image" "debian" {
  name        = "Debian 12"
  most_recent = true
}

output "image_id" {
  value = data.massif_image.debian.id
}
