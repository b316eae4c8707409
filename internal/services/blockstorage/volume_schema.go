package blockstorage

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
)

// neverMigrate is the policy of Cinder that keeps a volume on its backend.
const neverMigrate = "never"

// sources are the attributes of which a volume gets its content; at most one of them can be set.
func sources() []string { return []string{"image", "snapshot_id", "source_volume_id", "backup_id"} }

func volumeSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A volume, which is a disk that servers can use: a blank one, or one with the content of an image, a snapshot, another volume or a backup.",
		Attributes: map[string]schema.Attribute{
			"name":        attribute.Name("Name of the volume."),
			"description": attribute.Description(),
			"size": schema.Int64Attribute{
				MarkdownDescription: "Size in GiB. It can grow in place, also while a server uses the volume, and never shrink. " +
					"Required for blank volumes and those from an image; else that of the source when not set.",
				Optional:      true,
				Computed:      true,
				Validators:    []validator.Int64{int64validator.AtLeast(1)},
				PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
			},
			"volume_type": schema.StringAttribute{
				MarkdownDescription: "Name or id of the volume type; the source's or the cloud's default when not set. Changing it retypes the volume in place.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{stringvalidator.LengthBetween(1, 255)},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"migration_policy": schema.StringAttribute{
				MarkdownDescription: "What a change of `volume_type` may do: `never` (the default) keeps the volume on its backend, `on-demand` moves its data to another one when the type needs that.",
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(neverMigrate),
				Validators:          []validator.String{stringvalidator.OneOf(neverMigrate, "on-demand")},
			},
			"image": source("Name or id of the image whose content the volume gets. Another image makes a new volume; a newer image of the same name does not.",
				"image"),
			"image_id":         attribute.Computed("Id of the image whose content the volume got."),
			"snapshot_id":      source("Id of the snapshot whose content the volume gets. Another one makes a new volume; removing this argument changes nothing.", "snapshot_id"),
			"source_volume_id": source("Id of the volume whose content the volume gets. Another one makes a new volume; removing this argument changes nothing.", "source_volume_id"),
			"backup_id":        source("Id of the backup whose content the volume gets. Another one makes a new volume; removing this argument changes nothing.", "backup_id"),
			"availability_zone": schema.StringAttribute{
				MarkdownDescription: "Availability zone; the cloud chooses when not set. Changing it makes a new volume.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplaceIfConfigured()},
			},
			"metadata": metadataAttribute("Metadata of the volume, all of it."),
			"delete_snapshots": attribute.Flag("Whether the snapshots of the volume are deleted with it. "+
				"Without that, a volume that has snapshots is not deleted.", false),
			"bootable":    computedFlag("Whether servers can boot from it."),
			"encrypted":   computedFlag("Whether its type encrypts it."),
			"multiattach": computedFlag("Whether its type lets several servers use it at the same time."),
			"attachments": schema.ListNestedAttribute{
				MarkdownDescription: "The servers that use it.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":        schema.StringAttribute{MarkdownDescription: "Id of the attachment.", Computed: true},
					"server_id": schema.StringAttribute{MarkdownDescription: "Id of the server.", Computed: true},
					"device":    schema.StringAttribute{MarkdownDescription: "Device that the cloud means it to be; the guest may call it otherwise.", Computed: true},
				}},
			},
		},
	}
}

// source is an optional attribute that the content of a new volume comes from.
func source(description, name string) schema.StringAttribute {
	var others []path.Expression
	for _, other := range sources() {
		if other != name {
			others = append(others, path.MatchRoot(other))
		}
	}
	return schema.StringAttribute{
		MarkdownDescription: description,
		Optional:            true,
		Validators:          []validator.String{stringvalidator.LengthAtLeast(1), stringvalidator.ConflictsWith(others...)},
	}
}

func computedFlag(description string) schema.BoolAttribute {
	return schema.BoolAttribute{
		MarkdownDescription: description,
		Computed:            true,
		PlanModifiers:       []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()},
	}
}

var attachmentTypes = map[string]attr.Type{"id": types.StringType, "server_id": types.StringType, "device": types.StringType}
