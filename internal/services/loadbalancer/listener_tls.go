package loadbalancer

import (
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

type listenerTLSModel struct {
	ContainerRef         types.String `tfsdk:"container_ref"`
	SNIContainerRefs     types.Set    `tfsdk:"sni_container_refs"`
	ClientAuthentication types.String `tfsdk:"client_authentication"`
	ClientCARef          types.String `tfsdk:"client_ca_container_ref"`
	ClientCRLRef         types.String `tfsdk:"client_crl_container_ref"`
	Ciphers              types.String `tfsdk:"ciphers"`
	Versions             types.Set    `tfsdk:"versions"`
	ALPNProtocols        types.Set    `tfsdk:"alpn_protocols"`
}

func listenerTLS() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "How a `TERMINATED_HTTPS` listener speaks TLS.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"container_ref":            optional("URL of the secret (PKCS#12) or container in the key manager with certificate and key."),
			"sni_container_refs":       texts("URLs of further certificates, chosen by the name that the client asks for."),
			"client_authentication":    clientAuthentication(),
			"client_ca_container_ref":  optional("URL of the secret with the CA of client certificates."),
			"client_crl_container_ref": optional("URL of the secret with the revocation list of client certificates."),
			"ciphers":                  optional("Ciphers in OpenSSL's notation. The cloud's default when not set."),
			"versions":                 texts("Versions of TLS, such as `TLSv1.3`. The cloud's default when not set."),
			"alpn_protocols":           texts("Protocols to agree on, such as `h2`. The cloud's default when not set."),
		},
	}
}

func clientAuthentication() schema.StringAttribute {
	a := oneOf("Whether clients need a certificate.", "NONE", "OPTIONAL", "MANDATORY")
	a.Required, a.Optional, a.Computed = false, true, true
	a.Default = stringdefault.StaticString("NONE")
	return a
}
