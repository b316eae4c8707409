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

resource "massif_cluster" "prod" {
  name               = "prod"
  kubernetes_version = "v1.34.1+rke2r1"
  external_network   = massif_router.prod.external_network
  subnet_id          = massif_subnet.nodes.id
  depends_on         = [massif_router.prod]
  control_plane      = { flavor = "a2-ram4-disk20", image = "Debian 12", size = 1 }
}

# For 30 days, and known to the API's audit log and to role bindings by a name of its own.
ephemeral "massif_cluster_kubeconfig" "ci" {
  cluster_name = massif_cluster.prod.name
  endpoint     = massif_cluster.prod.endpoint
  secrets      = massif_cluster.prod.secrets
  user         = "ci"
  groups       = ["deployers"]
  ttl          = 30 * 86400
}

# Pipelines fetch it from there; Terraform keeps it nowhere.
resource "massif_secret" "kubeconfig" {
  name            = "kubeconfig-ci"
  payload         = ephemeral.massif_cluster_kubeconfig.ci.kubeconfig
  payload_version = 1
}
