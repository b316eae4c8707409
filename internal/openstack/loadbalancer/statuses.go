package loadbalancer

// Status is the id of an object and how it does, as read last.
type Status struct {
	ID           string
	Provisioning string
	Operating    string
}

// PoolStatus is how a pool, its members and its monitor do.
type PoolStatus struct {
	Status
	Members map[string]Status
	// Monitor is nil when the pool has none.
	Monitor *Status
}

// Statuses are the statuses of what is below a load balancer, by the keys of its specification.
type Statuses struct {
	Listeners map[string]Status
	Pools     map[string]PoolStatus
}

func (o object) status() Status {
	return Status{ID: o.ID, Provisioning: o.ProvisioningStatus, Operating: o.OperatingStatus}
}

// Statuses tells how everything in the tree does. Like [Tree.Spec] it wants a tree that was read.
func (t *Tree) Statuses() Statuses {
	s := Statuses{Listeners: map[string]Status{}, Pools: map[string]PoolStatus{}}
	for _, l := range t.Listeners {
		s.Listeners[l.key] = l.status()
	}
	for _, p := range t.Pools {
		pool := PoolStatus{Status: p.status(), Members: map[string]Status{}}
		for _, m := range p.Members {
			pool.Members[m.key] = m.status()
		}
		if p.Monitor != nil {
			pool.Monitor = new(p.Monitor.status())
		}
		s.Pools[p.key] = pool
	}
	return s
}
