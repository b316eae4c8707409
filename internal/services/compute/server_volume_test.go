package compute_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/volumeattach"
	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

const threeVolumes = `
resource "massif_volume" "root" {
  name  = "{{name}}-root"
  size  = 1
  image = "cirros-fake"
}
resource "massif_volume" "one" {
  name = "{{name}}-one"
  size = 1
}
resource "massif_volume" "two" {
  name = "{{name}}-two"
  size = 1
}
`

// A server boots from a volume that exists, and has others, which come and go in place.
func TestServerVolumes(t *testing.T) {
	c := acctest.New(t)
	const boot = "\n  boot_volume = { volume_id = massif_volume.root.id }"
	with := func(volumes string) string {
		return threeVolumes + place + `
resource "massif_server" "test" {
  name     = "{{name}}"
  flavor   = "m1.small"
  tags     = ["{{name}}", "b"]
  networks = [{ network_id = massif_subnet.test.network_id }]` + boot + "\n  " + volumes + "\n}\n"
	}
	found := func(name string, path tfjsonpath.Path, check knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("data.massif_server."+name, path, check)
	}
	server, volume := "", ""
	c.Test(t,
		resource.TestStep{
			Config: with(`volumes = { data = { volume_id = massif_volume.one.id, device = "/dev/vdf" } }`),
			ConfigStateChecks: []statecheck.StateCheck{
				serverIs(tfjsonpath.New("image"), knownvalue.Null()),
				serverIs(tfjsonpath.New("image_id"), knownvalue.NotNull()),
				serverIs(tfjsonpath.New("boot_volume").AtMapKey("size"), knownvalue.Int64Exact(1)),
				serverIs(tfjsonpath.New("boot_volume").AtMapKey("delete_on_termination"), knownvalue.Bool(false)),
				statecheck.CompareValuePairs(testServer, tfjsonpath.New("boot_volume").AtMapKey("id"), "massif_volume.root", tfjsonpath.New("id"), compare.ValuesSame()),
			},
			Check: resource.ComposeTestCheckFunc(
				resource.TestCheckResourceAttrWith(testServer, "id", func(id string) error { server = id; return nil }),
				resource.TestCheckResourceAttrWith("massif_volume.one", "id", func(id string) error { volume = id; return nil }),
			),
		},
		resource.TestStep{
			Config:            with(`volumes = { data = { volume_id = massif_volume.one.id, device = "/dev/vdf" }, more = { volume_id = massif_volume.two.id } }`),
			ConfigPlanChecks:  planned(testServer, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{serverIs(tfjsonpath.New("volumes"), knownvalue.MapSizeExact(2))},
		},
		// Another name for the same volume asks for nothing; a volume that somebody detached is attached again.
		resource.TestStep{
			PreConfig: serverAction(t, c, &server, func(ctx context.Context, client *gophercloud.ServiceClient, id string) error {
				if err := volumeattach.Delete(ctx, client, id, volume).ExtractErr(); err != nil {
					return err
				}
				return openstack.WaitGone(ctx, openstack.Waiting[*volumeattach.VolumeAttachment]{
					What: "the attachment",
					Fetch: func(ctx context.Context) (*volumeattach.VolumeAttachment, error) {
						return volumeattach.Get(ctx, client, id, volume).Extract()
					},
				})
			}),
			Config:           with(`volumes = { data = { volume_id = massif_volume.one.id, device = "/dev/vdf" }, renamed = { volume_id = massif_volume.two.id } }`),
			ConfigPlanChecks: planned(testServer, plancheck.ResourceActionUpdate),
		},
		resource.TestStep{Config: with(``), ConfigPlanChecks: planned(testServer, plancheck.ResourceActionUpdate)},
		resource.TestStep{
			Config: with(``) + `
data "massif_server" "by_id"   { id = massif_server.test.id }
data "massif_server" "by_name" { name = massif_server.test.name }
data "massif_server" "by_tag"  { tags = massif_server.test.tags }
`,
			ConfigStateChecks: []statecheck.StateCheck{
				found("by_id", tfjsonpath.New("volume_ids"), knownvalue.ListSizeExact(1)),
				found("by_id", tfjsonpath.New("flavor"), knownvalue.StringExact("m1.small")),
				found("by_name", tfjsonpath.New("status"), knownvalue.StringExact("ACTIVE")),
				found("by_name", tfjsonpath.New("access_ipv4"), inSubnet),
				found("by_tag", tfjsonpath.New("networks").AtSliceIndex(0).AtMapKey("ipv4_address"), inSubnet),
				found("by_tag", tfjsonpath.New("tags"), knownvalue.SetSizeExact(2)),
			},
		},
	)
}

// sharing are servers with a volume that all of them may have.
func sharing(servers int, volumes string) string {
	return place + fmt.Sprintf(`
resource "massif_volume" "shared" {
  name        = "{{name}}"
  size        = 1
  volume_type = "shared"
}
resource "massif_server" "test" {
  count    = %d
  name     = "{{name}}-${count.index}"
  flavor   = "m1.small"
  image    = "cirros-fake"
  networks = [{ network_id = massif_subnet.test.network_id }]
  %s
}
`, servers, volumes)
}

const shared = "volumes = { shared = { volume_id = massif_volume.shared.id } }"

// Servers use one volume when its type lets them. Cinder serves one of them at a time; each takes and lets go of it all the same.
func TestServerSharedVolume(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{
			Config: sharing(4, shared),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("massif_volume.shared", tfjsonpath.New("multiattach"), knownvalue.Bool(true)),
			},
		},
		resource.TestStep{Config: sharing(4, "")},
		resource.TestStep{Config: sharing(4, shared)},
	)
}

// A volume goes from one server to another, which runs or is just being made, while the first one lets go of it or is deleted.
// Beside that the volume is copied and grows, as nothing of that depends on the servers.
func TestServerVolumeMoves(t *testing.T) {
	const data = "volumes = { data = { volume_id = massif_volume.data.id } }"
	server := func(name, volumes string) string {
		return fmt.Sprintf(`
resource "massif_server" %[1]q {
  name     = "{{name}}-%[1]s"
  flavor   = "m1.small"
  image    = "cirros-fake"
  networks = [{ network_id = massif_subnet.test.network_id }]
  %[2]s
}
`, name, volumes)
	}
	with := func(size int, servers ...string) string {
		return place + strings.Join(servers, "") + fmt.Sprintf(`
resource "massif_volume" "data" {
  name = "{{name}}-data"
  size = %d
}
resource "massif_volume" "copy" {
  name             = "{{name}}-copy"
  source_volume_id = massif_volume.data.id
}
resource "massif_volume_snapshot" "data" {
  name      = "{{name}}"
  volume_id = massif_volume.data.id
  force     = true
}
`, size)
	}
	acctest.New(t).Test(t,
		resource.TestStep{Config: with(1, server("a", data), server("b", ""))},
		resource.TestStep{Config: with(1, server("a", ""), server("b", data))},
		resource.TestStep{Config: with(2, server("a", ""), server("c", data))},
	)
}
