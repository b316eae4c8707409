package identity_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// echo shows an ephemeral resource in the state.
func echo(from string) string {
	return "\nprovider \"echo\" { data = " + from + " }\nresource \"echo\" \"test\" {}\n"
}

func echoed(name string, check knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue("echo.test", tfjsonpath.New("data").AtMapKey(name), check)
}

func TestToken(t *testing.T) {
	c := acctest.New(t)
	c.Test(t, resource.TestStep{
		Config: `ephemeral "massif_token" "test" {}` + echo("ephemeral.massif_token.test"),
		ConfigStateChecks: []statecheck.StateCheck{
			echoed("project_id", knownvalue.StringExact(c.ProjectID())),
			echoed("user_id", knownvalue.StringExact(c.UserID())),
			echoed("region", knownvalue.StringExact(c.Region())),
			echoed("auth_url", knownvalue.StringExact(c.AuthURL())),
			echoed("roles", knownvalue.SetPartial([]knownvalue.Check{knownvalue.StringExact("member")})),
			echoed("endpoints", knownvalue.MapPartial(map[string]knownvalue.Check{"network": knownvalue.NotNull(), "object-store": knownvalue.NotNull()})),
			echoed("expires_at", knownvalue.StringFunc(func(text string) error {
				at, err := time.Parse(time.RFC3339, text)
				if err == nil && time.Until(at) < time.Minute {
					err = fmt.Errorf("it ends at %s already", text)
				}
				return err
			})),
		},
		Check: resource.TestCheckResourceAttrWith("echo.test", "data.id", func(id string) error {
			client, err := c.Identity()
			if err != nil {
				return err
			}
			if id == client.Token() {
				t.Error("it is the provider's own token")
			}
			// It ended with the run of Terraform that opened it.
			if alive, err := tokens.Validate(t.Context(), client, id); err != nil || alive {
				t.Errorf("the token is still valid: %v", err)
			}
			return nil
		}),
	})
}

// What cannot be opened says so.
func TestTokenRefused(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{
		Config:      `ephemeral "massif_token" "test" { region = "Mars" }` + echo("ephemeral.massif_token.test"),
		ExpectError: acctest.Words(`no region "Mars"`),
	})
}

// While Terraform runs, the token is as good as the credentials that it came from.
func TestTokenWorks(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{Config: `
ephemeral "massif_token" "test" {}

provider "massif" {
  alias      = "token"
  auth_url   = ephemeral.massif_token.test.auth_url
  token      = ephemeral.massif_token.test.id
  project_id = ephemeral.massif_token.test.project_id
  region     = ephemeral.massif_token.test.region
}

resource "massif_object_container" "test" {
  provider = massif.token
  name     = "{{name}}"
}`})
}
