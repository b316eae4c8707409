package acctest

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// Has checks an attribute in the state.
func Has(address, attribute string, want knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), want)
}

// Plans checks what would happen to a resource before it is applied.
func Plans(address string, action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
}

// Step applies a configuration, checks the planned action and the state, and that a second plan is empty (which the test
// framework does after every step).
func Step(config, address string, action plancheck.ResourceActionType, checks ...statecheck.StateCheck) resource.TestStep {
	return resource.TestStep{Config: config, ConfigPlanChecks: Plans(address, action), ConfigStateChecks: checks}
}

// Imported imports a resource and compares it with the state, but for the attributes to ignore.
func Imported(address string, ignore ...string) resource.TestStep {
	return resource.TestStep{ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: append(ignore, "timeouts")}
}

// Stolen is the id of a resource, read while the test framework looks at the state.
type Stolen struct{ ID string }

// From reads the id.
func (s *Stolen) From(address string) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		r, ok := state.RootModule().Resources[address]
		if !ok {
			return fmt.Errorf("%s is not in the state", address)
		}
		s.ID = r.Primary.ID
		return nil
	}
}

// Wrong is a configuration that must fail in validate or plan: what is wrong with it, the configuration, the attribute to blame
// as [Blamed] takes it, and the words of the error.
type Wrong [4]string

// Refused plans wrong configurations, a test each.
func Refused(t *testing.T, wrongs []Wrong) {
	t.Helper()
	for _, w := range wrongs {
		t.Run(w[0], func(t *testing.T) {
			New(t).Test(t, resource.TestStep{Config: w[1], PlanOnly: true, ExpectError: Blamed(w[2], w[3])})
		})
	}
}

// NotRefused plans configurations in which something is unknown, a test each: what may become right does not fail. They find
// values that are known after the apply only in local.text, local.number, local.yes, local.list and local.words.
func NotRefused(t *testing.T, configs map[string]string) {
	t.Helper()
	const later = `
resource "terraform_data" "later" { input = "x" }
locals {
  text   = terraform_data.later.output
  number = length(terraform_data.later.output)
  yes    = terraform_data.later.output == "x"
  list   = [terraform_data.later.output]
  words  = split(",", terraform_data.later.output)
}
`
	for name, config := range configs {
		t.Run(name, func(t *testing.T) {
			New(t).Test(t, resource.TestStep{Config: later + config, PlanOnly: true, ExpectNonEmptyPlan: true})
		})
	}
}
