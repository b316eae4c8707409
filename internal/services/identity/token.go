package identity

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// token is a token for one run of Terraform. It is not the provider's own, so it can end with the run.
type token struct{}

var (
	_ lifecycle.Ephemeral[tokenModel] = token{}
	_ lifecycle.Closer[tokenModel]    = token{}
)

type tokenModel struct {
	lifecycle.EphemeralObject

	ID        types.String `tfsdk:"id"`
	ExpiresAt types.String `tfsdk:"expires_at"`
	AuthURL   types.String `tfsdk:"auth_url"`
	ProjectID types.String `tfsdk:"project_id"`
	UserID    types.String `tfsdk:"user_id"`
	Roles     types.Set    `tfsdk:"roles"`
	Endpoints types.Map    `tfsdk:"endpoints"`
}

func (token) Name() string { return "token" }

func (token) Schema() schema.Schema {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	return schema.Schema{
		MarkdownDescription: "A token of the provider's user and project, for other providers and programs that Terraform configures or runs. " +
			"It is revoked when Terraform ends, and is in no plan and no state.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "The token, for the header `X-Auth-Token`.",
				Computed:            true,
				Sensitive:           true,
			},
			"expires_at": text("When it ends by itself. Keystone cannot renew a token: a run that takes longer fails."),
			"auth_url":   text("Address of Keystone."),
			"project_id": text("Id of the project that it is for."),
			"user_id":    text("Id of the user that it stands for."),
			"roles":      schema.SetAttribute{MarkdownDescription: "Names of the roles that it gives.", ElementType: types.StringType, Computed: true},
			"endpoints": schema.MapAttribute{
				MarkdownDescription: "Addresses of the region's services by their type, such as `object-store`, as the catalog has them.",
				ElementType:         types.StringType,
				Computed:            true,
			},
		},
	}
}

func (token) Open(ctx context.Context, cloud *openstack.Cloud, m *tokenModel) error {
	issued, err := cloud.IssueToken(ctx)
	if err != nil {
		return err
	}
	m.ID = types.StringValue(issued.ID)
	m.ExpiresAt = types.StringValue(issued.ExpiresAt.UTC().Format(time.RFC3339))
	m.AuthURL = types.StringValue(cloud.AuthURL())
	m.ProjectID = value.StringOrNull(issued.ProjectID)
	m.UserID = types.StringValue(issued.UserID)
	m.Roles = value.Set(issued.Roles)
	m.Endpoints = value.Map(issued.Endpoints)
	return nil
}

func (token) Held(m *tokenModel) string { return m.ID.ValueString() }

// Close revokes the token. One that has expired meanwhile is unknown to Keystone.
func (token) Close(ctx context.Context, cloud *openstack.Cloud, held string) error {
	return cloud.RevokeToken(ctx, held)
}
