resource "massif_address_group" "offices" {
  name      = "offices"
  addresses = ["203.0.113.0/28"]
}

data "massif_address_group" "offices" {
  name = massif_address_group.offices.name
}

resource "massif_security_group" "bastion" {
  name  = "bastion"
  rules = { ssh = { from_address_group_ids = [data.massif_address_group.offices.id], tcp = ["22"] } }
}
