package identity_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/applicationcredentials"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

const application = "massif_application_credential.test"

func app(body string) string {
	return "resource \"massif_application_credential\" \"test\" {\n  name = \"{{name}}\"\n" + body + "\n}\n"
}

func appPlan(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(application, action)}}
}

func is(name string, check knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(application, tfjsonpath.New(name), check)
}

// letsIn checks that the credential in the state authenticates, with the secret if that is not in the state.
func letsIn(t *testing.T, c *acctest.Cloud, secret string) resource.TestCheckFunc {
	return func(s *terraform.State) error {
		instance := s.RootModule().Resources[application].Primary
		if secret == "" {
			secret = instance.Attributes["secret"]
		}
		return c.TryApplicationCredential(t.Context(), instance.ID, secret)
	}
}

func TestApplicationCredentialBasicAndImport(t *testing.T) {
	c := acctest.New(t)
	c.Test(t,
		resource.TestStep{
			Config: app(""),
			ConfigStateChecks: []statecheck.StateCheck{
				is("secret", knownvalue.StringRegexp(regexp.MustCompile(`^[A-Za-z0-9_-]{54}$`))),
				statecheck.ExpectSensitiveValue(application, tfjsonpath.New("secret")),
				is("roles", knownvalue.SetPartial([]knownvalue.Check{knownvalue.StringExact("member"), knownvalue.StringExact("reader")})),
				is("project_id", knownvalue.StringExact(c.ProjectID())),
				is("user_id", knownvalue.StringExact(c.UserID())),
				is("expires_at", knownvalue.Null()),
				is("access_rules", knownvalue.Null()),
				is("unrestricted", knownvalue.Bool(false)),
			},
			Check: letsIn(t, c, ""),
		},
		resource.TestStep{ResourceName: application, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"secret"}},
	)
}

func TestApplicationCredentialFull(t *testing.T) {
	c := acctest.New(t)
	full := func(more string) string {
		return app(`
  description  = "for the backup"
  roles        = ["member"]
  unrestricted = true
  expires_at   = "2037-01-31T01:00:00+01:00"
  renew_before = 86400
  access_rules = [
    { service = "object-store", method = "PUT", path = "/v1/AUTH_*/backup/**" },
    { service = "compute", method = "GET", path = "/v2.1/servers/{{name}}" },
  ]
` + more)
	}
	c.Test(t,
		resource.TestStep{
			Config: full("  secret_wo = \"a secret of my own\"\n  secret_wo_version = 1"),
			ConfigStateChecks: []statecheck.StateCheck{
				is("secret", knownvalue.Null()), is("secret_wo", knownvalue.Null()), is("roles", knownvalue.SetSizeExact(1)), is("access_rules", knownvalue.SetSizeExact(2)),
			},
			Check: letsIn(t, c, "a secret of my own"),
		},
		resource.TestStep{
			ResourceName: application, ImportState: true, ImportStateVerify: true,
			ImportStateVerifyIgnore: []string{"expires_at", "renew_before", "secret_wo_version"}, // the same instant, and what Keystone does not know
		},
		resource.TestStep{
			Config:           strings.Replace(full("  secret_wo = \"a secret of my own\"\n  secret_wo_version = 1"), "86400", "3600", 1),
			ConfigPlanChecks: appPlan(plancheck.ResourceActionUpdate),
		},
		resource.TestStep{
			Config:           full("  secret_wo = \"another secret\"\n  secret_wo_version = 2"),
			ConfigPlanChecks: appPlan(plancheck.ResourceActionDestroyBeforeCreate),
			Check:            letsIn(t, c, "another secret"),
		},
	)
}

// Keystone changes nothing: every change makes a new credential.
func TestApplicationCredentialReplace(t *testing.T) {
	steps := []resource.TestStep{{Config: app("")}}
	for _, body := range []string{
		`  description = "other"`, `  roles = ["reader"]`, `  unrestricted = true`, `  expires_at = "2037-01-01T00:00:00Z"`, `  expires_after = 86400`, "",
		`  access_rules = [{ service = "compute", method = "GET", path = "/v2.1/servers/{{name}}" }]`, `  access_rules = [{ service = "compute", method = "GET", path = "/v2.1/flavors/{{name}}" }]`,
	} {
		steps = append(steps, resource.TestStep{Config: app(body), ConfigPlanChecks: appPlan(plancheck.ResourceActionDestroyBeforeCreate)})
	}
	acctest.New(t).Test(t, steps...)
}

// Credentials of one user share their access rules, and the last one takes them away.
func TestApplicationCredentialSharedRules(t *testing.T) {
	c := acctest.New(t)
	c.Test(t, resource.TestStep{
		Config: `
resource "massif_application_credential" "test" {
  count        = 4
  name         = "{{name}}-${count.index}"
  access_rules = [{ service = "compute", method = "GET", path = "/v2.1/{{name}}" }]
}`,
	})
	client, err := c.Identity()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := applicationcredentials.ListAccessRules(client, c.UserID()).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rules, err := applicationcredentials.ExtractAccessRules(pages)
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range rules {
		if strings.HasSuffix(rule.Path, c.Prefix) {
			t.Errorf("left: %v", rule)
		}
	}
}

