package simulator

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

func (n *network) portResource() *resource {
	return &resource{
		singular: "port", collection: "ports", table: &n.Ports, quota: "port",
		core: true, findsMarker: true, sortKeys: []string{"admin_state_up", "device_id", "device_owner", "ip_allocation", "mac_address", "name", "network_id", "status"},
		attributes: common(map[string]attribute{
			"name": changeable("", textUpTo(255)), "network_id": needed(uuid), "mac_address": {create: true, check: macAddress},
			"admin_state_up": changeable(true, boolean), "device_id": changeable("", textUpTo(255)), "device_owner": changeable("", textUpTo(255)),
			"fixed_ips": changeable(nil, fixedAddresses), "security_groups": changeable(nil, uuids),
			"allowed_address_pairs": changeable([]any{}, addressPairs), "port_security_enabled": changeable(nil, optional(boolean)),
			"extra_dhcp_opts": changeable([]any{}, dhcpOptions), "binding:vnic_type": changeable("normal", textUpTo(64)),
			"binding:host_id": byAdmin(changeable(nil, anything)), "binding:profile": byAdmin(changeable(nil, anything)),
			"qos_policy_id": changeable(nil, optional(uuid)), "dns_name": changeable("", lowerText), "dns_domain": changeable("", textUpTo(255)),
			"tags":   {create: true, value: []any{}, check: anything},
			"status": readOnly, "qos_network_policy_id": readOnly, "dns_assignment": readOnly,
		}),
		unfiltered: []string{"allowed_address_pairs", "port_security_enabled", "extra_dhcp_opts", "binding:vnic_type", "binding:profile", "qos_policy_id", "dns_name", "dns_domain", "qos_network_policy_id", "dns_assignment"},
		missing: func(id string) *fault {
			return fail(http.StatusNotFound, "PortNotFound", "Port %s could not be found.", id)
		},
		create: n.createPortObject, update: n.updatePort, remove: n.removePort, view: n.portView,
	}
}

// dhcpOptions checks DHCP options and gives each its IP version.
func dhcpOptions(_ string, value any) (any, error) {
	options := asObjects(value)
	for _, option := range options {
		if option.str("opt_name") == "" || !option.given("opt_value") {
			return nil, invalidInput("No valid key specs matched for: {'opt_name': '%s'}.", option.str("opt_name"))
		}
		if !option.has("ip_version") {
			option["ip_version"] = 4
		}
		option["ip_version"] = option.num("ip_version")
	}
	return plain(options), nil
}

// mergeOptions adds options to those that a port has: of a name and IP version that is there already the value changes, and no value takes it away.
func mergeOptions(have, sent []object) []any {
	same := func(a object) func(object) bool {
		return func(b object) bool {
			return a.str("opt_name") == b.str("opt_name") && a.num("ip_version") == b.num("ip_version")
		}
	}
	merged := slices.Clone(have)
	for _, option := range sent {
		merged = slices.DeleteFunc(merged, same(option))
		if option.has("opt_value") {
			merged = append(merged, option)
		}
	}
	slices.SortFunc(merged, func(a, b object) int { return strings.Compare(a.str("opt_name"), b.str("opt_name")) })
	return plain(merged)
}

func addressPairs(name string, value any) (any, error) {
	pairs := asObjects(value)
	for at, pair := range pairs {
		if _, err := netip.ParsePrefix(pair.str("ip_address")); err != nil {
			if _, err := ipAddress(name, pair["ip_address"]); err != nil {
				return nil, err
			}
		}
		for _, other := range pairs[:at] {
			if other.str("ip_address") == pair.str("ip_address") && other.str("mac_address") == pair.str("mac_address") {
				return nil, fail(http.StatusBadRequest, "DuplicateAddressPairInRequest", "Request contains duplicate address pair: mac_address %s ip_address %s.",
					pythonText(pair["mac_address"]), pair.str("ip_address"))
			}
		}
	}
	return plain(pairs), nil
}

