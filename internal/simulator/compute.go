package simulator

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// compute is the state of the Compute API.
type compute struct {
	sim *Simulator

	Flavors  table
	KeyPairs table // id is user/name
	Groups   table
	Servers  table // see server.go

	// booted are called when a server became ACTIVE after it was created, started, rebooted, rebuilt
	// or resized; stopped when it was shut off; deleted when it is gone. They run under the lock.
	booted  []func(server object)
	stopped []func(server object)
	deleted []func(server object)
}

func newCompute(s *Simulator) *compute { return &compute{sim: s} }

// computeZone is the only availability zone.
const computeZone = "nova"

// computeMaxMinor is the last microversion, 2.93. The others are the first that have a behaviour.
const (
	computeMaxMinor        = 93
	microversionKeyType    = 2  // key pairs have a type
	microversionGroupOwner = 13 // server groups show their project
	microversionSoft       = 15 // soft policies
	microversionTags       = 26
	microversionAutoNet    = 37 // networks are required, and may be "auto" or "none"
	microversionFlavor     = 47 // servers embed their flavor
	microversionTagsCreate = 52
	microversionGroupRules = 64 // one policy with rules in place of policies
	microversionServerMore = 71 // servers show their groups
	microversionAttachment = 85 // delete_on_termination of an attachment can change
	microversionImported   = 92 // key pairs must be imported
)

func (n *compute) service() *service {
	return &service{
		kind: "compute", name: "nova", prefix: "/compute", endpoint: "/v2.1",
		state: n, seed: n.seed, resume: n.resume, render: computeFault, authorize: n.authorize, leftovers: n.leftovers,
		open: map[string]handler{
			"GET /{$}":      n.versions,
			"GET /v2.1":     n.version,
			"GET /v2.1/{$}": n.version,
		},
		routes: map[string]handler{
			"GET /v2.1/os-keypairs":                                    n.listKeyPairs,
			"POST /v2.1/os-keypairs":                                   n.createKeyPair,
			"GET /v2.1/os-keypairs/{name}":                             n.getKeyPair,
			"DELETE /v2.1/os-keypairs/{name}":                          n.deleteKeyPair,
			"GET /v2.1/os-server-groups":                               n.listGroups,
			"POST /v2.1/os-server-groups":                              n.createGroup,
			"GET /v2.1/os-server-groups/{id}":                          n.getGroup,
			"DELETE /v2.1/os-server-groups/{id}":                       n.deleteGroup,
			"GET /v2.1/flavors":                                        n.listFlavors(false),
			"GET /v2.1/flavors/detail":                                 n.listFlavors(true),
			"GET /v2.1/flavors/{id}":                                   n.getFlavor,
			"GET /v2.1/flavors/{id}/os-extra_specs":                    n.extraSpecs,
			"GET /v2.1/os-availability-zone":                           n.zones,
			"GET /v2.1/limits":                                         n.limits,
			"GET /v2.1/os-quota-sets/{project}":                        n.quotas(false),
			"GET /v2.1/os-quota-sets/{project}/detail":                 n.quotas(true),
			"GET /v2.1/servers":                                        n.listServers(false),
			"GET /v2.1/servers/detail":                                 n.listServers(true),
			"POST /v2.1/servers":                                       n.createServer,
			"GET /v2.1/servers/{id}":                                   n.getServer,
			"PUT /v2.1/servers/{id}":                                   n.updateServer,
			"DELETE /v2.1/servers/{id}":                                n.deleteServer,
			"POST /v2.1/servers/{id}/action":                           n.act,
			"GET /v2.1/servers/{id}/ips":                               n.serverAddresses,
			"GET /v2.1/servers/{id}/os-security-groups":                n.serverSecurityGroups,
			"GET /v2.1/servers/{id}/metadata":                          n.serverMetadata,
			"POST /v2.1/servers/{id}/metadata":                         n.serverMetadata,
			"PUT /v2.1/servers/{id}/metadata":                          n.serverMetadata,
			"GET /v2.1/servers/{id}/metadata/{key}":                    n.serverMetadataItem,
			"PUT /v2.1/servers/{id}/metadata/{key}":                    n.serverMetadataItem,
			"DELETE /v2.1/servers/{id}/metadata/{key}":                 n.serverMetadataItem,
			"GET /v2.1/servers/{id}/tags":                              n.serverTags,
			"PUT /v2.1/servers/{id}/tags":                              n.serverTags,
			"DELETE /v2.1/servers/{id}/tags":                           n.serverTags,
			"GET /v2.1/servers/{id}/tags/{tag}":                        n.serverTag,
			"PUT /v2.1/servers/{id}/tags/{tag}":                        n.serverTag,
			"DELETE /v2.1/servers/{id}/tags/{tag}":                     n.serverTag,
			"GET /v2.1/servers/{id}/os-interface":                      n.listInterfaces,
			"POST /v2.1/servers/{id}/os-interface":                     n.attachInterface,
			"GET /v2.1/servers/{id}/os-interface/{port}":               n.getInterface,
			"DELETE /v2.1/servers/{id}/os-interface/{port}":            n.detachInterface,
			"GET /v2.1/servers/{id}/os-volume_attachments":             n.listAttachments,
			"POST /v2.1/servers/{id}/os-volume_attachments":            n.attachVolume,
			"GET /v2.1/servers/{id}/os-volume_attachments/{volume}":    n.getAttachment,
			"PUT /v2.1/servers/{id}/os-volume_attachments/{volume}":    n.updateAttachment,
			"DELETE /v2.1/servers/{id}/os-volume_attachments/{volume}": n.detachVolume,
		},
	}
}

