package keymanager

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/secrets"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// soon is how long before its end a secret or certificate gets a warning.
const soon = 30 * 24 * time.Hour

// metadataKey is what comes back from Barbican as it was sent: it turns keys to lower case.
var metadataKey = regexp.MustCompile(`^[^A-Z/\s]{1,255}$`)

// secret is a payload that Barbican keeps encrypted. Its payload can be given once; access and metadata change in place.
type secret struct{}

var (
	_ lifecycle.Handler[secretModel]    = secret{}
	_ lifecycle.Updater[secretModel]    = secret{}
	_ lifecycle.Validator[secretModel]  = secret{}
	_ lifecycle.Planner[secretModel]    = secret{}
	_ lifecycle.Secrets[secretModel]    = secret{}
	_ lifecycle.StateMover[secretModel] = secret{}
	_ lifecycle.Lister                  = secret{}
)

type secretModel struct {
	lifecycle.Object

	Name           types.String `tfsdk:"name"`
	Payload        types.String `tfsdk:"payload"`
	PayloadBase64  types.String `tfsdk:"payload_base64"`
	PayloadVersion types.Int64  `tfsdk:"payload_version"`
	ContentType    types.String `tfsdk:"content_type"`
	SecretType     types.String `tfsdk:"secret_type"`
	Algorithm      types.String `tfsdk:"algorithm"`
	BitLength      types.Int64  `tfsdk:"bit_length"`
	Mode           types.String `tfsdk:"mode"`
	Expiration     types.String `tfsdk:"expiration"`
	ProjectAccess  types.Bool   `tfsdk:"project_access"`
	ReadUsers      types.Set    `tfsdk:"read_users"`
	Metadata       types.Map    `tfsdk:"metadata"`
	Ref            types.String `tfsdk:"ref"`
}

func (secret) Name() string { return "secret" }

func (secret) Schema() schema.Schema {
	fixed := func(description string) schema.StringAttribute {
		return schema.StringAttribute{
			MarkdownDescription: description + " Changing it makes a new secret.",
			Optional:            true,
			Validators:          []validator.String{stringvalidator.LengthBetween(1, 255)},
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		}
	}
	content := func(description string, other string) schema.StringAttribute {
		return schema.StringAttribute{
			MarkdownDescription: description + " Write-only: it is in no plan and no state. At most 20,000 bytes.",
			Optional:            true,
			WriteOnly:           true,
			Sensitive:           true,
			Validators: []validator.String{
				stringvalidator.ConflictsWith(path.MatchRoot(other)),
				stringvalidator.AlsoRequires(path.MatchRoot("payload_version")),
			},
		}
	}
	kind := fixed("What it is: `opaque`, `symmetric`, `private`, `public`, `passphrase` or `certificate`.")
	kind.Computed = true
	kind.Default = stringdefault.StaticString(string(secrets.OpaqueSecret))
	kind.Validators = []validator.String{stringvalidator.OneOf("opaque", "symmetric", "private", "public", "passphrase", "certificate")}
	return schema.Schema{
		MarkdownDescription: "A secret in the key manager. It can be made without a payload, which is then given once and in place; another payload is another " +
			"secret, for the key manager changes none. Where something refers to it, set `lifecycle { create_before_destroy = true }`.",
		Attributes: map[string]schema.Attribute{
			"name":           fixed("Name of the secret, which need not be unique."),
			"payload":        content("What is kept secret, as text. White space around it is not kept.", "payload_base64"),
			"payload_base64": content("What is kept secret, as any bytes, in base64.", "payload"),
			"payload_version": schema.Int64Attribute{
				MarkdownDescription: "Version of the payload. Another number stores what the payload then is in a new secret. That of an imported secret may be any.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(0)},
			},
			"content_type": attribute.Computed("`text/plain` of a `payload`, `application/octet-stream` of a `payload_base64`; not set without a payload."),
			"secret_type":  kind,
			"algorithm":    fixed("Algorithm that a key is for, such as `aes`. For people and services; the key manager does not look."),
			"bit_length": schema.Int64Attribute{
				MarkdownDescription: "Length of a key in bits. Changing it makes a new secret.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(1)},
				PlanModifiers:       []planmodifier.Int64{int64planmodifier.RequiresReplace()},
			},
			"mode": fixed("Mode of the algorithm, such as `cbc`."),
			"expiration": schema.StringAttribute{
				MarkdownDescription: "When the key manager forgets the secret, such as `2030-01-31T12:00:00Z`. Changing it makes a new secret.",
				Optional:            true,
			},
			"project_access": projectAccess(),
			"read_users":     readUsers(),
			"metadata": schema.MapAttribute{
				MarkdownDescription: "What else there is to say about the secret, all of it. Keys have no capital letters.",
				ElementType:         types.StringType,
				Optional:            true,
				Computed:            true,
				Default:             mapdefault.StaticValue(value.Map(nil)),
				Validators: []validator.Map{
					mapvalidator.KeysAre(stringvalidator.RegexMatches(metadataKey,
						"must have 1 to 255 characters, without capital letters, slash and white space: the key manager turns them to lower case")),
					mapvalidator.ValueStringsAre(stringvalidator.LengthAtMost(255)),
				},
			},
			"ref": attribute.Computed("URL of the secret, by which other services know it."),
		},
	}
}

