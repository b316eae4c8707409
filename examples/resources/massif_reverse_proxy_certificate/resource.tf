resource "massif_network" "edge" {
  name = "edge"
}

resource "massif_subnet" "edge" {
  name       = "edge"
  network_id = massif_network.edge.id
  cidr       = "10.8.0.0/24"
}

resource "massif_reverse_proxy" "brand" {
  name           = "brand"
  subnet_id      = massif_subnet.edge.id
  nodes          = { flavor = "a1-ram2-disk20", image = "Debian 12", count = 1 }
  binary         = { url = "https://downloads.example.com/massif-edge", sha256 = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b" }
  upstreams      = { ksuite = { targets = { v1 = { url = "https://10.8.0.11" } } } }
  wait_for_nodes = false
}

resource "massif_reverse_proxy_certificate" "shop" {
  name           = "shop"
  proxy_id       = massif_reverse_proxy.brand.id
  encryption_key = massif_reverse_proxy.brand.encryption_key

  chain = <<-EOT
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

  # True, the default, lets an apply end when the nodes serve the certificate.
  wait_for_nodes = false
}
