terraform {
  required_providers {
    massif = { source = "massif-cloud/massif" }
  }
}

provider "massif" {} # clouds.yaml and OS_* variables, like every OpenStack tool
