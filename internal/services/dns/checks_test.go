package dns_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// has checks an attribute in the state.
func has(address, attribute string, want knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), want)
}

// step applies a configuration and checks the planned action and the state.
func step(config, address string, action plancheck.ResourceActionType, checks ...statecheck.StateCheck) resource.TestStep {
	return resource.TestStep{
		Config:            config,
		ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}},
		ConfigStateChecks: checks,
	}
}

func imported(address string, ignore ...string) resource.TestStep {
	return resource.TestStep{ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: append(ignore, "timeouts")}
}

// stolen are the ids of a resource, read while the test framework looks at the state.
type stolen struct{ id string }

func (s *stolen) from(address string) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		r, ok := state.RootModule().Resources[address]
		if !ok {
			return fmt.Errorf("%s is not in the state", address)
		}
		s.id = r.Primary.ID
		return nil
	}
}

// call sends a request behind Terraform's back.
func call(t *testing.T, c *acctest.Cloud, method string, body any, path ...string) (map[string]any, error) {
	t.Helper()
	client, err := c.DNS()
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	_, err = client.Request(t.Context(), method, client.ServiceURL(path...), &gophercloud.RequestOpts{
		JSONBody: body, JSONResponse: &answer, OkCodes: []int{http.StatusOK, http.StatusCreated, http.StatusAccepted},
	})
	return answer, err
}
