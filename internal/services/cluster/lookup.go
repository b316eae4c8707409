package cluster

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
)

// findFlavor finds a flavor by name or id. A flavor without disk needs a volume to boot from.
func findFlavor(ctx context.Context, cloud *openstack.Cloud, wanted string, volumeSize int64, at, volumeAt path.Path) (string, error) {
	found, err := lookup.Flavor(ctx, cloud, wanted)
	if err != nil {
		return "", lifecycle.At(at, err)
	}
	if found.Disk == 0 && volumeSize == 0 {
		return "", lifecycle.Invalid(volumeAt, "the flavor %q has no disk of its own, so its nodes need a volume to boot from, such as { size = 20 }", found.Name)
	}
	return found.ID, nil
}

// findImage finds an image by id or name.
func findImage(ctx context.Context, cloud *openstack.Cloud, wanted string, at path.Path) (string, error) {
	found, err := lookup.Image(ctx, cloud, wanted)
	return found.ID, lifecycle.At(at, err)
}

// findExternalNetwork finds the network of the floating IPs by id or name.
func findExternalNetwork(ctx context.Context, cloud *openstack.Cloud, wanted string) (string, error) {
	found, err := lookup.ExternalNetwork(ctx, cloud, wanted)
	return found.ID, lifecycle.At(path.Root("external_network"), err)
}

// subnetReads answers many reads of subnets with one list.
var subnetReads = openstack.Collection[subnets.Subnet]{
	Name:    "subnets of clusters",
	Service: (*openstack.Cloud).Network,
	ID:      func(s subnets.Subnet) string { return s.ID },
	Get: func(ctx context.Context, client *gophercloud.ServiceClient, id string) (subnets.Subnet, error) {
		found, err := subnets.Get(ctx, client, id).Extract()
		if err != nil {
			return subnets.Subnet{}, err
		}
		return *found, nil
	},
	List: func(ctx context.Context, client *gophercloud.ServiceClient, _ []string) ([]subnets.Subnet, error) {
		pages, err := subnets.List(client, subnets.ListOpts{}).AllPages(ctx)
		if err != nil {
			return nil, err
		}
		return subnets.ExtractSubnets(pages)
	},
}

// findSubnet reads the subnet that nodes are to live in.
func findSubnet(ctx context.Context, cloud *openstack.Cloud, id string) (subnets.Subnet, error) {
	found, err := openstack.Get(ctx, cloud, subnetReads, id)
	if openstack.NotFound(err) {
		return found, lifecycle.Invalid(path.Root("subnet_id"), "there is no subnet %s", id)
	}
	if err != nil {
		return found, fmt.Errorf("read subnet %s: %w", id, err)
	}
	return found, nil
}

// checkRanges refuses ranges of addresses that overlap: pods or services would hide nodes.
func checkRanges(ranges map[string]string, at func(name string) path.Path) error {
	names := []string{"cluster_cidr", "service_cidr", "subnet"}
	for i, first := range names {
		for _, second := range names[i+1:] {
			for a := range strings.SplitSeq(ranges[first], ",") {
				for b := range strings.SplitSeq(ranges[second], ",") {
					pa, errA := netip.ParsePrefix(a)
					pb, errB := netip.ParsePrefix(b)
					if errA == nil && errB == nil && pa.Overlaps(pb) {
						return lifecycle.Invalid(at(first), "%s overlaps %s, the range of the %s", pa, pb, strings.ReplaceAll(second, "_", " "))
					}
				}
			}
		}
	}
	return nil
}
