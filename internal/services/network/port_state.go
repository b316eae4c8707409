package network

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"reflect"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// Validate checks what no attribute can check alone.
func (port) Validate(_ context.Context, m *portModel) error {
	var errs []error
	invalid := func(p path.Path, format string, args ...any) {
		errs = append(errs, lifecycle.Invalid(p, format, args...))
	}
	if value.Known(m.PortSecurity) && !m.PortSecurity.ValueBool() {
		if len(m.SecurityGroupIDs.Elements()) > 0 {
			invalid(path.Root("security_group_ids"), "a port without port security has no security groups: leave them out, or set port_security to true")
		}
		if len(m.AllowedAddressPairs.Elements()) > 0 {
			invalid(path.Root("allowed_address_pairs"), "a port without port security may use every address: leave the pairs out, or set port_security to true")
		}
	}
	seen := map[netip.Addr]bool{}
	for i, e := range m.FixedIPs.Elements() {
		if wish, ok := e.(types.Object); ok && value.Known(wish) && !given(slices.Collect(maps.Values(wish.Attributes()))...) {
			invalid(path.Root("fixed_ips").AtListIndex(i), "say which address, or which subnet it is of: ip_address, subnet_id or both")
		}
		addr, err := netip.ParseAddr(text(e, "ip_address"))
		if err == nil && seen[addr] {
			invalid(path.Root("fixed_ips").AtListIndex(i).AtName("ip_address"), "%s is in the list already; leave one of them out", addr)
		}
		seen[addr] = true
	}
	options := map[string]bool{}
	for i, e := range m.ExtraDHCPOptions.Elements() {
		key := optionKey(e)
		if name := text(e, "name"); name != "" && options[key] {
			invalid(path.Root("extra_dhcp_options").AtListIndex(i), "the option %s is in the list already; an option has one value", name)
		}
		options[key] = true
	}
	return errors.Join(errs...)
}

// Plan keeps the addresses of what is still asked for.
func (port) Plan(ctx context.Context, _ *openstack.Cloud, change *lifecycle.Change[portModel]) error {
	plan, prior := change.Plan, change.Prior
	if change.Config.SecurityGroupIDs.IsNull() && value.Known(plan.PortSecurity) && !plan.PortSecurity.ValueBool() {
		plan.SecurityGroupIDs = value.Set(nil)
	}
	have := types.ListNull(plan.FixedIPs.ElementType(ctx))
	if prior != nil {
		have = prior.FixedIPs
	}
	plan.FixedIPs = planFixedIPs(change.Config.FixedIPs, plan.FixedIPs, have)
	return nil // the device and the names may change at any time, with the server, so they are not known before
}

// planFixedIPs completes what the configuration asks for with what the port has: an address of the same subnet stays.
func planFixedIPs(config, plan, prior types.List) types.List {
	if config.IsUnknown() {
		return config
	}
	if config.IsNull() {
		if value.Known(prior) {
			return prior
		}
		return plan
	}
	kind := objectType(fixedIPAttributes)
	free := slices.Clone(prior.Elements())
	take := func(matches func(attr.Value) bool) (attr.Value, bool) {
		i := slices.IndexFunc(free, matches)
		if i < 0 {
			return nil, false
		}
		found := free[i]
		free = slices.Delete(free, i, i+1)
		return found, true
	}
	planned := slices.Clone(config.Elements())
	for i, e := range planned { // addresses first, so that no wish for any address gets them
		wish, ok := e.(types.Object)
		if !ok || !value.Known(wish) {
			planned[i] = types.ObjectUnknown(kind.AttrTypes)
			continue
		}
		address, subnet := wish.Attributes()["ip_address"], wish.Attributes()["subnet_id"]
		if !value.Known(address) {
			continue
		}
		had, found := take(func(h attr.Value) bool { return sameIP(text(h, "ip_address"), text(wish, "ip_address")) })
		if subnet.IsNull() {
			subnet = types.StringUnknown()
			if found {
				subnet = types.StringValue(text(had, "subnet_id"))
			}
		}
		planned[i] = types.ObjectValueMust(kind.AttrTypes, map[string]attr.Value{"subnet_id": subnet, "ip_address": address})
	}
	for i, e := range planned {
		wish, ok := e.(types.Object)
		if !ok || !value.Known(wish) || !wish.Attributes()["ip_address"].IsNull() {
			continue
		}
		subnet := wish.Attributes()["subnet_id"]
		address := types.StringUnknown()
		if had, found := take(func(h attr.Value) bool { return value.Known(subnet) && text(h, "subnet_id") == text(wish, "subnet_id") }); found {
			address = types.StringValue(text(had, "ip_address"))
		}
		planned[i] = types.ObjectValueMust(kind.AttrTypes, map[string]attr.Value{"subnet_id": subnet, "ip_address": address})
	}
	for i, e := range planned { // an address that is not known yet, of a subnet that nobody named
		if wish, ok := e.(types.Object); ok && value.Known(wish) && wish.Attributes()["subnet_id"].IsNull() {
			planned[i] = types.ObjectValueMust(kind.AttrTypes, map[string]attr.Value{"subnet_id": types.StringUnknown(), "ip_address": wish.Attributes()["ip_address"]})
		}
	}
	return types.ListValueMust(kind, planned)
}

