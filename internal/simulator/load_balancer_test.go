package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const lbaas = "/load-balancer/v2/lbaas/"

// balancers is a client with a network to put load balancers in.
type balancers struct {
	*client
	network, subnet string
}

// asOctavia makes a network behind a router with a gateway; each call takes another CIDR.
func asOctavia(t *testing.T, s *Simulator, cidr string) balancers {
	t.Helper()
	c := as(t, s, "demo", "demo")
	network := c.want(201, "POST", "/network/v2.0/networks", `{"network":{"name":"lb"}}`).body.obj("network").str("id")
	subnet := c.want(201, "POST", "/network/v2.0/subnets",
		fmt.Sprintf(`{"subnet":{"network_id":%q,"ip_version":4,"cidr":%q}}`, network, cidr)).body.obj("subnet").str("id")
	external := c.want(200, "GET", "/network/v2.0/networks?name=ext-floating1", "").body.objs("networks")[0].str("id")
	router := c.want(201, "POST", "/network/v2.0/routers",
		fmt.Sprintf(`{"router":{"external_gateway_info":{"network_id":%q}}}`, external)).body.obj("router").str("id")
	c.want(200, "PUT", "/network/v2.0/routers/"+router+"/add_router_interface", fmt.Sprintf(`{"subnet_id":%q}`, subnet))
	return balancers{c, network, subnet}
}

// floatingIP gives a port an address that this machine can listen on.
func (c balancers) floatingIP(port string) string {
	c.t.Helper()
	external := c.want(200, "GET", "/network/v2.0/networks?name=ext-floating1", "").body.objs("networks")[0].str("id")
	return c.want(201, "POST", "/network/v2.0/floatingips",
		fmt.Sprintf(`{"floatingip":{"floating_network_id":%q,"port_id":%q}}`, external, port)).body.obj("floatingip").str("floating_ip_address")
}

func (c balancers) lb(id string) object {
	c.t.Helper()
	return c.want(200, "GET", lbaas+"loadbalancers/"+id, "").body.obj("loadbalancer")
}

func (c balancers) active(id string) object {
	c.t.Helper()
	eventually(c.t, "load balancer ACTIVE", func() bool { return c.lb(id).str("provisioning_status") == "ACTIVE" })
	return c.lb(id)
}

// make sends a POST for a child and waits for the load balancer.
func (c balancers) make(lb, plural, key, body string) object {
	c.t.Helper()
	o := c.want(201, "POST", lbaas+plural, body).body.obj(key)
	if status := o.str("provisioning_status"); status != "PENDING_CREATE" {
		c.t.Errorf("a new %s is %s", key, status)
	}
	c.active(lb)
	return c.want(200, "GET", lbaas+plural+"/"+o.str("id"), "").body.obj(key)
}

func (c balancers) simple() string {
	c.t.Helper()
	lb := c.want(201, "POST", lbaas+"loadbalancers", fmt.Sprintf(`{"loadbalancer":{"name":"one","vip_subnet_id":%q,"tags":["a"]}}`, c.subnet)).body.obj("loadbalancer")
	c.active(lb.str("id"))
	return lb.str("id")
}

func (c balancers) fault(status int, message, method, path, body string) {
	c.t.Helper()
	a := c.want(status, method, lbaas+path, body)
	if got := a.body.str("faultstring"); !strings.Contains(got, message) {
		c.t.Errorf("%s %s says %q, want %q", method, path, got, message)
	}
}

