package lookup

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/apiversions"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/providers"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// LoadBalancerFlavors lists Octavia's flavors, those that are disabled included.
func LoadBalancerFlavors(ctx context.Context, cloud *openstack.Cloud) ([]flavors.Flavor, error) {
	return all(ctx, cloud, "load balancer flavors", (*openstack.Cloud).LoadBalancer, func(client *gophercloud.ServiceClient) pagination.Pager {
		return flavors.List(client, nil)
	}, flavors.ExtractFlavors)
}

// LoadBalancerFlavor finds an enabled flavor of Octavia by its id, or else by its name.
func LoadBalancerFlavor(ctx context.Context, cloud *openstack.Cloud, nameOrID string) (flavors.Flavor, error) {
	all, err := LoadBalancerFlavors(ctx, cloud)
	if err != nil {
		return flavors.Flavor{}, err
	}
	found, err := pick("load balancer flavor", nameOrID, all, func(f flavors.Flavor) (string, string) { return f.ID, f.Name }, DescribeLoadBalancerFlavor)
	if err == nil && !found.Enabled {
		err = fmt.Errorf("the load balancer flavor %s is disabled", found.Name)
	}
	return found, err
}

// DescribeLoadBalancerFlavor tells Octavia's flavors apart in messages.
func DescribeLoadBalancerFlavor(f flavors.Flavor) string {
	return fmt.Sprintf("%s (%s)", f.Name, f.ID)
}

// LoadBalancerProviders lists Octavia's drivers.
func LoadBalancerProviders(ctx context.Context, cloud *openstack.Cloud) ([]providers.Provider, error) {
	return all(ctx, cloud, "load balancer providers", (*openstack.Cloud).LoadBalancer, func(client *gophercloud.ServiceClient) pagination.Pager {
		return providers.List(client, nil)
	}, providers.ExtractProviders)
}

// LoadBalancerAvailabilityZone is one of Octavia's zones, which are not Nova's.
type LoadBalancerAvailabilityZone struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Enabled     bool   `json:"enabled"`
}

// zonePage is a page of zones, which the client library does not know.
type zonePage struct{ pagination.LinkedPageBase }

// NextPageURL is the address of the page after this one.
func (p zonePage) NextPageURL() (string, error) {
	var page struct {
		Links []gophercloud.Link `json:"availability_zones_links"`
	}
	if err := p.ExtractInto(&page); err != nil {
		return "", fmt.Errorf("read the pages of availability zones: %w", err)
	}
	return gophercloud.ExtractNextURL(page.Links)
}

// IsEmpty tells whether there is nothing on the page.
func (p zonePage) IsEmpty() (bool, error) {
	zones, err := extractZones(p)
	return len(zones) == 0, err
}

func extractZones(p pagination.Page) ([]LoadBalancerAvailabilityZone, error) {
	page, ok := p.(zonePage)
	if !ok {
		return nil, fmt.Errorf("this is a defect of the provider: a %T is no page of availability zones", p)
	}
	var body struct {
		Zones []LoadBalancerAvailabilityZone `json:"availability_zones"`
	}
	err := page.ExtractInto(&body)
	return body.Zones, err
}

// LoadBalancerAvailabilityZones lists Octavia's zones, those that are disabled included.
func LoadBalancerAvailabilityZones(ctx context.Context, cloud *openstack.Cloud) ([]LoadBalancerAvailabilityZone, error) {
	return all(ctx, cloud, "load balancer availability zones", (*openstack.Cloud).LoadBalancer, func(client *gophercloud.ServiceClient) pagination.Pager {
		return pagination.NewPager(client, client.ServiceURL("lbaas", "availabilityzones"), func(r pagination.PageResult) pagination.Page {
			return zonePage{pagination.LinkedPageBase{PageResult: r}}
		})
	}, extractZones)
}

// LoadBalancerVersion is the newest minor version of Octavia's API v2.
func LoadBalancerVersion(ctx context.Context, cloud *openstack.Cloud) (minor int, err error) {
	versions, err := all(ctx, cloud, "load balancer API versions", (*openstack.Cloud).LoadBalancer, apiversions.List, apiversions.ExtractAPIVersions)
	for _, v := range versions {
		if number, isTwo := strings.CutPrefix(v.ID, "v2."); isTwo {
			if n, err := strconv.Atoi(number); err == nil {
				minor = max(minor, n)
			}
		}
	}
	return minor, err
}
