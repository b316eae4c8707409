package compute

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// userDataLimit is what Nova's 65,535 bytes of Base64 hold.
const userDataLimit = 65535 / 4 * 3

const (
	powerOn  = "active"
	powerOff = "shutoff"
)

func serverSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A server with its NICs and the volume that it boots from.",
		Attributes: map[string]schema.Attribute{
			"name": attribute.Name("Name of the server. It can change, but the guest keeps its first host name."),
			"flavor": schema.StringAttribute{
				MarkdownDescription: "Name or id of the flavor. Changing it resizes the server in place: it is stopped for that, and a resize that fails is reverted.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"image": schema.StringAttribute{
				MarkdownDescription: "Name or id of the image. Another image makes a new server; a newer image of the same name does not.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"image_id":           attribute.Computed("Id of the image that the server was made from."),
			"networks":           networksAttribute(),
			"security_group_ids": securityGroups("Ids of the security groups of all NICs that have none of their own; the project's group `default` when not set."),
			"key_pair":           fixed("Name of the key pair whose public key the server gets."),
			"user_data": schema.StringAttribute{
				MarkdownDescription: "User data, such as cloud-config, as it is (the provider encodes it). It is in the state; `user_data_wo` is not. Changing it makes a new server.",
				Optional:            true,
				Sensitive:           true,
				Validators: []validator.String{
					stringvalidator.LengthBetween(1, userDataLimit),
					stringvalidator.ConflictsWith(path.MatchRoot("user_data_wo")),
				},
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"user_data_wo": schema.StringAttribute{
				MarkdownDescription: "User data that is never in the state. Raise `user_data_wo_version` to make a new server with a new one.",
				Optional:            true,
				WriteOnly:           true,
				Sensitive:           true,
				Validators: []validator.String{
					stringvalidator.LengthBetween(1, userDataLimit),
					stringvalidator.AlsoRequires(path.MatchRoot("user_data_wo_version")),
				},
			},
			"user_data_wo_version": schema.Int64Attribute{
				MarkdownDescription: "Version of `user_data_wo`. A new number makes a new server.",
				Optional:            true,
				PlanModifiers:       []planmodifier.Int64{int64planmodifier.RequiresReplace()},
			},
			"availability_zone": schema.StringAttribute{
				MarkdownDescription: "Availability zone; the cloud chooses when not set.",
				Optional:            true,
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplaceIfConfigured()},
			},
			"server_group_id": fixed("Id of the server group."),
			"metadata": schema.MapAttribute{
				MarkdownDescription: "Metadata of the server, all of it.",
				ElementType:         types.StringType,
				Optional:            true,
				Computed:            true,
				Default:             mapdefault.StaticValue(value.Map(nil)),
				Validators: []validator.Map{
					mapvalidator.SizeAtMost(128),
					mapvalidator.KeysAre(stringvalidator.LengthBetween(1, 255)),
					mapvalidator.ValueStringsAre(stringvalidator.LengthAtMost(255)),
				},
			},
			"tags":        attribute.Tags(),
			"boot_volume": bootVolumeAttribute(),
			"config_drive": schema.BoolAttribute{
				MarkdownDescription: "Whether the server gets its metadata on a drive as well; the cloud decides when not set.",
				Optional:            true,
				Computed:            true,
				PlanModifiers:       []planmodifier.Bool{boolplanmodifier.UseStateForUnknown(), boolplanmodifier.RequiresReplaceIfConfigured()},
			},
			"power_state": schema.StringAttribute{
				MarkdownDescription: "Whether the server runs (`active`, the default) or is shut off (`shutoff`).",
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(powerOn),
				Validators:          []validator.String{stringvalidator.OneOf(powerOn, powerOff)},
			},
			"access_ipv4": attribute.Computed("First IPv4 address."),
			"access_ipv6": attribute.Computed("First IPv6 address."),
			"port_ids": schema.ListAttribute{
				MarkdownDescription: "Ids of the ports, in the order of the networks.",
				ElementType:         types.StringType,
				Computed:            true,
				PlanModifiers:       []planmodifier.List{listplanmodifier.UseStateForUnknown()},
			},
		},
	}
}

// fixed is an optional text that only a new server can have.
func fixed(description string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: description,
		Optional:            true,
		Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
	}
}

func securityGroups(description string) schema.SetAttribute {
	return schema.SetAttribute{
		MarkdownDescription: description,
		ElementType:         types.StringType,
		Optional:            true,
		Validators:          []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1))},
	}
}

func networksAttribute() schema.ListNestedAttribute {
	one := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Optional: true, Validators: []validator.String{stringvalidator.LengthAtLeast(1)}}
	}
	address := one("Address that the NIC must have.")
	address.Validators = []validator.String{attribute.IPAddress()}
	found := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	return schema.ListNestedAttribute{
		MarkdownDescription: "NICs of the server, in order, each in a network, in a subnet or with a port of its own. " +
			"NICs at the end can be added and removed in place; another network makes a new server.",
		Required:   true,
		Validators: []validator.List{listvalidator.SizeAtLeast(1)},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"network_id":         one("Id of the network."),
			"subnet_id":          one("Id of the subnet, for an address of just this one."),
			"port_id":            one("Id of a port that exists and that nothing uses. It stays when the server goes."),
			"fixed_ip":           address,
			"security_group_ids": securityGroups("Ids of the security groups of this NIC; those of the server when not set."),
			"ipv4_address":       found("First IPv4 address of the NIC."),
			"ipv6_address":       found("First IPv6 address of the NIC."),
			"mac_address":        found("MAC address of the NIC."),
		}},
	}
}

func bootVolumeAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Boot from a new volume with the image's content instead of a local disk. Changing it makes a new server.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"size": schema.Int64Attribute{
				MarkdownDescription: "Size in GiB.",
				Required:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(1)},
				PlanModifiers:       []planmodifier.Int64{int64planmodifier.RequiresReplace()},
			},
			"type": fixed("Volume type; the cloud's default when not set."),
			"delete_on_termination": func() schema.BoolAttribute {
				a := attribute.Flag("Whether the volume goes with the server.", true)
				a.PlanModifiers = []planmodifier.Bool{boolplanmodifier.RequiresReplace()}
				return a
			}(),
			"id": attribute.Computed("Id of the volume."),
		},
	}
}

var (
	nicTypes = map[string]attr.Type{
		"network_id": types.StringType, "subnet_id": types.StringType, "port_id": types.StringType, "fixed_ip": types.StringType,
		"security_group_ids": types.SetType{ElemType: types.StringType}, "ipv4_address": types.StringType, "ipv6_address": types.StringType, "mac_address": types.StringType,
	}
	bootVolumeTypes = map[string]attr.Type{"id": types.StringType, "size": types.Int64Type, "type": types.StringType, "delete_on_termination": types.BoolType}
)
