package reverseproxy_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/pools"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
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

  allocation_pools = [{ start = "10.77.0.10", end = "10.77.0.199" }]
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

// part finds the parts of a proxy behind Terraform's back.
type part struct {
	*testing.T
	*acctest.Cloud
}

func attributeOf(s *terraform.State, address, name string) string {
	return s.RootModule().Resources[address].Primary.Attributes[name]
}

// members are the members of a load balancer's pool by name, with their weights.
func (p part) members(s *terraform.State, way string) (map[string]pools.Member, error) {
	client, err := p.LoadBalancer()
	if err != nil {
		return nil, err
	}
	pages, err := pools.List(client, pools.ListOpts{LoadbalancerID: attributeOf(s, theProxy, "load_balancer_id"), Name: way}).AllPages(p.Context())
	if err != nil {
		return nil, err
	}
	found, err := pools.ExtractPools(pages)
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("%d pools %s: %w", len(found), way, err)
	}
	if found[0].Protocol != "PROXYV2" {
		return nil, fmt.Errorf("the pool speaks %s", found[0].Protocol)
	}
	pages, err = pools.ListMembers(client, found[0].ID, nil).AllPages(p.Context())
	if err != nil {
		return nil, err
	}
	list, err := pools.ExtractMembers(pages)
	all := map[string]pools.Member{}
	for _, m := range list {
		all[m.Name] = m
	}
	return all, err
}

// serves checks that exactly the nodes of the state and these others are members, all of them in use.
func (p part) serves(others ...string) resource.TestCheckFunc {
	return func(s *terraform.State) error {
		want := slices.Clone(others)
		for i := range 10 {
			if name := attributeOf(s, theProxy, fmt.Sprintf("node_names.%d", i)); name != "" {
				want = append(want, name)
			}
		}
		slices.Sort(want)
		for way, port := range map[string]int{"http": 80, "https": 443} {
			members, err := p.members(s, way)
			if err != nil {
				return err
			}
			if got := slices.Sorted(maps.Keys(members)); !slices.Equal(got, want) {
				return fmt.Errorf("%s has the members %v instead of %v", way, got, want)
			}
			for name, m := range members {
				if m.Weight == 0 || !slices.Contains(others, name) && (m.ProtocolPort != port || m.MonitorPort != 9180) {
					return fmt.Errorf("member %s of %s: %+v", name, way, m)
				}
			}
		}
		return nil
	}
}

// What an autoscaler adds within the bounds stays, its members with it, and goes with the proxy.
func TestReverseProxyLeavesScalersAlone(t *testing.T) {
	c := acctest.New(t)
	p := part{t, c}
	var id, lb, group string
	bounded := shape{nodes: "min = 1, max = 3"}
	c.Test(t,
		resource.TestStep{
			Config:            bounded.String(),
			ConfigStateChecks: []statecheck.StateCheck{has(theProxy, "node_names", knownvalue.ListSizeExact(2))},
			Check: func(s *terraform.State) error {
				id, lb, group = attributeOf(s, theProxy, "id"), attributeOf(s, theProxy, "load_balancer_id"), attributeOf(s, theProxy, "security_group_id")
				return nil
			},
		},
		resource.TestStep{
			PreConfig:        func() { p.scaleOut(id, lb, group) },
			Config:           bounded.String(),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
		},
		// An apply about something else leaves the scaler's member in the pools.
		resource.TestStep{
			Config:            shape{nodes: "min = 1, max = 3", more: `allowed_cidrs = ["192.0.2.0/24"]`}.String(),
			Check:             p.serves("foreign"),
			ConfigStateChecks: []statecheck.StateCheck{has(theProxy, "node_names", knownvalue.ListSizeExact(3))},
		},
		// Too many now: the apply holds the bound.
		resource.TestStep{
			Config:            shape{nodes: "min = 1, max = 2", more: `allowed_cidrs = ["192.0.2.0/24"]`}.String(),
			Check:             p.serves("foreign"),
			ConfigStateChecks: []statecheck.StateCheck{has(theProxy, "node_names", knownvalue.ListSizeExact(2))},
		},
	)
}

