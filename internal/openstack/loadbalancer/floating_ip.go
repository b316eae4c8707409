package loadbalancer

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
)

// floatingIPReads answers many reads with one list.
var floatingIPReads = openstack.Collection[floatingips.FloatingIP]{
	Name:    "floating IPs of load balancers",
	Service: (*openstack.Cloud).Network,
	ID:      func(f floatingips.FloatingIP) string { return f.ID },
	Get: func(ctx context.Context, client *gophercloud.ServiceClient, id string) (floatingips.FloatingIP, error) {
		found, err := floatingips.Get(ctx, client, id).Extract()
		if err != nil {
			return floatingips.FloatingIP{}, err
		}
		return *found, nil
	},
	List: func(ctx context.Context, client *gophercloud.ServiceClient, _ []string) ([]floatingips.FloatingIP, error) {
		pages, err := floatingips.List(client, floatingips.ListOpts{}).AllPages(ctx)
		if err != nil {
			return nil, err
		}
		return floatingips.ExtractFloatingIPs(pages)
	},
}

// FloatingIP reads a floating IP.
func FloatingIP(ctx context.Context, cloud *openstack.Cloud, id string) (floatingips.FloatingIP, error) {
	found, err := openstack.Get(ctx, cloud, floatingIPReads, id)
	if err != nil {
		return found, fmt.Errorf("read floating IP %s: %w", id, err)
	}
	return found, nil
}

// Expose gives a VIP's port a floating IP of the external network, which is given by name or id. One
// that the port has already, of that network, is taken when its id is own or it has that description.
func Expose(ctx context.Context, cloud *openstack.Cloud, portID, externalNetwork, description, own string) (*floatingips.FloatingIP, error) {
	client, err := cloud.Network()
	if err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	network, err := lookup.ExternalNetwork(ctx, cloud, externalNetwork)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	existing, err := ExposedBy(ctx, cloud, portID)
	if err != nil {
		return nil, err
	}
	if existing != nil && existing.FloatingNetworkID == network.ID && (existing.ID == own || existing.Description == description) {
		return existing, nil
	}
	var made *floatingips.FloatingIP
	err = openstack.WhenRouted(ctx, func(ctx context.Context) error {
		made, err = floatingips.Create(ctx, client, floatingips.CreateOpts{
			FloatingNetworkID: network.ID, PortID: portID, Description: description,
		}).Extract()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create a floating IP in %s for the VIP: %w", externalNetwork, err)
	}
	return made, nil
}

// ExposedBy returns the floating IP of a port, or nil when it has none.
func ExposedBy(ctx context.Context, cloud *openstack.Cloud, portID string) (*floatingips.FloatingIP, error) {
	client, err := cloud.Network()
	if err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	pages, err := floatingips.List(client, floatingips.ListOpts{PortID: portID}).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the floating IP of port %s: %w", portID, err)
	}
	found, err := floatingips.ExtractFloatingIPs(pages)
	if err != nil {
		return nil, fmt.Errorf("find the floating IP of port %s: %w", portID, err)
	}
	if len(found) == 0 {
		return nil, nil //nolint:nilnil // none is an answer
	}
	return &found[0], nil
}

// Associate points a floating IP at a port; at none when that is "". That one without a port is gone
// already is no error.
func Associate(ctx context.Context, cloud *openstack.Cloud, id, portID string) (*floatingips.FloatingIP, error) {
	client, err := cloud.Network()
	if err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	opts := floatingips.UpdateOpts{PortID: new("")}
	if portID != "" {
		opts.PortID = &portID
	}
	var changed *floatingips.FloatingIP
	err = openstack.WhenRouted(ctx, func(ctx context.Context) error {
		changed, err = floatingips.Update(ctx, client, id, opts).Extract()
		return err
	})
	if portID == "" && openstack.NotFound(err) {
		return nil, nil //nolint:nilnil // there is none any more
	}
	if err != nil {
		return nil, fmt.Errorf("associate floating IP %s: %w", id, err)
	}
	return changed, nil
}

// Release deletes a floating IP. That it is gone already is no error.
func Release(ctx context.Context, cloud *openstack.Cloud, id string) error {
	client, err := cloud.Network()
	if err != nil {
		return err //nolint:wrapcheck // it says all
	}
	if err := floatingips.Delete(ctx, client, id).ExtractErr(); err != nil && !openstack.NotFound(err) {
		return fmt.Errorf("delete floating IP %s: %w", id, err)
	}
	return nil
}
