import {
  to = massif_port.web
  identity = {
    id = "9c1b6e0f-3c59-4c8e-a52c-3a1a5d1f2b7e"
  }
}
