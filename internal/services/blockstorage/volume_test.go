package blockstorage_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

const testVolume = "massif_volume.test"

func volumeConfig(body string) string {
	return "resource \"massif_volume\" \"test\" {\n  name = \"{{name}}\"\n  " + body + "\n}\n"
}

func volumeIs(name string, check knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(testVolume, tfjsonpath.New(name), check)
}

func planned(address string, action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
}

func TestVolumeBasicAndImport(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{
			Config: volumeConfig(`size = 1`),
			ConfigStateChecks: []statecheck.StateCheck{
				volumeIs("size", knownvalue.Int64Exact(1)),
				volumeIs("description", knownvalue.StringExact("")),
				volumeIs("volume_type", knownvalue.StringExact("fake")),
				volumeIs("availability_zone", knownvalue.StringExact("nova")),
				volumeIs("bootable", knownvalue.Bool(false)),
				volumeIs("encrypted", knownvalue.Bool(false)),
				volumeIs("multiattach", knownvalue.Bool(false)),
				volumeIs("image_id", knownvalue.Null()),
				volumeIs("attachments", knownvalue.ListSizeExact(0)),
			},
		},
		resource.TestStep{ResourceName: testVolume, ImportState: true, ImportStateVerify: true},
	)
}

const fullVolume = `
  description       = "all of it"
  size              = 2
  volume_type       = "fast"
  migration_policy  = "on-demand"
  image             = "cirros-fake"
  availability_zone = "nova"
  metadata          = { a = "b" }
`

func TestVolumeFull(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{
			Config: volumeConfig(fullVolume),
			ConfigStateChecks: []statecheck.StateCheck{
				volumeIs("bootable", knownvalue.Bool(true)),
				volumeIs("image_id", knownvalue.NotNull()),
				volumeIs("metadata", knownvalue.MapSizeExact(1)),
			},
		},
		resource.TestStep{ResourceName: testVolume, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"image", "migration_policy"}},
		// The same image by its id is no reason for a new volume, another one is.
		resource.TestStep{
			Config:           `data "massif_image" "same" { name = "cirros-fake" }` + "\n" + volumeConfig("size = 2\n  volume_type = \"fast\"\n  image = data.massif_image.same.id"),
			ConfigPlanChecks: planned(testVolume, plancheck.ResourceActionUpdate),
		},
		resource.TestStep{
			Config:           volumeConfig("size = 1\n  image = \"ubuntu-22.04-fake\""),
			ConfigPlanChecks: planned(testVolume, plancheck.ResourceActionDestroyBeforeCreate),
		},
	)
}

