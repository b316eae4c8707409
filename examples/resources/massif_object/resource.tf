resource "massif_object_container" "site" {
  name     = "site"
  read_acl = [".r:*"]
}

resource "massif_object" "page" {
  container     = massif_object_container.site.name
  name          = "index.html"
  content       = "<h1>Hello</h1>"
  cache_control = "max-age=3600"
}

# From a file, in segments of 1 GiB when it is large, gone after 30 days:
#
#   resource "massif_object" "dump" {
#     container    = massif_object_container.site.name
#     name         = "dumps/today.tar.gz"
#     file         = "${path.module}/today.tar.gz"
#     segment_size = 1073741824
#     delete_after = 2592000
#   }
