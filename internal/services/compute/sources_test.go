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
		Config: keypairConfig(aKey) + serverConfig(`tags = ["{{name}}", "b"]`) + `
data "massif_availability_zones" "all" {}
data "massif_quotas" "all" { depends_on = [massif_server.test] }
data "massif_keypair" "test" { name = massif_keypair.test.name }
data "massif_server" "by_name" {
  name       = "{{name}}"
  depends_on = [massif_server.test]
}
data "massif_server" "by_tag" {
  tags       = ["{{name}}"]
  depends_on = [massif_server.test]
}
`,
		ConfigStateChecks: []statecheck.StateCheck{
			is("massif_availability_zones.all", tfjsonpath.New("names"), knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("nova")})),
			is("massif_availability_zones.all", tfjsonpath.New("volume_names"), knownvalue.ListSizeExact(1)),
			is("massif_quotas.all", tfjsonpath.New("instances").AtMapKey("used"), knownvalue.NotNull()),
			is("massif_quotas.all", tfjsonpath.New("volumes").AtMapKey("limit"), knownvalue.NotNull()),
			is("massif_quotas.all", tfjsonpath.New("ports").AtMapKey("free"), knownvalue.NotNull()),
			is("massif_keypair.test", tfjsonpath.New("public_key"), knownvalue.StringExact(aKey)),
			is("massif_server.by_name", tfjsonpath.New("flavor"), knownvalue.StringExact("m1.small")),
			is("massif_server.by_name", tfjsonpath.New("access_ipv4"), inSubnet),
			is("massif_server.by_tag", tfjsonpath.New("tags"), knownvalue.SetSizeExact(2)),
			is("massif_server.by_tag", tfjsonpath.New("networks").AtSliceIndex(0).AtMapKey("ipv4_address"), inSubnet),
		},
	})
}
