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
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

const routerIt = "massif_router.test"

// Addresses that a test chooses are not in the pool, where another port could have got them.
const twoSubnets = aNetwork + `
resource "massif_subnet" "a" {
  name             = "{{name}}-a"
  network_id       = massif_network.test.id
  cidr             = "10.77.0.0/24"
  allocation_pools = [{ start = "10.77.0.100", end = "10.77.0.199" }]
}

resource "massif_subnet" "b" {
  name       = "{{name}}-b"
  network_id = massif_network.test.id
  cidr       = "10.78.0.0/24"
}
`

func aRouter(body string) string {
	return twoSubnets + `
resource "massif_router" "test" {
  name = "{{name}}"
` + body + `
}
`
}

// external is an external network of the cloud.
func external(t *testing.T, c *acctest.Cloud) (name, id string) {
	t.Helper()
	found, _ := call(t, c, http.MethodGet, nil, "networks?router:external=true&name=ext-floating1")["networks"].([]any)
	if len(found) == 0 {
		found, _ = call(t, c, http.MethodGet, nil, "networks?router:external=true")["networks"].([]any)
	}
	if len(found) == 0 {
		t.Skip("the cloud has no external network")
	}
	network, _ := found[0].(map[string]any)
	name, _ = network["name"].(string)
	id, _ = network["id"].(string)
	return name, id
}

func TestRouter(t *testing.T) {
	c := acctest.New(t)
	name, id := external(t, c)
	c.Test(t,
		acctest.Step(aRouter(``), routerIt, create,
			acctest.Has(routerIt, "external_network", knownvalue.Null()), acctest.Has(routerIt, "external_network_id", knownvalue.Null()),
			acctest.Has(routerIt, "external_addresses", knownvalue.ListExact(nil)), acctest.Has(routerIt, "subnet_ids", set()), acctest.Has(routerIt, "routes", knownvalue.Null())),
		acctest.Imported(routerIt),
		acctest.Step(aRouter(`
  external_network = "`+name+`"
  description      = "all of it"
  subnet_ids       = [massif_subnet.a.id, massif_subnet.b.id]
  routes           = [{ destination = "10.9.0.0/16", nexthop = "10.77.0.9" }, { destination = "10.8.0.0/16", nexthop = "10.78.0.9" }]
  tags             = ["a"]
`), routerIt, update,
			acctest.Has(routerIt, "external_network_id", text(id)), acctest.Has(routerIt, "external_addresses", knownvalue.ListSizeExact(1)),
			acctest.Has(routerIt, "subnet_ids", knownvalue.SetSizeExact(2)), acctest.Has(routerIt, "routes", knownvalue.ListSizeExact(2))),
		acctest.Imported(routerIt, "routes"), // in the cloud's order
		// The same network by its id: nothing changes in the cloud.
		acctest.Step(aRouter(`
  external_network = "`+id+`"
  admin_state_up   = false
  subnet_ids       = [massif_subnet.b.id]
  routes           = [{ destination = "10.8.0.0/16", nexthop = "10.78.0.9" }]
`), routerIt, update, acctest.Has(routerIt, "external_network", text(id)), acctest.Has(routerIt, "subnet_ids", knownvalue.SetSizeExact(1)), acctest.Has(routerIt, "admin_state_up", knownvalue.Bool(false))),
		acctest.Step(aRouter(`subnet_ids = [massif_subnet.a.id]`), routerIt, update,
			acctest.Has(routerIt, "external_network", knownvalue.Null()), acctest.Has(routerIt, "external_network_id", knownvalue.Null()),
			acctest.Has(routerIt, "external_addresses", knownvalue.ListExact(nil)), acctest.Has(routerIt, "routes", knownvalue.Null())),
	)
}

func TestRouterUnknowns(t *testing.T) {
	c := acctest.New(t)
	name, id := external(t, c)
	c.Test(t, resource.TestStep{
		Config: aRouter("external_network = terraform_data.external.output\nsubnet_ids = [massif_subnet.a.id]\n") +
			"resource \"terraform_data\" \"external\" { input = \"" + name + "\" }\n",
		ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectUnknownValue(routerIt, tfjsonpath.New("external_network_id")),
		}},
		ConfigStateChecks: []statecheck.StateCheck{acctest.Has(routerIt, "external_network_id", text(id))},
	})
}

