package loadbalancer

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// flatten puts the tree into the model. What the model says already decides how the same is written:
// what it leaves to the cloud stays unset, and positions and rules stay as they are when they mean
// what the cloud has. What it does not have is written in full.
func (m *model) flatten(ctx context.Context, tree *engine.Tree) error {
	spec := tree.Spec()
	m.Name = types.StringValue(spec.Name)
	m.Description = types.StringValue(spec.Description)
	m.VIPSubnetID = value.StringOrNull(spec.VIPSubnetID)
	m.VIPNetworkID = value.StringOrNull(spec.VIPNetworkID)
	m.VIPPortID = value.StringOrNull(spec.VIPPortID)
	m.VIPAddress = value.StringOrNull(spec.VIPAddress)
	m.AdminStateUp = types.BoolPointerValue(spec.AdminStateUp)
	m.Tags = value.Set(spec.Tags)
	m.LoadBalancerProvider = value.StringOrNull(spec.Provider)
	m.FlavorID = value.StringOrNull(spec.FlavorID)
	m.AvailabilityZone = value.StringOrNull(spec.AvailabilityZone)
	m.ProvisioningStatus = value.StringOrNull(tree.ProvisioningStatus)
	m.OperatingStatus = value.StringOrNull(tree.OperatingStatus)

	attributes := loadBalancer{}.Schema().Attributes
	listeners, err := elements[listenerModel](ctx, m.Listeners)
	if err != nil {
		return err
	}
	for key, l := range spec.Listeners {
		prior, known := listeners[key]
		if listeners[key], err = flattenListener(ctx, l, prior, known); err != nil {
			return err
		}
	}
	if m.Listeners, err = mapOf(ctx, attributes["listeners"], only(listeners, spec.Listeners), m.Listeners); err != nil {
		return err
	}
	pools, err := elements[poolModel](ctx, m.Pools)
	if err != nil {
		return err
	}
	for key, p := range spec.Pools {
		if pools[key], err = flattenPool(ctx, p, pools[key]); err != nil {
			return err
		}
	}
	m.Pools, err = mapOf(ctx, attributes["pools"], only(pools, spec.Pools), m.Pools)
	return err
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

// routeOrder are the keys of the routes as Octavia orders them.
func routeOrder(routes map[string]engine.Route) []string {
	return slices.SortedFunc(maps.Keys(routes), func(a, b string) int { return cmp.Compare(routes[a].Position, routes[b].Position) })
}

// priorOrder are the keys of the routes in the order that the model asks for.
func priorOrder(routes map[string]routeModel) []string {
	order := slices.Sorted(maps.Keys(routes))
	slices.SortStableFunc(order, func(a, b string) int {
		x, y := routes[a].Position, routes[b].Position
		if x.IsNull() || y.IsNull() {
			return cmp.Compare(boolInt(x.IsNull()), boolInt(y.IsNull()))
		}
		return cmp.Compare(x.ValueInt64(), y.ValueInt64())
	})
	return order
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func flattenRoute(ctx context.Context, r engine.Route, prior routeModel, sameOrder bool) (routeModel, error) {
	m := routeModel{
		Position:    prior.Position,
		Description: types.StringValue(r.Description), AdminStateUp: types.BoolPointerValue(r.AdminStateUp), Tags: value.Set(r.Tags),
	}
	if !sameOrder {
		m.Position = value.Int(r.Position)
	}
	switch r.Action {
	case engine.ActionRedirectToPool:
		m.RedirectPool = types.StringValue(r.RedirectPool)
	case engine.ActionRedirectToURL:
		m.RedirectURL = types.StringValue(r.RedirectURL)
	case engine.ActionRedirectPrefix:
		m.RedirectPrefix = types.StringValue(r.RedirectPrefix)
	default:
		m.Reject = types.BoolValue(true)
	}
	if code := r.RedirectHTTPCode; code != nil && (*code != defaultRedirectCode || !prior.RedirectHTTPCode.IsNull()) {
		m.RedirectHTTPCode = value.Int(*code)
	}
	rules, err := items[ruleModel](ctx, prior.Rules)
	if err != nil {
		return m, err
	}
	var order []engine.Rule
	for _, rule := range rules {
		order = append(order, rule.expand())
	}
	if !sameRules(order, r.Rules) {
		order = slices.SortedFunc(slices.Values(r.Rules), compareRules)
	}
	flat := make([]ruleModel, 0, len(order))
	for _, rule := range order {
		flat = append(flat, ruleModel{
			Type: types.StringValue(rule.Type), CompareType: types.StringValue(rule.CompareType), Key: value.StringOrNull(rule.Key),
			Value: types.StringValue(rule.Value), Invert: types.BoolValue(rule.Invert),
		})
	}
	m.Rules, err = listOf(ctx, routeAttributes()["rules"], flat)
	return m, err
}

func sameRules(a, b []engine.Rule) bool {
	return slices.Equal(slices.SortedFunc(slices.Values(a), compareRules), slices.SortedFunc(slices.Values(b), compareRules))
}

func compareRules(a, b engine.Rule) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Key, b.Key), cmp.Compare(a.CompareType, b.CompareType),
		cmp.Compare(a.Value, b.Value), cmp.Compare(boolInt(a.Invert), boolInt(b.Invert)))
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

