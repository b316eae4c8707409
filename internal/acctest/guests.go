package acctest

import (
	"context"
	"encoding/base64"
	"maps"
	"net"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// Guests are what the servers of a test run: processes of this machine in place of virtual machines.
type Guests struct {
	boot func(simulator.Machine) simulator.Guest

	mu      sync.Mutex
	running map[string]*machine // by the server's id
}

// machine is a server with its guest.
type machine struct {
	simulator.Guest
	addresses []string // in the cloud
}

// NewWithGuests is New for a cloud whose servers run what boot gives them. The simulator starts and stops them itself. Those of
// the real OpenStack of this machine, where nothing boots, follow what Nova says of the servers, with one difference: Nova does
// not wait for them, so that one whose server is gone is still asked to shut down.
func NewWithGuests(t *testing.T, boot func(simulator.Machine) simulator.Guest) (*Cloud, *Guests) {
	t.Helper()
	g := &Guests{boot: boot, running: map[string]*machine{}}
	c := New(t, func(o *simulator.Options) { o.Boot = boot })
	if c.Simulator != nil {
		return c, g
	}
	if !c.onThisMachine() {
		t.Skip("needs the simulator or the real OpenStack of this machine: another cloud's servers run what they run")
	}
	// What a server was given as user data is told to administrators only.
	admin := c.open(t, "admin")
	compute, err := admin.Compute()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ; t.Context().Err() == nil; pause(t.Context(), 1500*time.Millisecond) {
			pages, err := servers.List(compute, servers.ListOpts{AllTenants: true, Name: c.Prefix}).AllPages(t.Context())
			if err != nil {
				continue // the next time
			}
			if all, err := servers.ExtractServers(pages); err == nil {
				g.follow(all)
			}
		}
		g.follow(nil)
	}()
	t.Cleanup(func() { <-done })
	return c, g
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// follow boots the guests of new servers and shuts down those whose servers are off or gone.
func (g *Guests) follow(all []servers.Server) {
	g.mu.Lock()
	defer g.mu.Unlock()
	on := map[string]bool{}
	for _, server := range all {
		if on[server.ID] = server.Status == "ACTIVE"; !on[server.ID] || g.running[server.ID] != nil {
			continue
		}
		m := simulator.Machine{ID: server.ID, Name: server.Name}
		if server.Userdata != nil {
			m.UserData, _ = base64.StdEncoding.DecodeString(*server.Userdata) // Nova has seen to it
		}
		if guest := g.boot(m); guest != nil {
			g.running[server.ID] = &machine{guest, addressesOf(server)}
		}
	}
	var ended sync.WaitGroup
	for id, m := range g.running {
		if !on[id] {
			delete(g.running, id)
			ended.Go(m.Shutdown)
		}
	}
	if len(all) == 0 {
		ended.Wait()
	}
}

func addressesOf(server servers.Server) []string {
	var all []string
	for _, network := range server.Addresses {
		list, _ := network.([]any)
		for _, one := range list {
			entry, _ := one.(map[string]any)
			if address, ok := entry["addr"].(string); ok {
				all = append(all, address)
			}
		}
	}
	return all
}

// hosts are where the servers' addresses are served on this machine. Ports stay as they are.
func (g *Guests) hosts() map[string]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	hosts := map[string]string{}
	for _, m := range g.running {
		host, _, err := net.SplitHostPort(m.Address(0))
		for _, address := range m.addresses {
			if err == nil {
				hosts[address] = host
			}
		}
	}
	return hosts
}

// Follow is Listen for a load balancer whose members and guests change until stop is called: an amphora would follow by itself.
func (d *DataPath) Follow(t *testing.T, loadBalancer string, guests *Guests) (addresses map[int]string, stop func()) {
	t.Helper()
	if d.cloud.Simulator != nil {
		return d.Listen(t, loadBalancer), func() {}
	}
	was, err := d.served(t.Context(), loadBalancer, guests)
	if err != nil {
		t.Fatal(err)
	}
	addresses = d.Listen(t, loadBalancer, was.options()...)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ; ctx.Err() == nil; pause(ctx, 1500*time.Millisecond) {
			if is, err := d.served(ctx, loadBalancer, guests); err == nil && !reflect.DeepEqual(is, was) {
				was = is
				d.Listen(t, loadBalancer, was.options()...) //nolint:contextcheck // it has the one of the test
			}
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return addresses, stop
}

// served is what a load balancer's HAProxy is made from, as far as it changes.
type served struct {
	members map[string]map[string]loadbalancer.Member // by pool
	hosts   map[string]string
}

func (d *DataPath) served(ctx context.Context, loadBalancer string, guests *Guests) (served, error) {
	tree, err := loadbalancer.Read(ctx, d.cloud.Cloud, loadBalancer, loadbalancer.Spec{})
	if err != nil {
		return served{}, err
	}
	s := served{map[string]map[string]loadbalancer.Member{}, guests.hosts()}
	for name, pool := range tree.Spec().Pools {
		s.members[name] = pool.Members
	}
	return s, nil
}

// options lead HAProxy to the guests.
func (s served) options() []string {
	var options []string
	for _, address := range slices.Sorted(maps.Keys(s.hosts)) {
		options = append(options, "--host", address+"="+s.hosts[address])
	}
	return options
}
