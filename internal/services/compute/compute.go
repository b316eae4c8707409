// Package compute has the resources and data sources of Nova, and the images that servers start from.
package compute

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/pagination"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// Resources are the resource types of this service.
func Resources() []func() resource.Resource {
	return []func() resource.Resource{
		lifecycle.Resource(keypair{}),
		lifecycle.Resource(server{}),
		lifecycle.Resource(serverGroup{}),
	}
}

// Actions are the action types of this service.
func Actions() []func() action.Action {
	return []func() action.Action{
		lifecycle.Action(serverReboot{}),
	}
}

// DataSources are the data source types of this service.
func DataSources() []func() datasource.DataSource {
	return []func() datasource.DataSource{
		lifecycle.DataSource(availabilityZones{}),
		lifecycle.DataSource(flavor{}),
		lifecycle.DataSource(image{}),
		lifecycle.DataSource(keypairSource{}),
		lifecycle.DataSource(quotas{}),
		lifecycle.DataSource(serverSource{}),
	}
}

// collection is how the objects of one of Nova's collections are read: it has no filter by id, so many are read by a
// list of all.
func collection[T any](
	name string,
	id func(T) string,
	get func(context.Context, *gophercloud.ServiceClient, string) (*T, error),
	list func(*gophercloud.ServiceClient) pagination.Pager,
	extract func(pagination.Page) ([]T, error),
) openstack.Collection[T] {
	return openstack.Collection[T]{
		Name:    name,
		Service: (*openstack.Cloud).Compute,
		ID:      id,
		Get: func(ctx context.Context, client *gophercloud.ServiceClient, id string) (T, error) {
			found, err := get(ctx, client, id)
			if err != nil {
				var none T
				return none, err
			}
			return *found, nil
		},
		List: func(ctx context.Context, client *gophercloud.ServiceClient, _ []string) ([]T, error) {
			pages, err := list(client).AllPages(ctx)
			if err != nil {
				return nil, err
			}
			return extract(pages)
		},
	}
}
