package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

func TestChangesUnderLoadLoseNothing(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	blue, green := backend(t, "blue"), backend(t, "green")
	config := func(names ...string) reverseproxy.Config {
		all := map[string]reverseproxy.Upstream{"blue": single(blue)}
		for _, name := range names {
			all[name] = single(green)
		}
		return reverseproxy.Config{Upstreams: all}
	}
	table := func(upstream string) reverseproxy.Routes {
		routes := reverseproxy.Routes{}
		for i := range 2_000 {
			routes[fmt.Sprintf("c%d.example.ch", i)] = upstream
		}
		return routes
	}
	p.configure(t, config("green"))
	p.routes(t, "customers", table("blue"))
	n := p.start(t, "node-1")
	load := startLoad(t, 8, n.settings.HTTP, nil, "http://HOST/", "c0.example.ch", "c7.example.ch", "c1999.example.ch")
	slowest := time.Duration(0)
	for i := range 12 {
		// Routes move between upstreams; every third time another upstream takes the place of one, too.
		upstream := []string{"blue", "green"}[(i+1)%2]
		if i%3 == 2 {
			name := fmt.Sprintf("green-%d", i)
			p.configure(t, config(name))
			upstream = name
		}
		p.routes(t, "customers", table(upstream))
		begin := time.Now()
		c := client(n.settings.HTTP, nil)
		want := strings.SplitN(upstream, "-", 2)[0]
		if i%3 == 2 {
			want = "green"
		}
		eventually(t, time.Minute, "the change is served", func() error {
			body, err := once(c, "http://c42.example.ch/")
			if err == nil && body != want {
				err = fmt.Errorf("still %s", body)
			}
			return err
		})
		slowest = max(slowest, time.Since(begin))
		if i%3 == 2 {
			p.configure(t, config("green", upstream))
			p.settled(t, n, reverseproxy.ConfigObject)
		}
	}
	load.nothingLost(t)
	t.Logf("12 changes, served after %s at most (polled each %s)", slowest, time.Duration(n.settings.PollInterval))
}

func TestCanarySharesAndStickiness(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	old, fresh := backend(t, "old"), backend(t, "new")
	config := reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{}}
	for name, by := range map[string]reverseproxy.CanaryBy{"each": reverseproxy.CanaryByRequest, "host": reverseproxy.CanaryByHost, "client": reverseproxy.CanaryByClientIP} {
		config.Upstreams[name] = reverseproxy.Upstream{
			Targets: map[string]reverseproxy.Target{"v1": target(old, 95), "v2": target(fresh, 5), "v0": target(fresh, 0)}, CanaryBy: by,
		}
	}
	p.configure(t, config)
	p.routes(t, "customers", reverseproxy.Routes{"each.example.ch": "each", "*.host.example.ch": "host", "client.example.ch": "client"})
	n := p.start(t, "node-1", func(s *Settings) { s.ProxyProtocolFrom = []string{"127.0.0.1/32"} })
	other := p.start(t, "node-2")
	c := client(n.settings.HTTP, nil)
	target := func(c *http.Client, host string) string {
		_, body := ask(t, c, http.MethodGet, "http://"+host+"/", nil)
		return body
	}
	within := func(what string, count, of int, share float64) {
		t.Helper()
		deviation := math.Sqrt(float64(of) * share * (1 - share))
		t.Logf("%s: %d of %d, expected %.0f ± %.1f", what, count, of, float64(of)*share, deviation)
		if math.Abs(float64(count)-float64(of)*share) > 4.5*deviation {
			t.Errorf("%s: %d of %d are not %.0f %%", what, count, of, share*100)
		}
	}
	const requests = 4000
	count := 0
	for range requests {
		if target(c, "each.example.ch") == "new" {
			count++
		}
	}
	within("by request", count, requests, 0.05)

	const hosts = 3000
	chosen := map[string]string{}
	for i := range hosts {
		host := fmt.Sprintf("c%d.host.example.ch", i)
		chosen[host] = target(c, host)
	}
	count = 0
	for _, where := range chosen {
		if where == "new" {
			count++
		}
	}
	within("by host", count, hosts, 0.05)
	second, checked := client(other.settings.HTTP, nil), 0
	for host, where := range chosen {
		if again := target(second, host); again != where {
			t.Fatalf("%s went to %s and, at another node, to %s", host, where, again)
		}
		if checked++; checked == 500 {
			break
		}
	}

	byClient := func(address string) string {
		conn, err := net.Dial("tcp", n.settings.HTTP)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := fmt.Fprintf(conn, "PROXY TCP4 %s 10.0.0.1 4321 80\r\nGET / HTTP/1.0\r\nHost: client.example.ch\r\n\r\n", address); err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		return string(all[len(all)-3:])
	}
	const clients = 1000
	count = 0
	for i := range clients {
		address := fmt.Sprintf("203.0.%d.%d", i/250, i%250)
		first := byClient(address)
		if first == "new" {
			count++
		}
		if i < 50 && byClient(address) != first {
			t.Errorf("the client %s did not stay with %s", address, first)
		}
	}
	within("by client", count, clients, 0.05)

	// A step of the canary moves nobody back, and all who were there stay.
	for name, u := range config.Upstreams {
		u.Targets["v1"], u.Targets["v2"] = reverseproxy.Target{URL: old.URL, Weight: 75}, reverseproxy.Target{URL: fresh.URL, Weight: 25}
		config.Upstreams[name] = u
	}
	p.configure(t, config)
	if status := p.settled(t, n, reverseproxy.ConfigObject); status.Error != "" {
		t.Fatal(status.Error)
	}
	count = 0
	for host, where := range chosen {
		now := target(c, host)
		if now == "new" {
			count++
		} else if where == "new" {
			t.Errorf("%s went back to the old version when the new one got more weight", host)
		}
	}
	within("by host, after the step", count, hosts, 0.25)
}

