package simulator

import (
	"net/http"
	"slices"
)

// lbTree is what the answer to a fully populated POST holds below the load balancer.
type lbTree struct {
	listeners, pools []object
}

// populate makes the tree of a fully populated POST. Pools are named and can be defined wherever they
// are used; a pool of which nothing but the name is given refers to a definition elsewhere.
func (l *loadBalancing) populate(lb object, listeners, pools []object) (lbTree, error) {
	tree := lbTree{listeners: []object{}, pools: []object{}}
	pools, err := collectPools(listeners, pools)
	if err != nil {
		return tree, err
	}
	project := lb.str("project_id")
	if err := l.checkQuota(project, "pool", len(pools)); err != nil {
		return tree, err
	}
	byName := map[string]object{}
	for _, in := range pools {
		pool, err := l.graphPool(lb, in)
		if err != nil {
			return tree, err
		}
		byName[pool.str("name")] = pool
	}
	if err := l.checkQuota(project, "listener", len(listeners)); err != nil {
		return tree, err
	}
	for _, in := range listeners {
		listener, policies, err := l.graphListener(lb, in, byName)
		if err != nil {
			return tree, err
		}
		view := listener.without()
		view["l7policies"] = policies
		tree.listeners = append(tree.listeners, view)
	}
	for _, pool := range l.childrenOf(l.Pools, lb) {
		view := pool.without()
		members := []object{}
		for _, member := range l.membersOf(pool) {
			members = append(members, member.without())
		}
		users := l.listenersOf(pool)
		// The real answer leaves the monitors out.
		view["members"], view["healthmonitor"], view["listeners"] = members, nil, refs(users)
		// What no listener uses is never configured.
		if len(users) == 0 && !l.redirected(pool) {
			pool["_frozen"] = true
		}
		tree.pools = append(tree.pools, view)
	}
	return tree, nil
}

// checkTree holds the values in a tree to what they may be, which the service does before it makes anything. A pool may be a
// mere name here, so what it must have is looked at later.
func (l *loadBalancing) checkTree(listeners, pools []object) error {
	const at = "load_balancer.loadbalancer"
	each := func(argument string, fields []field, objects []object, below func(object) error) error {
		for _, o := range objects {
			if _, err := readFields(at+argument, fields, o, true); err != nil {
				return err
			}
			if err := below(o); err != nil {
				return err
			}
		}
		return nil
	}
	nothing := func(object) error { return nil }
	optional := slices.Clone(poolFields())
	for i := range optional {
		optional[i].mandatory = false
	}
	checkPools := func(argument string, pools []object) error {
		return each(argument, optional, pools, func(pool object) error {
			if err := each(".pools.members", memberFields(), pool.objs("members"), nothing); err != nil {
				return err
			}
			return each(".pools.healthmonitor", monitorFields(), given(pool.obj("healthmonitor")), nothing)
		})
	}
	if err := checkPools(".pools", pools); err != nil {
		return err
	}
	return each(".listeners", l.listenerFields(), listeners, func(listener object) error {
		if err := checkPools(".listeners.default_pool", given(listener.obj("default_pool"))); err != nil {
			return err
		}
		return each(".listeners.l7policies", policyFields(), listener.objs("l7policies"), func(policy object) error {
			if err := checkPools(".listeners.l7policies.redirect_pool", given(policy.obj("redirect_pool"))); err != nil {
				return err
			}
			return each(".listeners.l7policies.rules", ruleFields(), policy.objs("rules"), nothing)
		})
	})
}

// given is a list of one object, or of none.
func given(o object) []object {
	if o == nil {
		return nil
	}
	return []object{o}
}

func (l *loadBalancing) redirected(pool object) bool {
	_, ok := l.Policies.find("redirect_pool_id", pool.str("id"))
	return ok
}

// collectPools finds the pools that are defined anywhere in the tree.
func collectPools(listeners, pools []object) ([]object, error) {
	referred := []string{}
	collect := func(pool object) error {
		switch {
		case pool == nil:
		case pool.str("name") == "":
			return fail(http.StatusBadRequest, "", "Validation failure: Pools must be named when creating a fully populated loadbalancer.")
		case len(pool) > 1:
			pools = append(pools, pool)
		default:
			referred = append(referred, pool.str("name"))
		}
		return nil
	}
	for _, listener := range listeners {
		if err := collect(listener.obj("default_pool")); err != nil {
			return nil, err
		}
		for _, policy := range listener.objs("l7policies") {
			if err := collect(policy.obj("redirect_pool")); err != nil {
				return nil, err
			}
		}
	}
	names := map[string]bool{}
	for _, pool := range pools {
		if names[pool.str("name")] {
			return nil, fail(http.StatusBadRequest, "", "Validation failure: Pool names must be unique when creating a fully populated loadbalancer.")
		}
		names[pool.str("name")] = true
	}
	for _, name := range referred {
		if !names[name] {
			return nil, fail(http.StatusBadRequest, "", "Validation failure: Pool '%s' was referenced but no full definition was found.", name)
		}
	}
	return pools, nil
}

