package simulator

import (
	"cmp"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// image is the state of the Image API. The images come with the cloud.
type image struct {
	sim *Simulator

	Images table
}

func newImage(s *Simulator) *image { return &image{sim: s} }

func (i *image) service() *service {
	return &service{
		kind: "image", name: "glance", prefix: "/image",
		state: i, seed: i.seed, render: glanceFault,
		open: map[string]handler{"GET /{$}": i.versions, "GET /versions": i.versions},
		routes: map[string]handler{
			"GET /v2/images":      i.list,
			"GET /v2/images/{id}": i.get,
		},
	}
}

// glanceFault is JSON for those who ask for it, else a page.
func glanceFault(c *call, f *fault) any {
	title := fmt.Sprintf("%d %s", f.status, http.StatusText(f.status))
	if f.status == http.StatusUnauthorized {
		f.message = "This server could not verify that you are authorized to access the document you requested. Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required."
	}
	if strings.Contains(c.request.Header.Get("Accept"), "application/json") {
		return object{"code": title, "title": http.StatusText(f.status), "message": f.message + "<br /><br />\n\n\n"}
	}
	c.header.Set("Content-Type", "text/html; charset=UTF-8")
	return fmt.Sprintf("<html>\n <head>\n  <title>%s</title>\n </head>\n <body>\n  <h1>%s</h1>\n  %s<br /><br />\n\n\n\n </body>\n</html>", title, title, f.message)
}

// seedImages are the images of a new cloud, the oldest first.
var seedImages = []struct {
	name       string
	properties object
	tags       []any
}{
	{name: "cirros-fake"},
	{name: "fedora-coreos-fake", properties: object{"os_distro": "fedora-coreos"}},
	{name: "ubuntu-22.04-fake", properties: object{"os_distro": "ubuntu", "os_version": "22.04", "hw_scsi_model": "virtio-scsi"}},
	{name: "amphora-fake", tags: []any{"amphora"}},
	{name: "Debian 12", properties: object{"os_distro": "debian", "os_version": "12"}},
}

func (i *image) seed() {
	const size = 64 << 10
	content := make([]byte, size)
	sum := sha512.Sum512(content)
	for _, seed := range seedImages {
		id := newUUID()
		tags := seed.tags
		if tags == nil {
			tags = []any{}
		}
		image := object{
			"id": id, "name": seed.name, "disk_format": "raw", "container_format": "bare", "visibility": "public",
			"size": size, "virtual_size": size, "status": "active", "checksum": swiftMD5(content), "protected": false,
			"min_ram": 0, "min_disk": 0, "owner": i.sim.projectID("admin"), "os_hidden": false,
			"os_hash_algo": "sha512", "os_hash_value": hex.EncodeToString(sum[:]), "tags": tags,
			"created_at": now(), "updated_at": now(), "self": "/v2/images/" + id, "file": "/v2/images/" + id + "/file",
			"schema": "/v2/schemas/image", "_seeded": true,
		}
		for key, value := range seed.properties {
			image[key] = value
		}
		i.sim.add(&i.Images, image)
	}
}

func (i *image) versions(c *call) (int, any, error) {
	versions := []any{}
	for _, version := range []string{"v2.16", "v2.15", "v2.14", "v2.9", "v2.7", "v2.6", "v2.5", "v2.4", "v2.3", "v2.2", "v2.1", "v2.0"} {
		status := "SUPPORTED"
		if len(versions) == 0 {
			status = "CURRENT"
		}
		versions = append(versions, map[string]any{
			"id": version, "status": status, "links": []any{map[string]any{"rel": "self", "href": c.url("/v2/")}},
		})
	}
	return http.StatusMultipleChoices, map[string]any{"versions": versions}, nil
}

func (i *image) get(c *call) (int, any, error) {
	image, ok := i.Images.get(c.path("id"))
	if !ok || !i.visible(c, image) {
		return 0, nil, fail(http.StatusNotFound, "", "No image found with ID %s", c.path("id"))
	}
	return http.StatusOK, image, nil
}

func (i *image) visible(c *call, image object) bool {
	return c.admin() || image.str("owner") == c.project() || image.str("visibility") == "public"
}

// imageSortKeys are the keys that a list can be sorted by.
var imageSortKeys = []string{"name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at"}

func (i *image) list(c *call) (int, any, error) {
	query := c.request.URL.Query()
	images := i.Images.where(func(o object) bool {
		return i.visible(c, o) && o.str("status") != "deleted" && imageMatches(o, query)
	})
	if visibility := query.Get("visibility"); visibility != "" && !slices.Contains([]string{"public", "private", "shared", "community", "all"}, visibility) {
		return 0, nil, fail(http.StatusBadRequest, "", "Invalid visibility value: %s", visibility)
	}
	if limit := query.Get("limit"); limit != "" {
		if _, err := strconv.Atoi(limit); err != nil {
			return 0, nil, fail(http.StatusBadRequest, "", "limit param must be an integer")
		}
	}
	if err := sortImages(images, query); err != nil {
		return 0, nil, err
	}
	page, next, ok := c.page(images)
	if !ok {
		return 0, nil, fail(http.StatusBadRequest, "", "No image found with ID %s", query.Get("marker"))
	}
	link := func(query url.Values) string {
		if len(query) == 0 {
			return "/v2/images"
		}
		return "/v2/images?" + query.Encode()
	}
	query.Del("marker")
	body := map[string]any{"images": page, "first": link(query), "schema": "/v2/schemas/images"}
	if next != "" {
		query.Set("marker", next)
		body["next"] = link(query)
	}
	return http.StatusOK, body, nil
}

// imageMatches says whether an image passes the filters of a list.
func imageMatches(o object, query url.Values) bool {
	if hidden := query.Get("os_hidden"); o.flag("os_hidden") != (strings.EqualFold(hidden, "true")) {
		return false
	}
	for key, values := range query {
		switch key {
		case "limit", "marker", "sort", "sort_key", "sort_dir", "os_hidden", "member_status":
		case "tag":
			for _, tag := range values {
				if !hasText(o.strs("tags"), tag) {
					return false
				}
			}
		case "size_min":
			if n, err := strconv.Atoi(values[0]); err == nil && o.num("size") < n {
				return false
			}
		case "size_max":
			if n, err := strconv.Atoi(values[0]); err == nil && o.num("size") > n {
				return false
			}
		case "visibility":
			if values[0] != "all" && o.str("visibility") != values[0] {
				return false
			}
		default:
			wanted := []string{values[0]}
			if list, ok := strings.CutPrefix(values[0], "in:"); ok {
				wanted = strings.Split(list, ",")
			}
			if !hasText(wanted, text(o[key])) {
				return false
			}
		}
	}
	return true
}

// sortImages orders by sort=key:dir,… or by pairs of sort_key and sort_dir, and else the newest first.
func sortImages(images []object, query url.Values) error {
	type order struct {
		key  string
		down bool
	}
	var orders []order
	if text := query.Get("sort"); text != "" {
		for field := range strings.SplitSeq(text, ",") {
			key, dir, _ := strings.Cut(field, ":")
			orders = append(orders, order{key: key, down: dir != "asc"})
		}
	}
	for n, key := range query["sort_key"] {
		dirs := query["sort_dir"]
		orders = append(orders, order{key: key, down: n >= len(dirs) || dirs[n] != "asc"})
	}
	for _, o := range orders {
		if !slices.Contains(imageSortKeys, o.key) {
			return fail(http.StatusBadRequest, "", "Invalid sort key: %s. It must be one of the following: %s.", o.key, strings.Join(imageSortKeys, ", "))
		}
	}
	slices.SortStableFunc(images, func(a, b object) int {
		for _, o := range orders {
			result := cmp.Compare(collated(text(a[o.key])), collated(text(b[o.key])))
			if o.key == "size" {
				result = cmp.Compare(a.num("size"), b.num("size"))
			}
			if o.down {
				result = -result
			}
			if result != 0 {
				return result
			}
		}
		return cmp.Compare(b.num("_n"), a.num("_n"))
	})
	return nil
}
