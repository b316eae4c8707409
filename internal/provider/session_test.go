package provider_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// What cannot work is one error when the provider is configured, before any resource is looked at.
func TestProviderThatCannotWork(t *testing.T) {
	for name, tc := range map[string]struct{ arguments, want string }{
		"no project":      {`password = "` + simulator.Password + `"`, "nothing says in which project to work"},
		"wrong password":  {"password = \"nope\"\n  project_name = \"demo\"", "One of these is wrong, expired or disabled"},
		"unknown project": {`password = "` + simulator.Password + "\"\n  project_name = \"nowhere\"", "Credentials rejected"},
		"wrong region":    {`password = "` + simulator.Password + "\"\n  project_name = \"demo\"\n  region = \"Mars\"", `The cloud has no region "Mars"; it has: RegionOne`},
	} {
		t.Run(name, func(t *testing.T) {
			c := acctest.OnSimulator(t, "the credentials are the simulator's")
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: acctest.Providers(),
				Steps: []resource.TestStep{{
					Config: fmt.Sprintf("provider \"massif\" {\n  auth_url = %q\n  username = \"demo\"\n  %s\n}\n\nresource \"massif_network\" \"test\" { name = \"x\" }\n",
						c.Simulator.AuthURL(), tc.arguments),
					PlanOnly:    true,
					ExpectError: acctest.Words(tc.want),
				}},
			})
		})
	}
}
