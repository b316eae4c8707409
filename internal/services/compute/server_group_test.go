package compute_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servergroups"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

func planned(address string, action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
}

func serverGroupConfig(body string) string {
	return "resource \"massif_server_group\" \"test\" {\n  name = \"{{name}}\"\n  " + body + "\n}\n"
}

func TestServerGroupBasicAndImport(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{
			Config: serverGroupConfig(`policy = "soft-anti-affinity"`),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("massif_server_group.test", tfjsonpath.New("max_servers_per_host"), knownvalue.Null()),
			},
		},
		resource.TestStep{ResourceName: "massif_server_group.test", ImportState: true, ImportStateVerify: true},
	)
}

func TestServerGroupReplace(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{Config: serverGroupConfig("policy = \"anti-affinity\"\n  max_servers_per_host = 2")},
		resource.TestStep{ResourceName: "massif_server_group.test", ImportState: true, ImportStateVerify: true},
		resource.TestStep{
			Config:           serverGroupConfig("policy = \"anti-affinity\"\n  max_servers_per_host = 3"),
			ConfigPlanChecks: planned("massif_server_group.test", plancheck.ResourceActionDestroyBeforeCreate),
		},
	)
}

func TestServerGroupDisappears(t *testing.T) {
	c := acctest.New(t)
	c.Test(t,
		resource.TestStep{Config: serverGroupConfig(`policy = "affinity"`)},
		resource.TestStep{
			PreConfig: func() {
				client, err := c.Compute()
				if err != nil {
					t.Fatal(err)
				}
				pages, err := servergroups.List(client, nil).AllPages(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				groups, err := servergroups.ExtractServerGroups(pages)
				if err != nil {
					t.Fatal(err)
				}
				for _, group := range groups {
					if group.Name == c.Prefix {
						if err := servergroups.Delete(t.Context(), client, group.ID).ExtractErr(); err != nil {
							t.Fatal(err)
						}
					}
				}
			},
			Config:           serverGroupConfig(`policy = "affinity"`),
			ConfigPlanChecks: planned("massif_server_group.test", plancheck.ResourceActionCreate),
		},
	)
}