func (secret) Secrets(from, to *secretModel) {
	to.Payload, to.PayloadBase64 = from.Payload, from.PayloadBase64
}

func (secret) Validate(_ context.Context, config *secretModel) error {
	_, err := config.payload()
	if _, ok := instant(config.Expiration); !ok && value.Known(config.Expiration) {
		err = errors.Join(err, lifecycle.Invalid(path.Root("expiration"), "it must be a time in the form of RFC 3339, such as 2030-01-31T12:00:00Z"))
	}
	return err
}

func (secret) Plan(ctx context.Context, _ *openstack.Cloud, change *lifecycle.Change[secretModel]) error {
	plan, prior := change.Plan, change.Prior
	replaced := prior == nil
	if prior != nil {
		if sameInstant(plan.Expiration, prior.Expiration) {
			plan.Expiration = prior.Expiration
		} else {
			change.Replace(path.Root("expiration"))
			replaced = true
		}
		switch {
		case plan.PayloadVersion.Equal(prior.PayloadVersion) || plan.PayloadVersion.IsNull():
		case !prior.PayloadVersion.IsNull():
			change.Replace(path.Root("payload_version"))
			replaced = true
		case prior.ContentType.IsNull(): // it has no payload yet
			plan.ContentType = change.Config.contentType()
		}
	} else {
		plan.ContentType = change.Config.contentType()
	}
	return checkExpiration(ctx, plan.Expiration, replaced)
}

// checkExpiration refuses what would not be there when it is made, and warns of what will not be for long.
func checkExpiration(ctx context.Context, expiration types.String, made bool) error {
	at, ok := instant(expiration)
	if !ok {
		return nil
	}
	switch left := time.Until(at); {
	case made && left <= 0:
		return lifecycle.Invalid(path.Root("expiration"), "it must be in the future: %s is past, and the key manager takes no secret that has expired", expiration.ValueString())
	case left < soon:
		lifecycle.Warn(ctx, "The secret expires soon", fmt.Sprintf(
			"It expires at %s, in %s. The key manager then forgets it; choose a later expiration, which makes a new secret.", expiration.ValueString(), roughly(left)))
	}
	return nil
}

// roughly is a duration for people.
func roughly(d time.Duration) string {
	if d > 48*time.Hour {
		return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
	}
	return d.Round(time.Minute).String()
}

// instant is the time that a known timestamp says.
func instant(v types.String) (time.Time, bool) {
	if !value.Known(v) {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, v.ValueString())
	return at, err == nil
}

// sameInstant tells whether two timestamps say the same to the second, which is all that Barbican keeps.
func sameInstant(a, b types.String) bool {
	at, ok := instant(a)
	bt, also := instant(b)
	if ok && also {
		return at.Truncate(time.Second).Equal(bt.Truncate(time.Second))
	}
	return a.Equal(b)
}

func (secret) Create(ctx context.Context, cloud *openstack.Cloud, m *secretModel) error {
	content, err := m.payload()
	if err != nil {
		return err
	}
	opts := secrets.CreateOpts{
		Name: m.Name.ValueString(), SecretType: secrets.SecretType(m.SecretType.ValueString()), Algorithm: m.Algorithm.ValueString(),
		BitLength: int(m.BitLength.ValueInt64()), Mode: m.Mode.ValueString(),
	}
	if at, ok := instant(m.Expiration); ok {
		opts.Expiration = new(at.UTC())
	}
	if err := create(ctx, cloud, opts, content, func(id string) { m.ID = types.StringValue(id) }); err != nil {
		return err
	}
	if len(m.Metadata.Elements()) > 0 {
		if err := m.writeMetadata(ctx, cloud); err != nil {
			return err
		}
	}
	return m.shared().write(ctx, cloud, m.ID.ValueString(), types.SetNull(types.StringType))
}

