import {
  to = massif_reverse_proxy_certificate.shop
  identity = {
    id = "brand-1a2b3c4d/shop"
  }
}
