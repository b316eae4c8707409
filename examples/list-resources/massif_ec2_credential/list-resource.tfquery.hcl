# All of the project.
list "massif_ec2_credential" "all" {
  provider = massif
}
