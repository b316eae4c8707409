package conformance

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

func (a *api) makeNetwork(t *testing.T, name string) string {
	t.Helper()
	return a.make(t, "/networks", "network", obj{"name": a.name(name)})["id"].(string)
}

// makeSubnet makes a subnet of 256 addresses. The lower half is for those that a test chooses: no other port gets one of them.
func (a *api) makeSubnet(t *testing.T, network, cidr string) string {
	t.Helper()
	base := strings.TrimSuffix(cidr, "0/24")
	pools := list{obj{"start": base + "129", "end": base + "254"}}
	return a.make(t, "/subnets", "subnet", obj{
		"name": a.name("subnet"), "network_id": network, "ip_version": 4, "cidr": cidr, "allocation_pools": pools,
	})["id"].(string)
}

func (a *api) makePort(t *testing.T, network string, more obj) obj {
	t.Helper()
	in := obj{"name": a.name("port"), "network_id": network}
	for key, value := range more {
		in[key] = value
	}
	return a.make(t, "/ports", "port", in)
}

// external is the network from which floating IPs come: one with an IPv4 subnet that users can see.
func (a *api) external(t *testing.T) string {
	t.Helper()
	for _, network := range a.get(t, "/networks?router:external=true").list(t, "networks") {
		if dig(network, "name") == "ext-floating1" {
			return dig(network, "id").(string)
		}
	}
	return a.get(t, "/networks?router:external=true").str(t, "networks.0.id")
}

func TestNetwork(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	n := s.network(t)
	made := n.make(t, "/networks", "network", obj{"name": c.name("one")})
	id := made["id"].(string)

	whole := obj{
		"id": anUUID, "name": c.name("one"), "project_id": s.projectID, "tenant_id": s.projectID, "admin_state_up": true,
		"status": "ACTIVE", "mtu": aNumber, "shared": false, "router:external": false, "port_security_enabled": true,
		"description": "", "subnets": list{}, "tags": list{}, "revision_number": aNumber, "created_at": aTimeZ, "updated_at": aTimeZ,
		"availability_zones": list{}, "availability_zone_hints": list{}, "ipv4_address_scope": nil, "ipv6_address_scope": nil,
		"provider:network_type": missing, "provider:segmentation_id": missing,
	}
	t.Run("a new network has these defaults", func(t *testing.T) { is(t, "network", made, whole) })
	t.Run("reading it gives the same", func(t *testing.T) {
		is(t, "network", n.get(t, "/networks/"+id).at("network"), whole)
	})
	t.Run("an update keeps the rest and counts the revision up", func(t *testing.T) {
		before := dig(n.get(t, "/networks/"+id).body, "network", "revision_number").(float64)
		a := n.want(t, http.StatusOK, "PUT", "/networks/"+id, obj{"network": obj{"description": "d", "mtu": 1300, "admin_state_up": false, "port_security_enabled": false}})
		is(t, "network", a.at("network"), obj{"name": c.name("one"), "description": "d", "mtu": 1300, "admin_state_up": false, "port_security_enabled": false})
		if after := a.at("network.revision_number").(float64); after <= before {
			t.Errorf("revision is %v after %v", after, before)
		}
	})
	n.refuses(t,
		refusal{"an unknown id is 404", "GET", "/networks/" + nobody, nil, 404, "NetworkNotFound", "Network " + nobody + " could not be found."},
		refusal{"updating an unknown id is 404", "PUT", "/networks/" + nobody, obj{"network": obj{"name": "x"}}, 404, "NetworkNotFound", "could not be found"},
		refusal{"deleting an unknown id is 404", "DELETE", "/networks/" + nobody, nil, 404, "NetworkNotFound", "could not be found"},
		refusal{"an unknown attribute is 400", "POST", "/networks", obj{"network": obj{"name": c.name("x"), "colour": "red"}}, 400, "HTTPBadRequest", "Unrecognized attribute(s) 'colour'"},
		refusal{"tags at creation are 400", "POST", "/networks", obj{"network": obj{"name": c.name("x"), "tags": list{"a"}}}, 400, "HTTPBadRequest", "Attribute 'tags' not allowed in POST"},
		refusal{"a read-only attribute is 400", "PUT", "/networks/" + id, obj{"network": obj{"status": "DOWN"}}, 400, "HTTPBadRequest", "Cannot update read-only attribute status"},
		refusal{"a value of the wrong type is 400", "POST", "/networks", obj{"network": obj{"name": c.name("x"), "admin_state_up": "maybe"}}, 400, "InvalidInput", "Invalid input for operation: 'maybe' cannot be converted to boolean."},
		refusal{"a name that is too long is 400", "POST", "/networks", obj{"network": obj{"name": strings.Repeat("x", 256)}}, 400, "HTTPBadRequest", "Invalid input for name. Reason: '" + strings.Repeat("x", 256) + "' exceeds maximum length of 255."},
		refusal{"a provider attribute is 403 for members", "POST", "/networks", obj{"network": obj{"name": c.name("x"), "provider:network_type": "vlan"}}, 403, "PolicyNotAuthorized", "disallowed by policy"},
		refusal{"sharing is 403 for members", "POST", "/networks", obj{"network": obj{"name": c.name("x"), "shared": true}}, 403, "PolicyNotAuthorized", "disallowed by policy"},
		refusal{"a body with another noun is 400", "POST", "/networks", obj{"net": obj{}}, 400, "HTTPBadRequest", "network"},
	)
	t.Run("an unknown path is 404", func(t *testing.T) { n.want(t, http.StatusNotFound, "GET", "/colours", nil) })
	n.with("If-Match", "revision_number=0").refuses(t,
		refusal{"a stale revision is 412", "PUT", "/networks/" + id, obj{"network": obj{"name": "x"}}, 412, "RevisionNumberConstraintFailed", "Constrained to 0, but current revision is "})
	t.Run("the right revision is accepted", func(t *testing.T) {
		revision := shown(n.get(t, "/networks/"+id).at("network.revision_number"), true)
		n.with("If-Match", "revision_number="+revision).want(t, http.StatusOK, "PUT", "/networks/"+id, obj{"network": obj{"description": "e"}})
	})
	t.Run("another project gets 404", func(t *testing.T) {
		c.as(t, "demo2").network(t).refuses(t,
			refusal{"read", "GET", "/networks/" + id, nil, 404, "NetworkNotFound", "could not be found"},
			refusal{"delete", "DELETE", "/networks/" + id, nil, 404, "NetworkNotFound", "could not be found"})
	})
	t.Run("external networks are visible to every project", func(t *testing.T) {
		is(t, "network", n.get(t, "/networks/"+n.external(t)).at("network"), obj{"router:external": true, "shared": false, "subnets": aList, "status": "ACTIVE"})
	})
	n.refuses(t,
		refusal{"an external network cannot be deleted by a member", "DELETE", "/networks/" + n.external(t), nil, 403, "PolicyNotAuthorized", "rule:delete_network is disallowed by policy"})
}

