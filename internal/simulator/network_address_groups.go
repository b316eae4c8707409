package simulator

import (
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// undated are attributes that the answers about some kinds leave out.
func undated(more ...string) func(*call, object) object {
	return func(_ *call, o object) object {
		view := maps.Clone(o)
		for _, key := range append(more, "created_at", "updated_at", "revision_number", "tags") {
			delete(view, key)
		}
		return view
	}
}

func (n *network) addressGroupResource() *resource {
	return &resource{
		singular: "address-group", collection: "address-groups", table: &n.AddressGroups, untagged: true,
		attributes: map[string]attribute{
			"id": readOnly, "name": changeable("", textUpTo(255)), "description": changeable("", textUpTo(255)), "addresses": fixedAt([]any{}, groupAddresses),
		},
		missing: func(id string) *fault {
			return fail(http.StatusNotFound, "AddressGroupNotFound", "Address group %s could not be found.", id)
		},
		create: func(_ *call, in object) (object, error) { return n.store(&n.AddressGroups, in, 0), nil },
		update: func(_ *call, o, in object) error {
			set(o, in)
			return nil
		},
		remove: func(_ *call, o object) error {
			if _, used := n.Rules.find("remote_address_group_id", o.str("id")); used {
				return fail(http.StatusConflict, "AddressGroupInUse", "Address group %s is in use on one or more security group rules.", o.str("id"))
			}
			delete(n.AddressGroups, o.str("id"))
			return nil
		},
		view: undated(),
	}
}

// groupAddresses checks and sorts the networks of a new group.
func groupAddresses(name string, value any) (any, error) {
	var list []string
	for _, item := range (object{"list": value}).strs("list") {
		if _, err := netip.ParseAddr(item); err == nil {
			return nil, invalid(name, "'"+item+"' isn't a recognized IP subnet cidr, '"+item+"/32' is recommended.")
		}
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			return nil, invalid(name, "'"+item+"' is not a valid IP subnet.")
		}
		if slices.Contains(list, prefix.Masked().String()) {
			return nil, invalid(name, "Duplicate items in the list: '"+item+"'.")
		}
		list = append(list, prefix.Masked().String())
	}
	return anyTexts(list), nil
}

// anyTexts are sorted texts as JSON has them.
func anyTexts(list []string) []any {
	slices.Sort(list)
	all := []any{}
	for _, item := range list {
		all = append(all, item)
	}
	return all
}

// addressGroupAction answers PUT below an address group. Its body has no envelope.
func (n *network) addressGroupAction(c *call) (int, any, error) {
	action := c.path("action")
	if action != "add_addresses" && action != "remove_addresses" {
		return 0, nil, fail(http.StatusNotFound, "HTTPNotFound", "The resource could not be found.")
	}
	r := n.addressGroupResource()
	group, err := r.change(c, c.path("id"), "update")
	if err != nil {
		return 0, nil, err
	}
	var body object
	if err := c.decode(&body); err != nil || !body.given("addresses") {
		return 0, nil, fail(http.StatusInternalServerError, "HTTPInternalServerError", "Request Failed: internal server error while processing your request.")
	}
	var there, missing []string
	have := group.strs("addresses")
	for _, item := range body.strs("addresses") {
		prefix, err := netip.ParsePrefix(item)
		if a, addrErr := netip.ParseAddr(item); addrErr == nil {
			prefix, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return 0, nil, fail(http.StatusBadRequest, "AddrFormatError", "invalid IPNetwork %s", item)
		}
		address := prefix.Masked().String()
		if slices.Contains(have, address) {
			there = append(there, address)
		} else {
			missing = append(missing, address)
		}
	}
	quoted := func(list []string) string { return "['" + strings.Join(list, "', '") + "']" }
	switch {
	case action == "add_addresses" && len(there) > 0:
		return 0, nil, fail(http.StatusBadRequest, "AddressesAlreadyExist", "Addresses %s already exist in the address group %s.", quoted(there), group.str("id"))
	case action == "remove_addresses" && len(missing) > 0:
		return 0, nil, fail(http.StatusNotFound, "AddressesNotFound", "Addresses %s not found in the address group %s.", quoted(missing), group.str("id"))
	}
	have = slices.DeleteFunc(have, func(address string) bool { return slices.Contains(there, address) })
	group["addresses"] = anyTexts(append(have, missing...))
	return http.StatusOK, map[string]any{"address_group": r.pick(c, group)}, nil
}

