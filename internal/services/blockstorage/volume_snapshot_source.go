package blockstorage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// volumeSnapshotSource looks up a snapshot, which may be the newest one of a volume.
type volumeSnapshotSource struct{}

var (
	_ lifecycle.Source[volumeSnapshotSourceModel]    = volumeSnapshotSource{}
	_ lifecycle.Validator[volumeSnapshotSourceModel] = volumeSnapshotSource{}
)

type volumeSnapshotSourceModel struct {
	lifecycle.SourceObject

	Name        types.String `tfsdk:"name"`
	VolumeID    types.String `tfsdk:"volume_id"`
	MostRecent  types.Bool   `tfsdk:"most_recent"`
	Description types.String `tfsdk:"description"`
	Status      types.String `tfsdk:"status"`
	Size        types.Int64  `tfsdk:"size"`
	Metadata    types.Map    `tfsdk:"metadata"`
	CreatedAt   types.String `tfsdk:"created_at"`
}

func (volumeSnapshotSource) Name() string { return "volume_snapshot" }

func (volumeSnapshotSource) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A snapshot of a volume: by `id`, or by `name` and `volume_id`.",
		Attributes: map[string]schema.Attribute{
			"name":        schema.StringAttribute{MarkdownDescription: "Name of the snapshot.", Optional: true, Computed: true},
			"volume_id":   schema.StringAttribute{MarkdownDescription: "Id of the volume.", Optional: true, Computed: true},
			"most_recent": schema.BoolAttribute{MarkdownDescription: "Whether to take the newest when several match.", Optional: true},
			"description": schema.StringAttribute{MarkdownDescription: "Free text for people.", Computed: true},
			"status":      schema.StringAttribute{MarkdownDescription: "Status, such as `available`.", Computed: true},
			"size":        schema.Int64Attribute{MarkdownDescription: "Size in GiB.", Computed: true},
			"metadata":    schema.MapAttribute{MarkdownDescription: "Metadata.", ElementType: types.StringType, Computed: true},
			"created_at":  schema.StringAttribute{MarkdownDescription: "When it was made.", Computed: true},
		},
	}
}

func (volumeSnapshotSource) Validate(_ context.Context, config *volumeSnapshotSourceModel) error {
	return oneWay("snapshot", !config.ID.IsNull(), !config.Name.IsNull() || !config.VolumeID.IsNull(), "name or volume_id")
}

func (volumeSnapshotSource) Read(ctx context.Context, cloud *openstack.Cloud, m *volumeSnapshotSourceModel) error {
	if value.Known(m.ID) {
		found, err := openstack.Get(ctx, cloud, snapshotReads, m.ID.ValueString())
		if err != nil {
			return lifecycle.At(path.Root("id"), err)
		}
		m.flatten(found)
		return nil
	}
	all, err := openstack.All(ctx, cloud, snapshotReads)
	if err != nil {
		return err
	}
	var candidates []snapshots.Snapshot
	for _, s := range all {
		if (!value.Known(m.Name) || s.Name == m.Name.ValueString()) && (!value.Known(m.VolumeID) || s.VolumeID == m.VolumeID.ValueString()) {
			candidates = append(candidates, s)
		}
	}
	if m.MostRecent.ValueBool() && len(candidates) > 1 {
		candidates = []snapshots.Snapshot{slices.MaxFunc(candidates, func(a, b snapshots.Snapshot) int { return a.CreatedAt.Compare(b.CreatedAt) })}
	}
	found, err := lookup.Only("snapshot", candidates, all, func(s snapshots.Snapshot) string {
		return fmt.Sprintf("%s (%s, %s)", cmp.Or(s.Name, "without a name"), s.ID, s.CreatedAt.Format(time.DateTime))
	})
	if err != nil {
		return err
	}
	m.flatten(found)
	return nil
}

func (m *volumeSnapshotSourceModel) flatten(s snapshots.Snapshot) {
	m.ID = types.StringValue(s.ID)
	m.Name = types.StringValue(s.Name)
	m.VolumeID = types.StringValue(s.VolumeID)
	m.Description = types.StringValue(s.Description)
	m.Status = types.StringValue(s.Status)
	m.Size = value.Int(s.Size)
	m.Metadata = value.Map(s.Metadata)
	m.CreatedAt = types.StringValue(s.CreatedAt.Format(time.RFC3339))
}
