package simulator

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dns is the state of the DNS API.
type dns struct {
	sim *Simulator

	Zones      table
	RecordSets table // "_managed" are the zone's own
}

func newDNS(s *Simulator) *dns { return &dns{sim: s} }

const (
	dnsServer  = "ns1.massif.example."
	dnsManager = "hostmaster@massif.example"
	dnsPool    = "794ccc2c-d751-44fe-b57f-8894c9f5c842"
	maxTTL     = 1<<31 - 1
)

func (d *dns) service() *service {
	const zone, sets = "/v2/zones/{zone}", "/v2/zones/{zone}/recordsets"
	return &service{
		kind: "dns", name: "designate", prefix: "/dns",
		state: d, resume: d.resume, render: dnsFault, leftovers: d.leftovers,
		open: map[string]handler{"GET /{$}": d.versions},
		routes: map[string]handler{
			"GET /v2/limits":               d.limits,
			"GET /v2/zones":                d.listZones,
			"POST /v2/zones":               d.createZone,
			"GET " + zone:                  d.getZone,
			"PATCH " + zone:                d.updateZone,
			"DELETE " + zone:               d.deleteZone,
			"GET " + zone + "/nameservers": d.nameServers,
			"GET /v2/recordsets":           d.listRecordSets,
			"GET " + sets:                  d.listRecordSets,
			"POST " + sets:                 d.createRecordSet,
			"GET " + sets + "/{set}":       d.getRecordSet,
			"PUT " + sets + "/{set}":       d.updateRecordSet,
			"DELETE " + sets + "/{set}":    d.deleteRecordSet,
		},
	}
}

// dnsFault writes what a schema refuses as a list of errors: the fault's detail is "path\nmessage".
func dnsFault(c *call, f *fault) any {
	body := object{"code": f.status, "type": cmp.Or(f.kind, "unknown"), "request_id": c.id}
	switch f.kind {
	case "HTTPMethodNotAllowed": // no route of the service matched
		body["type"] = "method_not_allowed"
		return body
	case "HTTPNotFound":
		body["type"], body["message"] = "not_found", "resource not found"
		return body
	}
	if f.message != "" {
		body["message"] = f.message
	}
	if at, message, ok := strings.Cut(f.detail, "\n"); ok {
		path := []any{}
		for part := range strings.SplitSeq(at, ".") {
			if n, err := strconv.Atoi(part); err == nil {
				path = append(path, n)
			} else {
				path = append(path, part)
			}
		}
		body["errors"] = object{"errors": []any{object{"path": path, "message": message}}}
	}
	return body
}

// dnsInvalid is a value that Designate's objects refuse, dnsSchema one that its schema does.
func dnsInvalid(message string, args ...any) error {
	return fail(http.StatusBadRequest, "invalid_object", "Provided object is not valid. Got a ValueError error with message %s", fmt.Sprintf(message, args...))
}

func dnsSchema(path, message string, args ...any) error {
	f := fail(http.StatusBadRequest, "invalid_object", "")
	f.detail = path + "\n" + fmt.Sprintf(message, args...)
	return f
}

func dnsNow() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000000") }

func (d *dns) leftovers() []string {
	own := table{}
	for id, set := range d.RecordSets {
		if !set.flag("_managed") {
			own[id] = set
		}
	}
	return append(d.sim.left(d.Zones, "DNS zone"), d.sim.left(own, "record set")...)
}

func (d *dns) versions(c *call) (int, any, error) {
	return http.StatusOK, object{"versions": object{"values": []any{object{
		"id": "v2", "status": "CURRENT", "links": []any{object{"rel": "self", "href": c.url("/v2")}},
	}}}}, nil
}

func (d *dns) limits(*call) (int, any, error) {
	return http.StatusOK, object{
		"max_zones": d.sim.quotaOf("zones", 100), "max_zone_recordsets": 500, "max_zone_records": 500, "max_recordset_records": maxRecords,
		"min_ttl": nil, "max_zone_name_length": 255, "max_recordset_name_length": 255, "max_page_limit": 1000,
	}, nil
}

// changing marks a zone or record set as not yet served; done runs when it is, unless it has changed again.
func (d *dns) changing(of func() table, o object, action string) {
	o["status"], o["action"], o["version"] = "PENDING", action, o.num("version")+1
	if action != "CREATE" {
		o["updated_at"] = dnsNow()
	}
	d.settle(of, o)
}

func (d *dns) settle(of func() table, o object) {
	id, version := o.str("id"), o.num("version")
	d.sim.after(d.sim.options.Times.DNS, func() {
		o, ok := of().get(id)
		switch {
		case !ok || o.num("version") != version:
		case o.str("action") == "DELETE":
			delete(of(), id)
			for setID, set := range d.RecordSets {
				if set.str("zone_id") == id {
					delete(d.RecordSets, setID)
				}
			}
		default:
			o["status"], o["action"] = "ACTIVE", "NONE"
		}
	})
}

func (d *dns) zones() table { return d.Zones }
func (d *dns) sets() table  { return d.RecordSets }

func (d *dns) resume() {
	for _, of := range []func() table{d.zones, d.sets} {
		for _, o := range of().where(func(o object) bool { return o.str("status") == "PENDING" }) {
			d.settle(of, o)
		}
	}
}

// serial raises a zone's serial number, as every change does.
func (d *dns) serial(zone object) {
	zone["serial"] = max(int(time.Now().Unix()), zone.num("serial")+1)
	for _, set := range d.RecordSets {
		if set.str("zone_id") == zone.str("id") && set.str("type") == "SOA" {
			set["records"] = []any{fmt.Sprintf("%s %s. %d 3587 600 86400 3600", dnsServer, strings.Replace(zone.str("email"), "@", ".", 1), zone.num("serial"))}
		}
	}
}

