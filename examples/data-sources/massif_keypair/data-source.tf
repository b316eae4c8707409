resource "massif_keypair" "deploy" {
  name       = "deploy"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKeUQwOqIGKWaKzSCLsoYQnrtIJy60i5nN7r7duoZsiO deploy@example"
}

data "massif_keypair" "deploy" {
  name       = "deploy"
  depends_on = [massif_keypair.deploy]
}
