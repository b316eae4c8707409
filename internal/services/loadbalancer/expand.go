package loadbalancer

import (
	"context"
	"math"

	"github.com/hashicorp/terraform-plugin-framework/types"

	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// What Octavia does when it is not told. The timeouts are the defaults of its configuration.
const (
	defaultHTTPMethod    = "GET"
	defaultURLPath       = "/"
	defaultExpectedCodes = "200"
	defaultRedirectCode  = 302
	defaultClientData    = 50000
	defaultMemberConnect = 5000
	defaultMemberData    = 50000
	defaultTCPInspect    = 0
)

// expand is the specification that a plan or state stands for.
func (m *model) expand(ctx context.Context) (engine.Spec, error) {
	spec := engine.Spec{
		Name: m.Name.ValueString(), Description: m.Description.ValueString(),
		Tags: value.Strings(m.Tags), AdminStateUp: value.BoolPtr(m.AdminStateUp),
		VIPSubnetID: m.VIPSubnetID.ValueString(), VIPNetworkID: m.VIPNetworkID.ValueString(), VIPPortID: m.VIPPortID.ValueString(),
		VIPAddress: m.VIPAddress.ValueString(), Provider: m.LoadBalancerProvider.ValueString(),
		FlavorID: m.FlavorID.ValueString(), AvailabilityZone: m.AvailabilityZone.ValueString(),
		Listeners: map[string]engine.Listener{}, Pools: map[string]engine.Pool{},
	}
	listeners, err := elements[listenerModel](ctx, m.Listeners)
	if err != nil {
		return spec, err
	}
	for key, l := range listeners {
		if spec.Listeners[key], err = l.expand(ctx); err != nil {
			return spec, err
		}
	}
	pools, err := elements[poolModel](ctx, m.Pools)
	if err != nil {
		return spec, err
	}
	for key, p := range pools {
		if spec.Pools[key], err = p.expand(ctx); err != nil {
			return spec, err
		}
	}
	return spec, nil
}

func (m listenerModel) expand(ctx context.Context) (engine.Listener, error) {
	l := engine.Listener{
		Description: m.Description.ValueString(), AdminStateUp: value.BoolPtr(m.AdminStateUp), Tags: value.Strings(m.Tags),
		Protocol: m.Protocol.ValueString(), ProtocolPort: int(m.Port.ValueInt64()), DefaultPool: m.DefaultPool.ValueString(),
		ConnectionLimit: value.IntPtr(m.ConnectionLimit), AllowedCIDRs: value.Strings(m.AllowedCIDRs),
		InsertHeaders:     value.StringMap(m.InsertHeaders),
		TimeoutClientData: value.IntPtr(m.TimeoutClientData), TimeoutMemberConnect: value.IntPtr(m.TimeoutMemberConnect),
		TimeoutMemberData: value.IntPtr(m.TimeoutMemberData), TimeoutTCPInspect: value.IntPtr(m.TimeoutTCPInspect),
		Routes: map[string]engine.Route{},
	}
	tls, err := single[listenerTLSModel](ctx, m.TLS)
	if err != nil {
		return l, err
	}
	if tls != nil {
		l.TLS = &engine.ListenerTLS{
			DefaultContainerRef: tls.ContainerRef.ValueString(), SNIContainerRefs: value.Strings(tls.SNIContainerRefs),
			ClientAuthentication: tls.ClientAuthentication.ValueString(), ClientCAContainerRef: tls.ClientCARef.ValueString(),
			ClientCRLContainerRef: tls.ClientCRLRef.ValueString(), Ciphers: value.Ptr(tls.Ciphers),
			Versions: value.Strings(tls.Versions), ALPNProtocols: value.Strings(tls.ALPNProtocols),
		}
	}
	routes, err := elements[routeModel](ctx, m.Routes)
	if err != nil {
		return l, err
	}
	for key, r := range routes {
		if l.Routes[key], err = r.expand(ctx); err != nil {
			return l, err
		}
	}
	return l, nil
}

func (m routeModel) expand(ctx context.Context) (engine.Route, error) {
	r := engine.Route{
		Description: m.Description.ValueString(), AdminStateUp: value.BoolPtr(m.AdminStateUp), Tags: value.Strings(m.Tags),
		Position: math.MaxInt32, RedirectPool: m.RedirectPool.ValueString(), RedirectURL: m.RedirectURL.ValueString(),
		RedirectPrefix: m.RedirectPrefix.ValueString(),
	}
	if value.Known(m.Position) {
		r.Position = int(m.Position.ValueInt64())
	}
	code := defaultRedirectCode
	if value.Known(m.RedirectHTTPCode) {
		code = int(m.RedirectHTTPCode.ValueInt64())
	}
	switch {
	case r.RedirectPool != "":
		r.Action = engine.ActionRedirectToPool
	case r.RedirectURL != "":
		r.Action, r.RedirectHTTPCode = engine.ActionRedirectToURL, &code
	case r.RedirectPrefix != "":
		r.Action, r.RedirectHTTPCode = engine.ActionRedirectPrefix, &code
	default:
		r.Action = engine.ActionReject
	}
	rules, err := items[ruleModel](ctx, m.Rules)
	for _, rule := range rules {
		r.Rules = append(r.Rules, rule.expand())
	}
	return r, err
}

func (m ruleModel) expand() engine.Rule {
	return engine.Rule{
		Type: m.Type.ValueString(), CompareType: m.CompareType.ValueString(), Key: m.Key.ValueString(),
		Value: m.Value.ValueString(), Invert: m.Invert.ValueBool(),
	}
}

func (m poolModel) expand(ctx context.Context) (engine.Pool, error) {
	p := engine.Pool{
		Description: m.Description.ValueString(), AdminStateUp: value.BoolPtr(m.AdminStateUp), Tags: value.Strings(m.Tags),
		Protocol: m.Protocol.ValueString(), Algorithm: m.Algorithm.ValueString(), Members: map[string]engine.Member{},
	}
	persistence, err := single[persistenceModel](ctx, m.SessionPersistence)
	if err != nil {
		return p, err
	}
	if persistence != nil {
		p.SessionPersistence = &engine.SessionPersistence{
			Type: persistence.Type.ValueString(), CookieName: persistence.CookieName.ValueString(),
			Timeout: value.IntPtr(persistence.Timeout), Granularity: persistence.Granularity.ValueString(),
		}
	}
	tls, err := single[poolTLSModel](ctx, m.TLS)
	if err != nil {
		return p, err
	}
	if tls != nil {
		p.TLS = &engine.PoolTLS{
			ContainerRef: tls.ContainerRef.ValueString(), CAContainerRef: tls.CARef.ValueString(), CRLContainerRef: tls.CRLRef.ValueString(),
			Ciphers: value.Ptr(tls.Ciphers), Versions: value.Strings(tls.Versions), ALPNProtocols: value.Strings(tls.ALPNProtocols),
		}
	}
	members, err := elements[memberModel](ctx, m.Members)
	if err != nil {
		return p, err
	}
	for key, member := range members {
		p.Members[key] = member.expand()
	}
	monitor, err := single[monitorModel](ctx, m.Monitor)
	if err != nil {
		return p, err
	}
	if monitor != nil {
		p.Monitor = new(monitor.expand())
	}
	return p, nil
}

func (m memberModel) expand() engine.Member {
	return engine.Member{
		Address: m.Address.ValueString(), ProtocolPort: int(m.Port.ValueInt64()), SubnetID: m.SubnetID.ValueString(),
		Weight: value.IntPtr(m.Weight), Backup: m.Backup.ValueBool(),
		MonitorAddress: m.MonitorAddress.ValueString(), MonitorPort: value.IntPtr(m.MonitorPort),
		AdminStateUp: value.BoolPtr(m.AdminStateUp), Tags: value.Strings(m.Tags),
	}
}

func (m monitorModel) expand() engine.Monitor {
	monitor := engine.Monitor{
		Type: m.Type.ValueString(), Delay: int(m.Delay.ValueInt64()), Timeout: int(m.Timeout.ValueInt64()),
		MaxRetries: int(m.MaxRetries.ValueInt64()), MaxRetriesDown: value.IntPtr(m.MaxRetriesDown),
		HTTPVersion: m.HTTPVersion.ValueString(), DomainName: m.DomainName.ValueString(), AdminStateUp: value.BoolPtr(m.AdminStateUp),
	}
	if speaksHTTP(monitor.Type) {
		monitor.HTTPMethod = orDefault(m.HTTPMethod, defaultHTTPMethod)
		monitor.URLPath = orDefault(m.URLPath, defaultURLPath)
		monitor.ExpectedCodes = orDefault(m.ExpectedCodes, defaultExpectedCodes)
	}
	return monitor
}

func speaksHTTP(monitorType string) bool {
	return monitorType == "HTTP" || monitorType == "HTTPS"
}

func orDefault(v types.String, unset string) string {
	if !value.Known(v) {
		return unset
	}
	return v.ValueString()
}

// restoreDefaults makes what was set before and is not any more go back to the cloud's default, for
// what is otherwise left alone when it is not set.
func restoreDefaults(spec, prior engine.Spec) {
	for key, l := range spec.Listeners {
		was, ok := prior.Listeners[key]
		if !ok {
			continue
		}
		l.TimeoutClientData = restored(l.TimeoutClientData, was.TimeoutClientData, defaultClientData)
		l.TimeoutMemberConnect = restored(l.TimeoutMemberConnect, was.TimeoutMemberConnect, defaultMemberConnect)
		l.TimeoutMemberData = restored(l.TimeoutMemberData, was.TimeoutMemberData, defaultMemberData)
		l.TimeoutTCPInspect = restored(l.TimeoutTCPInspect, was.TimeoutTCPInspect, defaultTCPInspect)
		if l.TLS != nil && was.TLS != nil {
			l.TLS.Ciphers = restored(l.TLS.Ciphers, was.TLS.Ciphers, "")
			l.TLS.Versions = restoredList(l.TLS.Versions, was.TLS.Versions)
			l.TLS.ALPNProtocols = restoredList(l.TLS.ALPNProtocols, was.TLS.ALPNProtocols)
		}
		spec.Listeners[key] = l
	}
	for key, p := range spec.Pools {
		if was, ok := prior.Pools[key]; ok && p.TLS != nil && was.TLS != nil {
			p.TLS.Ciphers = restored(p.TLS.Ciphers, was.TLS.Ciphers, "")
			p.TLS.Versions = restoredList(p.TLS.Versions, was.TLS.Versions)
			p.TLS.ALPNProtocols = restoredList(p.TLS.ALPNProtocols, was.TLS.ALPNProtocols)
		}
	}
}

func restored[T any](now, was *T, unset T) *T {
	if now == nil && was != nil {
		return &unset
	}
	return now
}

func restoredList(now, was []string) []string {
	if now == nil && was != nil {
		return []string{}
	}
	return now
}
