# All of one zone.
list "massif_dns_record_set" "www" {
  provider         = massif
  include_resource = true

  config {
    zone_id = "6e8f1c1a-1f5d-4a53-9b39-0c5d4f3a7a11"
  }
}