func TestNetworkDiscovery(t *testing.T) {
	c := open(t, simulator.Options{})
	n := c.login(t).network(t)
	t.Run("the root tells the versions to everybody", func(t *testing.T) {
		a := n.with("X-Auth-Token", "").get(t, strings.TrimSuffix(n.base, "v2.0"))
		is(t, "version", a.at("versions.0"), obj{"id": "v2.0", "status": "CURRENT", "links": aList})
	})
	t.Run("extensions have aliases", func(t *testing.T) {
		have := map[string]bool{}
		for _, alias := range n.get(t, "/extensions?fields=alias").column(t, "extensions", "alias") {
			have[alias] = true
		}
		for _, alias := range []string{"router", "security-group", "quotas", "quota_details", "standard-attr-tag", "standard-attr-revisions", "port-security", "allowed-address-pairs", "net-mtu", "subnet_allocation", "ext-gw-mode", "external-net", "extraroute", "project-id"} {
			if !have[alias] {
				t.Errorf("no extension %s", alias)
			}
		}
		is(t, "extension", n.get(t, "/extensions/router").at("extension"), obj{"alias": "router", "name": someText, "description": someText})
	})
	t.Run("an unknown extension is 404", func(t *testing.T) { n.want(t, http.StatusNotFound, "GET", "/extensions/colour", nil) })
}

// Lists, with the filters that batched reads and lookups by name are made of.
func TestNetworkLists(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	n := s.network(t)
	bulk := n.want(t, http.StatusCreated, "POST", "/networks", obj{"networks": list{
		obj{"name": c.name("a"), "description": c.prefix}, obj{"name": c.name("b"), "description": c.prefix}, obj{"name": c.name("b"), "description": c.prefix},
	}})
	var ids []string
	for _, network := range bulk.list(t, "networks") {
		ids = append(ids, dig(network, "id").(string))
		n.deleteAfter(t, "/networks/"+dig(network, "id").(string))
	}
	mine := "/networks?description=" + c.prefix
	names := func(t *testing.T, query string) []string {
		t.Helper()
		return n.get(t, mine+query).column(t, "networks", "name")
	}

	t.Run("a bulk create answers all in the order of the request", func(t *testing.T) {
		same(t, "first", bulk.at("networks.0.name"), c.name("a"))
		same(t, "names", bulk.column(t, "networks", "name"), []string{c.name("a"), c.name("b"), c.name("b")})
	})
	t.Run("a bulk create is all or nothing", func(t *testing.T) {
		n.want(t, http.StatusForbidden, "POST", "/networks", obj{"networks": list{
			obj{"name": c.name("c"), "description": c.prefix}, obj{"name": c.name("d"), "description": c.prefix, "shared": true},
		}})
		same(t, "names", names(t, ""), []string{c.name("a"), c.name("b"), c.name("b")})
	})
	t.Run("a name finds every network of that name and no other", func(t *testing.T) {
		same(t, "one", names(t, "&name="+c.name("a")), []string{c.name("a")})
		same(t, "two", names(t, "&name="+c.name("b")), []string{c.name("b"), c.name("b")})
		same(t, "part of a name", names(t, "&name="+c.prefix), []string{})
	})
	t.Run("a repeated id finds each of them", func(t *testing.T) {
		same(t, "names", n.get(t, "/networks?id="+ids[0]+"&id="+ids[1]).column(t, "networks", "name"), []string{c.name("a"), c.name("b")})
		same(t, "with an unknown one", n.get(t, "/networks?id="+ids[0]+"&id="+nobody).column(t, "networks", "id"), []string{ids[0]})
	})
	t.Run("filters are combined by and", func(t *testing.T) {
		same(t, "names", names(t, "&name="+c.name("a")+"&id="+ids[1]), []string{})
	})
	t.Run("fields choose what is sent", func(t *testing.T) {
		first := n.get(t, mine+"&fields=name&fields=mtu").at("networks.0")
		is(t, "network", first, obj{"name": someText, "mtu": aNumber, "id": missing, "status": missing})
	})
	t.Run("pages are linked by next until the last", func(t *testing.T) {
		a := n.get(t, mine+"&limit=2&sort_key=name&sort_dir=asc")
		same(t, "first page", len(a.list(t, "networks")), 2)
		same(t, "first name", a.at("networks.0.name"), c.name("a"))
		next := ""
		for _, link := range a.list(t, "networks_links") {
			if dig(link, "rel") == "next" {
				next = dig(link, "href").(string)
			}
		}
		if next == "" {
			t.Fatalf("no next link in %s", a.text)
		}
		b := n.get(t, next)
		same(t, "second page", b.column(t, "networks", "name"), []string{c.name("b")})
		for _, link := range b.list(t, "networks_links") {
			if dig(link, "rel") == "next" && len(n.get(t, dig(link, "href").(string)).list(t, "networks")) != 0 {
				t.Errorf("a page follows the last: %v", link)
			}
		}
	})
	t.Run("without a limit there are no links", func(t *testing.T) {
		is(t, "list", n.get(t, mine).body, obj{"networks": aList, "networks_links": missing})
	})
	t.Run("sorting may go down", func(t *testing.T) {
		same(t, "first name", n.get(t, mine+"&sort_key=name&sort_dir=desc").at("networks.0.name"), c.name("b"))
	})
	t.Run("a filter by an unknown attribute is 400", func(t *testing.T) {
		n.refuses(t, refusal{"refused", "GET", "/networks?colour=red", nil, 400, "HTTPBadRequest", "colour"})
	})
	t.Run("a marker that is not there is 404", func(t *testing.T) {
		n.want(t, http.StatusNotFound, "GET", "/networks?limit=1&marker="+nobody, nil)
	})
}

