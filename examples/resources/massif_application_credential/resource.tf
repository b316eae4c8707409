resource "massif_application_credential" "backup" {
  name          = "backup"
  description   = "The nightly backup, which only uploads"
  roles         = ["member"]
  expires_after = 7776000 # 90 days
  renew_before  = 604800  # a week

  access_rules = [
    { service = "object-store", method = "PUT", path = "/v1/AUTH_*/backup/**" },
    { service = "object-store", method = "HEAD", path = "/v1/AUTH_*/backup/**" },
  ]
}
