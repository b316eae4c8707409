package loadbalancer

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

type monitorModel struct {
	Type           types.String `tfsdk:"type"`
	Delay          types.Int64  `tfsdk:"delay"`
	Timeout        types.Int64  `tfsdk:"timeout"`
	MaxRetries     types.Int64  `tfsdk:"max_retries"`
	MaxRetriesDown types.Int64  `tfsdk:"max_retries_down"`
	HTTPMethod     types.String `tfsdk:"http_method"`
	URLPath        types.String `tfsdk:"url_path"`
	ExpectedCodes  types.String `tfsdk:"expected_codes"`
	HTTPVersion    types.String `tfsdk:"http_version"`
	DomainName     types.String `tfsdk:"domain_name"`
	AdminStateUp   types.Bool   `tfsdk:"admin_state_up"`
	Tags           types.Set    `tfsdk:"tags"`
}

var (
	hostName    = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?$`)
	statusCodes = regexp.MustCompile(`^(\d{3}(\s*,\s*\d{3})*)$|^(\d{3}-\d{3})$`)
)

func monitorAttribute() schema.SingleNestedAttribute {
	urlPath := optional("Path of the request; `/` when not set.")
	urlPath.Validators = []validator.String{stringvalidator.LengthAtMost(255), stringvalidator.RegexMatches(regexp.MustCompile(`^/\S*$`), "must be a path that begins with /")}
	codes := optional("Statuses that say healthy: one, a list or a range, such as `200,202` or `200-204`; `200` when not set.")
	codes.Validators = []validator.String{stringvalidator.RegexMatches(statusCodes, "must be like 200, 200,202 or 200-204")}
	method := optional("Method of the request; `GET` when not set.")
	method.Validators = []validator.String{stringvalidator.OneOf("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")}
	version := optional("Version of HTTP, `1.0` or `1.1`; the cloud's default when not set.")
	version.Validators = []validator.String{stringvalidator.OneOf("1.0", "1.1")}
	domain := optional("Host to ask for; needs `http_version = \"1.1\"`.")
	domain.Validators = []validator.String{stringvalidator.LengthBetween(1, 253), stringvalidator.RegexMatches(hostName, "must be a host name such as app.example.org")}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Checks the health of the members.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"type":             oneOf("How members are checked. Changing it makes a new monitor.", "HTTP", "HTTPS", "PING", "SCTP", "TCP", "TLS-HELLO", "UDP-CONNECT"),
			"delay":            count("Seconds between checks.", 0, 1<<31-1),
			"timeout":          count("Seconds that a check may take; at most `delay`.", 0, 1<<31-1),
			"max_retries":      count("Successful checks after which a member is up.", 1, 10),
			"max_retries_down": retriesDown(),
			"http_method":      method,
			"url_path":         urlPath,
			"expected_codes":   codes,
			"http_version":     version,
			"domain_name":      domain,
			"admin_state_up":   attribute.AdminStateUp(),
			"tags":             attribute.Tags(),
		},
	}
}

func retriesDown() schema.Int64Attribute {
	a := count("Failed checks after which a member is down.", 1, 10)
	a.Required, a.Optional, a.Computed = false, true, true
	a.Default = int64default.StaticInt64(3)
	return a
}

func (m monitorModel) expand() engine.Monitor {
	monitor := engine.Monitor{
		Type: m.Type.ValueString(), Delay: int(m.Delay.ValueInt64()), Timeout: int(m.Timeout.ValueInt64()),
		MaxRetries: int(m.MaxRetries.ValueInt64()), MaxRetriesDown: value.IntPtr(m.MaxRetriesDown),
		HTTPVersion: m.HTTPVersion.ValueString(), DomainName: m.DomainName.ValueString(), AdminStateUp: value.BoolPtr(m.AdminStateUp),
		Tags: value.Strings(m.Tags),
	}
	if speaksHTTP(monitor.Type) {
		monitor.HTTPMethod = orDefault(m.HTTPMethod, defaultHTTPMethod)
		monitor.URLPath = orDefault(m.URLPath, defaultURLPath)
		monitor.ExpectedCodes = orDefault(m.ExpectedCodes, defaultExpectedCodes)
	}
	return monitor
}

