// Package network has the resources and data sources of Neutron.
package network

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
)

// Resources are the resource types of this service.
func Resources() []func() resource.Resource {
	return []func() resource.Resource{
		lifecycle.Resource(network{}),
		lifecycle.Resource(subnet{}),
		lifecycle.Resource(subnetPool{}),
		lifecycle.Resource(addressScope{}),
		lifecycle.Resource(addressGroup{}),
		lifecycle.Resource(router{}),
		lifecycle.Resource(port{}),
		lifecycle.Resource(floatingIP{}),
		lifecycle.Resource(securityGroup{}),
		lifecycle.Resource(securityPolicy{}),
	}
}

// DataSources are the data source types of this service.
func DataSources() []func() datasource.DataSource {
	return []func() datasource.DataSource{
		lifecycle.DataSource(networkSource{}),
		lifecycle.DataSource(subnetSource{}),
		lifecycle.DataSource(subnetPoolSource{}),
		lifecycle.DataSource(routerSource{}),
		lifecycle.DataSource(portSource{}),
		lifecycle.DataSource(floatingIPSource{}),
		lifecycle.DataSource(addressGroupSource{}),
		lifecycle.DataSource(securityGroupSource{}),
	}
}
