package simulator

import (
	"net/http"
	"net/netip"
	"strings"
)

// maxMTU is the MTU of networks that tenants make.
const maxMTU = 1450

func (n *network) networkResource() *resource {
	return &resource{
		singular: "network", collection: "networks", table: &n.Networks, quota: "network",
		core: true, findsMarker: true, sortKeys: []string{"admin_state_up", "availability_zone_hints", "mtu", "name", "status"},
		attributes: common(map[string]attribute{
			"name": changeable("", textUpTo(255)), "admin_state_up": changeable(true, boolean), "mtu": changeable(maxMTU, integer),
			"shared": byAdmin(changeable(false, boolean)), "router:external": byAdmin(changeable(false, boolean)),
			"is_default": byAdmin(changeable(false, boolean)), "port_security_enabled": changeable(true, boolean),
			"qos_policy_id": changeable(nil, optional(uuid)), "dns_domain": changeable("", textUpTo(255)),
			"availability_zone_hints": fixedAt([]any{}, anything),
			"provider:network_type":   byAdmin(fixedAt(nil, anything)), "provider:physical_network": byAdmin(fixedAt(nil, anything)),
			"provider:segmentation_id": byAdmin(fixedAt(nil, anything)),
			"status":                   readOnly, "subnets": readOnly, "availability_zones": readOnly,
			"ipv4_address_scope": readOnly, "ipv6_address_scope": readOnly,
		}),
		unfiltered: []string{"port_security_enabled", "qos_policy_id", "dns_domain", "availability_zone_hints", "subnets", "availability_zones", "ipv4_address_scope", "ipv6_address_scope"},
		missing: func(id string) *fault {
			return fail(http.StatusNotFound, "NetworkNotFound", "Network %s could not be found.", id)
		},
		create: n.createNetwork, update: n.updateNetwork, remove: n.removeNetwork,
		shared: func(o object) bool { return o.flag("shared") || o.flag("router:external") },
		view:   n.networkView,
	}
}

func (n *network) networkView(c *call, o object) object {
	view := object{}
	for key, value := range o {
		if !strings.HasPrefix(key, "provider:") && !strings.HasPrefix(key, "_") {
			view[key] = value
		}
	}
	subnets := []any{}
	for _, subnet := range n.subnetsOf(o.str("id")) {
		subnets = append(subnets, subnet.str("id"))
	}
	view["subnets"] = subnets
	if !o.flag("router:external") && c.request.Method != http.MethodPost {
		// Only the answer to a create has it for all networks.
		delete(view, "is_default")
	}
	return view
}

// subnetsOf are the subnets of a network.
func (n *network) subnetsOf(networkID string) []object {
	return n.Subnets.where(func(s object) bool { return s.str("network_id") == networkID })
}

// portsOf are the ports on a network.
func (n *network) portsOf(networkID string) []object {
	return n.Ports.where(func(p object) bool { return p.str("network_id") == networkID })
}

func (n *network) checkMTU(o, in object) error {
	if !o.flag("router:external") && in.num("mtu") > maxMTU {
		return invalidInput("Requested MTU is too big, maximum is %d.", maxMTU)
	}
	return nil
}

func (n *network) createNetwork(c *call, in object) (object, error) {
	if err := n.checkQoS(c, in); err != nil {
		return nil, err
	}
	if err := n.checkMTU(in, in); err != nil {
		return nil, err
	}
	for _, zone := range in.strs("availability_zone_hints") {
		// Only routers have zones here.
		return nil, fail(http.StatusNotFound, "AvailabilityZoneNotFound", "AvailabilityZone %s could not be found.", zone)
	}
	in["status"], in["availability_zones"] = "ACTIVE", []any{}
	in["ipv4_address_scope"], in["ipv6_address_scope"] = nil, nil
	return n.store(&n.Networks, in, 1), nil
}

func (n *network) updateNetwork(c *call, o, in object) error {
	if err := n.checkQoS(c, in); err != nil {
		return err
	}
	if err := n.checkMTU(o, in); err != nil {
		return err
	}
	set(o, in)
	return nil
}

func (n *network) removeNetwork(_ *call, o object) error {
	var inUse []string
	for _, port := range n.portsOf(o.str("id")) {
		if port.str("device_owner") != "network:dhcp" {
			inUse = append(inUse, port.str("id"))
		}
	}
	if len(inUse) > 0 {
		return fail(http.StatusConflict, "NetworkInUse", "Unable to complete operation on network %s. There are one or more ports still in use on the network, id for these ports is: %s.",
			o.str("id"), strings.Join(inUse, ","))
	}
	for _, port := range n.portsOf(o.str("id")) {
		delete(n.Ports, port.str("id"))
	}
	for _, subnet := range n.subnetsOf(o.str("id")) {
		delete(n.Subnets, subnet.str("id"))
	}
	delete(n.Networks, o.str("id"))
	return nil
}

