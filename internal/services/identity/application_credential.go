package identity

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/applicationcredentials"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// applicationCredential stands for the user in one project, with some of the roles and perhaps for some requests only. Keystone cannot change one.
type applicationCredential struct{}

var (
	_ lifecycle.Handler[applicationModel]    = applicationCredential{}
	_ lifecycle.Validator[applicationModel]  = applicationCredential{}
	_ lifecycle.Planner[applicationModel]    = applicationCredential{}
	_ lifecycle.Secrets[applicationModel]    = applicationCredential{}
	_ lifecycle.Lister                       = applicationCredential{}
	_ lifecycle.StateMover[applicationModel] = applicationCredential{}
)

type applicationModel struct {
	lifecycle.Object

	Name            types.String `tfsdk:"name"`
	Description     types.String `tfsdk:"description"`
	Roles           types.Set    `tfsdk:"roles"`
	AccessRules     types.Set    `tfsdk:"access_rules"`
	Unrestricted    types.Bool   `tfsdk:"unrestricted"`
	ExpiresAt       types.String `tfsdk:"expires_at"`
	ExpiresAfter    types.Int64  `tfsdk:"expires_after"`
	RenewBefore     types.Int64  `tfsdk:"renew_before"`
	SecretWO        types.String `tfsdk:"secret_wo"`
	SecretWOVersion types.Int64  `tfsdk:"secret_wo_version"`
	Secret          types.String `tfsdk:"secret"`
	ProjectID       types.String `tfsdk:"project_id"`
	UserID          types.String `tfsdk:"user_id"`
}

type accessRuleModel struct {
	Service types.String `tfsdk:"service"`
	Method  types.String `tfsdk:"method"`
	Path    types.String `tfsdk:"path"`
}

// rulesLock is held while credentials with access rules come and go: those of a user share their rules, and Keystone refuses one of two that
// make the same rule at the same time.
const rulesLock = "identity/access rules"

// rulesWithin is how long another session of the user may be making the same rule.
const rulesWithin = 10 * time.Second

func (applicationCredential) Name() string { return "application_credential" }

// Secrets carries the secret that is write-only.
func (applicationCredential) Secrets(from, to *applicationModel) { to.SecretWO = from.SecretWO }

func (applicationCredential) Create(ctx context.Context, cloud *openstack.Cloud, m *applicationModel) error {
	client, err := cloud.Identity()
	if err != nil {
		return err
	}
	opts, err := m.expand(ctx, time.Now())
	if err != nil {
		return err
	}
	if len(opts.AccessRules) > 0 {
		unlock, err := cloud.Lock(ctx, rulesLock)
		if err != nil {
			return err
		}
		defer unlock()
	}
	begin := time.Now()
	var made *applicationcredentials.ApplicationCredential
	err = openstack.Insist(ctx, rulesWithin, func(ctx context.Context) error {
		made, err = applicationcredentials.Create(ctx, client, cloud.UserID(), opts).Extract()
		return err
	}, func(err error) bool {
		if len(opts.AccessRules) == 0 || !openstack.Conflict(err) {
			return false
		}
		id, err := m.named(ctx, cloud)
		return err == nil && id == "" // nobody has the name, so it was a rule
	})
	switch {
	case openstack.Lost(err):
		if m.ID, err = m.findLost(ctx, cloud, begin, opts, err); err != nil {
			return err
		}
	case openstack.Conflict(err):
		return m.taken(ctx, cloud, err)
	case err != nil:
		return fmt.Errorf("create application credential %q: %w", opts.Name, err)
	default:
		m.ID = types.StringValue(made.ID)
	}
	m.UserID = types.StringValue(cloud.UserID())
	m.Secret = types.StringNull()
	if m.SecretWOVersion.IsNull() {
		m.Secret = types.StringValue(opts.Secret)
	}
	return nil
}

