package loadbalancer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// findings collects what is wrong with a configuration.
type findings struct {
	errs  []error
	pools map[string]poolModel
	// poolKeys are all keys of pools; nil when they are not known yet.
	poolKeys []string
	// driver is the load balancer's provider.
	driver types.String
}

func (f *findings) add(p path.Path, format string, args ...any) {
	f.errs = append(f.errs, lifecycle.Invalid(p, format, args...))
}

// Validate checks what no attribute can tell alone. What is not known yet is not wrong.
func (loadBalancer) Validate(ctx context.Context, m *model) error {
	f := &findings{driver: m.LoadBalancerProvider}
	if err := f.vip(ctx, m); err != nil {
		return err
	}
	if known(m.ExternalNetwork, m.FloatingIPID) {
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
		if m.AdditionalVIPs.IsNull() {
			f.families(at.AtName("allowed_cidrs"), l.AllowedCIDRs, m.VIPAddress)
		}
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
