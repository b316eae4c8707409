package simulator

import (
	"net/http"
	"strings"
)

func zonePath(zone object) string { return "/v2/zones/" + zone.str("id") }

func (d *dns) listZones(c *call) (int, any, error) {
	all := d.Zones.where(func(o object) bool { return o.str("project_id") == c.project() })
	return dnsPage(c, "zones", all, zonePath, "name", "type", "email", "status", "description", "ttl")
}

func (d *dns) getZone(c *call) (int, any, error) {
	zone, err := d.zone(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, dnsLinked(c, zone, zonePath(zone)), nil
}

func (d *dns) nameServers(c *call) (int, any, error) {
	if _, err := d.zone(c); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"nameservers": []any{object{"priority": 1, "hostname": dnsServer}}}, nil
}

func (d *dns) createZone(c *call) (int, any, error) {
	in, err := d.decodeBody(c)
	if err != nil {
		return 0, nil, err
	}
	if err := checkCommon(in, "zone", "name", "email", "ttl", "description", "type", "masters", "attributes"); err != nil {
		return 0, nil, err
	}
	if err := checkZone(in); err != nil {
		return 0, nil, err
	}
	if err := d.checkPlace(c, in.str("name")); err != nil {
		return 0, nil, err
	}
	zone := object{
		"name": in["name"], "email": in["email"], "description": in["description"], "ttl": 3600, "type": "PRIMARY", "masters": []any{},
		"attributes": object{}, "pool_id": dnsPool, "project_id": c.project(), "serial": 1, "version": 0,
		"created_at": dnsNow(), "updated_at": nil, "transferred_at": nil,
	}
	for _, key := range []string{"ttl", "type", "masters", "attributes"} {
		if in.has(key) {
			zone[key] = in[key]
		}
	}
	primary := zone.str("type") == "PRIMARY"
	if !primary {
		zone["email"] = dnsManager
	}
	zone["masters"] = withoutDefaultPort(zone.strs("masters"))
	d.sim.add(&d.Zones, zone)
	if primary {
		d.addManaged(zone, "NS", dnsServer)
	}
	d.addManaged(zone, "SOA", "")
	if primary {
		d.serial(zone)
	}
	d.changing(d.zones, zone, "CREATE")
	c.header.Set("Location", c.url(zonePath(zone)))
	return http.StatusAccepted, dnsLinked(c, zone, zonePath(zone)), nil
}

// withoutDefaultPort is how masters come back.
func withoutDefaultPort(masters []string) []string {
	out := []string{}
	for _, m := range masters {
		out = append(out, strings.TrimSuffix(m, ":53"))
	}
	return out
}

// addManaged adds a record set that belongs to the zone.
func (d *dns) addManaged(zone object, kind, record string) {
	set := d.addRecordSet(zone, object{"name": zone["name"], "type": kind, "records": []any{record}})
	set["_managed"] = true
	d.changing(d.sets, set, "CREATE")
}

func checkZone(in object) error {
	kind := in.str("type")
	if in.has("type") && kind != "PRIMARY" && kind != "SECONDARY" {
		return dnsInvalid("Field value %s is invalid", kind)
	}
	if in.has("name") {
		if err := checkDomain("Domain", in.str("name"), dnsZoneName); err != nil {
			return err
		}
	}
	if in.has("email") {
		switch email := in.str("email"); {
		case strings.Count(email, "@") != 1:
			return dnsInvalid("%s is not an email", email)
		case !dnsZoneName.MatchString(strings.Replace(email, "@", ".", 1) + "."):
			return dnsInvalid("Email %s is invalid", email)
		}
	}
	if err := checkZoneType(in, kind == "SECONDARY"); err != nil {
		return err
	}
	if strings.Count(in.str("name"), ".") < 2 {
		return fail(http.StatusBadRequest, "invalid_zone_name", "More than one label is required")
	}
	return nil
}

// checkZoneType holds what a new zone has against its type.
func checkZoneType(in object, secondary bool) error {
	switch {
	case secondary && in.has("email"):
		return dnsSchema("type", "'email' can't be specified when type is SECONDARY")
	case secondary && in.has("ttl"):
		return dnsSchema("type", "'ttl' can't be specified when type is SECONDARY")
	case secondary && len(in.strs("masters")) == 0:
		return dnsSchema("type.masters", "'masters' is a required property")
	case !secondary && len(in.strs("masters")) > 0:
		return dnsSchema("type", "'masters' has more items than allowed")
	case !secondary && !in.has("email"):
		return dnsSchema("type.email", "'email' is a required property")
	}
	return nil
}

// checkPlace holds that the name is free, and below no zone of somebody else.
func (d *dns) checkPlace(c *call, name string) error {
	count := 0
	for _, zone := range d.Zones {
		own := zone.str("project_id") == c.project()
		switch {
		case own && strings.EqualFold(zone.str("name"), name):
			return fail(http.StatusConflict, "duplicate_zone", "Duplicate Zone")
		case strings.EqualFold(zone.str("name"), name):
			return fail(http.StatusConflict, "duplicate_zone", "Zone already exists, owned by a different tenant")
		case !own && below(name, zone.str("name")):
			return fail(http.StatusForbidden, "illegal_child", "Unable to create subzone in another tenants zone")
		case own:
			count++
		}
	}
	if count >= d.sim.quotaOf("zones", 100) {
		return fail(http.StatusRequestEntityTooLarge, "over_quota", "Quota exceeded for zones.")
	}
	return nil
}

// below says whether a name is the zone's or in it.
func below(name, zone string) bool {
	name, zone = strings.ToLower(name), strings.ToLower(zone)
	return name == zone || strings.HasSuffix(name, "."+zone)
}

func (d *dns) updateZone(c *call) (int, any, error) {
	zone, err := d.changeable(c)
	if err != nil {
		return 0, nil, err
	}
	in, err := d.decodeBody(c)
	if err != nil {
		return 0, nil, err
	}
	if err := checkCommon(in, "zone", "email", "ttl", "description", "masters", "attributes"); err != nil {
		return 0, nil, err
	}
	if in.given("ttl") && !in.has("ttl") {
		return 0, nil, fail(http.StatusInternalServerError, "unknown", "")
	}
	secondary := zone.str("type") == "SECONDARY"
	whole := object{"name": zone["name"], "email": zone["email"], "masters": zone["masters"], "type": zone["type"]}
	if secondary {
		delete(whole, "email")
	}
	for key, value := range in {
		whole[key] = value
	}
	if err := checkZone(whole); err != nil {
		return 0, nil, err
	}
	for key, value := range in {
		zone[key] = value
	}
	if in.given("masters") {
		zone["masters"] = withoutDefaultPort(in.strs("masters"))
	}
	if !secondary {
		d.serial(zone)
	}
	d.changing(d.zones, zone, "UPDATE")
	return http.StatusAccepted, dnsLinked(c, zone, zonePath(zone)), nil
}

func (d *dns) deleteZone(c *call) (int, any, error) {
	zone, err := d.zone(c)
	if err != nil {
		return 0, nil, err
	}
	for _, other := range d.Zones {
		if other.str("id") != zone.str("id") && below(other.str("name"), zone.str("name")) {
			return 0, nil, fail(http.StatusBadRequest, "zone_has_sub_zone", "Please delete any subzones before deleting this zone")
		}
	}
	d.changing(d.zones, zone, "DELETE")
	return http.StatusAccepted, dnsLinked(c, zone, zonePath(zone)), nil
}
