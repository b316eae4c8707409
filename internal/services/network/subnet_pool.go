package network

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// subnetPool is a stock of addresses of which subnets take theirs.
type subnetPool struct{}

var (
	_ lifecycle.Handler[subnetPoolModel]   = subnetPool{}
	_ lifecycle.Updater[subnetPoolModel]   = subnetPool{}
	_ lifecycle.Validator[subnetPoolModel] = subnetPool{}
	_ lifecycle.Planner[subnetPoolModel]   = subnetPool{}
	_ lifecycle.Lister                     = subnetPool{}
	_ lifecycle.Mover                      = subnetPool{}
)

type subnetPoolModel struct {
	lifecycle.Object

	Name                types.String `tfsdk:"name"`
	Description         types.String `tfsdk:"description"`
	Prefixes            types.Set    `tfsdk:"prefixes"`
	DefaultPrefixLength types.Int64  `tfsdk:"default_prefix_length"`
	MinPrefixLength     types.Int64  `tfsdk:"min_prefix_length"`
	MaxPrefixLength     types.Int64  `tfsdk:"max_prefix_length"`
	DefaultQuota        types.Int64  `tfsdk:"default_quota"`
	AddressScopeID      types.String `tfsdk:"address_scope_id"`
	IPVersion           types.Int64  `tfsdk:"ip_version"`
	Shared              types.Bool   `tfsdk:"shared"`
	IsDefault           types.Bool   `tfsdk:"is_default"`
	Tags                types.Set    `tfsdk:"tags"`
}

type apiSubnetPool struct {
	ID                  string     `json:"id"`
	ProjectID           string     `json:"project_id"`
	Name                string     `json:"name"`
	Description         string     `json:"description"`
	Prefixes            []string   `json:"prefixes"`
	DefaultPrefixLength textNumber `json:"default_prefixlen"`
	MinPrefixLength     textNumber `json:"min_prefixlen"`
	MaxPrefixLength     textNumber `json:"max_prefixlen"`
	DefaultQuota        int        `json:"default_quota"`
	AddressScopeID      string     `json:"address_scope_id"`
	IPVersion           int        `json:"ip_version"`
	Shared              bool       `json:"shared"`
	IsDefault           bool       `json:"is_default"`
	Tags                []string   `json:"tags"`
}

// textNumber is a number that Neutron writes as text in some answers.
type textNumber int

// UnmarshalJSON implements json.Unmarshaler.
func (n *textNumber) UnmarshalJSON(raw []byte) error {
	number, err := strconv.Atoi(strings.Trim(string(raw), `"`))
	if err != nil {
		return fmt.Errorf("%s is no number: %w", raw, err)
	}
	*n = textNumber(number)
	return nil
}

var _ json.Unmarshaler = (*textNumber)(nil)

var subnetPools = kind[apiSubnetPool]{"subnetpool", "subnetpools", func(p apiSubnetPool) string { return p.ID }}

func (subnetPool) Name() string { return "subnet_pool" }

func (subnetPool) Schema() schema.Schema {
	length := func(description string) schema.Int64Attribute {
		return schema.Int64Attribute{
			MarkdownDescription: description,
			Optional:            true,
			Computed:            true,
			PlanModifiers:       []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
			Validators:          []validator.Int64{int64validator.Between(1, 128)},
		}
	}
	shared := attribute.Flag("Whether all projects may use the pool. Needs an administrator. Changing it makes a new pool.", false)
	shared.PlanModifiers = []planmodifier.Bool{boolplanmodifier.RequiresReplace()}
	return schema.Schema{
		MarkdownDescription: "A stock of addresses of which subnets take theirs: `massif_subnet` with `subnet_pool_id` and, if need be, `prefix_length`.",
		Attributes: map[string]schema.Attribute{
			"name":        attribute.Name("Name of the pool."),
			"description": attribute.Description(),
			"prefixes": schema.SetAttribute{
				MarkdownDescription: "The networks of the pool in CIDR notation, all IPv4 or all IPv6. A pool can grow; taking something away makes a new one.",
				ElementType:         types.StringType,
				Required:            true,
				Validators:          []validator.Set{nonEmptySet(), setvalidator.ValueStringsAre(attribute.CIDR())},
			},
			"default_prefix_length": length("Length of the prefix of subnets that ask for none; `min_prefix_length` when not set."),
			"min_prefix_length":     length("Length of the prefix of the largest subnets; 8 for IPv4 and 64 for IPv6 when not set."),
			"max_prefix_length":     length("Length of the prefix of the smallest subnets; 32 for IPv4 and 128 for IPv6 when not set."),
			"default_quota": schema.Int64Attribute{
				MarkdownDescription: "How much of the pool one project may take: IPv4 addresses, or IPv6 networks of /64. No limit when not set.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(1)},
			},
			"address_scope_id": schema.StringAttribute{
				MarkdownDescription: "ID of the address scope of the pool.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"ip_version": schema.Int64Attribute{
				MarkdownDescription: "4 or 6, as the prefixes are.",
				Computed:            true,
				PlanModifiers:       []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
			},
			"shared":     shared,
			"is_default": attribute.Flag("Whether subnets take from this pool that ask for the default one. Needs an administrator.", false),
			"tags":       attribute.Tags(),
		},
	}
}

