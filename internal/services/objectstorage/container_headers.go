package objectstorage

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

const (
	metaPrefix   = "X-Container-Meta-"
	readHeader   = "X-Container-Read"
	writeHeader  = "X-Container-Write"
	originHeader = metaPrefix + "Access-Control-Allow-Origin"
	exposeHeader = metaPrefix + "Access-Control-Expose-Headers"
	maxAgeHeader = metaPrefix + "Access-Control-Max-Age"
	webPrefix    = metaPrefix + "Web-"
	tempURLKey   = metaPrefix + "Temp-Url-Key"
	versions     = "X-Versions-Enabled"

	syncToHeader = "X-Container-Sync-To"
	syncKey      = "X-Container-Sync-Key"

	accountTempURLKey = "X-Account-Meta-Temp-Url-Key"
)

// folded is how Swift sees a metadata key: it comes back in lower or title case, whatever was sent.
func folded(key string) string { return strings.ToLower(key) }

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// checkACL says which elements Swift would refuse.
func checkACL(name string, set types.Set, write bool) error {
	for _, element := range value.Strings(set) {
		at := path.Root(name).AtSetValue(types.StringValue(element))
		first, second, pair := strings.Cut(element, ":")
		referrer := slices.Contains([]string{".r", ".ref", ".referer", ".referrer"}, first)
		switch {
		case strings.HasPrefix(element, ".") && write:
			return lifecycle.Invalid(at, "only reading can be allowed to everybody, not writing")
		case element == ".rlistings" || !strings.HasPrefix(element, ".") && pair && first != "" && second != "":
		case referrer && second != "":
		default:
			return lifecycle.Invalid(at, "an element is `.r:*`, `.rlistings` or `PROJECT_ID:USER_ID`, of which either may be `*`")
		}
	}
	return nil
}

// settings are the headers of all that is set. Their names are canonical.
func (m *containerModel) settings(ctx context.Context) (map[string]string, error) {
	headers := map[string]string{}
	set := func(name, v string) {
		if v != "" {
			headers[http.CanonicalHeaderKey(name)] = v
		}
	}
	words := func(s types.Set, separator string) string {
		return strings.Join(slices.Sorted(slices.Values(value.Strings(s))), separator)
	}
	number := func(n types.Int64) string {
		if !value.Known(n) {
			return ""
		}
		return strconv.FormatInt(n.ValueInt64(), 10)
	}
	for key, v := range value.StringMap(m.Metadata) {
		set(metaPrefix+key, v)
	}
	set(readHeader, words(m.ReadACL, ","))
	set(writeHeader, words(m.WriteACL, ","))
	set(syncToHeader, m.SyncTo.ValueString())
	set(metaPrefix+"Quota-Bytes", number(m.QuotaBytes))
	set(metaPrefix+"Quota-Count", number(m.QuotaCount))
	if value.Known(m.CORS) {
		var cors corsModel
		if err := problem(m.CORS.As(ctx, &cors, basetypes.ObjectAsOptions{})); err != nil {
			return nil, err
		}
		set(originHeader, words(cors.AllowedOrigins, " "))
		set(exposeHeader, words(cors.ExposedHeaders, " "))
		set(maxAgeHeader, number(cors.MaxAge))
	}
	if value.Known(m.StaticWeb) {
		var web staticWebModel
		if err := problem(m.StaticWeb.As(ctx, &web, basetypes.ObjectAsOptions{})); err != nil {
			return nil, err
		}
		set(webPrefix+"Index", web.Index.ValueString())
		set(webPrefix+"Error", web.Error.ValueString())
		set(webPrefix+"Listings-Css", web.ListingsCSS.ValueString())
		if value.Known(web.Listings) {
			set(webPrefix+"Listings", strconv.FormatBool(web.Listings.ValueBool()))
		}
	}
	if m.Versioning.ValueBool() {
		headers[versions] = "true"
	}
	return headers, nil
}

// headers are those that make a container what the model says, from what prior says (nil for a new one).
func (m *containerModel) headers(ctx context.Context, prior *containerModel) (map[string]string, error) {
	wanted, err := m.settings(ctx)
	if err != nil {
		return nil, err
	}
	had := map[string]string{}
	if prior != nil {
		if had, err = prior.settings(ctx); err != nil {
			return nil, err
		}
	}
	headers := map[string]string{}
	for name, v := range wanted {
		if had[name] != v {
			headers[name] = v
		}
	}
	for name := range had {
		switch _, kept := wanted[name]; {
		case kept:
		case name == versions:
			headers[name] = "false"
		default:
			headers["X-Remove-"+strings.TrimPrefix(name, "X-")] = "x"
		}
	}
	if prior == nil || !m.TempURLKeysVersion.Equal(prior.TempURLKeysVersion) {
		addKeys(headers, prior != nil, map[string]types.String{tempURLKey: m.TempURLKey, tempURLKey + "-2": m.TempURLKey2})
	}
	if prior == nil || !m.SyncKeyVersion.Equal(prior.SyncKeyVersion) {
		addKeys(headers, prior != nil, map[string]types.String{syncKey: m.SyncKey})
	}
	return headers, nil
}

