data "massif_image" "ubuntu" {
  properties  = { os_distro = "ubuntu", os_version = "22.04" }
  most_recent = true
}
