resource "massif_network" "prod" {
  name = "prod"
}

resource "massif_subnet" "nodes" {
  name       = "nodes"
  network_id = massif_network.prod.id
  cidr       = "10.2.1.0/24"
}

resource "massif_router" "prod" {
  name             = "prod"
  external_network = "ext-floating1"
  subnet_ids       = [massif_subnet.nodes.id]
}

resource "massif_security_policy" "prod" {
  name   = "prod"
  groups = { nodes = {} }
  rules = {
    inside = { from = ["nodes"], to = ["nodes"], tcp = ["1-65535"], udp = ["1-65535"], icmp = true }
    api    = { from_cidrs = [massif_subnet.nodes.cidr], to = ["nodes"], tcp = ["6443", "9345"] }
  }
}

resource "massif_cluster" "prod" {
  name               = "prod"
  kubernetes_version = "v1.34.1+rke2r1"
  external_network   = massif_router.prod.external_network
  subnet_id          = massif_subnet.nodes.id
  security_group_ids = [massif_security_policy.prod.group_ids["nodes"]]
  control_plane      = { flavor = "a2-ram4-disk20", image = "Debian 12", size = 1 }
}

resource "massif_node_pool" "web" {
  name               = "web"
  cluster_id         = massif_cluster.prod.id
  kubernetes_version = massif_cluster.prod.kubernetes_version # servers upgrade first
  subnet_id          = massif_subnet.nodes.id
  security_group_ids = [massif_security_policy.prod.group_ids["nodes"]]
  flavor             = "a2-ram4-disk20"
  image              = "Debian 12"
  size               = 2
  labels             = { "example.org/tier" = "web" }
}