func (n *network) subnetResource() *resource {
	return &resource{
		singular: "subnet", collection: "subnets", table: &n.Subnets, quota: "subnet",
		core: true, sortKeys: []string{"cidr", "enable_dhcp", "gateway_ip", "ip_version", "ipv6_address_mode", "ipv6_ra_mode", "name", "network_id", "segment_id", "subnetpool_id"},
		attributes: common(map[string]attribute{
			"name": changeable("", textUpTo(255)), "network_id": needed(uuid), "ip_version": fixedAt(4, oneOf(4, 6)),
			"cidr": fixedAt(nil, optional(textUpTo(64))), "gateway_ip": changeable("", optional(ipAddress)),
			"allocation_pools": changeable(nil, addressPools), "enable_dhcp": changeable(true, boolean),
			"dns_nameservers": changeable([]any{}, nameservers), "host_routes": changeable([]any{}, hostRoutes),
			"ipv6_ra_mode":      fixedAt(nil, optional(oneOf("dhcpv6-stateful", "dhcpv6-stateless", "slaac"))),
			"ipv6_address_mode": fixedAt(nil, optional(oneOf("dhcpv6-stateful", "dhcpv6-stateless", "slaac"))),
			"subnetpool_id":     fixedAt(nil, optional(uuid)), "prefixlen": fixedAt(nil, optional(integer)),
			"use_default_subnetpool": fixedAt(false, boolean), "service_types": changeable([]any{}, anything),
		}),
		unfiltered: []string{"allocation_pools", "dns_nameservers", "host_routes", "prefixlen", "use_default_subnetpool", "service_types"},
		missing: func(id string) *fault {
			return fail(http.StatusNotFound, "SubnetNotFound", "Subnet %s could not be found.", id)
		},
		create: n.createSubnet, update: n.updateSubnet, remove: n.removeSubnet,
		shared: func(o object) bool { return n.Networks[o.str("network_id")].flag("shared") },
	}
}

func (n *network) createSubnet(c *call, in object) (object, error) {
	network, err := n.networkResource().find(c, in.str("network_id"))
	if err != nil {
		return nil, err
	}
	if c != nil && !c.owns(network) {
		return nil, fail(http.StatusForbidden, "HTTPForbidden", "Tenant %s not allowed to create subnet on this network", c.project())
	}
	if err := checkModes(in); err != nil {
		return nil, err
	}
	prefix, err := n.subnetPrefix(c, in)
	if err != nil {
		return nil, err
	}
	if err := checkPrefix(in, prefix); err != nil {
		return nil, err
	}
	in["cidr"] = prefix.String()
	// A subnet from a pool gets a gateway even when null was sent.
	if in["gateway_ip"] == "" || in["gateway_ip"] == nil && in.has("subnetpool_id") {
		gateway := prefix.Addr()
		if prefix.Addr().Is4() && prefix.Bits() < 31 {
			gateway = gateway.Next()
		}
		in["gateway_ip"] = gateway.String()
	}
	if in.has("gateway_ip") && !gatewayFits(in.str("gateway_ip"), prefix) {
		return nil, invalidInput("Gateway is not valid on subnet.")
	}
	if err := n.checkNeighbours(in, network, prefix); err != nil {
		return nil, err
	}
	if in["allocation_pools"] == nil {
		in["allocation_pools"] = defaultPools(prefix, in.str("gateway_ip"))
	} else if err := checkPools(prefix, in.objs("allocation_pools"), in.str("gateway_ip")); err != nil {
		return nil, err
	}
	for _, key := range []string{"prefixlen", "use_default_subnetpool"} {
		delete(in, key)
	}
	return n.store(&n.Subnets, in, 0), nil
}

// checkModes checks the two IPv6 modes against the version and each other.
func checkModes(in object) error {
	ra, address := in.str("ipv6_ra_mode"), in.str("ipv6_address_mode")
	if in.num("ip_version") == 4 {
		if ra != "" {
			return invalidInput("ipv6_ra_mode is not valid when ip_version is 4.")
		}
		if address != "" {
			return invalidInput("ipv6_address_mode is not valid when ip_version is 4.")
		}
	}
	if (ra != "" || address != "") && !in.flag("enable_dhcp") {
		return invalidInput("ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False.")
	}
	if ra != "" && address != "" && ra != address {
		return invalidInput("ipv6_ra_mode set to '%s' with ipv6_address_mode set to '%s' is not valid. If both attributes are set, they must be the same value.", ra, address)
	}
	return nil
}