func flattenMember(m engine.Member) memberModel {
	return memberModel{
		Address: types.StringValue(m.Address), Port: value.Int(m.ProtocolPort), SubnetID: value.StringOrNull(m.SubnetID),
		Weight: number(m.Weight), Backup: types.BoolValue(m.Backup), MonitorAddress: value.StringOrNull(m.MonitorAddress),
		MonitorPort: number(m.MonitorPort), AdminStateUp: types.BoolPointerValue(m.AdminStateUp), Tags: value.Set(m.Tags),
	}
}

func flattenMonitor(m engine.Monitor, prior monitorModel) monitorModel {
	return monitorModel{
		Type: types.StringValue(m.Type), Delay: value.Int(m.Delay), Timeout: value.Int(m.Timeout), MaxRetries: value.Int(m.MaxRetries),
		MaxRetriesDown: number(m.MaxRetriesDown), AdminStateUp: types.BoolPointerValue(m.AdminStateUp),
		HTTPMethod:    unlessDefault(m.HTTPMethod, prior.HTTPMethod, defaultHTTPMethod),
		URLPath:       unlessDefault(m.URLPath, prior.URLPath, defaultURLPath),
		ExpectedCodes: unlessDefault(m.ExpectedCodes, prior.ExpectedCodes, defaultExpectedCodes),
		HTTPVersion:   value.StringOrNull(m.HTTPVersion), DomainName: value.StringOrNull(m.DomainName),
	}
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

// only drops the models of what is not there any more.
func only[M, V any](models map[string]M, there map[string]V) map[string]M {
	maps.DeleteFunc(models, func(key string, _ M) bool {
		_, ok := there[key]
		return !ok
	})
	return models
}

// mapOf is a map of objects. None is null, unless the model has written an empty map.
func mapOf[T any](ctx context.Context, a schema.Attribute, objects map[string]T, prior types.Map) (types.Map, error) {
	if len(objects) == 0 && (prior.IsNull() || prior.IsUnknown()) {
		return types.MapNull(elementType(a)), nil
	}
	m, diags := types.MapValueFrom(ctx, elementType(a), objects)
	return m, broken(diags)
}

func listOf[T any](ctx context.Context, a schema.Attribute, objects []T) (types.List, error) {
	if len(objects) == 0 {
		return types.ListNull(elementType(a)), nil
	}
	l, diags := types.ListValueFrom(ctx, elementType(a), objects)
	return l, broken(diags)
}

func objectOf[T any](ctx context.Context, a schema.Attribute, object T) (types.Object, error) {
	o, diags := types.ObjectValueFrom(ctx, objectTypes(a), object)
	return o, broken(diags)
}

// objectTypes are the types of a nested attribute's own attributes.
func objectTypes(a schema.Attribute) map[string]attr.Type {
	if t, ok := a.GetType().(attr.TypeWithAttributeTypes); ok {
		return t.AttributeTypes()
	}
	return nil
}
