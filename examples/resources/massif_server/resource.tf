resource "massif_network" "web" {
  name = "web"
}

resource "massif_subnet" "web" {
  name       = "web"
  network_id = massif_network.web.id
  cidr       = "10.20.0.0/24"
}

resource "massif_security_group" "web" {
  name = "web"
}

resource "massif_volume" "data" {
  name = "web-data"
  size = 20
}

resource "massif_server" "web" {
  name               = "web-1"
  flavor             = "m1.small"
  image              = "cirros-fake"
  security_group_ids = [massif_security_group.web.id]
  boot_volume        = { size = 10 }
  volumes            = { data = { volume_id = massif_volume.data.id } }
  metadata           = { role = "web" }
  tags               = ["production"]

  networks = [{ subnet_id = massif_subnet.web.id, fixed_ip = "10.20.0.10" }]

  user_data_wo_version = 1
  user_data_wo         = <<-EOT
    #cloud-config
    packages: [nginx]
  EOT
}
