package cluster

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/external"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$`)

// findFlavor finds a flavor by name or id. A flavor without disk needs a volume to boot from.
func findFlavor(ctx context.Context, cloud *openstack.Cloud, wanted string, volumeSize int64, at, volumeAt path.Path) (string, error) {
	client, err := cloud.Compute()
	if err != nil {
		return "", err
	}
	pages, err := flavors.ListDetail(client, flavors.ListOpts{}).AllPages(ctx)
	if err != nil {
		return "", fmt.Errorf("list flavors: %w", err)
	}
	all, err := flavors.ExtractFlavors(pages)
	if err != nil {
		return "", fmt.Errorf("list flavors: %w", err)
	}
	i := slices.IndexFunc(all, func(f flavors.Flavor) bool { return f.ID == wanted })
	if i < 0 {
		i = slices.IndexFunc(all, func(f flavors.Flavor) bool { return f.Name == wanted })
	}
	if i < 0 {
		known := make([]string, 0, len(all))
		for _, f := range all {
			known = append(known, f.Name)
		}
		slices.Sort(known)
		return "", lifecycle.Invalid(at, "there is no flavor %q; there are: %s", wanted, strings.Join(known, ", "))
	}
	if all[i].Disk == 0 && volumeSize == 0 {
		return "", lifecycle.Invalid(volumeAt, "the flavor %q has no disk of its own, so its nodes need a volume to boot from, such as { size = 20 }", all[i].Name)
	}
	return all[i].ID, nil
}

// findImage finds an image by id or name. Of several of one name none is taken.
func findImage(ctx context.Context, cloud *openstack.Cloud, wanted string, at path.Path) (string, error) {
	client, err := cloud.Image()
	if err != nil {
		return "", err
	}
	if uuidPattern.MatchString(wanted) {
		found, err := images.Get(ctx, client, wanted).Extract()
		if err == nil {
			return found.ID, nil
		}
		if !openstack.NotFound(err) {
			return "", fmt.Errorf("find image %q: %w", wanted, err)
		}
	}
	pages, err := images.List(client, images.ListOpts{Name: wanted, Status: images.ImageStatusActive}).AllPages(ctx)
	if err != nil {
		return "", fmt.Errorf("find image %q: %w", wanted, err)
	}
	found, err := images.ExtractImages(pages)
	if err != nil {
		return "", fmt.Errorf("find image %q: %w", wanted, err)
	}
	switch len(found) {
	case 0:
		return "", lifecycle.Invalid(at, "there is no active image %q", wanted)
	case 1:
		return found[0].ID, nil
	}
	return "", lifecycle.Invalid(at, "%d images are called %q; give the id of one", len(found), wanted)
}

// findExternalNetwork finds the network of the floating IPs by id or name.
func findExternalNetwork(ctx context.Context, cloud *openstack.Cloud, wanted string) (string, error) {
	at := path.Root("external_network")
	client, err := cloud.Network()
	if err != nil {
		return "", err
	}
	query := networks.ListOpts{Name: wanted}
	if uuidPattern.MatchString(wanted) {
		query = networks.ListOpts{ID: wanted}
	}
	pages, err := networks.List(client, external.ListOptsExt{ListOptsBuilder: query, External: new(true)}).AllPages(ctx)
	if err != nil {
		return "", fmt.Errorf("find external network %q: %w", wanted, err)
	}
	found, err := networks.ExtractNetworks(pages)
	if err != nil {
		return "", fmt.Errorf("find external network %q: %w", wanted, err)
	}
	switch len(found) {
	case 0:
		return "", lifecycle.Invalid(at, "there is no external network %q", wanted)
	case 1:
		return found[0].ID, nil
	}
	return "", lifecycle.Invalid(at, "%d external networks are called %q; give the id of one", len(found), wanted)
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
