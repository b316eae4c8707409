// Package lookup finds what people name in configurations (flavors, images, external networks) by name or id.
//
// It lives below services because servers, clusters, routers and load balancers all need it. Who looks at the same time
// shares one list.
package lookup

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/external"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// Flavors lists the flavors that the project may use.
func Flavors(ctx context.Context, cloud *openstack.Cloud) ([]flavors.Flavor, error) {
	return all(ctx, cloud, "flavors", (*openstack.Cloud).Compute, func(client *gophercloud.ServiceClient) pagination.Pager {
		return flavors.ListDetail(client, nil)
	}, flavors.ExtractFlavors)
}

// Flavor finds a flavor by its id, or else by its name.
func Flavor(ctx context.Context, cloud *openstack.Cloud, nameOrID string) (flavors.Flavor, error) {
	all, err := Flavors(ctx, cloud)
	if err != nil {
		return flavors.Flavor{}, err
	}
	return pick("flavor", nameOrID, all, func(f flavors.Flavor) (string, string) { return f.ID, f.Name }, DescribeFlavor)
}

// DescribeFlavor tells flavors apart in messages.
func DescribeFlavor(f flavors.Flavor) string {
	return fmt.Sprintf("%s (%d vCPU, %d MiB, %d GiB)", f.Name, f.VCPUs, f.RAM, f.Disk)
}

// Images lists the active images that the project may use.
func Images(ctx context.Context, cloud *openstack.Cloud) ([]images.Image, error) {
	return all(ctx, cloud, "images", (*openstack.Cloud).Image, func(client *gophercloud.ServiceClient) pagination.Pager {
		return images.List(client, images.ListOpts{Status: images.ImageStatusActive, Limit: 500})
	}, images.ExtractImages)
}

// Image finds an active image by its id, or else by its name.
func Image(ctx context.Context, cloud *openstack.Cloud, nameOrID string) (images.Image, error) {
	all, err := Images(ctx, cloud)
	if err != nil {
		return images.Image{}, err
	}
	return pick("image", nameOrID, all, func(i images.Image) (string, string) { return i.ID, i.Name }, DescribeImage)
}

// DescribeImage tells images apart in messages.
func DescribeImage(i images.Image) string {
	return fmt.Sprintf("%s (%s, %s)", i.Name, i.ID, i.CreatedAt.Format(time.DateOnly))
}

// ExternalNetwork finds a network that floating IPs and routers' gateways can be in, by its id, or else by its name.
func ExternalNetwork(ctx context.Context, cloud *openstack.Cloud, nameOrID string) (networks.Network, error) {
	all, err := all(ctx, cloud, "external networks", (*openstack.Cloud).Network, func(client *gophercloud.ServiceClient) pagination.Pager {
		return networks.List(client, external.ListOptsExt{ListOptsBuilder: networks.ListOpts{}, External: new(true)})
	}, networks.ExtractNetworks)
	if err != nil {
		return networks.Network{}, err
	}
	return pick("external network", nameOrID, all, func(n networks.Network) (string, string) { return n.ID, n.Name },
		func(n networks.Network) string { return fmt.Sprintf("%s (%s)", n.Name, n.ID) })
}

// everything is a whole list as one object of a collection, so that it is batched and cached like one.
type everything[T any] struct{ objects []T }

func all[T any](
	ctx context.Context,
	cloud *openstack.Cloud,
	name string,
	service func(*openstack.Cloud) (*gophercloud.ServiceClient, error),
	list func(*gophercloud.ServiceClient) pagination.Pager,
	extract func(pagination.Page) ([]T, error),
) ([]T, error) {
	const id = "all"
	get := func(ctx context.Context, client *gophercloud.ServiceClient) (everything[T], error) {
		pages, err := list(client).AllPages(ctx)
		if err != nil {
			return everything[T]{}, err
		}
		objects, err := extract(pages)
		return everything[T]{objects}, err
	}
	found, err := openstack.Get(ctx, cloud, openstack.Collection[everything[T]]{
		Name:    name,
		Service: service,
		ID:      func(everything[T]) string { return id },
		Get: func(ctx context.Context, client *gophercloud.ServiceClient, _ string) (everything[T], error) {
			return get(ctx, client)
		},
		List: func(ctx context.Context, client *gophercloud.ServiceClient, _ []string) ([]everything[T], error) {
			whole, err := get(ctx, client)
			return []everything[T]{whole}, err
		},
	}, id)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", name, err)
	}
	return found.objects, nil
}

// pick returns the object with that id, or else the only one with that name.
func pick[T any](noun, nameOrID string, all []T, key func(T) (id, name string), describe func(T) string) (T, error) {
	var named []T
	for _, o := range all {
		id, name := key(o)
		if id == nameOrID {
			return o, nil
		}
		if name == nameOrID {
			named = append(named, o)
		}
	}
	if len(named) == 0 {
		var none T
		return none, fmt.Errorf("there is no %s %q; there are: %s", noun, nameOrID, enumerate(all, describe))
	}
	found, err := Only(noun, named, nil, describe)
	if err != nil {
		return found, fmt.Errorf("%s %q: %w", noun, nameOrID, err)
	}
	return found, nil
}

// Only returns the single candidate. None or several is an error that lists what there is, each in the
// words of describe; others are what else exists, for the error when nothing matches.
func Only[T any](noun string, candidates, others []T, describe func(T) string) (T, error) {
	if len(candidates) == 1 {
		return candidates[0], nil
	}
	var zero T
	if len(candidates) > 1 {
		return zero, fmt.Errorf("%d %ss match, where exactly one must: %s; narrow the search, for example by id",
			len(candidates), noun, enumerate(candidates, describe))
	}
	if len(others) == 0 {
		return zero, fmt.Errorf("no %s matches, and there is none at all that these credentials may see", noun)
	}
	return zero, fmt.Errorf("no %s matches; there are: %s", noun, enumerate(others, describe))
}

func enumerate[T any](all []T, describe func(T) string) string {
	const most = 20
	var words []string
	for _, c := range all {
		words = append(words, describe(c))
	}
	slices.Sort(words)
	if len(words) > most {
		words = append(words[:most], fmt.Sprintf("and %d more", len(words)-most))
	}
	return strings.Join(words, ", ")
}