func TestTargetsThatFail(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	good := backend(t, "good")
	dead := &httptest.Server{URL: "http://" + freeAddress(t)} // nobody else gets its port meanwhile
	sick := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			http.Error(w, "sick", http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, "sick")
	}))
	t.Cleanup(sick.Close)
	p.configure(t, reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{
		"half": {Targets: map[string]reverseproxy.Target{"good": target(good, 1), "dead": target(dead, 9)}},
		"sick": {
			Targets:     map[string]reverseproxy.Target{"good": target(good, 1), "sick": target(sick, 9)},
			HealthCheck: &reverseproxy.HealthCheck{Path: "/healthz", Interval: reverseproxy.Duration(500 * time.Millisecond)},
		},
		"gone": {Targets: map[string]reverseproxy.Target{"dead": target(dead, 1)}},
	}})
	p.routes(t, "customers", reverseproxy.Routes{"half.example.ch": "half", "sick.example.ch": "sick", "gone.example.ch": "gone"})
	n := p.start(t, "node-1")
	c := client(n.settings.HTTP, nil)
	for range 100 { // nine of ten go to the dead one first
		if resp, body := ask(t, c, http.MethodPost, "http://half.example.ch/", nil); body != "good" {
			t.Fatalf("%s %s", resp.Status, body)
		}
	}
	eventually(t, time.Minute, "the health check leaves the sick target out", func() error {
		for range 30 {
			if _, body := ask(t, c, http.MethodGet, "http://sick.example.ch/", nil); body != "good" {
				return fmt.Errorf("answered by %s", body)
			}
		}
		return nil
	})
	if resp, body := ask(t, c, http.MethodGet, "http://gone.example.ch/", nil); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("%s %s", resp.Status, body)
	}
}

