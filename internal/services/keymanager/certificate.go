package keymanager

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/secrets"
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

// certificate is a certificate with its key and chain as one secret, a PKCS#12 bundle, which is the form that Octavia
// recommends; Barbican's containers of several secrets are its old one. The secret gets no expiration: Octavia can
// neither change nor delete a load balancer of which a certificate is missing.
type certificate struct{}

var (
	_ lifecycle.Handler[certificateModel]   = certificate{}
	_ lifecycle.Updater[certificateModel]   = certificate{}
	_ lifecycle.Validator[certificateModel] = certificate{}
	_ lifecycle.Planner[certificateModel]   = certificate{}
	_ lifecycle.Secrets[certificateModel]   = certificate{}
	_ lifecycle.Lister                      = certificate{}
)

type certificateModel struct {
	lifecycle.Object

	Name                 types.String `tfsdk:"name"`
	Certificate          types.String `tfsdk:"certificate"`
	Intermediates        types.String `tfsdk:"intermediates"`
	PrivateKey           types.String `tfsdk:"private_key"`
	PrivateKeyPassphrase types.String `tfsdk:"private_key_passphrase"`
	ProjectAccess        types.Bool   `tfsdk:"project_access"`
	ReadUsers            types.Set    `tfsdk:"read_users"`
	Names                types.List   `tfsdk:"names"`
	NotBefore            types.String `tfsdk:"not_before"`
	NotAfter             types.String `tfsdk:"not_after"`
	Ref                  types.String `tfsdk:"ref"`
}

func (certificate) Name() string { return "certificate" }

func (certificate) Schema() schema.Schema {
	hidden := func(description string) schema.StringAttribute {
		return schema.StringAttribute{
			MarkdownDescription: description + " Write-only: it is in no plan and no state.",
			Optional:            true,
			WriteOnly:           true,
			Sensitive:           true,
			Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		}
	}
	key := hidden("Private key in PEM, RSA or ECDSA, which must be that of the certificate.")
	key.Optional, key.Required = false, true
	return schema.Schema{
		MarkdownDescription: "A certificate with its private key in the key manager, for listeners of load balancers: a PKCS#12 bundle, whose `ref` is their " +
			"`container_ref`. Another certificate is another object. Set `lifecycle { create_before_destroy = true }`, so that listeners get the new one before the " +
			"old one goes; one that is still in use is not deleted.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the certificate, which need not be unique. Changing it makes a new object.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthBetween(1, 255)},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"certificate": schema.StringAttribute{
				MarkdownDescription: "The certificate in PEM. Those that follow it in the same text are intermediates. Another one makes a new object.",
				Required:            true,
			},
			"intermediates": schema.StringAttribute{
				MarkdownDescription: "Certificates of the authorities in PEM, each of which has signed the one before. Others make a new object.",
				Optional:            true,
			},
			"private_key":            key,
			"private_key_passphrase": hidden("Passphrase of the private key, when it has one. The bundle has none, for Octavia takes none."),
			"project_access":         projectAccess(),
			"read_users":             readUsers(),
			"names": schema.ListAttribute{
				MarkdownDescription: "DNS names and addresses that the certificate is for.",
				ElementType:         types.StringType,
				Computed:            true,
			},
			"not_before": schema.StringAttribute{MarkdownDescription: "When the certificate becomes valid.", Computed: true},
			"not_after":  schema.StringAttribute{MarkdownDescription: "When the certificate ends to be valid. The plan warns before.", Computed: true},
			"ref":        attribute.Computed("URL of the secret, for `container_ref` and `sni_container_refs` of listeners."),
		},
	}
}

func (certificate) Secrets(from, to *certificateModel) {
	to.PrivateKey, to.PrivateKeyPassphrase = from.PrivateKey, from.PrivateKeyPassphrase
}

func (certificate) Validate(_ context.Context, config *certificateModel) error {
	chain, err := config.chain()
	if err != nil || !value.AllKnown(config.PrivateKey, config.PrivateKeyPassphrase) || config.PrivateKey.IsNull() {
		return err
	}
	key, err := parseKey(config.PrivateKey.ValueString(), config.PrivateKeyPassphrase.ValueString())
	if err != nil || chain == nil {
		return err
	}
	if err := checkPair(chain, key); err != nil {
		return err
	}
	_, err = bundle(chain, key)
	return err
}

func (certificate) Plan(ctx context.Context, _ *openstack.Cloud, change *lifecycle.Change[certificateModel]) error {
	plan, prior := change.Plan, change.Prior
	chain, err := plan.chain()
	if err != nil {
		return err
	}
	made := prior == nil
	if prior != nil {
		was, err := prior.chain()
		if err != nil {
			return err
		}
		switch {
		case chain == nil || !sameChain(chain, was):
			made = true
			change.Replace(path.Root("certificate"))
		case plan.Intermediates.IsNull() == prior.Intermediates.IsNull():
			plan.Certificate, plan.Intermediates = prior.Certificate, prior.Intermediates
		}
	}
	if chain == nil {
		return nil
	}
	plan.describe(chain[0])
	return checkValidity(ctx, chain[0], made)
}

