package simulator

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	v2      = "/network/v2.0/"
	noUUID  = "11111111-1111-1111-1111-111111111111"
	ingress = `"direction":"ingress"`
)

// world is a network with a subnet behind a router with a gateway, and a port on it.
type world struct {
	external, network, subnet, router, port string
}

func makeWorld(c *client) world {
	c.t.Helper()
	var w world
	w.external = c.want(200, "GET", v2+"networks?name=ext-floating1", "").body.objs("networks")[0].str("id")
	w.network = c.make("network", `"name":"web"`).str("id")
	w.subnet = c.make("subnet", fmt.Sprintf(`"name":"web","network_id":%q,"ip_version":4,"cidr":"10.77.0.0/24","allocation_pools":[{"start":"10.77.0.100","end":"10.77.0.199"}]`, w.network)).str("id")
	w.router = c.make("router", fmt.Sprintf(`"name":"edge","external_gateway_info":{"network_id":%q}`, w.external)).str("id")
	c.want(200, "PUT", v2+"routers/"+w.router+"/add_router_interface", fmt.Sprintf(`{"subnet_id":%q}`, w.subnet))
	w.port = c.make("port", fmt.Sprintf(`"name":"web","network_id":%q`, w.network)).str("id")
	return w
}

// make creates an object of the Networking API.
func (c *client) make(singular, attributes string) object {
	c.t.Helper()
	return c.want(201, "POST", v2+strings.ReplaceAll(singular, "_", "-")+"s", `{"`+singular+`":{`+attributes+`}}`).body.obj(singular)
}

// refused sends and checks status and fault type.
func (c *client) refused(status int, kind, method, path, body string) string {
	c.t.Helper()
	a := c.want(status, method, path, body)
	fault := a.body.obj("NeutronError")
	if fault.str("type") != kind || !fault.given("detail") {
		c.t.Errorf("%s %s %s: fault %s, want %s", method, path, body, a.text, kind)
	}
	return fault.str("message")
}