func TestVolumeUpdate(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{Config: volumeConfig("size = 1\n  description = \"first\"\n  metadata = { a = \"b\", c = \"d\" }")},
		resource.TestStep{
			Config: `
resource "massif_volume" "test" {
  name        = "{{name}}-renamed"
  size        = 3
  volume_type = "fast"
  metadata    = { c = "e" }
}`,
			ConfigPlanChecks: planned(testVolume, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{
				volumeIs("size", knownvalue.Int64Exact(3)),
				volumeIs("volume_type", knownvalue.StringExact("fast")),
				volumeIs("description", knownvalue.StringExact("")),
				volumeIs("metadata", knownvalue.MapExact(map[string]knownvalue.Check{"c": knownvalue.StringExact("e")})),
			},
		},
		// The type by its id is the same type, and metadata can be emptied.
		resource.TestStep{
			Config: `
data "massif_volume_type" "fast" { name = "fast" }
` + volumeConfig("size = 3\n  volume_type = data.massif_volume_type.fast.id"),
			ConfigPlanChecks:  planned(testVolume, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{volumeIs("metadata", knownvalue.MapSizeExact(0))},
		},
		resource.TestStep{
			Config:      volumeConfig(`size = 2`),
			ExpectError: acctest.Words(`volume has 3 GiB and cannot shrink to 2, for Cinder has no such call.`),
		},
	)
}

// Copies take the size of what they are copied from, and stay when they forget it.
func TestVolumeFromSnapshotAndVolume(t *testing.T) {
	const original = `
resource "massif_volume" "original" {
  name = "{{name}}-original"
  size = 2
}
resource "massif_volume_snapshot" "original" {
  name      = "{{name}}"
  volume_id = massif_volume.original.id
}
`
	sized := func(name string, size int64) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("massif_volume."+name, tfjsonpath.New("size"), knownvalue.Int64Exact(size))
	}
	acctest.New(t).Test(t,
		resource.TestStep{
			Config: original + `
resource "massif_volume" "restored" {
  name        = "{{name}}-restored"
  snapshot_id = massif_volume_snapshot.original.id
}
resource "massif_volume" "copy" {
  name             = "{{name}}-copy"
  size             = 3
  source_volume_id = massif_volume.original.id
}
`,
			ConfigStateChecks: []statecheck.StateCheck{sized("restored", 2), sized("copy", 3)},
		},
		resource.TestStep{ResourceName: "massif_volume.restored", ImportState: true, ImportStateVerify: true},
		resource.TestStep{ResourceName: "massif_volume.copy", ImportState: true, ImportStateVerify: true},
		resource.TestStep{
			Config: original + `
resource "massif_volume" "restored" {
  name = "{{name}}-restored"
  size = 2
}
resource "massif_volume" "copy" {
  name        = "{{name}}-copy"
  snapshot_id = massif_volume_snapshot.original.id
}
`,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction("massif_volume.restored", plancheck.ResourceActionUpdate),
				plancheck.ExpectResourceAction("massif_volume.copy", plancheck.ResourceActionDestroyBeforeCreate),
			}},
		},
		resource.TestStep{
			Config: original + `
resource "massif_volume" "restored" {
  name        = "{{name}}-restored"
  size        = 1
  snapshot_id = massif_volume_snapshot.original.id
}
`,
			ExpectError: acctest.Words(`needs 2 GiB, 1 are too few`),
		},
	)
}

// volumeID gives the id of the volume under test to steps that need it before Terraform tells it.
func volumeID(id *string) resource.TestCheckFunc {
	return resource.TestCheckResourceAttrWith(testVolume, "id", func(found string) error {
		*id = found
		return nil
	})
}

func TestVolumeDisappears(t *testing.T) {
	c := acctest.New(t)
	id := ""
	c.Test(t,
		resource.TestStep{Config: volumeConfig(`size = 1`), Check: volumeID(&id)},
		resource.TestStep{
			PreConfig: func() {
				client, err := c.BlockStorage()
				if err != nil {
					t.Fatal(err)
				}
				if err := volumes.Delete(t.Context(), client, id, nil).ExtractErr(); err != nil {
					t.Fatal(err)
				}
				eventuallyGone(t, func(ctx context.Context) error { return volumes.Get(ctx, client, id).Err })
			},
			Config:           volumeConfig(`size = 1`),
			ConfigPlanChecks: planned(testVolume, plancheck.ResourceActionCreate),
		},
	)
}

// A snapshot that somebody else made keeps the volume, and the error names it.
func TestVolumeDeleteWithSnapshots(t *testing.T) {
	c := acctest.New(t)
	id := ""
	c.Test(t,
		resource.TestStep{
			Config: volumeConfig(`size = 1`),
			Check: func(s *terraform.State) error {
				if err := volumeID(&id)(s); err != nil {
					return err
				}
				client, err := c.BlockStorage()
				if err != nil {
					return err
				}
				made, err := snapshots.Create(t.Context(), client, snapshots.CreateOpts{VolumeID: id, Name: c.Prefix + "-foreign"}).Extract()
				if err != nil {
					return err
				}
				return snapshots.WaitForStatus(t.Context(), client, made.ID, "available")
			},
		},
		resource.TestStep{
			Config:      `data "massif_volume_type" "default" {}`,
			ExpectError: acctest.Words(`-foreign"`),
		},
		resource.TestStep{Config: volumeConfig("size = 1\n  delete_snapshots = true"), ConfigPlanChecks: planned(testVolume, plancheck.ResourceActionUpdate)},
	)
}

