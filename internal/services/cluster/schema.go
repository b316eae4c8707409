package cluster

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/kubernetes"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

const (
	waitReady   = "ready"
	waitServers = "servers"

	policySoft = "soft-anti-affinity"
)

func nameAttribute(description string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: description + " It is the beginning of its nodes' names.",
		Required:            true,
		Validators:          []validator.String{attribute.Obeys("must be a name that Kubernetes takes", kubernetes.ValidateNamePart)},
	}
}

func versionAttribute(description string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: description,
		Required:            true,
		Validators: []validator.String{attribute.Obeys("must be a version", func(text string) error {
			_, err := kubernetes.ParseVersion(text)
			return err
		})},
	}
}

// nodeAttributes are those of everything that has nodes.
func nodeAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"subnet_id": schema.StringAttribute{
			MarkdownDescription: "Subnet of the nodes.",
			Required:            true,
			Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		},
		"security_group_ids": schema.SetAttribute{
			MarkdownDescription: "Security groups of the nodes; the project's `default` when not set. Changed in place.",
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.Set{setvalidator.SizeAtLeast(1)},
		},
		"key_pair":           attribute.NodeKeyPair(),
		"availability_zones": attribute.NodeZones(),
		"server_group_policy": schema.StringAttribute{
			MarkdownDescription: "How the nodes are kept on different hosts: `soft-anti-affinity` where possible (the default), `anti-affinity` always, " +
				"`none` not at all.",
			Optional:   true,
			Computed:   true,
			Default:    stringdefault.StaticString(policySoft),
			Validators: []validator.String{stringvalidator.OneOf(policySoft, "anti-affinity", "none")},
		},
		"extra_config": schema.StringAttribute{
			MarkdownDescription: "More of the distribution's `config.yaml`, as YAML: `yamlencode({ \"kubelet-arg\" = [\"max-pods=200\"] })`.",
			Optional:            true,
			Validators: []validator.String{attribute.Obeys("must be YAML", func(text string) error {
				_, err := kubernetes.ParseExtraConfig(text)
				return err
			})},
		},
		"install": schema.SingleNestedAttribute{
			MarkdownDescription: "Where nodes get the release from; the distribution's own download site when not set.",
			Optional:            true,
			Attributes: map[string]schema.Attribute{
				"url": schema.StringAttribute{
					MarkdownDescription: "Folder of a mirror that has a folder for each release, with the same files in it.",
					Required:            true,
					Validators:          []validator.String{attribute.Obeys("must be a URL", validateMirror)},
				},
				"sha256": schema.StringAttribute{
					MarkdownDescription: "Checksum of the release's artifact. When not set, the mirror's own list of checksums is trusted.",
					Optional:            true,
					Validators:          []validator.String{attribute.SHA256()},
				},
			},
		},
		"wait_for": schema.StringAttribute{
			MarkdownDescription: "When the nodes count as made: `ready` when Kubernetes says so (the default), `servers` when their VMs run. " +
				"With `servers` the provider never talks to the Kubernetes API, so it drains no nodes and changes no labels.",
			Optional:   true,
			Computed:   true,
			Default:    stringdefault.StaticString(waitReady),
			Validators: []validator.String{stringvalidator.OneOf(waitReady, waitServers)},
		},
		"node_names": schema.ListAttribute{
			MarkdownDescription: "Names of the nodes.",
			ElementType:         types.StringType,
			Computed:            true,
		},
		"outdated_node_names": schema.ListAttribute{
			MarkdownDescription: "Names of the nodes that were made from other values than these, such as another image or version.",
			ElementType:         types.StringType,
			Computed:            true,
		},
		"server_group_id": schema.StringAttribute{
			MarkdownDescription: "Server group of the nodes.",
			Computed:            true,
			PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
		},
	}
}

// machineAttributes are those of which every node is made.
func machineAttributes(size schema.Int64Attribute) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"flavor": schema.StringAttribute{
			MarkdownDescription: "Flavor of the nodes, by name or id.",
			Required:            true,
			Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		},
		"image": schema.StringAttribute{
			MarkdownDescription: "Image of the nodes, by name or id. It must have cloud-init and systemd.",
			Required:            true,
			Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		},
		"size":   size,
		"volume": attribute.NodeVolume("Volume that a node boots from, instead of the flavor's own disk. It is deleted with its node."),
	}
}

// joinAttribute is the object that a cluster gives and its pools take.
func joinAttribute(description string, optional bool) schema.SingleNestedAttribute {
	attributes := map[string]schema.Attribute{}
	for name, text := range joinDescriptions() {
		attributes[name] = schema.StringAttribute{MarkdownDescription: text, Optional: optional, Computed: true}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: description,
		Optional:            optional,
		Computed:            true,
		Sensitive:           true,
		Attributes:          attributes,
	}
}

func sensitive(description string) schema.StringAttribute {
	a := attribute.Computed(description)
	a.Sensitive = true
	return a
}

type volumeModel struct {
	Size types.Int64  `tfsdk:"size"`
	Type types.String `tfsdk:"type"`
}

type installModel struct {
	URL    types.String `tfsdk:"url"`
	SHA256 types.String `tfsdk:"sha256"`
}

func (i installModel) install() kubernetes.Install {
	return kubernetes.Install{URL: i.URL.ValueString(), SHA256: i.SHA256.ValueString()}
}

// withSize is the object with another size.
func withSize(ctx context.Context, object types.Object, size int) (types.Object, error) {
	if !value.Known(object) {
		return object, nil
	}
	attributes := map[string]attr.Value{}
	for name, v := range object.Attributes() {
		attributes[name] = v
	}
	attributes["size"] = types.Int64Value(int64(size))
	changed, diags := types.ObjectValue(object.AttributeTypes(ctx), attributes)
	return changed, failure(diags)
}
