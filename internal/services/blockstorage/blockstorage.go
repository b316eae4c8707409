// Package blockstorage has the resources and data sources of Cinder.
package blockstorage

import (
	"context"
	"regexp"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// Resources are the resource types of this service.
func Resources() []func() resource.Resource {
	return []func() resource.Resource{
		lifecycle.Resource(volume{}),
		lifecycle.Resource(volumeSnapshot{}),
	}
}

// DataSources are the data source types of this service.
func DataSources() []func() datasource.DataSource {
	return []func() datasource.DataSource{
		lifecycle.DataSource(volumeSource{}),
		lifecycle.DataSource(volumeSnapshotSource{}),
		lifecycle.DataSource(volumeType{}),
	}
}

// metadataAttribute is the metadata of a volume or snapshot.
func metadataAttribute(description string) schema.MapAttribute {
	return schema.MapAttribute{
		MarkdownDescription: description,
		ElementType:         types.StringType,
		Optional:            true,
		Computed:            true,
		Default:             mapdefault.StaticValue(value.Map(nil)),
		Validators: []validator.Map{
			mapvalidator.SizeAtMost(128),
			mapvalidator.KeysAre(stringvalidator.LengthBetween(1, 255)),
			mapvalidator.ValueStringsAre(stringvalidator.LengthAtMost(255)),
		},
	}
}

// setMetadata gives an object of the collection exactly this metadata: an update of the object itself cannot empty it.
func setMetadata(ctx context.Context, client *gophercloud.ServiceClient, collection, id string, metadata types.Map) error {
	body := map[string]any{"metadata": value.StringMap(metadata)}
	_, err := client.Put(ctx, client.ServiceURL(collection, id, "metadata"), body, nil, &gophercloud.RequestOpts{OkCodes: []int{200}})
	return lifecycle.At(path.Root("metadata"), err)
}

// blame finds the attribute that Cinder's words are about.
func blame(err error, attributes map[string]*regexp.Regexp) error {
	fault, ok := openstack.FaultOf(err)
	if !ok || fault.OverQuota() {
		return err
	}
	for attribute, words := range attributes {
		if words.MatchString(fault.Message) {
			return lifecycle.At(path.Root(attribute), err)
		}
	}
	return err
}