func (n *network) addressScopeResource() *resource {
	return &resource{
		singular: "address-scope", collection: "address-scopes", table: &n.AddressScopes, untagged: true,
		attributes: map[string]attribute{
			"id": readOnly, "name": changeable("", textUpTo(255)), "ip_version": needed(oneOf(4, 6)), "shared": byAdmin(changeable(false, boolean)),
		},
		missing: func(id string) *fault {
			return fail(http.StatusNotFound, "AddressScopeNotFound", "Address scope %s could not be found", id)
		},
		create: func(_ *call, in object) (object, error) { return n.store(&n.AddressScopes, in, 0), nil },
		update: func(_ *call, o, in object) error {
			if o.flag("shared") && in.given("shared") && !in.flag("shared") {
				return fail(http.StatusBadRequest, "AddressScopeUpdateError", "Unable to update address scope %s : Shared address scope can't be unshared", o.str("id"))
			}
			set(o, in)
			return nil
		},
		remove: func(_ *call, o object) error {
			if _, used := n.SubnetPools.find("address_scope_id", o.str("id")); used {
				return fail(http.StatusConflict, "AddressScopeInUse", "Unable to complete operation on address scope %s. There are one or more subnet pools in use on the address scope", o.str("id"))
			}
			delete(n.AddressScopes, o.str("id"))
			return nil
		},
		shared: func(o object) bool { return o.flag("shared") },
		view:   undated("description"),
	}
}

// qosPolicyResource is the policies only, without the rules in them.
func (n *network) qosPolicyResource() *resource {
	return &resource{
		singular: "policy", collection: "policies", below: "qos/", table: &n.QoSPolicies,
		attributes: common(map[string]attribute{
			"name": changeable("", textUpTo(255)), "shared": changeable(false, boolean), "is_default": changeable(false, boolean), "rules": readOnly,
		}),
		missing: func(id string) *fault {
			return fail(http.StatusNotFound, "QosPolicyNotFound", "QoS policy %s could not be found.", id)
		},
		create: func(c *call, in object) (object, error) {
			if c != nil && !c.admin() {
				return nil, disallowed("rule:create_policy")
			}
			in["rules"] = []any{}
			return n.store(&n.QoSPolicies, in, 0), nil
		},
		update: func(_ *call, o, in object) error {
			set(o, in)
			return nil
		},
		remove: func(_ *call, o object) error {
			for _, t := range []table{n.Ports, n.Networks, n.FloatingIPs} {
				if user, used := t.find("qos_policy_id", o.str("id")); used {
					return fail(http.StatusConflict, "QosPolicyInUse", "QoS Policy %s is used by %s.", o.str("id"), user.str("id"))
				}
			}
			delete(n.QoSPolicies, o.str("id"))
			return nil
		},
		shared: func(o object) bool { return o.flag("shared") },
	}
}

// checkQoS refuses a QoS policy that is not there.
func (n *network) checkQoS(c *call, in object) error {
	if !in.has("qos_policy_id") {
		return nil
	}
	_, err := n.qosPolicyResource().find(c, in.str("qos_policy_id"))
	return err
}

// compact joins prefixes that together are a larger one, and leaves out those that are in another.
func compact(prefixes []netip.Prefix) []netip.Prefix {
	slices.SortFunc(prefixes, func(a, b netip.Prefix) int {
		if order := a.Addr().Compare(b.Addr()); order != 0 {
			return order
		}
		return a.Bits() - b.Bits()
	})
	var out []netip.Prefix
	for _, p := range prefixes {
		if len(out) > 0 && out[len(out)-1].Contains(p.Addr()) {
			continue
		}
		out = append(out, p)
		for len(out) > 1 {
			a, b := out[len(out)-2], out[len(out)-1]
			whole := netip.PrefixFrom(a.Addr(), a.Bits()-1).Masked()
			if a.Bits() == 0 || a.Bits() != b.Bits() || whole.Addr() != a.Addr() || !whole.Contains(b.Addr()) {
				break
			}
			out = append(out[:len(out)-2], whole)
		}
	}
	return out
}

// poolBounds checks the lengths of prefixes that a pool gives out.
func poolBounds(o object) error {
	shortest, usual, longest := number(o["min_prefixlen"]), number(o["default_prefixlen"]), number(o["max_prefixlen"])
	illegal := func(a string, x int, b string, y int) error {
		return fail(http.StatusBadRequest, "IllegalSubnetPoolPrefixBounds", "%s", fmt.Sprintf("Illegal prefix bounds: %s=%d, %s=%d.", a, x, b, y))
	}
	switch {
	case shortest > longest:
		return illegal("min_prefixlen", shortest, "max_prefixlen", longest)
	case usual < shortest:
		return illegal("default_prefixlen", usual, "min_prefixlen", shortest)
	case usual > longest:
		return illegal("default_prefixlen", usual, "max_prefixlen", longest)
	}
	return nil
}
