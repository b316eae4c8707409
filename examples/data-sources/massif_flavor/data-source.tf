data "massif_flavor" "small" {
  min_vcpus = 1
  min_ram   = 2048
  min_disk  = 20
}
