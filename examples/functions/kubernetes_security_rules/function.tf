resource "massif_security_policy" "prod" {
  name   = "prod"
  groups = { servers = {}, agents = {} }
  rules = merge(
    provider::massif::kubernetes_security_rules("v1.34.1+rke2r1", "cilium", {
      node_cidrs = ["10.2.1.0/24", "10.2.2.0/24"]
      api_cidrs  = ["203.0.113.7/32"]
      ssh_cidrs  = ["203.0.113.7/32"]
    }),
    { monitoring = { from = ["agents"], to = ["servers", "agents"], tcp = ["9100"] } },
  )
}