func TestLoadBalancerStepByStep(t *testing.T) {
	t.Parallel()
	s := start(t, Options{PublicCIDR: "127.204.1.0/24", Times: Times{LoadBalancer: time.Second, LoadBalancerChild: 30 * time.Millisecond}})
	c := asOctavia(t, s, "10.1.0.0/24")
	created := c.want(201, "POST", lbaas+"loadbalancers", fmt.Sprintf(`{"loadbalancer":{"name":"one","vip_subnet_id":%q}}`, c.subnet)).body.obj("loadbalancer")
	lb := created.str("id")
	if created.str("provisioning_status") != "PENDING_CREATE" || created.str("operating_status") != "OFFLINE" || created.str("provider") != "amphora" {
		t.Errorf("new load balancer: %v", created)
	}
	port := c.want(200, "GET", "/network/v2.0/ports/"+created.str("vip_port_id"), "").body.obj("port")
	if port.str("device_owner") != "Octavia" || port.str("device_id") != "lb-"+lb || port.str("name") != "octavia-lb-"+lb || port.flag("admin_state_up") {
		t.Errorf("VIP port: %v", port)
	}
	listener := fmt.Sprintf(`{"listener":{"loadbalancer_id":%q,"protocol":"HTTP","protocol_port":80,"name":"web"}}`, lb)
	c.fault(409, "is immutable and cannot be updated", "POST", "listeners", listener)
	c.fault(409, "Invalid state PENDING_CREATE of loadbalancer resource "+lb, "PUT", "loadbalancers/"+lb, `{"loadbalancer":{"name":"x"}}`)
	c.fault(409, "Invalid state PENDING_CREATE", "DELETE", "loadbalancers/"+lb, "")
	if c.active(lb).str("operating_status") != "ONLINE" {
		t.Error("an ACTIVE load balancer is not ONLINE")
	}

	web := c.make(lb, "listeners", "listener", listener)
	if web.str("provisioning_status") != "ACTIVE" || web.num("connection_limit") != -1 || web.num("timeout_client_data") != 50000 {
		t.Errorf("listener: %v", web)
	}
	pool := c.make(lb, "pools", "pool", fmt.Sprintf(`{"pool":{"listener_id":%q,"protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`, web.str("id")))
	if got := c.want(200, "GET", lbaas+"listeners/"+web.str("id"), "").body.obj("listener").str("default_pool_id"); got != pool.str("id") {
		t.Errorf("default pool %q, want %q", got, pool.str("id"))
	}
	members := "pools/" + pool.str("id") + "/members"
	member := c.make(lb, members, "member", `{"member":{"address":"10.1.0.9","protocol_port":80}}`)
	if member.str("operating_status") != "NO_MONITOR" || member.num("weight") != 1 {
		t.Errorf("member: %v", member)
	}
	monitor := fmt.Sprintf(`{"healthmonitor":{"pool_id":%q,"type":"HTTP","delay":5,"timeout":3,"max_retries":3}}`, pool.str("id"))
	c.make(lb, "healthmonitors", "healthmonitor", monitor)
	policy := c.make(lb, "l7policies", "l7policy", fmt.Sprintf(`{"l7policy":{"listener_id":%q,"action":"REDIRECT_TO_URL","redirect_url":"https://example.com/"}}`, web.str("id")))
	if policy.num("redirect_http_code") != 302 || policy.num("position") != 1 {
		t.Errorf("policy: %v", policy)
	}
	rules := "l7policies/" + policy.str("id") + "/rules"
	c.make(lb, rules, "rule", `{"rule":{"type":"PATH","compare_type":"STARTS_WITH","value":"/old"}}`)

	c.fault(409, "Another Listener on this Load Balancer is already using protocol HTTP and protocol_port 80", "POST", "listeners", strings.Replace(listener, `"HTTP"`, `"TCP"`, 1))
	c.fault(409, "already has a default pool", "POST", "pools", fmt.Sprintf(`{"pool":{"listener_id":%q,"protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`, web.str("id")))
	c.fault(409, "Another member on this pool is already using ip 10.1.0.9 on protocol_port 80", "POST", members, `{"member":{"address":"10.1.0.9","protocol_port":80}}`)
	c.fault(409, "This pool already has a health monitor", "POST", "healthmonitors", monitor)
	c.fault(400, "Value should be one of", "POST", "listeners", fmt.Sprintf(`{"listener":{"loadbalancer_id":%q,"protocol":"FTP","protocol_port":21}}`, lb))
	c.fault(400, "Unknown attribute for argument listener_.listener: bogus", "POST", "listeners", fmt.Sprintf(`{"listener":{"loadbalancer_id":%q,"protocol":"TCP","protocol_port":21,"bogus":1}}`, lb))
	c.fault(500, "_sa_instance_state", "POST", "listeners", fmt.Sprintf(`{"listener":{"loadbalancer_id":%q,"protocol":"TCP","protocol_port":21,"default_pool":{"name":"x"}}}`, lb))
	c.fault(400, "must be provided for TERMINATED_HTTPS", "POST", "listeners", fmt.Sprintf(`{"listener":{"loadbalancer_id":%q,"protocol":"TERMINATED_HTTPS","protocol_port":443}}`, lb))
	c.fault(400, "Subnet 00000000-0000-0000-0000-000000000000 not found.", "POST", "loadbalancers", `{"loadbalancer":{"vip_subnet_id":"00000000-0000-0000-0000-000000000000"}}`)
	c.fault(400, "Error parsing L7Rule: Invalid L7 Rule: L7 rule type requires a key", "POST", rules, `{"rule":{"type":"HEADER","compare_type":"EQUAL_TO","value":"x"}}`)
	c.fault(400, "it has children", "DELETE", "loadbalancers/"+lb, "")
	c.fault(404, "Load Balancer 00000000-0000-0000-0000-000000000000 not found.", "GET", "loadbalancers/00000000-0000-0000-0000-000000000000", "")

	if a := c.want(202, "PUT", lbaas+members, `{"members":[{"address":"10.1.0.10","protocol_port":80},{"address":"10.1.0.11","protocol_port":80}]}`); a.text != "" {
		t.Errorf("the batch update answers %q", a.text)
	}
	c.active(lb)
	if got := addresses(c, members); got != "10.1.0.10 10.1.0.11" {
		t.Errorf("members after a batch update: %s", got)
	}
	c.want(202, "PUT", lbaas+members+"?additive_only=true", `{"members":[{"address":"10.1.0.12","protocol_port":80}]}`)
	c.active(lb)
	if got := addresses(c, members); got != "10.1.0.10 10.1.0.11 10.1.0.12" {
		t.Errorf("members after an additive update: %s", got)
	}

	tree := c.want(200, "GET", lbaas+"loadbalancers/"+lb+"/status", "").body.obj("statuses").obj("loadbalancer")
	if got := tree.objs("listeners")[0].objs("pools")[0]; got.obj("health_monitor").str("type") != "HTTP" || len(got.objs("members")) != 3 {
		t.Errorf("status tree: %v", got)
	}

	c.want(204, "DELETE", lbaas+"loadbalancers/"+lb+"?cascade=true", "")
	c.fault(409, "Invalid state PENDING_DELETE", "DELETE", "loadbalancers/"+lb+"?cascade=true", "")
	eventually(t, "load balancer gone", func() bool { return c.send("GET", lbaas+"loadbalancers/"+lb, "").status == 404 })
	c.want(404, "GET", lbaas+"listeners/"+web.str("id"), "")
	c.want(404, "GET", "/network/v2.0/ports/"+created.str("vip_port_id"), "")
}

