resource "massif_object_container" "installers" {
  name                     = "installers"
  temp_url_key_wo          = "a long random text"
  temp_url_keys_wo_version = 1
}

# The id, for it is known when the container is there.
ephemeral "massif_temp_url" "installer" {
  container = massif_object_container.installers.id
  object    = "setup.sh"
  ttl       = 3600
}

resource "massif_network" "this" {
  name = "installed"
}

resource "massif_subnet" "this" {
  name       = "installed"
  network_id = massif_network.this.id
  cidr       = "10.21.0.0/24"
}

resource "massif_server" "this" {
  name     = "installed"
  flavor   = "m1.small"
  image    = "cirros-fake"
  networks = [{ subnet_id = massif_subnet.this.id }]

  user_data_wo         = "#!/bin/sh\ncurl -s '${ephemeral.massif_temp_url.installer.url}' | sh\n"
  user_data_wo_version = 1
}
