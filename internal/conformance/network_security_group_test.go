package conformance

import (
	"net/http"
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

func TestSecurityGroup(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	n := s.network(t)
	made := n.make(t, "/security-groups", "security_group", obj{"name": c.name("group")})
	id := made["id"].(string)
	whole := obj{
		"id": anUUID, "name": c.name("group"), "description": "", "project_id": s.projectID, "tenant_id": s.projectID, "stateful": true,
		"tags": list{}, "revision_number": aNumber, "created_at": aTimeZ, "updated_at": aTimeZ, "security_group_rules": aList,
	}
	t.Run("a new group has these defaults", func(t *testing.T) {
		is(t, "group", made, whole)
		is(t, "read again", n.get(t, "/security-groups/"+id).at("security_group"), whole)
	})
	t.Run("a new group lets everything out", func(t *testing.T) {
		rules := made["security_group_rules"].(list)
		same(t, "number of rules", len(rules), 2)
		types := map[any]bool{}
		for _, rule := range rules {
			types[dig(rule, "ethertype")] = true
			is(t, "rule", rule, obj{
				"direction": "egress", "protocol": nil, "port_range_min": nil, "port_range_max": nil, "remote_ip_prefix": nil, "remote_group_id": nil,
				"security_group_id": id, "description": nil,
			})
		}
		same(t, "both families", len(types), 2)
	})
	t.Run("an update may change name, description and statefulness", func(t *testing.T) {
		a := n.want(t, http.StatusOK, "PUT", "/security-groups/"+id, obj{"security_group": obj{"name": c.name("renamed"), "description": "d"}})
		is(t, "group", a.at("security_group"), obj{"name": c.name("renamed"), "description": "d", "id": id})
	})
	t.Run("two groups may have one name", func(t *testing.T) {
		n.make(t, "/security-groups", "security_group", obj{"name": c.name("renamed")})
		same(t, "found", len(n.get(t, "/security-groups?name="+c.name("renamed")).list(t, "security_groups")), 2)
	})
	fallback := n.get(t, "/security-groups?name=default").str(t, "security_groups.0.id")
	n.refuses(t,
		refusal{"an unknown id is 404", "GET", "/security-groups/" + nobody, nil, 404, "SecurityGroupNotFound", "Security group " + nobody + " does not exist"},
		refusal{"a second default is 409", "POST", "/security-groups", obj{"security_group": obj{"name": "default"}}, 409, "SecurityGroupDefaultAlreadyExists", "Default security group already exists."},
		refusal{"renaming the default is 409", "PUT", "/security-groups/" + fallback, obj{"security_group": obj{"name": "x"}}, 409, "SecurityGroupCannotUpdateDefault", "Updating default security group not allowed."},
		refusal{"rules cannot be created with the group", "POST", "/security-groups", obj{"security_group": obj{"name": c.name("x"), "security_group_rules": list{}}}, 400, "HTTPBadRequest", "Attribute 'security_group_rules' not allowed in POST"},
	)
	t.Run("the default lets its members talk to each other", func(t *testing.T) {
		ingress := 0
		for _, rule := range n.get(t, "/security-groups/"+fallback).list(t, "security_group.security_group_rules") {
			if dig(rule, "direction") == "ingress" && dig(rule, "remote_group_id") == fallback {
				ingress++
			}
		}
		same(t, "ingress rules", ingress, 2)
	})
	t.Run("another project gets 404", func(t *testing.T) {
		other := c.as(t, "demo2").network(t)
		other.refuses(t,
			refusal{"read", "GET", "/security-groups/" + id, nil, 404, "SecurityGroupNotFound", "does not exist"},
			refusal{"rule", "POST", "/security-group-rules", obj{"security_group_rule": obj{"security_group_id": id, "direction": "ingress"}}, 404, "SecurityGroupNotFound", "does not exist"})
	})
	t.Run("bulk makes groups with their rules", func(t *testing.T) {
		a := n.want(t, http.StatusCreated, "POST", "/security-groups", obj{"security_groups": list{obj{"name": c.name("b1")}, obj{"name": c.name("b2")}}})
		for _, group := range a.list(t, "security_groups") {
			n.deleteAfter(t, "/security-groups/"+dig(group, "id").(string))
			same(t, "rules", len(dig(group, "security_group_rules").(list)), 2)
		}
		same(t, "order", a.at("security_groups.0.name"), c.name("b1"))
	})
}

func TestSecurityGroupRule(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	n := s.network(t)
	group := n.make(t, "/security-groups", "security_group", obj{"name": c.name("group")})["id"].(string)
	other := n.make(t, "/security-groups", "security_group", obj{"name": c.name("other")})["id"].(string)
	rule := func(more obj) obj {
		in := obj{"security_group_id": group, "direction": "ingress"}
		for key, value := range more {
			in[key] = value
		}
		return in
	}
	made := n.make(t, "/security-group-rules", "security_group_rule", rule(obj{"protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": "10.0.0.0/8"}))
	whole := obj{
		"id": anUUID, "security_group_id": group, "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22,
		"remote_ip_prefix": "10.0.0.0/8", "remote_group_id": nil, "remote_address_group_id": nil, "normalized_cidr": "10.0.0.0/8", "description": "",
		"project_id": s.projectID, "tenant_id": s.projectID, "revision_number": aNumber, "created_at": aTimeZ, "updated_at": aTimeZ,
	}
	t.Run("a new rule has these defaults", func(t *testing.T) {
		is(t, "rule", made, whole)
		is(t, "read again", n.get(t, "/security-group-rules/"+made["id"].(string)).at("security_group_rule"), whole)
	})
	for name, pair := range map[string]struct{ in, want obj }{
		"a protocol in capitals comes back small":    {obj{"protocol": "TCP", "port_range_min": 23, "port_range_max": 23}, obj{"protocol": "tcp", "remote_ip_prefix": nil, "normalized_cidr": nil}},
		"host bits of a prefix are kept":             {obj{"protocol": "tcp", "port_range_min": 24, "port_range_max": 24, "remote_ip_prefix": "10.0.0.5/24"}, obj{"remote_ip_prefix": "10.0.0.5/24", "normalized_cidr": "10.0.0.0/24"}},
		"beside it the plain prefix is no duplicate": {obj{"protocol": "tcp", "port_range_min": 24, "port_range_max": 24, "remote_ip_prefix": "10.0.0.0/24"}, obj{"remote_ip_prefix": "10.0.0.0/24"}},
		"an address without length becomes a prefix": {obj{"protocol": "tcp", "port_range_min": 25, "port_range_max": 25, "remote_ip_prefix": "10.0.0.7"}, obj{"remote_ip_prefix": "10.0.0.7/32"}},
		"ICMP type and code 0 survive":               {obj{"protocol": "icmp", "port_range_min": 0, "port_range_max": 0}, obj{"protocol": "icmp", "port_range_min": 0, "port_range_max": 0}},
		"an ICMP type needs no code":                 {obj{"protocol": "icmp", "port_range_min": 8}, obj{"port_range_min": 8, "port_range_max": nil}},
		"ICMPv6 is spelled icmpv6 or ipv6-icmp":      {obj{"protocol": "icmpv6", "ethertype": "IPv6"}, obj{"protocol": text("one of the names", `^(icmpv6|ipv6-icmp)$`), "ethertype": "IPv6"}},
		"a protocol may be a number":                 {obj{"protocol": "112"}, obj{"protocol": "112"}},
		"a protocol may be a name":                   {obj{"protocol": "esp"}, obj{"protocol": "esp"}},
		"everything from a group":                    {obj{"remote_group_id": other}, obj{"protocol": nil, "remote_group_id": other, "remote_ip_prefix": nil}},
		"the whole IPv4 world is a prefix":           {obj{"protocol": "tcp", "port_range_min": 26, "port_range_max": 26, "remote_ip_prefix": "0.0.0.0/0"}, obj{"remote_ip_prefix": "0.0.0.0/0"}},
		"all ports become null":                      {obj{"protocol": "udp", "port_range_min": 1, "port_range_max": 65535}, obj{"protocol": "udp", "port_range_min": nil, "port_range_max": nil}},
	} {
		t.Run(name, func(t *testing.T) {
			is(t, "rule", n.make(t, "/security-group-rules", "security_group_rule", rule(pair.in)), pair.want)
		})
	}
	post := func(name string, status int, kind, words string, in obj) refusal {
		return refusal{name, "POST", "/security-group-rules", obj{"security_group_rule": rule(in)}, status, kind, words}
	}
	again := "Security group rule already exists. Rule id is " + made["id"].(string)
	n.refuses(t,
		post("a second rule alike is 409 and names the first", 409, "SecurityGroupRuleExists", again, obj{"protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": "10.0.0.0/8"}),
		post("protocol 6 is tcp for duplicates", 409, "SecurityGroupRuleExists", again, obj{"protocol": "6", "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": "10.0.0.0/8"}),
		post("a description makes no difference", 409, "SecurityGroupRuleExists", again, obj{"protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": "10.0.0.0/8", "description": "x"}),
		post("any is no protocol: 400", 400, "SecurityGroupRuleInvalidProtocol", "Security group rule protocol any not supported", obj{"protocol": "any"}),
		post("an unknown protocol is 400", 400, "SecurityGroupRuleInvalidProtocol", "Security group rule protocol ftp not supported", obj{"protocol": "ftp"}),
		post("a range turned round is 400", 400, "SecurityGroupInvalidPortRange", "For TCP/UDP protocols, port_range_min must be <= port_range_max", obj{"protocol": "tcp", "port_range_min": 90, "port_range_max": 80}),
		post("half a range is 400", 400, "SecurityGroupInvalidPortRange", "For TCP/UDP protocols, port_range_min must be <= port_range_max", obj{"protocol": "tcp", "port_range_min": 90}),
		post("ports without protocol are 400", 400, "SecurityGroupProtocolRequiredWithPorts", "Must also specify protocol if port range is given.", obj{"port_range_min": 80, "port_range_max": 80}),
		post("a port above 65535 is 400", 400, "SecurityGroupInvalidPortValue", "Invalid value for port 70000", obj{"protocol": "tcp", "port_range_min": 70000, "port_range_max": 70000}),
		post("a group and a prefix at once are 400", 400, "SecurityGroupMultipleRemoteEntites", "Only one of", obj{"remote_group_id": other, "remote_ip_prefix": "10.0.0.0/8"}),
		post("an IPv4 prefix in an IPv6 rule is 400", 400, "SecurityGroupRuleParameterConflict", "Conflicting value ethertype IPv6 for CIDR 10.0.0.0/8", obj{"ethertype": "IPv6", "remote_ip_prefix": "10.0.0.0/8"}),
		post("an ICMP type above 255 is 400", 400, "SecurityGroupInvalidIcmpValue", "Invalid value for ICMP type (port_range_min) 300. It must be 0 to 255.", obj{"protocol": "icmp", "port_range_min": 300}),
		post("an ICMP code without type is 400", 400, "SecurityGroupMissingIcmpType", "ICMP code (port-range-max) 0 is provided but ICMP type (port-range-min) is missing.", obj{"protocol": "icmp", "port_range_max": 0}),
		post("text as prefix is 400", 400, "InvalidCIDR", "Invalid CIDR ten given as IP prefix.", obj{"remote_ip_prefix": "ten"}),
		post("an unknown ethertype is 400", 400, "SecurityGroupRuleInvalidEtherType", "IPv5", obj{"ethertype": "IPv5"}),
		post("an unknown direction is 400", 400, "HTTPBadRequest", "Invalid input for direction.", obj{"direction": "sideways"}),
		post("an unknown remote group is 404", 404, "SecurityGroupNotFound", "Security group "+nobody+" does not exist", obj{"remote_group_id": nobody}),
		post("an unknown group is 404", 404, "SecurityGroupNotFound", "Security group "+nobody+" does not exist", obj{"security_group_id": nobody}),
		refusal{"an unknown rule is 404", "GET", "/security-group-rules/" + nobody, nil, 404, "SecurityGroupRuleNotFound", "Security group rule " + nobody + " does not exist"},
		refusal{"deleting an unknown rule is 404", "DELETE", "/security-group-rules/" + nobody, nil, 404, "SecurityGroupRuleNotFound", "Security group rule " + nobody + " does not exist"},
		refusal{"rules of several groups in one request are 400", "POST", "/security-group-rules", obj{"security_group_rules": list{
			rule(obj{"protocol": "tcp", "port_range_min": 1, "port_range_max": 1}), rule(obj{"protocol": "tcp", "port_range_min": 1, "port_range_max": 1, "security_group_id": other}),
		}}, 400, "SecurityGroupNotSingleGroupRules", "Only allowed to update rules for one security profile at a time"},
		refusal{"a duplicate in a bulk is 409", "POST", "/security-group-rules", obj{"security_group_rules": list{
			rule(obj{"protocol": "tcp", "port_range_min": 2222, "port_range_max": 2222}), rule(obj{"protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": "10.0.0.0/8"}),
		}}, 409, "SecurityGroupRuleExists", again},
		refusal{"twice the same within a bulk is 409", "POST", "/security-group-rules", obj{"security_group_rules": list{
			rule(obj{"protocol": "tcp", "port_range_min": 2222, "port_range_max": 2222}), rule(obj{"protocol": "tcp", "port_range_min": 2222, "port_range_max": 2222}),
		}}, 409, "DuplicateSecurityGroupRuleInPost", "Duplicate Security Group Rule in POST."},
	)
	t.Run("of a refused bulk nothing is kept", func(t *testing.T) {
		same(t, "rules", n.get(t, "/security-group-rules?security_group_id="+group+"&port_range_min=2222").at("security_group_rules"), list{})
	})
	t.Run("rules of one group go in one request", func(t *testing.T) {
		var rules list
		for port := range 30 {
			rules = append(rules, rule(obj{"security_group_id": other, "protocol": "tcp", "port_range_min": 3000 + port, "port_range_max": 3000 + port}))
		}
		a := n.want(t, http.StatusCreated, "POST", "/security-group-rules", obj{"security_group_rules": rules})
		same(t, "answered", len(a.list(t, "security_group_rules")), 30)
		same(t, "order", a.at("security_group_rules.7.port_range_min"), 3007)
		same(t, "in the group", len(n.get(t, "/security-groups/"+other).list(t, "security_group.security_group_rules")), 32)
		same(t, "listed for both groups", len(n.get(t, "/security-group-rules?security_group_id="+other+"&security_group_id="+group+"&direction=egress").list(t, "security_group_rules")), 4)
	})
	n.refuses(t, refusal{"a rule cannot be changed", "PUT", "/security-group-rules/" + made["id"].(string), obj{"security_group_rule": obj{"port_range_min": 23}}, 400, "HTTPBadRequest", "Cannot update read-only attribute port_range_min"})
	t.Run("deleting is 204 once, then 404", func(t *testing.T) {
		n.want(t, http.StatusNoContent, "DELETE", "/security-group-rules/"+made["id"].(string), nil)
		n.want(t, http.StatusNotFound, "DELETE", "/security-group-rules/"+made["id"].(string), nil)
	})
	t.Run("a group that rules refer to can go, and the rules go with it", func(t *testing.T) {
		short := n.make(t, "/security-groups", "security_group", obj{"name": c.name("short")})["id"].(string)
		refers := n.make(t, "/security-group-rules", "security_group_rule", rule(obj{"remote_group_id": short}))["id"].(string)
		n.want(t, http.StatusNoContent, "DELETE", "/security-groups/"+short, nil)
		n.want(t, http.StatusNotFound, "GET", "/security-group-rules/"+refers, nil)
	})
}
