package network

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// network is a virtual network, in which subnets give out addresses.
type network struct{}

var (
	_ lifecycle.Handler[networkModel] = network{}
	_ lifecycle.Updater[networkModel] = network{}
	_ lifecycle.Lister                = network{}
	_ lifecycle.Mover                 = network{}
)

type networkModel struct {
	lifecycle.Object

	Name                  types.String `tfsdk:"name"`
	Description           types.String `tfsdk:"description"`
	MTU                   types.Int64  `tfsdk:"mtu"`
	DNSDomain             types.String `tfsdk:"dns_domain"`
	PortSecurity          types.Bool   `tfsdk:"port_security"`
	Shared                types.Bool   `tfsdk:"shared"`
	External              types.Bool   `tfsdk:"external"`
	AdminStateUp          types.Bool   `tfsdk:"admin_state_up"`
	AvailabilityZoneHints types.Set    `tfsdk:"availability_zone_hints"`
	QoSPolicyID           types.String `tfsdk:"qos_policy_id"`
	Tags                  types.Set    `tfsdk:"tags"`
}

type apiNetwork struct {
	ID                    string   `json:"id"`
	ProjectID             string   `json:"project_id"`
	Name                  string   `json:"name"`
	Description           string   `json:"description"`
	MTU                   int      `json:"mtu"`
	DNSDomain             string   `json:"dns_domain"`
	PortSecurity          *bool    `json:"port_security_enabled"`
	Shared                bool     `json:"shared"`
	External              bool     `json:"router:external"`
	AdminStateUp          bool     `json:"admin_state_up"`
	AvailabilityZoneHints []string `json:"availability_zone_hints"`
	QoSPolicyID           string   `json:"qos_policy_id"`
	Tags                  []string `json:"tags"`
	Subnets               []string `json:"subnets"`
	Status                string   `json:"status"`
}

var networks = kind[apiNetwork]{"network", "networks", func(n apiNetwork) string { return n.ID }}

func (network) Name() string { return "network" }

func (network) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A virtual network.",
		Attributes: map[string]schema.Attribute{
			"name":        attribute.Name("Name of the network."),
			"description": attribute.Description(),
			"mtu": schema.Int64Attribute{
				MarkdownDescription: "Largest packet in bytes. When not set, the largest that the cloud can carry.",
				Optional:            true,
				Computed:            true,
				PlanModifiers:       []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
				Validators:          []validator.Int64{int64validator.Between(68, 65535)},
			},
			"dns_domain": schema.StringAttribute{
				MarkdownDescription: "Domain of the names of ports, with a dot at the end, such as `prod.example.com.`.",
				Optional:            true,
				Validators:          []validator.String{dnsDomain()},
			},
			"port_security": schema.BoolAttribute{
				MarkdownDescription: "Whether new ports have security groups and may only use their own addresses. When not set, as the cloud does by default.",
				Optional:            true,
				Computed:            true,
				PlanModifiers:       []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()},
			},
			"shared":         attribute.Flag("Whether all projects may use the network. Needs an administrator.", false),
			"external":       attribute.Flag("Whether routers may use the network as their gateway. Needs an administrator.", false),
			"admin_state_up": attribute.AdminStateUp(),
			"availability_zone_hints": schema.SetAttribute{
				MarkdownDescription: "Availability zones for the network's agents. Changing it makes a new network.",
				ElementType:         types.StringType,
				Optional:            true,
				PlanModifiers:       []planmodifier.Set{setplanmodifier.RequiresReplace()},
				Validators:          []validator.Set{nonEmptySet()},
			},
			"qos_policy_id": qosPolicy("network's ports"),
			"tags":          attribute.Tags(),
		},
	}
}

func (m *networkModel) fields() fields {
	return fields{
		"name": m.Name, "description": m.Description, "mtu": m.MTU, "port_security_enabled": m.PortSecurity,
		"shared": m.Shared, "router:external": m.External, "admin_state_up": m.AdminStateUp,
		"dns_domain": m.DNSDomain, "availability_zone_hints": m.AvailabilityZoneHints, "qos_policy_id": m.QoSPolicyID,
	}
}

// blameNetwork finds the argument that a refusal is about.
func blameNetwork(err error) error {
	return blame(err, map[string]string{"QosPolicyNotFound": "qos_policy_id", "AvailabilityZoneNotFound": "availability_zone_hints"}, map[string]string{
		"shared": "shared", "router:external": "external", "mtu": "mtu", "dns_domain": "dns_domain", "port_security_enabled": "port_security", "qos_policy_id": "qos_policy_id",
		"availability_zone_hints": "availability_zone_hints",
	})
}

func (network) Create(ctx context.Context, cloud *openstack.Cloud, m *networkModel) error {
	made, err := networks.create(ctx, cloud, m.fields().known())
	if err != nil {
		return blameNetwork(err)
	}
	m.ID = types.StringValue(made.ID)
	if len(m.Tags.Elements()) > 0 {
		return networks.setTags(ctx, cloud, made.ID, m.Tags)
	}
	return nil
}

func (network) Read(ctx context.Context, cloud *openstack.Cloud, m *networkModel) error {
	found, err := networks.get(ctx, cloud, m.ID.ValueString())
	if err != nil {
		return err
	}
	m.flatten(found)
	return nil
}

func (network) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *networkModel) error {
	body := plan.fields().changed(prior.fields())
	if domain, ok := body["dns_domain"]; ok && domain == nil {
		body["dns_domain"] = "" // Neutron takes no null here
	}
	if err := networks.change(ctx, cloud, plan.ID.ValueString(), body); err != nil {
		return blameNetwork(err)
	}
	if !plan.Tags.Equal(prior.Tags) {
		return networks.setTags(ctx, cloud, plan.ID.ValueString(), plan.Tags)
	}
	return nil
}

func (network) Delete(ctx context.Context, cloud *openstack.Cloud, m *networkModel) error {
	id := m.ID.ValueString()
	return deleteUnused(ctx, "network "+m.Name.ValueString(),
		func(ctx context.Context) error { return networks.delete(ctx, cloud, id) },
		portUsers(cloud, url.Values{"network_id": {id}}))
}

func (network) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return lifecycle.ListOf(ctx, cloud, networks.collection(), func(o apiNetwork) lifecycle.Listed {
		return lifecycle.Listed{ID: o.ID, Name: o.Name, ProjectID: o.ProjectID, Tags: o.Tags}
	})
}

// MovesFrom names the type of the common provider.
func (network) MovesFrom() []string { return []string{"openstack_networking_network_v2"} }

func (m *networkModel) flatten(n apiNetwork) {
	m.Name = types.StringValue(n.Name)
	m.Description = types.StringValue(n.Description)
	m.MTU = value.Int(n.MTU)
	m.DNSDomain = value.StringOrNull(n.DNSDomain)
	m.PortSecurity = types.BoolPointerValue(n.PortSecurity)
	m.Shared = types.BoolValue(n.Shared)
	m.External = types.BoolValue(n.External)
	m.AdminStateUp = types.BoolValue(n.AdminStateUp)
	m.AvailabilityZoneHints = value.SetOrNull(n.AvailabilityZoneHints)
	m.QoSPolicyID = value.StringOrNull(n.QoSPolicyID)
	m.Tags = value.Set(n.Tags)
}