func addresses(c balancers, path string) string {
	found := []string{}
	for _, member := range c.want(200, "GET", lbaas+path+"?sort=address", "").body.objs("members") {
		found = append(found, member.str("address"))
	}
	return strings.Join(found, " ")
}

// populated is a tree with a pool that is defined in place, one that is named twice and one that nobody uses.
func populated(subnet string) string {
	return fmt.Sprintf(`{"loadbalancer":{"name":"full","vip_subnet_id":%q,
		"pools":[{"name":"api","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","members":[{"address":"10.2.0.30","protocol_port":9000}]},
			{"name":"unused","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}],
		"listeners":[
			{"name":"web","protocol":"HTTP","protocol_port":80,
				"default_pool":{"name":"web","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","members":[{"address":"10.2.0.20","protocol_port":80}],
					"healthmonitor":{"type":"HTTP","delay":5,"timeout":3,"max_retries":2}},
				"l7policies":[{"name":"to-api","action":"REDIRECT_TO_POOL","redirect_pool":{"name":"api"},"rules":[{"type":"PATH","compare_type":"STARTS_WITH","value":"/api"}]}]},
			{"name":"api","protocol":"HTTP","protocol_port":81,"default_pool":{"name":"api"}}]}}`, subnet)
}

func TestPopulatedLoadBalancer(t *testing.T) {
	t.Parallel()
	s := start(t, Options{PublicCIDR: "127.204.2.0/24"})
	c := asOctavia(t, s, "10.2.0.0/24")
	answer := c.want(201, "POST", lbaas+"loadbalancers", populated(c.subnet))
	if strings.Contains(answer.text, `"_`) {
		t.Errorf("the simulator's own keys are sent: %s", answer.text)
	}
	lb := answer.body.obj("loadbalancer")
	pools, listeners := map[string]string{}, map[string]object{}
	for _, pool := range lb.objs("pools") {
		pools[pool.str("name")] = pool.str("id")
	}
	for _, listener := range lb.objs("listeners") {
		listeners[listener.str("name")] = listener
	}
	if len(pools) != 3 || listeners["web"].str("default_pool_id") != pools["web"] || listeners["api"].str("default_pool_id") != pools["api"] ||
		listeners["web"].objs("l7policies")[0].str("redirect_pool_id") != pools["api"] {
		t.Fatalf("the answer does not hold the tree: %v", lb)
	}
	c.active(lb.str("id"))
	for _, listener := range c.want(200, "GET", lbaas+"listeners?loadbalancer_id="+lb.str("id"), "").body.objs("listeners") {
		if listener.str("provisioning_status") != "ACTIVE" {
			t.Errorf("listener %s is %s", listener.str("name"), listener.str("provisioning_status"))
		}
	}
	for _, pool := range c.want(200, "GET", lbaas+"pools?loadbalancer_id="+lb.str("id"), "").body.objs("pools") {
		want := "ACTIVE"
		if pool.str("name") == "unused" {
			want = "PENDING_CREATE" // as the real service leaves it
		}
		if got := pool.str("provisioning_status"); got != want {
			t.Errorf("pool %s is %s, want %s", pool.str("name"), got, want)
		}
	}

	for name, change := range map[string][2]string{
		"409 Another Listener on this Load Balancer is already using":                {`"protocol_port":81`, `"protocol_port":80`},
		"400 Pool 'nope' was referenced but no full definition was found":            {`"redirect_pool":{"name":"api"}`, `"redirect_pool":{"name":"nope"}`},
		"400 Pool names must be unique when creating a fully populated loadbalancer": {`"name":"unused"`, `"name":"web"`},
		"400 Value should be IPv4 or IPv6 format":                                    {"10.2.0.20", "x"},
		"400 Pool definition for 'unused' missing required attribute: lb_algorithm":  {`"unused","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"`, `"unused","protocol":"HTTP"`},
	} {
		status, message, _ := strings.Cut(name, " ")
		a := c.send("POST", lbaas+"loadbalancers", strings.Replace(populated(c.subnet), change[0], change[1], 1))
		if fmt.Sprint(a.status) != status || !strings.Contains(a.body.str("faultstring"), message) {
			t.Errorf("want %s, got %d %s", name, a.status, a.text)
		}
	}
	// What was refused leaves no load balancer behind, but its port unless a value was wrong.
	if got := len(c.want(200, "GET", lbaas+"loadbalancers", "").body.objs("loadbalancers")); got != 1 {
		t.Errorf("%d load balancers", got)
	}
	if got := len(c.want(200, "GET", "/network/v2.0/ports?device_owner=Octavia", "").body.objs("ports")); got != 1+4 {
		t.Errorf("%d VIP ports", got)
	}
}

