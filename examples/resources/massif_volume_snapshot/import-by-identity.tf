import {
  to = massif_volume_snapshot.before_upgrade
  identity = {
    id = "0b3f8f57-31f0-4a26-8f0e-6a8f9d5e2c11"
  }
}
