package simulator

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

func (l *loadBalancing) listenerKind() lbKind {
	return lbKind{
		noun: "Listener", key: "listener", plural: "listeners", argument: "listener_.listener",
		fields: listenerFields(), filters: map[string]string{"loadbalancer_id": "_lb", "load_balancer_id": "_lb"},
		table: &l.Listeners, view: l.listenerView,
	}
}

func (l *loadBalancing) poolKind() lbKind {
	return lbKind{
		noun: "Pool", key: "pool", plural: "pools", argument: "pool_.pool",
		fields: poolFields(), filters: map[string]string{"loadbalancer_id": "_lb", "load_balancer_id": "_lb"},
		table: &l.Pools, view: l.poolView,
	}
}

func (l *loadBalancing) memberKind() lbKind {
	return lbKind{
		noun: "Member", key: "member", plural: "members", argument: "member_.member",
		fields: memberFields(), table: &l.Members, view: func(o object) object { return o.without() },
	}
}

func (l *loadBalancing) monitorKind() lbKind {
	return lbKind{
		noun: "Health Monitor", key: "healthmonitor", plural: "healthmonitors", argument: "health_monitor_.healthmonitor",
		fields: monitorFields(), filters: map[string]string{"pool_id": "_pool"}, table: &l.Monitors, view: l.monitorView,
	}
}

func (l *loadBalancing) policyKind() lbKind {
	return lbKind{
		noun: "L7 Policy", key: "l7policy", plural: "l7policies", argument: "l7policy_.l7policy",
		fields: policyFields(), table: &l.Policies, view: l.policyView,
	}
}

func (l *loadBalancing) ruleKind() lbKind {
	return lbKind{
		noun: "L7 Rule", key: "rule", plural: "rules", argument: "rule_.rule",
		fields: ruleFields(), table: &l.Rules, view: func(o object) object { return o.without() },
	}
}

func (l *loadBalancing) listenerView(listener object) object {
	view := listener.without("loadbalancer_id", "default_pool", "l7policies")
	view["loadbalancers"] = []any{map[string]any{"id": listener.str("_lb")}}
	view["l7policies"] = inOrder(l.policiesOf(listener))
	return view
}

func (l *loadBalancing) poolView(pool object) object {
	view := pool.without("loadbalancer_id", "listener_id", "healthmonitor", "members")
	view["loadbalancers"] = []any{map[string]any{"id": pool.str("_lb")}}
	view["listeners"] = refs(l.listenersOf(pool))
	view["members"] = refs(l.membersOf(pool))
	if monitor := l.monitorOf(pool); monitor != nil {
		view["healthmonitor_id"] = monitor["id"]
	}
	return view
}

func (l *loadBalancing) monitorView(monitor object) object {
	view := monitor.without("pool_id")
	view["pools"] = []any{map[string]any{"id": monitor.str("_pool")}}
	return view
}

func (l *loadBalancing) policyView(policy object) object {
	view := policy.without("redirect_pool", "rules")
	view["rules"] = refs(l.rulesOf(policy))
	return view
}

// inOrder are references in the given order.
func inOrder(objects []object) []any {
	list := []any{}
	for _, o := range objects {
		list = append(list, map[string]any{"id": o.str("id")})
	}
	return list
}

// parent is the load balancer of a child.
func (l *loadBalancing) parent(child object) object {
	return l.LoadBalancers[child.str("_lb")]
}

// one finds the object that a request names and checks that it may change.
func (l *loadBalancing) one(c *call, kind lbKind) (child, lb object, err error) {
	child, err = l.get(c, kind, c.path("id"))
	if err != nil {
		return nil, nil, err
	}
	lb = l.parent(child)
	return child, lb, mutable(lb)
}

// changes reads the body of a PUT.
func changes(c *call, kind lbKind) (object, error) {
	in, err := lbInput(c, kind)
	if err != nil {
		return nil, err
	}
	return readFields(kind.argument, kind.fields, in, false)
}

// creation reads the body of a POST; ids are attributes that this kind of request must have.
func creation(c *call, kind lbKind, ids ...string) (object, error) {
	in, err := lbInput(c, kind)
	if err != nil {
		return nil, err
	}
	o, err := readFields(kind.argument, kind.fields, in, true)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !o.has(id) {
			return nil, invalidField(id, "None", "Mandatory field missing.")
		}
	}
	return o, nil
}

// remove marks an object for its end.
func (l *loadBalancing) remove(lb, o object, touched ...object) (int, any, error) {
	o["provisioning_status"], o["updated_at"] = "PENDING_DELETE", lbTime()
	l.changing(lb, touched...)
	return http.StatusNoContent, nil, nil
}