func TestBrokenDocumentsAreReportedAndTheOldOnesServed(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	shop := backend(t, "shop")
	config := reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{"shop": single(shop)}}
	p.configure(t, config)
	p.routes(t, "customers", reverseproxy.Routes{"a.example.ch": "shop"})
	n := p.start(t, "node-1")
	c := client(n.settings.HTTP, nil)
	set := reverseproxy.RoutesObject("customers")
	first := p.settled(t, n, set).Loaded
	served := func(what string) {
		t.Helper()
		if body, err := once(c, "http://a.example.ch/"); err != nil || body != "shop" {
			t.Errorf("%s: %q, %v", what, body, err)
		}
	}
	refused := func(name, loaded, words string) {
		t.Helper()
		status := p.settled(t, n, name)
		if !strings.Contains(status.Error, words) || (loaded != "" && status.Loaded != loaded) {
			t.Errorf("%s is %+v; want %q", name, status, words)
		}
		served(words)
	}
	p.put(t, set, []byte("no routes"))
	refused(set, first, "not packed with gzip")
	p.routes(t, "customers", reverseproxy.Routes{"a.example.ch": "shop", "b.example.ch": "nowhere"})
	refused(set, first, `b.example.ch: there is no upstream "nowhere"`)
	p.routes(t, "customers", reverseproxy.Routes{"a.example.ch": "shop", "not a host": "shop"})
	refused(set, first, `"not a host" is no host`)
	loaded := p.settled(t, n, reverseproxy.ConfigObject).Loaded
	p.put(t, reverseproxy.ConfigObject, []byte("{"))
	refused(reverseproxy.ConfigObject, loaded, "not JSON")
	p.configure(t, reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{"other": single(shop)}})
	refused(reverseproxy.ConfigObject, loaded, `routes of the set "customers" need an upstream`)
	p.put(t, reverseproxy.CertificateObject("star"), []byte(`{"format":1,"chain":"","key":"AAAA"}`))
	refused(reverseproxy.CertificateObject("star"), "", "cannot be decrypted")
	p.routes(t, "others", reverseproxy.Routes{"a.example.ch": "redirect:https://b.example.org", "c.example.ch": "shop"})
	refused(reverseproxy.RoutesObject("others"), "", `a.example.ch: the host is also in the set "customers"`)
	if body, err := once(c, "http://c.example.ch/"); err != nil || body != "shop" {
		t.Errorf("what else was in the set is not served: %q, %v", body, err)
	}
	if all := n.metrics(t); !strings.Contains(all, "massif_edge_refused_documents 4\n") {
		t.Error("the metrics do not count 4 refused documents")
	}

	// And back: nothing is held against a document that is right again.
	p.configure(t, config)
	p.routes(t, "customers", reverseproxy.Routes{"a.example.ch": "shop", "b.example.ch": "shop"})
	if err := p.container.remove(t.Context(), reverseproxy.RoutesObject("others")); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "all is well again", func() error {
		status := p.status(t, "node-1")
		for name, document := range status.Documents {
			if document.Error != "" && name != reverseproxy.CertificateObject("star") {
				return fmt.Errorf("%s: %s", name, document.Error)
			}
		}
		if status.Hosts != 2 {
			return fmt.Errorf("%d hosts", status.Hosts)
		}
		return nil
	})
	served("at the end")
}

func TestStorageOutageKeepsServing(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	if p.sim == nil {
		t.Skip("needs the simulator: nobody ends the object storage of a real cloud for a test")
	}
	p.configure(t, reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{"shop": single(backend(t, "shop"))}})
	p.routes(t, "customers", reverseproxy.Routes{"a.example.ch": "shop"})
	n := p.start(t, "node-1")
	load := startLoad(t, 2, n.settings.HTTP, nil, "http://HOST/", "a.example.ch")
	for _, fault := range []simulator.Fault{{Service: "object-store", Status: http.StatusServiceUnavailable}, {Service: "object-store", Drop: true}} {
		if err := p.sim.AddFault(fault); err != nil {
			t.Fatal(err)
		}
		before := n.logs.String()
		eventually(t, time.Minute, "the node notices", func() error {
			if !strings.Contains(strings.TrimPrefix(n.logs.String(), before), "the container cannot be read") {
				return fmt.Errorf("it says nothing")
			}
			return n.healthy()
		})
		p.sim.ClearFaults()
		eventually(t, time.Minute, "the node reads again", func() error {
			if status := p.status(t, "node-1"); status.StorageError != "" || time.Since(status.Time) > 2*reverseproxy.StatusInterval {
				return fmt.Errorf("%+v", status)
			}
			return nil
		})
	}
	p.routes(t, "customers", reverseproxy.Routes{"a.example.ch": "shop", "b.example.ch": "shop"})
	eventually(t, time.Minute, "changes are served again", func() error {
		_, err := once(client(n.settings.HTTP, nil), "http://b.example.ch/")
		return err
	})
	load.nothingLost(t)
}

