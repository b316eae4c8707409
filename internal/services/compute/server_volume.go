package compute

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/volumeattach"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/volume"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// bootVolumeModel is the volume that a server boots from: a new one, or one that exists.
type bootVolumeModel struct {
	VolumeID            types.String `tfsdk:"volume_id"`
	ID                  types.String `tfsdk:"id"`
	Size                types.Int64  `tfsdk:"size"`
	Type                types.String `tfsdk:"type"`
	DeleteOnTermination types.Bool   `tfsdk:"delete_on_termination"`
}

// dataVolumeModel is a volume that a server uses beside the one that it boots from.
type dataVolumeModel struct {
	VolumeID types.String `tfsdk:"volume_id"`
	Device   types.String `tfsdk:"device"`
}

// bootVolume is nil when the server boots from a local disk.
func (m *serverModel) bootVolume(ctx context.Context) (*bootVolumeModel, error) {
	if !value.Known(m.BootVolume) {
		return nil, nil //nolint:nilnil // none is a valid answer
	}
	var boot bootVolumeModel
	return &boot, problem(m.BootVolume.As(ctx, &boot, basetypes.ObjectAsOptions{}))
}

func (m *serverModel) setBootVolume(ctx context.Context, boot *bootVolumeModel) error {
	var diags diag.Diagnostics
	m.BootVolume, diags = types.ObjectValueFrom(ctx, bootVolumeTypes, *boot)
	return problem(diags)
}

// dataVolumes are the volumes by the user's names; none while they are not known.
func (m *serverModel) dataVolumes(ctx context.Context) (map[string]dataVolumeModel, error) {
	found := map[string]dataVolumeModel{}
	if !value.Known(m.Volumes) {
		return found, nil
	}
	for _, element := range m.Volumes.Elements() {
		if element.IsUnknown() {
			return found, nil
		}
	}
	return found, problem(m.Volumes.ElementsAs(ctx, &found, false))
}

// changeVolumes detaches the volumes that the server no longer has, and attaches the new ones.
func (m *serverModel) changeVolumes(ctx context.Context, cloud *openstack.Cloud, prior *serverModel) error {
	wanted, err := m.dataVolumes(ctx)
	if err != nil {
		return err
	}
	had, err := prior.dataVolumes(ctx)
	if err != nil {
		return err
	}
	kept := func(in map[string]dataVolumeModel, v dataVolumeModel) bool {
		for _, other := range in {
			if other.VolumeID.Equal(v.VolumeID) && (other.Device.Equal(v.Device) || v.Device.IsNull()) {
				return true
			}
		}
		return false
	}
	for _, name := range sortedNames(had) {
		if !kept(wanted, had[name]) {
			if err := detachVolume(ctx, cloud, m.ID.ValueString(), had[name].VolumeID.ValueString()); err != nil {
				return lifecycle.At(path.Root("volumes"), err)
			}
		}
	}
	for _, name := range sortedNames(wanted) {
		if !kept(had, wanted[name]) {
			if err := attachVolume(ctx, cloud, m.ID.ValueString(), wanted[name]); err != nil {
				return lifecycle.At(path.Root("volumes").AtMapKey(name), err)
			}
		}
	}
	return nil
}

// attachVolume gives a volume to a server that may have it already, and waits until it is there.
func attachVolume(ctx context.Context, cloud *openstack.Cloud, server string, v dataVolumeModel) error {
	client, err := cloud.Compute()
	if err != nil {
		return err
	}
	id := v.VolumeID.ValueString()
	now, err := readServer(ctx, cloud, server)
	if err != nil {
		return err
	}
	if !hasVolume(now, id) {
		opts := volumeattach.CreateOpts{VolumeID: id, Device: v.Device.ValueString()}
		err := volume.InTurn(ctx, cloud, id, func(ctx context.Context) error { return volumeattach.Create(ctx, client, server, opts).Err })
		if err != nil {
			return refused(server, fmt.Sprintf("attach volume %s", id), err)
		}
	}
	_, err = openstack.Wait(ctx, openstack.Waiting[volumes.Volume]{
		What:  fmt.Sprintf("volume %s to be attached to server %s", id, server),
		Fetch: func(ctx context.Context) (volumes.Volume, error) { return volume.Get(ctx, cloud, id) },
		State: func(v volumes.Volume) string {
			if usedBy(v, server) {
				return "attached"
			}
			return v.Status
		},
		Target:  []string{"attached"},
		Failure: append(volume.Failures(), volume.Available), // Nova let go of it
		Fault:   func(volumes.Volume) string { return "Nova could not attach it" },
	})
	return err
}

