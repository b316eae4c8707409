package simulator

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// A server is kept with these keys; what it looks like depends on the microversion (serverView).
//
//	name, description, metadata, tags, key_name, config_drive, created, updated, launched_at, hostname
//	_vm, _task          vm_state and task_state, "" for null
//	_image              id, "" when it boots from a volume
//	_flavor             copy of the flavor; _new_flavor and _old_flavor during a resize
//	_user_data          base64
//	_host               number of its host, from 1; 0 before it is scheduled
//	_group              id of its server group
//	_nics               {network, fixed_ip, port, made}: made says that Nova made the port
//	_security_groups    ids for the ports that Nova makes
//	_volumes            {id, device, delete_on_termination, attachment_id, bdm_uuid, …}
//	_locked             true when nobody may change it; _locked_reason says why
//	_fault              what made it ERROR
//	_locked             whether users may not change it, with _locked_reason
//	_console            lines that it printed
//
// Names without an underscore are those of the API.

const (
	userDataLimit = 65535
	serverTagsMax = 50
)

var (
	uuidForm  = regexp.MustCompile(`^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$`)
	serverTag = regexp.MustCompile(`^[^,/]*$`)
)

// server is a server that the caller may see.
func (n *compute) server(c *call) (object, error) {
	id := c.path("id")
	server, ok := n.Servers.get(id)
	if !ok || !c.owns(server) {
		return nil, fail(http.StatusNotFound, "", "Instance %s could not be found.", id)
	}
	return server, nil
}

// userData is what a server got, decoded.
func (n *compute) userData(server object) []byte {
	data, err := base64.StdEncoding.DecodeString(server.str("_user_data"))
	if err != nil {
		return []byte(server.str("_user_data"))
	}
	return data
}

