resource "massif_secret" "key" {
  name        = "disk-key"
  secret_type = "symmetric"
  algorithm   = "aes"
  bit_length  = 256
}

data "massif_secret" "key" {
  name = massif_secret.key.name
}

output "key_ref" {
  value = data.massif_secret.key.ref
}