// makeDue changes the copy of a certificate's metadata so that its renewal is due.
func makeDue(t *testing.T, kept copies, cipher *reverseproxy.Cipher, host string) {
	t.Helper()
	all := kept.all()
	i := slices.IndexFunc(all, func(name string) bool { return strings.HasSuffix(name, "/"+host+"/"+host+".json") })
	if i < 0 {
		t.Fatalf("no metadata of %s in %q", host, all)
	}
	name := all[i]
	found, err := kept.read(name)
	if err != nil {
		t.Fatal(err)
	}
	text, err := cipher.Open(name, found.Data)
	if err != nil {
		t.Fatal(err)
	}
	metadata, issuer := certmagic.CertificateResource{}, acme.Certificate{}
	if err := json.Unmarshal(text, &metadata); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(metadata.IssuerData, &issuer); err != nil || issuer.RenewalInfo == nil {
		t.Fatalf("%v in %s", err, text)
	}
	issuer.RenewalInfo.SelectedTime = time.Now().Add(-time.Hour)
	if metadata.IssuerData, err = json.Marshal(issuer); err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(metadata); err != nil {
		t.Fatal(err)
	}
	kept.keep(name, object{Data: cipher.Seal(name, text)})
}

// A node that starts while nothing of the cloud answers serves what it served before: plain, with a certificate of the user's own, and with
// one that ACME gave, also when its renewal is due. A copy that is broken is left out, and all is well when the cloud is back.
func TestStartsDuringAnOutage(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	if p.sim == nil {
		t.Skip("needs the simulator: nobody ends a real cloud for a test")
	}
	plain, secure := newBalancer(t), newBalancer(t)
	a := newAuthority(t, plain.port(t), secure.port(t))
	p.configure(t, reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{"shop": single(backend(t, "shop"))}, TLS: reverseproxy.TLS{ACME: a.config}})
	p.routes(t, "customers", reverseproxy.Routes{"a.example.ch": "shop", "own.example.ch": "shop"})
	p.routes(t, "broken", reverseproxy.Routes{"b.example.ch": "shop"})
	p.routes(t, "gone", reverseproxy.Routes{"c.example.ch": "shop"})
	pair, roots := ownPair(t, "own.example.ch", 1)
	data, err := pair.Encode("own", p.cipher)
	if err != nil {
		t.Fatal(err)
	}
	p.put(t, reverseproxy.CertificateObject("own"), data)
	directory := t.TempDir()
	caching := func(s *Settings) {
		s.CacheDirectory, s.ProxyProtocolFrom = directory, []string{"127.0.0.1/32"}
	}
	n := p.start(t, "node-1", caching)
	plain.send(n.settings.HTTP)
	secure.send(n.settings.HTTPS)
	issued, err := certificateOf(n.settings.HTTPS, "a.example.ch", a.roots)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.container.remove(t.Context(), reverseproxy.RoutesObject("gone")); err != nil {
		t.Fatal(err)
	}
	answers := func(n *node, host string, want int) {
		t.Helper()
		eventually(t, time.Minute, host+" is answered", func() error {
			if resp, _ := ask(t, client(n.settings.HTTP, nil), http.MethodGet, "http://"+host+"/", nil); resp.StatusCode != want {
				return errors.New(resp.Status)
			}
			return nil
		})
	}
	answers(n, "c.example.ch", http.StatusMisdirectedRequest)
	n.kill()
	kept, err := newCopies(directory, p.settings.Container)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range kept.all() {
		if found, err := kept.read(name); err != nil || strings.Contains(string(found.Data), "PRIVATE KEY") {
			t.Errorf("the copy of %s is not encrypted: %v", name, err)
		}
		if strings.Contains(name, "challenge_tokens") { // ACME's challenge is over
			t.Errorf("a copy of %s is left", name)
		}
	}
	if err := os.WriteFile(kept.file(reverseproxy.RoutesObject("broken")), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	makeDue(t, kept, p.cipher, "a.example.ch")

	if err := p.sim.AddFault(simulator.Fault{Drop: true}); err != nil {
		t.Fatal(err)
	}
	n = p.start(t, "node-1", caching)
	answers(n, "a.example.ch", http.StatusOK)
	answers(n, "b.example.ch", http.StatusMisdirectedRequest)
	answers(n, "c.example.ch", http.StatusMisdirectedRequest)
	if shown, err := certificateOf(n.settings.HTTPS, "own.example.ch", roots); err != nil || shown.SerialNumber.Int64() != 1 {
		t.Errorf("own.example.ch: %v, %v", shown, err)
	}
	if shown, err := certificateOf(n.settings.HTTPS, "a.example.ch", a.roots); err != nil || shown.SerialNumber.Cmp(issued.SerialNumber) != 0 {
		t.Errorf("a.example.ch: %v, %v", shown, err)
	}
	// Without copies there is nothing to serve.
	if other := p.launch(t, "node-2"); other.healthy() == nil {
		t.Error("a node that knows nothing is well")
	}
	p.sim.ClearFaults()
	answers(n, "b.example.ch", http.StatusOK)
	if orders := a.orders.Load(); orders != 1 {
		t.Errorf("%d orders; want 1", orders)
	}
}

