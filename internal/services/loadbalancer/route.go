package loadbalancer

import (
	"cmp"
	"context"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/boolvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

type routeModel struct {
	Position         types.Int64  `tfsdk:"position"`
	RedirectPool     types.String `tfsdk:"redirect_pool"`
	RedirectURL      types.String `tfsdk:"redirect_url"`
	RedirectPrefix   types.String `tfsdk:"redirect_prefix"`
	Reject           types.Bool   `tfsdk:"reject"`
	RedirectHTTPCode types.Int64  `tfsdk:"redirect_http_code"`
	Rules            types.List   `tfsdk:"rules"`
	Description      types.String `tfsdk:"description"`
	AdminStateUp     types.Bool   `tfsdk:"admin_state_up"`
	Tags             types.Set    `tfsdk:"tags"`
}

func routeAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"position": schema.Int64Attribute{
			MarkdownDescription: "Place among the routes of the listener, lower ones first. Those without come last, by their keys.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(1, 2147483646)},
		},
		"redirect_pool":   optional("Key in `pools` of the pool that gets the request."),
		"redirect_url":    url("URL to send the client to."),
		"redirect_prefix": url("URL to which the request's path is appended, to send the client to."),
		"reject": schema.BoolAttribute{
			MarkdownDescription: "Answer with 403. Can only be `true`.",
			Optional:            true,
			Validators:          []validator.Bool{boolvalidator.Equals(true)},
		},
		"redirect_http_code": schema.Int64Attribute{
			MarkdownDescription: "Status of the answer that sends the client elsewhere; 302 when not set.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.OneOf(301, 302, 303, 307, 308)},
		},
		"rules": schema.ListNestedAttribute{
			MarkdownDescription: "Conditions, all of which must be met. Their order says nothing. Without any the route is not in use.",
			Optional:            true,
			NestedObject:        schema.NestedAttributeObject{Attributes: ruleAttributes()},
			Validators:          []validator.List{listvalidator.SizeBetween(1, 50)},
		},
		"description":    attribute.Description(),
		"admin_state_up": attribute.AdminStateUp(),
		"tags":           attribute.Tags(),
	}
}

// url is an optional address to send clients to.
func url(description string) schema.StringAttribute {
	a := optional(description)
	a.Validators = []validator.String{
		stringvalidator.LengthAtMost(255),
		stringvalidator.RegexMatches(regexp.MustCompile(`^https?://[^/\s]+(/\S*)?$`), "must be a URL such as https://example.org/path"),
	}
	return a
}

func (m routeModel) expand(ctx context.Context) (engine.Route, error) {
	r := engine.Route{
		Description: m.Description.ValueString(), AdminStateUp: value.BoolPtr(m.AdminStateUp), Tags: value.Strings(m.Tags),
		Position: math.MaxInt32, RedirectPool: m.RedirectPool.ValueString(), RedirectURL: m.RedirectURL.ValueString(),
		RedirectPrefix: m.RedirectPrefix.ValueString(),
	}
	if value.Known(m.Position) {
		r.Position = int(m.Position.ValueInt64())
	}
	code := defaultRedirectCode
	if value.Known(m.RedirectHTTPCode) {
		code = int(m.RedirectHTTPCode.ValueInt64())
	}
	switch {
	case r.RedirectPool != "":
		r.Action = engine.ActionRedirectToPool
	case r.RedirectURL != "":
		r.Action, r.RedirectHTTPCode = engine.ActionRedirectToURL, &code
	case r.RedirectPrefix != "":
		r.Action, r.RedirectHTTPCode = engine.ActionRedirectPrefix, &code
	default:
		r.Action = engine.ActionReject
	}
	rules, err := items[ruleModel](ctx, m.Rules)
	for _, rule := range rules {
		r.Rules = append(r.Rules, rule.expand())
	}
	return r, err
}

// routeOrder are the keys of the routes as Octavia orders them.
func routeOrder(routes map[string]engine.Route) []string {
	return slices.SortedFunc(maps.Keys(routes), func(a, b string) int { return cmp.Compare(routes[a].Position, routes[b].Position) })
}

// priorOrder are the keys of the routes in the order that the model asks for.
func priorOrder(routes map[string]routeModel) []string {
	order := slices.Sorted(maps.Keys(routes))
	slices.SortStableFunc(order, func(a, b string) int {
		x, y := routes[a].Position, routes[b].Position
		if x.IsNull() || y.IsNull() {
			return cmp.Compare(boolInt(x.IsNull()), boolInt(y.IsNull()))
		}
		return cmp.Compare(x.ValueInt64(), y.ValueInt64())
	})
	return order
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func flattenRoute(ctx context.Context, r engine.Route, prior routeModel, sameOrder bool) (routeModel, error) {
	m := routeModel{
		Position:    prior.Position,
		Description: types.StringValue(r.Description), AdminStateUp: types.BoolPointerValue(r.AdminStateUp), Tags: value.Set(r.Tags),
	}
	if !sameOrder {
		m.Position = value.Int(r.Position)
	}
	switch r.Action {
	case engine.ActionRedirectToPool:
		m.RedirectPool = types.StringValue(r.RedirectPool)
	case engine.ActionRedirectToURL:
		m.RedirectURL = types.StringValue(r.RedirectURL)
	case engine.ActionRedirectPrefix:
		m.RedirectPrefix = types.StringValue(r.RedirectPrefix)
	default:
		m.Reject = types.BoolValue(true)
	}
	if code := r.RedirectHTTPCode; code != nil && (*code != defaultRedirectCode || !prior.RedirectHTTPCode.IsNull()) {
		m.RedirectHTTPCode = value.Int(*code)
	}
	rules, err := items[ruleModel](ctx, prior.Rules)
	if err != nil {
		return m, err
	}
	var order []engine.Rule
	for _, rule := range rules {
		order = append(order, rule.expand())
	}
	if !sameRules(order, r.Rules) {
		order = slices.SortedFunc(slices.Values(r.Rules), compareRules)
	}
	flat := make([]ruleModel, 0, len(order))
	for _, rule := range order {
		flat = append(flat, flattenRule(rule))
	}
	m.Rules, err = listOf(ctx, routeAttributes()["rules"], flat)
	return m, err
}

func (f *findings) route(ctx context.Context, at path.Path, r routeModel, listenerProtocol types.String) error {
	targets := map[string]attr.Value{
		"redirect_pool": r.RedirectPool, "redirect_url": r.RedirectURL, "redirect_prefix": r.RedirectPrefix, "reject": r.Reject,
	}
	var given []string
	open := false
	for name, v := range targets {
		open = open || v.IsUnknown()
		if known(v) {
			given = append(given, name)
		}
	}
	slices.Sort(given)
	switch {
	case len(given) == 0 && !open:
		f.add(at, "the route leads nowhere: give redirect_pool, redirect_url, redirect_prefix or reject = true")
	case len(given) > 1:
		f.add(at.AtName(given[1]), "a route can do one thing only, and has %s", strings.Join(given, " and "))
	}
	f.poolReference(at.AtName("redirect_pool"), r.RedirectPool, listenerProtocol)
	if known(r.RedirectHTTPCode) && r.RedirectURL.IsNull() && r.RedirectPrefix.IsNull() {
		f.add(at.AtName("redirect_http_code"), "only redirect_url and redirect_prefix answer with a status")
	}
	rules, err := items[ruleModel](ctx, r.Rules)
	if err != nil {
		return err
	}
	for i, rule := range rules {
		f.rule(at.AtName("rules").AtListIndex(i), rule, listenerProtocol)
	}
	return nil
}
