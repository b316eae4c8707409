package loadbalancer

import (
	"cmp"
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

type ruleModel struct {
	Type         types.String `tfsdk:"type"`
	CompareType  types.String `tfsdk:"compare_type"`
	Key          types.String `tfsdk:"key"`
	Value        types.String `tfsdk:"value"`
	Invert       types.Bool   `tfsdk:"invert"`
	AdminStateUp types.Bool   `tfsdk:"admin_state_up"`
	Tags         types.Set    `tfsdk:"tags"`
}

// What Octavia lets the rules look for, in the types of rules that it is for.
var (
	oneLine     = regexp.MustCompile(`^[^\r\n]*$`)
	headerName  = regexp.MustCompile("^[a-zA-Z0-9!#$%&'*+,.^_`|~-]+$")
	headerValue = regexp.MustCompile(`^[\x21-\x7e]+$|^"[\t\x20-\x7e]*"$`)
	cookieValue = regexp.MustCompile(`^[\x21\x23-\x3a\x3c-\x5b\x5d-\x7e]+$`)
	dnField     = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*$`)
)

func ruleAttributes() map[string]schema.Attribute {
	text := []validator.String{stringvalidator.LengthBetween(1, 255), stringvalidator.RegexMatches(oneLine, "must be one line")}
	key := optional("Name of the header or cookie, or field of the certificate.")
	key.Validators = text
	return map[string]schema.Attribute{
		"type": oneOf("What is looked at.", "HOST_NAME", "PATH", "FILE_TYPE", "HEADER", "COOKIE",
			"SSL_CONN_HAS_CERT", "SSL_VERIFY_RESULT", "SSL_DN_FIELD"),
		"compare_type": oneOf("How it is compared.", "EQUAL_TO", "STARTS_WITH", "ENDS_WITH", "CONTAINS", "REGEX"),
		"key":          key,
		"value": schema.StringAttribute{
			MarkdownDescription: "What it is compared with; `True` for `SSL_CONN_HAS_CERT`, OpenSSL's number for `SSL_VERIFY_RESULT`.",
			Required:            true,
			Validators:          text,
		},
		"invert":         attribute.Flag("Whether the rule matches when the comparison does not.", false),
		"admin_state_up": attribute.AdminStateUp(),
		"tags":           attribute.Tags(),
	}
}

func (m ruleModel) expand() engine.Rule {
	return engine.Rule{
		Type: m.Type.ValueString(), CompareType: m.CompareType.ValueString(), Key: m.Key.ValueString(),
		Value: m.Value.ValueString(), Invert: m.Invert.ValueBool(), AdminStateUp: value.BoolPtr(m.AdminStateUp), Tags: value.Strings(m.Tags),
	}
}

func flattenRule(r engine.Rule) ruleModel {
	return ruleModel{
		Type: types.StringValue(r.Type), CompareType: types.StringValue(r.CompareType), Key: value.StringOrNull(r.Key),
		Value: types.StringValue(r.Value), Invert: types.BoolValue(r.Invert), AdminStateUp: types.BoolValue(up(r)), Tags: value.Set(r.Tags),
	}
}

// sameRules tells whether both lists say the same, in whatever order.
func sameRules(a, b []engine.Rule) bool {
	return slices.EqualFunc(slices.SortedFunc(slices.Values(a), compareRules), slices.SortedFunc(slices.Values(b), compareRules),
		func(x, y engine.Rule) bool { return compareRules(x, y) == 0 })
}

func compareRules(a, b engine.Rule) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Key, b.Key), cmp.Compare(a.CompareType, b.CompareType),
		cmp.Compare(a.Value, b.Value), cmp.Compare(boolInt(a.Invert), boolInt(b.Invert)), cmp.Compare(boolInt(up(a)), boolInt(up(b))),
		slices.Compare(slices.Sorted(slices.Values(a.Tags)), slices.Sorted(slices.Values(b.Tags))))
}

func up(r engine.Rule) bool { return r.AdminStateUp == nil || *r.AdminStateUp }

func (f *findings) rule(at path.Path, r ruleModel, listenerProtocol types.String) {
	if !known(r.Type) {
		return
	}
	kind := r.Type.ValueString()
	switch needsKey := kind == "HEADER" || kind == "COOKIE" || kind == "SSL_DN_FIELD"; {
	case needsKey && r.Key.IsNull():
		f.add(at.AtName("key"), "a %s rule needs the name of what it looks at", kind)
	case !needsKey && known(r.Key):
		f.add(at.AtName("key"), "a %s rule has no key; those of type HEADER, COOKIE and SSL_DN_FIELD do", kind)
	case kind == "SSL_DN_FIELD" && known(r.Key) && !dnField.MatchString(r.Key.ValueString()):
		f.add(at.AtName("key"), "%q is no field of a distinguished name; CN is one", r.Key.ValueString())
	case needsKey && kind != "SSL_DN_FIELD" && known(r.Key) && !headerName.MatchString(r.Key.ValueString()):
		f.add(at.AtName("key"), "%q can be the name of no header or cookie: letters, digits and !#$%%&'*+,-.^_`|~ can", r.Key.ValueString())
	}
	if strings.HasPrefix(kind, "SSL_") && known(listenerProtocol) && listenerProtocol.ValueString() != engine.ProtocolTerminatedHTTPS {
		f.add(at.AtName("type"), "%s looks at client certificates, which only a TERMINATED_HTTPS listener sees", kind)
	}
	if !known(r.CompareType) {
		return
	}
	compare := r.CompareType.ValueString()
	var fit []string
	switch kind {
	case "FILE_TYPE":
		fit = []string{"EQUAL_TO", "REGEX"}
	case "SSL_CONN_HAS_CERT", "SSL_VERIFY_RESULT":
		fit = []string{"EQUAL_TO"}
	}
	if fit != nil && !slices.Contains(fit, compare) {
		f.add(at.AtName("compare_type"), "a %s rule can only compare by %s", kind, strings.Join(fit, " or "))
	} else if known(r.Value) {
		f.ruleValue(at.AtName("value"), kind, compare, r.Value.ValueString())
	}
}

