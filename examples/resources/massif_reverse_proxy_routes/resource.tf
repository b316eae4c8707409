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

locals {
  customers = {
    acme   = { domain = "ksuite.acme.example" }
    zürich = { domain = "ksuite.zürich.example" }
  }
}

resource "massif_reverse_proxy_routes" "customers" {
  name      = "customers"
  proxy_ids = [massif_reverse_proxy.brand.id]

  routes = merge(
    { for c in local.customers : c.domain => "ksuite" },
    {
      "docs.acme.example" = "ksuite/docs"
      "acme.example"      = "redirect:https://ksuite.acme.example"
    },
  )

  # True, the default, lets an apply end when the nodes serve the routes.
  wait_for_nodes = false
}
