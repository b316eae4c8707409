resource "massif_ec2_credential" "backup" {}
