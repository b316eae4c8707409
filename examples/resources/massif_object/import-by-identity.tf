import {
  to = massif_object.page
  identity = {
    id = "site/index.html"
  }
}
