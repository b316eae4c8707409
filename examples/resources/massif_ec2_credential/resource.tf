resource "massif_ec2_credential" "s3" {}

output "s3_access_key" {
  value = massif_ec2_credential.s3.access
}
