package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// Every cloud that the tests run on lets a project have 200 networks and 100 load balancers.
func TestQuotaCheckError(t *testing.T) {
	cloud := acctest.New(t)
	cloud.Configure(`quota_check = "error"`)
	cloud.Test(t,
		resource.TestStep{
			Config:      "resource \"massif_network\" \"test\" {\n  count = 201\n  name  = \"{{name}}\"\n}",
			ExpectError: acctest.Words("networks: the plan takes"),
			PlanOnly:    true,
		},
		resource.TestStep{
			Config: `resource "massif_load_balancer" "test" {
  count         = 101
  name          = "{{name}}"
  vip_subnet_id = "00000000-dead-beef-0000-000000000000"
}`,
			ExpectError: acctest.Words("load balancers: the plan takes"),
			PlanOnly:    true,
		},
	)
}

// What every type takes, held against quotas that are just enough, and then one more.
func TestQuotaCheckCounts(t *testing.T) {
	cloud := acctest.OnSimulator(t, "quotas of one's own", func(o *simulator.Options) {
		o.Quotas = map[string]int{
			"network": 1, "subnet": 1, "router": 1, "port": 10, "floatingip": 3, "security_group": 2, "security_group_rule": 12,
			"instances": 5, "cores": 10, "ram": 5 * 4096, "server_groups": 3, "load_balancer": 2,
		}
	})
	cloud.Configure(`quota_check = "error"`)
	// The default group and its rules are there already.
	const all = `
resource "massif_network" "test" {
  name = "{{name}}"
}

resource "massif_subnet" "test" {
  network_id = massif_network.test.id
  cidr       = "10.2.0.0/24"
}

resource "massif_router" "test" {
  name             = "{{name}}"
  external_network = "ext-floating1"
  subnet_ids       = [massif_subnet.test.id]
}

resource "massif_security_policy" "test" {
  name   = "{{name}}"
  groups = { nodes = {} }
  rules  = { ssh = { from = ["nodes"], to = ["nodes"], tcp = ["22", "80", "443", "8080"] } }
}

resource "massif_server_group" "test" {
  name   = "{{name}}"
  policy = "anti-affinity"
}

resource "massif_server" "test" {
  count    = %d
  name     = "{{name}}"
  flavor   = "a2-ram4-disk20"
  image    = "Debian 12"
  networks = [{ subnet_id = massif_subnet.test.id }]
}
`
	servers := func(n int) string { return fmt.Sprintf(all, n) }
	cloud.Test(t,
		resource.TestStep{Config: servers(6), ExpectError: acctest.Words("cores: the plan takes 12 or more, and the project has room for 10 (0 of 10 are used)"), PlanOnly: true},
		resource.TestStep{Config: servers(1)},
		// Another of the same must not count as a second one.
		resource.TestStep{
			Config:           strings.Replace(servers(1), `"anti-affinity"`, `"soft-anti-affinity"`, 1),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction("massif_server_group.test", plancheck.ResourceActionReplace)}},
		},
		resource.TestStep{Config: servers(1) + `
resource "massif_floating_ip" "test" {
  count            = 4
  external_network = "ext-floating1"
}`, ExpectError: acctest.Words("floating IPs: the plan takes 4 or more, and the project has room for 3"), PlanOnly: true},
		resource.TestStep{Config: servers(1) + `
resource "massif_security_group" "test" {
  name  = "{{name}}"
  rules = { web = { from_cidrs = ["0.0.0.0/0"], tcp = ["80", "443"] } }
}`, ExpectError: acctest.Words("security groups: the plan takes"), PlanOnly: true},
		resource.TestStep{Config: servers(1) + `
resource "massif_cluster" "test" {
  name               = "{{name}}"
  kubernetes_version = "v1.34.1+rke2r1"
  subnet_id          = massif_subnet.test.id
  external_network   = "ext-floating1"
  control_plane      = { flavor = "a2-ram4-disk20", image = "Debian 12", size = 3 }
}

resource "massif_node_pool" "test" {
  name               = "agents"
  cluster_id         = massif_cluster.test.id
  kubernetes_version = massif_cluster.test.kubernetes_version
  subnet_id          = massif_subnet.test.id
  flavor             = "a2-ram4-disk20"
  image              = "Debian 12"
  size               = 2
}`, ExpectError: acctest.Words("instances: the plan takes 5 or more, and the project has room for 4 (1 of 5 are used)"), PlanOnly: true},
	)
}

// Without the check, the plan is made and the cloud has the last word.
func TestQuotaCheckOff(t *testing.T) {
	cloud := acctest.OnSimulator(t, "quotas of one's own", func(o *simulator.Options) { o.Quotas = map[string]int{"network": 0} })
	cloud.Configure(`quota_check = "off"`)
	const network = "resource \"massif_network\" \"test\" {\n  name = \"{{name}}\"\n}"
	cloud.Test(t,
		resource.TestStep{Config: network, PlanOnly: true, ExpectNonEmptyPlan: true},
		resource.TestStep{Config: network, ExpectError: acctest.Words("Quota exceeded for resources")},
	)
}
