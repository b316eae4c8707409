package compute

import (
	"context"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// What the types of this package take of the project's quotas. Nova does not tell how many key pairs a user has.
var (
	_ lifecycle.Consumer[serverModel]      = server{}
	_ lifecycle.Consumer[serverGroupModel] = serverGroup{}
)

func (server) Usage(ctx context.Context, cloud *openstack.Cloud, m *serverModel) (openstack.Usage, error) {
	usage := openstack.Usage{openstack.QuotaInstances: 1}
	if value.Known(m.Flavor) {
		var err error
		if usage, err = lookup.ServersUsage(ctx, cloud, 1, m.Flavor.ValueString()); err != nil {
			return nil, err
		}
	}
	nics, err := m.nics(ctx)
	if err != nil {
		return nil, err
	}
	for _, nic := range nics {
		if nic.PortID.IsNull() {
			usage[openstack.QuotaPorts]++
		}
	}
	boot, err := m.bootVolume(ctx)
	if err != nil {
		return nil, err
	}
	if boot != nil && boot.VolumeID.IsNull() {
		usage[openstack.QuotaVolumes]++
		usage[openstack.QuotaGigabytes] += int(boot.Size.ValueInt64())
	}
	return usage, nil
}

func (serverGroup) Usage(context.Context, *openstack.Cloud, *serverGroupModel) (openstack.Usage, error) {
	return openstack.Usage{openstack.QuotaServerGroups: 1}, nil
}
