package network_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

const policyIt = "massif_security_policy.test"

func aPolicy(body string) string {
	return `
resource "massif_security_policy" "test" {
  name = "{{name}}"
` + body + `
}
`
}

// A cluster's firewall: 26 rules.
const clusterPolicy = `
  groups = { servers = {}, agents = { description = "workers" } }
  rules = {
    ssh           = { from = ["servers"], to = ["servers", "agents"], tcp = ["22"] }
    etcd          = { from = ["servers"], to = ["servers"], tcp = ["2379-2380", "2381"] }
    api           = { from_cidrs = ["10.1.1.0/24", "10.1.2.0/24"], to = ["servers"], tcp = ["6443"] }
    supervisor    = { from_cidrs = ["10.1.1.0/24", "10.1.2.0/24"], to = ["servers"], tcp = ["9345"] }
    vxlan         = { from = ["servers", "agents"], to = ["servers", "agents"], udp = ["8472"] }
    cilium-health = { from = ["servers", "agents"], to = ["servers", "agents"], tcp = ["4240"] }
    icmp          = { from = ["servers", "agents"], to = ["servers", "agents"], icmp = true }
    kubelet       = { from = ["servers", "agents"], to = ["servers", "agents"], tcp = ["10250"] }
    admin-ssh     = { from_cidrs = ["203.0.113.7/32"], to = ["servers"], tcp = ["22"] }
    admin-api     = { from_cidrs = ["203.0.113.7/32"], to = ["servers"], tcp = ["6443"] }
  }
`

func policyCount(n int64) statecheck.StateCheck {
	return acctest.Has(policyIt, "rule_count", knownvalue.Int64Exact(n))
}

func groupIDs(keys ...string) statecheck.StateCheck {
	all := map[string]knownvalue.Check{}
	for _, key := range keys {
		all[key] = knownvalue.NotNull()
	}
	return acctest.Has(policyIt, "group_ids", knownvalue.MapExact(all))
}

// importedPolicy imports by the groups' ids of the state.
func importedPolicy(ignore ...string) resource.TestStep {
	s := acctest.Imported(policyIt, ignore...)
	s.ImportStateIdFunc = func(state *terraform.State) (string, error) {
		r, ok := state.RootModule().Resources[policyIt]
		if !ok {
			return "", errors.New("the policy is not in the state")
		}
		id := ""
		for _, key := range []string{"agents", "servers", "bastion"} {
			if group, ok := r.Primary.Attributes["group_ids."+key]; ok {
				id += "," + key + "=" + group
			}
		}
		return id[1:], nil
	}
	return s
}

func TestSecurityPolicy(t *testing.T) {
	c := acctest.New(t)
	c.Test(t,
		acctest.Step(aPolicy(clusterPolicy), policyIt, create, policyCount(26), groupIDs("servers", "agents"), acctest.Has(policyIt, "default_egress", knownvalue.Bool(true))),
		importedPolicy(),
		resource.TestStep{ // a group and a rule more, another rule less: nothing else moves, and ids of groups that stay are known
			Config: aPolicy(`
  groups = { servers = { description = "control plane" }, agents = {}, bastion = { name = "{{name}}-jump" } }
  rules = {
    ssh  = { from = ["bastion"], to = ["servers", "agents"], tcp = ["22"] }
    etcd = { from = ["servers"], to = ["servers"], tcp = ["2379-2381"] }
    out  = { from = ["bastion"], to_cidrs = ["0.0.0.0/0"], tcp = ["443"] }
  }
`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(policyIt, update),
				plancheck.ExpectKnownValue(policyIt, tfjsonpath.New("group_ids").AtMapKey("servers"), knownvalue.NotNull()),
				plancheck.ExpectUnknownValue(policyIt, tfjsonpath.New("group_ids").AtMapKey("bastion")),
				plancheck.ExpectKnownValue(policyIt, tfjsonpath.New("rule_count"), knownvalue.Int64Exact(4)),
			}},
			ConfigStateChecks: []statecheck.StateCheck{policyCount(4), groupIDs("servers", "agents", "bastion")},
		},
		importedPolicy("name", "groups"),
		acctest.Step(aPolicy("groups = { servers = {} }\n"), policyIt, update, policyCount(0), groupIDs("servers")),
		acctest.Step(aPolicy(clusterPolicy), policyIt, update, policyCount(26), groupIDs("servers", "agents")),
	)
}

