resource "massif_dns_zone" "shop" {
  name  = "shop.example.com."
  email = "hostmaster@example.com"
}

data "massif_dns_zone" "shop" {
  name = massif_dns_zone.shop.name
}

output "name_servers" {
  value = data.massif_dns_zone.shop.name_servers
}
