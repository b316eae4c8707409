package loadbalancer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// poolProtocols are the protocols of pools that a listener's traffic can go to.
func poolProtocols(listener string) []string {
	switch listener {
	case engine.ProtocolTCP:
		return []string{engine.ProtocolHTTP, engine.ProtocolHTTPS, engine.ProtocolPROXY, engine.ProtocolPROXYV2, engine.ProtocolTCP}
	case engine.ProtocolHTTP, engine.ProtocolTerminatedHTTPS:
		return []string{engine.ProtocolHTTP, engine.ProtocolPROXY, engine.ProtocolPROXYV2}
	case engine.ProtocolHTTPS:
		return []string{engine.ProtocolHTTPS, engine.ProtocolPROXY, engine.ProtocolPROXYV2, engine.ProtocolTCP}
	case engine.ProtocolUDP, engine.ProtocolSCTP:
		return []string{listener}
	}
	return nil
}

// understandsHTTP tells whether a listener sees requests rather than connections.
func understandsHTTP(listener string) bool {
	return listener == engine.ProtocolHTTP || listener == engine.ProtocolTerminatedHTTPS
}

func datagrams(protocol string) bool {
	return protocol == engine.ProtocolUDP || protocol == engine.ProtocolSCTP
}

// findings collects what is wrong with a configuration.
type findings struct {
	errs  []error
	pools map[string]poolModel
	// poolKeys are all keys of pools; nil when they are not known yet.
	poolKeys []string
}

func (f *findings) add(p path.Path, format string, args ...any) {
	f.errs = append(f.errs, lifecycle.Invalid(p, format, args...))
}

// Validate checks what no attribute can tell alone. What is not known yet is not wrong.
func (loadBalancer) Validate(ctx context.Context, m *model) error {
	f := &findings{}
	f.vip(m)
	if !m.ExternalNetwork.IsNull() && !m.FloatingIPID.IsNull() {
		f.add(path.Root("floating_ip_id"), "give either external_network, for a floating IP that lives as long as the load balancer, or floating_ip_id, for one that exists")
	}
	var err error
	if f.pools, err = elements[poolModel](ctx, m.Pools); err != nil {
		return err
	}
	if !m.Pools.IsUnknown() {
		f.poolKeys = slices.Sorted(maps.Keys(m.Pools.Elements()))
		if f.poolKeys == nil {
			f.poolKeys = []string{}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(f.pools)) {
		if err := f.pool(ctx, path.Root("pools").AtMapKey(key), f.pools[key]); err != nil {
			return err
		}
	}
	listeners, err := elements[listenerModel](ctx, m.Listeners)
	if err != nil {
		return err
	}
	ports := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(listeners)) {
		l, at := listeners[key], path.Root("listeners").AtMapKey(key)
		if err := f.listener(ctx, at, l); err != nil {
			return err
		}
		f.families(at.AtName("allowed_cidrs"), l.AllowedCIDRs, m.VIPAddress)
		if !known(l.Port, l.Protocol) {
			continue
		}
		transport := engine.ProtocolTCP
		if datagrams(l.Protocol.ValueString()) {
			transport = l.Protocol.ValueString()
		}
		port := fmt.Sprintf("%s port %d", transport, l.Port.ValueInt64())
		if other, taken := ports[port]; taken {
			f.add(at.AtName("port"), "%s is that of listener %q already", port, other)
		}
		ports[port] = key
	}
	return errors.Join(f.errs...)
}

func (f *findings) vip(m *model) {
	var given []string
	for name, v := range map[string]types.String{"vip_subnet_id": m.VIPSubnetID, "vip_network_id": m.VIPNetworkID, "vip_port_id": m.VIPPortID} {
		if !v.IsNull() {
			given = append(given, name)
		}
	}
	slices.Sort(given)
	switch {
	case len(given) == 0:
		f.add(path.Root("vip_subnet_id"), "say where the VIP lives: vip_subnet_id, vip_network_id or vip_port_id")
	case slices.Contains(given, "vip_port_id") && (len(given) > 1 || !m.VIPAddress.IsNull()):
		f.add(path.Root("vip_port_id"), "a port has its subnet and address: nothing else of the VIP can be given")
	}
}

