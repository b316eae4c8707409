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

const portIt = "massif_port.test"

func aPort(body string) string {
	return twoSubnets + `
resource "massif_port" "test" {
  name       = "{{name}}"
  network_id = massif_network.test.id
  depends_on = [massif_subnet.a, massif_subnet.b]
` + body + `
}

resource "massif_security_group" "test" {
  name = "{{name}}"
}
`
}

// fixed are the addresses of a port as the state has them; "" stands for any.
func fixed(addresses ...string) knownvalue.Check {
	var all []knownvalue.Check
	for _, a := range addresses {
		is := text(a)
		if a == "" {
			is = knownvalue.NotNull()
		}
		all = append(all, knownvalue.ObjectExact(map[string]knownvalue.Check{"subnet_id": knownvalue.NotNull(), "ip_address": is}))
	}
	return knownvalue.ListExact(all)
}

func TestPort(t *testing.T) {
	sameMAC := statecheck.CompareValue(compare.ValuesSame())
	full := func(more string) string {
		return aPort(`
  description           = "all of it"
  fixed_ips             = [{ subnet_id = massif_subnet.b.id }, { ip_address = "10.77.0.9" }]
  security_group_ids    = [massif_security_group.test.id]
  allowed_address_pairs = [{ ip_address = "10.99.0.0/16" }, { ip_address = "10.77.0.200", mac_address = "FA:16:3E:00:77:01" }, { ip_address = "10.77.0.201" }]
  extra_dhcp_options    = [{ name = "tftp-server", value = "10.77.0.3" }, { name = "bootfile-name", value = "pxe.0" }, { name = "59", value = "x", ip_version = 6 }]
  admin_state_up        = false
  tags                  = ["b", "a"]
` + more)
	}
	acctest.New(t).Test(t,
		acctest.Step(aPort(``), portIt, create,
			acctest.Has(portIt, "fixed_ips", fixed("")), acctest.Has(portIt, "all_fixed_ips", knownvalue.ListSizeExact(1)), acctest.Has(portIt, "mac_address", knownvalue.NotNull()),
			acctest.Has(portIt, "port_security", knownvalue.Bool(true)), acctest.Has(portIt, "security_group_ids", knownvalue.SetSizeExact(1)), acctest.Has(portIt, "allowed_address_pairs", knownvalue.Null()),
			acctest.Has(portIt, "extra_dhcp_options", knownvalue.Null()), acctest.Has(portIt, "vnic_type", text("normal")), acctest.Has(portIt, "device_id", text("")),
			acctest.Has(portIt, "device_owner", text("")), acctest.Has(portIt, "admin_state_up", knownvalue.Bool(true)), acctest.Has(portIt, "tags", set()),
			acctest.Has(portIt, "binding_profile", knownvalue.Null()), acctest.Has(portIt, "qos_policy_id", knownvalue.Null()),
			sameMAC.AddStateValue(portIt, tfjsonpath.New("mac_address"))),
		acctest.Imported(portIt),
		acctest.Step(full(``), portIt, update,
			acctest.Has(portIt, "fixed_ips", fixed("", "10.77.0.9")), acctest.Has(portIt, "all_fixed_ips", knownvalue.ListSizeExact(2)),
			acctest.Has(portIt, "allowed_address_pairs", knownvalue.ListSizeExact(3)), acctest.Has(portIt, "extra_dhcp_options", knownvalue.ListSizeExact(3)),
			acctest.Has(portIt, "tags", set("a", "b")), acctest.Has(portIt, "admin_state_up", knownvalue.Bool(false)), sameMAC.AddStateValue(portIt, tfjsonpath.New("mac_address"))),
		acctest.Imported(portIt, "fixed_ips", "allowed_address_pairs", "extra_dhcp_options"), // in the cloud's order
		acctest.Step(aPort(`
  fixed_ips             = [{ ip_address = "10.77.0.10" }]
  security_group_ids    = []
  allowed_address_pairs = [{ ip_address = "10.77.0.201" }]
  extra_dhcp_options    = [{ name = "bootfile-name", value = "other.0" }]
`), portIt, update,
			acctest.Has(portIt, "fixed_ips", fixed("10.77.0.10")), acctest.Has(portIt, "security_group_ids", set()), acctest.Has(portIt, "description", text("")),
			acctest.Has(portIt, "allowed_address_pairs", knownvalue.ListSizeExact(1)), acctest.Has(portIt, "extra_dhcp_options", knownvalue.ListSizeExact(1)),
			acctest.Has(portIt, "admin_state_up", knownvalue.Bool(true)), acctest.Has(portIt, "tags", set())),
		acctest.Imported(portIt),
		acctest.Step(aPort(``), portIt, update, // what was computed stays
			acctest.Has(portIt, "fixed_ips", fixed("10.77.0.10")), acctest.Has(portIt, "security_group_ids", set()),
			acctest.Has(portIt, "allowed_address_pairs", knownvalue.Null()), acctest.Has(portIt, "extra_dhcp_options", knownvalue.Null())),
	)
}

