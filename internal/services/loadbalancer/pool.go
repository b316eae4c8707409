package loadbalancer

import (
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
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

func poolAttributes() map[string]schema.Attribute {
	algorithm := oneOf("How members are chosen.", "ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP", "SOURCE_IP_PORT")
	algorithm.Required, algorithm.Optional, algorithm.Computed = false, true, true
	algorithm.Default = stringdefault.StaticString(defaultAlgorithm)
	return map[string]schema.Attribute{
		"protocol": oneOf("Protocol that the members speak. Changing it makes a new pool.",
			allPoolProtocols()...),
		"algorithm":           algorithm,
		"session_persistence": sessionPersistence(),
		"tls":                 poolTLS(),
		"members":             named("Members. Address and port tell them apart.", memberAttributes()),
		"monitor":             monitorAttribute(),
		"description":         attribute.Description(),
		"admin_state_up":      attribute.AdminStateUp(),
		"tags":                attribute.Tags(),
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
		p.SessionPersistence = persistence.expand()
	}
	tls, err := single[poolTLSModel](ctx, m.TLS)
	if err != nil {
		return p, err
	}
	if tls != nil {
		p.TLS = tls.expand()
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
		Monitor: types.ObjectNull(objectTypes(attributes["monitor"])),
	}
	var err error
	if m.SessionPersistence, err = flattenPersistence(ctx, p.SessionPersistence); err != nil {
		return m, err
	}
	if m.TLS, err = flattenPoolTLS(ctx, p.TLS, prior.TLS); err != nil {
		return m, err
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

// allPoolProtocols are those that pools can have.
func allPoolProtocols() []string {
	return append(poolProtocols(engine.ProtocolTCP), engine.ProtocolUDP, engine.ProtocolSCTP)
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
	fit := poolProtocols(listenerProtocol.ValueString())
	if !known(protocol) || len(fit) == 0 || !slices.Contains(allPoolProtocols(), protocol.ValueString()) {
		return // what is wrong with a protocol is said at the protocol
	}
	if !slices.Contains(fit, protocol.ValueString()) {
		f.add(at, "pool %q is %s, but a %s listener needs a pool that is %s", key, protocol.ValueString(), listenerProtocol.ValueString(), strings.Join(fit, ", "))
	}
}

func (f *findings) pool(ctx context.Context, at path.Path, p poolModel) error {
	f.driverKnows(at, p.Protocol)
	f.algorithm(at.AtName("algorithm"), p.Algorithm)
	persistence, err := single[persistenceModel](ctx, p.SessionPersistence)
	if err != nil {
		return err
	}
	if persistence != nil {
		f.persistence(at.AtName("session_persistence"), *persistence, p.Protocol)
	}
	tls, err := single[poolTLSModel](ctx, p.TLS)
	if err != nil {
		return err
	}
	if tls != nil {
		f.poolTLS(at.AtName("tls"), *tls, p.Protocol)
	}
	members, err := elements[memberModel](ctx, p.Members)
	if err != nil {
		return err
	}
	f.members(at.AtName("members"), members)
	monitor, err := single[monitorModel](ctx, p.Monitor)
	if err != nil {
		return err
	}
	if monitor != nil {
		f.monitor(at.AtName("monitor"), *monitor, p.Protocol)
	}
	return nil
}
