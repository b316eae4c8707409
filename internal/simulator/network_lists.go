package simulator

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// controls are the query parameters of a list that are not filters.
var controls = map[string]bool{"fields": true, "limit": true, "marker": true, "sort_key": true, "sort_dir": true, "page_reverse": true}

// filters says whether a list can be filtered by an attribute.
func (r *resource) filters(key string) bool {
	switch key {
	case "project_id", "tenant_id":
		return true
	case "created_at", "updated_at":
		return false
	case "tags", "tags-any", "not-tags", "not-tags-any":
		return r.singular != "security-group-rule" && !r.untagged
	}
	_, known := r.attributes[key]
	return known && !slices.Contains(r.unfiltered, key)
}

// list answers GET of a collection.
func (n *network) list(c *call, r *resource) (int, any, error) {
	query := c.request.URL.Query()
	var unknown []string
	for key := range query {
		if !controls[key] && !r.filters(key) {
			unknown = append(unknown, "'"+key+"'")
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return 0, nil, badRequest("[%s] is invalid attribute for filtering", strings.Join(unknown, ", "))
	}
	found := r.table.where(func(o object) bool { return r.visible(c, o) && matches(r.wire(c, o), query) })
	if err := r.sort(found, query); err != nil {
		return 0, nil, err
	}
	limit, size := query.Get("limit"), 0
	if limit != "" {
		var err error
		if size, err = strconv.Atoi(limit); err != nil || size < 0 {
			return 0, nil, fail(http.StatusBadRequest, "BadRequest", "Bad limit request: Limit must be an integer 0 or greater and not '%s'.", limit)
		}
	}
	page, next, ok := c.page(found)
	switch {
	case size == 0:
		page, next = found, "" // a marker alone means nothing
	case !ok && r.findsMarker:
		return 0, nil, r.missing(query.Get("marker"))
	case !ok && size < len(found):
		page, next = found[:size], found[size-1].str("id")
	case !ok:
		page = found
	}
	views := []object{}
	for _, o := range page {
		views = append(views, r.pick(c, o))
	}
	body := map[string]any{r.key(): views}
	if links := pageLinks(c, page, next); size > 0 && links != nil {
		body[r.key()+"_links"] = links
	}
	return http.StatusOK, body, nil
}

// wire is the whole view of an object, for filters.
func (r *resource) wire(c *call, o object) object {
	if r.view != nil {
		return r.view(c, o)
	}
	return o
}

func pageLinks(c *call, page []object, next string) []any {
	if len(page) == 0 {
		return nil
	}
	link := func(rel, marker, end string) map[string]any {
		parts := []string{}
		for _, part := range strings.Split(c.request.URL.RawQuery, "&") {
			if !strings.HasPrefix(part, "marker=") && !strings.HasPrefix(part, "page_reverse=") {
				parts = append(parts, part)
			}
		}
		return map[string]any{"rel": rel, "href": c.URL() + c.request.URL.Path + "?" + strings.Join(parts, "&") + "&marker=" + marker + end}
	}
	links := []any{}
	if next != "" {
		links = append(links, link("next", next, ""))
	}
	return append(links, link("previous", page[0].str("id"), "&page_reverse=True"))
}

// sort orders by the query's sort_key and sort_dir pairs, the first of which weighs most; pages are ordered by the id as well.
func (r *resource) sort(objects []object, query url.Values) error {
	keys, dirs := query["sort_key"], query["sort_dir"]
	if len(keys) != len(dirs) {
		return badRequest("The number of sort_keys and sort_dirs must be same")
	}
	known := append([]string{"id", "project_id", "tenant_id"}, r.sortKeys...)
	if unknown := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return slices.Contains(known, key) }); len(unknown) > 0 {
		return badRequest("%s is invalid attribute for sort_keys", pythonList(unknown))
	}
	if unknown := slices.DeleteFunc(slices.Clone(dirs), func(dir string) bool { return dir == "asc" || dir == "desc" }); len(unknown) > 0 {
		return badRequest("%s is invalid value for sort_dirs, valid value is 'asc' and 'desc'", pythonList(unknown))
	}
	if query.Has("limit") {
		keys, dirs = append(slices.Clone(keys), "id"), append(slices.Clone(dirs), "asc")
	}
	slices.SortStableFunc(objects, func(a, b object) int {
		for at, key := range keys {
			order := cmp.Or(cmp.Compare(a.num(key), b.num(key)), strings.Compare(collated(text(a[key])), collated(text(b[key]))))
			if dirs[at] == "desc" {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
	return nil
}

func pythonList(texts []string) string { return "['" + strings.Join(texts, "', '") + "']" }

// matches says whether an object passes all filters; the values of one filter are alternatives.
func matches(o object, query url.Values) bool {
	for key, wanted := range query {
		if controls[key] {
			continue
		}
		ok := true
		switch key {
		case "tags":
			ok = !slices.ContainsFunc(wanted, func(w string) bool { return !hasTags(o, w, false) })
		case "tags-any":
			ok = slices.ContainsFunc(wanted, func(w string) bool { return hasTags(o, w, true) })
		case "not-tags":
			ok = !slices.ContainsFunc(wanted, func(w string) bool { return hasTags(o, w, false) })
		case "not-tags-any":
			ok = !slices.ContainsFunc(wanted, func(w string) bool { return hasTags(o, w, true) })
		case "fixed_ips":
			ok = hasAddress(o, wanted)
		default:
			ok = slices.ContainsFunc(wanted, func(w string) bool { return equalText(o[key], w) })
		}
		if !ok {
			return false
		}
	}
	return true
}

// equalText compares a value with what stands in a query: a list by its items, a boolean in any spelling.
func equalText(value any, wanted string) bool {
	switch value := value.(type) {
	case bool:
		flag, err := strconv.ParseBool(strings.ToLower(wanted))
		return err == nil && flag == value
	case []any, []string:
		return hasText(object{"list": value}.strs("list"), wanted)
	}
	return sameText(text(value), wanted)
}

// hasTags says whether an object has all or any of the tags, which commas separate.
func hasTags(o object, tags string, anyOf bool) bool {
	have := o.strs("tags")
	for _, tag := range strings.Split(tags, ",") {
		if hasText(have, tag) == anyOf {
			return anyOf
		}
	}
	return !anyOf
}

// hasAddress reads filters such as ip_address=10.0.0.5: all keys must fit one address of the
// port, and the values of one key are alternatives.
func hasAddress(o object, filters []string) bool {
	wanted := map[string][]string{}
	for _, filter := range filters {
		key, value, _ := strings.Cut(filter, "=")
		wanted[key] = append(wanted[key], value)
	}
	return slices.ContainsFunc(o.objs("fixed_ips"), func(fixed object) bool {
		for key, values := range wanted {
			if key == "ip_address_substr" {
				if !slices.ContainsFunc(values, func(v string) bool { return strings.Contains(fixed.str("ip_address"), v) }) {
					return false
				}
			} else if !hasText(values, fixed.str(key)) {
				return false
			}
		}
		return true
	})
}
