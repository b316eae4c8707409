package simulator

import (
	"net/http"
	"net/netip"
)

func (n *network) subnetPoolResource() *resource {
	return &resource{
		singular: "subnetpool", collection: "subnetpools", table: &n.SubnetPools, quota: "subnetpool",
		sortKeys: []string{"address_scope_id", "default_prefixlen", "default_quota", "ip_version", "is_default", "max_prefixlen", "min_prefixlen", "name"},
		attributes: common(map[string]attribute{
			"name": {create: true, update: true, required: true, check: textUpTo(255)}, "prefixes": {create: true, update: true, required: true, check: poolPrefixes},
			"default_prefixlen": changeable(nil, integer), "min_prefixlen": changeable(nil, integer), "max_prefixlen": changeable(nil, integer),
			"default_quota": changeable(nil, optional(integer)), "is_default": byAdmin(changeable(false, boolean)),
			"shared": byAdmin(fixedAt(false, boolean)), "address_scope_id": changeable(nil, optional(uuid)), "ip_version": readOnly,
		}),
		unfiltered: []string{"prefixes"},
		missing: func(id string) *fault {
			return fail(http.StatusNotFound, "SubnetPoolNotFound", "Subnet pool %s could not be found.", id)
		},
		create: n.createSubnetPool,
		update: func(_ *call, o, in object) error {
			set(o, in)
			return nil
		},
		remove: n.removeSubnetPool,
		shared: func(o object) bool { return o.flag("shared") },
	}
}

func poolPrefixes(name string, value any) (any, error) {
	list := []any{}
	for _, item := range (object{"list": value}).strs("list") {
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			return nil, invalid(name, "'"+item+"' is not a valid IP subnet.")
		}
		list = append(list, prefix.Masked().String())
	}
	return list, nil
}

func (n *network) createSubnetPool(_ *call, in object) (object, error) {
	prefixes := in.strs("prefixes")
	if len(prefixes) == 0 {
		return nil, fail(http.StatusBadRequest, "EmptySubnetPoolPrefixList", "Empty subnet pool prefix list.")
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
	if in.num("default_prefixlen") < in.num("min_prefixlen") || in.num("default_prefixlen") > in.num("max_prefixlen") {
		return nil, fail(http.StatusBadRequest, "IllegalSubnetPoolPrefixBounds", "Illegal prefix bounds: default_prefixlen=%d, min_prefixlen=%d.",
			in.num("default_prefixlen"), in.num("min_prefixlen"))
	}
	// Creates and reads have these three as text.
	for _, key := range []string{"default_prefixlen", "min_prefixlen", "max_prefixlen"} {
		in[key] = text(in[key])
	}
	return n.store(&n.SubnetPools, in, 0), nil
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
