package blockstorage

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/volume"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// volumeSnapshot is what a volume held at one moment.
type volumeSnapshot struct{}

var (
	_ lifecycle.Handler[volumeSnapshotModel] = volumeSnapshot{}
	_ lifecycle.Updater[volumeSnapshotModel] = volumeSnapshot{}
	_ lifecycle.Waiter[volumeSnapshotModel]  = volumeSnapshot{}
	_ lifecycle.Timed                        = volumeSnapshot{}
	_ lifecycle.Lister                       = volumeSnapshot{}
)

type volumeSnapshotModel struct {
	lifecycle.Object

	Name        types.String `tfsdk:"name"`
	Description types.String `tfsdk:"description"`
	VolumeID    types.String `tfsdk:"volume_id"`
	Force       types.Bool   `tfsdk:"force"`
	Metadata    types.Map    `tfsdk:"metadata"`
	Size        types.Int64  `tfsdk:"size"`
	CreatedAt   types.String `tfsdk:"created_at"`
}

func (volumeSnapshot) Name() string { return "volume_snapshot" }

func (volumeSnapshot) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A snapshot of a volume: what it held when the snapshot was made. New volumes can be made of it.",
		Attributes: map[string]schema.Attribute{
			"name":        attribute.Name("Name of the snapshot."),
			"description": attribute.Description(),
			"volume_id":   attribute.Reference("Id of the volume. Changing it makes a new snapshot."),
			"force": attribute.Flag("Whether the snapshot is made also while a server uses the volume: "+
				"it then holds what had reached the disk, as after a power failure. It only matters when the snapshot is made.", false),
			"metadata": metadataAttribute("Metadata of the snapshot, all of it."),
			"size": schema.Int64Attribute{
				MarkdownDescription: "Size of the volume in GiB when the snapshot was made.",
				Computed:            true,
				PlanModifiers:       []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
			},
			"created_at": attribute.Computed("When the snapshot was made."),
		},
	}
}

// Timeouts are longer than usual: some backends copy the whole volume.
func (volumeSnapshot) Timeouts() lifecycle.Timeouts {
	return lifecycle.Timeouts{Create: 30 * time.Minute}
}

// snapshotBlames are the words with which Cinder refuses a value.
var snapshotBlames = map[string]*regexp.Regexp{"volume_id": regexp.MustCompile(`(?i)volume`)}

func (volumeSnapshot) Create(ctx context.Context, cloud *openstack.Cloud, m *volumeSnapshotModel) error {
	client, err := cloud.BlockStorage()
	if err != nil {
		return err
	}
	opts := snapshots.CreateOpts{
		VolumeID: m.VolumeID.ValueString(), Force: m.Force.ValueBool(),
		Name: m.Name.ValueString(), Description: m.Description.ValueString(), Metadata: value.StringMap(m.Metadata),
	}
	var made *snapshots.Snapshot
	err = engine.InTurn(ctx, cloud, opts.VolumeID, func(ctx context.Context) (err error) {
		begin := time.Now()
		made, err = snapshots.Create(ctx, client, opts).Extract()
		if openstack.Lost(err) {
			made, err = findLostSnapshot(ctx, client, opts, begin, err)
		}
		return err
	})
	if fault, ok := openstack.FaultOf(err); ok && inUseState.MatchString(fault.Message) {
		return lifecycle.At(path.Root("force"), fmt.Errorf("a server uses the volume; force = true makes the snapshot nevertheless: %w", err))
	}
	if err != nil {
		return blame(fmt.Errorf("create snapshot %q: %w", opts.Name, err), snapshotBlames)
	}
	m.ID = types.StringValue(made.ID)
	return nil
}

// inUseState is how Cinder refuses a snapshot of an attached volume.
var inUseState = regexp.MustCompile(`current status is: in-use`)

// findLostSnapshot returns the snapshot that a request made of which the answer was lost.
func findLostSnapshot(ctx context.Context, client *gophercloud.ServiceClient, opts snapshots.CreateOpts, begin time.Time, lost error) (*snapshots.Snapshot, error) {
	id, err := openstack.FindLost(ctx, lost, begin, func(ctx context.Context) ([]openstack.Candidate, error) {
		all, err := snapshotsOf(ctx, client, opts.VolumeID)
		var candidates []openstack.Candidate
		for _, s := range all {
			if s.Name == opts.Name {
				candidates = append(candidates, openstack.Candidate{ID: s.ID, Created: s.CreatedAt})
			}
		}
		return candidates, err
	})
	return &snapshots.Snapshot{ID: id}, err
}

