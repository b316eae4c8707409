output "endpoint" {
  description = "URL of the Kubernetes API."
  value       = massif_cluster.this.endpoint
}

output "kubeconfig" {
  description = "Credentials of an administrator."
  value       = massif_cluster.this.kubeconfig
  sensitive   = true
}

output "nodes" {
  description = "Names of the servers and agents."
  value = {
    servers = massif_cluster.this.node_names
    agents  = massif_node_pool.agents.node_names
  }
}

output "rules" {
  description = "Number of ingress rules of the firewall."
  value       = massif_security_policy.this.rule_count
}
