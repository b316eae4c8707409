// Package attribute has the schema attributes that many types share, so that none forgets a plan
// modifier, and the validators that the framework does not have.
package attribute

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// Name is a required name that can be changed in place. OpenStack's names have 1 to 255 characters.
func Name(description string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: description,
		Required:            true,
		Validators:          []validator.String{stringvalidator.LengthBetween(1, 255)},
	}
}

// FixedName is a required name that only a new object can have.
func FixedName(description string) schema.StringAttribute {
	a := Name(description)
	a.PlanModifiers = []planmodifier.String{stringplanmodifier.RequiresReplace()}
	return a
}

// Description is free text that is empty when not set, so that removing it removes it in the cloud.
func Description() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "Free text for people.",
		Optional:            true,
		Computed:            true,
		Default:             stringdefault.StaticString(""),
		Validators:          []validator.String{stringvalidator.LengthAtMost(255)},
	}
}

// tag is what every service with tags takes: Nova refuses commas and slashes, and more than 60 characters.
var tag = regexp.MustCompile(`^[^,/]{1,60}$`)

// Tags are the tags of an object, all of them: a tag that somebody else sets shows as drift.
func Tags() schema.SetAttribute {
	return schema.SetAttribute{
		MarkdownDescription: "Tags of the object. All of them: a tag that something else sets is removed.",
		ElementType:         types.StringType,
		Optional:            true,
		Computed:            true,
		Default:             setdefault.StaticValue(value.Set(nil)),
		Validators: []validator.Set{
			setvalidator.SizeAtMost(50),
			setvalidator.ValueStringsAre(stringvalidator.RegexMatches(tag, "must have 1 to 60 characters, without comma and slash")),
		},
	}
}

// AdminStateUp is whether the object passes traffic.
func AdminStateUp() schema.BoolAttribute {
	return Flag("Whether the object is up, as far as the administrator is concerned.", true)
}

// Flag is an optional bool with a default.
func Flag(description string, unset bool) schema.BoolAttribute {
	return schema.BoolAttribute{
		MarkdownDescription: description,
		Optional:            true,
		Computed:            true,
		Default:             booldefault.StaticBool(unset),
	}
}

// Reference is the required id of another object, for which a change makes a new object.
func Reference(description string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: description,
		Required:            true,
		Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
	}
}

// Computed is a string that the cloud chooses once.
func Computed(description string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: description,
		Computed:            true,
		PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
	}
}
