resource "massif_dns_zone" "shop" {
  name        = "shop.example.com."
  email       = "hostmaster@example.com"
  ttl         = 3600
  description = "Everything that customers see"
}

# A copy of a zone that other name servers have.
resource "massif_dns_zone" "partner" {
  name    = "partner.example.net."
  type    = "SECONDARY"
  masters = ["192.0.2.53", "198.51.100.53"]
}

# To be entered as NS records of shop in example.com.
output "name_servers" {
  value = massif_dns_zone.shop.name_servers
}
