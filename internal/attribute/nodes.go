package attribute

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// NodeKeyPair is the key pair of types that make nodes.
func NodeKeyPair() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "Key pair for SSH to the nodes. The provider itself never uses SSH.",
		Optional:            true,
		Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
	}
}

// NodeZones are the availability zones of types that make nodes.
func NodeZones() schema.ListAttribute {
	return schema.ListAttribute{
		MarkdownDescription: "Zones over which new nodes are spread; Nova chooses when not set.",
		ElementType:         types.StringType,
		Optional:            true,
		Validators:          []validator.List{listvalidator.SizeAtLeast(1), listvalidator.UniqueValues()},
	}
}

// NodeVolume is the boot volume of types that make nodes: size, in GiB, and type.
func NodeVolume(description string) schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: description,
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"size": schema.Int64Attribute{
				MarkdownDescription: "Size in GiB.",
				Required:            true,
				Validators:          []validator.Int64{int64validator.Between(1, 16384)},
			},
			"type": schema.StringAttribute{
				MarkdownDescription: "Volume type; the cloud's default when not set.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
		},
	}
}
