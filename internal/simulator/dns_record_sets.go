package simulator

import (
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxRecords is how many records a set may have.
const maxRecords = 20

var recordTypes = []string{"A", "AAAA", "CNAME", "MX", "SRV", "TXT", "SPF", "NS", "PTR", "SSHFP", "SOA", "NAPTR", "CAA", "CERT"}

func recordSetPath(set object) string {
	return "/v2/zones/" + set.str("zone_id") + "/recordsets/" + set.str("id")
}

func (d *dns) listRecordSets(c *call) (int, any, error) {
	in := c.path("zone")
	if in != "" {
		if _, err := d.zone(c); err != nil {
			return 0, nil, err
		}
	} else if c.request.URL.Query().Has("zone_id") {
		return 0, nil, fail(http.StatusInternalServerError, "unknown", "")
	}
	all := d.RecordSets.where(func(o object) bool {
		return in == o.str("zone_id") || in == "" && o.str("project_id") == c.project()
	})
	return dnsPage(c, "recordsets", all, recordSetPath, "name", "type", "ttl", "data", "status", "description")
}

func (d *dns) recordSet(c *call, zone object) (object, error) {
	id := c.path("set")
	if !dnsUUID.MatchString(id) {
		return nil, fail(http.StatusBadRequest, "invalid_uuid", "Invalid UUID recordset_id: %s", id)
	}
	set, ok := d.RecordSets.get(id)
	if !ok || set.str("zone_id") != zone.str("id") {
		return nil, fail(http.StatusNotFound, "recordset_not_found", "Could not find RecordSet")
	}
	return set, nil
}

func (d *dns) getRecordSet(c *call) (int, any, error) {
	zone, err := d.zone(c)
	if err != nil {
		return 0, nil, err
	}
	set, err := d.recordSet(c, zone)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, dnsLinked(c, set, recordSetPath(set)), nil
}

// addRecordSet adds a record set, which is served after the next change.
func (d *dns) addRecordSet(zone, in object) object {
	set := object{
		"zone_id": zone["id"], "project_id": zone["project_id"], "zone_name": zone["name"], "name": in["name"], "type": in["type"],
		"records": in.strs("records"), "description": in["description"], "ttl": in["ttl"], "status": "ACTIVE", "action": "NONE",
		"version": 0, "created_at": dnsNow(), "updated_at": nil,
	}
	return d.sim.add(&d.RecordSets, set)
}

func (d *dns) createRecordSet(c *call) (int, any, error) {
	zone, err := d.changeable(c)
	if err != nil {
		return 0, nil, err
	}
	in, err := d.decodeBody(c)
	if err != nil {
		return 0, nil, err
	}
	if zone.str("type") == "SECONDARY" {
		return 0, nil, fail(http.StatusForbidden, "forbidden", "")
	}
	if err := checkCommon(in, "recordset", "name", "type", "records", "ttl", "description"); err != nil {
		return 0, nil, err
	}
	if err := checkRecords(in.str("type"), in); err != nil {
		return 0, nil, err
	}
	if err := d.checkRecordSetPlace(zone, in); err != nil {
		return 0, nil, err
	}
	set := d.addRecordSet(zone, in)
	c.header.Set("Location", c.url(recordSetPath(set)))
	return d.changedRecords(c, zone, set, "CREATE", http.StatusCreated)
}

// changedRecords answers a change: a set without records is served at once, for there is nothing to serve.
func (d *dns) changedRecords(c *call, zone, set object, action string, quiet int) (int, any, error) {
	d.serial(zone)
	d.changing(d.zones, zone, "UPDATE")
	if len(set.strs("records")) == 0 {
		set["version"] = set.num("version") + 1
		set["status"], set["action"] = "ACTIVE", "NONE"
		return quiet, dnsLinked(c, set, recordSetPath(set)), nil
	}
	d.changing(d.sets, set, action)
	return http.StatusAccepted, dnsLinked(c, set, recordSetPath(set)), nil
}

func (d *dns) updateRecordSet(c *call) (int, any, error) {
	zone, err := d.changeable(c)
	if err != nil {
		return 0, nil, err
	}
	set, err := d.recordSet(c, zone)
	if err != nil {
		return 0, nil, err
	}
	if set.flag("_managed") {
		return 0, nil, fail(http.StatusBadRequest, "bad_request", "Managed records may not be updated")
	}
	in, err := d.decodeBody(c)
	if err != nil {
		return 0, nil, err
	}
	if err := checkCommon(in, "recordset", "records", "ttl", "description"); err != nil {
		return 0, nil, err
	}
	if err := checkRecords(set.str("type"), in); err != nil {
		return 0, nil, err
	}
	for key, value := range in {
		set[key] = value
	}
	if in.given("records") {
		set["records"] = in.strs("records")
	}
	set["updated_at"] = dnsNow()
	return d.changedRecords(c, zone, set, "UPDATE", http.StatusOK)
}

func (d *dns) deleteRecordSet(c *call) (int, any, error) {
	zone, err := d.changeable(c)
	if err != nil {
		return 0, nil, err
	}
	set, err := d.recordSet(c, zone)
	if err != nil {
		return 0, nil, err
	}
	switch {
	case set.flag("_managed") && set.str("type") == "SOA":
		return 0, nil, fail(http.StatusBadRequest, "bad_request", "Deleting a SOA recordset is not allowed")
	case set.flag("_managed"):
		return 0, nil, fail(http.StatusBadRequest, "bad_request", "Managed records may not be deleted")
	}
	d.serial(zone)
	d.changing(d.zones, zone, "UPDATE")
	if len(set.strs("records")) == 0 {
		delete(d.RecordSets, set.str("id"))
		return http.StatusAccepted, dnsLinked(c, set, recordSetPath(set)), nil
	}
	d.changing(d.sets, set, "DELETE")
	return http.StatusAccepted, dnsLinked(c, set, recordSetPath(set)), nil
}

// checkRecordSetPlace holds a new set's name and type against its zone and the sets beside it.
func (d *dns) checkRecordSetPlace(zone, in object) error {
	name, kind := in.str("name"), in.str("type")
	location := func(message string, args ...any) error {
		return fail(http.StatusBadRequest, "invalid_recordset_location", message, args...)
	}
	switch apex := strings.EqualFold(name, zone.str("name")); {
	case kind == "SOA":
		return fail(http.StatusBadRequest, "bad_request", "Creating a SOA recordset is not allowed")
	case !below(name, zone.str("name")):
		return location("RecordSet is not contained within it's parent zone")
	case kind == "CNAME" && apex:
		return location("CNAME recordsets may not be created at the zone apex")
	case kind == "CNAME" && len(in.strs("records")) > 1:
		return fail(http.StatusBadRequest, "bad_request", "CNAME recordsets may not have more than 1 record")
	}
	for _, child := range d.Zones {
		if len(child.str("name")) > len(zone.str("name")) && below(child.str("name"), zone.str("name")) && below(name, child.str("name")) {
			return location("RecordSet belongs in a child zone: %s", child.str("name"))
		}
	}
	for _, set := range d.RecordSets {
		switch {
		case set.str("zone_id") != zone.str("id") || !strings.EqualFold(set.str("name"), name):
		case set.str("type") == kind:
			return fail(http.StatusConflict, "duplicate_recordset", "Duplicate RecordSet")
		case set.str("type") == "CNAME" || kind == "CNAME":
			return location("CNAME recordsets may not share a name with any other records")
		}
	}
	return nil
}

// checkRecords holds the name and the records of a set against its type.
func checkRecords(kind string, in object) error {
	if in.given("name") {
		name := in.str("name")
		if kind == "SRV" {
			if !dnsSRVName.MatchString(name) {
				return fail(http.StatusBadRequest, "invalid_object", "name is invalid")
			}
		} else if err := checkDomain("Host name", name, dnsHostName); err != nil {
			return err
		}
	}
	if !slices.Contains(recordTypes, kind) {
		return dnsSchema("recordset.type", "'%s' is not a valid record type", kind)
	}
	if _, ok := in["records"].([]any); in.has("records") && !ok {
		return dnsSchema("records", "'%v' is not a valid list of records", in["records"])
	}
	records := in.strs("records")
	for i, record := range records {
		if !validRecord(kind, record) {
			return dnsSchema("records."+strconv.Itoa(i), "'%s' is not a '%s' Record", record, kind)
		}
	}
	if len(records) > maxRecords {
		return fail(http.StatusRequestEntityTooLarge, "over_quota", "Quota exceeded for recordset_records.")
	}
	return nil
}

var (
	dnsNumbers = regexp.MustCompile(`^\d{1,5}$`)
	dnsCAA     = regexp.MustCompile(`^[01] (issue|issuewild) ([A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+(; ?[A-Za-z0-9]+=[A-Za-z0-9-]+)*$|^[01] iodef (mailto:[A-Za-z0-9_+-]+@[A-Za-z0-9_.-]+|https?://.*/.*)$`)
	dnsSSHFP   = regexp.MustCompile(`^\d+ \d+ ([0-9A-Fa-f]{10,40}|[0-9A-Fa-f]{64})$`)
)

func validRecord(kind, record string) bool {
	parts := strings.Split(record, " ")
	switch kind {
	case "A", "AAAA":
		address, err := netip.ParseAddr(record)
		return err == nil && address.Is4() == (kind == "A")
	case "CNAME", "NS", "PTR":
		return dnsZoneName.MatchString(record)
	case "MX", "SRV":
		want := map[string]int{"MX": 2, "SRV": 4}[kind]
		if len(parts) != want || !dnsZoneName.MatchString(parts[want-1]) && parts[want-1] != "." {
			return false
		}
		return !slices.ContainsFunc(parts[:want-1], func(n string) bool {
			value, err := strconv.Atoi(n)
			return !dnsNumbers.MatchString(n) || err != nil || value > 65535
		})
	case "TXT":
		return validText(record)
	case "SPF":
		return !strings.Contains(strings.Trim(record, `"`), `"`) && (strings.HasPrefix(record, `"`) || !strings.Contains(record, " "))
	case "CAA":
		return dnsCAA.MatchString(record)
	case "SSHFP":
		return dnsSSHFP.MatchString(record)
	case "SOA":
		return len(parts) == 7
	case "NAPTR":
		return len(parts) == 6
	}
	return true
}

// validText is Designate's rule: one text of up to 255 characters with its quotes, or several when they are longer together.
func validText(record string) bool {
	if len([]rune(record)) <= 255 {
		return validString(record)
	}
	bare := strings.Trim(record, `"`)
	if !strings.HasPrefix(record, `"`) && !strings.Contains(bare, `" "`) {
		return false
	}
	for part := range strings.SplitSeq(bare, `" "`) {
		if !validString(`"` + part + `"`) {
			return false
		}
	}
	return true
}

func validString(s string) bool {
	opened, closed := strings.HasPrefix(s, `"`), strings.HasSuffix(s, `"`)
	if len([]rune(s)) > 255 || opened != closed || strings.HasSuffix(s, `\`) {
		return false
	}
	if !opened {
		return !strings.ContainsAny(s, " \t")
	}
	bare := strings.Trim(s, `"`)
	for i := range bare {
		if bare[i] == '"' && (i == 0 || bare[i-1] != '\\') {
			return false
		}
	}
	return true
}
