import {
  to = massif_keypair.ops
  identity = {
    id = "ops"
  }
}