// A node that has read the configuration and not the routes would refuse all hosts: it is not well until it has read both.
func TestHalfOfTheDocumentsIsNotServed(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	if p.sim == nil {
		t.Skip("needs the simulator: requests fail on demand")
	}
	p.configure(t, reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{"shop": single(backend(t, "shop"))}})
	p.routes(t, "customers", reverseproxy.Routes{"a.example.ch": "shop"})
	if err := p.sim.AddFault(simulator.Fault{Service: "object-store", Method: http.MethodGet, Path: "/routes/", Status: http.StatusServiceUnavailable}); err != nil {
		t.Fatal(err)
	}
	n := p.launch(t, "node-1")
	eventually(t, time.Minute, "the node has read the configuration", func() error {
		if !strings.Contains(n.logs.String(), "table loaded") {
			return errors.New("it has not")
		}
		return nil
	})
	if n.healthy() == nil {
		t.Error("a node without routes is well")
	}
	p.sim.ClearFaults()
	eventually(t, time.Minute, "the node is well", n.healthy)
	if _, err := once(client(n.settings.HTTP, nil), "http://a.example.ch/"); err != nil {
		t.Error(err)
	}
}

func TestRevokedCredentialKeepsServingAndANewOneIsTaken(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	if p.sim == nil {
		t.Skip("needs the simulator: Swift remembers for minutes that a token is valid")
	}
	revoke := p.newCredential(t)
	p.configure(t, reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{"shop": single(backend(t, "shop"))}})
	p.routes(t, "customers", reverseproxy.Routes{"a.example.ch": "shop"})
	n := p.start(t, "node-1")
	load := startLoad(t, 1, n.settings.HTTP, nil, "http://HOST/", "a.example.ch")
	revoke()
	eventually(t, time.Minute, "the node is refused", func() error {
		if !strings.Contains(n.logs.String(), "the container cannot be read") {
			return fmt.Errorf("it says nothing")
		}
		return n.healthy()
	})
	p.newCredential(t)
	n.settings.ApplicationCredentialID, n.settings.ApplicationCredentialSecret = p.settings.ApplicationCredentialID, p.settings.ApplicationCredentialSecret
	n.write(t)
	p.routes(t, "customers", reverseproxy.Routes{"a.example.ch": "shop", "b.example.ch": "shop"})
	eventually(t, time.Minute, "the new credential is used", func() error {
		_, err := once(client(n.settings.HTTP, nil), "http://b.example.ch/")
		return err
	})
	load.nothingLost(t)
}

