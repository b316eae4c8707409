package simulator

import (
	"net/http"
)

func (l *loadBalancing) listenerKind() lbKind {
	return lbKind{
		noun: "Listener", key: "listener", plural: "listeners", argument: "listener_.listener",
		fields: l.listenerFields(), filters: map[string]string{"loadbalancer_id": "_lb", "load_balancer_id": "_lb"},
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
