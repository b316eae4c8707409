package compute

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// keypairSource looks up a key pair of the user.
type keypairSource struct{}

var (
	_ lifecycle.Source[keypairSourceModel]    = keypairSource{}
	_ lifecycle.Validator[keypairSourceModel] = keypairSource{}
)

type keypairSourceModel struct {
	lifecycle.SourceObject

	Name        types.String `tfsdk:"name"`
	PublicKey   types.String `tfsdk:"public_key"`
	Fingerprint types.String `tfsdk:"fingerprint"`
}

func (keypairSource) Name() string { return "keypair" }

func (keypairSource) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A key pair of the user, by its `name`, which is its `id` as well.",
		Attributes: map[string]schema.Attribute{
			"name":        schema.StringAttribute{MarkdownDescription: "Name of the key pair.", Optional: true, Computed: true},
			"public_key":  schema.StringAttribute{MarkdownDescription: "Public key in OpenSSH's format.", Computed: true},
			"fingerprint": schema.StringAttribute{MarkdownDescription: "MD5 fingerprint of the public key.", Computed: true},
		},
	}
}

func (keypairSource) Validate(_ context.Context, config *keypairSourceModel) error {
	if config.Name.IsNull() == config.ID.IsNull() {
		return lifecycle.Invalid(path.Root("name"), "say which key pair, by its name")
	}
	return nil
}

func (keypairSource) Read(ctx context.Context, cloud *openstack.Cloud, m *keypairSourceModel) error {
	name := m.Name.ValueString()
	if !value.Known(m.Name) {
		name = m.ID.ValueString()
	}
	all, err := openstack.All(ctx, cloud, keypairReads)
	if err != nil {
		return err
	}
	var candidates []keypairs.KeyPair
	for _, k := range all {
		if k.Name == name {
			candidates = append(candidates, k)
		}
	}
	found, err := lookup.Only("key pair", candidates, all, func(k keypairs.KeyPair) string { return k.Name })
	if err != nil {
		return err
	}
	m.ID, m.Name = types.StringValue(found.Name), types.StringValue(found.Name)
	m.PublicKey, m.Fingerprint = types.StringValue(found.PublicKey), types.StringValue(found.Fingerprint)
	return nil
}