func TestNetworkTags(t *testing.T) {
	c := open(t, simulator.Options{})
	n := c.login(t).network(t)
	first, second := n.makeNetwork(t, "first"), n.makeNetwork(t, "second")
	tags := func(t *testing.T) any { t.Helper(); return n.get(t, "/networks/"+first).at("network.tags") }
	count := func(t *testing.T, query string) []string {
		t.Helper()
		return n.get(t, "/networks?id="+first+"&id="+second+"&"+query).column(t, "networks", "name")
	}

	t.Run("replacing answers the tags, sorted or not", func(t *testing.T) {
		a := n.want(t, http.StatusOK, "PUT", "/networks/"+first+"/tags", obj{"tags": list{c.name("red"), c.name("blue")}})
		same(t, "number of tags", len(a.list(t, "tags")), 2)
		n.want(t, http.StatusOK, "PUT", "/networks/"+second+"/tags", obj{"tags": list{c.name("red"), "with space: and/=+"}})
	})
	t.Run("tags= wants all, tags-any one, not-tags none of them", func(t *testing.T) {
		red, blue := c.name("red"), c.name("blue")
		same(t, "tags", count(t, "tags="+red+","+blue), []string{c.name("first")})
		same(t, "tags-any", count(t, "tags-any="+red+","+blue), []string{c.name("first"), c.name("second")})
		same(t, "not-tags", count(t, "not-tags="+blue), []string{c.name("second")})
		same(t, "not-tags-any", count(t, "not-tags-any="+red+","+blue), []string{})
	})
	t.Run("a tag may have odd letters", func(t *testing.T) {
		same(t, "found", count(t, "tags="+url.QueryEscape("with space: and/=+")), []string{c.name("second")})
	})
	t.Run("one tag is added with 201 and null, and found with 204", func(t *testing.T) {
		same(t, "body", n.want(t, http.StatusCreated, "PUT", "/networks/"+first+"/tags/green", nil).text, "null")
		n.want(t, http.StatusNoContent, "GET", "/networks/"+first+"/tags/green", nil)
		same(t, "list", len(n.get(t, "/networks/"+first+"/tags").list(t, "tags")), 3)
	})
	n.refuses(t,
		refusal{"asking for a tag that is not there is 404", "GET", "/networks/" + first + "/tags/none", nil, 404, "TagNotFound", "Tag none could not be found."},
		refusal{"removing a tag that is not there is 404", "DELETE", "/networks/" + first + "/tags/none", nil, 404, "TagNotFound", "Tag none could not be found."},
		refusal{"a tag that is too long is 400", "PUT", "/networks/" + first + "/tags", obj{"tags": list{strings.Repeat("x", 256)}}, 400, "InvalidInput", "exceeds maximum length of"},
	)
	t.Run("removing one leaves the others", func(t *testing.T) {
		n.want(t, http.StatusNoContent, "DELETE", "/networks/"+first+"/tags/green", nil)
		same(t, "number of tags", len(tags(t).(list)), 2)
	})
	t.Run("an update of the network keeps its tags", func(t *testing.T) {
		n.want(t, http.StatusOK, "PUT", "/networks/"+first, obj{"network": obj{"description": "x"}})
		same(t, "number of tags", len(tags(t).(list)), 2)
	})
	t.Run("removing all is 204", func(t *testing.T) {
		n.want(t, http.StatusNoContent, "DELETE", "/networks/"+first+"/tags", nil)
		same(t, "tags", tags(t), list{})
	})
	t.Run("every kind that the provider tags takes tags", func(t *testing.T) {
		subnet := n.makeSubnet(t, first, "10.31.0.0/24")
		port := n.makePort(t, first, nil)["id"].(string)
		router := n.make(t, "/routers", "router", obj{"name": c.name("router")})["id"].(string)
		group := n.make(t, "/security-groups", "security_group", obj{"name": c.name("group")})["id"].(string)
		for path, noun := range map[string]string{
			"/subnets/" + subnet: "subnet", "/ports/" + port: "port", "/routers/" + router: "router", "/security-groups/" + group: "security_group",
		} {
			n.want(t, http.StatusOK, "PUT", path+"/tags", obj{"tags": list{"one"}})
			same(t, noun+" tags", n.get(t, path).at(noun+".tags"), list{"one"})
		}
	})
}