// Where the default egress is closed, groups may still go where the policy lets them in.
func TestSecurityPolicyClosed(t *testing.T) {
	c := acctest.New(t)
	var id acctest.Stolen
	config := aPolicy(`
  groups         = { servers = {}, agents = {} }
  default_egress = false
  rules = {
    kubelet = { from = ["servers"], to = ["agents"], tcp = ["10250"] }
    dns     = { from = ["servers", "agents"], to_cidrs = ["9.9.9.9/32"], udp = ["53"] }
  }
`)
	c.Test(t,
		resource.TestStep{Config: config, Check: id.From(policyIt), ConfigStateChecks: []statecheck.StateCheck{policyCount(3)}},
		resource.TestStep{RefreshState: true},
		acctest.Step(aPolicy(`groups = { servers = {}, agents = {} }`), policyIt, update, policyCount(0), acctest.Has(policyIt, "default_egress", knownvalue.Bool(true))),
		acctest.Step(config, policyIt, update, policyCount(3)),
	)
}

func TestSecurityPolicyRequests(t *testing.T) {
	c := acctest.OnSimulator(t, "counts requests")
	c.Test(t, resource.TestStep{
		Config: aPolicy(clusterPolicy),
		Check: func(*terraform.State) error {
			sent := 0
			for _, r := range c.Simulator.Requests() {
				if r.Method != http.MethodGet && !strings.HasSuffix(r.Path, "/auth/tokens") {
					sent++
				}
			}
			if sent != 3 {
				return fmt.Errorf("%d writes for two groups and 26 rules, want 3", sent)
			}
			return nil
		},
	})
}

func TestSecurityPolicyDriftAndDisappears(t *testing.T) {
	c := acctest.New(t)
	var servers, agents string
	config := aPolicy(clusterPolicy)
	steal := func(state *terraform.State) error {
		all := state.RootModule().Resources[policyIt].Primary.Attributes
		servers, agents = all["group_ids.servers"], all["group_ids.agents"]
		return nil
	}
	c.Test(t,
		resource.TestStep{Config: config, Check: steal},
		resource.TestStep{ // a rule more, one less, another name
			PreConfig: func() {
				for _, r := range rulesOf(t, c, agents) {
					if r["protocol"] == "udp" {
						id, _ := r["id"].(string)
						call(t, c, http.MethodDelete, nil, "security-group-rules", id)
						break
					}
				}
				call(t, c, http.MethodPost, map[string]any{"security_group_rule": map[string]any{
					"security_group_id": servers, "direction": "ingress", "ethertype": "IPv6", "remote_group_id": agents,
				}}, "security-group-rules")
				call(t, c, http.MethodPut, map[string]any{"security_group": map[string]any{"name": c.Prefix + "-renamed"}}, "security-groups", agents)
			},
			Config: config, ConfigPlanChecks: acctest.Plans(policyIt, update), ConfigStateChecks: []statecheck.StateCheck{policyCount(26)}, Check: steal,
		},
		resource.TestStep{ // one group is gone, and with it the rules that refer to it
			PreConfig: func() { call(t, c, http.MethodDelete, nil, "security-groups", agents) },
			Config:    config, ConfigPlanChecks: acctest.Plans(policyIt, update), ConfigStateChecks: []statecheck.StateCheck{policyCount(26), groupIDs("servers", "agents")}, Check: steal,
		},
		resource.TestStep{
			PreConfig: func() {
				call(t, c, http.MethodDelete, nil, "security-groups", agents)
				call(t, c, http.MethodDelete, nil, "security-groups", servers)
			},
			Config: config, ConfigPlanChecks: acctest.Plans(policyIt, create), ConfigStateChecks: []statecheck.StateCheck{policyCount(26)},
		},
	)
}

