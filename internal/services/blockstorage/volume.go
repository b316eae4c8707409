package blockstorage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/volume"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// volume is a disk that servers can use, one after the other.
type volume struct{}

var (
	_ lifecycle.Handler[volumeModel]    = volume{}
	_ lifecycle.Updater[volumeModel]    = volume{}
	_ lifecycle.Waiter[volumeModel]     = volume{}
	_ lifecycle.Validator[volumeModel]  = volume{}
	_ lifecycle.Planner[volumeModel]    = volume{}
	_ lifecycle.Timed                   = volume{}
	_ lifecycle.Lister                  = volume{}
	_ lifecycle.Consumer[volumeModel]   = volume{}
	_ lifecycle.StateMover[volumeModel] = volume{}
)

type volumeModel struct {
	lifecycle.Object

	Name             types.String `tfsdk:"name"`
	Description      types.String `tfsdk:"description"`
	Size             types.Int64  `tfsdk:"size"`
	VolumeType       types.String `tfsdk:"volume_type"`
	MigrationPolicy  types.String `tfsdk:"migration_policy"`
	Image            types.String `tfsdk:"image"`
	ImageID          types.String `tfsdk:"image_id"`
	SnapshotID       types.String `tfsdk:"snapshot_id"`
	SourceVolumeID   types.String `tfsdk:"source_volume_id"`
	BackupID         types.String `tfsdk:"backup_id"`
	AvailabilityZone types.String `tfsdk:"availability_zone"`
	Metadata         types.Map    `tfsdk:"metadata"`
	DeleteSnapshots  types.Bool   `tfsdk:"delete_snapshots"`
	Bootable         types.Bool   `tfsdk:"bootable"`
	Encrypted        types.Bool   `tfsdk:"encrypted"`
	Multiattach      types.Bool   `tfsdk:"multiattach"`
	Attachments      types.List   `tfsdk:"attachments"`
}

func (volume) Name() string { return "volume" }

func (volume) Schema() schema.Schema { return volumeSchema() }

// Timeouts are longer than usual: images and other volumes are copied, and a change of type may move all the data.
func (volume) Timeouts() lifecycle.Timeouts {
	return lifecycle.Timeouts{Create: 30 * time.Minute, Update: time.Hour}
}

// fromBackup is the microversion that makes volumes from backups.
const fromBackup = "3.47"

// volumeBlames are the words with which Cinder refuses a value.
var volumeBlames = map[string]*regexp.Regexp{
	"volume_type":       regexp.MustCompile(`(?i)volume.?type`),
	"availability_zone": regexp.MustCompile(`(?i)availability zone`),
	"snapshot_id":       regexp.MustCompile(`^Snapshot `),
	"source_volume_id":  regexp.MustCompile(`^Volume [0-9a-f-]{36} could not be found`),
	"backup_id":         regexp.MustCompile(`(?i)^(invalid )?backup`),
	"image":             regexp.MustCompile(`(?i)image`),
	"size":              regexp.MustCompile(`(?i)\bsize\b`),
}

func (volume) Create(ctx context.Context, cloud *openstack.Cloud, m *volumeModel) error {
	client, err := cloud.BlockStorage()
	if err != nil {
		return err
	}
	if !m.Image.IsNull() && !value.Known(m.ImageID) {
		image, err := lookup.Image(ctx, cloud, m.Image.ValueString())
		if err != nil {
			return lifecycle.At(path.Root("image"), err)
		}
		m.ImageID = types.StringValue(image.ID)
	}
	opts := volumes.CreateOpts{
		Name:             m.Name.ValueString(),
		Description:      m.Description.ValueString(),
		Size:             int(m.Size.ValueInt64()), // unknown is 0, which is not sent
		VolumeType:       m.VolumeType.ValueString(),
		ImageID:          m.ImageID.ValueString(),
		SnapshotID:       m.SnapshotID.ValueString(),
		SourceVolID:      m.SourceVolumeID.ValueString(),
		BackupID:         m.BackupID.ValueString(),
		AvailabilityZone: m.AvailabilityZone.ValueString(),
		Metadata:         value.StringMap(m.Metadata),
	}
	if opts.BackupID != "" {
		client = engine.At(client, fromBackup)
	}
	var made *volumes.Volume
	err = engine.InTurn(ctx, cloud, opts.SourceVolID, func(ctx context.Context) (err error) {
		begin := time.Now()
		made, err = volumes.Create(ctx, client, opts, nil).Extract()
		if openstack.Lost(err) {
			made, err = findLostVolume(ctx, client, opts.Name, begin, err)
		}
		return err
	})
	if err != nil {
		return blame(fmt.Errorf("create volume %q: %w", opts.Name, err), volumeBlames)
	}
	m.ID = types.StringValue(made.ID)
	return nil
}