// What is still asked for keeps its address, wherever it stands in the list.
func TestPortKeepsAddresses(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(aPort(`fixed_ips = [{ subnet_id = massif_subnet.a.id }, { subnet_id = massif_subnet.b.id }]`), portIt, create, acctest.Has(portIt, "fixed_ips", fixed("", ""))),
		resource.TestStep{
			Config: aPort(`fixed_ips = [{ subnet_id = massif_subnet.b.id }, { ip_address = "10.77.0.99" }, { subnet_id = massif_subnet.a.id }]`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(portIt, update),
				plancheck.ExpectKnownValue(portIt, tfjsonpath.New("fixed_ips").AtSliceIndex(0).AtMapKey("ip_address"), knownvalue.NotNull()),
				plancheck.ExpectKnownValue(portIt, tfjsonpath.New("fixed_ips").AtSliceIndex(2).AtMapKey("ip_address"), knownvalue.NotNull()),
				plancheck.ExpectUnknownValue(portIt, tfjsonpath.New("fixed_ips").AtSliceIndex(1).AtMapKey("subnet_id")),
			}},
			ConfigStateChecks: []statecheck.StateCheck{acctest.Has(portIt, "fixed_ips", fixed("", "10.77.0.99", ""))},
		},
		acctest.Step(aPort(`fixed_ips = []`), portIt, update, acctest.Has(portIt, "fixed_ips", fixed()), acctest.Has(portIt, "all_fixed_ips", knownvalue.ListSizeExact(0))),
		acctest.Imported(portIt),
	)
}

func TestPortSecurity(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(aPort("port_security = false"), portIt, create, acctest.Has(portIt, "port_security", knownvalue.Bool(false)), acctest.Has(portIt, "security_group_ids", set())),
		acctest.Imported(portIt),
		acctest.Step(aPort("port_security = true\nsecurity_group_ids = [massif_security_group.test.id]\nallowed_address_pairs = [{ ip_address = \"10.9.0.0/16\" }]"), portIt, update,
			acctest.Has(portIt, "security_group_ids", knownvalue.SetSizeExact(1)), acctest.Has(portIt, "allowed_address_pairs", knownvalue.ListSizeExact(1))),
		acctest.Step(aPort("port_security = false"), portIt, update, acctest.Has(portIt, "security_group_ids", set()), acctest.Has(portIt, "allowed_address_pairs", knownvalue.Null())),
		acctest.Step(aPort("port_security = true"), portIt, update, acctest.Has(portIt, "security_group_ids", set())),
	)
}

func TestPortMACAddress(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(aPort(`mac_address = "FA:16:3E:00:77:0A"`), portIt, create, acctest.Has(portIt, "mac_address", text("FA:16:3E:00:77:0A"))),
		acctest.Step(aPort(`mac_address = "fa:16:3e:00:77:0a"`), portIt, update, acctest.Has(portIt, "mac_address", text("fa:16:3e:00:77:0a"))),
		acctest.Step(aPort(`mac_address = "fa:16:3e:00:77:0b"`), portIt, replace, acctest.Has(portIt, "mac_address", text("fa:16:3e:00:77:0b"))),
		acctest.Step(aPort(``), portIt, noop, acctest.Has(portIt, "mac_address", text("fa:16:3e:00:77:0b"))),
	)
}

