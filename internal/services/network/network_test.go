package network_test

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// call sends a request behind Terraform's back.
func call(t *testing.T, c *acctest.Cloud, method string, body any, path ...string) map[string]any {
	t.Helper()
	client, err := c.Network()
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	opts := &gophercloud.RequestOpts{JSONBody: body, OkCodes: []int{http.StatusOK, http.StatusCreated, http.StatusNoContent}}
	if method != http.MethodDelete {
		opts.JSONResponse = &answer
	}
	if _, err := client.Request(t.Context(), method, client.ServiceURL(path...), opts); err != nil {
		t.Fatal(err)
	}
	return answer
}

// invalid runs configurations that must fail while they are validated or planned.
func invalid(t *testing.T, cases map[string]struct{ config, want string }) {
	t.Helper()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			acctest.New(t).Test(t, resource.TestStep{Config: tc.config, PlanOnly: true, ExpectError: regexp.MustCompile("(?i)" + acctest.Words(tc.want).String())})
		})
	}
}

const (
	create  = plancheck.ResourceActionCreate
	update  = plancheck.ResourceActionUpdate
	replace = plancheck.ResourceActionDestroyBeforeCreate
	noop    = plancheck.ResourceActionNoop
)

func text(s string) knownvalue.Check { return knownvalue.StringExact(s) }

func set(all ...string) knownvalue.Check {
	var checks []knownvalue.Check
	for _, s := range all {
		checks = append(checks, text(s))
	}
	return knownvalue.SetExact(checks)
}

const aNetwork = `
resource "massif_network" "test" {
  name = "{{name}}"
}
`

const fullNetwork = `
resource "massif_network" "test" {
  name           = "{{name}}-full"
  description    = "all of it"
  mtu            = 1300
  port_security  = false
  admin_state_up = false
  tags           = ["b", "team:platform"]
}
`

func TestNetwork(t *testing.T) {
	c := acctest.New(t)
	const it = "massif_network.test"
	c.Test(t,
		acctest.Step(aNetwork, it, create,
			acctest.Has(it, "name", text(c.Prefix)), acctest.Has(it, "description", text("")), acctest.Has(it, "shared", knownvalue.Bool(false)),
			acctest.Has(it, "external", knownvalue.Bool(false)), acctest.Has(it, "admin_state_up", knownvalue.Bool(true)), acctest.Has(it, "port_security", knownvalue.Bool(true)),
			acctest.Has(it, "dns_domain", knownvalue.Null()), acctest.Has(it, "mtu", knownvalue.NotNull()), acctest.Has(it, "tags", set()), acctest.Has(it, "region", text(c.Region()))),
		acctest.Imported(it),
		acctest.Step(fullNetwork, it, update,
			acctest.Has(it, "name", text(c.Prefix+"-full")), acctest.Has(it, "description", text("all of it")), acctest.Has(it, "mtu", knownvalue.Int64Exact(1300)),
			acctest.Has(it, "port_security", knownvalue.Bool(false)), acctest.Has(it, "admin_state_up", knownvalue.Bool(false)), acctest.Has(it, "tags", set("b", "team:platform"))),
		acctest.Imported(it),
		acctest.Step(aNetwork, it, update, // what was computed stays, what has a default goes back
			acctest.Has(it, "description", text("")), acctest.Has(it, "mtu", knownvalue.Int64Exact(1300)), acctest.Has(it, "admin_state_up", knownvalue.Bool(true)), acctest.Has(it, "tags", set())),
	)
}

func TestNetworkDNSDomain(t *testing.T) {
	config := func(domain string) string {
		return `resource "massif_network" "test" {
  name       = "{{name}}"
  dns_domain = ` + domain + `
}`
	}
	const it = "massif_network.test"
	acctest.New(t).Test(t,
		acctest.Step(config(`"a.example.org."`), it, create, acctest.Has(it, "dns_domain", text("a.example.org."))),
		acctest.Step(config(`"b.example.org."`), it, update, acctest.Has(it, "dns_domain", text("b.example.org."))),
		acctest.Step(config(`null`), it, update, acctest.Has(it, "dns_domain", knownvalue.Null())),
	)
}

func TestNetworkDisappears(t *testing.T) {
	c := acctest.New(t)
	var it acctest.Stolen
	c.Test(t,
		resource.TestStep{Config: aNetwork, Check: it.From("massif_network.test")},
		resource.TestStep{
			PreConfig:        func() { call(t, c, http.MethodDelete, nil, "networks", it.ID) },
			Config:           aNetwork,
			ConfigPlanChecks: acctest.Plans("massif_network.test", create),
		},
	)
}

func TestNetworkDrift(t *testing.T) {
	c := acctest.New(t)
	var it acctest.Stolen
	c.Test(t,
		resource.TestStep{Config: aNetwork, Check: it.From("massif_network.test")},
		resource.TestStep{
			PreConfig: func() {
				call(t, c, http.MethodPut, map[string]any{"network": map[string]any{"description": "by hand"}}, "networks", it.ID)
				call(t, c, http.MethodPut, map[string]any{"tags": []string{"by-hand"}}, "networks", it.ID, "tags")
			},
			Config:            aNetwork,
			ConfigPlanChecks:  acctest.Plans("massif_network.test", update),
			ConfigStateChecks: []statecheck.StateCheck{acctest.Has("massif_network.test", "description", text("")), acctest.Has("massif_network.test", "tags", set())},
		},
	)
}

// A refresh of many networks costs a few lists, not a request each.
func TestNetworksAreReadTogether(t *testing.T) {
	c := acctest.OnSimulator(t, "counts requests")
	many := `
resource "massif_network" "test" {
  count = 40
  name  = "{{name}}-${count.index}"
}
`
	before := 0
	c.Test(t,
		resource.TestStep{Config: many},
		resource.TestStep{
			PreConfig: func() { before = len(c.Simulator.Requests()) },
			Config:    many,
			Check: func(*terraform.State) error {
				// The framework plans and refreshes several times in a step.
				if sent := len(c.Simulator.Requests()) - before; sent > 40 {
					return fmt.Errorf("%d requests for refreshes of 40 networks", sent)
				}
				return nil
			},
		},
	)
}

func TestNetworkInvalid(t *testing.T) {
	of := func(body string) string { return "resource \"massif_network\" \"test\" {\n" + body + "\n}" }
	invalid(t, map[string]struct{ config, want string }{
		"name":   {of(`name = ""`), "string length must be between 1 and 255"},
		"mtu":    {of("name = \"a\"\nmtu = 10"), "must be between 68 and 65535"},
		"domain": {of("name = \"a\"\ndns_domain = \"example.org\""), "must be a domain with a dot at its end"},
		"tag":    {of("name = \"a\"\ntags = [\"a,b\"]"), "without comma and slash"},
	})
}
