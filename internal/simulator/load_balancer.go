package simulator

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// LoadBalancerDriver says how the load balancer service behaves in places where clouds differ.
type LoadBalancerDriver string

const (
	// DriverComplete configures the whole tree of a fully populated POST.
	DriverComplete LoadBalancerDriver = ""
	// DriverStock is Octavia 11.0.0: the load balancer of a fully populated POST becomes ACTIVE while its
	// children stay PENDING_CREATE for ever.
	DriverStock LoadBalancerDriver = "stock"
	// DriverSimple refuses a fully populated POST, as some provider drivers do.
	DriverSimple LoadBalancerDriver = "simple"
)

// loadBalancing is the state of the Load Balancer API. Children know their load balancer by "_lb",
// members and monitors their pool by "_pool", rules their policy by "_policy".
type loadBalancing struct {
	sim *Simulator

	LoadBalancers     table
	Listeners         table
	Pools             table
	Members           table // "_up" is the outcome of the health checks
	Monitors          table
	Policies          table
	Rules             table
	Flavors           table
	AvailabilityZones table
	Quotas            map[string]map[string]int // project id -> limits that differ
}

// lbKind is one kind of object of the API.
type lbKind struct {
	noun     string // as faults call it
	key      string // in bodies
	plural   string
	argument string // as faults about attributes call it
	fields   []field
	filters  map[string]string // query parameters that are not attributes -> hidden keys
	table    *table
	view     func(object) object
}

func newLoadBalancing(s *Simulator) *loadBalancing {
	return &loadBalancing{sim: s, Quotas: map[string]map[string]int{}}
}

func (l *loadBalancing) service() *service {
	routes := map[string]handler{
		"POST /v2/lbaas/loadbalancers":                    l.createLoadBalancer,
		"PUT /v2/lbaas/loadbalancers/{id}":                l.updateLoadBalancer,
		"DELETE /v2/lbaas/loadbalancers/{id}":             l.deleteLoadBalancer,
		"GET /v2/lbaas/loadbalancers/{id}/status":         l.statusTree,
		"GET /v2/lbaas/loadbalancers/{id}/statuses":       l.statusTree,
		"GET /v2/lbaas/loadbalancers/{id}/stats":          l.loadBalancerStats,
		"PUT /v2/lbaas/loadbalancers/{id}/failover":       l.failover,
		"POST /v2/lbaas/listeners":                        l.createListener,
		"PUT /v2/lbaas/listeners/{id}":                    l.updateListener,
		"DELETE /v2/lbaas/listeners/{id}":                 l.deleteListener,
		"GET /v2/lbaas/listeners/{id}/stats":              l.listenerStats,
		"POST /v2/lbaas/pools":                            l.createPool,
		"PUT /v2/lbaas/pools/{id}":                        l.updatePool,
		"DELETE /v2/lbaas/pools/{id}":                     l.deletePool,
		"GET /v2/lbaas/pools/{pool}/members":              l.listMembers,
		"GET /v2/lbaas/pools/{pool}/members/{id}":         l.getMember,
		"POST /v2/lbaas/pools/{pool}/members":             l.createMember,
		"PUT /v2/lbaas/pools/{pool}/members":              l.replaceMembers,
		"PUT /v2/lbaas/pools/{pool}/members/{id}":         l.updateMember,
		"DELETE /v2/lbaas/pools/{pool}/members/{id}":      l.deleteMember,
		"POST /v2/lbaas/healthmonitors":                   l.createMonitor,
		"PUT /v2/lbaas/healthmonitors/{id}":               l.updateMonitor,
		"DELETE /v2/lbaas/healthmonitors/{id}":            l.deleteMonitor,
		"POST /v2/lbaas/l7policies":                       l.createPolicy,
		"PUT /v2/lbaas/l7policies/{id}":                   l.updatePolicy,
		"DELETE /v2/lbaas/l7policies/{id}":                l.deletePolicy,
		"GET /v2/lbaas/l7policies/{policy}/rules":         l.listRules,
		"GET /v2/lbaas/l7policies/{policy}/rules/{id}":    l.getRule,
		"POST /v2/lbaas/l7policies/{policy}/rules":        l.createRule,
		"PUT /v2/lbaas/l7policies/{policy}/rules/{id}":    l.updateRule,
		"DELETE /v2/lbaas/l7policies/{policy}/rules/{id}": l.deleteRule,
		"GET /v2/lbaas/providers":                         l.listProviders,
		"GET /v2/lbaas/flavors":                           l.listFlavors,
		"GET /v2/lbaas/flavors/{id}":                      l.getFlavor,
		"GET /v2/lbaas/availabilityzones":                 l.listAvailabilityZones,
		"GET /v2/lbaas/quotas":                            l.listQuotas,
		"GET /v2/lbaas/quotas/defaults":                   l.defaultQuota,
		"GET /v2/lbaas/quotas/{project}":                  l.getQuota,
		"PUT /v2/lbaas/quotas/{project}":                  l.putQuota,
		"DELETE /v2/lbaas/quotas/{project}":               l.deleteQuota,
	}
	for _, kind := range []func() lbKind{l.loadBalancerKind, l.listenerKind, l.poolKind, l.monitorKind, l.policyKind} {
		routes["GET /v2/lbaas/"+kind().plural] = func(c *call) (int, any, error) {
			return l.list(c, kind(), func(object) bool { return true })
		}
		routes["GET /v2/lbaas/"+kind().plural+"/{id}"] = func(c *call) (int, any, error) {
			return l.show(c, kind())
		}
	}
	// Octavia has its API under all of these names.
	for pattern, handle := range maps.Clone(routes) {
		for _, name := range []string{"/v2.0/lbaas/", "/v2/", "/v2.0/"} {
			routes[strings.Replace(pattern, "/v2/lbaas/", name, 1)] = handle
		}
	}
	return &service{
		kind: "load-balancer", name: "octavia", prefix: "/load-balancer",
		state: l, seed: l.seed, resume: l.resume, leftovers: func() []string { return l.sim.left(l.LoadBalancers, "load balancer") },
		authorize: authorizeLoadBalancing, changed: l.sim.dataPlane.changed, close: l.close,
		render: lbFaultBody,
		routes: routes,
		open:   map[string]handler{"GET /{$}": l.versions, "GET /{version}": l.version, "GET /{version}/{$}": l.version},
	}
}

