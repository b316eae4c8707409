package compute

import (
	"context"
	"encoding/base64"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// newServer is a request for a server, with what the client library has no fields for.
type newServer struct {
	servers.CreateOpts

	keyPair, description string
	devices              map[string]string // to ask for, by the id of the volume
}

// ToServerCreateMap is the body of the request.
func (o newServer) ToServerCreateMap() (map[string]any, error) {
	body, err := o.CreateOpts.ToServerCreateMap()
	if err != nil {
		return nil, err
	}
	in, ok := body["server"].(map[string]any)
	if !ok {
		return body, nil
	}
	if o.keyPair != "" {
		in["key_name"] = o.keyPair
	}
	if o.description != "" {
		in["description"] = o.description
	}
	disks, ok := in["block_device_mapping_v2"].([]any)
	if !ok {
		return body, nil
	}
	for _, disk := range disks {
		if disk, ok := disk.(map[string]any); ok {
			id, _ := disk["uuid"].(string)
			if device := o.devices[id]; device != "" {
				disk["device_name"] = device
			}
		}
	}
	return body, nil
}

func (m *serverModel) createOpts(ctx context.Context, cloud *openstack.Cloud) (newServer, error) {
	opts := newServer{keyPair: m.KeyPair.ValueString(), description: m.Description.ValueString()}
	opts.CreateOpts = servers.CreateOpts{
		Name:             m.Name.ValueString(),
		AvailabilityZone: m.AvailabilityZone.ValueString(),
		Metadata:         value.StringMap(m.Metadata),
		Tags:             value.Strings(m.Tags),
		ConfigDrive:      value.BoolPtr(m.ConfigDrive),
		SecurityGroups:   value.Strings(m.SecurityGroupIDs),
	}
	flavor, err := lookup.Flavor(ctx, cloud, m.Flavor.ValueString())
	if err != nil {
		return opts, lifecycle.At(path.Root("flavor"), err)
	}
	opts.FlavorRef = flavor.ID
	if err := m.findImage(ctx, cloud); err != nil {
		return opts, err
	}
	if data := m.userData(); data != "" {
		opts.UserData = encoded(data)
	}
	opts.devices, err = m.addDisks(ctx, &opts.CreateOpts)
	return opts, err
}

// findImage makes the id of the image known.
func (m *serverModel) findImage(ctx context.Context, cloud *openstack.Cloud) error {
	if value.Known(m.ImageID) || m.Image.IsNull() {
		return nil
	}
	image, err := lookup.Image(ctx, cloud, m.Image.ValueString())
	if err != nil {
		return lifecycle.At(path.Root("image"), err)
	}
	m.ImageID = types.StringValue(image.ID)
	return nil
}

// encoded is user data as Nova takes it. The client library takes what happens to be Base64 for encoded: encode always.
func encoded(userData string) []byte {
	return []byte(base64.StdEncoding.EncodeToString([]byte(userData)))
}

func (m *serverModel) userData() string {
	if value.Known(m.UserDataWO) {
		return m.UserDataWO.ValueString()
	}
	return m.UserData.ValueString()
}

// addDisks says what the server boots from, and which volumes it has beside that; the devices are those to ask for.
func (m *serverModel) addDisks(ctx context.Context, opts *servers.CreateOpts) (devices map[string]string, err error) {
	boot, err := m.bootVolume(ctx)
	if err != nil {
		return nil, err
	}
	data, err := m.dataVolumes(ctx)
	if err != nil {
		return nil, err
	}
	image := m.ImageID.ValueString()
	switch {
	case boot == nil:
		opts.ImageRef = image
		if len(data) > 0 { // with a list of disks, the local one must be in it
			opts.BlockDevice = []servers.BlockDevice{{
				SourceType: servers.SourceImage, DestinationType: servers.DestinationLocal, UUID: image, DeleteOnTermination: true,
			}}
		}
	case value.Known(boot.VolumeID):
		opts.BlockDevice = []servers.BlockDevice{{
			SourceType: servers.SourceVolume, DestinationType: servers.DestinationVolume, UUID: boot.VolumeID.ValueString(),
			DeleteOnTermination: boot.DeleteOnTermination.ValueBool(),
		}}
	default:
		opts.BlockDevice = []servers.BlockDevice{{
			SourceType: servers.SourceImage, DestinationType: servers.DestinationVolume, UUID: image,
			VolumeSize: int(boot.Size.ValueInt64()), VolumeType: boot.Type.ValueString(), DeleteOnTermination: boot.DeleteOnTermination.ValueBool(),
		}}
	}
	devices = map[string]string{}
	for _, name := range sortedNames(data) {
		id := data[name].VolumeID.ValueString()
		devices[id] = data[name].Device.ValueString()
		opts.BlockDevice = append(opts.BlockDevice, servers.BlockDevice{
			SourceType: servers.SourceVolume, DestinationType: servers.DestinationVolume, UUID: id, BootIndex: -1,
		})
	}
	return devices, nil
}

// sortedNames orders volumes, so that the same configuration always asks for the same.
func sortedNames(data map[string]dataVolumeModel) []string {
	var names []string
	for name := range data {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
