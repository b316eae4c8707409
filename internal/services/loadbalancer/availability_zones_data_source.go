package loadbalancer

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// zonesSource lists the availability zones of Octavia.
type zonesSource struct{}

var _ lifecycle.Source[zonesSourceModel] = zonesSource{}

type zonesSourceModel struct {
	lifecycle.SourceObject

	Names types.List `tfsdk:"names"`
}

func (zonesSource) Name() string { return "load_balancer_availability_zones" }

func (zonesSource) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "The availability zones that load balancers can be in, which are not those of servers.",
		Attributes: map[string]schema.Attribute{
			"names": schema.ListAttribute{
				MarkdownDescription: "Names of the zones that are enabled, in alphabetical order.",
				ElementType:         types.StringType,
				Computed:            true,
			},
		},
	}
}

func (zonesSource) Read(ctx context.Context, cloud *openstack.Cloud, m *zonesSourceModel) error {
	all, err := lookup.LoadBalancerAvailabilityZones(ctx, cloud)
	if err != nil {
		return err
	}
	names := enabledZones(all)
	slices.Sort(names)
	m.ID = types.StringValue(cloud.Region())
	m.Names = value.List(names)
	return nil
}

func enabledZones(all []lookup.LoadBalancerAvailabilityZone) []string {
	var names []string
	for _, zone := range all {
		if zone.Enabled {
			names = append(names, zone.Name)
		}
	}
	return names
}