func TestNetworks(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	n := c.make("network", `"name":"a","description":"d"`)
	for key, want := range map[string]any{
		"mtu": 1450.0, "status": "ACTIVE", "admin_state_up": true, "shared": false, "router:external": false, "port_security_enabled": true,
		"description": "d", "qos_policy_id": nil, "dns_domain": "", "project_id": c.body.obj("project").str("id"), "is_default": false,
	} {
		if got, ok := n[key]; !ok || got != want {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
	if n.given("provider:network_type") {
		t.Error("tenants see provider attributes")
	}
	for _, test := range []struct {
		body, kind string
		status     int
	}{
		{`"bogus":1`, "HTTPBadRequest", 400},
		{`"name":5`, "HTTPBadRequest", 400},
		{`"name":"` + strings.Repeat("x", 256) + `"`, "HTTPBadRequest", 400},
		{`"admin_state_up":"maybe"`, "InvalidInput", 400},
		{`"mtu":9000`, "InvalidInput", 400},
		{`"tags":["a"]`, "HTTPBadRequest", 400},
		{`"status":"DOWN"`, "HTTPBadRequest", 400},
		{`"shared":true`, "PolicyNotAuthorized", 403},
		{`"router:external":true`, "PolicyNotAuthorized", 403},
		{`"provider:network_type":"flat"`, "PolicyNotAuthorized", 403},
		{`"project_id":"other"`, "HTTPBadRequest", 400},
		{`"availability_zone_hints":["nova"]`, "AvailabilityZoneNotFound", 404},
	} {
		c.refused(test.status, test.kind, "POST", v2+"networks", `{"network":{`+test.body+`}}`)
	}
	path := v2 + "networks/" + n.str("id")
	if got := c.want(200, "PUT", path, `{"network":{"name":"b","mtu":1400}}`).body.obj("network"); got.str("name") != "b" || got.num("mtu") != 1400 ||
		got.num("revision_number") != n.num("revision_number")+1 {
		t.Errorf("update: %v", got)
	}
	c.refused(400, "HTTPBadRequest", "PUT", path, `{"network":{"status":"DOWN"}}`)
	a, err := c.try("PUT", path, `{"network":{"name":"c"}}`, map[string]string{"If-Match": "revision_number=0"})
	if err != nil || a.status != http.StatusPreconditionFailed {
		t.Errorf("stale revision: %d %v", a.status, err)
	}
	as(t, s, "demo2", "demo2").refused(404, "NetworkNotFound", "DELETE", path, "")
	external := c.want(200, "GET", v2+"networks?router:external=true", "").body.objs("networks")
	if len(external) != 2 {
		t.Fatalf("external networks: %v", external)
	}
	c.refused(403, "PolicyNotAuthorized", "DELETE", v2+"networks/"+external[0].str("id"), "")
	if got := c.want(200, "GET", v2+"subnets", "").body.objs("subnets"); len(got) != 0 {
		t.Errorf("tenants see the subnets of external networks: %v", got)
	}
	// The service has no read-only users.
	as(t, s, "demo-reader", "demo").want(204, "DELETE", path, "")
	c.refused(404, "NetworkNotFound", "GET", path, "")
	c.refused(404, "HTTPNotFound", "GET", v2+"nonsense", "")
	c.refused(400, "HTTPBadRequest", "POST", v2+"networks", `{bad`)
	c.refused(400, "HTTPBadRequest", "POST", v2+"networks", `{"net":{}}`)
}

func TestBulkCreatesAllOrNothing(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	if got := c.want(201, "POST", v2+"networks", `{"networks":[{"name":"a"},{"name":"b"}]}`).body.objs("networks"); len(got) != 2 || got[1].str("name") != "b" {
		t.Fatalf("%v", got)
	}
	c.refused(400, "HTTPBadRequest", "POST", v2+"networks", `{"networks":[]}`)
	c.refused(400, "HTTPBadRequest", "POST", v2+"networks", `{"networks":[{"name":"c"},{"bogus":1}]}`)
	n := c.make("network", `"name":"n"`).str("id")
	c.refused(400, "InvalidInput", "POST", v2+"subnets",
		fmt.Sprintf(`{"subnets":[{"network_id":%[1]q,"ip_version":4,"cidr":"10.5.0.0/24"},{"network_id":%[1]q,"ip_version":4,"cidr":"10.5.0.0/25"}]}`, n))
	subnet := c.make("subnet", fmt.Sprintf(`"network_id":%q,"ip_version":4,"cidr":"10.5.0.0/24"`, n)).str("id")
	c.refused(409, "IpAddressAlreadyAllocated", "POST", v2+"ports",
		fmt.Sprintf(`{"ports":[{"network_id":%[1]q,"fixed_ips":[{"subnet_id":%[2]q,"ip_address":"10.5.0.9"}]},{"network_id":%[1]q,"fixed_ips":[{"ip_address":"10.5.0.9"}]}]}`, n, subnet))
	for path, want := range map[string]int{"networks?name=c": 0, "subnets": 1, "ports": 0} {
		collection, _, _ := strings.Cut(path, "?")
		if got := c.want(200, "GET", v2+path, "").body.objs(collection); len(got) != want {
			t.Errorf("%s: %d, want %d", path, len(got), want)
		}
	}
}

func TestSubnets(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	for _, test := range []struct {
		body   string
		status int
		want   string // fault type, or parts of the subnet
	}{
		{`"cidr":"10.1.0.0/24"`, 201, `"gateway_ip":"10.1.0.1" "allocation_pools":[{"end":"10.1.0.254","start":"10.1.0.2"}] "enable_dhcp":true "dns_nameservers":[] "host_routes":[] "ipv6_ra_mode":null`},
		{`"cidr":"10.1.0.5/24"`, 201, `"cidr":"10.1.0.0/24"`},
		{`"cidr":"10.1.0.0/24","gateway_ip":null`, 201, `"gateway_ip":null "start":"10.1.0.1"`},
		{`"cidr":"10.1.0.0/24","gateway_ip":"10.1.0.100"`, 201, `"end":"10.1.0.99" "start":"10.1.0.101"`},
		{`"cidr":"10.1.0.0/24","gateway_ip":"10.2.0.1"`, 201, `"gateway_ip":"10.2.0.1" "start":"10.1.0.1"`},
		{`"cidr":"10.1.0.0/30"`, 201, `"start":"10.1.0.2" "end":"10.1.0.2"`},
		{`"cidr":"10.1.0.0/24","allocation_pools":[{"start":"10.1.0.20","end":"10.1.0.29"},{"start":"10.1.0.5","end":"10.1.0.19"}],"dns_nameservers":["8.8.8.8","1.1.1.1"],"host_routes":[{"destination":"10.9.0.0/16","nexthop":"10.1.0.9"}]`, 201,
			`"dns_nameservers":["8.8.8.8","1.1.1.1"] "nexthop":"10.1.0.9"`},
		{`"ip_version":6,"cidr":"fd77::/64"`, 201, `"gateway_ip":"fd77::" "start":"fd77::1" "end":"fd77::ffff:ffff:ffff:ffff"`},
		{`"ip_version":6,"cidr":"fd77::/64","ipv6_ra_mode":"slaac","ipv6_address_mode":"slaac"`, 201, `"ipv6_ra_mode":"slaac"`},
		{`"cidr":"bad"`, 400, "InvalidInput"},
		{``, 400, "BadRequest"},
		{`"cidr":"10.1.0.0/24","gateway_ip":"10.1.0.0"`, 400, "InvalidInput"},
		{`"cidr":"10.1.0.0/31"`, 400, "InvalidInput"},
		{`"cidr":"0.0.0.0/0"`, 400, "InvalidInput"},
		{`"ip_version":6,"cidr":"10.1.0.0/24"`, 400, "InvalidInput"},
		{`"ip_version":5,"cidr":"10.1.0.0/24"`, 400, "HTTPBadRequest"},
		{`"cidr":"10.1.0.0/24","ipv6_ra_mode":"slaac"`, 400, "InvalidInput"},
		{`"ip_version":6,"cidr":"fd77::/80","ipv6_address_mode":"slaac"`, 400, "InvalidInput"},
		{`"ip_version":6,"cidr":"fd77::/64","ipv6_ra_mode":"dhcpv6-stateful","ipv6_address_mode":"slaac"`, 400, "InvalidInput"},
		{`"ip_version":6,"cidr":"fd77::/64","ipv6_ra_mode":"bogus"`, 400, "HTTPBadRequest"},
		{`"cidr":"10.1.0.0/24","dns_nameservers":["bad"]`, 400, "HTTPBadRequest"},
		{`"cidr":"10.1.0.0/24","dns_nameservers":["8.8.8.8","8.8.8.8"]`, 400, "HTTPBadRequest"},
		{`"cidr":"10.1.0.0/24","host_routes":[{"destination":"bad","nexthop":"10.1.0.1"}]`, 400, "HTTPBadRequest"},
		{`"cidr":"10.1.0.0/24","allocation_pools":[{"start":"10.2.0.1","end":"10.2.0.9"}]`, 400, "OutOfBoundsAllocationPool"},
		{`"cidr":"10.1.0.0/24","allocation_pools":[{"start":"10.1.0.9","end":"10.1.0.2"}]`, 400, "InvalidAllocationPool"},
		{`"cidr":"10.1.0.0/24","allocation_pools":[{"start":"10.1.0.1","end":"10.1.0.9"}]`, 409, "GatewayConflictWithAllocationPools"},
		{`"cidr":"10.1.0.0/24","allocation_pools":[{"start":"10.1.0.2","end":"10.1.0.9"},{"start":"10.1.0.5","end":"10.1.0.19"}]`, 409, "OverlappingAllocationPools"},
		{`"use_default_subnetpool":true`, 201, `"cidr":"10.128.0.0/24" "gateway_ip":"10.128.0.1"`},
		{`"use_default_subnetpool":true,"prefixlen":26`, 201, `/26`},
		{`"use_default_subnetpool":true,"prefixlen":7`, 400, "MinPrefixSubnetAllocationError"},
		{`"use_default_subnetpool":true,"cidr":"192.168.0.0/24"`, 500, "SubnetAllocationError"},
		{`"use_default_subnetpool":true,"ip_version":6`, 201, `"cidr":"fd00:128::/64"`},
		{`"subnetpool_id":"` + noUUID + `"`, 404, "SubnetPoolNotFound"},
	} {
		n := c.make("network", ``).str("id")
		body := `"network_id":"` + n + `"`
		if !strings.Contains(test.body, "ip_version") {
			body += `,"ip_version":4`
		}
		if test.body != "" {
			body += "," + test.body
		}
		if test.status != 201 {
			c.refused(test.status, test.want, "POST", v2+"subnets", `{"subnet":{`+body+`}}`)
		} else {
			a := c.want(201, "POST", v2+"subnets", `{"subnet":{`+body+`}}`)
			for _, part := range strings.Fields(test.want) {
				if !strings.Contains(a.text, part) {
					t.Errorf("%s: %s lacks %s", test.body, a.text, part)
				}
			}
		}
		c.want(204, "DELETE", v2+"networks/"+n, "")
	}
	c.refused(400, "HTTPBadRequest", "POST", v2+"subnets", `{"subnet":{"network_id":"nope","ip_version":4,"cidr":"10.1.0.0/24"}}`)
	c.refused(404, "NetworkNotFound", "POST", v2+"subnets", `{"subnet":{"network_id":"`+noUUID+`","ip_version":4,"cidr":"10.1.0.0/24"}}`)
	if got := s.Leftovers(); len(got) != 0 {
		t.Errorf("subnets stay without their network: %v", got)
	}
}

func TestSubnetsBesideOthers(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	w := makeWorld(c)
	create := func(body string) string {
		return `{"subnet":{"ip_version":4,"network_id":"` + w.network + `",` + body + `}}`
	}
	c.refused(400, "InvalidInput", "POST", v2+"subnets", create(`"cidr":"10.77.0.0/25"`))
	c.refused(400, "NetworkSubnetPoolAffinityError", "POST", v2+"subnets", create(`"use_default_subnetpool":true`))
	path := v2 + "subnets/" + w.subnet
	c.refused(409, "SubnetInUse", "DELETE", path, "")
	c.refused(400, "HTTPBadRequest", "PUT", path, `{"subnet":{"cidr":"10.1.0.0/24"}}`)
	c.refused(409, "GatewayConflictWithAllocationPools", "PUT", path, `{"subnet":{"allocation_pools":[{"start":"10.77.0.1","end":"10.77.0.9"}]}}`)
	c.refused(409, "GatewayIpInUse", "PUT", path, `{"subnet":{"gateway_ip":null}}`)
	got := c.want(200, "PUT", path, `{"subnet":{"name":"x","enable_dhcp":false,"host_routes":null,"dns_nameservers":["9.9.9.9"],"allocation_pools":[{"start":"10.77.0.100","end":"10.77.0.200"}]}}`).body.obj("subnet")
	if got.str("name") != "x" || got.flag("enable_dhcp") || len(got.objs("host_routes")) != 0 || got.strs("dns_nameservers")[0] != "9.9.9.9" || got.objs("allocation_pools")[0].str("start") != "10.77.0.100" {
		t.Errorf("%v", got)
	}
	if message := c.refused(409, "NetworkInUse", "DELETE", v2+"networks/"+w.network, ""); !strings.Contains(message, w.port) {
		t.Errorf("which ports: %s", message)
	}
}

func TestSubnetPoolsAreNotDeletedInUse(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	pool := c.make("subnetpool", `"name":"p","prefixes":["10.200.0.0/16"],"default_prefixlen":24`)
	if pool.str("default_prefixlen") != "24" || pool.num("ip_version") != 4 || pool.flag("shared") {
		t.Errorf("%v", pool)
	}
	n := c.make("network", ``).str("id")
	for _, want := range []string{"10.200.0.0/24", "10.200.1.0/24"} {
		got := c.make("subnet", `"ip_version":4,"network_id":"`+n+`","subnetpool_id":"`+pool.str("id")+`"`)
		if got.str("cidr") != want {
			t.Errorf("%s, want %s", got.str("cidr"), want)
		}
	}
	c.refused(400, "SubnetPoolDeleteError", "DELETE", v2+"subnetpools/"+pool.str("id"), "")
	c.want(204, "DELETE", v2+"networks/"+n, "")
	c.want(204, "DELETE", v2+"subnetpools/"+pool.str("id"), "")
	if got := c.want(200, "GET", v2+"subnetpools?is_default=true&ip_version=4", "").body.objs("subnetpools"); len(got) != 1 || got[0].str("name") != "shared-default-subnetpool-v4" {
		t.Errorf("%v", got)
	}
}

func TestPorts(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	w := makeWorld(c)
	fixed := func(address string) string { return `"fixed_ips":[{"ip_address":"` + address + `"}]` }
	c.make("port", `"network_id":"`+w.network+`",`+fixed("10.77.0.50"))
	for _, test := range []struct {
		body   string
		status int
		want   string
	}{
		{fixed("10.77.0.51"), 201, `"status":"DOWN"`},
		{fixed("10.77.0.50"), 409, "IpAddressAlreadyAllocated"},
		{fixed("10.78.0.50"), 400, "InvalidIpForNetwork"},
		{fixed("10.77.0.255"), 400, "InvalidIpForNetwork"},
		{fixed("bad"), 400, "HTTPBadRequest"},
		{`"fixed_ips":[{"subnet_id":"` + w.subnet + `","ip_address":"10.78.0.9"}]`, 400, "InvalidIpForSubnet"},
		{`"fixed_ips":[{"subnet_id":"` + noUUID + `"}]`, 404, "SubnetNotFound"},
		{`"fixed_ips":[]`, 201, `"fixed_ips":[]`},
		{`"security_groups":[]`, 201, `"security_groups":[]`},
		{`"security_groups":["` + noUUID + `"]`, 404, "SecurityGroupNotFound"},
		{`"port_security_enabled":false`, 201, `"security_groups":[]`},
		{`"port_security_enabled":false,"security_groups":["` + noUUID + `"]`, 400, "PortSecurityAndIPRequiredForSecurityGroups"},
		{`"port_security_enabled":false,"allowed_address_pairs":[{"ip_address":"10.0.0.0/8"}]`, 409, "AddressPairAndPortSecurityRequired"},
		{`"mac_address":"fa:16:3e:00:00:01","allowed_address_pairs":[{"ip_address":"10.0.0.0/8"}]`, 201, `{"ip_address":"10.0.0.0/8","mac_address":"fa:16:3e:00:00:01"}`},
		{`"mac_address":"fa:16:3e:00:00:01"`, 409, "MacAddressInUse"},
		{`"mac_address":"bad"`, 400, "HTTPBadRequest"},
		{`"allowed_address_pairs":[{"ip_address":"10.0.0.1"},{"ip_address":"10.0.0.1"}]`, 400, "DuplicateAddressPairInRequest"},
		{`"binding:host_id":"x"`, 403, "PolicyNotAuthorized"},
		{`"status":"ACTIVE"`, 400, "HTTPBadRequest"},
	} {
		body := `{"port":{"network_id":"` + w.network + `",` + test.body + `}}`
		if test.status != 201 {
			c.refused(test.status, test.want, "POST", v2+"ports", body)
		} else if a := c.want(201, "POST", v2+"ports", body); !strings.Contains(a.text, test.want) {
			t.Errorf("%s: %s lacks %s", test.body, a.text, test.want)
		}
	}
	c.refused(403, "HTTPForbidden", "POST", v2+"ports", `{"port":{"network_id":"`+w.external+`"}}`)
	c.refused(400, "HTTPBadRequest", "POST", v2+"ports", `{"port":{}}`)

	port := c.want(200, "GET", v2+"ports/"+w.port, "").body.obj("port")
	address, err := netip.ParseAddr(port.objs("fixed_ips")[0].str("ip_address"))
	if err != nil || !netip.MustParsePrefix("10.77.0.0/24").Contains(address) {
		t.Errorf("address %s", address)
	}
	group := c.want(200, "GET", v2+"security-groups?name=default", "").body.objs("security_groups")[0].str("id")
	if got := port.strs("security_groups"); !slices.Equal(got, []string{group}) {
		t.Errorf("groups %v, want the default group %s", got, group)
	}
	path := v2 + "ports/" + w.port
	if got := c.want(200, "PUT", path, `{"port":{`+fixed("10.77.0.60")+`}}`).body.obj("port").objs("fixed_ips"); len(got) != 1 || got[0].str("ip_address") != "10.77.0.60" {
		t.Errorf("%v", got)
	}
	kept := c.want(200, "PUT", path, `{"port":{"fixed_ips":[{"ip_address":"10.77.0.60"},{"subnet_id":"`+w.subnet+`"}]}}`).body.obj("port").objs("fixed_ips")
	if len(kept) != 2 {
		t.Errorf("%v", kept)
	}
	c.refused(409, "IpAddressAlreadyAllocated", "PUT", path, `{"port":{`+fixed("10.77.0.50")+`}}`)
	c.refused(400, "HTTPBadRequest", "PUT", path, `{"port":{"network_id":"`+w.network+`"}}`)
	c.refused(400, "PortSecurityAndIPRequiredForSecurityGroups", "PUT", path, `{"port":{"port_security_enabled":false}}`)
	c.want(200, "PUT", path, `{"port":{"port_security_enabled":false,"security_groups":[]}}`)
	if got := c.want(200, "GET", v2+"ports?fixed_ips=ip_address%3D10.77.0.50&network_id="+w.network, "").body.objs("ports"); len(got) != 1 {
		t.Errorf("by address: %v", got)
	}
}

func TestPortsRunOut(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	n := c.make("network", ``).str("id")
	c.make("subnet", `"ip_version":4,"cidr":"10.0.0.0/29","network_id":"`+n+`"`)
	seen := map[string]bool{}
	for range 5 {
		seen[c.make("port", `"network_id":"`+n+`"`).objs("fixed_ips")[0].str("ip_address")] = true
	}
	if len(seen) != 5 || seen["10.0.0.1"] {
		t.Errorf("%v", seen)
	}
	c.refused(409, "IpAddressGenerationFailure", "POST", v2+"ports", `{"port":{"network_id":"`+n+`"}}`)
}

func TestPortsMakeTheirOwnIPv6Address(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	n := c.make("network", ``).str("id")
	c.make("subnet", `"ip_version":6,"cidr":"fd79:1::/64","ipv6_ra_mode":"slaac","ipv6_address_mode":"slaac","network_id":"`+n+`"`)
	subnet := c.make("subnet", `"ip_version":4,"cidr":"10.0.0.0/24","network_id":"`+n+`"`).str("id")
	for _, extra := range []string{``, `,"fixed_ips":[{"subnet_id":"` + subnet + `"}]`} {
		fixed := c.make("port", `"mac_address":"fa:16:3e:18:f7:f`+fmt.Sprint(len(extra)%10)+`","network_id":"`+n+`"`+extra).objs("fixed_ips")
		if len(fixed) != 2 || !strings.HasPrefix(fixed[1].str("ip_address"), "fd79:1::f816:3eff:fe18:f7f") {
			t.Errorf("%v", fixed)
		}
	}
}

func TestRouters(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	w := makeWorld(c)
	path := v2 + "routers/" + w.router
	router := c.want(200, "GET", path, "").body.obj("router")
	gateway := router.obj("external_gateway_info")
	if gateway.str("network_id") != w.external || !gateway.flag("enable_snat") || len(gateway.objs("external_fixed_ips")) != 1 {
		t.Errorf("gateway %v", gateway)
	}
	if got := c.want(200, "GET", v2+"ports?device_owner=network:router_gateway", "").body.objs("ports"); len(got) != 0 {
		t.Errorf("tenants see gateway ports: %v", got)
	}
	ports := c.want(200, "GET", v2+"ports?device_owner=network:router_interface&device_id="+w.router, "").body.objs("ports")
	if len(ports) != 1 || ports[0].objs("fixed_ips")[0].str("ip_address") != "10.77.0.1" || ports[0].flag("port_security_enabled") {
		t.Fatalf("interface %v", ports)
	}
	c.refused(409, "ServicePortInUse", "DELETE", v2+"ports/"+ports[0].str("id"), "")
	eventually(t, "the interface is ACTIVE", func() bool {
		return c.want(200, "GET", v2+"ports/"+ports[0].str("id"), "").body.obj("port").str("status") == "ACTIVE"
	})

	other := c.make("network", ``).str("id")
	same := c.make("subnet", `"ip_version":4,"cidr":"10.77.0.0/24","network_id":"`+other+`"`).str("id")
	noGateway := c.make("subnet", `"ip_version":4,"cidr":"10.79.0.0/24","gateway_ip":null,"network_id":"`+other+`"`).str("id")
	for _, test := range []struct {
		action, body, kind string
		status             int
	}{
		{"add_router_interface", `{}`, "BadRequest", 400},
		{"add_router_interface", `{"subnet_id":"x"}`, "BadRequest", 400},
		{"add_router_interface", `{"subnet_id":"` + noUUID + `"}`, "SubnetNotFound", 404},
		{"add_router_interface", `{"subnet_id":"` + w.subnet + `","port_id":"` + w.port + `"}`, "BadRequest", 400},
		{"add_router_interface", `{"subnet_id":"` + w.subnet + `"}`, "BadRequest", 400},
		{"add_router_interface", `{"subnet_id":"` + same + `"}`, "BadRequest", 400},
		{"add_router_interface", `{"subnet_id":"` + noGateway + `"}`, "BadRequest", 400},
		{"add_router_interface", `{"port_id":"` + w.port + `"}`, "BadRequest", 400},
		{"remove_router_interface", `{"subnet_id":"` + same + `"}`, "RouterInterfaceNotFoundForSubnet", 404},
		{"remove_router_interface", `{"port_id":"` + w.port + `"}`, "RouterInterfaceNotFound", 404},
		{"remove_router_interface", `{}`, "BadRequest", 400},
		{"nonsense", `{}`, "HTTPNotFound", 404},
	} {
		c.refused(test.status, test.kind, "PUT", path+"/"+test.action, test.body)
	}
	c.refused(404, "RouterNotFound", "PUT", v2+"routers/nope/add_router_interface", `{"subnet_id":"`+w.subnet+`"}`)
	port := c.make("port", `"network_id":"`+other+`","fixed_ips":[{"subnet_id":"`+noGateway+`"}]`).str("id")
	added := c.want(200, "PUT", path+"/add_router_interface", `{"port_id":"`+port+`"}`).body
	if added.str("id") != w.router || added.str("subnet_id") != noGateway || added.str("port_id") != port {
		t.Errorf("%v", added)
	}
	if message := c.refused(409, "RouterInUse", "DELETE", path, ""); !strings.Contains(message, port) {
		t.Error(message)
	}

	for _, test := range []struct {
		body, kind string
		status     int
	}{
		{`"routes":[{"destination":"10.8.0.0/16","nexthop":"10.99.0.9"}]`, "InvalidRoutes", 400},
		{`"routes":[{"destination":"10.8.0.0/16","nexthop":"10.77.0.1"}]`, "InvalidRoutes", 400},
		{`"routes":[{"destination":"bad","nexthop":"10.77.0.9"}]`, "HTTPBadRequest", 400},
		{`"external_gateway_info":{"network_id":"` + other + `"}`, "BadRequest", 400},
		{`"external_gateway_info":{"network_id":"` + noUUID + `"}`, "NetworkNotFound", 404},
		{`"external_gateway_info":{"network_id":"` + w.external + `","enable_snat":false}`, "PolicyNotAuthorized", 403},
		{`"external_gateway_info":{"network_id":"` + w.external + `","external_fixed_ips":[{"ip_address":"127.203.0.77"}]}`, "PolicyNotAuthorized", 403},
		{`"distributed":true`, "PolicyNotAuthorized", 403},
	} {
		c.refused(test.status, test.kind, "PUT", path, `{"router":{`+test.body+`}}`)
	}
	route := `{"router":{"routes":[{"destination":"10.8.0.0/16","nexthop":"10.77.0.9"}]}}`
	c.want(200, "PUT", path, route)
	if got := c.want(200, "PUT", path+"/add_extraroutes", strings.Replace(route, "10.8", "10.7", 1)).body.obj("router").objs("routes"); len(got) != 2 {
		t.Errorf("%v", got)
	}
	c.refused(409, "RouterInterfaceInUseByRoute", "PUT", path+"/remove_router_interface", `{"subnet_id":"`+w.subnet+`"}`)
	if got := c.want(200, "PUT", path+"/remove_extraroutes", route).body.obj("router").objs("routes"); len(got) != 1 {
		t.Errorf("%v", got)
	}
	c.want(200, "PUT", path, `{"router":{"routes":[]}}`)
	for _, subnet := range []string{w.subnet, noGateway} {
		c.want(200, "PUT", path+"/remove_router_interface", `{"subnet_id":"`+subnet+`"}`)
	}
	if got := c.want(200, "PUT", path, `{"router":{"external_gateway_info":{}}}`).body.obj("router"); got["external_gateway_info"] != nil || !got.given("external_gateway_info") {
		t.Errorf("%v", got)
	}
	c.want(204, "DELETE", path, "")
}

func TestFloatingIPs(t *testing.T) {
	virtual(t, Options{Times: Times{FloatingIP: 30 * time.Millisecond}}, func(t *testing.T, s *Simulator) {
		c := as(t, s, "demo", "demo")
		w := makeWorld(c)
		f := c.make("floatingip", `"floating_network_id":"`+w.external+`"`)
		address, err := netip.ParseAddr(f.str("floating_ip_address"))
		if err != nil || !address.IsLoopback() || f.str("status") != "DOWN" || f["port_id"] != nil || !f.given("port_details") {
			t.Fatalf("%v %v", f, err)
		}
		isolated := c.make("network", ``).str("id")
		c.make("subnet", `"ip_version":4,"cidr":"10.88.0.0/24","network_id":"`+isolated+`"`)
		alone := c.make("port", `"network_id":"`+isolated+`"`).str("id")
		v6 := c.want(200, "GET", v2+"networks?name=ext-v6only", "").body.objs("networks")[0].str("id")
		for _, test := range []struct {
			body, kind string
			status     int
		}{
			{``, "HTTPBadRequest", 400},
			{`"floating_network_id":"` + w.network + `"`, "BadRequest", 400},
			{`"floating_network_id":"` + v6 + `"`, "BadRequest", 400},
			{`"floating_network_id":"` + noUUID + `"`, "NetworkNotFound", 404},
			{`"floating_network_id":"` + w.external + `","floating_ip_address":"127.203.0.99"`, "PolicyNotAuthorized", 403},
			{`"floating_network_id":"` + w.external + `","fixed_ip_address":"10.77.0.9"`, "BadRequest", 400},
			{`"floating_network_id":"` + w.external + `","port_id":"` + noUUID + `"`, "PortNotFound", 404},
			{`"floating_network_id":"` + w.external + `","port_id":"` + alone + `"`, "ExternalGatewayForFloatingIPNotFound", 404},
		} {
			c.refused(test.status, test.kind, "POST", v2+"floatingips", `{"floatingip":{`+test.body+`}}`)
		}
		if got := c.want(200, "GET", v2+"floatingips", "").body.objs("floatingips"); len(got) != 1 {
			t.Errorf("refused ones stay: %v", got)
		}
		path := v2 + "floatingips/" + f.str("id")
		show := func() object { return c.want(200, "GET", path, "").body.obj("floatingip") }
		got := c.want(200, "PUT", path, `{"floatingip":{"port_id":"`+w.port+`"}}`).body.obj("floatingip")
		if got.str("status") != "DOWN" || got.str("router_id") != w.router || got.str("fixed_ip_address") == "" || got.obj("port_details").str("name") != "web" {
			t.Errorf("%v", got)
		}
		eventually(t, "the floating IP is ACTIVE", func() bool { return show().str("status") == "ACTIVE" })
		second := c.make("floatingip", `"floating_network_id":"`+w.external+`"`).str("id")
		c.refused(409, "FloatingIPPortAlreadyAssociated", "PUT", v2+"floatingips/"+second, `{"floatingip":{"port_id":"`+w.port+`"}}`)
		c.refused(400, "BadRequest", "PUT", v2+"floatingips/"+second, `{"floatingip":{"port_id":"`+w.port+`","fixed_ip_address":"10.77.0.251"}}`)
		c.want(200, "PUT", path, `{"floatingip":{"description":"x"}}`)
		if got := show(); got.str("port_id") != w.port || got.str("description") != "x" {
			t.Errorf("%v", got)
		}
		c.refused(409, "RouterInterfaceInUseByFloatingIP", "PUT", v2+"routers/"+w.router+"/remove_router_interface", `{"subnet_id":"`+w.subnet+`"}`)
		c.refused(409, "RouterExternalGatewayInUseByFloatingIp", "PUT", v2+"routers/"+w.router, `{"router":{"external_gateway_info":{}}}`)
		c.want(200, "PUT", path, `{"floatingip":{"port_id":null}}`)
		eventually(t, "the floating IP is DOWN", func() bool { return show().str("status") == "DOWN" })
		c.want(200, "PUT", path, `{"floatingip":{"port_id":"`+w.port+`"}}`)
		c.want(204, "DELETE", v2+"ports/"+w.port, "")
		if got := show(); got["port_id"] != nil || got["router_id"] != nil {
			t.Errorf("after the port: %v", got)
		}
		as(t, s, "demo2", "demo2").refused(404, "FloatingIPNotFound", "GET", path, "")
		c.want(204, "DELETE", path, "")
		c.refused(404, "FloatingIPNotFound", "DELETE", path, "")
	})
}

func TestBoundPortsBecomeActive(t *testing.T) {
	virtual(t, Options{Times: Times{Port: time.Second}}, func(t *testing.T, s *Simulator) {
		id := ""
		is := func(device, status string) {
			t.Helper()
			s.locked(func() {
				if got := s.network.Ports[id]; got.str("device_id") != device || got.str("status") != status {
					t.Errorf("%v, want %s of device %q", got, status, device)
				}
			})
		}
		s.locked(func() {
			network, err := s.network.make(s.network.networkResource(), "", object{})
			if err != nil {
				t.Fatal(err)
			}
			port, err := s.network.createPort("", object{"network_id": network.str("id")})
			if err != nil {
				t.Fatal(err)
			}
			id = port.str("id")
			s.network.bindPort(id, "server", "compute:nova", "host")
		})
		is("server", "DOWN")
		time.Sleep(600 * time.Millisecond)
		is("server", "BUILD")
		time.Sleep(600 * time.Millisecond)
		is("server", "ACTIVE")
		s.locked(func() {
			if got := s.network.devicePorts("server"); len(got) != 1 {
				t.Errorf("ports of the device: %v", got)
			}
			s.network.unbindPort(id)
		})
		is("", "DOWN")
	})
}

func TestSecurityGroups(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	group := c.make("security_group", `"name":"web"`)
	rules := group.objs("security_group_rules")
	if len(rules) != 2 || !group.flag("stateful") {
		t.Fatalf("%v", group)
	}
	for _, rule := range rules {
		if rule.str("direction") != "egress" || rule["protocol"] != nil {
			t.Errorf("%v", rule)
		}
	}
	defaults := c.want(200, "GET", v2+"security-groups?name=default", "").body.objs("security_groups")
	if len(defaults) != 1 || len(defaults[0].objs("security_group_rules")) != 4 {
		t.Fatalf("%v", defaults)
	}
	path := v2 + "security-groups/"
	own := defaults[0].str("id")
	c.refused(409, "SecurityGroupDefaultAlreadyExists", "POST", v2+"security-groups", `{"security_group":{"name":"default"}}`)
	c.refused(409, "SecurityGroupCannotUpdateDefault", "PUT", path+own, `{"security_group":{"name":"x"}}`)
	c.refused(409, "SecurityGroupCannotRemoveDefault", "DELETE", path+own, "")
	c.refused(409, "SecurityGroupDefaultAlreadyExists", "PUT", path+group.str("id"), `{"security_group":{"name":"default"}}`)
	c.make("security_group", `"name":"web","stateful":false`)
	as(t, s, "demo2", "demo2").refused(404, "SecurityGroupNotFound", "GET", path+group.str("id"), "")
	n := c.make("network", ``).str("id")
	port := c.make("port", `"network_id":"`+n+`","security_groups":["`+group.str("id")+`"]`).str("id")
	c.refused(409, "SecurityGroupInUse", "DELETE", path+group.str("id"), "")
	if got := c.want(200, "GET", v2+"ports?security_groups="+group.str("id"), "").body.objs("ports"); len(got) != 1 || got[0].str("id") != port {
		t.Errorf("%v", got)
	}
	c.want(204, "DELETE", v2+"ports/"+port, "")
	other := c.make("security_group", `"name":"db"`).str("id")
	c.make("security_group_rule", `"security_group_id":"`+other+`",`+ingress+`,"remote_group_id":"`+group.str("id")+`"`)
	c.want(204, "DELETE", path+group.str("id"), "")
	if got := c.want(200, "GET", v2+"security-group-rules?security_group_id="+other, "").body.objs("security_group_rules"); len(got) != 2 {
		t.Errorf("rules that name a deleted group stay: %v", got)
	}
}

func TestSecurityGroupRules(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	group := c.make("security_group", `"name":"web"`).str("id")
	// In this order: later ones are duplicates of earlier ones.
	for _, test := range []struct {
		body   string
		status int
		want   string
	}{
		{`"protocol":"tcp","port_range_min":80,"port_range_max":80`, 201, `"ethertype":"IPv4" "protocol":"tcp" "port_range_max":80`},
		{`"protocol":"6","port_range_min":80,"port_range_max":80`, 409, "SecurityGroupRuleExists"},
		{`"protocol":6,"port_range_min":"80","port_range_max":80`, 409, "SecurityGroupRuleExists"},
		{`"protocol":"tcp","port_range_min":80,"port_range_max":80,"description":"other"`, 409, "SecurityGroupRuleExists"},
		{`"protocol":"TCP","port_range_min":81,"port_range_max":81`, 201, `"protocol":"tcp"`},
		{`"protocol":"tcp","port_range_min":82`, 400, "SecurityGroupInvalidPortRange"},
		{`"protocol":"tcp","port_range_min":90,"port_range_max":80`, 400, "SecurityGroupInvalidPortRange"},
		{`"protocol":"tcp","port_range_min":0,"port_range_max":80`, 400, "SecurityGroupInvalidPortValue"},
		{`"protocol":"tcp","port_range_min":1,"port_range_max":70000`, 400, "SecurityGroupInvalidPortValue"},
		{`"port_range_min":80,"port_range_max":80`, 400, "SecurityGroupProtocolRequiredWithPorts"},
		{`"protocol":"sctp","port_range_min":1,"port_range_max":65535`, 201, `"port_range_min":null "port_range_max":null`},
		{`"protocol":"sctp"`, 409, "SecurityGroupRuleExists"},
		{`"protocol":"icmp","port_range_min":8,"port_range_max":0`, 201, `"port_range_min":8 "port_range_max":0`},
		{`"protocol":"icmp","port_range_min":256`, 400, "SecurityGroupInvalidIcmpValue"},
		{`"protocol":"icmp","port_range_max":3`, 400, "SecurityGroupMissingIcmpType"},
		{`"protocol":"icmpv6","ethertype":"IPv6"`, 201, `"protocol":"ipv6-icmp"`},
		{`"protocol":"icmp","ethertype":"IPv6"`, 409, "SecurityGroupRuleExists"},
		{`"protocol":"58","ethertype":"IPv6"`, 409, "SecurityGroupRuleExists"},
		{`"protocol":"icmpv6"`, 400, "SecurityGroupEthertypeConflictWithProtocol"},
		{`"protocol":"vrrp"`, 201, `"protocol":"vrrp"`},
		{`"protocol":"112"`, 409, "SecurityGroupRuleExists"},
		{`"protocol":"vrrp","port_range_min":1,"port_range_max":2`, 400, "SecurityGroupInvalidProtocolForPort"},
		{`"protocol":"bogus"`, 400, "SecurityGroupRuleInvalidProtocol"},
		{`"protocol":"300"`, 400, "SecurityGroupRuleInvalidProtocol"},
		{`"protocol":"any"`, 400, "SecurityGroupRuleInvalidProtocol"},
		{`"protocol":"0"`, 201, `"protocol":"0"`},
		{`"description":"all"`, 201, `"protocol":null`},
		{`"remote_ip_prefix":"0.0.0.0/0"`, 409, "SecurityGroupRuleExists"},
		{`"remote_ip_prefix":"10.0.0.5/24"`, 201, `"remote_ip_prefix":"10.0.0.5/24" "normalized_cidr":"10.0.0.0/24"`},
		{`"remote_ip_prefix":"10.0.0.0/24"`, 201, `"remote_ip_prefix":"10.0.0.0/24"`},
		{`"remote_ip_prefix":"10.0.0.7"`, 201, `"remote_ip_prefix":"10.0.0.7/32"`},
		{`"remote_ip_prefix":"bad"`, 400, "InvalidCIDR"},
		{`"remote_ip_prefix":"fd00::/8"`, 400, "SecurityGroupRuleParameterConflict"},
		{`"remote_ip_prefix":"::/0","ethertype":"ipv6"`, 201, `"ethertype":"IPv6"`},
		{`"ethertype":"IPv6"`, 409, "SecurityGroupRuleExists"},
		{`"ethertype":"IPv5"`, 400, "SecurityGroupRuleInvalidEtherType"},
		{`"remote_group_id":"` + group + `"`, 201, `"remote_group_id":"` + group + `"`},
		{`"remote_group_id":"` + group + `","remote_ip_prefix":"10.0.0.0/8"`, 400, "SecurityGroupMultipleRemoteEntites"},
		{`"remote_group_id":"` + noUUID + `"`, 404, "SecurityGroupNotFound"},
		{`"remote_address_group_id":"` + noUUID + `"`, 404, "AddressGroupNotFound"},
		{`"bogus":1`, 400, "HTTPBadRequest"},
		{`"direction":"up"`, 400, "HTTPBadRequest"},
		{`"direction":"egress"`, 409, "SecurityGroupRuleExists"},
	} {
		direction := ingress + ","
		if strings.Contains(test.body, "direction") {
			direction = ""
		}
		body := `{"security_group_rule":{"security_group_id":"` + group + `",` + direction + test.body + `}}`
		if test.status != 201 {
			c.refused(test.status, test.want, "POST", v2+"security-group-rules", body)
			continue
		}
		a := c.want(201, "POST", v2+"security-group-rules", body)
		for _, part := range strings.Fields(test.want) {
			if !strings.Contains(a.text, part) {
				t.Errorf("%s: %s lacks %s", test.body, a.text, part)
			}
		}
	}
	c.refused(404, "SecurityGroupNotFound", "POST", v2+"security-group-rules", `{"security_group_rule":{"security_group_id":"`+noUUID+`",`+ingress+`}}`)
	rule := c.want(200, "GET", v2+"security-group-rules?security_group_id="+group+"&port_range_min=81", "").body.objs("security_group_rules")[0].str("id")
	path := v2 + "security-group-rules/" + rule
	c.refused(400, "HTTPBadRequest", "PUT", path, `{"security_group_rule":{"protocol":"udp"}}`)
	c.want(204, "DELETE", path, "")
	c.refused(404, "SecurityGroupRuleNotFound", "DELETE", path, "")
}

func TestSecurityGroupRulesInBulk(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	group, other := c.make("security_group", `"name":"a"`).str("id"), c.make("security_group", `"name":"b"`).str("id")
	rule := func(group string, port int) string {
		return fmt.Sprintf(`{"security_group_id":%q,%s,"protocol":"tcp","port_range_min":%d,"port_range_max":%d}`, group, ingress, port, port)
	}
	bulk := func(rules ...string) string { return `{"security_group_rules":[` + strings.Join(rules, ",") + `]}` }
	var many []string
	for port := range 78 {
		many = append(many, rule(group, 1000+port))
	}
	made := c.want(201, "POST", v2+"security-group-rules", bulk(many...)).body.objs("security_group_rules")
	if len(made) != 78 {
		t.Fatalf("%d rules", len(made))
	}
	message := c.refused(409, "SecurityGroupRuleExists", "POST", v2+"security-group-rules", bulk(rule(group, 1), rule(group, 1000)))
	if message != "Security group rule already exists. Rule id is "+made[0].str("id")+"." {
		t.Error(message)
	}
	c.refused(409, "DuplicateSecurityGroupRuleInPost", "POST", v2+"security-group-rules", bulk(rule(group, 1), rule(group, 1)))
	c.refused(400, "SecurityGroupNotSingleGroupRules", "POST", v2+"security-group-rules", bulk(rule(group, 1), rule(other, 1)))
	if got := c.want(200, "GET", v2+"security-group-rules?port_range_min=1", "").body.objs("security_group_rules"); len(got) != 0 {
		t.Errorf("refused rules stay: %v", got)
	}
}

func TestQuotas(t *testing.T) {
	s := start(t, Options{Quotas: map[string]int{"network": 1, "security_group_rule": 7}})
	c, admin := as(t, s, "demo", "demo"), as(t, s, "admin", "admin")
	c.make("network", `"name":"a"`)
	message := c.refused(409, "OverQuota", "POST", v2+"networks", `{"network":{"name":"b"}}`)
	if message != "Quota exceeded for resources: ['network']." {
		t.Error(message)
	}
	// Four rules of the default group and two of this one leave room for one.
	group := c.make("security_group", `"name":"a"`).str("id")
	c.refused(409, "OverQuota", "POST", v2+"security-groups", `{"security_group":{"name":"b"}}`)
	rules := fmt.Sprintf(`{"security_group_rules":[{"security_group_id":%[1]q,%[2]s,"protocol":"tcp"},{"security_group_id":%[1]q,%[2]s,"protocol":"udp"}]}`, group, ingress)
	c.refused(409, "OverQuota", "POST", v2+"security-group-rules", rules)
	project := c.body.obj("project").str("id")
	details := c.want(200, "GET", v2+"quotas/"+project+"/details", "").body.obj("quota")
	if got := details.obj("security_group_rule"); got.num("limit") != 7 || got.num("used") != 6 {
		t.Errorf("%v", details)
	}
	c.refused(403, "PolicyNotAuthorized", "PUT", v2+"quotas/"+project, `{"quota":{"network":5}}`)
	c.refused(403, "PolicyNotAuthorized", "GET", v2+"quotas/"+noUUID, "")
	admin.want(200, "PUT", v2+"quotas/"+project, `{"quota":{"network":2}}`)
	if got := c.want(200, "GET", v2+"quotas/"+project, "").body.obj("quota"); got.num("network") != 2 || got.num("router") != 100 {
		t.Errorf("%v", got)
	}
	c.make("network", `"name":"b"`)
	admin.want(204, "DELETE", v2+"quotas/"+project, "")
	if got := c.want(200, "GET", v2+"quotas/"+project, "").body.obj("quota"); got.num("network") != 1 {
		t.Errorf("%v", got)
	}
}

func TestTags(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	id := c.make("network", `"name":"a"`).str("id")
	c.make("network", `"name":"b"`)
	path := v2 + "networks/" + id + "/tags"
	c.want(200, "PUT", path, `{"tags":["z","b"]}`)
	c.want(201, "PUT", path+"/c", "")
	if got := c.want(200, "GET", path, "").body.strs("tags"); !slices.Equal(got, []string{"b", "c", "z"}) {
		t.Errorf("%v", got)
	}
	c.want(204, "GET", path+"/c", "")
	c.want(204, "DELETE", path+"/c", "")
	c.refused(404, "TagNotFound", "GET", path+"/c", "")
	c.refused(404, "TagNotFound", "DELETE", path+"/c", "")
	c.refused(400, "InvalidInput", "PUT", path, `{"tags":["a","a"]}`)
	c.refused(400, "InvalidInput", "PUT", path, `{}`)
	c.refused(404, "TagResourceNotFound", "PUT", v2+"networks/nope/tags", `{"tags":[]}`)
	for query, want := range map[string][]string{
		"tags=b": {"a"}, "tags=b,z": {"a"}, "tags=b,x": {}, "tags-any=x,z": {"a"}, "not-tags=b": {"b"}, "not-tags=b,x": {"a", "b"}, "not-tags-any=b,x": {"b"},
	} {
		names := []string{}
		for _, n := range c.want(200, "GET", v2+"networks?router:external=false&"+query, "").body.objs("networks") {
			names = append(names, n.str("name"))
		}
		if !slices.Equal(names, want) {
			t.Errorf("%s: %v, want %v", query, names, want)
		}
	}
	for _, collection := range []string{"subnets", "ports", "routers", "floatingips", "security-groups"} {
		c.refused(404, "TagResourceNotFound", "GET", v2+collection+"/"+noUUID+"/tags", "")
	}
	c.want(204, "DELETE", path, "")
	if got := c.want(200, "GET", v2+"networks/"+id, "").body.obj("network").strs("tags"); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestLists(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	var ids []string
	for _, name := range []string{"c", "a", "b"} {
		ids = append(ids, c.make("network", `"name":"`+name+`"`).str("id"))
	}
	names := func(query string) string {
		var names []string
		for _, n := range c.want(200, "GET", v2+"networks?router:external=False&"+query, "").body.objs("networks") {
			names = append(names, n.str("name"))
		}
		return strings.Join(names, "")
	}
	for query, want := range map[string]string{
		"": "cab", "name=a": "a", "name=a&name=b": "ab", "id=" + ids[0] + "&id=" + ids[2]: "cb", "id=nope": "", "sort_key=name&sort_dir=asc": "abc",
		"sort_key=name&sort_dir=desc": "cba", "admin_state_up=true": "cab", "admin_state_up=False": "", "mtu=1450": "cab", "status=ACTIVE&name=c": "c",
	} {
		if got := names(query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	first := c.want(200, "GET", v2+"networks?router:external=false&limit=2&fields=id", "")
	page := first.body.objs("networks")
	if len(page) != 2 || len(page[0]) != 1 {
		t.Fatalf("%s", first.text)
	}
	link := first.body.objs("networks_links")[0]
	if link.str("rel") != "next" {
		t.Fatalf("%v", link)
	}
	rest := c.want(200, "GET", strings.TrimPrefix(link.str("href"), s.URL()), "")
	if got := rest.body.objs("networks"); len(got) != 1 || got[0].str("id") == page[1].str("id") {
		t.Errorf("%s", rest.text)
	}
	for _, l := range rest.body.objs("networks_links") {
		if l.str("rel") == "next" {
			t.Errorf("the last page has a next one: %v", l)
		}
	}
	c.refused(400, "HTTPBadRequest", "GET", v2+"networks?bogus=1", "")
	for _, query := range []string{
		"networks?created_at=x", "networks?subnets=x", "networks?tag=x", "ports?dns_name=x", "ports?ip_address=x", "routers?status=ACTIVE",
		"security-groups?stateful=true", "security-group-rules?ethertype=IPv4", "security-group-rules?tags=x", "subnets?prefixlen=24",
	} {
		c.refused(400, "HTTPBadRequest", "GET", v2+query, "")
	}
	c.refused(400, "HTTPBadRequest", "GET", v2+"networks?sort_key=name", "")
	c.refused(400, "BadRequest", "GET", v2+"networks?limit=x", "")
	c.refused(404, "NetworkNotFound", "GET", v2+"networks?limit=1&marker="+noUUID, "")
	if got := c.want(200, "GET", v2+"networks/"+ids[0]+"?fields=name", "").text; got != `{"network":{"name":"c"}}` {
		t.Error(got)
	}
}

func TestExtensionsAndZones(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	list := c.want(200, "GET", v2+"extensions", "").body.objs("extensions")
	if !slices.ContainsFunc(list, func(e object) bool { return e.str("alias") == "security-group" }) {
		t.Errorf("%v", list)
	}
	c.want(200, "GET", v2+"extensions/standard-attr-tag", "")
	c.want(404, "GET", v2+"extensions/nope", "")
	if got := c.want(200, "GET", v2+"availability_zones", "").body.objs("availability_zones"); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

func TestMovingAddresses(t *testing.T) {
	for _, test := range []struct {
		from  string
		steps uint64
		plus  string
		minus string
	}{
		{"10.0.0.255", 1, "10.0.1.0", "10.0.0.254"},
		{"10.0.1.0", 1, "10.0.1.1", "10.0.0.255"},
		{"10.1.0.0", 65536, "10.2.0.0", "10.0.0.0"},
		{"fd00::", 256, "fd00::100", "fcff:ffff:ffff:ffff:ffff:ffff:ffff:ff00"},
		{"10.0.0.9", 0, "10.0.0.9", "10.0.0.9"},
	} {
		from := netip.MustParseAddr(test.from)
		if got := plus(from, test.steps).String(); got != test.plus {
			t.Errorf("%s + %d = %s, want %s", from, test.steps, got, test.plus)
		}
		if got := minus(from, test.steps).String(); got != test.minus {
			t.Errorf("%s - %d = %s, want %s", from, test.steps, got, test.minus)
		}
	}
}
