resource "massif_network" "edge" {
  name = "edge"
}

resource "massif_subnet" "edge" {
  name       = "edge"
  network_id = massif_network.edge.id
  cidr       = "10.8.0.0/24"
}

resource "massif_router" "edge" {
  name             = "edge"
  external_network = "ext-floating1"
  subnet_ids       = [massif_subnet.edge.id]
}

resource "massif_reverse_proxy" "brand" {
  name             = "brand"
  subnet_id        = massif_subnet.edge.id
  external_network = massif_router.edge.external_network
  nodes            = { flavor = "a1-ram2-disk20", image = "Debian 12", count = 2 }

  binary = {
    url    = "https://downloads.example.com/massif-edge"
    sha256 = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
  }

  tls = {
    acme          = { email = "ops@example.ch", on_demand = true }
    redirect_http = true
  }

  upstreams = {
    ksuite = {
      targets = {
        v1 = { url = "https://10.8.0.11", weight = 95 }
        v2 = { url = "https://10.8.0.12", weight = 5 }
      }
      canary_by         = "host" # a customer sees one version
      host_header       = "ksuite.example.com"
      rewrite_responses = true
      health_check      = { path = "/healthz" }
    }
  }

  # True, the default, lets an apply end when the nodes serve what it says.
  wait_for_nodes = false
}

output "address" {
  value = massif_reverse_proxy.brand.address
}