var (
	dnsHostName = regexp.MustCompile(`^(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?\.)+$`)
	dnsZoneName = regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?\.)+$`)
	dnsSRVName  = regexp.MustCompile(`^_[A-Za-z0-9_-]+\._[A-Za-z0-9_-]+\.([A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?\.)+$`)
)

// checkDomain is what Designate's domain and host fields check; noun is how they call themselves.
func checkDomain(noun, name string, pattern *regexp.Regexp) error {
	for label := range strings.SplitSeq(name, ".") {
		if len(label) > 63 {
			return dnsInvalid("Host %s is too long", label)
		}
	}
	switch {
	case !strings.HasSuffix(name, "."):
		return dnsInvalid("%s %s does not end with a dot", noun, name)
	case !pattern.MatchString(name) || len(name) > 255:
		return dnsInvalid("%s %s is invalid", noun, name)
	}
	return nil
}

// checkCommon is what zones and record sets have in common.
func checkCommon(in object, noun string, keys ...string) error {
	for key := range in {
		if !slices.Contains(keys, key) {
			return fail(http.StatusBadRequest, "invalid_object", "Provided object does not match schema. Keys ['%s'] are not valid for %s", key, noun)
		}
	}
	if len([]rune(in.str("description"))) > 160 {
		return dnsInvalid("Value too long for description")
	}
	if text, ok := in["ttl"].(string); ok {
		if _, err := strconv.Atoi(text); err != nil {
			return dnsInvalid("invalid literal for int() with base 10: '%s'", text)
		}
	}
	switch ttl := in.num("ttl"); {
	case ttl < 0:
		return dnsInvalid("Value must be >= 0 for field ttl")
	case ttl > maxTTL:
		return dnsInvalid("Value too high for ttl")
	}
	return nil
}

func (d *dns) decodeBody(c *call) (object, error) {
	var in object
	if err := c.decode(&in); err != nil {
		return nil, fail(http.StatusBadRequest, "invalid_json", "")
	}
	return in, nil
}

var dnsUUID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// zone finds the zone of a path. Others' zones are not there, not even for administrators.
func (d *dns) zone(c *call) (object, error) {
	id := c.path("zone")
	if !dnsUUID.MatchString(id) {
		return nil, fail(http.StatusBadRequest, "invalid_uuid", "Invalid UUID zone_id: %s", id)
	}
	zone, ok := d.Zones.get(id)
	all := c.admin() && c.request.Header.Get("X-Auth-All-Projects") == "true"
	if !ok || zone.str("project_id") != c.project() && !all {
		return nil, fail(http.StatusNotFound, "zone_not_found", "Could not find Zone")
	}
	return zone, nil
}

// changeable finds the zone of a path, which must not be on its way out.
func (d *dns) changeable(c *call) (object, error) {
	zone, err := d.zone(c)
	if err == nil && zone.str("action") == "DELETE" {
		return nil, fail(http.StatusBadRequest, "bad_request", "Can not update a deleting zone")
	}
	return zone, err
}

// dnsLinked is an object as it is shown.
func dnsLinked(c *call, o object, path string) object {
	out := object{"links": object{"self": c.url(path)}}
	for key, value := range o {
		out[key] = value
	}
	return out
}

// dnsPage answers a list: filtered, sorted and cut into pages.
func dnsPage(c *call, key string, all []object, path func(object) string, filters ...string) (int, any, error) {
	query := c.request.URL.Query()
	limit := 20
	for name := range query {
		switch {
		case name == "limit":
			n, err := strconv.Atoi(query.Get(name))
			if err != nil || n < 1 || n > 1000 {
				return 0, nil, fail(http.StatusBadRequest, "invalid_limit", "limit should be an integer between 1 and 1000")
			}
			limit = n
		case name == "sort_key", name == "sort_dir", name == "marker":
		case !slices.Contains(filters, name):
			return 0, nil, fail(http.StatusBadRequest, "bad_request", "Invalid filters %s", name)
		default:
			all = slices.DeleteFunc(all, func(o object) bool { return !wildcard(query.Get(name), o[name]) })
		}
	}
	if by := query.Get("sort_key"); by != "" {
		slices.SortStableFunc(all, func(a, b object) int { return cmp.Compare(text(a[by]), text(b[by])) })
	}
	if strings.EqualFold(query.Get("sort_dir"), "desc") {
		slices.Reverse(all)
	}
	total := len(all)
	if marker := query.Get("marker"); marker != "" {
		at := slices.IndexFunc(all, func(o object) bool { return o.str("id") == marker })
		if at < 0 {
			return 0, nil, fail(http.StatusBadRequest, "invalid_marker", "")
		}
		all = all[at+1:]
	}
	links := object{"self": c.URL() + c.request.URL.RequestURI()}
	if len(all) > limit {
		all = all[:limit]
		query.Set("limit", strconv.Itoa(limit))
		query.Set("marker", all[limit-1].str("id"))
		links["next"] = c.URL() + c.request.URL.Path + "?" + query.Encode()
	}
	views := []object{}
	for _, o := range all {
		views = append(views, dnsLinked(c, o, path(o)))
	}
	return http.StatusOK, object{key: views, "links": links, "metadata": object{"total_count": total}}, nil
}

// wildcard matches a filter, in which * is any text, with a field.
func wildcard(pattern string, value any) bool {
	matched, err := regexp.MatchString("(?is)^"+strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*")+"$", text(value))
	return err == nil && matched
}