func TestPortDNS(t *testing.T) {
	name := func(name string) statecheck.StateCheck {
		return statecheck.ExpectKnownValue(portIt, tfjsonpath.New("dns_assignment").AtSliceIndex(0).AtMapKey("hostname"), text(name))
	}
	acctest.New(t).Test(t,
		acctest.Step(aPort(`dns_name = "web"`), portIt, create, acctest.Has(portIt, "dns_name", text("web")), name("web")),
		acctest.Imported(portIt),
		acctest.Step(aPort("dns_name = \"Api\"\ndns_domain = \"a.example.org.\""), portIt, update, acctest.Has(portIt, "dns_name", text("Api")), acctest.Has(portIt, "dns_domain", text("a.example.org.")), name("api")),
		acctest.Step(aPort(``), portIt, update, acctest.Has(portIt, "dns_name", knownvalue.Null()), acctest.Has(portIt, "dns_domain", knownvalue.Null())),
	)
}

// A port gives itself an address in each subnet with SLAAC, which is nobody's wish and no difference either.
func TestPortSLAAC(t *testing.T) {
	config := func(body string) string {
		return twoSubnets + `
resource "massif_subnet" "slaac" {
  name              = "{{name}}"
  network_id        = massif_network.test.id
  cidr              = "2001:db8:77::/64"
  ipv6_address_mode = "slaac"
  ipv6_ra_mode      = "slaac"
}

resource "massif_port" "test" {
  name       = "{{name}}"
  network_id = massif_network.test.id
  depends_on = [massif_subnet.slaac]
` + body + `
}
`
	}
	acctest.New(t).Test(t,
		acctest.Step(config(`fixed_ips = [{ subnet_id = massif_subnet.a.id }]`), portIt, create, acctest.Has(portIt, "fixed_ips", fixed("")), acctest.Has(portIt, "all_fixed_ips", knownvalue.ListSizeExact(2))),
		acctest.Step(config(`fixed_ips = [{ subnet_id = massif_subnet.b.id }]`), portIt, update, acctest.Has(portIt, "fixed_ips", fixed("")), acctest.Has(portIt, "all_fixed_ips", knownvalue.ListSizeExact(2))),
		acctest.Step(config(`fixed_ips = [{ subnet_id = massif_subnet.slaac.id }]`), portIt, update, acctest.Has(portIt, "fixed_ips", fixed("")), acctest.Has(portIt, "all_fixed_ips", knownvalue.ListSizeExact(1))),
	)
}

func TestPortUnknowns(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{
		Config: aPort(`
  fixed_ips             = [{ ip_address = terraform_data.later.output.ip }, { subnet_id = terraform_data.later.output.subnet }]
  allowed_address_pairs = [{ ip_address = terraform_data.later.output.ip, mac_address = terraform_data.later.output.none }]
  extra_dhcp_options    = terraform_data.later.output.options
  mac_address           = terraform_data.later.output.none
  port_security         = terraform_data.later.output.yes
  security_group_ids    = [massif_security_group.test.id]
  dns_name              = terraform_data.later.output.none
`) + `
resource "terraform_data" "later" {
  input = { ip = "10.77.0.9", subnet = massif_subnet.b.id, none = null, yes = true, options = [{ name = "66", value = "x" }] }
}
`,
		ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectUnknownValue(portIt, tfjsonpath.New("fixed_ips").AtSliceIndex(0).AtMapKey("ip_address")),
		}},
		ConfigStateChecks: []statecheck.StateCheck{acctest.Has(portIt, "fixed_ips", fixed("10.77.0.9", "")), acctest.Has(portIt, "port_security", knownvalue.Bool(true))},
	})
}