func (l *loadBalancing) createListener(c *call) (int, any, error) {
	kind := l.listenerKind()
	in, err := creation(c, kind, "loadbalancer_id")
	if err != nil {
		return 0, nil, err
	}
	lb, err := l.get(c, l.loadBalancerKind(), in.str("loadbalancer_id"))
	if err != nil {
		return 0, nil, err
	}
	if in.has("default_pool") {
		// A defect of the real service that clients meet.
		return 0, nil, fail(http.StatusInternalServerError, "", "'dict' object has no attribute '_sa_instance_state'")
	}
	if err := l.checkQuota(lb.str("project_id"), "listener", 1); err != nil {
		return 0, nil, err
	}
	if err := l.checkPool(c, lb, in.str("default_pool_id"), in.str("protocol")); err != nil {
		return 0, nil, err
	}
	if err := l.checkListener(lb, in); err != nil {
		return 0, nil, err
	}
	if err := mutable(lb); err != nil {
		return 0, nil, err
	}
	policies := in.objs("l7policies")
	listener := l.addListener(lb, in)
	for _, policy := range policies {
		if _, err := l.graphPolicy(lb, listener, policy, nil); err != nil {
			delete(l.Listeners, listener.str("id"))
			return 0, nil, err
		}
	}
	l.changing(lb, l.Pools[listener.str("default_pool_id")])
	return http.StatusCreated, object{"listener": l.listenerView(listener)}, nil
}

func (l *loadBalancing) addListener(lb, in object) object {
	for _, key := range []string{"loadbalancer_id", "default_pool", "l7policies"} {
		delete(in, key)
	}
	in["_lb"] = lb.str("id")
	return l.created(l.listenerKind(), in, lb.str("project_id"))
}

// checkPool holds that a pool belongs to the load balancer and speaks a protocol that the listener can.
func (l *loadBalancing) checkPool(c *call, lb object, id, protocol string) error {
	if id == "" {
		return nil
	}
	pool, ok := l.Pools.get(id)
	if !ok || !c.owns(pool) || pool.str("_lb") != lb.str("id") {
		return fail(http.StatusNotFound, "", "Pool %s not found.", id)
	}
	return checkProtocols(protocol, pool.str("protocol"))
}

func checkProtocols(listener, pool string) error {
	valid := map[string][]string{
		"TCP":              {"HTTP", "HTTPS", "PROXY", "PROXYV2", "TCP"},
		"HTTP":             {"HTTP", "PROXY", "PROXYV2"},
		"HTTPS":            {"HTTPS", "PROXY", "PROXYV2", "TCP"},
		"TERMINATED_HTTPS": {"HTTP", "PROXY", "PROXYV2"},
		"UDP":              {"UDP"},
		"SCTP":             {"SCTP"},
	}
	if !slices.Contains(valid[listener], pool) {
		return fail(http.StatusBadRequest, "", "Validation failure: The pool protocol '%s' is invalid while the listener protocol is '%s'.", pool, listener)
	}
	return nil
}

func l4Protocol(protocol string) string {
	if protocol == "UDP" || protocol == "SCTP" {
		return protocol
	}
	return "TCP"
}

func (l *loadBalancing) checkListener(lb, listener object) error {
	protocol := listener.str("protocol")
	if err := checkHeaders(listener, protocol); err != nil {
		return err
	}
	certified := listener.has("default_tls_container_ref") || len(listener.strs("sni_container_refs")) > 0
	switch terminated := protocol == "TERMINATED_HTTPS"; {
	case certified && !terminated:
		return fail(http.StatusBadRequest, "", "Validation failure: Certificate container references are not allowed on %s protocol listeners.", protocol)
	case terminated && !certified:
		return fail(http.StatusBadRequest, "", "Validation failure: An SNI or default certificate container reference must be provided for %s protocol listeners.", protocol)
	}
	if mode := listener.str("client_authentication"); mode != "NONE" && !listener.has("client_ca_tls_container_ref") {
		return fail(http.StatusBadRequest, "", "Validation failure: Client authentication setting %s requires a client CA container reference.", mode)
	}
	for _, other := range l.childrenOf(l.Listeners, lb) {
		if other.num("protocol_port") == listener.num("protocol_port") && l4Protocol(other.str("protocol")) == l4Protocol(protocol) {
			return fail(http.StatusConflict, "", "Another Listener on this Load Balancer is already using protocol %s and protocol_port %d",
				other.str("protocol"), listener.num("protocol_port"))
		}
	}
	return checkAllowedCIDRs(lb, listener.strs("allowed_cidrs"))
}

