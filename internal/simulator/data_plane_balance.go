package simulator

import (
	"context"
	"hash/fnv"
	"net"
	"net/netip"
	"slices"
)

// balancer is what is remembered of a pool between connections.
type balancer struct {
	credit  map[string]int    // for the weighted turn, by member id
	open    map[string]int    // connections, by member id
	sources map[string]string // source address -> member id
	cookies map[string]string // application cookie -> member id
}

func (p *dataPlane) balancerOf(pool object) *balancer {
	id := pool.str("id")
	if p.pools[id] == nil {
		p.pools[id] = &balancer{credit: map[string]int{}, open: map[string]int{}, sources: map[string]string{}, cookies: map[string]string{}}
	}
	return p.pools[id]
}

// choose picks a member of a pool, nil when none is able to serve. The caller holds the simulator's
// lock. sticky is the id of the member that the client's cookie asks for, failed are members that did not answer.
func (p *dataPlane) choose(pool object, source netip.AddrPort, sticky string, failed ...string) *backend {
	l := p.sim.loadBalancing
	if !serves(pool) {
		return nil
	}
	members := eligible(slices.DeleteFunc(l.membersOf(pool), func(m object) bool { return slices.Contains(failed, m.str("id")) }))
	if len(members) == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.balancerOf(pool)
	persistence := pool.obj("session_persistence").str("type")
	if persistence == "SOURCE_IP" {
		sticky = b.sources[source.Addr().String()]
	}
	at := slices.IndexFunc(members, func(m object) bool { return m.str("id") == sticky })
	if at < 0 {
		at = b.pick(pool.str("lb_algorithm"), members, source)
	}
	member := members[at]
	if persistence == "SOURCE_IP" {
		b.sources[source.Addr().String()] = member.str("id")
	}
	address, err := netip.ParseAddr(member.str("address"))
	if err != nil {
		return nil
	}
	b.open[member.str("id")]++
	return &backend{
		pool: pool.str("id"), source: source, failed: failed, member: member.str("id"), network: p.sim.networkOfMember(l.parent(pool), member), address: address, port: member.num("protocol_port"),
		proxy: proxyVersion(pool),
	}
}

// proxyVersion is the version of the PROXY protocol that the members of a pool speak, 0 for none.
func proxyVersion(pool object) byte {
	switch pool.str("protocol") {
	case "PROXY":
		return 1
	case "PROXYV2":
		return 2
	}
	return 0
}

// mostTries is how many members a connection is offered to, as the load balancer's own retries do.
const mostTries = 4

// dialAny opens a connection to the chosen member, or to another one when that does not answer.
func (p *dataPlane) dialAny(ctx context.Context, target *backend) (net.Conn, error) {
	for {
		conn, err := p.dial(ctx, target)
		if err == nil || target.pool == "" || len(target.failed) >= mostTries-1 || ctx.Err() != nil {
			return conn, err
		}
		p.release(target)
		var next *backend
		p.sim.locked(func() {
			if pool := p.sim.loadBalancing.Pools[target.pool]; pool != nil {
				next = p.choose(pool, target.source, "", append(slices.Clone(target.failed), target.member)...)
			}
		})
		if next == nil {
			return nil, err
		}
		next.front = target.front
		*target = *next
	}
}

// release notes the end of a connection.
func (p *dataPlane) release(target *backend) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.pools {
		if b.open[target.member] > 0 {
			b.open[target.member]--
		}
	}
}

// eligible are the members that can get connections: those that are up, else the backups that are.
func eligible(members []object) []object {
	up := slices.DeleteFunc(members, func(m object) bool {
		checked, known := m["_up"].(bool)
		return !serves(m) || m.num("weight") == 0 || known && !checked
	})
	isBackup := func(m object) bool { return m.flag("backup") }
	if main := slices.DeleteFunc(slices.Clone(up), isBackup); len(main) > 0 {
		return main
	}
	return up
}

func (b *balancer) pick(algorithm string, members []object, source netip.AddrPort) int {
	switch algorithm {
	case "SOURCE_IP", "SOURCE_IP_PORT":
		key := source.Addr().String()
		if algorithm == "SOURCE_IP_PORT" {
			key = source.String()
		}
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(key)) // a hash never fails
		return weighted(members, int(hash.Sum32()%uint32(totalWeight(members))))
	case "LEAST_CONNECTIONS":
		least := 0
		for i, m := range members {
			best := members[least]
			if b.open[m.str("id")]*best.num("weight") < b.open[best.str("id")]*m.num("weight") {
				least = i
			}
		}
		if !slices.ContainsFunc(members, func(m object) bool { return b.open[m.str("id")] > 0 }) {
			return b.turn(members)
		}
		return least
	}
	return b.turn(members)
}

// turn is the smooth weighted round robin: each member earns its weight, the richest serves and pays.
func (b *balancer) turn(members []object) int {
	richest := 0
	for i, m := range members {
		b.credit[m.str("id")] += m.num("weight")
		if b.credit[m.str("id")] > b.credit[members[richest].str("id")] {
			richest = i
		}
	}
	b.credit[members[richest].str("id")] -= totalWeight(members)
	return richest
}

func totalWeight(members []object) int {
	sum := 0
	for _, m := range members {
		sum += m.num("weight")
	}
	return sum
}

// weighted is the member in whose share of the whole a number falls.
func weighted(members []object, number int) int {
	for i, m := range members {
		if number -= m.num("weight"); number < 0 {
			return i
		}
	}
	return len(members) - 1
}
