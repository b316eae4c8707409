resource "massif_address_group" "offices" {
  name      = "offices"
  addresses = ["203.0.113.0/28", "198.51.100.7/32"]
}

resource "massif_security_group" "bastion" {
  name  = "bastion"
  rules = { ssh = { from_address_group_ids = [massif_address_group.offices.id], tcp = ["22"] } }
}