// ruleValue checks what a rule compares with.
func (f *findings) ruleValue(at path.Path, kind, compare, text string) {
	switch kind {
	case "SSL_CONN_HAS_CERT":
		if !strings.EqualFold(text, "true") {
			f.add(at, "the value must be True; use invert for connections without a certificate")
		}
	case "SSL_VERIFY_RESULT":
		if n, err := strconv.Atoi(text); err != nil || n < 0 {
			f.add(at, "the value must be a number of OpenSSL's verification, 0 when the certificate is good")
		}
	default:
		switch {
		case compare == "REGEX":
			if why := badRegex(text); why != "" {
				f.add(at, "%q is no regular expression: %s", text, why)
			}
		case kind == "COOKIE" && !cookieValue.MatchString(text):
			f.add(at, "the value of a cookie has no spaces, quotes, semicolons and backslashes: %q", text)
		case kind != "COOKIE" && kind != "SSL_DN_FIELD" && !headerValue.MatchString(text):
			f.add(at, "the value must be printable ASCII without spaces, or in double quotes: %q", text)
		}
	}
}

// badRegex tells why text is no regular expression. Octavia's are Python's, so only what is wrong in any dialect counts.
func badRegex(text string) string {
	var wrong *syntax.Error
	if _, err := syntax.Parse(text, syntax.Perl); errors.As(err, &wrong) {
		switch wrong.Code {
		case syntax.ErrMissingParen, syntax.ErrUnexpectedParen, syntax.ErrMissingBracket, syntax.ErrTrailingBackslash:
			return wrong.Code.String()
		}
	}
	return ""
}
