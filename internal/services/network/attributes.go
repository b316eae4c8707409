package network

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
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

func macAddress() validator.String {
	return parses{"must be a MAC address", func(s string) error {
		if mac, err := net.ParseMAC(s); err != nil || len(mac) != 6 {
			return fmt.Errorf("%q is no MAC address; right would be one such as fa:16:3e:01:02:03", s)
		}
		return nil
	}}
}

func addressOrPrefix() validator.String {
	return parses{"must be an address or a network", func(s string) error {
		_, err := netip.ParseAddr(s)
		if _, prefixErr := netip.ParsePrefix(s); err != nil && prefixErr != nil {
			return fmt.Errorf("%q is neither an address nor a network in CIDR notation; right would be 10.1.0.5 or 10.1.0.0/24", s)
		}
		return nil
	}}
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?$`)

func dnsName() validator.String {
	return stringvalidator.RegexMatches(hostName, "must be a host name of letters, digits and hyphens, such as web-1")
}

func qosPolicy(noun string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: fmt.Sprintf("ID of the QoS policy that limits the traffic of the %s.", noun),
		Optional:            true,
		Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
	}
}

// blame finds the argument that a refusal is about: by the kind of the fault, or by the API's name of an attribute in
// its words. Both maps lead to names of ours.
func blame(err error, kinds, names map[string]string) error {
	fault, ok := openstack.FaultOf(err)
	if !ok {
		return err
	}
	if name, ok := kinds[fault.Kind]; ok {
		return lifecycle.At(path.Root(name), err)
	}
	for api, name := range names {
		for _, words := range []string{"'" + api + "'", " for " + api + ".", ":" + api + ")", ":" + api + " "} {
			if strings.Contains(fault.Message, words) {
				return lifecycle.At(path.Root(name), err)
			}
		}
	}
	return err
}