func TestLoadBalancerDrivers(t *testing.T) {
	t.Parallel()
	t.Run("stock", func(t *testing.T) {
		t.Parallel()
		c := asOctavia(t, start(t, Options{PublicCIDR: "127.204.3.0/24", LoadBalancerDriver: DriverStock}), "10.2.0.0/24")
		lb := c.want(201, "POST", lbaas+"loadbalancers", populated(c.subnet)).body.obj("loadbalancer").str("id")
		c.active(lb)
		for _, listener := range c.want(200, "GET", lbaas+"listeners", "").body.objs("listeners") {
			if got := listener.str("provisioning_status"); got != "PENDING_CREATE" {
				t.Errorf("a child is %s", got)
			}
		}
		c.want(204, "DELETE", lbaas+"loadbalancers/"+lb+"?cascade=true", "")
		eventually(t, "load balancer gone", func() bool { return c.send("GET", lbaas+"loadbalancers/"+lb, "").status == 404 })
		c.fault(409, "Another Listener", "POST", "loadbalancers", strings.Replace(populated(c.subnet), `"protocol_port":81`, `"protocol_port":80`, 1))
		if got := len(c.want(200, "GET", "/network/v2.0/ports?device_owner=Octavia", "").body.objs("ports")); got != 1 {
			t.Errorf("%d VIP ports stay behind", got)
		}
	})
	t.Run("simple", func(t *testing.T) {
		t.Parallel()
		c := asOctavia(t, start(t, Options{PublicCIDR: "127.204.4.0/24", LoadBalancerDriver: DriverSimple}), "10.2.0.0/24")
		c.fault(501, "does not support", "POST", "loadbalancers", populated(c.subnet))
		c.simple()
	})
}

