package loadbalancer

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
)

// operation is one change, which Octavia locks the load balancer for.
type operation struct {
	method string
	path   string    // below /lbaas; {} stands for the id of parent
	parent reference // what the path is below, if its id may not be known yet
	noun   string    // what the body is called in JSON
	body   any       // fields or a list of them; references stand for ids
	makes  reference // what the answer's id belongs to
	about  string    // for errors: `create pool "web"`
}

// plan is a list of changes in the making.
type plan struct {
	operations []operation
	ids        map[reference]string // of what exists already
}

// diff lists the changes that make the real tree what is wanted, fewest first in harm: what is new is
// there before traffic is sent to it, and what goes is taken out of use before it is removed. A
// listener is touched only when it changes itself.
func diff(real *Tree, want Spec) plan {
	p := plan{ids: map[reference]string{}}
	real.recognise(want)
	have := real.Spec()

	if change := changed(loadBalancerFields(have), loadBalancerFields(want)); len(change) > 0 {
		p.put(loadBalancers, real.ID, change, "update the load balancer")
	}
	removed := p.pools(real, have, want)
	p.listeners(real, want)
	for _, old := range removed {
		p.remove(pools, old.ID, fmt.Sprintf("delete pool %q", old.Name))
	}
	return p
}

// changed returns those wanted fields that differ.
func changed(have, want fields) fields {
	out := fields{}
	for k, v := range want {
		if !reflect.DeepEqual(have[k], v) {
			out[k] = v
		}
	}
	return out
}

// pools makes, changes and fills pools. It returns those to be removed when nothing uses them any more.
func (p *plan) pools(real *Tree, have, want Spec) []pool {
	existing := map[string]*pool{}
	var removed []pool
	for i := range real.Pools {
		old := &real.Pools[i]
		w, wanted := want.Pools[old.key]
		if !wanted || w.Protocol != old.Protocol {
			removed = append(removed, *old)
			// Whatever refers to it must be seen to change when another pool takes over its name.
			old.key = "removed " + old.ID
			continue
		}
		existing[old.key] = old
		p.ids[poolRef(old.key)] = old.ID
	}
	for _, key := range keys(want.Pools) {
		w := want.Pools[key]
		old, exists := existing[key]
		if !exists {
			body := poolFields(key, w).made()
			body["loadbalancer_id"] = real.ID
			p.post(pools, body, poolRef(key), fmt.Sprintf("create pool %q", key))
			old = &pool{}
		} else {
			before := poolFields(old.Name, have.Pools[key])
			if change := changed(before, poolFields(key, w)); len(change) > 0 {
				p.put(pools, old.ID, change, fmt.Sprintf("update pool %q", key))
			}
		}
		p.members(key, old.Members, w.Members)
		p.monitor(key, old.Monitor, w.Monitor)
	}
	return removed
}

// members replaces the members of a pool in one request when any of them differs.
func (p *plan) members(key string, have []member, want map[string]Member) {
	same := len(have) == len(want)
	list := []fields{}
	for _, name := range keys(want) {
		f := memberFields(name, want[name])
		i := slices.IndexFunc(have, func(m member) bool { return m.like(want[name]) })
		if i < 0 {
			same = false
			list = append(list, f.made())
			continue
		}
		before := memberFields(have[i].Name, have[i].spec())
		same = same && len(changed(before, f)) == 0
		// The request sets what it leaves out to the default, which was not asked for.
		maps.Copy(before, f)
		list = append(list, before)
	}
	if !same {
		p.operations = append(p.operations, operation{
			method: http.MethodPut, path: "pools/{}/members", parent: poolRef(key), noun: "members", body: list,
			about: fmt.Sprintf("set the members of pool %q", key),
		})
	}
}

func (p *plan) monitor(key string, have *monitor, want *Monitor) {
	if have != nil && want != nil && have.Type == want.Type {
		change := changed(monitorFields(have.Name, have.spec()), monitorFields(key, *want))
		if len(change) > 0 {
			p.put(monitors, have.ID, change, fmt.Sprintf("update the monitor of pool %q", key))
		}
		return
	}
	if have != nil {
		p.remove(monitors, have.ID, fmt.Sprintf("delete the monitor of pool %q", key))
	}
	if want != nil {
		body := monitorFields(key, *want).made()
		body["pool_id"] = poolRef(key)
		p.post(monitors, body, "", fmt.Sprintf("create the monitor of pool %q", key))
	}
}

