package conformance

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// balancerKit is a load balancer with its network.
type balancerKit struct {
	*session
	api, network *api
	subnet       string
	id           string
}

// balancers makes a network in which load balancers can have their address.
func balancers(t *testing.T, s *session) balancerKit {
	t.Helper()
	k := balancerKit{session: s, api: s.loadBalancer(t), network: s.network(t)}
	k.subnet = k.network.makeSubnet(t, k.network.makeNetwork(t, "net"), "10.71.0.0/24")
	// Octavia 11 leaves the port of a load balancer behind that it has refused. Its owner may delete it.
	t.Cleanup(func() {
		for _, port := range k.network.get(t, "/ports?device_owner=Octavia&fixed_ips=subnet_id="+k.subnet).list(t, "ports") {
			k.network.remove(t, "/ports/"+dig(port, "id").(string))
		}
	})
	return k
}

// create asks for a load balancer and sees to its removal with all below it.
func (k *balancerKit) create(t *testing.T, in obj) answer {
	t.Helper()
	in["vip_subnet_id"] = k.subnet
	a := k.api.want(t, http.StatusCreated, "POST", "/loadbalancers", obj{"loadbalancer": in})
	k.id = a.str(t, "loadbalancer.id")
	k.api.deleteAfter(t, "/loadbalancers/"+k.id+"?cascade=true")
	return a
}

// settled waits until the load balancer can be changed.
func (k *balancerKit) settled(t *testing.T) {
	t.Helper()
	k.api.passes(t, "/loadbalancers/"+k.id, "loadbalancer.provisioning_status", "PENDING_CREATE", "PENDING_UPDATE", "ACTIVE")
}

// add makes a child, waits until the load balancer is done with it and returns its first answer.
func (k *balancerKit) add(t *testing.T, path, noun string, in obj) obj {
	t.Helper()
	a := k.api.want(t, http.StatusCreated, "POST", path, obj{noun: in})
	k.settled(t)
	return a.at(noun).(obj)
}

