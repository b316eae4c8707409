terraform {
  required_providers {
    massif = { source = "massif-cloud/massif" }
  }
}

# Everything comes from clouds.yaml (with OS_CLOUD or `cloud`), from OS_* variables, or from arguments.
provider "massif" {
  cloud = "mycloud"
}
