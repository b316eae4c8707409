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

const poolIt = "massif_subnet_pool.test"

func aPool(body string) string {
	return `
resource "massif_subnet_pool" "test" {
  name = "{{name}}"
` + body + `
}
`
}

const aScope = `
resource "massif_address_scope" "test" {
  name       = "{{name}}"
  ip_version = 4
}
`

func number(n int64) knownvalue.Check { return knownvalue.Int64Exact(n) }

func TestSubnetPool(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(aPool(`prefixes = ["10.200.0.0/16"]`), poolIt, create,
			acctest.Has(poolIt, "ip_version", number(4)), acctest.Has(poolIt, "min_prefix_length", number(8)), acctest.Has(poolIt, "default_prefix_length", number(8)),
			acctest.Has(poolIt, "max_prefix_length", number(32)), acctest.Has(poolIt, "default_quota", knownvalue.Null()), acctest.Has(poolIt, "shared", knownvalue.Bool(false)),
			acctest.Has(poolIt, "is_default", knownvalue.Bool(false)), acctest.Has(poolIt, "address_scope_id", knownvalue.Null()), acctest.Has(poolIt, "tags", set())),
		acctest.Imported(poolIt),
		acctest.Step(aScope+aPool(`
  description           = "all of it"
  prefixes              = ["10.200.0.0/16", "10.201.0.0/16", "10.210.0.0/16"]
  default_prefix_length = 26
  min_prefix_length     = 24
  max_prefix_length     = 28
  default_quota         = 1024
  address_scope_id      = massif_address_scope.test.id
  tags                  = ["a"]
`), poolIt, update,
			acctest.Has(poolIt, "prefixes", set("10.200.0.0/16", "10.201.0.0/16", "10.210.0.0/16")), acctest.Has(poolIt, "default_prefix_length", number(26)),
			acctest.Has(poolIt, "min_prefix_length", number(24)), acctest.Has(poolIt, "max_prefix_length", number(28)), acctest.Has(poolIt, "default_quota", number(1024)),
			acctest.Has(poolIt, "address_scope_id", knownvalue.NotNull()), acctest.Has(poolIt, "tags", set("a"))),
		acctest.Imported(poolIt, "prefixes"), // two of them are one in the cloud
		acctest.Step(aScope+aPool(`prefixes = ["10.200.0.0/15", "10.210.0.0/16"]`), poolIt, update,
			acctest.Has(poolIt, "default_quota", knownvalue.Null()), acctest.Has(poolIt, "address_scope_id", knownvalue.Null()), acctest.Has(poolIt, "default_prefix_length", number(26)),
			acctest.Has(poolIt, "description", text("")), acctest.Has(poolIt, "tags", set())),
		acctest.Imported(poolIt),
		acctest.Step(aPool(`prefixes = ["10.200.0.0/15"]`), poolIt, replace, acctest.Has(poolIt, "prefixes", set("10.200.0.0/15"))),
	)
}

func TestSubnetPoolIPv6(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(aPool(`prefixes = ["2001:DB8:77::/48"]`), poolIt, create,
			acctest.Has(poolIt, "ip_version", number(6)), acctest.Has(poolIt, "default_prefix_length", number(64)), acctest.Has(poolIt, "prefixes", set("2001:DB8:77::/48"))),
		acctest.Step(aPool(`prefixes = ["10.200.0.0/16"]`), poolIt, replace, acctest.Has(poolIt, "ip_version", number(4))),
	)
}

func TestSubnetPoolUnknowns(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{
		Config: aPool(`
  prefixes              = terraform_data.later.output.prefixes
  default_prefix_length = terraform_data.later.output.length
  max_prefix_length     = terraform_data.later.output.length
`) + `resource "terraform_data" "later" { input = { prefixes = ["10.200.0.0/16"], length = 26 } }`,
		ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectUnknownValue(poolIt, tfjsonpath.New("ip_version"))}},
		ConfigStateChecks: []statecheck.StateCheck{
			acctest.Has(poolIt, "ip_version", number(4)), acctest.Has(poolIt, "default_prefix_length", number(26)), acctest.Has(poolIt, "max_prefix_length", number(26)),
		},
	})
}

func TestSubnetPoolDisappears(t *testing.T) {
	c := acctest.New(t)
	var it acctest.Stolen
	config := aPool(`prefixes = ["10.200.0.0/16"]`)
	c.Test(t,
		resource.TestStep{Config: config, Check: it.From(poolIt)},
		resource.TestStep{
			PreConfig: func() { call(t, c, http.MethodDelete, nil, "subnetpools", it.ID) },
			Config:    config, ConfigPlanChecks: acctest.Plans(poolIt, create),
		},
	)
}

// A subnet takes the length, or a network, of the project's own pool; the pool waits until the subnet is gone.
func TestSubnetOfOwnPool(t *testing.T) {
	config := func(body string) string {
		return aPool("prefixes = [\"10.200.0.0/16\"]\ndefault_prefix_length = 26") + aSubnet("subnet_pool_id = massif_subnet_pool.test.id\n"+body)
	}
	acctest.New(t).Test(t,
		acctest.Step(config(``), subnetIt, create, acctest.Has(subnetIt, "cidr", knownvalue.NotNull()), acctest.Has(subnetIt, "no_gateway", knownvalue.Bool(false))),
		acctest.Imported(subnetIt),
		acctest.Step(config(`cidr = "10.200.77.0/24"`), subnetIt, replace, acctest.Has(subnetIt, "cidr", text("10.200.77.0/24"))),
		acctest.Step(config("cidr = \"10.200.77.0/24\"\nno_gateway = true"), subnetIt, update, acctest.Has(subnetIt, "gateway_ip", knownvalue.Null())),
		acctest.Step(config("prefix_length = 27\nno_gateway = true"), subnetIt, replace, acctest.Has(subnetIt, "gateway_ip", knownvalue.Null())),
	)
}

func TestAddressScope(t *testing.T) {
	const it = "massif_address_scope.test"
	c := acctest.New(t)
	var id acctest.Stolen
	c.Test(t,
		acctest.Step(aScope, it, create, acctest.Has(it, "ip_version", number(4)), acctest.Has(it, "shared", knownvalue.Bool(false))),
		acctest.Imported(it),
		acctest.Step(`
resource "massif_address_scope" "test" {
  name       = "{{name}}-renamed"
  ip_version = 4
}
`, it, update, acctest.Has(it, "name", text(c.Prefix+"-renamed"))),
		acctest.Step(`
resource "massif_address_scope" "test" {
  name       = "{{name}}"
  ip_version = 6
}
`, it, replace, acctest.Has(it, "ip_version", number(6))),
		resource.TestStep{Config: aScope, Check: id.From(it)},
		resource.TestStep{
			PreConfig: func() { call(t, c, http.MethodDelete, nil, "address-scopes", id.ID) },
			Config:    aScope, ConfigPlanChecks: acctest.Plans(it, create),
		},
		resource.TestStep{Config: `
resource "massif_address_scope" "test" {
  name       = "{{name}}"
  ip_version = 4
  shared     = true
}
`, ExpectError: acctest.Words("shared = true")}, // members may not
	)
}