func (l *loadBalancing) graphPool(lb, in object) (object, error) {
	for _, key := range []string{"protocol", "lb_algorithm"} {
		if !in.has(key) {
			return nil, fail(http.StatusBadRequest, "", "Validation failure: Pool definition for '%s' missing required attribute: %s", in.str("name"), key)
		}
	}
	fields, err := readFields("load_balancer.loadbalancer.pools", poolFields(), in, true)
	if err != nil {
		return nil, err
	}
	if err := checkPersistence(fields); err != nil {
		return nil, err
	}
	members, monitor := fields.objs("members"), fields.obj("healthmonitor")
	pool := l.addPool(lb, fields)
	if err := l.checkQuota(lb.str("project_id"), "member", len(members)); err != nil {
		return nil, err
	}
	for _, in := range members {
		member, err := readFields("load_balancer.loadbalancer.pools.members", memberFields(), in, true)
		if err != nil {
			return nil, err
		}
		if err := l.uniqueMember(pool, member); err != nil {
			return nil, err
		}
		l.addMember(pool, member)
	}
	if monitor == nil {
		return pool, nil
	}
	if monitor, err = readFields("load_balancer.loadbalancer.pools.healthmonitor", monitorFields(), monitor, true); err != nil {
		return nil, err
	}
	if err := l.checkQuota(lb.str("project_id"), "health_monitor", 1); err != nil {
		return nil, err
	}
	if err := l.checkMonitor(pool, monitor); err != nil {
		return nil, err
	}
	l.addMonitor(pool, monitor)
	return pool, nil
}

func (l *loadBalancing) graphListener(lb, in object, pools map[string]object) (listener object, policies []object, err error) {
	fields, err := readFields("load_balancer.loadbalancer.listeners", l.listenerFields(), in, true)
	if err != nil {
		return nil, nil, err
	}
	if pool := fields.obj("default_pool"); pool != nil {
		fields["default_pool_id"] = pools[pool.str("name")]["id"]
	}
	if err := l.checkListener(lb, fields); err != nil {
		return nil, nil, err
	}
	inPolicies := fields.objs("l7policies")
	listener = l.addListener(lb, fields)
	policies = []object{}
	for _, in := range inPolicies {
		view, err := l.graphPolicy(lb, listener, in, pools)
		if err != nil {
			return nil, nil, err
		}
		policies = append(policies, view)
	}
	return listener, policies, nil
}

func (l *loadBalancing) graphPolicy(lb, listener, in object, pools map[string]object) (object, error) {
	fields, err := readFields("load_balancer.loadbalancer.listeners.l7policies", policyFields(), in, true)
	if err != nil {
		return nil, err
	}
	if pool := fields.obj("redirect_pool"); pool != nil {
		found := pools[pool.str("name")]
		if found == nil {
			return nil, fail(http.StatusBadRequest, "", "Validation failure: Pool '%s' was referenced but no full definition was found.", pool.str("name"))
		}
		fields["redirect_pool_id"] = found["id"]
	}
	if protocol := listener.str("protocol"); protocol != "HTTP" && protocol != "TERMINATED_HTTPS" {
		return nil, fail(http.StatusNotImplemented, "", "Provider '%s' does not support a requested option: %s protocol listeners do not support L7 policies",
			lb.str("provider"), protocol)
	}
	if err := sanitizePolicy(fields); err != nil {
		return nil, err
	}
	if err := l.checkQuota(lb.str("project_id"), "l7policy", 1); err != nil {
		return nil, err
	}
	inRules := fields.objs("rules")
	policy := l.addPolicy(listener, fields)
	rules := []object{}
	for _, in := range inRules {
		rule, err := l.graphRule(policy, in)
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule.without())
	}
	view := policy.without()
	view["rules"] = rules
	return view, nil
}

func (l *loadBalancing) graphRule(policy, in object) (object, error) {
	fields, err := readFields("load_balancer.loadbalancer.listeners.l7policies.rules", ruleFields(), in, true)
	if err != nil {
		return nil, err
	}
	if err := l.checkRule(policy, fields); err != nil {
		return nil, err
	}
	if err := l.checkQuota(policy.str("project_id"), "l7rule", 1); err != nil {
		return nil, err
	}
	return l.addRule(policy, fields), nil
}