// Validate checks the prefixes against each other and the lengths against them.
func (subnetPool) Validate(_ context.Context, m *subnetPoolModel) error {
	var errs []error
	invalid := func(p path.Path, format string, args ...any) {
		errs = append(errs, lifecycle.Invalid(p, format, args...))
	}
	prefixes := parsePrefixes(value.Strings(m.Prefixes))
	shortest, longest := int64(1), int64(128)
	for _, p := range prefixes {
		if p.Addr().Is4() != prefixes[0].Addr().Is4() {
			invalid(path.Root("prefixes"), "%s and %s are not of the same IP version; make a pool for each", prefixes[0], p)
			return errors.Join(errs...)
		}
		if shortest, longest = 8, 32; p.Addr().Is6() {
			shortest, longest = 64, 128
		}
	}
	if value.Known(m.MaxPrefixLength) {
		if m.MaxPrefixLength.ValueInt64() > longest {
			invalid(path.Root("max_prefix_length"), "the prefixes of this IP version have a length of at most %d", longest)
		}
		longest = min(longest, m.MaxPrefixLength.ValueInt64())
	} else if m.MaxPrefixLength.IsUnknown() {
		longest = 128
	}
	if value.Known(m.MinPrefixLength) {
		shortest = m.MinPrefixLength.ValueInt64()
		if shortest > longest {
			invalid(path.Root("min_prefix_length"), "the largest subnets (/%d) would be smaller than the smallest (/%d)", shortest, longest)
		}
	} else if m.MinPrefixLength.IsUnknown() {
		shortest = 1
	}
	if usual := m.DefaultPrefixLength; value.Known(usual) && shortest <= longest && (usual.ValueInt64() < shortest || usual.ValueInt64() > longest) {
		invalid(path.Root("default_prefix_length"), "/%d is not between the largest subnets (/%d, min_prefix_length) and the smallest (/%d, max_prefix_length)", usual.ValueInt64(), shortest, longest)
	}
	return errors.Join(errs...)
}

// parsePrefixes are those of the texts that are networks.
func parsePrefixes(texts []string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range texts {
		if p, err := netip.ParsePrefix(text); err == nil {
			out = append(out, p.Masked())
		}
	}
	return out
}

// joined are the same networks in as few prefixes as possible, as Neutron keeps them.
func joined(prefixes []netip.Prefix) []netip.Prefix {
	all := slices.Clone(prefixes)
	slices.SortFunc(all, netip.Prefix.Compare)
	var out []netip.Prefix
	for _, p := range all {
		if len(out) > 0 && out[len(out)-1].Contains(p.Addr()) {
			continue
		}
		out = append(out, p)
		for len(out) > 1 { // two halves are a whole, which may be a half again
			a, b := out[len(out)-2], out[len(out)-1]
			whole := netip.PrefixFrom(a.Addr(), a.Bits()-1)
			if a.Bits() != b.Bits() || whole.Masked() != whole || !whole.Contains(b.Addr()) {
				break
			}
			out = append(out[:len(out)-2], whole)
		}
	}
	return out
}

// Plan knows that a pool cannot shrink, and the IP version.
func (subnetPool) Plan(_ context.Context, _ *openstack.Cloud, change *lifecycle.Change[subnetPoolModel]) error {
	plan, prior := change.Plan, change.Prior
	if !value.AllKnown(plan.Prefixes) {
		return nil
	}
	wanted := joined(parsePrefixes(value.Strings(plan.Prefixes)))
	if len(wanted) > 0 {
		plan.IPVersion = value.Int(4)
		if wanted[0].Addr().Is6() {
			plan.IPVersion = value.Int(6)
		}
	}
	if prior == nil {
		return nil
	}
	for _, had := range parsePrefixes(value.Strings(prior.Prefixes)) {
		if !slices.ContainsFunc(wanted, func(p netip.Prefix) bool { return p.Bits() <= had.Bits() && p.Contains(had.Addr()) }) {
			change.Replace(path.Root("prefixes"))
		}
	}
	return nil
}

