package loadbalancer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/providers"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
)

// Plan says what will be known, and asks the cloud whether it has what is wanted.
func (loadBalancer) Plan(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[model]) error {
	planFloatingIP(change)
	if prior := change.Prior; prior != nil && prior.ProvisioningStatus.ValueString() == active {
		change.Plan.ProvisioningStatus = prior.ProvisioningStatus // an update ends when it is again
	}
	if err := planVIPs(ctx, change); err != nil {
		return err
	}
	if err := planFlavor(ctx, cloud, change); err != nil {
		return err
	}
	if cloud == nil {
		return nil
	}
	if err := planDriver(ctx, cloud, change); err != nil {
		return err
	}
	if err := planZone(ctx, cloud, change); err != nil {
		return err
	}
	if change.Prior == nil {
		if err := checkVIPPort(ctx, cloud, change.Plan); err != nil {
			return err
		}
	}
	return planVersion(ctx, cloud, change)
}

// active is the provisioning status of what can be used and changed.
const active = "ACTIVE"

// planFlavor finds the flavor, which may be given by another name than before.
func planFlavor(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[model]) error {
	plan, prior, at := change.Plan, change.Prior, path.Root("flavor")
	switch {
	case change.Config.Flavor.IsNull(), prior != nil && plan.Flavor.Equal(prior.Flavor):
		return nil
	case plan.Flavor.IsUnknown() || cloud == nil:
		plan.FlavorID = types.StringUnknown()
		if prior != nil {
			change.Replace(at)
		}
		return nil
	}
	flavor, err := lookup.LoadBalancerFlavor(ctx, cloud, plan.Flavor.ValueString())
	if err != nil {
		return lifecycle.At(at, err)
	}
	plan.FlavorID = types.StringValue(flavor.ID)
	if prior != nil && !plan.FlavorID.Equal(prior.FlavorID) {
		change.Replace(at)
	}
	return nil
}

// chosen tells whether a configuration asks for something that the cloud may not have and was not asked about.
func chosen(config types.String, prior *model, before func(*model) types.String) bool {
	return known(config) && (prior == nil || !config.Equal(before(prior)))
}

func planDriver(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[model]) error {
	want := change.Config.LoadBalancerProvider
	if !chosen(want, change.Prior, func(m *model) types.String { return m.LoadBalancerProvider }) {
		return nil
	}
	all, err := lookup.LoadBalancerProviders(ctx, cloud)
	if err != nil || slices.ContainsFunc(all, func(p providers.Provider) bool { return p.Name == want.ValueString() }) {
		return unlessClosed(err)
	}
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	return lifecycle.Invalid(path.Root("loadbalancer_provider"), "Octavia has no driver %q here; there are: %s", want.ValueString(), listed(names))
}

func planZone(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[model]) error {
	want := change.Config.AvailabilityZone
	if !chosen(want, change.Prior, func(m *model) types.String { return m.AvailabilityZone }) {
		return nil
	}
	all, err := lookup.LoadBalancerAvailabilityZones(ctx, cloud)
	if err != nil {
		return unlessClosed(err)
	}
	names := enabledZones(all)
	if slices.Contains(names, want.ValueString()) {
		return nil
	}
	return lifecycle.Invalid(path.Root("availability_zone"), "Octavia has no availability zone %q here, which are not Nova's; there are: %s", want.ValueString(), listed(names))
}

// unlessClosed forgives a cloud that does not let its users list what it has: whether it takes what is wanted shows in time.
func unlessClosed(err error) error {
	if fault, ok := openstack.FaultOf(err); ok && (fault.Status == http.StatusForbidden || fault.Status == http.StatusNotFound) {
		return nil
	}
	return err
}

// need is something that Octavia can since a minor version of its API.
type need struct {
	since int
	at    path.Path
	what  string
}

// planVersion asks whether Octavia is new enough for what changes.
func planVersion(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[model]) error {
	plan, prior := change.Plan, change.Prior
	if prior != nil && plan.Listeners.Equal(prior.Listeners) && plan.Pools.Equal(prior.Pools) && plan.AdditionalVIPs.Equal(prior.AdditionalVIPs) {
		return nil
	}
	needs, err := plan.needs(ctx)
	if err != nil || len(needs) == 0 {
		return err
	}
	newest, err := lookup.LoadBalancerVersion(ctx, cloud)
	if err != nil || newest == 0 {
		// Some clouds show their API, but not its versions.
		return nil //nolint:nilerr // what it cannot do shows in time
	}
	var wrong []error
	for _, n := range needs {
		if n.since > newest {
			wrong = append(wrong, lifecycle.Invalid(n.at, "%s needs version 2.%d of Octavia's API; this cloud has 2.%d", n.what, n.since, newest))
		}
	}
	return errors.Join(wrong...)
}

// needs are what not every Octavia can.
func (m *model) needs(ctx context.Context) ([]need, error) {
	var needs []need
	add := func(wanted bool, since int, at path.Path, what string) {
		if wanted {
			needs = append(needs, need{since, at, what})
		}
	}
	add(len(m.AdditionalVIPs.Elements()) > 0, 26, path.Root("additional_vips"), "a further VIP")
	listeners, err := elements[listenerModel](ctx, m.Listeners)
	if err != nil {
		return nil, err
	}
	protocols := map[string]int{"PROMETHEUS": 25, "SCTP": 23, "PROXYV2": 22}
	for key, l := range listeners {
		at := path.Root("listeners").AtMapKey(key)
		protocol := l.Protocol.ValueString()
		add(protocols[protocol] > 0, protocols[protocol], at.AtName("protocol"), fmt.Sprintf("a %s listener", protocol))
		tls, err := single[listenerTLSModel](ctx, l.TLS)
		if err != nil {
			return nil, err
		}
		if tls != nil {
			add(known(tls.HSTS), 27, at.AtName("tls").AtName("hsts"), "HSTS")
			add(known(tls.ALPNProtocols), 20, at.AtName("tls").AtName("alpn_protocols"), "ALPN of listeners")
		}
	}
	pools, err := elements[poolModel](ctx, m.Pools)
	if err != nil {
		return nil, err
	}
	for key, p := range pools {
		at := path.Root("pools").AtMapKey(key)
		protocol := p.Protocol.ValueString()
		add(protocols[protocol] > 0, protocols[protocol], at.AtName("protocol"), fmt.Sprintf("a %s pool", protocol))
		tls, err := single[poolTLSModel](ctx, p.TLS)
		if err != nil {
			return nil, err
		}
		add(tls != nil && known(tls.ALPNProtocols), 24, at.AtName("tls").AtName("alpn_protocols"), "ALPN of pools")
	}
	return needs, nil
}