func (n *network) portView(_ *call, o object) object {
	view := object{}
	for key, value := range o {
		if !strings.HasPrefix(key, "_") && key != "binding:host_id" && key != "binding:profile" {
			view[key] = value
		}
	}
	assignments := []any{}
	for _, fixed := range o.objs("fixed_ips") {
		host := o.str("dns_name")
		if host == "" {
			host = "host-" + strings.NewReplacer(".", "-", ":", "-").Replace(fixed.str("ip_address"))
		}
		assignments = append(assignments, map[string]any{
			"ip_address": fixed["ip_address"], "hostname": host, "fqdn": host + ".cloud.example.",
		})
	}
	view["dns_assignment"] = assignments
	return view
}

// createPort makes a port for another service or for the network itself, with the attributes, checks
// and defaults of POST /v2.0/ports and the project's quota. A project of "" hides it from all tenants.
func (n *network) createPort(project string, in object) (object, error) {
	if err := n.checkQuota("port", project, 1); err != nil {
		return nil, err
	}
	return n.make(n.portResource(), project, in)
}

func (n *network) createPortObject(c *call, in object) (object, error) {
	network, err := n.networkResource().find(c, in.str("network_id"))
	if err != nil {
		return nil, err
	}
	if c != nil && !c.owns(network) && !network.flag("shared") {
		return nil, fail(http.StatusForbidden, "HTTPForbidden", "Tenant %s not allowed to create port on this network", c.project())
	}
	if err := n.checkQoS(c, in); err != nil {
		return nil, err
	}
	if !in.has("mac_address") {
		in["mac_address"] = newMAC()
	}
	for _, other := range n.portsOf(network.str("id")) {
		if other.str("mac_address") == in.str("mac_address") {
			return nil, fail(http.StatusConflict, "MacAddressInUse", "Unable to complete operation for network %s. The mac address %s is in use.",
				network.str("id"), in.str("mac_address"))
		}
	}
	service := strings.HasPrefix(in.str("device_owner"), "network:")
	if !in.has("port_security_enabled") {
		in["port_security_enabled"] = !service && network.flag("port_security_enabled")
	}
	fixed, err := n.allocate(network, in, nil)
	if err != nil {
		return nil, err
	}
	in["fixed_ips"] = fixed
	if err := n.checkGroups(c, in, in); err != nil {
		return nil, err
	}
	if in["security_groups"] == nil {
		in["security_groups"] = []any{}
		if in.flag("port_security_enabled") && in.str("project_id") != "" {
			in["security_groups"] = []any{n.ensureDefaultGroup(in.str("project_id")).str("id")}
		}
	}
	in["allowed_address_pairs"] = pairsOf(in)
	in["status"], in["qos_network_policy_id"] = "DOWN", nil
	// The real service takes tags here and forgets them.
	in["tags"] = []any{}
	in["extra_dhcp_opts"] = mergeOptions(nil, in.objs("extra_dhcp_opts"))
	port := n.store(&n.Ports, in, 1)
	if in.has("binding:host_id") {
		n.bindPort(port.str("id"), port.str("device_id"), port.str("device_owner"), text(in["binding:host_id"]))
	}
	return port, nil
}

// pairsOf are the allowed address pairs of a port, with its own MAC where none is given.
func pairsOf(port object) []any {
	pairs := port.objs("allowed_address_pairs")
	for _, pair := range pairs {
		if !pair.has("mac_address") {
			pair["mac_address"] = port.str("mac_address")
		}
	}
	return plain(pairs)
}

