package cluster_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

const basicHCL = `
resource "massif_network" "a" {
  name = "{{name}}"
}
resource "massif_subnet" "a" {
  name       = "{{name}}"
  network_id = massif_network.a.id
  cidr       = "10.2.1.0/24"
}
resource "massif_router" "a" {
  name             = "{{name}}"
  external_network = "ext-floating1"
  subnet_ids       = [massif_subnet.a.id]
}
resource "massif_cluster" "a" {
  name               = "{{name}}"
  kubernetes_version = "v1.34.1+rke2r1"
  external_network   = "ext-floating1"
  subnet_id          = massif_subnet.a.id
  control_plane      = { flavor = "m1.small", image = "ubuntu-22.04-fake", size = 1 }
  wait_for           = "servers"
  depends_on         = [massif_router.a]
}
resource "massif_node_pool" "a" {
  name               = "web"
  cluster_id         = massif_cluster.a.id
  kubernetes_version = massif_cluster.a.kubernetes_version
  subnet_id          = massif_subnet.a.id
  flavor             = "m1.small"
  image              = "ubuntu-22.04-fake"
  size               = 2
  wait_for           = "servers"
}
`

func TestAccClusterServersOnly(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{Config: basicHCL})
}
