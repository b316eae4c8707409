ephemeral "massif_secret" "database" {
  name = "database"
}

# Write-only arguments and provider blocks may have it: it is in no plan and no state.
resource "massif_secret" "copy" {
  name            = "database-copy"
  payload         = ephemeral.massif_secret.database.payload
  payload_version = 1
}