func checkHeaders(listener object, protocol string) error {
	headers := listener.obj("insert_headers")
	if len(headers) == 0 {
		return nil
	}
	if protocol != "HTTP" && protocol != "TERMINATED_HTTPS" {
		return fail(http.StatusBadRequest, "", "insert-headers is not a valid option for a %s protocol listener.", protocol)
	}
	for name := range headers {
		known := slices.Contains([]string{"X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto"}, name)
		if !known && (protocol != "TERMINATED_HTTPS" || !strings.HasPrefix(name, "X-SSL-")) {
			return fail(http.StatusBadRequest, "", "dict_keys(['%s']) is not a valid option for insert_headers", name)
		}
	}
	return nil
}

func (l *loadBalancing) updateListener(c *call) (int, any, error) {
	kind := l.listenerKind()
	in, err := changes(c, kind)
	if err != nil {
		return 0, nil, err
	}
	listener, err := l.get(c, kind, c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	lb := l.parent(listener)
	if err := l.checkPool(c, lb, in.str("default_pool_id"), listener.str("protocol")); err != nil {
		return 0, nil, err
	}
	if err := checkHeaders(in, listener.str("protocol")); err != nil {
		return 0, nil, err
	}
	if err := checkAllowedCIDRs(lb, in.strs("allowed_cidrs")); err != nil {
		return 0, nil, err
	}
	if err := mutable(lb); err != nil {
		return 0, nil, err
	}
	l.apply(listener, in)
	l.changing(lb, listener)
	return http.StatusOK, object{"listener": l.listenerView(listener)}, nil
}

func (l *loadBalancing) deleteListener(c *call) (int, any, error) {
	listener, lb, err := l.one(c, l.listenerKind())
	if err != nil {
		return 0, nil, err
	}
	for _, policy := range l.policiesOf(listener) {
		l.removePolicy(policy)
	}
	return l.remove(lb, listener)
}

func (l *loadBalancing) createPool(c *call) (int, any, error) {
	in, err := creation(c, l.poolKind())
	if err != nil {
		return 0, nil, err
	}
	var listener object
	lbID := in.str("loadbalancer_id")
	switch {
	case in.has("listener_id"):
		if listener, err = l.get(c, l.listenerKind(), in.str("listener_id")); err != nil {
			return 0, nil, err
		}
		lbID = listener.str("_lb")
	case lbID == "":
		return 0, nil, fail(http.StatusBadRequest, "", "Validation failure: Must provide at least one of: loadbalancer_id, listener_id")
	}
	lb, err := l.get(c, l.loadBalancerKind(), lbID)
	if err != nil {
		return 0, nil, err
	}
	if listener != nil {
		if err := checkProtocols(listener.str("protocol"), in.str("protocol")); err != nil {
			return 0, nil, err
		}
	}
	if err := l.checkQuota(lb.str("project_id"), "pool", 1); err != nil {
		return 0, nil, err
	}
	if err := checkPersistence(in); err != nil {
		return 0, nil, err
	}
	if listener.has("default_pool_id") {
		return 0, nil, fail(http.StatusConflict, "", "This listener already has a default pool")
	}
	if err := mutable(lb); err != nil {
		return 0, nil, err
	}
	pool := l.addPool(lb, in)
	if listener != nil {
		listener["default_pool_id"] = pool["id"]
	}
	l.changing(lb, listener)
	return http.StatusCreated, object{"pool": l.poolView(pool)}, nil
}

func (l *loadBalancing) addPool(lb, in object) object {
	for _, key := range []string{"loadbalancer_id", "listener_id", "healthmonitor", "members"} {
		delete(in, key)
	}
	in["_lb"] = lb.str("id")
	return l.created(l.poolKind(), in, lb.str("project_id"))
}

// checkPersistence checks and completes the session persistence of a pool.
func checkPersistence(pool object) error {
	if !pool.has("session_persistence") {
		return nil
	}
	persistence, err := readFields("session_persistence", sessionPersistenceFields(), pool.obj("session_persistence"), true)
	if err != nil {
		return err
	}
	switch app := persistence.str("type") == "APP_COOKIE"; {
	case app && !persistence.has("cookie_name"):
		return fail(http.StatusBadRequest, "", `Validation failure: Field "cookie_name" must be specified when using the "APP_COOKIE" session persistence type.`)
	case !app && persistence.has("cookie_name"):
		return fail(http.StatusBadRequest, "", `Validation failure: Field "cookie_name" can only be specified with session persistence of type "APP_COOKIE".`)
	}
	pool["session_persistence"] = map[string]any(persistence)
	return nil
}

func (l *loadBalancing) updatePool(c *call) (int, any, error) {
	in, err := changes(c, l.poolKind())
	if err != nil {
		return 0, nil, err
	}
	if err := checkPersistence(in); err != nil {
		return 0, nil, err
	}
	pool, lb, err := l.one(c, l.poolKind())
	if err != nil {
		return 0, nil, err
	}
	l.apply(pool, in)
	l.changing(lb, append(l.listenersOf(pool), pool)...)
	return http.StatusOK, object{"pool": l.poolView(pool)}, nil
}

func (l *loadBalancing) deletePool(c *call) (int, any, error) {
	pool, err := l.get(c, l.poolKind(), c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	if policy, ok := l.Policies.find("redirect_pool_id", pool.str("id")); ok {
		return 0, nil, fail(http.StatusConflict, "", "Pool %s is in use by L7 policy %s", pool.str("id"), policy.str("id"))
	}
	lb := l.parent(pool)
	if err := mutable(lb); err != nil {
		return 0, nil, err
	}
	listeners := l.listenersOf(pool)
	for _, child := range append(l.membersOf(pool), l.monitorOf(pool)) {
		if child != nil {
			child["provisioning_status"] = "PENDING_DELETE"
		}
	}
	id := pool.str("id")
	status, body, err := l.remove(lb, pool, listeners...)
	// The listeners keep their reference until the pool is gone.
	l.sim.after(l.sim.options.Times.LoadBalancerChild, func() {
		for _, listener := range l.Listeners.where(func(o object) bool { return o.str("default_pool_id") == id }) {
			listener["default_pool_id"] = nil
		}
	})
	return status, body, err
}

// poolOf is the pool in the path of a request for members.
func (l *loadBalancing) poolOf(c *call) (object, error) {
	return l.above(c, l.poolKind(), c.path("pool"))
}

// above is the object in the path above what a request asks for.
func (l *loadBalancing) above(c *call, kind lbKind, id string) (object, error) {
	o, err := l.get(c, kind, id)
	var f *fault
	if errors.As(err, &f) && f.status == http.StatusNotFound {
		missing := *f
		missing.kind = lbParentMissing
		return nil, &missing
	}
	return o, err
}

// openPool holds that a pool and its load balancer may change.
func (l *loadBalancing) openPool(pool object) (lb object, err error) {
	if pool.str("provisioning_status") != "ACTIVE" {
		return nil, fail(http.StatusConflict, "", "Pool %s is immutable and cannot be updated.", pool.str("id"))
	}
	lb = l.parent(pool)
	return lb, mutable(lb)
}

func (l *loadBalancing) listMembers(c *call) (int, any, error) {
	pool, err := l.poolOf(c)
	if err != nil {
		return 0, nil, err
	}
	return l.list(c, l.memberKind(), func(o object) bool { return o.str("_pool") == pool.str("id") })
}

func (l *loadBalancing) memberOf(c *call) (pool, member object, err error) {
	if pool, err = l.poolOf(c); err != nil {
		return nil, nil, err
	}
	member, err = l.get(c, l.memberKind(), c.path("id"))
	if err == nil && member.str("_pool") != pool.str("id") {
		err = fail(http.StatusNotFound, "", "Member %s not found.", c.path("id"))
	}
	return pool, member, err
}

func (l *loadBalancing) getMember(c *call) (int, any, error) {
	_, member, err := l.memberOf(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"member": member.without()}, nil
}

func (l *loadBalancing) createMember(c *call) (int, any, error) {
	pool, err := l.poolOf(c)
	if err != nil {
		return 0, nil, err
	}
	in, err := creation(c, l.memberKind())
	if err != nil {
		return 0, nil, err
	}
	if err := l.checkMember(c, in); err != nil {
		return 0, nil, err
	}
	if err := l.checkQuota(pool.str("project_id"), "member", 1); err != nil {
		return 0, nil, err
	}
	if err := l.uniqueMember(pool, in); err != nil {
		return 0, nil, err
	}
	lb, err := l.openPool(pool)
	if err != nil {
		return 0, nil, err
	}
	member := l.addMember(pool, in)
	l.changing(lb, append(l.listenersOf(pool), pool)...)
	return http.StatusCreated, object{"member": member.without()}, nil
}

func (l *loadBalancing) addMember(pool, in object) object {
	in["_lb"], in["_pool"] = pool.str("_lb"), pool.str("id")
	member := l.created(l.memberKind(), in, pool.str("project_id"))
	member["operating_status"] = "NO_MONITOR"
	if l.monitorOf(pool) != nil {
		member["operating_status"] = "OFFLINE"
	}
	return member
}

func (l *loadBalancing) checkMember(c *call, member object) error {
	if member.str("address") == "169.254.169.254" {
		return fail(http.StatusBadRequest, "", "169.254.169.254 is not a valid option for member address")
	}
	if subnet := member.str("subnet_id"); subnet != "" && c.subnetOf(subnet) == nil {
		return fail(http.StatusBadRequest, "", "Subnet %s not found.", subnet)
	}
	return nil
}

func memberKey(member object) string {
	address, err := netip.ParseAddr(member.str("address"))
	if err != nil {
		return member.str("address")
	}
	return netip.AddrPortFrom(address, uint16(member.num("protocol_port"))).String()
}

func (l *loadBalancing) uniqueMember(pool, member object) error {
	for _, other := range l.membersOf(pool) {
		if memberKey(other) == memberKey(member) {
			return fail(http.StatusConflict, "", "Another member on this pool is already using ip %s on protocol_port %d",
				member.str("address"), member.num("protocol_port"))
		}
	}
	return nil
}

func (l *loadBalancing) updateMember(c *call) (int, any, error) {
	in, err := changes(c, l.memberKind())
	if err != nil {
		return 0, nil, err
	}
	pool, member, err := l.memberOf(c)
	if err != nil {
		return 0, nil, err
	}
	lb, err := l.openPool(pool)
	if err != nil {
		return 0, nil, err
	}
	l.apply(member, in)
	l.changing(lb, append(l.listenersOf(pool), pool, member)...)
	return http.StatusOK, object{"member": member.without()}, nil
}

func (l *loadBalancing) deleteMember(c *call) (int, any, error) {
	pool, member, err := l.memberOf(c)
	if err != nil {
		return 0, nil, err
	}
	lb, err := l.openPool(pool)
	if err != nil {
		return 0, nil, err
	}
	return l.remove(lb, member, append(l.listenersOf(pool), pool)...)
}

// replaceMembers is the batch update: members are told apart by address and port, what is not named is
// deleted unless the query says additive_only. It answers without a body.
func (l *loadBalancing) replaceMembers(c *call) (int, any, error) {
	pool, err := l.poolOf(c)
	if err != nil {
		return 0, nil, err
	}
	current := map[string]object{}
	for _, member := range l.membersOf(pool) {
		current[memberKey(member)] = member
	}
	wanted, err := wantedMembers(c, current)
	if err != nil {
		return 0, nil, err
	}
	lb, err := l.openPool(pool)
	if err != nil {
		return 0, nil, err
	}
	additive := slices.Contains([]string{"true", "1", "yes", "on"}, strings.ToLower(c.query("additive_only")))
	added, seen, twice := []object{}, map[string]bool{}, false
	for _, member := range wanted {
		twice = twice || seen[memberKey(member)]
		seen[memberKey(member)] = true
		if current[memberKey(member)] == nil {
			added = append(added, member)
		}
	}
	removed := 0
	for key := range current {
		if !seen[key] && !additive {
			removed++
		}
	}
	if len(wanted) == 0 && removed == 0 {
		return http.StatusAccepted, nil, nil
	}
	if growth := len(added) - removed; growth > 0 {
		if err := l.checkQuota(pool.str("project_id"), "member", growth); err != nil {
			return 0, nil, err
		}
	}
	for _, member := range added {
		if err := l.checkMember(c, member); err != nil {
			return 0, nil, err
		}
	}
	l.changing(lb, append(l.listenersOf(pool), pool)...)
	for _, member := range wanted {
		if existing := current[memberKey(member)]; existing != nil {
			l.apply(existing, member)
			existing["provisioning_status"] = "PENDING_UPDATE"
		} else {
			l.addMember(pool, member)
		}
	}
	for key, member := range current {
		if !seen[key] && !additive {
			member["provisioning_status"] = "PENDING_DELETE"
		}
	}
	if twice {
		// The real service accepts a member that is named twice, and never ends.
		lb["_frozen"] = true
	}
	return http.StatusAccepted, nil, nil
}

// wantedMembers reads the members of a batch update. Those that exist keep a name and tags that are not given.
func wantedMembers(c *call, current map[string]object) ([]object, error) {
	var body map[string]any
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	list, ok := body["members"].([]any)
	if !ok {
		return nil, invalidField("members", body["members"], "Mandatory field missing.")
	}
	members := []object{}
	for _, in := range asObjects(list) {
		member, err := readFields("members_.members", memberFields(), in, true)
		if err != nil {
			return nil, err
		}
		if existing := current[memberKey(member)]; existing != nil {
			for _, key := range []string{"name", "tags", "subnet_id", "project_id"} {
				if key == "subnet_id" || key == "project_id" || !in.has(key) {
					member[key] = existing[key]
				}
			}
			delete(member, "tenant_id")
		}
		members = append(members, member)
	}
	return members, nil
}

func (l *loadBalancing) createMonitor(c *call) (int, any, error) {
	in, err := creation(c, l.monitorKind(), "pool_id")
	if err != nil {
		return 0, nil, err
	}
	pool, err := l.get(c, l.poolKind(), in.str("pool_id"))
	if err != nil {
		return 0, nil, err
	}
	if err := l.checkQuota(pool.str("project_id"), "health_monitor", 1); err != nil {
		return 0, nil, err
	}
	if err := l.checkMonitor(pool, in); err != nil {
		return 0, nil, err
	}
	lb, err := l.openPool(pool)
	if err != nil {
		return 0, nil, err
	}
	monitor := l.addMonitor(pool, in)
	l.changing(lb, append(l.listenersOf(pool), pool)...)
	return http.StatusCreated, object{"healthmonitor": l.monitorView(monitor)}, nil
}

func (l *loadBalancing) addMonitor(pool, in object) object {
	delete(in, "pool_id")
	in["_lb"], in["_pool"] = pool.str("_lb"), pool.str("id")
	return l.created(l.monitorKind(), in, pool.str("project_id"))
}

// checkMonitor checks a monitor and completes those that speak HTTP.
func (l *loadBalancing) checkMonitor(pool, monitor object) error {
	kind := monitor.str("type")
	datagram := pool.str("protocol") == "UDP" || pool.str("protocol") == "SCTP"
	if (kind == "UDP-CONNECT" || kind == "SCTP") && !datagram {
		return fail(http.StatusBadRequest, "", "Validation failure: The %s type is only supported for pools of type UDP/SCTP.", kind)
	}
	defaults := object{"http_method": "GET", "url_path": "/", "expected_codes": "200"}
	for _, key := range []string{"http_method", "url_path", "expected_codes"} {
		switch web := kind == "HTTP" || kind == "HTTPS"; {
		case !web && monitor.has(key):
			return fail(http.StatusBadRequest, "", "%s is not a valid option for health monitors of type %s", key, kind)
		case web && !monitor.has(key):
			monitor[key] = defaults[key]
		}
	}
	if monitor.has("domain_name") && !monitor.has("http_version") {
		return fail(http.StatusBadRequest, "", "Validation failure: 'http_version' must be specified when 'domain_name' is provided.")
	}
	if l.monitorOf(pool) != nil {
		return fail(http.StatusConflict, "", "This pool already has a health monitor")
	}
	return nil
}

func (l *loadBalancing) updateMonitor(c *call) (int, any, error) {
	in, err := changes(c, l.monitorKind())
	if err != nil {
		return 0, nil, err
	}
	monitor, err := l.get(c, l.monitorKind(), c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	pool := l.Pools[monitor.str("_pool")]
	lb, err := l.openPool(pool)
	if err != nil {
		return 0, nil, err
	}
	l.apply(monitor, in)
	l.changing(lb, append(l.listenersOf(pool), pool, monitor)...)
	return http.StatusOK, object{"healthmonitor": l.monitorView(monitor)}, nil
}

func (l *loadBalancing) deleteMonitor(c *call) (int, any, error) {
	monitor, err := l.get(c, l.monitorKind(), c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	pool := l.Pools[monitor.str("_pool")]
	lb, err := l.openPool(pool)
	if err != nil {
		return 0, nil, err
	}
	return l.remove(lb, monitor, append(l.listenersOf(pool), pool)...)
}

func (l *loadBalancing) createPolicy(c *call) (int, any, error) {
	in, err := creation(c, l.policyKind(), "listener_id")
	if err != nil {
		return 0, nil, err
	}
	listener, err := l.get(c, l.listenerKind(), in.str("listener_id"))
	if err != nil {
		return 0, nil, err
	}
	lb := l.parent(listener)
	if err := l.checkQuota(lb.str("project_id"), "l7policy", 1); err != nil {
		return 0, nil, err
	}
	if err := l.checkPolicy(c, listener, in); err != nil {
		return 0, nil, err
	}
	if err := mutable(lb); err != nil {
		return 0, nil, err
	}
	rules := in.objs("rules")
	policy := l.addPolicy(listener, in)
	for _, rule := range rules {
		if _, err := l.graphRule(policy, rule); err != nil {
			l.forgetPolicy(policy)
			return 0, nil, err
		}
	}
	l.changing(lb, listener)
	return http.StatusCreated, object{"l7policy": l.policyView(policy)}, nil
}

// checkPolicy checks a policy and makes it consistent, as its action wants it.
func (l *loadBalancing) checkPolicy(c *call, listener, policy object) error {
	if protocol := listener.str("protocol"); protocol != "HTTP" && protocol != "TERMINATED_HTTPS" {
		return fail(http.StatusNotImplemented, "", "Provider '%s' does not support a requested option: %s protocol listeners do not support L7 policies",
			l.parent(listener).str("provider"), protocol)
	}
	if err := sanitizePolicy(policy); err != nil {
		return err
	}
	if id := policy.str("redirect_pool_id"); id != "" {
		return l.checkPool(c, l.parent(listener), id, listener.str("protocol"))
	}
	return nil
}

func sanitizePolicy(policy object) error {
	needs := map[string]string{"REDIRECT_TO_POOL": "redirect_pool_id", "REDIRECT_TO_URL": "redirect_url", "REDIRECT_PREFIX": "redirect_prefix"}
	action := policy.str("action")
	need := needs[action]
	if need != "" && !policy.has(need) && (action != "REDIRECT_TO_POOL" || !policy.has("redirect_pool")) {
		name := need
		if action == "REDIRECT_TO_POOL" {
			name = "redirect_pool_id or redirect_pool"
		}
		return fail(http.StatusBadRequest, "", "Invalid L7 Policy arguments: %s must not be None", name)
	}
	for _, key := range needs {
		if key != need {
			policy[key] = nil
		}
	}
	switch action {
	case "REDIRECT_TO_URL", "REDIRECT_PREFIX":
		if !policy.has("redirect_http_code") {
			policy["redirect_http_code"] = 302
		}
	case "REDIRECT_TO_POOL":
		policy["redirect_http_code"] = nil
	}
	return nil
}

// addPolicy stores a policy; its position pushes the others down.
func (l *loadBalancing) addPolicy(listener, in object) object {
	delete(in, "rules")
	delete(in, "redirect_pool")
	in["_lb"], in["listener_id"] = listener.str("_lb"), listener.str("id")
	others := l.policiesOf(listener)
	policy := l.created(l.policyKind(), in, listener.str("project_id"))
	place(policy, others)
	return policy
}

// place puts a policy at its position among the others and numbers all of them.
func place(policy object, others []object) {
	at := min(max(policy.num("position")-1, 0), len(others))
	for i, o := range slices.Insert(slices.Clone(others), at, policy) {
		o["position"] = i + 1
	}
}

func (l *loadBalancing) updatePolicy(c *call) (int, any, error) {
	in, err := changes(c, l.policyKind())
	if err != nil {
		return 0, nil, err
	}
	policy, err := l.get(c, l.policyKind(), c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	listener := l.Listeners[policy.str("listener_id")]
	lb := l.parent(policy)
	next := policy.without()
	for key, value := range in {
		next[key] = value
	}
	// A new target says what the action is.
	for key, action := range map[string]string{"redirect_pool_id": "REDIRECT_TO_POOL", "redirect_url": "REDIRECT_TO_URL", "redirect_prefix": "REDIRECT_PREFIX"} {
		if in.has(key) {
			next["action"] = action
		}
	}
	if err := l.checkPolicy(c, listener, next); err != nil {
		return 0, nil, err
	}
	if err := mutable(lb); err != nil {
		return 0, nil, err
	}
	for _, key := range []string{"action", "redirect_pool_id", "redirect_url", "redirect_prefix", "redirect_http_code"} {
		in[key] = next[key]
	}
	l.apply(policy, in)
	if in.given("position") {
		others := slices.DeleteFunc(l.policiesOf(listener), func(o object) bool { return o.str("id") == policy.str("id") })
		place(policy, others)
	}
	l.changing(lb, listener, policy)
	return http.StatusOK, object{"l7policy": l.policyView(policy)}, nil
}

func (l *loadBalancing) deletePolicy(c *call) (int, any, error) {
	policy, lb, err := l.one(c, l.policyKind())
	if err != nil {
		return 0, nil, err
	}
	listener := l.Listeners[policy.str("listener_id")]
	l.removePolicy(policy)
	l.changing(lb, listener)
	return http.StatusNoContent, nil, nil
}

// removePolicy marks a policy and its rules for their end, and closes the gap that it leaves.
func (l *loadBalancing) removePolicy(policy object) {
	policy["provisioning_status"] = "PENDING_DELETE"
	for _, rule := range l.rulesOf(policy) {
		rule["provisioning_status"] = "PENDING_DELETE"
	}
	position := 0
	for _, other := range l.policiesOf(l.Listeners[policy.str("listener_id")]) {
		if other.str("provisioning_status") != "PENDING_DELETE" {
			position++
			other["position"] = position
		}
	}
}

func (l *loadBalancing) forgetPolicy(policy object) {
	for _, rule := range l.rulesOf(policy) {
		delete(l.Rules, rule.str("id"))
	}
	delete(l.Policies, policy.str("id"))
}

func (l *loadBalancing) policyOf(c *call) (object, error) {
	return l.above(c, l.policyKind(), c.path("policy"))
}

func (l *loadBalancing) openPolicy(policy object) (lb object, err error) {
	if policy.str("provisioning_status") != "ACTIVE" {
		return nil, fail(http.StatusConflict, "", "L7Policy %s is immutable and cannot be updated.", policy.str("id"))
	}
	lb = l.parent(policy)
	return lb, mutable(lb)
}

func (l *loadBalancing) listRules(c *call) (int, any, error) {
	policy, err := l.policyOf(c)
	if err != nil {
		return 0, nil, err
	}
	return l.list(c, l.ruleKind(), func(o object) bool { return o.str("_policy") == policy.str("id") })
}

func (l *loadBalancing) ruleOf(c *call) (policy, rule object, err error) {
	if policy, err = l.policyOf(c); err != nil {
		return nil, nil, err
	}
	rule, err = l.get(c, l.ruleKind(), c.path("id"))
	if err == nil && rule.str("_policy") != policy.str("id") {
		err = fail(http.StatusNotFound, "", "L7 Rule %s not found.", c.path("id"))
	}
	return policy, rule, err
}

func (l *loadBalancing) getRule(c *call) (int, any, error) {
	_, rule, err := l.ruleOf(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"rule": rule.without()}, nil
}

func (l *loadBalancing) createRule(c *call) (int, any, error) {
	policy, err := l.policyOf(c)
	if err != nil {
		return 0, nil, err
	}
	in, err := creation(c, l.ruleKind())
	if err != nil {
		return 0, nil, err
	}
	if err := l.checkRule(policy, in); err != nil {
		return 0, nil, err
	}
	if err := l.checkQuota(policy.str("project_id"), "l7rule", 1); err != nil {
		return 0, nil, err
	}
	lb, err := l.openPolicy(policy)
	if err != nil {
		return 0, nil, err
	}
	rule := l.addRule(policy, in)
	l.changing(lb, l.Listeners[policy.str("listener_id")], policy)
	return http.StatusCreated, object{"rule": rule.without()}, nil
}

func (l *loadBalancing) addRule(policy, in object) object {
	in["_lb"], in["_policy"] = policy.str("_lb"), policy.str("id")
	return l.created(l.ruleKind(), in, policy.str("project_id"))
}

// mostRules is how many rules a policy can have.
const mostRules = 50

func (l *loadBalancing) checkRule(policy, rule object) error {
	if len(l.rulesOf(policy)) >= mostRules {
		return fail(http.StatusConflict, "", "Too many rules on L7 policy %s", policy.str("id"))
	}
	if wrong := wrongRule(rule); wrong != "" {
		return fail(http.StatusBadRequest, "", "Error parsing L7Rule: %s", wrong)
	}
	return nil
}

var (
	headerName  = regexp.MustCompile("^[a-zA-Z0-9!#$%&'*+.^_`|~-]+$")
	headerValue = regexp.MustCompile("^[a-zA-Z0-9!#$%&'()*+,./:;<=>?@\\[\\]\\\\^_`{|}~-]+$")
	quotedValue = regexp.MustCompile(`^"[^"\\]*"$`)
)

func wrongRule(rule object) string {
	kind, compare := rule.str("type"), rule.str("compare_type")
	switch {
	case rule.str("value") == "":
		return "Invalid L7 Rule: L7 rule type requires a value"
	case (kind == "HEADER" || kind == "COOKIE") && !rule.has("key"):
		return "Invalid L7 Rule: L7 rule type requires a key"
	case (kind == "HEADER" || kind == "COOKIE") && !headerName.MatchString(rule.str("key")):
		return "Invalid characters in key"
	case kind == "FILE_TYPE" && compare != "REGEX" && compare != "EQUAL_TO":
		return "Invalid L7 Rule: invalid comparison type for rule type"
	}
	if compare == "REGEX" {
		if _, err := regexp.Compile(rule.str("value")); err != nil {
			return fmt.Sprintf("Unable to parse regular expression: %v", err)
		}
		return ""
	}
	if !headerValue.MatchString(rule.str("value")) && !quotedValue.MatchString(rule.str("value")) {
		what := map[string]string{"HEADER": "header value", "COOKIE": "cookie value"}[kind]
		if what == "" {
			what = "comparison value"
		}
		return "Invalid characters in " + what
	}
	return ""
}

func (l *loadBalancing) updateRule(c *call) (int, any, error) {
	in, err := changes(c, l.ruleKind())
	if err != nil {
		return 0, nil, err
	}
	policy, rule, err := l.ruleOf(c)
	if err != nil {
		return 0, nil, err
	}
	next := rule.without()
	for key, value := range in {
		next[key] = value
	}
	if wrong := wrongRule(next); wrong != "" {
		return 0, nil, fail(http.StatusBadRequest, "", "Error parsing L7Rule: %s", wrong)
	}
	lb, err := l.openPolicy(policy)
	if err != nil {
		return 0, nil, err
	}
	l.apply(rule, in)
	l.changing(lb, l.Listeners[policy.str("listener_id")], policy, rule)
	return http.StatusOK, object{"rule": rule.without()}, nil
}

func (l *loadBalancing) deleteRule(c *call) (int, any, error) {
	policy, rule, err := l.ruleOf(c)
	if err != nil {
		return 0, nil, err
	}
	lb, err := l.openPolicy(policy)
	if err != nil {
		return 0, nil, err
	}
	return l.remove(lb, rule, l.Listeners[policy.str("listener_id")], policy)
}
