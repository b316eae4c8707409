package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// nics checks the networks that a new server is asked to have.
func (n *compute) nics(c *call, asked any) ([]any, error) {
	net := n.sim.network
	switch asked {
	case "none":
		return []any{}, nil
	case "auto", nil:
		own := net.Networks.where(func(o object) bool { return o.str("project_id") == c.project() && !o.flag("router:external") })
		if len(own) > 1 {
			return nil, fail(http.StatusConflict, "", "Multiple possible networks found, use a Network ID to be more specific.")
		}
		if len(own) == 0 {
			return []any{}, nil
		}
		return []any{object{"network": own[0].str("id"), "made": true}}, nil
	}
	nics := []any{}
	for _, in := range asObjects(asked) {
		if id := in.str("port"); id != "" {
			port, ok := net.Ports.get(id)
			if !ok || !c.owns(port) {
				return nil, badRequest("Port id %s could not be found.", id)
			}
			if port.str("device_id") != "" {
				return nil, fail(http.StatusConflict, "", "Port %s is still in use.", id)
			}
			if len(port.objs("fixed_ips")) == 0 {
				return nil, badRequest("Port %s requires a FixedIP in order to be used.", id)
			}
			nics = append(nics, object{"network": port.str("network_id"), "port": id, "made": false})
			continue
		}
		id := in.str("uuid")
		network, ok := net.Networks.get(id)
		if !ok || !net.networkResource().visible(c, network) {
			return nil, badRequest("Network %s could not be found.", id)
		}
		if len(net.Subnets.where(func(o object) bool { return o.str("network_id") == id })) == 0 {
			return nil, badRequest("Network %s requires a subnet in order to boot instances on.", id)
		}
		if network.flag("router:external") && !c.owns(network) {
			return nil, fail(http.StatusForbidden, "", "It is not allowed to create an interface on external network %s", id)
		}
		nics = append(nics, object{"network": id, "fixed_ip": in.str("fixed_ip"), "made": true})
	}
	return nics, nil
}

// securityGroupIDs are the ids of security groups that are named by name or id.
func (n *compute) securityGroupIDs(project string, asked []object) ([]string, error) {
	ids := []string{}
	for _, in := range asked {
		name := in.str("name")
		found := n.sim.network.Groups.where(func(o object) bool {
			return o.str("project_id") == project && (o.str("id") == name || o.str("name") == name)
		})
		switch {
		case len(found) == 0:
			return nil, badRequest("Unable to find security_group with name or id '%s'", name)
		case len(found) > 1:
			return nil, fail(http.StatusConflict, "", "Multiple security_groups found matching '%s'. Use an ID to be more specific.", name)
		}
		ids = append(ids, found[0].str("id"))
	}
	return ids, nil
}

// connect makes the ports that are missing and binds all.
func (n *compute) connect(server object) error {
	for _, nic := range server.objs("_nics") {
		if err := n.connectOne(server, nic); err != nil {
			return err
		}
	}
	return nil
}

func (n *compute) connectOne(server, nic object) error {
	net := n.sim.network
	if nic.str("port") == "" {
		in := object{"network_id": nic.str("network")}
		if ip := nic.str("fixed_ip"); ip != "" {
			in["fixed_ips"] = []any{object{"ip_address": ip}}
		}
		if groups := server.strs("_security_groups"); len(groups) > 0 {
			in["security_groups"] = groups
		}
		port, err := net.createPort(server.str("project_id"), in)
		if err != nil {
			if ip := nic.str("fixed_ip"); ip != "" {
				return badRequest("Invalid input received: Fixed IP %s is not a valid ip address for network %s.", ip, nic.str("network"))
			}
			return err
		}
		nic["port"] = port.str("id")
	}
	port, ok := net.Ports.get(nic.str("port"))
	if !ok {
		return badRequest("Port id %s could not be found.", nic.str("port"))
	}
	if used := port.str("device_id"); used != "" {
		return fail(http.StatusConflict, "", "Port %s is still in use.", port.str("id"))
	}
	port["dns_name"] = server.str("hostname")
	net.bindPort(port.str("id"), server.str("id"), "compute:"+computeZone, fmt.Sprintf("host-%d", server.num("_host")))
	return nil
}

