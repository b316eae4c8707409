package compute

import (
	"context"
	"fmt"
	"regexp"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/pagination"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"golang.org/x/crypto/ssh"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// keypairName is what Nova accepts as a name; `@` and `.` only since microversion 2.92.
var keypairName = regexp.MustCompile(`^[A-Za-z0-9 _-]+$`)

// keypair is an SSH key that Nova puts into servers. Nova cannot change one, and knows it by its name.
type keypair struct{}

var (
	_ lifecycle.Handler[keypairModel]    = keypair{}
	_ lifecycle.Validator[keypairModel]  = keypair{}
	_ lifecycle.Lister                   = keypair{}
	_ lifecycle.StateMover[keypairModel] = keypair{}
)

type keypairModel struct {
	lifecycle.Object

	Name        types.String `tfsdk:"name"`
	PublicKey   types.String `tfsdk:"public_key"`
	PrivateKey  types.String `tfsdk:"private_key"`
	Fingerprint types.String `tfsdk:"fingerprint"`
}

func (keypair) Name() string { return "keypair" }

func (keypair) Schema() schema.Schema {
	name := attribute.FixedName("Name of the key pair, unique for the user.")
	name.Validators = append(name.Validators, stringvalidator.RegexMatches(keypairName, "may have letters, digits, spaces, underscores and hyphens only"))
	privateKey := attribute.Computed("Private key in PEM, when Nova made the pair. It is in the state: prefer a key of your own.")
	privateKey.Sensitive = true
	return schema.Schema{
		MarkdownDescription: "An SSH key pair that Nova puts into new servers. Give `public_key`, or let Nova make a pair where it still does.",
		Attributes: map[string]schema.Attribute{
			"name": name,
			"public_key": schema.StringAttribute{
				MarkdownDescription: "Public key in OpenSSH's format. When not set, Nova makes a pair.",
				Optional:            true,
				Computed:            true,
				PlanModifiers: []planmodifier.String{
					stringplanmodifier.UseStateForUnknown(),
					stringplanmodifier.RequiresReplace(),
				},
				Validators: []validator.String{stringvalidator.LengthAtMost(65535)},
			},
			"private_key": privateKey,
			"fingerprint": attribute.Computed("MD5 fingerprint of the public key, as Nova shows it."),
		},
	}
}

func (keypair) Validate(_ context.Context, config *keypairModel) error {
	if !value.Known(config.PublicKey) {
		return nil
	}
	if _, _, _, _, err := ssh.ParseAuthorizedKey([]byte(config.PublicKey.ValueString())); err != nil {
		return lifecycle.Invalid(path.Root("public_key"),
			"it must be a public key in OpenSSH's format, such as the content of ~/.ssh/id_ed25519.pub: %w", err)
	}
	return nil
}

func (keypair) Create(ctx context.Context, cloud *openstack.Cloud, m *keypairModel) error {
	client, err := cloud.Compute()
	if err != nil {
		return err
	}
	made, err := keypairs.Create(ctx, client, keypairs.CreateOpts{
		Name:      m.Name.ValueString(),
		PublicKey: m.PublicKey.ValueString(), // unknown is "": Nova makes one
	}).Extract()
	if fault, ok := openstack.FaultOf(err); ok && fault.Duplicate() {
		return lifecycle.Exists("keypair", path.Root("name"), m.Name.ValueString())
	}
	if err != nil {
		return fmt.Errorf("create key pair %q: %w", m.Name.ValueString(), err)
	}
	m.ID = types.StringValue(made.Name)
	m.PrivateKey = value.StringOrNull(made.PrivateKey) // told only now
	return nil
}

// keypairReads answers many reads with one list.
var keypairReads = collection("keypairs",
	func(k keypairs.KeyPair) string { return k.Name },
	func(ctx context.Context, client *gophercloud.ServiceClient, name string) (*keypairs.KeyPair, error) {
		return keypairs.Get(ctx, client, name, nil).Extract()
	},
	func(client *gophercloud.ServiceClient) pagination.Pager { return keypairs.List(client, nil) },
	keypairs.ExtractKeyPairs)

func (keypair) Read(ctx context.Context, cloud *openstack.Cloud, m *keypairModel) error {
	found, err := openstack.Get(ctx, cloud, keypairReads, m.ID.ValueString())
	if err != nil {
		return err
	}
	m.flatten(found)
	return nil
}

func (keypair) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return lifecycle.ListOf(ctx, cloud, keypairReads, func(o keypairs.KeyPair) lifecycle.Listed { return lifecycle.Listed{ID: o.Name, Name: o.Name} })
}

// MovesFrom names the type of the common provider.
func (keypair) MovesFrom() []string { return []string{"openstack_compute_keypair_v2"} }

// MoveState keeps the private key, which Nova told once only. The source's id is the name, like ours.
func (keypair) MoveState(from lifecycle.MovedState, m *keypairModel) error {
	m.PrivateKey = value.StringOrNull(from.String("private_key"))
	return nil
}

func (keypair) Delete(ctx context.Context, cloud *openstack.Cloud, m *keypairModel) error {
	client, err := cloud.Compute()
	if err != nil {
		return err
	}
	return keypairs.Delete(ctx, client, m.ID.ValueString(), nil).ExtractErr()
}

func (m *keypairModel) flatten(k keypairs.KeyPair) {
	m.Name = types.StringValue(k.Name)
	m.PublicKey = types.StringValue(k.PublicKey)
	m.Fingerprint = types.StringValue(k.Fingerprint)
	if m.PrivateKey.IsUnknown() {
		m.PrivateKey = types.StringNull()
	}
}
