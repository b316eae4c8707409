package network

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
)

// The nested attributes of a port that are strings only.
var (
	fixedIPAttributes       = []string{"subnet_id", "ip_address"}
	pairAttributes          = []string{"ip_address", "mac_address"}
	dnsAssignmentAttributes = []string{"hostname", "fqdn", "ip_address"}
)

// vnicTypes are the kinds of virtual interfaces that Neutron knows.
var vnicTypes = []string{
	"normal", "direct", "macvtap", "baremetal", "direct-physical", "virtio-forwarder", "smart-nic", "vdpa",
	"accelerator-direct", "accelerator-direct-physical", "remote-managed",
}

func (port) Schema() schema.Schema {
	const otherMAC = "Another address makes a new port."
	return schema.Schema{
		MarkdownDescription: "A port: a place in a network with addresses, security groups and what else a network interface has. A server takes it with `networks = [{ port_id = … }]`, a floating IP leads to it.",
		Attributes: map[string]schema.Attribute{
			"name":        optionalName(),
			"description": attribute.Description(),
			"network_id":  attribute.Reference("ID of the network. Changing it makes a new port."),
			"fixed_ips": schema.ListNestedAttribute{
				MarkdownDescription: "Addresses of the port: chosen ones, or of chosen subnets. When not set, one of each IP version, as the cloud chooses; `[]` is none. Removing it keeps the addresses.",
				Optional:            true,
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"subnet_id": schema.StringAttribute{
						MarkdownDescription: "ID of the subnet; the one that `ip_address` is in when not set.",
						Optional:            true,
						Computed:            true,
						Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
					},
					"ip_address": schema.StringAttribute{
						MarkdownDescription: "Address; a free one of the subnet when not set.",
						Optional:            true,
						Computed:            true,
						Validators:          []validator.String{attribute.IPAddress()},
					},
				}},
			},
			"all_fixed_ips": schema.ListAttribute{
				MarkdownDescription: "All addresses that the port has, among them those that it gives itself by SLAAC.",
				ElementType:         types.StringType,
				Computed:            true,
			},
			"mac_address": schema.StringAttribute{
				MarkdownDescription: "MAC address; one that the cloud chooses when not set. " + otherMAC,
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{macAddress()},
				PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplaceIf(
					func(_ context.Context, req planmodifier.StringRequest, resp *stringplanmodifier.RequiresReplaceIfFuncResponse) {
						resp.RequiresReplace = !req.ConfigValue.IsNull() && !sameMAC(req.PlanValue.ValueString(), req.StateValue.ValueString())
					}, otherMAC, otherMAC)},
			},
			"port_security": schema.BoolAttribute{
				MarkdownDescription: "Whether the port may only use its own addresses and its security groups hold. When not set, as its network says. " +
					"Without it the port has neither groups nor `allowed_address_pairs`; switching it on again brings none by itself.",
				Optional:      true,
				Computed:      true,
				PlanModifiers: []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()},
			},
			"security_group_ids": schema.SetAttribute{
				MarkdownDescription: "IDs of the security groups, all of them. When not set, the project's default group, as long as nobody changes it; `[]` is none, so that nothing gets through.",
				ElementType:         types.StringType,
				Optional:            true,
				Computed:            true,
				PlanModifiers:       []planmodifier.Set{setplanmodifier.UseStateForUnknown()},
				Validators:          []validator.Set{setvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1))},
			},
			"allowed_address_pairs": schema.ListNestedAttribute{
				MarkdownDescription: "Further addresses that the port may send from, such as one that two servers share, or the networks behind a router.",
				Optional:            true,
				Validators:          []validator.List{listvalidator.SizeAtLeast(1), listvalidator.UniqueValues()},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"ip_address": schema.StringAttribute{
						MarkdownDescription: "Address, or network in CIDR notation.",
						Required:            true,
						Validators:          []validator.String{addressOrPrefix()},
					},
					"mac_address": schema.StringAttribute{
						MarkdownDescription: "MAC address; the port's own when not set.",
						Optional:            true,
						Validators:          []validator.String{macAddress()},
					},
				}},
			},
			"extra_dhcp_options": schema.ListNestedAttribute{
				MarkdownDescription: "DHCP options for this port only.",
				Optional:            true,
				Validators:          []validator.List{listvalidator.SizeAtLeast(1)},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"name": schema.StringAttribute{
						MarkdownDescription: "Name or number of the option, such as `bootfile-name` or `66`.",
						Required:            true,
						Validators:          []validator.String{stringvalidator.LengthBetween(1, 64)},
					},
					"value": schema.StringAttribute{
						MarkdownDescription: "Value of the option.",
						Required:            true,
						Validators:          []validator.String{stringvalidator.LengthBetween(1, 255)},
					},
					"ip_version": schema.Int64Attribute{
						MarkdownDescription: "4 for DHCP, 6 for DHCPv6.",
						Optional:            true,
						Computed:            true,
						Default:             int64default.StaticInt64(4),
						Validators:          []validator.Int64{int64validator.OneOf(4, 6)},
					},
				}},
			},
			"dns_name": schema.StringAttribute{
				MarkdownDescription: "Name that the network's DNS gives the port's addresses; that of the server that uses the port when not set. The cloud needs the extension `dns-integration`.",
				Optional:            true,
				Validators:          []validator.String{dnsName()},
			},
			"dns_domain": schema.StringAttribute{
				MarkdownDescription: "Domain in which an external DNS has the name, with a dot at the end; the network's when not set. The cloud needs the extension `dns-domain-ports`.",
				Optional:            true,
				Validators:          []validator.String{dnsDomain()},
			},
			"dns_assignment": schema.ListNestedAttribute{
				MarkdownDescription: "Names that the network's DNS has for the addresses.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"hostname":   schema.StringAttribute{MarkdownDescription: "Name without its domain.", Computed: true},
					"fqdn":       schema.StringAttribute{MarkdownDescription: "Whole name.", Computed: true},
					"ip_address": schema.StringAttribute{MarkdownDescription: "Address that it stands for.", Computed: true},
				}},
			},
			"vnic_type": schema.StringAttribute{
				MarkdownDescription: "Kind of the virtual interface: `normal`, or for hardware that goes to the server directly `direct`, `macvtap` and others.",
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString("normal"),
				Validators:          []validator.String{stringvalidator.OneOf(vnicTypes...)},
			},
			"binding_profile": schema.StringAttribute{
				MarkdownDescription: "What the host's driver is told, an object as JSON: `jsonencode({ … })`. Needs an administrator, and only they see it; keys that the cloud adds are left alone.",
				Optional:            true,
				Validators:          []validator.String{parses{"must be a JSON object", func(s string) error { _, err := parseProfile(s); return err }}},
			},
			"qos_policy_id":  qosPolicy("port"),
			"admin_state_up": attribute.AdminStateUp(),
			"device_id":      schema.StringAttribute{MarkdownDescription: "ID of the server or other device that uses the port; empty when none does.", Computed: true},
			"device_owner":   schema.StringAttribute{MarkdownDescription: "What kind of device uses the port, such as `compute:nova`; empty when none does.", Computed: true},
			"tags":           attribute.Tags(),
		},
	}
}
