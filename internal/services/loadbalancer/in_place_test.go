package loadbalancer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/listeners"
	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// stays returns what watches, in each step that calls it, that the values at paths are those of the steps before.
func stays(paths ...[]string) func() []statecheck.StateCheck {
	var add []func() statecheck.StateCheck
	for _, p := range paths {
		same := statecheck.CompareValue(compare.ValuesSame())
		add = append(add, func() statecheck.StateCheck { return same.AddStateValue(address, attribute(p...)) })
	}
	return func() []statecheck.StateCheck {
		var checks []statecheck.StateCheck
		for _, f := range add {
			checks = append(checks, f())
		}
		return checks
	}
}

// Every attribute that Octavia can change is changed, and then taken back to its default, with the objects that were there.
func TestLoadBalancerEverythingInPlace(t *testing.T) {
	const first = `
  listeners = { web = { protocol = "HTTP", port = 80, default_pool = "app", routes = {
    one = { position = 1, redirect_pool = "other", rules = [{ type = "PATH", compare_type = "STARTS_WITH", value = "/a" }] }
    two = { position = 2, redirect_url = "https://example.org/", rules = [{ type = "HOST_NAME", compare_type = "EQUAL_TO", value = "a.example.org" }] }
  } } }
  pools = {
    app   = { protocol = "HTTP", members = { one = { address = "10.61.0.11", port = 8080 } }, monitor = { type = "HTTP", delay = 5, timeout = 5, max_retries = 2 } }
    other = { protocol = "HTTP" }
  }`
	const second = `
  description    = "second"
  admin_state_up = false
  tags           = ["lb"]
  listeners = { web = {
    protocol               = "HTTP"
    port                   = 80
    default_pool           = "other"
    description            = "the web"
    admin_state_up         = false
    connection_limit       = 7
    allowed_cidrs          = ["192.0.2.0/24"]
    insert_headers         = { X-Forwarded-For = "true", X-Forwarded-Port = "true", X-Forwarded-Proto = "false" }
    timeout_client_data    = 1000
    timeout_member_connect = 2000
    timeout_member_data    = 3000
    timeout_tcp_inspect    = 4000
    tags                   = ["l"]
    routes = {
      one = {
        position           = 2
        redirect_prefix    = "https://prefix.example.org"
        redirect_http_code = 307
        description        = "was a pool"
        admin_state_up     = false
        tags               = ["r"]
        rules              = [{ type = "HEADER", key = "X-A", compare_type = "REGEX", value = "^a", invert = true, admin_state_up = false, tags = ["x"] }]
      }
      two = {
        position = 1
        reject   = true
        rules = [
          { type = "COOKIE", key = "c", compare_type = "CONTAINS", value = "v" },
          { type = "FILE_TYPE", compare_type = "EQUAL_TO", value = "gif" },
        ]
      }
    }
  } }
  pools = {
    app = {
      protocol            = "HTTP"
      algorithm           = "LEAST_CONNECTIONS"
      description         = "the app"
      admin_state_up      = false
      tags                = ["p"]
      session_persistence = { type = "APP_COOKIE", cookie_name = "sid" }
      tls                 = { versions = ["TLSv1.3"], ciphers = "TLS_AES_256_GCM_SHA384", alpn_protocols = ["http/1.1"] }
      members = { one = {
        address         = "10.61.0.11"
        port            = 8080
        subnet_id       = massif_subnet.test.id
        weight          = 9
        backup          = true
        monitor_address = "10.61.0.12"
        monitor_port    = 8081
        admin_state_up  = false
        tags            = ["m"]
      } }
      monitor = {
        type             = "HTTP"
        delay            = 9
        timeout          = 8
        max_retries      = 3
        max_retries_down = 4
        http_method      = "HEAD"
        url_path         = "/healthz"
        expected_codes   = "200-204"
        http_version     = "1.1"
        domain_name      = "app.example.org"
        admin_state_up   = false
        tags             = ["h"]
      }
    }
    other = { protocol = "HTTP", session_persistence = { type = "HTTP_COOKIE" } }
  }`
	same := stays([]string{"id"}, []string{"vip_address"}, []string{"statuses", "listeners", "web", "id"}, []string{"statuses", "pools", "app", "id"},
		[]string{"statuses", "pools", "other", "id"}, []string{"statuses", "pools", "app", "members", "one", "id"}, []string{"statuses", "pools", "app", "monitor", "id"})
	step := func(config string, more ...statecheck.StateCheck) resource.TestStep {
		return resource.TestStep{Config: config, ConfigPlanChecks: action(plancheck.ResourceActionUpdate), ConfigStateChecks: append(more, same()...)}
	}
	acctest.New(t).Test(t,
		resource.TestStep{Config: basic(first), ConfigStateChecks: same()},
		step(basic(second),
			expect([]string{"listeners", "web", "routes", "one", "redirect_http_code"}, knownvalue.Int64Exact(307)),
			expect([]string{"pools", "app", "monitor", "domain_name"}, knownvalue.StringExact("app.example.org")),
			expect([]string{"statuses", "pools", "app", "monitor", "provisioning_status"}, knownvalue.StringExact("ACTIVE"))),
		resource.TestStep{
			ResourceName: address, ImportState: true, ImportStateVerify: true,
			ImportStateVerifyIgnore: []string{"statuses", "operating_status", // they change by themselves
				"pools.app.tls.versions", "pools.app.tls.ciphers", "pools.app.tls.alpn_protocols"}, // the cloud's choice is not read
		},
		step(basic(first)),
	)
}

