# A whole platform: one cluster for tools (Grafana, Mimir and Loki), one for production, one for tests.

terraform {
  required_providers {
    massif = { source = "massif-cloud/massif" }
  }
}

provider "massif" {} # clouds.yaml and OS_* variables, like every OpenStack tool

locals {
  clusters = {
    tools = { cidr = "10.1.0.0/16", backups = ["mimir", "loki"] }
    prod  = { cidr = "10.2.0.0/16" }
    test  = { cidr = "10.3.0.0/16" }
  }
}

module "cluster" {
  source   = "../modules/kubernetes-cluster"
  for_each = local.clusters

  name               = each.key
  cidr               = each.value.cidr
  backups            = try(each.value.backups, ["backup"])
  kubernetes_version = var.kubernetes_version
  external_network   = var.external_network
  image              = var.image
  servers            = { flavor = var.flavor, size = 3 }
  agents             = { flavor = var.flavor, size = 3 }
  admin_cidrs        = var.admin_cidrs
  wait_for           = var.wait_for
}

output "clusters" {
  description = "What each cluster is reached by and made of."
  value = { for name, c in module.cluster : name => {
    endpoint = c.endpoint
    nodes    = c.nodes
    rules    = c.rules
  } }
}

output "kubeconfigs" {
  description = "Credentials of an administrator, by cluster."
  value       = { for name, c in module.cluster : name => c.kubeconfig }
  sensitive   = true
}