func (f *findings) listener(ctx context.Context, at path.Path, l listenerModel) error {
	tls, err := single[listenerTLSModel](ctx, l.TLS)
	if err != nil {
		return err
	}
	if protocol := l.Protocol.ValueString(); known(l.Protocol) {
		switch terminated := protocol == engine.ProtocolTerminatedHTTPS; {
		case terminated && l.TLS.IsNull():
			f.add(at.AtName("tls"), "a TERMINATED_HTTPS listener needs a certificate: tls = { container_ref = … }")
		case terminated && tls != nil && tls.ContainerRef.IsNull() && tls.SNIContainerRefs.IsNull():
			f.add(at.AtName("tls").AtName("container_ref"), "a TERMINATED_HTTPS listener needs a certificate: container_ref or sni_container_refs")
		case !terminated && !l.TLS.IsNull():
			f.add(at.AtName("tls"), "only a TERMINATED_HTTPS listener speaks TLS itself; this one is %s", protocol)
		}
		if !understandsHTTP(protocol) {
			if len(l.Routes.Elements()) > 0 {
				f.add(at.AtName("routes"), "only HTTP and TERMINATED_HTTPS listeners see the requests that routes look at; this one is %s", protocol)
			}
			if len(l.InsertHeaders.Elements()) > 0 {
				f.add(at.AtName("insert_headers"), "only HTTP and TERMINATED_HTTPS listeners can insert headers; this one is %s", protocol)
			}
		}
		if protocol == engine.ProtocolPrometheus && !l.DefaultPool.IsNull() {
			f.add(at.AtName("default_pool"), "a PROMETHEUS listener answers itself and can have no pool")
		}
	}
	if tls != nil && !tls.ClientCRLRef.IsNull() && tls.ClientCARef.IsNull() {
		f.add(at.AtName("tls").AtName("client_crl_container_ref"), "a revocation list needs client_ca_container_ref")
	}
	if tls != nil && known(tls.ClientAuthentication) && tls.ClientAuthentication.ValueString() != "NONE" && tls.ClientCARef.IsNull() {
		f.add(at.AtName("tls").AtName("client_authentication"), "certificates of clients cannot be checked without client_ca_container_ref")
	}
	f.poolReference(at.AtName("default_pool"), l.DefaultPool, l.Protocol)
	routes, err := elements[routeModel](ctx, l.Routes)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(routes)) {
		if err := f.route(ctx, at.AtName("routes").AtMapKey(key), routes[key], l.Protocol); err != nil {
			return err
		}
	}
	return nil
}

// families checks that clients and VIP speak the same version of IP.
func (f *findings) families(at path.Path, cidrs types.Set, vip types.String) {
	address, err := netip.ParseAddr(vip.ValueString())
	if err != nil {
		return
	}
	for _, cidr := range value.Strings(cidrs) {
		prefix, err := netip.ParsePrefix(cidr)
		if err == nil && prefix.Addr().Is4() != address.Is4() {
			f.add(at, "%s can never reach this listener: the VIP %s is %s", cidr, address, version(address))
		}
	}
}

