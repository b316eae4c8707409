package compute

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// serverSource looks up a server.
type serverSource struct{}

var (
	_ lifecycle.Source[serverSourceModel]    = serverSource{}
	_ lifecycle.Validator[serverSourceModel] = serverSource{}
)

type serverSourceModel struct {
	lifecycle.SourceObject

	Name             types.String `tfsdk:"name"`
	Tags             types.Set    `tfsdk:"tags"`
	Description      types.String `tfsdk:"description"`
	Status           types.String `tfsdk:"status"`
	Flavor           types.String `tfsdk:"flavor"`
	ImageID          types.String `tfsdk:"image_id"`
	KeyPair          types.String `tfsdk:"key_pair"`
	AvailabilityZone types.String `tfsdk:"availability_zone"`
	ServerGroupID    types.String `tfsdk:"server_group_id"`
	Metadata         types.Map    `tfsdk:"metadata"`
	VolumeIDs        types.List   `tfsdk:"volume_ids"`
	AccessIPv4       types.String `tfsdk:"access_ipv4"`
	AccessIPv6       types.String `tfsdk:"access_ipv6"`
	Networks         types.List   `tfsdk:"networks"`
}

func (serverSource) Name() string { return "server" }

func (serverSource) Schema() schema.Schema {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	return schema.Schema{
		MarkdownDescription: "A server, by `id`, or by `name` and `tags`.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{MarkdownDescription: "Name of the server.", Optional: true, Computed: true},
			"tags": schema.SetAttribute{
				MarkdownDescription: "Tags: those that the server must have at least, and all as found.", ElementType: types.StringType, Optional: true, Computed: true,
			},
			"description":       text("Free text for people."),
			"status":            text("Status, such as `ACTIVE` or `SHUTOFF`."),
			"flavor":            text("Name of the flavor."),
			"image_id":          text("Id of the image; null when it boots from a volume."),
			"key_pair":          text("Name of the key pair."),
			"availability_zone": text("Availability zone."),
			"server_group_id":   text("Id of the server group."),
			"metadata":          schema.MapAttribute{MarkdownDescription: "Metadata.", ElementType: types.StringType, Computed: true},
			"volume_ids":        schema.ListAttribute{MarkdownDescription: "Ids of the volumes that it uses.", ElementType: types.StringType, Computed: true},
			"access_ipv4":       text("First IPv4 address."),
			"access_ipv6":       text("First IPv6 address."),
			"networks": schema.ListNestedAttribute{
				MarkdownDescription: "Its NICs.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"network_id":   text("Id of the network."),
					"port_id":      text("Id of the port."),
					"ipv4_address": text("First IPv4 address of the NIC."),
					"ipv6_address": text("First IPv6 address of the NIC."),
					"mac_address":  text("MAC address of the NIC."),
				}},
			},
		},
	}
}

var sourceNICTypes = map[string]attr.Type{
	"network_id": types.StringType, "port_id": types.StringType, "ipv4_address": types.StringType, "ipv6_address": types.StringType, "mac_address": types.StringType,
}

func (serverSource) Validate(_ context.Context, config *serverSourceModel) error {
	byID, byOthers := !config.ID.IsNull(), !config.Name.IsNull() || !config.Tags.IsNull()
	if byID == byOthers {
		return lifecycle.Invalid(path.Root("id"), "say which server: either by id, or by name and tags")
	}
	return nil
}

func (serverSource) Read(ctx context.Context, cloud *openstack.Cloud, m *serverSourceModel) error {
	found, err := m.find(ctx, cloud)
	if err != nil {
		return err
	}
	all, err := portsOf(ctx, cloud, found.ID)
	if err != nil {
		return err
	}
	m.flatten(found, all)
	return nil
}

func (m *serverSourceModel) find(ctx context.Context, cloud *openstack.Cloud) (apiServer, error) {
	if value.Known(m.ID) {
		found, err := readServer(ctx, cloud, m.ID.ValueString())
		return found, lifecycle.At(path.Root("id"), err)
	}
	all, err := openstack.All(ctx, cloud, serverReads)
	if err != nil {
		return apiServer{}, err
	}
	var candidates []apiServer
	for _, s := range all {
		if (!value.Known(m.Name) || s.Name == m.Name.ValueString()) && hasTags(s, value.Strings(m.Tags)) {
			candidates = append(candidates, s)
		}
	}
	return lookup.Only("server", candidates, all, func(s apiServer) string { return fmt.Sprintf("%s (%s)", s.Name, s.ID) })
}

func hasTags(s apiServer, wanted []string) bool {
	for _, tag := range wanted {
		if s.Tags == nil || !slices.Contains(*s.Tags, tag) {
			return false
		}
	}
	return true
}

func (m *serverSourceModel) flatten(s apiServer, all []ports.Port) {
	m.ID = types.StringValue(s.ID)
	m.Name = types.StringValue(s.Name)
	m.Tags = value.Set(nil)
	if s.Tags != nil {
		m.Tags = value.Set(*s.Tags)
	}
	m.Description = types.StringValue(s.Description)
	m.Status = types.StringValue(s.Status)
	m.Flavor = value.StringOrNull(flavorName(s))
	image, _ := s.Image["id"].(string)
	m.ImageID = value.StringOrNull(image)
	m.KeyPair = value.StringOrNull(s.KeyName)
	m.AvailabilityZone = value.StringOrNull(s.AvailabilityZone)
	m.ServerGroupID = types.StringNull()
	if s.ServerGroups != nil && len(*s.ServerGroups) > 0 {
		m.ServerGroupID = types.StringValue((*s.ServerGroups)[0])
	}
	m.Metadata = value.Map(s.Metadata)
	var volumes []string
	for _, attached := range s.AttachedVolumes {
		volumes = append(volumes, attached.ID)
	}
	m.VolumeIDs = value.List(volumes)
	m.AccessIPv4, m.AccessIPv6 = value.StringOrNull(s.AccessIPv4), value.StringOrNull(s.AccessIPv6)
	nics := []attr.Value{}
	for _, port := range all {
		nic := nicModel{SecurityGroupIDs: types.SetNull(types.StringType)}
		flattenNIC(&nic, &serverModel{}, &port)
		nics = append(nics, types.ObjectValueMust(sourceNICTypes, map[string]attr.Value{
			"network_id": types.StringValue(port.NetworkID), "port_id": types.StringValue(port.ID),
			"ipv4_address": nic.IPv4, "ipv6_address": nic.IPv6, "mac_address": nic.MAC,
		}))
		if m.AccessIPv4.IsNull() {
			m.AccessIPv4 = nic.IPv4
		}
		if m.AccessIPv6.IsNull() {
			m.AccessIPv6 = nic.IPv6
		}
	}
	m.Networks = types.ListValueMust(types.ObjectType{AttrTypes: sourceNICTypes}, nics)
}
