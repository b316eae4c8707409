package loadbalancer

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// loadBalancerSource looks up a load balancer.
type loadBalancerSource struct{}

var _ lifecycle.Source[sourceModel] = loadBalancerSource{}

type sourceModel struct {
	lifecycle.SourceObject

	Name                 types.String `tfsdk:"name"`
	Tags                 types.Set    `tfsdk:"tags"`
	Description          types.String `tfsdk:"description"`
	VIPAddress           types.String `tfsdk:"vip_address"`
	VIPSubnetID          types.String `tfsdk:"vip_subnet_id"`
	VIPNetworkID         types.String `tfsdk:"vip_network_id"`
	VIPPortID            types.String `tfsdk:"vip_port_id"`
	VIPQoSPolicyID       types.String `tfsdk:"vip_qos_policy_id"`
	AdditionalVIPs       types.List   `tfsdk:"additional_vips"`
	FloatingIPID         types.String `tfsdk:"floating_ip_id"`
	FloatingIPAddress    types.String `tfsdk:"floating_ip_address"`
	LoadBalancerProvider types.String `tfsdk:"loadbalancer_provider"`
	FlavorID             types.String `tfsdk:"flavor_id"`
	AvailabilityZone     types.String `tfsdk:"availability_zone"`
	AdminStateUp         types.Bool   `tfsdk:"admin_state_up"`
	ProvisioningStatus   types.String `tfsdk:"provisioning_status"`
	OperatingStatus      types.String `tfsdk:"operating_status"`
	Statuses             types.Object `tfsdk:"statuses"`
}

func (loadBalancerSource) Name() string { return "load_balancer" }

func (loadBalancerSource) Schema() schema.Schema {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	return schema.Schema{
		MarkdownDescription: "A load balancer, found by what is set: `id`, `name`, `tags`.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{MarkdownDescription: "Name of the load balancer.", Optional: true, Computed: true},
			"tags": schema.SetAttribute{
				MarkdownDescription: "Tags that the load balancer must have, all of them; the ones it has where none are asked for.",
				ElementType:         types.StringType,
				Optional:            true,
				Computed:            true,
			},
			"description":       text("Description of the load balancer."),
			"vip_address":       text("Address of the VIP."),
			"vip_subnet_id":     text("Subnet of the VIP."),
			"vip_network_id":    text("Network of the VIP."),
			"vip_port_id":       text("Port of the VIP."),
			"vip_qos_policy_id": text("QoS policy of the VIP's port."),
			"additional_vips": schema.ListNestedAttribute{
				MarkdownDescription: "Further addresses of the VIP.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"subnet_id": text("Subnet of the address."),
					"address":   text("Address."),
				}},
			},
			"floating_ip_id":        text("ID of the floating IP of the VIP, if it has one."),
			"floating_ip_address":   text("Address of the floating IP."),
			"loadbalancer_provider": text("Driver of Octavia."),
			"flavor_id":             text("ID of Octavia's flavor."),
			"availability_zone":     text("Octavia's availability zone."),
			"admin_state_up":        schema.BoolAttribute{MarkdownDescription: "Whether the load balancer is up, as far as the administrator is concerned.", Computed: true},
			"provisioning_status":   text("Whether Octavia is done with the load balancer: `ACTIVE` when it is."),
			"operating_status":      text("How the load balancer and its members do: `ONLINE`, `DEGRADED`, `ERROR`, `OFFLINE`, …."),
			"statuses": schema.ObjectAttribute{
				MarkdownDescription: "How everything below the load balancer does: `listeners`, and `pools` with their `members` and `monitor`, by their names, " +
					"each with `id`, `provisioning_status` and `operating_status`.",
				AttributeTypes: objectTypes(statuses()),
				Computed:       true,
			},
		},
	}
}

func (loadBalancerSource) Read(ctx context.Context, cloud *openstack.Cloud, m *sourceModel) error {
	all, err := engine.All(ctx, cloud)
	if err != nil {
		return err
	}
	var candidates []engine.Tree
	for _, lb := range all {
		lacks := func(tag string) bool { return !slices.Contains(lb.Tags, tag) }
		switch {
		case value.Known(m.ID) && lb.ID != m.ID.ValueString(), value.Known(m.Name) && lb.Name != m.Name.ValueString(),
			slices.ContainsFunc(value.Strings(m.Tags), lacks):
		default:
			candidates = append(candidates, lb)
		}
	}
	found, err := lookup.Only("load balancer", candidates, all, func(t engine.Tree) string { return fmt.Sprintf("%s (%s)", t.Name, t.ID) })
	if err != nil {
		return err
	}
	tree, err := engine.Read(ctx, cloud, found.ID, engine.Spec{})
	if err != nil {
		return err
	}
	return m.flatten(ctx, cloud, tree)
}

func (m *sourceModel) flatten(ctx context.Context, cloud *openstack.Cloud, tree *engine.Tree) error {
	m.ID = types.StringValue(tree.ID)
	m.Name = types.StringValue(tree.Name)
	if m.Tags.IsNull() {
		m.Tags = value.Set(tree.Tags)
	}
	m.Description = types.StringValue(tree.Description)
	m.VIPAddress = value.StringOrNull(tree.VIPAddress)
	m.VIPSubnetID = value.StringOrNull(tree.VIPSubnetID)
	m.VIPNetworkID = value.StringOrNull(tree.VIPNetworkID)
	m.VIPPortID = value.StringOrNull(tree.VIPPortID)
	m.VIPQoSPolicyID = value.StringOrNull(tree.VIPQoSPolicyID)
	m.LoadBalancerProvider = value.StringOrNull(tree.Provider)
	m.FlavorID = value.StringOrNull(tree.FlavorID)
	m.AvailabilityZone = value.StringOrNull(tree.AvailabilityZone)
	m.AdminStateUp = types.BoolValue(tree.AdminStateUp)
	m.ProvisioningStatus = value.StringOrNull(tree.ProvisioningStatus)
	m.OperatingStatus = value.StringOrNull(tree.OperatingStatus)
	ip, err := engine.ExposedBy(ctx, cloud, tree.VIPPortID)
	if err != nil {
		return err
	}
	if ip != nil {
		m.FloatingIPID, m.FloatingIPAddress = types.StringValue(ip.ID), types.StringValue(ip.FloatingIP)
	}
	if m.AdditionalVIPs, err = flattenVIPs(ctx, tree.AdditionalVIPs, types.ListNull(elementType(additionalVIPs()))); err != nil {
		return err
	}
	m.Statuses, err = flattenStatuses(ctx, tree)
	return err
}
