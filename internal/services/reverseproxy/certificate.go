package reverseproxy

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

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
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// certificate is a certificate of the user's own, which the nodes serve in place of one from ACME.
type certificate struct{}

var (
	_ lifecycle.Handler[certificateModel]   = certificate{}
	_ lifecycle.Updater[certificateModel]   = certificate{}
	_ lifecycle.Validator[certificateModel] = certificate{}
	_ lifecycle.Planner[certificateModel]   = certificate{}
	_ lifecycle.Secrets[certificateModel]   = certificate{}
	_ lifecycle.Importer[certificateModel]  = certificate{}
	_ lifecycle.Lister                      = certificate{}
	_ lifecycle.Nested                      = certificate{}
)

type certificateModel struct {
	lifecycle.Object

	Name              types.String `tfsdk:"name"`
	ProxyID           types.String `tfsdk:"proxy_id"`
	EncryptionKey     types.String `tfsdk:"encryption_key"`
	Chain             types.String `tfsdk:"chain"`
	PrivateKey        types.String `tfsdk:"private_key"`
	PrivateKeyVersion types.Int64  `tfsdk:"private_key_version"`
	WaitForNodes      types.Bool   `tfsdk:"wait_for_nodes"`
	Hosts             types.List   `tfsdk:"hosts"`
	NotBefore         types.String `tfsdk:"not_before"`
	NotAfter          types.String `tfsdk:"not_after"`
	ETag              types.String `tfsdk:"etag"`
}

// expiresSoon is when a plan begins to warn of the end.
const expiresSoon = 14 * 24 * time.Hour

func (certificate) Name() string { return "reverse_proxy_certificate" }

func (certificate) Parent() (name, description string) {
	return "proxy_id", "ID of the reverse proxy to look into."
}

func (certificate) Schema() schema.Schema {
	hidden := func(description string) schema.StringAttribute {
		return schema.StringAttribute{
			MarkdownDescription: description + " Write-only: it is in no plan and no state.",
			Required:            true,
			WriteOnly:           true,
			Sensitive:           true,
			Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		}
	}
	return schema.Schema{
		MarkdownDescription: "A certificate of one's own for a `massif_reverse_proxy`, which its nodes serve for the hosts in it in place of one from ACME. Its key lies " +
			"encrypted in the proxy's container. Before a migration, the certificates that there are come first: ACME gives a few hundred new ones an hour.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the certificate, unique in its proxy. Changing it makes a new one.",
				Required:            true,
				Validators:          []validator.String{isName()},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"proxy_id":       attribute.Reference("Reverse proxy that serves the certificate. Changing it makes a new one."),
			"encryption_key": hidden("The proxy's `encryption_key`."),
			"chain": schema.StringAttribute{
				MarkdownDescription: "The certificate in PEM and those of the authorities after it, each of which has signed the one before. Changed in place.",
				Required:            true,
			},
			"private_key": hidden("Private key of the certificate in PEM, without a passphrase."),
			"private_key_version": schema.Int64Attribute{
				MarkdownDescription: "Raise it to write the key again while the chain stays as it is.",
				Optional:            true,
			},
			"wait_for_nodes": attribute.Flag("Whether an apply ends only when every living node of the proxy serves the certificate.", true),
			"hosts": schema.ListAttribute{
				MarkdownDescription: "Hosts that the certificate is for.",
				ElementType:         types.StringType,
				Computed:            true,
			},
			"not_before": schema.StringAttribute{MarkdownDescription: "When the certificate becomes valid.", Computed: true},
			"not_after":  schema.StringAttribute{MarkdownDescription: "When the certificate ends to be valid. The plan warns two weeks before.", Computed: true},
			"etag":       schema.StringAttribute{MarkdownDescription: "ETag of the object in the proxy's container.", Computed: true},
		},
	}
}

func (certificate) Secrets(from, to *certificateModel) {
	to.PrivateKey, to.EncryptionKey = from.PrivateKey, from.EncryptionKey
}

func (certificate) Validate(_ context.Context, config *certificateModel) error {
	var errs []error
	if value.Known(config.EncryptionKey) {
		if _, err := documents.NewCipher(config.EncryptionKey.ValueString()); err != nil {
			errs = append(errs, lifecycle.Invalid(path.Root("encryption_key"), "%w: it is that of the massif_reverse_proxy", err))
		}
	}
	if value.Known(config.Chain) {
		errs = append(errs, config.checkPair())
	}
	return errors.Join(errs...)
}

// checkPair checks all but the time: a certificate that is served already may expire without stopping every plan.
func (m *certificateModel) checkPair() error {
	chain, err := documents.ParseChain([]byte(m.Chain.ValueString()))
	if err != nil {
		return lifecycle.Invalid(path.Root("chain"), "it %w", err)
	}
	pair := documents.Certificate{Chain: []byte(m.Chain.ValueString()), Key: []byte(m.PrivateKey.ValueString())}
	check := pair.Info
	if value.Known(m.PrivateKey) {
		check = pair.Check
	}
	_, err = check(chain[0].NotBefore)
	return blame(err, certificatePath)
}

func certificatePath(problem []string) path.Path {
	if len(problem) > 0 && problem[0] == "key" {
		return path.Root("private_key")
	}
	return path.Root("chain")
}

