package network

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// portSource looks up a port.
type portSource struct{}

var _ lifecycle.Source[portSourceModel] = portSource{}

type portSourceModel struct {
	lifecycle.SourceObject

	Name             types.String `tfsdk:"name"`
	NetworkID        types.String `tfsdk:"network_id"`
	IPAddress        types.String `tfsdk:"ip_address"`
	MACAddress       types.String `tfsdk:"mac_address"`
	DeviceID         types.String `tfsdk:"device_id"`
	DeviceOwner      types.String `tfsdk:"device_owner"`
	Tags             types.Set    `tfsdk:"tags"`
	Description      types.String `tfsdk:"description"`
	AllFixedIPs      types.List   `tfsdk:"all_fixed_ips"`
	SecurityGroupIDs types.Set    `tfsdk:"security_group_ids"`
	PortSecurity     types.Bool   `tfsdk:"port_security"`
	AdminStateUp     types.Bool   `tfsdk:"admin_state_up"`
}

func (portSource) Name() string { return "port" }

func (portSource) Schema() schema.Schema {
	by := func(description string, of ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Optional: true, Computed: true, Validators: of}
	}
	return schema.Schema{
		MarkdownDescription: "A port, found by what is set: `id`, `name`, `network_id`, `ip_address`, `mac_address`, `device_id`, `device_owner`, `tags`.",
		Attributes: map[string]schema.Attribute{
			"name":               by("Name of the port."),
			"network_id":         by("ID of its network."),
			"ip_address":         by("An address of the port; its first when not asked for.", attribute.IPAddress()),
			"mac_address":        by("MAC address.", macAddress()),
			"device_id":          by("ID of the server or other device that uses it."),
			"device_owner":       by("What kind of device uses it, such as `compute:nova`."),
			"tags":               sourceTags("port"),
			"description":        schema.StringAttribute{MarkdownDescription: "Description of the port.", Computed: true},
			"all_fixed_ips":      schema.ListAttribute{MarkdownDescription: "All addresses of the port.", ElementType: types.StringType, Computed: true},
			"security_group_ids": schema.SetAttribute{MarkdownDescription: "IDs of its security groups.", ElementType: types.StringType, Computed: true},
			"port_security":      schema.BoolAttribute{MarkdownDescription: "Whether it may only use its own addresses and its security groups hold.", Computed: true},
			"admin_state_up":     schema.BoolAttribute{MarkdownDescription: "Whether the port is up, as far as the administrator is concerned.", Computed: true},
		},
	}
}

func (portSource) Read(ctx context.Context, cloud *openstack.Cloud, m *portSourceModel) error {
	query := filter(map[string]types.String{
		"id": m.ID, "name": m.Name, "network_id": m.NetworkID, "device_id": m.DeviceID, "device_owner": m.DeviceOwner,
	}, m.Tags)
	if value.Known(m.IPAddress) {
		query.Set("fixed_ips", "ip_address="+m.IPAddress.ValueString())
	}
	found, err := find(ctx, cloud, ports, "port", query, func(p apiPort) bool {
		return isCalled(m.Name, p.Name) && hasTags(m.Tags, p.Tags) && (!value.Known(m.MACAddress) || sameMAC(m.MACAddress.ValueString(), p.MACAddress))
	}, func(p apiPort) string { return describe(p.Name, p.ID) + " " + strings.Join(p.addresses(), " ") })
	if err != nil {
		return err
	}
	m.ID = types.StringValue(found.ID)
	m.Name = types.StringValue(found.Name)
	m.NetworkID = types.StringValue(found.NetworkID)
	if !value.Known(m.IPAddress) {
		m.IPAddress = types.StringNull()
		if len(found.FixedIPs) > 0 {
			m.IPAddress = types.StringValue(found.FixedIPs[0].IPAddress)
		}
	}
	if !value.Known(m.MACAddress) {
		m.MACAddress = types.StringValue(found.MACAddress)
	}
	m.DeviceID = types.StringValue(found.DeviceID)
	m.DeviceOwner = types.StringValue(found.DeviceOwner)
	m.Tags = askedOr(m.Tags, found.Tags)
	m.Description = types.StringValue(found.Description)
	m.AllFixedIPs = value.List(found.addresses())
	m.SecurityGroupIDs = value.Set(found.SecurityGroups)
	m.PortSecurity = types.BoolPointerValue(found.PortSecurity)
	m.AdminStateUp = types.BoolValue(found.AdminStateUp)
	return nil
}

// addresses are the port's addresses without their subnets.
func (p apiPort) addresses() []string {
	var all []string
	for _, ip := range p.FixedIPs {
		all = append(all, ip.IPAddress)
	}
	return all
}