// scaleOut makes a node as an autoscaler would, with the tags of the others, and a member that is no node at all.
func (p part) scaleOut(id, lb, group string) {
	p.Helper()
	compute, err := p.Compute()
	if err != nil {
		p.Fatal(err)
	}
	network, err := p.Network()
	if err != nil {
		p.Fatal(err)
	}
	found, err := servers.List(compute, servers.ListOpts{Tags: "massif:proxy=" + id}).AllPages(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	nodes, err := servers.ExtractServers(found)
	if err != nil || len(nodes) == 0 {
		p.Fatalf("%d nodes, %v", len(nodes), err)
	}
	pages, err := ports.List(network, ports.ListOpts{DeviceID: nodes[0].ID}).AllPages(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	like, err := ports.ExtractPorts(pages)
	if err != nil || len(like) == 0 {
		p.Fatalf("%d ports, %v", len(like), err)
	}
	port, err := ports.Create(p.Context(), network, ports.CreateOpts{
		NetworkID: like[0].NetworkID, Name: p.Prefix + "-scaled", Description: like[0].Description, SecurityGroups: &[]string{group},
	}).Extract()
	if err != nil {
		p.Fatal(err)
	}
	flavor, _ := nodes[0].Flavor["id"].(string)
	if flavor == "" { // since microversion 2.47 Nova tells the flavor's name only
		all, err := lookup.Flavor(p.Context(), p.Cloud.Cloud, fmt.Sprint(nodes[0].Flavor["original_name"]))
		if err != nil {
			p.Fatal(err)
		}
		flavor = all.ID
	}
	image, _ := nodes[0].Image["id"].(string)
	made, err := servers.Create(p.Context(), compute, servers.CreateOpts{
		Name: port.Name, FlavorRef: flavor, ImageRef: image, Networks: []servers.Network{{Port: port.ID}}, Tags: *nodes[0].Tags,
	}, nil).Extract()
	if err != nil {
		p.Fatal(err)
	}
	acctest.Eventually(p.T, time.Minute, func() bool {
		server, err := servers.Get(p.Context(), compute, made.ID).Extract()
		return err == nil && server.Status == "ACTIVE"
	})
	p.addForeign(lb, like[0].FixedIPs[0].SubnetID)
}

// addForeign puts something into the pools that is no node.
func (p part) addForeign(lb, subnetID string) {
	p.Helper()
	client, err := p.LoadBalancer()
	if err != nil {
		p.Fatal(err)
	}
	pages, err := pools.List(client, pools.ListOpts{LoadbalancerID: lb}).AllPages(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	all, err := pools.ExtractPools(pages)
	if err != nil {
		p.Fatal(err)
	}
	for _, pool := range all {
		added := acctest.Eventually(p.T, time.Minute, func() bool { // the load balancer is busy for a moment after each
			_, err := pools.CreateMember(p.Context(), client, pool.ID, pools.CreateMemberOpts{
				Name: "foreign", Address: "10.77.0.250", ProtocolPort: 8080, SubnetID: subnetID, Weight: new(1),
			}).Extract()
			return err == nil
		})
		if !added {
			p.Fatal("the member cannot be added")
		}
	}
}

// What somebody takes away comes back, at the same address.
func TestReverseProxyDrift(t *testing.T) {
	c := acctest.New(t)
	p := part{t, c}
	var id, lb string
	address := statecheck.CompareValue(compare.ValuesSame())
	same := func() []statecheck.StateCheck {
		return []statecheck.StateCheck{address.AddStateValue(theProxy, tfjsonpath.New("vip_address")), has(theProxy, "node_names", knownvalue.ListSizeExact(1))}
	}
	update := plans(map[string]plancheck.ResourceActionType{theProxy: plancheck.ResourceActionUpdate})
	remember := func(s *terraform.State) error {
		id, lb = attributeOf(s, theProxy, "id"), attributeOf(s, theProxy, "load_balancer_id")
		return nil
	}
	c.Test(t,
		resource.TestStep{Config: shape{}.String(), Check: remember, ConfigStateChecks: same()},
		// The load balancer is gone, the node is off and serves nobody, and the configuration is somebody else's.
		resource.TestStep{
			PreConfig: func() {
				p.stopNodes(id)
				container, err := objectstore.Open(c.Cloud, id)
				if err == nil {
					_, err = container.Put(t.Context(), documents.ConfigObject, []byte("{}"), "application/json", false)
				}
				if err = errors.Join(err, loadbalancer.Delete(t.Context(), c.Cloud, lb, c.Prefix)); err != nil {
					t.Error(err)
				}
			},
			Config: shape{}.String(), ConfigPlanChecks: update, ConfigStateChecks: same(),
			Check: resource.ComposeTestCheckFunc(remember, p.serves(), func(*terraform.State) error {
				container, err := objectstore.Open(c.Cloud, id)
				if err != nil {
					return err
				}
				content, _, err := container.Get(t.Context(), documents.ConfigObject, "")
				if err != nil {
					return err
				}
				_, err = documents.DecodeConfig(content)
				return err
			}),
		},
		// All of it is gone that clients could notice. It comes back whole, for what is around it is still there.
		resource.TestStep{
			PreConfig: func() {
				p.removeNodes(id)
				container, err := objectstore.Open(c.Cloud, id)
				if err = errors.Join(err, loadbalancer.Delete(t.Context(), c.Cloud, lb, c.Prefix)); err == nil {
					err = container.Destroy(t.Context())
				}
				if err != nil {
					t.Error(err)
				}
			},
			Config: shape{}.String(), ConfigPlanChecks: update, ConfigStateChecks: same(), Check: p.serves(),
		},
	)
}

// removeNodes deletes the servers of a proxy and waits until they are gone.
func (p part) removeNodes(id string) {
	p.Helper()
	p.each(id, "go", func(compute *gophercloud.ServiceClient, node servers.Server) (bool, error) {
		return false, servers.Delete(p.Context(), compute, node.ID).ExtractErr()
	})
}

// A node that broke goes, and another takes its place.
func TestReverseProxyBrokenNode(t *testing.T) {
	// It goes slowly enough to be seen, and to wait in vain for why it failed.
	c := acctest.New(t, func(o *simulator.Options) { o.Times.ServerAction = 14 * time.Second })
	p := part{t, c}
	var id string
	names := statecheck.CompareValue(compare.ValuesDiffer())
	node := func() []statecheck.StateCheck {
		return []statecheck.StateCheck{names.AddStateValue(theProxy, tfPath("node_names")), has(theProxy, "node_names", knownvalue.ListSizeExact(1))}
	}
	c.Test(t,
		resource.TestStep{
			Config: shape{}.String(), ConfigStateChecks: node(),
			Check: func(s *terraform.State) error { id = attributeOf(s, theProxy, "id"); return nil },
		},
		resource.TestStep{
			PreConfig: func() { p.breakNodes(id) }, Config: shape{}.String(), Check: p.serves(), ConfigStateChecks: node(),
			ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{theProxy: plancheck.ResourceActionUpdate}),
		},
	)
}

// breakNodes makes the servers of a proxy look as if Nova had given them up.
func (p part) breakNodes(id string) {
	p.Helper()
	admin, err := p.Administrator(p.T).Compute()
	if err != nil {
		p.Fatal(err)
	}
	p.each(id, "break", func(_ *gophercloud.ServiceClient, node servers.Server) (bool, error) {
		return true, servers.ResetState(p.Context(), admin, node.ID, servers.StateError).ExtractErr()
	})
}

// stopNodes switches the servers of a proxy off and waits until they are.
func (p part) stopNodes(id string) {
	p.Helper()
	p.each(id, "stop", func(compute *gophercloud.ServiceClient, node servers.Server) (bool, error) {
		if node.Status == "SHUTOFF" {
			return true, nil
		}
		return false, servers.Stop(p.Context(), compute, node.ID).ExtractErr()
	})
}

// each does something with all servers of a proxy, again and again until it is done with each of them.
func (p part) each(id, what string, do func(*gophercloud.ServiceClient, servers.Server) (done bool, err error)) {
	p.Helper()
	compute, err := p.Compute()
	if err != nil {
		p.Fatal(err)
	}
	finished := acctest.Eventually(p.T, time.Minute, func() bool {
		pages, err := servers.List(compute, servers.ListOpts{Tags: "massif:proxy=" + id}).AllPages(p.Context())
		if err != nil {
			return false
		}
		nodes, err := servers.ExtractServers(pages)
		left := len(nodes)
		for _, node := range nodes {
			done, err := do(compute, node)
			if done {
				left--
			}
			if err != nil && !openstack.NotFound(err) {
				p.Log(err)
			}
		}
		return err == nil && left == 0
	})
	if !finished {
		p.Fatalf("the nodes do not %s", what)
	}
}

func tfPath(name string) tfjsonpath.Path { return tfjsonpath.New(name) }
