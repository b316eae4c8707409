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
		step(aFloatingIP(name, ``), floatingIt, create,
			has(floatingIt, "address", knownvalue.NotNull()), has(floatingIt, "external_network_id", text(id)),
			has(floatingIt, "port_id", knownvalue.Null()), has(floatingIt, "fixed_ip", knownvalue.Null()), has(floatingIt, "router_id", knownvalue.Null()),
			same.AddStateValue(floatingIt, tfjsonpath.New("address"))),
		imported(floatingIt),
		step(aFloatingIP(name, `tags = ["a"]`), floatingIt, update, has(floatingIt, "tags", set("a"))),
		// The same network by its id is the same network.
		step(aFloatingIP(id, ``), floatingIt, update, has(floatingIt, "external_network", text(id)), same.AddStateValue(floatingIt, tfjsonpath.New("address"))),
	)
}

// object makes something behind Terraform's back and returns its id.
func object(t *testing.T, c *acctest.Cloud, collection, singular string, body map[string]any) string {
	t.Helper()
	made, _ := call(t, c, http.MethodPost, map[string]any{singular: body}, collection)[singular].(map[string]any)
	id, _ := made["id"].(string)
	return id
}

// There is no resource for ports yet, so the test makes what the address leads to.
func TestFloatingIPAssociation(t *testing.T) {
	c := acctest.New(t)
	name, externalID := external(t, c)
	network := object(t, c, "networks", "network", map[string]any{"name": c.Prefix})
	subnet := object(t, c, "subnets", "subnet", map[string]any{"name": c.Prefix, "network_id": network, "cidr": "10.79.0.0/24", "ip_version": 4})
	router := object(t, c, "routers", "router", map[string]any{"name": c.Prefix, "external_gateway_info": map[string]any{"network_id": externalID}})
	call(t, c, http.MethodPut, map[string]any{"subnet_id": subnet}, "routers", router, "add_router_interface")
	port := object(t, c, "ports", "port", map[string]any{"name": c.Prefix, "network_id": network, "fixed_ips": []any{
		map[string]any{"subnet_id": subnet, "ip_address": "10.79.0.5"}, map[string]any{"subnet_id": subnet, "ip_address": "10.79.0.6"},
	}})
	other := object(t, c, "ports", "port", map[string]any{"name": c.Prefix, "network_id": network, "fixed_ips": []any{
		map[string]any{"subnet_id": subnet, "ip_address": "10.79.0.7"},
	}})
	same := statecheck.CompareValue(compare.ValuesSame())
	c.Test(t,
		step(aFloatingIP(name, "port_id = \""+port+"\"\nfixed_ip = \"10.79.0.6\""), floatingIt, create,
			has(floatingIt, "fixed_ip", text("10.79.0.6")), has(floatingIt, "router_id", text(router)), same.AddStateValue(floatingIt, tfjsonpath.New("address"))),
		imported(floatingIt),
		step(aFloatingIP(name, "port_id = \""+port+"\"\nfixed_ip = \"10.79.0.5\""), floatingIt, update, has(floatingIt, "fixed_ip", text("10.79.0.5"))),
		step(aFloatingIP(name, "port_id = \""+other+"\""), floatingIt, update, has(floatingIt, "fixed_ip", text("10.79.0.7"))),
		step(aFloatingIP(name, ``), floatingIt, update,
			has(floatingIt, "port_id", knownvalue.Null()), has(floatingIt, "router_id", knownvalue.Null()), same.AddStateValue(floatingIt, tfjsonpath.New("address"))),
		resource.TestStep{
			PreConfig: func() {
				call(t, c, http.MethodDelete, nil, "ports", port)
				call(t, c, http.MethodDelete, nil, "ports", other)
				call(t, c, http.MethodPut, map[string]any{"subnet_id": subnet}, "routers", router, "remove_router_interface")
				call(t, c, http.MethodDelete, nil, "routers", router)
				call(t, c, http.MethodDelete, nil, "networks", network)
			},
			Config:      aFloatingIP(name, "port_id = \""+port+"\""),
			ExpectError: acctest.Words("Port"),
		},
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
		ConfigStateChecks: []statecheck.StateCheck{has(floatingIt, "external_network_id", text(id)), has(floatingIt, "port_id", knownvalue.Null())},
	})
}

func TestFloatingIPDisappears(t *testing.T) {
	c := acctest.New(t)
	name, _ := external(t, c)
	var it stolen
	c.Test(t,
		resource.TestStep{Config: aFloatingIP(name, ``), Check: it.from(floatingIt)},
		resource.TestStep{
			PreConfig: func() { call(t, c, http.MethodDelete, nil, "floatingips", it.id) },
			Config:    aFloatingIP(name, ``), ConfigPlanChecks: plans(floatingIt, create),
		},
	)
}

func TestFloatingIPInvalid(t *testing.T) {
	invalid(t, map[string]struct{ config, want string }{
		"no network":     {`resource "massif_floating_ip" "test" {}`, `"external_network" is required`},
		"address":        {aFloatingIP("x", `address = "here"`), "must be an IPv4 or IPv6 address"},
		"IPv6":           {aFloatingIP("x", `address = "2001:db8::1"`), "floating IPs are IPv4 only"},
		"fixed IP alone": {aFloatingIP("x", `fixed_ip = "10.0.0.1"`), "port_id"},
	})
}