// close ends the APIs of the clusters and then the forwarding that leads to them.
func (l *loadBalancing) close() {
	l.sim.kubernetes.close()
	l.sim.dataPlane.close()
}

// authorizeLoadBalancing holds the service's own roles: reader of a project is not enough.
func authorizeLoadBalancing(c *call) error {
	if c.admin() || c.hasRole("load-balancer_member", "load-balancer_admin") {
		return nil
	}
	if c.request.Method == http.MethodGet && c.hasRole("load-balancer_observer", "load-balancer_global_observer") {
		return nil
	}
	return lbForbidden()
}

func lbForbidden() *fault {
	return fail(http.StatusForbidden, "", "Policy does not allow this request to be performed.")
}

// lbParentMissing is the kind of the 404 for a pool or policy in the path above what is asked for: Octavia
// answers it before it comes to its own faults.
const lbParentMissing = "parent"

func lbFaultBody(c *call, f *fault) any {
	if f.kind == lbParentMissing && strings.Contains(c.request.Header.Get("Accept"), "application/json") {
		return map[string]any{"code": f.status, "title": "Bad Request", "description": f.message}
	}
	if f.kind == lbParentMissing {
		c.header.Set("Content-Type", "text/html; charset=UTF-8")
		return fmt.Sprintf("<html>\n <head>\n  <title>404 Bad Request</title>\n </head>\n <body>\n  <h1>404 Bad Request</h1>\n  The server could not comply with the request since it is either malformed or otherwise incorrect.<br /><br />\n%s\n\n\n </body>\n</html>", f.message)
	}
	code := "Client"
	if f.status >= http.StatusInternalServerError {
		code = "Server"
	}
	return map[string]any{"faultcode": code, "faultstring": f.message, "debuginfo": nil}
}

func (l *loadBalancing) seed() {
	l.sim.add(&l.Flavors, object{"name": "single", "description": "one amphora", "enabled": true, "flavor_profile_id": stableID("single"), "_provider": "amphora", "_seeded": true})
	l.sim.add(&l.AvailabilityZones, object{"id": "nova", "name": "nova", "description": "", "enabled": true, "availability_zone_profile_id": stableID("nova"), "_seeded": true})
}

