package network

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// traffic is the part of a line that security groups and policies share: the networks and groups outside at the other
// end, and what passes.
type traffic struct {
	FromCIDRs           types.Set  `tfsdk:"from_cidrs"`
	FromGroupIDs        types.Set  `tfsdk:"from_group_ids"`
	FromAddressGroupIDs types.Set  `tfsdk:"from_address_group_ids"`
	ToCIDRs             types.Set  `tfsdk:"to_cidrs"`
	ToGroupIDs          types.Set  `tfsdk:"to_group_ids"`
	ToAddressGroupIDs   types.Set  `tfsdk:"to_address_group_ids"`
	TCP                 types.Set  `tfsdk:"tcp"`
	UDP                 types.Set  `tfsdk:"udp"`
	ICMP                types.Bool `tfsdk:"icmp"`
	ICMPTypes           types.Set  `tfsdk:"icmp_types"`
	Protocols           types.Set  `tfsdk:"protocols"`
	Ethertypes          types.Set  `tfsdk:"ethertypes"`
}

// rulesAttribute is a map of lines with the attributes of traffic and those of the type's own.
func rulesAttribute(description string, own map[string]schema.Attribute) schema.MapNestedAttribute {
	strings := func(description string, of ...validator.String) schema.SetAttribute {
		return schema.SetAttribute{
			MarkdownDescription: description,
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.Set{setvalidator.ValueStringsAre(of...)},
		}
	}
	id := stringvalidator.LengthAtLeast(1)
	ports := parses{"must be a port, a range or all", func(s string) error { _, _, err := parsePorts(s); return err }}
	attributes := map[string]schema.Attribute{
		"from_cidrs":             strings("Networks that may come in.", attribute.Prefix()),
		"from_group_ids":         strings("IDs of other security groups whose members may come in.", id),
		"from_address_group_ids": strings("IDs of address groups (`massif_address_group`) whose networks may come in.", id),
		"to_cidrs":               strings("Networks that may be gone out to.", attribute.Prefix()),
		"to_group_ids":           strings("IDs of other security groups whose members may be gone out to.", id),
		"to_address_group_ids":   strings("IDs of address groups (`massif_address_group`) whose networks may be gone out to.", id),
		"tcp":                    strings("TCP ports: `\"443\"`, ranges `\"30000-32767\"` or `\"all\"`.", ports),
		"udp":                    strings("UDP ports: `\"53\"`, ranges `\"30000-32767\"` or `\"all\"`.", ports),
		"icmp": schema.BoolAttribute{
			MarkdownDescription: "Whether ICMP passes, all of it; ICMPv6 where the other end is IPv6.",
			Optional:            true,
		},
		"icmp_types": strings("ICMP types `\"8\"`, or types and codes `\"3/4\"`.",
			parses{"must be an ICMP type", func(s string) error { _, _, err := parseICMP(s); return err }}),
		"protocols": strings("Other protocols, by name or number: `\"vrrp\"`, `\"50\"`, or `\"any\"` for everything.",
			parses{"must be a protocol", func(s string) error { _, err := parseProtocol(s); return err }}),
		"ethertypes": strings("`IPv4`, `IPv6` or both, where the other end is a group of either kind; IPv4 when not set. Networks have theirs.",
			stringvalidator.OneOf("IPv4", "IPv6")),
	}
	maps.Copy(attributes, own)
	return schema.MapNestedAttribute{
		MarkdownDescription: description,
		Optional:            true,
		Validators:          []validator.Map{mapvalidator.KeysAre(stringvalidator.LengthBetween(1, 255))},
		NestedObject:        schema.NestedAttributeObject{Attributes: attributes},
	}
}

// parses is a validator that parses.
type parses struct {
	wants string
	parse func(string) error
}

// Description implements validator.String.
func (p parses) Description(context.Context) string { return p.wants }

// MarkdownDescription implements validator.String.
func (p parses) MarkdownDescription(context.Context) string { return p.wants }

// ValidateString implements validator.String.
func (p parses) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if !value.Known(req.ConfigValue) {
		return
	}
	if err := p.parse(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid value", err.Error()+".")
	}
}

func ruleCount() schema.Int64Attribute {
	return schema.Int64Attribute{
		MarkdownDescription: "Number of rules that `rules` fans out to, as they count for the quota. The default egress rules are not among them.",
		Computed:            true,
		PlanModifiers:       []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
	}
}

// decode reads the known elements of a map of objects.
func decode[T any](ctx context.Context, m types.Map) (map[string]T, error) {
	out := map[string]T{}
	for key, e := range m.Elements() {
		object, ok := e.(types.Object)
		if !ok || !value.Known(object) {
			continue
		}
		var t T
		if diags := object.As(ctx, &t, basetypes.ObjectAsOptions{}); diags.HasError() {
			return nil, fmt.Errorf("read %q: %s", key, diags[0].Detail())
		}
		out[key] = t
	}
	return out, nil
}

