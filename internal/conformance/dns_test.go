package conformance

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

func (s *session) dns(t *testing.T) *api {
	t.Helper()
	return s.service(t, "/v2", "dns")
}

// domain is a zone's name of its own.
func (c *cloud) domain() string { return c.prefix + ".example." }

// zone makes a zone, which is deleted when the test has ended, and returns its path.
func (a *api) zone(t *testing.T, in obj) string {
	t.Helper()
	got := a.want(t, http.StatusAccepted, "POST", "/zones", in)
	path := "/zones/" + got.str(t, "id")
	same(t, "location", got.header.Get("Location"), a.base+path)
	a.deleteAfter(t, path)
	return path
}

// recordSet makes a record set, which goes with its zone, and returns its path.
func (a *api) recordSet(t *testing.T, zone string, in obj) string {
	t.Helper()
	return zone + "/recordsets/" + a.want(t, http.StatusAccepted, "POST", zone+"/recordsets", in).str(t, "id")
}

func TestZone(t *testing.T) {
	c := open(t, simulator.Options{})
	d := c.login(t).dns(t)
	name := c.domain()
	path := d.zone(t, obj{"name": name, "email": "admin@example.org"})
	t.Run("a zone is PENDING and then ACTIVE", func(t *testing.T) {
		got := d.passes(t, path, "status", "PENDING", "ACTIVE")
		is(t, "zone", got.body, obj{
			"name": name, "email": "admin@example.org", "description": nil, "ttl": 3600, "type": "PRIMARY", "masters": list{}, "attributes": obj{},
			"action": "NONE", "serial": aNumber, "version": aNumber, "pool_id": anUUID, "project_id": d.projectID, "created_at": aTimeFine, "transferred_at": nil,
			"links": obj{"self": d.base + path},
		})
	})
	t.Run("it has record sets of its own", func(t *testing.T) {
		got := d.get(t, path+"/recordsets")
		same(t, "types", got.column(t, "recordsets", "type"), list{"NS", "SOA"})
		same(t, "names", got.column(t, "recordsets", "name"), list{name, name})
		servers := d.get(t, path+"/nameservers").list(t, "nameservers")
		for _, set := range got.list(t, "recordsets") {
			id := dig(set, "id").(string)
			d.refuses(t, refusal{"never changed", "PUT", path + "/recordsets/" + id, obj{"ttl": 60}, 400, "bad_request", "Managed records may not be updated"})
			if dig(set, "type") == "NS" {
				same(t, "servers", dig(servers, "0", "hostname"), dig(set, "records", "0"))
				d.refuses(t, refusal{"never deleted", "DELETE", path + "/recordsets/" + id, nil, 400, "bad_request", "Managed records may not be deleted"})
			} else {
				d.refuses(t, refusal{"never deleted", "DELETE", path + "/recordsets/" + id, nil, 400, "bad_request", "Deleting a SOA recordset is not allowed"})
			}
		}
	})
	t.Run("changes in place", func(t *testing.T) {
		got := d.want(t, http.StatusAccepted, "PATCH", path, obj{"email": "other@example.org", "ttl": 600, "description": "d", "attributes": obj{"a": "b"}})
		is(t, "zone", got.body, obj{"status": "PENDING", "action": "UPDATE", "email": "other@example.org", "ttl": 600, "description": "d", "attributes": obj{"a": "b"}})
		d.passes(t, path, "status", "PENDING", "ACTIVE")
		d.want(t, http.StatusAccepted, "PATCH", path, obj{"description": nil, "attributes": obj{"c": "d"}})
		is(t, "zone", d.get(t, path).body, obj{"description": nil, "attributes": obj{"c": "d"}, "ttl": 600})
	})
	change := func(name, kind, words string, in obj) refusal {
		return refusal{name, "PATCH", path, in, 400, kind, words}
	}
	d.refuses(t,
		change("another name", "invalid_object", "Keys ['name'] are not valid for zone", obj{"name": "x.example."}),
		change("another type", "invalid_object", "Keys ['type'] are not valid for zone", obj{"type": "SECONDARY"}),
		refusal{"the same name again", "POST", "/zones", obj{"name": strings.ToUpper(name[:1]) + name[1:], "email": "a@example.org"}, 409, "duplicate_zone", "Duplicate Zone"})
	c.as(t, "demo2").dns(t).refuses(t,
		refusal{"somebody else's is not there", "GET", path, nil, 404, "zone_not_found", "Could not find Zone"},
		refusal{"somebody else's name", "POST", "/zones", obj{"name": name, "email": "a@example.org"}, 409, "duplicate_zone", "Zone already exists, owned by a different tenant"},
		refusal{"below somebody else's", "POST", "/zones", obj{"name": "sub." + name, "email": "a@example.org"}, 403, "illegal_child", "Unable to create subzone in another tenants zone"})
	t.Run("deleting takes its time", func(t *testing.T) {
		release := c.hold()
		is(t, "zone", d.want(t, http.StatusAccepted, "DELETE", path, nil).body, obj{"status": "PENDING", "action": "DELETE"})
		d.refuses(t,
			refusal{"no record sets any more", "POST", path + "/recordsets", obj{"name": "a." + name, "type": "A", "records": list{"192.0.2.1"}}, 400, "bad_request", "Can not update a deleting zone"},
			refusal{"no changes any more", "PATCH", path, obj{"ttl": 60}, 400, "bad_request", "Can not update a deleting zone"})
		d.want(t, http.StatusAccepted, "DELETE", path, nil)
		release()
		d.passes(t, path, "status", "PENDING", gone)
		d.refuses(t, refusal{"gone", "DELETE", path, nil, 404, "zone_not_found", "Could not find Zone"})
	})
}

