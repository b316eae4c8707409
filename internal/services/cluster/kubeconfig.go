package cluster

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/kubernetes"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// kubeconfig is access to a cluster that ends soon, for one run of Terraform.
type kubeconfig struct{}

var _ lifecycle.Ephemeral[kubeconfigModel] = kubeconfig{}

type kubeconfigModel struct {
	lifecycle.EphemeralObject

	ClusterName       types.String `tfsdk:"cluster_name"`
	Endpoint          types.String `tfsdk:"endpoint"`
	Secrets           types.String `tfsdk:"secrets"`
	User              types.String `tfsdk:"user"`
	Groups            types.Set    `tfsdk:"groups"`
	TTL               types.Int64  `tfsdk:"ttl"`
	ExpiresAt         types.String `tfsdk:"expires_at"`
	CACertificate     types.String `tfsdk:"ca_certificate"`
	ClientCertificate types.String `tfsdk:"client_certificate"`
	ClientKey         types.String `tfsdk:"client_key"`
	Kubeconfig        types.String `tfsdk:"kubeconfig"`
}

const defaultAccessTTL = time.Hour

func (kubeconfig) Name() string { return "cluster_kubeconfig" }

func (kubeconfig) Schema() schema.Schema {
	required := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Required: true, Validators: []validator.String{stringvalidator.LengthAtLeast(1)}}
	}
	computed := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	sensitive := func(a schema.StringAttribute) schema.StringAttribute {
		a.Sensitive = true
		return a
	}
	return schema.Schema{
		MarkdownDescription: "Access to the Kubernetes API of a `massif_cluster` for a person or a program, which ends by itself: a certificate made at once, without asking the " +
			"cluster. It is in no plan and no state, so another provider can be configured with it. Kubernetes cannot revoke it, so let it end soon.",
		Attributes: map[string]schema.Attribute{
			"cluster_name": required("Name of the cluster, for the kubeconfig."),
			"endpoint":     required("URL of the Kubernetes API: `endpoint` of the cluster."),
			"secrets":      sensitive(required("What the cluster is founded on: `secrets` of the cluster.")),
			"user": schema.StringAttribute{
				MarkdownDescription: "Name under which the API knows who it is, in role bindings and its audit log; `massif-admin` when not set.",
				Optional:            true,
				Computed:            true,
				Validators:          userNames(),
			},
			"groups": schema.SetAttribute{
				MarkdownDescription: "Groups that it belongs to, for role bindings; `" + kubernetes.AdminGroup + "`, the administrators, when not set. An empty set is a user with no group.",
				ElementType:         types.StringType,
				Optional:            true,
				Computed:            true,
				Validators:          []validator.Set{setvalidator.ValueStringsAre(userNames()...)},
			},
			"ttl": schema.Int64Attribute{
				MarkdownDescription: "How many seconds it is valid, counted from when Terraform opens it; 3600 when not set, 90 days at most.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.Int64{int64validator.Between(60, int64(kubernetes.AdminLifetime/time.Second))},
			},
			"expires_at":         computed("Until when it is valid."),
			"ca_certificate":     computed("Certificate authority of the API, in PEM."),
			"client_certificate": computed("Certificate, in PEM."),
			"client_key":         sensitive(computed("Key of the certificate, in PEM.")),
			"kubeconfig":         sensitive(computed("All of it as a kubeconfig file.")),
		},
	}
}

// userNames are the rules for names of users and groups. A certificate has 64 characters for each (RFC 5280).
func userNames() []validator.String {
	return []validator.String{
		stringvalidator.LengthBetween(1, 64),
		attribute.Obeys("must be a name of one's own", func(text string) error {
			if strings.HasPrefix(text, "system:") {
				return errors.New("names that begin with system: are for Kubernetes itself; what they may do is not in any role binding that you could take away")
			}
			return nil
		}),
	}
}

func (kubeconfig) Open(_ context.Context, _ *openstack.Cloud, m *kubeconfigModel) error {
	bundle, err := readBundle(m.Secrets)
	if err != nil {
		return lifecycle.Invalid(path.Root("secrets"), "it must be the attribute secrets of a massif_cluster")
	}
	if m.User.IsNull() {
		m.User = types.StringValue(kubernetes.AdminUser)
	}
	if m.Groups.IsNull() {
		m.Groups = value.Set([]string{kubernetes.AdminGroup})
	}
	if m.TTL.IsNull() {
		m.TTL = types.Int64Value(int64(defaultAccessTTL / time.Second))
	}
	now := time.Now()
	lifetime := time.Duration(m.TTL.ValueInt64()) * time.Second
	pair, err := bundle.NewClientCertificate(m.User.ValueString(), value.Strings(m.Groups), now, lifetime)
	if err != nil {
		return err
	}
	access := kubernetes.Access{
		Cluster: m.ClusterName.ValueString(), Server: m.Endpoint.ValueString(), CertificateAuthority: bundle.ServerCA.Certificate,
		ClientCertificate: pair.Certificate, ClientKey: pair.Key,
	}
	config, err := access.Kubeconfig(m.User.ValueString())
	if err != nil {
		return err
	}
	m.ExpiresAt = types.StringValue(now.Add(lifetime).UTC().Format(time.RFC3339))
	m.CACertificate = types.StringValue(access.CertificateAuthority)
	m.ClientCertificate = types.StringValue(access.ClientCertificate)
	m.ClientKey = types.StringValue(access.ClientKey)
	m.Kubeconfig = types.StringValue(config)
	return nil
}
