package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// project looks up a project of the user.
type project struct{}

var (
	_ lifecycle.Source[projectModel]    = project{}
	_ lifecycle.Validator[projectModel] = project{}
)

type projectModel struct {
	lifecycle.SourceObject

	Name        types.String `tfsdk:"name"`
	Description types.String `tfsdk:"description"`
	DomainID    types.String `tfsdk:"domain_id"`
	ParentID    types.String `tfsdk:"parent_id"`
	Enabled     types.Bool   `tfsdk:"enabled"`
	Tags        types.Set    `tfsdk:"tags"`
	Roles       types.Set    `tfsdk:"roles"`
	UserID      types.String `tfsdk:"user_id"`
}

func (project) Name() string { return "project" }

func (project) Schema() schema.Schema {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	return schema.Schema{
		MarkdownDescription: "A project of the provider's user, found by `id` or `name`; the provider's own when neither is set.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the project.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{stringvalidator.LengthBetween(1, 64)},
			},
			"description": text("Description of the project."),
			"domain_id":   text("Id of the domain that it is in."),
			"parent_id":   text("Id of the project or domain above it."),
			"enabled":     schema.BoolAttribute{MarkdownDescription: "Whether it can be used.", Computed: true},
			"tags":        schema.SetAttribute{MarkdownDescription: "Tags of the project.", ElementType: types.StringType, Computed: true},
			"roles": schema.SetAttribute{
				MarkdownDescription: "Names of the roles that the provider's user has in it; null for another project than the provider's.",
				ElementType:         types.StringType, Computed: true,
			},
			"user_id": text("Id of the provider's user."),
		},
	}
}

func (project) Validate(_ context.Context, config *projectModel) error {
	if value.Known(config.ID) && value.Known(config.Name) {
		return lifecycle.Invalid(path.Root("name"), "a project is found by its id or by its name, so only one of them can be set")
	}
	return nil
}

func (project) Read(ctx context.Context, cloud *openstack.Cloud, m *projectModel) error {
	client, err := cloud.Identity()
	if err != nil {
		return err
	}
	found, err := m.find(ctx, cloud, client)
	if err != nil {
		return err
	}
	m.ID, m.Name = types.StringValue(found.ID), types.StringValue(found.Name)
	m.Description = types.StringValue(found.Description)
	m.DomainID, m.ParentID = types.StringValue(found.DomainID), value.StringOrNull(found.ParentID)
	m.Enabled = types.BoolValue(found.Enabled)
	m.Tags = value.Set(found.Tags)
	m.UserID = types.StringValue(cloud.UserID())
	m.Roles = types.SetNull(types.StringType)
	if own, err := cloud.Credential(); err != nil {
		return err
	} else if found.ID == cloud.ProjectID() {
		m.Roles = value.Set(own.Roles)
	}
	return nil
}

// find asks for the own project by its id, and looks for others among those of the user, which everybody may list.
func (m *projectModel) find(ctx context.Context, cloud *openstack.Cloud, client *gophercloud.ServiceClient) (projects.Project, error) {
	id := m.ID.ValueString()
	if id == "" && m.Name.IsNull() {
		if id = cloud.ProjectID(); id == "" {
			return projects.Project{}, errors.New("the provider's credentials are for no project, so id or name must say which one is meant")
		}
	}
	if id != "" {
		found, err := projects.Get(ctx, client, id).Extract()
		if err == nil {
			return *found, nil
		}
		if !openstack.Forbidden(err) && !openstack.NotFound(err) {
			return projects.Project{}, fmt.Errorf("read project %s: %w", id, err)
		}
	}
	pages, err := projects.ListAvailable(client).AllPages(ctx)
	if err != nil {
		return projects.Project{}, fmt.Errorf("list the projects of the user: %w", err)
	}
	all, err := projects.ExtractProjects(pages)
	if err != nil {
		return projects.Project{}, fmt.Errorf("read the projects of the user: %w", err)
	}
	matching := slices.DeleteFunc(slices.Clone(all), func(p projects.Project) bool { return p.ID != id && (id != "" || p.Name != m.Name.ValueString()) })
	switch len(matching) {
	case 0:
		return projects.Project{}, fmt.Errorf("the user has no such project; there are: %s", describe(all))
	case 1:
		return matching[0], nil
	}
	return projects.Project{}, fmt.Errorf("several projects have that name, so look by id: %s", describe(matching))
}

func describe(all []projects.Project) string {
	lines := make([]string, 0, len(all))
	for _, p := range all {
		lines = append(lines, fmt.Sprintf("%q (id %s, domain %s)", p.Name, p.ID, p.DomainID))
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}