func TestZoneBelowZone(t *testing.T) {
	c := open(t, simulator.Options{})
	d := c.login(t).dns(t)
	name := c.domain()
	above := d.zone(t, obj{"name": name, "email": "a@example.org"})
	child := d.zone(t, obj{"name": "sub." + name, "email": "a@example.org"})
	d.refuses(t,
		refusal{"records of the zone below", "POST", above + "/recordsets", obj{"name": "www.sub." + name, "type": "A", "records": list{"192.0.2.1"}}, 400,
			"invalid_recordset_location", "RecordSet belongs in a child zone: sub." + name},
		refusal{"the zone above goes last", "DELETE", above, nil, 400, "zone_has_sub_zone", "Please delete any subzones before deleting this zone"})
	release := c.hold()
	d.want(t, http.StatusAccepted, "DELETE", child, nil)
	d.refuses(t, refusal{"not while the other goes", "DELETE", above, nil, 400, "zone_has_sub_zone", "Please delete any subzones before deleting this zone"})
	release()
	d.passes(t, child, "status", "PENDING", gone)
	d.want(t, http.StatusAccepted, "DELETE", above, nil)
	d.passes(t, above, "status", "PENDING", gone)
}

func TestZoneSecondary(t *testing.T) {
	c := open(t, simulator.Options{})
	d := c.login(t).dns(t)
	name := c.domain()
	path := d.zone(t, obj{"name": name, "type": "SECONDARY", "masters": list{"192.0.2.1:53", "192.0.2.2:5353"}})
	got := d.get(t, path)
	is(t, "zone", got.body, obj{"type": "SECONDARY", "ttl": 3600, "email": someText})
	masters := list{}
	for _, m := range []string{"192.0.2.1", "192.0.2.2:5353"} {
		for _, got := range got.list(t, "masters") {
			if got == m {
				masters = append(masters, m)
			}
		}
	}
	same(t, "masters, in any order and without the default port", masters, list{"192.0.2.1", "192.0.2.2:5353"})
	d.want(t, http.StatusAccepted, "PATCH", path, obj{"masters": list{"192.0.2.9"}})
	same(t, "masters", d.get(t, path).at("masters"), list{"192.0.2.9"})
	d.refuses(t,
		refusal{"its records come from the masters", "POST", path + "/recordsets", obj{"name": "a." + name, "type": "A", "records": list{"192.0.2.1"}}, 403, "forbidden", ""},
		refusal{"no email", "PATCH", path, obj{"email": "a@example.org"}, 400, "invalid_object", "'email' can't be specified when type is SECONDARY"},
		refusal{"no TTL", "PATCH", path, obj{"ttl": 60}, 400, "invalid_object", "'ttl' can't be specified when type is SECONDARY"},
		refusal{"no masters", "PATCH", path, obj{"masters": list{}}, 400, "invalid_object", "'masters' is a required property"})
}