// disconnect deletes the ports that Nova made for a server and frees the others.
func (n *compute) disconnect(server object) {
	for _, nic := range server.objs("_nics") {
		n.disconnectOne(server, nic)
	}
}

func (n *compute) disconnectOne(server, nic object) {
	net := n.sim.network
	port, ok := net.Ports.get(nic.str("port"))
	if !ok || port.str("device_id") != server.str("id") {
		return
	}
	if nic.flag("made") {
		net.deletePort(port.str("id"))
		return
	}
	port["dns_name"] = ""
	net.unbindPort(port.str("id"))
}

// ports are the ports of a server in the order in which it got them.
func (n *compute) ports(server object) []object {
	ports := []object{}
	for _, nic := range server.objs("_nics") {
		if port, ok := n.sim.network.Ports.get(nic.str("port")); ok && port.str("device_id") == server.str("id") {
			ports = append(ports, port)
		}
	}
	return ports
}

// addresses are the addresses of a server by the names of its networks.
func (n *compute) addresses(server object, extended bool) object {
	addresses := object{}
	for _, port := range n.ports(server) {
		network, _ := n.sim.network.Networks.get(port.str("network_id"))
		add := func(address, kind string) {
			version := 4
			if strings.Contains(address, ":") {
				version = 6
			}
			entry := object{"version": version, "addr": address}
			if extended {
				entry["OS-EXT-IPS:type"], entry["OS-EXT-IPS-MAC:mac_addr"] = kind, port["mac_address"]
			}
			list, _ := addresses[network.str("name")].([]any)
			addresses[network.str("name")] = append(list, entry)
		}
		for _, fixed := range port.objs("fixed_ips") {
			add(fixed.str("ip_address"), "fixed")
		}
		for _, floating := range n.sim.network.floatingIPsOf(port.str("id")) {
			add(floating.str("floating_ip_address"), "floating")
		}
	}
	return addresses
}

// securityGroupNames are the names of the groups of all ports, as a server shows them.
func (n *compute) securityGroupNames(server object) []any {
	names := []any{}
	for _, port := range n.ports(server) {
		for _, group := range n.sim.network.groupsOf(port) {
			names = append(names, object{"name": group.str("name")})
		}
	}
	return names
}

func (n *compute) serverSecurityGroups(c *call) (int, any, error) {
	server, err := n.server(c)
	if err != nil {
		return 0, nil, err
	}
	groups, seen := []any{}, []string{}
	for _, port := range n.ports(server) {
		for _, id := range port.strs("security_groups") {
			if slices.Contains(seen, id) {
				continue
			}
			seen = append(seen, id)
			group, _ := n.sim.network.Groups.get(id)
			groups = append(groups, object{
				"id": id, "name": group.str("name"), "description": group.str("description"), "tenant_id": group.str("project_id"), "rules": []any{},
			})
		}
	}
	return http.StatusOK, object{"security_groups": groups}, nil
}

func (n *compute) addSecurityGroup(_ *call, server, in object) (int, any, error) {
	project := server.str("project_id")
	ids, err := n.securityGroupIDs(project, []object{in})
	if err != nil {
		return 0, nil, fail(http.StatusNotFound, "", "Security group %s is not found for project %s", in.str("name"), project)
	}
	for _, port := range n.ports(server) {
		if slices.Contains(port.strs("security_groups"), ids[0]) {
			return 0, nil, badRequest("Invalid input for security_groups. Reason: Duplicate items in the list: '%s'.", ids[0])
		}
	}
	for _, port := range n.ports(server) {
		port["security_groups"] = append(slices.Clone(port.strs("security_groups")), ids[0])
		touch(port)
	}
	return http.StatusAccepted, nil, nil
}

