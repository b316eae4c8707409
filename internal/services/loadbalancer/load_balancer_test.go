package loadbalancer_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/listeners"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/loadbalancers"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

const address = "massif_load_balancer.test"

// network is what every load balancer needs.
const network = `
resource "massif_network" "test" { name = "{{name}}" }
resource "massif_subnet" "test" {
  name       = "{{name}}"
  network_id = massif_network.test.id
  cidr       = "10.61.0.0/24"
}
`

// routed is a network from which floating IPs can be reached.
const routed = network + `
resource "massif_router" "test" {
  name             = "{{name}}"
  external_network = "ext-floating1"
  subnet_ids       = [massif_subnet.test.id]
}
`

// basic is a load balancer with the given body beside what it must have.
func basic(body string) string {
	return network + `
resource "massif_load_balancer" "test" {
  name          = "{{name}}"
  vip_subnet_id = massif_subnet.test.id
` + body + `
}`
}

const web = `
  listeners = { web = { protocol = "HTTP", port = 80, default_pool = "app" } }
  pools     = { app = { protocol = "HTTP", members = { one = { address = "10.61.0.11", port = 8080 } } } }
`

func attribute(p ...string) tfjsonpath.Path {
	path := tfjsonpath.New(p[0])
	for _, key := range p[1:] {
		path = path.AtMapKey(key)
	}
	return path
}

func expect(p []string, check knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, attribute(p...), check)
}

func action(a plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, a)}}
}

func TestLoadBalancerBasicAndImport(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{
			Config: basic(web),
			ConfigStateChecks: []statecheck.StateCheck{
				expect([]string{"vip_address"}, knownvalue.StringRegexp(regexp.MustCompile(`^10\.61\.0\.\d+$`))),
				expect([]string{"vip_port_id"}, knownvalue.NotNull()),
				expect([]string{"provisioning_status"}, knownvalue.StringExact("ACTIVE")),
				expect([]string{"floating_ip_address"}, knownvalue.Null()),
				expect([]string{"listeners", "web", "timeout_client_data"}, knownvalue.Null()),
				expect([]string{"pools", "app", "algorithm"}, knownvalue.StringExact("ROUND_ROBIN")),
				expect([]string{"pools", "app", "members", "one", "weight"}, knownvalue.Int64Exact(1)),
			},
		},
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateVerify: true},
	)
}

func TestLoadBalancerBare(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{Config: basic("")},
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateVerify: true},
		resource.TestStep{Config: basic("listeners = {}\n  pools = {}"), ConfigPlanChecks: action(plancheck.ResourceActionUpdate)},
		resource.TestStep{Config: basic(web), ConfigPlanChecks: action(plancheck.ResourceActionUpdate)},
		resource.TestStep{Config: basic(""), ConfigPlanChecks: action(plancheck.ResourceActionUpdate)},
	)
}

