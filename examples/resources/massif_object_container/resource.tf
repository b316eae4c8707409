resource "massif_object_container" "site" {
  name        = "site"
  metadata    = { owner = "web-team" }
  read_acl    = [".r:*", ".rlistings"]
  quota_bytes = 10737418240
  versioning  = true

  cors       = { allowed_origins = ["https://www.example.org"], max_age = 3600 }
  static_web = { index = "index.html", error = "error.html" }
}
