package reverseproxy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// The example of a migration: every step changes what it is about in place, and nothing else; all of it goes back with one.
func TestCanaryExample(t *testing.T) {
	c := acctest.New(t)
	text := ""
	for _, file := range []string{"variables.tf", "main.tf"} {
		content, err := os.ReadFile(filepath.Join("..", "..", "..", "examples", "reverse-proxy-canary", file))
		if err != nil {
			t.Fatal(err)
		}
		text += string(content)
	}
	domains := []config.Variable{config.StringVariable("a.example.ch"), config.StringVariable("b.example.ch"), config.StringVariable("c.example.ch")}
	at := func(share, moved, v2 int) config.Variables {
		return config.Variables{
			"name":  config.StringVariable(c.Prefix),
			"nodes": config.ObjectVariable(map[string]config.Variable{"flavor": config.StringVariable("m1.small"), "image": config.StringVariable("cirros-fake"), "count": config.IntegerVariable(1)}),
			"binary": config.ObjectVariable(map[string]config.Variable{
				"url": config.StringVariable("https://downloads.example.com/massif-edge"), "sha256": config.StringVariable(strings.Repeat("0", 64)),
			}),
			"wait_for_nodes": config.BoolVariable(false), "domains": config.SetVariable(domains...),
			"new_fleet_share": config.IntegerVariable(share), "moved": config.IntegerVariable(moved), "v2_share": config.IntegerVariable(v2),
		}
	}
	const (
		theEdge      = "massif_reverse_proxy.edge"
		theCustomers = "massif_reverse_proxy_routes.customers"
		theFront     = "massif_load_balancer.front"
	)
	// changes says which of the three a step changes.
	changes := func(changed ...string) resource.ConfigPlanChecks {
		actions := map[string]plancheck.ResourceActionType{theEdge: plancheck.ResourceActionNoop, theCustomers: plancheck.ResourceActionNoop, theFront: plancheck.ResourceActionNoop}
		for _, address := range changed {
			actions[address] = plancheck.ResourceActionUpdate
		}
		return plans(actions)
	}
	moved := func(want, v2 int) resource.TestCheckFunc {
		return func(s *terraform.State) error {
			container, err := objectstore.Open(c.Cloud, attributeOf(s, theEdge, "id"))
			if err != nil {
				return err
			}
			content, _, err := container.Get(t.Context(), documents.RoutesObject("customers"), "")
			if err != nil {
				return err
			}
			routes, err := documents.DecodeRoutes(content)
			if err != nil {
				return err
			}
			got := 0
			for _, upstream := range routes {
				if upstream == "new" {
					got++
				}
			}
			if content, _, err = container.Get(t.Context(), documents.ConfigObject, ""); err != nil {
				return err
			}
			config, err := documents.DecodeConfig(content)
			if weight := config.Upstreams["new"].Targets["v2"].Weight; err != nil || got != want || weight != v2 || len(routes) != 3 {
				return fmt.Errorf("%d of %d moved, weight %d: %w", got, len(routes), weight, err)
			}
			return nil
		}
	}
	c.Test(t,
		resource.TestStep{Config: text, ConfigVariables: at(0, 0, 0), Check: moved(0, 0)},
		resource.TestStep{Config: text, ConfigVariables: at(10, 0, 0), ConfigPlanChecks: changes(theFront), Check: moved(0, 0)},
		resource.TestStep{Config: text, ConfigVariables: at(10, 2, 0), ConfigPlanChecks: changes(theCustomers), Check: moved(2, 0)},
		resource.TestStep{Config: text, ConfigVariables: at(10, 2, 5), ConfigPlanChecks: changes(theEdge), Check: moved(2, 5)},
		resource.TestStep{Config: text, ConfigVariables: at(0, 0, 0), ConfigPlanChecks: changes(theFront, theCustomers, theEdge), Check: moved(0, 0)},
	)
}