// full sets every attribute that needs no certificate.
const full = routed + `
resource "massif_load_balancer" "test" {
  name             = "{{name}}"
  description      = "full"
  vip_subnet_id    = massif_subnet.test.id
  vip_address      = "10.61.0.200"
  admin_state_up   = true
  tags             = ["b", "a"]
  external_network = "ext-floating1"
  listeners = {
    web = {
      protocol               = "HTTP"
      port                   = 80
      default_pool           = "app"
      description            = "the web"
      admin_state_up         = true
      connection_limit       = 1000
      allowed_cidrs          = ["192.0.2.0/24", "127.0.0.0/8"]
      insert_headers         = { X-Forwarded-For = "true" }
      timeout_client_data    = 60000
      timeout_member_connect = 1000
      timeout_member_data    = 70000
      timeout_tcp_inspect    = 10
      tags                   = ["l"]
      routes = {
        blocked = {
          position    = 1
          reject      = true
          description = "no"
          rules       = [{ type = "HEADER", compare_type = "EQUAL_TO", key = "X-Bad", value = "1" }]
          tags        = ["r"]
        }
        moved = {
          position           = 2
          redirect_prefix    = "https://new.example.org"
          redirect_http_code = 308
          rules = [
            { type = "HOST_NAME", compare_type = "REGEX", value = "^old[.]", invert = true },
            { type = "PATH", compare_type = "STARTS_WITH", value = "/old" },
          ]
        }
        elsewhere = {
          position     = 3
          redirect_url = "https://example.org/x"
          rules        = [{ type = "COOKIE", compare_type = "CONTAINS", key = "c", value = "v" }]
        }
        static = {
          position       = 4
          redirect_pool  = "static"
          admin_state_up = false
          rules          = [{ type = "FILE_TYPE", compare_type = "EQUAL_TO", value = "gif" }]
        }
      }
    }
    raw  = { protocol = "TCP", port = 6443, default_pool = "raw" }
    time = { protocol = "UDP", port = 123, default_pool = "time" }
  }
  pools = {
    app = {
      protocol            = "HTTP"
      algorithm           = "LEAST_CONNECTIONS"
      session_persistence = { type = "APP_COOKIE", cookie_name = "sid" }
      description         = "the app"
      tags                = ["p"]
      members = {
        one = { address = "10.61.0.11", port = 8080, subnet_id = massif_subnet.test.id, weight = 0, tags = ["m"] }
        two = { address = "10.61.0.12", port = 8080, backup = true, monitor_address = "10.61.0.13", monitor_port = 8081, admin_state_up = false }
      }
      monitor = {
        type             = "HTTP"
        delay            = 10
        timeout          = 5
        max_retries      = 2
        max_retries_down = 4
        http_method      = "HEAD"
        url_path         = "/healthz"
        expected_codes   = "200-204"
        http_version     = "1.1"
        domain_name      = "app.example.org"
      }
    }
    static = { protocol = "PROXY", tls = {}, admin_state_up = false }
    raw    = { protocol = "TCP", session_persistence = { type = "SOURCE_IP" }, monitor = { type = "TCP", delay = 5, timeout = 5, max_retries = 1 } }
    time = {
      protocol            = "UDP"
      session_persistence = { type = "SOURCE_IP", timeout = 60, granularity = "255.255.255.0" }
      members             = { one = { address = "10.61.0.11", port = 123 } }
      monitor             = { type = "UDP-CONNECT", delay = 5, timeout = 3, max_retries = 1 }
    }
  }
  depends_on = [massif_router.test]
}`

func TestLoadBalancerFullAndImport(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{
			Config: full,
			ConfigStateChecks: []statecheck.StateCheck{
				expect([]string{"vip_address"}, knownvalue.StringExact("10.61.0.200")),
				expect([]string{"floating_ip_address"}, knownvalue.NotNull()),
				expect([]string{"pools", "app", "members", "one", "weight"}, knownvalue.Int64Exact(0)),
				expect([]string{"listeners", "web", "routes", "moved", "redirect_http_code"}, knownvalue.Int64Exact(308)),
				expect([]string{"pools", "app", "monitor", "http_version"}, knownvalue.StringExact("1.1")),
			},
		},
		// Statuses change by themselves.
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"statuses", "operating_status"}},
	)
}