// expand is what Keystone is asked for. A secret that the user does not give is made here, so that a credential can be recognized
// even when Keystone's answer is lost.
func (m *applicationModel) expand(ctx context.Context, now time.Time) (applicationcredentials.CreateOpts, error) {
	opts := applicationcredentials.CreateOpts{
		Name: m.Name.ValueString(), Description: m.Description.ValueString(), Unrestricted: m.Unrestricted.ValueBool(), Secret: m.SecretWO.ValueString(),
	}
	for _, role := range value.Strings(m.Roles) {
		opts.Roles = append(opts.Roles, applicationcredentials.Role{Name: role})
	}
	rules, err := m.rules(ctx)
	if err != nil {
		return opts, err
	}
	for _, r := range rules {
		opts.AccessRules = append(opts.AccessRules, applicationcredentials.AccessRule{
			Service: r.Service.ValueString(), Method: r.Method.ValueString(), Path: r.Path.ValueString(),
		})
	}
	if value.Known(m.ExpiresAfter) {
		opts.ExpiresAt = new(now.Add(time.Duration(m.ExpiresAfter.ValueInt64()) * time.Second).UTC().Truncate(time.Second))
	} else if at, err := time.Parse(time.RFC3339, m.ExpiresAt.ValueString()); err == nil {
		opts.ExpiresAt = new(at.UTC())
	}
	if opts.Secret == "" {
		random := make([]byte, 40) // 54 letters: Keystone hashes no more than 72
		if _, err := rand.Read(random); err != nil {
			return opts, fmt.Errorf("make a secret: %w", err)
		}
		opts.Secret = base64.RawURLEncoding.EncodeToString(random)
	}
	return opts, nil
}

func (m *applicationModel) rules(ctx context.Context) ([]accessRuleModel, error) {
	var rules []accessRuleModel
	if !value.AllKnown(m.AccessRules) || m.AccessRules.IsNull() {
		return nil, nil
	}
	for _, d := range m.AccessRules.ElementsAs(ctx, &rules, false).Errors() {
		return nil, fmt.Errorf("%s: %s", d.Summary(), d.Detail())
	}
	return rules, nil
}

// findLost is the credential that a request without an answer has made. Only ours lets in with our secret.
func (m *applicationModel) findLost(ctx context.Context, cloud *openstack.Cloud, begin time.Time, opts applicationcredentials.CreateOpts, lost error) (types.String, error) {
	id, err := openstack.FindLost(ctx, fmt.Errorf("create application credential %q: %w", opts.Name, lost), begin, func(ctx context.Context) ([]openstack.Candidate, error) {
		named, err := m.named(ctx, cloud)
		if err != nil || named == "" {
			return nil, err
		}
		if err := cloud.TryApplicationCredential(ctx, named, opts.Secret); err != nil {
			return nil, err
		}
		return []openstack.Candidate{{ID: named, Created: time.Now()}}, nil
	})
	if err != nil {
		return types.StringNull(), err
	}
	return types.StringValue(id), nil
}

// named is the id of the user's credential of that name, "" when there is none.
func (m *applicationModel) named(ctx context.Context, cloud *openstack.Cloud) (string, error) {
	client, err := cloud.Identity()
	if err != nil {
		return "", err
	}
	pages, err := applicationcredentials.List(client, cloud.UserID(), applicationcredentials.ListOpts{Name: m.Name.ValueString()}).AllPages(ctx)
	if err != nil {
		return "", fmt.Errorf("look for application credential %q: %w", m.Name.ValueString(), err)
	}
	found, err := applicationcredentials.ExtractApplicationCredentials(pages)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0].ID, nil
}

// taken explains a conflict: another credential has the name.
func (m *applicationModel) taken(ctx context.Context, cloud *openstack.Cloud, conflict error) error {
	id, err := m.named(ctx, cloud)
	if err != nil || id == "" {
		return errors.Join(fmt.Errorf("create application credential %q: %w", m.Name.ValueString(), conflict), err)
	}
	return lifecycle.Invalid(path.Root("name"), "the user has an application credential %q already, which was not made by this resource. Choose another name, or import it, "+
		"without its secret:\n\n  terraform import 'massif_application_credential.NAME' '%s'\n\nwhere NAME is the name of the resource in the configuration", m.Name.ValueString(), id)
}

// applicationReads answers many reads of one user's credentials with one list.
func applicationReads(user string) openstack.Collection[applicationcredentials.ApplicationCredential] {
	return openstack.Collection[applicationcredentials.ApplicationCredential]{
		Name:    "application credentials of " + user,
		Service: (*openstack.Cloud).Identity,
		ID:      func(c applicationcredentials.ApplicationCredential) string { return c.ID },
		Get: func(ctx context.Context, client *gophercloud.ServiceClient, id string) (applicationcredentials.ApplicationCredential, error) {
			found, err := applicationcredentials.Get(ctx, client, user, id).Extract()
			if err != nil {
				return applicationcredentials.ApplicationCredential{}, err
			}
			return *found, nil
		},
		List: func(ctx context.Context, client *gophercloud.ServiceClient, _ []string) ([]applicationcredentials.ApplicationCredential, error) {
			pages, err := applicationcredentials.List(client, user, nil).AllPages(ctx)
			if err != nil {
				return nil, err
			}
			return applicationcredentials.ExtractApplicationCredentials(pages)
		},
	}
}

