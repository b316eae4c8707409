package simulator

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
)

// seedFlavors are the flavors of a new cloud.
var seedFlavors = []struct {
	id, name         string
	vcpus, ram, disk int
}{
	{"1", "m1.tiny", 1, 512, 1},
	{"2", "m1.small", 1, 2048, 20},
	{"3", "m1.medium", 2, 4096, 40},
	{"4", "m1.large", 4, 8192, 80},
	{"5", "m1.xlarge", 8, 16384, 160},
	{"6", "m1.small-d0", 1, 2048, 0},
	{"a1-2-20", "a1-ram2-disk20", 1, 2048, 20},
	{"a2-4-0", "a2-ram4-disk0", 2, 4096, 0},
	{"a2-4-20", "a2-ram4-disk20", 2, 4096, 20},
	{"a4-8-0", "a4-ram8-disk0", 4, 8192, 0},
}

func (n *compute) seed() {
	for _, seed := range seedFlavors {
		n.sim.add(&n.Flavors, object{
			"id": seed.id, "name": seed.name, "ram": seed.ram, "disk": seed.disk, "swap": 0, "vcpus": seed.vcpus, "rxtx_factor": 1.0,
			"OS-FLV-EXT-DATA:ephemeral": 0, "OS-FLV-DISABLED:disabled": false, "os-flavor-access:is_public": true,
			"description": nil, "extra_specs": object{}, "_seeded": true,
		})
	}
}

func (n *compute) flavorView(c *call, flavor object, detail bool) object {
	view := object{"id": flavor["id"], "name": flavor["name"], "links": c.links("/v2.1/flavors/"+flavor.str("id"), "/flavors/"+flavor.str("id"))}
	minor := n.minor(c)
	if detail {
		for key, value := range flavor {
			view[key] = value
		}
		if minor < 75 {
			view["swap"] = ""
		}
		if minor < 61 {
			delete(view, "extra_specs")
		}
	}
	if minor >= 55 {
		view["description"] = flavor["description"]
	} else {
		delete(view, "description")
	}
	return view
}

func (n *compute) listFlavors(detail bool) handler {
	return func(c *call) (int, any, error) {
		if err := n.checkQuery(c, flavorParameters); err != nil {
			return 0, nil, err
		}
		least := func(key string) int {
			n, err := strconv.Atoi(c.query(key))
			if err != nil {
				return 0
			}
			return n
		}
		flavors := n.Flavors.where(func(o object) bool { return o.num("disk") >= least("minDisk") && o.num("ram") >= least("minRam") })
		slices.SortFunc(flavors, func(a, b object) int { return cmp.Compare(a.str("id"), b.str("id")) })
		if dir := c.query("sort_dir"); dir != "" && dir != "asc" && dir != "desc" {
			return 0, nil, badParameter("sort_dir", dir, "'"+dir+"' is not one of ['asc', 'desc']")
		}
		if err := sorted(c, flavors, flavorSortKeys); err != nil {
			return 0, nil, err
		}
		page, next, err := c.novaPage(flavors)
		if err != nil {
			return 0, nil, err
		}
		views := []object{}
		for _, flavor := range page {
			views = append(views, n.flavorView(c, flavor, detail))
		}
		body := object{"flavors": views}
		if next != "" {
			body["flavors_links"] = c.nextLink(next)
		}
		return http.StatusOK, body, nil
	}
}

func (n *compute) flavor(c *call) (object, error) {
	flavor, ok := n.Flavors.get(c.path("id"))
	if !ok {
		return nil, fail(http.StatusNotFound, "", "Flavor %s could not be found.", c.path("id"))
	}
	return flavor, nil
}

func (n *compute) getFlavor(c *call) (int, any, error) {
	flavor, err := n.flavor(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"flavor": n.flavorView(c, flavor, true)}, nil
}

func (n *compute) extraSpecs(c *call) (int, any, error) {
	flavor, err := n.flavor(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"extra_specs": flavor["extra_specs"]}, nil
}
