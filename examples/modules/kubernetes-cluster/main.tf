# One Kubernetes cluster with everything it stands on. Its 26 ingress rules are one function and a line of its own.

terraform {
  required_providers {
    massif = { source = "massif-cloud/massif" }
  }
}

resource "massif_network" "this" {
  name = var.name
}

resource "massif_subnet" "servers" {
  name       = "${var.name}-servers"
  network_id = massif_network.this.id
  cidr       = cidrsubnet(var.cidr, 8, 1)
}

resource "massif_subnet" "agents" {
  name       = "${var.name}-agents"
  network_id = massif_network.this.id
  cidr       = cidrsubnet(var.cidr, 8, 2)
}

resource "massif_router" "this" {
  name             = var.name
  external_network = var.external_network
  subnet_ids       = [massif_subnet.servers.id, massif_subnet.agents.id]
}

resource "massif_security_policy" "this" {
  name   = var.name
  groups = { servers = {}, agents = {} }
  rules = merge(
    provider::massif::kubernetes_security_rules(var.kubernetes_version, "cilium", {
      node_cidrs = [massif_subnet.servers.cidr, massif_subnet.agents.cidr] # nodes, and the load balancer in the servers' subnet
      api_cidrs  = var.admin_cidrs
      ssh_cidrs  = var.admin_cidrs
    }),
    { ssh = { from = ["servers"], to = ["servers", "agents"], tcp = ["22"] } }, # from a server on to the others
  )
}

resource "massif_object_container" "etcd" {
  name          = "${var.name}-etcd"
  force_destroy = var.force_destroy
}

resource "massif_object_container" "backup" {
  for_each      = var.backups
  name          = "${var.name}-${each.key}"
  force_destroy = var.force_destroy
}

resource "massif_ec2_credential" "s3" {}

resource "massif_cluster" "this" {
  name               = var.name
  kubernetes_version = var.kubernetes_version
  cni                = "cilium"
  external_network   = var.external_network
  subnet_id          = massif_subnet.servers.id
  security_group_ids = [massif_security_policy.this.group_ids["servers"]]
  control_plane      = { flavor = var.servers.flavor, image = var.image, size = var.servers.size }
  wait_for           = var.wait_for

  backup = {
    container  = massif_object_container.etcd.name
    schedule   = "0 */6 * * *"
    access_key = massif_ec2_credential.s3.access
    secret_key = massif_ec2_credential.s3.secret
  }

  depends_on = [massif_router.this] # nodes download their packages through it
}

resource "massif_node_pool" "agents" {
  name               = "agents"
  cluster_id         = massif_cluster.this.id
  kubernetes_version = massif_cluster.this.kubernetes_version # servers first
  subnet_id          = massif_subnet.agents.id
  security_group_ids = [massif_security_policy.this.group_ids["agents"]]
  flavor             = var.agents.flavor
  image              = var.image
  size               = var.agents.size
  wait_for           = var.wait_for
}
