package simulator

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// checkVIP finds where the address of a load balancer comes from, before anything is made.
func (l *loadBalancing) checkVIP(c *call, lb object) (vip, error) {
	n := l.sim.network
	var found vip
	switch {
	case lb.has("vip_port_id"):
		port, ok := n.Ports.get(lb.str("vip_port_id"))
		if !ok || !c.owns(port) {
			return found, notFoundVIP("Port", lb.str("vip_port_id"))
		}
		if port.str("device_id") != "" {
			return found, fail(http.StatusBadRequest, "", "Validation failure: Port %s is already used by device %s ", port.str("id"), port.str("device_id"))
		}
		found.port, found.network = port, port.str("network_id")
	case lb.has("vip_network_id"):
		network, ok := n.Networks.get(lb.str("vip_network_id"))
		if !ok || !c.owns(network) && !network.flag("shared") {
			return found, notFoundVIP("Network", lb.str("vip_network_id"))
		}
		found.network = network.str("id")
		if err := l.chooseSubnet(lb); err != nil {
			return found, err
		}
	case lb.has("vip_subnet_id"):
		subnet := c.subnetOf(lb.str("vip_subnet_id"))
		if subnet == nil {
			return found, notFoundVIP("Subnet", lb.str("vip_subnet_id"))
		}
		found.network = subnet.str("network_id")
	default:
		return found, fail(http.StatusBadRequest, "", "Validation failure: VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id.")
	}
	if err := l.checkQoS(c, lb); err != nil {
		return found, err
	}
	if found.port != nil && !lb.has("vip_qos_policy_id") {
		lb["vip_qos_policy_id"] = found.port["qos_policy_id"]
	}
	return found, l.collectSubnets(lb, &found)
}

// checkQoS refuses a QoS policy that is not there.
func (l *loadBalancing) checkQoS(c *call, lb object) error {
	id := lb.str("vip_qos_policy_id")
	if l.sim.network.checkQoS(c, object{"qos_policy_id": lb["vip_qos_policy_id"]}) != nil {
		return notFoundVIP("qos_policy", id)
	}
	return nil
}

// limitVIP gives the port of a VIP the QoS policy of its load balancer.
func (l *loadBalancing) limitVIP(lb object) {
	if port, ok := l.sim.network.Ports.get(lb.str("vip_port_id")); ok {
		port["qos_policy_id"] = lb["vip_qos_policy_id"]
	}
}

func notFoundVIP(noun, id string) *fault {
	return fail(http.StatusBadRequest, "", "%s %s not found.", noun, id)
}

// chooseSubnet finds the subnet of a VIP of which only the network is given: the one that its address
// lies in, else the first of IPv4, else the first.
func (l *loadBalancing) chooseSubnet(lb object) error {
	subnets := l.sim.network.subnetsOf(lb.str("vip_network_id"))
	if id := lb.str("vip_subnet_id"); id != "" {
		if !slices.ContainsFunc(subnets, func(s object) bool { return s.str("id") == id }) {
			return notFoundVIP("Subnet", id)
		}
		return nil
	}
	fits := func(subnet object) bool {
		prefix, err := netip.ParsePrefix(subnet.str("cidr"))
		address, addressErr := netip.ParseAddr(lb.str("vip_address"))
		if addressErr != nil {
			return subnet.num("ip_version") == 4
		}
		return err == nil && prefix.Contains(address)
	}
	at := slices.IndexFunc(subnets, fits)
	switch {
	case at >= 0:
		lb["vip_subnet_id"] = subnets[at]["id"]
	case lb.has("vip_address"):
		return fail(http.StatusBadRequest, "", "Validation failure: Supplied network does not contain a subnet for VIP address specified.")
	case len(subnets) > 0:
		lb["vip_subnet_id"] = subnets[0]["id"]
	default:
		return fail(http.StatusBadRequest, "", "Validation failure: Supplied network does not contain a subnet.")
	}
	return nil
}

// collectSubnets lists the subnets and addresses that the VIP's port will have.
func (l *loadBalancing) collectSubnets(lb object, found *vip) error {
	found.subnets, found.addrs = []string{lb.str("vip_subnet_id")}, []string{lb.str("vip_address")}
	for _, additional := range lb.objs("additional_vips") {
		id := additional.str("subnet_id")
		subnet, ok := l.sim.network.Subnets.get(id)
		switch {
		case !ok:
			return fail(http.StatusInternalServerError, "", "subnet not found (subnet id: %s).", id)
		case subnet.str("network_id") != found.network:
			return fail(http.StatusBadRequest, "", "Validation failure: All VIP subnets must belong to the same network.")
		case slices.Contains(found.subnets, id):
			return fail(http.StatusBadRequest, "", "Validation failure: Duplicate VIP subnet(s) specified. Only one IP can be bound per subnet.")
		}
		found.subnets = append(found.subnets, id)
		found.addrs = append(found.addrs, additional.str("ip_address"))
	}
	return nil
}