func (n *compute) removeSecurityGroup(_ *call, server, in object) (int, any, error) {
	project := server.str("project_id")
	ids, err := n.securityGroupIDs(project, []object{in})
	if err != nil {
		return 0, nil, fail(http.StatusNotFound, "", "Security group %s is not found for project %s", in.str("name"), project)
	}
	removed := false
	for _, port := range n.ports(server) {
		groups := port.strs("security_groups")
		if at := slices.Index(groups, ids[0]); at >= 0 {
			port["security_groups"] = slices.Delete(slices.Clone(groups), at, at+1)
			touch(port)
			removed = true
		}
	}
	if !removed {
		return 0, nil, fail(http.StatusNotFound, "", "Security group %s not associated with the instance %s", in.str("name"), server.str("id"))
	}
	return http.StatusAccepted, nil, nil
}

func interfaceView(port object) object {
	fixed := []any{}
	for _, ip := range port.objs("fixed_ips") {
		fixed = append(fixed, object{"subnet_id": ip["subnet_id"], "ip_address": ip["ip_address"]})
	}
	return object{
		"net_id": port["network_id"], "port_id": port["id"], "mac_addr": port["mac_address"], "port_state": port["status"],
		"fixed_ips": fixed, "tag": nil,
	}
}

func (n *compute) listInterfaces(c *call) (int, any, error) {
	server, err := n.server(c)
	if err != nil {
		return 0, nil, err
	}
	views := []any{}
	for _, port := range n.ports(server) {
		views = append(views, interfaceView(port))
	}
	return http.StatusOK, object{"interfaceAttachments": views}, nil
}

func (n *compute) getInterface(c *call) (int, any, error) {
	server, err := n.server(c)
	if err != nil {
		return 0, nil, err
	}
	for _, port := range n.ports(server) {
		if port.str("id") == c.path("port") {
			return http.StatusOK, object{"interfaceAttachment": interfaceView(port)}, nil
		}
	}
	return 0, nil, fail(http.StatusNotFound, "", "Port id %s could not be found.", c.path("port"))
}

func (n *compute) attachInterface(c *call) (int, any, error) {
	server, err := n.server(c)
	if err != nil {
		return 0, nil, err
	}
	in, err := c.input("interfaceAttachment")
	if err != nil {
		return 0, nil, err
	}
	if err := unlocked(c, server); err != nil {
		return 0, nil, err
	}
	if err := n.in(server, "attach_interface", "active", "stopped"); err != nil {
		return 0, nil, err
	}
	asked := object{}
	if in.has("port_id") {
		asked["port"] = in["port_id"]
	} else {
		asked["uuid"] = in["net_id"]
	}
	if ips := in.objs("fixed_ips"); len(ips) > 0 {
		asked["fixed_ip"] = ips[0]["ip_address"]
	}
	nics, err := n.nics(c, []any{asked})
	if err != nil {
		if asked.has("port") {
			if _, ok := n.sim.network.Ports.get(asked.str("port")); !ok {
				return 0, nil, fail(http.StatusNotFound, "", "Port id %s could not be found.", asked.str("port"))
			}
		}
		return 0, nil, err
	}
	nic, _ := asObject(nics[0])
	if err := n.connectOne(server, nic); err != nil {
		return 0, nil, err
	}
	server["_nics"] = append(anyList(server["_nics"]), nic)
	server["updated"] = now()
	port, _ := n.sim.network.Ports.get(nic.str("port"))
	return http.StatusOK, object{"interfaceAttachment": interfaceView(port)}, nil
}

// anyList is a list as it is after a round trip through JSON.
func anyList(value any) []any {
	list, _ := value.([]any)
	return list
}

