// Package loadbalancer has the resources of Octavia.
package loadbalancer

import (
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
)

// Resources are the resource types of this service.
func Resources() []func() resource.Resource {
	return []func() resource.Resource{
		lifecycle.Resource(loadBalancer{}),
	}
}

// Actions are the action types of this service.
func Actions() []func() action.Action {
	return []func() action.Action{
		lifecycle.Action(failover{}),
	}
}

// DataSources are the data source types of this service.
func DataSources() []func() datasource.DataSource {
	return []func() datasource.DataSource{
		lifecycle.DataSource(loadBalancerSource{}),
		lifecycle.DataSource(flavorSource{}),
		lifecycle.DataSource(zonesSource{}),
	}
}
