import {
  to = massif_server_group.web
  identity = {
    id = "2f6d3b1e-8a43-4c4e-9a05-5f2f1a4a1d6b"
  }
}