// Each change is made in place, and the tree is what the next one starts from.
func TestLoadBalancerUpdate(t *testing.T) {
	step := func(body string, checks ...statecheck.StateCheck) resource.TestStep {
		return resource.TestStep{Config: basic(body), ConfigPlanChecks: action(plancheck.ResourceActionUpdate), ConfigStateChecks: checks}
	}
	acctest.New(t).Test(t,
		resource.TestStep{Config: basic(web)},
		resource.TestStep{
			Config: strings.Replace(basic(web+`
  description    = "other"
  tags           = ["t"]
  admin_state_up = false`), `name          = "{{name}}"`, `name = "{{name}}-renamed"`, 1),
			ConfigPlanChecks:  action(plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{expect([]string{"description"}, knownvalue.StringExact("other"))},
		},
		// Members come, change and go; the pool gets a monitor and keeps clients on members.
		step(`
  listeners = { web = { protocol = "HTTP", port = 80, default_pool = "app", timeout_client_data = 1000, connection_limit = 5 } }
  pools = { app = {
    protocol            = "HTTP"
    algorithm           = "SOURCE_IP"
    session_persistence = { type = "HTTP_COOKIE" }
    members             = { one = { address = "10.61.0.11", port = 8080, weight = 7 }, two = { address = "10.61.0.12", port = 8080 } }
    monitor             = { type = "HTTP", delay = 5, timeout = 3, max_retries = 2, url_path = "/a", http_version = "1.1", domain_name = "a.example.org" }
  } }`,
			expect([]string{"listeners", "web", "timeout_client_data"}, knownvalue.Int64Exact(1000)),
			expect([]string{"pools", "app", "members", "one", "weight"}, knownvalue.Int64Exact(7))),
		// A second pool, routes to it, and what was set goes back to its default.
		step(`
  listeners = { web = { protocol = "HTTP", port = 80, default_pool = "app", routes = {
    api   = { redirect_pool = "api", rules = [{ type = "PATH", compare_type = "STARTS_WITH", value = "/api" }] }
    admin = { position = 1, reject = true, rules = [{ type = "PATH", compare_type = "EQUAL_TO", value = "/admin" }] }
  } } }
  pools = {
    app = { protocol = "HTTP", members = { two = { address = "10.61.0.12", port = 8080 } }, monitor = { type = "HTTP", delay = 5, timeout = 3, max_retries = 2 } }
    api = { protocol = "HTTP", members = { one = { address = "10.61.0.21", port = 8080 } }, monitor = { type = "TCP", delay = 5, timeout = 3, max_retries = 2 } }
  }`,
			expect([]string{"listeners", "web", "timeout_client_data"}, knownvalue.Null()),
			expect([]string{"listeners", "web", "connection_limit"}, knownvalue.Int64Exact(-1)),
			expect([]string{"pools", "app", "session_persistence"}, knownvalue.Null())),
		// Routes change order, action and rules; other names for the same pool and members; a listener's port.
		step(`
  listeners = { web = { protocol = "HTTP", port = 81, default_pool = "application", routes = {
    api   = { position = 1, redirect_url = "https://example.org/", redirect_http_code = 303, rules = [
      { type = "PATH", compare_type = "STARTS_WITH", value = "/apis" }, { type = "HEADER", key = "X", compare_type = "EQUAL_TO", value = "1" }] }
    admin = { position = 2, reject = true, rules = [{ type = "PATH", compare_type = "EQUAL_TO", value = "/admin" }] }
  } } }
  pools = {
    application = { protocol = "HTTP", members = { second = { address = "10.61.0.12", port = 8080 } } }
  }`,
			expect([]string{"listeners", "web", "port"}, knownvalue.Int64Exact(81))),
		step(""),
	)
}

func TestLoadBalancerReplace(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{Config: basic(`vip_address = "10.61.0.50"`)},
		resource.TestStep{Config: basic(`vip_address = "10.61.0.51"`), ConfigPlanChecks: action(plancheck.ResourceActionDestroyBeforeCreate)},
	)
}

