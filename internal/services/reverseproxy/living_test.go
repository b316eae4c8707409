package reverseproxy_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// buildNode builds the node's program, as `make edge` does.
func buildNode(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "massif-edge")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/edge")
	build.Dir = filepath.Join("..", "..", "edge")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// edgeNode is a node that runs as a process of this machine, at a loopback address of its own.
type edgeNode struct {
	host    string
	command *exec.Cmd
	ended   chan struct{}
}

// addresses tell nodes apart.
var addresses atomic.Uint32

// bootNode runs the program with the settings that the user data brings, as a virtual machine would.
func bootNode(t *testing.T, program string, m simulator.Machine) simulator.Guest {
	var data struct {
		WriteFiles []struct{ Path, Content string } `json:"write_files"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(m.UserData, []byte("#cloud-config\n")), &data); err != nil || len(data.WriteFiles) == 0 {
		t.Errorf("the user data of %s: %v", m.Name, err)
		return nil
	}
	content, err := base64.StdEncoding.DecodeString(data.WriteFiles[0].Content)
	var settings map[string]any
	if err := errors.Join(err, json.Unmarshal(content, &settings)); err != nil {
		t.Errorf("the settings of %s: %v", m.Name, err)
		return nil
	}
	directory, err := os.MkdirTemp("", "massif-node-") //nolint:usetesting // the node may outlive the test by a moment
	if err != nil {
		t.Error(err)
		return nil
	}
	n := addresses.Add(1)
	node := &edgeNode{host: fmt.Sprintf("127.%d.%d.%d", 216+os.Getpid()>>8&15, os.Getpid()&255, 1+n%250), ended: make(chan struct{})}
	maps.Copy(settings, map[string]any{
		"http": node.Address(80), "https": node.Address(443), "metrics": node.Address(9180),
		"proxy_protocol_from": []string{"127.0.0.0/8"}, "cache_directory": directory, "drain_delay": "2s", "grace_period": "10s",
	})
	if content, err = json.Marshal(settings); err != nil {
		t.Error(err)
		return nil
	}
	file := filepath.Join(directory, "edge.json")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Error(err)
		return nil
	}
	var said bytes.Buffer
	node.command = exec.Command(program, "-config", file)
	node.command.Env = append(os.Environ(), "TMPDIR="+directory) // killed, it tidies up nothing
	node.command.Stderr = &said
	if err := node.command.Start(); err != nil {
		t.Error(err)
		return nil
	}
	go func() {
		_ = node.command.Wait() // a node that was killed says so
		if t.Context().Err() == nil && node.command.ProcessState.ExitCode() > 0 {
			t.Logf("node %s ended with %s:\n%s", m.Name, node.command.ProcessState, said.Bytes())
		}
		_ = os.RemoveAll(directory)
		close(node.ended)
	}()
	return node
}

// Address is where the node listens for a port of its server. Only root may listen at low ones.
func (n *edgeNode) Address(port int) string {
	if os.Geteuid() != 0 {
		port += 20000
	}
	return net.JoinHostPort(n.host, strconv.Itoa(port))
}

// Shutdown is what systemd does when the power button is pressed.
func (n *edgeNode) Shutdown() {
	_ = n.command.Process.Signal(syscall.SIGTERM) // it may have ended
	<-n.ended
}

// Kill is the end of the virtual machine.
func (n *edgeNode) Kill() {
	_ = n.command.Process.Kill() // the same
	<-n.ended
}

// visitors ask for a host again and again: half of them with a new connection each time, the others send what nobody may send again by
// himself, so that the end of a connection that they hold is a loss as well.
type visitors struct {
	stop func()

	mu     sync.Mutex
	count  int
	lost   []string
	answer map[string]int
}

func visit(t *testing.T, address, host string) *visitors {
	t.Helper()
	v := &visitors{answer: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			method, transport := http.MethodPost, &http.Transport{DisableKeepAlives: i%2 == 0}
			if transport.DisableKeepAlives {
				method = http.MethodGet
			}
			defer transport.CloseIdleConnections()
			for ctx.Err() == nil {
				body, err := ask(&http.Client{Transport: transport, Timeout: 20 * time.Second}, method, address, host)
				v.mu.Lock()
				v.count++
				if v.answer[body]++; err != nil {
					v.lost = append(v.lost, time.Now().Format(time.TimeOnly)+" "+err.Error())
				}
				v.mu.Unlock()
				time.Sleep(20 * time.Millisecond) // a real cloud may be served by the same cores
			}
		})
	}
	v.stop = sync.OnceFunc(func() { cancel(); all.Wait() })
	t.Cleanup(v.stop)
	return v
}

// served tells whether an upstream has answered.
func (v *visitors) served(upstream string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for body := range v.answer {
		if strings.HasPrefix(body, upstream+" ") {
			return true
		}
	}
	return false
}

func ask(client *http.Client, method, address, host string) (string, error) {
	request, err := http.NewRequest(method, "http://"+address+"/", nil)
	if err != nil {
		return "", err
	}
	request.Host = host
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return string(body), err
}

// soFar tells how many requests were answered, and fails when one was lost.
func (v *visitors) soFar(t *testing.T, when string) error {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	t.Logf("%s: %d requests, %d lost, %v", when, v.count, len(v.lost), v.answer)
	if v.count == 0 || len(v.lost) > 0 {
		return fmt.Errorf("%s: %d of %d requests were lost: %s", when, len(v.lost), v.count, strings.Join(v.lost[:min(5, len(v.lost))], "; "))
	}
	return nil
}

// Nodes that live serve through the load balancer while they are replaced, while there are more and fewer of them, and while
// upstreams and routes change: no request is lost.
func TestReverseProxyLosesNothing(t *testing.T) {
	var program string // built once it is clear that the test runs
	c, guests := acctest.NewWithGuests(t, func(m simulator.Machine) simulator.Guest { return bootNode(t, program, m) })
	path := c.DataPath(t)
	program = buildNode(t)
	upstream := func(name string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, name+" "+r.Header.Get("X-Forwarded-For"))
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	upstreams := fmt.Sprintf(`shop = { targets = { v1 = { url = %q } } }`, upstream("shop"))
	more := upstreams + "\n" + fmt.Sprintf(`blog = { targets = { v1 = { url = %q } } }`, upstream("blog"))
	var v *visitors
	var stop func()
	// step is an apply in place that ends with so many nodes, no lost request, and exactly the nodes as members.
	step := func(what string, nodes int, s shape, checks ...resource.TestCheckFunc) resource.TestStep {
		if s.routes == "" {
			s.routes = `{ "a.example.ch" = "shop" }`
		}
		if s.upstreams == "" {
			s.upstreams = upstreams
		}
		s.nodes = fmt.Sprintf("count = %d", nodes)
		text := strings.ReplaceAll(s.String(), "wait_for_nodes = false", "wait_for_nodes = true")
		if c.Simulator == nil {
			// What balances here follows Octavia some seconds late, and an amphora at once.
			text = strings.ReplaceAll(text, `drain_delay    = "1s"`, `drain_delay    = "10s"`)
		}
		checks = append(checks, part{t, c}.serves(), func(*terraform.State) error { return v.soFar(t, what) })
		return resource.TestStep{
			Config:           text,
			ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{theProxy: plancheck.ResourceActionUpdate}),
			ConfigStateChecks: []statecheck.StateCheck{
				has(theProxy, "node_names", knownvalue.ListSizeExact(nodes)), has(theProxy, "outdated_node_names", knownvalue.ListSizeExact(0)),
			},
			Check: resource.ComposeTestCheckFunc(checks...),
		}
	}
	nodes := 2
	if c.Simulator == nil {
		nodes = 1 // a change of its load balancer takes a real cloud ten seconds
	}
	first := step("before", nodes, shape{}, func(s *terraform.State) error {
		listening, end := path.Follow(t, attributeOf(s, theProxy, "load_balancer_id"), guests)
		stop = end
		// The apply waits for the nodes' documents, and not for the load balancer's health checks.
		var body string
		var err error
		acctest.Eventually(t, time.Minute, func() bool {
			body, err = ask(&http.Client{Timeout: 5 * time.Second}, http.MethodGet, listening[80], "a.example.ch")
			return err == nil
		})
		if err != nil || !strings.HasPrefix(body, "shop 127.") {
			return fmt.Errorf("the target was told %q: %w", body, err)
		}
		v = visit(t, listening[80], "a.example.ch")
		acctest.Eventually(t, time.Minute, func() bool { return v.served("shop") })
		return nil
	})
	first.ConfigPlanChecks = resource.ConfigPlanChecks{}
	blog := shape{binary: "1", upstreams: more, routes: `{ "a.example.ch" = "blog" }`}
	c.Test(t,
		first,
		step("all nodes replaced", nodes, shape{binary: "1"}),
		step("a node more", nodes+1, shape{binary: "1"}),
		step("other upstreams and routes", nodes+1, blog, func(*terraform.State) error {
			if !v.served("blog") {
				return errors.New("an apply that waits for the nodes has ended before they served the other upstream")
			}
			return nil
		}),
		step("one node left", 1, blog, func(*terraform.State) error {
			v.stop()
			stop()
			return nil
		}),
	)
}
