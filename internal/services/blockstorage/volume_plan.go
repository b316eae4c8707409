package blockstorage

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/volume"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

func (volume) Validate(_ context.Context, config *volumeModel) error {
	copied := !config.SnapshotID.IsNull() || !config.SourceVolumeID.IsNull() || !config.BackupID.IsNull()
	switch {
	case !config.Size.IsNull() || copied:
		return nil
	case !config.Image.IsNull():
		return lifecycle.Invalid(path.Root("size"), "a volume from an image needs a size in GiB, at least that of the image")
	}
	return lifecycle.Invalid(path.Root("size"),
		"a blank volume needs a size in GiB; only one with a snapshot_id, source_volume_id or backup_id takes that of its source")
}

func (v volume) Plan(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[volumeModel]) error {
	plan, prior := change.Plan, change.Prior
	replaced, err := planSources(ctx, cloud, change)
	if err != nil {
		return err
	}
	if prior != nil && !replaced {
		if !plan.VolumeType.Equal(prior.VolumeType) {
			plan.Encrypted, plan.Multiattach = types.BoolUnknown(), types.BoolUnknown()
		}
		if value.Known(plan.Size) && plan.Size.ValueInt64() < prior.Size.ValueInt64() {
			return lifecycle.Invalid(path.Root("size"), "the volume has %d GiB and cannot shrink to %d, for Cinder has no such call. "+
				"Keep the size, or make a smaller volume beside it, copy the data and remove this one", prior.Size.ValueInt64(), plan.Size.ValueInt64())
		}
	}
	if cloud == nil {
		return nil
	}
	if value.Known(plan.VolumeType) && (prior == nil || !plan.VolumeType.Equal(prior.VolumeType)) {
		if _, err := lookup.VolumeType(ctx, cloud, plan.VolumeType.ValueString()); err != nil {
			return lifecycle.At(path.Root("volume_type"), err)
		}
	}
	if prior != nil && !replaced {
		return nil
	}
	if err := planZone(ctx, cloud, plan); err != nil {
		return err
	}
	return planSize(ctx, cloud, plan)
}

// planSources says which sources of the content need a new volume, and finds the image early: a wrong name is told by the
// plan, and another name of the same image is no reason for a new volume.
func planSources(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[volumeModel]) (replaced bool, err error) {
	plan, prior := change.Plan, change.Prior
	if prior != nil {
		for name, values := range map[string][2]types.String{
			"snapshot_id":      {plan.SnapshotID, prior.SnapshotID},
			"source_volume_id": {plan.SourceVolumeID, prior.SourceVolumeID},
			"backup_id":        {plan.BackupID, prior.BackupID},
		} {
			if now, before := values[0], values[1]; !now.IsNull() && !now.Equal(before) {
				change.Replace(path.Root(name))
				replaced = true
			}
		}
	}
	switch {
	case plan.Image.IsNull() && prior == nil:
		plan.ImageID = types.StringUnknown() // what it is copied from may have been made from one
	case plan.Image.IsNull(), prior != nil && plan.Image.Equal(prior.Image):
	case cloud == nil || plan.Image.IsUnknown():
		if prior != nil {
			change.Replace(path.Root("image"))
			replaced = true
		}
		plan.ImageID = types.StringUnknown()
	default:
		found, err := lookup.Image(ctx, cloud, plan.Image.ValueString())
		if err != nil {
			return false, lifecycle.At(path.Root("image"), err)
		}
		plan.ImageID = types.StringValue(found.ID)
		if prior != nil && !plan.ImageID.Equal(prior.ImageID) {
			change.Replace(path.Root("image"))
			replaced = true
		}
	}
	return replaced, nil
}

func planZone(ctx context.Context, cloud *openstack.Cloud, plan *volumeModel) error {
	if !value.Known(plan.AvailabilityZone) {
		return nil
	}
	zones, err := lookup.VolumeZones(ctx, cloud)
	if err != nil {
		return err
	}
	return lifecycle.At(path.Root("availability_zone"), lookup.Zone(plan.AvailabilityZone.ValueString(), zones))
}

// planSize looks whether the content fits in a new volume.
func planSize(ctx context.Context, cloud *openstack.Cloud, plan *volumeModel) error {
	if !value.Known(plan.Size) {
		return nil
	}
	least, what, err := contentSize(ctx, cloud, plan)
	if err != nil {
		return err
	}
	if size := int(plan.Size.ValueInt64()); size < least {
		return lifecycle.Invalid(path.Root("size"), "%s needs %d GiB, %d are too few", what, least, size)
	}
	return nil
}

// contentSize is the least size in GiB that the source of a volume needs, as far as it is known.
func contentSize(ctx context.Context, cloud *openstack.Cloud, plan *volumeModel) (size int, what string, err error) {
	switch {
	case value.Known(plan.Image):
		image, err := lookup.Image(ctx, cloud, plan.Image.ValueString())
		return image.MinDiskGigabytes, fmt.Sprintf("the image %s", image.Name), lifecycle.At(path.Root("image"), err)
	case value.Known(plan.SourceVolumeID):
		found, err := engine.Get(ctx, cloud, plan.SourceVolumeID.ValueString())
		return found.Size, fmt.Sprintf("a copy of the volume %q", found.Name), lifecycle.At(path.Root("source_volume_id"), err)
	case value.Known(plan.SnapshotID):
		client, err := cloud.BlockStorage()
		if err != nil {
			return 0, "", err
		}
		found, err := snapshots.Get(ctx, client, plan.SnapshotID.ValueString()).Extract()
		if err != nil {
			return 0, "", lifecycle.At(path.Root("snapshot_id"), fmt.Errorf("look for the snapshot: %w", err))
		}
		return found.Size, fmt.Sprintf("the snapshot %q", found.Name), nil
	}
	return 0, "", nil
}
