package conformance

import (
	"net/http"
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

func TestPortOptions(t *testing.T) {
	c := open(t, simulator.Options{})
	n := c.login(t).network(t)
	network := n.makeNetwork(t, "net")
	first, second := n.makeSubnet(t, network, "10.43.0.0/24"), n.makeSubnet(t, network, "10.44.0.0/24")
	id := n.makePort(t, network, obj{"fixed_ips": list{obj{"subnet_id": first}}})["id"].(string)
	put := func(t *testing.T, in obj) answer {
		t.Helper()
		return n.want(t, http.StatusOK, "PUT", "/ports/"+id, obj{"port": in})
	}
	t.Run("DHCP options are added to those that are there, and null takes one away", func(t *testing.T) {
		is(t, "port", put(t, obj{"extra_dhcp_opts": list{obj{"opt_name": "a", "opt_value": "1"}, obj{"opt_name": "b", "opt_value": "2", "ip_version": 6}}}).at("port"),
			obj{"extra_dhcp_opts": list{obj{"opt_name": "a", "opt_value": "1", "ip_version": 4}, obj{"opt_name": "b", "opt_value": "2", "ip_version": 6}}})
		put(t, obj{"extra_dhcp_opts": list{obj{"opt_name": "a", "opt_value": "3"}}})
		put(t, obj{"extra_dhcp_opts": list{}})
		is(t, "port", put(t, obj{"extra_dhcp_opts": list{obj{"opt_name": "b", "opt_value": nil, "ip_version": 6}}}).at("port"),
			obj{"extra_dhcp_opts": list{obj{"opt_name": "a", "opt_value": "3", "ip_version": 4}}})
	})
	t.Run("an address stays when its subnet is asked for again", func(t *testing.T) {
		before := n.get(t, "/ports/"+id).at("port.fixed_ips.0.ip_address")
		after := put(t, obj{"fixed_ips": list{obj{"subnet_id": first}, obj{"subnet_id": second}}}).list(t, "port.fixed_ips")
		same(t, "addresses", len(after), 2)
		if dig(after, "0", "ip_address") != before && dig(after, "1", "ip_address") != before {
			t.Errorf("%v is not among %v", before, after)
		}
	})
	t.Run("a DNS name is kept in lower case, a MAC address and pairs as they are written", func(t *testing.T) {
		is(t, "port", put(t, obj{"dns_name": "Web"}).at("port"), obj{"dns_name": "web"})
		is(t, "port", put(t, obj{"dns_name": ""}).at("port"), obj{"dns_name": ""})
		is(t, "port", n.makePort(t, network, obj{"mac_address": "FA:16:3E:00:43:01", "allowed_address_pairs": list{obj{"ip_address": "2001:DB8::0:1/64"}}}),
			obj{"mac_address": "FA:16:3E:00:43:01", "allowed_address_pairs": list{obj{"ip_address": "2001:DB8::0:1/64", "mac_address": "FA:16:3E:00:43:01"}}})
	})
	t.Run("port security that comes back brings no groups", func(t *testing.T) {
		is(t, "port", put(t, obj{"port_security_enabled": false, "security_groups": list{}}).at("port"), obj{"port_security_enabled": false, "security_groups": list{}})
		is(t, "port", put(t, obj{"port_security_enabled": true}).at("port"), obj{"port_security_enabled": true, "security_groups": list{}})
	})
	t.Run("tags of a new port are forgotten", func(t *testing.T) {
		is(t, "port", n.makePort(t, network, obj{"tags": list{"a"}}), obj{"tags": list{}})
	})
	post := func(name string, kind, words string, in obj) refusal {
		in["network_id"] = network
		return refusal{name, "POST", "/ports", obj{"port": in}, 400, kind, words}
	}
	n.refuses(t,
		post("an address twice is 400", "HTTPBadRequest", "Invalid input for fixed_ips. Reason: Duplicate IP address '10.43.0.77'.", obj{"fixed_ips": list{obj{"ip_address": "10.43.0.77"}, obj{"ip_address": "10.43.0.77"}}}),
		post("a wish for nothing is 400", "InvalidInput", "IP allocation requires subnet_id or ip_address.", obj{"fixed_ips": list{obj{}}}),
		post("a DHCP option without a value is 400", "InvalidInput", "No valid key specs matched", obj{"extra_dhcp_opts": list{obj{"opt_name": "66"}}}),
		refusal{"no DNS name is 400 when it is null", "PUT", "/ports/" + id, obj{"port": obj{"dns_name": nil}}, 400, "InvalidInput", "Input value None must be string type."},
	)
}

func TestSubnetPoolOfProject(t *testing.T) {
	c := open(t, simulator.Options{})
	n := c.login(t).network(t)
	scope := n.make(t, "/address-scopes", "address_scope", obj{"name": c.name("scope"), "ip_version": 4})
	t.Run("an address scope has neither tags nor an age", func(t *testing.T) {
		is(t, "scope", scope, obj{"id": anUUID, "name": c.name("scope"), "ip_version": 4, "shared": false, "tags": missing, "created_at": missing, "description": missing})
	})
	made := n.make(t, "/subnetpools", "subnetpool", obj{"name": c.name("pool"), "prefixes": list{"10.201.0.0/16", "10.200.0.0/16", "10.200.7.0/24", "10.204.0.0/16"}})
	path := "/subnetpools/" + made["id"].(string)
	t.Run("prefixes are joined, lengths are the IP version's", func(t *testing.T) {
		is(t, "pool", n.get(t, path).at("subnetpool"), obj{
			"prefixes": list{"10.200.0.0/15", "10.204.0.0/16"}, "min_prefixlen": "8", "default_prefixlen": "8", "max_prefixlen": "32", "default_quota": nil,
			"ip_version": 4, "shared": false, "is_default": false, "address_scope_id": nil, "description": "", "tags": list{},
		})
	})
	t.Run("an update grows it", func(t *testing.T) {
		n.want(t, http.StatusOK, "PUT", path, obj{"subnetpool": obj{
			"prefixes": list{"10.200.0.0/14", "10.204.0.0/16"}, "default_prefixlen": 26, "min_prefixlen": 24, "max_prefixlen": 28, "default_quota": 1024, "address_scope_id": scope["id"],
		}})
		is(t, "pool", n.get(t, path).at("subnetpool"), obj{
			"prefixes": list{"10.200.0.0/14", "10.204.0.0/16"}, "default_prefixlen": "26", "min_prefixlen": "24", "max_prefixlen": "28", "default_quota": 1024, "address_scope_id": scope["id"],
		})
		n.refuses(t, refusal{"a scope in use is 409", "DELETE", "/address-scopes/" + scope["id"].(string), nil, 409, "AddressScopeInUse", "in use on the address scope"})
		n.want(t, http.StatusOK, "PUT", path, obj{"subnetpool": obj{"default_quota": 0, "address_scope_id": nil}})
	})
	post := func(name string, status int, kind, words string, in obj) refusal {
		in["name"] = c.name("x")
		return refusal{name, "POST", "/subnetpools", obj{"subnetpool": in}, status, kind, words}
	}
	put := func(name string, kind, words string, in obj) refusal {
		return refusal{name, "PUT", path, obj{"subnetpool": in}, 400, kind, words}
	}
	n.refuses(t,
		post("two IP versions are 400", 400, "PrefixVersionMismatch", "Cannot mix IPv4 and IPv6 prefixes", obj{"prefixes": list{"10.1.0.0/16", "2001:db8::/48"}}),
		post("no prefixes are 400", 400, "EmptySubnetPoolPrefixList", "Empty subnet pool prefix list.", obj{"prefixes": list{}}),
		post("a default below the smallest length is 400", 400, "IllegalSubnetPoolPrefixBounds", "default_prefixlen=4, min_prefixlen=8.", obj{"prefixes": list{"10.1.0.0/16"}, "default_prefixlen": 4}),
		post("a smallest length above the largest is 400", 400, "IllegalSubnetPoolPrefixBounds", "min_prefixlen=28, max_prefixlen=24.", obj{"prefixes": list{"10.1.0.0/16"}, "min_prefixlen": 28, "max_prefixlen": 24}),
		post("sharing is 403 for members", 403, "PolicyNotAuthorized", "create_subnetpool:shared", obj{"prefixes": list{"10.1.0.0/16"}, "shared": true}),
		post("an unknown scope is refused", 404, "AddressScopeNotFound", nobody, obj{"prefixes": list{"10.1.0.0/16"}, "address_scope_id": nobody}),
		put("shrinking is 400", "IllegalSubnetPoolPrefixUpdate", "Existing prefixes must be a subset of the new prefixes.", obj{"prefixes": list{"10.200.0.0/14"}}),
		put("no quota is 400 when it is null", "InvalidInput", "is not an integer", obj{"default_quota": nil}),
		put("a length beyond another is 400", "IllegalSubnetPoolPrefixBounds", "default_prefixlen=26, min_prefixlen=27.", obj{"min_prefixlen": 27}),
	)
	network := n.makeNetwork(t, "net")
	subnet := n.make(t, "/subnets", "subnet", obj{"network_id": network, "ip_version": 4, "subnetpool_id": made["id"], "gateway_ip": nil})
	t.Run("a subnet of a pool has a gateway even when told not to", func(t *testing.T) {
		is(t, "subnet", subnet, obj{"gateway_ip": someText, "cidr": text("a /26", `/26$`)})
		a := n.want(t, http.StatusOK, "PUT", "/subnets/"+subnet["id"].(string), obj{"subnet": obj{"gateway_ip": nil}})
		is(t, "subnet", a.at("subnet"), obj{"gateway_ip": nil})
	})
	t.Run("a network of the pool can be chosen", func(t *testing.T) {
		is(t, "subnet", n.make(t, "/subnets", "subnet", obj{"network_id": network, "ip_version": 4, "subnetpool_id": made["id"], "cidr": "10.204.77.0/26"}), obj{"cidr": "10.204.77.0/26"})
	})
	n.refuses(t, refusal{"a pool in use is 400", "DELETE", path, nil, 400, "SubnetPoolDeleteError", "Subnet pool has existing allocations."})
}

func TestAddressGroup(t *testing.T) {
	c := open(t, simulator.Options{})
	n := c.login(t).network(t)
	made := n.make(t, "/address-groups", "address_group", obj{"name": c.name("list"), "addresses": list{"10.1.0.5/24", "2001:DB8::/48", "10.0.0.5/32"}})
	id := made["id"].(string)
	path := "/address-groups/" + id
	t.Run("it keeps networks, sorted, and has neither tags nor an age", func(t *testing.T) {
		whole := obj{"id": anUUID, "name": c.name("list"), "description": "", "addresses": list{"10.0.0.5/32", "10.1.0.0/24", "2001:db8::/48"}, "tags": missing, "created_at": missing}
		is(t, "group", made, whole)
		is(t, "read again", n.get(t, path).at("address_group"), whole)
	})
	edit := func(t *testing.T, action string, addresses list, want list) {
		t.Helper()
		a := n.want(t, http.StatusOK, "PUT", path+"/"+action, obj{"addresses": addresses})
		is(t, "group", a.at("address_group"), obj{"addresses": want})
	}
	t.Run("addresses are added and removed by requests of their own", func(t *testing.T) {
		edit(t, "add_addresses", list{"10.9.0.0/16"}, list{"10.0.0.5/32", "10.1.0.0/24", "10.9.0.0/16", "2001:db8::/48"})
		edit(t, "remove_addresses", list{"10.1.0.5/24", "10.9.0.0/16"}, list{"10.0.0.5/32", "2001:db8::/48"})
		is(t, "group", n.want(t, http.StatusOK, "PUT", path, obj{"address_group": obj{"description": "d"}}).at("address_group"), obj{"description": "d"})
	})
	group := n.make(t, "/security-groups", "security_group", obj{"name": c.name("group")})["id"].(string)
	rule := obj{"security_group_id": group, "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "remote_address_group_id": id}
	made = n.make(t, "/security-group-rules", "security_group_rule", rule)
	t.Run("a rule refers to it", func(t *testing.T) {
		is(t, "rule", made, obj{"remote_address_group_id": id, "remote_ip_prefix": nil, "remote_group_id": nil})
		same(t, "rules", len(n.get(t, "/security-group-rules?remote_address_group_id="+id).list(t, "security_group_rules")), 1)
	})
	n.refuses(t,
		refusal{"the same rule again is 409", "POST", "/security-group-rules", obj{"security_group_rule": rule}, 409, "SecurityGroupRuleExists", "Security group rule already exists."},
		refusal{"a group in use is 409", "DELETE", path, nil, 409, "AddressGroupInUse", "Address group " + id + " is in use on one or more security group rules."},
		refusal{"adding what is there is 400", "PUT", path + "/add_addresses", obj{"addresses": list{"10.0.0.5/32"}}, 400, "AddressesAlreadyExist", "Addresses ['10.0.0.5/32'] already exist in the address group " + id},
		refusal{"removing what is not there is 404", "PUT", path + "/remove_addresses", obj{"addresses": list{"10.77.0.0/16"}}, 404, "AddressesNotFound", "Addresses ['10.77.0.0/16'] not found in the address group " + id},
		refusal{"addresses are none of an update", "PUT", path, obj{"address_group": obj{"addresses": list{}}}, 400, "HTTPBadRequest", "Cannot update read-only attribute addresses"},
		refusal{"a lone address is 400", "POST", "/address-groups", obj{"address_group": obj{"name": c.name("x"), "addresses": list{"10.0.0.5"}}}, 400, "HTTPBadRequest", "'10.0.0.5' isn't a recognized IP subnet cidr, '10.0.0.5/32' is recommended."},
		refusal{"a network twice is 400", "POST", "/address-groups", obj{"address_group": obj{"name": c.name("x"), "addresses": list{"10.0.0.0/24", "10.0.0.0/24"}}}, 400, "HTTPBadRequest", "Duplicate items in the list: '10.0.0.0/24'."},
		refusal{"an unknown id is 404", "GET", "/address-groups/" + nobody, nil, 404, "AddressGroupNotFound", "Address group " + nobody + " could not be found."},
		refusal{"tags are 400 to filter by", "GET", "/address-groups?tags=a", nil, 400, "HTTPBadRequest", "['tags'] is invalid attribute for filtering"},
	)
}

func TestRouterByAdministrator(t *testing.T) {
	c := open(t, simulator.Options{})
	admin := c.as(t, "admin").network(t)
	n := c.login(t).network(t)
	external := n.external(t)
	router := n.make(t, "/routers", "router", obj{"name": c.name("router"), "external_gateway_info": obj{"network_id": external}})
	path := "/routers/" + router["id"].(string)
	t.Run("only administrators see its kind", func(t *testing.T) {
		is(t, "to a member", router, obj{"distributed": missing, "ha": missing})
		is(t, "to an administrator", admin.get(t, path).at("router"), obj{"distributed": false, "ha": aBool})
	})
	t.Run("its kind changes while it is down", func(t *testing.T) {
		admin.refuses(t,
			refusal{"refused", "PUT", path, obj{"router": obj{"distributed": true}}, 400, "BadRequest", "Please set router admin_state_up to False prior to upgrade."},
			refusal{"also together", "PUT", path, obj{"router": obj{"distributed": true, "admin_state_up": false}}, 400, "BadRequest", "Please set router admin_state_up to False prior to upgrade."})
		admin.want(t, http.StatusOK, "PUT", path, obj{"router": obj{"admin_state_up": false}})
		is(t, "router", admin.want(t, http.StatusOK, "PUT", path, obj{"router": obj{"distributed": true}}).at("router"), obj{"distributed": true})
		admin.want(t, http.StatusOK, "PUT", path, obj{"router": obj{"distributed": false}})
		admin.want(t, http.StatusOK, "PUT", path, obj{"router": obj{"admin_state_up": true}})
	})
	t.Run("a gateway that is sent again without enable_snat translates again", func(t *testing.T) {
		a := admin.want(t, http.StatusOK, "PUT", path, obj{"router": obj{"external_gateway_info": obj{"network_id": external, "enable_snat": false}}})
		is(t, "gateway", a.at("router.external_gateway_info"), obj{"enable_snat": false})
		a = n.want(t, http.StatusOK, "PUT", path, obj{"router": obj{"external_gateway_info": obj{"network_id": external}}})
		is(t, "gateway", a.at("router.external_gateway_info"), obj{"enable_snat": true})
	})
	t.Run("QoS policies are the administrator's", func(t *testing.T) {
		policy := admin.make(t, "/qos/policies", "policy", obj{"name": c.name("policy"), "shared": true})["id"].(string)
		network := n.makeNetwork(t, "net")
		is(t, "port", n.makePort(t, network, obj{"qos_policy_id": policy}), obj{"qos_policy_id": policy})
		n.refuses(t,
			refusal{"members make none", "POST", "/qos/policies", obj{"policy": obj{"name": c.name("x")}}, 403, "PolicyNotAuthorized", "rule:create_policy is disallowed by policy"},
			refusal{"an unknown one is 404", "POST", "/ports", obj{"port": obj{"network_id": network, "qos_policy_id": nobody}}, 404, "QosPolicyNotFound", "QoS policy " + nobody + " could not be found."})
	})
}

// A real cloud with an external DNS service keeps the names of floating IPs, others forget them.
func TestFloatingIPOfSeveralAddresses(t *testing.T) {
	c := open(t, simulator.Options{})
	n := c.login(t).network(t)
	external := n.external(t)
	network := n.makeNetwork(t, "net")
	subnet := n.makeSubnet(t, network, "10.56.0.0/24")
	router := n.make(t, "/routers", "router", obj{"name": c.name("router"), "external_gateway_info": obj{"network_id": external}})["id"].(string)
	n.detach(t, router, subnet)
	n.want(t, http.StatusOK, "PUT", "/routers/"+router+"/add_router_interface", obj{"subnet_id": subnet})
	port := n.makePort(t, network, obj{"fixed_ips": list{obj{"ip_address": "10.56.0.5"}, obj{"ip_address": "10.56.0.6"}}})["id"].(string)
	made := n.make(t, "/floatingips", "floatingip", obj{"floating_network_id": external, "description": c.prefix, "port_id": port, "fixed_ip_address": "10.56.0.6"})
	path := "/floatingips/" + made["id"].(string)
	n.refuses(t,
		refusal{"every update must name the address again", "PUT", path, obj{"floatingip": obj{"description": c.prefix + "2"}}, 400, "BadRequest", "has multiple fixed IPv4 addresses"},
		refusal{"and the port with it", "PUT", path, obj{"floatingip": obj{"fixed_ip_address": "10.56.0.6"}}, 400, "BadRequest", "fixed_ip_address cannot be specified without a port_id."},
		refusal{"its DNS name stays", "PUT", path, obj{"floatingip": obj{"dns_name": "x"}}, 400, "HTTPBadRequest", "Cannot update read-only attribute dns_name"},
	)
	a := n.want(t, http.StatusOK, "PUT", path, obj{"floatingip": obj{"description": c.prefix + "2", "port_id": port, "fixed_ip_address": "10.56.0.6"}})
	is(t, "floating IP", a.at("floatingip"), obj{"description": c.prefix + "2", "fixed_ip_address": "10.56.0.6"})
}
