// Package objectstorage has the resources and data sources of Swift.
package objectstorage

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
)

// Resources are the resource types of this service.
func Resources() []func() resource.Resource {
	return []func() resource.Resource{
		lifecycle.Resource(object{}),
		lifecycle.Resource(objectContainer{}),
	}
}

// DataSources are the data source types of this service.
func DataSources() []func() datasource.DataSource {
	return []func() datasource.DataSource{
		lifecycle.DataSource(containerSource{}),
	}
}

// EphemeralResources are the ephemeral resource types of this service.
func EphemeralResources() []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{
		lifecycle.EphemeralResource(tempURL{}),
	}
}
