package network

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// routerSource looks up a router.
type routerSource struct{}

var _ lifecycle.Source[routerSourceModel] = routerSource{}

type routerSourceModel struct {
	lifecycle.SourceObject

	Name              types.String `tfsdk:"name"`
	Tags              types.Set    `tfsdk:"tags"`
	Description       types.String `tfsdk:"description"`
	ExternalNetworkID types.String `tfsdk:"external_network_id"`
	ExternalAddresses types.List   `tfsdk:"external_addresses"`
	EnableSNAT        types.Bool   `tfsdk:"enable_snat"`
	SubnetIDs         types.Set    `tfsdk:"subnet_ids"`
	Routes            types.List   `tfsdk:"routes"`
	AdminStateUp      types.Bool   `tfsdk:"admin_state_up"`
}

func (routerSource) Name() string { return "router" }

func (routerSource) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A router, found by what is set: `id`, `name`, `tags`.",
		Attributes: map[string]schema.Attribute{
			"name":                schema.StringAttribute{MarkdownDescription: "Name of the router.", Optional: true, Computed: true},
			"tags":                sourceTags("router"),
			"description":         schema.StringAttribute{MarkdownDescription: "Description of the router.", Computed: true},
			"external_network_id": schema.StringAttribute{MarkdownDescription: "ID of the external network; null without one.", Computed: true},
			"external_addresses":  schema.ListAttribute{MarkdownDescription: "Addresses in the external network.", ElementType: types.StringType, Computed: true},
			"enable_snat":         schema.BoolAttribute{MarkdownDescription: "Whether addresses of the subnets are translated on the way out; null without an external network.", Computed: true},
			"subnet_ids":          schema.SetAttribute{MarkdownDescription: "IDs of the attached subnets.", ElementType: types.StringType, Computed: true},
			"routes": schema.ListNestedAttribute{
				MarkdownDescription: "Static routes.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"destination": schema.StringAttribute{MarkdownDescription: "Network in CIDR notation.", Computed: true},
					"nexthop":     schema.StringAttribute{MarkdownDescription: "Address that knows the way.", Computed: true},
				}},
			},
			"admin_state_up": schema.BoolAttribute{MarkdownDescription: "Whether the router is up, as far as the administrator is concerned.", Computed: true},
		},
	}
}

func (routerSource) Read(ctx context.Context, cloud *openstack.Cloud, m *routerSourceModel) error {
	found, err := find(ctx, cloud, routers, "router", filter(map[string]types.String{"id": m.ID, "name": m.Name}, m.Tags),
		func(r apiRouter) bool { return isCalled(m.Name, r.Name) && hasTags(m.Tags, r.Tags) },
		func(r apiRouter) string { return describe(r.Name, r.ID) })
	if err != nil {
		return err
	}
	attached, err := openstack.Get(ctx, cloud, attachedSubnets, found.ID)
	if err != nil {
		return fmt.Errorf("list the attached subnets: %w", err)
	}
	m.ID = types.StringValue(found.ID)
	m.Name = types.StringValue(found.Name)
	m.Tags = askedOr(m.Tags, found.Tags)
	m.Description = types.StringValue(found.Description)
	m.EnableSNAT = types.BoolNull()
	var addresses []string
	if found.Gateway != nil {
		m.ExternalNetworkID = types.StringValue(found.Gateway.NetworkID)
		m.EnableSNAT = types.BoolPointerValue(found.Gateway.EnableSNAT)
		for _, ip := range found.Gateway.FixedIPs {
			addresses = append(addresses, ip.IPAddress)
		}
	}
	m.ExternalAddresses = value.List(addresses)
	m.SubnetIDs = value.Set(attached.subnetIDs)
	var rows [][]string
	for _, r := range found.Routes {
		rows = append(rows, []string{r.Destination, r.NextHop})
	}
	m.Routes = objects(routeAttributes, rows...)
	m.AdminStateUp = types.BoolValue(found.AdminStateUp)
	return nil
}