// subnetPrefix is the prefix that is asked for, or a free one of the subnet pool.
func (n *network) subnetPrefix(c *call, in object) (netip.Prefix, error) {
	if in.flag("use_default_subnetpool") && !in.has("subnetpool_id") {
		pools := n.SubnetPools.where(func(p object) bool {
			return p.flag("is_default") && p.num("ip_version") == in.num("ip_version")
		})
		if len(pools) == 0 {
			return netip.Prefix{}, fail(http.StatusBadRequest, "BadRequest", "Bad subnets request: No default subnetpool found for IPv%d.", in.num("ip_version"))
		}
		in["subnetpool_id"] = pools[0].str("id")
	}
	if in.has("subnetpool_id") {
		return n.prefixOfPool(c, in)
	}
	if !in.has("cidr") {
		return netip.Prefix{}, fail(http.StatusBadRequest, "BadRequest", "Bad subnets request: a subnetpool must be specified in the absence of a cidr.")
	}
	prefix, err := netip.ParsePrefix(in.str("cidr"))
	if err != nil {
		return netip.Prefix{}, invalidInput("%s is not in a CIDR format.", in.str("cidr"))
	}
	return prefix.Masked(), nil
}

func checkPrefix(in object, prefix netip.Prefix) error {
	if prefix.Addr().Is4() != (in.num("ip_version") == 4) {
		return invalidInput("cidr '%s' does not match the ip_version '%d'.", in.str("cidr"), in.num("ip_version"))
	}
	if prefix.Bits() == 0 {
		return invalidInput("0 is not allowed as CIDR prefix length.")
	}
	if in.flag("enable_dhcp") && prefix.Bits() > prefix.Addr().BitLen()-2 {
		return invalidInput("Subnet has a prefix length that is incompatible with DHCP service enabled.")
	}
	if mode := in.str("ipv6_address_mode"); (mode == "slaac" || mode == "dhcpv6-stateless") && prefix.Bits() != 64 {
		return invalidInput("Invalid CIDR %s for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix to be /64.", prefix)
	}
	return nil
}

// checkNeighbours compares a new subnet with the others on its network.
func (n *network) checkNeighbours(in, network object, prefix netip.Prefix) error {
	for _, other := range n.subnetsOf(network.str("id")) {
		if other.num("ip_version") == in.num("ip_version") && other.str("subnetpool_id") != in.str("subnetpool_id") {
			return fail(http.StatusBadRequest, "NetworkSubnetPoolAffinityError", "Subnets hosted on the same network must be allocated from the same subnet pool.")
		}
		if netip.MustParsePrefix(other.str("cidr")).Overlaps(prefix) {
			return invalidInput("Requested subnet with cidr: %s for network: %s overlaps with another subnet.", prefix, network.str("id"))
		}
	}
	return nil
}

// gatewayFits refuses the network and broadcast address; a gateway outside of the subnet is fine.
func gatewayFits(gateway string, prefix netip.Prefix) bool {
	a, err := netip.ParseAddr(gateway)
	if err != nil || a.Is4() != prefix.Addr().Is4() {
		return false
	}
	if a.Is6() || prefix.Bits() > 30 {
		return true
	}
	return a != prefix.Addr() && a != lastAddress(prefix)
}

// defaultPools are all addresses of a subnet but the gateway's.
func defaultPools(prefix netip.Prefix, gateway string) []any {
	first, last := prefix.Addr(), lastAddress(prefix)
	if prefix.Bits() < prefix.Addr().BitLen()-1 {
		first = first.Next()
		if first.Is4() {
			last = last.Prev()
		}
	}
	pools := []any{}
	addPool := func(first, last netip.Addr) {
		if first.Compare(last) <= 0 {
			pools = append(pools, map[string]any{"start": first.String(), "end": last.String()})
		}
	}
	g, err := netip.ParseAddr(gateway)
	if err != nil || g.Compare(first) < 0 || g.Compare(last) > 0 {
		addPool(first, last)
		return pools
	}
	addPool(first, g.Prev())
	addPool(g.Next(), last)
	return pools
}