// detachVolume takes a volume from a server, which may not have it any more, and waits until it is free.
func detachVolume(ctx context.Context, cloud *openstack.Cloud, server, id string) error {
	client, err := cloud.Compute()
	if err != nil {
		return err
	}
	err = volume.InTurn(ctx, cloud, id, func(ctx context.Context) error { return volumeattach.Delete(ctx, client, server, id).ExtractErr() })
	if openstack.NotFound(err) {
		return nil
	}
	if err != nil {
		return refused(server, fmt.Sprintf("detach volume %s", id), err)
	}
	err = openstack.WaitGone(ctx, openstack.Waiting[volumes.Volume]{
		What:  "the attachment of volume " + id,
		Fetch: func(ctx context.Context) (volumes.Volume, error) { return volume.Get(ctx, cloud, id) },
		State: func(v volumes.Volume) string {
			if usedBy(v, server) {
				return v.Status
			}
			return "detached"
		},
		Target:  []string{"detached"},
		Failure: volume.Failures(),
	})
	if err != nil {
		return err
	}
	// Cinder knows it first. Until Nova has forgotten the volume as well, it refuses to attach it anew.
	return openstack.WaitGone(ctx, openstack.Waiting[apiServer]{
		What:  "the attachment of volume " + id,
		Fetch: func(ctx context.Context) (apiServer, error) { return readServer(ctx, cloud, server) },
		State: func(s apiServer) string {
			if hasVolume(s, id) {
				return "attached"
			}
			return "detached"
		},
		Target: []string{"detached"},
	})
}

func usedBy(v volumes.Volume, server string) bool {
	return slices.ContainsFunc(v.Attachments, func(a volumes.Attachment) bool { return a.ServerID == server })
}

func hasVolume(s apiServer, id string) bool {
	for _, attached := range s.AttachedVolumes {
		if attached.ID == id {
			return true
		}
	}
	return false
}

// attachmentsChange is the microversion with which delete_on_termination of an attachment can change.
const attachmentsChange = "2.85"

// changeBootVolume makes the boot volume larger, and says whether it goes with the server.
func (m *serverModel) changeBootVolume(ctx context.Context, cloud *openstack.Cloud, prior *serverModel) error {
	wanted, err := m.bootVolume(ctx)
	if err != nil || wanted == nil {
		return err
	}
	had, err := prior.bootVolume(ctx)
	if err != nil || had == nil {
		return err
	}
	at, id := path.Root("boot_volume"), had.ID.ValueString()
	if value.Known(wanted.Size) && wanted.Size.ValueInt64() > had.Size.ValueInt64() {
		if err := volume.Grow(ctx, cloud, id, int(wanted.Size.ValueInt64())); err != nil {
			return lifecycle.At(at.AtName("size"), err)
		}
	}
	if wanted.DeleteOnTermination.Equal(had.DeleteOnTermination) {
		return nil
	}
	client, err := cloud.Compute()
	if err != nil {
		return err
	}
	newer := volume.At(client, attachmentsChange)
	body := map[string]any{"volumeAttachment": map[string]any{"volumeId": id, "delete_on_termination": wanted.DeleteOnTermination.ValueBool()}}
	_, err = newer.Put(ctx, newer.ServiceURL("servers", m.ID.ValueString(), "os-volume_attachments", id), body, nil, accepted())
	if err != nil {
		return lifecycle.At(at.AtName("delete_on_termination"), refused(m.ID.ValueString(), "change whether the boot volume goes with the server", err))
	}
	return nil
}

