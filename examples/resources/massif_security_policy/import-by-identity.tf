import {
  to = massif_security_policy.prod
  identity = {
    id = "servers=9c1b6e0f-3c59-4c8e-a52c-3a1a5d1f2b7e,agents=1f0d7c55-6f0b-4f29-8a8e-2a4f1f1c9c11"
  }
}
