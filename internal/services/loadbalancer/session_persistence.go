package loadbalancer

import (
	"context"
	"net/netip"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

type persistenceModel struct {
	Type        types.String `tfsdk:"type"`
	CookieName  types.String `tfsdk:"cookie_name"`
	Timeout     types.Int64  `tfsdk:"timeout"`
	Granularity types.String `tfsdk:"granularity"`
}

// cookieName is what browsers take for the name of a cookie.
var cookieName = regexp.MustCompile(`^[^\x00-\x20"(),/:;<=>?@\[\\\]{}\x7f]+$`)

func sessionPersistence() schema.SingleNestedAttribute {
	cookie := optional("Cookie of the application, for `APP_COOKIE`.")
	cookie.Validators = []validator.String{
		stringvalidator.LengthBetween(1, 255),
		stringvalidator.RegexMatches(cookieName, `must be the name of a cookie, without spaces, quotes and any of (),/:;<=>?@[\]{}`),
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Keeps each client on one member.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"type":        oneOf("By what clients are recognised.", "SOURCE_IP", "HTTP_COOKIE", "APP_COOKIE"),
			"cookie_name": cookie,
			"timeout": schema.Int64Attribute{
				MarkdownDescription: "Seconds after which a client is forgotten, for UDP and SCTP.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(0, 1<<31-1)},
			},
			"granularity": optional("Netmask of the addresses that count as one client, such as `255.255.255.0`, for UDP and SCTP."),
		},
	}
}

func (m persistenceModel) expand() *engine.SessionPersistence {
	return &engine.SessionPersistence{
		Type: m.Type.ValueString(), CookieName: m.CookieName.ValueString(),
		Timeout: value.IntPtr(m.Timeout), Granularity: m.Granularity.ValueString(),
	}
}

func flattenPersistence(ctx context.Context, p *engine.SessionPersistence) (types.Object, error) {
	attribute := sessionPersistence()
	if p == nil {
		return types.ObjectNull(objectTypes(attribute)), nil
	}
	return objectOf(ctx, attribute, persistenceModel{
		Type: types.StringValue(p.Type), CookieName: value.StringOrNull(p.CookieName),
		Timeout: number(p.Timeout), Granularity: value.StringOrNull(p.Granularity),
	})
}

func (f *findings) persistence(at path.Path, p persistenceModel, protocol types.String) {
	if known(p.Granularity) && !isNetmask(p.Granularity.ValueString()) {
		f.add(at.AtName("granularity"), "%q must be a netmask such as 255.255.255.0", p.Granularity.ValueString())
	}
	kind := p.Type.ValueString()
	switch {
	case !known(p.Type):
	case kind == "APP_COOKIE" && p.CookieName.IsNull():
		f.add(at.AtName("cookie_name"), "APP_COOKIE needs the name of the application's cookie")
	case kind != "APP_COOKIE" && known(p.CookieName):
		f.add(at.AtName("cookie_name"), "only APP_COOKIE uses a cookie of the application; this is %s", kind)
	}
	if !known(protocol) {
		return
	}
	name := protocol.ValueString()
	switch {
	case !known(p.Type) || kind == "SOURCE_IP":
	case datagrams(name), name == engine.ProtocolTCP, name == engine.ProtocolHTTPS:
		f.add(at.AtName("type"), "nobody sees the cookies of %s: SOURCE_IP is the only way", name)
	}
	for attribute, set := range map[string]bool{"timeout": known(p.Timeout), "granularity": known(p.Granularity)} {
		if set && !datagrams(name) {
			f.add(at.AtName(attribute), "only UDP and SCTP pools have it; this one is %s", name)
		}
	}
}

// isNetmask tells whether text is an address of ones followed by zeros.
func isNetmask(text string) bool {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return false
	}
	bits := 0
	for _, b := range address.AsSlice() {
		for ; b&0x80 != 0; b <<= 1 {
			bits++
		}
		if b != 0 {
			return false
		}
	}
	prefix, err := address.Prefix(bits)
	return err == nil && prefix.Addr() == address
}