// flattenVolumes leaves out what the server no longer has. What else it has is not this resource's business.
func (m *serverModel) flattenVolumes(ctx context.Context, s apiServer) error {
	known, err := m.dataVolumes(ctx)
	if err != nil || len(known) == 0 || s.Status == statusError {
		return err
	}
	for name, v := range known {
		if !hasVolume(s, v.VolumeID.ValueString()) {
			delete(known, name)
		}
	}
	var diags diag.Diagnostics
	m.Volumes, diags = types.MapValueFrom(ctx, types.ObjectType{AttrTypes: dataVolumeTypes}, known)
	return problem(diags)
}

// flattenBoot reads what the server boots from.
func (m *serverModel) flattenBoot(ctx context.Context, cloud *openstack.Cloud, s apiServer) error {
	if id, ok := s.Image["id"].(string); ok {
		m.ImageID = types.StringValue(id)
		m.BootVolume = types.ObjectNull(bootVolumeTypes)
	} else {
		boot, err := m.bootVolume(ctx)
		if err != nil {
			return err
		}
		if boot, err = m.readBoot(ctx, cloud, s, boot); err != nil {
			return err
		}
		if boot != nil {
			if err := m.setBootVolume(ctx, boot); err != nil {
				return err
			}
		}
	}
	if m.ImageID.IsUnknown() {
		m.ImageID = types.StringNull()
	}
	if boot, err := m.bootVolume(ctx); err == nil && (boot == nil || boot.VolumeID.IsNull()) && !value.Known(m.Image) {
		m.Image = m.ImageID // after an import
	}
	return nil
}

// readBoot brings the boot volume up to date; nil when the server has none.
func (m *serverModel) readBoot(ctx context.Context, cloud *openstack.Cloud, s apiServer, boot *bootVolumeModel) (*bootVolumeModel, error) {
	root, err := m.findBoot(ctx, cloud, s, boot)
	if err != nil {
		return nil, err
	}
	if root == nil {
		if boot != nil { // it failed before it had one
			boot.forgetUnknown()
		}
		return boot, nil
	}
	if boot == nil {
		boot = &bootVolumeModel{DeleteOnTermination: types.BoolNull()}
	}
	if id := root.VolumeImageMetadata["image_id"]; id != "" && !value.Known(m.ImageID) {
		m.ImageID = types.StringValue(id)
	}
	boot.ID, boot.Size = types.StringValue(root.ID), value.Int(root.Size)
	if boot.DeleteOnTermination.IsUnknown() || boot.DeleteOnTermination.IsNull() {
		client, err := cloud.Compute()
		if err != nil {
			return nil, err
		}
		attachment, err := volumeattach.Get(ctx, client, s.ID, root.ID).Extract()
		if err != nil {
			return nil, fmt.Errorf("read how volume %s is attached: %w", root.ID, err)
		}
		boot.DeleteOnTermination = types.BoolValue(attachment.DeleteOnTermination != nil && *attachment.DeleteOnTermination)
	}
	return boot, nil
}

func (b *bootVolumeModel) forgetUnknown() {
	if b.ID.IsUnknown() {
		b.ID = types.StringNull()
	}
	if b.Size.IsUnknown() {
		b.Size = types.Int64Null()
	}
}

// findBoot finds the volume that the server boots from: the one that is known, else the bootable one with the first device.
func (m *serverModel) findBoot(ctx context.Context, cloud *openstack.Cloud, s apiServer, boot *bootVolumeModel) (*volumes.Volume, error) {
	if boot != nil && value.Known(boot.ID) {
		found, err := volume.Get(ctx, cloud, boot.ID.ValueString())
		if openstack.NotFound(err) {
			return nil, nil //nolint:nilnil // somebody deleted it; the server itself is still there
		}
		return &found, err
	}
	var errs []error
	var root *volumes.Volume
	first := ""
	for _, attached := range s.AttachedVolumes {
		found, err := volume.Get(ctx, cloud, attached.ID)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, a := range found.Attachments {
			if a.ServerID == s.ID && found.Bootable == "true" && (root == nil || a.Device < first) {
				root, first = &found, a.Device
			}
		}
	}
	if root != nil {
		return root, nil
	}
	return nil, errors.Join(errs...)
}
