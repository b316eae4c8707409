package loadbalancer

import (
	"github.com/hashicorp/terraform-plugin-framework/types"

	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// What Octavia does when it is not told. The timeouts are the defaults of its configuration.
const (
	defaultAlgorithm     = "ROUND_ROBIN"
	defaultHTTPMethod    = "GET"
	defaultURLPath       = "/"
	defaultExpectedCodes = "200"
	defaultRedirectCode  = 302
	defaultClientData    = 50000
	defaultMemberConnect = 5000
	defaultMemberData    = 50000
	defaultTCPInspect    = 0
)

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

// unlessDefault is null for Octavia's own default, unless that was asked for.
func unlessDefault(real string, prior types.String, unset string) types.String {
	if prior.IsNull() && real == unset {
		return types.StringNull()
	}
	return value.StringOrNull(real)
}

// leftAlone stays null when the object is known and the user leaves the value to the cloud.
func leftAlone(real *int, prior types.Int64, known bool, unset int) types.Int64 {
	if real == nil || prior.IsNull() && (known || *real == unset) {
		return types.Int64Null()
	}
	return value.Int(*real)
}

// textLeftAlone is for what the cloud chooses when nobody says it: it is only read where the configuration has set it, so
// that neither the cloud's choice nor an import shows as a change.
func textLeftAlone(real *string, prior types.String) types.String {
	if prior.IsNull() {
		return types.StringNull()
	}
	return value.StringPtr(real)
}

func setLeftAlone(real []string, prior types.Set) types.Set {
	if prior.IsNull() {
		return types.SetNull(types.StringType)
	}
	return value.SetOrNull(real)
}

func number(n *int) types.Int64 {
	if n == nil {
		return types.Int64Null()
	}
	return value.Int(*n)
}
