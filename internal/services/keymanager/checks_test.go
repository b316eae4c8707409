package keymanager_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/acls"
	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/secrets"
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

// stolen is the id of a resource, read while the test framework looks at the state.
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

// payload reads what the cloud keeps.
func payload(t *testing.T, c *acctest.Cloud, id, contentType string) string {
	t.Helper()
	client, err := c.KeyManager()
	if err != nil {
		t.Fatal(err)
	}
	content, err := secrets.GetPayload(t.Context(), client, id, secrets.GetPayloadOpts{PayloadContentType: contentType}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// keeps checks what the cloud keeps for a resource.
func keeps(t *testing.T, c *acctest.Cloud, address, contentType, want string) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		var s stolen
		if err := s.from(address)(state); err != nil {
			return err
		}
		if got := payload(t, c, s.id, contentType); got != want {
			return fmt.Errorf("the payload has %d bytes, want %d", len(got), len(want))
		}
		return nil
	}
}

// readers checks who may read a resource's secret.
func readers(t *testing.T, c *acctest.Cloud, address string, project bool, users ...string) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		var s stolen
		if err := s.from(address)(state); err != nil {
			return err
		}
		client, err := c.KeyManager()
		if err != nil {
			return err
		}
		acl, err := acls.GetSecretACL(t.Context(), client, s.id).Extract()
		if err != nil {
			return err
		}
		read := (*acl)["read"]
		slices.Sort(read.Users)
		if read.ProjectAccess != project || fmt.Sprint(read.Users) != fmt.Sprint(users) {
			return fmt.Errorf("the access list is %v, want %t %v", read, project, users)
		}
		return nil
	}
}

func removeSecret(t *testing.T, c *acctest.Cloud, id string) {
	t.Helper()
	client, err := c.KeyManager()
	if err != nil {
		t.Fatal(err)
	}
	if err := secrets.Delete(t.Context(), client, id).ExtractErr(); err != nil {
		t.Fatal(err)
	}
}
