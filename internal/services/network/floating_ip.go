package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// floatingIP is an address of an external network that leads to a port.
type floatingIP struct{}

var (
	_ lifecycle.Handler[floatingIPModel]   = floatingIP{}
	_ lifecycle.Updater[floatingIPModel]   = floatingIP{}
	_ lifecycle.Validator[floatingIPModel] = floatingIP{}
	_ lifecycle.Planner[floatingIPModel]   = floatingIP{}
	_ lifecycle.Lister                     = floatingIP{}
	_ lifecycle.Mover                      = floatingIP{}
)

type floatingIPModel struct {
	lifecycle.Object

	Description       types.String `tfsdk:"description"`
	ExternalNetwork   types.String `tfsdk:"external_network"`
	ExternalNetworkID types.String `tfsdk:"external_network_id"`
	SubnetID          types.String `tfsdk:"subnet_id"`
	Address           types.String `tfsdk:"address"`
	PortID            types.String `tfsdk:"port_id"`
	FixedIP           types.String `tfsdk:"fixed_ip"`
	RouterID          types.String `tfsdk:"router_id"`
	DNSName           types.String `tfsdk:"dns_name"`
	DNSDomain         types.String `tfsdk:"dns_domain"`
	QoSPolicyID       types.String `tfsdk:"qos_policy_id"`
	Tags              types.Set    `tfsdk:"tags"`
}

type apiFloatingIP struct {
	ID                string   `json:"id"`
	ProjectID         string   `json:"project_id"`
	Description       string   `json:"description"`
	FloatingNetworkID string   `json:"floating_network_id"`
	Address           string   `json:"floating_ip_address"`
	PortID            string   `json:"port_id"`
	FixedIP           string   `json:"fixed_ip_address"`
	RouterID          string   `json:"router_id"`
	DNSName           string   `json:"dns_name"`
	DNSDomain         string   `json:"dns_domain"`
	QoSPolicyID       string   `json:"qos_policy_id"`
	Status            string   `json:"status"`
	Tags              []string `json:"tags"`
}

var floatingIPs = kind[apiFloatingIP]{"floatingip", "floatingips", func(f apiFloatingIP) string { return f.ID }}

func (floatingIP) Name() string { return "floating_ip" }

