package simulator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Times are how long asynchronous changes take. Zero means a few milliseconds: the passing state
// can still be seen, as on a real cloud, but nobody waits.
type Times struct {
	ServerBoot        time.Duration // a server from BUILD to ACTIVE
	ServerAction      time.Duration // resize, stop, start, attach, delete
	LoadBalancer      time.Duration // a load balancer from PENDING_CREATE to ACTIVE
	LoadBalancerChild time.Duration // a change of a listener, pool, member, monitor or L7 policy
	Port              time.Duration // a bound port from DOWN to ACTIVE
	FloatingIP        time.Duration // an associated floating IP from DOWN to ACTIVE
	Volume            time.Duration // a volume from creating to available
	Image             time.Duration // an image from queued to active
	DNS               time.Duration // a zone or record set from PENDING to ACTIVE, or until it is gone
	NodeReady         time.Duration // a Kubernetes node from the boot of its server to Ready
}

// fastest is what a zero duration stands for.
const fastest = 3 * time.Millisecond

// fields names each duration as the control API and the flags do.
func (t *Times) fields() map[string]*time.Duration {
	return map[string]*time.Duration{
		"server_boot":         &t.ServerBoot,
		"server_action":       &t.ServerAction,
		"load_balancer":       &t.LoadBalancer,
		"load_balancer_child": &t.LoadBalancerChild,
		"port":                &t.Port,
		"floating_ip":         &t.FloatingIP,
		"volume":              &t.Volume,
		"image":               &t.Image,
		"dns":                 &t.DNS,
		"node_ready":          &t.NodeReady,
	}
}

// Set changes one duration by its name, such as "server_boot".
func (t *Times) Set(name, value string) error {
	field, ok := t.fields()[name]
	if !ok {
		names := slices.Sorted(maps.Keys(t.fields()))
		return fmt.Errorf("no time is called %q, there are %s", name, strings.Join(names, ", "))
	}
	d, err := time.ParseDuration(value)
	if err != nil {
		return fmt.Errorf("time %s: %w", name, err)
	}
	*field = d
	return nil
}

// Realistic are times as a real, quiet cloud has them.
func Realistic() Times {
	return Times{
		ServerBoot:        8 * time.Second,
		ServerAction:      2 * time.Second,
		LoadBalancer:      3 * time.Second,
		LoadBalancerChild: 500 * time.Millisecond,
		Port:              time.Second,
		FloatingIP:        time.Second,
		Volume:            2 * time.Second,
		Image:             2 * time.Second,
		DNS:               time.Second,
		NodeReady:         5 * time.Second,
	}
}

// after runs f under the lock when d has passed (a few milliseconds when d is zero), unless the
// simulator is closed or the returned function is called before. The caller holds the lock, and so
// does who cancels. f must look up its object again: it may be gone.
//
//	id := server.str("id")
//	s.after(s.options.Times.ServerBoot, func() {
//		if server, ok := s.compute.Servers.get(id); ok && server.str("status") == "BUILD" { … }
//	})
func (s *Simulator) after(d time.Duration, f func()) (cancel func()) {
	var timer *time.Timer
	cancelled := false
	run := func() {
		if s.closed || cancelled {
			return
		}
		f()
		s.changed()
	}
	timer = time.AfterFunc(max(d, fastest), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.timers, timer)
		if s.held {
			s.due = append(s.due, run)
			return
		}
		run()
	})
	s.timers[timer] = struct{}{}
	return func() {
		cancelled = true
		timer.Stop()
		delete(s.timers, timer)
	}
}

// Hold keeps every change that takes time from ending, until it is released: what is pending stays pending, however slow
// the test is.
func (s *Simulator) Hold() (release func()) {
	s.locked(func() { s.held = true })
	return func() {
		s.locked(func() {
			s.held = false
			due := s.due
			s.due = nil
			for _, run := range due {
				run()
			}
		})
	}
}

// now is the current time as most services write it.
func now() string {
	return time.Now().UTC().Format("2006-01-02T15:04:05Z")
}
