# A fleet of web servers is replaced by a reverse proxy, a little more with each apply, and back with one. Three variables say how far:
# new_fleet_share, moved and v2_share.

resource "massif_network" "edge" {
  name = var.name
}

resource "massif_subnet" "edge" {
  name       = var.name
  network_id = massif_network.edge.id
  cidr       = "10.8.0.0/24"
}

resource "massif_router" "edge" {
  name             = var.name
  external_network = var.external_network
  subnet_ids       = [massif_subnet.edge.id]
}

resource "massif_reverse_proxy" "edge" {
  name           = var.name
  subnet_id      = massif_subnet.edge.id
  nodes          = var.nodes
  binary         = var.binary
  wait_for_nodes = var.wait_for_nodes

  upstreams = {
    # What the old fleet does now, so that a domain is served the same before it moves.
    old = {
      targets = { for name, address in var.old_fleet : name => { url = "http://${address}" } }
    }

    # Two releases of the new version. A customer sees one of them, always the same.
    new = {
      targets = {
        v1 = { url = "http://10.8.0.201", weight = 100 - var.v2_share }
        v2 = { url = "http://10.8.0.202", weight = var.v2_share }
      }
      canary_by = "host"
    }
  }
}

locals {
  moved = toset(slice(sort(var.domains), 0, min(var.moved, length(var.domains))))
}

# All domains are in one set, so that a batch moves at one instant: there is no moment at which a domain is in none.
resource "massif_reverse_proxy_routes" "customers" {
  name           = "customers"
  proxy_ids      = [massif_reverse_proxy.edge.id]
  routes         = { for domain in var.domains : domain => contains(local.moved, domain) ? "new" : "old" }
  wait_for_nodes = var.wait_for_nodes
}

# The address that customers' DNS leads to. Old and new fleet share its connections by weight.
resource "massif_load_balancer" "front" {
  name             = "${var.name}-front"
  vip_subnet_id    = massif_subnet.edge.id
  external_network = massif_router.edge.external_network

  listeners = {
    http  = { protocol = "TCP", port = 80, default_pool = "http" }
    https = { protocol = "TCP", port = 443, default_pool = "https" }
  }

  pools = { for name, port in { http = 80, https = 443 } : name => {
    protocol  = "TCP"
    algorithm = "ROUND_ROBIN" # by weight
    monitor   = { type = "TCP", delay = 5, timeout = 3, max_retries = 2 }
    members = merge(
      { for fleet, address in var.old_fleet : fleet => { address = address, port = port, weight = ceil((100 - var.new_fleet_share) / length(var.old_fleet)) } },
      { proxy = { address = massif_reverse_proxy.edge.vip_address, port = port, weight = var.new_fleet_share } },
    )
  } }
}

output "address" {
  description = "What customers' DNS leads to."
  value       = massif_load_balancer.front.floating_ip_address
}

output "progress" {
  description = "How far the move is."
  value       = "${length(local.moved)} of ${length(var.domains)} domains on the new version, ${var.v2_share} % of them on v2; ${var.new_fleet_share} % of the connections over the proxy"
}
