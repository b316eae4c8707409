package cluster

import (
	"context"
	"fmt"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/kubernetes"
)

// joinModel is what a pool must know of its cluster.
type joinModel struct {
	ClusterName          types.String `tfsdk:"cluster_name"`
	KubernetesVersion    types.String `tfsdk:"kubernetes_version"`
	CloudProvider        types.String `tfsdk:"cloud_provider"`
	Registration         types.String `tfsdk:"registration"`
	Token                types.String `tfsdk:"token"`
	Endpoint             types.String `tfsdk:"endpoint"`
	CertificateAuthority types.String `tfsdk:"ca_certificate"`
	ClientCertificate    types.String `tfsdk:"client_certificate"`
	ClientKey            types.String `tfsdk:"client_key"`
}

func joinTypes() map[string]attr.Type {
	all := map[string]attr.Type{}
	for name := range joinDescriptions() {
		all[name] = types.StringType
	}
	return all
}

func joinDescriptions() map[string]string {
	return map[string]string{
		"cluster_name":       "Name of the cluster.",
		"kubernetes_version": "Version of the servers.",
		"cloud_provider":     "The cluster's cloud provider.",
		"registration":       "URL at which nodes register.",
		"token":              "Token that agents join with.",
		"endpoint":           "URL of the Kubernetes API.",
		"ca_certificate":     "Certificate authority of the Kubernetes API, in PEM.",
		"client_certificate": "Certificate of an administrator, in PEM.",
		"client_key":         "Key of that certificate, in PEM.",
	}
}

func (j joinModel) access() kubernetes.Access {
	return kubernetes.Access{
		Cluster:              j.ClusterName.ValueString(),
		Server:               j.Endpoint.ValueString(),
		CertificateAuthority: j.CertificateAuthority.ValueString(),
		ClientCertificate:    j.ClientCertificate.ValueString(),
		ClientKey:            j.ClientKey.ValueString(),
	}
}

func (j joinModel) object(ctx context.Context) (types.Object, error) {
	object, diags := types.ObjectValueFrom(ctx, joinTypes(), j)
	return object, failure(diags)
}

// joins lets pools find what they must know of clusters that the same process has
// read, planned or made, so that configurations need not pass it on. A pool keeps what it found in its own
// state. An unknown object stands for what this apply is going to change.
type joins struct {
	mu        sync.Mutex
	byCluster map[string]types.Object
}

func newJoins() *joins { return &joins{byCluster: map[string]types.Object{}} }

func (j *joins) put(id types.String, join types.Object) {
	if id.IsNull() || id.IsUnknown() || join.IsNull() {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.byCluster[id.ValueString()] = join
}

func (j *joins) get(id types.String) (types.Object, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	join, ok := j.byCluster[id.ValueString()]
	return join, ok
}

// decode reads an object of the model; null and unknown are the zero value.
func decode[T any](ctx context.Context, object types.Object) (T, error) {
	var t T
	if object.IsNull() || object.IsUnknown() {
		return t, nil
	}
	return t, failure(object.As(ctx, &t, basetypes.ObjectAsOptions{}))
}

func failure(diags diag.Diagnostics) error {
	for _, d := range diags.Errors() {
		return fmt.Errorf("this is a defect of the provider: %s: %s", d.Summary(), d.Detail())
	}
	return nil
}