// A volume that Cinder gives up is told with Cinder's words, and is tainted.
func TestVolumeFailedWait(t *testing.T) {
	c := acctest.OnSimulator(t, "a real cloud's backend does not fail on purpose")
	for _, fault := range []simulator.Fault{
		{Method: http.MethodGet, Service: "block-storage", Path: "/volumes/[^/]{36}$", Count: 1, Status: http.StatusOK, Body: `{"volume":{"id":"x","name":"x","status":"error"}}`},
		{Method: http.MethodGet, Service: "block-storage", Path: "/messages$", Count: 1, Status: http.StatusOK, Body: `{"messages":[
			{"user_message":"schedule allocate volume:Could not find any available weighted backend.","created_at":"2026-01-01T00:00:02.000000"},
			{"user_message":"older","created_at":"2026-01-01T00:00:01.000000"}]}`},
	} {
		if err := c.Simulator.AddFault(fault); err != nil {
			t.Fatal(err)
		}
	}
	c.Test(t,
		resource.TestStep{
			Config:      volumeConfig(`size = 1`),
			ExpectError: acctest.Words(`reached the state error: schedule allocate volume:Could not find any available weighted backend.`),
		},
		resource.TestStep{Config: volumeConfig(`size = 1`), ConfigPlanChecks: planned(testVolume, plancheck.ResourceActionDestroyBeforeCreate)},
	)
}

// Cinder accepts an extension or a new type and leaves the volume as it was: that is an error, with Cinder's words.
func TestVolumeChangeThatCinderDrops(t *testing.T) {
	for name, tc := range map[string]struct{ action, body, want string }{
		"extend": {"os-extend", `size = 2`, `was not extended: it has 1 GiB; Cinder says: extend volume:Failed`},
		"retype": {"os-retype", "size = 1\n  volume_type = \"fast\"", `is still of type "fake"; Cinder says: extend volume:Failed`},
	} {
		t.Run(name, func(t *testing.T) {
			c := acctest.OnSimulator(t, "a real cloud's backend does not fail on purpose")
			c.Test(t,
				resource.TestStep{Config: volumeConfig(`size = 1`)},
				resource.TestStep{
					PreConfig: func() {
						for _, fault := range []simulator.Fault{
							{Method: http.MethodPost, Service: "block-storage", Path: "/action$", Count: 1, Status: http.StatusAccepted},
							{Method: http.MethodGet, Service: "block-storage", Path: "/messages$", Count: 1, Status: http.StatusOK, Body: `{"messages":[
								{"user_message":"extend volume:Failed","created_at":"2026-01-01T00:00:02.000000"}]}`},
						} {
							if err := c.Simulator.AddFault(fault); err != nil {
								t.Fatal(err)
							}
						}
					},
					Config:      volumeConfig(tc.body),
					ExpectError: acctest.Words(tc.want),
				},
				resource.TestStep{Config: volumeConfig(tc.body)},
			)
		})
	}
}

// The request is carried out and its answer lost: the volume must be in the state nevertheless.
func TestVolumeWhoseAnswerIsLost(t *testing.T) {
	for kind, body := range map[string]string{
		"volumes":   volumeConfig(`size = 1`),
		"snapshots": volumeConfig(`size = 1`) + snapshotConfig(``),
	} {
		t.Run(kind, func(t *testing.T) {
			c := acctest.OnSimulator(t, "an answer is lost on purpose")
			fault := simulator.Fault{Method: http.MethodPost, Service: "block-storage", Path: "/" + kind + "$", Count: 1, Drop: true, Late: true}
			if err := c.Simulator.AddFault(fault); err != nil {
				t.Fatal(err)
			}
			c.Test(t, resource.TestStep{Config: body})
		})
	}
}

