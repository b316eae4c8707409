package simulator

import (
	"net/http"
	"net/netip"
	"slices"
)

func (n *network) subnetPoolResource() *resource {
	return &resource{
		singular: "subnetpool", collection: "subnetpools", table: &n.SubnetPools, quota: "subnetpool",
		sortKeys: []string{"address_scope_id", "default_prefixlen", "default_quota", "ip_version", "is_default", "max_prefixlen", "min_prefixlen", "name"},
		attributes: common(map[string]attribute{
			"name": {create: true, update: true, required: true, check: textUpTo(255)}, "prefixes": {create: true, update: true, required: true, check: poolPrefixes},
			"default_prefixlen": changeable(nil, integer), "min_prefixlen": changeable(nil, integer), "max_prefixlen": changeable(nil, integer),
			"default_quota": changeable(nil, poolQuota), "is_default": byAdmin(changeable(false, boolean)),
			"shared": byAdmin(fixedAt(false, boolean)), "address_scope_id": changeable(nil, optional(uuid)), "ip_version": readOnly,
		}),
		unfiltered: []string{"prefixes"},
		missing: func(id string) *fault {
			return fail(http.StatusNotFound, "SubnetPoolNotFound", "Subnet pool %s could not be found.", id)
		},
		create: n.createSubnetPool,
		update: n.updateSubnetPool, remove: n.removeSubnetPool,
		shared: func(o object) bool { return o.flag("shared") },
	}
}

func poolPrefixes(name string, value any) (any, error) {
	var prefixes []netip.Prefix
	for _, item := range (object{"list": value}).strs("list") {
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			return nil, invalid(name, "'"+item+"' is not a valid IP subnet.")
		}
		prefixes = append(prefixes, prefix.Masked())
	}
	list := []any{}
	for _, prefix := range compact(prefixes) {
		list = append(list, prefix.String())
	}
	return list, nil
}

func (n *network) createSubnetPool(c *call, in object) (object, error) {
	prefixes := in.strs("prefixes")
	if len(prefixes) == 0 {
		return nil, fail(http.StatusBadRequest, "EmptySubnetPoolPrefixList", "Empty subnet pool prefix list.")
	}
	for _, text := range prefixes {
		if netip.MustParsePrefix(text).Addr().Is4() != netip.MustParsePrefix(prefixes[0]).Addr().Is4() {
			return nil, fail(http.StatusBadRequest, "PrefixVersionMismatch", "Cannot mix IPv4 and IPv6 prefixes in a subnet pool.")
		}
	}
	version, shortest, longest := 4, 8, 32
	if netip.MustParsePrefix(prefixes[0]).Addr().Is6() {
		version, shortest, longest = 6, 64, 128
	}
	in["ip_version"] = version
	if !in.has("min_prefixlen") {
		in["min_prefixlen"] = shortest
	}
	if !in.has("max_prefixlen") {
		in["max_prefixlen"] = longest
	}
	if !in.has("default_prefixlen") {
		in["default_prefixlen"] = in.num("min_prefixlen")
	}
	if err := poolBounds(in); err != nil {
		return nil, err
	}
	if err := n.checkScope(c, in); err != nil {
		return nil, err
	}
	// Creates and reads have these three as text.
	for _, key := range []string{"default_prefixlen", "min_prefixlen", "max_prefixlen"} {
		in[key] = text(in[key])
	}
	return n.store(&n.SubnetPools, in, 0), nil
}

// poolQuota is how many addresses a project may take; only a new pool may have null.
func poolQuota(name string, value any) (any, error) {
	quota, err := integer(name, value)
	if err != nil {
		return nil, err
	}
	if (object{"n": quota}).num("n") < 0 {
		return nil, invalid(name, "'"+text(value)+"' should be non-negative.")
	}
	return quota, nil
}

// checkScope refuses an address scope that is not there.
func (n *network) checkScope(c *call, in object) error {
	if !in.has("address_scope_id") {
		return nil
	}
	_, err := n.addressScopeResource().find(c, in.str("address_scope_id"))
	return err
}

