data "massif_load_balancer_availability_zones" "here" {}
