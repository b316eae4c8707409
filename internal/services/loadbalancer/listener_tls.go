package loadbalancer

import (
	"context"
	"maps"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
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
	HSTS                 types.Object `tfsdk:"hsts"`
}

type hstsModel struct {
	MaxAge            types.Int64 `tfsdk:"max_age"`
	IncludeSubdomains types.Bool  `tfsdk:"include_subdomains"`
	Preload           types.Bool  `tfsdk:"preload"`
}

func listenerTLS() schema.SingleNestedAttribute {
	sni := texts("URLs of further certificates, chosen by the name that the client asks for.")
	sni.Validators = append(sni.Validators, setvalidator.ValueStringsAre(stringvalidator.LengthBetween(1, 255)))
	attributes := map[string]schema.Attribute{
		"container_ref":            containerRef("URL of the secret (PKCS#12) or container in the key manager with certificate and key."),
		"sni_container_refs":       sni,
		"client_authentication":    clientAuthentication(),
		"client_ca_container_ref":  containerRef("URL of the secret with the CA of client certificates."),
		"client_crl_container_ref": containerRef("URL of the secret with the revocation list of client certificates."),
		"hsts": schema.SingleNestedAttribute{
			MarkdownDescription: "Tells browsers to use nothing but HTTPS (HTTP Strict Transport Security), for `TERMINATED_HTTPS`. Needs Octavia's API 2.27.",
			Optional:            true,
			Attributes: map[string]schema.Attribute{
				"max_age":            count("Seconds for which browsers remember it.", 0, 1<<31-1),
				"include_subdomains": attribute.Flag("Whether it is said for subdomains, too.", false),
				"preload":            attribute.Flag("Whether browsers may have the domain in their preload lists.", false),
			},
		},
	}
	maps.Copy(attributes, negotiation())
	return schema.SingleNestedAttribute{
		MarkdownDescription: "How a `TERMINATED_HTTPS` or `PROMETHEUS` listener speaks TLS.",
		Optional:            true,
		Attributes:          attributes,
	}
}

// negotiation is what both sides of a TLS connection agree on, the same for listeners and pools.
func negotiation() map[string]schema.Attribute {
	ciphers := optional("Ciphers in OpenSSL's notation. The cloud's default when not set.")
	ciphers.Validators = []validator.String{
		stringvalidator.LengthBetween(1, 2048),
		stringvalidator.RegexMatches(regexp.MustCompile(`^[A-Za-z0-9+!:@=_.-]+$`), "must be names of ciphers with colons between them"),
	}
	versions := texts("Versions of TLS, such as `TLSv1.3`. The cloud's default when not set.")
	versions.Validators = append(versions.Validators, setvalidator.ValueStringsAre(stringvalidator.OneOf("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")))
	alpn := texts("Protocols to agree on, such as `h2`. The cloud's default when not set.")
	alpn.Validators = append(alpn.Validators, setvalidator.ValueStringsAre(stringvalidator.OneOf("h2", "http/1.1", "http/1.0")))
	return map[string]schema.Attribute{"ciphers": ciphers, "versions": versions, "alpn_protocols": alpn}
}

// containerRef is where something lies in the key manager.
func containerRef(description string) schema.StringAttribute {
	a := optional(description)
	a.Validators = []validator.String{stringvalidator.LengthBetween(1, 255)}
	return a
}

func clientAuthentication() schema.StringAttribute {
	a := oneOf("Whether clients need a certificate.", "NONE", "OPTIONAL", "MANDATORY")
	a.Required, a.Optional, a.Computed = false, true, true
	a.Default = stringdefault.StaticString("NONE")
	return a
}

