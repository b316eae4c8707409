resource "massif_server_group" "web" {
  name   = "web"
  policy = "soft-anti-affinity"
}
