resource "massif_keypair" "ops" {
  name       = "ops"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKeUQwOqIGKWaKzSCLsoYQnrtIJy60i5nN7r7duoZsiO ops@example.org"
}
