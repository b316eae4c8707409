package simulator

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

func (n *network) routerResource() *resource {
	return &resource{
		singular: "router", collection: "routers", table: &n.Routers, quota: "router",
		findsMarker: true, sortKeys: []string{"admin_state_up", "flavor_id", "name", "status"},
		attributes: common(map[string]attribute{
			"name": changeable("", textUpTo(255)), "admin_state_up": changeable(true, boolean), "external_gateway_info": changeable(nil, gatewayInfo),
			"routes": {update: true, check: hostRoutes}, "availability_zone_hints": fixedAt([]any{}, anything), "flavor_id": fixedAt(nil, anything),
			"distributed": byAdmin(changeable(false, boolean)), "ha": byAdmin(changeable(false, boolean)),
			"status": readOnly, "availability_zones": readOnly, "conntrack_helpers": readOnly,
		}),
		unfiltered: []string{"external_gateway_info", "routes", "availability_zone_hints", "flavor_id", "distributed", "ha", "status", "availability_zones", "conntrack_helpers"},
		missing: func(id string) *fault {
			return fail(http.StatusNotFound, "RouterNotFound", "Router %s could not be found", id)
		},
		create: n.createRouter, update: n.updateRouter, remove: n.removeRouter, view: n.routerView,
	}
}

func gatewayInfo(name string, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	info, ok := asObject(value)
	if !ok {
		return nil, invalid(name, "'"+pythonText(value)+"' is not a dictionary.")
	}
	if len(info) == 0 {
		return nil, nil
	}
	if _, err := uuid("external_gateway_info", info["network_id"]); err != nil {
		return nil, err
	}
	if info.has("external_fixed_ips") {
		if _, err := fixedAddresses(name, info["external_fixed_ips"]); err != nil {
			return nil, err
		}
	}
	if info.has("enable_snat") {
		snat, err := boolean(name, info["enable_snat"])
		if err != nil {
			return nil, err
		}
		info["enable_snat"] = snat
	}
	return map[string]any(info), nil
}

func (n *network) routerView(c *call, o object) object {
	view := object{}
	set(view, o)
	if c != nil && !c.admin() {
		delete(view, "distributed")
		delete(view, "ha")
	}
	view["external_gateway_info"] = nil
	if gateway, ok := n.Ports.get(o.str("_gateway")); ok {
		view["external_gateway_info"] = map[string]any{
			"network_id": gateway["network_id"], "external_fixed_ips": gateway["fixed_ips"], "enable_snat": o.flag("_snat"),
		}
	}
	return view
}

// gatewayAllowed refuses the parts of a gateway that only administrators choose.
func gatewayAllowed(c *call, info object, verb string) error {
	if c == nil || c.admin() {
		return nil
	}
	rule := "rule:" + verb + "_router"
	parts := []string{rule + ":external_gateway_info:network_id"}
	for _, key := range []string{"enable_snat", "external_fixed_ips"} {
		if info.given(key) {
			parts = append(parts, rule+":external_gateway_info:"+key)
		}
	}
	if len(parts) == 1 {
		return nil
	}
	return disallowed("(" + rule + " and (" + rule + ":external_gateway_info and (" + strings.Join(parts, " and ") + ")))")
}

func (n *network) createRouter(c *call, in object) (object, error) {
	info := in.obj("external_gateway_info")
	if err := gatewayAllowed(c, info, "create"); err != nil {
		return nil, err
	}
	for _, zone := range in.strs("availability_zone_hints") {
		if zone != "nova" {
			return nil, fail(http.StatusNotFound, "AvailabilityZoneNotFound", "AvailabilityZone %s could not be found.", zone)
		}
	}
	delete(in, "external_gateway_info")
	in["status"], in["availability_zones"], in["routes"], in["conntrack_helpers"] = "ACTIVE", []any{}, []any{}, []any{}
	router := n.store(&n.Routers, in, 1)
	if info != nil {
		if err := n.setGateway(router, info); err != nil {
			delete(n.Routers, router.str("id"))
			return nil, err
		}
		router["revision_number"] = 3
	}
	return router, nil
}

