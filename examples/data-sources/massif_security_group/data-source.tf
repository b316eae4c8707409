data "massif_security_group" "default" {
  name = "default"
}

output "default_group_id" {
  value = data.massif_security_group.default.id
}
