import {
  to = massif_volume.data
  identity = {
    id = "3f6d9a5e-5f3e-4a8c-8a4f-1f0f6d1b0c55"
  }
}