// findLostVolume returns the volume that a request made of which the answer was lost.
func findLostVolume(ctx context.Context, client *gophercloud.ServiceClient, name string, begin time.Time, lost error) (*volumes.Volume, error) {
	id, err := openstack.FindLost(ctx, lost, begin, func(ctx context.Context) ([]openstack.Candidate, error) {
		pages, err := volumes.List(client, volumes.ListOpts{Name: name}).AllPages(ctx)
		if err != nil {
			return nil, err
		}
		found, err := volumes.ExtractVolumes(pages)
		var candidates []openstack.Candidate
		for _, v := range found {
			if v.Name == name { // the filter knows no case
				candidates = append(candidates, openstack.Candidate{ID: v.ID, Created: v.CreatedAt})
			}
		}
		return candidates, err
	})
	return &volumes.Volume{ID: id}, err
}

// Wait returns when the volume can be used.
func (volume) Wait(ctx context.Context, cloud *openstack.Cloud, m *volumeModel) error {
	_, err := engine.Settled(ctx, cloud, m.ID.ValueString())
	return err
}

func (volume) Read(ctx context.Context, cloud *openstack.Cloud, m *volumeModel) error {
	found, err := engine.Get(ctx, cloud, m.ID.ValueString())
	if err != nil {
		return err
	}
	return m.flatten(ctx, cloud, found)
}

func (volume) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *volumeModel) error {
	client, err := cloud.BlockStorage()
	if err != nil {
		return err
	}
	id := plan.ID.ValueString()
	if !plan.Name.Equal(prior.Name) || !plan.Description.Equal(prior.Description) {
		opts := volumes.UpdateOpts{Name: value.Ptr(plan.Name), Description: value.Ptr(plan.Description)}
		if err := volumes.Update(ctx, client, id, opts).Err; err != nil {
			return fmt.Errorf("change name and description of volume %s: %w", id, err)
		}
	}
	if !plan.Metadata.Equal(prior.Metadata) {
		if err := setMetadata(ctx, client, "volumes", id, plan.Metadata); err != nil {
			return err
		}
	}
	// What was interrupted in the midst of a change comes to rest first.
	now, err := engine.Settled(ctx, cloud, id)
	if err != nil {
		return err
	}
	if value.Known(plan.VolumeType) && !plan.VolumeType.Equal(prior.VolumeType) {
		kind, err := lookup.VolumeType(ctx, cloud, plan.VolumeType.ValueString())
		if err == nil && kind.Name != now.VolumeType {
			err = engine.Retype(ctx, cloud, id, kind.Name, plan.MigrationPolicy.ValueString())
		}
		if err != nil {
			return lifecycle.At(path.Root("volume_type"), err)
		}
	}
	if size := int(plan.Size.ValueInt64()); value.Known(plan.Size) && size != now.Size {
		return lifecycle.At(path.Root("size"), engine.Grow(ctx, cloud, id, size))
	}
	return nil
}

