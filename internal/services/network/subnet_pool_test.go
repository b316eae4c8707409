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
		step(aPool(`prefixes = ["10.200.0.0/16"]`), poolIt, create,
			has(poolIt, "ip_version", number(4)), has(poolIt, "min_prefix_length", number(8)), has(poolIt, "default_prefix_length", number(8)),
			has(poolIt, "max_prefix_length", number(32)), has(poolIt, "default_quota", knownvalue.Null()), has(poolIt, "shared", knownvalue.Bool(false)),
			has(poolIt, "is_default", knownvalue.Bool(false)), has(poolIt, "address_scope_id", knownvalue.Null()), has(poolIt, "tags", set())),
		imported(poolIt),
		step(aScope+aPool(`
  description           = "all of it"
  prefixes              = ["10.200.0.0/16", "10.201.0.0/16", "10.210.0.0/16"]
  default_prefix_length = 26
  min_prefix_length     = 24
  max_prefix_length     = 28
  default_quota         = 1024
  address_scope_id      = massif_address_scope.test.id
  tags                  = ["a"]
`), poolIt, update,
			has(poolIt, "prefixes", set("10.200.0.0/16", "10.201.0.0/16", "10.210.0.0/16")), has(poolIt, "default_prefix_length", number(26)),
			has(poolIt, "min_prefix_length", number(24)), has(poolIt, "max_prefix_length", number(28)), has(poolIt, "default_quota", number(1024)),
			has(poolIt, "address_scope_id", knownvalue.NotNull()), has(poolIt, "tags", set("a"))),
		imported(poolIt, "prefixes"), // two of them are one in the cloud
		step(aScope+aPool(`prefixes = ["10.200.0.0/15", "10.210.0.0/16"]`), poolIt, update,
			has(poolIt, "default_quota", knownvalue.Null()), has(poolIt, "address_scope_id", knownvalue.Null()), has(poolIt, "default_prefix_length", number(26)),
			has(poolIt, "description", text("")), has(poolIt, "tags", set())),
		imported(poolIt),
		step(aPool(`prefixes = ["10.200.0.0/15"]`), poolIt, replace, has(poolIt, "prefixes", set("10.200.0.0/15"))),
	)
}

func TestSubnetPoolIPv6(t *testing.T) {
	acctest.New(t).Test(t,
		step(aPool(`prefixes = ["2001:DB8:77::/48"]`), poolIt, create,
			has(poolIt, "ip_version", number(6)), has(poolIt, "default_prefix_length", number(64)), has(poolIt, "prefixes", set("2001:DB8:77::/48"))),
		step(aPool(`prefixes = ["10.200.0.0/16"]`), poolIt, replace, has(poolIt, "ip_version", number(4))),
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
			has(poolIt, "ip_version", number(4)), has(poolIt, "default_prefix_length", number(26)), has(poolIt, "max_prefix_length", number(26)),
		},
	})
}

func TestSubnetPoolDisappears(t *testing.T) {
	c := acctest.New(t)
	var it stolen
	config := aPool(`prefixes = ["10.200.0.0/16"]`)
	c.Test(t,
		resource.TestStep{Config: config, Check: it.from(poolIt)},
		resource.TestStep{
			PreConfig: func() { call(t, c, http.MethodDelete, nil, "subnetpools", it.id) },
			Config:    config, ConfigPlanChecks: plans(poolIt, create),
		},
	)
}

// A subnet takes the length, or a network, of the project's own pool; the pool waits until the subnet is gone.
func TestSubnetOfOwnPool(t *testing.T) {
	config := func(body string) string {
		return aPool("prefixes = [\"10.200.0.0/16\"]\ndefault_prefix_length = 26") + aSubnet("subnet_pool_id = massif_subnet_pool.test.id\n"+body)
	}
	acctest.New(t).Test(t,
		step(config(``), subnetIt, create, has(subnetIt, "cidr", knownvalue.NotNull()), has(subnetIt, "no_gateway", knownvalue.Bool(false))),
		imported(subnetIt),
		step(config(`cidr = "10.200.77.0/24"`), subnetIt, replace, has(subnetIt, "cidr", text("10.200.77.0/24"))),
		step(config("cidr = \"10.200.77.0/24\"\nno_gateway = true"), subnetIt, update, has(subnetIt, "gateway_ip", knownvalue.Null())),
		step(config("prefix_length = 27\nno_gateway = true"), subnetIt, replace, has(subnetIt, "gateway_ip", knownvalue.Null())),
	)
}

func TestAddressScope(t *testing.T) {
	const it = "massif_address_scope.test"
	c := acctest.New(t)
	var id stolen
	c.Test(t,
		step(aScope, it, create, has(it, "ip_version", number(4)), has(it, "shared", knownvalue.Bool(false))),
		imported(it),
		step(`
resource "massif_address_scope" "test" {
  name       = "{{name}}-renamed"
  ip_version = 4
}
`, it, update, has(it, "name", text(c.Prefix+"-renamed"))),
		step(`
resource "massif_address_scope" "test" {
  name       = "{{name}}"
  ip_version = 6
}
`, it, replace, has(it, "ip_version", number(6))),
		resource.TestStep{Config: aScope, Check: id.from(it)},
		resource.TestStep{
			PreConfig: func() { call(t, c, http.MethodDelete, nil, "address-scopes", id.id) },
			Config:    aScope, ConfigPlanChecks: plans(it, create),
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