// serverStatus is the status that vm_state and task_state come to.
func serverStatus(server object) string {
	task := server.str("_task")
	switch vm := server.str("_vm"); vm {
	case "building":
		return "BUILD"
	case "active", "stopped":
		switch {
		case strings.HasPrefix(task, "resize_reverting"):
			return "REVERT_RESIZE"
		case strings.HasPrefix(task, "resize_"):
			return "RESIZE"
		case strings.HasPrefix(task, "rebuild"):
			return "REBUILD"
		case task == "rebooting":
			return "REBOOT"
		case task == "rebooting_hard":
			return "HARD_REBOOT"
		case vm == "stopped":
			return "SHUTOFF"
		}
		return "ACTIVE"
	case "resized":
		if task == "resize_reverting" {
			return "REVERT_RESIZE"
		}
		return "VERIFY_RESIZE"
	}
	return "ERROR"
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// serverView is a server as the microversion of the call shows it.
func (n *compute) serverView(c *call, server object) object {
	id, minor, vm := server.str("id"), n.minor(c), server.str("_vm")
	view := object{
		"id": id, "name": server["name"], "status": serverStatus(server), "tenant_id": server["project_id"], "user_id": server["user_id"],
		"metadata": server["metadata"], "hostId": "", "image": "", "created": server["created"], "updated": server["updated"],
		"addresses": n.addresses(server, true), "accessIPv4": server.str("accessIPv4"), "accessIPv6": server.str("accessIPv6"),
		"links": c.links("/v2.1/servers/"+id, "/servers/"+id), "OS-DCF:diskConfig": "MANUAL", "OS-EXT-AZ:availability_zone": "",
		"config_drive": "", "key_name": server["key_name"], "OS-SRV-USG:launched_at": server["launched_at"], "OS-SRV-USG:terminated_at": nil,
		"OS-EXT-STS:task_state": orNull(server.str("_task")), "OS-EXT-STS:vm_state": vm, "OS-EXT-STS:power_state": 0,
	}
	if image := server.str("_image"); image != "" {
		view["image"] = object{"id": image, "links": []any{object{"rel": "bookmark", "href": c.url("/images/" + image)}}}
	}
	if host := server.num("_host"); host > 0 {
		view["hostId"] = stableID(fmt.Sprint(server.str("project_id"), host)) + stableID("host")[:24]
		view["OS-EXT-AZ:availability_zone"] = computeZone
	}
	if server.flag("config_drive") {
		view["config_drive"] = "True"
	}
	switch vm {
	case "active", "resized":
		view["OS-EXT-STS:power_state"] = 1
	case "stopped":
		view["OS-EXT-STS:power_state"] = 4
	}
	flavor := server.obj("_flavor")
	if minor >= microversionFlavor {
		view["flavor"] = object{
			"vcpus": flavor["vcpus"], "ram": flavor["ram"], "disk": flavor["disk"], "ephemeral": 0, "swap": 0,
			"original_name": flavor["name"], "extra_specs": flavor["extra_specs"],
		}
	} else {
		id := flavor.str("id")
		view["flavor"] = object{"id": id, "links": []any{object{"rel": "bookmark", "href": c.url("/flavors/" + id)}}}
	}
	if vm == "error" {
		view["fault"] = server["_fault"]
	} else {
		view["progress"] = 0
	}
	if groups := n.securityGroupNames(server); len(groups) > 0 {
		view["security_groups"] = groups
	}
	volumes := []any{}
	for _, volume := range server.objs("_volumes") {
		shown := object{"id": volume["id"]}
		if minor >= 3 {
			shown["delete_on_termination"] = volume["delete_on_termination"]
		}
		volumes = append(volumes, shown)
	}
	view["os-extended-volumes:volumes_attached"] = volumes
	n.addNewerFields(view, server, minor)
	return view
}

// addNewerFields adds what later microversions show.
func (n *compute) addNewerFields(view, server object, minor int) {
	if minor >= 3 {
		view["OS-EXT-SRV-ATTR:hostname"] = server["hostname"]
	}
	if minor >= 9 {
		view["locked"] = server.flag("_locked")
	}
	if minor >= 19 {
		view["description"] = server["description"]
	}
	if minor >= microversionTags {
		view["tags"] = server.strs("tags")
	}
	if minor >= 63 {
		view["trusted_image_certificates"] = nil
	}
	if minor >= microversionServerMore {
		groups := []string{}
		if group := server.str("_group"); group != "" {
			groups = append(groups, group)
		}
		view["server_groups"] = groups
	}
	if minor >= microversionLockedReason {
		view["locked_reason"] = server["_locked_reason"]
	}
}

// serverStatuses are the values that the filter status may have.
var serverStatuses = []string{"ACTIVE", "BUILD", "DELETED", "ERROR", "HARD_REBOOT", "MIGRATING", "PASSWORD", "PAUSED", "REBOOT", "REBUILD",
	"RESCUE", "RESIZE", "REVERT_RESIZE", "SHELVED", "SHELVED_OFFLOADED", "SHUTOFF", "SOFT_DELETED", "SUSPENDED", "UNKNOWN", "VERIFY_RESIZE"}

func (n *compute) listServers(detail bool) handler {
	return func(c *call) (int, any, error) {
		if err := n.checkQuery(c, serverParameters); err != nil {
			return 0, nil, err
		}
		status := strings.ToUpper(c.query("status"))
		if status != "" && !slices.Contains(serverStatuses, status) {
			return 0, nil, badRequest("Invalid status value")
		}
		name, err := regexp.Compile("(?i)" + c.query("name"))
		if err != nil {
			return 0, nil, badRequest("Invalid filter value: name")
		}
		all := c.admin() && c.query("all_tenants") != "" && c.query("all_tenants") != "0"
		servers := n.Servers.where(func(o object) bool {
			return (all || o.str("project_id") == c.project()) && name.MatchString(o.str("name")) &&
				(status == "" || serverStatus(o) == status) && n.serverMatches(c, o)
		})
		slices.Reverse(servers) // the newest first
		if err := sorted(c, servers, serverSortKeys); err != nil {
			return 0, nil, err
		}
		page, next, err := c.novaPage(servers)
		if err != nil {
			return 0, nil, err
		}
		views := []object{}
		for _, server := range page {
			if detail {
				views = append(views, n.serverView(c, server))
				continue
			}
			id := server.str("id")
			views = append(views, object{"id": id, "name": server["name"], "links": c.links("/v2.1/servers/"+id, "/servers/"+id)})
		}
		body := object{"servers": views}
		if next != "" {
			body["servers_links"] = c.nextLink(next)
		}
		return http.StatusOK, body, nil
	}
}

// taggedAsAsked applies the filters tags (all of them), tags-any (one of them) and their negations.
func taggedAsAsked(c *call, tags []string) bool {
	count := func(name string) (wanted, found int) {
		for tag := range strings.SplitSeq(c.query(name), ",") {
			wanted++
			if hasText(tags, tag) {
				found++
			}
		}
		return wanted, found
	}
	query := c.request.URL.Query()
	for _, name := range []string{"tags", "tags-any", "not-tags", "not-tags-any"} {
		if !query.Has(name) {
			continue
		}
		wanted, found := count(name)
		all, some := found == wanted, found > 0
		if name == "tags" && !all || name == "tags-any" && !some || name == "not-tags" && all || name == "not-tags-any" && some {
			return false
		}
	}
	return true
}

// serverMatches applies the filters that are plain comparisons.
func (n *compute) serverMatches(c *call, server object) bool {
	if image := c.query("image"); image != "" && server.str("_image") != image {
		return false
	}
	if flavor := c.query("flavor"); flavor != "" && server.obj("_flavor").str("id") != flavor {
		return false
	}
	if !taggedAsAsked(c, server.strs("tags")) {
		return false
	}
	if locked := c.query("locked"); locked != "" && n.minor(c) >= microversionLockedReason && !equalText(server.flag("_locked"), locked) {
		return false
	}
	if id := c.query("uuid"); id != "" && server.str("id") != id {
		return false
	}
	return true
}

func (n *compute) getServer(c *call) (int, any, error) {
	server, err := n.server(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"server": n.serverView(c, server)}, nil
}

// serverFields are what a new server may have.
var serverFields = []string{"name", "flavorRef", "imageRef", "networks", "security_groups", "key_name", "user_data", "block_device_mapping_v2",
	"availability_zone", "config_drive", "metadata", "tags", "description", "adminPass", "min_count", "max_count", "return_reservation_id",
	"OS-DCF:diskConfig", "accessIPv4", "accessIPv6", "hostname", "host", "trusted_image_certificates"}

func (n *compute) checkServer(c *call, in object) error {
	minor := n.minor(c)
	required := []string{"name", "flavorRef"}
	if minor >= microversionAutoNet {
		required = append(required, "networks")
	}
	if err := need("server", in, required...); err != nil {
		return err
	}
	known := serverFields
	if minor < microversionTagsCreate {
		known = slices.DeleteFunc(slices.Clone(known), func(field string) bool { return field == "tags" })
	}
	if err := onlyFields("server", in, known); err != nil {
		return err
	}
	name := in.str("name")
	switch {
	case name == "":
		return badField("name", "", "'' is too short")
	case len(name) > 255:
		return badField("name", name, fmt.Sprintf("'%s' is too long", name))
	case len(in.str("user_data")) > userDataLimit:
		return badField("user_data", in["user_data"], fmt.Sprintf("'%s' is too long", in.str("user_data")))
	}
	if _, err := base64.StdEncoding.DecodeString(in.str("user_data")); err != nil {
		return badField("user_data", in["user_data"], fmt.Sprintf("'%s' is not a 'base64'", in.str("user_data")))
	}
	for _, tag := range in.strs("tags") {
		if err := checkTag(tag); err != nil {
			return err
		}
	}
	if len(in.strs("tags")) > serverTagsMax {
		return badField("tags", in["tags"], pythonNested(in["tags"])+" is too long")
	}
	if image := in.str("imageRef"); image != "" && !uuidForm.MatchString(image) {
		return badField("imageRef", image, fmt.Sprintf("'%s' is not valid under any of the given schemas", image))
	}
	for _, nic := range in.objs("networks") {
		_, err := netip.ParseAddr(nic.str("fixed_ip"))
		if nic.has("uuid") && !uuidForm.MatchString(nic.str("uuid")) || nic.has("port") && !uuidForm.MatchString(nic.str("port")) || nic.has("fixed_ip") && err != nil {
			return badField("networks", in["networks"], pythonNested(in["networks"])+" is not valid under any of the given schemas")
		}
	}
	return checkMetadata(in.obj("metadata"))
}

func checkTag(tag string) error {
	switch {
	case !serverTag.MatchString(tag):
		return badField("0", tag, fmt.Sprintf("'%s' does not match '^[^,/]*$'", tag))
	case tag == "":
		return badField("0", tag, "'' is too short")
	case len(tag) > 60:
		return badField("0", tag, fmt.Sprintf("'%s' is too long", tag))
	}
	return nil
}

func checkMetadata(metadata object) error {
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		value, ok := metadata[key].(string)
		switch {
		case key == "" || len(key) > 255:
			return badField("metadata", metadata, fmt.Sprintf("'%s' does not match any of the regexes: '^[a-zA-Z0-9-_:. ]{1,255}$'", key))
		case !ok:
			return badField(key, metadata[key], pythonNested(metadata[key])+" is not of type 'string'")
		case len(value) > 255:
			return badField(key, value, fmt.Sprintf("'%s' is too long", value))
		}
	}
	if len(metadata) > 128 {
		return fail(http.StatusForbidden, "", "Maximum number of metadata items exceeds 128")
	}
	return nil
}

