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
)

const groupIt = "massif_security_group.test"

func aGroup(body string) string {
	return `
resource "massif_security_group" "test" {
  name = "{{name}}"
` + body + `
}
`
}

func count(n int64) statecheck.StateCheck {
	return acctest.Has(groupIt, "rule_count", knownvalue.Int64Exact(n))
}

// rulesOf is what a group really has.
func rulesOf(t *testing.T, c *acctest.Cloud, id string) []map[string]any {
	t.Helper()
	group, _ := call(t, c, http.MethodGet, nil, "security-groups", id)["security_group"].(map[string]any)
	all, _ := group["security_group_rules"].([]any)
	var out []map[string]any
	for _, r := range all {
		if rule, ok := r.(map[string]any); ok {
			out = append(out, rule)
		}
	}
	return out
}

func TestSecurityGroup(t *testing.T) {
	full := aGroup(`
  description = "all of it"
  tags        = ["a"]
  rules = {
    web     = { tcp = ["80", "443"], udp = ["443"], from_cidrs = ["0.0.0.0/0", "::/0"] }
    ping    = { icmp_types = ["0/0", "8"], from_cidrs = ["203.0.113.5/24"] }
    peers   = { protocols = ["vrrp", "99"], from_self = true, ethertypes = ["IPv4", "IPv6"] }
    other   = { tcp = ["all"], from_group_ids = [massif_security_group.other.id] }
    out     = { tcp = ["1-65535"], to_cidrs = ["10.0.0.0/8"] }
    nobody  = { tcp = ["1"], from_cidrs = [] }
  }
`) + "resource \"massif_security_group\" \"other\" { name = \"{{name}}-other\" }\n"
	acctest.New(t).Test(t,
		acctest.Step(aGroup(``), groupIt, create, count(0), acctest.Has(groupIt, "default_egress", knownvalue.Bool(true)), acctest.Has(groupIt, "rules", knownvalue.Null())),
		acctest.Imported(groupIt),
		acctest.Step(full, groupIt, update, count(6+2+4+1+1), acctest.Has(groupIt, "description", text("all of it")), acctest.Has(groupIt, "tags", set("a"))),
		acctest.Imported(groupIt, "rules"), // lines with equal meaning in other words
		acctest.Step(aGroup(`
  rules = {
    web2 = { tcp = ["443"], from_cidrs = ["0.0.0.0/0", "2001:db8::/32"] }
  }
`), groupIt, update, count(2)),
		acctest.Step(aGroup("default_egress = false\nrules = {}"), groupIt, update, count(0)),
		acctest.Step(aGroup("default_egress = false\nrules = { out = { protocols = [\"any\"], to_cidrs = [\"0.0.0.0/0\"] } }"), groupIt, update, count(1)),
		acctest.Imported(groupIt),
		acctest.Step(aGroup(``), groupIt, update, count(0), acctest.Has(groupIt, "default_egress", knownvalue.Bool(true))),
	)
}

// Lines come back from the cloud as they were written.
func TestSecurityGroupImport(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(aGroup(`
  rules = {
    web   = { tcp = ["80", "8000-9000"], from_cidrs = ["0.0.0.0/0", "::/0"] }
    peers = { icmp = true, from_self = true }
    out   = { udp = ["all"], to_cidrs = ["10.0.0.0/8"] }
  }
`), groupIt, create, count(6)),
		acctest.Imported(groupIt),
	)
}

// The same in other words is no change in the cloud, and a renamed line neither.
func TestSecurityGroupEqualMeaning(t *testing.T) {
	c := acctest.New(t)
	var it acctest.Stolen
	var before []map[string]any
	c.Test(t,
		resource.TestStep{
			Config: aGroup(`rules = { ssh = { tcp = ["22", "1-65535"], from_cidrs = ["10.0.0.5/24"] } }`),
			Check:  it.From(groupIt),
		},
		resource.TestStep{
			PreConfig: func() { before = rulesOf(t, c, it.ID) },
			Config:    aGroup(`rules = { all = { tcp = ["all", "22-22"], from_cidrs = ["10.0.0.0/24"] } }`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(groupIt, update),
				plancheck.ExpectKnownValue(groupIt, tfjsonpath.New("rule_count"), knownvalue.Int64Exact(2)),
			}},
		},
		resource.TestStep{
			PreConfig: func() {
				ids := map[any]bool{}
				for _, r := range before {
					ids[r["id"]] = true
				}
				for _, r := range rulesOf(t, c, it.ID) {
					if !ids[r["id"]] {
						t.Errorf("%v was made anew", r)
					}
				}
			},
			RefreshState: true,
		},
	)
}

