// Package compute has the resources and data sources of Nova, and the images that servers start from.
package compute

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
)

// Resources are the resource types of this service.
func Resources() []func() resource.Resource {
	return []func() resource.Resource{
		lifecycle.Resource(keypair{}),
		lifecycle.Resource(server{}),
		lifecycle.Resource(serverGroup{}),
	}
}

// DataSources are the data source types of this service.
func DataSources() []func() datasource.DataSource {
	return []func() datasource.DataSource{
		lifecycle.DataSource(flavor{}),
		lifecycle.DataSource(image{}),
	}
}
