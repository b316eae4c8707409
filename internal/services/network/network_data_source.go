package network

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// networkSource looks up a network.
type networkSource struct{}

var _ lifecycle.Source[networkSourceModel] = networkSource{}

type networkSourceModel struct {
	lifecycle.SourceObject

	Name         types.String `tfsdk:"name"`
	External     types.Bool   `tfsdk:"external"`
	Tags         types.Set    `tfsdk:"tags"`
	Description  types.String `tfsdk:"description"`
	MTU          types.Int64  `tfsdk:"mtu"`
	DNSDomain    types.String `tfsdk:"dns_domain"`
	PortSecurity types.Bool   `tfsdk:"port_security"`
	Shared       types.Bool   `tfsdk:"shared"`
	AdminStateUp types.Bool   `tfsdk:"admin_state_up"`
	SubnetIDs    types.Set    `tfsdk:"subnet_ids"`
}

func (networkSource) Name() string { return "network" }

func (networkSource) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A network, found by what is set: `id`, `name`, `external`, `tags`.",
		Attributes: map[string]schema.Attribute{
			"name":           schema.StringAttribute{MarkdownDescription: "Name of the network.", Optional: true, Computed: true},
			"external":       schema.BoolAttribute{MarkdownDescription: "Whether routers may use it as their gateway.", Optional: true, Computed: true},
			"tags":           sourceTags("network"),
			"description":    schema.StringAttribute{MarkdownDescription: "Description of the network.", Computed: true},
			"mtu":            schema.Int64Attribute{MarkdownDescription: "Largest packet in bytes.", Computed: true},
			"dns_domain":     schema.StringAttribute{MarkdownDescription: "Domain of the names of ports.", Computed: true},
			"port_security":  schema.BoolAttribute{MarkdownDescription: "Whether new ports have security groups.", Computed: true},
			"shared":         schema.BoolAttribute{MarkdownDescription: "Whether all projects may use it.", Computed: true},
			"admin_state_up": schema.BoolAttribute{MarkdownDescription: "Whether the network is up, as far as the administrator is concerned.", Computed: true},
			"subnet_ids":     schema.SetAttribute{MarkdownDescription: "IDs of its subnets.", ElementType: types.StringType, Computed: true},
		},
	}
}

func sourceTags(noun string) schema.SetAttribute {
	return schema.SetAttribute{
		MarkdownDescription: fmt.Sprintf("Tags that the %s must have, all of them; the ones it has where none are asked for.", noun),
		ElementType:         types.StringType,
		Optional:            true,
		Computed:            true,
	}
}

func (networkSource) Read(ctx context.Context, cloud *openstack.Cloud, m *networkSourceModel) error {
	query := filter(map[string]types.String{"id": m.ID, "name": m.Name}, m.Tags)
	if value.Known(m.External) {
		query.Set("router:external", strconv.FormatBool(m.External.ValueBool()))
	}
	found, err := find(ctx, cloud, networks, "network", query,
		func(n apiNetwork) bool { return isCalled(m.Name, n.Name) && hasTags(m.Tags, n.Tags) },
		func(n apiNetwork) string { return describe(n.Name, n.ID) })
	if err != nil {
		return err
	}
	m.ID = types.StringValue(found.ID)
	m.Name = types.StringValue(found.Name)
	m.External = types.BoolValue(found.External)
	m.Tags = askedOr(m.Tags, found.Tags)
	m.Description = types.StringValue(found.Description)
	m.MTU = value.Int(found.MTU)
	m.DNSDomain = types.StringValue(found.DNSDomain)
	m.PortSecurity = types.BoolPointerValue(found.PortSecurity)
	m.Shared = types.BoolValue(found.Shared)
	m.AdminStateUp = types.BoolValue(found.AdminStateUp)
	m.SubnetIDs = value.Set(found.Subnets)
	return nil
}

// filter is the query for what is set.
func filter(by map[string]types.String, tags types.Set) url.Values {
	query := url.Values{}
	for name, v := range by {
		if value.Known(v) {
			query.Set(name, v.ValueString())
		}
	}
	if all := value.Strings(tags); len(all) > 0 {
		query.Set("tags", strings.Join(all, ","))
	}
	return query
}

// isCalled and hasTags compare what Neutron's database does not: to it, names and tags that differ in case, accents or
// spaces at their end are the same.
func isCalled(asked types.String, name string) bool {
	return !value.Known(asked) || asked.ValueString() == name
}

func hasTags(asked types.Set, tags []string) bool {
	return !slices.ContainsFunc(value.Strings(asked), func(tag string) bool { return !slices.Contains(tags, tag) })
}

// find is the one object that a query finds and that is right; when there is none, the error lists all there are.
func find[T any](
	ctx context.Context, cloud *openstack.Cloud, k kind[T], noun string, query url.Values, right func(T) bool, describe func(T) string,
) (T, error) {
	found, err := k.list(ctx, cloud, query)
	if err != nil {
		var none T
		return none, fmt.Errorf("list the %ss: %w", noun, err)
	}
	found = slices.DeleteFunc(found, func(o T) bool { return !right(o) })
	var all []T
	if len(found) == 0 && len(query) > 0 {
		if all, err = k.list(ctx, cloud, nil); err != nil {
			var none T
			return none, fmt.Errorf("list the %ss: %w", noun, err)
		}
	}
	return lookup.Only(noun, found, all, describe)
}

func describe(name, id string) string {
	if name == "" {
		return id
	}
	return fmt.Sprintf("%s (%s)", name, id)
}

// askedOr keeps the tags that were searched for: a data source must return what its configuration says.
func askedOr(asked types.Set, found []string) types.Set {
	if value.Known(asked) {
		return asked
	}
	return value.Set(found)
}
