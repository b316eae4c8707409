package loadbalancer

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
)

// reference stands in a body for the id of an object that the request itself or an earlier one makes.
type reference string

func listenerRef(key string) reference        { return reference("listener/" + key) }
func poolRef(key string) reference            { return reference("pool/" + key) }
func routeRef(listener, key string) reference { return reference("route/" + listener + "/" + key) }

// fields are what Octavia knows of one object. The same map says what to send when it is made, what
// to compare, and what to send when it differs: a key that is absent is left to the cloud, nil and
// empty values clear.
type fields map[string]any

// made returns the fields to create an object with: what is empty need not be said.
func (f fields) made() fields {
	out := fields{}
	for k, v := range f {
		switch v := v.(type) {
		case nil:
			continue
		case string:
			if v == "" {
				continue
			}
		case []string:
			if len(v) == 0 {
				continue
			}
		case map[string]string:
			if len(v) == 0 {
				continue
			}
		case reference:
			if v == "" {
				continue
			}
		}
		out[k] = v
	}
	return out
}

// setPtr leaves a field to the cloud when v is nil.
func setPtr[T any](f fields, key string, v *T) {
	if v != nil {
		f[key] = *v
	}
}

// setSome leaves a field to the cloud when v is empty.
func setSome(f fields, key, v string) {
	if v != "" {
		f[key] = v
	}
}

// orNil says "" as null, which is how Octavia clears a reference.
func orNil(v string) any {
	if v == "" {
		return nil
	}
	return v
}

// sorted is for lists whose order says nothing, so that order is no change.
func sorted(v []string) []string {
	return append([]string{}, slices.Sorted(slices.Values(v))...)
}

func loadBalancerFields(s Spec) fields {
	f := fields{"name": s.Name, "description": s.Description, "tags": sorted(s.Tags)}
	setPtr(f, "admin_state_up", s.AdminStateUp)
	return f
}

func listenerFields(key string, l Listener) fields {
	headers := maps.Clone(l.InsertHeaders)
	if headers == nil {
		headers = map[string]string{}
	}
	f := fields{
		"name": key, "description": l.Description, "tags": sorted(l.Tags),
		"protocol": l.Protocol, "protocol_port": l.ProtocolPort,
		"allowed_cidrs": sorted(l.AllowedCIDRs), "insert_headers": headers,
		"default_pool_id": nil,
	}
	if l.DefaultPool != "" {
		f["default_pool_id"] = poolRef(l.DefaultPool)
	}
	setPtr(f, "admin_state_up", l.AdminStateUp)
	setPtr(f, "connection_limit", l.ConnectionLimit)
	setPtr(f, "timeout_client_data", l.TimeoutClientData)
	setPtr(f, "timeout_member_connect", l.TimeoutMemberConnect)
	setPtr(f, "timeout_member_data", l.TimeoutMemberData)
	setPtr(f, "timeout_tcp_inspect", l.TimeoutTCPInspect)
	if tls := l.TLS; tls != nil {
		f["default_tls_container_ref"] = orNil(tls.DefaultContainerRef)
		f["sni_container_refs"] = sorted(tls.SNIContainerRefs)
		f["client_ca_tls_container_ref"] = orNil(tls.ClientCAContainerRef)
		f["client_crl_container_ref"] = orNil(tls.ClientCRLContainerRef)
		setSome(f, "client_authentication", tls.ClientAuthentication)
		setTLS(f, tls.Ciphers, tls.Versions, tls.ALPNProtocols)
	}
	return f
}

// setTLS says what is empty but not nil as null, which restores the cloud's default: Octavia refuses an
// empty list of versions.
func setTLS(f fields, ciphers *string, versions, alpn []string) {
	if ciphers != nil {
		f["tls_ciphers"] = orNil(*ciphers)
	}
	for key, list := range map[string][]string{"tls_versions": versions, "alpn_protocols": alpn} {
		switch {
		case len(list) > 0:
			f[key] = sorted(list)
		case list != nil:
			f[key] = nil
		}
	}
}

func routeFields(key string, r Route) fields {
	f := fields{"name": key, "description": r.Description, "tags": sorted(r.Tags), "action": r.Action}
	setPtr(f, "admin_state_up", r.AdminStateUp)
	switch r.Action {
	case ActionRedirectToPool:
		f["redirect_pool_id"] = poolRef(r.RedirectPool)
	case ActionRedirectToURL:
		f["redirect_url"] = r.RedirectURL
		setPtr(f, "redirect_http_code", r.RedirectHTTPCode)
	case ActionRedirectPrefix:
		f["redirect_prefix"] = r.RedirectPrefix
		setPtr(f, "redirect_http_code", r.RedirectHTTPCode)
	}
	return f
}

func ruleFields(r Rule) fields {
	return fields{
		"type": r.Type, "compare_type": r.CompareType, "key": orNil(r.Key), "value": r.Value, "invert": r.Invert,
	}
}

func poolFields(key string, p Pool) fields {
	f := fields{
		"name": key, "description": p.Description, "tags": sorted(p.Tags),
		"protocol": p.Protocol, "lb_algorithm": p.Algorithm,
		"session_persistence": nil, "tls_enabled": p.TLS != nil,
	}
	setPtr(f, "admin_state_up", p.AdminStateUp)
	if sp := p.SessionPersistence; sp != nil {
		persistence := fields{"type": sp.Type}
		setSome(persistence, "cookie_name", sp.CookieName)
		setPtr(persistence, "persistence_timeout", sp.Timeout)
		setSome(persistence, "persistence_granularity", sp.Granularity)
		f["session_persistence"] = persistence
	}
	if tls := p.TLS; tls != nil {
		f["tls_container_ref"] = orNil(tls.ContainerRef)
		f["ca_tls_container_ref"] = orNil(tls.CAContainerRef)
		f["crl_container_ref"] = orNil(tls.CRLContainerRef)
		setTLS(f, tls.Ciphers, tls.Versions, tls.ALPNProtocols)
	}
	return f
}

func memberFields(key string, m Member) fields {
	f := fields{
		"name": key, "address": m.Address, "protocol_port": m.ProtocolPort, "subnet_id": orNil(m.SubnetID),
		"backup": m.Backup, "monitor_address": orNil(m.MonitorAddress), "monitor_port": nil, "tags": sorted(m.Tags),
	}
	setPtr(f, "weight", m.Weight)
	setPtr(f, "monitor_port", m.MonitorPort)
	setPtr(f, "admin_state_up", m.AdminStateUp)
	return f
}

func monitorFields(key string, m Monitor) fields {
	f := fields{
		"name": key, "type": m.Type, "delay": m.Delay, "timeout": m.Timeout, "max_retries": m.MaxRetries,
	}
	setPtr(f, "max_retries_down", m.MaxRetriesDown)
	setPtr(f, "admin_state_up", m.AdminStateUp)
	if m.Type != "HTTP" && m.Type != "HTTPS" {
		return f
	}
	setSome(f, "http_method", m.HTTPMethod)
	setSome(f, "url_path", m.URLPath)
	setSome(f, "expected_codes", m.ExpectedCodes)
	f["domain_name"] = orNil(m.DomainName)
	f["http_version"] = nil
	if version, err := strconv.ParseFloat(m.HTTPVersion, 64); err == nil {
		f["http_version"] = version
	}
	return f
}

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