func (n *compute) createServer(c *call) (int, any, error) {
	var body object
	if err := c.decode(&body); err != nil {
		return 0, nil, err
	}
	in, err := c.input("server")
	if err != nil {
		return 0, nil, err
	}
	if err := n.checkServer(c, in); err != nil {
		return 0, nil, err
	}
	server, err := n.newServer(c, in, body.obj("os:scheduler_hints"))
	if err != nil {
		return 0, nil, err
	}
	count := max(1, in.num("min_count"), in.num("max_count"))
	flavor := server.obj("_flavor")
	if err := n.room(c.project(), computeQuota{Instances: count, Cores: count * flavor.num("vcpus"), RAM: count * flavor.num("ram")}); err != nil {
		return 0, nil, err
	}
	for i := 1; i < count; i++ {
		twin := server.copy()
		twin["name"] = fmt.Sprintf("%s-%d", in.str("name"), i+1)
		twin["hostname"] = hostname(twin.str("name"))
		n.build(n.sim.add(&n.Servers, twin))
	}
	if count > 1 {
		server["name"] = in.str("name") + "-1"
		server["hostname"] = hostname(server.str("name"))
	}
	n.sim.add(&n.Servers, server)
	for _, device := range server.objs("_volumes") {
		if given, ok := n.sim.volume.Volumes.get(device.str("id")); ok {
			n.sim.volume.reserve(given, server.str("id"))
		}
	}
	n.build(server)
	id := server.str("id")
	c.header.Set("Location", c.url("/v2.1/servers/"+id))
	groups := []any{object{"name": "default"}}
	if asked := in.objs("security_groups"); len(asked) > 0 {
		groups = nil
		for _, group := range asked {
			groups = append(groups, object{"name": group["name"]})
		}
	}
	return http.StatusAccepted, object{"server": object{
		"id": id, "links": c.links("/v2.1/servers/"+id, "/servers/"+id), "OS-DCF:diskConfig": "MANUAL",
		"security_groups": groups, "adminPass": newHex()[:12],
	}}, nil
}