func (n *compute) detachInterface(c *call) (int, any, error) {
	server, err := n.server(c)
	if err != nil {
		return 0, nil, err
	}
	if err := unlocked(c, server); err != nil {
		return 0, nil, err
	}
	if err := n.in(server, "detach_interface", "active", "stopped"); err != nil {
		return 0, nil, err
	}
	id, port := server.str("id"), c.path("port")
	n.sim.after(n.sim.options.Times.ServerAction/2, func() {
		server, ok := n.Servers.get(id)
		if !ok {
			return
		}
		server["_nics"] = slices.DeleteFunc(anyList(server["_nics"]), func(item any) bool {
			nic, _ := asObject(item)
			if nic.str("port") != port {
				return false
			}
			n.disconnectOne(server, nic)
			return true
		})
	})
	return http.StatusAccepted, nil, nil
}

func (n *compute) attachmentView(c *call, server, device object) object {
	minor := n.minor(c)
	view := object{"volumeId": device["id"], "serverId": server["id"], "device": device["device"]}
	if minor < 89 {
		view["id"] = device["id"]
	}
	if minor >= 70 {
		view["tag"] = device["tag"]
	}
	if minor >= 79 {
		view["delete_on_termination"] = device.flag("delete_on_termination")
	}
	if minor >= 89 {
		view["attachment_id"], view["bdm_uuid"] = device["attachment_id"], device["bdm_uuid"]
	}
	return view
}

func (n *compute) listAttachments(c *call) (int, any, error) {
	server, err := n.server(c)
	if err != nil {
		return 0, nil, err
	}
	views := []any{}
	for _, device := range server.objs("_volumes") {
		views = append(views, n.attachmentView(c, server, device))
	}
	return http.StatusOK, object{"volumeAttachments": views}, nil
}

// attached is a volume of a server.
func (n *compute) attached(server object, id string) (object, error) {
	for _, device := range server.objs("_volumes") {
		if device.str("id") == id {
			return device, nil
		}
	}
	return nil, fail(http.StatusNotFound, "", "Instance %s is not attached to volume %s", server.str("id"), id)
}