func (volume) Delete(ctx context.Context, cloud *openstack.Cloud, m *volumeModel) error {
	client, err := cloud.BlockStorage()
	if err != nil {
		return err
	}
	id := m.ID.ValueString()
	if err := deleteUnused(ctx, cloud, client, m); err != nil {
		return err
	}
	return openstack.WaitGone(ctx, openstack.Waiting[volumes.Volume]{
		What:    fmt.Sprintf("volume %q", m.Name.ValueString()),
		Fetch:   func(ctx context.Context) (volumes.Volume, error) { return engine.Get(ctx, cloud, id) },
		State:   func(v volumes.Volume) string { return v.Status },
		Failure: []string{"error_deleting"},
		Fault:   func(volumes.Volume) string { return engine.Message(ctx, cloud, id) },
	})
}

// neededError says what keeps a volume from being deleted, and whether that may end soon.
type neededError struct {
	by      []string
	leaving bool
	refusal error
}

func (e *neededError) Error() string {
	return fmt.Sprintf("it is needed by %s: %s", strings.Join(e.by, ", "), e.refusal)
}

func (e *neededError) Unwrap() error { return e.refusal }

// deleteUnused asks Cinder to delete the volume, again while something is letting go of it. In the end the error names
// what still needs it.
func deleteUnused(ctx context.Context, cloud *openstack.Cloud, client *gophercloud.ServiceClient, m *volumeModel) error {
	id := m.ID.ValueString()
	return openstack.Unused(ctx, func(ctx context.Context) error {
		err := volumes.Delete(ctx, client, id, volumes.DeleteOpts{Cascade: m.DeleteSnapshots.ValueBool()}).ExtractErr()
		if fault, ok := openstack.FaultOf(err); !ok || fault.Status != http.StatusBadRequest {
			return err
		}
		by, leaving, lookErr := volumeUsers(ctx, cloud, client, id)
		if lookErr != nil || len(by) == 0 { // nobody needs it any more: it was let go of before we looked
			return errors.Join(err, lookErr)
		}
		return fmt.Errorf("volume %q cannot be deleted: %w", m.Name.ValueString(), &neededError{by, leaving, err})
	}, func(err error) bool {
		var needed *neededError
		if errors.As(err, &needed) {
			return needed.leaving
		}
		return openstack.BadRequest(err)
	})
}

// volumeUsers describes what keeps a volume from being deleted, and says whether that may end soon.
func volumeUsers(ctx context.Context, cloud *openstack.Cloud, client *gophercloud.ServiceClient, id string) (users []string, leaving bool, err error) {
	found, err := engine.Get(ctx, cloud, id)
	if err != nil {
		return nil, false, err
	}
	for _, a := range found.Attachments {
		users, leaving = append(users, "server "+a.ServerID), true
	}
	if len(users) == 0 && !slices.Contains(append(engine.Failures(), engine.Available), found.Status) {
		users, leaving = append(users, "Cinder, which is "+found.Status+" it"), true
	}
	all, err := snapshotsOf(ctx, client, id)
	for _, s := range all {
		users = append(users, fmt.Sprintf("snapshot %q (%s), which delete_snapshots = true would delete as well", s.Name, s.ID))
		leaving = leaving || s.Status == "deleting"
	}
	return users, leaving, err
}

// List finds the volumes of the project.
func (volume) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return lifecycle.ListOf(ctx, cloud, engine.Reads, func(v volumes.Volume) lifecycle.Listed { return lifecycle.Listed{ID: v.ID, Name: v.Name} })
}

// Usage is what the volume takes of the project's quotas.
func (volume) Usage(_ context.Context, _ *openstack.Cloud, m *volumeModel) (openstack.Usage, error) {
	return openstack.Usage{openstack.QuotaVolumes: 1, openstack.QuotaGigabytes: int(m.Size.ValueInt64())}, nil
}

// MovesFrom are the types of the common provider that are the same as this one.
func (volume) MovesFrom() []string { return []string{"openstack_blockstorage_volume_v3"} }

// MoveState keeps what Cinder does not tell.
func (volume) MoveState(from lifecycle.MovedState, m *volumeModel) error {
	m.Image = value.StringOrNull(from.String("image_id"))
	m.BackupID = value.StringOrNull(from.String("backup_id"))
	return nil
}