// listeners removes listeners first: a new one may want the same port.
func (p *plan) listeners(real *Tree, want Spec) {
	poolKeys := real.poolKeys()
	existing := map[string]*listener{}
	for i := range real.Listeners {
		old := &real.Listeners[i]
		w, wanted := want.Listeners[old.key]
		if !wanted || w.Protocol != old.Protocol || w.ProtocolPort != old.ProtocolPort {
			p.remove(listeners, old.ID, fmt.Sprintf("delete listener %q", old.Name))
			continue
		}
		existing[old.key] = old
		p.ids[listenerRef(old.key)] = old.ID
	}
	for _, key := range keys(want.Listeners) {
		w := want.Listeners[key]
		old, exists := existing[key]
		if !exists {
			body := listenerFields(key, w).made()
			body["loadbalancer_id"] = real.ID
			p.post(listeners, body, listenerRef(key), fmt.Sprintf("create listener %q", key))
			old = &listener{}
		} else {
			have := old.spec(poolKeys)
			change := changed(listenerFields(old.Name, have), listenerFields(key, w))
			if !reflect.DeepEqual(have.hsts(), w.hsts()) {
				maps.Copy(change, hstsFields(w.hsts()))
			}
			if len(change) > 0 {
				p.put(listeners, old.ID, change, fmt.Sprintf("update listener %q", key))
			}
		}
		p.routes(key, old.Policies, w.Routes, poolKeys)
	}
}

// routes removes policies first, so that positions count only those that stay.
func (p *plan) routes(listener string, have []policy, want map[string]Route, poolKeys map[string]string) {
	var order []string // of the policies on the listener, as the changes go on
	existing := map[string]*policy{}
	for i := range have {
		old := &have[i]
		if _, wanted := want[old.key]; !wanted {
			p.remove(policies, old.ID, fmt.Sprintf("delete route %q of listener %q", old.Name, listener))
			continue
		}
		existing[old.key] = old
		order = append(order, old.key)
	}
	for i, key := range routeOrder(want) {
		w := want[key]
		about := fmt.Sprintf("route %q of listener %q", key, listener)
		old, exists := existing[key]
		if !exists {
			body := routeFields(key, w).made()
			body["listener_id"] = listenerRef(listener)
			body["position"] = i + 1
			p.post(policies, body, routeRef(listener, key), "create "+about)
			order = slices.Insert(order, i, key)
			p.rules(routeRef(listener, key), nil, w.Rules, about)
			continue
		}
		p.ids[routeRef(listener, key)] = old.ID
		change := changed(routeFields(old.Name, old.spec(poolKeys)), routeFields(key, w))
		if order[i] != key {
			change["position"] = i + 1
			at := slices.Index(order, key)
			order = slices.Insert(slices.Delete(order, at, at+1), i, key)
		}
		if len(change) > 0 {
			p.put(policies, old.ID, change, "update "+about)
		}
		p.rules(routeRef(listener, key), old.Rules, w.Rules, about)
	}
}

// rules changes rules in place where it can: with one more or one less in between, other requests
// would match.
func (p *plan) rules(route reference, have []rule, want []Rule, about string) {
	surplus, missing := ruleChanges(have, want)
	const path = "l7policies/{}/rules"
	for i, w := range missing {
		op := operation{method: http.MethodPost, path: path, parent: route, noun: "rule", body: ruleFields(w).made(), about: "add a rule to " + about}
		if i < len(surplus) {
			op.method, op.path = http.MethodPut, path+"/"+surplus[i].ID
			op.body = changed(ruleFields(surplus[i].spec()), ruleFields(w))
			op.about = "change a rule of " + about
		}
		p.operations = append(p.operations, op)
	}
	for _, old := range surplus[min(len(missing), len(surplus)):] {
		p.operations = append(p.operations, operation{method: http.MethodDelete, path: path + "/" + old.ID, parent: route, about: "remove a rule of " + about})
	}
}

// ruleChanges returns the real rules that are not wanted and the wanted ones that are not there.
func ruleChanges(have []rule, want []Rule) (surplus []rule, missing []Rule) {
	missing = slices.Clone(want)
	for _, h := range have {
		same := func(w Rule) bool { return len(changed(ruleFields(h.spec()), ruleFields(w))) == 0 }
		if i := slices.IndexFunc(missing, same); i >= 0 {
			missing = slices.Delete(missing, i, i+1)
		} else {
			surplus = append(surplus, h)
		}
	}
	return surplus, missing
}

func (p *plan) post(k kind, body fields, makes reference, about string) {
	p.operations = append(p.operations, operation{method: http.MethodPost, path: k.path, noun: k.noun, body: body, makes: makes, about: about})
}

func (p *plan) put(k kind, id string, body fields, about string) {
	p.operations = append(p.operations, operation{method: http.MethodPut, path: k.path + "/" + id, noun: k.noun, body: body, about: about})
}

func (p *plan) remove(k kind, id, about string) {
	p.operations = append(p.operations, operation{method: http.MethodDelete, path: k.path + "/" + id, about: about})
}
