package simulator

import (
	"net/http"
	"net/netip"
	"slices"
)

func (n *network) floatingIPResource() *resource {
	return &resource{
		singular: "floatingip", collection: "floatingips", table: &n.FloatingIPs, quota: "floatingip",
		sortKeys: []string{"fixed_ip_address", "floating_ip_address", "floating_network_id", "router_id", "status"},
		attributes: common(map[string]attribute{
			"floating_network_id": needed(uuid), "floating_ip_address": byAdmin(fixedAt(nil, optional(ipAddress))), "subnet_id": fixedAt(nil, optional(uuid)),
			"port_id": changeable(nil, optional(uuid)), "fixed_ip_address": changeable(nil, optional(ipAddress)),
			"qos_policy_id": changeable(nil, optional(uuid)), "dns_name": fixedAt("", textUpTo(255)), "dns_domain": fixedAt("", textUpTo(255)),
			"status": readOnly, "router_id": readOnly, "port_details": readOnly, "port_forwardings": readOnly,
		}),
		unfiltered: []string{"subnet_id", "qos_policy_id", "dns_name", "dns_domain", "port_details", "port_forwardings"},
		missing: func(id string) *fault {
			return fail(http.StatusNotFound, "FloatingIPNotFound", "Floating IP %s could not be found", id)
		},
		create: n.createFloatingIP, update: n.updateFloatingIP, remove: n.removeFloatingIP, view: n.floatingIPView,
	}
}

func (n *network) floatingIPView(_ *call, o object) object {
	view := object{}
	set(view, o)
	view["port_details"] = nil
	if port, ok := n.Ports.get(o.str("port_id")); ok {
		details := map[string]any{}
		for _, key := range []string{"name", "network_id", "mac_address", "admin_state_up", "status", "device_id", "device_owner"} {
			details[key] = port[key]
		}
		view["port_details"] = details
	}
	return view
}

func badFloatingIP(message string, args ...any) *fault {
	return fail(http.StatusBadRequest, "BadRequest", "Bad floatingip request: "+message, args...)
}

func (n *network) createFloatingIP(c *call, in object) (object, error) {
	network, err := n.networkResource().find(c, in.str("floating_network_id"))
	if err != nil {
		return nil, err
	}
	if !network.flag("router:external") {
		return nil, badFloatingIP("Network %s is not a valid external network.", network.str("id"))
	}
	if err := n.checkQoS(c, in); err != nil {
		return nil, err
	}
	if in.has("fixed_ip_address") && !in.has("port_id") {
		return nil, badFloatingIP("fixed_ip_address cannot be specified without a port_id.")
	}
	if in.has("port_id") {
		if _, err := n.portResource().find(c, in.str("port_id")); err != nil {
			return nil, err
		}
	}
	holder, err := n.holdAddress(network, in)
	if err != nil {
		return nil, err
	}
	portID, fixed := in.str("port_id"), in.str("fixed_ip_address")
	delete(in, "subnet_id")
	in["_port"], in["floating_ip_address"] = holder.str("id"), holder.objs("fixed_ips")[0].str("ip_address")
	in["dns_name"], in["dns_domain"] = "", "" // without an external DNS service they are forgotten
	in["status"], in["router_id"], in["port_id"], in["fixed_ip_address"], in["port_forwardings"] = "DOWN", nil, nil, nil, []any{}
	floating := n.store(&n.FloatingIPs, in, 0)
	holder["device_id"] = floating.str("id")
	if portID == "" {
		return floating, nil
	}
	if err := n.associate(c, floating, portID, fixed); err != nil {
		n.deletePort(holder.str("id"))
		delete(n.FloatingIPs, floating.str("id"))
		return nil, err
	}
	return floating, nil
}

// holdAddress makes the hidden port that keeps a floating IP's address.
func (n *network) holdAddress(network, in object) (object, error) {
	want := map[string]any{}
	for _, subnet := range n.subnetsOf(network.str("id")) {
		if subnet.num("ip_version") == 4 && (!in.has("subnet_id") || in.str("subnet_id") == subnet.str("id")) {
			want["subnet_id"] = subnet.str("id")
			break
		}
	}
	if len(want) == 0 {
		return nil, badFloatingIP("Network %s does not contain any IPv4 subnet.", network.str("id"))
	}
	if in.has("floating_ip_address") {
		want["ip_address"] = in.str("floating_ip_address")
	}
	return n.createPort("", object{
		"network_id": network.str("id"), "device_owner": "network:floatingip", "fixed_ips": []any{want},
	})
}