func TestSecurityGroupDrift(t *testing.T) {
	c := acctest.New(t)
	var it acctest.Stolen
	config := aGroup(`rules = { ssh = { tcp = ["22"], from_cidrs = ["10.0.0.0/24", "10.1.0.0/24"] } }`)
	c.Test(t,
		resource.TestStep{Config: config, Check: it.From(groupIt)},
		resource.TestStep{ // somebody adds a rule
			PreConfig: func() {
				call(t, c, http.MethodPost, map[string]any{"security_group_rule": map[string]any{
					"security_group_id": it.ID, "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 23, "port_range_max": 23,
				}}, "security-group-rules")
			},
			Config: config, ConfigPlanChecks: acctest.Plans(groupIt, update), ConfigStateChecks: []statecheck.StateCheck{count(2)},
		},
		resource.TestStep{ // somebody removes some: one of a line, and a default one
			PreConfig: func() {
				seen := map[any]bool{}
				for _, r := range rulesOf(t, c, it.ID) {
					if !seen[r["direction"]] {
						seen[r["direction"]] = true
						id, _ := r["id"].(string)
						call(t, c, http.MethodDelete, nil, "security-group-rules", id)
					}
				}
			},
			Config: config, ConfigPlanChecks: acctest.Plans(groupIt, update),
			ConfigStateChecks: []statecheck.StateCheck{count(2), acctest.Has(groupIt, "default_egress", knownvalue.Bool(true))},
		},
		resource.TestStep{
			PreConfig: func() {
				if got := len(rulesOf(t, c, it.ID)); got != 4 {
					t.Errorf("%d rules in the cloud", got)
				}
			},
			RefreshState: true,
		},
	)
}

func TestSecurityGroupDisappears(t *testing.T) {
	c := acctest.New(t)
	var it acctest.Stolen
	c.Test(t,
		resource.TestStep{Config: aGroup(``), Check: it.From(groupIt)},
		resource.TestStep{
			PreConfig: func() { call(t, c, http.MethodDelete, nil, "security-groups", it.ID) },
			Config:    aGroup(``), ConfigPlanChecks: acctest.Plans(groupIt, create),
		},
	)
}

func TestSecurityGroupUnknowns(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{
		Config: aGroup(`
  rules = {
    a = { tcp = [terraform_data.port.output], from_cidrs = [terraform_data.cidr.output, "10.0.0.0/24"] }
    b = { udp = terraform_data.ports.output, from_cidrs = ["10.0.0.0/24"], ethertypes = [terraform_data.type.output] }
  }
`) + `
resource "terraform_data" "port" { input = "22" }
resource "terraform_data" "ports" { input = ["1", "2"] }
resource "terraform_data" "cidr" { input = "10.1.0.0/24" }
resource "terraform_data" "type" { input = "IPv4" }
`,
		ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectUnknownValue(groupIt, tfjsonpath.New("rule_count")),
		}},
		ConfigStateChecks: []statecheck.StateCheck{count(4)},
	})
}

func TestSecurityGroupInvalid(t *testing.T) {
	of := func(line string) string { return aGroup("rules = { bad = { " + line + " } }") }
	invalid(t, map[string]struct{ config, want string }{
		"port":             {of(`tcp = ["http"], from_cidrs = ["0.0.0.0/0"]`), "neither a port nor a range of ports"},
		"port too high":    {of(`tcp = ["65536"], from_cidrs = ["0.0.0.0/0"]`), "ports go from 1 to 65535"},
		"range backwards":  {of(`udp = ["90-80"], from_cidrs = ["0.0.0.0/0"]`), "ends before it starts"},
		"ICMP":             {of(`icmp_types = ["echo"], from_cidrs = ["0.0.0.0/0"]`), "is no ICMP type"},
		"protocol":         {of(`protocols = ["http"], from_cidrs = ["0.0.0.0/0"]`), "is no protocol"},
		"CIDR":             {of(`tcp = ["22"], from_cidrs = ["10.0.0.0"]`), "must be a prefix in CIDR notation"},
		"ethertype":        {of(`tcp = ["22"], from_cidrs = ["2001:db8::/64"], ethertypes = ["IPv4"]`), "2001:db8::/64 is IPv6, and ethertypes has IPv4 only"},
		"ethertype's name": {of(`tcp = ["22"], from_self = true, ethertypes = ["ipv4"]`), "value must be one of"},
		"nothing passes":   {of(`from_cidrs = ["0.0.0.0/0"]`), "say what passes"},
		"nobody":           {of(`tcp = ["22"]`), "say who is at the other end"},
		"both directions":  {of(`tcp = ["22"], from_cidrs = ["0.0.0.0/0"], to_cidrs = ["0.0.0.0/0"]`), "write two lines"},
		"the same rule":    {aGroup(`rules = { a = { tcp = ["22"], from_cidrs = ["10.0.0.0/24"] }, b = { protocols = ["tcp"], tcp = ["22"], from_cidrs = ["10.0.0.1/24"] } }`), `it lets through what "a" lets through already`},
		"name":             {`resource "massif_security_group" "test" {}`, `"name" is required`},
	})
}
