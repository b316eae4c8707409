variable "database_password" {
  description = "Password of the database."
  type        = string
  default     = "correct horse battery staple"
  ephemeral   = true
}

resource "massif_secret" "database" {
  name        = "database"
  secret_type = "passphrase"

  payload         = var.database_password
  payload_version = 1 # raise it to store another one

  expiration = "2120-01-01T00:00:00Z"
  metadata   = { owner = "shop" }
}
