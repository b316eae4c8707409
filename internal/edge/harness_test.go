package edge

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/applicationcredentials"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// asNode names the settings with which the test's binary runs as a node: nodes are processes, as in life.
const asNode = "MASSIF_EDGE_TEST_SETTINGS"

func TestMain(m *testing.M) {
	if config := os.Getenv(asCaddy); config != "" {
		if err := runCaddy(config); err != nil {
			fmt.Fprintln(os.Stderr, "caddy:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	path := os.Getenv(asNode)
	if path == "" {
		for name, value := range map[string]string{
			"PEBBLE_VA_NOSLEEP":      "1", // the authority would wait some seconds before it looks
			"PEBBLE_WFE_NONCEREJECT": "0", // and refuse one request in twenty for no reason, which is sent and counted again
		} {
			if err := os.Setenv(name, value); err != nil {
				panic(err)
			}
		}
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := Run(ctx, path, "", "test"); err != nil {
		fmt.Fprintln(os.Stderr, "edge:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// proxy is a reverse proxy's container on a cloud of the test's own, or on the one that OS_CLOUD names.
type proxy struct {
	sim       *simulator.Simulator // nil on a real cloud
	cloud     *openstack.Cloud
	container *container
	cipher    *reverseproxy.Cipher
	settings  Settings
}

func newProxy(t testing.TB) *proxy {
	t.Helper()
	p := &proxy{}
	auth := gophercloud.AuthOptions{Username: "demo", Password: simulator.Password, DomainName: "Default", TenantName: "demo"}
	region := simulator.Region
	if os.Getenv("OS_CLOUD") != "" {
		options, endpoint, _, err := clouds.Parse()
		if err != nil {
			t.Fatal(err)
		}
		auth, region = options, endpoint.Region
	} else {
		sim, err := simulator.Run(simulator.Options{PublicCIDR: "127.213.0.0/16"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = sim.Close() }) // what a node has under way is of no interest any more
		p.sim, auth.IdentityEndpoint = sim, sim.AuthURL()
	}
	var err error
	if p.cloud, err = openstack.Open(t.Context(), openstack.Config{Auth: auth, Region: region}); err != nil {
		t.Fatal(err)
	}
	key, err := reverseproxy.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if p.cipher, err = reverseproxy.NewCipher(key); err != nil {
		t.Fatal(err)
	}
	p.settings = Settings{
		AuthURL: p.cloud.AuthURL(), Region: region, Container: fmt.Sprintf("edge-test-%08x", rand.Uint32()), EncryptionKey: key,
		PollInterval: reverseproxy.Duration(100 * time.Millisecond), DrainDelay: reverseproxy.Duration(time.Second), GracePeriod: reverseproxy.Duration(10 * time.Second),
	}
	p.newCredential(t)
	store, err := p.cloud.ObjectStorage()
	if err != nil {
		t.Fatal(err)
	}
	p.container = &container{client: store, name: p.settings.Container}
	if _, err := p.container.request(t.Context(), http.MethodPut, "", nil, nil, nil, http.StatusCreated); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// What a node had under way when it was ended may still arrive.
		ctx := context.WithoutCancel(t.Context())
		eventually(t, time.Minute, "the container is gone", func() error {
			all, err := p.container.list(ctx, "", true)
			if openstack.NotFound(err) {
				return nil // the answer to its removal was lost
			}
			for _, found := range all {
				err = errors.Join(err, p.container.remove(ctx, found.Name))
			}
			_, last := p.container.request(ctx, http.MethodDelete, "", nil, nil, nil, http.StatusNoContent)
			return errors.Join(err, last)
		})
	})
	return p
}

// newCredential gives the settings an application credential.
func (p *proxy) newCredential(t testing.TB) (remove func()) {
	t.Helper()
	client, err := p.cloud.Identity()
	if err != nil {
		t.Fatal(err)
	}
	credential, err := applicationcredentials.Create(t.Context(), client, p.cloud.UserID(), applicationcredentials.CreateOpts{
		Name: fmt.Sprintf("edge-test-%08x", rand.Uint32()),
	}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	p.settings.ApplicationCredentialID, p.settings.ApplicationCredentialSecret = credential.ID, credential.Secret
	gone := sync.OnceFunc(func() {
		if err := applicationcredentials.Delete(context.WithoutCancel(t.Context()), client, p.cloud.UserID(), credential.ID).ExtractErr(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(gone)
	return gone
}

func (p *proxy) put(t testing.TB, name string, data []byte) {
	t.Helper()
	if err := p.container.put(t.Context(), name, data, nil); err != nil {
		t.Fatal(err)
	}
}

func (p *proxy) configure(t testing.TB, config reverseproxy.Config) {
	t.Helper()
	data, err := config.Encode()
	if err != nil {
		t.Fatal(err)
	}
	p.put(t, reverseproxy.ConfigObject, data)
}

func (p *proxy) routes(t testing.TB, set string, routes reverseproxy.Routes) {
	t.Helper()
	data, err := routes.Encode()
	if err != nil {
		t.Fatal(err)
	}
	p.put(t, reverseproxy.RoutesObject(set), data)
}

// status is what a node reports; it is zero until the node does.
func (p *proxy) status(t testing.TB, node string) reverseproxy.Status {
	t.Helper()
	found, err := p.container.get(t.Context(), reverseproxy.StatusObject(node), "")
	if openstack.NotFound(err) {
		return reverseproxy.Status{}
	}
	if err != nil {
		t.Fatal(err)
	}
	status, err := reverseproxy.DecodeStatus(found.Data)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// node is a running node.
type node struct {
	name     string
	settings Settings
	path     string
	command  *exec.Cmd
	logs     *logs
	ended    chan struct{}
	err      error
}

// logs collect what a process prints.
type logs struct {
	mu   sync.Mutex
	all  bytes.Buffer
	lost bool
}

// discard keeps nothing from now on.
func (l *logs) discard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = true
}

// Write adds to them.
func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost {
		return len(p), nil
	}
	return l.all.Write(p)
}

// String is all of them.
func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

var ports atomic.Uint32

// freeAddress is one that nothing listens at, each time another one. Its port is below those that the system gives to connections,
// which could have taken it before a node does.
func freeAddress(t testing.TB) string {
	t.Helper()
	const lowest, count = 10000, 15000
	for range count {
		port := lowest + (uint32(os.Getpid())*101+ports.Add(1))%count
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			defer func() { _ = listener.Close() }()
			return listener.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

func (n *node) write(t testing.TB) {
	t.Helper()
	data, err := json.Marshal(n.settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(n.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// start runs a node and waits until it serves.
func (p *proxy) start(t testing.TB, name string, adjust ...func(*Settings)) *node {
	t.Helper()
	n := p.launch(t, name, adjust...)
	eventually(t, time.Minute, name+" serves", func() error { return n.healthy() })
	return n
}

func (p *proxy) launch(t testing.TB, name string, adjust ...func(*Settings)) *node {
	t.Helper()
	n := &node{name: name, settings: p.settings, path: filepath.Join(t.TempDir(), "edge.json"), logs: &logs{}, ended: make(chan struct{})}
	n.settings.Node, n.settings.HTTP, n.settings.HTTPS, n.settings.Metrics = name, freeAddress(t), freeAddress(t), freeAddress(t)
	for _, f := range adjust {
		f(&n.settings)
	}
	n.write(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	n.command = exec.Command(self)
	n.command.Env = append(os.Environ(), asNode+"="+n.path, "TMPDIR="+filepath.Dir(n.path)) // killed, it tidies up nothing
	n.command.Stdout, n.command.Stderr = n.logs, n.logs
	if err := n.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		n.err = n.command.Wait()
		close(n.ended)
	}()
	t.Cleanup(func() {
		n.kill()
		if strings.Contains(n.logs.String(), "DATA RACE") {
			t.Errorf("%s has a data race", name)
		}
		if t.Failed() {
			var all string
			for line := range strings.Lines(n.logs.String()) {
				if !strings.Contains(line, accessLogger) {
					all += line
				}
			}
			t.Logf("the last of what %s said:\n%s", name, all[max(0, len(all)-6000):])
		}
	})
	return n
}

func (n *node) kill() {
	_ = n.command.Process.Kill() // it may have ended
	<-n.ended
}

// stop asks the node to end.
func (n *node) stop(t testing.TB) {
	t.Helper()
	if err := n.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// stopped waits until it has ended well.
func (n *node) stopped(t testing.TB) {
	t.Helper()
	select {
	case <-n.ended:
	case <-time.After(2 * time.Minute):
		t.Fatalf("%s does not end", n.name)
	}
	if n.err != nil {
		t.Fatalf("%s ended with %v", n.name, n.err)
	}
}

func (n *node) healthy() error {
	select {
	case <-n.ended:
		return fmt.Errorf("it ended: %w", n.err)
	default:
	}
	resp, err := http.Get("http://" + n.settings.Metrics + "/healthz")
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

func (n *node) metrics(t testing.TB) string {
	t.Helper()
	resp, err := http.Get("http://" + n.settings.Metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

// eventually waits for a condition.
func eventually(t testing.TB, within time.Duration, what string, condition func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s: %v", within, what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// loaded waits until a node serves the newest version of a document, or has refused it.
func (p *proxy) settled(t testing.TB, n *node, name string) reverseproxy.DocumentStatus {
	t.Helper()
	newest, err := p.container.get(t.Context(), name, "")
	if err != nil {
		t.Fatal(err)
	}
	var status reverseproxy.DocumentStatus
	eventually(t, time.Minute, n.name+" has read "+name, func() error {
		if status = p.status(t, n.name).Documents[name]; status.Seen != newest.ETag {
			return fmt.Errorf("its status is %+v", status)
		}
		return nil
	})
	return status
}

// client is a browser without a screen: every host leads to the address.
func client(address string, roots *x509.CertPool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, address)
			},
			TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 64,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       time.Minute,
	}
}

// ask sends one request and gives the answer with its body.
func ask(t testing.TB, c *http.Client, method, address string, header http.Header) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// backend is a target that says its name, and what it was asked.
func backend(t testing.TB, name string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Target", name)
		w.Header().Set("X-Host", r.Host)
		w.Header().Set("X-Path", r.URL.RequestURI())
		w.Header().Set("X-Client", r.Header.Get("X-Forwarded-For"))
		w.Header().Set("X-Asked", r.Header.Get("X-Asked"))
		_, _ = io.WriteString(w, name)
	}))
	t.Cleanup(server.Close)
	return server
}

func target(server *httptest.Server, weight int) reverseproxy.Target {
	return reverseproxy.Target{URL: server.URL, Weight: weight}
}

// single is an upstream of one target.
func single(server *httptest.Server) reverseproxy.Upstream {
	return reverseproxy.Upstream{Targets: map[string]reverseproxy.Target{"v1": target(server, 1)}}
}

// load sends requests from several clients until it is ended, and counts what is not answered as it should be.
type load struct {
	stop  func()
	mu    sync.Mutex
	total int
	seen  map[string]int // bodies
	lost  []string
}

func startLoad(t testing.TB, workers int, address string, roots *x509.CertPool, target string, hosts ...string) *load {
	t.Helper()
	l := &load{seen: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			c := client(address, roots)
			defer c.CloseIdleConnections()
			if worker%2 == 1 {
				c.Transport.(*http.Transport).DisableKeepAlives = true // nothing is sent again by itself
			}
			for i := worker; ctx.Err() == nil; i++ {
				host := hosts[i%len(hosts)]
				body, err := once(c, strings.ReplaceAll(target, "HOST", host))
				l.mu.Lock()
				l.total++
				if err != nil {
					l.lost = append(l.lost, err.Error())
				} else {
					l.seen[body]++
				}
				l.mu.Unlock()
			}
		})
	}
	l.stop = sync.OnceFunc(func() {
		cancel()
		group.Wait()
	})
	t.Cleanup(l.stop)
	return l
}

func once(c *http.Client, address string) (string, error) {
	resp, err := c.Get(address)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s %s", address, resp.Status, body)
	}
	return string(body), nil
}

// nothingLost ends the load and fails when anything was lost.
func (l *load) nothingLost(t testing.TB) {
	t.Helper()
	l.stop()
	t.Logf("%d requests, %d lost, answers %v", l.total, len(l.lost), l.seen)
	if l.total == 0 || len(l.lost) > 0 {
		t.Errorf("%d of %d requests were lost, such as %q", len(l.lost), l.total, l.lost[:min(5, len(l.lost))])
	}
}

// so far tells how many requests there were.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}
