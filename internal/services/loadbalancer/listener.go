package loadbalancer

import (
	"context"
	"maps"
	"net/netip"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

type listenerModel struct {
	Protocol             types.String `tfsdk:"protocol"`
	Port                 types.Int64  `tfsdk:"port"`
	DefaultPool          types.String `tfsdk:"default_pool"`
	Description          types.String `tfsdk:"description"`
	AdminStateUp         types.Bool   `tfsdk:"admin_state_up"`
	ConnectionLimit      types.Int64  `tfsdk:"connection_limit"`
	AllowedCIDRs         types.Set    `tfsdk:"allowed_cidrs"`
	InsertHeaders        types.Map    `tfsdk:"insert_headers"`
	TimeoutClientData    types.Int64  `tfsdk:"timeout_client_data"`
	TimeoutMemberConnect types.Int64  `tfsdk:"timeout_member_connect"`
	TimeoutMemberData    types.Int64  `tfsdk:"timeout_member_data"`
	TimeoutTCPInspect    types.Int64  `tfsdk:"timeout_tcp_inspect"`
	TLS                  types.Object `tfsdk:"tls"`
	Routes               types.Map    `tfsdk:"routes"`
	Tags                 types.Set    `tfsdk:"tags"`
}

// longestTimeout is 24 days in milliseconds, Octavia's limit.
const longestTimeout = 24 * 24 * 60 * 60 * 1000

func listenerAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"protocol": oneOf("Protocol of the traffic that comes in. Changing it makes a new listener.",
			engine.ProtocolHTTP, engine.ProtocolHTTPS, engine.ProtocolTerminatedHTTPS, engine.ProtocolTCP, engine.ProtocolUDP,
			engine.ProtocolSCTP, engine.ProtocolPrometheus),
		"port":             port("Port of the VIP. Changing it makes a new listener."),
		"default_pool":     optional("Key in `pools` of the pool that gets what no route takes."),
		"description":      attribute.Description(),
		"admin_state_up":   attribute.AdminStateUp(),
		"connection_limit": connectionLimit(),
		"allowed_cidrs": schema.SetAttribute{
			MarkdownDescription: "Networks from which clients may connect. Everybody may when not set.",
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(attribute.CIDR())},
		},
		"insert_headers": schema.MapAttribute{
			MarkdownDescription: "Headers to insert into requests, such as `{ X-Forwarded-For = \"true\" }`.",
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.Map{mapvalidator.SizeAtLeast(1)},
		},
		"timeout_client_data":    milliseconds("How long a client may be silent"),
		"timeout_member_connect": milliseconds("How long connecting to a member may take"),
		"timeout_member_data":    milliseconds("How long a member may be silent"),
		"timeout_tcp_inspect":    milliseconds("How long to wait for more of a TCP connection to look at"),
		"tls":                    listenerTLS(),
		"routes": named("Routes, which Octavia calls L7 policies: what to do with requests for which all rules match. "+
			"Octavia tries those that reject first, then those that redirect to a URL or prefix, then those that redirect to a pool; "+
			"among these, those with the lower position.", routeAttributes()),
		"tags": attribute.Tags(),
	}
}

func connectionLimit() schema.Int64Attribute {
	return schema.Int64Attribute{
		MarkdownDescription: "Connections at the same time; -1 for no limit.",
		Optional:            true,
		Computed:            true,
		Default:             int64default.StaticInt64(-1),
		Validators:          []validator.Int64{int64validator.AtLeast(-1)},
	}
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

func flattenListener(ctx context.Context, l engine.Listener, prior listenerModel, known bool) (listenerModel, error) {
	attributes := listenerAttributes()
	m := listenerModel{
		Protocol: types.StringValue(l.Protocol), Port: value.Int(l.ProtocolPort), DefaultPool: value.StringOrNull(l.DefaultPool),
		Description: types.StringValue(l.Description), AdminStateUp: types.BoolPointerValue(l.AdminStateUp), Tags: value.Set(l.Tags),
		ConnectionLimit: number(l.ConnectionLimit), AllowedCIDRs: value.SetOrNull(l.AllowedCIDRs),
		InsertHeaders:        value.MapOrNull(l.InsertHeaders),
		TimeoutClientData:    leftAlone(l.TimeoutClientData, prior.TimeoutClientData, known, defaultClientData),
		TimeoutMemberConnect: leftAlone(l.TimeoutMemberConnect, prior.TimeoutMemberConnect, known, defaultMemberConnect),
		TimeoutMemberData:    leftAlone(l.TimeoutMemberData, prior.TimeoutMemberData, known, defaultMemberData),
		TimeoutTCPInspect:    leftAlone(l.TimeoutTCPInspect, prior.TimeoutTCPInspect, known, defaultTCPInspect),
		TLS:                  types.ObjectNull(objectTypes(attributes["tls"])),
	}
	if l.TLS != nil {
		was, err := single[listenerTLSModel](ctx, prior.TLS)
		if err != nil {
			return m, err
		}
		if was == nil {
			was = &listenerTLSModel{}
		}
		if m.TLS, err = objectOf(ctx, attributes["tls"], listenerTLSModel{
			ContainerRef: value.StringOrNull(l.TLS.DefaultContainerRef), SNIContainerRefs: value.SetOrNull(l.TLS.SNIContainerRefs),
			ClientAuthentication: types.StringValue(l.TLS.ClientAuthentication), ClientCARef: value.StringOrNull(l.TLS.ClientCAContainerRef),
			ClientCRLRef: value.StringOrNull(l.TLS.ClientCRLContainerRef),
			Ciphers:      textLeftAlone(l.TLS.Ciphers, was.Ciphers),
			Versions:     setLeftAlone(l.TLS.Versions, was.Versions), ALPNProtocols: setLeftAlone(l.TLS.ALPNProtocols, was.ALPNProtocols),
		}); err != nil {
			return m, err
		}
	}
	routes, err := elements[routeModel](ctx, prior.Routes)
	if err != nil {
		return m, err
	}
	sameOrder := slices.Equal(routeOrder(l.Routes), priorOrder(routes))
	for key, r := range l.Routes {
		if routes[key], err = flattenRoute(ctx, r, routes[key], sameOrder); err != nil {
			return m, err
		}
	}
	m.Routes, err = mapOf(ctx, attributes["routes"], only(routes, l.Routes), prior.Routes)
	return m, err
}

// understandsHTTP tells whether a listener sees requests rather than connections.
func understandsHTTP(listener string) bool {
	return listener == engine.ProtocolHTTP || listener == engine.ProtocolTerminatedHTTPS
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
