package simulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// swiftListingLimit is how many entries one page holds at most.
const swiftListingLimit = 10000

// swiftEntry is one line of a listing: a container, an object, one version of it, or a pseudo folder.
type swiftEntry struct {
	name string
	body map[string]any
}

// swiftList answers a listing of an account or a container: filtered by the query, as JSON or as
// plain lines.
func swiftList(w http.ResponseWriter, r *http.Request, entries []swiftEntry) {
	query := r.URL.Query()
	limit := swiftListingLimit
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > swiftListingLimit {
			swiftError(w, http.StatusPreconditionFailed, fmt.Sprintf("Maximum limit is %d", swiftListingLimit))
			return
		}
		limit = n
	}
	page := swiftPage(entries, query.Get("prefix"), query.Get("delimiter"), query.Get("marker"), query.Get("end_marker"), limit)
	if query.Get("format") == "json" || query.Get("format") == "" && strings.Contains(r.Header.Get("Accept"), "application/json") {
		bodies := make([]map[string]any, 0, len(page))
		for _, entry := range page {
			bodies = append(bodies, entry.body)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(http.StatusOK)
		// A client that went away is its own fault.
		_ = json.NewEncoder(w).Encode(bodies)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if len(page) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.WriteHeader(http.StatusOK)
	for _, entry := range page {
		_, _ = fmt.Fprintln(w, entry.name)
	}
}

// swiftPage is the part of the sorted entries that a query asks for, with pseudo folders rolled up.
func swiftPage(entries []swiftEntry, prefix, delimiter, marker, end string, limit int) []swiftEntry {
	page := []swiftEntry{}
	folder := ""
	for _, entry := range entries {
		if len(page) == limit {
			break
		}
		if !strings.HasPrefix(entry.name, prefix) || marker != "" && entry.name <= marker || end != "" && entry.name >= end {
			continue
		}
		if delimiter != "" {
			if i := strings.Index(entry.name[len(prefix):], delimiter); i >= 0 {
				name := entry.name[:len(prefix)+i+len(delimiter)]
				if name != folder && name > marker {
					folder = name
					page = append(page, swiftEntry{name: name, body: map[string]any{"subdir": name}})
				}
				continue
			}
		}
		page = append(page, entry)
	}
	return page
}

// entries are the containers of an account in the order of their names.
func (a *swiftAccount) entries() []swiftEntry {
	entries := []swiftEntry{}
	for _, name := range slices.Sorted(maps.Keys(a.Containers)) {
		container := a.Containers[name]
		count, size := container.usage()
		entries = append(entries, swiftEntry{name: name, body: map[string]any{
			"name": name, "count": count, "bytes": size, "last_modified": swiftISO(container.Modified),
		}})
	}
	return entries
}

// entries are the current objects of a container in the order of their names.
func (c *swiftContainer) entries() []swiftEntry {
	entries := []swiftEntry{}
	for _, name := range slices.Sorted(maps.Keys(c.Objects)) {
		entries = append(entries, swiftEntry{name: name, body: c.Objects[name].listed(name)})
	}
	return entries
}

// versions are all versions of all objects, the newest of each name first.
func (c *swiftContainer) versions() []swiftEntry {
	entries := []swiftEntry{}
	add := func(name string, object *swiftObject, latest bool) {
		body := object.listed(name)
		body["is_latest"] = latest
		body["version_id"] = object.version()
		entries = append(entries, swiftEntry{name: name, body: body})
	}
	for name, object := range c.Objects {
		add(name, object, true)
	}
	for name, old := range c.Versions {
		_, current := c.Objects[name]
		for i, object := range slices.Backward(old) {
			add(name, object, !current && i == len(old)-1)
		}
	}
	slices.SortStableFunc(entries, func(a, b swiftEntry) int { return cmp.Compare(a.name, b.name) })
	return entries
}

func (o *swiftObject) listed(name string) map[string]any {
	return map[string]any{
		"name": name, "bytes": o.size(), "hash": o.hash(),
		"content_type": o.ContentType, "last_modified": swiftISO(o.Modified),
	}
}
