package blockstorage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// flatten brings the model up to date with the volume.
func (m *volumeModel) flatten(ctx context.Context, cloud *openstack.Cloud, v volumes.Volume) error {
	if m.Name.IsNull() { // it was not made by this resource
		m.SnapshotID, m.SourceVolumeID = value.StringOrNull(v.SnapshotID), value.StringOrNull(v.SourceVolID)
		m.MigrationPolicy, m.DeleteSnapshots = types.StringValue(neverMigrate), types.BoolValue(false)
	}
	m.Name = types.StringValue(v.Name)
	m.Description = types.StringValue(v.Description)
	m.Size = value.Int(v.Size)
	m.AvailabilityZone = value.StringOrNull(v.AvailabilityZone)
	m.Metadata = value.Map(ownMetadata(v.Metadata, m.Metadata))
	m.Bootable = types.BoolValue(v.Bootable == "true")
	m.Encrypted = types.BoolValue(v.Encrypted)
	m.Multiattach = types.BoolValue(v.Multiattach)
	if !value.Known(m.ImageID) {
		m.ImageID = value.StringOrNull(v.VolumeImageMetadata["image_id"])
	}
	m.Attachments = attachmentList(v.Attachments)
	return m.flattenType(ctx, cloud, v.VolumeType)
}

// flattenType keeps the id that was written as long as it is the type of the volume.
func (m *volumeModel) flattenType(ctx context.Context, cloud *openstack.Cloud, name string) error {
	if m.VolumeType.ValueString() == name && !m.VolumeType.IsUnknown() {
		return nil
	}
	if value.Known(m.VolumeType) {
		all, err := lookup.VolumeTypes(ctx, cloud)
		if err != nil {
			return fmt.Errorf("tell the type of volume %s: %w", m.ID.ValueString(), err)
		}
		if slices.ContainsFunc(all, func(t volumetypes.VolumeType) bool { return t.ID == m.VolumeType.ValueString() && t.Name == name }) {
			return nil
		}
	}
	m.VolumeType = value.StringOrNull(name)
	return nil
}

// ownMetadata leaves out what Cinder itself writes into the metadata, unless the user wrote it, too.
func ownMetadata(all map[string]string, known types.Map) map[string]string {
	own := maps.Clone(all)
	maps.DeleteFunc(own, func(key, _ string) bool {
		_, ours := known.Elements()[key]
		return !ours && (key == "readonly" || key == "attached_mode")
	})
	return own
}

func attachmentList(all []volumes.Attachment) types.List {
	all = slices.SortedFunc(slices.Values(all), func(a, b volumes.Attachment) int { return strings.Compare(a.ServerID, b.ServerID) })
	list := []attr.Value{}
	for _, a := range all {
		list = append(list, types.ObjectValueMust(attachmentTypes, map[string]attr.Value{
			"id": types.StringValue(a.AttachmentID), "server_id": types.StringValue(a.ServerID), "device": value.StringOrNull(a.Device),
		}))
	}
	return types.ListValueMust(types.ObjectType{AttrTypes: attachmentTypes}, list)
}