// addKeys sends keys, or removes those that are not given.
func addKeys(headers map[string]string, remove bool, keys map[string]types.String) {
	for name, key := range keys {
		switch {
		case value.Known(key):
			headers[name] = key.ValueString()
		case remove:
			headers["X-Remove-"+strings.TrimPrefix(name, "X-")] = "x"
		}
	}
}

// flatten reads the settings of a container.
func (m *containerModel) flatten(ctx context.Context, headers http.Header) error {
	m.Name = m.ID
	if m.ForceDestroy.IsNull() {
		m.ForceDestroy = types.BoolValue(false)
	}
	m.ReadACL = value.Set(split(headers.Get(readHeader), ","))
	m.WriteACL = value.Set(split(headers.Get(writeHeader), ","))
	m.SyncTo = value.StringOrNull(headers.Get(syncToHeader))
	m.StoragePolicy = value.StringOrNull(headers.Get("X-Storage-Policy"))
	m.Versioning = types.BoolValue(strings.EqualFold(headers.Get(versions), "true"))
	m.Metadata = value.Map(metadataOf(headers, metaPrefix, m.Metadata, reservedKey))
	var err error
	if m.QuotaBytes, err = number(headers.Get(metaPrefix + "Quota-Bytes")); err != nil {
		return err
	}
	if m.QuotaCount, err = number(headers.Get(metaPrefix + "Quota-Count")); err != nil {
		return err
	}
	if err := m.flattenCORS(ctx, headers); err != nil {
		return err
	}
	return m.flattenStaticWeb(ctx, headers)
}

// metadataOf are the metadata among the headers, in the case in which the keys were written.
func metadataOf(headers http.Header, prefix string, written types.Map, reserved *regexp.Regexp) map[string]string {
	cases := map[string]string{}
	for key := range value.StringMap(written) {
		cases[folded(key)] = key
	}
	metadata := map[string]string{}
	for name := range headers {
		key, ok := strings.CutPrefix(name, prefix)
		if !ok || reserved != nil && reserved.MatchString(key) || !metadataKey.MatchString(key) {
			continue
		}
		if as, ok := cases[folded(key)]; ok {
			key = as
		} else {
			key = folded(key)
		}
		metadata[key] = headers.Get(name)
	}
	return metadata
}

func (m *containerModel) flattenCORS(ctx context.Context, headers http.Header) error {
	kinds := map[string]attr.Type{
		"allowed_origins": types.SetType{ElemType: types.StringType}, "exposed_headers": types.SetType{ElemType: types.StringType}, "max_age": types.Int64Type,
	}
	m.CORS = types.ObjectNull(kinds)
	origins := split(headers.Get(originHeader), " ")
	exposed := split(headers.Get(exposeHeader), " ")
	age, err := number(headers.Get(maxAgeHeader))
	if err != nil || len(origins)+len(exposed) == 0 && age.IsNull() {
		return err
	}
	var diags diag.Diagnostics
	m.CORS, diags = types.ObjectValueFrom(ctx, kinds, corsModel{
		AllowedOrigins: value.Set(origins), ExposedHeaders: value.SetOrNull(exposed), MaxAge: age,
	})
	return problem(diags)
}

func (m *containerModel) flattenStaticWeb(ctx context.Context, headers http.Header) error {
	kinds := map[string]attr.Type{"index": types.StringType, "error": types.StringType, "listings": types.BoolType, "listings_css": types.StringType}
	web := staticWebModel{
		Index: value.StringOrNull(headers.Get(webPrefix + "Index")), Error: value.StringOrNull(headers.Get(webPrefix + "Error")),
		ListingsCSS: value.StringOrNull(headers.Get(webPrefix + "Listings-Css")),
	}
	if listings := headers.Get(webPrefix + "Listings"); listings != "" {
		web.Listings = types.BoolValue(strings.EqualFold(listings, "true"))
	}
	if web == (staticWebModel{}) && value.Known(m.StaticWeb) {
		var had staticWebModel
		if err := problem(m.StaticWeb.As(ctx, &had, basetypes.ObjectAsOptions{})); err != nil || had == web {
			return err // an empty block is no header
		}
	}
	m.StaticWeb = types.ObjectNull(kinds)
	if web == (staticWebModel{}) {
		return nil
	}
	var diags diag.Diagnostics
	m.StaticWeb, diags = types.ObjectValueFrom(ctx, kinds, web)
	return problem(diags)
}

// split are the words of a header.
func split(header, separator string) []string {
	var words []string
	for word := range strings.SplitSeq(header, separator) {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

func number(header string) (types.Int64, error) {
	if header == "" {
		return types.Int64Null(), nil
	}
	n, err := strconv.ParseInt(header, 10, 64)
	if err != nil {
		return types.Int64Null(), fmt.Errorf("read a setting of the container: %w", err)
	}
	return types.Int64Value(n), nil
}

// problem is the first error of the framework's diagnostics.
func problem(diags diag.Diagnostics) error {
	for _, d := range diags.Errors() {
		return fmt.Errorf("%s: %s", d.Summary(), d.Detail())
	}
	return nil
}
