package loadbalancer

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/flavors"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// flavorSource looks up a flavor of Octavia.
type flavorSource struct{}

var _ lifecycle.Source[flavorSourceModel] = flavorSource{}

type flavorSourceModel struct {
	lifecycle.SourceObject

	Name        types.String `tfsdk:"name"`
	Description types.String `tfsdk:"description"`
	Enabled     types.Bool   `tfsdk:"enabled"`
	ProfileID   types.String `tfsdk:"flavor_profile_id"`
}

func (flavorSource) Name() string { return "load_balancer_flavor" }

func (flavorSource) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A flavor of load balancers, found by what is set: `id`, `name`.",
		Attributes: map[string]schema.Attribute{
			"name":              schema.StringAttribute{MarkdownDescription: "Name of the flavor.", Optional: true, Computed: true},
			"description":       schema.StringAttribute{MarkdownDescription: "Description of the flavor.", Computed: true},
			"enabled":           schema.BoolAttribute{MarkdownDescription: "Whether new load balancers can have it.", Computed: true},
			"flavor_profile_id": schema.StringAttribute{MarkdownDescription: "ID of its profile, which administrators see.", Computed: true},
		},
	}
}

func (flavorSource) Read(ctx context.Context, cloud *openstack.Cloud, m *flavorSourceModel) error {
	all, err := lookup.LoadBalancerFlavors(ctx, cloud)
	if err != nil {
		return err
	}
	var candidates []flavors.Flavor
	for _, f := range all {
		if (m.ID.IsNull() || f.ID == m.ID.ValueString()) && (m.Name.IsNull() || f.Name == m.Name.ValueString()) {
			candidates = append(candidates, f)
		}
	}
	found, err := lookup.Only("load balancer flavor", candidates, all, lookup.DescribeLoadBalancerFlavor)
	if err != nil {
		return err
	}
	m.ID = types.StringValue(found.ID)
	m.Name = types.StringValue(found.Name)
	m.Description = types.StringValue(found.Description)
	m.Enabled = types.BoolValue(found.Enabled)
	m.ProfileID = value.StringOrNull(found.FlavorProfileId)
	return nil
}
