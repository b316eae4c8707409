package simulator

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// list answers with the caller's objects of a kind, filtered by the query as the service does it.
func (l *loadBalancing) list(c *call, kind lbKind, match func(object) bool) (int, any, error) {
	query := c.request.URL.Query()
	if project := cmp.Or(query.Get("project_id"), query.Get("tenant_id")); project != "" && project != c.project() && !c.admin() {
		return 0, nil, lbForbidden()
	}
	views := []object{}
	for _, o := range kind.table.where(func(o object) bool { return c.owns(o) && match(o) }) {
		view := kind.view(o)
		ok, err := kind.matches(view, query)
		if err != nil {
			return 0, nil, err
		}
		if ok {
			views = append(views, view)
		}
	}
	// A list without objects still refuses arguments that it does not know.
	if _, err := kind.matches(object{}, query); err != nil {
		return 0, nil, err
	}
	if err := kind.sort(views, query); err != nil {
		return 0, nil, err
	}
	page, next, ok := c.page(views)
	if !ok {
		return 0, nil, fail(http.StatusBadRequest, "", "Supplied pagination marker '%s' is not valid.", query.Get("marker"))
	}
	links := []any{}
	if next != "" {
		query.Set("marker", next)
		links = append(links, map[string]any{"rel": "next", "href": c.url(strings.TrimPrefix(c.request.URL.Path, c.service.prefix)) + "?" + query.Encode()})
	}
	if names := query["fields"]; len(names) > 0 {
		for i, view := range page {
			page[i] = object{}
			for _, name := range names {
				if view.given(name) {
					page[i][name] = view[name]
				}
			}
		}
	}
	return http.StatusOK, object{kind.plural: page, kind.plural + "_links": links}, nil
}

// attributes are the attributes that a list can be filtered and sorted by.
func (k lbKind) attributes() []string {
	names := []string{"id", "project_id", "tenant_id", "provisioning_status", "operating_status", "created_at", "updated_at"}
	for _, f := range k.fields {
		names = append(names, f.name)
	}
	return names
}

func (k lbKind) matches(view object, query url.Values) (bool, error) {
	for name, values := range query {
		tags := strings.Split(strings.Join(values, ","), ",")
		has := func(tag string) bool { return hasText(view.strs("tags"), tag) }
		lacks := func(tag string) bool { return !has(tag) }
		ok := true
		switch name {
		case "limit", "marker", "page_reverse", "sort", "sort_key", "sort_dir", "fields":
		case "tags":
			ok = !slices.ContainsFunc(tags, lacks)
		case "tags-any":
			ok = slices.ContainsFunc(tags, has)
		case "not-tags":
			ok = slices.ContainsFunc(tags, lacks)
		case "not-tags-any":
			ok = !slices.ContainsFunc(tags, has)
		default:
			key := cmp.Or(k.filters[name], name)
			if k.filters[name] == "" && !slices.Contains(k.attributes(), name) || len(values) > 1 {
				return false, fail(http.StatusBadRequest, "", "One or more arguments are either duplicate or invalid")
			}
			ok = sameText(text(view[key]), values[0])
		}
		if !ok {
			return false, nil
		}
	}
	return true, nil
}

// sort orders by the query's keys, else by the time of creation. Equal ones are ordered by id, so
// that nobody relies on the order in which the objects of one request were given.
func (k lbKind) sort(views []object, query url.Values) error {
	keys := strings.Split(query.Get("sort"), ",")
	if key := query.Get("sort_key"); key != "" {
		keys = append(keys, key+":"+cmp.Or(query.Get("sort_dir"), "asc"))
	}
	compare := func(a, b object) int {
		return cmp.Or(cmp.Compare(a.str("created_at"), b.str("created_at")), cmp.Compare(a.str("id"), b.str("id")))
	}
	for _, key := range slices.Backward(keys) {
		name, direction, _ := strings.Cut(key, ":")
		if name == "" {
			continue
		}
		if !slices.Contains(k.attributes(), name) {
			return fail(http.StatusBadRequest, "", "Supplied sort key '%s' is not valid.", name)
		}
		next, sign := compare, 1
		if direction == "desc" {
			sign = -1
		}
		compare = func(a, b object) int {
			return cmp.Or(sign*cmp.Compare(collated(text(a[name])), collated(text(b[name]))), next(a, b))
		}
	}
	slices.SortStableFunc(views, compare)
	return nil
}