// setGateway connects a router to an external network, or disconnects it when info is nil.
func (n *network) setGateway(router, info object) error {
	old, had := n.Ports.get(router.str("_gateway"))
	if had && info != nil && info.str("network_id") == old.str("network_id") && !info.has("external_fixed_ips") {
		router["_snat"] = !info.has("enable_snat") || info.flag("enable_snat") // what is not sent goes back to the default
		return nil
	}
	if had && (info == nil || info.str("network_id") != old.str("network_id")) {
		if _, used := n.FloatingIPs.find("router_id", router.str("id")); used {
			return fail(http.StatusConflict, "RouterExternalGatewayInUseByFloatingIp",
				"Gateway cannot be updated for router %s, since a gateway to external network %s is required by one or more floating IPs.",
				router.str("id"), old.str("network_id"))
		}
	}
	if info == nil {
		n.deletePort(router.str("_gateway"))
		delete(router, "_gateway")
		return nil
	}
	network, ok := n.Networks.get(info.str("network_id"))
	if !ok {
		return fail(http.StatusNotFound, "NetworkNotFound", "Network %s could not be found.", info.str("network_id"))
	}
	if !network.flag("router:external") {
		return fail(http.StatusBadRequest, "BadRequest", "Bad router request: Network %s is not an external network.", network.str("id"))
	}
	in := object{"network_id": network.str("id"), "device_id": router.str("id"), "device_owner": "network:router_gateway"}
	if info.has("external_fixed_ips") {
		in["fixed_ips"] = info["external_fixed_ips"]
	}
	if had {
		delete(n.Ports, old.str("id"))
	}
	gateway, err := n.createPort("", in)
	if err != nil {
		if had {
			n.Ports[old.str("id")] = old
		}
		return err
	}
	router["_gateway"], router["_snat"] = gateway.str("id"), !info.has("enable_snat") || info.flag("enable_snat")
	n.scheduleRouter(router)
	n.bindPort(gateway.str("id"), router.str("id"), "network:router_gateway", "network-host")
	return nil
}

// scheduleRouter gives a router its zone, which the real service does a moment after the first connection.
func (n *network) scheduleRouter(router object) {
	id := router.str("id")
	n.sim.after(n.portTime(), func() {
		if router, ok := n.Routers.get(id); ok {
			router["availability_zones"] = []any{"nova"}
		}
	})
}

func (n *network) updateRouter(c *call, o, in object) error {
	for key, words := range map[string]string{"distributed": "the 'distributed' attribute", "ha": "HA attribute"} {
		if in.given(key) && in.flag(key) != o.flag(key) && o.flag("admin_state_up") {
			return badRouter("Cannot change %s of active routers. Please set router admin_state_up to False prior to upgrade.", words)
		}
	}
	if in.given("external_gateway_info") {
		info := in.obj("external_gateway_info")
		if err := gatewayAllowed(c, info, "update"); err != nil {
			return err
		}
		if err := n.setGateway(o, info); err != nil {
			return err
		}
		delete(in, "external_gateway_info")
	}
	if in.given("routes") {
		if err := n.checkRoutes(o, in.objs("routes")); err != nil {
			return err
		}
	}
	set(o, in)
	return nil
}

// interfaces are the ports by which a router is on its subnets.
func (n *network) interfaces(router object) []object {
	return n.Ports.where(func(p object) bool {
		return p.str("device_id") == router.str("id") && p.str("device_owner") == "network:router_interface"
	})
}

// routerSubnets are the subnets that a router has an interface on.
func (n *network) routerSubnets(router object) []object {
	subnets := []object{}
	for _, port := range n.interfaces(router) {
		for _, fixed := range port.objs("fixed_ips") {
			if subnet, ok := n.Subnets.get(fixed.str("subnet_id")); ok {
				subnets = append(subnets, subnet)
			}
		}
	}
	return subnets
}

func (n *network) checkRoutes(router object, routes []object) error {
	ports := n.interfaces(router)
	if gateway, ok := n.Ports.get(router.str("_gateway")); ok {
		ports = append(ports, gateway)
	}
	var prefixes []netip.Prefix
	own := map[string]bool{}
	for _, port := range ports {
		for _, fixed := range port.objs("fixed_ips") {
			own[fixed.str("ip_address")] = true
			prefixes = append(prefixes, netip.MustParsePrefix(n.Subnets[fixed.str("subnet_id")].str("cidr")))
		}
	}
	for _, route := range routes {
		hop := netip.MustParseAddr(route.str("nexthop"))
		shown := "[{'destination': '" + route.str("destination") + "', 'nexthop': '" + route.str("nexthop") + "'}]"
		if !slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(hop) }) {
			return fail(http.StatusBadRequest, "InvalidRoutes", "Invalid format for routes: %s, the nexthop is not connected with router", shown)
		}
		if own[hop.String()] {
			return fail(http.StatusBadRequest, "InvalidRoutes", "Invalid format for routes: %s, the nexthop is used by router", shown)
		}
	}
	return nil
}

func (n *network) removeRouter(_ *call, o object) error {
	var attached []string
	for _, port := range n.interfaces(o) {
		attached = append(attached, port.str("id"))
	}
	if len(attached) > 0 {
		return fail(http.StatusConflict, "RouterInUse", "Router %s has ports still attached: %s", o.str("id"), strings.Join(attached, ", "))
	}
	if o.has("_gateway") {
		n.deletePort(o.str("_gateway"))
	}
	delete(n.Routers, o.str("id"))
	return nil
}

