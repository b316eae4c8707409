package identity

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/ec2credentials"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// ec2Credential is a pair of keys for S3 that stands for the user in one project. Keystone cannot change one.
type ec2Credential struct{}

var (
	_ lifecycle.Handler[ec2CredentialModel]    = ec2Credential{}
	_ lifecycle.Planner[ec2CredentialModel]    = ec2Credential{}
	_ lifecycle.Lister                         = ec2Credential{}
	_ lifecycle.StateMover[ec2CredentialModel] = ec2Credential{}
)

type ec2CredentialModel struct {
	lifecycle.Object

	ProjectID types.String `tfsdk:"project_id"`
	UserID    types.String `tfsdk:"user_id"`
	Access    types.String `tfsdk:"access"`
	Secret    types.String `tfsdk:"secret"`
}

func (ec2Credential) Name() string { return "ec2_credential" }

func (ec2Credential) Schema() schema.Schema {
	secret := attribute.Computed("Secret key. Keystone shows it again and again, so it is in the state: guard that.")
	secret.Sensitive = true
	return schema.Schema{
		MarkdownDescription: "A pair of keys with which programs use object storage in S3's way, as the provider's user in one project.",
		Attributes: map[string]schema.Attribute{
			"project_id": schema.StringAttribute{
				MarkdownDescription: "Id of the project; the provider's when not set.",
				Optional:            true,
				Computed:            true,
				PlanModifiers: []planmodifier.String{
					stringplanmodifier.UseStateForUnknown(),
					stringplanmodifier.RequiresReplaceIfConfigured(),
				},
			},
			"user_id": attribute.Computed("Id of the user that the keys stand for."),
			"access":  attribute.Computed("Access key."),
			"secret":  secret,
		},
	}
}

// Plan tells the project and the user early, so that others can be planned with them.
func (ec2Credential) Plan(_ context.Context, cloud *openstack.Cloud, change *lifecycle.Change[ec2CredentialModel]) error {
	if cloud == nil || change.Prior != nil {
		return nil
	}
	change.Plan.UserID = types.StringValue(cloud.UserID())
	if change.Config.ProjectID.IsNull() {
		if cloud.ProjectID() == "" {
			return lifecycle.Invalid(path.Root("project_id"), "the provider's credentials are for no project, so this must name one")
		}
		change.Plan.ProjectID = types.StringValue(cloud.ProjectID())
	}
	return nil
}

func (ec2Credential) Create(ctx context.Context, cloud *openstack.Cloud, m *ec2CredentialModel) error {
	client, err := cloud.Identity()
	if err != nil {
		return err
	}
	project := m.ProjectID.ValueString()
	if project == "" {
		project = cloud.ProjectID()
	}
	made, err := ec2credentials.Create(ctx, client, cloud.UserID(), ec2credentials.CreateOpts{TenantID: project}).Extract()
	if err != nil {
		return fmt.Errorf("create EC2 credential of project %s: %w", project, err)
	}
	m.ID = types.StringValue(made.Access)
	m.flatten(*made)
	return nil
}

func (ec2Credential) Read(ctx context.Context, cloud *openstack.Cloud, m *ec2CredentialModel) error {
	client, err := cloud.Identity()
	if err != nil {
		return err
	}
	found, err := ec2credentials.Get(ctx, client, m.owner(cloud), m.ID.ValueString()).Extract()
	if err != nil {
		return err
	}
	m.flatten(*found)
	return nil
}

// List names the credentials by their access key. Keystone lists those of the user in all projects.
func (ec2Credential) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	client, err := cloud.Identity()
	if err != nil {
		return nil, err
	}
	pages, err := ec2credentials.List(client, cloud.UserID()).AllPages(ctx)
	if err != nil {
		return nil, err
	}
	found, err := ec2credentials.ExtractCredentials(pages)
	all := make([]lifecycle.Listed, 0, len(found))
	for _, c := range found {
		all = append(all, lifecycle.Listed{ID: c.Access, ProjectID: c.TenantID})
	}
	return all, err
}

// MovesFrom names the type of the common provider.
func (ec2Credential) MovesFrom() []string { return []string{"openstack_identity_ec2_credential_v3"} }

// MoveState takes the user, who need not be the provider's.
func (ec2Credential) MoveState(from lifecycle.MovedState, m *ec2CredentialModel) error {
	m.UserID = value.StringOrNull(from.String("user_id"))
	return nil
}

func (ec2Credential) Delete(ctx context.Context, cloud *openstack.Cloud, m *ec2CredentialModel) error {
	client, err := cloud.Identity()
	if err != nil {
		return err
	}
	return ec2credentials.Delete(ctx, client, m.owner(cloud), m.ID.ValueString()).ExtractErr()
}

// owner is the user that made the credential, who need not be today's.
func (m *ec2CredentialModel) owner(cloud *openstack.Cloud) string {
	if value.Known(m.UserID) {
		return m.UserID.ValueString()
	}
	return cloud.UserID()
}

func (m *ec2CredentialModel) flatten(c ec2credentials.Credential) {
	m.ProjectID = types.StringValue(c.TenantID)
	m.UserID = types.StringValue(c.UserID)
	m.Access = types.StringValue(c.Access)
	m.Secret = types.StringValue(c.Secret)
}