func (n *compute) getAttachment(c *call) (int, any, error) {
	server, err := n.server(c)
	if err != nil {
		return 0, nil, err
	}
	device, err := n.attached(server, c.path("volume"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"volumeAttachment": n.attachmentView(c, server, device)}, nil
}

// deviceName is the name of the next disk of a server: Nova keeps the letter that was asked for.
func (n *compute) deviceName(server object, asked string) string {
	taken := func(name string) bool {
		return slices.ContainsFunc(server.objs("_volumes"), func(d object) bool { return d.str("device") == name })
	}
	letter := byte('a')
	if server.str("_image") != "" {
		letter = 'b' // the first one is the local disk
	}
	if asked != "" {
		letter = asked[len(asked)-1]
	}
	name := fmt.Sprintf("/dev/sd%c", letter)
	for ; taken(name); letter++ {
		name = fmt.Sprintf("/dev/sd%c", letter+1)
	}
	return name
}

func (n *compute) attachVolume(c *call) (int, any, error) {
	server, err := n.server(c)
	if err != nil {
		return 0, nil, err
	}
	in, err := c.input("volumeAttachment")
	if err != nil {
		return 0, nil, err
	}
	id := in.str("volumeId")
	volume, ok := n.sim.volume.Volumes.get(id)
	if !ok || !n.sim.volume.visible(c, volume) {
		return 0, nil, fail(http.StatusNotFound, "", "Volume %s could not be found.", id)
	}
	if err := unlocked(c, server); err != nil {
		return 0, nil, err
	}
	if err := n.in(server, "attach_volume", "active", "stopped"); err != nil {
		return 0, nil, err
	}
	users := volume.strs("_users")
	switch {
	case len(users) > 0 && !volume.flag("multiattach"):
		return 0, nil, badRequest("Invalid volume: volume %s is already attached to instances: %s", id, strings.Join(users, " "))
	case slices.Contains(users, server.str("id")):
		return 0, nil, badRequest("Invalid volume: volume %s already attached", id)
	}
	if err := attachable(volume); err != nil {
		return 0, nil, err
	}
	device := object{
		"id": id, "device": n.deviceName(server, in.str("device")), "tag": in["tag"],
		"delete_on_termination": in.flag("delete_on_termination"), "bdm_uuid": newUUID(),
	}
	n.sim.volume.reserve(volume, server.str("id"))
	server["_volumes"] = append(anyList(server["_volumes"]), device)
	serverID := server.str("id")
	n.sim.after(n.sim.options.Times.ServerAction/4, func() {
		if volume, ok := n.sim.volume.Volumes.get(id); ok && slices.Contains(volume.strs("_users"), serverID) {
			device["attachment_id"] = n.sim.volume.attach(volume, serverID, device.str("device"))
		}
	})
	view := n.attachmentView(c, server, device)
	delete(view, "attachment_id")
	delete(view, "bdm_uuid")
	view["id"] = id
	return http.StatusOK, object{"volumeAttachment": view}, nil
}

// attachable refuses a volume that Cinder gives to no server now.
func attachable(volume object) error {
	status, allowed := volume.str("status"), []string{"available", "downloading"}
	if volume.flag("multiattach") {
		allowed = []string{"available", "in-use", "downloading"}
	}
	if slices.Contains(allowed, status) {
		return nil
	}
	return badRequest("Invalid volume: Invalid input received: Invalid volume: Volume %s status must be %s to reserve, but the current status is %s. "+
		"(HTTP 400) (Request-ID: req-%s)", volume.str("id"), strings.Join(allowed, " or "), status, newUUID())
}

// updateAttachment changes whether a volume goes with its server, the only thing that users may change there.
func (n *compute) updateAttachment(c *call) (int, any, error) {
	server, err := n.server(c)
	if err != nil {
		return 0, nil, err
	}
	in, err := c.input("volumeAttachment")
	if err != nil {
		return 0, nil, err
	}
	device, err := n.attached(server, c.path("volume"))
	if err != nil {
		return 0, nil, err
	}
	if n.minor(c) < microversionAttachment {
		return 0, nil, fail(http.StatusForbidden, "", "Policy doesn't allow os_compute_api:os-volumes-attachments:swap to be performed.")
	}
	if in.given("delete_on_termination") {
		device["delete_on_termination"] = in.flag("delete_on_termination")
	}
	return http.StatusAccepted, nil, nil
}

func (n *compute) detachVolume(c *call) (int, any, error) {
	server, err := n.server(c)
	if err != nil {
		return 0, nil, err
	}
	id := c.path("volume")
	if _, err := n.attached(server, id); err != nil {
		return 0, nil, err
	}
	if err := unlocked(c, server); err != nil {
		return 0, nil, err
	}
	if err := n.in(server, "detach_volume", "active", "stopped"); err != nil {
		return 0, nil, err
	}
	if device := server.objs("_volumes")[0]; server.str("_image") == "" && device.str("id") == id {
		return 0, nil, badRequest("Cannot detach a root device volume")
	}
	volume, _ := n.sim.volume.Volumes.get(id)
	if volume.str("status") != "in-use" { // another server takes it or lets go of it
		return 0, nil, badRequest("Invalid volume: Invalid input received: Invalid volume: Unable to detach volume. Volume status must be 'in-use' "+
			"and attach_status must be 'attached' to detach. (HTTP 400) (Request-ID: req-%s)", newUUID())
	}
	volume["status"] = "detaching"
	serverID := server.str("id")
	n.sim.after(n.sim.options.Times.ServerAction/4, func() {
		n.sim.volume.detach(id, serverID)
		if server, ok := n.Servers.get(serverID); ok {
			server["_volumes"] = slices.DeleteFunc(anyList(server["_volumes"]), func(item any) bool {
				device, _ := asObject(item)
				return device.str("id") == id
			})
		}
	})
	return http.StatusAccepted, nil, nil
}