// resume settles what was on its way.
func (l *loadBalancing) resume() {
	for _, lb := range l.LoadBalancers.all() {
		if strings.HasPrefix(lb.str("provisioning_status"), "PENDING_") {
			l.settleAfter(lb, l.sim.options.Times.LoadBalancerChild)
		}
	}
}

// newest is the newest minor version of the API.
func (l *loadBalancing) newest() int { return cmp.Or(l.sim.options.LoadBalancerAPI, 26) }

func (l *loadBalancing) versions(c *call) (int, any, error) {
	versions := []any{}
	for minor := range l.newest() + 1 {
		status := "SUPPORTED"
		if minor == l.newest() {
			status = "CURRENT"
		}
		versions = append(versions, map[string]any{
			"id": fmt.Sprintf("v2.%d", minor), "status": status, "updated": "2022-08-29T00:00:00Z",
			"links": []any{map[string]any{"href": c.url("/v2"), "rel": "self"}},
		})
	}
	return http.StatusOK, map[string]any{"versions": versions}, nil
}

func (l *loadBalancing) version(c *call) (int, any, error) {
	if !strings.HasPrefix(c.path("version"), "v2") {
		return 0, nil, fail(http.StatusNotFound, "", "The resource could not be found.")
	}
	c.header.Set("Content-Type", "application/json")
	return http.StatusOK, `"v2"`, nil
}

// lbTime is how the service writes a time.
func lbTime() string { return time.Now().UTC().Format("2006-01-02T15:04:05") }

func (l *loadBalancing) loadBalancerKind() lbKind {
	return lbKind{
		noun: "Load Balancer", key: "loadbalancer", plural: "loadbalancers", argument: "load_balancer.loadbalancer",
		fields: loadBalancerFields(), table: &l.LoadBalancers, view: l.loadBalancerView,
	}
}

func (l *loadBalancing) loadBalancerView(lb object) object {
	view := lb.without()
	view["listeners"] = refs(l.childrenOf(l.Listeners, lb))
	view["pools"] = refs(l.childrenOf(l.Pools, lb))
	return view
}

// without is a shallow copy of o with tenant_id and without attributes that only requests have.
func (o object) without(keys ...string) object {
	view := object{}
	for key, value := range o {
		if !slices.Contains(keys, key) {
			view[key] = value
		}
	}
	view["tenant_id"] = o["project_id"]
	return view
}

// refs are references to objects. The service does not keep an order, so they are ordered by id.
func refs(objects []object) []any {
	slices.SortFunc(objects, func(a, b object) int { return cmp.Compare(a.str("id"), b.str("id")) })
	list := []any{}
	for _, o := range objects {
		list = append(list, map[string]any{"id": o.str("id")})
	}
	return list
}

func (l *loadBalancing) childrenOf(t table, lb object) []object {
	return t.where(func(o object) bool { return o.str("_lb") == lb.str("id") })
}

func (l *loadBalancing) membersOf(pool object) []object {
	return l.Members.where(func(o object) bool { return o.str("_pool") == pool.str("id") })
}

func (l *loadBalancing) rulesOf(policy object) []object {
	return l.Rules.where(func(o object) bool { return o.str("_policy") == policy.str("id") })
}

// policiesOf are the L7 policies of a listener by position.
func (l *loadBalancing) policiesOf(listener object) []object {
	policies := l.Policies.where(func(o object) bool { return o.str("listener_id") == listener.str("id") })
	slices.SortStableFunc(policies, func(a, b object) int { return a.num("position") - b.num("position") })
	return policies
}

func (l *loadBalancing) monitorOf(pool object) object {
	monitor, _ := l.Monitors.find("_pool", pool.str("id"))
	return monitor
}

// listenersOf are the listeners that a pool serves: by default, or by a policy that has rules.
func (l *loadBalancing) listenersOf(pool object) []object {
	return l.Listeners.where(func(listener object) bool {
		return slices.ContainsFunc(l.poolsOf(listener), func(p object) bool { return p.str("id") == pool.str("id") })
	})
}