// associate gives a floating IP to a port's address, the only IPv4 one when fixed is "".
func (n *network) associate(c *call, floating object, portID, fixed string) error {
	port, err := n.portResource().find(c, portID)
	if err != nil {
		return err
	}
	address, subnetID, err := fixedIPv4(port, fixed)
	if err != nil {
		return err
	}
	networkID := floating.str("floating_network_id")
	for _, other := range n.floatingIPsOf(portID) {
		if other.str("id") != floating.str("id") && other.str("fixed_ip_address") == address && other.str("floating_network_id") == networkID {
			return fail(http.StatusConflict, "FloatingIPPortAlreadyAssociated",
				"Cannot associate floating IP %s (%s) with port %s using fixed IP %s, as that fixed IP already has a floating IP on external network %s.",
				floating.str("floating_ip_address"), floating.str("id"), portID, address, networkID)
		}
	}
	router, ok := n.routerBetween(subnetID, networkID)
	if !ok {
		return fail(http.StatusNotFound, "ExternalGatewayForFloatingIPNotFound",
			"External network %s is not reachable from subnet %s.  Therefore, cannot associate Port %s with a Floating IP.", networkID, subnetID, portID)
	}
	if floating.str("port_id") == portID && floating.str("fixed_ip_address") == address {
		return nil
	}
	floating["port_id"], floating["fixed_ip_address"], floating["router_id"], floating["status"] = portID, address, router.str("id"), "DOWN"
	n.settleFloatingIP(floating.str("id"))
	return nil
}

// fixedIPv4 is the address of a port that a floating IP shall lead to.
func fixedIPv4(port object, wanted string) (address, subnetID string, err error) {
	var four []object
	for _, fixed := range port.objs("fixed_ips") {
		a, err := netip.ParseAddr(fixed.str("ip_address"))
		if err == nil && a.Is4() && (wanted == "" || wanted == fixed.str("ip_address")) {
			four = append(four, fixed)
		}
	}
	switch {
	case len(four) == 1:
		return four[0].str("ip_address"), four[0].str("subnet_id"), nil
	case len(four) > 1:
		return "", "", badFloatingIP("Port %s has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when assigning a floating IP.", port.str("id"))
	case wanted != "":
		return "", "", badFloatingIP("Port %s does not have fixed ip %s.", port.str("id"), wanted)
	}
	return "", "", badFloatingIP("Cannot add floating IP to port %s that has no fixed IPv4 addresses.", port.str("id"))
}

// routerBetween is a router with an interface on the subnet and its gateway on the network.
func (n *network) routerBetween(subnetID, networkID string) (object, bool) {
	for _, router := range n.Routers.all() {
		gateway, ok := n.Ports.get(router.str("_gateway"))
		if ok && gateway.str("network_id") == networkID &&
			slices.ContainsFunc(n.routerSubnets(router), func(s object) bool { return s.str("id") == subnetID }) {
			return router, true
		}
	}
	return nil, false
}

// settleFloatingIP makes the status follow the association after Times.FloatingIP.
func (n *network) settleFloatingIP(id string) {
	n.sim.after(n.floatingIPTime(), func() {
		floating, ok := n.FloatingIPs.get(id)
		if !ok {
			return
		}
		status := "DOWN"
		if floating.has("port_id") {
			status = "ACTIVE"
		}
		if floating.str("status") != status {
			floating["status"] = status
			touch(floating)
		}
	})
}

// disassociate takes a floating IP from its port. It still says ACTIVE for a moment, as the real one does.
func (n *network) disassociate(floating object) {
	floating["port_id"], floating["fixed_ip_address"], floating["router_id"] = nil, nil, nil
	n.settleFloatingIP(floating.str("id"))
}

func (n *network) updateFloatingIP(c *call, o, in object) error {
	portID := o.str("port_id")
	if in.given("port_id") {
		portID = in.str("port_id")
	}
	if in.has("fixed_ip_address") && portID == "" || in.has("fixed_ip_address") && !in.given("port_id") {
		return badFloatingIP("fixed_ip_address cannot be specified without a port_id.")
	}
	if err := n.checkQoS(c, in); err != nil {
		return err
	}
	if portID == "" {
		n.disassociate(o)
	} else if err := n.associate(c, o, portID, in.str("fixed_ip_address")); err != nil {
		// The real one asks for the fixed address again at every update of a port that has several.
		return err
	}
	for _, key := range []string{"port_id", "fixed_ip_address"} {
		delete(in, key)
	}
	set(o, in)
	return nil
}

func (n *network) removeFloatingIP(_ *call, o object) error {
	n.deletePort(o.str("_port"))
	delete(n.FloatingIPs, o.str("id"))
	return nil
}

// floatingIPsOf are the floating IPs of a port.
func (n *network) floatingIPsOf(portID string) []object {
	return n.FloatingIPs.where(func(f object) bool { return portID != "" && f.str("port_id") == portID })
}
