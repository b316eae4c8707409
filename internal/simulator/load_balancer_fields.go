package simulator

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// field is an attribute that a request for a load balancer or one of its children may have.
type field struct {
	name      string
	check     func(value any) string // what is wrong with a value that is not null, or ""
	fallback  any                    // the value when there is none
	mandatory bool
	fixed     bool // only in a POST
	since     int  // the minor version of the API that brought it, when that is not in every one
}

var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$`)

func limitedText(maximum int) func(any) string {
	return func(value any) string {
		switch text, ok := value.(string); {
		case !ok:
			return "Wrong type. Expected string type"
		case len([]rune(text)) > maximum:
			return fmt.Sprintf("Value should have a maximum character requirement of %d", maximum)
		}
		return ""
	}
}

func texts(value any) string {
	list, ok := value.([]any)
	if !ok {
		return "Value should be a list"
	}
	for _, item := range list {
		if wrong := limitedText(255)(item); wrong != "" {
			return wrong
		}
	}
	return ""
}

func choice(values ...string) func(any) string {
	return func(value any) string {
		if text, ok := value.(string); ok && slices.Contains(values, text) {
			return ""
		}
		return "Value should be one of: " + strings.Join(values, ", ")
	}
}

func between(minimum, maximum int) func(any) string {
	return func(value any) string {
		number, ok := value.(float64)
		switch {
		case !ok || number != math.Trunc(number):
			return "Wrong type. Expected integer type"
		case number < float64(minimum):
			return fmt.Sprintf("Value should be greater or equal to %d", minimum)
		case number > float64(maximum):
			return fmt.Sprintf("Value should be lower or equal to %d", maximum)
		}
		return ""
	}
}

func numberChoice(values ...float64) func(any) string {
	return func(value any) string {
		if number, ok := value.(float64); ok && slices.Contains(values, number) {
			return ""
		}
		return "Value should be one of: " + strings.Trim(strings.ReplaceAll(fmt.Sprint(values), " ", ", "), "[]")
	}
}

func truth(value any) string {
	if _, ok := value.(bool); !ok {
		return "Wrong type. Expected boolean type"
	}
	return ""
}

func uuidText(value any) string {
	if text, ok := value.(string); !ok || !uuidPattern.MatchString(text) {
		return "Value should be UUID format"
	}
	return ""
}

func addressText(value any) string {
	text, _ := value.(string)
	if _, err := netip.ParseAddr(text); err != nil {
		return "Value should be IPv4 or IPv6 format"
	}
	return ""
}

func cidrTexts(value any) string {
	list, ok := value.([]any)
	if !ok {
		return "Value should be a list"
	}
	for _, item := range list {
		text, _ := item.(string)
		if _, err := netip.ParsePrefix(text); err != nil {
			return "Value should be IPv4 or IPv6 CIDR format"
		}
	}
	return ""
}

func matching(pattern string) func(any) string {
	compiled := regexp.MustCompile(pattern)
	return func(value any) string {
		if text, ok := value.(string); !ok || !compiled.MatchString(text) {
			return "Value should match the pattern " + pattern
		}
		return ""
	}
}

func urlPathText(value any) string {
	if text, ok := value.(string); !ok || !strings.HasPrefix(text, "/") || strings.ContainsAny(text, " \t\r\n") {
		return "Value must be a valid URL Path string"
	}
	return ""
}

func urlText(value any) string {
	text, _ := value.(string)
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return "Value must be a valid URL string"
	}
	return ""
}

func nested(value any) string {
	switch value.(type) {
	case map[string]any, []any:
		return ""
	}
	return "Wrong type. Expected an object or a list of them"
}

// readFields checks the attributes of a request and fills in what is missing: everything in a POST,
// nothing in a PUT, where null means the fallback.
func readFields(argument string, fields []field, in object, create bool) (object, error) {
	out := object{}
	for name := range in {
		known := slices.ContainsFunc(fields, func(f field) bool { return f.name == name && (create || !f.fixed) })
		if !known {
			return nil, fail(http.StatusBadRequest, "", "Unknown attribute for argument %s: %s", argument, name)
		}
	}
	for _, f := range fields {
		value := in[f.name]
		switch {
		case value != nil:
			if wrong := f.check(value); wrong != "" {
				return nil, invalidField(f.name, value, wrong)
			}
			out[f.name] = value
		case create && f.mandatory:
			return nil, invalidField(f.name, "None", "Mandatory field missing.")
		case create || in.given(f.name):
			out[f.name] = f.fallback
		}
	}
	return out, nil
}

func invalidField(name string, value any, wrong string) *fault {
	return fail(http.StatusBadRequest, "", "Invalid input for field/attribute %s. Value: '%v'. %s", name, value, wrong)
}

func loadBalancerFields() []field {
	return []field{
		{name: "name", check: limitedText(255), fallback: ""},
		{name: "description", check: limitedText(255), fallback: ""},
		{name: "admin_state_up", check: truth, fallback: true},
		{name: "vip_address", check: addressText, fixed: true},
		{name: "vip_port_id", check: uuidText, fixed: true},
		{name: "vip_subnet_id", check: uuidText, fixed: true},
		{name: "vip_network_id", check: uuidText, fixed: true},
		{name: "vip_qos_policy_id", check: uuidText},
		{name: "additional_vips", check: nested, fixed: true},
		{name: "project_id", check: limitedText(36), fixed: true},
		{name: "tenant_id", check: limitedText(36), fixed: true},
		{name: "listeners", check: nested, fixed: true},
		{name: "pools", check: nested, fixed: true},
		{name: "provider", check: limitedText(64), fixed: true},
		{name: "tags", check: texts, fallback: []any{}},
		{name: "flavor_id", check: uuidText, fixed: true},
		{name: "availability_zone", check: limitedText(255), fixed: true},
	}
}

// listenerFields are those of the version of the API.
func (l *loadBalancing) listenerFields() []field {
	return slices.DeleteFunc(allListenerFields(), func(f field) bool { return f.since > l.newest() })
}

func allListenerFields() []field {
	timeout := between(0, 365*24*3600*1000)
	return []field{
		{name: "name", check: limitedText(255), fallback: ""},
		{name: "description", check: limitedText(255), fallback: ""},
		{name: "admin_state_up", check: truth, fallback: true},
		{name: "protocol", check: choice("TCP", "HTTPS", "HTTP", "TERMINATED_HTTPS", "UDP", "SCTP", "PROMETHEUS"), mandatory: true, fixed: true},
		{name: "protocol_port", check: between(1, 65535), mandatory: true, fixed: true},
		{name: "connection_limit", check: between(-1, math.MaxInt32), fallback: -1},
		{name: "default_tls_container_ref", check: limitedText(255)},
		{name: "sni_container_refs", check: texts, fallback: []any{}},
		{name: "project_id", check: limitedText(36), fixed: true},
		{name: "tenant_id", check: limitedText(36), fixed: true},
		{name: "default_pool_id", check: uuidText},
		{name: "default_pool", check: nested, fixed: true},
		{name: "l7policies", check: nested, fixed: true},
		{name: "insert_headers", check: nested, fallback: map[string]any{}},
		{name: "loadbalancer_id", check: uuidText, fixed: true},
		{name: "timeout_client_data", check: timeout, fallback: 50000},
		{name: "timeout_member_connect", check: timeout, fallback: 5000},
		{name: "timeout_member_data", check: timeout, fallback: 50000},
		{name: "timeout_tcp_inspect", check: timeout, fallback: 0},
		{name: "tags", check: texts, fallback: []any{}},
		{name: "client_ca_tls_container_ref", check: limitedText(255)},
		{name: "client_authentication", check: choice("NONE", "OPTIONAL", "MANDATORY"), fallback: "NONE"},
		{name: "client_crl_container_ref", check: limitedText(255)},
		{name: "allowed_cidrs", check: cidrTexts},
		{name: "tls_ciphers", check: limitedText(2048)},
		{name: "tls_versions", check: texts},
		{name: "alpn_protocols", check: texts},
		{name: "hsts_max_age", check: between(0, math.MaxInt32), since: 27},
		{name: "hsts_include_subdomains", check: truth, fallback: false, since: 27},
		{name: "hsts_preload", check: truth, fallback: false, since: 27},
	}
}

func poolFields() []field {
	return []field{
		{name: "name", check: limitedText(255), fallback: ""},
		{name: "description", check: limitedText(255), fallback: ""},
		{name: "admin_state_up", check: truth, fallback: true},
		{name: "listener_id", check: uuidText, fixed: true},
		{name: "loadbalancer_id", check: uuidText, fixed: true},
		{name: "protocol", check: choice("TCP", "HTTP", "HTTPS", "PROXY", "PROXYV2", "UDP", "SCTP"), mandatory: true, fixed: true},
		{name: "lb_algorithm", check: choice("LEAST_CONNECTIONS", "ROUND_ROBIN", "SOURCE_IP", "SOURCE_IP_PORT"), mandatory: true},
		{name: "session_persistence", check: nested},
		{name: "project_id", check: limitedText(36), fixed: true},
		{name: "tenant_id", check: limitedText(36), fixed: true},
		{name: "healthmonitor", check: nested, fixed: true},
		{name: "members", check: nested, fixed: true},
		{name: "tags", check: texts, fallback: []any{}},
		{name: "tls_container_ref", check: limitedText(255)},
		{name: "ca_tls_container_ref", check: limitedText(255)},
		{name: "crl_container_ref", check: limitedText(255)},
		{name: "tls_enabled", check: truth, fallback: false},
		{name: "tls_ciphers", check: limitedText(2048)},
		{name: "tls_versions", check: texts},
		{name: "alpn_protocols", check: texts},
	}
}

func sessionPersistenceFields() []field {
	return []field{
		{name: "type", check: choice("SOURCE_IP", "HTTP_COOKIE", "APP_COOKIE"), mandatory: true},
		{name: "cookie_name", check: limitedText(255)},
		{name: "persistence_timeout", check: between(0, math.MaxInt32)},
		{name: "persistence_granularity", check: addressText},
	}
}

func memberFields() []field {
	return []field{
		{name: "name", check: limitedText(255), fallback: ""},
		{name: "admin_state_up", check: truth, fallback: true},
		{name: "address", check: addressText, mandatory: true, fixed: true},
		{name: "protocol_port", check: between(1, 65535), mandatory: true, fixed: true},
		{name: "weight", check: between(0, 256), fallback: 1},
		{name: "backup", check: truth, fallback: false},
		{name: "subnet_id", check: uuidText, fixed: true},
		{name: "project_id", check: limitedText(36), fixed: true},
		{name: "tenant_id", check: limitedText(36), fixed: true},
		{name: "monitor_port", check: between(1, 65535)},
		{name: "monitor_address", check: addressText},
		{name: "tags", check: texts, fallback: []any{}},
	}
}

func monitorFields() []field {
	return []field{
		{name: "name", check: limitedText(255), fallback: ""},
		{name: "type", check: choice("HTTP", "HTTPS", "PING", "TCP", "TLS-HELLO", "UDP-CONNECT", "SCTP"), mandatory: true, fixed: true},
		{name: "delay", check: between(0, math.MaxInt32), mandatory: true},
		{name: "timeout", check: between(0, math.MaxInt32), mandatory: true},
		{name: "max_retries", check: between(1, 10), mandatory: true},
		{name: "max_retries_down", check: between(1, 10), fallback: 3},
		{name: "http_method", check: choice("GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PATCH")},
		{name: "url_path", check: urlPathText},
		{name: "expected_codes", check: matching(`^(\d{3}(\s*,\s*\d{3})*)$|^(\d{3}-\d{3})$`)},
		{name: "admin_state_up", check: truth, fallback: true},
		{name: "project_id", check: limitedText(36), fixed: true},
		{name: "tenant_id", check: limitedText(36), fixed: true},
		{name: "pool_id", check: uuidText, fixed: true},
		{name: "tags", check: texts, fallback: []any{}},
		{name: "http_version", check: numberChoice(1.0, 1.1)},
		{name: "domain_name", check: limitedText(255)},
	}
}

func policyFields() []field {
	return []field{
		{name: "name", check: limitedText(255), fallback: ""},
		{name: "description", check: limitedText(255), fallback: ""},
		{name: "admin_state_up", check: truth, fallback: true},
		{name: "project_id", check: limitedText(36), fixed: true},
		{name: "tenant_id", check: limitedText(36), fixed: true},
		{name: "action", check: choice("REJECT", "REDIRECT_TO_URL", "REDIRECT_TO_POOL", "REDIRECT_PREFIX"), mandatory: true},
		{name: "redirect_pool_id", check: uuidText},
		{name: "redirect_pool", check: nested, fixed: true},
		{name: "redirect_url", check: urlText},
		{name: "redirect_prefix", check: urlText},
		{name: "position", check: between(1, math.MaxInt32), fallback: math.MaxInt32},
		{name: "listener_id", check: uuidText, fixed: true},
		{name: "rules", check: nested, fixed: true},
		{name: "tags", check: texts, fallback: []any{}},
		{name: "redirect_http_code", check: numberChoice(301, 302, 303, 307, 308)},
	}
}

func ruleFields() []field {
	return []field{
		{name: "type", check: choice("HOST_NAME", "PATH", "FILE_TYPE", "HEADER", "COOKIE", "SSL_CONN_HAS_CERT", "SSL_VERIFY_RESULT", "SSL_DN_FIELD"), mandatory: true},
		{name: "compare_type", check: choice("REGEX", "STARTS_WITH", "ENDS_WITH", "CONTAINS", "EQUAL_TO"), mandatory: true},
		{name: "key", check: limitedText(255)},
		{name: "value", check: limitedText(255), mandatory: true},
		{name: "invert", check: truth, fallback: false},
		{name: "admin_state_up", check: truth, fallback: true},
		{name: "project_id", check: limitedText(36), fixed: true},
		{name: "tenant_id", check: limitedText(36), fixed: true},
		{name: "tags", check: texts, fallback: []any{}},
	}
}