func TestSecurityPolicyUnknowns(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{
		Config: aPolicy(`
  groups = { servers = {}, agents = { description = terraform_data.text.output } }
  rules = {
    a = { from = [terraform_data.group.output], to = ["servers"], tcp = terraform_data.ports.output }
    b = { from_group_ids = [massif_security_group.other.id], to = ["agents"], protocols = ["any"] }
  }
`) + `
resource "massif_security_group" "other" { name = "{{name}}-other" }
resource "terraform_data" "text" { input = "workers" }
resource "terraform_data" "group" { input = "agents" }
resource "terraform_data" "ports" { input = ["1", "2"] }
`,
		ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectUnknownValue(policyIt, tfjsonpath.New("rule_count")),
		}},
		ConfigStateChecks: []statecheck.StateCheck{policyCount(3)},
	})
}

// What was made before a failure leaves nothing behind.
func TestSecurityPolicyFailure(t *testing.T) {
	wrong := `rules = { a = { from_group_ids = ["00000000-0000-4000-8000-000000000000"], to = ["servers", "agents"], tcp = ["1"] } }`
	acctest.New(t).Test(t,
		resource.TestStep{Config: aPolicy("groups = { servers = {}, agents = {} }\n" + wrong), ExpectError: acctest.Words("Could not create the security policy")},
		acctest.Step(aPolicy(`groups = { servers = {} }`), policyIt, replace, policyCount(0)), // tainted
		resource.TestStep{Config: aPolicy("groups = { servers = {}, agents = {} }\n" + wrong), ExpectError: acctest.Words("Could not update the security policy")},
		acctest.Step(aPolicy(`groups = { servers = {} }`), policyIt, noop, groupIDs("servers")),
	)
}

func TestSecurityPolicyInvalid(t *testing.T) {
	of := func(line string) string {
		return aPolicy("groups = { servers = {}, agents = {} }\nrules = { bad = { " + line + " } }")
	}
	invalid(t, map[string]struct{ config, want string }{
		"unknown group":      {of(`from = ["workers"], to = ["servers"], tcp = ["22"]`), `"workers" is not among groups, which has agents, servers`},
		"unknown target":     {of(`from = ["agents"], to = ["worker"], tcp = ["22"]`), `"worker" is not among groups`},
		"nobody":             {of(`to = ["servers"], tcp = ["22"]`), "say who may come in"},
		"no target":          {of(`from = ["servers"], tcp = ["22"]`), "say in to which groups"},
		"out without groups": {of(`to_cidrs = ["0.0.0.0/0"], tcp = ["22"]`), "say in from which groups"},
		"out and in":         {of(`from = ["servers"], to = ["agents"], to_cidrs = ["0.0.0.0/0"], tcp = ["22"]`), "is about going out"},
		"nothing passes":     {of(`from = ["agents"], to = ["servers"]`), "say what passes"},
		"port":               {of(`from = ["agents"], to = ["servers"], tcp = ["0"]`), "ports go from 1 to 65535"},
		"ethertype":          {of(`from_cidrs = ["10.0.0.0/8"], to = ["servers"], tcp = ["1"], ethertypes = ["IPv6"]`), "10.0.0.0/8 is IPv4, and ethertypes has IPv6 only"},
		"the same rule": {aPolicy(`groups = { a = {} }
rules = { x = { from = ["a"], to = ["a"], tcp = ["1"] }, y = { from = ["a"], to = ["a"], tcp = ["1-1", "2"] } }`), `it lets through what "x" lets through already`},
		"no groups": {aPolicy(`groups = {}`), "at least 1"},
		"one name":  {aPolicy(`groups = { a = { name = "x" }, b = { name = "x" } }`), `the group "a" has the name "x" already`},
	})
}