// poolsOf are the pools that a listener uses, the default pool first.
func (l *loadBalancing) poolsOf(listener object) []object {
	ids := []string{listener.str("default_pool_id")}
	for _, policy := range l.policiesOf(listener) {
		if policy.flag("admin_state_up") && len(l.rulesOf(policy)) > 0 && !slices.Contains(ids, policy.str("redirect_pool_id")) {
			ids = append(ids, policy.str("redirect_pool_id"))
		}
	}
	pools := []object{}
	for _, id := range ids {
		if pool, ok := l.Pools.get(id); ok {
			pools = append(pools, pool)
		}
	}
	return pools
}

// get is an object of the caller's project.
func (l *loadBalancing) get(c *call, kind lbKind, id string) (object, error) {
	o, ok := kind.table.get(id)
	if !ok || !c.owns(o) {
		return nil, fail(http.StatusNotFound, "", "%s %s not found.", kind.noun, id)
	}
	return o, nil
}

func (l *loadBalancing) show(c *call, kind lbKind) (int, any, error) {
	o, err := l.get(c, kind, c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{kind.key: kind.view(o)}, nil
}

// created gives an object what every new one has, and stores it.
func (l *loadBalancing) created(kind lbKind, o object, project string) object {
	o["project_id"], o["provisioning_status"], o["operating_status"] = project, "PENDING_CREATE", "OFFLINE"
	o["created_at"], o["updated_at"] = lbTime(), nil
	delete(o, "tenant_id")
	return l.sim.add(kind.table, o)
}

// mutable refuses changes below a load balancer that is on its way.
func mutable(lb object) error {
	if lb.str("provisioning_status") != "ACTIVE" {
		return fail(http.StatusConflict, "", "Load Balancer %s is immutable and cannot be updated.", lb.str("id"))
	}
	return nil
}

// changing marks a load balancer and the objects that a change touches, and settles them later.
func (l *loadBalancing) changing(lb object, touched ...object) {
	lb["provisioning_status"] = "PENDING_UPDATE"
	for _, o := range touched {
		if o != nil && o.str("provisioning_status") == "ACTIVE" {
			o["provisioning_status"] = "PENDING_UPDATE"
		}
	}
	l.settleAfter(lb, l.sim.options.Times.LoadBalancerChild)
}

// settleAfter ends what is pending: the children first, the load balancer a moment later.
func (l *loadBalancing) settleAfter(lb object, d time.Duration) {
	id := lb.str("id")
	l.sim.after(d, func() {
		lb, ok := l.LoadBalancers.get(id)
		if !ok || lb.flag("_frozen") {
			return
		}
		l.settleChildren(lb)
		l.sim.after(0, func() { l.settle(id) })
	})
}

func (l *loadBalancing) settleChildren(lb object) {
	gone := lb.str("provisioning_status") == "PENDING_DELETE"
	for _, t := range []*table{&l.Rules, &l.Policies, &l.Monitors, &l.Members, &l.Pools, &l.Listeners} {
		for _, o := range l.childrenOf(*t, lb) {
			switch status := o.str("provisioning_status"); {
			case gone || status == "PENDING_DELETE":
				delete(*t, o.str("id"))
			case strings.HasPrefix(status, "PENDING_") && !o.flag("_frozen"):
				o["provisioning_status"], o["updated_at"] = "ACTIVE", lbTime()
			}
		}
	}
	l.refreshHealth(lb)
}

func (l *loadBalancing) settle(id string) {
	lb, ok := l.LoadBalancers.get(id)
	if !ok {
		return
	}
	if lb.str("provisioning_status") == "PENDING_DELETE" {
		l.releaseVIP(lb)
		delete(l.LoadBalancers, id)
		return
	}
	lb["provisioning_status"], lb["updated_at"] = "ACTIVE", lbTime()
	l.refreshHealth(lb)
}

// refreshHealth works out the operating statuses from the outcome of the health checks.
func (l *loadBalancing) refreshHealth(lb object) {
	worst := "ONLINE"
	for _, pool := range l.childrenOf(l.Pools, lb) {
		pool["operating_status"] = l.poolHealth(pool)
		if rank(pool.str("operating_status")) > rank(worst) {
			worst = pool.str("operating_status")
		}
		if monitor := l.monitorOf(pool); monitor != nil && monitor.str("provisioning_status") == "ACTIVE" {
			monitor["operating_status"] = onlineIf(monitor.flag("admin_state_up"))
		}
	}
	for _, listener := range l.childrenOf(l.Listeners, lb) {
		status := onlineIf(listener.flag("admin_state_up") && listener.str("provisioning_status") == "ACTIVE")
		if pools := l.poolsOf(listener); status == "ONLINE" && len(pools) > 0 && rank(pools[0].str("operating_status")) > 0 {
			status = "DEGRADED"
		}
		listener["operating_status"] = status
	}
	for _, t := range []table{l.Policies, l.Rules} {
		for _, o := range l.childrenOf(t, lb) {
			o["operating_status"] = onlineIf(o.flag("admin_state_up") && o.str("provisioning_status") == "ACTIVE")
		}
	}
	lb["operating_status"] = worst
	if !lb.flag("admin_state_up") {
		lb["operating_status"] = "OFFLINE"
	}
}

func (l *loadBalancing) poolHealth(pool object) string {
	monitor, up, down := l.monitorOf(pool), 0, 0
	for _, member := range l.membersOf(pool) {
		if monitor == nil || !monitor.flag("admin_state_up") {
			// What was found out before counts no longer.
			delete(member, "_up")
		}
		status := "NO_MONITOR"
		switch checked, known := member["_up"].(bool); {
		case !member.flag("admin_state_up"):
			status = "OFFLINE"
		case member.num("weight") == 0:
			status = "DRAINING"
		case monitor == nil || !monitor.flag("admin_state_up"):
		case !known:
			status = "OFFLINE"
		case checked:
			status = "ONLINE"
		default:
			status = "ERROR"
		}
		member["operating_status"] = status
		if status == "ERROR" {
			down++
		} else if status != "OFFLINE" {
			up++
		}
	}
	switch {
	case !pool.flag("admin_state_up") || pool.str("provisioning_status") != "ACTIVE":
		return "OFFLINE"
	case down > 0 && up > 0:
		return "DEGRADED"
	case down > 0:
		return "ERROR"
	}
	return "ONLINE"
}

func rank(status string) int {
	return max(0, slices.Index([]string{"ONLINE", "DEGRADED", "ERROR"}, status))
}

func onlineIf(online bool) string {
	if online {
		return "ONLINE"
	}
	return "OFFLINE"
}

func (l *loadBalancing) createLoadBalancer(c *call) (int, any, error) {
	kind := l.loadBalancerKind()
	in, err := lbInput(c, kind)
	if err != nil {
		return 0, nil, err
	}
	lb, err := readFields(kind.argument, kind.fields, in, true)
	if err != nil {
		return 0, nil, err
	}
	listeners, pools := lb.objs("listeners"), lb.objs("pools")
	if err := l.checkTree(listeners, pools); err != nil {
		return 0, nil, err
	}
	project, err := lbProject(c, lb)
	if err != nil {
		return 0, nil, err
	}
	vip, err := l.checkVIP(c, lb)
	if err != nil {
		return 0, nil, err
	}
	if err := l.checkFlavorAndProvider(lb); err != nil {
		return 0, nil, err
	}
	if err := l.checkQuota(project, "load_balancer", 1); err != nil {
		return 0, nil, err
	}
	populated := len(listeners)+len(pools) > 0
	delete(lb, "listeners")
	delete(lb, "pools")
	l.created(kind, lb, project)
	if err := l.allocateVIP(lb, vip); err != nil {
		l.drop(lb)
		return 0, nil, err
	}
	tree, err := l.populate(lb, listeners, pools)
	if err == nil && populated && l.sim.options.LoadBalancerDriver == DriverSimple {
		err = fail(http.StatusNotImplemented, "",
			"Provider '%s' does not support a requested action: This provider does not support fully populated load balancers.", lb.str("provider"))
	}
	if err != nil {
		l.forgetVIP(lb)
		l.drop(lb)
		return 0, nil, err
	}
	if populated && l.sim.options.LoadBalancerDriver == DriverStock {
		l.freeze(lb)
	}
	l.settleAfter(lb, l.sim.options.Times.LoadBalancer)
	view := lb.without()
	view["listeners"], view["pools"] = tree.listeners, tree.pools
	return http.StatusCreated, object{"loadbalancer": view}, nil
}

// lbInput reads the object of a request body.
func lbInput(c *call, kind lbKind) (object, error) {
	var body map[string]any
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	argument, _, _ := strings.Cut(kind.argument, ".")
	for key := range body {
		if key != kind.key {
			return nil, fail(http.StatusBadRequest, "", "Unknown attribute for argument %s: %s", argument, key)
		}
	}
	in, ok := asObject(body[kind.key])
	if !ok {
		return nil, fail(http.StatusInternalServerError, "", "'UnsetType' object has no attribute '%s'", kind.key)
	}
	return in, nil
}

func lbProject(c *call, o object) (string, error) {
	project := cmp.Or(o.str("project_id"), o.str("tenant_id"), c.project())
	if project != c.project() && !c.admin() {
		return "", lbForbidden()
	}
	return project, nil
}

func (l *loadBalancing) checkFlavorAndProvider(lb object) error {
	provider := lb.str("provider")
	if lb.has("flavor_id") {
		flavor, ok := l.Flavors.get(lb.str("flavor_id"))
		if !ok {
			return fail(http.StatusBadRequest, "", "Validation failure: Invalid flavor_id.")
		}
		if provider != "" && provider != flavor.str("_provider") {
			return fail(http.StatusBadRequest, "", "Flavor '%s' is not compatible with provider '%s'", flavor.str("id"), provider)
		}
		provider = flavor.str("_provider")
	}
	if lb.has("availability_zone") {
		if _, ok := l.AvailabilityZones.find("name", lb.str("availability_zone")); !ok {
			return fail(http.StatusBadRequest, "", "Validation failure: Invalid availability zone.")
		}
	}
	lb["provider"] = cmp.Or(provider, "amphora")
	if !slices.ContainsFunc(lbProviders(), func(p [2]string) bool { return p[0] == lb.str("provider") }) {
		return fail(http.StatusBadRequest, "", "Provider '%s' is not enabled.", provider)
	}
	return nil
}

// drop removes a load balancer and its children at once.
func (l *loadBalancing) drop(lb object) {
	for _, t := range []*table{&l.Rules, &l.Policies, &l.Monitors, &l.Members, &l.Pools, &l.Listeners} {
		for _, o := range l.childrenOf(*t, lb) {
			delete(*t, o.str("id"))
		}
	}
	delete(l.LoadBalancers, lb.str("id"))
}

// freeze leaves all children as they are, for ever.
func (l *loadBalancing) freeze(lb object) {
	for _, t := range []table{l.Rules, l.Policies, l.Monitors, l.Members, l.Pools, l.Listeners} {
		for _, o := range l.childrenOf(t, lb) {
			o["_frozen"] = true
		}
	}
}

// notPending refuses changes of a load balancer that is on its way.
func notPending(lb object) error {
	if status := lb.str("provisioning_status"); strings.HasPrefix(status, "PENDING_") {
		return fail(http.StatusConflict, "", "Invalid state %s of loadbalancer resource %s", status, lb.str("id"))
	}
	return nil
}

func (l *loadBalancing) updateLoadBalancer(c *call) (int, any, error) {
	kind := l.loadBalancerKind()
	in, err := lbInput(c, kind)
	if err != nil {
		return 0, nil, err
	}
	changes, err := readFields(kind.argument, kind.fields, in, false)
	if err != nil {
		return 0, nil, err
	}
	lb, err := l.get(c, kind, c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	if err := l.checkQoS(c, changes); err != nil {
		return 0, nil, err
	}
	if err := notPending(lb); err != nil {
		return 0, nil, err
	}
	l.apply(lb, changes)
	l.limitVIP(lb)
	l.changing(lb)
	return http.StatusOK, object{"loadbalancer": l.loadBalancerView(lb)}, nil
}

// apply takes over what a PUT changes.
func (l *loadBalancing) apply(o, changes object) {
	for key, value := range changes {
		o[key] = value
	}
	o["updated_at"] = lbTime()
}

func (l *loadBalancing) deleteLoadBalancer(c *call) (int, any, error) {
	lb, err := l.get(c, l.loadBalancerKind(), c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	children := len(l.childrenOf(l.Listeners, lb)) + len(l.childrenOf(l.Pools, lb))
	if cascade := strings.ToLower(c.query("cascade")); children > 0 && cascade != "true" && cascade != "1" {
		return 0, nil, fail(http.StatusBadRequest, "", "Validation failure: Cannot delete Load Balancer %s - it has children", lb.str("id"))
	}
	if err := notPending(lb); err != nil {
		return 0, nil, err
	}
	lb["provisioning_status"] = "PENDING_DELETE"
	l.settleAfter(lb, l.sim.options.Times.LoadBalancer/2)
	return http.StatusNoContent, nil, nil
}

func (l *loadBalancing) failover(c *call) (int, any, error) {
	if !c.admin() && !c.hasRole("load-balancer_admin") {
		return 0, nil, lbForbidden()
	}
	lb, err := l.get(c, l.loadBalancerKind(), c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	if err := notPending(lb); err != nil {
		return 0, nil, err
	}
	l.changing(lb)
	return http.StatusAccepted, nil, nil
}

func (l *loadBalancing) statusTree(c *call) (int, any, error) {
	lb, err := l.get(c, l.loadBalancerKind(), c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	pick := func(o object, keys ...string) object {
		out := object{}
		for _, key := range append([]string{"id", "operating_status", "provisioning_status"}, keys...) {
			out[key] = o[key]
		}
		return out
	}
	listeners := []object{}
	for _, listener := range l.childrenOf(l.Listeners, lb) {
		pools := []object{}
		for _, pool := range l.poolsOf(listener) {
			members := []object{}
			for _, member := range l.membersOf(pool) {
				members = append(members, pick(member, "name", "address", "protocol_port"))
			}
			entry := pick(pool, "name")
			entry["members"] = members
			if monitor := l.monitorOf(pool); monitor != nil {
				entry["health_monitor"] = pick(monitor, "name", "type")
			}
			pools = append(pools, entry)
		}
		entry := pick(listener, "name")
		entry["pools"] = pools
		listeners = append(listeners, entry)
	}
	tree := pick(lb, "name")
	tree["listeners"] = listeners
	return http.StatusOK, object{"statuses": object{"loadbalancer": tree}}, nil
}

func (l *loadBalancing) loadBalancerStats(c *call) (int, any, error) {
	lb, err := l.get(c, l.loadBalancerKind(), c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"stats": l.stats(l.childrenOf(l.Listeners, lb))}, nil
}

func (l *loadBalancing) listenerStats(c *call) (int, any, error) {
	listener, err := l.get(c, l.listenerKind(), c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"stats": l.stats([]object{listener})}, nil
}

// vip is what a load balancer's VIP was found to be: a port that exists, or a network to make one in.
type vip struct {
	port    object
	network string
	subnets []string // of the address and of the additional VIPs
	addrs   []string // the same, "" for any
}

func lbProviders() [][2]string {
	return [][2]string{{"amphora", "The amphora driver"}, {"octavia", "Deprecated alias of the amphora driver"}}
}

func (l *loadBalancing) listProviders(_ *call) (int, any, error) {
	providers := []any{}
	for _, provider := range lbProviders() {
		providers = append(providers, map[string]any{"name": provider[0], "description": provider[1]})
	}
	return http.StatusOK, map[string]any{"providers": providers}, nil
}

func (l *loadBalancing) listFlavors(_ *call) (int, any, error) {
	return http.StatusOK, object{"flavors": l.Flavors.all(), "flavors_links": []any{}}, nil
}

func (l *loadBalancing) getFlavor(c *call) (int, any, error) {
	flavor, ok := l.Flavors.get(c.path("id"))
	if !ok {
		return 0, nil, fail(http.StatusNotFound, "", "flavor %s not found.", c.path("id"))
	}
	return http.StatusOK, object{"flavor": flavor}, nil
}

func (l *loadBalancing) listAvailabilityZones(_ *call) (int, any, error) {
	zones := []object{}
	for _, zone := range l.AvailabilityZones.all() {
		zones = append(zones, object{
			"name": zone["name"], "description": zone["description"], "enabled": zone["enabled"],
			"availability_zone_profile_id": zone["availability_zone_profile_id"],
		})
	}
	return http.StatusOK, object{"availability_zones": zones, "availability_zones_links": []any{}}, nil
}

func (l *loadBalancing) defaults() map[string]int {
	limits := map[string]int{
		"load_balancer": 100, "listener": 500, "member": 2000, "pool": 500, "health_monitor": 500, "l7policy": 500, "l7rule": 1000,
	}
	for name := range limits {
		if limit, ok := l.sim.options.Quotas[name]; ok {
			limits[name] = limit
		}
	}
	return limits
}

func (l *loadBalancing) quotaOf(project string) map[string]int {
	limits := l.defaults()
	for name, limit := range l.Quotas[project] {
		limits[name] = limit
	}
	return limits
}

// checkQuota refuses more objects than the project may have. A negative limit is none.
func (l *loadBalancing) checkQuota(project, name string, count int) error {
	tables := map[string]table{
		"load_balancer": l.LoadBalancers, "listener": l.Listeners, "member": l.Members, "pool": l.Pools,
		"health_monitor": l.Monitors, "l7policy": l.Policies, "l7rule": l.Rules,
	}
	nouns := map[string]string{
		"load_balancer": "Load Balancer", "listener": "Listener", "member": "Member", "pool": "Pool",
		"health_monitor": "Health Monitor", "l7policy": "L7 Policy", "l7rule": "L7 Rule",
	}
	limit := l.quotaOf(project)[name]
	used := len(tables[name].where(func(o object) bool { return o.str("project_id") == project }))
	if limit >= 0 && used+count > limit {
		return fail(http.StatusForbidden, "", "Quota has been met for resources: %s", nouns[name])
	}
	return nil
}

func (l *loadBalancing) listQuotas(c *call) (int, any, error) {
	quotas := []any{}
	for project := range l.Quotas {
		if project == c.project() || c.admin() {
			quota := object{"project_id": project}
			for name, limit := range l.quotaOf(project) {
				quota[name] = limit
			}
			quotas = append(quotas, quota)
		}
	}
	return http.StatusOK, object{"quotas": quotas, "quotas_links": []any{}}, nil
}

func (l *loadBalancing) defaultQuota(c *call) (int, any, error) {
	if !c.admin() && !c.hasRole("load-balancer_admin", "load-balancer_quota_admin") {
		return 0, nil, lbForbidden()
	}
	return http.StatusOK, object{"quota": l.defaults()}, nil
}

func (l *loadBalancing) getQuota(c *call) (int, any, error) {
	if c.path("project") != c.project() && !c.admin() {
		return 0, nil, lbForbidden()
	}
	return http.StatusOK, object{"quota": l.quotaOf(c.path("project"))}, nil
}

func (l *loadBalancing) putQuota(c *call) (int, any, error) {
	if !c.admin() && !c.hasRole("load-balancer_admin", "load-balancer_quota_admin") {
		return 0, nil, lbForbidden()
	}
	in, err := c.input("quota")
	if err != nil {
		return 0, nil, err
	}
	limits := map[string]int{}
	for name := range l.defaults() {
		if in.has(name) {
			limits[name] = in.num(name)
		}
	}
	l.Quotas[c.path("project")] = limits
	return http.StatusAccepted, object{"quota": l.quotaOf(c.path("project"))}, nil
}

func (l *loadBalancing) deleteQuota(c *call) (int, any, error) {
	if !c.admin() && !c.hasRole("load-balancer_admin", "load-balancer_quota_admin") {
		return 0, nil, lbForbidden()
	}
	delete(l.Quotas, c.path("project"))
	return http.StatusNoContent, nil, nil
}

// checkAllowedCIDRs refuses networks of another IP version than the VIP's.
func checkAllowedCIDRs(lb object, cidrs []string) error {
	address, err := netip.ParseAddr(lb.str("vip_address"))
	for _, cidr := range cidrs {
		prefix, prefixErr := netip.ParsePrefix(cidr)
		if err == nil && prefixErr == nil && prefix.Addr().Is4() != address.Is4() {
			return fail(http.StatusBadRequest, "", "Validation failure: CIDR %s IP version incompatible with VIP %s IP version.", cidr, address)
		}
	}
	return nil
}