func TestSubnet(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	n := s.network(t)
	network := n.makeNetwork(t, "net")
	made := n.make(t, "/subnets", "subnet", obj{"network_id": network, "ip_version": 4, "cidr": "10.32.0.0/24"})
	id := made["id"].(string)
	whole := obj{
		"id": anUUID, "name": "", "network_id": network, "project_id": s.projectID, "tenant_id": s.projectID, "ip_version": 4, "cidr": "10.32.0.0/24",
		"gateway_ip": "10.32.0.1", "allocation_pools": list{obj{"start": "10.32.0.2", "end": "10.32.0.254"}}, "enable_dhcp": true,
		"dns_nameservers": list{}, "host_routes": list{}, "ipv6_address_mode": nil, "ipv6_ra_mode": nil, "subnetpool_id": nil,
		"description": "", "tags": list{}, "service_types": list{}, "revision_number": aNumber, "created_at": aTimeZ, "updated_at": aTimeZ,
	}
	t.Run("a new subnet has these defaults", func(t *testing.T) {
		is(t, "subnet", made, whole)
		is(t, "read again", n.get(t, "/subnets/"+id).at("subnet"), whole)
		same(t, "subnets of the network", n.get(t, "/networks/"+network).at("network.subnets"), list{id})
	})
	create := func(in obj) obj {
		for key, value := range (obj{"network_id": network, "ip_version": 4}) {
			if _, ok := in[key]; !ok {
				in[key] = value
			}
		}
		return obj{"subnet": in}
	}
	for name, pair := range map[string]struct{ in, want obj }{
		"a null gateway is none, and its address can be given away": {
			obj{"cidr": "10.33.0.0/29", "gateway_ip": nil},
			obj{"gateway_ip": nil, "allocation_pools": list{obj{"start": "10.33.0.1", "end": "10.33.0.6"}}},
		},
		"a gateway in the middle splits the pool": {
			obj{"cidr": "10.33.1.0/29", "gateway_ip": "10.33.1.3"},
			obj{"allocation_pools": list{obj{"start": "10.33.1.1", "end": "10.33.1.2"}, obj{"start": "10.33.1.4", "end": "10.33.1.6"}}},
		},
		"pools, servers and routes are kept": {
			obj{
				"cidr": "10.33.2.0/24", "allocation_pools": list{obj{"start": "10.33.2.10", "end": "10.33.2.20"}}, "enable_dhcp": false,
				"dns_nameservers": list{"9.9.9.9", "1.1.1.1"}, "host_routes": list{obj{"destination": "10.99.0.0/16", "nexthop": "10.33.2.5"}},
			},
			obj{
				"allocation_pools": list{obj{"start": "10.33.2.10", "end": "10.33.2.20"}}, "enable_dhcp": false, "gateway_ip": "10.33.2.1",
				"dns_nameservers": list{"9.9.9.9", "1.1.1.1"}, "host_routes": list{obj{"destination": "10.99.0.0/16", "nexthop": "10.33.2.5"}},
			},
		},
		"host bits of a CIDR are dropped": {
			obj{"cidr": "10.33.3.5/24"},
			obj{"cidr": "10.33.3.0/24", "gateway_ip": "10.33.3.1"},
		},
		"an IPv6 subnet keeps its modes": {
			obj{"ip_version": 6, "cidr": "fd00:32::/64", "ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"},
			obj{"gateway_ip": "fd00:32::", "ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac", "enable_dhcp": true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := n.make(t, "/subnets", "subnet", create(pair.in)["subnet"].(obj))
			// The database sorts pools as it likes.
			if pools, ok := got["allocation_pools"].(list); ok && len(pools) == 2 && dig(pools[0], "start").(string) > dig(pools[1], "start").(string) {
				pools[0], pools[1] = pools[1], pools[0]
			}
			is(t, "subnet", got, pair.want)
		})
	}
	t.Run("the default pool gives a CIDR", func(t *testing.T) {
		if len(n.get(t, "/subnetpools?is_default=true&ip_version=4").list(t, "subnetpools")) == 0 {
			t.Skip("the cloud has no default subnet pool")
		}
		pooled := n.make(t, "/subnets", "subnet", obj{"network_id": n.makeNetwork(t, "pooled"), "ip_version": 4, "use_default_subnetpool": true, "prefixlen": 26})
		is(t, "subnet", pooled, obj{"subnetpool_id": anUUID, "cidr": containing("/26"), "use_default_subnetpool": missing})
	})
	post := func(name string, status int, kind, words string, in obj) refusal {
		return refusal{name, "POST", "/subnets", create(in), status, kind, words}
	}
	n.refuses(t,
		post("an overlap is 400", 400, "InvalidInput", "overlaps with another subnet", obj{"cidr": "10.32.0.128/25"}),
		post("no CIDR at all is 400", 400, "BadRequest", "a subnetpool must be specified in the absence of a cidr", obj{}),
		post("text as CIDR is 400", 400, "InvalidInput", "ten is not in a CIDR format.", obj{"cidr": "ten"}),
		post("an IPv6 CIDR in an IPv4 subnet is 400", 400, "InvalidInput", "does not match the ip_version '4'", obj{"cidr": "fd00:33::/64"}),
		post("a pool outside the CIDR is 400", 400, "OutOfBoundsAllocationPool", "spans beyond the subnet cidr 10.34.0.0/24", obj{"cidr": "10.34.0.0/24", "allocation_pools": list{obj{"start": "10.35.0.1", "end": "10.35.0.9"}}}),
		post("pools that overlap are 409", 409, "OverlappingAllocationPools", "Found overlapping allocation pools", obj{"cidr": "10.34.0.0/24", "allocation_pools": list{obj{"start": "10.34.0.10", "end": "10.34.0.20"}, obj{"start": "10.34.0.15", "end": "10.34.0.30"}}}),
		post("a gateway inside a pool is 409", 409, "GatewayConflictWithAllocationPools", "Gateway ip 10.34.0.15 conflicts with allocation pool", obj{"cidr": "10.34.0.0/24", "gateway_ip": "10.34.0.15", "allocation_pools": list{obj{"start": "10.34.0.10", "end": "10.34.0.20"}}}),
		post("a pool turned round is 400", 400, "InvalidAllocationPool", "is not valid", obj{"cidr": "10.34.0.0/24", "allocation_pools": list{obj{"start": "10.34.0.20", "end": "10.34.0.10"}}}),
		post("an unknown network is 404", 404, "NetworkNotFound", nobody, obj{"cidr": "10.34.0.0/24", "network_id": nobody}),
		post("modes in an IPv4 subnet are 400", 400, "InvalidInput", "ipv6_ra_mode is not valid when ip_version is 4", obj{"cidr": "10.34.0.0/24", "ipv6_ra_mode": "slaac"}),
		post("a name server that is no address is 400", 400, "HTTPBadRequest", "Invalid input for dns_nameservers.", obj{"cidr": "10.34.0.0/24", "dns_nameservers": list{"dns.example"}}),
		post("a name server twice is 400", 400, "HTTPBadRequest", "Invalid input for dns_nameservers. Reason: Duplicate nameserver", obj{"cidr": "10.34.0.0/24", "dns_nameservers": list{"9.9.9.9", "9.9.9.9"}}),
		post("a pool beside a subnet without one is 400", 400, "NetworkSubnetPoolAffinityError", "same subnet pool", obj{"use_default_subnetpool": true}),
		post("an ip_version of 5 is 400", 400, "HTTPBadRequest", "Invalid input for ip_version.", obj{"cidr": "10.34.0.0/24", "ip_version": 5}),
		post("a subnet on an external network is refused", 403, "HTTPForbidden", "not allowed to create subnet on this network", obj{"cidr": "10.34.0.0/24", "network_id": n.external(t)}),
		refusal{"the CIDR cannot be changed", "PUT", "/subnets/" + id, obj{"subnet": obj{"cidr": "10.36.0.0/24"}}, 400, "HTTPBadRequest", "Cannot update read-only attribute cidr"},
		refusal{"an unknown id is 404", "GET", "/subnets/" + nobody, nil, 404, "SubnetNotFound", "Subnet " + nobody + " could not be found."},
	)
	t.Run("an update replaces lists as a whole", func(t *testing.T) {
		a := n.want(t, http.StatusOK, "PUT", "/subnets/"+id, obj{"subnet": obj{
			"name": "x", "dns_nameservers": list{"9.9.9.9"}, "enable_dhcp": false, "gateway_ip": nil,
			"allocation_pools": list{obj{"start": "10.32.0.100", "end": "10.32.0.200"}}, "host_routes": list{obj{"destination": "10.98.0.0/16", "nexthop": "10.32.0.9"}},
		}})
		is(t, "subnet", a.at("subnet"), obj{
			"name": "x", "dns_nameservers": list{"9.9.9.9"}, "enable_dhcp": false, "gateway_ip": nil, "cidr": "10.32.0.0/24",
			"allocation_pools": list{obj{"start": "10.32.0.100", "end": "10.32.0.200"}}, "host_routes": list{obj{"destination": "10.98.0.0/16", "nexthop": "10.32.0.9"}},
		})
		b := n.want(t, http.StatusOK, "PUT", "/subnets/"+id, obj{"subnet": obj{"dns_nameservers": list{}, "host_routes": list{}, "gateway_ip": "10.32.0.254"}})
		is(t, "subnet", b.at("subnet"), obj{"dns_nameservers": list{}, "host_routes": list{}, "gateway_ip": "10.32.0.254"})
	})
	t.Run("lists filter by network, CIDR and name", func(t *testing.T) {
		same(t, "by cidr", n.get(t, "/subnets?network_id="+network+"&cidr=10.32.0.0/24").column(t, "subnets", "id"), []string{id})
		same(t, "by name", n.get(t, "/subnets?network_id="+network+"&name=x").column(t, "subnets", "id"), []string{id})
		same(t, "by ip_version", n.get(t, "/subnets?network_id="+network+"&ip_version=6&cidr=10.32.0.0/24").column(t, "subnets", "id"), []string{})
	})
	t.Run("with a port it cannot be deleted, and neither can the network", func(t *testing.T) {
		port := n.makePort(t, network, obj{"fixed_ips": list{obj{"subnet_id": id}}})["id"].(string)
		n.refuses(t,
			refusal{"subnet", "DELETE", "/subnets/" + id, nil, 409, "SubnetInUse", "Unable to complete operation on subnet " + id + ": One or more ports have an IP allocation from this subnet."},
			refusal{"network", "DELETE", "/networks/" + network, nil, 409, "NetworkInUse", "Unable to complete operation on network " + network + ". There are one or more ports still in use on the network"})
		n.want(t, http.StatusNoContent, "DELETE", "/ports/"+port, nil)
	})
	t.Run("a network without ports takes its subnets along", func(t *testing.T) {
		other := n.makeNetwork(t, "short")
		subnet := n.makeSubnet(t, other, "10.37.0.0/24")
		n.want(t, http.StatusNoContent, "DELETE", "/networks/"+other, nil)
		n.want(t, http.StatusNotFound, "GET", "/subnets/"+subnet, nil)
	})
	t.Run("bulk is all or nothing", func(t *testing.T) {
		other := n.makeNetwork(t, "bulk")
		n.want(t, http.StatusBadRequest, "POST", "/subnets", obj{"subnets": list{
			create(obj{"network_id": other, "cidr": "10.38.0.0/24"})["subnet"], create(obj{"network_id": other, "cidr": "10.38.0.0/25"})["subnet"],
		}})
		same(t, "subnets", n.get(t, "/subnets?network_id="+other).at("subnets"), list{})
		a := n.want(t, http.StatusCreated, "POST", "/subnets", obj{"subnets": list{
			create(obj{"network_id": other, "cidr": "10.38.0.0/24"})["subnet"], create(obj{"network_id": other, "cidr": "10.38.1.0/24"})["subnet"],
		}})
		same(t, "subnets", len(a.list(t, "subnets")), 2)
	})
}

