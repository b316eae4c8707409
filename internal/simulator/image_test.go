package simulator

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestImageList(t *testing.T) {
	t.Parallel()
	c := as(t, start(t, Options{}), "demo", "demo")
	for query, want := range map[string][]string{
		"":                  {"Debian 12", "amphora-fake", "ubuntu-22.04-fake", "fedora-coreos-fake", "cirros-fake"},
		"?name=cirros-fake": {"cirros-fake"},
		"?name=nope":        {},
		"?name=" + url.QueryEscape("in:cirros-fake,amphora-fake") + "&sort=name:asc": {"amphora-fake", "cirros-fake"},
		"?tag=amphora":                        {"amphora-fake"},
		"?tag=amphora&tag=other":              {},
		"?os_distro=ubuntu&os_version=22.04":  {"ubuntu-22.04-fake"},
		"?visibility=private":                 {},
		"?status=queued":                      {},
		"?sort_key=name&sort_dir=asc&limit=2": {"amphora-fake", "cirros-fake"},
		"?size_min=1000000":                   {},
	} {
		got := []string{}
		for _, image := range c.want(200, "GET", "/image/v2/images"+query, "").body.objs("images") {
			got = append(got, image.str("name"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
}

func TestImagePages(t *testing.T) {
	t.Parallel()
	c := as(t, start(t, Options{}), "demo", "demo")
	seen, path := []string{}, "/v2/images?limit=2"
	for path != "" {
		body := c.want(200, "GET", "/image"+path, "").body
		for _, image := range body.objs("images") {
			seen = append(seen, image.str("id"))
		}
		path = body.str("next")
	}
	if len(seen) != 5 || len(slices.Compact(slices.Sorted(slices.Values(seen)))) != 5 {
		t.Errorf("pages: %v", seen)
	}
	if got := c.want(200, "GET", "/image/v2/images/"+seen[0], "").body.str("id"); got != seen[0] {
		t.Errorf("get: %q", got)
	}
}

func TestImageFaults(t *testing.T) {
	t.Parallel()
	c := as(t, start(t, Options{}), "demo", "demo")
	for path, want := range map[string]string{
		"/nope":           "<h1>404 Not Found</h1>\n  No image found with ID nope<br />",
		"?limit=x":        "limit param must be an integer",
		"?marker=x":       "No image found with ID x",
		"?visibility=foo": "Invalid visibility value: foo",
		"?sort=foo:asc":   "Invalid sort key: foo. It must be one of the following: name, status, container_format, disk_format, size, id, created_at, updated_at.",
	} {
		status := 400
		if path == "/nope" {
			status = 404
		}
		if a := c.want(status, "GET", "/image/v2/images"+path, ""); !strings.Contains(a.text, want) || a.header.Get("Content-Type") != "text/html; charset=UTF-8" {
			t.Errorf("%s: %s", path, a.text)
		}
	}
}
