package simulator

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// microversionStrictQuery is the first in which lists refuse parameters that they do not know.
const microversionStrictQuery = 75

var wholeNumber = regexp.MustCompile(`^[0-9]*$`)

// Parameters of the lists, besides limit.
var (
	serverParameters = []string{"access_ip_v4", "access_ip_v6", "all_tenants", "auto_disk_config", "availability_zone", "changes-before", "changes-since",
		"config_drive", "created_at", "deleted", "description", "display_description", "display_name", "flavor", "host", "hostname", "image", "image_ref",
		"instance_type_id", "ip", "ip6", "kernel_id", "key_name", "launch_index", "launched_at", "locked", "locked_by", "marker", "name", "node", "not-tags",
		"not-tags-any", "power_state", "progress", "project_id", "ramdisk_id", "reservation_id", "root_device_name", "soft_deleted", "sort_dir", "sort_key",
		"status", "tags", "tags-any", "task_state", "tenant_id", "terminated_at", "user_id", "uuid", "vm_state"}
	flavorParameters  = []string{"is_public", "marker", "minDisk", "minRam", "sort_dir", "sort_key"}
	keyPairParameters = []string{"marker", "user_id"}
	groupParameters   = []string{"all_projects", "offset"}
)

// serverSortKeys and flavorSortKeys are the columns that lists can be sorted by, with the keys of the simulator's objects.
var (
	serverSortKeys = map[string]string{
		"created_at": "_n", "display_description": "description", "display_name": "name", "host": "_host", "hostname": "hostname", "image_ref": "_image",
		"key_name": "key_name", "launched_at": "launched_at", "locked": "_locked", "project_id": "project_id", "task_state": "_task", "updated_at": "updated",
		"user_id": "user_id", "uuid": "id", "vm_state": "_vm",
	}
	flavorSortKeys = map[string]string{
		"created_at": "_n", "description": "description", "flavorid": "id", "id": "_n", "memory_mb": "ram", "name": "name", "root_gb": "disk",
		"swap": "swap", "vcpus": "vcpus",
	}
)

// checkQuery looks at the parameters of a list as Nova's schemas do.
func (n *compute) checkQuery(c *call, known []string) error {
	query := c.request.URL.Query()
	if limit := query.Get("limit"); !wholeNumber.MatchString(limit) {
		return badParameter("limit", limit, "'"+limit+"' does not match '^[0-9]*$'")
	}
	if n.minor(c) < microversionStrictQuery {
		return nil
	}
	unknown := slices.Sorted(maps.Keys(query))
	unknown = slices.DeleteFunc(unknown, func(name string) bool { return name == "limit" || slices.Contains(known, name) })
	switch {
	case len(unknown) == 0:
		return nil
	case slices.Contains(known, "changes-since"): // servers also know what begins with an underscore
		return badRequest("'%s' does not match any of the regexes: '^_'", strings.Join(unknown, "', '"))
	case len(unknown) == 1:
		return badRequest("Additional properties are not allowed ('%s' was unexpected)", unknown[0])
	}
	return badRequest("Additional properties are not allowed ('%s' were unexpected)", strings.Join(unknown, "', '"))
}

func badParameter(name, value, reason string) *fault {
	return badRequest("Invalid input for query parameters %s. Value: %s. %s", name, value, reason)
}

// sorted orders a list by the query's sort_key and sort_dir pairs.
func sorted(c *call, objects []object, keys map[string]string) error {
	query := c.request.URL.Query()
	asked, dirs := query["sort_key"], query["sort_dir"]
	for _, key := range asked {
		if keys[key] == "" {
			return badParameter("sort_key", key, "'"+key+"' is not one of "+pythonList(slices.Sorted(maps.Keys(keys))))
		}
	}
	for _, dir := range dirs {
		if dir != "asc" && dir != "desc" {
			return badRequest("Invalid input received: Unknown sort direction, must be 'desc' or 'asc'")
		}
	}
	slices.SortStableFunc(objects, func(a, b object) int {
		for at, name := range asked {
			key := keys[name]
			order := cmp.Or(cmp.Compare(a.num(key), b.num(key)), strings.Compare(collated(text(a[key])), collated(text(b[key]))))
			if at < len(dirs) && dirs[at] == "desc" {
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

// novaPage is a page of a list. Zero is a limit, too, and a full page has a next one, were it empty.
func (c *call) novaPage(list []object) (page []object, next string, err error) {
	if c.query("limit") == "0" {
		return nil, "", nil
	}
	page, next, ok := c.page(list)
	if !ok {
		return nil, "", badRequest("marker [%s] not found", c.query("marker"))
	}
	if len(page) > 0 && c.query("limit") == strconv.Itoa(len(page)) {
		next = page[len(page)-1].str("id")
	}
	return page, next, nil
}

// limited cuts a list that has pages without links to limit objects, after the first few.
func limited[T any](c *call, list []T, first int) []T {
	list = list[min(first, len(list)):]
	if limit, err := strconv.Atoi(c.query("limit")); err == nil {
		list = list[:min(limit, len(list))]
	}
	return list
}