// newServer is a server as it is asked for, once everything that it refers to was found.
func (n *compute) newServer(c *call, in, hints object) (object, error) {
	flavor, ok := n.Flavors.get(in.str("flavorRef"))
	if !ok {
		return nil, badRequest("Flavor %s could not be found.", in.str("flavorRef"))
	}
	volumes, backed, err := n.serverVolumes(in)
	if err != nil {
		return nil, err
	}
	image := in.str("imageRef")
	switch _, known := n.sim.image.Images.get(image); {
	case image == "" && len(volumes) == 0:
		return nil, badRequest("Missing imageRef attribute")
	case image != "" && !known:
		return nil, badRequest("Can not find requested image")
	case image != "" && !backed && flavor.num("disk") == 0:
		return nil, fail(http.StatusForbidden, "", "Only volume-backed servers are allowed for flavors with zero disk.")
	case backed:
		image = ""
	}
	if key := in.str("key_name"); key != "" {
		if _, ok := n.KeyPairs.get(n.keyPairID(c, key)); !ok {
			return nil, badRequest("Invalid key_name provided.")
		}
	}
	if zone := in.str("availability_zone"); zone != "" && zone != computeZone {
		return nil, badRequest("The requested availability zone is not available")
	}
	group := hints.str("group")
	if found, ok := n.Groups.get(group); group != "" && (!ok || found.str("project_id") != c.project()) {
		return nil, badRequest("Instance group %s could not be found.", group)
	}
	groups, err := n.securityGroupIDs(c.project(), in.objs("security_groups"))
	if err != nil {
		return nil, err
	}
	nics, err := n.nics(c, in["networks"])
	if err != nil {
		return nil, err
	}
	metadata, tags := in.obj("metadata"), slices.Sorted(slices.Values(in.strs("tags")))
	if metadata == nil {
		metadata = object{}
	}
	return object{
		"name": in.str("name"), "description": in["description"], "metadata": metadata, "tags": slices.Compact(tags), "key_name": in["key_name"],
		"config_drive": text(in["config_drive"]) == "true" || text(in["config_drive"]) == "True", "created": now(), "updated": now(),
		"launched_at": nil, "hostname": hostname(in.str("name")), "accessIPv4": in.str("accessIPv4"), "accessIPv6": in.str("accessIPv6"),
		"project_id": c.project(), "user_id": c.token.User, "_vm": "building", "_task": "scheduling", "_image": image, "_flavor": flavor.copy(),
		"_user_data": in.str("user_data"), "_host": 0, "_group": group, "_nics": nics, "_security_groups": groups, "_volumes": volumes,
	}, nil
}

