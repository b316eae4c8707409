package simulator

import (
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

func (n *network) groupResource() *resource {
	return &resource{
		singular: "security-group", collection: "security-groups", table: &n.Groups, quota: "security_group",
		sortKeys: []string{"name"},
		attributes: common(map[string]attribute{
			"name": changeable("", textUpTo(255)), "stateful": changeable(true, boolean), "shared": readOnly, "security_group_rules": readOnly,
		}),
		unfiltered: []string{"stateful", "security_group_rules"},
		missing: func(id string) *fault {
			return fail(http.StatusNotFound, "SecurityGroupNotFound", "Security group %s does not exist", id)
		},
		create: n.createGroup, update: n.updateGroup, remove: n.removeGroup, view: n.groupView,
	}
}

func (n *network) groupView(_ *call, o object) object {
	view := object{}
	set(view, o)
	view["security_group_rules"] = n.rulesOf(o.str("id"))
	return view
}

// rulesOf are the rules of a security group.
func (n *network) rulesOf(groupID string) []object {
	return n.Rules.where(func(r object) bool { return r.str("security_group_id") == groupID })
}

func defaultGroupExists() *fault {
	return fail(http.StatusConflict, "SecurityGroupDefaultAlreadyExists", "Default security group already exists.")
}

func (n *network) createGroup(_ *call, in object) (object, error) {
	if strings.EqualFold(in.str("name"), "default") {
		return nil, defaultGroupExists()
	}
	// The two egress rules count as well.
	if err := n.checkQuota("security_group_rule", in.str("project_id"), 2); err != nil {
		return nil, err
	}
	return n.addGroup(in), nil
}

func (n *network) addGroup(in object) object {
	in["shared"] = false
	group := n.store(&n.Groups, in, 1)
	for _, version := range []string{"IPv4", "IPv6"} {
		n.addRule(n.defaultRule(group, "egress", version, nil))
	}
	return group
}

// defaultRule is a rule that a group is born with.
func (n *network) defaultRule(group object, direction, ethertype string, remote any) object {
	return object{
		"security_group_id": group.str("id"), "project_id": group["project_id"], "tenant_id": group["tenant_id"],
		"direction": direction, "ethertype": ethertype, "protocol": nil, "port_range_min": nil, "port_range_max": nil,
		"remote_ip_prefix": nil, "remote_group_id": remote, "remote_address_group_id": nil, "normalized_cidr": nil,
		"description": nil, "_default": true,
	}
}

func (n *network) addRule(in object) object {
	rule := n.store(&n.Rules, in, 0)
	rule["standard_attr_id"] = rule.num("_n")
	return rule
}

// ensureDefaultGroup is the default security group of a project, made at the project's first request.
func (n *network) ensureDefaultGroup(project string) object {
	for _, group := range n.Groups {
		if group.str("project_id") == project && group.str("name") == "default" {
			return group
		}
	}
	group := n.addGroup(object{
		"name": "default", "description": "Default security group", "stateful": true, "project_id": project, "tenant_id": project,
	})
	for _, version := range []string{"IPv4", "IPv6"} {
		n.addRule(n.defaultRule(group, "ingress", version, group.str("id")))
	}
	return group
}

func (n *network) updateGroup(_ *call, o, in object) error {
	if in.given("name") && in.str("name") != o.str("name") {
		if o.str("name") == "default" {
			return fail(http.StatusConflict, "SecurityGroupCannotUpdateDefault", "Updating default security group not allowed.")
		}
		if strings.EqualFold(in.str("name"), "default") {
			return defaultGroupExists()
		}
	}
	set(o, in)
	return nil
}

func (n *network) removeGroup(c *call, o object) error {
	id := o.str("id")
	if len(n.members(id)) > 0 {
		return fail(http.StatusConflict, "SecurityGroupInUse", "Security Group %s in use.", id)
	}
	if o.str("name") == "default" && !c.admin() {
		return fail(http.StatusConflict, "SecurityGroupCannotRemoveDefault", "Insufficient rights for removing default security group.")
	}
	maps.DeleteFunc(n.Rules, func(_ string, rule object) bool {
		return rule.str("security_group_id") == id || rule.str("remote_group_id") == id
	})
	delete(n.Groups, id)
	return nil
}

func (n *network) ruleResource() *resource {
	return &resource{
		singular: "security-group-rule", collection: "security-group-rules", table: &n.Rules, quota: "security_group_rule",
		sortKeys: []string{"security_group_id", "remote_group_id", "direction", "protocol", "port_range_min", "port_range_max", "ethertype", "remote_ip_prefix", "normalized_cidr", "remote_address_group_id"},
		attributes: common(map[string]attribute{
			"security_group_id": needed(uuid), "direction": needed(oneOf("ingress", "egress")), "ethertype": fixedAt("IPv4", ruleEtherType),
			"protocol": fixedAt(nil, ruleProtocol), "port_range_min": fixedAt(nil, rulePort), "port_range_max": fixedAt(nil, rulePort),
			"remote_ip_prefix": fixedAt(nil, rulePrefix), "remote_group_id": fixedAt(nil, optional(uuid)), "remote_address_group_id": fixedAt(nil, optional(uuid)),
			"normalized_cidr": readOnly,
		}),
		unfiltered: []string{"ethertype"},
		missing: func(id string) *fault {
			return fail(http.StatusNotFound, "SecurityGroupRuleNotFound", "Security group rule %s does not exist", id)
		},
		checkAll: n.checkRules,
		create:   n.createRule,
		update: func(*call, object, object) error {
			// The real service cannot change a rule, and says so with a 500.
			return fail(http.StatusInternalServerError, "HTTPInternalServerError", "Request Failed: internal server error while processing your request.")
		},
		remove: func(_ *call, o object) error {
			delete(n.Rules, o.str("id"))
			return nil
		},
	}
}

func ruleEtherType(_ string, value any) (any, error) {
	for _, version := range []string{"IPv4", "IPv6"} {
		if strings.EqualFold(version, text(value)) {
			return version, nil
		}
	}
	return nil, fail(http.StatusBadRequest, "SecurityGroupRuleInvalidEtherType", "Security group rule for ethertype '%s' not supported. Allowed values are ['IPv4', 'IPv6'].", pythonText(value))
}

// ruleProtocols are the protocols with names.
func ruleProtocols() map[string]int {
	return map[string]int{
		"ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "hopopt": 0, "icmp": 1, "igmp": 2, "ip": 0, "ipip": 4, "ipv6-encap": 41,
		"ipv6-frag": 44, "ipv6-icmp": 58, "icmpv6": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "ipv6-route": 43, "ospf": 89, "pgm": 113,
		"rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136, "vrrp": 112,
	}
}

func ruleProtocol(_ string, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	name := strings.ToLower(text(value))
	number, err := strconv.Atoi(name)
	if _, known := ruleProtocols()[name]; known || err == nil && number >= 0 && number <= 255 {
		return name, nil
	}
	return nil, fail(http.StatusBadRequest, "SecurityGroupRuleInvalidProtocol",
		"Security group rule protocol %s not supported. Only protocol values [None, 'ah', 'dccp', 'egp', 'esp', 'gre', 'hopopt', 'icmp', 'igmp', 'ip', 'ipip', 'ipv6-encap', 'ipv6-frag', 'ipv6-icmp', 'icmpv6', 'ipv6-nonxt', 'ipv6-opts', 'ipv6-route', 'ospf', 'pgm', 'rsvp', 'sctp', 'tcp', 'udp', 'udplite', 'vrrp'] and integer representations [0 to 255] are supported.", name)
}

func rulePort(_ string, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	port, err := strconv.Atoi(text(value))
	if err != nil {
		return nil, fail(http.StatusBadRequest, "SecurityGroupInvalidPortValue", "Invalid value for port %s", text(value))
	}
	return port, nil
}

// rulePrefix keeps a prefix as it was written, and makes one of a lone address.
func rulePrefix(_ string, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	given := text(value)
	if a, err := netip.ParseAddr(given); err == nil {
		return netip.PrefixFrom(a, a.BitLen()).String(), nil
	}
	if _, err := netip.ParsePrefix(given); err != nil {
		return nil, fail(http.StatusBadRequest, "InvalidCIDR", "Invalid CIDR %s given as IP prefix.", given)
	}
	return given, nil
}

// protocolNumber is a protocol as a number; -1 is any.
func protocolNumber(rule object) int {
	name := rule.str("protocol")
	if name == "" {
		return -1
	}
	number, err := strconv.Atoi(name)
	if err != nil {
		number = ruleProtocols()[name]
	}
	if number == 1 && rule.str("ethertype") == "IPv6" {
		return 58
	}
	return number
}

// signature is equal for rules that say the same.
func signature(rule object) string {
	prefix := rule.str("remote_ip_prefix")
	if prefix == "0.0.0.0/0" || prefix == "::/0" {
		prefix = ""
	}
	protocol := strconv.Itoa(protocolNumber(rule))
	if rule.str("protocol") == "0" {
		// Zero is a protocol of its own, unlike none.
		protocol = "zero"
	}
	return fmt.Sprint(rule.str("security_group_id"), rule.str("direction"), rule.str("ethertype"), protocol, text(rule["port_range_min"]), "-",
		text(rule["port_range_max"]), prefix, rule.str("remote_group_id"), rule.str("remote_address_group_id"))
}

// checkRules looks at all rules of a request: they belong to one group, and none is there twice.
func (n *network) checkRules(c *call, rules []object) error {
	seen := map[string]bool{}
	group := rules[0].str("security_group_id")
	for _, rule := range rules {
		if err := checkRule(rule); err != nil {
			return err
		}
		if rule.str("security_group_id") != group {
			return fail(http.StatusBadRequest, "SecurityGroupNotSingleGroupRules", "Only allowed to update rules for one security profile at a time")
		}
	}
	if _, err := n.groupResource().find(c, group); err != nil {
		return err
	}
	existing := map[string]string{}
	for _, rule := range n.rulesOf(group) {
		existing[signature(rule)] = rule.str("id")
	}
	for _, rule := range rules {
		if rule.has("remote_group_id") {
			if _, err := n.groupResource().find(c, rule.str("remote_group_id")); err != nil {
				return err
			}
		}
		if rule.has("remote_address_group_id") {
			if _, err := n.addressGroupResource().find(c, rule.str("remote_address_group_id")); err != nil {
				return err
			}
		}
		if seen[signature(rule)] {
			return fail(http.StatusConflict, "DuplicateSecurityGroupRuleInPost", "Duplicate Security Group Rule in POST.")
		}
		seen[signature(rule)] = true
	}
	for _, rule := range rules {
		if id, ok := existing[signature(rule)]; ok {
			return fail(http.StatusConflict, "SecurityGroupRuleExists", "Security group rule already exists. Rule id is %s.", id)
		}
	}
	return nil
}

// checkRule checks a rule by itself and brings its protocol and ports into the form that is read back.
func checkRule(rule object) error {
	number := protocolNumber(rule)
	if number < 0 && (rule.has("port_range_min") || rule.has("port_range_max")) {
		return fail(http.StatusBadRequest, "SecurityGroupProtocolRequiredWithPorts", "Must also specify protocol if port range is given.")
	}
	if err := checkRulePorts(rule, number); err != nil {
		return err
	}
	six := []int{41, 43, 44, 58, 59, 60}
	if slices.Contains(six, number) && rule.str("ethertype") == "IPv4" {
		return fail(http.StatusBadRequest, "SecurityGroupEthertypeConflictWithProtocol", "Invalid ethertype IPv4 for protocol %s.", rule.str("protocol"))
	}
	if number == 58 {
		rule["protocol"] = "ipv6-icmp"
	}
	remotes := 0
	for _, key := range []string{"remote_ip_prefix", "remote_group_id", "remote_address_group_id"} {
		if rule.has(key) {
			remotes++
		}
	}
	if remotes > 1 {
		return fail(http.StatusBadRequest, "SecurityGroupMultipleRemoteEntites", "Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.")
	}
	rule["normalized_cidr"] = nil
	if !rule.has("remote_ip_prefix") {
		return nil
	}
	prefix := netip.MustParsePrefix(rule.str("remote_ip_prefix"))
	if prefix.Addr().Is4() != (rule.str("ethertype") == "IPv4") {
		return fail(http.StatusBadRequest, "SecurityGroupRuleParameterConflict", "Conflicting value ethertype %s for CIDR %s", rule.str("ethertype"), rule.str("remote_ip_prefix"))
	}
	rule["normalized_cidr"] = prefix.Masked().String()
	return nil
}

func checkRulePorts(rule object, number int) error {
	low, high := rule.num("port_range_min"), rule.num("port_range_max")
	hasLow, hasHigh := rule.has("port_range_min"), rule.has("port_range_max")
	if !hasLow && !hasHigh {
		return nil
	}
	switch number {
	case 1, 58:
		if !hasLow {
			return fail(http.StatusBadRequest, "SecurityGroupMissingIcmpType", "ICMP code (port-range-max) %d is provided but ICMP type (port-range-min) is missing.", high)
		}
		for _, field := range []struct {
			label, key string
			value      int
		}{{"type", "port_range_min", low}, {"code", "port_range_max", high}} {
			if field.value < 0 || field.value > 255 {
				return fail(http.StatusBadRequest, "SecurityGroupInvalidIcmpValue", "Invalid value for ICMP %s (%s) %d. It must be 0 to 255.", field.label, field.key, field.value)
			}
		}
	case 6, 17, 33, 132, 136:
		for _, port := range []struct {
			given bool
			value int
		}{{hasLow, low}, {hasHigh, high}} {
			if port.given && (port.value < 1 || port.value > 65535) {
				return fail(http.StatusBadRequest, "SecurityGroupInvalidPortValue", "Invalid value for port %d", port.value)
			}
		}
		if !hasLow || !hasHigh || low > high {
			return fail(http.StatusBadRequest, "SecurityGroupInvalidPortRange", "For TCP/UDP protocols, port_range_min must be <= port_range_max")
		}
		if low == 1 && high == 65535 {
			// All ports are no ports.
			rule["port_range_min"], rule["port_range_max"] = nil, nil
		}
	default:
		return fail(http.StatusBadRequest, "SecurityGroupInvalidProtocolForPort", "Ports cannot be specified for protocol %d. Ports are only supported for DCCP, SCTP, TCP, UDP, UDPLITE.", number)
	}
	return nil
}

func (n *network) createRule(_ *call, in object) (object, error) {
	touch(n.Groups[in.str("security_group_id")])
	return n.addRule(in), nil
}