func speaksHTTP(monitorType string) bool {
	return monitorType == "HTTP" || monitorType == "HTTPS"
}

func flattenMonitor(m engine.Monitor, prior monitorModel) monitorModel {
	return monitorModel{
		Type: types.StringValue(m.Type), Delay: value.Int(m.Delay), Timeout: value.Int(m.Timeout), MaxRetries: value.Int(m.MaxRetries),
		MaxRetriesDown: number(m.MaxRetriesDown), AdminStateUp: types.BoolPointerValue(m.AdminStateUp),
		HTTPMethod:    unlessDefault(m.HTTPMethod, prior.HTTPMethod, defaultHTTPMethod),
		URLPath:       unlessDefault(m.URLPath, prior.URLPath, defaultURLPath),
		ExpectedCodes: unlessDefault(m.ExpectedCodes, prior.ExpectedCodes, defaultExpectedCodes),
		HTTPVersion:   value.StringOrNull(m.HTTPVersion), DomainName: value.StringOrNull(m.DomainName),
		Tags: value.Set(m.Tags),
	}
}

func (f *findings) monitor(at path.Path, m monitorModel, protocol types.String) {
	if known(m.Delay, m.Timeout) && m.Timeout.ValueInt64() > m.Delay.ValueInt64() {
		f.add(at.AtName("timeout"), "a check may not take longer (%d s) than it is to the next one (delay, %d s)", m.Timeout.ValueInt64(), m.Delay.ValueInt64())
	}
	f.statusCodes(at.AtName("expected_codes"), m.ExpectedCodes)
	if !known(m.Type) {
		return
	}
	kind := m.Type.ValueString()
	if speaksHTTP(kind) {
		if known(m.DomainName) && (m.HTTPVersion.IsNull() || known(m.HTTPVersion) && m.HTTPVersion.ValueString() != "1.1") {
			f.add(at.AtName("domain_name"), "a host can only be asked for with http_version = \"1.1\"")
		}
	} else {
		for name, v := range map[string]types.String{
			"http_method": m.HTTPMethod, "url_path": m.URLPath, "expected_codes": m.ExpectedCodes,
			"http_version": m.HTTPVersion, "domain_name": m.DomainName,
		} {
			if known(v) {
				f.add(at.AtName(name), "only monitors of type HTTP and HTTPS send requests; this one is %s", kind)
			}
		}
	}
	if !known(protocol) {
		return
	}
	forDatagrams := []string{"UDP-CONNECT", "SCTP", "TCP", "HTTP"}
	switch datagram := datagrams(protocol.ValueString()); {
	case datagram && !slices.Contains(forDatagrams, kind):
		f.add(at.AtName("type"), "a %s pool can be checked by %s", protocol.ValueString(), strings.Join(forDatagrams, ", "))
	case !datagram && (kind == "UDP-CONNECT" || kind == "SCTP"):
		f.add(at.AtName("type"), "%s is for UDP and SCTP pools; this one is %s", kind, protocol.ValueString())
	}
}

// statusCodes checks that there are such statuses.
func (f *findings) statusCodes(at path.Path, codes types.String) {
	text := codes.ValueString()
	if !known(codes) || !statusCodes.MatchString(text) {
		return
	}
	for _, code := range regexp.MustCompile(`\d+`).FindAllString(text, -1) {
		if code < "100" || code > "599" {
			f.add(at, "%s is no status of HTTP: they are 100 to 599", code)
		}
	}
	if from, to, isRange := strings.Cut(text, "-"); isRange && from > to {
		f.add(at, "no status is in the range %s: the lower one goes first", text)
	}
}
