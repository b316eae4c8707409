package blockstorage_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// A volume grows while a server uses it, and what uses it shows.
func TestVolumeInUse(t *testing.T) {
	server := `
resource "massif_network" "test" { name = "{{name}}" }
resource "massif_subnet" "test" {
  name       = "{{name}}"
  network_id = massif_network.test.id
  cidr       = "10.7.0.0/24"
}
resource "massif_server" "test" {
  name     = "{{name}}"
  flavor   = "m1.small"
  image    = "cirros-fake"
  networks = [{ network_id = massif_subnet.test.network_id }]
  volumes  = { data = { volume_id = massif_volume.test.id } }
}
`
	acctest.New(t).Test(t,
		resource.TestStep{Config: server + volumeConfig(`size = 1`)},
		resource.TestStep{
			Config:           server + volumeConfig("size = 2\n  volume_type = \"fast\""),
			ConfigPlanChecks: planned(testVolume, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{
				volumeIs("size", knownvalue.Int64Exact(2)),
				volumeIs("volume_type", knownvalue.StringExact("fast")),
				volumeIs("attachments", knownvalue.ListSizeExact(1)),
			},
		},
		resource.TestStep{
			Config:      server + volumeConfig("size = 2\n  volume_type = \"fast\"") + snapshotConfig(``),
			ExpectError: acctest.Words(`force = true makes the snapshot nevertheless`),
		},
		resource.TestStep{Config: server + volumeConfig("size = 2\n  volume_type = \"fast\"") + snapshotConfig(`force = true`)},
	)
}
