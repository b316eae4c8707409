package acctest

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/listeners"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// DataPath sends the traffic of load balancers to servers of this machine, on either cloud: the simulator
// forwards by itself; for the real OpenStack of this machine, whose amphorae never boot, Debian's HAProxy runs with
// the configuration that Octavia makes for them. Members are reached at loopback addresses.
type DataPath struct {
	cloud   *Cloud
	serving map[string]bool // load balancers for which HAProxy was started
}

// DataPath is the data path of the test's cloud. On a cloud elsewhere there is none to look at: its
// amphorae do not reach this machine.
func (c *Cloud) DataPath(t *testing.T) *DataPath {
	t.Helper()
	if c.Simulator == nil && !c.onThisMachine() {
		t.Skip("needs the simulator or the real OpenStack of this machine: the cloud's load balancers do not reach the test's servers")
	}
	return &DataPath{c, map[string]bool{}}
}

// Listen lets a load balancer, as it is now, serve. The answer is host:port on this machine by the port of the
// listener. Call it again after each change. The options are those of octavia-render.
func (d *DataPath) Listen(t *testing.T, loadBalancer string, options ...string) map[int]string {
	t.Helper()
	if d.cloud.Simulator != nil {
		return d.simulated(t, loadBalancer)
	}
	if !d.serving[loadBalancer] {
		d.serving[loadBalancer] = true
		t.Cleanup(func() { realcloud(t, "octavia-render", loadBalancer, "--stop") })
	}
	var run struct {
		Address   string `json:"address"`
		Listeners []int  `json:"listeners"`
	}
	if err := json.Unmarshal(realcloud(t, "octavia-render", append([]string{loadBalancer, "--run"}, options...)...), &run); err != nil {
		t.Fatal(err)
	}
	addresses := map[int]string{}
	for _, port := range run.Listeners {
		addresses[port] = net.JoinHostPort(run.Address, strconv.Itoa(port))
	}
	return addresses
}

// simulated waits until the simulator listens for all listeners that have a data path; it follows changes by itself.
func (d *DataPath) simulated(t *testing.T, loadBalancer string) map[int]string {
	t.Helper()
	client, err := d.cloud.LoadBalancer()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := listeners.List(client, listeners.ListOpts{LoadbalancerID: loadBalancer}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := listeners.ExtractListeners(pages)
	if err != nil {
		t.Fatal(err)
	}
	addresses := map[int]string{}
	for _, l := range all {
		if !l.AdminStateUp || slices.Contains([]string{"UDP", "SCTP", "PROMETHEUS"}, l.Protocol) {
			continue
		}
		opened := Eventually(t, time.Minute, func() bool {
			open := d.cloud.Simulator.Addresses()
			at := slices.IndexFunc(open, func(a simulator.Address) bool { return a.Listener == l.ID })
			if at >= 0 {
				addresses[l.ProtocolPort] = open[at].Listen
			}
			return at >= 0
		})
		if !opened {
			t.Fatalf("the simulator does not listen for listener %q", l.Name)
		}
	}
	return addresses
}

// Eventually tells whether the condition came true in time.
func Eventually(t *testing.T, within time.Duration, condition func() bool) bool {
	t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		if condition() {
			return true
		}
		if time.Now().After(deadline) || t.Context().Err() != nil {
			return false
		}
	}
}

// OnStockOctavia is New for clouds whose Octavia is 11.0.0 without later fixes, as Debian ships it: a load balancer that is
// made in one request becomes ACTIVE while its children stay PENDING_CREATE for ever. The real OpenStack of this machine
// behaves so for this test's load balancers until it ends; other tests do not notice.
func OnStockOctavia(t *testing.T) *Cloud {
	t.Helper()
	c := New(t, func(o *simulator.Options) { o.LoadBalancerDriver = simulator.DriverStock })
	if c.Simulator != nil {
		return c
	}
	if !c.onThisMachine() {
		t.Skip("needs the simulator or the real OpenStack of this machine: another cloud's Octavia is what it is")
	}
	t.Cleanup(func() { realcloud(t, "octavia-stock", "off", c.Prefix) })
	realcloud(t, "octavia-stock", "on", c.Prefix)
	return c
}

// onThisMachine tells whether the cloud is the one that internal/realcloud has brought up here: the clouds.yaml that it
// has written has the same authentication URL.
func (c *Cloud) onThisMachine() bool {
	directory := os.Getenv("REALCLOUD_DIR")
	if directory == "" {
		directory = "/tmp/massif-openstack"
	}
	clouds, err := os.ReadFile(filepath.Join(directory, "clouds.yaml"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(clouds)) {
		if url, ok := strings.CutPrefix(strings.TrimSpace(line), "auth_url:"); ok &&
			strings.TrimRight(strings.TrimSpace(url), "/") == strings.TrimRight(c.AuthURL(), "/") {
			return true
		}
	}
	return false
}

// realcloud runs a tool of internal/realcloud and returns what it prints. It may run in a cleanup, hence no context.
func realcloud(t *testing.T, tool string, args ...string) []byte {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if root == filepath.Dir(root) {
			t.Fatal("the tools of internal/realcloud are found from inside the module only")
		}
		root = filepath.Dir(root)
	}
	command := exec.Command(filepath.Join(root, "internal", "realcloud", tool), args...) //nolint:noctx // see above
	var problems strings.Builder
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", tool, strings.Join(args, " "), err, problems.String())
	}
	return output
}
