package simulator

import (
	"cmp"
	"context"
	"crypto/tls"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// check counts the probes of one member that agreed. While one is under way there is no other, as in HAProxy: a moment in which
// nothing answers is one failure, however fast the clock is.
type check struct {
	rises, falls int
	underway     bool
}

// probe is one probe that is due.
type probe struct {
	monitor object // a copy
	target  *backend
	timeout time.Duration
}

// Bounds of the time between probes, and the delay that stands for the clock of a real cloud.
const (
	shortestDelay = 20 * time.Millisecond
	longestSleep  = time.Minute
	realChild     = 500 * time.Millisecond
)

// probeDelay is a monitor's delay on the simulator's clock: as much shorter as changes are faster.
func (p *dataPlane) probeDelay(monitor object) time.Duration {
	delay := time.Duration(monitor.num("delay")) * time.Second
	speed := float64(p.sim.options.Times.LoadBalancerChild) / float64(realChild)
	return max(shortestDelay, time.Duration(float64(delay)*min(speed, 1)))
}

// probeDue starts the probes that are due and says how long until the next.
func (p *dataPlane) probeDue() time.Duration {
	now, next, probes := time.Now(), longestSleep, []probe{}
	p.sim.locked(func() {
		l := p.sim.loadBalancing
		p.mu.Lock()
		defer p.mu.Unlock()
		for id := range p.due {
			if l.Monitors[id] == nil {
				delete(p.due, id)
			}
		}
		for id, monitor := range l.Monitors {
			if !serves(monitor) {
				continue
			}
			delay := p.probeDelay(monitor)
			if wait := p.due[id].Sub(now); wait > 0 {
				next = min(next, wait)
				continue
			}
			p.due[id] = now.Add(delay)
			next = min(next, delay)
			probes = append(probes, p.probesOf(monitor)...)
		}
	})
	for _, probe := range probes {
		p.done.Add(1)
		go func() {
			defer p.done.Done()
			p.learn(probe, p.probe(probe))
		}()
	}
	return next
}

// probesOf are the probes of a monitor that are due. The caller holds both locks.
func (p *dataPlane) probesOf(monitor object) []probe {
	l := p.sim.loadBalancing
	pool := l.Pools[monitor.str("_pool")]
	probes := []probe{}
	for _, member := range l.membersOf(pool) {
		address, err := netip.ParseAddr(cmp.Or(member.str("monitor_address"), member.str("address")))
		if err != nil || !serves(member) {
			continue
		}
		id := member.str("id")
		if p.checks[id] == nil {
			p.checks[id] = &check{}
		}
		if p.checks[id].underway {
			continue
		}
		p.checks[id].underway = true
		proxy := proxyVersion(pool)
		if member.has("monitor_address") || member.has("monitor_port") {
			proxy = 0 // as HAProxy does: what is asked is not what serves
		}
		probes = append(probes, probe{
			monitor: monitor.copy(),
			timeout: max(time.Second, time.Duration(monitor.num("timeout"))*time.Second),
			target: &backend{
				member: id, network: p.sim.networkOfMember(l.parent(pool), member),
				address: address, port: cmp.Or(member.num("monitor_port"), member.num("protocol_port")),
				proxy: proxy,
			},
		})
	}
	return probes
}

// probe asks a member whether it is well.
func (p *dataPlane) probe(probe probe) bool {
	ctx, cancel := context.WithTimeout(p.ctx, probe.timeout)
	defer cancel()
	switch probe.monitor.str("type") {
	case "PING":
		return p.pingable(probe.target)
	case "HTTP":
		return p.probeHTTP(ctx, probe)
	}
	conn, err := p.dial(ctx, probe.target)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	switch probe.monitor.str("type") {
	case "TLS-HELLO", "HTTPS":
		// A member's certificate is never verified by a health monitor.
		return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx) == nil
	}
	return true
}

func (p *dataPlane) pingable(target *backend) bool {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	server := p.sim.serverAt(target.network, target.address)
	return target.address.IsLoopback() || runs(server)
}

func (p *dataPlane) probeHTTP(ctx context.Context, probe probe) bool {
	ctx = context.WithValue(ctx, backendKey{}, probe.target)
	request, err := http.NewRequestWithContext(ctx, probe.monitor.str("http_method"), probeURL(probe.monitor, probe.target), nil)
	if err != nil {
		return false
	}
	if name := probe.monitor.str("domain_name"); name != "" {
		request.Host = name
	}
	response, err := p.client.Do(request)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	return expected(probe.monitor.str("expected_codes"), response.StatusCode)
}

// expected says whether a status is among codes such as "200", "200,202" or "200-204".
func expected(codes string, status int) bool {
	if from, to, ok := strings.Cut(codes, "-"); ok {
		low, errLow := strconv.Atoi(from)
		high, errHigh := strconv.Atoi(to)
		return errLow == nil && errHigh == nil && low <= status && status <= high
	}
	for code := range strings.SplitSeq(codes, ",") {
		if strings.TrimSpace(code) == strconv.Itoa(status) {
			return true
		}
	}
	return false
}

// learn takes over the outcome of a probe: the first at once, later ones when enough agree.
func (p *dataPlane) learn(probe probe, well bool) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	if p.ctx.Err() != nil {
		return
	}
	l := p.sim.loadBalancing
	member := l.Members[probe.target.member]
	p.mu.Lock()
	state := p.checks[probe.target.member]
	state.underway = false
	if member == nil {
		delete(p.checks, probe.target.member)
	}
	if member == nil || l.Monitors[probe.monitor.str("id")] == nil {
		p.mu.Unlock()
		return
	}
	if well {
		state.rises, state.falls = state.rises+1, 0
	} else {
		state.rises, state.falls = 0, state.falls+1
	}
	rises, falls := state.rises, state.falls
	p.mu.Unlock()
	was, known := member["_up"].(bool)
	switch {
	case !known, well && !was && rises >= probe.monitor.num("max_retries"), !well && was && falls >= probe.monitor.num("max_retries_down"):
		member["_up"] = well
	case member.str("operating_status") != "OFFLINE":
		return
	}
	l.refreshHealth(l.parent(member))
}
