package network

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// optionalName is the name of things that people mostly refer to by their id.
func optionalName() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "Name of the object.",
		Optional:            true,
		Computed:            true,
		Default:             stringdefault.StaticString(""),
		Validators:          []validator.String{stringvalidator.LengthAtMost(255)},
	}
}

// nonEmptySet refuses an empty set where leaving the attribute out says the same.
func nonEmptySet() validator.Set { return setvalidator.SizeAtLeast(1) }

var domainName = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+$`)

func dnsDomain() validator.String {
	return stringvalidator.RegexMatches(domainName, "must be a domain with a dot at its end, such as prod.example.com.")
}

// keepOrder returns prior when now has the same elements: Neutron gives some lists back in an order of its own.
func keepOrder(prior, now types.List) types.List {
	if !value.AllKnown(prior) || prior.IsNull() || len(prior.Elements()) != len(now.Elements()) {
		return now
	}
	left := append([]attr.Value{}, now.Elements()...)
	for _, wanted := range prior.Elements() {
		found := false
		for i, e := range left {
			if e.Equal(wanted) {
				left = append(left[:i], left[i+1:]...)
				found = true
				break
			}
		}
		if !found {
			return now
		}
	}
	return prior
}

// objectType is the type of a flat object of strings.
func objectType(attributes []string) types.ObjectType {
	kinds := map[string]attr.Type{}
	for _, name := range attributes {
		kinds[name] = types.StringType
	}
	return types.ObjectType{AttrTypes: kinds}
}

// objects makes a list of flat objects of strings.
func objects(attributes []string, rows ...[]string) types.List {
	object := objectType(attributes)
	all := make([]attr.Value, 0, len(rows))
	for _, row := range rows {
		values := map[string]attr.Value{}
		for i, name := range attributes {
			values[name] = types.StringValue(row[i])
		}
		all = append(all, types.ObjectValueMust(object.AttrTypes, values))
	}
	return types.ListValueMust(object, all)
}

// text is a known string attribute of a nested object; "" when it is not known.
func text(o attr.Value, name string) string {
	object, ok := o.(types.Object)
	if !ok || !value.Known(object) {
		return ""
	}
	s, ok := object.Attributes()[name].(types.String)
	if !ok || !value.Known(s) {
		return ""
	}
	return s.ValueString()
}