func badRouter(message string, args ...any) *fault {
	return fail(http.StatusBadRequest, "BadRequest", "Bad router request: "+message, args...)
}

// routerAction answers PUT below a router.
func (n *network) routerAction(c *call) (int, any, error) {
	actions := map[string]func(c *call, router, in object) (any, error){
		"add_router_interface":    n.addInterface,
		"remove_router_interface": n.removeInterface,
		"add_extraroutes":         n.addRoutes,
		"remove_extraroutes":      n.removeRoutes,
	}
	action, ok := actions[c.path("action")]
	if !ok {
		return 0, nil, fail(http.StatusNotFound, "HTTPNotFound", "The resource could not be found.")
	}
	router, err := n.routerResource().change(c, c.path("id"), "update")
	if err != nil {
		return 0, nil, err
	}
	var in object
	if err := c.decode(&in); err != nil && len(c.body) > 0 {
		return 0, nil, malformedBody()
	}
	out, err := action(c, router, in)
	if err != nil {
		return 0, nil, err
	}
	touch(router)
	return http.StatusOK, out, nil
}

// interfaceTarget reads the subnet_id or port_id of an interface request.
func (n *network) interfaceTarget(c *call, in object) (subnet, port object, err error) {
	if !in.has("subnet_id") && !in.has("port_id") {
		return nil, nil, badRouter("Either subnet_id or port_id must be specified.")
	}
	for _, key := range []string{"port_id", "subnet_id"} {
		if id := pythonText(in[key]); in.has(key) && !networkUUID.MatchString(id) {
			return nil, nil, badRouter("'%s' is not a valid UUID.", id)
		}
	}
	if in.has("port_id") {
		if port, err = n.portResource().find(c, in.str("port_id")); err != nil {
			return nil, nil, err
		}
	}
	if in.has("subnet_id") {
		if subnet, err = n.subnetResource().find(c, in.str("subnet_id")); err != nil {
			return nil, nil, err
		}
	}
	return subnet, port, nil
}

func (n *network) addInterface(c *call, router, in object) (any, error) {
	if in.has("subnet_id") && in.has("port_id") {
		return nil, badRouter("Cannot specify both subnet-id and port-id.")
	}
	subnet, port, err := n.interfaceTarget(c, in)
	if err != nil {
		return nil, err
	}
	subnets := []object{subnet}
	if port != nil {
		if subnets, err = n.portSubnets(port, router); err != nil {
			return nil, err
		}
	}
	for _, subnet := range subnets {
		if err := n.checkInterface(router, subnet); err != nil {
			return nil, err
		}
	}
	if port == nil {
		if !subnet.has("gateway_ip") {
			return nil, badRouter("Subnet for router interface must have a gateway IP.")
		}
		port, err = n.createPort(router.str("project_id"), object{
			"network_id": subnet.str("network_id"), "device_id": router.str("id"), "device_owner": "network:router_interface",
			"fixed_ips": []any{map[string]any{"subnet_id": subnet.str("id"), "ip_address": subnet.str("gateway_ip")}},
		})
		if err != nil {
			return nil, err
		}
	}
	n.scheduleRouter(router)
	n.bindPort(port.str("id"), router.str("id"), "network:router_interface", "network-host")
	return interfaceBody(router, port, subnets), nil
}

// portSubnets are the subnets of a port that shall become an interface.
func (n *network) portSubnets(port, router object) ([]object, error) {
	if port.str("device_id") != "" && port.str("device_id") != router.str("id") {
		return nil, fail(http.StatusConflict, "PortInUse", "Unable to complete operation on port %s for network %s. Port already has an attached device %s.",
			port.str("id"), port.str("network_id"), port.str("device_id"))
	}
	subnets := []object{}
	four := 0
	for _, fixed := range port.objs("fixed_ips") {
		subnet := n.Subnets[fixed.str("subnet_id")]
		if subnet.num("ip_version") == 4 {
			four++
		}
		subnets = append(subnets, subnet)
	}
	if len(subnets) == 0 {
		return nil, badRouter("Router port must have at least one fixed IP.")
	}
	for _, subnet := range subnets {
		if slices.ContainsFunc(n.routerSubnets(router), func(s object) bool { return s.str("id") == subnet.str("id") }) {
			return nil, badRouter("Router already has a port on subnet %s.", subnet.str("id"))
		}
	}
	if four > 1 {
		return nil, badRouter("Cannot have multiple IPv4 subnets on router port.")
	}
	return subnets, nil
}

