package network_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/knownvalue"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// administrator is the administrator's session, and a provider block for it with the alias administrator.
func administrator(t *testing.T, c *acctest.Cloud) (cloud *acctest.Cloud, block string) {
	t.Helper()
	cloud = &acctest.Cloud{Cloud: c.Administrator(t), Prefix: c.Prefix}
	if c.Simulator == nil {
		return cloud, "provider \"massif\" {\n  alias = \"administrator\"\n  cloud = \"admin\"\n}\n"
	}
	return cloud, fmt.Sprintf(`
provider "massif" {
  alias               = "administrator"
  auth_url            = %q
  username            = "admin"
  password            = %q
  user_domain_name    = "Default"
  project_name        = "admin"
  project_domain_name = "Default"
  region              = %q
}
`, c.Simulator.AuthURL(), simulator.Password, simulator.Region)
}

// qosPolicies are two QoS policies that everybody may use.
func qosPolicies(t *testing.T, c *acctest.Cloud) (first, second string) {
	t.Helper()
	admin, _ := administrator(t, c)
	var ids []string
	for range 2 {
		made, _ := call(t, admin, http.MethodPost, map[string]any{"policy": map[string]any{"name": c.Prefix, "shared": true}}, "qos", "policies")["policy"].(map[string]any)
		id, _ := made["id"].(string)
		ids = append(ids, id)
	}
	return ids[0], ids[1]
}

func removePolicies(t *testing.T, c *acctest.Cloud, ids ...string) {
	t.Helper()
	admin, _ := administrator(t, c)
	for _, id := range ids {
		call(t, admin, http.MethodDelete, nil, "qos", "policies", id)
	}
}

func TestQoSPolicies(t *testing.T) {
	c := acctest.New(t)
	name, _ := external(t, c)
	first, second := qosPolicies(t, c)
	const networkIt = "massif_network.test"
	config := func(of string) string {
		return `
resource "massif_network" "test" {
  name          = "{{name}}"
  qos_policy_id = ` + of + `
}

resource "massif_port" "test" {
  name          = "{{name}}"
  network_id    = massif_network.test.id
  qos_policy_id = ` + of + `
}

resource "massif_floating_ip" "test" {
  description      = "{{name}}"
  external_network = "` + name + `"
  qos_policy_id    = ` + of + `
}
`
	}
	last := acctest.Step(config(`null`), networkIt, update, acctest.Has(networkIt, "qos_policy_id", knownvalue.Null()), acctest.Has(portIt, "qos_policy_id", knownvalue.Null()), acctest.Has(floatingIt, "qos_policy_id", knownvalue.Null()))
	after := acctest.Step(config(`null`), networkIt, noop)
	after.PreConfig = func() { removePolicies(t, c, first, second) }
	c.Test(t,
		acctest.Step(config(`"`+first+`"`), networkIt, create, acctest.Has(networkIt, "qos_policy_id", text(first)), acctest.Has(portIt, "qos_policy_id", text(first)), acctest.Has(floatingIt, "qos_policy_id", text(first))),
		acctest.Imported(portIt), acctest.Imported(networkIt), acctest.Imported(floatingIt),
		acctest.Step(config(`"`+second+`"`), networkIt, update, acctest.Has(networkIt, "qos_policy_id", text(second)), acctest.Has(portIt, "qos_policy_id", text(second)), acctest.Has(floatingIt, "qos_policy_id", text(second))),
		last, after,
	)
}

// What only administrators may set.
func TestRouterKinds(t *testing.T) {
	c := acctest.New(t)
	name, externalID := external(t, c)
	_, block := administrator(t, c)
	config := func(body string) string {
		return block + `
resource "massif_router" "test" {
  provider         = massif.administrator
  name             = "{{name}}"
  external_network = "` + name + `"
` + body + `
}
`
	}
	c.Test(t,
		acctest.Step(config(``), routerIt, create, acctest.Has(routerIt, "distributed", knownvalue.Bool(false)), acctest.Has(routerIt, "ha", knownvalue.NotNull()), acctest.Has(routerIt, "enable_snat", knownvalue.Bool(true))),
		acctest.Step(config("enable_snat = false\ndistributed = true"), routerIt, update,
			acctest.Has(routerIt, "distributed", knownvalue.Bool(true)), acctest.Has(routerIt, "enable_snat", knownvalue.Bool(false)), acctest.Has(routerIt, "admin_state_up", knownvalue.Bool(true))),
		acctest.Step(config("distributed = false\nadmin_state_up = false"), routerIt, update,
			acctest.Has(routerIt, "distributed", knownvalue.Bool(false)), acctest.Has(routerIt, "enable_snat", knownvalue.Bool(false)), acctest.Has(routerIt, "admin_state_up", knownvalue.Bool(false))),
		acctest.Step(config("enable_snat = true\nexternal_fixed_ips = [{ subnet_id = \""+externalSubnet(t, c, externalID)+"\" }]"), routerIt, update,
			acctest.Has(routerIt, "enable_snat", knownvalue.Bool(true)), acctest.Has(routerIt, "external_addresses", knownvalue.ListSizeExact(1)), acctest.Has(routerIt, "admin_state_up", knownvalue.Bool(true))),
	)
}

// externalSubnet is the IPv4 subnet of an external network.
func externalSubnet(t *testing.T, c *acctest.Cloud, network string) string {
	t.Helper()
	admin, _ := administrator(t, c)
	found, _ := call(t, admin, http.MethodGet, nil, "subnets?ip_version=4&network_id="+network)["subnets"].([]any)
	if len(found) == 0 {
		t.Skip("the external network has no IPv4 subnet")
	}
	subnet, _ := found[0].(map[string]any)
	id, _ := subnet["id"].(string)
	return id
}

// An address of a chosen subnet, and a chosen address, which only administrators may.
func TestFloatingIPChosenAddress(t *testing.T) {
	c := acctest.New(t)
	name, externalID := external(t, c)
	subnet := externalSubnet(t, c, externalID)
	admin, block := administrator(t, c)
	// Outside the pools, for other tests draw theirs from them.
	shown, _ := call(t, admin, http.MethodGet, nil, "subnets", subnet)["subnet"].(map[string]any)
	pools, _ := shown["allocation_pools"].([]any)
	pool, _ := pools[len(pools)-1].(map[string]any)
	free := netip.MustParseAddr(pool["end"].(string)).Next()
	if !netip.MustParsePrefix(shown["cidr"].(string)).Contains(free.Next()) {
		t.Skip("the pools of the external subnet leave no address")
	}
	c.Test(t, acctest.Step(block+`
resource "massif_floating_ip" "test" {
  provider         = massif.administrator
  external_network = "`+name+`"
  description      = "{{name}}"
  subnet_id        = "`+subnet+`"
}
`, floatingIt, create, acctest.Has(floatingIt, "subnet_id", text(subnet))))
	c.Test(t, acctest.Step(block+`
resource "massif_floating_ip" "test" {
  provider         = massif.administrator
  external_network = "`+name+`"
  description      = "{{name}}"
  address          = "`+free.String()+`"
}
`, floatingIt, create, acctest.Has(floatingIt, "address", text(free.String()))))
}