// haproxy balances TCP as Octavia's amphorae do, and asks the nodes' health ports.
func haproxy(t *testing.T, nodes ...*node) (address string) {
	t.Helper()
	binary, err := exec.LookPath("haproxy")
	if err != nil {
		if binary = "/usr/sbin/haproxy"; !exists(binary) {
			t.Skip("needs HAProxy: Debian's package haproxy")
		}
	}
	address = freeAddress(t)
	text := "defaults\n mode tcp\n timeout connect 3s\n timeout client 30s\n timeout server 30s\n timeout check 10s\n retries 3\n option redispatch\nfrontend f\n bind " + address + "\n default_backend b\nbackend b\n option httpchk GET /healthz\n http-check expect status 200\n"
	for _, n := range nodes {
		_, port, err := net.SplitHostPort(n.settings.Metrics)
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf(" server %s %s send-proxy-v2 check port %s inter 200ms fall 2 rise 1\n", n.name, n.settings.HTTP, port)
	}
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	output := &logs{}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	command := exec.CommandContext(ctx, binary, "-db", "-f", file)
	command.Stdout, command.Stderr = output, output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = command.Wait() // it was killed
		if t.Failed() {
			t.Logf("HAProxy said:\n%s", output)
		}
	})
	eventually(t, time.Minute, "HAProxy listens", func() error {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	return address
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestNodesStopUnderLoad(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	held, released := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(released) })
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(held); <-released }))
	t.Cleanup(slow.Close)
	t.Cleanup(release) // before that, which waits for the request
	p.configure(t, reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{"shop": single(backend(t, "shop")), "slow": single(slow)}})
	p.routes(t, "customers", reverseproxy.Routes{"a.example.ch": "shop", "slow.example.ch": "slow"})
	behind := func(s *Settings) {
		s.ProxyProtocolFrom = []string{"127.0.0.1/32"}
		// The balancer must have asked a node that leaves twice before it closes.
		s.DrainDelay, s.GracePeriod = reverseproxy.Duration(5*time.Second), reverseproxy.Duration(2*time.Minute)
	}
	one, two := p.start(t, "node-1", behind), p.start(t, "node-2", behind)
	address := haproxy(t, one, two)
	load := startLoad(t, 8, address, nil, "http://HOST/", "a.example.ch")
	wait := func(requests int) {
		t.Helper()
		from := load.count()
		eventually(t, time.Minute, "requests go on", func() error {
			if load.count() < from+requests {
				return fmt.Errorf("%d of %d", load.count()-from, requests)
			}
			return nil
		})
	}
	wait(500)
	// A request that the node waits for keeps it from ending before its status was seen.
	go func() { _, _ = once(client(one.settings.HTTP, nil), "http://slow.example.ch/") }()
	select {
	case <-held:
	case <-time.After(time.Minute):
		t.Fatal("the slow request does not arrive")
	}
	one.stop(t)
	eventually(t, time.Minute, "the status says that it drains", func() error {
		if status := p.status(t, "node-1"); !status.Draining {
			return fmt.Errorf("%+v", status)
		}
		return nil
	})
	release()
	one.stopped(t)
	if status := p.status(t, "node-1"); status.Node != "" {
		t.Errorf("a node that has ended still has the status %+v", status)
	}
	wait(500)
	load.nothingLost(t)

	// One that dies takes with it what was on its connections, at most one request of each client.
	three := p.start(t, "node-1", behind, func(s *Settings) {
		s.HTTP, s.HTTPS, s.Metrics = one.settings.HTTP, one.settings.HTTPS, one.settings.Metrics
	})
	eventually(t, time.Minute, "the balancer uses it", func() error {
		if _, err := once(client(address, nil), "http://a.example.ch/"); err != nil || strings.Count(three.logs.String(), accessLogger) < 2 {
			return fmt.Errorf("not yet: %w", err)
		}
		return nil
	})
	const clients = 8
	load = startLoad(t, clients, address, nil, "http://HOST/", "a.example.ch")
	wait(500)
	three.kill()
	wait(500)
	load.stop()
	t.Logf("killed: %d requests, %d lost", load.total, len(load.lost))
	if len(load.lost) > clients {
		t.Errorf("%d requests of %d clients were lost, such as %q", len(load.lost), clients, load.lost[:5])
	}
}

