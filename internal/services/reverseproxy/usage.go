package reverseproxy

import (
	"context"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

var _ lifecycle.Consumer[proxyModel] = proxy{}

// Usage is what the nodes take with a port each, and the load balancer with its port and floating IP.
func (proxy) Usage(ctx context.Context, cloud *openstack.Cloud, m *proxyModel) (openstack.Usage, error) {
	nodes, err := decode[nodesModel](ctx, m.Nodes)
	if err != nil {
		return nil, err
	}
	n := int(nodes.Count.ValueInt64())
	usage := openstack.Usage{openstack.QuotaInstances: n}
	if value.Known(nodes.Flavor) {
		if usage, err = lookup.ServersUsage(ctx, cloud, n, nodes.Flavor.ValueString()); err != nil {
			return nil, err
		}
	}
	usage.Add(openstack.Usage{openstack.QuotaPorts: n + 1, openstack.QuotaLoadBalancers: 1, openstack.QuotaSecurityGroups: 1, openstack.QuotaSecurityGroupRules: 5})
	if m.ServerGroupPolicy.ValueString() != policyNone {
		usage.Add(openstack.Usage{openstack.QuotaServerGroups: 1})
	}
	if !m.ExternalNetwork.IsNull() {
		usage.Add(openstack.Usage{openstack.QuotaFloatingIPs: 1})
	}
	volume, err := decode[volumeModel](ctx, nodes.Volume)
	if err != nil {
		return nil, err
	}
	if value.Known(nodes.Volume) {
		usage.Add(openstack.Usage{openstack.QuotaVolumes: n, openstack.QuotaGigabytes: n * int(volume.Size.ValueInt64())})
	}
	return usage, nil
}