// computeFault is the shape of Nova's and Cinder's faults.
func computeFault(_ *call, f *fault) any {
	name, ok := map[int]string{
		http.StatusBadRequest: "badRequest", http.StatusForbidden: "forbidden", http.StatusNotFound: "itemNotFound",
		http.StatusConflict: "conflictingRequest", http.StatusRequestEntityTooLarge: "overLimit",
		http.StatusServiceUnavailable: "serviceUnavailable",
	}[f.status]
	if !ok {
		name = "computeFault"
	}
	return map[string]any{name: map[string]any{"code": f.status, "message": f.message}}
}

// badField is how the JSON schemas of Nova and Cinder refuse a value.
func badField(field string, value any, reason string) *fault {
	return badRequest("Invalid input for field/attribute %s. Value: %s. %s", field, python(value), reason)
}

// python is a value as Python prints it, which is what the messages of the schemas hold.
func python(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	return pythonNested(value)
}

func pythonNested(value any) string {
	switch value := value.(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[value]
	case string:
		return "'" + value + "'"
	case []any:
		parts := []string{}
		for _, item := range value {
			parts = append(parts, pythonNested(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	if o, ok := asObject(value); ok {
		parts := []string{}
		for _, key := range slices.Sorted(maps.Keys(o)) {
			parts = append(parts, "'"+key+"': "+pythonNested(o[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return text(value)
}

// onlyFields refuses fields that an API does not know.
func onlyFields(noun string, in object, known []string) error {
	for _, key := range slices.Sorted(maps.Keys(in)) {
		if !slices.Contains(known, key) {
			return badField(noun, in, fmt.Sprintf("Additional properties are not allowed ('%s' was unexpected)", key))
		}
	}
	return nil
}

// need refuses a body without a field.
func need(noun string, in object, fields ...string) error {
	for _, field := range fields {
		if !in.given(field) {
			return badField(noun, in, fmt.Sprintf("'%s' is a required property", field))
		}
	}
	return nil
}

// microversion reads the minor number of a version such as "2.93", which must be known.
func microversion(version string, major, lowest, highest int) (int, error) {
	if version == "latest" {
		return highest, nil
	}
	first, second, ok := strings.Cut(version, ".")
	m, err := strconv.Atoi(first)
	minor, err2 := strconv.Atoi(second)
	if !ok || err != nil || err2 != nil {
		return 0, badRequest("API Version String %s is of invalid format. Must be of format MajorNum.MinorNum.", version)
	}
	if m != major || minor < lowest || minor > highest {
		return 0, fail(http.StatusNotAcceptable, "", "Version %s is not supported by the API. Minimum is %d.%d and maximum is %d.%d.", version, major, lowest, major, highest)
	}
	return minor, nil
}

// minor is the microversion that a call asks for; authorize has checked it.
func (n *compute) minor(c *call) int {
	minor, err := microversion(n.asked(c), 2, 1, computeMaxMinor)
	if err != nil {
		return 1
	}
	return minor
}

func (n *compute) asked(c *call) string {
	if version, ok := strings.CutPrefix(c.request.Header.Get("OpenStack-API-Version"), "compute "); ok {
		return version
	}
	if version := c.request.Header.Get("X-OpenStack-Nova-API-Version"); version != "" {
		return version
	}
	return "2.1"
}

func (n *compute) authorize(c *call) error {
	version := n.asked(c)
	minor, err := microversion(version, 2, 1, computeMaxMinor)
	if err == nil {
		version = fmt.Sprintf("2.%d", minor)
	}
	c.header.Set("Openstack-Api-Version", "compute "+version)
	c.header.Set("X-Openstack-Nova-Api-Version", version)
	c.header.Set("Vary", "OpenStack-API-Version, X-OpenStack-Nova-API-Version")
	c.header.Set("X-Compute-Request-Id", c.id)
	return err
}

func (n *compute) versionDocument(c *call) object {
	return object{
		"id": "v2.1", "status": "CURRENT", "version": fmt.Sprintf("2.%d", computeMaxMinor), "min_version": "2.1", "updated": "2013-07-23T11:33:21Z",
		"links": []any{object{"rel": "self", "href": c.url("/v2.1/")}},
	}
}

func (n *compute) versions(c *call) (int, any, error) {
	return http.StatusOK, object{"versions": []any{n.versionDocument(c)}}, nil
}

func (n *compute) version(c *call) (int, any, error) {
	return http.StatusOK, object{"version": n.versionDocument(c)}, nil
}

// links are the two links that Nova and Cinder give with each object.
func (c *call) links(path, bookmark string) []any {
	return []any{object{"rel": "self", "href": c.url(path)}, object{"rel": "bookmark", "href": c.url(bookmark)}}
}

// nextLink is the link to the next page of a list.
func (c *call) nextLink(marker string) []any {
	query := c.request.URL.Query()
	query.Set("marker", marker)
	return []any{object{"rel": "next", "href": c.URL() + c.request.URL.Path + "?" + query.Encode()}}
}

func (n *compute) leftovers() []string {
	lines := n.sim.left(n.Servers, "server")
	lines = append(lines, n.sim.left(n.Groups, "server group")...)
	for _, key := range n.KeyPairs.all() {
		lines = append(lines, fmt.Sprintf("key pair %q of user %s", key.str("name"), n.sim.userName(key.str("user_id"))))
	}
	return lines
}

// userName is the name of a user for people to read, or its id when it has none.
func (s *Simulator) userName(id string) string {
	if user, ok := s.identity.Users.get(id); ok {
		return user.str("name")
	}
	return id
}

func (n *compute) zones(*call) (int, any, error) {
	return http.StatusOK, object{"availabilityZoneInfo": []any{
		object{"zoneName": computeZone, "zoneState": object{"available": true}, "hosts": nil},
	}}, nil
}

// computeQuota are the quotas that are counted in servers.
type computeQuota struct{ Instances, Cores, RAM int }

// usage is what the servers of a project take.
func (n *compute) usage(project string) computeQuota {
	used := computeQuota{}
	for _, server := range n.Servers {
		if server.str("project_id") == project {
			flavor := server.obj("_flavor")
			used.Instances++
			used.Cores += flavor.num("vcpus")
			used.RAM += flavor.num("ram")
		}
	}
	return used
}

// room says whether the quotas of a project have room for more.
func (n *compute) room(project string, more computeQuota) error {
	used := n.usage(project)
	var names, requested, taken, allowed []string
	check := func(name string, usual, used, more int) {
		if limit := n.sim.quotaOf(name, usual); used+more > limit {
			names, requested = append(names, name), append(requested, strconv.Itoa(more))
			taken, allowed = append(taken, strconv.Itoa(used)), append(allowed, strconv.Itoa(limit))
		}
	}
	check("cores", 400, used.Cores, more.Cores)
	check("instances", 100, used.Instances, more.Instances)
	check("ram", 1048576, used.RAM, more.RAM)
	if names == nil {
		return nil
	}
	join := func(parts []string) string { return strings.Join(parts, ", ") }
	return fail(http.StatusForbidden, "", "Quota exceeded for %s: Requested %s, but already used %s of %s %s",
		join(names), join(requested), join(taken), join(allowed), join(names))
}

func (n *compute) limits(c *call) (int, any, error) {
	used := n.usage(c.project())
	groups := len(n.Groups.where(func(o object) bool { return o.str("project_id") == c.project() }))
	return http.StatusOK, object{"limits": object{"rate": []any{}, "absolute": object{
		"maxTotalInstances": n.sim.quotaOf("instances", 100), "maxTotalCores": n.sim.quotaOf("cores", 400), "maxTotalRAMSize": n.sim.quotaOf("ram", 1048576),
		"maxServerMeta": 128, "maxTotalKeypairs": n.sim.quotaOf("key_pairs", 200), "maxServerGroups": n.sim.quotaOf("server_groups", 100),
		"maxServerGroupMembers": n.sim.quotaOf("server_group_members", 100), "totalInstancesUsed": used.Instances,
		"totalCoresUsed": used.Cores, "totalRAMUsed": used.RAM, "totalServerGroupsUsed": groups,
	}}}, nil
}

func (n *compute) quotas(detail bool) handler {
	return func(c *call) (int, any, error) {
		project := c.path("project")
		used := n.usage(project)
		set := object{"id": project}
		for name, limit := range map[string][2]int{
			"instances": {n.sim.quotaOf("instances", 100), used.Instances}, "cores": {n.sim.quotaOf("cores", 400), used.Cores},
			"ram": {n.sim.quotaOf("ram", 1048576), used.RAM}, "key_pairs": {n.sim.quotaOf("key_pairs", 200), 0},
			"metadata_items": {128, 0}, "server_groups": {n.sim.quotaOf("server_groups", 100), 0},
			"server_group_members": {n.sim.quotaOf("server_group_members", 100), 0},
		} {
			set[name] = limit[0]
			if detail {
				set[name] = object{"limit": limit[0], "in_use": limit[1], "reserved": 0}
			}
		}
		return http.StatusOK, object{"quota_set": set}, nil
	}
}