// settleFixedIPs is the list of wishes with what the cloud made of them. When a wish is not fulfilled, or there are
// addresses that nobody asked for, it is what the port has, and the next plan shows the difference.
func settleFixedIPs(wishes types.List, now []apiFixedIP, mac string) types.List {
	var all [][]string
	for _, ip := range now {
		all = append(all, []string{ip.SubnetID, ip.IPAddress})
	}
	if !value.Known(wishes) {
		return objects(fixedIPAttributes, all...)
	}
	free := slices.Clone(now)
	settled := make([][]string, len(wishes.Elements()))
	for _, chosen := range []bool{true, false} { // addresses first, so that no wish for any address gets them
		for i, wish := range wishes.Elements() {
			address, subnet := text(wish, "ip_address"), text(wish, "subnet_id")
			if chosen != (address != "") {
				continue
			}
			at := slices.IndexFunc(free, func(ip apiFixedIP) bool {
				return (address == "" || sameIP(address, ip.IPAddress)) && (subnet == "" || subnet == ip.SubnetID)
			})
			if at < 0 {
				return objects(fixedIPAttributes, all...)
			}
			if address == "" {
				address = free[at].IPAddress
			}
			settled[i] = []string{free[at].SubnetID, address}
			free = slices.Delete(free, at, at+1)
		}
	}
	if slices.ContainsFunc(free, func(ip apiFixedIP) bool { return !automatic(ip.IPAddress, mac) }) {
		return objects(fixedIPAttributes, all...)
	}
	return objects(fixedIPAttributes, settled...)
}

// automatic tells whether a port with this MAC address gives itself the address by SLAAC, as it does in every subnet
// of its network that has it.
func automatic(address, mac string) bool {
	a, err := netip.ParseAddr(address)
	hardware, macErr := net.ParseMAC(mac)
	if err != nil || macErr != nil || !a.Is6() || len(hardware) != 6 {
		return false
	}
	bytes := a.As16()
	return slices.Equal(bytes[8:], []byte{hardware[0] ^ 2, hardware[1], hardware[2], 0xff, 0xfe, hardware[3], hardware[4], hardware[5]})
}

func sameIP(a, b string) bool {
	first, err := netip.ParseAddr(a)
	second, otherErr := netip.ParseAddr(b)
	return err == nil && otherErr == nil && first == second
}

func sameMAC(a, b string) bool {
	first, err := net.ParseMAC(a)
	second, otherErr := net.ParseMAC(b)
	return err == nil && otherErr == nil && slices.Equal(first, second)
}