func (secret) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *secretModel) error {
	id := prior.ID.ValueString()
	if prior.ContentType.IsNull() && !plan.PayloadVersion.Equal(prior.PayloadVersion) {
		content, err := plan.payload()
		if err != nil {
			return err
		}
		if content != nil {
			if err := upload(ctx, cloud, id, *content); err != nil {
				return err
			}
		}
	}
	if !plan.Metadata.Equal(prior.Metadata) {
		if err := plan.writeMetadata(ctx, cloud); err != nil {
			return err
		}
	}
	if plan.ProjectAccess.Equal(prior.ProjectAccess) && plan.ReadUsers.Equal(prior.ReadUsers) {
		return nil
	}
	return plan.shared().write(ctx, cloud, id, prior.ReadUsers)
}

func (m *secretModel) writeMetadata(ctx context.Context, cloud *openstack.Cloud) error {
	client, err := cloud.KeyManager()
	if err != nil {
		return err
	}
	metadata := secrets.MetadataOpts{}
	maps.Copy(metadata, value.StringMap(m.Metadata))
	if _, err := secrets.CreateMetadata(ctx, client, m.ID.ValueString(), metadata).Extract(); err != nil {
		return lifecycle.At(path.Root("metadata"), fmt.Errorf("set the metadata: %w", err))
	}
	return nil
}

func (secret) Read(ctx context.Context, cloud *openstack.Cloud, m *secretModel) error {
	id := m.ID.ValueString()
	found, err := openstack.Get(ctx, cloud, secretReads, id)
	if at, ok := instant(m.Expiration); openstack.NotFound(err) && ok && time.Until(at) <= 0 {
		lifecycle.Warn(ctx, "The secret has expired", fmt.Sprintf(
			"Secret %s (%s) expired at %s, and the key manager has forgotten it.", m.Name.ValueString(), id, m.Expiration.ValueString()))
	}
	if err != nil {
		return err
	}
	client, err := cloud.KeyManager()
	if err != nil {
		return err
	}
	metadata, err := secrets.GetMetadata(ctx, client, id).Extract()
	if err != nil {
		return fmt.Errorf("read the metadata: %w", err)
	}
	if err := m.shared().read(ctx, cloud, id); err != nil {
		return err
	}
	m.flatten(found, metadata)
	return nil
}

func (secret) Delete(ctx context.Context, cloud *openstack.Cloud, m *secretModel) error {
	return remove(ctx, cloud, m.ID.ValueString())
}

func (secret) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	found, err := openstack.All(ctx, cloud, secretReads)
	var all []lifecycle.Listed
	for _, s := range found {
		all = append(all, lifecycle.Listed{ID: secretID(s), Name: s.Name})
	}
	return all, err
}

func (secret) MovesFrom() []string { return []string{"openstack_keymanager_secret_v1"} }

// MoveState takes of the access list what the other provider has set: the users that others entered stay theirs.
func (secret) MoveState(from lifecycle.MovedState, m *secretModel) error {
	users := []string{}
	lists, _ := from.Attribute("acl").([]any)
	for _, list := range lists {
		reads, _ := dig(list, "read").([]any)
		for _, read := range reads {
			for _, user := range anyList(dig(read, "users")) {
				if id, ok := user.(string); ok {
					users = append(users, id)
				}
			}
		}
	}
	m.ReadUsers = value.Set(users)
	return nil
}

func dig(v any, key string) any {
	o, _ := v.(map[string]any)
	return o[key]
}

func anyList(v any) []any {
	all, _ := v.([]any)
	return all
}

func (m *secretModel) shared() shared {
	return shared{projectAccess: &m.ProjectAccess, readUsers: &m.ReadUsers}
}

func (m *secretModel) flatten(s secrets.Secret, metadata map[string]string) {
	m.Name = value.StringOrNull(s.Name)
	m.ContentType = value.StringOrNull(contentType(s))
	m.SecretType = types.StringValue(s.SecretType)
	m.Algorithm = value.StringOrNull(s.Algorithm)
	m.BitLength = types.Int64Null()
	if s.BitLength > 0 {
		m.BitLength = value.Int(s.BitLength)
	}
	m.Mode = value.StringOrNull(s.Mode)
	expiration := types.StringNull()
	if !s.Expiration.IsZero() {
		expiration = types.StringValue(s.Expiration.UTC().Format(time.RFC3339))
	}
	if !sameInstant(m.Expiration, expiration) {
		m.Expiration = expiration
	}
	m.Metadata = value.Map(metadata)
	m.Ref = types.StringValue(s.SecretRef)
}
