package network_test

import (
	"net/http"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// A request is carried out and its answer lost, as when Neutron is under load. Each object must be in the state
// nevertheless, else the destroy leaves it behind.
func TestAnswersThatAreLost(t *testing.T) {
	for _, path := range []string{"/v2.0/networks", "/v2.0/subnets", "/v2.0/routers", "/v2.0/floatingips", "/v2.0/security-groups",
		"/v2.0/ports", "/v2.0/subnetpools", "/v2.0/address-scopes", "/v2.0/address-groups"} {
		t.Run(path, func(t *testing.T) {
			c := acctest.OnSimulator(t, "an answer is lost on purpose")
			if err := c.Simulator.AddFault(simulator.Fault{Method: http.MethodPost, Service: "network", Path: "^" + path + "$", Count: 1, Drop: true, Late: true}); err != nil {
				t.Fatal(err)
			}
			c.Test(t, resource.TestStep{Config: `
resource "massif_network" "test" { name = "{{name}}" }

resource "massif_subnet" "test" {
  name       = "{{name}}"
  network_id = massif_network.test.id
  cidr       = "10.1.0.0/24"
}

resource "massif_router" "test" {
  name             = "{{name}}"
  external_network = "ext-floating1"
  subnet_ids       = [massif_subnet.test.id]
}

resource "massif_port" "test" {
  name       = "{{name}}"
  network_id = massif_network.test.id
  fixed_ips  = [{ subnet_id = massif_subnet.test.id }]
}

resource "massif_subnet_pool" "test" {
  name     = "{{name}}"
  prefixes = ["10.200.0.0/16"]
}

resource "massif_address_scope" "test" {
  name       = "{{name}}"
  ip_version = 4
}

resource "massif_address_group" "test" {
  name      = "{{name}}"
  addresses = ["203.0.113.7/32"]
}

resource "massif_floating_ip" "test" {
  description      = "{{name}}"
  external_network = "ext-floating1"
}

resource "massif_security_group" "test" {
  name  = "{{name}}"
  rules = { ssh = { tcp = ["22"], from_cidrs = ["203.0.113.0/24"] } }

  depends_on = [massif_security_policy.test] # the second to be made
}

resource "massif_security_policy" "test" {
  name   = "{{name}}"
  groups = { a = {}, b = {} }
  rules  = { all = { from = ["a"], to = ["b"], tcp = ["80"] } }
}`})
		})
	}
}