func TestPort(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	n := s.network(t)
	network := n.makeNetwork(t, "net")
	subnet := n.makeSubnet(t, network, "10.41.0.0/24")
	made := n.makePort(t, network, nil)
	id := made["id"].(string)
	fallback := n.get(t, "/security-groups?name=default").str(t, "security_groups.0.id")
	whole := obj{
		"id": anUUID, "name": c.name("port"), "network_id": network, "project_id": s.projectID, "tenant_id": s.projectID, "admin_state_up": true,
		"status": "DOWN", "mac_address": text("a MAC address", `^([0-9a-f]{2}:){5}[0-9a-f]{2}$`), "device_id": "", "device_owner": "",
		"security_groups": list{fallback}, "allowed_address_pairs": list{}, "extra_dhcp_opts": list{}, "port_security_enabled": true,
		"binding:vnic_type": "normal", "binding:host_id": missing, "description": "", "tags": list{}, "fixed_ips": aList,
		"revision_number": aNumber, "created_at": aTimeZ, "updated_at": aTimeZ,
	}
	t.Run("a new port has these defaults", func(t *testing.T) {
		is(t, "port", made, whole)
		is(t, "read again", n.get(t, "/ports/"+id).at("port"), whole)
		is(t, "address", dig(made, "fixed_ips", "0"), obj{"subnet_id": subnet, "ip_address": containing("10.41.0.")})
	})
	for name, pair := range map[string]struct{ in, want obj }{
		"an address can be chosen":           {obj{"fixed_ips": list{obj{"ip_address": "10.41.0.77"}}}, obj{"fixed_ips": list{obj{"subnet_id": subnet, "ip_address": "10.41.0.77"}}}},
		"no addresses at all are possible":   {obj{"fixed_ips": list{}}, obj{"fixed_ips": list{}}},
		"no security group is possible":      {obj{"security_groups": list{}}, obj{"security_groups": list{}}},
		"port security can be off":           {obj{"port_security_enabled": false}, obj{"port_security_enabled": false, "security_groups": list{}}},
		"a MAC address is kept in lowercase": {obj{"mac_address": "FA:16:3E:00:41:01"}, obj{"mac_address": someText}},
		"address pairs get the port's MAC":   {obj{"mac_address": "fa:16:3e:00:41:02", "allowed_address_pairs": list{obj{"ip_address": "10.0.0.0/16"}}}, obj{"allowed_address_pairs": list{obj{"ip_address": "10.0.0.0/16", "mac_address": "fa:16:3e:00:41:02"}}}},
	} {
		t.Run(name, func(t *testing.T) { is(t, "port", n.makePort(t, network, pair.in), pair.want) })
	}
	post := func(name string, status int, kind, words string, in obj) refusal {
		body := obj{"network_id": network, "name": c.name("x")}
		for key, value := range in {
			body[key] = value
		}
		return refusal{name, "POST", "/ports", obj{"port": body}, status, kind, words}
	}
	taken := n.makePort(t, network, obj{"fixed_ips": list{obj{"ip_address": "10.41.0.78"}}, "mac_address": "fa:16:3e:00:41:03"})
	n.refuses(t,
		post("a taken address is 409", 409, "IpAddressAlreadyAllocated", "IP address 10.41.0.78 already allocated in subnet "+subnet, obj{"fixed_ips": list{obj{"ip_address": "10.41.0.78"}}}),
		post("a taken MAC address is 409", 409, "MacAddressInUse", "fa:16:3e:00:41:03 is in use", obj{"mac_address": taken["mac_address"]}),
		post("an address outside every subnet is 400", 400, "InvalidIpForNetwork", "IP address 10.99.0.1 is not a valid IP for any of the subnets on the specified network", obj{"fixed_ips": list{obj{"ip_address": "10.99.0.1"}}}),
		post("an address outside its subnet is 400", 400, "InvalidIpForSubnet", "IP address 10.99.0.1 is not a valid IP for the specified subnet", obj{"fixed_ips": list{obj{"ip_address": "10.99.0.1", "subnet_id": subnet}}}),
		post("an unknown subnet is 404", 404, "SubnetNotFound", nobody, obj{"fixed_ips": list{obj{"subnet_id": nobody}}}),
		post("an unknown network is 404", 404, "NetworkNotFound", nobody, obj{"network_id": nobody}),
		post("an unknown security group is 404", 404, "SecurityGroupNotFound", "Security group "+nobody+" does not exist", obj{"security_groups": list{nobody}}),
		post("groups without port security are 400", 400, "PortSecurityAndIPRequiredForSecurityGroups", "Port security must be enabled", obj{"port_security_enabled": false, "security_groups": list{fallback}}),
		post("pairs without port security are 409", 409, "AddressPairAndPortSecurityRequired", "Port Security must be enabled", obj{"port_security_enabled": false, "allowed_address_pairs": list{obj{"ip_address": "10.0.0.1"}}}),
		post("a port on an external network is 403", 403, "HTTPForbidden", "not allowed to create port on this network", obj{"network_id": n.external(t)}),
		post("a host is 403 for members", 403, "PolicyNotAuthorized", "disallowed by policy", obj{"binding:host_id": "x"}),
		post("an address that is none is 400", 400, "HTTPBadRequest", "Invalid input for fixed_ips.", obj{"fixed_ips": list{obj{"ip_address": "ten"}}}),
		refusal{"an unknown id is 404", "GET", "/ports/" + nobody, nil, 404, "PortNotFound", "Port " + nobody + " could not be found."},
		refusal{"the network cannot be changed", "PUT", "/ports/" + id, obj{"port": obj{"network_id": network}}, 400, "HTTPBadRequest", "Cannot update read-only attribute network_id"},
	)
	t.Run("a full subnet is 409", func(t *testing.T) {
		small := n.makeNetwork(t, "small")
		n.make(t, "/subnets", "subnet", obj{"network_id": small, "ip_version": 4, "cidr": "10.42.0.0/30"})
		n.makePort(t, small, nil)
		n.refuses(t, refusal{"refused", "POST", "/ports", obj{"port": obj{"network_id": small}}, 409, "IpAddressGenerationFailure", "No more IP addresses available on network " + small})
	})
	t.Run("an update replaces lists as a whole", func(t *testing.T) {
		group := n.make(t, "/security-groups", "security_group", obj{"name": c.name("group")})["id"].(string)
		a := n.want(t, http.StatusOK, "PUT", "/ports/"+id, obj{"port": obj{
			"security_groups": list{group}, "fixed_ips": list{obj{"subnet_id": subnet, "ip_address": "10.41.0.79"}}, "allowed_address_pairs": list{obj{"ip_address": "10.1.0.0/16"}},
		}})
		is(t, "port", a.at("port"), obj{"security_groups": list{group}, "fixed_ips": list{obj{"subnet_id": subnet, "ip_address": "10.41.0.79"}}})
		n.refuses(t, refusal{"a group in use is 409", "DELETE", "/security-groups/" + group, nil, 409, "SecurityGroupInUse", "Security Group " + group + " in use."})
		b := n.want(t, http.StatusOK, "PUT", "/ports/"+id, obj{"port": obj{"security_groups": list{fallback}, "allowed_address_pairs": list{}}})
		is(t, "port", b.at("port"), obj{"security_groups": list{fallback}, "allowed_address_pairs": list{}, "fixed_ips": list{obj{"subnet_id": subnet, "ip_address": "10.41.0.79"}}})
	})
	t.Run("lists filter by network, device, owner and address", func(t *testing.T) {
		port := n.makePort(t, network, obj{"device_id": c.name("device"), "device_owner": "compute:x", "fixed_ips": list{obj{"ip_address": "10.41.0.80"}}})["id"].(string)
		for _, query := range []string{
			"device_id=" + c.name("device"), "network_id=" + network + "&device_owner=compute:x", "network_id=" + network + "&fixed_ips=ip_address=10.41.0.80",
			"fixed_ips=subnet_id=" + subnet + "&fixed_ips=ip_address=10.41.0.80", "id=" + port,
		} {
			same(t, query, n.get(t, "/ports?"+query).column(t, "ports", "id"), []string{port})
		}
	})
	t.Run("bulk creates several at once, or none", func(t *testing.T) {
		a := n.want(t, http.StatusCreated, "POST", "/ports", obj{"ports": list{
			obj{"network_id": network, "name": c.name("b1")}, obj{"network_id": network, "name": c.name("b2")},
		}})
		for _, port := range a.list(t, "ports") {
			n.deleteAfter(t, "/ports/"+dig(port, "id").(string))
		}
		same(t, "order", a.at("ports.0.name"), c.name("b1"))
		n.want(t, http.StatusConflict, "POST", "/ports", obj{"ports": list{
			obj{"network_id": network, "name": c.name("b3")}, obj{"network_id": network, "name": c.name("b4"), "fixed_ips": list{obj{"ip_address": "10.41.0.78"}}},
		}})
		same(t, "names", n.get(t, "/ports?network_id="+network+"&name="+c.name("b3")).at("ports"), list{})
	})
	t.Run("deleting is 204 once, then 404", func(t *testing.T) {
		n.want(t, http.StatusNoContent, "DELETE", "/ports/"+id, nil)
		n.want(t, http.StatusNotFound, "DELETE", "/ports/"+id, nil)
	})
}

