package simulator

import (
	"errors"
	"net/http"
)

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