func version(address netip.Addr) string {
	if address.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

// poolReference checks that a pool is declared and can take the traffic of the listener.
func (f *findings) poolReference(at path.Path, pool, listenerProtocol types.String) {
	if !known(pool) || f.poolKeys == nil {
		return
	}
	key := pool.ValueString()
	if !slices.Contains(f.poolKeys, key) {
		f.add(at, "there is no pool %q in pools; there are: %s", key, listed(f.poolKeys))
		return
	}
	protocol := f.pools[key].Protocol
	if !known(protocol, listenerProtocol) || listenerProtocol.ValueString() == engine.ProtocolPrometheus {
		return
	}
	if fit := poolProtocols(listenerProtocol.ValueString()); !slices.Contains(fit, protocol.ValueString()) {
		f.add(at, "pool %q is %s, but a %s listener needs a pool that is %s", key, protocol.ValueString(), listenerProtocol.ValueString(), strings.Join(fit, ", "))
	}
}

func (f *findings) route(ctx context.Context, at path.Path, r routeModel, listenerProtocol types.String) error {
	targets := map[string]attr.Value{
		"redirect_pool": r.RedirectPool, "redirect_url": r.RedirectURL, "redirect_prefix": r.RedirectPrefix, "reject": r.Reject,
	}
	var given []string
	for name, v := range targets {
		if !v.IsNull() {
			given = append(given, name)
		}
	}
	slices.Sort(given)
	switch {
	case len(given) == 0:
		f.add(at, "the route leads nowhere: give redirect_pool, redirect_url, redirect_prefix or reject = true")
	case len(given) > 1 && value.AllKnown(r.RedirectPool, r.RedirectURL, r.RedirectPrefix, r.Reject):
		f.add(at.AtName(given[1]), "a route can do one thing only, and has %s", strings.Join(given, " and "))
	}
	f.poolReference(at.AtName("redirect_pool"), r.RedirectPool, listenerProtocol)
	for name, v := range map[string]types.String{"redirect_url": r.RedirectURL, "redirect_prefix": r.RedirectPrefix} {
		if !known(v) {
			continue
		}
		if u, err := url.Parse(v.ValueString()); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			f.add(at.AtName(name), "%q must be a URL such as https://example.org", v.ValueString())
		}
	}
	if !r.RedirectHTTPCode.IsNull() && r.RedirectURL.IsNull() && r.RedirectPrefix.IsNull() {
		f.add(at.AtName("redirect_http_code"), "only redirect_url and redirect_prefix answer with a status")
	}
	rules, err := items[ruleModel](ctx, r.Rules)
	if err != nil {
		return err
	}
	for i, rule := range rules {
		f.rule(at.AtName("rules").AtListIndex(i), rule, listenerProtocol)
	}
	return nil
}

func (f *findings) rule(at path.Path, r ruleModel, listenerProtocol types.String) {
	if !known(r.Type) || r.Type.ValueString() == "" {
		return
	}
	kind := r.Type.ValueString()
	needsKey := kind == "HEADER" || kind == "COOKIE" || kind == "SSL_DN_FIELD"
	switch {
	case needsKey && r.Key.IsNull():
		f.add(at.AtName("key"), "a %s rule needs the name of what it looks at", kind)
	case !needsKey && !r.Key.IsNull():
		f.add(at.AtName("key"), "a %s rule has no key; those of type HEADER, COOKIE and SSL_DN_FIELD do", kind)
	}
	if compare := r.CompareType.ValueString(); known(r.CompareType) {
		var fit []string
		switch kind {
		case "FILE_TYPE":
			fit = []string{"EQUAL_TO", "REGEX"}
		case "SSL_CONN_HAS_CERT", "SSL_VERIFY_RESULT":
			fit = []string{"EQUAL_TO"}
		}
		if fit != nil && !slices.Contains(fit, compare) {
			f.add(at.AtName("compare_type"), "a %s rule can only compare by %s", kind, strings.Join(fit, " or "))
		}
	}
	if strings.HasPrefix(kind, "SSL_") && known(listenerProtocol) && listenerProtocol.ValueString() != engine.ProtocolTerminatedHTTPS {
		f.add(at.AtName("type"), "%s looks at client certificates, which only a TERMINATED_HTTPS listener sees", kind)
	}
}

