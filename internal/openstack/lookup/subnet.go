package lookup

import (
	"context"
	"fmt"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// Subnet finds a subnet by its id, and says how many others its network has.
func Subnet(ctx context.Context, cloud *openstack.Cloud, id string) (found subnets.Subnet, siblings int, err error) {
	all, err := all(ctx, cloud, "subnets", (*openstack.Cloud).Network, func(client *gophercloud.ServiceClient) pagination.Pager {
		return subnets.List(client, nil)
	}, subnets.ExtractSubnets)
	if err != nil {
		return subnets.Subnet{}, 0, err
	}
	at := slices.IndexFunc(all, func(s subnets.Subnet) bool { return s.ID == id })
	if at < 0 {
		return subnets.Subnet{}, 0, fmt.Errorf("there is no subnet %s that these credentials may see", id)
	}
	for _, other := range all {
		if other.NetworkID == all[at].NetworkID && other.ID != id {
			siblings++
		}
	}
	return all[at], siblings, nil
}
