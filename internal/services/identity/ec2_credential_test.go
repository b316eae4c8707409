package identity_test

import (
	"regexp"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/ec2credentials"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

const credential = "massif_ec2_credential.test"

func planned(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(credential, action)}}
}

func TestEC2CredentialBasicAndImport(t *testing.T) {
	c := acctest.New(t)
	key := knownvalue.StringRegexp(regexp.MustCompile(`^[0-9a-f]{32}$`))
	c.Test(t,
		resource.TestStep{
			Config: `resource "massif_ec2_credential" "test" {}`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(credential, tfjsonpath.New("access"), key),
				statecheck.ExpectKnownValue(credential, tfjsonpath.New("secret"), key),
				statecheck.ExpectSensitiveValue(credential, tfjsonpath.New("secret")),
				statecheck.ExpectKnownValue(credential, tfjsonpath.New("project_id"), knownvalue.StringExact(c.ProjectID())),
				statecheck.ExpectKnownValue(credential, tfjsonpath.New("user_id"), knownvalue.StringExact(c.UserID())),
			},
		},
		resource.TestStep{ResourceName: credential, ImportState: true, ImportStateVerify: true},
	)
}

func TestEC2CredentialProject(t *testing.T) {
	c := acctest.New(t)
	c.Test(t,
		resource.TestStep{Config: `resource "massif_ec2_credential" "test" {}`},
		// To name the same project is no change.
		resource.TestStep{
			Config:           `resource "massif_ec2_credential" "test" { project_id = "` + c.ProjectID() + `" }`,
			ConfigPlanChecks: planned(plancheck.ResourceActionNoop),
		},
		resource.TestStep{
			Config:           `resource "massif_ec2_credential" "test" { project_id = "nowhere" }`,
			ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate),
			ExpectError:      regexp.MustCompile(`Could not create the ec2 credential`),
		},
	)
}

func TestEC2CredentialDisappears(t *testing.T) {
	c := acctest.New(t)
	access := ""
	c.Test(t,
		resource.TestStep{
			Config: `resource "massif_ec2_credential" "test" {}`,
			Check: resource.TestCheckResourceAttrWith(credential, "access", func(value string) error {
				access = value
				return nil
			}),
		},
		resource.TestStep{
			PreConfig: func() {
				client, err := c.Identity()
				if err != nil {
					t.Fatal(err)
				}
				if err := ec2credentials.Delete(t.Context(), client, c.UserID(), access).ExtractErr(); err != nil {
					t.Fatal(err)
				}
			},
			Config:           `resource "massif_ec2_credential" "test" {}`,
			ConfigPlanChecks: planned(plancheck.ResourceActionCreate),
		},
	)
}