// settlePairs keeps how the configuration writes the pairs, and their order. Neutron gives each the port's own MAC
// address that has none.
func settlePairs(prior types.List, now []apiAddressPair, mac string) types.List {
	kind := objectType(pairAttributes)
	if len(now) == 0 {
		return types.ListNull(kind)
	}
	key := func(ip, pairMAC string) string {
		if p, err := netip.ParsePrefix(ip); err == nil {
			ip = p.String()
		} else if a, err := netip.ParseAddr(ip); err == nil {
			ip = a.String()
		}
		if hardware, err := net.ParseMAC(pairMAC); err == nil && !sameMAC(pairMAC, mac) {
			return ip + " " + hardware.String()
		}
		return ip
	}
	left := map[string]int{}
	var all []attr.Value
	for _, pair := range now {
		left[key(pair.IPAddress, pair.MACAddress)]++
		own := types.StringNull()
		if !sameMAC(pair.MACAddress, mac) {
			own = types.StringValue(pair.MACAddress)
		}
		all = append(all, types.ObjectValueMust(kind.AttrTypes, map[string]attr.Value{"ip_address": types.StringValue(pair.IPAddress), "mac_address": own}))
	}
	for _, e := range prior.Elements() {
		left[key(text(e, "ip_address"), text(e, "mac_address"))]--
	}
	for _, count := range left {
		if count != 0 {
			return types.ListValueMust(kind, all)
		}
	}
	return prior
}

var optionType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"name": types.StringType, "value": types.StringType, "ip_version": types.Int64Type,
}}

// optionKey tells DHCP options apart.
func optionKey(e attr.Value) string {
	version := int64(4)
	if object, ok := e.(types.Object); ok {
		if v, ok := object.Attributes()["ip_version"].(types.Int64); ok && value.Known(v) {
			version = v.ValueInt64()
		}
	}
	return fmt.Sprintf("%s/%d", text(e, "name"), version)
}

// dhcpOptions is the change of a port's DHCP options: Neutron keeps those that a request does not name.
func dhcpOptions(plan, prior types.List) []apiDHCPOption {
	option := func(e attr.Value) apiDHCPOption {
		o := apiDHCPOption{Name: text(e, "name"), Value: new(text(e, "value")), IPVersion: 4}
		if optionKey(e) == o.Name+"/6" {
			o.IPVersion = 6
		}
		return o
	}
	had := map[string]attr.Value{}
	for _, e := range prior.Elements() {
		had[optionKey(e)] = e
	}
	var changes []apiDHCPOption
	for _, e := range plan.Elements() {
		if before, ok := had[optionKey(e)]; !ok || !before.Equal(e) {
			changes = append(changes, option(e))
		}
		delete(had, optionKey(e))
	}
	for _, e := range prior.Elements() {
		if _, gone := had[optionKey(e)]; gone {
			o := option(e)
			o.Value = nil
			changes = append(changes, o)
		}
	}
	return changes
}

func settleOptions(prior types.List, now []apiDHCPOption) types.List {
	if len(now) == 0 {
		return types.ListNull(optionType)
	}
	all := make([]attr.Value, 0, len(now))
	for _, o := range now {
		all = append(all, types.ObjectValueMust(optionType.AttrTypes, map[string]attr.Value{
			"name": types.StringValue(o.Name), "value": value.StringPtr(o.Value), "ip_version": value.Int(o.IPVersion),
		}))
	}
	return keepOrder(prior, types.ListValueMust(optionType, all))
}

// parseProfile reads a binding profile; "" is the empty one.
func parseProfile(text string) (map[string]any, error) {
	profile := map[string]any{}
	if text == "" {
		return profile, nil
	}
	if err := json.Unmarshal([]byte(text), &profile); err != nil || profile == nil {
		return nil, fmt.Errorf("it must be a JSON object, such as jsonencode({ capabilities = [\"switchdev\"] })")
	}
	return profile, nil
}

// settleProfile keeps the profile of the configuration as long as the port has all of it: Nova adds keys of its own.
func settleProfile(prior types.String, now map[string]any) types.String {
	if !value.Known(prior) || now == nil { // nobody asked, or may not see it
		return value.StringPtr(value.Ptr(prior))
	}
	wanted, err := parseProfile(prior.ValueString())
	if err == nil && !slices.ContainsFunc(slices.Collect(maps.Keys(wanted)), func(key string) bool { return !reflect.DeepEqual(wanted[key], now[key]) }) {
		return prior
	}
	encoded, err := json.Marshal(now)
	if err != nil {
		return prior
	}
	return types.StringValue(string(encoded))
}
