package identity

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// soon is when a warning tells that a credential ends, unless renew_before says.
const soon = 7 * 24 * time.Hour

var serviceType = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

func (applicationCredential) Schema() schema.Schema {
	description := attribute.Description()
	description.PlanModifiers = []planmodifier.String{stringplanmodifier.RequiresReplace()}
	unrestricted := attribute.Flag("Whether it may make and delete application credentials and trusts, as the user may. That is dangerous: who has it can stay.", false)
	unrestricted.PlanModifiers = []planmodifier.Bool{boolplanmodifier.RequiresReplace()}
	secret := attribute.Computed("The secret that was made when `secret_wo` is not set. Keystone tells it only once, so it is in the state: guard that. Null after an import.")
	secret.Sensitive = true
	return schema.Schema{
		MarkdownDescription: "An application credential: a secret with which programs act as the provider's user in the provider's project, without the user's password. " +
			"Keystone cannot change one, so every change makes a new one. To keep the old one until the new one is there, its `name` must change, too, " +
			"with `create_before_destroy`.",
		Attributes: map[string]schema.Attribute{
			"name":        attribute.FixedName("Name, unique for the user."),
			"description": description,
			"roles": schema.SetAttribute{
				MarkdownDescription: "Names of the roles that it has in the project, of those that the user has; all of them when not set.",
				ElementType:         types.StringType,
				Optional:            true,
				Computed:            true,
				Validators:          []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(stringvalidator.LengthBetween(1, 255))},
				PlanModifiers:       []planmodifier.Set{setplanmodifier.UseStateForUnknown(), setplanmodifier.RequiresReplaceIfConfigured()},
			},
			"access_rules": schema.SetNestedAttribute{
				MarkdownDescription: "The only requests that it may send. All that its roles allow when not set.",
				Optional:            true,
				Validators:          []validator.Set{setvalidator.SizeAtLeast(1)},
				PlanModifiers:       []planmodifier.Set{setplanmodifier.RequiresReplace()},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"service": schema.StringAttribute{
						MarkdownDescription: "Type of the service as in the catalog, such as `compute` or `object-store`.",
						Required:            true,
						Validators:          []validator.String{stringvalidator.RegexMatches(serviceType, "must be a type of service, such as compute, network or object-store")},
					},
					"method": schema.StringAttribute{
						MarkdownDescription: "`GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`.",
						Required:            true,
						Validators:          []validator.String{stringvalidator.OneOf("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")},
					},
					"path": schema.StringAttribute{
						MarkdownDescription: "Path of the request, such as `/v2.1/servers/*`: `*` is one part, `**` the rest, `{server_id}` one part with a name.",
						Required:            true,
						Validators: []validator.String{
							stringvalidator.LengthBetween(1, 128),
							stringvalidator.RegexMatches(regexp.MustCompile(`^/\S*$`), "must begin with a slash, such as /v2.1/servers"),
						},
					},
				}},
			},
			"unrestricted": unrestricted,
			"expires_at": schema.StringAttribute{
				MarkdownDescription: "When it ends, such as `2030-01-31T00:00:00Z`; never when neither this nor `expires_after` is set. A plan warns in time.",
				Optional:            true,
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"expires_after": schema.Int64Attribute{
				MarkdownDescription: "After how many seconds it ends, counted from when it is made. Once it has ended, or `renew_before` that, a plan makes a new one.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(1), int64validator.ConflictsWith(path.MatchRoot("expires_at"))},
			},
			"renew_before": schema.Int64Attribute{
				MarkdownDescription: "How many seconds before its end a plan makes a new one (with `expires_after`), or warns (with `expires_at`).",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(0)},
			},
			"secret_wo": schema.StringAttribute{
				MarkdownDescription: "Secret of your own. Write-only: it is never in the state.",
				Optional:            true,
				WriteOnly:           true,
				Sensitive:           true,
				Validators: []validator.String{
					stringvalidator.LengthBetween(8, 72), // Keystone hashes no more
					stringvalidator.AlsoRequires(path.MatchRoot("secret_wo_version")),
				},
			},
			"secret_wo_version": schema.Int64Attribute{
				MarkdownDescription: "Version of `secret_wo`. A new number makes a new credential.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AlsoRequires(path.MatchRoot("secret_wo"))},
				PlanModifiers:       []planmodifier.Int64{int64planmodifier.RequiresReplace()},
			},
			"secret":     secret,
			"project_id": attribute.Computed("Id of the project that it is for."),
			"user_id":    attribute.Computed("Id of the user that it stands for."),
		},
	}
}

// accessRuleType is the type of access_rules' elements.
func accessRuleType() types.ObjectType {
	return types.ObjectType{AttrTypes: map[string]attr.Type{"service": types.StringType, "method": types.StringType, "path": types.StringType}}
}