// quotaSession is a session in a project with these quotas of one service: on a real cloud in a project of
// its own that the administrator makes, so that others do not count.
func quotaSession(t *testing.T, kind string, quotas map[string]int) *session {
	t.Helper()
	c := open(t, simulator.Options{Quotas: quotas})
	if !c.real() {
		return c.login(t)
	}
	admin := c.as(t, "admin")
	if a := admin.auth.do(t, "GET", "/roles", nil); a.status != http.StatusOK {
		t.Skip("the cloud admin of clouds.yaml may not make projects with quotas of their own")
	}
	project := admin.auth.make(t, "/projects", "project", obj{"name": c.name("quota"), "domain_id": "default"})["id"].(string)
	// The default group comes into being by itself and outlives its project.
	t.Cleanup(func() {
		n := admin.network(t)
		for _, group := range n.get(t, "/security-groups?project_id="+project).list(t, "security_groups") {
			n.remove(t, "/security-groups/"+dig(group, "id").(string))
		}
	})
	user := c.login(t).userID
	roles := 0
	for _, role := range admin.auth.get(t, "/roles").list(t, "roles") {
		switch dig(role, "name") {
		case "member", "load-balancer_member":
			admin.auth.want(t, http.StatusNoContent, "PUT", "/projects/"+project+"/users/"+user+"/roles/"+dig(role, "id").(string), nil)
			roles++
		}
	}
	if roles == 0 {
		t.Fatal("the cloud has no role member")
	}
	limits := obj{}
	for name, limit := range quotas {
		limits[name] = limit
	}
	switch kind {
	case "network":
		n := admin.network(t)
		n.want(t, http.StatusOK, "PUT", "/quotas/"+project, obj{"quota": limits})
		t.Cleanup(func() { n.want(t, http.StatusNoContent, "DELETE", "/quotas/"+project, nil) })
	case "compute":
		n := admin.compute(t)
		n.want(t, http.StatusOK, "PUT", "/os-quota-sets/"+project, obj{"quota_set": limits})
		t.Cleanup(func() { n.want(t, http.StatusAccepted, "DELETE", "/os-quota-sets/"+project, nil) })
	case "volume":
		v := admin.volume(t)
		v.want(t, http.StatusOK, "PUT", "/os-quota-sets/"+project, obj{"quota_set": limits})
		t.Cleanup(func() { v.want(t, http.StatusOK, "DELETE", "/os-quota-sets/"+project, nil) })
	case "load-balancer":
		l := admin.loadBalancer(t)
		l.want(t, http.StatusAccepted, "PUT", "/quotas/"+project, obj{"quota": limits})
		t.Cleanup(func() { l.want(t, http.StatusAccepted, "DELETE", "/quotas/"+project, nil) })
	}
	who := c.clouds[c.user]
	who.Auth.ProjectID = project
	return c.session(t, who)
}

