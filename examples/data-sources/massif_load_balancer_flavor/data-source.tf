data "massif_load_balancer_flavor" "single" {
  name = "single"
}