// What wants the volume while a server is getting or losing it waits for that.
func TestVolumeInTransit(t *testing.T) {
	c := acctest.OnSimulator(t, "a server is about to get the volume on purpose")
	with := func(size int, more string) string { return volumeConfig(fmt.Sprintf("size = %d", size)) + more }
	refuse := func(path, message string) {
		err := c.Simulator.AddFault(simulator.Fault{
			Method: http.MethodPost, Service: "block-storage", Path: path, Count: 2,
			Status: http.StatusBadRequest, Body: fmt.Sprintf(`{"badRequest": {"code": 400, "message": %q}}`, "Invalid volume: "+message),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	c.Test(t,
		resource.TestStep{Config: with(1, "")},
		resource.TestStep{
			PreConfig: func() {
				refuse("/snapshots$", "Volume x status must be available, in-use, but current status is: attaching.")
				refuse("/volumes$", "Originating source volume status must be one of 'available, in-use' values")
				refuse("/action$", "Volume x status must be '{'status': 'available'}' to extend, currently detaching.")
			},
			Config: with(2, snapshotConfig("")+`
resource "massif_volume" "copy" {
  name             = "{{name}}-copy"
  source_volume_id = massif_volume.test.id
}
`),
		},
	)
}

func TestVolumeUnknowns(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{
		Config: `
resource "terraform_data" "later" {
  input = { size = 1, type = "fast", image = "cirros-fake", zone = "nova", description = "x", metadata = { a = "b" } }
}
` + volumeConfig(`
  size              = terraform_data.later.output.size
  volume_type       = terraform_data.later.output.type
  image             = terraform_data.later.output.image
  availability_zone = terraform_data.later.output.zone
  description       = terraform_data.later.output.description
  metadata          = terraform_data.later.output.metadata`),
		ConfigStateChecks: []statecheck.StateCheck{volumeIs("bootable", knownvalue.Bool(true))},
	})
}

func TestVolumeDataSources(t *testing.T) {
	is := func(address, name string, check knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("data."+address, tfjsonpath.New(name), check)
	}
	base := volumeConfig("size = 1\n  metadata = { role = \"{{name}}\", n = \"1\" }") + snapshotConfig(``) + `
resource "massif_volume_snapshot" "newer" {
  name       = "{{name}}-newer"
  volume_id  = massif_volume.test.id
  depends_on = [massif_volume_snapshot.test]
}
`
	acctest.New(t).Test(t,
		resource.TestStep{Config: base},
		resource.TestStep{
			Config: base + `
data "massif_volume" "by_id"       { id = massif_volume.test.id }
data "massif_volume" "by_name"     { name = "{{name}}" }
data "massif_volume" "by_metadata" { metadata = { role = "{{name}}" } }
data "massif_volume_type" "default" {}
data "massif_volume_type" "by_name" { name = "fast" }
data "massif_volume_snapshot" "by_id" { id = massif_volume_snapshot.test.id }
data "massif_volume_snapshot" "by_name" { name = "{{name}}" }
data "massif_volume_snapshot" "newest" {
  volume_id   = massif_volume.test.id
  most_recent = true
}
`,
			ConfigStateChecks: []statecheck.StateCheck{
				is("massif_volume.by_id", "name", knownvalue.StringRegexp(regexp.MustCompile(`^acc`))),
				is("massif_volume.by_name", "size", knownvalue.Int64Exact(1)),
				is("massif_volume.by_name", "status", knownvalue.StringExact("available")),
				is("massif_volume.by_metadata", "metadata", knownvalue.MapSizeExact(2)),
				is("massif_volume_type.default", "name", knownvalue.StringExact("fake")),
				is("massif_volume_type.by_name", "multiattach", knownvalue.Bool(false)),
				is("massif_volume_snapshot.by_id", "size", knownvalue.Int64Exact(1)),
				is("massif_volume_snapshot.by_name", "status", knownvalue.StringExact("available")),
				is("massif_volume_snapshot.newest", "name", knownvalue.StringRegexp(regexp.MustCompile(`^acc`))),
			},
		},
		resource.TestStep{
			Config:      base + "data \"massif_volume_snapshot\" \"two\" { volume_id = massif_volume.test.id }",
			ExpectError: acctest.Words(`2 snapshots match, where exactly one must`),
		},
	)
}

// eventuallyGone waits until read answers that there is nothing.
func eventuallyGone(t *testing.T, read func(context.Context) error) {
	t.Helper()
	if err := gone(t.Context(), read); err != nil {
		t.Fatal(fmt.Errorf("still there: %w", err))
	}
}
