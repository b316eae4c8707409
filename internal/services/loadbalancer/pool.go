package loadbalancer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

type poolModel struct {
	Protocol           types.String `tfsdk:"protocol"`
	Algorithm          types.String `tfsdk:"algorithm"`
	SessionPersistence types.Object `tfsdk:"session_persistence"`
	TLS                types.Object `tfsdk:"tls"`
	Members            types.Map    `tfsdk:"members"`
	Monitor            types.Object `tfsdk:"monitor"`
	Description        types.String `tfsdk:"description"`
	AdminStateUp       types.Bool   `tfsdk:"admin_state_up"`
	Tags               types.Set    `tfsdk:"tags"`
}

type persistenceModel struct {
	Type        types.String `tfsdk:"type"`
	CookieName  types.String `tfsdk:"cookie_name"`
	Timeout     types.Int64  `tfsdk:"timeout"`
	Granularity types.String `tfsdk:"granularity"`
}

type poolTLSModel struct {
	ContainerRef  types.String `tfsdk:"container_ref"`
	CARef         types.String `tfsdk:"ca_container_ref"`
	CRLRef        types.String `tfsdk:"crl_container_ref"`
	Ciphers       types.String `tfsdk:"ciphers"`
	Versions      types.Set    `tfsdk:"versions"`
	ALPNProtocols types.Set    `tfsdk:"alpn_protocols"`
}

func poolAttributes() map[string]schema.Attribute {
	algorithm := oneOf("How members are chosen.", "ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP", "SOURCE_IP_PORT")
	algorithm.Required, algorithm.Optional, algorithm.Computed = false, true, true
	algorithm.Default = stringdefault.StaticString("ROUND_ROBIN")
	return map[string]schema.Attribute{
		"protocol": oneOf("Protocol that the members speak. Changing it makes a new pool.",
			engine.ProtocolHTTP, engine.ProtocolHTTPS, engine.ProtocolTCP, engine.ProtocolUDP, engine.ProtocolSCTP,
			engine.ProtocolPROXY, engine.ProtocolPROXYV2),
		"algorithm":           algorithm,
		"session_persistence": sessionPersistence(),
		"tls": schema.SingleNestedAttribute{
			MarkdownDescription: "Encrypts the traffic to the members; may be empty.",
			Optional:            true,
			Attributes: map[string]schema.Attribute{
				"container_ref":     optional("URL of the secret (PKCS#12) in the key manager with the load balancer's client certificate."),
				"ca_container_ref":  optional("URL of the secret with the CA of the members' certificates."),
				"crl_container_ref": optional("URL of the secret with the revocation list of the members' certificates."),
				"ciphers":           optional("Ciphers in OpenSSL's notation. The cloud's default when not set."),
				"versions":          texts("Versions of TLS, such as `TLSv1.3`. The cloud's default when not set."),
				"alpn_protocols":    texts("Protocols to agree on, such as `h2`. The cloud's default when not set."),
			},
		},
		"members":        named("Members. Address and port tell them apart.", memberAttributes()),
		"monitor":        monitorAttribute(),
		"description":    attribute.Description(),
		"admin_state_up": attribute.AdminStateUp(),
		"tags":           attribute.Tags(),
	}
}

func sessionPersistence() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Keeps each client on one member.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"type":        oneOf("By what clients are recognised.", "SOURCE_IP", "HTTP_COOKIE", "APP_COOKIE"),
			"cookie_name": optional("Cookie of the application, for `APP_COOKIE`."),
			"timeout": schema.Int64Attribute{
				MarkdownDescription: "Seconds after which a client is forgotten, for UDP and SCTP.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(0)},
			},
			"granularity": optional("Netmask of the addresses that count as one client, for UDP and SCTP."),
		},
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

func flattenPool(ctx context.Context, p engine.Pool, prior poolModel) (poolModel, error) {
	attributes := poolAttributes()
	m := poolModel{
		Protocol: types.StringValue(p.Protocol), Algorithm: types.StringValue(p.Algorithm),
		Description: types.StringValue(p.Description), AdminStateUp: types.BoolPointerValue(p.AdminStateUp), Tags: value.Set(p.Tags),
		SessionPersistence: types.ObjectNull(objectTypes(attributes["session_persistence"])),
		TLS:                types.ObjectNull(objectTypes(attributes["tls"])),
		Monitor:            types.ObjectNull(objectTypes(attributes["monitor"])),
	}
	var err error
	if sp := p.SessionPersistence; sp != nil {
		if m.SessionPersistence, err = objectOf(ctx, attributes["session_persistence"], persistenceModel{
			Type: types.StringValue(sp.Type), CookieName: value.StringOrNull(sp.CookieName),
			Timeout: number(sp.Timeout), Granularity: value.StringOrNull(sp.Granularity),
		}); err != nil {
			return m, err
		}
	}
	if p.TLS != nil {
		was, err := single[poolTLSModel](ctx, prior.TLS)
		if err != nil {
			return m, err
		}
		if was == nil {
			was = &poolTLSModel{}
		}
		if m.TLS, err = objectOf(ctx, attributes["tls"], poolTLSModel{
			ContainerRef: value.StringOrNull(p.TLS.ContainerRef), CARef: value.StringOrNull(p.TLS.CAContainerRef),
			CRLRef: value.StringOrNull(p.TLS.CRLContainerRef), Ciphers: textLeftAlone(p.TLS.Ciphers, was.Ciphers),
			Versions: setLeftAlone(p.TLS.Versions, was.Versions), ALPNProtocols: setLeftAlone(p.TLS.ALPNProtocols, was.ALPNProtocols),
		}); err != nil {
			return m, err
		}
	}
	members := map[string]memberModel{}
	for key, member := range p.Members {
		members[key] = flattenMember(member)
	}
	if m.Members, err = mapOf(ctx, attributes["members"], members, prior.Members); err != nil {
		return m, err
	}
	if p.Monitor != nil {
		was, err := single[monitorModel](ctx, prior.Monitor)
		if err != nil {
			return m, err
		}
		if was == nil {
			was = &monitorModel{}
		}
		m.Monitor, err = objectOf(ctx, attributes["monitor"], flattenMonitor(*p.Monitor, *was))
		return m, err
	}
	return m, nil
}

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

func datagrams(protocol string) bool {
	return protocol == engine.ProtocolUDP || protocol == engine.ProtocolSCTP
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
