package conformance

import (
	"net/http"
	"slices"
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// Limits, markers and sort keys of the lists that the provider reads.
func TestNetworkPages(t *testing.T) {
	c := open(t, simulator.Options{})
	n := c.login(t).network(t)
	sortable := map[string]string{
		"networks": "mtu", "subnets": "cidr", "ports": "mac_address", "routers": "status", "security-groups": "name", "security-group-rules": "port_range_min",
		"floatingips": "floating_ip_address", "subnetpools": "name",
	}
	for collection, key := range sortable {
		t.Run(collection, func(t *testing.T) {
			path := "/" + collection
			n.refuses(t,
				refusal{"a limit that is no number is 400", "GET", path + "?limit=x", nil, 400, "BadRequest", "Limit must be an integer 0 or greater and not 'x'."},
				refusal{"a limit below zero is 400", "GET", path + "?limit=-1", nil, 400, "BadRequest", "Limit must be an integer 0 or greater and not '-1'."},
				refusal{"an unknown sort key is 400", "GET", path + "?sort_key=colour&sort_dir=asc", nil, 400, "HTTPBadRequest", "['colour'] is invalid attribute for sort_keys"},
				refusal{"the time is no sort key", "GET", path + "?sort_key=created_at&sort_dir=asc", nil, 400, "HTTPBadRequest", "['created_at'] is invalid attribute for sort_keys"},
				refusal{"nor is the description", "GET", path + "?sort_key=description&sort_dir=asc", nil, 400, "HTTPBadRequest", "['description'] is invalid attribute for sort_keys"},
				refusal{"a key without a direction is 400", "GET", path + "?sort_key=id", nil, 400, "HTTPBadRequest", "The number of sort_keys and sort_dirs must be same"},
				refusal{"an unknown direction is 400", "GET", path + "?sort_key=id&sort_dir=up", nil, 400, "HTTPBadRequest", "['up'] is invalid value for sort_dirs, valid value is 'asc' and 'desc'"},
			)
			for _, key := range []string{"id", "project_id", key} {
				n.get(t, path+"?limit=1&sort_dir=asc&sort_key="+key)
			}
			n.get(t, path+"?marker="+nobody)
			status := http.StatusOK // those begin anew
			if slices.Contains([]string{"networks", "ports", "routers"}, collection) {
				status = http.StatusNotFound
			}
			n.want(t, status, "GET", path+"?limit=1&marker="+nobody, nil)
		})
	}
	t.Run("a limit of zero is none", func(t *testing.T) {
		a := n.get(t, "/networks?limit=0")
		is(t, "list", a.body, obj{"networks": aList, "networks_links": missing})
		if len(a.list(t, "networks")) == 0 {
			t.Error("no external network is listed")
		}
	})
}

func TestComputePages(t *testing.T) {
	c := open(t, simulator.Options{})
	n := c.login(t).compute(t)
	strict := n.with("X-OpenStack-Nova-API-Version", "2.79")
	for path, words := range map[string]string{
		"/servers": "'colour' does not match any of the regexes: '^_'", "/servers/detail": "'colour' does not match any of the regexes: '^_'",
		"/flavors/detail": "('colour' was unexpected)", "/os-keypairs": "('colour' was unexpected)", "/os-server-groups": "('colour' was unexpected)",
	} {
		t.Run(path, func(t *testing.T) {
			strict.refuses(t,
				refusal{"a limit that is no number is 400", "GET", path + "?limit=x", nil, 400, "badRequest", "Invalid input for query parameters limit. Value: x. 'x' does not match '^[0-9]*$'"},
				refusal{"an unknown parameter is 400", "GET", path + "?colour=red", nil, 400, "badRequest", words},
			)
			n.with("X-OpenStack-Nova-API-Version", "2.74").get(t, path+"?colour=red")
			for _, nothing := range strict.get(t, path+"?limit=0").body.(obj) {
				same(t, "a limit of zero", nothing, list{})
			}
		})
	}
	strict.refuses(t,
		refusal{"servers after one that is gone are 400", "GET", "/servers?limit=1&marker=" + nobody, nil, 400, "badRequest", "marker [" + nobody + "] not found"},
		refusal{"flavors after one that is gone are 400", "GET", "/flavors/detail?limit=1&marker=" + nobody, nil, 400, "badRequest", "marker [" + nobody + "] not found"},
		refusal{"key pairs after one that is gone are 400", "GET", "/os-keypairs?limit=1&marker=" + nobody, nil, 400, "badRequest", "Marker " + nobody + " could not be found."},
		refusal{"groups know no marker", "GET", "/os-server-groups?marker=" + nobody, nil, 400, "badRequest", "Additional properties are not allowed ('marker' was unexpected)"},
		refusal{"an unknown sort key of servers is 400", "GET", "/servers?sort_key=name", nil, 400, "badRequest", "Invalid input for query parameters sort_key. Value: name. 'name' is not one of ["},
		refusal{"an unknown direction is 400", "GET", "/servers?sort_key=uuid&sort_dir=up", nil, 400, "badRequest", "Unknown sort direction, must be 'desc' or 'asc'"},
		refusal{"an unknown sort key of flavors is 400", "GET", "/flavors/detail?sort_key=colour", nil, 400, "badRequest", "Value: colour. 'colour' is not one of ["},
		refusal{"an unknown direction of flavors is 400", "GET", "/flavors/detail?sort_dir=up", nil, 400, "badRequest", "Value: up. 'up' is not one of ['asc', 'desc']"},
	)
	t.Run("flavors are sorted by a key", func(t *testing.T) {
		up := strict.get(t, "/flavors/detail?sort_key=memory_mb&sort_dir=asc").list(t, "flavors")
		down := strict.get(t, "/flavors/detail?sort_key=memory_mb&sort_dir=desc").list(t, "flavors")
		same(t, "ends", dig(up[0], "ram"), dig(down[len(down)-1], "ram"))
		if dig(up[0], "ram").(float64) > dig(up[len(up)-1], "ram").(float64) {
			t.Error("the first is not the smallest")
		}
	})
	t.Run("a full page has a next one, were it empty", func(t *testing.T) {
		all := len(strict.get(t, "/flavors").list(t, "flavors"))
		path, seen := "/flavors?limit=1", 0
		for path != "" {
			page := strict.get(t, path)
			seen += len(page.list(t, "flavors"))
			path, _ = page.at("flavors_links.0.href").(string)
		}
		same(t, "flavors", seen, all)
	})
	t.Run("key pairs come in the order of their names", func(t *testing.T) {
		for _, name := range []string{"b", "A"} {
			strict.want(t, http.StatusCreated, "POST", "/os-keypairs", obj{"keypair": obj{"name": c.name(name), "public_key": somePublicKey}})
			strict.deleteAfter(t, "/os-keypairs/"+c.name(name))
		}
		after := strict.get(t, "/os-keypairs?limit=1&marker="+c.name("a"))
		same(t, "next", after.at("keypairs.0.keypair.name"), c.name("b"))
		same(t, "link", after.at("keypairs_links.0.rel"), "next")
	})
}
