ephemeral "massif_token" "this" {}

# A provider that knows OpenStack's tokens and not its passwords.
provider "massif" {
  alias      = "by_token"
  auth_url   = ephemeral.massif_token.this.auth_url
  token      = ephemeral.massif_token.this.id
  project_id = ephemeral.massif_token.this.project_id
}