func (floatingIP) Schema() schema.Schema {
	address := attribute.Computed("Address of the floating IP. Most clouds let administrators only choose one. Changing it makes a new one.")
	address.Optional = true
	address.PlanModifiers = append(address.PlanModifiers, stringplanmodifier.RequiresReplaceIfConfigured())
	address.Validators = []validator.String{attribute.IPAddress()}
	return schema.Schema{
		MarkdownDescription: "An address of an external network, and the port that it leads to.",
		Attributes: map[string]schema.Attribute{
			"description": attribute.Description(),
			"external_network": schema.StringAttribute{
				MarkdownDescription: "Name or ID of the external network. Another network means a new floating IP.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"external_network_id": attribute.Computed("ID of the external network."),
			"subnet_id": schema.StringAttribute{
				MarkdownDescription: "ID of the external network's subnet to take the address from. Changing it makes a new floating IP.",
				Optional:            true,
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplaceIf(
					func(_ context.Context, req planmodifier.StringRequest, resp *stringplanmodifier.RequiresReplaceIfFuncResponse) {
						resp.RequiresReplace = !req.StateValue.IsNull() // the API does not tell it, so an imported one has none
					}, "Changing it makes a new floating IP.", "Changing it makes a new floating IP.")},
			},
			"address": address,
			"port_id": schema.StringAttribute{
				MarkdownDescription: "ID of the port that the address leads to. The port's subnet must be attached to a router with this external network, " +
					"which may come into being in the same apply: it is waited for, for three minutes.",
				Optional:   true,
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"fixed_ip": schema.StringAttribute{
				MarkdownDescription: "Which address of the port is meant; its first when not set.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{attribute.IPAddress(), stringvalidator.AlsoRequires(path.MatchRoot("port_id"))},
			},
			"router_id": schema.StringAttribute{
				MarkdownDescription: "ID of the router that translates the address.",
				Computed:            true,
			},
			"dns_name": schema.StringAttribute{
				MarkdownDescription: "Name that an external DNS service gives the address; with `dns_domain`. A cloud without one forgets both, which is a warning. Changing it makes a new floating IP.",
				Optional:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
				Validators:          []validator.String{dnsName(), stringvalidator.AlsoRequires(path.MatchRoot("dns_domain"))},
			},
			"dns_domain": schema.StringAttribute{
				MarkdownDescription: "Domain of `dns_name`, with a dot at the end. Changing it makes a new floating IP.",
				Optional:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
				Validators:          []validator.String{dnsDomain(), stringvalidator.AlsoRequires(path.MatchRoot("dns_name"))},
			},
			"qos_policy_id": qosPolicy("address"),
			"tags":          attribute.Tags(),
		},
	}
}

func (floatingIP) Validate(_ context.Context, m *floatingIPModel) error {
	var errs []error
	for name, v := range map[string]types.String{"address": m.Address, "fixed_ip": m.FixedIP} {
		if addr, err := netip.ParseAddr(v.ValueString()); err == nil && addr.Is6() {
			errs = append(errs, lifecycle.Invalid(path.Root(name), "floating IPs are IPv4 only, and %s is IPv6", addr))
		}
	}
	return errors.Join(errs...)
}

// Plan keeps what an association brought as long as it stays, and replaces the address only for another network.
func (floatingIP) Plan(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[floatingIPModel]) error {
	plan, prior := change.Plan, change.Prior
	if plan.PortID.IsNull() {
		plan.FixedIP, plan.RouterID = types.StringNull(), types.StringNull()
	}
	if prior == nil {
		_, id, err := planExternalNetwork(ctx, cloud, plan.ExternalNetwork, types.StringNull(), types.StringNull())
		plan.ExternalNetworkID = id
		return err
	}
	if plan.PortID.Equal(prior.PortID) && !plan.PortID.IsUnknown() {
		if plan.FixedIP.IsUnknown() {
			plan.FixedIP = prior.FixedIP
		}
		plan.RouterID = prior.RouterID
	}
	changed, id, err := planExternalNetwork(ctx, cloud, plan.ExternalNetwork, prior.ExternalNetwork, prior.ExternalNetworkID)
	if err != nil {
		return err
	}
	plan.ExternalNetworkID = id
	if changed {
		change.Replace(path.Root("external_network"))
	}
	return nil
}

func (floatingIP) Create(ctx context.Context, cloud *openstack.Cloud, m *floatingIPModel) error {
	network, err := externalNetwork(ctx, cloud, m.ExternalNetwork.ValueString())
	if err != nil {
		return err
	}
	body := fields{
		"description": m.Description, "subnet_id": m.SubnetID, "floating_ip_address": m.Address,
		"port_id": m.PortID, "fixed_ip_address": m.FixedIP, "dns_name": m.DNSName, "dns_domain": m.DNSDomain, "qos_policy_id": m.QoSPolicyID,
	}.known()
	body["floating_network_id"] = network
	var made apiFloatingIP
	err = openstack.WhenRouted(ctx, func(ctx context.Context) (err error) {
		made, err = floatingIPs.create(ctx, cloud, body)
		return err
	})
	if err != nil {
		return m.blame(err)
	}
	m.ID = types.StringValue(made.ID)
	if value.Known(m.DNSName) && made.DNSName == "" {
		lifecycle.Warn(ctx, "The name of the floating IP is not published", "The cloud has forgotten dns_name and dns_domain: it has no external DNS service for floating IPs. "+
			"Make a DNS record for the address "+made.Address+", or leave the two out.")
	}
	if len(m.Tags.Elements()) > 0 {
		return floatingIPs.setTags(ctx, cloud, made.ID, m.Tags)
	}
	return nil
}

// blame finds the argument that a refusal is about.
func (m *floatingIPModel) blame(err error) error {
	fault, ok := openstack.FaultOf(err)
	if !ok {
		return err
	}
	switch fault.Kind {
	case "ExternalGatewayForFloatingIPNotFound", "PortNotFound", "FloatingIPPortAlreadyAssociated":
		return lifecycle.At(path.Root("port_id"), err)
	case "IpAddressInUse", "IpAddressAlreadyAllocated", "InvalidIpForNetwork", "InvalidIpForSubnet":
		return lifecycle.At(path.Root("address"), err)
	case "PolicyNotAuthorized":
		if value.Known(m.Address) {
			return lifecycle.At(path.Root("address"), fmt.Errorf("choose the address: %w", err))
		}
	}
	return blame(err, map[string]string{"SubnetNotFound": "subnet_id", "QosPolicyNotFound": "qos_policy_id"},
		map[string]string{"dns_name": "dns_name", "dns_domain": "dns_domain", "qos_policy_id": "qos_policy_id", "subnet_id": "subnet_id"})
}

func (floatingIP) Read(ctx context.Context, cloud *openstack.Cloud, m *floatingIPModel) error {
	found, err := floatingIPs.get(ctx, cloud, m.ID.ValueString())
	if err != nil {
		return err
	}
	m.ExternalNetwork, m.ExternalNetworkID, err = flattenExternalNetwork(ctx, cloud, m.ExternalNetwork, m.ExternalNetworkID, found.FloatingNetworkID)
	if err != nil {
		return err
	}
	m.flatten(found)
	return nil
}

func (floatingIP) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *floatingIPModel) error {
	body := fields{"description": plan.Description, "qos_policy_id": plan.QoSPolicyID}.changed(fields{"description": prior.Description, "qos_policy_id": prior.QoSPolicyID})
	// For a port with several addresses Neutron wants to know at every change which one is meant.
	associated := len(body) > 0 && value.Known(plan.PortID)
	if associated || !plan.PortID.Equal(prior.PortID) || !plan.FixedIP.Equal(prior.FixedIP) {
		body["port_id"] = plain(plan.PortID)
		if value.Known(plan.FixedIP) {
			body["fixed_ip_address"] = plan.FixedIP.ValueString()
		}
	}
	err := openstack.WhenRouted(ctx, func(ctx context.Context) error {
		return floatingIPs.change(ctx, cloud, plan.ID.ValueString(), body)
	})
	if err != nil {
		return plan.blame(err)
	}
	if !plan.Tags.Equal(prior.Tags) {
		return floatingIPs.setTags(ctx, cloud, plan.ID.ValueString(), plan.Tags)
	}
	return nil
}

