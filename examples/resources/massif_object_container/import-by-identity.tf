import {
  to = massif_object_container.site
  identity = {
    id = "site"
  }
}
