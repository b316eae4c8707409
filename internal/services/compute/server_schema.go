package compute

import (
	"context"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
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
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
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
			"name":        attribute.Name("Name of the server. It can change, but the guest keeps its first host name."),
			"description": attribute.Description(),
			"flavor": schema.StringAttribute{
				MarkdownDescription: "Name or id of the flavor. Changing it resizes the server in place: it is stopped for that, and a resize that fails is reverted.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"image": schema.StringAttribute{
				MarkdownDescription: "Name or id of the image; required unless the server boots from a volume that exists. Another image makes a new server, or " +
					"is written into this one with `rebuild`; a newer image of the same name does nothing.",
				Optional:   true,
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"rebuild": attribute.Flag("Whether another image, key pair or user data is written into this server instead of making a new one. "+
				"Id, addresses and volumes stay; what was on the local disk is lost.", false),
			"image_id":           attribute.Computed("Id of the image that the server was made from."),
			"networks":           networksAttribute(),
			"security_group_ids": securityGroups("Ids of the security groups of all NICs that have none of their own; the project's group `default` when not set."),
			"key_pair":           rebuilt(fixed("Name of the key pair whose public key the server gets. Another one makes a new server, or rebuilds this one with `rebuild`.")),
			"user_data": rebuilt(schema.StringAttribute{
				MarkdownDescription: "User data, such as cloud-config, as it is (the provider encodes it). It is in the state; `user_data_wo` is not. " +
					"Changing it makes a new server, or rebuilds this one with `rebuild`.",
				Optional:  true,
				Sensitive: true,
				Validators: []validator.String{
					stringvalidator.LengthBetween(1, userDataLimit),
					stringvalidator.ConflictsWith(path.MatchRoot("user_data_wo")),
				},
			}),
			"user_data_wo": schema.StringAttribute{
				MarkdownDescription: "User data that is never in the state. Raise `user_data_wo_version` when it has changed.",
				Optional:            true,
				WriteOnly:           true,
				Sensitive:           true,
				Validators: []validator.String{
					stringvalidator.LengthBetween(1, userDataLimit),
					stringvalidator.AlsoRequires(path.MatchRoot("user_data_wo_version")),
				},
			},
			"user_data_wo_version": schema.Int64Attribute{
				MarkdownDescription: "Version of `user_data_wo`. A new number makes a new server, or rebuilds this one with `rebuild`.",
				Optional:            true,
				PlanModifiers: []planmodifier.Int64{int64planmodifier.RequiresReplaceIf(
					func(ctx context.Context, req planmodifier.Int64Request, resp *int64planmodifier.RequiresReplaceIfFuncResponse) {
						again, diags := rebuilds(ctx, req.Plan)
						resp.RequiresReplace = !again
						resp.Diagnostics.Append(diags...)
					}, rebuildHint, rebuildHint)},
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
			"volumes":     dataVolumesAttribute(),
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

// rebuildHint says when a change needs a new server.
const rebuildHint = "A new server is made unless `rebuild` is true."

// rebuilt makes an attribute one for which a change needs a new server, or a rebuild of the same where that is wanted.
func rebuilt(a schema.StringAttribute) schema.StringAttribute {
	a.PlanModifiers = []planmodifier.String{stringplanmodifier.RequiresReplaceIf(
		func(ctx context.Context, req planmodifier.StringRequest, resp *stringplanmodifier.RequiresReplaceIfFuncResponse) {
			again, diags := rebuilds(ctx, req.Plan)
			resp.RequiresReplace = !again && !sameUserData(req.StateValue, req.PlanValue) // a key's name is no hash
			resp.Diagnostics.Append(diags...)
		}, rebuildHint, rebuildHint)}
	return a
}

// rebuilds says whether a plan wants a rebuild in place of a new server.
func rebuilds(ctx context.Context, plan tfsdk.Plan) (bool, diag.Diagnostics) {
	var rebuild types.Bool
	diags := plan.GetAttribute(ctx, path.Root("rebuild"), &rebuild)
	return rebuild.ValueBool(), diags
}

func bootVolumeAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Boot from a volume instead of a local disk: from a new one with the image's content, or from `volume_id`. What can not change in place makes a new server.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"volume_id": fixed("Id of a bootable volume that exists, in place of `image`. Another one makes a new server."),
			"size": schema.Int64Attribute{
				MarkdownDescription: "Size in GiB, required for a new volume. It can grow in place, and never shrink.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(1)},
				PlanModifiers:       []planmodifier.Int64{int64planmodifier.UseNonNullStateForUnknown()},
			},
			"type": fixed("Volume type of a new volume; the cloud's default when not set. Another one makes a new server."),
			"delete_on_termination": schema.BoolAttribute{
				MarkdownDescription: "Whether the volume goes with the server: `true` for a new volume, `false` for one that existed, when not set.",
				Optional:            true,
				Computed:            true,
			},
			"id": schema.StringAttribute{
				MarkdownDescription: "Id of the volume.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseNonNullStateForUnknown()},
			},
		},
	}
}

func dataVolumesAttribute() schema.MapNestedAttribute {
	return schema.MapNestedAttribute{
		MarkdownDescription: "Volumes that the server uses beside the one that it boots from, by names of your own. They are attached and detached in place. " +
			"Volumes that something else attaches, such as Kubernetes, are left alone.",
		Optional:   true,
		Validators: []validator.Map{mapvalidator.SizeAtLeast(1)},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"volume_id": schema.StringAttribute{
				MarkdownDescription: "Id of the volume.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"device": schema.StringAttribute{
				MarkdownDescription: "Device to ask for, such as `/dev/vdb`. The cloud may choose another one, and the guest calls it as it likes: `/dev/disk/by-id` is more reliable.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.RegexMatches(deviceName, "must be a device such as /dev/vdb")},
			},
		}},
	}
}

// deviceName is what Nova takes for a device.
var deviceName = regexp.MustCompile(`^/dev/(x?v|s|h)d[a-z]{1,2}$`)

var (
	nicTypes = map[string]attr.Type{
		"network_id": types.StringType, "subnet_id": types.StringType, "port_id": types.StringType, "fixed_ip": types.StringType,
		"security_group_ids": types.SetType{ElemType: types.StringType}, "ipv4_address": types.StringType, "ipv6_address": types.StringType, "mac_address": types.StringType,
	}
	bootVolumeTypes = map[string]attr.Type{
		"volume_id": types.StringType, "id": types.StringType, "size": types.Int64Type, "type": types.StringType, "delete_on_termination": types.BoolType,
	}
	dataVolumeTypes = map[string]attr.Type{"volume_id": types.StringType, "device": types.StringType}
)
