package blockstorage_test

import (
	"context"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

const testSnapshot = "massif_volume_snapshot.test"

func snapshotConfig(body string) string {
	return "resource \"massif_volume_snapshot\" \"test\" {\n  name = \"{{name}}\"\n  volume_id = massif_volume.test.id\n  " + body + "\n}\n"
}

// gone waits until read answers that there is nothing.
func gone(ctx context.Context, read func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return openstack.WaitGone(ctx, openstack.Waiting[string]{
		What:  "the object",
		Fetch: func(ctx context.Context) (string, error) { return "there", read(ctx) },
	})
}

func TestVolumeSnapshot(t *testing.T) {
	c := acctest.New(t)
	id := ""
	is := func(name string, check knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue(testSnapshot, tfjsonpath.New(name), check)
	}
	const other = `
resource "massif_volume" "other" {
  name = "{{name}}-other"
  size = 1
}
`
	c.Test(t,
		resource.TestStep{
			Config: volumeConfig(`size = 1`) + snapshotConfig("description = \"first\"\n  metadata = { a = \"b\" }"),
			ConfigStateChecks: []statecheck.StateCheck{
				is("size", knownvalue.Int64Exact(1)), is("created_at", knownvalue.NotNull()), is("force", knownvalue.Bool(false)),
			},
		},
		resource.TestStep{ResourceName: testSnapshot, ImportState: true, ImportStateVerify: true},
		resource.TestStep{
			Config: volumeConfig(`size = 1`) + `
resource "massif_volume_snapshot" "test" {
  name      = "{{name}}-renamed"
  volume_id = massif_volume.test.id
}`,
			ConfigPlanChecks: planned(testSnapshot, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{
				is("description", knownvalue.StringExact("")), is("metadata", knownvalue.MapSizeExact(0)),
			},
			Check: resource.TestCheckResourceAttrWith(testSnapshot, "id", func(found string) error { id = found; return nil }),
		},
		resource.TestStep{
			PreConfig: func() {
				client, err := c.BlockStorage()
				if err != nil {
					t.Fatal(err)
				}
				if err := snapshots.Delete(t.Context(), client, id).ExtractErr(); err != nil {
					t.Fatal(err)
				}
				eventuallyGone(t, func(ctx context.Context) error { return snapshots.Get(ctx, client, id).Err })
			},
			Config:           volumeConfig(`size = 1`) + snapshotConfig(``),
			ConfigPlanChecks: planned(testSnapshot, plancheck.ResourceActionCreate),
		},
		resource.TestStep{
			Config: volumeConfig(`size = 1`) + other + `
resource "massif_volume_snapshot" "test" {
  name      = "{{name}}"
  volume_id = massif_volume.other.id
}`,
			ConfigPlanChecks: planned(testSnapshot, plancheck.ResourceActionDestroyBeforeCreate),
		},
	)
}