// One request changes members, adds some and removes others, and none goes to a listener.
func TestLoadBalancerMembersDisturbNoListener(t *testing.T) {
	c := acctest.New(t)
	config := func(members string) string {
		return basic(`
  listeners = {
    web = { protocol = "HTTP", port = 80, default_pool = "app", routes = {
      api = { redirect_pool = "api", rules = [{ type = "PATH", compare_type = "STARTS_WITH", value = "/api" }] }
    } }
    raw = { protocol = "TCP", port = 81, default_pool = "app" }
  }
  pools = {
    app = { protocol = "HTTP", members = { ` + members + ` } }
    api = { protocol = "HTTP", members = { a = { address = "10.61.0.21", port = 8080 } } }
  }`)
	}
	before := map[string]listeners.Listener{}
	read := func() map[string]listeners.Listener {
		client, err := c.LoadBalancer()
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]listeners.Listener{}
		for _, l := range lookup(t, c).Listeners {
			whole, err := listeners.Get(t.Context(), client, l.ID).Extract()
			if err != nil {
				t.Fatal(err)
			}
			found[l.ID] = *whole
		}
		return found
	}
	step := func(members string) resource.TestStep {
		return resource.TestStep{
			Config: config(members),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate),
				beforeApply{func() {
					before = read()
					if c.Simulator != nil {
						c.Simulator.ResetRequests()
					}
				}},
			}},
			ConfigStateChecks: []statecheck.StateCheck{afterApply{func() {
				if c.Simulator != nil {
					onlyMembers(t, c)
				}
				after := read()
				if len(after) != len(before) {
					t.Errorf("%d listeners became %d", len(before), len(after))
				}
				for id, was := range before {
					now := after[id]
					// Octavia itself marks the listeners of a pool that changes, and dates them. The rest must be as it was.
					was.ProvisioningStatus, was.OperatingStatus = now.ProvisioningStatus, now.OperatingStatus
					if fmt.Sprint(was) != fmt.Sprint(now) {
						t.Errorf("listener %s was %+v and is %+v", id, was, now)
					}
				}
			}}},
		}
	}
	c.Test(t,
		resource.TestStep{Config: config(`one = { address = "10.61.0.11", port = 8080 }`)},
		step(`one = { address = "10.61.0.11", port = 8080, weight = 5 }`),
		step(`one = { address = "10.61.0.11", port = 8080, weight = 5 }, two = { address = "10.61.0.12", port = 8080, backup = true }`),
		step(`three = { address = "10.61.0.13", port = 8080 }, two = { address = "10.61.0.12", port = 8081 }`),
		step(``),
	)
}

// Statuses that change by themselves are read, and are no reason to change anything.
func TestLoadBalancerStatuses(t *testing.T) {
	c := acctest.OnSimulator(t, "its health checks can be told what to find")
	config := basic(`
  listeners = { web = { protocol = "HTTP", port = 80, default_pool = "app" } }
  pools = { app = {
    protocol = "HTTP"
    members  = { one = { address = "10.61.0.11", port = 8080 } }
    monitor  = { type = "TCP", delay = 1, timeout = 1, max_retries = 1, max_retries_down = 1 }
  } }`) + `
output "health" { value = massif_load_balancer.test.statuses.pools["app"].members["one"].operating_status }`
	status := []string{"statuses", "pools", "app", "members", "one", "operating_status"}
	c.Test(t,
		resource.TestStep{Config: config},
		// Nothing answers at the member's address, which the checks find out in time.
		resource.TestStep{
			PreConfig: func() {
				if !acctest.Eventually(t, time.Minute, func() bool { return lookup(t, c).OperatingStatus == "ERROR" }) {
					t.Fatal("no probe fails")
				}
			},
			RefreshState: true,
			Check: func(s *terraform.State) error {
				if got := s.RootModule().Resources[address].Primary.Attributes[strings.Join(status, ".")]; got != "ERROR" {
					return fmt.Errorf("the member is %q", got)
				}
				return nil
			},
		},
		resource.TestStep{
			Config:            config,
			ConfigPlanChecks:  action(plancheck.ResourceActionNoop),
			ConfigStateChecks: []statecheck.StateCheck{expect(status, knownvalue.StringExact("ERROR")), expect([]string{"operating_status"}, knownvalue.StringExact("ERROR"))},
		},
	)
}
