package reverseproxy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

const (
	theProxy       = "massif_reverse_proxy.test"
	theRoutes      = "massif_reverse_proxy_routes.test"
	theCertificate = "massif_reverse_proxy_certificate.test"
)

// shape is a proxy with what a test changes in it.
type shape struct {
	nodes     string // "" is one node
	binary    string // first digits of the checksum
	upstreams string
	more      string
	routes    string // the value of routes; "" is no set
	moreSet   string
	proxies   string
}

const subnet = `
resource "massif_network" "test" { name = "{{name}}" }
resource "massif_subnet" "test" {
  name       = "{{name}}"
  network_id = massif_network.test.id
  cidr       = "10.77.0.0/24"
}
`

func (s shape) String() string {
	if s.nodes == "" {
		s.nodes = "count = 1"
	}
	if s.upstreams == "" {
		s.upstreams = `shop = { targets = { v1 = { url = "https://10.77.0.200" } } }`
	}
	if s.proxies == "" {
		s.proxies = "massif_reverse_proxy.test.id"
	}
	text := subnet + fmt.Sprintf(`
resource "massif_reverse_proxy" "test" {
  name           = "{{name}}"
  subnet_id      = massif_subnet.test.id
  nodes          = { flavor = "m1.small", image = "cirros-fake", %s }
  binary         = { url = "https://downloads.example.com/massif-edge", sha256 = %q }
  upstreams      = { %s }
  wait_for_nodes = false
  drain_delay    = "1s"
  %s
}
`, s.nodes, s.binary+strings.Repeat("0", 64-len(s.binary)), s.upstreams, s.more)
	if s.routes == "" {
		return text
	}
	return text + fmt.Sprintf(`
resource "massif_reverse_proxy_routes" "test" {
  name           = "customers"
  proxy_ids      = [%s]
  routes         = %s
  wait_for_nodes = false
  %s
}
`, s.proxies, s.routes, s.moreSet)
}

func has(address, attribute string, want knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), want)
}

func plans(actions map[string]plancheck.ResourceActionType) resource.ConfigPlanChecks {
	var checks resource.ConfigPlanChecks
	for address, action := range actions {
		checks.PreApply = append(checks.PreApply, plancheck.ExpectResourceAction(address, action))
	}
	return checks
}

func TestReverseProxyBasic(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{
			Config: shape{routes: `{ "www.example.ch" = "shop", "example.ch" = "redirect:https://www.example.ch" }`}.String(),
			ConfigStateChecks: []statecheck.StateCheck{
				has(theProxy, "node_names", knownvalue.ListSizeExact(1)),
				has(theProxy, "outdated_node_names", knownvalue.ListSizeExact(0)),
				has(theProxy, "address", knownvalue.NotNull()),
				has(theProxy, "floating_ip", knownvalue.Null()),
			},
		},
		resource.TestStep{
			Config:           shape{routes: `{ "www.example.ch" = "shop", "Zürich.example.ch" = "shop/zh" }`, upstreams: `shop = { targets = { v1 = { url = "https://10.77.0.201" } } }`}.String(),
			ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{theProxy: plancheck.ResourceActionUpdate, theRoutes: plancheck.ResourceActionUpdate}),
		},
	)
}
