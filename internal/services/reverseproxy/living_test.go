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

// program builds the node's program, as `make edge` does.
var program = sync.OnceValues(func() (string, error) {
	directory, err := os.MkdirTemp("", "massif-edge-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(directory, "massif-edge")
	build := exec.Command("go", "build", "-o", file, "./cmd/edge")
	build.Dir = filepath.Join("..", "..", "edge")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return file, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if file, err := program(); built.Load() && err == nil {
		_ = os.RemoveAll(filepath.Dir(file))
	}
	os.Exit(code)
}

var built atomic.Bool

// edgeNode is a node that runs as a process of this machine, at a loopback address of its own.
type edgeNode struct {
	host    string
	command *exec.Cmd
	ended   chan struct{}
}

// addresses tell nodes apart.
var addresses atomic.Uint32

// bootNode runs the program with the settings that the user data brings, as a virtual machine would.
func bootNode(t *testing.T, m simulator.Machine) simulator.Guest {
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
	directory, err := os.MkdirTemp("", "massif-node-")
	if err != nil {
		t.Error(err)
		return nil
	}
	n := addresses.Add(1)
	node := &edgeNode{host: fmt.Sprintf("127.%d.%d.%d", 200+os.Getpid()>>8&15, os.Getpid()&255, 1+n%250), ended: make(chan struct{})}
	maps.Copy(settings, map[string]any{
		"http": node.Address(80), "https": node.Address(443), "metrics": node.Address(9180),
		"proxy_protocol_from": []string{"127.0.0.0/8"}, "cache_directory": directory, "poll_interval": "1s", "drain_delay": "2s", "grace_period": "10s",
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
	edge, err := program()
	if err != nil {
		t.Error(err)
		return nil
	}
	var said bytes.Buffer
	node.command = exec.Command(edge, "-config", file)
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

// visitors ask for a host again and again, half of them with a new connection each time.
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
			transport := &http.Transport{DisableKeepAlives: i%2 == 0}
			defer transport.CloseIdleConnections()
			for ctx.Err() == nil {
				body, err := get(&http.Client{Transport: transport, Timeout: 20 * time.Second}, address, host)
				v.mu.Lock()
				v.count++
				if v.answer[body]++; err != nil {
					v.lost = append(v.lost, time.Now().Format(time.TimeOnly)+" "+err.Error())
				}
				v.mu.Unlock()
				time.Sleep(5 * time.Millisecond) // real clouds serve their own requests on the same two cores
			}
		})
	}
	v.stop = sync.OnceFunc(func() { cancel(); all.Wait() })
	t.Cleanup(v.stop)
	return v
}

func get(client *http.Client, address, host string) (string, error) {
	request, err := http.NewRequest(http.MethodGet, "http://"+address+"/", nil)
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

// so tells how many requests were answered, and fails when one was lost.
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
	c, guests := acctest.NewWithGuests(t, func(m simulator.Machine) simulator.Guest { return bootNode(t, m) })
	path := c.DataPath(t)
	built.Store(true)
	if _, err := program(); err != nil {
		t.Fatal(err)
	}
	upstream := func(name string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, name+" "+r.Header.Get("X-Forwarded-For"))
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	upstreams := fmt.Sprintf(`shop = { targets = { v1 = { url = %q } } }`, upstream("shop"))
	more := upstreams + "\n" + fmt.Sprintf(`blog = { targets = { v1 = { url = %q } } }`, upstream("blog"))
	config := func(s shape) string {
		if s.routes == "" {
			s.routes = `{ "a.example.ch" = "shop" }`
		}
		if s.upstreams == "" {
			s.upstreams = upstreams
		}
		return strings.ReplaceAll(s.String(), "wait_for_nodes = false", "wait_for_nodes = true")
	}
	var (
		v           *visitors
		stop        func()
		update      = plans(map[string]plancheck.ResourceActionType{theProxy: plancheck.ResourceActionUpdate})
		nothingLost = func(when string) resource.TestCheckFunc {
			return func(*terraform.State) error { return v.soFar(t, when) }
		}
		nodes = func(n int) []statecheck.StateCheck {
			return []statecheck.StateCheck{has(theProxy, "node_names", knownvalue.ListSizeExact(n)), has(theProxy, "outdated_node_names", knownvalue.ListSizeExact(0))}
		}
	)
	c.Test(t,
		resource.TestStep{
			Config: config(shape{nodes: "count = 2"}), ConfigStateChecks: nodes(2),
			Check: func(s *terraform.State) error {
				var listening map[int]string
				listening, stop = path.Follow(t, attributeOf(s, theProxy, "load_balancer_id"), guests)
				// Routes are waited for by the apply; the load balancer's own checks are not.
				var body string
				var err error
				if !acctest.Eventually(t, 20*time.Second, func() bool {
					body, err = get(&http.Client{Timeout: 5 * time.Second}, listening[80], "a.example.ch")
					return err == nil
				}) {
					return err
				}
				if !strings.HasPrefix(body, "shop 127.") {
					return fmt.Errorf("the target was told %q", body)
				}
				v = visit(t, listening[80], "a.example.ch")
				return nil
			},
		},
		resource.TestStep{
			Config: config(shape{nodes: "count = 2", binary: "1"}), ConfigPlanChecks: update, ConfigStateChecks: nodes(2), Check: nothingLost("two nodes replaced"),
		},
		resource.TestStep{
			Config: config(shape{nodes: "count = 3", binary: "1"}), ConfigPlanChecks: update, ConfigStateChecks: nodes(3), Check: nothingLost("a node more"),
		},
		resource.TestStep{
			Config:           config(shape{nodes: "count = 3", binary: "1", upstreams: more, routes: `{ "a.example.ch" = "blog" }`}),
			ConfigPlanChecks: update, Check: resource.ComposeTestCheckFunc(nothingLost("other upstreams and routes"), func(*terraform.State) error {
				v.mu.Lock()
				defer v.mu.Unlock()
				for body := range v.answer {
					if strings.HasPrefix(body, "blog ") {
						return nil
					}
				}
				return errors.New("an apply that waits for the nodes has ended before they served the other upstream")
			}),
		},
		resource.TestStep{
			Config:           config(shape{nodes: "count = 1", binary: "1", upstreams: more, routes: `{ "a.example.ch" = "blog" }`}),
			ConfigPlanChecks: update, ConfigStateChecks: nodes(1),
			Check: resource.ComposeTestCheckFunc(nothingLost("two nodes fewer"), func(*terraform.State) error {
				v.stop()
				stop()
				return nil
			}),
		},
	)
}
