package loadbalancer

import (
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
	if s.VIPQoSPolicyID != nil {
		f["vip_qos_policy_id"] = orNil(*s.VIPQoSPolicyID)
	}
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
	tls := l.TLS
	if tls == nil {
		// A PROMETHEUS listener can give TLS up. Others have nothing that would differ.
		tls = &ListenerTLS{}
		if l.Protocol == ProtocolPrometheus {
			tls.ClientAuthentication = "NONE"
		}
	}
	f["default_tls_container_ref"] = orNil(tls.DefaultContainerRef)
	f["sni_container_refs"] = sorted(tls.SNIContainerRefs)
	f["client_ca_tls_container_ref"] = orNil(tls.ClientCAContainerRef)
	f["client_crl_container_ref"] = orNil(tls.ClientCRLContainerRef)
	setSome(f, "client_authentication", tls.ClientAuthentication)
	setTLS(f, tls.Ciphers, tls.Versions, tls.ALPNProtocols)
	if tls.HSTS != nil {
		maps.Copy(f, hstsFields(tls.HSTS))
	}
	return f
}

// hstsFields always go together: Octavia checks them as one, and knows none of them before 2.27.
func hstsFields(hsts *HSTS) fields {
	if hsts == nil {
		return fields{"hsts_max_age": nil, "hsts_include_subdomains": false, "hsts_preload": false}
	}
	return fields{"hsts_max_age": hsts.MaxAge, "hsts_include_subdomains": hsts.IncludeSubdomains, "hsts_preload": hsts.Preload}
}

func (l Listener) hsts() *HSTS {
	if l.TLS == nil {
		return nil
	}
	return l.TLS.HSTS
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
	f := fields{
		"type": r.Type, "compare_type": r.CompareType, "key": orNil(r.Key), "value": r.Value, "invert": r.Invert, "tags": sorted(r.Tags),
	}
	setPtr(f, "admin_state_up", r.AdminStateUp)
	return f
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
		"name": key, "type": m.Type, "delay": m.Delay, "timeout": m.Timeout, "max_retries": m.MaxRetries, "tags": sorted(m.Tags),
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
