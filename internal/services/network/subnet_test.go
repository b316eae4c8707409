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

func aSubnet(body string) string {
	return aNetwork + `
resource "massif_subnet" "test" {
  name       = "{{name}}"
  network_id = massif_network.test.id
` + body + `
}
`
}

func pools(all ...[2]string) knownvalue.Check {
	var checks []knownvalue.Check
	for _, p := range all {
		checks = append(checks, knownvalue.ObjectExact(map[string]knownvalue.Check{"start": text(p[0]), "end": text(p[1])}))
	}
	return knownvalue.ListExact(checks)
}

const subnetIt = "massif_subnet.test"

func TestSubnet(t *testing.T) {
	full := aSubnet(`
  cidr             = "10.77.0.0/24"
  description      = "all of it"
  allocation_pools = [{ start = "10.77.0.100", end = "10.77.0.120" }, { start = "10.77.0.10", end = "10.77.0.20" }]
  gateway_ip       = "10.77.0.254"
  enable_dhcp      = false
  dns_nameservers  = ["9.9.9.9", "1.1.1.1"]
  host_routes      = [{ destination = "10.9.0.0/16", nexthop = "10.77.0.9" }, { destination = "10.8.0.0/16", nexthop = "10.77.0.9" }]
  service_types    = ["compute:nova"]
  tags             = ["a"]
`)
	acctest.New(t).Test(t,
		acctest.Step(aSubnet(`cidr = "10.77.0.0/24"`), subnetIt, create,
			acctest.Has(subnetIt, "gateway_ip", text("10.77.0.1")), acctest.Has(subnetIt, "no_gateway", knownvalue.Bool(false)),
			acctest.Has(subnetIt, "ip_version", knownvalue.Int64Exact(4)), acctest.Has(subnetIt, "enable_dhcp", knownvalue.Bool(true)),
			acctest.Has(subnetIt, "allocation_pools", pools([2]string{"10.77.0.2", "10.77.0.254"})),
			acctest.Has(subnetIt, "dns_nameservers", knownvalue.Null()), acctest.Has(subnetIt, "host_routes", knownvalue.Null()),
			acctest.Has(subnetIt, "ipv6_ra_mode", knownvalue.Null()), acctest.Has(subnetIt, "service_types", knownvalue.Null())),
		acctest.Imported(subnetIt),
		acctest.Step(full, subnetIt, update,
			acctest.Has(subnetIt, "gateway_ip", text("10.77.0.254")), acctest.Has(subnetIt, "enable_dhcp", knownvalue.Bool(false)),
			acctest.Has(subnetIt, "allocation_pools", pools([2]string{"10.77.0.100", "10.77.0.120"}, [2]string{"10.77.0.10", "10.77.0.20"})),
			acctest.Has(subnetIt, "dns_nameservers", knownvalue.ListExact([]knownvalue.Check{text("9.9.9.9"), text("1.1.1.1")}))),
		acctest.Imported(subnetIt, "allocation_pools", "host_routes"), // in the cloud's order
		acctest.Step(aSubnet(`cidr = "10.77.0.0/24"`), subnetIt, update,
			acctest.Has(subnetIt, "dns_nameservers", knownvalue.Null()), acctest.Has(subnetIt, "host_routes", knownvalue.Null()), acctest.Has(subnetIt, "service_types", knownvalue.Null()),
			acctest.Has(subnetIt, "gateway_ip", text("10.77.0.254")), acctest.Has(subnetIt, "description", text(""))),
	)
}

func TestSubnetGateway(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(aSubnet("cidr = \"10.77.0.0/24\"\nno_gateway = true"), subnetIt, create, acctest.Has(subnetIt, "gateway_ip", knownvalue.Null())),
		acctest.Imported(subnetIt),
		acctest.Step(aSubnet("cidr = \"10.77.0.0/24\""), subnetIt, update, acctest.Has(subnetIt, "gateway_ip", text("10.77.0.1"))),
		acctest.Step(aSubnet("cidr = \"10.77.0.0/24\"\nno_gateway = true"), subnetIt, update, acctest.Has(subnetIt, "gateway_ip", knownvalue.Null())),
		acctest.Step(aSubnet("cidr = \"10.77.0.0/24\"\ngateway_ip = \"10.77.0.1\""), subnetIt, update, acctest.Has(subnetIt, "gateway_ip", text("10.77.0.1"))),
	)
}

