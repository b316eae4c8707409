package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/ec2credentials"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
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
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
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
	own, err := cloud.Credential()
	if err != nil {
		return err
	}
	if own.Application {
		return errors.New("the provider's own credential is an application credential, which Keystone lets make no EC2 credentials, be it restricted or not. " +
			"Give the provider a password")
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
	// A credential has neither a name nor a time of birth: what a request without an answer has made is told by what was there before,
	// which must not change meanwhile.
	unlock, err := cloud.Lock(ctx, "identity/EC2 credentials")
	if err != nil {
		return err
	}
	defer unlock()
	before, err := keysOf(ctx, client, cloud.UserID())
	if err != nil {
		return err
	}
	begin := time.Now()
	made, err := ec2credentials.Create(ctx, client, cloud.UserID(), ec2credentials.CreateOpts{TenantID: project}).Extract()
	if err == nil {
		m.ID = types.StringValue(made.Access)
		return nil
	}
	err = fmt.Errorf("create EC2 credential of project %s: %w", project, err)
	if !openstack.Lost(err) {
		return err
	}
	id, err := openstack.FindLost(ctx, err, begin, func(ctx context.Context) ([]openstack.Candidate, error) {
		now, err := keysOf(ctx, client, cloud.UserID())
		var young []openstack.Candidate
		for _, c := range now {
			if c.TenantID == project && !slices.ContainsFunc(before, func(b ec2credentials.Credential) bool { return b.Access == c.Access }) {
				young = append(young, openstack.Candidate{ID: c.Access, Created: time.Now()})
			}
		}
		return young, err
	})
	if err == nil {
		m.ID = types.StringValue(id)
	}
	return err
}

// keysOf are the credentials of a user, in all projects.
func keysOf(ctx context.Context, client *gophercloud.ServiceClient, user string) ([]ec2credentials.Credential, error) {
	pages, err := ec2credentials.List(client, user).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("list EC2 credentials: %w", err)
	}
	return ec2credentials.ExtractCredentials(pages)
}

// keyReads answers many reads of one user's credentials with one list.
func keyReads(user string) openstack.Collection[ec2credentials.Credential] {
	return openstack.Collection[ec2credentials.Credential]{
		Name:    "EC2 credentials of " + user,
		Service: (*openstack.Cloud).Identity,
		ID:      func(c ec2credentials.Credential) string { return c.Access },
		Get: func(ctx context.Context, client *gophercloud.ServiceClient, id string) (ec2credentials.Credential, error) {
			found, err := ec2credentials.Get(ctx, client, user, id).Extract()
			if err != nil {
				return ec2credentials.Credential{}, err
			}
			return *found, nil
		},
		List: func(ctx context.Context, client *gophercloud.ServiceClient, _ []string) ([]ec2credentials.Credential, error) {
			return keysOf(ctx, client, user)
		},
	}
}

func (ec2Credential) Read(ctx context.Context, cloud *openstack.Cloud, m *ec2CredentialModel) error {
	found, err := openstack.Get(ctx, cloud, keyReads(m.owner(cloud)), m.ID.ValueString())
	if err != nil {
		return err
	}
	m.flatten(found)
	return nil
}

// List names the credentials by their access key. Keystone lists those of the user in all projects.
func (ec2Credential) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return lifecycle.ListOf(ctx, cloud, keyReads(cloud.UserID()), func(c ec2credentials.Credential) lifecycle.Listed {
		return lifecycle.Listed{ID: c.Access, ProjectID: c.TenantID}
	})
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
