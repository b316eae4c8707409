package identity_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

func TestProject(t *testing.T) {
	c := acctest.New(t)
	check := func(name string) []statecheck.StateCheck {
		at := func(attribute string, check knownvalue.Check) statecheck.StateCheck {
			return statecheck.ExpectKnownValue("data.massif_project."+name, tfjsonpath.New(attribute), check)
		}
		return []statecheck.StateCheck{
			at("id", knownvalue.StringExact(c.ProjectID())), at("user_id", knownvalue.StringExact(c.UserID())), at("enabled", knownvalue.Bool(true)),
			at("domain_id", knownvalue.NotNull()), at("name", knownvalue.NotNull()), at("tags", knownvalue.NotNull()),
			at("roles", knownvalue.SetPartial([]knownvalue.Check{knownvalue.StringExact("member")})),
		}
	}
	c.Test(t,
		resource.TestStep{
			Config: `
data "massif_project" "own" {}
data "massif_project" "id" { id = data.massif_project.own.id }
data "massif_project" "name" { name = data.massif_project.own.name }`,
			ConfigStateChecks: append(append(check("own"), check("id")...), check("name")...),
		},
		resource.TestStep{Config: `data "massif_project" "none" { name = "{{name}}" }`, ExpectError: acctest.Words("The user has no such project; there are:")},
		resource.TestStep{Config: `data "massif_project" "none" { id = "{{name}}" }`, ExpectError: acctest.Words("The user has no such project; there are:")},
	)
}
