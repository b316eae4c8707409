import {
  to = massif_reverse_proxy_routes.customers
  identity = {
    id = "brand-1a2b3c4d/customers"
  }
}
