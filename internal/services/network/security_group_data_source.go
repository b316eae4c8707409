package network

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// securityGroupSource looks up a security group.
type securityGroupSource struct{}

var _ lifecycle.Source[securityGroupSourceModel] = securityGroupSource{}

type securityGroupSourceModel struct {
	lifecycle.SourceObject

	Name        types.String `tfsdk:"name"`
	Tags        types.Set    `tfsdk:"tags"`
	Description types.String `tfsdk:"description"`
}

func (securityGroupSource) Name() string { return "security_group" }

func (securityGroupSource) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A security group, found by what is set: `id`, `name`, `tags`.",
		Attributes: map[string]schema.Attribute{
			"name":        schema.StringAttribute{MarkdownDescription: "Name of the group.", Optional: true, Computed: true},
			"tags":        sourceTags("security group"),
			"description": schema.StringAttribute{MarkdownDescription: "Description of the group.", Computed: true},
		},
	}
}

func (securityGroupSource) Read(ctx context.Context, cloud *openstack.Cloud, m *securityGroupSourceModel) error {
	query := filter(map[string]types.String{"id": m.ID, "name": m.Name}, m.Tags)
	found, err := find(ctx, cloud, securityGroups, "security group", query,
		func(g apiSecurityGroup) bool { return isCalled(m.Name, g.Name) && hasTags(m.Tags, g.Tags) },
		func(g apiSecurityGroup) string { return describe(g.Name, g.ID) })
	if err != nil {
		return err
	}
	m.ID = types.StringValue(found.ID)
	m.Name = types.StringValue(found.Name)
	m.Tags = askedOr(m.Tags, found.Tags)
	m.Description = types.StringValue(found.Description)
	return nil
}