func TestLoadBalancerLists(t *testing.T) {
	t.Parallel()
	s := start(t, Options{PublicCIDR: "127.204.5.0/24", Quotas: map[string]int{"load_balancer": 2}})
	c := asOctavia(t, s, "10.1.0.0/24")
	lb := c.simple()
	for query, want := range map[string]int{
		"": 1, "name=one": 1, "name=two": 0, "tags=a": 1, "tags=a,b": 0, "tags-any=a,b": 1, "not-tags=a": 0, "not-tags-any=b": 1,
		"vip_subnet_id=" + c.subnet: 1, "provisioning_status=ACTIVE": 1, "admin_state_up=true": 1, "id=" + lb: 1,
	} {
		if got := len(c.want(200, "GET", lbaas+"loadbalancers?"+query, "").body.objs("loadbalancers")); got != want {
			t.Errorf("?%s finds %d, want %d", query, got, want)
		}
	}
	c.fault(400, "either duplicate or invalid", "GET", "loadbalancers?bogus=1", "")
	c.fault(400, "Supplied sort key 'bogus' is not valid", "GET", "loadbalancers?sort=bogus", "")
	if fields := c.want(200, "GET", lbaas+"loadbalancers?fields=id", "").body.objs("loadbalancers")[0]; len(fields) != 1 {
		t.Errorf("fields=id answers %v", fields)
	}
	c.simple()
	first := c.want(200, "GET", lbaas+"loadbalancers?limit=1", "").body
	next := first.objs("loadbalancers_links")[0].str("href")
	second := c.want(200, "GET", strings.TrimPrefix(next, s.URL()), "").body
	if first.objs("loadbalancers")[0].str("id") == second.objs("loadbalancers")[0].str("id") {
		t.Error("the second page is the first one")
	}
	c.fault(403, "Quota has been met for resources: Load Balancer", "POST", "loadbalancers", fmt.Sprintf(`{"loadbalancer":{"vip_subnet_id":%q}}`, c.subnet))
	if got := as(t, s, "demo-reader", "demo").send("GET", lbaas+"loadbalancers", "").status; got != http.StatusForbidden {
		t.Errorf("a reader gets %d", got)
	}
	if got := len(as(t, s, "demo2", "demo2").want(200, "GET", lbaas+"loadbalancers", "").body.objs("loadbalancers")); got != 0 {
		t.Errorf("another project sees %d", got)
	}
}

func TestL7PolicyPositions(t *testing.T) {
	t.Parallel()
	c := asOctavia(t, start(t, Options{PublicCIDR: "127.204.6.0/24"}), "10.1.0.0/24")
	lb := c.simple()
	listener := c.make(lb, "listeners", "listener", fmt.Sprintf(`{"listener":{"loadbalancer_id":%q,"protocol":"HTTP","protocol_port":80}}`, lb)).str("id")
	add := func(name string, position int) string {
		return c.make(lb, "l7policies", "l7policy", fmt.Sprintf(`{"l7policy":{"listener_id":%q,"action":"REJECT","name":%q,"position":%d}}`, listener, name, position)).str("id")
	}
	order := func() string {
		names := make([]string, 9)
		for _, policy := range c.want(200, "GET", lbaas+"l7policies?listener_id="+listener, "").body.objs("l7policies") {
			names[policy.num("position")] = policy.str("name")
		}
		return strings.Join(names, "")
	}
	add("a", 1)
	add("b", 50)
	add("c", 1)
	d := add("d", 2)
	if got := order(); got != "cdab" {
		t.Errorf("order %q", got)
	}
	c.want(200, "PUT", lbaas+"l7policies/"+d, `{"l7policy":{"position":4}}`)
	c.active(lb)
	if got := order(); got != "cabd" {
		t.Errorf("order after a move: %q", got)
	}
	c.want(204, "DELETE", lbaas+"l7policies/"+d, "")
	c.active(lb)
	if got := order(); got != "cab" {
		t.Errorf("order after a deletion: %q", got)
	}
}

func TestLoadBalancerSurvivesRestart(t *testing.T) {
	t.Parallel()
	options := Options{PublicCIDR: "127.204.7.0/24", StateFile: t.TempDir() + "/state.json", Times: Times{LoadBalancer: time.Hour}}
	s, err := Run(options)
	if err != nil {
		t.Fatal(err)
	}
	c := asOctavia(t, s, "10.2.0.0/24")
	lb := c.want(201, "POST", lbaas+"loadbalancers", populated(c.subnet)).body.obj("loadbalancer").str("id")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	options.Times = Times{}
	c.client = as(t, start(t, options), "demo", "demo")
	c.active(lb)
	text, err := json.Marshal(c.want(200, "GET", lbaas+"listeners", "").body)
	if err != nil || strings.Contains(string(text), "PENDING") {
		t.Errorf("listeners after a restart: %s %v", text, err)
	}
}
