package simulator

import "time"

// Machine is a server as its hypervisor knows it.
type Machine struct {
	ID       string
	Name     string
	UserData []byte
}

// Guest is what a server runs: processes of this machine.
type Guest interface {
	// Address is where a port of the server is served, host:port on this machine; "" refuses connections.
	Address(port int) string
	// Shutdown is the power button. The server is off when it returns, or after the minute that Nova waits.
	Shutdown()
	// Kill pulls the plug.
	Kill()
}

// guests are what the servers run, by their ids. The simulator's lock guards them.
type guests struct {
	sim     *Simulator
	running map[string]Guest
}

// powerButton is how long a server may take to shut down, as with Nova's shutdown_timeout.
const powerButton = time.Minute

// watchGuests makes the guests follow the servers. It runs once, when all services exist.
func (s *Simulator) watchGuests() {
	s.guests = &guests{s, map[string]Guest{}}
	if s.options.Boot == nil {
		return
	}
	n := s.compute
	n.booted = append(n.booted, s.guests.boot)
	n.stopped = append(n.stopped, func(server object) { s.guests.end(server.str("id")) })
	n.deleted = append(n.deleted, func(server object) { s.guests.end(server.str("id")) })
}

// boot starts what a server runs. Whoever starts processes must not hold up the cloud.
func (g *guests) boot(server object) {
	id := server.str("id")
	if g.running[id] != nil {
		return
	}
	machine := Machine{id, server.str("name"), g.sim.compute.userData(server)}
	go func() {
		guest := g.sim.options.Boot(machine)
		if guest == nil {
			return
		}
		unwanted := true
		g.sim.locked(func() {
			if server, ok := g.sim.compute.Servers.get(id); ok && runs(server) && !g.sim.closed {
				g.running[id], unwanted = guest, false
			}
		})
		if unwanted {
			guest.Kill()
		}
	}()
}

// end pulls the plug.
func (g *guests) end(id string) {
	if guest := g.running[id]; guest != nil {
		delete(g.running, id)
		go guest.Kill()
	}
}

// shutdown presses the power button, and runs off when the guest has ended. It says false for a server without a guest.
func (g *guests) shutdown(server object, off func(server object)) bool {
	id, guest := server.str("id"), g.running[server.str("id")]
	if guest == nil {
		return false
	}
	const task = "powering-off"
	server["_task"] = task
	go func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			guest.Shutdown()
		}()
		select {
		case <-done:
		case <-time.After(powerButton):
		}
		g.sim.locked(func() {
			if server, ok := g.sim.compute.Servers.get(id); ok && server.str("_task") == task && !g.sim.closed {
				off(server)
			}
		})
	}()
	return true
}

// close ends all of them.
func (g *guests) close() {
	var all []Guest
	g.sim.locked(func() {
		for _, guest := range g.running {
			all = append(all, guest)
		}
		clear(g.running)
	})
	for _, guest := range all {
		guest.Kill()
	}
}