func TestZoneRefusals(t *testing.T) {
	c := open(t, simulator.Options{})
	d := c.login(t).dns(t)
	name := c.domain()
	post := func(what, kind, words string, in obj) refusal {
		if _, ok := in["name"]; !ok {
			in["name"] = name
		}
		return refusal{what, "POST", "/zones", in, 400, kind, words}
	}
	mail := func(more obj) obj {
		more["email"] = "a@example.org"
		return more
	}
	const invalid = "Provided object is not valid. Got a ValueError error with message "
	d.refuses(t,
		post("no email", "invalid_object", "'email' is a required property", obj{}),
		post("no email but words", "invalid_object", invalid+"words is not an email", obj{"email": "words"}),
		post("no plus in an email", "invalid_object", invalid+"Email a+b@example.org is invalid", obj{"email": "a+b@example.org"}),
		post("no dot", "invalid_object", invalid+"Domain x.example does not end with a dot", mail(obj{"name": "x.example"})),
		post("one label", "invalid_zone_name", "More than one label is required", mail(obj{"name": "com."})),
		post("a wildcard", "invalid_object", invalid+"Domain *.x.example. is invalid", mail(obj{"name": "*.x.example."})),
		post("beyond ASCII", "invalid_object", invalid+"Domain münchen.example. is invalid", mail(obj{"name": "münchen.example."})),
		post("a long label", "invalid_object", invalid+"Host "+strings.Repeat("a", 64)+" is too long", mail(obj{"name": strings.Repeat("a", 64) + ".example."})),
		post("a negative TTL", "invalid_object", invalid+"Value must be >= 0 for field ttl", mail(obj{"ttl": -1})),
		post("a large TTL", "invalid_object", invalid+"Value too high for ttl", mail(obj{"ttl": 1 << 31})),
		post("another type", "invalid_object", invalid+"Field value BOGUS is invalid", mail(obj{"type": "BOGUS"})),
		post("a secondary zone without masters", "invalid_object", "'masters' is a required property", obj{"type": "SECONDARY"}),
		post("a primary zone with masters", "invalid_object", "'masters' has more items than allowed", mail(obj{"masters": list{"192.0.2.1"}})),
		post("a long description", "invalid_object", invalid+"Value too long for description", mail(obj{"description": strings.Repeat("x", 161)})),
		post("another key", "invalid_object", "Keys ['bogus'] are not valid for zone", mail(obj{"bogus": 1})),
		refusal{"an unknown id is 404", "GET", "/zones/" + nobody, nil, 404, "zone_not_found", "Could not find Zone"},
		refusal{"no id is 400", "GET", "/zones/nope", nil, 400, "invalid_uuid", "Invalid UUID zone_id: nope"},
		refusal{"an unknown filter is 400", "GET", "/zones?bogus=1", nil, 400, "bad_request", "Invalid filters bogus"},
		refusal{"an unknown marker is 400", "GET", "/zones?marker=nope", nil, 400, "invalid_marker", ""},
		refusal{"no limit is 400", "GET", "/zones?limit=x", nil, 400, "invalid_limit", "limit should be an integer between 1 and 1000"})
}