func checkPools(prefix netip.Prefix, pools []object, gateway string) error {
	type span struct{ start, end netip.Addr }
	var spans []span
	for _, pool := range pools {
		s := span{netip.MustParseAddr(pool.str("start")), netip.MustParseAddr(pool.str("end"))}
		name := pool.str("start") + "-" + pool.str("end")
		if s.start.Is4() != prefix.Addr().Is4() || s.end.Is4() != s.start.Is4() || s.end.Less(s.start) {
			return fail(http.StatusBadRequest, "InvalidAllocationPool", "The allocation pool {'start': '%s', 'end': '%s'} is not valid.", pool.str("start"), pool.str("end"))
		}
		if !prefix.Contains(s.start) || !prefix.Contains(s.end) {
			return fail(http.StatusBadRequest, "OutOfBoundsAllocationPool", "The allocation pool %s spans beyond the subnet cidr %s.", name, prefix)
		}
		for _, other := range spans {
			if s.start.Compare(other.end) <= 0 && other.start.Compare(s.end) <= 0 {
				return fail(http.StatusConflict, "OverlappingAllocationPools", "Found overlapping allocation pools: %s-%s %s for subnet %s.", other.start, other.end, name, prefix)
			}
		}
		spans = append(spans, s)
	}
	return checkGateway(pools, gateway)
}

// checkGateway refuses a gateway that could be given to a port.
func checkGateway(pools []object, gateway string) error {
	if gateway == "" {
		return nil
	}
	g, err := netip.ParseAddr(gateway)
	if err != nil {
		return fail(http.StatusBadRequest, "InvalidInput", "Invalid input for gateway_ip: %v", err)
	}
	for _, pool := range pools {
		start, end := netip.MustParseAddr(pool.str("start")), netip.MustParseAddr(pool.str("end"))
		if start.Compare(g) <= 0 && g.Compare(end) <= 0 {
			return fail(http.StatusConflict, "GatewayConflictWithAllocationPools", "Gateway ip %s conflicts with allocation pool %s-%s.", gateway, start, end)
		}
	}
	return nil
}

func (n *network) updateSubnet(_ *call, o, in object) error {
	prefix := netip.MustParsePrefix(o.str("cidr"))
	pools, gateway := o.objs("allocation_pools"), o.str("gateway_ip")
	if in.given("gateway_ip") && in.str("gateway_ip") != gateway {
		if in.has("gateway_ip") && !gatewayFits(in.str("gateway_ip"), prefix) {
			return invalidInput("Gateway is not valid on subnet.")
		}
		for _, port := range n.portsAt(o.str("id"), gateway) {
			if port.str("device_owner") == "network:router_interface" {
				return fail(http.StatusConflict, "GatewayIpInUse", "Current gateway ip %s already in use by port %s. Unable to update.", gateway, port.str("id"))
			}
		}
		gateway = in.str("gateway_ip")
	}
	if in.has("allocation_pools") {
		pools = in.objs("allocation_pools")
		if err := checkPools(prefix, pools, gateway); err != nil {
			return err
		}
	} else if err := checkGateway(pools, gateway); err != nil {
		return err
	}
	if in.given("allocation_pools") && !in.has("allocation_pools") {
		delete(in, "allocation_pools")
	}
	set(o, in)
	return nil
}

// portsAt are the ports that hold an address of a subnet; any address of it when address is "".
func (n *network) portsAt(subnetID, address string) []object {
	return n.Ports.where(func(p object) bool {
		for _, fixed := range p.objs("fixed_ips") {
			if fixed.str("subnet_id") == subnetID && (address == "" || fixed.str("ip_address") == address) {
				return true
			}
		}
		return false
	})
}

func (n *network) removeSubnet(_ *call, o object) error {
	id := o.str("id")
	automatic := isAutomatic(o)
	for _, port := range n.portsAt(id, "") {
		owner := port.str("device_owner")
		if owner != "network:dhcp" && (!automatic || owner == "network:router_interface") {
			return fail(http.StatusConflict, "SubnetInUse", "Unable to complete operation on subnet %s: One or more ports have an IP allocation from this subnet.", id)
		}
	}
	for _, port := range n.portsAt(id, "") {
		kept := []any{}
		for _, fixed := range port.objs("fixed_ips") {
			if fixed.str("subnet_id") != id {
				kept = append(kept, map[string]any(fixed))
			}
		}
		port["fixed_ips"] = kept
	}
	delete(n.Subnets, id)
	return nil
}

// isAutomatic says whether ports make their own addresses on a subnet.
func isAutomatic(subnet object) bool {
	mode := subnet.str("ipv6_address_mode")
	return mode == "slaac" || mode == "dhcpv6-stateless"
}