func (applicationCredential) Validate(_ context.Context, config *applicationModel) error {
	if value.Known(config.ExpiresAt) {
		if _, err := time.Parse(time.RFC3339, config.ExpiresAt.ValueString()); err != nil {
			return lifecycle.Invalid(path.Root("expires_at"), "it must be a time in RFC 3339's form, such as 2030-01-31T00:00:00Z: %w", err)
		}
	}
	if !config.RenewBefore.IsNull() && config.ExpiresAt.IsNull() && config.ExpiresAfter.IsNull() {
		return lifecycle.Invalid(path.Root("renew_before"), "a credential without an end needs no renewal: set expires_after or expires_at, too")
	}
	if value.Known(config.RenewBefore) && value.Known(config.ExpiresAfter) && config.RenewBefore.ValueInt64() >= config.ExpiresAfter.ValueInt64() {
		return lifecycle.Invalid(path.Root("renew_before"), "it must be less than expires_after (%d), or every plan makes a new credential", config.ExpiresAfter.ValueInt64())
	}
	return nil
}

// Plan tells what is known early, what Keystone would refuse, and what ends soon.
func (a applicationCredential) Plan(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[applicationModel]) error {
	m, prior := change.Plan, change.Prior
	if !change.Config.SecretWOVersion.IsNull() {
		m.Secret = types.StringNull()
	}
	if prior != nil {
		return m.planEnd(ctx, change, time.Now())
	}
	switch at, err := time.Parse(time.RFC3339, change.Config.ExpiresAt.ValueString()); {
	case err == nil && !time.Now().Before(at):
		return lifecycle.Invalid(path.Root("expires_at"), "%s is over; choose a later time", change.Config.ExpiresAt.ValueString())
	case !change.Config.ExpiresAfter.IsNull():
		m.ExpiresAt = types.StringUnknown()
	case change.Config.ExpiresAt.IsNull():
		m.ExpiresAt = types.StringNull()
	}
	if cloud == nil {
		return nil
	}
	m.UserID, m.ProjectID = types.StringValue(cloud.UserID()), types.StringValue(cloud.ProjectID())
	return m.allowed(cloud)
}

// allowed says what Keystone would refuse to the provider's credentials.
func (m *applicationModel) allowed(cloud *openstack.Cloud) error {
	own, err := cloud.Credential()
	if err != nil {
		return err
	}
	if own.Restricted {
		return errors.New("the provider's own credential is a restricted application credential, which Keystone lets make no others. " +
			"Give the provider a password, or an application credential that was made with unrestricted = true")
	}
	if cloud.ProjectID() == "" {
		return errors.New("the provider's credentials are for no project, and an application credential is for that of the provider: set its project_name or project_id")
	}
	var errs []error
	for _, role := range value.Strings(m.Roles) {
		if len(own.Roles) > 0 && !slices.Contains(own.Roles, role) {
			errs = append(errs, lifecycle.Invalid(path.Root("roles").AtSetValue(types.StringValue(role)),
				"the provider's user has no role %q in this project; it has: %s", role, strings.Join(slices.Sorted(slices.Values(own.Roles)), ", ")))
		}
	}
	return errors.Join(errs...)
}

// planEnd makes a new credential in time, or warns.
func (m *applicationModel) planEnd(ctx context.Context, change *lifecycle.Change[applicationModel], now time.Time) error {
	config, prior := change.Config, change.Prior
	end, err := time.Parse(time.RFC3339, prior.ExpiresAt.ValueString())
	ends := err == nil
	early := soon
	if !config.ExpiresAfter.IsNull() {
		early = 0
	}
	if value.Known(config.RenewBefore) {
		early = time.Duration(config.RenewBefore.ValueInt64()) * time.Second
	}
	due := ends && !now.Before(end.Add(-early))
	switch {
	case config.ExpiresAt.IsUnknown(), config.ExpiresAfter.IsUnknown():
		m.ExpiresAt = types.StringUnknown()
		change.Replace(path.Root("expires_at"))
	case !config.ExpiresAt.IsNull():
		if !sameTime(config.ExpiresAt, prior.ExpiresAt) {
			change.Replace(path.Root("expires_at"))
		} else if due {
			lifecycle.Warn(ctx, "Application credential ends", fmt.Sprintf("%q %s. Set a later expires_at, which makes a new one.", prior.Name.ValueString(), when(end, now)))
		}
	case config.ExpiresAfter.IsNull():
		if m.ExpiresAt = types.StringNull(); !prior.ExpiresAt.IsNull() {
			change.Replace(path.Root("expires_at"))
		}
	case !prior.ExpiresAfter.IsNull() && !prior.ExpiresAfter.Equal(config.ExpiresAfter), !ends, due, end.After(now.Add(time.Duration(config.ExpiresAfter.ValueInt64()) * time.Second)):
		m.ExpiresAt = types.StringUnknown()
		change.Replace(path.Root("expires_at"))
		if due {
			lifecycle.Warn(ctx, "Application credential ends", fmt.Sprintf("%q %s, so it is replaced.", prior.Name.ValueString(), when(end, now)))
		}
	}
	return nil
}

// when says when a credential ends.
func when(end, now time.Time) string {
	if now.Before(end) {
		return fmt.Sprintf("ends at %s, in %s", end.Format(time.RFC3339), end.Sub(now).Round(time.Minute))
	}
	return "has ended at " + end.Format(time.RFC3339)
}