func (applicationCredential) Read(ctx context.Context, cloud *openstack.Cloud, m *applicationModel) error {
	m.UserID = types.StringValue(m.owner(cloud))
	found, err := openstack.Get(ctx, cloud, applicationReads(m.UserID.ValueString()), m.ID.ValueString())
	if err != nil {
		return err
	}
	return m.flatten(ctx, found)
}

// Delete also removes the access rules that no other credential of the user has: Keystone keeps them.
func (applicationCredential) Delete(ctx context.Context, cloud *openstack.Cloud, m *applicationModel) error {
	client, err := cloud.Identity()
	if err != nil {
		return err
	}
	user := m.owner(cloud)
	there, err := applicationcredentials.Get(ctx, client, user, m.ID.ValueString()).Extract()
	if err != nil {
		return err
	}
	if len(there.AccessRules) > 0 {
		unlock, err := cloud.Lock(ctx, rulesLock)
		if err != nil {
			return err
		}
		defer unlock()
	}
	if err := applicationcredentials.Delete(ctx, client, user, m.ID.ValueString()).ExtractErr(); err != nil && !openstack.NotFound(err) {
		return fmt.Errorf("delete application credential %q: %w", m.Name.ValueString(), err)
	}
	for _, rule := range there.AccessRules {
		err := applicationcredentials.DeleteAccessRule(ctx, client, user, rule.ID).ExtractErr()
		if err != nil && !openstack.NotFound(err) && !openstack.Forbidden(err) { // forbidden: in use
			return fmt.Errorf("delete access rule %s of application credential %q: %w", rule.ID, m.Name.ValueString(), err)
		}
	}
	return nil
}

// List names the credentials of the user, who has them in all projects.
func (applicationCredential) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return lifecycle.ListOf(ctx, cloud, applicationReads(cloud.UserID()), func(c applicationcredentials.ApplicationCredential) lifecycle.Listed {
		return lifecycle.Listed{ID: c.ID, Name: c.Name, ProjectID: c.ProjectID}
	})
}

// MovesFrom names the type of the common provider.
func (applicationCredential) MovesFrom() []string {
	return []string{"openstack_identity_application_credential_v3"}
}

// MoveState takes the secret, which Keystone does not tell again.
func (applicationCredential) MoveState(from lifecycle.MovedState, m *applicationModel) error {
	m.Secret = value.StringOrNull(from.String("secret"))
	return nil
}

// owner is the user that made the credential, who need not be today's.
func (m *applicationModel) owner(cloud *openstack.Cloud) string {
	if value.Known(m.UserID) {
		return m.UserID.ValueString()
	}
	return cloud.UserID()
}

func (m *applicationModel) flatten(ctx context.Context, c applicationcredentials.ApplicationCredential) error {
	m.Name = types.StringValue(c.Name)
	m.Description = types.StringValue(c.Description)
	m.Unrestricted = types.BoolValue(c.Unrestricted)
	m.ProjectID = types.StringValue(c.ProjectID)
	roles := make([]string, 0, len(c.Roles))
	for _, role := range c.Roles {
		roles = append(roles, role.Name)
	}
	m.Roles = value.Set(roles)
	switch at := types.StringValue(c.ExpiresAt.UTC().Format(time.RFC3339)); {
	case c.ExpiresAt.IsZero():
		m.ExpiresAt = types.StringNull()
	case !sameTime(at, m.ExpiresAt): // else it stays as it was written, in whatever zone
		m.ExpiresAt = at
	}
	rules := make([]accessRuleModel, 0, len(c.AccessRules))
	for _, r := range c.AccessRules {
		rules = append(rules, accessRuleModel{types.StringValue(r.Service), types.StringValue(r.Method), types.StringValue(r.Path)})
	}
	slices.SortFunc(rules, func(a, b accessRuleModel) int { return cmp.Compare(a.Path.ValueString(), b.Path.ValueString()) })
	if len(rules) == 0 {
		m.AccessRules = types.SetNull(accessRuleType())
		return nil
	}
	set, diags := types.SetValueFrom(ctx, accessRuleType(), rules)
	for _, d := range diags.Errors() {
		return fmt.Errorf("%s: %s", d.Summary(), d.Detail())
	}
	m.AccessRules = set
	return nil
}

// sameTime tells whether two texts mean the same instant.
func sameTime(a, b types.String) bool {
	first, err := time.Parse(time.RFC3339, a.ValueString())
	second, otherErr := time.Parse(time.RFC3339, b.ValueString())
	return err == nil && otherErr == nil && first.Unix() == second.Unix()
}
