resource "massif_network" "prod" {
  name = "prod"
}

resource "massif_subnet" "web" {
  name       = "web"
  network_id = massif_network.prod.id
  cidr       = "10.2.3.0/24"
}

resource "massif_certificate" "shop" {
  name = "shop"

  certificate = <<-EOT
    -----BEGIN CERTIFICATE-----
    MIIBVjCB/aADAgECAgEBMAoGCCqGSM49BAMCMBsxGTAXBgNVBAMTEHNob3AuZXhh
    bXBsZS5jb20wIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBsxGTAX
    BgNVBAMTEHNob3AuZXhhbXBsZS5jb20wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
    AAQ+kd6BA0MAWXEdysIFONZg8s8G8N5yJoRjKaIdyu9aPlXk/vPLex0IqYQdAnKS
    /5JXYMNEylvsm5DU1AiN5t8mozAwLjAsBgNVHREEJTAjghBzaG9wLmV4YW1wbGUu
    Y29tgg93d3cuZXhhbXBsZS5jb20wCgYIKoZIzj0EAwIDSAAwRQIhAMt5veAVsDNP
    DBpvSmF2OQL/gA2PbKokRX5iCykKsldFAiAe004D1e1sXMbdbAKLkjkcOMPEeH5k
    1NTY8Dd1CDzJ/g==
    -----END CERTIFICATE-----
  EOT

  # Of this example only. A real key comes from an ephemeral resource or variable, which leave no trace.
  private_key = <<-EOT
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgvJ8oj/rO4dN4XDq2
    Qo5nMU42DZs/PnkK4e+7b7Zra8uhRANCAAQ+kd6BA0MAWXEdysIFONZg8s8G8N5y
    JoRjKaIdyu9aPlXk/vPLex0IqYQdAnKS/5JXYMNEylvsm5DU1AiN5t8m
    -----END PRIVATE KEY-----
  EOT

  # A listener gets the new certificate before the old one goes.
  lifecycle {
    create_before_destroy = true
  }
}

resource "massif_load_balancer" "shop" {
  name          = "shop"
  vip_subnet_id = massif_subnet.web.id

  listeners = {
    https = {
      protocol     = "TERMINATED_HTTPS"
      port         = 443
      default_pool = "shop"
      tls          = { container_ref = massif_certificate.shop.ref }
    }
  }
  pools = {
    shop = { protocol = "HTTP", algorithm = "ROUND_ROBIN" }
  }
}

output "valid_until" {
  value = massif_certificate.shop.not_after
}