func TestRecordSet(t *testing.T) {
	c := open(t, simulator.Options{})
	d := c.login(t).dns(t)
	name := c.domain()
	zone := d.zone(t, obj{"name": name, "email": "a@example.org"})
	d.passes(t, zone, "status", "PENDING", "ACTIVE")
	path := d.recordSet(t, zone, obj{"name": "WWW." + name, "type": "A", "records": list{"192.0.2.1"}, "description": "d", "ttl": 300})
	t.Run("a record set is PENDING and then ACTIVE", func(t *testing.T) {
		got := d.passes(t, path, "status", "PENDING", "ACTIVE")
		is(t, "record set", got.body, obj{
			"name": "WWW." + name, "zone_name": name, "zone_id": strings.TrimPrefix(zone, "/zones/"), "type": "A", "records": list{"192.0.2.1"},
			"description": "d", "ttl": 300, "action": "NONE", "project_id": d.projectID, "version": aNumber, "created_at": aTimeFine,
		})
	})
	t.Run("changes in place", func(t *testing.T) {
		got := d.want(t, http.StatusAccepted, "PUT", path, obj{"records": list{"192.0.2.2"}, "ttl": nil, "description": nil})
		is(t, "record set", got.body, obj{"status": "PENDING", "action": "UPDATE", "records": list{"192.0.2.2"}, "ttl": nil, "description": nil})
		d.passes(t, path, "status", "PENDING", "ACTIVE")
	})
	d.refuses(t,
		refusal{"another name", "PUT", path, obj{"name": "x." + name}, 400, "invalid_object", "Keys ['name'] are not valid for recordset"},
		refusal{"another type", "PUT", path, obj{"type": "AAAA"}, 400, "invalid_object", "Keys ['type'] are not valid for recordset"},
		refusal{"PATCH is none", "PATCH", path, obj{"ttl": 1}, 405, "method_not_allowed", ""})
	t.Run("it is in the list of all zones", func(t *testing.T) {
		got := d.get(t, "/recordsets?name=www."+name+"&type=A")
		same(t, "records", got.at("recordsets.0.records"), list{"192.0.2.2"})
	})
	t.Run("deleting takes its time", func(t *testing.T) {
		is(t, "record set", d.want(t, http.StatusAccepted, "DELETE", path, nil).body, obj{"status": "PENDING", "action": "DELETE"})
		d.passes(t, path, "status", "PENDING", gone)
		d.refuses(t, refusal{"gone", "DELETE", path, nil, 404, "recordset_not_found", "Could not find RecordSet"})
	})
}

func TestRecordSetList(t *testing.T) {
	c := open(t, simulator.Options{})
	d := c.login(t).dns(t)
	name := c.domain()
	zone := d.zone(t, obj{"name": name, "email": "a@example.org"})
	d.recordSet(t, zone, obj{"name": "a." + name, "type": "A", "records": list{"192.0.2.1"}})
	got := d.get(t, zone+"/recordsets?limit=2&sort_key=name&sort_dir=desc")
	same(t, "page", len(got.list(t, "recordsets")), 2)
	same(t, "count", got.at("metadata.total_count"), 3)
	got = d.get(t, got.str(t, "links.next"))
	same(t, "page", got.column(t, "recordsets", "name"), list{"a." + name})
	same(t, "links", got.at("links.next"), nil)
	same(t, "wildcards", d.get(t, zone+"/recordsets?name=*"+name+"&type=A").column(t, "recordsets", "type"), list{"A"})
}

