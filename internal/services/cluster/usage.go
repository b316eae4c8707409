package cluster

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

var (
	_ lifecycle.Consumer[clusterModel]  = cluster{}
	_ lifecycle.Consumer[nodePoolModel] = nodePool{}
)

// Usage is what the servers take, and the load balancer of the API with its port and floating IP.
func (cluster) Usage(ctx context.Context, cloud *openstack.Cloud, m *clusterModel) (openstack.Usage, error) {
	servers, err := decode[controlPlaneModel](ctx, m.ControlPlane)
	if err != nil {
		return nil, err
	}
	usage, err := nodesUsage(ctx, cloud, servers.Size, servers.Flavor, servers.Volume, m.ServerGroupPolicy)
	if err != nil {
		return nil, err
	}
	usage.Add(openstack.Usage{openstack.QuotaLoadBalancers: 1, openstack.QuotaPorts: 1})
	if !m.ExternalNetwork.IsNull() {
		usage.Add(openstack.Usage{openstack.QuotaFloatingIPs: 1})
	}
	return usage, nil
}

// Usage is what the nodes take.
func (nodePool) Usage(ctx context.Context, cloud *openstack.Cloud, m *nodePoolModel) (openstack.Usage, error) {
	return nodesUsage(ctx, cloud, m.Size, m.Flavor, m.Volume, m.ServerGroupPolicy)
}

// nodesUsage is what nodes of one kind take, with a port each.
func nodesUsage(ctx context.Context, cloud *openstack.Cloud, size types.Int64, flavor types.String, volume types.Object, policy types.String) (openstack.Usage, error) {
	n := int(size.ValueInt64())
	usage := openstack.Usage{openstack.QuotaInstances: n}
	if value.Known(flavor) {
		var err error
		if usage, err = lookup.ServersUsage(ctx, cloud, n, flavor.ValueString()); err != nil {
			return nil, err
		}
	}
	usage[openstack.QuotaPorts] = n
	if policy.ValueString() != "none" {
		usage[openstack.QuotaServerGroups] = 1
	}
	boot, err := decode[volumeModel](ctx, volume)
	if err != nil {
		return nil, err
	}
	if value.Known(volume) {
		usage[openstack.QuotaVolumes], usage[openstack.QuotaGigabytes] = n, n*int(boot.Size.ValueInt64())
	}
	return usage, nil
}
