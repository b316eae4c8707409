package network

import (
	"context"
	"errors"
	"net/netip"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// Validate checks the addresses against each other.
func (subnet) Validate(_ context.Context, m *subnetModel) error {
	var errs []error
	invalid := func(p path.Path, format string, args ...any) {
		errs = append(errs, lifecycle.Invalid(p, format, args...))
	}
	if m.CIDR.IsNull() && m.SubnetPoolID.IsNull() {
		invalid(path.Root("cidr"), "give cidr, subnet_pool_id or both: without one there are no addresses")
	}
	if !m.CIDR.IsNull() && !m.PrefixLength.IsNull() {
		invalid(path.Root("prefix_length"), "give either cidr or prefix_length: a CIDR has its length")
	}
	if m.NoGateway.ValueBool() && !m.GatewayIP.IsNull() {
		invalid(path.Root("gateway_ip"), "give no gateway_ip when no_gateway is true")
	}
	var cidr netip.Prefix
	if value.Known(m.CIDR) {
		parsed, err := netip.ParsePrefix(m.CIDR.ValueString())
		if err != nil || parsed != parsed.Masked() {
			return errors.Join(errs...) // the attribute's own validator tells
		}
		cidr = parsed
	}
	gateway, _ := netip.ParseAddr(m.GatewayIP.ValueString())
	if cidr.IsValid() && gateway.IsValid() {
		switch {
		case gateway.Is4() != cidr.Addr().Is4():
			invalid(path.Root("gateway_ip"), "%s is not of the same IP version as %s", gateway, cidr)
		case !cidr.Contains(gateway) && !gateway.IsLinkLocalUnicast():
			invalid(path.Root("gateway_ip"), "%s is outside the subnet %s", gateway, cidr)
		case cidr.Addr().Is4() && cidr.Bits() < 31 && (gateway == cidr.Addr() || gateway == lastAddress(cidr)):
			invalid(path.Root("gateway_ip"), "%s is the network's own or broadcast address; the first usable one of %s is %s", gateway, cidr, cidr.Addr().Next())
		}
	}
	errs = append(errs, validatePools(m.AllocationPools, cidr, gateway)...)
	errs = append(errs, validateRoutes("host_routes", m.HostRoutes, cidr)...)
	for name, mode := range map[string]types.String{"ipv6_address_mode": m.IPv6AddressMode, "ipv6_ra_mode": m.IPv6RAMode} {
		if value.Known(mode) && cidr.IsValid() && cidr.Addr().Is4() {
			invalid(path.Root(name), "IPv6 modes need an IPv6 subnet, and %s is IPv4", cidr)
		}
	}
	if cidr.IsValid() {
		errs = append(errs, m.validateLength(cidr)...)
	}
	if given(m.IPv6AddressMode, m.IPv6RAMode) && value.Known(m.EnableDHCP) && !m.EnableDHCP.ValueBool() {
		invalid(path.Root("enable_dhcp"), "IPv6 modes need enable_dhcp: they say how the addresses are given out")
	}
	if value.Known(m.IPv6AddressMode) && value.Known(m.IPv6RAMode) && !m.IPv6AddressMode.Equal(m.IPv6RAMode) {
		invalid(path.Root("ipv6_ra_mode"), "when both modes are given they must be the same, and ipv6_address_mode is %s", m.IPv6AddressMode.ValueString())
	}
	return errors.Join(errs...)
}

// validateLength refuses subnets of a size that Neutron does not take.
func (m *subnetModel) validateLength(cidr netip.Prefix) []error {
	var errs []error
	if cidr.Bits() == 0 {
		errs = append(errs, lifecycle.Invalid(path.Root("cidr"), "a subnet cannot be everything: give a prefix length of at least 1"))
	}
	if smallest := cidr.Addr().BitLen() - 2; cidr.Bits() > smallest && (m.EnableDHCP.IsNull() || m.EnableDHCP.ValueBool()) {
		errs = append(errs, lifecycle.Invalid(path.Root("cidr"), "%s has no room for DHCP: give a prefix length of at most %d, or set enable_dhcp to false", cidr, smallest))
	}
	if mode := m.IPv6AddressMode.ValueString(); (mode == "slaac" || mode == "dhcpv6-stateless") && cidr.Addr().Is6() && cidr.Bits() != 64 {
		errs = append(errs, lifecycle.Invalid(path.Root("cidr"), "with ipv6_address_mode %s ports make their addresses of their MAC addresses, for which the prefix length must be 64", mode))
	}
	return errs
}

var poolAttributes = []string{"start", "end"}

// pool is a range of addresses.
type pool struct{ start, end netip.Addr }

// validatePools checks ranges against the subnet, the gateway and each other. What is not valid on its own is told by
// the attributes' validators.
func validatePools(list types.List, cidr netip.Prefix, gateway netip.Addr) []error {
	var errs []error
	known := map[int]pool{}
	for i, e := range list.Elements() {
		at := path.Root("allocation_pools").AtListIndex(i)
		start, startErr := netip.ParseAddr(text(e, "start"))
		end, endErr := netip.ParseAddr(text(e, "end"))
		for name, addr := range map[string]netip.Addr{"start": start, "end": end} {
			if cidr.IsValid() && addr.IsValid() && !cidr.Contains(addr) {
				errs = append(errs, lifecycle.Invalid(at.AtName(name), "%s is outside the subnet %s", addr, cidr))
			}
		}
		if startErr != nil || endErr != nil {
			continue
		}
		p := pool{start, end}
		switch {
		case start.Is4() != end.Is4():
			errs = append(errs, lifecycle.Invalid(at, "%s and %s are not of the same IP version", start, end))
			continue
		case end.Less(start):
			errs = append(errs, lifecycle.Invalid(at, "the pool starts at %s, after its end %s", start, end))
			continue
		case gateway.IsValid() && p.contains(gateway):
			errs = append(errs, lifecycle.Invalid(at, "the gateway %s is inside the pool %s-%s, where a port could get it", gateway, start, end))
		}
		for j := range i {
			if other, ok := known[j]; ok && (p.contains(other.start) || other.contains(p.start)) {
				errs = append(errs, lifecycle.Invalid(at, "the pool %s-%s overlaps %s-%s", start, end, other.start, other.end))
			}
		}
		known[i] = p
	}
	return errs
}

func (p pool) contains(a netip.Addr) bool { return !a.Less(p.start) && !p.end.Less(a) }

// validateRoutes checks that both sides of a route are of one IP version, and of the subnet's when it is known.
func validateRoutes(attributeName string, list types.List, cidr netip.Prefix) []error {
	var errs []error
	for i, e := range list.Elements() {
		at := path.Root(attributeName).AtListIndex(i).AtName("nexthop")
		destination, destinationErr := netip.ParsePrefix(text(e, "destination"))
		hop, hopErr := netip.ParseAddr(text(e, "nexthop"))
		if destinationErr == nil && hopErr == nil && destination.Addr().Is4() != hop.Is4() {
			errs = append(errs, lifecycle.Invalid(at, "%s is not of the same IP version as the destination %s", hop, destination))
		} else if hopErr == nil && cidr.IsValid() && hop.Is4() != cidr.Addr().Is4() {
			errs = append(errs, lifecycle.Invalid(at, "%s is not of the same IP version as the subnet %s", hop, cidr))
		}
	}
	return errs
}

func lastAddress(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for i := p.Bits(); i < len(bytes)*8; i++ {
		bytes[i/8] |= 1 << (7 - i%8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}
