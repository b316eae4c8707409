resource "massif_security_group" "web" {
  name = "web"
  rules = {
    https = { tcp = ["443"], from_cidrs = ["0.0.0.0/0", "::/0"] }
    ping  = { icmp = true, from_cidrs = ["203.0.113.0/24"] }
  }
}
