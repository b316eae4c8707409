package compute_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

func TestDataSources(t *testing.T) {
	is := func(address string, path tfjsonpath.Path, check knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("data."+address, path, check)
	}
	acctest.New(t).Test(t, resource.TestStep{
		Config: keypairConfig(aKey) + `
data "massif_availability_zones" "all" {}
data "massif_quotas" "all" {}
data "massif_keypair" "test" { name = massif_keypair.test.name }
`,
		ConfigStateChecks: []statecheck.StateCheck{
			is("massif_availability_zones.all", tfjsonpath.New("names"), knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("nova")})),
			is("massif_availability_zones.all", tfjsonpath.New("volume_names"), knownvalue.ListSizeExact(1)),
			is("massif_quotas.all", tfjsonpath.New("instances").AtMapKey("used"), knownvalue.NotNull()),
			is("massif_quotas.all", tfjsonpath.New("volumes").AtMapKey("limit"), knownvalue.NotNull()),
			is("massif_quotas.all", tfjsonpath.New("ports").AtMapKey("free"), knownvalue.NotNull()),
			is("massif_keypair.test", tfjsonpath.New("public_key"), knownvalue.StringExact(aKey)),
		},
	})
}
