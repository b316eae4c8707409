package compute

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// availabilityZones lists the places that servers and volumes can be in.
type availabilityZones struct{}

var _ lifecycle.Source[availabilityZonesModel] = availabilityZones{}

type availabilityZonesModel struct {
	lifecycle.SourceObject

	Names       types.List `tfsdk:"names"`
	VolumeNames types.List `tfsdk:"volume_names"`
}

func (availabilityZones) Name() string { return "availability_zones" }

func (availabilityZones) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "The availability zones of a region that take something now.",
		Attributes: map[string]schema.Attribute{
			"names":        schema.ListAttribute{MarkdownDescription: "Names of those for servers, sorted.", ElementType: types.StringType, Computed: true},
			"volume_names": schema.ListAttribute{MarkdownDescription: "Names of those for volumes, sorted; empty when the cloud has no volumes.", ElementType: types.StringType, Computed: true},
		},
	}
}

func (availabilityZones) Read(ctx context.Context, cloud *openstack.Cloud, m *availabilityZonesModel) error {
	servers, err := lookup.ServerZones(ctx, cloud)
	if err != nil {
		return err
	}
	m.ID = types.StringValue(cloud.Region())
	m.Names, m.VolumeNames = value.List(servers), value.List(nil)
	if _, err := cloud.BlockStorage(); err != nil {
		return nil //nolint:nilerr // a cloud without the service
	}
	volumes, err := lookup.VolumeZones(ctx, cloud)
	m.VolumeNames = value.List(volumes)
	return err
}