func TestRecordSetRefusals(t *testing.T) {
	c := open(t, simulator.Options{})
	d := c.login(t).dns(t)
	name := c.domain()
	zone := d.zone(t, obj{"name": name, "email": "a@example.org"})
	sets := zone + "/recordsets"
	d.recordSet(t, zone, obj{"name": "www." + name, "type": "A", "records": list{"192.0.2.1"}})
	d.recordSet(t, zone, obj{"name": "c." + name, "type": "CNAME", "records": list{"x.example."}})
	post := func(what, kind, words, host, typ string, records ...string) refusal {
		all := list{}
		for _, r := range records {
			all = append(all, r)
		}
		return refusal{what, "POST", sets, obj{"name": host, "type": typ, "records": all}, 400, kind, words}
	}
	twice := post("the same name and type", "duplicate_recordset", "Duplicate RecordSet", "WWW."+name, "A", "192.0.2.2")
	twice.status = 409
	apex := post("the zone's own name servers", "duplicate_recordset", "Duplicate RecordSet", name, "NS", "ns.example.")
	apex.status = 409
	many := post("more records than the quota has", "over_quota", "Quota exceeded for recordset_records.", "many."+name, "A", manyAddresses(21)...)
	many.status = 413
	const invalid = "Provided object is not valid. Got a ValueError error with message "
	d.refuses(t, twice, apex, many,
		post("a CNAME beside others", "invalid_recordset_location", "CNAME recordsets may not share a name with any other records", "www."+name, "CNAME", "x.example."),
		post("others beside a CNAME", "invalid_recordset_location", "CNAME recordsets may not share a name with any other records", "c."+name, "A", "192.0.2.1"),
		post("a CNAME at the apex", "invalid_recordset_location", "CNAME recordsets may not be created at the zone apex", name, "CNAME", "x.example."),
		post("two CNAMEs", "bad_request", "CNAME recordsets may not have more than 1 record", "c2."+name, "CNAME", "x.example.", "y.example."),
		post("an SOA", "bad_request", "Creating a SOA recordset is not allowed", "s."+name, "SOA", "ns1.x. a.b. 1 2 3 4 5"),
		post("a name elsewhere", "invalid_recordset_location", "RecordSet is not contained within it's parent zone", "a.elsewhere.example.", "A", "192.0.2.1"),
		post("a relative name", "invalid_object", invalid+"Host name rel does not end with a dot", "rel", "A", "192.0.2.1"),
		post("a name with a space", "invalid_object", invalid+"Host name a b."+name+" is invalid", "a b."+name, "A", "192.0.2.1"),
		post("a name with a wildcard inside", "invalid_object", invalid+"Host name a.*."+name+" is invalid", "a.*."+name, "A", "192.0.2.1"),
		post("a service without underscores", "invalid_object", "name is invalid", "s."+name, "SRV", "1 1 1 x.example."),
		post("another type", "invalid_object", "'TLSA' is not a valid record type", "t."+name, "TLSA", "3 1 1 aa"),
		post("IPv6 in A", "invalid_object", "'2001:db8::1' is not a 'A' Record", "x."+name, "A", "2001:db8::1"),
		post("IPv4 in AAAA", "invalid_object", "'192.0.2.1' is not a 'AAAA' Record", "x."+name, "AAAA", "192.0.2.1"),
		post("a target without its dot", "invalid_object", "'x.example' is not a 'CNAME' Record", "x."+name, "CNAME", "x.example"),
		post("MX without preference", "invalid_object", "'mail.example.' is not a 'MX' Record", "x."+name, "MX", "mail.example."),
		post("MX with two spaces", "invalid_object", "'10  mail.example.' is not a 'MX' Record", "x."+name, "MX", "10  mail.example."),
		post("MX with a large preference", "invalid_object", "'99999 mail.example.' is not a 'MX' Record", "x."+name, "MX", "99999 mail.example."),
		post("text with spaces and no quotes", "invalid_object", "'hello world' is not a 'TXT' Record", "x."+name, "TXT", "hello world"),
		post("short text in two parts", "invalid_object", `'"a" "b"' is not a 'TXT' Record`, "x."+name, "TXT", `"a" "b"`),
		post("a quote that is not escaped", "invalid_object", `is not a 'TXT' Record`, "x."+name, "TXT", `"say "hi""`),
		post("more than 255 characters in one part, quotes included", "invalid_object", `is not a 'TXT' Record`, "x."+name, "TXT", `"`+strings.Repeat("a", 254)+`"`),
		post("CAA with quotes", "invalid_object", `'0 issue "ca.example"' is not a 'CAA' Record`, "x."+name, "CAA", `0 issue "ca.example"`),
		refusal{"an unknown set is 404", "GET", sets + "/" + nobody, nil, 404, "recordset_not_found", "Could not find RecordSet"},
		refusal{"an unknown zone is 404", "GET", "/zones/" + nobody + "/recordsets", nil, 404, "zone_not_found", "Could not find Zone"})
	t.Run("taken", func(t *testing.T) {
		for host, set := range map[string]obj{
			"*":         {"type": "A", "records": list{"192.0.2.1"}},
			"t":         {"type": "TXT", "records": list{`"say \"hi\""`, "hello"}},
			"long":      {"type": "TXT", "records": list{`"` + strings.Repeat("a", 253) + `" "` + strings.Repeat("b", 200) + `"`}},
			"_sip._tcp": {"type": "SRV", "records": list{"10 5 5060 sip.example."}},
			"caa":       {"type": "CAA", "records": list{"0 issue ca.example", "0 iodef mailto:a@example.org"}},
			"mx":        {"type": "MX", "records": list{"10 mail.example.", "0 ."}},
		} {
			set["name"] = host + "." + name
			d.recordSet(t, zone, set)
		}
		d.want(t, http.StatusAccepted, "POST", sets, obj{"name": name, "type": "A", "records": list{"192.0.2.1"}})
	})
	t.Run("a set without records needs no name server", func(t *testing.T) {
		is(t, "record set", d.want(t, http.StatusCreated, "POST", sets, obj{"name": "none." + name, "type": "A", "records": list{}}).body, obj{"status": "ACTIVE", "records": list{}})
	})
}

func manyAddresses(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("192.0.2.%d", i))
	}
	return all
}
