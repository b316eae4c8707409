import {
  to = massif_dns_record_set.www
  identity = {
    id = "6e8f1c1a-1f5d-4a53-9b39-0c5d4f3a7a11/3f0e3f5e-6d8e-4a53-9b39-0c5d4f3a7a11"
  }
}
