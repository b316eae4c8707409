package compute_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

func TestImage(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{
		Config: `
data "massif_image" "by_name" { name = "cirros-fake" }
data "massif_image" "by_id"   { id = data.massif_image.by_name.id }
data "massif_image" "by_property" {
  properties  = { os_distro = "ubuntu" }
  most_recent = true
}
data "massif_image" "by_tag" { tags = ["amphora"] }
`,
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue("data.massif_image.by_id", tfjsonpath.New("name"), knownvalue.StringExact("cirros-fake")),
			statecheck.ExpectKnownValue("data.massif_image.by_id", tfjsonpath.New("visibility"), knownvalue.StringExact("public")),
			statecheck.ExpectKnownValue("data.massif_image.by_id", tfjsonpath.New("size_bytes"), knownvalue.Int64Exact(65536)),
			statecheck.ExpectKnownValue("data.massif_image.by_property", tfjsonpath.New("name"), knownvalue.StringExact("ubuntu-22.04-fake")),
			statecheck.ExpectKnownValue("data.massif_image.by_tag", tfjsonpath.New("name"), knownvalue.StringExact("amphora-fake")),
		},
	})
}

func TestImageInvalid(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"nothing":    {``, `which image: by name`},
		"both":       {"name = \"a\"\n  id = \"b\"", `by name or by id, not by both`},
		"unknown":    {`name = "no such image"`, `image matches; there are:`},
		"several":    {`visibility = "public"` + "\n" + `  properties = {}`, `images match, where exactly one must`},
		"visibility": {`visibility = "everybody"`, `value must be one of`},
	} {
		t.Run(name, func(t *testing.T) {
			acctest.New(t).Test(t, resource.TestStep{
				Config: "data \"massif_image\" \"test\" {\n  " + tc.body + "\n}", PlanOnly: true, ExpectError: acctest.Words(tc.want),
			})
		})
	}
}
