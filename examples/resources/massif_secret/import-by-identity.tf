import {
  to = massif_secret.database
  identity = {
    id = "6e8f1c1a-1f5d-4a53-9b39-0c5d4f3a7a11"
  }
}
