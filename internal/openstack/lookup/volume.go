package lookup

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	volumezones "github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/availabilityzones"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumetypes"
	serverzones "github.com/gophercloud/gophercloud/v2/openstack/compute/v2/availabilityzones"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// VolumeTypes lists the volume types that the project may use.
func VolumeTypes(ctx context.Context, cloud *openstack.Cloud) ([]volumetypes.VolumeType, error) {
	return all(ctx, cloud, "volume types", (*openstack.Cloud).BlockStorage, func(client *gophercloud.ServiceClient) pagination.Pager {
		return volumetypes.List(client, nil)
	}, volumetypes.ExtractVolumeTypes)
}

// VolumeType finds a volume type by its id, or else by its name.
func VolumeType(ctx context.Context, cloud *openstack.Cloud, nameOrID string) (volumetypes.VolumeType, error) {
	all, err := VolumeTypes(ctx, cloud)
	if err != nil {
		return volumetypes.VolumeType{}, err
	}
	return pick("volume type", nameOrID, all, func(t volumetypes.VolumeType) (string, string) { return t.ID, t.Name }, DescribeVolumeType)
}

// DescribeVolumeType tells volume types apart in messages.
func DescribeVolumeType(t volumetypes.VolumeType) string { return t.Name }

// ServerZones lists the availability zones that servers can be in now.
func ServerZones(ctx context.Context, cloud *openstack.Cloud) ([]string, error) {
	found, err := all(ctx, cloud, "availability zones of servers", (*openstack.Cloud).Compute, serverzones.List, serverzones.ExtractAvailabilityZones)
	var names []string
	for _, zone := range found {
		if zone.ZoneState.Available {
			names = append(names, zone.ZoneName)
		}
	}
	return slices.Sorted(slices.Values(names)), err
}

// VolumeZones lists the availability zones that volumes can be in now.
func VolumeZones(ctx context.Context, cloud *openstack.Cloud) ([]string, error) {
	found, err := all(ctx, cloud, "availability zones of volumes", (*openstack.Cloud).BlockStorage, volumezones.List, volumezones.ExtractAvailabilityZones)
	var names []string
	for _, zone := range found {
		if zone.ZoneState.Available {
			names = append(names, zone.ZoneName)
		}
	}
	return slices.Sorted(slices.Values(names)), err
}

// Zone says that an availability zone is not among those that there are.
func Zone(name string, zones []string) error {
	if slices.Contains(zones, name) {
		return nil
	}
	return fmt.Errorf("there is no availability zone %q; there are: %s", name, strings.Join(zones, ", "))
}
