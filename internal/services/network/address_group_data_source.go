package network

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// addressGroupSource looks up an address group.
type addressGroupSource struct{}

var _ lifecycle.Source[addressGroupSourceModel] = addressGroupSource{}

type addressGroupSourceModel struct {
	lifecycle.SourceObject

	Name        types.String `tfsdk:"name"`
	Description types.String `tfsdk:"description"`
	Addresses   types.Set    `tfsdk:"addresses"`
}

func (addressGroupSource) Name() string { return "address_group" }

func (addressGroupSource) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "An address group, found by what is set: `id`, `name`.",
		Attributes: map[string]schema.Attribute{
			"name":        schema.StringAttribute{MarkdownDescription: "Name of the list.", Optional: true, Computed: true},
			"description": schema.StringAttribute{MarkdownDescription: "Description of the list.", Computed: true},
			"addresses":   schema.SetAttribute{MarkdownDescription: "Its networks in CIDR notation.", ElementType: types.StringType, Computed: true},
		},
	}
}

func (addressGroupSource) Read(ctx context.Context, cloud *openstack.Cloud, m *addressGroupSourceModel) error {
	found, err := find(ctx, cloud, addressGroups, "address group", filter(map[string]types.String{"id": m.ID, "name": m.Name}, types.SetNull(types.StringType)),
		func(g apiAddressGroup) bool { return isCalled(m.Name, g.Name) },
		func(g apiAddressGroup) string { return describe(g.Name, g.ID) })
	if err != nil {
		return err
	}
	m.ID = types.StringValue(found.ID)
	m.Name = types.StringValue(found.Name)
	m.Description = types.StringValue(found.Description)
	m.Addresses = value.Set(found.Addresses)
	return nil
}