func (certificate) Plan(ctx context.Context, _ *openstack.Cloud, change *lifecycle.Change[certificateModel]) error {
	plan, prior := change.Plan, change.Prior
	plan.Hosts, plan.NotBefore, plan.NotAfter = types.ListUnknown(types.StringType), types.StringUnknown(), types.StringUnknown()
	plan.ETag = types.StringUnknown()
	if !value.AllKnown(plan.Chain) {
		return nil
	}
	served := prior != nil && sameChain(plan.Chain.ValueString(), prior.Chain.ValueString())
	if served {
		plan.Chain = prior.Chain
		if plan.PrivateKeyVersion.Equal(prior.PrivateKeyVersion) && value.Known(prior.ETag) {
			plan.ETag = prior.ETag
		}
	}
	info, err := plan.describe()
	if err != nil {
		return err
	}
	if !served {
		if _, err := (documents.Certificate{Chain: []byte(plan.Chain.ValueString())}).Info(time.Now()); err != nil {
			return blame(err, certificatePath)
		}
	}
	if left := time.Until(info.NotAfter); left < expiresSoon {
		lifecycle.Warn(ctx, "A certificate expires", fmt.Sprintf("The certificate %s ends to be valid on %s.",
			plan.Name.ValueString(), info.NotAfter.UTC().Format(time.DateTime)))
	}
	return nil
}

// sameChain tells whether two texts hold the same certificates.
func sameChain(a, b string) bool {
	first, err := documents.ParseChain([]byte(a))
	second, otherErr := documents.ParseChain([]byte(b))
	return err == nil && otherErr == nil && slices.EqualFunc(first, second, func(x, y *x509.Certificate) bool { return bytes.Equal(x.Raw, y.Raw) })
}

// describe fills in what the certificate itself says.
func (m *certificateModel) describe() (documents.CertificateInfo, error) {
	chain, err := documents.ParseChain([]byte(m.Chain.ValueString()))
	if err != nil {
		return documents.CertificateInfo{}, lifecycle.Invalid(path.Root("chain"), "%w", err)
	}
	// One that has expired since is still what it is.
	info, err := documents.Certificate{Chain: []byte(m.Chain.ValueString())}.Info(chain[0].NotBefore)
	if err != nil {
		return info, blame(err, certificatePath)
	}
	m.Hosts = value.List(info.Hosts)
	m.NotBefore = types.StringValue(info.NotBefore.UTC().Format(time.RFC3339))
	m.NotAfter = types.StringValue(info.NotAfter.UTC().Format(time.RFC3339))
	return info, nil
}

func (h certificate) Create(ctx context.Context, cloud *openstack.Cloud, m *certificateModel) error {
	return h.write(ctx, cloud, m, true)
}

func (h certificate) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *certificateModel) error {
	if plan.ETag.Equal(prior.ETag) {
		return nil // only how to wait has changed
	}
	return h.write(ctx, cloud, plan, false)
}

func (certificate) write(ctx context.Context, cloud *openstack.Cloud, m *certificateModel, onlyNew bool) error {
	name, proxy := m.Name.ValueString(), m.ProxyID.ValueString()
	cipher, err := documents.NewCipher(m.EncryptionKey.ValueString())
	if err != nil {
		return lifecycle.Invalid(path.Root("encryption_key"), "%w", err)
	}
	pair := documents.Certificate{Chain: []byte(m.Chain.ValueString()), Key: []byte(m.PrivateKey.ValueString())}
	if _, err := pair.Check(time.Now()); err != nil {
		return blame(err, certificatePath)
	}
	content, err := pair.Encode(name, cipher)
	if err != nil {
		return err
	}
	container, err := objectstore.Open(cloud, proxy)
	if err != nil {
		return err
	}
	object := documents.CertificateObject(name)
	etag, err := container.Put(ctx, object, content, "application/json", onlyNew)
	switch {
	case errors.Is(err, objectstore.ErrExists):
		return lifecycle.Exists("reverse_proxy_certificate", path.Root("name"), proxy+"/"+name)
	case openstack.NotFound(err):
		return lifecycle.At(path.Root("proxy_id"), fmt.Errorf("there is no reverse proxy %q: %w", proxy, err))
	case err != nil:
		return err
	}
	m.ID, m.ETag = nested(proxy, name), types.StringValue(etag)
	if !m.WaitForNodes.ValueBool() {
		return nil
	}
	return awaitAll(ctx, cloud, []string{proxy}, object, etag)
}

func (certificate) Read(ctx context.Context, cloud *openstack.Cloud, m *certificateModel) error {
	proxy, name, err := splitID(m.ID.ValueString())
	if err != nil {
		return err
	}
	m.ProxyID, m.Name = types.StringValue(proxy), types.StringValue(name)
	container, err := objectstore.Open(cloud, proxy)
	if err != nil {
		return err
	}
	there, err := container.Stat(ctx, documents.CertificateObject(name))
	if err != nil {
		return err
	}
	if m.ETag.ValueString() != there.ETag {
		content, object, err := container.Get(ctx, documents.CertificateObject(name), "")
		if err != nil {
			return err
		}
		chain, err := documents.DecodeChain(name, content)
		if err != nil {
			return err
		}
		there = object
		if !sameChain(m.Chain.ValueString(), string(chain)) {
			m.Chain = types.StringValue(string(chain))
		}
	}
	m.ETag = types.StringValue(there.ETag)
	_, err = m.describe()
	return err
}

func (certificate) Delete(ctx context.Context, cloud *openstack.Cloud, m *certificateModel) error {
	container, err := objectstore.Open(cloud, m.ProxyID.ValueString())
	if err != nil {
		return err
	}
	return container.Delete(ctx, documents.CertificateObject(m.Name.ValueString()))
}

// Import takes the id of a proxy and the name of the certificate.
func (certificate) Import(_ context.Context, _ *openstack.Cloud, id string, m *certificateModel) error {
	proxy, name, err := splitID(id)
	m.ProxyID, m.Name = types.StringValue(proxy), types.StringValue(name)
	return err
}

// List names the certificates of one proxy.
func (certificate) List(ctx context.Context, cloud *openstack.Cloud, filter lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return listNested(ctx, cloud, filter.Parent, documents.CertificatesPrefix, documents.CertificateName)
}
