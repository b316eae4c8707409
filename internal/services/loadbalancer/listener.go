package loadbalancer

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
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
			MarkdownDescription: "Headers to insert into requests, such as `{ X-Forwarded-For = \"true\" }`: `X-Forwarded-For`, `X-Forwarded-Port`, `X-Forwarded-Proto`, " +
				"and with client certificates also `X-SSL-Client-Verify`, `X-SSL-Client-Has-Cert`, `X-SSL-Client-DN`, `X-SSL-Client-CN`, `X-SSL-Issuer`, " +
				"`X-SSL-Client-SHA1`, `X-SSL-Client-Not-Before` and `X-SSL-Client-Not-After`.",
			ElementType: types.StringType,
			Optional:    true,
			Validators:  []validator.Map{mapvalidator.SizeAtLeast(1), mapvalidator.ValueStringsAre(stringvalidator.OneOfCaseInsensitive("true", "false"))},
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
		Validators:          []validator.Int64{int64validator.Between(-1, 1<<31-1)},
	}
}

func (m listenerModel) expand(ctx context.Context) (engine.Listener, error) {
	l := engine.Listener{
		Description: m.Description.ValueString(), AdminStateUp: value.BoolPtr(m.AdminStateUp), Tags: value.Strings(m.Tags),
		Protocol: m.Protocol.ValueString(), ProtocolPort: int(m.Port.ValueInt64()), DefaultPool: m.DefaultPool.ValueString(),
		ConnectionLimit: value.IntPtr(m.ConnectionLimit), AllowedCIDRs: canonical(m.AllowedCIDRs),
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
		if l.TLS, err = tls.expand(ctx); err != nil {
			return l, err
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
		ConnectionLimit: number(l.ConnectionLimit), AllowedCIDRs: asWritten(l.AllowedCIDRs, prior.AllowedCIDRs),
		InsertHeaders:        value.MapOrNull(l.InsertHeaders),
		TimeoutClientData:    leftAlone(l.TimeoutClientData, prior.TimeoutClientData, known, defaultClientData),
		TimeoutMemberConnect: leftAlone(l.TimeoutMemberConnect, prior.TimeoutMemberConnect, known, defaultMemberConnect),
		TimeoutMemberData:    leftAlone(l.TimeoutMemberData, prior.TimeoutMemberData, known, defaultMemberData),
		TimeoutTCPInspect:    leftAlone(l.TimeoutTCPInspect, prior.TimeoutTCPInspect, known, defaultTCPInspect),
	}
	var err error
	if m.TLS, err = flattenListenerTLS(ctx, l.TLS, prior.TLS); err != nil {
		return m, err
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
	f.driverKnows(at, l.Protocol)
	f.listenerTLS(at.AtName("tls"), l, tls)
	if known(l.Protocol) {
		protocol := l.Protocol.ValueString()
		if !understandsHTTP(protocol) && len(l.Routes.Elements()) > 0 {
			f.add(at.AtName("routes"), "only HTTP and TERMINATED_HTTPS listeners see the requests that routes look at; this one is %s", protocol)
		}
		if protocol == engine.ProtocolPrometheus && known(l.DefaultPool) {
			f.add(at.AtName("default_pool"), "a PROMETHEUS listener answers itself and can have no pool")
		}
		f.headers(at.AtName("insert_headers"), l.InsertHeaders, protocol)
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

// headers checks what is to be inserted into requests.
func (f *findings) headers(at path.Path, headers types.Map, protocol string) {
	names := slices.Sorted(maps.Keys(headers.Elements()))
	if len(names) > 0 && !understandsHTTP(protocol) {
		f.add(at, "only HTTP and TERMINATED_HTTPS listeners can insert headers; this one is %s", protocol)
		return
	}
	of := func(certificates bool) []string {
		if certificates {
			return []string{"X-SSL-Client-Verify", "X-SSL-Client-Has-Cert", "X-SSL-Client-DN", "X-SSL-Client-CN", "X-SSL-Issuer",
				"X-SSL-Client-SHA1", "X-SSL-Client-Not-Before", "X-SSL-Client-Not-After"}
		}
		return []string{"X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto"}
	}
	terminated := protocol == engine.ProtocolTerminatedHTTPS
	for _, name := range names {
		switch {
		case slices.Contains(of(false), name), terminated && slices.Contains(of(true), name):
		case slices.Contains(of(true), name):
			f.add(at.AtMapKey(name), "%s tells about client certificates, which only a TERMINATED_HTTPS listener sees", name)
		case terminated:
			f.add(at.AtMapKey(name), "Octavia cannot insert it; it can insert %s", strings.Join(append(of(false), of(true)...), ", "))
		default:
			f.add(at.AtMapKey(name), "Octavia cannot insert it; it can insert %s", strings.Join(of(false), ", "))
		}
	}
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

// canonical are networks as Octavia writes them.
func canonical(cidrs types.Set) []string {
	texts := value.Strings(cidrs)
	for i, text := range texts {
		if prefix, err := netip.ParsePrefix(text); err == nil {
			texts[i] = prefix.String()
		}
	}
	return texts
}

// asWritten are the real networks, each as the configuration writes the same one.
func asWritten(real []string, prior types.Set) types.Set {
	written := map[string]string{}
	for i, text := range canonical(prior) {
		written[text] = value.Strings(prior)[i]
	}
	texts := slices.Clone(real)
	for i, text := range texts {
		texts[i] = cmp.Or(written[text], text)
	}
	return value.SetOrNull(texts)
}
