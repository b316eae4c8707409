package loadbalancer

import (
	"cmp"
	"maps"
	"slices"
)

// populated is the body that makes a whole load balancer at once. Within it pools are referred to by
// name. A pool that nothing refers to is left out: Octavia would leave it PENDING_CREATE for ever.
func populated(s Spec) fields {
	lb := bare(s)
	var pools, listeners []fields
	used := s.usedPools()
	for _, key := range keys(s.Pools) {
		if !used[key] {
			continue
		}
		p := s.Pools[key]
		pool := poolFields(key, p).made()
		if p.TLS != nil {
			// Octavia 11 fails with 500 when these are not in the body, and leaves the VIP's port behind.
			defaults := fields{"tls_ciphers": nil, "tls_versions": nil, "alpn_protocols": nil}
			maps.Copy(defaults, pool)
			pool = defaults
		}
		if len(p.Members) > 0 {
			pool["members"] = memberList(p.Members)
		}
		if p.Monitor != nil {
			pool["healthmonitor"] = monitorFields(key, *p.Monitor).made()
		}
		pools = append(pools, pool)
	}
	for _, key := range keys(s.Listeners) {
		l := s.Listeners[key]
		listener := listenerFields(key, l).made()
		byName(listener, "default_pool_id", "default_pool", l.DefaultPool)
		var policies []fields
		for i, name := range routeOrder(l.Routes) {
			r := l.Routes[name]
			policy := routeFields(name, r).made()
			byName(policy, "redirect_pool_id", "redirect_pool", r.RedirectPool)
			policy["position"] = i + 1
			if len(r.Rules) > 0 {
				policy["rules"] = ruleList(r.Rules)
			}
			policies = append(policies, policy)
		}
		if len(policies) > 0 {
			listener["l7policies"] = policies
		}
		listeners = append(listeners, listener)
	}
	if len(pools) > 0 {
		lb["pools"] = pools
	}
	if len(listeners) > 0 {
		lb["listeners"] = listeners
	}
	return lb
}

// usedPools are the keys of the pools that a listener or a route refers to.
func (s Spec) usedPools() map[string]bool {
	used := map[string]bool{}
	for _, l := range s.Listeners {
		used[l.DefaultPool] = true
		for _, r := range l.Routes {
			used[r.RedirectPool] = true
		}
	}
	return used
}

// bare is the body that makes a load balancer with nothing below it.
func bare(s Spec) fields {
	f := loadBalancerFields(s)
	f["vip_subnet_id"] = s.VIPSubnetID
	f["vip_network_id"] = s.VIPNetworkID
	f["vip_port_id"] = s.VIPPortID
	f["vip_address"] = s.VIPAddress
	if len(s.AdditionalVIPs) > 0 {
		f["additional_vips"] = s.AdditionalVIPs
	}
	f["provider"] = s.Provider
	f["flavor_id"] = s.FlavorID
	f["availability_zone"] = s.AvailabilityZone
	return f.made()
}

func byName(f fields, idKey, nameKey, name string) {
	if _, ok := f[idKey]; ok {
		delete(f, idKey)
		f[nameKey] = fields{"name": name}
	}
}

func memberList(members map[string]Member) []fields {
	var list []fields
	for _, key := range keys(members) {
		list = append(list, memberFields(key, members[key]).made())
	}
	return list
}

func ruleList(rules []Rule) []fields {
	var list []fields
	for _, r := range rules {
		list = append(list, ruleFields(r).made())
	}
	return list
}

// routeOrder is the order in which a listener's routes are to be tried.
func routeOrder(routes map[string]Route) []string {
	order := keys(routes)
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(routes[a].Position, routes[b].Position) })
	return order
}

func keys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
