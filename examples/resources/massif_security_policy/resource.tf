resource "massif_security_policy" "prod" {
  name   = "prod"
  groups = { servers = {}, agents = {} }
  rules = {
    kubelet = { from = ["servers", "agents"], to = ["servers", "agents"], tcp = ["10250"] }
    etcd    = { from = ["servers"], to = ["servers"], tcp = ["2379-2380", "2381"] }
    api     = { from_cidrs = ["203.0.113.7/32"], to = ["servers"], tcp = ["6443"] }
  }
}
