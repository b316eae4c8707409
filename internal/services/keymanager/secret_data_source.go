package keymanager

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/secrets"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// secretSource looks up what is known about a secret, without its payload.
type secretSource struct{}

var _ lifecycle.Source[secretSourceModel] = secretSource{}

type secretSourceModel struct {
	lifecycle.SourceObject

	Name        types.String `tfsdk:"name"`
	SecretType  types.String `tfsdk:"secret_type"`
	Algorithm   types.String `tfsdk:"algorithm"`
	BitLength   types.Int64  `tfsdk:"bit_length"`
	Mode        types.String `tfsdk:"mode"`
	Expiration  types.String `tfsdk:"expiration"`
	ContentType types.String `tfsdk:"content_type"`
	Metadata    types.Map    `tfsdk:"metadata"`
	Ref         types.String `tfsdk:"ref"`
}

func (secretSource) Name() string { return "secret" }

func (secretSource) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "What is known about a secret, found by what is set: `id`, `name`, `secret_type`, `algorithm`. Its payload would be in the state: " +
			"the ephemeral resource of the same name reads that.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{MarkdownDescription: "Name of the secret.", Optional: true, Computed: true},
			"secret_type": schema.StringAttribute{
				MarkdownDescription: "What it is: `opaque`, `symmetric`, `private`, `public`, `passphrase` or `certificate`.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{stringvalidator.OneOf("opaque", "symmetric", "private", "public", "passphrase", "certificate")},
			},
			"algorithm":    schema.StringAttribute{MarkdownDescription: "Algorithm that a key is for.", Optional: true, Computed: true},
			"bit_length":   schema.Int64Attribute{MarkdownDescription: "Length of a key in bits.", Computed: true},
			"mode":         schema.StringAttribute{MarkdownDescription: "Mode of the algorithm.", Computed: true},
			"expiration":   schema.StringAttribute{MarkdownDescription: "When the key manager forgets the secret.", Computed: true},
			"content_type": schema.StringAttribute{MarkdownDescription: "Content type of the payload; not set without one.", Computed: true},
			"metadata":     schema.MapAttribute{MarkdownDescription: "What else there is to say about the secret.", ElementType: types.StringType, Computed: true},
			"ref":          schema.StringAttribute{MarkdownDescription: "URL of the secret, by which other services know it.", Computed: true},
		},
	}
}

func (secretSource) Read(ctx context.Context, cloud *openstack.Cloud, m *secretSourceModel) error {
	found, err := findSecret(ctx, cloud, m.ID, m.Name, m.SecretType, m.Algorithm)
	if err != nil {
		return err
	}
	client, err := cloud.KeyManager()
	if err != nil {
		return err
	}
	metadata, err := secrets.GetMetadata(ctx, client, secretID(found)).Extract()
	if err != nil {
		return fmt.Errorf("read the metadata: %w", err)
	}
	var all secretModel
	all.flatten(found, metadata)
	m.ID = types.StringValue(secretID(found))
	m.Name, m.SecretType, m.Algorithm, m.BitLength, m.Mode = all.Name, all.SecretType, all.Algorithm, all.BitLength, all.Mode
	m.Expiration, m.ContentType, m.Metadata, m.Ref = all.Expiration, all.ContentType, all.Metadata, all.Ref
	return nil
}

// findSecret finds the one secret that matches what is set. One of another project that may be read is found by its id only.
func findSecret(ctx context.Context, cloud *openstack.Cloud, id, name, kind, algorithm types.String) (secrets.Secret, error) {
	if value.Known(id) {
		found, err := openstack.Get(ctx, cloud, secretReads, id.ValueString())
		if openstack.NotFound(err) {
			err = fmt.Errorf("there is no secret %s that these credentials may see: %w", id.ValueString(), err)
		}
		return found, err
	}
	all, err := openstack.All(ctx, cloud, secretReads)
	if err != nil {
		return secrets.Secret{}, fmt.Errorf("list the secrets: %w", err)
	}
	matches := func(v types.String, text string) bool { return !value.Known(v) || v.ValueString() == text }
	found := slices.DeleteFunc(slices.Clone(all), func(s secrets.Secret) bool {
		return !matches(name, s.Name) || !matches(kind, s.SecretType) || !matches(algorithm, s.Algorithm)
	})
	return lookup.Only("secret", found, all, describe)
}

func describe(s secrets.Secret) string {
	text := fmt.Sprintf("%s (%s, %s", s.Name, secretID(s), s.SecretType)
	if !s.Expiration.IsZero() {
		text += ", until " + s.Expiration.Format(time.DateOnly)
	}
	return text + ")"
}
