package network

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// floatingIPSource looks up a floating IP.
type floatingIPSource struct{}

var _ lifecycle.Source[floatingIPSourceModel] = floatingIPSource{}

type floatingIPSourceModel struct {
	lifecycle.SourceObject

	Address           types.String `tfsdk:"address"`
	Description       types.String `tfsdk:"description"`
	ExternalNetworkID types.String `tfsdk:"external_network_id"`
	PortID            types.String `tfsdk:"port_id"`
	FixedIP           types.String `tfsdk:"fixed_ip"`
	Tags              types.Set    `tfsdk:"tags"`
	RouterID          types.String `tfsdk:"router_id"`
	Status            types.String `tfsdk:"status"`
}

func (floatingIPSource) Name() string { return "floating_ip" }

func (floatingIPSource) Schema() schema.Schema {
	by := func(description string, of ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Optional: true, Computed: true, Validators: of}
	}
	return schema.Schema{
		MarkdownDescription: "A floating IP, found by what is set: `id`, `address`, `description`, `external_network_id`, `port_id`, `fixed_ip`, `tags`.",
		Attributes: map[string]schema.Attribute{
			"address":             by("The address.", attribute.IPAddress()),
			"description":         by("Its description, for want of a name."),
			"external_network_id": by("ID of the external network."),
			"port_id":             by("ID of the port that it leads to; null when it leads nowhere."),
			"fixed_ip":            by("Address of the port that it leads to; null when it leads nowhere.", attribute.IPAddress()),
			"tags":                sourceTags("floating IP"),
			"router_id":           schema.StringAttribute{MarkdownDescription: "ID of the router that translates the address.", Computed: true},
			"status":              schema.StringAttribute{MarkdownDescription: "`ACTIVE`, `DOWN` or `ERROR`.", Computed: true},
		},
	}
}

func (floatingIPSource) Read(ctx context.Context, cloud *openstack.Cloud, m *floatingIPSourceModel) error {
	query := filter(map[string]types.String{
		"id": m.ID, "floating_ip_address": m.Address, "description": m.Description, "floating_network_id": m.ExternalNetworkID,
		"port_id": m.PortID, "fixed_ip_address": m.FixedIP,
	}, m.Tags)
	found, err := find(ctx, cloud, floatingIPs, "floating IP", query,
		func(f apiFloatingIP) bool { return isCalled(m.Description, f.Description) && hasTags(m.Tags, f.Tags) },
		func(f apiFloatingIP) string { return describe(f.Address, f.ID) })
	if err != nil {
		return err
	}
	m.ID = types.StringValue(found.ID)
	m.Address = types.StringValue(found.Address)
	m.Description = types.StringValue(found.Description)
	m.ExternalNetworkID = types.StringValue(found.FloatingNetworkID)
	m.PortID = value.StringOrNull(found.PortID)
	m.FixedIP = value.StringOrNull(found.FixedIP)
	m.Tags = askedOr(m.Tags, found.Tags)
	m.RouterID = value.StringOrNull(found.RouterID)
	m.Status = types.StringValue(found.Status)
	return nil
}