func TestNetworkQuota(t *testing.T) {
	s := quotaSession(t, "network", map[string]int{"network": 1, "security_group_rule": 7, "security_group": 2, "port": 1})
	n := s.network(t)
	n.get(t, "/security-groups") // makes the default group with its four rules
	t.Run("a user sees limits and use", func(t *testing.T) {
		is(t, "quota", n.get(t, "/quotas/"+s.projectID).at("quota"), obj{"network": 1, "security_group_rule": 7, "port": aNumber, "floatingip": aNumber, "subnet": aNumber, "router": aNumber, "security_group": 2})
		a := n.get(t, "/quotas/"+s.projectID+"/details.json")
		is(t, "network", a.at("quota.network"), obj{"limit": 1, "used": 0, "reserved": 0})
		is(t, "rules", a.at("quota.security_group_rule"), obj{"limit": 7, "used": 4})
	})
	network := n.makeNetwork(t, "first")
	over := func(name, collection string, body obj, resource string) refusal {
		return refusal{name, "POST", collection, body, 409, "OverQuota", "Quota exceeded for resources: ['" + resource + "']"}
	}
	n.refuses(t,
		over("one network too many is 409", "/networks", obj{"network": obj{"name": s.name("second")}}, "network"))
	ports := list{obj{"network_id": network}, obj{"network_id": network}}
	n.refuses(t, over("ports over quota in bulk are 409", "/ports", obj{"ports": ports}, "port"))
	n.makePort(t, network, nil)
	n.refuses(t, over("one port too many is 409", "/ports", obj{"port": obj{"network_id": network}}, "port"))
	group := n.make(t, "/security-groups", "security_group", obj{"name": s.name("group")})["id"].(string)
	rule := func(port int) obj {
		return obj{"security_group_id": group, "direction": "ingress", "protocol": "tcp", "port_range_min": port, "port_range_max": port}
	}
	n.refuses(t,
		over("one group too many is 409", "/security-groups", obj{"security_group": obj{"name": s.name("third")}}, "security_group"),
		over("rules over quota in bulk are 409", "/security-group-rules", obj{"security_group_rules": list{rule(1), rule(2)}}, "security_group_rule"))
	t.Run("of a bulk over quota nothing is kept", func(t *testing.T) {
		same(t, "rules", len(n.get(t, "/security-group-rules?security_group_id="+group).list(t, "security_group_rules")), 2)
		n.want(t, http.StatusCreated, "POST", "/security-group-rules", obj{"security_group_rule": rule(1)})
	})
	n.refuses(t, over("one rule too many is 409", "/security-group-rules", obj{"security_group_rule": rule(2)}, "security_group_rule"))
}

// The two rules of a new group count.
func TestGroupWithoutRoomForItsRules(t *testing.T) {
	s := quotaSession(t, "network", map[string]int{"security_group_rule": 5})
	n := s.network(t)
	n.get(t, "/security-groups")
	n.refuses(t, refusal{"a group whose rules have no room is 409", "POST", "/security-groups", obj{"security_group": obj{"name": s.name("group")}}, 409, "OverQuota", "Quota exceeded for resources: ['security_group_rule']"})
	all := n.get(t, "/security-groups")
	same(t, "groups", all.column(t, "security_groups", "name"), []string{"default"})
	n.refuses(t, refusal{"the default group cannot be deleted: 409", "DELETE", "/security-groups/" + all.str(t, "security_groups.0.id"), nil, 409, "SecurityGroupCannotRemoveDefault", "Insufficient rights for removing default security group."})
}
