variable "load_balancer_id" {
  description = "Load balancer to move to new amphorae."
  type        = string
}

# By hand, after the image of the amphorae was updated:
# terraform apply -invoke=action.massif_load_balancer_failover.web
action "massif_load_balancer_failover" "web" {
  config {
    load_balancer_id = var.load_balancer_id
    timeouts         = { invoke = "20m" }
  }
}