func (m *subnetPoolModel) fields() fields {
	return fields{
		"name": m.Name, "description": m.Description, "prefixes": m.Prefixes, "default_prefixlen": m.DefaultPrefixLength, "min_prefixlen": m.MinPrefixLength,
		"max_prefixlen": m.MaxPrefixLength, "default_quota": m.DefaultQuota, "address_scope_id": m.AddressScopeID, "shared": m.Shared, "is_default": m.IsDefault,
	}
}

func blameSubnetPool(err error) error {
	return blame(err, map[string]string{
		"AddressScopeNotFound": "address_scope_id", "IllegalSubnetPoolAssociationToAddressScope": "address_scope_id", "AddressScopePrefixConflict": "prefixes",
		"IllegalSubnetPoolIpVersionAssociationToAddressScope": "address_scope_id", "IllegalSubnetPoolPrefixBounds": "default_prefix_length",
	}, map[string]string{"shared": "shared", "is_default": "is_default", "prefixes": "prefixes"})
}

func (subnetPool) Create(ctx context.Context, cloud *openstack.Cloud, m *subnetPoolModel) error {
	made, err := subnetPools.create(ctx, cloud, m.fields().known())
	if err != nil {
		return blameSubnetPool(err)
	}
	m.ID = types.StringValue(made.ID)
	if len(m.Tags.Elements()) > 0 {
		return subnetPools.setTags(ctx, cloud, made.ID, m.Tags)
	}
	return nil
}

func (subnetPool) Read(ctx context.Context, cloud *openstack.Cloud, m *subnetPoolModel) error {
	found, err := subnetPools.get(ctx, cloud, m.ID.ValueString())
	if err != nil {
		return err
	}
	m.flatten(found)
	return nil
}

func (subnetPool) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *subnetPoolModel) error {
	body := plan.fields().changed(prior.fields())
	if quota, ok := body["default_quota"]; ok && quota == nil {
		body["default_quota"] = 0 // no limit; Neutron takes no null here
	}
	if err := subnetPools.change(ctx, cloud, plan.ID.ValueString(), body); err != nil {
		return blameSubnetPool(err)
	}
	if !plan.Tags.Equal(prior.Tags) {
		return subnetPools.setTags(ctx, cloud, plan.ID.ValueString(), plan.Tags)
	}
	return nil
}

func (subnetPool) Delete(ctx context.Context, cloud *openstack.Cloud, m *subnetPoolModel) error {
	id := m.ID.ValueString()
	return deleteUnused(ctx, "subnet pool "+m.Name.ValueString(),
		func(ctx context.Context) error { return subnetPools.delete(ctx, cloud, id) },
		func(ctx context.Context) ([]string, error) {
			found, err := subnets.list(ctx, cloud, url.Values{"subnetpool_id": {id}})
			var users []string
			for _, s := range found {
				users = append(users, "subnet "+describe(s.Name, s.ID))
			}
			return users, err
		})
}

func (subnetPool) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return lifecycle.ListOf(ctx, cloud, subnetPools.collection(), func(o apiSubnetPool) lifecycle.Listed {
		return lifecycle.Listed{ID: o.ID, Name: o.Name, ProjectID: o.ProjectID, Tags: o.Tags}
	})
}

// MovesFrom names the type of the common provider.
func (subnetPool) MovesFrom() []string { return []string{"openstack_networking_subnetpool_v2"} }

func (m *subnetPoolModel) flatten(p apiSubnetPool) {
	m.Name = types.StringValue(p.Name)
	m.Description = types.StringValue(p.Description)
	if !value.Known(m.Prefixes) || !slices.Equal(joined(parsePrefixes(value.Strings(m.Prefixes))), joined(parsePrefixes(p.Prefixes))) {
		m.Prefixes = value.Set(p.Prefixes)
	}
	m.DefaultPrefixLength = value.Int(int(p.DefaultPrefixLength))
	m.MinPrefixLength = value.Int(int(p.MinPrefixLength))
	m.MaxPrefixLength = value.Int(int(p.MaxPrefixLength))
	m.DefaultQuota = types.Int64Null()
	if p.DefaultQuota > 0 {
		m.DefaultQuota = value.Int(p.DefaultQuota)
	}
	m.AddressScopeID = value.StringOrNull(p.AddressScopeID)
	m.IPVersion = value.Int(p.IPVersion)
	m.Shared = types.BoolValue(p.Shared)
	m.IsDefault = types.BoolValue(p.IsDefault)
	m.Tags = value.Set(p.Tags)
}