func TestRouterDrift(t *testing.T) {
	c := acctest.New(t)
	var it, b acctest.Stolen
	config := aRouter(`subnet_ids = [massif_subnet.a.id]`)
	c.Test(t,
		resource.TestStep{Config: config, Check: resource.ComposeTestCheckFunc(it.From(routerIt), b.From("massif_subnet.b"))},
		resource.TestStep{
			PreConfig: func() {
				call(t, c, http.MethodPut, map[string]any{"subnet_id": b.ID}, "routers", it.ID, "add_router_interface")
			},
			Config: config, ConfigPlanChecks: acctest.Plans(routerIt, update),
			ConfigStateChecks: []statecheck.StateCheck{acctest.Has(routerIt, "subnet_ids", knownvalue.SetSizeExact(1))},
		},
	)
}

func TestRouterDisappears(t *testing.T) {
	c := acctest.New(t)
	var it, a acctest.Stolen
	config := aRouter(`subnet_ids = [massif_subnet.a.id]`)
	c.Test(t,
		resource.TestStep{Config: config, Check: resource.ComposeTestCheckFunc(it.From(routerIt), a.From("massif_subnet.a"))},
		resource.TestStep{
			PreConfig: func() {
				call(t, c, http.MethodPut, map[string]any{"subnet_id": a.ID}, "routers", it.ID, "remove_router_interface")
				call(t, c, http.MethodDelete, nil, "routers", it.ID)
			},
			Config: config, ConfigPlanChecks: acctest.Plans(routerIt, create),
		},
	)
}

// What was made before a failure is kept, and the next apply goes on from there.
func TestRouterInterrupted(t *testing.T) {
	config := func(id string) string { return aRouter(`subnet_ids = [massif_subnet.a.id, ` + id + `]`) }
	acctest.New(t).Test(t,
		resource.TestStep{Config: config(`"00000000-0000-4000-8000-000000000000"`), ExpectError: acctest.Words("Attach subnet 00000000-0000-4000-8000-000000000000")},
		acctest.Step(config(`massif_subnet.b.id`), routerIt, replace, acctest.Has(routerIt, "subnet_ids", knownvalue.SetSizeExact(2))), // tainted
		resource.TestStep{Config: config(`"00000000-0000-4000-8000-000000000000"`), ExpectError: acctest.Words("Attach subnet 00000000-0000-4000-8000-000000000000")},
		acctest.Step(config(`massif_subnet.b.id`), routerIt, noop, acctest.Has(routerIt, "subnet_ids", knownvalue.SetSizeExact(2))),
	)
}

func TestRouterInvalid(t *testing.T) {
	of := func(body string) string { return "resource \"massif_router\" \"test\" {\n" + body + "\n}" }
	invalid(t, map[string]struct{ config, want string }{
		"unknown network": {"resource \"massif_network\" \"a\" { name = \"a\" }\n" + of(`external_network = "no-such-network"`), `no external network "no-such-network"; there are: ext-floating1`},
		"destination":     {of(`routes = [{ destination = "10.9.0.1/16", nexthop = "10.0.0.1" }]`), "an address inside 10.9.0.0/16"},
		"hop":             {of(`routes = [{ destination = "10.9.0.0/16", nexthop = "2001:db8::1" }]`), "not of the same IP version"},
		"SNAT alone":      {of(`enable_snat = true`), "nothing to translate to without external_network"},
		"address alone":   {of(`external_fixed_ips = [{ ip_address = "203.0.113.9" }]`), "external_network"},
		"neither":         {of("external_network = \"x\"\nexternal_fixed_ips = [{ }]"), "at least one attribute out of"},
	})
}

// An attachment whose answer is lost is repeated by the transport, and then refused as being there already.
func TestRouterAttachedWithoutAnswer(t *testing.T) {
	c := acctest.OnSimulator(t, "loses an answer")
	if err := c.Simulator.AddFault(simulator.Fault{
		Method: http.MethodPut, Service: "network", Path: "/add_router_interface$", Count: 1, Drop: true, Late: true,
	}); err != nil {
		t.Fatal(err)
	}
	c.Test(t, acctest.Step(aRouter(`subnet_ids = [massif_subnet.a.id, massif_subnet.b.id]`), routerIt, create, acctest.Has(routerIt, "subnet_ids", knownvalue.SetSizeExact(2))))
}