func (floatingIP) Delete(ctx context.Context, cloud *openstack.Cloud, m *floatingIPModel) error {
	return floatingIPs.delete(ctx, cloud, m.ID.ValueString())
}

func (floatingIP) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return lifecycle.ListOf(ctx, cloud, floatingIPs.collection(), func(o apiFloatingIP) lifecycle.Listed {
		return lifecycle.Listed{ID: o.ID, Name: o.Address, ProjectID: o.ProjectID, Tags: o.Tags}
	})
}

// MovesFrom names the type of the common provider.
func (floatingIP) MovesFrom() []string { return []string{"openstack_networking_floatingip_v2"} }

func (m *floatingIPModel) flatten(f apiFloatingIP) {
	m.Description = types.StringValue(f.Description)
	m.Address = types.StringValue(f.Address)
	m.PortID = value.StringOrNull(f.PortID)
	m.FixedIP = value.StringOrNull(f.FixedIP)
	m.RouterID = value.StringOrNull(f.RouterID)
	if f.DNSName != "" || f.DNSDomain != "" { // else the cloud has forgotten them, or there are none
		m.DNSName, m.DNSDomain = value.StringOrNull(f.DNSName), value.StringOrNull(f.DNSDomain)
	}
	m.QoSPolicyID = value.StringOrNull(f.QoSPolicyID)
	m.Tags = value.Set(f.Tags)
}
