package loadbalancer

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
)

func (loadBalancer) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A load balancer with everything below it: listeners, L7 routes, pools, members, health monitors, and the floating IP of its VIP. " +
			"It is created by one request and changed by as few as possible.\n\n" +
			"The keys of the maps are names that you choose; they become the names of Octavia's objects, by which they are recognised. " +
			"Whatever is below the load balancer and not declared here is removed.",
		Attributes: map[string]schema.Attribute{
			"name":                  attribute.Name("Name of the load balancer."),
			"description":           attribute.Description(),
			"vip_subnet_id":         vip("Subnet of the VIP."),
			"vip_network_id":        vip("Network of the VIP, when Octavia is to choose among its subnets."),
			"vip_port_id":           vip("Port of the VIP, when it exists already. Else Octavia makes one, and this tells its id."),
			"vip_address":           vipAddress(),
			"additional_vips":       additionalVIPs(),
			"vip_qos_policy_id":     optional("QoS policy of the VIP's port. Left alone when not set; taking it out of the configuration takes it from the port."),
			"admin_state_up":        attribute.AdminStateUp(),
			"tags":                  attribute.Tags(),
			"loadbalancer_provider": fixed("Driver of Octavia, such as `amphora` or `ovn`. Chosen by the cloud when not set.", 64),
			"flavor":                flavorAttribute(),
			"flavor_id":             attribute.Computed("ID of Octavia's flavor."),
			"availability_zone":     fixed("Octavia's availability zone.", 255),
			"external_network": schema.StringAttribute{
				MarkdownDescription: "External network, by name or id, of which the VIP gets a floating IP. That is made and deleted with the load balancer.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"floating_ip_id": schema.StringAttribute{
				MarkdownDescription: "ID of a floating IP that exists, when it is to outlive the load balancer; `massif_floating_ip` with `port_id = massif_load_balancer.….vip_port_id` does the same. " +
					"Without it, the id of the one that was made for `external_network`.",
				Optional:   true,
				Computed:   true,
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"floating_ip_address": schema.StringAttribute{
				MarkdownDescription: "Address of the floating IP.",
				Computed:            true,
			},
			"provisioning_status": schema.StringAttribute{
				MarkdownDescription: "Whether Octavia is done with the load balancer: `ACTIVE` when it is.",
				Computed:            true,
			},
			"operating_status": schema.StringAttribute{
				MarkdownDescription: "How the load balancer and its members do, as read last: `ONLINE`, `DEGRADED`, `ERROR`, `OFFLINE`, ….",
				Computed:            true,
			},
			"statuses":  statuses(),
			"listeners": named("Listeners: ports of the VIP.", listenerAttributes()),
			"pools":     named("Pools: groups of members among which traffic is shared.", poolAttributes()),
		},
	}
}

// named is a map of nested objects by the names that the user chose.
func named(description string, attributes map[string]schema.Attribute) schema.MapNestedAttribute {
	return schema.MapNestedAttribute{
		MarkdownDescription: description,
		Optional:            true,
		NestedObject:        schema.NestedAttributeObject{Attributes: attributes},
		Validators:          []validator.Map{mapvalidator.KeysAre(stringvalidator.LengthBetween(1, 255))},
	}
}

func vip(description string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: description + " One of `vip_subnet_id`, `vip_network_id` and `vip_port_id` must be set. Changing it makes a new load balancer.",
		Optional:            true,
		Computed:            true,
		Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplaceIfConfigured()},
	}
}

func vipAddress() schema.StringAttribute {
	a := vip("")
	a.MarkdownDescription = "Address of the VIP. Chosen by the cloud when not set. Changing it makes a new load balancer."
	a.Validators = []validator.String{attribute.IPAddress()}
	return a
}

// flavorAttribute is what the cloud chooses unless the user does, once, by whatever name.
func flavorAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "Octavia's flavor, by name or id. Changing it to another flavor makes a new load balancer.",
		Optional:            true,
		Computed:            true,
		Validators:          []validator.String{stringvalidator.LengthBetween(1, 255)},
		PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
	}
}

// fixed is what the cloud chooses unless the user does, once.
func fixed(description string, most int) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: description + " Changing it makes a new load balancer.",
		Optional:            true,
		Computed:            true,
		Validators:          []validator.String{stringvalidator.LengthBetween(1, most)},
		PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplaceIfConfigured()},
	}
}

func oneOf(description string, values ...string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: description,
		Required:            true,
		Validators:          []validator.String{stringvalidator.OneOf(values...)},
	}
}

func optional(description string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: description,
		Optional:            true,
		Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
	}
}

func texts(description string) schema.SetAttribute {
	return schema.SetAttribute{
		MarkdownDescription: description,
		ElementType:         types.StringType,
		Optional:            true,
		Validators:          []validator.Set{setvalidator.SizeAtLeast(1)},
	}
}

func port(description string) schema.Int64Attribute {
	return count(description, 1, 65535)
}

func count(description string, least, most int64) schema.Int64Attribute {
	return schema.Int64Attribute{
		MarkdownDescription: description,
		Required:            true,
		Validators:          []validator.Int64{int64validator.Between(least, most)},
	}
}

func milliseconds(description string) schema.Int64Attribute {
	return schema.Int64Attribute{
		MarkdownDescription: description + ", in milliseconds. The cloud's default when not set.",
		Optional:            true,
		Validators:          []validator.Int64{int64validator.Between(0, longestTimeout)},
	}
}