// An unknown gateway is no gateway to a careless provider.
func TestSubnetUnknowns(t *testing.T) {
	config := aSubnet("cidr = terraform_data.cidr.output\ngateway_ip = terraform_data.gateway.output\ndns_nameservers = [terraform_data.gateway.output]\n"+
		"allocation_pools = [{ start = terraform_data.gateway.output == \"\" ? \"\" : \"10.77.0.10\", end = \"10.77.0.20\" }]") + `
resource "terraform_data" "cidr" { input = "10.77.0.0/24" }
resource "terraform_data" "gateway" { input = "10.77.0.3" }
`
	acctest.New(t).Test(t, resource.TestStep{
		Config: config,
		ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectUnknownValue(subnetIt, tfjsonpath.New("gateway_ip")),
			plancheck.ExpectUnknownValue(subnetIt, tfjsonpath.New("cidr")),
		}},
		ConfigStateChecks: []statecheck.StateCheck{acctest.Has(subnetIt, "gateway_ip", text("10.77.0.3")), acctest.Has(subnetIt, "ip_version", knownvalue.Int64Exact(4))},
	})
}

func TestSubnetIPv6(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(aSubnet("cidr = \"2001:db8:77::/64\"\nipv6_address_mode = \"slaac\"\nipv6_ra_mode = \"slaac\""), subnetIt, create,
			acctest.Has(subnetIt, "ip_version", knownvalue.Int64Exact(6)), acctest.Has(subnetIt, "ipv6_ra_mode", text("slaac")), acctest.Has(subnetIt, "gateway_ip", knownvalue.NotNull())),
		acctest.Imported(subnetIt),
		acctest.Step(aSubnet("cidr = \"2001:db8:77::/64\"\ngateway_ip = \"2001:0db8:0077:0::5\""), subnetIt, replace,
			acctest.Has(subnetIt, "gateway_ip", text("2001:0db8:0077:0::5"))),
	)
}

func TestSubnetReplace(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(aSubnet(`cidr = "10.77.0.0/24"`), subnetIt, create),
		acctest.Step(aSubnet(`cidr = "10.78.0.0/24"`), subnetIt, replace, acctest.Has(subnetIt, "gateway_ip", text("10.78.0.1"))),
	)
}

// A router stays while its subnet is replaced.
func TestSubnetReplaceOnRouter(t *testing.T) {
	config := func(cidr string) string {
		return aSubnet(`cidr = "`+cidr+`"`) + `
resource "massif_router" "test" {
  name       = "{{name}}"
  subnet_ids = [massif_subnet.test.id]
}
`
	}
	acctest.New(t).Test(t,
		acctest.Step(config("10.77.0.0/24"), subnetIt, create),
		resource.TestStep{
			Config: config("10.78.0.0/24"),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(subnetIt, replace), plancheck.ExpectResourceAction("massif_router.test", update),
			}},
		},
	)
}

func TestSubnetDisappears(t *testing.T) {
	c := acctest.New(t)
	var it acctest.Stolen
	config := aSubnet(`cidr = "10.77.0.0/24"`)
	c.Test(t,
		resource.TestStep{Config: config, Check: it.From(subnetIt)},
		resource.TestStep{
			PreConfig: func() { call(t, c, http.MethodDelete, nil, "subnets", it.ID) },
			Config:    config, ConfigPlanChecks: acctest.Plans(subnetIt, create),
		},
	)
}

// sharedPool is an IPv4 subnet pool that the cloud offers to everybody.
func sharedPool(t *testing.T, c *acctest.Cloud) string {
	t.Helper()
	found, ok := call(t, c, http.MethodGet, nil, "subnetpools?ip_version=4&shared=true")["subnetpools"].([]any)
	if !ok || len(found) == 0 {
		t.Skip("the cloud offers no shared subnet pool")
	}
	pool, _ := found[0].(map[string]any)
	id, _ := pool["id"].(string)
	return id
}