func TestPortDisappears(t *testing.T) {
	c := acctest.New(t)
	var it acctest.Stolen
	c.Test(t,
		resource.TestStep{Config: aPort(``), Check: it.From(portIt)},
		resource.TestStep{
			PreConfig: func() { call(t, c, http.MethodDelete, nil, "ports", it.ID) },
			Config:    aPort(``), ConfigPlanChecks: acctest.Plans(portIt, create),
		},
	)
}

func TestPortDrift(t *testing.T) {
	c := acctest.New(t)
	var it acctest.Stolen
	config := aPort(`fixed_ips = [{ ip_address = "10.77.0.9" }]`)
	c.Test(t,
		resource.TestStep{Config: config, Check: it.From(portIt)},
		resource.TestStep{
			PreConfig: func() {
				call(t, c, http.MethodPut, map[string]any{"port": map[string]any{
					"fixed_ips":       []any{map[string]any{"ip_address": "10.77.0.9"}, map[string]any{"ip_address": "10.77.0.10"}},
					"extra_dhcp_opts": []any{map[string]any{"opt_name": "66", "opt_value": "x"}}, "allowed_address_pairs": []any{map[string]any{"ip_address": "10.0.0.1"}},
				}}, "ports", it.ID)
			},
			Config: config, ConfigPlanChecks: acctest.Plans(portIt, update),
			ConfigStateChecks: []statecheck.StateCheck{
				acctest.Has(portIt, "all_fixed_ips", knownvalue.ListExact([]knownvalue.Check{text("10.77.0.9")})),
				acctest.Has(portIt, "extra_dhcp_options", knownvalue.Null()), acctest.Has(portIt, "allowed_address_pairs", knownvalue.Null()),
			},
		},
	)
}

// Refusals of the API name the argument.
func TestPortRefused(t *testing.T) {
	const nobody = `"00000000-0000-4000-8000-000000000000"`
	acctest.New(t).Test(t,
		resource.TestStep{Config: aPort(`security_group_ids = [` + nobody + `]`), ExpectError: acctest.Words(`security_group_ids = [` + nobody + `]`)},
		resource.TestStep{Config: aPort(`fixed_ips = [{ ip_address = "10.99.0.1" }]`), ExpectError: acctest.Words(`fixed_ips = [{ ip_address = "10.99.0.1" }]`)},
		resource.TestStep{Config: aPort(`qos_policy_id = ` + nobody), ExpectError: acctest.Words(`qos_policy_id = ` + nobody)},
		resource.TestStep{Config: aPort(`binding_profile = jsonencode({ a = 1 })`), ExpectError: acctest.Words(`binding_profile = jsonencode`)},
		acctest.Step(aPort(``), portIt, create),
	)
}

// A port changes in place while a server uses it, and outlives the server.
func TestPortOfServer(t *testing.T) {
	config := func(body, server string) string {
		return aPort("fixed_ips = [{ subnet_id = massif_subnet.a.id }]\n"+body) + server
	}
	const server = `
resource "massif_server" "test" {
  name     = "{{name}}"
  flavor   = "m1.small"
  image    = "cirros-fake"
  networks = [{ port_id = massif_port.test.id }]
}
`
	changed := acctest.Step(config(`security_group_ids = [massif_security_group.test.id]`, server), portIt, update,
		acctest.Has(portIt, "device_owner", text("compute:nova")), acctest.Has(portIt, "security_group_ids", knownvalue.SetSizeExact(1)))
	changed.ConfigPlanChecks.PreApply = append(changed.ConfigPlanChecks.PreApply, plancheck.ExpectResourceAction("massif_server.test", noop))
	gone := acctest.Step(config(`security_group_ids = []`, ``), portIt, update, acctest.Has(portIt, "device_id", text("")), acctest.Has(portIt, "device_owner", text("")))
	acctest.New(t).Test(t,
		acctest.Step(config(``, server), portIt, create, acctest.Has(portIt, "fixed_ips", fixed(""))),
		changed,
		acctest.Imported(portIt),
		gone,
	)
}
