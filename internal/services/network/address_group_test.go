package network_test

import (
	"net/http"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

const listIt = "massif_address_group.test"

func anAddressGroup(body string) string {
	return `
resource "massif_address_group" "test" {
  name = "{{name}}"
` + body + `
}
`
}

func TestAddressGroup(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(anAddressGroup(`addresses = ["203.0.113.7/32", "198.51.100.0/24", "2001:DB8::/48"]`), listIt, create,
			acctest.Has(listIt, "addresses", set("203.0.113.7/32", "198.51.100.0/24", "2001:DB8::/48")), acctest.Has(listIt, "description", text(""))),
		acctest.Step(anAddressGroup(`addresses = ["203.0.113.7/32", "198.51.100.0/24", "2001:db8::/48"]`), listIt, update),
		acctest.Imported(listIt),
		acctest.Step(anAddressGroup("addresses = [\"203.0.113.0/24\", \"2001:db8::/48\"]\ndescription = \"offices\""), listIt, update,
			acctest.Has(listIt, "addresses", set("203.0.113.0/24", "2001:db8::/48")), acctest.Has(listIt, "description", text("offices"))),
		acctest.Step(anAddressGroup(`addresses = []`), listIt, update, acctest.Has(listIt, "addresses", set())),
		acctest.Imported(listIt),
	)
}

func TestAddressGroupUnknowns(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{
		Config:            anAddressGroup(`addresses = [terraform_data.later.output]`) + `resource "terraform_data" "later" { input = "203.0.113.7/32" }`,
		ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectUnknownValue(listIt, tfjsonpath.New("addresses").AtSliceIndex(0))}},
		ConfigStateChecks: []statecheck.StateCheck{acctest.Has(listIt, "addresses", set("203.0.113.7/32"))},
	})
}

func TestAddressGroupDisappears(t *testing.T) {
	c := acctest.New(t)
	var it acctest.Stolen
	config := anAddressGroup(`addresses = ["203.0.113.7/32"]`)
	c.Test(t,
		resource.TestStep{Config: config, Check: it.From(listIt)},
		resource.TestStep{
			PreConfig: func() {
				call(t, c, http.MethodPut, map[string]any{"addresses": []string{"203.0.113.8/32"}}, "address-groups", it.ID, "add_addresses")
			},
			Config: config, ConfigPlanChecks: acctest.Plans(listIt, update), // drift
			ConfigStateChecks: []statecheck.StateCheck{acctest.Has(listIt, "addresses", set("203.0.113.7/32"))},
		},
		resource.TestStep{
			PreConfig: func() { call(t, c, http.MethodDelete, nil, "address-groups", it.ID) },
			Config:    config, ConfigPlanChecks: acctest.Plans(listIt, create),
		},
	)
}

// Rules refer to lists of addresses, in groups and in policies, coming in and going out.
func TestAddressGroupInRules(t *testing.T) {
	const group, policy = "massif_security_group.test", "massif_security_policy.test"
	config := func(line string) string {
		return anAddressGroup(`addresses = ["203.0.113.7/32"]`) + `
resource "massif_security_group" "test" {
  name  = "{{name}}"
  rules = { offices = ` + line + ` }
}

resource "massif_security_policy" "test" {
  name   = "{{name}}"
  groups = { a = {}, b = {} }
  rules = {
    in  = { from_address_group_ids = [massif_address_group.test.id], to = ["a", "b"], tcp = ["22"] }
    out = { from = ["a"], to_address_group_ids = [massif_address_group.test.id], tcp = ["80"] }
  }
}
`
	}
	acctest.New(t).Test(t,
		acctest.Step(config(`{ from_address_group_ids = [massif_address_group.test.id], tcp = ["443"], ethertypes = ["IPv4", "IPv6"] }`), group, create,
			acctest.Has(group, "rule_count", number(2)), acctest.Has(policy, "rule_count", number(3))),
		acctest.Imported(group, "rules"), // by the descriptions of the rules
		acctest.Step(config(`{ to_address_group_ids = [massif_address_group.test.id], tcp = ["443"] }`), group, update, acctest.Has(group, "rule_count", number(1)),
			statecheck.ExpectKnownValue(group, tfjsonpath.New("rules").AtMapKey("offices").AtMapKey("from_address_group_ids"), knownvalue.Null())),
	)
}