// checkGroups checks the security groups and allowed pairs that a port would have after in is applied to it.
func (n *network) checkGroups(c *call, port, in object) error {
	merged := port
	if in.given("security_groups") || in.given("port_security_enabled") || in.given("allowed_address_pairs") {
		merged = object{}
		set(merged, port)
		set(merged, in)
	}
	groups := merged.strs("security_groups")
	if !merged.flag("port_security_enabled") {
		if len(groups) > 0 {
			return fail(http.StatusBadRequest, "PortSecurityAndIPRequiredForSecurityGroups", "Port security must be enabled and port must have an IP address in order to use security groups.")
		}
		if len(merged.objs("allowed_address_pairs")) > 0 {
			return fail(http.StatusConflict, "AddressPairAndPortSecurityRequired", "Port Security must be enabled in order to have allowed address pairs on a port.")
		}
	}
	if !in.given("security_groups") {
		return nil
	}
	for _, id := range groups {
		if _, err := n.groupResource().find(c, id); err != nil {
			return err
		}
	}
	return nil
}

// newMAC is a random MAC address of the field's usual prefix.
func newMAC() string {
	mac := net.HardwareAddr{0xfa, 0x16, 0x3e, 0, 0, 0}
	rand.Read(mac[3:]) // never fails
	return mac.String()
}

// allocate finds the addresses of a port: those that are asked for, or one of each IP version when
// nothing is. held are addresses that the port has already and may keep.
func (n *network) allocate(network, in object, held []object) ([]any, error) {
	subnets := n.subnetsOf(network.str("id"))
	fixed := []any{}
	taken := map[string]bool{}
	add := func(subnet object, address string) {
		taken[subnet.str("id")+address] = true
		fixed = append(fixed, map[string]any{"subnet_id": subnet.str("id"), "ip_address": address})
	}
	give := func(subnet object) error {
		address, err := n.freeAddress(subnet, in.str("mac_address"), taken, network.str("id"))
		if err == nil {
			add(subnet, address)
		}
		return err
	}
	if in["fixed_ips"] == nil {
		versions := map[int]error{}
		for _, subnet := range subnets {
			version := subnet.num("ip_version")
			if err, tried := versions[version]; isAutomatic(subnet) || tried && err == nil {
				continue
			}
			versions[version] = give(subnet)
		}
		for _, err := range versions {
			if err != nil {
				return nil, err
			}
		}
	}
	wanted := in.objs("fixed_ips")
	for _, want := range wanted {
		if want.has("ip_address") {
			subnet, err := n.subnetForAddress(network, want)
			if err != nil {
				return nil, err
			}
			address := want.str("ip_address")
			mine := slices.ContainsFunc(held, func(h object) bool {
				return h.str("subnet_id") == subnet.str("id") && h.str("ip_address") == address
			})
			if taken[subnet.str("id")+address] || !mine && len(n.portsAt(subnet.str("id"), address)) > 0 {
				return nil, fail(http.StatusConflict, "IpAddressAlreadyAllocated", "IP address %s already allocated in subnet %s", address, subnet.str("id"))
			}
			add(subnet, address)
		}
	}
	for _, want := range wanted {
		if want.has("ip_address") {
			continue
		}
		subnet, ok := n.Subnets.get(want.str("subnet_id"))
		if !ok {
			return nil, fail(http.StatusNotFound, "SubnetNotFound", "Subnet %s could not be found.", want.str("subnet_id"))
		}
		if subnet.str("network_id") != network.str("id") {
			return nil, invalidInput("Failed to create port on network %s, because fixed_ips included invalid subnet %s.", network.str("id"), subnet.str("id"))
		}
		kept := slices.IndexFunc(held, func(h object) bool {
			return h.str("subnet_id") == subnet.str("id") && !taken[subnet.str("id")+h.str("ip_address")]
		})
		if kept >= 0 { // what is asked for is there already
			add(subnet, held[kept].str("ip_address"))
		} else if err := give(subnet); err != nil {
			return nil, err
		}
	}
	if in["fixed_ips"] != nil && len(wanted) == 0 || strings.HasPrefix(in.str("device_owner"), "network:router") {
		return fixed, nil
	}
	for _, subnet := range subnets {
		if address := eui64(subnet, in.str("mac_address")); isAutomatic(subnet) && !taken[subnet.str("id")+address] {
			add(subnet, address)
		}
	}
	return fixed, nil
}

