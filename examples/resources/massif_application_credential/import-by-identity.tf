import {
  to = massif_application_credential.backup
  identity = {
    id = "0b1c2d3e4f5a60718293a4b5c6d7e8f9"
  }
}