func TestSlowRequestsOutliveChangesAndStop(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	begun := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			_, _ = io.WriteString(w, "first ")
			_ = http.NewResponseController(w).Flush()
			begun <- struct{}{}
			select {
			case <-time.After(3 * time.Second):
			case <-r.Context().Done():
				return
			}
		}
		_, _ = io.WriteString(w, "last")
	}))
	t.Cleanup(slow.Close)
	config := reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{"slow": single(slow)}}
	p.configure(t, config)
	p.routes(t, "customers", reverseproxy.Routes{"a.example.ch": "slow"})
	n := p.start(t, "node-1", func(s *Settings) {
		s.DrainDelay, s.GracePeriod = reverseproxy.Duration(100*time.Millisecond), reverseproxy.Duration(3*time.Minute)
	})
	request := func() chan string {
		answer := make(chan string, 1)
		go func() {
			body, err := once(client(n.settings.HTTP, nil), "http://a.example.ch/slow")
			if err != nil {
				body += err.Error()
			}
			answer <- body
		}()
		<-begun
		return answer
	}
	answer := request()
	config.Upstreams["another"] = single(slow)
	p.configure(t, config)
	if status := p.settled(t, n, reverseproxy.ConfigObject); status.Error != "" {
		t.Fatal(status.Error)
	}
	if body := <-answer; body != "first last" {
		t.Errorf("a request during the change was answered with %q", body)
	}
	answer = request()
	n.stop(t)
	if body := <-answer; body != "first last" {
		t.Errorf("a request during the stop was answered with %q", body)
	}
	begin := time.Now()
	n.stopped(t)
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("the node ended %s after its last request", took)
	}
}

func TestClockSkewIsReported(t *testing.T) {
	t.Parallel()
	c := &container{}
	for ahead, want := range map[time.Duration]time.Duration{time.Hour: time.Hour, -time.Hour: -time.Hour, time.Second: 0} {
		c.compareClocks(time.Now().Add(-ahead).UTC().Format(http.TimeFormat))
		if got := c.clockSkew(); (got - want).Abs() > 2*time.Second {
			t.Errorf("%s ahead is told as %s", ahead, got)
		}
	}
}

func TestLocksAreExclusiveAndOutliveNobody(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	one, two := newStorage(p.container, p.cipher, copies{}), newStorage(p.container, p.cipher, copies{})
	if err := one.Lock(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	if err := two.Lock(short, "a"); err == nil {
		t.Fatal("two hold the lock")
	}
	if err := one.Unlock(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := two.Lock(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := two.Unlock(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}

	// Many who want it at the same instant.
	var group sync.WaitGroup
	var holders, most atomic.Int32
	for range 6 {
		group.Go(func() {
			s := newStorage(p.container, p.cipher, copies{})
			if err := s.Lock(t.Context(), "c"); err != nil {
				t.Error(err)
				return
			}
			now := holders.Add(1)
			most.Store(max(most.Load(), now))
			time.Sleep(50 * time.Millisecond)
			holders.Add(-1)
			if err := s.Unlock(t.Context(), "c"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := most.Load(); n != 1 {
		t.Errorf("%d held the lock at the same time", n)
	}

	// A node that died: its lock ends by the storage's clock.
	if err := p.container.put(t.Context(), lockObject("b"), []byte("dead"), map[string]string{"If-None-Match": "*", "X-Delete-After": "3"}); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	patient, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := one.Lock(patient, "b"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < time.Second {
		t.Errorf("the lock of another was taken after %s", took)
	}
	if err := one.Unlock(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if err := one.Unlock(t.Context(), "b"); err == nil {
		t.Error("a lock that is not held can be given back")
	}
	_, err := p.container.get(t.Context(), lockObject("a"), "")
	if !openstack.NotFound(err) {
		t.Errorf("the lock is still there: %v", err)
	}
}