// snapshotReads answers many reads with one list.
var snapshotReads = openstack.Collection[snapshots.Snapshot]{
	Name:    "snapshots",
	Service: (*openstack.Cloud).BlockStorage,
	ID:      func(s snapshots.Snapshot) string { return s.ID },
	Get: func(ctx context.Context, client *gophercloud.ServiceClient, id string) (snapshots.Snapshot, error) {
		found, err := snapshots.Get(ctx, client, id).Extract()
		if err != nil {
			return snapshots.Snapshot{}, fmt.Errorf("read snapshot %s: %w", id, err)
		}
		return *found, nil
	},
	List: func(ctx context.Context, client *gophercloud.ServiceClient, _ []string) ([]snapshots.Snapshot, error) {
		return listSnapshots(ctx, client, snapshots.ListOpts{})
	},
}

func listSnapshots(ctx context.Context, client *gophercloud.ServiceClient, opts snapshots.ListOpts) ([]snapshots.Snapshot, error) {
	pages, err := snapshots.ListDetail(client, opts).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	return snapshots.ExtractSnapshots(pages)
}

// snapshotsOf are the snapshots of a volume.
func snapshotsOf(ctx context.Context, client *gophercloud.ServiceClient, volume string) ([]snapshots.Snapshot, error) {
	return listSnapshots(ctx, client, snapshots.ListOpts{VolumeID: volume})
}

func snapshotWaiting(cloud *openstack.Cloud, id string) openstack.Waiting[snapshots.Snapshot] {
	return openstack.Waiting[snapshots.Snapshot]{
		What: "snapshot " + id,
		Fetch: func(ctx context.Context) (snapshots.Snapshot, error) {
			return openstack.Get(ctx, cloud, snapshotReads, id)
		},
		State:   func(s snapshots.Snapshot) string { return s.Status },
		Target:  []string{engine.Available},
		Failure: engine.Failures(),
	}
}

// Wait returns when volumes can be made of the snapshot.
func (volumeSnapshot) Wait(ctx context.Context, cloud *openstack.Cloud, m *volumeSnapshotModel) error {
	id := m.ID.ValueString()
	waiting := snapshotWaiting(cloud, id)
	waiting.Fault = func(snapshots.Snapshot) string { return engine.Message(ctx, cloud, id) }
	_, err := openstack.Wait(ctx, waiting)
	return err
}

func (volumeSnapshot) Read(ctx context.Context, cloud *openstack.Cloud, m *volumeSnapshotModel) error {
	found, err := openstack.Get(ctx, cloud, snapshotReads, m.ID.ValueString())
	if err != nil {
		return err
	}
	m.flatten(found)
	return nil
}

func (volumeSnapshot) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *volumeSnapshotModel) error {
	client, err := cloud.BlockStorage()
	if err != nil {
		return err
	}
	id := plan.ID.ValueString()
	if !plan.Name.Equal(prior.Name) || !plan.Description.Equal(prior.Description) {
		opts := snapshots.UpdateOpts{Name: value.Ptr(plan.Name), Description: value.Ptr(plan.Description)}
		if err := snapshots.Update(ctx, client, id, opts).Err; err != nil {
			return fmt.Errorf("change name and description of snapshot %s: %w", id, err)
		}
	}
	if !plan.Metadata.Equal(prior.Metadata) {
		return setMetadata(ctx, client, "snapshots", id, plan.Metadata)
	}
	return nil
}

func (volumeSnapshot) Delete(ctx context.Context, cloud *openstack.Cloud, m *volumeSnapshotModel) error {
	client, err := cloud.BlockStorage()
	if err != nil {
		return err
	}
	id := m.ID.ValueString()
	if err := snapshots.Delete(ctx, client, id).ExtractErr(); err != nil {
		return fmt.Errorf("delete snapshot %q: %w", m.Name.ValueString(), err)
	}
	waiting := snapshotWaiting(cloud, id)
	waiting.Target, waiting.Failure = nil, []string{"error_deleting"}
	waiting.Fault = func(snapshots.Snapshot) string { return engine.Message(ctx, cloud, id) }
	return openstack.WaitGone(ctx, waiting)
}

// List finds the snapshots of the project.
func (volumeSnapshot) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return lifecycle.ListOf(ctx, cloud, snapshotReads, func(s snapshots.Snapshot) lifecycle.Listed {
		return lifecycle.Listed{ID: s.ID, Name: s.Name}
	})
}

func (m *volumeSnapshotModel) flatten(s snapshots.Snapshot) {
	m.Name = types.StringValue(s.Name)
	m.Description = types.StringValue(s.Description)
	m.VolumeID = types.StringValue(s.VolumeID)
	m.Metadata = value.Map(s.Metadata)
	m.Size = value.Int(s.Size)
	m.CreatedAt = types.StringValue(s.CreatedAt.Format(time.RFC3339))
	if m.Force.IsNull() {
		m.Force = types.BoolValue(false) // Cinder does not tell
	}
}