// One that ends soon is replaced before it does.
func TestApplicationCredentialRenewal(t *testing.T) {
	body := func(after, before int) string {
		return app(fmt.Sprintf("  expires_after = %d\n  renew_before = %d", after, before))
	}
	acctest.New(t).Test(t,
		resource.TestStep{Config: body(3600, 60), ConfigStateChecks: []statecheck.StateCheck{is("expires_at", knownvalue.NotNull())}},
		resource.TestStep{Config: body(3600, 120), ConfigPlanChecks: appPlan(plancheck.ResourceActionUpdate)},
		resource.TestStep{Config: body(7200, 120), ConfigPlanChecks: appPlan(plancheck.ResourceActionDestroyBeforeCreate)},
		// A second after it was made, it is due. Only the plan: what it would make might be due again, or not yet.
		resource.TestStep{
			Config:    body(7200, 7199),
			PreConfig: func() { pause(t.Context(), 2*time.Second) },
			ConfigPlanChecks: resource.ConfigPlanChecks{PostApplyPreRefresh: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(application, plancheck.ResourceActionDestroyBeforeCreate),
			}},
			PlanOnly:           true,
			ExpectNonEmptyPlan: true,
		},
	)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func TestApplicationCredentialDisappears(t *testing.T) {
	c := acctest.New(t)
	id := ""
	c.Test(t,
		resource.TestStep{
			Config: app(""),
			Check:  resource.TestCheckResourceAttrWith(application, "id", func(value string) error { id = value; return nil }),
		},
		resource.TestStep{
			PreConfig: func() {
				client, err := c.Identity()
				if err != nil {
					t.Fatal(err)
				}
				if err := applicationcredentials.Delete(t.Context(), client, c.UserID(), id).ExtractErr(); err != nil {
					t.Fatal(err)
				}
			},
			Config:           app(""),
			ConfigPlanChecks: appPlan(plancheck.ResourceActionCreate),
		},
	)
}

func TestApplicationCredentialExists(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{
		Config: app("") + `
resource "massif_application_credential" "twin" {
  name       = "{{name}}"
  depends_on = [massif_application_credential.test]
}`,
		ExpectError: acctest.Words("terraform import 'massif_application_credential.NAME'"),
	})
}

func TestApplicationCredentialUnknowns(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{Config: `
resource "terraform_data" "later" { input = { name = "{{name}}", roles = ["member"], at = "2037-01-01T00:00:00Z", path = "/v2.1/servers/{{name}}", text = "later", before = 60 } }
resource "massif_application_credential" "test" {
  name         = terraform_data.later.output.name
  description  = terraform_data.later.output.text
  roles        = terraform_data.later.output.roles
  expires_at   = terraform_data.later.output.at
  renew_before = terraform_data.later.output.before
  access_rules = [{ service = "compute", method = "GET", path = terraform_data.later.output.path }]
}`,
		ConfigStateChecks: []statecheck.StateCheck{is("roles", knownvalue.SetSizeExact(1)), is("expires_at", knownvalue.StringExact("2037-01-01T00:00:00Z"))},
	})
}

// A role that the user lacks fails the plan.
func TestApplicationCredentialUnassignedRole(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{Config: app(`  roles = ["admin"]`), PlanOnly: true, ExpectError: acctest.Words(`user has no role "admin" in this project; it has:`)})
}

// What an application credential may not do fails the plan.
func TestApplicationCredentialChain(t *testing.T) {
	c := acctest.New(t)
	chained := func(unrestricted bool, body string) string {
		return fmt.Sprintf(`
resource "massif_application_credential" "test" {
  name              = "{{name}}"
  unrestricted      = %t
  secret_wo         = "{{name}}-secret"
  secret_wo_version = 1
}
`, unrestricted) + body
	}
	inner := func(kind string) string {
		return fmt.Sprintf(`
provider "massif" {
  alias                         = "inner"
  auth_url                      = %q
  region                        = %q
  application_credential_id     = massif_application_credential.test.id
  application_credential_secret = "{{name}}-secret"
}

resource "massif_%s" "inner" {
  provider = massif.inner
  %s
}`, c.AuthURL(), c.Region(), kind, map[string]string{"application_credential": `name = "{{name}}-inner"`}[kind])
	}
	c.Test(t,
		resource.TestStep{Config: chained(false, "")},
		resource.TestStep{Config: chained(false, inner("application_credential")), ExpectError: acctest.Words("Keystone lets make no others")},
		resource.TestStep{Config: chained(false, inner("ec2_credential")), ExpectError: acctest.Words("Keystone lets make no EC2 credentials")},
		resource.TestStep{Config: chained(true, "")},
		resource.TestStep{Config: chained(true, inner("application_credential")), Check: letsIn(t, c, c.Prefix+"-secret")},
	)
}

// An answer that is lost leaves nothing behind that Terraform does not know.
func TestIdentityAnswersThatAreLost(t *testing.T) {
	for name, tc := range map[string]struct{ path, config string }{
		"application": {"/application_credentials$", app("")},
		"own secret":  {"/application_credentials$", app("  secret_wo = \"a secret\"\n  secret_wo_version = 1")},
		"ec2":         {"/credentials/OS-EC2$", `resource "massif_ec2_credential" "test" { count = 3 }`},
	} {
		t.Run(name, func(t *testing.T) {
			c := acctest.OnSimulator(t, "an answer is lost on purpose")
			if err := c.Simulator.AddFault(simulator.Fault{Method: http.MethodPost, Service: "identity", Path: tc.path, Count: 1, Drop: true, Late: true}); err != nil {
				t.Fatal(err)
			}
			c.Test(t, resource.TestStep{Config: tc.config})
		})
	}
}
