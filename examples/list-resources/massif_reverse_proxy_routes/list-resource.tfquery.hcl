# All sets of one proxy.
list "massif_reverse_proxy_routes" "brand" {
  provider         = massif
  include_resource = true

  config {
    proxy_id = "brand-1a2b3c4d"
  }
}
