package network

import (
	"context"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// subnetPoolSource looks up a subnet pool.
type subnetPoolSource struct{}

var _ lifecycle.Source[subnetPoolSourceModel] = subnetPoolSource{}

type subnetPoolSourceModel struct {
	lifecycle.SourceObject

	Name                types.String `tfsdk:"name"`
	IPVersion           types.Int64  `tfsdk:"ip_version"`
	Shared              types.Bool   `tfsdk:"shared"`
	IsDefault           types.Bool   `tfsdk:"is_default"`
	AddressScopeID      types.String `tfsdk:"address_scope_id"`
	Tags                types.Set    `tfsdk:"tags"`
	Description         types.String `tfsdk:"description"`
	Prefixes            types.Set    `tfsdk:"prefixes"`
	DefaultPrefixLength types.Int64  `tfsdk:"default_prefix_length"`
	MinPrefixLength     types.Int64  `tfsdk:"min_prefix_length"`
	MaxPrefixLength     types.Int64  `tfsdk:"max_prefix_length"`
}

func (subnetPoolSource) Name() string { return "subnet_pool" }

func (subnetPoolSource) Schema() schema.Schema {
	length := func(description string) schema.Int64Attribute {
		return schema.Int64Attribute{MarkdownDescription: description, Computed: true}
	}
	return schema.Schema{
		MarkdownDescription: "A subnet pool, found by what is set: `id`, `name`, `ip_version`, `shared`, `is_default`, `address_scope_id`, `tags`.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{MarkdownDescription: "Name of the pool.", Optional: true, Computed: true},
			"ip_version": schema.Int64Attribute{MarkdownDescription: "4 or 6.", Optional: true, Computed: true,
				Validators: []validator.Int64{int64validator.OneOf(4, 6)}},
			"shared":                schema.BoolAttribute{MarkdownDescription: "Whether all projects may use it.", Optional: true, Computed: true},
			"is_default":            schema.BoolAttribute{MarkdownDescription: "Whether it is the default one of its IP version.", Optional: true, Computed: true},
			"address_scope_id":      schema.StringAttribute{MarkdownDescription: "ID of its address scope; null without one.", Optional: true, Computed: true},
			"tags":                  sourceTags("pool"),
			"description":           schema.StringAttribute{MarkdownDescription: "Description of the pool.", Computed: true},
			"prefixes":              schema.SetAttribute{MarkdownDescription: "Networks of the pool.", ElementType: types.StringType, Computed: true},
			"default_prefix_length": length("Length of the prefix of subnets that ask for none."),
			"min_prefix_length":     length("Length of the prefix of the largest subnets."),
			"max_prefix_length":     length("Length of the prefix of the smallest subnets."),
		},
	}
}

func (subnetPoolSource) Read(ctx context.Context, cloud *openstack.Cloud, m *subnetPoolSourceModel) error {
	query := filter(map[string]types.String{"id": m.ID, "name": m.Name, "address_scope_id": m.AddressScopeID}, m.Tags)
	if value.Known(m.IPVersion) {
		query.Set("ip_version", strconv.FormatInt(m.IPVersion.ValueInt64(), 10))
	}
	for name, flag := range map[string]types.Bool{"shared": m.Shared, "is_default": m.IsDefault} {
		if value.Known(flag) {
			query.Set(name, strconv.FormatBool(flag.ValueBool()))
		}
	}
	found, err := find(ctx, cloud, subnetPools, "subnet pool", query,
		func(p apiSubnetPool) bool { return isCalled(m.Name, p.Name) && hasTags(m.Tags, p.Tags) },
		func(p apiSubnetPool) string { return describe(p.Name, p.ID) })
	if err != nil {
		return err
	}
	m.ID = types.StringValue(found.ID)
	m.Name = types.StringValue(found.Name)
	m.IPVersion = value.Int(found.IPVersion)
	m.Shared = types.BoolValue(found.Shared)
	m.IsDefault = types.BoolValue(found.IsDefault)
	m.AddressScopeID = value.StringOrNull(found.AddressScopeID)
	m.Tags = askedOr(m.Tags, found.Tags)
	m.Description = types.StringValue(found.Description)
	m.Prefixes = value.Set(found.Prefixes)
	m.DefaultPrefixLength = value.Int(int(found.DefaultPrefixLength))
	m.MinPrefixLength = value.Int(int(found.MinPrefixLength))
	m.MaxPrefixLength = value.Int(int(found.MaxPrefixLength))
	return nil
}