// subnetForAddress is the subnet of a network that an address belongs to.
func (n *network) subnetForAddress(network, want object) (object, error) {
	address := netip.MustParseAddr(want.str("ip_address"))
	usable := func(subnet object) bool {
		prefix := netip.MustParsePrefix(subnet.str("cidr"))
		if !prefix.Contains(address) {
			return false
		}
		return address.Is6() || prefix.Bits() > 30 || address != prefix.Addr() && address != lastAddress(prefix)
	}
	if want.has("subnet_id") {
		subnet, ok := n.Subnets.get(want.str("subnet_id"))
		if !ok {
			return nil, fail(http.StatusNotFound, "SubnetNotFound", "Subnet %s could not be found.", want.str("subnet_id"))
		}
		if subnet.str("network_id") == network.str("id") && usable(subnet) {
			return subnet, nil
		}
		return nil, fail(http.StatusBadRequest, "InvalidIpForSubnet", "IP address %s is not a valid IP for the specified subnet.", address)
	}
	for _, subnet := range n.subnetsOf(network.str("id")) {
		if usable(subnet) {
			return subnet, nil
		}
	}
	return nil, fail(http.StatusBadRequest, "InvalidIpForNetwork", "IP address %s is not a valid IP for any of the subnets on the specified network.", address)
}

// window is how many addresses from the start of a pool are considered, so that huge pools cost no more.
const window = 1 << 16

// freeAddress picks a random free address of a subnet's pools.
func (n *network) freeAddress(subnet object, mac string, taken map[string]bool, networkID string) (string, error) {
	if isAutomatic(subnet) {
		return eui64(subnet, mac), nil
	}
	id := subnet.str("id")
	used := map[string]bool{subnet.str("gateway_ip"): true}
	for _, port := range n.portsAt(id, "") {
		for _, fixed := range port.objs("fixed_ips") {
			used[fixed.str("ip_address")] = true
		}
	}
	for _, pool := range subnet.objs("allocation_pools") {
		start, end := netip.MustParseAddr(pool.str("start")), netip.MustParseAddr(pool.str("end"))
		size := poolSize(start, end)
		offset, err := rand.Int(rand.Reader, big.NewInt(int64(size)))
		if err != nil {
			return "", fmt.Errorf("random address: %w", err)
		}
		for step := range size {
			address := plus(start, (offset.Uint64()+step)%size).String()
			if !used[address] && !taken[id+address] {
				return address, nil
			}
		}
	}
	return "", fail(http.StatusConflict, "IpAddressGenerationFailure", "No more IP addresses available on network %s.", networkID)
}

// poolSize is the number of addresses of a pool that are considered.
func poolSize(start, end netip.Addr) uint64 {
	first, last := new(big.Int).SetBytes(start.AsSlice()), new(big.Int).SetBytes(end.AsSlice())
	size := last.Sub(last, first).Add(last, big.NewInt(1))
	if !size.IsUint64() || size.Uint64() > window {
		return window
	}
	return size.Uint64()
}

// eui64 is the address that a port gives itself on a subnet with SLAAC.
func eui64(subnet object, mac string) string {
	hardware, err := net.ParseMAC(mac)
	prefix, bad := netip.ParsePrefix(subnet.str("cidr"))
	if err != nil || bad != nil || !prefix.Addr().Is6() {
		return ""
	}
	b := prefix.Addr().As16()
	copy(b[8:], []byte{hardware[0] ^ 2, hardware[1], hardware[2], 0xff, 0xfe, hardware[3], hardware[4], hardware[5]})
	return netip.AddrFrom16(b).String()
}

