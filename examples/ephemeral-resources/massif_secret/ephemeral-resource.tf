# Made elsewhere, more likely; then name it: ephemeral "massif_secret" "database" { name = "database" }
resource "massif_secret" "database" {
  name            = "database"
  payload         = "correct horse battery staple"
  payload_version = 1
}

ephemeral "massif_secret" "database" {
  id = massif_secret.database.id
}

# Write-only arguments and provider blocks may have it: it is in no plan and no state.
resource "massif_secret" "copy" {
  name            = "database-copy"
  payload         = ephemeral.massif_secret.database.payload
  payload_version = 1
}