func (f *findings) pool(ctx context.Context, at path.Path, p poolModel) error {
	persistence, err := single[persistenceModel](ctx, p.SessionPersistence)
	if err != nil {
		return err
	}
	if persistence != nil {
		f.persistence(at.AtName("session_persistence"), *persistence, p.Protocol)
	}
	members, err := elements[memberModel](ctx, p.Members)
	if err != nil {
		return err
	}
	taken := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		m := members[key]
		if !known(m.Address, m.Port) {
			continue
		}
		endpoint := fmt.Sprintf("%s port %d", m.Address.ValueString(), m.Port.ValueInt64())
		if other, ok := taken[endpoint]; ok {
			f.add(at.AtName("members").AtMapKey(key).AtName("address"), "%s is member %q already", endpoint, other)
		}
		taken[endpoint] = key
	}
	monitor, err := single[monitorModel](ctx, p.Monitor)
	if err != nil {
		return err
	}
	if monitor != nil {
		f.monitor(at.AtName("monitor"), *monitor, p.Protocol)
	}
	return nil
}

func (f *findings) persistence(at path.Path, p persistenceModel, protocol types.String) {
	if !known(p.Type) {
		return
	}
	kind := p.Type.ValueString()
	switch {
	case kind == "APP_COOKIE" && p.CookieName.IsNull():
		f.add(at.AtName("cookie_name"), "APP_COOKIE needs the name of the application's cookie")
	case kind != "APP_COOKIE" && !p.CookieName.IsNull():
		f.add(at.AtName("cookie_name"), "only APP_COOKIE uses a cookie of the application")
	}
	if !known(protocol) {
		return
	}
	switch datagram := datagrams(protocol.ValueString()); {
	case datagram && kind != "SOURCE_IP":
		f.add(at.AtName("type"), "%s has no cookies: SOURCE_IP is the only way", protocol.ValueString())
	case !datagram && !p.Timeout.IsNull():
		f.add(at.AtName("timeout"), "only UDP and SCTP pools have it; this one is %s", protocol.ValueString())
	case !datagram && !p.Granularity.IsNull():
		f.add(at.AtName("granularity"), "only UDP and SCTP pools have it; this one is %s", protocol.ValueString())
	}
}

func (f *findings) monitor(at path.Path, m monitorModel, protocol types.String) {
	if known(m.Delay, m.Timeout) && m.Timeout.ValueInt64() > m.Delay.ValueInt64() {
		f.add(at.AtName("timeout"), "a check may not take longer (%d s) than it is to the next one (delay, %d s)", m.Timeout.ValueInt64(), m.Delay.ValueInt64())
	}
	if !known(m.Type) {
		return
	}
	kind := m.Type.ValueString()
	if !speaksHTTP(kind) {
		for name, v := range map[string]types.String{
			"http_method": m.HTTPMethod, "url_path": m.URLPath, "expected_codes": m.ExpectedCodes,
			"http_version": m.HTTPVersion, "domain_name": m.DomainName,
		} {
			if !v.IsNull() {
				f.add(at.AtName(name), "only monitors of type HTTP and HTTPS send requests; this one is %s", kind)
			}
		}
	} else if !m.DomainName.IsNull() && (m.HTTPVersion.IsNull() || known(m.HTTPVersion) && m.HTTPVersion.ValueString() != "1.1") {
		f.add(at.AtName("domain_name"), "a host can only be asked for with http_version = \"1.1\"")
	}
	if !known(protocol) {
		return
	}
	forDatagrams := []string{"UDP-CONNECT", "SCTP", "TCP", "HTTP"}
	switch datagram := datagrams(protocol.ValueString()); {
	case datagram && !slices.Contains(forDatagrams, kind):
		f.add(at.AtName("type"), "a %s pool can be checked by %s", protocol.ValueString(), strings.Join(forDatagrams, ", "))
	case !datagram && (kind == "UDP-CONNECT" || kind == "SCTP"):
		f.add(at.AtName("type"), "%s is for UDP and SCTP pools; this one is %s", kind, protocol.ValueString())
	}
}

// known reports whether all values are neither null nor unknown.
func known(vs ...attr.Value) bool {
	for _, v := range vs {
		if !value.Known(v) {
			return false
		}
	}
	return true
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
