package blockstorage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumetypes"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// volumeType looks up a kind of volumes, or the one that new volumes get when nobody chooses.
type volumeType struct{}

var (
	_ lifecycle.Source[volumeTypeModel]    = volumeType{}
	_ lifecycle.Validator[volumeTypeModel] = volumeType{}
)

type volumeTypeModel struct {
	lifecycle.SourceObject

	Name        types.String `tfsdk:"name"`
	Names       types.List   `tfsdk:"names"`
	Description types.String `tfsdk:"description"`
	Public      types.Bool   `tfsdk:"is_public"`
	Multiattach types.Bool   `tfsdk:"multiattach"`
	ExtraSpecs  types.Map    `tfsdk:"extra_specs"`
}

func (volumeType) Name() string { return "volume_type" }

func (volumeType) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A volume type: by `name` or `id`, or the cloud's default when neither is set.",
		Attributes: map[string]schema.Attribute{
			"name":        schema.StringAttribute{MarkdownDescription: "Name of the volume type.", Optional: true, Computed: true},
			"names":       schema.ListAttribute{MarkdownDescription: "Names of all volume types that the project may use, sorted.", ElementType: types.StringType, Computed: true},
			"description": schema.StringAttribute{MarkdownDescription: "What the cloud says about it.", Computed: true},
			"is_public":   schema.BoolAttribute{MarkdownDescription: "Whether all projects may use it.", Computed: true},
			"multiattach": schema.BoolAttribute{MarkdownDescription: "Whether several servers can use a volume of this type at the same time.", Computed: true},
			"extra_specs": schema.MapAttribute{MarkdownDescription: "Further properties, as far as the cloud shows them.", ElementType: types.StringType, Computed: true},
		},
	}
}

func (volumeType) Validate(_ context.Context, config *volumeTypeModel) error {
	if !config.Name.IsNull() && !config.ID.IsNull() {
		return lifecycle.Invalid(path.Root("name"), "look a volume type up by name or by id, not by both")
	}
	return nil
}

func (volumeType) Read(ctx context.Context, cloud *openstack.Cloud, m *volumeTypeModel) error {
	all, err := lookup.VolumeTypes(ctx, cloud)
	if err != nil {
		return err
	}
	if !value.Known(m.Name) && !value.Known(m.ID) {
		client, err := cloud.BlockStorage()
		if err != nil {
			return err
		}
		found, err := volumetypes.Get(ctx, client, "default").Extract()
		if err != nil {
			return fmt.Errorf("look for the default volume type: %w", err)
		}
		m.ID = types.StringValue(found.ID)
	}
	var candidates []volumetypes.VolumeType
	for _, t := range all {
		if (!value.Known(m.ID) || t.ID == m.ID.ValueString()) && (!value.Known(m.Name) || t.Name == m.Name.ValueString()) {
			candidates = append(candidates, t)
		}
	}
	found, err := lookup.Only("volume type", candidates, all, lookup.DescribeVolumeType)
	if err != nil {
		return err
	}
	m.flatten(found, all)
	return nil
}

func (m *volumeTypeModel) flatten(t volumetypes.VolumeType, all []volumetypes.VolumeType) {
	var names []string
	for _, other := range all {
		names = append(names, other.Name)
	}
	m.ID = types.StringValue(t.ID)
	m.Name = types.StringValue(t.Name)
	m.Names = value.List(slices.Sorted(slices.Values(names)))
	m.Description = types.StringValue(t.Description)
	m.Public = types.BoolValue(t.IsPublic)
	m.Multiattach = types.BoolValue(strings.EqualFold(strings.TrimSpace(strings.TrimPrefix(t.ExtraSpecs["multiattach"], "<is>")), "true"))
	m.ExtraSpecs = value.Map(t.ExtraSpecs)
}