// checkValidity refuses to store what has expired, and warns of what will soon.
func checkValidity(ctx context.Context, leaf *x509.Certificate, made bool) error {
	now := time.Now()
	left := leaf.NotAfter.Sub(now)
	// A certificate for a few days is renewed late by intent.
	early := min(soon, leaf.NotAfter.Sub(leaf.NotBefore)/3)
	until := leaf.NotAfter.UTC().Format(time.RFC3339)
	switch {
	case left <= 0 && made:
		return lifecycle.Invalid(path.Root("certificate"), "it must still be valid: this one (%s) has expired at %s", subject(leaf), until)
	case left <= 0:
		lifecycle.Warn(ctx, "The certificate has expired", fmt.Sprintf("The certificate of %s has expired at %s: clients refuse it.", subject(leaf), until))
	case left < early:
		lifecycle.Warn(ctx, "The certificate expires soon", fmt.Sprintf("The certificate of %s expires at %s, in %s.", subject(leaf), until, roughly(left)))
	case leaf.NotBefore.After(now):
		lifecycle.Warn(ctx, "The certificate is not valid yet", fmt.Sprintf(
			"The certificate of %s becomes valid at %s: clients refuse it until then.", subject(leaf), leaf.NotBefore.UTC().Format(time.RFC3339)))
	}
	return nil
}

func (certificate) Create(ctx context.Context, cloud *openstack.Cloud, m *certificateModel) error {
	chain, err := m.chain()
	if err != nil {
		return err
	}
	key, err := parseKey(m.PrivateKey.ValueString(), m.PrivateKeyPassphrase.ValueString())
	if err != nil {
		return err
	}
	if err := checkPair(chain, key); err != nil {
		return err
	}
	content, err := bundle(chain, key)
	if err != nil {
		return err
	}
	err = create(ctx, cloud, secrets.CreateOpts{Name: m.Name.ValueString()}, &payload{octetStream, content},
		func(id string) { m.ID = types.StringValue(id) })
	if err != nil {
		return err
	}
	return m.shared().write(ctx, cloud, m.ID.ValueString(), types.SetNull(types.StringType))
}

func (certificate) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *certificateModel) error {
	if plan.ProjectAccess.Equal(prior.ProjectAccess) && plan.ReadUsers.Equal(prior.ReadUsers) {
		return nil
	}
	return plan.shared().write(ctx, cloud, prior.ID.ValueString(), prior.ReadUsers)
}

func (certificate) Read(ctx context.Context, cloud *openstack.Cloud, m *certificateModel) error {
	found, err := openstack.Get(ctx, cloud, secretReads, m.ID.ValueString())
	if err != nil {
		return err
	}
	// A stored payload never changes, so it is read of what was not made here only.
	if m.Certificate.IsNull() {
		content, err := download(ctx, cloud, found)
		if err != nil {
			return err
		}
		chain, err := unbundle(content)
		if err != nil {
			return fmt.Errorf("secret %s is no certificate: %w", describe(found), err)
		}
		m.Certificate, m.Intermediates = types.StringValue(encode(chain[:1])), types.StringNull()
		if len(chain) > 1 {
			m.Intermediates = types.StringValue(encode(chain[1:]))
		}
	}
	chain, err := m.chain()
	if err != nil {
		return err
	}
	if err := m.shared().read(ctx, cloud, m.ID.ValueString()); err != nil {
		return err
	}
	m.Name = value.StringOrNull(found.Name)
	m.Ref = types.StringValue(found.SecretRef)
	m.describe(chain[0])
	return nil
}

func (certificate) Delete(ctx context.Context, cloud *openstack.Cloud, m *certificateModel) error {
	return remove(ctx, cloud, m.ID.ValueString())
}

// List finds the secrets that are PKCS#12 bundles, which their payload alone tells.
func (certificate) List(ctx context.Context, cloud *openstack.Cloud, filter lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	found, err := openstack.All(ctx, cloud, secretReads)
	if err != nil {
		return nil, err
	}
	var all []lifecycle.Listed
	for _, s := range found {
		if contentType(s) != octetStream || !slices.Contains([]string{"opaque", "certificate"}, s.SecretType) || filter.Name != "" && filter.Name != s.Name {
			continue
		}
		content, err := download(ctx, cloud, s)
		if openstack.NotFound(err) || openstack.Forbidden(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if _, err := unbundle(content); err == nil {
			all = append(all, lifecycle.Listed{ID: secretID(s), Name: s.Name})
		}
	}
	return all, nil
}

func (m *certificateModel) shared() shared {
	return shared{projectAccess: &m.ProjectAccess, readUsers: &m.ReadUsers}
}

// describe fills in what the certificate itself says.
func (m *certificateModel) describe(leaf *x509.Certificate) {
	m.Names = value.List(namesOf(leaf))
	m.NotBefore = types.StringValue(leaf.NotBefore.UTC().Format(time.RFC3339))
	m.NotAfter = types.StringValue(leaf.NotAfter.UTC().Format(time.RFC3339))
}

// chain is the certificate and those that have signed it, in order; nil when not all of them are known yet.
func (m *certificateModel) chain() ([]*x509.Certificate, error) {
	if !value.AllKnown(m.Certificate, m.Intermediates) || m.Certificate.IsNull() {
		return nil, m.checkKnown()
	}
	chain, err := parseCertificates(path.Root("certificate"), m.Certificate.ValueString())
	if err == nil && !m.Intermediates.IsNull() {
		var more []*x509.Certificate
		more, err = parseCertificates(path.Root("intermediates"), m.Intermediates.ValueString())
		chain = append(chain, more...)
	}
	if err != nil {
		return nil, err
	}
	return chain, checkOrder(chain)
}

// checkKnown checks one part while the other is not known.
func (m *certificateModel) checkKnown() error {
	var errs []error
	for at, v := range map[string]types.String{"certificate": m.Certificate, "intermediates": m.Intermediates} {
		if value.Known(v) {
			_, err := parseCertificates(path.Root(at), v.ValueString())
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