// encode makes a map of objects; null when it is empty and prior was.
func encode[T any](ctx context.Context, prior types.Map, all map[string]T) (types.Map, error) {
	if len(all) == 0 && !value.Known(prior) {
		return types.MapNull(prior.ElementType(ctx)), nil
	}
	out, diags := types.MapValueFrom(ctx, prior.ElementType(ctx), all)
	if diags.HasError() {
		return out, errors.New(diags[0].Detail())
	}
	return out, nil
}

func (t traffic) entry(holders []string, egress bool, groups []string) entry {
	e := entry{
		holders: holders, egress: egress, groups: groups,
		prefixes: value.Strings(t.FromCIDRs), ethertypes: value.Strings(t.Ethertypes),
		tcp: value.Strings(t.TCP), udp: value.Strings(t.UDP), icmp: t.ICMP.ValueBool(), icmpTypes: value.Strings(t.ICMPTypes),
		protocols: value.Strings(t.Protocols),
	}
	outside := t.FromGroupIDs
	e.lists = value.Strings(t.FromAddressGroupIDs)
	if egress {
		e.prefixes, outside, e.lists = value.Strings(t.ToCIDRs), t.ToGroupIDs, value.Strings(t.ToAddressGroupIDs)
	}
	e.groups = slices.Concat(e.groups, value.Strings(outside))
	return e
}

func trafficOf(e entry, groups []string) traffic {
	t := traffic{
		FromCIDRs: value.SetOrNull(e.prefixes), FromGroupIDs: value.SetOrNull(groups), FromAddressGroupIDs: value.SetOrNull(e.lists),
		ToCIDRs: value.SetOrNull(nil), ToGroupIDs: value.SetOrNull(nil), ToAddressGroupIDs: value.SetOrNull(nil),
		TCP: value.SetOrNull(e.tcp), UDP: value.SetOrNull(e.udp), ICMPTypes: value.SetOrNull(e.icmpTypes), Protocols: value.SetOrNull(e.protocols),
		Ethertypes: value.SetOrNull(e.ethertypes),
	}
	if e.icmp {
		t.ICMP = types.BoolValue(true)
	}
	if e.egress {
		t.ToCIDRs, t.FromCIDRs = t.FromCIDRs, t.ToCIDRs
		t.ToGroupIDs, t.FromGroupIDs = t.FromGroupIDs, t.ToGroupIDs
		t.ToAddressGroupIDs, t.FromAddressGroupIDs = t.FromAddressGroupIDs, t.ToAddressGroupIDs
	}
	return t
}

// incoming tells whether a line names other ends that may come in.
func (t traffic) incoming() bool { return given(t.FromCIDRs, t.FromGroupIDs, t.FromAddressGroupIDs) }

// outgoing tells whether a line names other ends that may be gone out to.
func (t traffic) outgoing() bool { return given(t.ToCIDRs, t.ToGroupIDs, t.ToAddressGroupIDs) }

// direction tells whether a line is about going out, and errors when it is about both or neither. from and to are the
// type's own attributes for the two directions.
func (t traffic) direction(at path.Path, from, to []attr.Value) (egress bool, err error) {
	in := given(from...) || t.incoming()
	out := given(to...) || t.outgoing()
	switch {
	case in && out:
		return false, lifecycle.Invalid(at, "a line is either about coming in (from…) or about going out (to…); write two lines")
	case !in && !out:
		return false, lifecycle.Invalid(at, "say who is at the other end: from_cidrs, from_group_ids, from_address_group_ids, to_cidrs, to_group_ids or to_address_group_ids, or a group of this resource")
	}
	return out, nil
}

// given tells whether any value is set, be it not known yet.
func given(values ...attr.Value) bool {
	return slices.ContainsFunc(values, func(v attr.Value) bool { return !v.IsNull() })
}

// validate checks what no attribute can check alone.
func (t traffic) validate(at path.Path) []error {
	var errs []error
	if !given(t.TCP, t.UDP, t.ICMP, t.ICMPTypes, t.Protocols) {
		errs = append(errs, lifecycle.Invalid(at, "say what passes: tcp, udp, icmp, icmp_types or protocols"))
	}
	ethertypes := value.Strings(t.Ethertypes)
	if len(ethertypes) == 0 || !value.AllKnown(t.Ethertypes) {
		return errs
	}
	for name, list := range map[string]types.Set{"from_cidrs": t.FromCIDRs, "to_cidrs": t.ToCIDRs} {
		for _, text := range value.Strings(list) {
			p, err := netip.ParsePrefix(text)
			ethertype := "IPv4"
			if p.Addr().Is6() {
				ethertype = "IPv6"
			}
			if err == nil && !slices.Contains(ethertypes, ethertype) {
				errs = append(errs, lifecycle.Invalid(at.AtName(name).AtSetValue(types.StringValue(text)), "%s is %s, and ethertypes has %s only", text, ethertype, ethertypes[0]))
			}
		}
	}
	return errs
}

// blameLine finds the line that an error of the fan-out is about.
func blameLine(err error) error {
	var e *entryError
	if errors.As(err, &e) {
		return lifecycle.Invalid(path.Root("rules").AtMapKey(e.name), "%w", e.err)
	}
	return err
}
