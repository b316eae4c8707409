package compute_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

func TestFlavor(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{
		Config: `
data "massif_flavor" "by_name" { name = "m1.small" }
data "massif_flavor" "by_id"   { id = data.massif_flavor.by_name.id }
data "massif_flavor" "by_size" {
  min_ram  = 12000
  min_disk = 100
}
`,
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue("data.massif_flavor.by_id", tfjsonpath.New("name"), knownvalue.StringExact("m1.small")),
			statecheck.ExpectKnownValue("data.massif_flavor.by_id", tfjsonpath.New("ram"), knownvalue.Int64Exact(2048)),
			statecheck.ExpectKnownValue("data.massif_flavor.by_id", tfjsonpath.New("is_public"), knownvalue.Bool(true)),
			statecheck.ExpectKnownValue("data.massif_flavor.by_size", tfjsonpath.New("name"), knownvalue.StringExact("m1.xlarge")),
		},
	})
}

func TestFlavorInvalid(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"nothing": {``, `which flavor: by name`},
		"both":    {"name = \"a\"\n  min_ram = 1", `by name or id, or by its least size, not by both`},
		"unknown": {`name = "no such flavor"`, `flavor matches; there are:`},
		"too big": {`min_vcpus = 100000`, `flavor matches; there are:`},
	} {
		t.Run(name, func(t *testing.T) {
			acctest.New(t).Test(t, resource.TestStep{
				Config: "data \"massif_flavor\" \"test\" {\n  " + tc.body + "\n}", PlanOnly: true, ExpectError: acctest.Words(tc.want),
			})
		})
	}
}