// hostname is the name of a server in the form that DNS allows.
func hostname(name string) string {
	name = regexp.MustCompile(`[ _]`).ReplaceAllString(name, "-")
	name = regexp.MustCompile(`[^a-zA-Z0-9.-]`).ReplaceAllString(name, "")
	return strings.ToLower(strings.Trim(name, ".-"))
}

// serverVolumes are the volumes that a server gets, from block_device_mapping_v2, and whether it boots from one of them.
func (n *compute) serverVolumes(in object) (volumes []any, backed bool, err error) {
	volumes = []any{}
	for _, device := range in.objs("block_device_mapping_v2") {
		boots := device.given("boot_index") && text(device["boot_index"]) == "0"
		source, id := device.str("source_type"), device.str("uuid")
		size := device.num("volume_size")
		if text, ok := device["volume_size"].(string); ok {
			_, _ = fmt.Sscan(text, &size)
		}
		volume := object{"device": device.str("device_name"), "delete_on_termination": device.flag("delete_on_termination"), "tag": device["tag"], "size": size, "type": device.str("volume_type"), "bdm_uuid": newUUID()}
		switch {
		case source == "image" && device.str("destination_type") != "volume":
			// The image itself on the local disk: the same as imageRef.
			continue
		case source == "image":
			if _, ok := n.sim.image.Images.get(id); !ok {
				return nil, false, badRequest("Block Device Mapping is Invalid: failed to get image %s.", id)
			}
			volume["image"] = id
		case source == "volume":
			found, ok := n.sim.volume.Volumes.get(id)
			if !ok {
				return nil, false, badRequest("Block Device Mapping is Invalid: failed to get volume %s.", id)
			}
			if boots && found.str("bootable") != "true" {
				return nil, false, badRequest("Block Device %s is not bootable.", id)
			}
			if err := attachable(found); err != nil {
				return nil, false, err
			}
			volume["id"] = id
		case source != "blank":
			return nil, false, badRequest("Block Device Mapping is Invalid: Unable to determine source type")
		}
		if source != "volume" && size == 0 {
			return nil, false, badRequest("Images with destination_type 'volume' need to have a non-zero size specified")
		}
		if kind := volume.str("type"); kind != "" {
			if _, ok := n.sim.volume.kindNamed(kind); !ok {
				return nil, false, badRequest("Volume type %s could not be found.", kind)
			}
		}
		volumes, backed = append(volumes, volume), backed || boots
	}
	if len(volumes) > 0 && !backed && in.str("imageRef") == "" {
		return nil, false, badRequest("Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is not valid.")
	}
	return volumes, backed, nil
}

func (n *compute) updateServer(c *call) (int, any, error) {
	server, err := n.server(c)
	if err != nil {
		return 0, nil, err
	}
	in, err := c.input("server")
	if err != nil {
		return 0, nil, err
	}
	if err := onlyFields("server", in, []string{"name", "description", "accessIPv4", "accessIPv6", "hostname", "OS-DCF:diskConfig"}); err != nil {
		return 0, nil, err
	}
	if in.given("name") && in.str("name") == "" {
		return 0, nil, badField("name", "", "'' is too short")
	}
	if len(in.str("name")) > 255 {
		return 0, nil, badField("name", in["name"], fmt.Sprintf("'%s' is too long", in.str("name")))
	}
	for _, key := range []string{"name", "description", "accessIPv4", "accessIPv6", "hostname"} {
		if in.given(key) {
			server[key] = in[key]
		}
	}
	server["updated"] = now()
	return http.StatusOK, object{"server": n.serverView(c, server)}, nil
}

