package loadbalancer

import (
	"context"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

var _ lifecycle.Consumer[model] = loadBalancer{}

// Usage is the load balancer, the port of its address and its floating IP.
func (loadBalancer) Usage(_ context.Context, _ *openstack.Cloud, m *model) (openstack.Usage, error) {
	usage := openstack.Usage{openstack.QuotaLoadBalancers: 1}
	if m.VIPPortID.IsUnknown() { // not one that is given
		usage[openstack.QuotaPorts] = 1
	}
	if !m.ExternalNetwork.IsNull() {
		usage[openstack.QuotaFloatingIPs] = 1
	}
	return usage, nil
}
