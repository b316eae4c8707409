package lookup

import (
	"context"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// ServersUsage is what n servers of a flavor take of the project's quotas.
func ServersUsage(ctx context.Context, cloud *openstack.Cloud, n int, flavor string) (openstack.Usage, error) {
	found, err := Flavor(ctx, cloud, flavor)
	if err != nil {
		return nil, err
	}
	return openstack.Usage{openstack.QuotaInstances: n, openstack.QuotaCores: n * found.VCPUs, openstack.QuotaRAM: n * found.RAM}, nil
}