// allocateVIP makes the port of a VIP, or takes over the one that was given.
func (l *loadBalancing) allocateVIP(lb object, found vip) error {
	port := found.port
	if port == nil {
		fixed := []any{}
		for i, subnet := range found.subnets {
			want := map[string]any{"subnet_id": subnet}
			if found.addrs[i] != "" {
				want["ip_address"] = found.addrs[i]
			}
			fixed = append(fixed, want)
		}
		made, err := l.sim.network.createPort(lb.str("project_id"), object{
			"name": "octavia-lb-" + lb.str("id"), "network_id": found.network, "fixed_ips": fixed, "admin_state_up": false,
			"device_id": "lb-" + lb.str("id"), "device_owner": "Octavia",
		})
		if err != nil {
			return providerError(lb, err)
		}
		port = made
		lb["_owns_port"] = true
	}
	// The group that opens the listeners' ports belongs to the service and cannot be seen by tenants.
	lb["_groups"] = port["security_groups"]
	port["security_groups"] = []any{stableID(lb.str("id"))}
	lb["vip_port_id"], lb["vip_network_id"] = port["id"], port["network_id"]
	additional := []any{}
	addresses := port.objs("fixed_ips")
	for _, subnet := range found.subnets[1:] {
		at := slices.IndexFunc(addresses, func(o object) bool { return o.str("subnet_id") == subnet })
		if at < 0 {
			continue // a port of the tenant's has no address there
		}
		additional = append(additional, map[string]any{"subnet_id": subnet, "ip_address": addresses[at]["ip_address"]})
		addresses = slices.Delete(slices.Clone(addresses), at, at+1)
	}
	// What a port of the tenant's has beside the VIP is not Octavia's.
	for _, fixed := range addresses {
		in := func(key, of string) bool { return lb.str(key) == "" || lb.str(key) == fixed.str(of) }
		if in("vip_subnet_id", "subnet_id") && in("vip_address", "ip_address") {
			// The address that is asked for only tells the subnet: Octavia takes the first that the port has there.
			first := slices.IndexFunc(addresses, func(o object) bool { return o.str("subnet_id") == fixed.str("subnet_id") })
			lb["vip_address"], lb["vip_subnet_id"] = addresses[first]["ip_address"], fixed["subnet_id"]
			break
		}
	}
	lb["additional_vips"] = additional
	l.limitVIP(lb)
	return nil
}

// providerError is how the service passes on what the network answered.
func providerError(lb object, err error) error {
	var f *fault
	if !errors.As(err, &f) {
		return err
	}
	return fail(http.StatusInternalServerError, "", "Provider '%s' reports error: %s\nNeutron server returns request_ids: ['req-%s']",
		lb.str("provider"), strings.TrimSpace(f.message), newUUID())
}

// releaseVIP deletes the port that the service made, or gives a tenant's port back.
func (l *loadBalancing) releaseVIP(lb object) {
	n := l.sim.network
	if lb.flag("_owns_port") {
		n.deletePort(lb.str("vip_port_id"))
		return
	}
	if port, ok := n.Ports.get(lb.str("vip_port_id")); ok {
		port["security_groups"] = []any{}
	}
}

// forgetVIP leaves the port of a VIP as it was when its load balancer is refused. The one that the service made for it stays
// behind: a defect of the real service that clients meet.
func (l *loadBalancing) forgetVIP(lb object) {
	if port, ok := l.sim.network.Ports.get(lb.str("vip_port_id")); ok {
		port["security_groups"] = lb["_groups"]
	}
}

// subnetByID is a subnet, or nil.
func (s *Simulator) subnetByID(id string) object {
	return s.network.Subnets[id]
}

// subnetOf is a subnet that a token may use, or nil.
func (c *call) subnetOf(id string) object {
	subnet, ok := c.network.Subnets.get(id)
	if !ok || !c.owns(subnet) && !c.network.Networks[subnet.str("network_id")].flag("shared") {
		return nil
	}
	return subnet
}

// floatingAddressesOf are the floating IP addresses of a port.
func (s *Simulator) floatingAddressesOf(port string) []string {
	addresses := []string{}
	for _, floating := range s.network.FloatingIPs.where(func(o object) bool { return port != "" && o.str("port_id") == port }) {
		addresses = append(addresses, floating.str("floating_ip_address"))
	}
	return addresses
}

// networkOfMember is the network from which a member's address is seen: that of its subnet when it
// names one, else that of the VIP.
func (s *Simulator) networkOfMember(lb, member object) string {
	if subnet := s.subnetByID(member.str("subnet_id")); subnet != nil {
		return subnet.str("network_id")
	}
	return lb.str("vip_network_id")
}

// serverAt is the server that has an address in a network or in one that a router joins to it, or nil.
func (s *Simulator) serverAt(network string, address netip.Addr) object {
	near := s.joined(network)
	for _, port := range s.network.Ports.where(func(o object) bool { return near[o.str("network_id")] }) {
		for _, fixed := range port.objs("fixed_ips") {
			if at, err := netip.ParseAddr(fixed.str("ip_address")); err == nil && at == address.Unmap() {
				if server, ok := s.compute.Servers.get(port.str("device_id")); ok {
					return server
				}
			}
		}
	}
	return nil
}

// joined are the networks that can be reached from a network: itself and those on its routers.
func (s *Simulator) joined(network string) map[string]bool {
	routers, near := map[string]bool{}, map[string]bool{network: true}
	isInterface := func(o object) bool { return strings.HasPrefix(o.str("device_owner"), "network:router_interface") }
	interfaces := s.network.Ports.where(isInterface)
	for _, port := range interfaces {
		if port.str("network_id") == network {
			routers[port.str("device_id")] = true
		}
	}
	for _, port := range interfaces {
		if routers[port.str("device_id")] {
			near[port.str("network_id")] = true
		}
	}
	return near
}

// runs says whether a server is switched on.
func runs(server object) bool {
	vm := server.str("_vm")
	return vm == "active" || vm == "resized"
}