func (m listenerTLSModel) expand(ctx context.Context) (*engine.ListenerTLS, error) {
	tls := &engine.ListenerTLS{
		DefaultContainerRef: m.ContainerRef.ValueString(), SNIContainerRefs: value.Strings(m.SNIContainerRefs),
		ClientAuthentication: m.ClientAuthentication.ValueString(), ClientCAContainerRef: m.ClientCARef.ValueString(),
		ClientCRLContainerRef: m.ClientCRLRef.ValueString(), Ciphers: value.Ptr(m.Ciphers),
		Versions: value.Strings(m.Versions), ALPNProtocols: value.Strings(m.ALPNProtocols),
	}
	hsts, err := single[hstsModel](ctx, m.HSTS)
	if hsts != nil {
		tls.HSTS = &engine.HSTS{
			MaxAge: int(hsts.MaxAge.ValueInt64()), IncludeSubdomains: hsts.IncludeSubdomains.ValueBool(), Preload: hsts.Preload.ValueBool(),
		}
	}
	return tls, err
}

// flattenListenerTLS is null for a listener that does not speak TLS.
func flattenListenerTLS(ctx context.Context, tls *engine.ListenerTLS, prior types.Object) (types.Object, error) {
	attributes := listenerTLS()
	if tls == nil {
		return types.ObjectNull(objectTypes(attributes)), nil
	}
	was, err := single[listenerTLSModel](ctx, prior)
	if err != nil {
		return prior, err
	}
	if was == nil {
		was = &listenerTLSModel{}
	}
	m := listenerTLSModel{
		ContainerRef: value.StringOrNull(tls.DefaultContainerRef), SNIContainerRefs: value.SetOrNull(tls.SNIContainerRefs),
		ClientAuthentication: types.StringValue(tls.ClientAuthentication), ClientCARef: value.StringOrNull(tls.ClientCAContainerRef),
		ClientCRLRef: value.StringOrNull(tls.ClientCRLContainerRef), Ciphers: textLeftAlone(tls.Ciphers, was.Ciphers),
		Versions: setLeftAlone(tls.Versions, was.Versions), ALPNProtocols: setLeftAlone(tls.ALPNProtocols, was.ALPNProtocols),
		HSTS: types.ObjectNull(objectTypes(attributes.Attributes["hsts"])),
	}
	if tls.HSTS != nil {
		if m.HSTS, err = objectOf(ctx, attributes.Attributes["hsts"], hstsModel{
			MaxAge: value.Int(tls.HSTS.MaxAge), IncludeSubdomains: types.BoolValue(tls.HSTS.IncludeSubdomains), Preload: types.BoolValue(tls.HSTS.Preload),
		}); err != nil {
			return prior, err
		}
	}
	return objectOf(ctx, attributes, m)
}

// listenerTLS checks how a listener speaks TLS; tls is nil when there is nothing or it is not known.
func (f *findings) listenerTLS(at path.Path, l listenerModel, tls *listenerTLSModel) {
	if known(l.Protocol) {
		protocol := l.Protocol.ValueString()
		switch terminated := protocol == engine.ProtocolTerminatedHTTPS; {
		case terminated && l.TLS.IsNull():
			f.add(at, "a TERMINATED_HTTPS listener needs a certificate: tls = { container_ref = … }")
		case tls == nil:
		case !terminated && protocol != engine.ProtocolPrometheus:
			f.add(at, "only TERMINATED_HTTPS and PROMETHEUS listeners speak TLS themselves; this one is %s", protocol)
		case tls.ContainerRef.IsNull() && tls.SNIContainerRefs.IsNull():
			f.add(at.AtName("container_ref"), "a listener with TLS needs a certificate: container_ref or sni_container_refs")
		case !terminated && known(tls.HSTS):
			f.add(at.AtName("hsts"), "only TERMINATED_HTTPS listeners tell browsers to use HTTPS; this one is %s", protocol)
		}
	}
	if tls == nil {
		return
	}
	if known(tls.ClientCRLRef) && tls.ClientCARef.IsNull() {
		f.add(at.AtName("client_crl_container_ref"), "a revocation list needs client_ca_container_ref")
	}
	if mode := tls.ClientAuthentication.ValueString(); (mode == "OPTIONAL" || mode == "MANDATORY") && tls.ClientCARef.IsNull() {
		f.add(at.AtName("client_authentication"), "certificates of clients cannot be checked without client_ca_container_ref")
	}
}