func TestSubnetFromPool(t *testing.T) {
	c := acctest.New(t)
	pool := sharedPool(t, c)
	config := func(more string) string {
		return aSubnet("subnet_pool_id = \"" + pool + "\"\n" + more)
	}
	c.Test(t,
		acctest.Step(config(`prefix_length = 26`), subnetIt, create,
			acctest.Has(subnetIt, "cidr", knownvalue.NotNull()), acctest.Has(subnetIt, "ip_version", knownvalue.Int64Exact(4)), acctest.Has(subnetIt, "gateway_ip", knownvalue.NotNull())),
		acctest.Imported(subnetIt, "prefix_length"),
		acctest.Step(config(`prefix_length = 27`), subnetIt, replace),
	)
}

func TestSubnetInvalid(t *testing.T) {
	of := func(body string) string {
		return "resource \"massif_subnet\" \"test\" {\nnetwork_id = \"n\"\n" + body + "\n}"
	}
	v4 := "cidr = \"10.77.0.0/24\"\n"
	invalid(t, map[string]struct{ config, want string }{
		"no addresses":      {of(``), "give cidr, subnet_pool_id or both"},
		"two lengths":       {of(v4 + "subnet_pool_id = \"p\"\nprefix_length = 26"), "give either cidr or prefix_length"},
		"not a CIDR":        {of(`cidr = "10.77.0.0"`), "must be a network in CIDR notation"},
		"host bits":         {of(`cidr = "10.77.0.5/24"`), "an address inside 10.77.0.0/24"},
		"gateway outside":   {of(v4 + `gateway_ip = "10.78.0.1"`), "10.78.0.1 is outside the subnet 10.77.0.0/24"},
		"gateway family":    {of(v4 + `gateway_ip = "2001:db8::1"`), "not of the same IP version"},
		"gateway broadcast": {of(v4 + `gateway_ip = "10.77.0.255"`), "network's own or broadcast address"},
		"gateway and none":  {of(v4 + "gateway_ip = \"10.77.0.1\"\nno_gateway = true"), "give no gateway_ip when no_gateway is true"},
		"gateway in pool":   {of(v4 + "gateway_ip = \"10.77.0.15\"\nallocation_pools = [{ start = \"10.77.0.10\", end = \"10.77.0.20\" }]"), "the gateway 10.77.0.15 is inside the pool"},
		"pool outside":      {of(v4 + `allocation_pools = [{ start = "10.77.0.10", end = "10.77.1.20" }]`), "10.77.1.20 is outside the subnet"},
		"pool backwards":    {of(v4 + `allocation_pools = [{ start = "10.77.0.20", end = "10.77.0.10" }]`), "the pool starts at 10.77.0.20, after its end 10.77.0.10"},
		"pools overlap":     {of(v4 + `allocation_pools = [{ start = "10.77.0.10", end = "10.77.0.20" }, { start = "10.77.0.20", end = "10.77.0.30" }]`), "the pool 10.77.0.20-10.77.0.30 overlaps 10.77.0.10-10.77.0.20"},
		"no address":        {of(v4 + `allocation_pools = [{ start = "first", end = "10.77.0.20" }]`), "must be an IPv4 or IPv6 address"},
		"name server":       {of(v4 + `dns_nameservers = ["dns.example.org"]`), "must be an IPv4 or IPv6 address"},
		"name server twice": {of(v4 + `dns_nameservers = ["9.9.9.9", "9.9.9.9"]`), "duplicate values"},
		"route's family":    {of(v4 + `host_routes = [{ destination = "2001:db8::/64", nexthop = "10.77.0.9" }]`), "not of the same IP version as the destination"},
		"IPv6 mode on IPv4": {of(v4 + `ipv6_ra_mode = "slaac"`), "IPv6 modes need an IPv6 subnet"},
		"modes differ":      {of("cidr = \"2001:db8::/64\"\nipv6_ra_mode = \"slaac\"\nipv6_address_mode = \"dhcpv6-stateful\""), "they must be the same"},
		"length alone":      {of(v4 + `prefix_length = 26`), "subnet_pool_id"},
	})
}
