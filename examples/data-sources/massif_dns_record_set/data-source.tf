resource "massif_dns_zone" "shop" {
  name  = "shop.example.com."
  email = "hostmaster@example.com"
}

resource "massif_dns_record_set" "www" {
  zone_id = massif_dns_zone.shop.id
  name    = "www"
  type    = "A"
  records = ["203.0.113.10"]
}

data "massif_dns_record_set" "www" {
  zone_id = massif_dns_record_set.www.zone_id
  name    = "www"
  type    = "A"
}

output "addresses" {
  value = data.massif_dns_record_set.www.records
}
