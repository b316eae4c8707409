package blockstorage

import (
	"cmp"
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/volume"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// volumeSource looks up a volume.
type volumeSource struct{}

var (
	_ lifecycle.Source[volumeSourceModel]    = volumeSource{}
	_ lifecycle.Validator[volumeSourceModel] = volumeSource{}
)

type volumeSourceModel struct {
	lifecycle.SourceObject

	Name             types.String `tfsdk:"name"`
	Metadata         types.Map    `tfsdk:"metadata"`
	Description      types.String `tfsdk:"description"`
	Status           types.String `tfsdk:"status"`
	Size             types.Int64  `tfsdk:"size"`
	VolumeType       types.String `tfsdk:"volume_type"`
	ImageID          types.String `tfsdk:"image_id"`
	SnapshotID       types.String `tfsdk:"snapshot_id"`
	SourceVolumeID   types.String `tfsdk:"source_volume_id"`
	AvailabilityZone types.String `tfsdk:"availability_zone"`
	Bootable         types.Bool   `tfsdk:"bootable"`
	Encrypted        types.Bool   `tfsdk:"encrypted"`
	Multiattach      types.Bool   `tfsdk:"multiattach"`
	Attachments      types.List   `tfsdk:"attachments"`
}

func (volumeSource) Name() string { return "volume" }

func (volumeSource) Schema() schema.Schema {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	flag := func(description string) schema.BoolAttribute {
		return schema.BoolAttribute{MarkdownDescription: description, Computed: true}
	}
	return schema.Schema{
		MarkdownDescription: "A volume, by `id`, or by `name` and `metadata`.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{MarkdownDescription: "Name of the volume.", Optional: true, Computed: true},
			"metadata": schema.MapAttribute{
				MarkdownDescription: "Metadata: what the volume must have at least, and all of it as found.", ElementType: types.StringType, Optional: true, Computed: true,
			},
			"description":       text("Free text for people."),
			"status":            text("Status, such as `available` or `in-use`."),
			"size":              schema.Int64Attribute{MarkdownDescription: "Size in GiB.", Computed: true},
			"volume_type":       text("Name of the volume type."),
			"image_id":          text("Id of the image that it was made from."),
			"snapshot_id":       text("Id of the snapshot that it was made from."),
			"source_volume_id":  text("Id of the volume that it was made from."),
			"availability_zone": text("Availability zone."),
			"bootable":          flag("Whether servers can boot from it."),
			"encrypted":         flag("Whether its type encrypts it."),
			"multiattach":       flag("Whether several servers can use it at the same time."),
			"attachments": schema.ListNestedAttribute{
				MarkdownDescription: "The servers that use it.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id": text("Id of the attachment."), "server_id": text("Id of the server."), "device": text("Device that the cloud means it to be."),
				}},
			},
		},
	}
}

func (volumeSource) Validate(_ context.Context, config *volumeSourceModel) error {
	return oneWay("volume", !config.ID.IsNull(), !config.Name.IsNull() || !config.Metadata.IsNull(), "name or metadata")
}

// oneWay is an error unless an object is looked up either by its id or by the others.
func oneWay(noun string, byID, byOthers bool, others string) error {
	switch {
	case byID && byOthers:
		return lifecycle.Invalid(path.Root("id"), "look a %s up by id, or by %s, not by both", noun, others)
	case !byID && !byOthers:
		return lifecycle.Invalid(path.Root("id"), "say which %s: by id, or by %s", noun, others)
	}
	return nil
}

func (volumeSource) Read(ctx context.Context, cloud *openstack.Cloud, m *volumeSourceModel) error {
	if value.Known(m.ID) {
		found, err := engine.Get(ctx, cloud, m.ID.ValueString())
		if err != nil {
			return lifecycle.At(path.Root("id"), err)
		}
		m.flatten(found)
		return nil
	}
	all, err := openstack.All(ctx, cloud, engine.Reads)
	if err != nil {
		return err
	}
	var candidates []volumes.Volume
	for _, v := range all {
		if (!value.Known(m.Name) || v.Name == m.Name.ValueString()) && contains(v.Metadata, value.StringMap(m.Metadata)) {
			candidates = append(candidates, v)
		}
	}
	found, err := lookup.Only("volume", candidates, all, func(v volumes.Volume) string {
		return fmt.Sprintf("%s (%s, %d GiB)", cmp.Or(v.Name, "without a name"), v.ID, v.Size)
	})
	if err != nil {
		return err
	}
	m.flatten(found)
	return nil
}

// contains says whether all has every pair of wanted.
func contains(all, wanted map[string]string) bool {
	for key, text := range wanted {
		if found, ok := all[key]; !ok || found != text {
			return false
		}
	}
	return true
}

func (m *volumeSourceModel) flatten(v volumes.Volume) {
	m.ID = types.StringValue(v.ID)
	m.Name = types.StringValue(v.Name)
	m.Metadata = value.Map(v.Metadata)
	m.Description = types.StringValue(v.Description)
	m.Status = types.StringValue(v.Status)
	m.Size = value.Int(v.Size)
	m.VolumeType = value.StringOrNull(v.VolumeType)
	m.ImageID = value.StringOrNull(v.VolumeImageMetadata["image_id"])
	m.SnapshotID = value.StringOrNull(v.SnapshotID)
	m.SourceVolumeID = value.StringOrNull(v.SourceVolID)
	m.AvailabilityZone = value.StringOrNull(v.AvailabilityZone)
	m.Bootable = types.BoolValue(v.Bootable == "true")
	m.Encrypted = types.BoolValue(v.Encrypted)
	m.Multiattach = types.BoolValue(v.Multiattach)
	m.Attachments = attachmentList(v.Attachments)
}
