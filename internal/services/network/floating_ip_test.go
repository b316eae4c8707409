package network_test

import (
	"net/http"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

const floatingIt = "massif_floating_ip.test"

func aFloatingIP(network, body string) string {
	return `
resource "massif_floating_ip" "test" {
  external_network = "` + network + `"
  description      = "{{name}}"
` + body + `
}
`
}

func TestFloatingIP(t *testing.T) {
	c := acctest.New(t)
	name, id := external(t, c)
	same := statecheck.CompareValue(compare.ValuesSame())
	c.Test(t,
		acctest.Step(aFloatingIP(name, ``), floatingIt, create,
			acctest.Has(floatingIt, "address", knownvalue.NotNull()), acctest.Has(floatingIt, "external_network_id", text(id)),
			acctest.Has(floatingIt, "port_id", knownvalue.Null()), acctest.Has(floatingIt, "fixed_ip", knownvalue.Null()), acctest.Has(floatingIt, "router_id", knownvalue.Null()),
			same.AddStateValue(floatingIt, tfjsonpath.New("address"))),
		acctest.Imported(floatingIt),
		acctest.Step(aFloatingIP(name, `tags = ["a"]`), floatingIt, update, acctest.Has(floatingIt, "tags", set("a"))),
		// The same network by its id is the same network.
		acctest.Step(aFloatingIP(id, ``), floatingIt, update, acctest.Has(floatingIt, "external_network", text(id)), same.AddStateValue(floatingIt, tfjsonpath.New("address"))),
	)
}

// An association changes in place, with the address that stands for it.
// The first association may be asked for before the router is there.
func TestFloatingIPAssociation(t *testing.T) {
	c := acctest.New(t)
	name, _ := external(t, c)
	config := func(body string) string {
		return aRouter(`
  external_network = "`+name+`"
  subnet_ids       = [massif_subnet.a.id]
`) + `
resource "massif_port" "two" {
  name       = "{{name}}"
  network_id = massif_network.test.id
  fixed_ips  = [{ subnet_id = massif_subnet.a.id, ip_address = "10.77.0.5" }, { subnet_id = massif_subnet.a.id, ip_address = "10.77.0.6" }]
}

resource "massif_port" "one" {
  name       = "{{name}}"
  network_id = massif_network.test.id
  fixed_ips  = [{ subnet_id = massif_subnet.a.id, ip_address = "10.77.0.7" }]
}

resource "massif_floating_ip" "test" {
  external_network = "` + name + `"
` + body + `
}
`
	}
	same := statecheck.CompareValue(compare.ValuesSame())
	address := func() statecheck.StateCheck { return same.AddStateValue(floatingIt, tfjsonpath.New("address")) }
	c.Test(t,
		acctest.Step(config("description = \"{{name}}\"\nport_id = massif_port.two.id\nfixed_ip = \"10.77.0.6\""), floatingIt, create,
			acctest.Has(floatingIt, "fixed_ip", text("10.77.0.6")), acctest.Has(floatingIt, "router_id", knownvalue.NotNull()), address()),
		acctest.Imported(floatingIt),
		// A port with several addresses stays at the one that was chosen.
		acctest.Step(config("description = \"{{name}}, changed\"\nport_id = massif_port.two.id\nfixed_ip = \"10.77.0.6\""), floatingIt, update,
			acctest.Has(floatingIt, "fixed_ip", text("10.77.0.6")), acctest.Has(floatingIt, "description", text(c.Prefix+", changed")), address()),
		acctest.Step(config("description = \"{{name}}\"\nport_id = massif_port.two.id\nfixed_ip = \"10.77.0.5\""), floatingIt, update, acctest.Has(floatingIt, "fixed_ip", text("10.77.0.5")), address()),
		acctest.Step(config("description = \"{{name}}\"\nport_id = massif_port.one.id"), floatingIt, update, acctest.Has(floatingIt, "fixed_ip", text("10.77.0.7")), address()),
		acctest.Step(config("description = \"{{name}}, again\"\nport_id = massif_port.one.id"), floatingIt, update, acctest.Has(floatingIt, "fixed_ip", text("10.77.0.7")), address()),
		acctest.Step(config("description = \"{{name}}\""), floatingIt, update,
			acctest.Has(floatingIt, "port_id", knownvalue.Null()), acctest.Has(floatingIt, "fixed_ip", knownvalue.Null()), acctest.Has(floatingIt, "router_id", knownvalue.Null()), address()),
		resource.TestStep{
			Config:      config("description = \"{{name}}\"\nport_id = \"00000000-0000-4000-8000-000000000000\""),
			ExpectError: acctest.Words("port_id = \"00000000-0000-4000-8000-000000000000\""),
		},
	)
}

// A cloud without an external DNS service forgets the name, which is told and not seen as a change; one that has it keeps it.
func TestFloatingIPDNS(t *testing.T) {
	c := acctest.New(t)
	name, _ := external(t, c)
	config := func(host string) string {
		return aFloatingIP(name, "dns_name = \""+host+"\"\ndns_domain = \"a.example.org.\"")
	}
	c.Test(t,
		acctest.Step(config("web"), floatingIt, create, acctest.Has(floatingIt, "dns_name", text("web")), acctest.Has(floatingIt, "dns_domain", text("a.example.org."))),
		acctest.Step(config("api"), floatingIt, replace, acctest.Has(floatingIt, "dns_name", text("api"))),
	)
}

func TestFloatingIPUnknowns(t *testing.T) {
	c := acctest.New(t)
	name, id := external(t, c)
	c.Test(t, resource.TestStep{
		Config: `
resource "terraform_data" "network" { input = "` + name + `" }
resource "terraform_data" "port" { input = null }
resource "massif_floating_ip" "test" {
  external_network = terraform_data.network.output
  description      = "{{name}}"
  port_id          = terraform_data.port.output
}`,
		ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectUnknownValue(floatingIt, tfjsonpath.New("external_network_id")),
		}},
		ConfigStateChecks: []statecheck.StateCheck{acctest.Has(floatingIt, "external_network_id", text(id)), acctest.Has(floatingIt, "port_id", knownvalue.Null())},
	})
}

func TestFloatingIPDisappears(t *testing.T) {
	c := acctest.New(t)
	name, _ := external(t, c)
	var it acctest.Stolen
	c.Test(t,
		resource.TestStep{Config: aFloatingIP(name, ``), Check: it.From(floatingIt)},
		resource.TestStep{
			PreConfig: func() { call(t, c, http.MethodDelete, nil, "floatingips", it.ID) },
			Config:    aFloatingIP(name, ``), ConfigPlanChecks: acctest.Plans(floatingIt, create),
		},
	)
}

func TestFloatingIPInvalid(t *testing.T) {
	invalid(t, map[string]struct{ config, want string }{
		"no network":     {`resource "massif_floating_ip" "test" {}`, `"external_network" is required`},
		"address":        {aFloatingIP("x", `address = "here"`), "must be an IPv4 or IPv6 address"},
		"IPv6":           {aFloatingIP("x", `address = "2001:db8::1"`), "floating IPs are IPv4 only"},
		"fixed IP alone": {aFloatingIP("x", `fixed_ip = "10.0.0.1"`), "port_id"},
		"DNS name alone": {aFloatingIP("x", `dns_name = "web"`), "dns_domain"},
	})
}