// checkInterface refuses a subnet that the router is on already or whose addresses it has elsewhere.
func (n *network) checkInterface(router, subnet object) error {
	prefix := netip.MustParsePrefix(subnet.str("cidr"))
	for _, other := range n.routerSubnets(router) {
		if other.str("id") == subnet.str("id") {
			return badRouter("Router already has a port on subnet %s.", subnet.str("id"))
		}
		if netip.MustParsePrefix(other.str("cidr")).Overlaps(prefix) {
			return badRouter("Cidr %s of subnet %s overlaps with cidr %s of subnet %s.", prefix, subnet.str("id"), other.str("cidr"), other.str("id"))
		}
	}
	return nil
}

func interfaceBody(router, port object, subnets []object) any {
	ids := []any{}
	for _, subnet := range subnets {
		ids = append(ids, subnet.str("id"))
	}
	return map[string]any{
		"id": router.str("id"), "tenant_id": router.str("project_id"), "port_id": port.str("id"), "network_id": port.str("network_id"),
		"subnet_id": ids[len(ids)-1], "subnet_ids": ids,
	}
}

func (n *network) removeInterface(c *call, router, in object) (any, error) {
	subnet, port, err := n.interfaceTarget(c, in)
	if err != nil {
		return nil, err
	}
	var found object
	for _, candidate := range n.interfaces(router) {
		onSubnet := subnet == nil || slices.ContainsFunc(candidate.objs("fixed_ips"), func(f object) bool { return f.str("subnet_id") == subnet.str("id") })
		if onSubnet && (port == nil || candidate.str("id") == port.str("id")) {
			found = candidate
		}
	}
	if found == nil && port != nil {
		return nil, fail(http.StatusNotFound, "RouterInterfaceNotFound", "Router %s does not have an interface with id %s", router.str("id"), port.str("id"))
	}
	if found == nil {
		return nil, fail(http.StatusNotFound, "RouterInterfaceNotFoundForSubnet", "Router %s has no interface on subnet %s", router.str("id"), subnet.str("id"))
	}
	subnets := []object{}
	for _, fixed := range found.objs("fixed_ips") {
		subnet := n.Subnets[fixed.str("subnet_id")]
		if err := n.interfaceNeeded(router, subnet); err != nil {
			return nil, err
		}
		subnets = append(subnets, subnet)
	}
	body := interfaceBody(router, found, subnets)
	n.deletePort(found.str("id"))
	return body, nil
}

// interfaceNeeded refuses to take an interface away that routes or floating IPs go through.
func (n *network) interfaceNeeded(router, subnet object) error {
	prefix := netip.MustParsePrefix(subnet.str("cidr"))
	for _, f := range n.FloatingIPs.where(func(f object) bool { return f.str("router_id") == router.str("id") }) {
		if address, err := netip.ParseAddr(f.str("fixed_ip_address")); err == nil && prefix.Contains(address) {
			return fail(http.StatusConflict, "RouterInterfaceInUseByFloatingIP",
				"Router interface for subnet %s on router %s cannot be deleted, as it is required by one or more floating IPs.", subnet.str("id"), router.str("id"))
		}
	}
	for _, route := range router.objs("routes") {
		if prefix.Contains(netip.MustParseAddr(route.str("nexthop"))) {
			return fail(http.StatusConflict, "RouterInterfaceInUseByRoute",
				"Router interface for subnet %s on router %s cannot be deleted, as it is required by one or more routes.", subnet.str("id"), router.str("id"))
		}
	}
	return nil
}

func sameRoute(a object) func(object) bool {
	return func(b object) bool {
		return a.str("destination") == b.str("destination") && a.str("nexthop") == b.str("nexthop")
	}
}

// routesIn reads the routes of an extra routes request.
func routesIn(in object) ([]object, error) {
	routes := in.obj("router").objs("routes")
	if _, err := hostRoutes("routes", plain(routes)); err != nil {
		return nil, err
	}
	return routes, nil
}

func (n *network) addRoutes(c *call, router, in object) (any, error) {
	added, err := routesIn(in)
	if err != nil {
		return nil, err
	}
	routes := router.objs("routes")
	for _, route := range added {
		if !slices.ContainsFunc(routes, sameRoute(route)) {
			routes = append(routes, route)
		}
	}
	if err := n.checkRoutes(router, routes); err != nil {
		return nil, err
	}
	router["routes"] = plain(routes)
	return map[string]any{"router": n.routerView(c, router)}, nil
}

func (n *network) removeRoutes(c *call, router, in object) (any, error) {
	removed, err := routesIn(in)
	if err != nil {
		return nil, err
	}
	router["routes"] = plain(slices.DeleteFunc(router.objs("routes"), func(route object) bool {
		return slices.ContainsFunc(removed, sameRoute(route))
	}))
	return map[string]any{"router": n.routerView(c, router)}, nil
}