func TestLoadBalancer(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	k := balancers(t, s)
	l := k.api
	release := c.hold()
	made := k.create(t, obj{"name": c.name("one"), "tags": list{c.prefix}}).at("loadbalancer")
	path := "/loadbalancers/" + k.id
	immutable := "Load Balancer " + k.id + " is immutable and cannot be updated."
	t.Run("create answers PENDING_CREATE and the address", func(t *testing.T) {
		is(t, "load balancer", made, obj{
			"id": anUUID, "name": c.name("one"), "description": "", "provisioning_status": "PENDING_CREATE", "operating_status": "OFFLINE", "admin_state_up": true,
			"project_id": s.projectID, "vip_subnet_id": k.subnet, "vip_network_id": anUUID, "vip_port_id": anUUID, "vip_address": containing("10.71.0."), "vip_qos_policy_id": nil,
			"additional_vips": list{}, "listeners": list{}, "pools": list{}, "provider": someText, "flavor_id": nil, "availability_zone": nil, "tags": list{c.prefix},
			"created_at": aTime, "updated_at": nil,
		})
	})
	l.refuses(t,
		refusal{"a child while it is PENDING is 409", "POST", "/listeners", obj{"listener": obj{"loadbalancer_id": k.id, "protocol": "HTTP", "protocol_port": 80}}, 409, "Client", immutable},
		refusal{"an update while it is PENDING is 409", "PUT", path, obj{"loadbalancer": obj{"name": "x"}}, 409, "Client", "Invalid state PENDING_CREATE of loadbalancer resource " + k.id},
		refusal{"deleting while it is PENDING is 409", "DELETE", path, nil, 409, "Client", "Invalid state PENDING_CREATE of loadbalancer resource " + k.id},
	)
	release()
	k.settled(t)
	t.Run("its port is the user's to see and Octavia's to keep", func(t *testing.T) {
		is(t, "port", k.network.get(t, "/ports/"+dig(made, "vip_port_id").(string)).at("port"), obj{
			"device_owner": "Octavia", "device_id": "lb-" + k.id, "name": "octavia-lb-" + k.id, "admin_state_up": false, "status": "DOWN", "project_id": s.projectID,
		})
		k.network.refuses(t, refusal{"the subnet cannot be deleted", "DELETE", "/subnets/" + k.subnet, nil, 409, "SubnetInUse", "One or more ports have an IP allocation from this subnet."})
	})
	t.Run("lists filter by name, project and tag", func(t *testing.T) {
		for _, query := range []string{"name=" + c.name("one"), "tags=" + c.prefix, "project_id=" + s.projectID + "&name=" + c.name("one"), "vip_address=" + dig(made, "vip_address").(string) + "&vip_subnet_id=" + k.subnet, "id=" + k.id} {
			same(t, query, l.get(t, "/loadbalancers?"+query).column(t, "loadbalancers", "id"), []string{k.id})
		}
		is(t, "list", l.get(t, "/loadbalancers?name="+c.name("x")).body, obj{"loadbalancers": list{}, "loadbalancers_links": list{}})
	})

	listener := k.add(t, "/listeners", "listener", obj{"name": "http", "loadbalancer_id": k.id, "protocol": "HTTP", "protocol_port": 80, "insert_headers": obj{"X-Forwarded-For": "true"}})
	listenerID := listener["id"].(string)
	t.Run("a new listener has these defaults", func(t *testing.T) {
		whole := obj{
			"id": anUUID, "name": "http", "description": "", "provisioning_status": "PENDING_CREATE", "operating_status": "OFFLINE", "admin_state_up": true, "protocol": "HTTP", "protocol_port": 80,
			"connection_limit": -1, "default_tls_container_ref": nil, "sni_container_refs": list{}, "project_id": s.projectID, "default_pool_id": nil, "l7policies": list{},
			"insert_headers": obj{"X-Forwarded-For": "true"}, "loadbalancers": list{obj{"id": k.id}}, "timeout_client_data": 50000, "timeout_member_connect": 5000, "timeout_member_data": 50000,
			"timeout_tcp_inspect": 0, "tags": list{}, "client_authentication": "NONE", "client_ca_tls_container_ref": nil, "client_crl_container_ref": nil, "allowed_cidrs": nil,
			"tls_ciphers": nil, "tls_versions": nil, "alpn_protocols": nil, "created_at": aTime, "updated_at": nil,
		}
		is(t, "listener", listener, whole)
		// Whether it is ONLINE is known when something answers.
		whole["provisioning_status"], whole["operating_status"], whole["updated_at"] = "ACTIVE", someText, present
		is(t, "read again", l.get(t, "/listeners/"+listenerID).at("listener"), whole)
	})
	pool := k.add(t, "/pools", "pool", obj{"name": "web", "listener_id": listenerID, "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "session_persistence": obj{"type": "HTTP_COOKIE"}})
	poolID := pool["id"].(string)
	t.Run("a new pool has these defaults", func(t *testing.T) {
		is(t, "pool", pool, obj{
			"id": anUUID, "name": "web", "description": "", "provisioning_status": "PENDING_CREATE", "operating_status": "OFFLINE", "admin_state_up": true, "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN",
			"session_persistence": obj{"type": "HTTP_COOKIE", "cookie_name": nil, "persistence_timeout": nil, "persistence_granularity": nil}, "project_id": s.projectID,
			"loadbalancers": list{obj{"id": k.id}}, "listeners": list{obj{"id": listenerID}}, "healthmonitor_id": missing, "members": list{}, "tags": list{}, "tls_container_ref": nil,
			"ca_tls_container_ref": nil, "crl_container_ref": nil, "tls_enabled": false, "tls_ciphers": nil, "tls_versions": nil, "alpn_protocols": nil, "created_at": aTime,
		})
		same(t, "default pool of the listener", l.get(t, "/listeners/"+listenerID).at("listener.default_pool_id"), poolID)
	})
	members := "/pools/" + poolID + "/members"
	member := k.add(t, members, "member", obj{"name": "m1", "address": "10.71.0.201", "protocol_port": 8080, "subnet_id": k.subnet})
	t.Run("a new member has these defaults", func(t *testing.T) {
		is(t, "member", member, obj{
			"id": anUUID, "name": "m1", "provisioning_status": "PENDING_CREATE", "operating_status": "NO_MONITOR", "admin_state_up": true, "address": "10.71.0.201", "protocol_port": 8080,
			"weight": 1, "backup": false, "subnet_id": k.subnet, "project_id": s.projectID, "monitor_address": nil, "monitor_port": nil, "tags": list{}, "created_at": aTime,
		})
	})
	monitor := k.add(t, "/healthmonitors", "healthmonitor", obj{"pool_id": poolID, "type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 3})
	t.Run("a new monitor has these defaults", func(t *testing.T) {
		is(t, "monitor", monitor, obj{
			"id": anUUID, "name": "", "type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 3, "max_retries_down": 3, "http_method": "GET", "url_path": "/", "expected_codes": "200",
			"admin_state_up": true, "project_id": s.projectID, "pools": list{obj{"id": poolID}}, "provisioning_status": "PENDING_CREATE", "operating_status": "OFFLINE", "tags": list{},
			"http_version": nil, "domain_name": nil, "created_at": aTime,
		})
	})
	policy := k.add(t, "/l7policies", "l7policy", obj{"listener_id": listenerID, "action": "REDIRECT_TO_URL", "redirect_url": "https://example.com/"})
	policyID := policy["id"].(string)
	t.Run("a new policy has these defaults", func(t *testing.T) {
		is(t, "policy", policy, obj{
			"id": anUUID, "name": "", "description": "", "provisioning_status": "PENDING_CREATE", "operating_status": "OFFLINE", "admin_state_up": true, "project_id": s.projectID,
			"action": "REDIRECT_TO_URL", "listener_id": listenerID, "redirect_pool_id": nil, "redirect_url": "https://example.com/", "redirect_prefix": nil, "position": 1, "rules": list{},
			"tags": list{}, "redirect_http_code": 302, "created_at": aTime,
		})
	})
	rules := "/l7policies/" + policyID + "/rules"
	rule := k.add(t, rules, "rule", obj{"type": "PATH", "compare_type": "STARTS_WITH", "value": "/old"})
	t.Run("a new rule has these defaults", func(t *testing.T) {
		is(t, "rule", rule, obj{
			"id": anUUID, "type": "PATH", "compare_type": "STARTS_WITH", "key": nil, "value": "/old", "invert": false, "provisioning_status": "PENDING_CREATE", "operating_status": "OFFLINE",
			"created_at": aTime, "project_id": s.projectID, "admin_state_up": true, "tags": list{},
		})
	})
	post := func(name, path, noun string, status int, words string, in obj) refusal {
		return refusal{name, "POST", path, obj{noun: in}, status, "Client", words}
	}
	on := func(more obj) obj {
		in := obj{"loadbalancer_id": k.id, "protocol": "HTTP", "protocol_port": 8000}
		for key, value := range more {
			in[key] = value
		}
		return in
	}
	l.refuses(t,
		post("a second listener on the port is 409", "/listeners", "listener", 409, "Another Listener on this Load Balancer is already using protocol", on(obj{"protocol_port": 80})),
		post("TCP beside HTTP on one port is 409", "/listeners", "listener", 409, "Another Listener on this Load Balancer is already using protocol", on(obj{"protocol": "TCP", "protocol_port": 80})),
		post("an unknown protocol is 400", "/listeners", "listener", 400, "Invalid input for field/attribute protocol.", on(obj{"protocol": "FTP"})),
		post("a port above 65535 is 400", "/listeners", "listener", 400, "Invalid input for field/attribute protocol_port.", on(obj{"protocol_port": 70000})),
		post("TERMINATED_HTTPS without certificate is 400", "/listeners", "listener", 400, "An SNI or default certificate container reference must be provided for TERMINATED_HTTPS protocol listeners.", on(obj{"protocol": "TERMINATED_HTTPS"})),
		post("an unknown default pool is 404", "/listeners", "listener", 404, "Pool "+nobody+" not found.", on(obj{"default_pool_id": nobody})),
		post("a listener of no load balancer is 404", "/listeners", "listener", 404, "Load Balancer "+nobody+" not found.", on(obj{"loadbalancer_id": nobody})),
		post("an unknown attribute is 400", "/listeners", "listener", 400, "Unknown attribute for argument listener", on(obj{"colour": "red"})),
		post("a bad allowed CIDR is 400", "/listeners", "listener", 400, "Invalid input for field/attribute allowed_cidrs.", on(obj{"allowed_cidrs": list{"ten"}})),
		post("an unknown algorithm is 400", "/pools", "pool", 400, "Invalid input for field/attribute lb_algorithm.", obj{"loadbalancer_id": k.id, "protocol": "HTTP", "lb_algorithm": "FASTEST"}),
		post("a pool of another protocol for the listener is 400", "/pools", "pool", 400, "The pool protocol 'TCP' is invalid while the listener protocol is 'HTTP'.", obj{"listener_id": listenerID, "protocol": "TCP", "lb_algorithm": "ROUND_ROBIN"}),
		post("a second default pool is 409", "/pools", "pool", 409, "This listener already has a default pool", obj{"listener_id": listenerID, "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}),
		post("a member twice is 409", members, "member", 409, "Another member on this pool is already using ip 10.71.0.201 on protocol_port 8080", obj{"address": "10.71.0.201", "protocol_port": 8080}),
		post("a member on an unknown subnet is 404 or 400", members, "member", 400, "Subnet "+nobody+" not found.", obj{"address": "10.71.0.9", "protocol_port": 1, "subnet_id": nobody}),
		post("a weight above 256 is 400", members, "member", 400, "Invalid input for field/attribute weight.", obj{"address": "10.71.0.9", "protocol_port": 1, "weight": 257}),
		post("a second monitor is 409", "/healthmonitors", "healthmonitor", 409, "This pool already has a health monitor", obj{"pool_id": poolID, "type": "TCP", "delay": 5, "timeout": 3, "max_retries": 3}),
		post("a redirect without its target is 400", "/l7policies", "l7policy", 400, "redirect_url must not be None", obj{"listener_id": listenerID, "action": "REDIRECT_TO_URL"}),
		post("a redirect to an unknown pool is 404", "/l7policies", "l7policy", 404, "Pool "+nobody+" not found.", obj{"listener_id": listenerID, "action": "REDIRECT_TO_POOL", "redirect_pool_id": nobody}),
		post("an unknown action is 400", "/l7policies", "l7policy", 400, "Invalid input for field/attribute action.", obj{"listener_id": listenerID, "action": "SMILE"}),
		post("a header rule without key is 400", rules, "rule", 400, "L7 rule type requires a key", obj{"type": "HEADER", "compare_type": "EQUAL_TO", "value": "x"}),
		post("a value above 255 characters is 400", rules, "rule", 400, "Invalid input for field/attribute value.", obj{"type": "PATH", "compare_type": "EQUAL_TO", "value": fmt.Sprintf("/%0255d", 0)}),
		post("an unknown subnet for the address is 400", "/loadbalancers", "loadbalancer", 400, "Subnet "+nobody+" not found.", obj{"name": c.name("x"), "vip_subnet_id": nobody}),
		post("no subnet, network or port is 400", "/loadbalancers", "loadbalancer", 400, "VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id.", obj{"name": c.name("x")}),
		refusal{"deleting with children and without cascade is 400", "DELETE", path, nil, 400, "Client", "Cannot delete Load Balancer " + k.id + " - it has children"},
		refusal{"an unknown id is 404", "GET", "/loadbalancers/" + nobody, nil, 404, "Client", "Load Balancer " + nobody + " not found."},
		refusal{"an unknown listener is 404", "GET", "/listeners/" + nobody, nil, 404, "Client", "Listener " + nobody + " not found."},
		refusal{"an unknown pool is 404", "GET", "/pools/" + nobody, nil, 404, "Client", "Pool " + nobody + " not found."},
		refusal{"the port of a listener cannot be changed", "PUT", "/listeners/" + listenerID, obj{"listener": obj{"protocol_port": 81}}, 400, "Client", "Unknown attribute for argument listener"},
		refusal{"the protocol of a pool cannot be changed", "PUT", "/pools/" + poolID, obj{"pool": obj{"protocol": "TCP"}}, 400, "Client", "Unknown attribute for argument pool"},
		refusal{"the address of a member cannot be changed", "PUT", members + "/" + member["id"].(string), obj{"member": obj{"address": "10.71.0.9"}}, 400, "Client", "Unknown attribute for argument member"},
	)
	t.Run("a member of an unknown pool is 404, in a form of its own", func(t *testing.T) {
		a := l.want(t, http.StatusNotFound, "POST", "/pools/"+nobody+"/members", obj{"member": obj{"address": "10.71.0.9", "protocol_port": 1}})
		is(t, "fault", a.body, obj{"code": 404, "title": "Bad Request", "description": "Pool " + nobody + " not found."})
	})
	t.Run("a change answers PENDING_UPDATE and locks the whole load balancer", func(t *testing.T) {
		release := c.hold()
		a := l.want(t, http.StatusOK, "PUT", "/listeners/"+listenerID, obj{"listener": obj{"connection_limit": 100, "timeout_client_data": 1000}})
		is(t, "listener", a.at("listener"), obj{"provisioning_status": "PENDING_UPDATE", "connection_limit": 100, "timeout_client_data": 1000, "insert_headers": obj{"X-Forwarded-For": "true"}})
		l.refusesMeanwhile(t, refusal{"another child is 409", "PUT", "/pools/" + poolID, obj{"pool": obj{"name": "web"}}, 409, "Client", immutable}, http.StatusOK)
		release()
		k.settled(t)
		is(t, "listener", l.get(t, "/listeners/"+listenerID).at("listener"), obj{"provisioning_status": "ACTIVE", "connection_limit": 100, "updated_at": aTime})
	})
	t.Run("a batch replaces all members and answers nothing", func(t *testing.T) {
		a := l.want(t, http.StatusAccepted, "PUT", members, obj{"members": list{
			obj{"address": "10.71.0.202", "protocol_port": 8080, "name": "m2"}, obj{"address": "10.71.0.203", "protocol_port": 8080, "backup": true, "weight": 0},
		}})
		same(t, "body", a.text, "")
		k.settled(t)
		b := l.get(t, members)
		same(t, "addresses", b.column(t, "members", "address"), []string{"10.71.0.202", "10.71.0.203"})
		same(t, "states", b.column(t, "members", "provisioning_status"), []string{"ACTIVE", "ACTIVE"})
		first := ""
		for _, m := range b.list(t, "members") {
			if dig(m, "address") == "10.71.0.202" {
				first = dig(m, "id").(string)
			}
		}
		l.want(t, http.StatusAccepted, "PUT", members, obj{"members": list{obj{"address": "10.71.0.202", "protocol_port": 8080, "weight": 7}}})
		k.settled(t)
		only := l.get(t, members)
		same(t, "ids", only.column(t, "members", "id"), []string{first})
		is(t, "member", only.at("members.0"), obj{"weight": 7, "name": "m2"})
	})
	t.Run("a batch moves a member to a subnet and out of it", func(t *testing.T) {
		for _, subnet := range []any{k.subnet, nil} {
			before := l.get(t, members).at("members.0")
			is(t, "member before", before, obj{"address": "10.71.0.202"})
			l.want(t, http.StatusAccepted, "PUT", members, obj{"members": list{obj{"address": "10.71.0.202", "protocol_port": 8080, "name": "m2", "weight": 7, "subnet_id": subnet}}})
			k.settled(t)
			is(t, "member", l.get(t, members).at("members.0"), obj{"id": dig(before, "id"), "subnet_id": subnet, "provisioning_status": "ACTIVE"})
		}
	})
	t.Run("rules and monitors have tags that can be changed", func(t *testing.T) {
		for path, noun := range map[string]string{rules + "/" + rule["id"].(string): "rule", "/healthmonitors/" + monitor["id"].(string): "healthmonitor"} {
			l.want(t, http.StatusOK, "PUT", path, obj{noun: obj{"tags": list{"a"}, "admin_state_up": false}})
			k.settled(t)
			is(t, noun, l.get(t, path).at(noun), obj{"tags": list{"a"}, "admin_state_up": false})
			l.want(t, http.StatusOK, "PUT", path, obj{noun: obj{"tags": list{}, "admin_state_up": true}})
			k.settled(t)
		}
	})
	t.Run("a listener of numbers has no pool", func(t *testing.T) {
		metrics := k.add(t, "/listeners", "listener", obj{"loadbalancer_id": k.id, "protocol": "PROMETHEUS", "protocol_port": 9100})
		is(t, "listener", metrics, obj{"protocol": "PROMETHEUS", "default_pool_id": nil, "l7policies": list{}})
		l.want(t, http.StatusNoContent, "DELETE", "/listeners/"+metrics["id"].(string), nil)
		k.settled(t)
	})
	t.Run("the status tree has everything below", func(t *testing.T) {
		tree := l.get(t, path+"/status").at("statuses.loadbalancer")
		is(t, "load balancer", tree, obj{"id": k.id, "name": c.name("one"), "provisioning_status": "ACTIVE", "operating_status": someText})
		is(t, "listener", dig(tree, "listeners", "0"), obj{"id": listenerID, "name": "http", "provisioning_status": "ACTIVE"})
		is(t, "pool", dig(tree, "listeners", "0", "pools", "0"), obj{"id": poolID, "name": "web", "provisioning_status": "ACTIVE"})
		is(t, "member", dig(tree, "listeners", "0", "pools", "0", "members", "0"), obj{"id": anUUID, "address": "10.71.0.202", "protocol_port": 8080, "provisioning_status": "ACTIVE"})
		is(t, "monitor", dig(tree, "listeners", "0", "pools", "0", "health_monitor"), obj{"id": monitor["id"], "type": "HTTP"})
	})
	t.Run("ids of children are in their parents", func(t *testing.T) {
		is(t, "load balancer", l.get(t, path).at("loadbalancer"), obj{"listeners": list{obj{"id": listenerID}}, "pools": list{obj{"id": poolID}}})
		is(t, "listener", l.get(t, "/listeners/"+listenerID).at("listener"), obj{"l7policies": list{obj{"id": policyID}}})
		is(t, "pool", l.get(t, "/pools/"+poolID).at("pool"), obj{"healthmonitor_id": monitor["id"]})
		is(t, "policy", l.get(t, "/l7policies/"+policyID).at("l7policy"), obj{"rules": list{obj{"id": rule["id"]}}})
	})
	t.Run("children are listed by their load balancer", func(t *testing.T) {
		same(t, "listeners", l.get(t, "/listeners?load_balancer_id="+k.id).column(t, "listeners", "id"), []string{listenerID})
		same(t, "pools", l.get(t, "/pools?loadbalancer_id="+k.id).column(t, "pools", "id"), []string{poolID})
	})
	t.Run("the listener's default pool can be deleted", func(t *testing.T) {
		l.want(t, http.StatusNoContent, "DELETE", "/pools/"+poolID, nil)
		k.settled(t)
		l.want(t, http.StatusNotFound, "GET", "/pools/"+poolID, nil)
		l.want(t, http.StatusNotFound, "GET", "/healthmonitors/"+monitor["id"].(string), nil)
		is(t, "listener", l.get(t, "/listeners/"+listenerID).at("listener"), obj{"default_pool_id": nil, "provisioning_status": "ACTIVE"})
	})
	t.Run("a policy's position is made to fit", func(t *testing.T) {
		second := k.add(t, "/l7policies", "l7policy", obj{"listener_id": listenerID, "action": "REJECT", "position": 1})
		same(t, "position of the new one", second["position"], 1)
		same(t, "position of the old one", l.get(t, "/l7policies/"+policyID).at("l7policy.position"), 2)
		third := k.add(t, "/l7policies", "l7policy", obj{"listener_id": listenerID, "action": "REJECT", "position": 50})
		same(t, "position at the end", l.get(t, "/l7policies/"+third["id"].(string)).at("l7policy.position"), 3)
	})
	t.Run("cascade deletes everything", func(t *testing.T) {
		release := c.hold()
		l.want(t, http.StatusNoContent, "DELETE", path+"?cascade=true", nil)
		l.refusesMeanwhile(t, refusal{"a second delete is 409", "DELETE", path + "?cascade=true", nil, 409, "Client", "Invalid state PENDING_DELETE of loadbalancer resource " + k.id}, http.StatusNotFound)
		release()
		l.passes(t, path, "loadbalancer.provisioning_status", "PENDING_DELETE", "DELETED", gone)
		l.want(t, http.StatusNotFound, "GET", "/listeners/"+listenerID, nil)
		k.network.want(t, http.StatusNotFound, "GET", "/ports/"+dig(made, "vip_port_id").(string), nil)
	})
}

// tree is a load balancer with everything below it in one request.
func (k *balancerKit) tree(name string) obj {
	return obj{
		"name": k.name(name), "vip_subnet_id": k.subnet,
		"listeners": list{
			obj{
				"name": "http", "protocol": "HTTP", "protocol_port": 80, "default_pool": obj{"name": "web"}, "allowed_cidrs": list{"10.0.0.0/8"},
				"l7policies": list{
					obj{"name": "api", "action": "REDIRECT_TO_POOL", "position": 1, "redirect_pool": obj{"name": "api"}, "rules": list{
						obj{"type": "PATH", "compare_type": "STARTS_WITH", "value": "/api"}, obj{"type": "HEADER", "compare_type": "EQUAL_TO", "key": "X-Debug", "value": "1", "invert": true},
					}},
					obj{"name": "deny", "action": "REJECT", "position": 2, "rules": list{obj{"type": "PATH", "compare_type": "REGEX", "value": "^/admin"}}},
				},
			},
			obj{"name": "again", "protocol": "HTTP", "protocol_port": 81, "default_pool": obj{"name": "web"}},
		},
		"pools": list{
			obj{
				"name": "web", "protocol": "HTTP", "lb_algorithm": "LEAST_CONNECTIONS", "session_persistence": obj{"type": "APP_COOKIE", "cookie_name": "sid"},
				"healthmonitor": obj{"type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 2, "url_path": "/health"},
				"members":       list{obj{"name": "m0", "address": "10.71.0.220", "protocol_port": 8080, "weight": 5}, obj{"name": "m1", "address": "10.71.0.221", "protocol_port": 8080}},
			},
			obj{"name": "api", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "members": list{obj{"address": "10.71.0.230", "protocol_port": 9000}}},
		},
	}
}

func TestLoadBalancerTree(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	k := balancers(t, s)
	l := k.api
	broken := func(name string, status int, words string, change func(tree obj)) refusal {
		tree := k.tree("x")
		change(tree)
		return refusal{name, "POST", "/loadbalancers", obj{"loadbalancer": tree}, status, "Client", words}
	}
	at := func(tree obj, path ...string) obj { return dig(tree, path...).(obj) }
	l.refuses(t,
		broken("a port twice in a tree is 409", 409, "Another Listener on this Load Balancer is already using protocol", func(tree obj) { at(tree, "listeners", "1")["protocol_port"] = 80 }),
		broken("a listener that names no pool of the tree is 400", 400, "Pool 'nowhere' was referenced but no full definition was found.", func(tree obj) { at(tree, "listeners", "1")["default_pool"] = obj{"name": "nowhere"} }),
		broken("a redirect that names no pool of the tree is 400", 400, "Pool 'nowhere' was referenced but no full definition was found.", func(tree obj) {
			at(tree, "listeners", "0", "l7policies", "0")["redirect_pool"] = obj{"name": "nowhere"}
		}),
		broken("a bad value deep in a tree is 400", 400, "Invalid input for field/attribute weight.", func(tree obj) { at(tree, "pools", "0", "members", "0")["weight"] = 1000 }),
		broken("two pools of one name are 400", 400, "Pool names must be unique", func(tree obj) { at(tree, "pools", "1")["name"] = "web" }),
	)
	t.Run("of a refused tree no load balancer is left", func(t *testing.T) {
		same(t, "load balancers", l.get(t, "/loadbalancers?name="+c.name("x")).at("loadbalancers"), list{})
	})
	t.Run("of a refused tree the port of the VIP is left", func(t *testing.T) {
		ports := k.network.get(t, "/ports?device_owner=Octavia&fixed_ips=subnet_id="+k.subnet).list(t, "ports")
		// Only a bad value is found before the port is made.
		same(t, "ports", len(ports), 4)
		for _, port := range ports {
			id := strings.TrimPrefix(dig(port, "device_id").(string), "lb-")
			is(t, "port", port, obj{"name": "octavia-lb-" + id, "device_id": "lb-" + id, "admin_state_up": false, "created_at": someText, "revision_number": aNumber})
			l.want(t, http.StatusNotFound, "GET", "/loadbalancers/"+id, nil)
		}
	})
	a := k.create(t, k.tree("tree"))
	t.Run("create answers the whole tree", func(t *testing.T) {
		is(t, "load balancer", a.at("loadbalancer"), obj{"provisioning_status": "PENDING_CREATE", "listeners": aList, "pools": aList})
		same(t, "listeners", a.column(t, "loadbalancer.listeners", "name"), []string{"again", "http"})
		same(t, "pools", a.column(t, "loadbalancer.pools", "name"), []string{"api", "web"})
		for _, listener := range a.list(t, "loadbalancer.listeners") {
			is(t, "listener", listener, obj{"id": anUUID, "name": someText, "provisioning_status": "PENDING_CREATE", "default_pool_id": anUUID, "l7policies": aList, "protocol_port": aNumber})
		}
		for _, pool := range a.list(t, "loadbalancer.pools") {
			is(t, "pool", pool, obj{"id": anUUID, "provisioning_status": "PENDING_CREATE", "members": aList})
			is(t, "member", dig(pool, "members", "0"), obj{"id": anUUID, "address": someText, "provisioning_status": "PENDING_CREATE"})
		}
	})
	k.settled(t)
	t.Run("the children become ACTIVE, perhaps later", func(t *testing.T) {
		var text string
		if !c.within(c.patience(), func() bool {
			pending := 0
			for _, path := range []string{"listeners?load_balancer_id=" + k.id, "pools?loadbalancer_id=" + k.id} {
				b := l.get(t, "/"+path)
				text = b.text
				for _, kind := range []string{"listeners", "pools"} {
					if objects, ok := b.at(kind).(list); ok {
						for _, o := range objects {
							if dig(o, "provisioning_status") != "ACTIVE" {
								pending++
							}
						}
					}
				}
			}
			return pending == 0
		}) {
			t.Errorf("still pending: %.900s", text)
		}
	})
	t.Run("names in the request became ids", func(t *testing.T) {
		pools := map[any]any{}
		for _, pool := range l.get(t, "/pools?loadbalancer_id="+k.id).list(t, "pools") {
			pools[dig(pool, "name")] = dig(pool, "id")
		}
		for _, listener := range l.get(t, "/listeners?load_balancer_id="+k.id).list(t, "listeners") {
			same(t, "default pool", dig(listener, "default_pool_id"), pools["web"])
			if dig(listener, "name") != "http" {
				continue
			}
			same(t, "allowed CIDRs", dig(listener, "allowed_cidrs"), list{"10.0.0.0/8"})
			for _, id := range dig(listener, "l7policies").(list) {
				policy := l.get(t, "/l7policies/"+dig(id, "id").(string)).at("l7policy")
				if dig(policy, "name") == "api" {
					is(t, "policy", policy, obj{"redirect_pool_id": pools["api"], "position": 1, "provisioning_status": "ACTIVE"})
					same(t, "rules", len(dig(policy, "rules").(list)), 2)
				}
			}
		}
		members := l.get(t, "/pools/"+pools["web"].(string)+"/members")
		same(t, "members", members.column(t, "members", "address"), []string{"10.71.0.220", "10.71.0.221"})
		same(t, "states", members.column(t, "members", "provisioning_status"), []string{"ACTIVE", "ACTIVE"})
	})
}

func TestLoadBalancerVIP(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	k := balancers(t, s)
	port := k.network.makePort(t, k.network.get(t, "/subnets/"+k.subnet).str(t, "subnet.network_id"), obj{"fixed_ips": list{obj{"ip_address": "10.71.0.99"}}})["id"].(string)
	a := k.api.want(t, http.StatusCreated, "POST", "/loadbalancers", obj{"loadbalancer": obj{"name": c.name("vip"), "vip_port_id": port}})
	k.id = a.str(t, "loadbalancer.id")
	k.api.deleteAfter(t, "/loadbalancers/"+k.id+"?cascade=true")
	t.Run("a port of the user's gives its address", func(t *testing.T) {
		is(t, "load balancer", a.at("loadbalancer"), obj{"vip_port_id": port, "vip_address": "10.71.0.99", "vip_subnet_id": k.subnet})
	})
	second := k.network.makeSubnet(t, k.network.get(t, "/subnets/"+k.subnet).str(t, "subnet.network_id"), "10.72.0.0/24")
	further := func(vips ...any) obj {
		return obj{"loadbalancer": obj{"name": c.name("x"), "vip_subnet_id": k.subnet, "additional_vips": vips}}
	}
	k.api.refuses(t,
		refusal{"a further VIP in the same subnet is 400", "POST", "/loadbalancers", further(obj{"subnet_id": k.subnet}), 400, "Client", "Only one IP can be bound per subnet."},
		refusal{"two further VIPs in a subnet are 400", "POST", "/loadbalancers", further(obj{"subnet_id": second}, obj{"subnet_id": second}), 400, "Client", "Only one IP can be bound per subnet."},
		refusal{"an unknown QoS policy is 400", "POST", "/loadbalancers", obj{"loadbalancer": obj{"name": c.name("x"), "vip_subnet_id": k.subnet, "vip_qos_policy_id": nobody}}, 400, "Client", "qos_policy " + nobody + " not found."},
		refusal{"an unknown flavor is refused", "POST", "/loadbalancers", obj{"loadbalancer": obj{"name": c.name("x"), "vip_subnet_id": k.subnet, "flavor_id": nobody}}, 400, "Client", "Invalid flavor_id."},
		refusal{"an unknown zone is refused", "POST", "/loadbalancers", obj{"loadbalancer": obj{"name": c.name("x"), "vip_subnet_id": k.subnet, "availability_zone": "nowhere"}}, 400, "Client", "vailability zone"},
		refusal{"an address outside the subnet is 500", "POST", "/loadbalancers", obj{"loadbalancer": obj{"name": c.name("x"), "vip_subnet_id": k.subnet, "vip_address": "10.99.0.1"}}, 500, "Server", "IP address 10.99.0.1 is not a valid IP for the specified subnet."},
	)
	t.Run("a floating IP can point to it", func(t *testing.T) {
		k.settled(t)
		router := k.network.make(t, "/routers", "router", obj{"name": c.name("router"), "external_gateway_info": obj{"network_id": k.network.external(t)}})["id"].(string)
		k.network.detach(t, router, k.subnet)
		k.network.want(t, http.StatusOK, "PUT", "/routers/"+router+"/add_router_interface", obj{"subnet_id": k.subnet})
		fip := k.network.make(t, "/floatingips", "floatingip", obj{"floating_network_id": k.network.external(t), "port_id": port, "description": c.prefix})
		is(t, "floating IP", fip, obj{"port_id": port, "fixed_ip_address": "10.71.0.99"})
	})
	t.Run("further VIPs come back in their order", func(t *testing.T) {
		b := k.api.want(t, http.StatusCreated, "POST", "/loadbalancers", further(obj{"subnet_id": second, "ip_address": "10.72.0.77"}))
		two := k
		two.id = b.str(t, "loadbalancer.id")
		k.api.deleteAfter(t, "/loadbalancers/"+two.id+"?cascade=true")
		two.settled(t)
		is(t, "load balancer", k.api.get(t, "/loadbalancers/"+two.id).at("loadbalancer"), obj{"vip_subnet_id": k.subnet, "additional_vips": list{obj{"subnet_id": second, "ip_address": "10.72.0.77"}}})
	})
	t.Run("the port outlives the load balancer", func(t *testing.T) {
		k.api.remove(t, "/loadbalancers/"+k.id)
		is(t, "port", k.network.get(t, "/ports/"+port).at("port"), obj{"device_owner": "", "device_id": ""})
	})
}

func TestLoadBalancerReader(t *testing.T) {
	c := open(t, simulator.Options{})
	l := c.as(t, "demo-reader").loadBalancer(t)
	l.refuses(t,
		refusal{"a reader may not list load balancers", "GET", "/loadbalancers", nil, 403, "Client", "Policy does not allow this request to be performed."},
		refusal{"a reader may not create one", "POST", "/loadbalancers", obj{"loadbalancer": obj{"vip_subnet_id": nobody}}, 403, "Client", "Policy does not allow this request to be performed."})
}

func TestLoadBalancerQuota(t *testing.T) {
	s := quotaSession(t, "load-balancer", map[string]int{"listener": 1, "load_balancer": 1})
	k := balancers(t, s)
	k.api.refuses(t, refusal{"a tree over the quota of a child is 403", "POST", "/loadbalancers", obj{"loadbalancer": k.tree("tree")}, 403, "Client", "Quota has been met for resources: Listener"})
	same(t, "load balancers", k.api.get(t, "/loadbalancers").at("loadbalancers"), list{})
	k.create(t, obj{"name": s.name("one")})
	k.api.refuses(t, refusal{"one load balancer too many is 403", "POST", "/loadbalancers", obj{"loadbalancer": obj{"name": s.name("two"), "vip_subnet_id": k.subnet}}, 403, "Client", "Quota has been met for resources: Load Balancer"})
	t.Run("a user sees the limits", func(t *testing.T) {
		is(t, "quota", k.api.get(t, "/quotas/"+s.projectID).at("quota"), obj{"listener": 1, "load_balancer": 1, "pool": aNumber, "member": aNumber, "health_monitor": aNumber, "l7policy": aNumber, "l7rule": aNumber})
	})
}