func (n *compute) serverAddresses(c *call) (int, any, error) {
	server, err := n.server(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"addresses": n.addresses(server, false)}, nil
}

func (n *compute) serverMetadata(c *call) (int, any, error) {
	server, err := n.server(c)
	if err != nil {
		return 0, nil, err
	}
	if c.request.Method != http.MethodGet {
		if err := unlocked(c, server); err != nil {
			return 0, nil, err
		}
		in, err := c.input("metadata")
		if err != nil {
			return 0, nil, err
		}
		if err := checkMetadata(in); err != nil {
			return 0, nil, err
		}
		merged := object{}
		if c.request.Method == http.MethodPost {
			maps.Copy(merged, server.obj("metadata"))
		}
		maps.Copy(merged, in)
		server["metadata"], server["updated"] = merged, now()
	}
	return http.StatusOK, object{"metadata": server.obj("metadata")}, nil
}

func (n *compute) serverMetadataItem(c *call) (int, any, error) {
	server, err := n.server(c)
	if err != nil {
		return 0, nil, err
	}
	metadata, key := server.obj("metadata"), c.path("key")
	if c.request.Method == http.MethodPut {
		in, err := c.input("meta")
		if err != nil {
			return 0, nil, err
		}
		if err := checkMetadata(in); err != nil {
			return 0, nil, err
		}
		if !in.given(key) {
			return 0, nil, badRequest("Request body and URI mismatch")
		}
		if err := unlocked(c, server); err != nil {
			return 0, nil, err
		}
		metadata[key] = in[key]
	}
	if !metadata.given(key) {
		return 0, nil, fail(http.StatusNotFound, "", "Metadata item was not found")
	}
	if c.request.Method == http.MethodDelete {
		if err := unlocked(c, server); err != nil {
			return 0, nil, err
		}
		delete(metadata, key)
		return http.StatusNoContent, nil, nil
	}
	return http.StatusOK, object{"meta": object{key: metadata[key]}}, nil
}

// tagged is the server of a call to the tags, which older microversions do not have.
func (n *compute) tagged(c *call) (object, error) {
	if n.minor(c) < microversionTags {
		return nil, fail(http.StatusNotFound, "", "The resource could not be found.")
	}
	return n.server(c)
}

func (n *compute) serverTags(c *call) (int, any, error) {
	server, err := n.tagged(c)
	if err != nil {
		return 0, nil, err
	}
	switch c.request.Method {
	case http.MethodDelete:
		server["tags"] = []string{}
		return http.StatusNoContent, nil, nil
	case http.MethodPut:
		var in object
		if err := c.decode(&in); err != nil {
			return 0, nil, err
		}
		tags := slices.Sorted(slices.Values(in.strs("tags")))
		for _, tag := range tags {
			if err := checkTag(tag); err != nil {
				return 0, nil, err
			}
		}
		if len(tags) > serverTagsMax {
			return 0, nil, badField("tags", in["tags"], pythonNested(in["tags"])+" is too long")
		}
		server["tags"] = slices.Compact(tags)
	}
	return http.StatusOK, object{"tags": server.strs("tags")}, nil
}

func (n *compute) serverTag(c *call) (int, any, error) {
	server, err := n.tagged(c)
	if err != nil {
		return 0, nil, err
	}
	tags, tag := server.strs("tags"), c.path("tag")
	has := slices.Contains(tags, tag)
	if c.request.Method == http.MethodPut {
		if err := checkTag(tag); err != nil {
			return 0, nil, err
		}
		if has {
			return http.StatusNoContent, nil, nil
		}
		server["tags"] = slices.Sorted(slices.Values(append(slices.Clone(tags), tag)))
		c.header.Set("Location", c.url("/v2.1/servers/"+server.str("id")+"/tags/"+tag))
		return http.StatusCreated, nil, nil
	}
	if !has {
		return 0, nil, fail(http.StatusNotFound, "", "Instance %s has no tag '%s'", server.str("id"), tag)
	}
	if c.request.Method == http.MethodDelete {
		server["tags"] = slices.DeleteFunc(slices.Clone(tags), func(t string) bool { return t == tag })
	}
	return http.StatusNoContent, nil, nil
}