func lookup(t *testing.T, c *acctest.Cloud) loadbalancers.LoadBalancer {
	t.Helper()
	client, err := c.LoadBalancer()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := loadbalancers.List(client, loadbalancers.ListOpts{Name: c.Prefix}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found, err := loadbalancers.ExtractLoadBalancers(pages)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 {
		t.Fatalf("there are %d load balancers", len(found))
	}
	return found[0]
}

func TestLoadBalancerDisappears(t *testing.T) {
	c := acctest.New(t)
	c.Test(t,
		resource.TestStep{Config: basic(web)},
		resource.TestStep{
			PreConfig: func() {
				client, err := c.LoadBalancer()
				if err != nil {
					t.Fatal(err)
				}
				id := lookup(t, c).ID
				if err := loadbalancers.Delete(t.Context(), client, id, loadbalancers.DeleteOpts{Cascade: true}).ExtractErr(); err != nil {
					t.Fatal(err)
				}
				if !acctest.Eventually(t, time.Minute, func() bool {
					_, err := loadbalancers.Get(t.Context(), client, id).Extract()
					return err != nil
				}) {
					t.Fatal("it does not disappear")
				}
			},
			Config:           basic(web),
			ConfigPlanChecks: action(plancheck.ResourceActionCreate),
		},
	)
}

// A listener that somebody changed, and one that somebody removed, are put right.
func TestLoadBalancerDrift(t *testing.T) {
	c := acctest.New(t)
	disturb := func(change func(id string)) func() {
		return func() {
			id := lookup(t, c).Listeners[0].ID
			change(id)
			client, err := c.LoadBalancer()
			if err != nil {
				t.Fatal(err)
			}
			if !acctest.Eventually(t, time.Minute, func() bool {
				lb, err := loadbalancers.Get(t.Context(), client, lookup(t, c).ID).Extract()
				return err == nil && lb.ProvisioningStatus == "ACTIVE"
			}) {
				t.Fatal("it does not become ACTIVE")
			}
		}
	}
	client, err := c.LoadBalancer()
	if err != nil {
		t.Fatal(err)
	}
	c.Test(t,
		resource.TestStep{Config: basic(web)},
		resource.TestStep{
			PreConfig: disturb(func(id string) {
				if _, err := listeners.Update(t.Context(), client, id, listeners.UpdateOpts{ConnLimit: new(3)}).Extract(); err != nil {
					t.Fatal(err)
				}
			}),
			Config:            basic(web),
			ConfigPlanChecks:  action(plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{expect([]string{"listeners", "web", "connection_limit"}, knownvalue.Int64Exact(-1))},
		},
		resource.TestStep{
			PreConfig: disturb(func(id string) {
				if err := listeners.Delete(t.Context(), client, id).ExtractErr(); err != nil {
					t.Fatal(err)
				}
			}),
			Config:           basic(web),
			ConfigPlanChecks: action(plancheck.ResourceActionUpdate),
		},
	)
}

// Values that other resources only know after they are made must not fail a plan.
func TestLoadBalancerUnknowns(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{
		Config: network + `
resource "terraform_data" "late" {
  input = { pool = "app", address = "10.61.0.30", path = "/late", members = { x = { address = "10.61.0.31", port = 80 } } }
}
resource "massif_load_balancer" "test" {
  name          = "{{name}}"
  vip_subnet_id = massif_subnet.test.id
  listeners = {
    web = { protocol = "HTTP", port = 80, default_pool = terraform_data.late.output.pool, routes = {
      late = { redirect_pool = "app", rules = [{ type = "PATH", compare_type = "EQUAL_TO", value = terraform_data.late.output.path }] }
    } }
  }
  pools = {
    app   = { protocol = "HTTP", members = { late = { address = terraform_data.late.output.address, port = 80 } } }
    other = { protocol = "HTTP", members = terraform_data.late.output.members }
  }
}`,
		ConfigStateChecks: []statecheck.StateCheck{
			expect([]string{"pools", "app", "members", "late", "address"}, knownvalue.StringExact("10.61.0.30")),
			expect([]string{"pools", "other", "members", "x", "address"}, knownvalue.StringExact("10.61.0.31")),
		},
	})
}

func TestLoadBalancerFloatingIP(t *testing.T) {
	body := func(ip string) string {
		return routed + `
resource "massif_floating_ip" "own" {
  external_network = "ext-floating1"
  description      = "{{name}}"
  depends_on       = [massif_router.test]
  lifecycle { ignore_changes = all } // it is associated by the load balancer
}
resource "massif_load_balancer" "test" {
  name          = "{{name}}"
  vip_subnet_id = massif_subnet.test.id
  ` + ip + `
  depends_on = [massif_router.test]
}`
	}
	acctest.New(t).Test(t,
		resource.TestStep{Config: body(`external_network = "ext-floating1"`), ConfigStateChecks: []statecheck.StateCheck{expect([]string{"floating_ip_address"}, knownvalue.NotNull())}},
		resource.TestStep{Config: body(""), ConfigPlanChecks: action(plancheck.ResourceActionUpdate), ConfigStateChecks: []statecheck.StateCheck{expect([]string{"floating_ip_id"}, knownvalue.Null())}},
		resource.TestStep{
			Config:           body("floating_ip_id = massif_floating_ip.own.id"),
			ConfigPlanChecks: action(plancheck.ResourceActionUpdate),
			Check:            resource.TestCheckResourceAttrPair(address, "floating_ip_id", "massif_floating_ip.own", "id"),
		},
		resource.TestStep{Config: body(`external_network = "nowhere"`), ExpectError: acctest.Words(`no external network "nowhere"`)},
		resource.TestStep{Config: body(""), ConfigStateChecks: []statecheck.StateCheck{expect([]string{"floating_ip_address"}, knownvalue.Null())}},
	)
}

// What was accepted is in the state although it never became usable, so the next apply replaces it.
func TestLoadBalancerFailedWait(t *testing.T) {
	c := acctest.OnSimulator(t, "a load balancer that is slow")
	release := c.Simulator.Hold()
	c.Test(t,
		resource.TestStep{
			Config:      basic("timeouts = { create = \"10s\" }\n" + web),
			ExpectError: acctest.Words(`its last state was PENDING_CREATE`),
		},
		resource.TestStep{
			PreConfig:        func() { release(); lookup(t, c) },
			Config:           basic(web),
			ConfigPlanChecks: action(plancheck.ResourceActionDestroyBeforeCreate),
		},
	)
}

// tree is a load balancer with 2 listeners, 4 pools, 10 members, 4 monitors and 12 routes.
func tree(weight int) string {
	var pools, routes strings.Builder
	for p := range 4 {
		fmt.Fprintf(&pools, "    p%d = {\n      protocol = \"HTTP\"\n      monitor  = { type = \"HTTP\", delay = 5, timeout = 3, max_retries = 2 }\n      members = {\n", p)
		for m := range []int{3, 3, 2, 2}[p] {
			fmt.Fprintf(&pools, "        m%d = { address = \"10.61.0.%d\", port = 8080, weight = %d }\n", m, 10+10*p+m, weight)
		}
		pools.WriteString("      }\n    }\n")
	}
	for r := range 6 {
		fmt.Fprintf(&routes, "        r%d = { redirect_pool = \"p%d\", rules = [{ type = \"PATH\", compare_type = \"STARTS_WITH\", value = \"/r%d\" }] }\n", r, r%4, r)
	}
	return basic(fmt.Sprintf(`
  listeners = {
    one = {
      protocol     = "HTTP"
      port         = 80
      default_pool = "p0"
      routes = {
%[1]s      }
    }
    two = {
      protocol     = "HTTP"
      port         = 8080
      default_pool = "p1"
      routes = {
%[1]s      }
    }
  }
  pools = {
%[2]s  }`, routes.String(), pools.String()))
}

// isPoll tells the looks at a load balancer that is not ready from all other requests.
func isPoll(r simulator.Request) bool {
	return r.Method == http.MethodGet && regexp.MustCompile(`/lbaas/loadbalancers(/[0-9a-f-]+)?$`).MatchString(r.Path)
}

func octavia(c *acctest.Cloud) (polls int, others []string) {
	for _, r := range c.Simulator.Requests() {
		switch {
		case r.Service != "load-balancer":
		case isPoll(r):
			polls++
		default:
			others = append(others, r.Method+" "+r.Path)
		}
	}
	return polls, others
}

// onlyMembers holds that one request for the members of a pool was all that changed anything.
func onlyMembers(t *testing.T, c *acctest.Cloud) {
	t.Helper()
	var writes []string
	_, others := octavia(c)
	for _, request := range others {
		if !strings.HasPrefix(request, http.MethodGet) {
			writes = append(writes, request)
		}
	}
	if len(writes) != 1 || !regexp.MustCompile(`^PUT .*/lbaas/pools/[^/]+/members$`).MatchString(writes[0]) {
		t.Errorf("members were changed by: %s", strings.Join(writes, ", "))
	}
}

func TestLoadBalancerRequests(t *testing.T) {
	c := acctest.OnSimulator(t, "the request log", func(o *simulator.Options) { o.Times.LoadBalancer = 2 * time.Second })
	var polls int
	var made []string
	c.Test(t,
		resource.TestStep{
			Config:           tree(1),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{beforeApply{c.Simulator.ResetRequests}}},
			// The state is checked before the plan that must be empty reads everything again.
			ConfigStateChecks: []statecheck.StateCheck{afterApply{func() { polls, made = octavia(c) }}},
		},
		resource.TestStep{
			PreConfig: func() {
				t.Logf("create: %d requests and %d polls", len(made), polls)
				if len(made) == 0 || len(made) >= 10 || polls > 10 {
					t.Errorf("%d requests and %d polls to create: %s", len(made), polls, strings.Join(made, ", "))
				}
			},
			Config:           strings.Replace(tree(1), "weight = 1 }", "weight = 2 }", 1),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{beforeApply{c.Simulator.ResetRequests}}},
			ConfigStateChecks: []statecheck.StateCheck{afterApply{func() {
				onlyMembers(t, c)
			}}},
		},
	)
}