func (n *network) updateSubnetPool(c *call, o, in object) error {
	merged := o.copy()
	set(merged, in)
	if err := poolBounds(merged); err != nil {
		return err
	}
	if err := n.checkScope(c, in); err != nil {
		return err
	}
	now := merged.strs("prefixes")
	for _, text := range o.strs("prefixes") {
		had := netip.MustParsePrefix(text)
		if !slices.ContainsFunc(now, func(p string) bool {
			prefix := netip.MustParsePrefix(p)
			return prefix.Bits() <= had.Bits() && prefix.Contains(had.Addr())
		}) {
			return fail(http.StatusBadRequest, "IllegalSubnetPoolPrefixUpdate", "Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.")
		}
	}
	for _, key := range []string{"default_prefixlen", "min_prefixlen", "max_prefixlen"} {
		if in.given(key) {
			in[key] = text(in[key])
		}
	}
	set(o, in)
	return nil
}

func (n *network) removeSubnetPool(_ *call, o object) error {
	if _, used := n.Subnets.find("subnetpool_id", o.str("id")); used {
		return fail(http.StatusBadRequest, "SubnetPoolDeleteError", "Unable to delete subnet pool: Subnet pool has existing allocations.")
	}
	delete(n.SubnetPools, o.str("id"))
	return nil
}

// prefixOfPool takes the prefix that is asked for out of a pool, or the first free one of the length.
func (n *network) prefixOfPool(c *call, in object) (netip.Prefix, error) {
	pool, err := n.subnetPoolResource().find(c, in.str("subnetpool_id"))
	if err != nil {
		return netip.Prefix{}, err
	}
	var taken []netip.Prefix
	for _, subnet := range n.Subnets.where(func(s object) bool { return s.str("subnetpool_id") == pool.str("id") }) {
		taken = append(taken, netip.MustParsePrefix(subnet.str("cidr")))
	}
	free := func(p netip.Prefix) bool {
		for _, t := range taken {
			if t.Overlaps(p) {
				return false
			}
		}
		return true
	}
	if in.has("cidr") {
		wanted, err := netip.ParsePrefix(in.str("cidr"))
		if err != nil {
			return netip.Prefix{}, invalidInput("%s is not in a CIDR format.", in.str("cidr"))
		}
		wanted = wanted.Masked()
		for _, text := range pool.strs("prefixes") {
			if p := netip.MustParsePrefix(text); p.Contains(wanted.Addr()) && p.Bits() <= wanted.Bits() && free(wanted) {
				return wanted, nil
			}
		}
		// The real service answers 500 as well.
		return netip.Prefix{}, fail(http.StatusInternalServerError, "SubnetAllocationError", "Failed to allocate subnet: Cannot allocate requested subnet from the available set of prefixes.")
	}
	length := number(pool["default_prefixlen"])
	if in.has("prefixlen") {
		length = in.num("prefixlen")
	}
	if shortest := number(pool["min_prefixlen"]); length < shortest {
		return netip.Prefix{}, fail(http.StatusBadRequest, "MinPrefixSubnetAllocationError", "Unable to allocate subnet with prefix length %d, minimum allowed prefix is %d.", length, shortest)
	}
	if longest := number(pool["max_prefixlen"]); length > longest {
		return netip.Prefix{}, fail(http.StatusBadRequest, "MaxPrefixSubnetAllocationError", "Unable to allocate subnet with prefix length %d, maximum allowed prefix is %d.", length, longest)
	}
	for _, text := range pool.strs("prefixes") {
		whole := netip.MustParsePrefix(text)
		if whole.Bits() > length {
			continue
		}
		for candidate := netip.PrefixFrom(whole.Addr(), length); whole.Contains(candidate.Addr()); {
			if free(candidate) {
				return candidate, nil
			}
			next := lastAddress(candidate).Next()
			if !next.IsValid() {
				break
			}
			candidate = netip.PrefixFrom(next, length)
		}
	}
	return netip.Prefix{}, fail(http.StatusInternalServerError, "SubnetAllocationError", "Failed to allocate subnet: Insufficient prefix space to allocate subnet size /%d.", length)
}

// number is a number that may be written as text.
func number(value any) int {
	n, err := integer("", value)
	if err != nil {
		return 0
	}
	return object{"n": n}.num("n")
}
