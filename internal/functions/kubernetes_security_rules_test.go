package functions_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

func TestKubernetesSecurityRules(t *testing.T) {
	cloud := acctest.New(t)
	policy := func(rules string) string {
		return fmt.Sprintf(`
resource "massif_security_policy" "test" {
  name   = "{{name}}"
  groups = { servers = {}, agents = {} }
  rules  = %s
}`, rules)
	}
	count := func(rules string) resource.TestCheckFunc {
		return resource.TestCheckResourceAttr("massif_security_policy.test", "rule_count", rules)
	}
	cloud.Test(t,
		// The platform that this grew from: 24 rules between the nodes, of which SSH is its own, and 2 for people.
		resource.TestStep{Config: policy(`merge(
    provider::massif::kubernetes_security_rules("v1.34.1+rke2r1", "cilium", {
      node_cidrs = ["10.2.1.0/24", "10.2.2.0/24"]
      api_cidrs  = ["203.0.113.7/32"]
      ssh_cidrs  = ["203.0.113.7/32"]
    }),
    { ssh = { from = ["servers"], to = ["servers", "agents"], tcp = ["22"] } },
  )`), Check: count("26")},
		resource.TestStep{Config: policy(`provider::massif::kubernetes_security_rules("k3s", "flannel", null)`),
			Check: resource.ComposeAggregateTestCheckFunc(
				count("12"), // etcd 2, API from two groups 2, kubelet 4, VXLAN 4
				resource.TestCheckTypeSetElemAttr("massif_security_policy.test", "rules.api.from.*", "agents"),
				resource.TestCheckNoResourceAttr("massif_security_policy.test", "rules.supervisor.to.#"),
			)},
		resource.TestStep{Config: policy(`provider::massif::kubernetes_security_rules("rke2", "canal", {
    agents                 = []
    load_balancer_provider = "ovn"
    wireguard              = true
  })`), Check: resource.ComposeAggregateTestCheckFunc(
			count("9"), // etcd 2, API, supervisor, kubelet, VXLAN, WireGuard, node ports 2
			resource.TestCheckTypeSetElemAttr("massif_security_policy.test", "rules.node-ports.from_cidrs.*", "0.0.0.0/0"),
		)},
	)
}

// Networks that are made in the same apply are not known in the plan.
func TestKubernetesSecurityRulesUnknown(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{Config: `
resource "terraform_data" "cidr" {
  input = "10.2.0.0/16"
}

resource "massif_security_policy" "test" {
  name   = "{{name}}"
  groups = { servers = {}, agents = {} }
  rules = provider::massif::kubernetes_security_rules("rke2", "cilium", {
    node_cidrs             = [terraform_data.cidr.output]
    load_balancer_provider = "amphora"
  })
}`, Check: resource.TestCheckResourceAttr("massif_security_policy.test", "rules.api.from_cidrs.0", "10.2.0.0/16")})
}

func TestKubernetesSecurityRulesRefused(t *testing.T) {
	cloud := acctest.New(t)
	var steps []resource.TestStep
	for _, c := range []struct{ arguments, want string }{
		{`"eks", "cilium", null`, `"eks" must be rke2, k3s or a release of one of them`},
		{`"rke2", "weave", null`, `"weave" is no network plugin`},
		{`"rke2", "cilium", "all"`, `it must be an object`},
		{`"rke2", "cilium", { nodes = [] }`, `nodes: it is no option; there are agents, api_cidrs`},
		{`"rke2", "cilium", { node_cidrs = "10.0.0.0/8" }`, `node_cidrs: it must be a list of texts`},
		{`"rke2", "cilium", { api_cidrs = [1] }`, `api_cidrs: it must be a list of texts`},
		{`"rke2", "cilium", { hubble = "yes" }`, `hubble: it must be true or false`},
		{`"rke2", "canal", { hubble = true }`, `hubble belongs to cilium`},
		{`"rke2", "cilium", { load_balancer_provider = "haproxy" }`, `it must be amphora or ovn`},
		{`"rke2", "cilium", { load_balancer_provider = "amphora" }`, `node_cidrs must tell the networks of the load balancers`},
		{`"rke2", "cilium", { servers = [] }`, `it must name at least one group`},
	} {
		steps = append(steps, resource.TestStep{
			Config:      fmt.Sprintf("output \"rules\" {\n  value = provider::massif::kubernetes_security_rules(%s)\n}", c.arguments),
			ExpectError: acctest.Words(c.want),
			PlanOnly:    true,
		})
	}
	cloud.Test(t, steps...)
}
