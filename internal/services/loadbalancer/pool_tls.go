package loadbalancer

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

type poolTLSModel struct {
	ContainerRef  types.String `tfsdk:"container_ref"`
	CARef         types.String `tfsdk:"ca_container_ref"`
	CRLRef        types.String `tfsdk:"crl_container_ref"`
	Ciphers       types.String `tfsdk:"ciphers"`
	Versions      types.Set    `tfsdk:"versions"`
	ALPNProtocols types.Set    `tfsdk:"alpn_protocols"`
}

func poolTLS() schema.SingleNestedAttribute {
	attributes := map[string]schema.Attribute{
		"container_ref":     containerRef("URL of the secret (PKCS#12) in the key manager with the load balancer's client certificate."),
		"ca_container_ref":  containerRef("URL of the secret with the CA of the members' certificates."),
		"crl_container_ref": containerRef("URL of the secret with the revocation list of the members' certificates."),
	}
	maps.Copy(attributes, negotiation())
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Encrypts the traffic to the members; may be empty.",
		Optional:            true,
		Attributes:          attributes,
	}
}

func (m poolTLSModel) expand() *engine.PoolTLS {
	return &engine.PoolTLS{
		ContainerRef: m.ContainerRef.ValueString(), CAContainerRef: m.CARef.ValueString(), CRLContainerRef: m.CRLRef.ValueString(),
		Ciphers: value.Ptr(m.Ciphers), Versions: value.Strings(m.Versions), ALPNProtocols: value.Strings(m.ALPNProtocols),
	}
}

// flattenPoolTLS is null for a pool that does not speak TLS.
func flattenPoolTLS(ctx context.Context, tls *engine.PoolTLS, prior types.Object) (types.Object, error) {
	attribute := poolTLS()
	if tls == nil {
		return types.ObjectNull(objectTypes(attribute)), nil
	}
	was, err := single[poolTLSModel](ctx, prior)
	if err != nil {
		return prior, err
	}
	if was == nil {
		was = &poolTLSModel{}
	}
	return objectOf(ctx, attribute, poolTLSModel{
		ContainerRef: value.StringOrNull(tls.ContainerRef), CARef: value.StringOrNull(tls.CAContainerRef), CRLRef: value.StringOrNull(tls.CRLContainerRef),
		Ciphers: textLeftAlone(tls.Ciphers, was.Ciphers), Versions: setLeftAlone(tls.Versions, was.Versions),
		ALPNProtocols: setLeftAlone(tls.ALPNProtocols, was.ALPNProtocols),
	})
}

func (f *findings) poolTLS(at path.Path, tls poolTLSModel, protocol types.String) {
	if known(protocol) && datagrams(protocol.ValueString()) {
		f.add(at, "%s cannot be encrypted with TLS", protocol.ValueString())
	}
	if known(tls.CRLRef) && tls.CARef.IsNull() {
		f.add(at.AtName("crl_container_ref"), "a revocation list needs ca_container_ref")
	}
}