func (n *network) updatePort(c *call, o, in object) error {
	if err := n.checkQoS(c, in); err != nil {
		return err
	}
	if in.given("security_groups") && in["security_groups"] == nil {
		in["security_groups"] = []any{}
	}
	if in.given("port_security_enabled") && in["port_security_enabled"] == nil {
		in["port_security_enabled"] = true
	}
	if err := n.checkGroups(c, o, in); err != nil {
		return err
	}
	if in.has("fixed_ips") {
		wanted := object{"fixed_ips": in["fixed_ips"], "mac_address": o["mac_address"], "device_owner": o["device_owner"]}
		fixed, err := n.allocate(n.Networks[o.str("network_id")], wanted, o.objs("fixed_ips"))
		if err != nil {
			return err
		}
		n.keepFloating(o, fixed)
		in["fixed_ips"] = fixed
	} else {
		delete(in, "fixed_ips")
	}
	host := in["binding:host_id"]
	if in.given("extra_dhcp_opts") {
		in["extra_dhcp_opts"] = mergeOptions(o.objs("extra_dhcp_opts"), in.objs("extra_dhcp_opts"))
	}
	set(o, in)
	if in.given("allowed_address_pairs") {
		o["allowed_address_pairs"] = pairsOf(o)
	}
	if host != nil {
		n.bindPort(o.str("id"), o.str("device_id"), o.str("device_owner"), text(host))
	}
	return nil
}

// keepFloating disassociates floating IPs from addresses that a port loses.
func (n *network) keepFloating(port object, fixed []any) {
	kept := asObjects(fixed)
	for _, f := range n.floatingIPsOf(port.str("id")) {
		if !slices.ContainsFunc(kept, func(k object) bool { return k.str("ip_address") == f.str("fixed_ip_address") }) {
			n.disassociate(f)
		}
	}
}

func (n *network) removePort(c *call, o object) error {
	if owner := o.str("device_owner"); c != nil && (strings.HasPrefix(owner, "network:router") || owner == "network:floatingip") {
		return fail(http.StatusConflict, "ServicePortInUse", "Port %s cannot be deleted directly via the port API: has device owner %s.", o.str("id"), owner)
	}
	n.deletePort(o.str("id"))
	return nil
}

// deletePort removes a port whoever owns it; its floating IPs stay without it.
func (n *network) deletePort(id string) {
	for _, f := range n.floatingIPsOf(id) {
		n.disassociate(f)
	}
	delete(n.Ports, id)
}

// bindPort gives a port to a device on a host; it becomes ACTIVE after Times.Port, and is in BUILD before, while the agent works on it.
func (n *network) bindPort(id, deviceID, deviceOwner, host string) {
	port, ok := n.Ports.get(id)
	if !ok {
		return
	}
	port["device_id"], port["device_owner"], port["_host"] = deviceID, deviceOwner, host
	touch(port)
	n.activatePort(id)
}

func (n *network) activatePort(id string) {
	half := n.portTime() / 2
	n.sim.after(half, func() {
		n.setPortStatus(id, "BUILD")
		n.sim.after(half, func() { n.setPortStatus(id, "ACTIVE") })
	})
}

// setPortStatus is what an agent reports of a port that is bound to its host and not ACTIVE yet.
func (n *network) setPortStatus(id, status string) {
	if port, ok := n.Ports.get(id); ok && port.has("_host") && port.str("status") != "ACTIVE" {
		port["status"] = status
		touch(port)
	}
}

// unbindPort takes a port from its device.
func (n *network) unbindPort(id string) {
	port, ok := n.Ports.get(id)
	if !ok {
		return
	}
	delete(port, "_host")
	port["device_id"], port["device_owner"], port["status"] = "", "", "DOWN"
	touch(port)
}

// devicePorts are the ports of a device, such as a server.
func (n *network) devicePorts(deviceID string) []object {
	return n.Ports.where(func(p object) bool { return p.str("device_id") == deviceID })
}

// groupsOf are the security groups of a port.
func (n *network) groupsOf(port object) []object {
	groups := []object{}
	for _, id := range port.strs("security_groups") {
		if group, ok := n.Groups.get(id); ok {
			groups = append(groups, group)
		}
	}
	return groups
}

// members are the ports of a security group.
func (n *network) members(groupID string) []object {
	return n.Ports.where(func(p object) bool { return slices.Contains(p.strs("security_groups"), groupID) })
}
