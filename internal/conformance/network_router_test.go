package conformance

import (
	"net/http"
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// detach takes a subnet off a router when the test has ended, before the two are deleted.
func (a *api) detach(t *testing.T, router, subnet string) {
	t.Helper()
	t.Cleanup(func() { a.do(t, "PUT", "/routers/"+router+"/remove_router_interface", obj{"subnet_id": subnet}) })
}

func TestRouter(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	n := s.network(t)
	external := n.external(t)
	network := n.makeNetwork(t, "net")
	subnet := n.makeSubnet(t, network, "10.51.0.0/24")
	made := n.make(t, "/routers", "router", obj{"name": c.name("router"), "external_gateway_info": obj{"network_id": external}})
	id := made["id"].(string)
	whole := obj{
		"id": anUUID, "name": c.name("router"), "project_id": s.projectID, "tenant_id": s.projectID, "status": "ACTIVE", "admin_state_up": true,
		"description": "", "routes": list{}, "tags": list{}, "revision_number": aNumber, "created_at": aTimeZ, "updated_at": aTimeZ,
		"external_gateway_info": present,
	}
	t.Run("a router with a gateway has an address there and SNAT", func(t *testing.T) {
		is(t, "router", made, whole)
		is(t, "read again", n.get(t, "/routers/"+id).at("router"), whole)
		is(t, "gateway", made["external_gateway_info"], obj{"network_id": external, "enable_snat": true})
		is(t, "address", dig(made, "external_gateway_info", "external_fixed_ips", "0"), obj{"subnet_id": anUUID, "ip_address": someText})
	})
	t.Run("a router without a gateway has null", func(t *testing.T) {
		is(t, "router", n.make(t, "/routers", "router", obj{"name": c.name("bare")}), obj{"external_gateway_info": nil, "status": "ACTIVE"})
	})
	n.detach(t, id, subnet)
	t.Run("an interface takes the subnet's gateway address", func(t *testing.T) {
		a := n.want(t, http.StatusOK, "PUT", "/routers/"+id+"/add_router_interface", obj{"subnet_id": subnet})
		is(t, "answer", a.body, obj{
			"id": id, "subnet_id": subnet, "subnet_ids": list{subnet}, "port_id": anUUID, "network_id": network, "tenant_id": s.projectID,
		})
		port := n.get(t, "/ports/"+a.str(t, "port_id")).at("port")
		is(t, "port", port, obj{
			"device_id": id, "device_owner": "network:router_interface", "name": "", "security_groups": list{}, "fixed_ips": list{obj{"subnet_id": subnet, "ip_address": "10.51.0.1"}},
		})
		n.refuses(t, refusal{"the port cannot be deleted", "DELETE", "/ports/" + a.str(t, "port_id"), nil, 409, "ServicePortInUse", "cannot be deleted directly via the port API: has device owner network:router_interface."})

		n.refuses(t,
			refusal{"adding it again is 400", "PUT", "/routers/" + id + "/add_router_interface", obj{"subnet_id": subnet}, 400, "BadRequest", "Router already has a port on subnet " + subnet},
			refusal{"deleting the router is 409", "DELETE", "/routers/" + id, nil, 409, "RouterInUse", "Router " + id + " has ports still attached"},
			refusal{"deleting the subnet is 409", "DELETE", "/subnets/" + subnet, nil, 409, "SubnetInUse", "One or more ports have an IP allocation from this subnet."},
			refusal{"deleting the network is 409", "DELETE", "/networks/" + network, nil, 409, "NetworkInUse", "There are one or more ports still in use on the network"},
		)
	})
	other := n.makeNetwork(t, "other")
	loose := n.makeSubnet(t, other, "10.52.0.0/24")
	second := n.makeSubnet(t, other, "10.52.1.0/24")
	overlapping := n.makeSubnet(t, n.makeNetwork(t, "same"), "10.51.0.0/24")
	headless := n.make(t, "/subnets", "subnet", obj{"network_id": other, "ip_version": 4, "cidr": "10.53.0.0/24", "gateway_ip": nil})["id"].(string)
	put := func(name, action string, status int, kind, words string, in obj) refusal {
		return refusal{name, "PUT", "/routers/" + id + action, in, status, kind, words}
	}
	n.refuses(t,
		put("an unknown subnet is 404", "/add_router_interface", 404, "SubnetNotFound", nobody, obj{"subnet_id": nobody}),
		put("neither subnet nor port is 400", "/add_router_interface", 400, "BadRequest", "Either subnet_id or port_id must be specified", obj{}),
		put("a subnet that overlaps another of the router is 400", "/add_router_interface", 400, "BadRequest", "overlaps with cidr 10.51.0.0/24 of subnet", obj{"subnet_id": overlapping}),
		put("a subnet without gateway is 400", "/add_router_interface", 400, "BadRequest", "Subnet for router interface must have a gateway IP", obj{"subnet_id": headless}),
		put("removing what is not attached is 404", "/remove_router_interface", 404, "RouterInterfaceNotFoundForSubnet", "Router "+id+" has no interface on subnet "+loose, obj{"subnet_id": loose}),
		put("a route to an unreachable hop is 400", "", 400, "InvalidRoutes", "the nexthop is not connected with router", obj{"router": obj{"routes": list{obj{"destination": "10.97.0.0/16", "nexthop": "10.200.0.1"}}}}),
		put("a route over the router itself is 400", "", 400, "InvalidRoutes", "the nexthop is used by router", obj{"router": obj{"routes": list{obj{"destination": "10.97.0.0/16", "nexthop": "10.51.0.1"}}}}),
		put("a gateway on a network that is not external is 400", "", 400, "BadRequest", "Network "+network+" is not an external network", obj{"router": obj{"external_gateway_info": obj{"network_id": network}}}),
		put("an unknown gateway network is 404", "", 404, "NetworkNotFound", nobody, obj{"router": obj{"external_gateway_info": obj{"network_id": nobody}}}),
		put("SNAT is for administrators to choose", "", 403, "PolicyNotAuthorized", "disallowed by policy", obj{"router": obj{"external_gateway_info": obj{"network_id": external, "enable_snat": false}}}),
		refusal{"an unknown id is 404", "GET", "/routers/" + nobody, nil, 404, "RouterNotFound", "Router " + nobody + " could not be found"},
	)
	t.Run("routes are replaced as a whole", func(t *testing.T) {
		routes := list{obj{"destination": "10.97.0.0/16", "nexthop": "10.51.0.9"}}
		a := n.want(t, http.StatusOK, "PUT", "/routers/"+id, obj{"router": obj{"routes": routes}})
		same(t, "routes", a.at("router.routes"), routes)
		n.refuses(t, refusal{"an interface that a route needs is 409", "PUT", "/routers/" + id + "/remove_router_interface", obj{"subnet_id": subnet}, 409, "RouterInterfaceInUseByRoute", "cannot be deleted, as it is required by one or more routes"})
		same(t, "no routes", n.want(t, http.StatusOK, "PUT", "/routers/"+id, obj{"router": obj{"routes": list{}}}).at("router.routes"), list{})
	})
	n.detach(t, id, second)
	t.Run("several subnets of one network can be attached", func(t *testing.T) {
		for _, one := range []string{loose, second} {
			n.want(t, http.StatusOK, "PUT", "/routers/"+id+"/add_router_interface", obj{"subnet_id": one})
		}
		same(t, "ports", len(n.get(t, "/ports?device_id="+id+"&network_id="+other).list(t, "ports")), 2)
		a := n.want(t, http.StatusOK, "PUT", "/routers/"+id+"/remove_router_interface", obj{"subnet_id": loose})
		is(t, "answer", a.body, obj{"id": id, "subnet_id": loose, "subnet_ids": list{loose}, "port_id": anUUID, "network_id": other})
		same(t, "ports", len(n.get(t, "/ports?device_id="+id+"&network_id="+other).list(t, "ports")), 1)
	})
	t.Run("an interface may be a port of the user's", func(t *testing.T) {
		port := n.makePort(t, other, obj{"fixed_ips": list{obj{"subnet_id": headless}}})["id"].(string)
		n.want(t, http.StatusOK, "PUT", "/routers/"+id+"/add_router_interface", obj{"port_id": port})
		n.want(t, http.StatusOK, "PUT", "/routers/"+id+"/remove_router_interface", obj{"port_id": port})
		n.want(t, http.StatusNotFound, "GET", "/ports/"+port, nil)
	})
	t.Run("an empty gateway takes it away", func(t *testing.T) {
		a := n.want(t, http.StatusOK, "PUT", "/routers/"+id, obj{"router": obj{"external_gateway_info": obj{}}})
		is(t, "router", a.at("router"), obj{"external_gateway_info": nil})
		b := n.want(t, http.StatusOK, "PUT", "/routers/"+id, obj{"router": obj{"external_gateway_info": obj{"network_id": external}}})
		is(t, "gateway", b.at("router.external_gateway_info"), obj{"network_id": external, "enable_snat": true})
		c := n.want(t, http.StatusOK, "PUT", "/routers/"+id, obj{"router": obj{"external_gateway_info": nil}})
		is(t, "router", c.at("router"), obj{"external_gateway_info": nil})
	})
	t.Run("the ports of interfaces are found by device", func(t *testing.T) {
		same(t, "ports", len(n.get(t, "/ports?device_id="+id+"&device_owner=network:router_interface&device_owner=network:router_interface_distributed").list(t, "ports")), 2)
	})
}

func TestFloatingIP(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	n := s.network(t)
	external := n.external(t)
	network := n.makeNetwork(t, "net")
	subnet := n.makeSubnet(t, network, "10.54.0.0/24")
	router := n.make(t, "/routers", "router", obj{"name": c.name("router"), "external_gateway_info": obj{"network_id": external}})["id"].(string)
	n.detach(t, router, subnet)
	n.want(t, http.StatusOK, "PUT", "/routers/"+router+"/add_router_interface", obj{"subnet_id": subnet})
	port := n.makePort(t, network, nil)
	portID, address := port["id"].(string), dig(port, "fixed_ips", "0", "ip_address").(string)

	made := n.make(t, "/floatingips", "floatingip", obj{"floating_network_id": external, "description": c.prefix})
	id := made["id"].(string)
	whole := obj{
		"id": anUUID, "floating_network_id": external, "floating_ip_address": text("an IPv4 address", `^\d+\.\d+\.\d+\.\d+$`), "fixed_ip_address": nil, "port_id": nil, "router_id": nil,
		"status": "DOWN", "description": c.prefix, "project_id": s.projectID, "tenant_id": s.projectID, "tags": list{}, "port_details": nil,
		"revision_number": aNumber, "created_at": aTimeZ, "updated_at": aTimeZ,
	}
	t.Run("a new floating IP is DOWN and free", func(t *testing.T) {
		is(t, "floating IP", made, whole)
		is(t, "read again", n.get(t, "/floatingips/"+id).at("floatingip"), whole)
	})
	t.Run("association makes it ACTIVE after a moment", func(t *testing.T) {
		a := n.want(t, http.StatusOK, "PUT", "/floatingips/"+id, obj{"floatingip": obj{"port_id": portID}})
		is(t, "floating IP", a.at("floatingip"), obj{"port_id": portID, "fixed_ip_address": address, "router_id": router, "status": "DOWN"})
		n.passes(t, "/floatingips/"+id, "floatingip.status", "DOWN", "ACTIVE")
		is(t, "port details", n.get(t, "/floatingips/"+id).at("floatingip.port_details"), obj{"network_id": network, "device_owner": "", "device_id": "", "name": c.name("port"), "status": "DOWN"})
	})
	t.Run("it is found by its address, port and network", func(t *testing.T) {
		for _, query := range []string{"floating_ip_address=" + made["floating_ip_address"].(string), "port_id=" + portID, "floating_network_id=" + external + "&description=" + c.prefix, "fixed_ip_address=" + address + "&router_id=" + router} {
			same(t, query, n.get(t, "/floatingips?"+query).column(t, "floatingips", "id"), []string{id})
		}
	})
	lonely := n.makeNetwork(t, "lonely")
	n.makeSubnet(t, lonely, "10.55.0.0/24")
	unreachable := n.makePort(t, lonely, nil)["id"].(string)
	n.refuses(t,
		refusal{"a second one for the same address is 409", "POST", "/floatingips", obj{"floatingip": obj{"floating_network_id": external, "port_id": portID}}, 409, "FloatingIPPortAlreadyAssociated", "as that fixed IP already has a floating IP on external network " + external},
		refusal{"a port that no router connects is 404", "POST", "/floatingips", obj{"floatingip": obj{"floating_network_id": external, "port_id": unreachable}}, 404, "ExternalGatewayForFloatingIPNotFound", "is not reachable from subnet"},
		refusal{"a network that is not external is 400", "POST", "/floatingips", obj{"floatingip": obj{"floating_network_id": network}}, 400, "BadRequest", "Network " + network + " is not a valid external network"},
		refusal{"an unknown network is 404", "POST", "/floatingips", obj{"floatingip": obj{"floating_network_id": nobody}}, 404, "NetworkNotFound", nobody},
		refusal{"an unknown port is 404", "POST", "/floatingips", obj{"floatingip": obj{"floating_network_id": external, "port_id": nobody}}, 404, "PortNotFound", nobody},
		refusal{"a chosen address is 403 for members", "POST", "/floatingips", obj{"floatingip": obj{"floating_network_id": external, "floating_ip_address": made["floating_ip_address"]}}, 403, "PolicyNotAuthorized", "disallowed by policy"},
		refusal{"an unknown id is 404", "GET", "/floatingips/" + nobody, nil, 404, "FloatingIPNotFound", "Floating IP " + nobody + " could not be found"},
		refusal{"the router's gateway cannot be taken", "PUT", "/routers/" + router, obj{"router": obj{"external_gateway_info": obj{}}}, 409, "RouterExternalGatewayInUseByFloatingIp", "Gateway cannot be updated for router " + router + ", since a gateway to external network " + external + " is required by one or more floating IPs."},
		refusal{"the router's interface cannot be taken", "PUT", "/routers/" + router + "/remove_router_interface", obj{"subnet_id": subnet}, 409, "RouterInterfaceInUseByFloatingIP", "cannot be deleted, as it is required by one or more floating IPs."},
	)
	t.Run("disassociation makes it DOWN after a moment", func(t *testing.T) {
		a := n.want(t, http.StatusOK, "PUT", "/floatingips/"+id, obj{"floatingip": obj{"port_id": nil}})
		is(t, "floating IP", a.at("floatingip"), obj{"port_id": nil, "fixed_ip_address": nil, "router_id": nil})
		n.passes(t, "/floatingips/"+id, "floatingip.status", "ACTIVE", "DOWN")
	})
	t.Run("an update without port_id frees it only in old API versions", func(t *testing.T) {
		n.want(t, http.StatusOK, "PUT", "/floatingips/"+id, obj{"floatingip": obj{"port_id": portID}})
		a := n.want(t, http.StatusOK, "PUT", "/floatingips/"+id, obj{"floatingip": obj{"description": c.prefix + "2"}})
		is(t, "floating IP", a.at("floatingip"), obj{"port_id": portID, "description": c.prefix + "2"})
	})
	t.Run("it outlives its port", func(t *testing.T) {
		n.want(t, http.StatusNoContent, "DELETE", "/ports/"+portID, nil)
		is(t, "floating IP", n.get(t, "/floatingips/"+id).at("floatingip"), obj{"port_id": nil, "fixed_ip_address": nil})
	})
	t.Run("deleting is 204 once, then 404", func(t *testing.T) {
		n.want(t, http.StatusNoContent, "DELETE", "/floatingips/"+id, nil)
		n.want(t, http.StatusNotFound, "DELETE", "/floatingips/"+id, nil)
	})
}
