resource "massif_dns_zone" "shop" {
  name  = "shop.example.com."
  email = "hostmaster@example.com"
}

resource "massif_dns_record_set" "apex" {
  zone_id = massif_dns_zone.shop.id
  name    = "@"
  type    = "A"
  records = ["203.0.113.10", "203.0.113.11"]
  ttl     = 300
}

resource "massif_dns_record_set" "www" {
  zone_id = massif_dns_zone.shop.id
  name    = "www"
  type    = "CNAME"
  records = [massif_dns_zone.shop.name]
}

resource "massif_dns_record_set" "mail" {
  zone_id = massif_dns_zone.shop.id
  name    = "@"
  type    = "MX"
  records = ["10 mx1.example.net.", "20 mx2.example.net."]
}

resource "massif_dns_record_set" "policy" {
  zone_id = massif_dns_zone.shop.id
  name    = "_dmarc"
  type    = "TXT"
  records = ["v=DMARC1; p=reject"]
}
