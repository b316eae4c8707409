package edge

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// asCaddy names the configuration with which the test's binary runs as plain Caddy.
const asCaddy = "MASSIF_EDGE_TEST_CADDY"

func runCaddy(path string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := caddy.Load(data, true); err != nil {
		return err
	}
	<-ctx.Done()
	return caddy.Stop()
}

// contestant is a proxy that runs.
type contestant struct {
	address string
	pid     int
	// secure is for requests over TLS, fresh for a connection for each.
	secure, fresh bool
	// change changes the table and tells how long it took until it was served; nil where that is not measured.
	change func() time.Duration
}

// BenchmarkDomains compares the node with what else could route as many domains: plain Caddy with a route for each, HAProxy with
// a map, and HAProxy with a rule for each, as Octavia writes L7 policies. Each proxy is a process of its own. Requests are plain HTTP on
// connections that are kept, but for node-tls (the same over TLS) and node-certificates (a certificate of its own for each domain, and a
// new connection for each request, so that most of its time is that of the handshake).
//
//	us/req      CPU time of the proxy for a request
//	req/s/core  what one core could do at that
//	MB          memory of the proxy after the load (resident)
//	ms/served   from the write of a changed table to the first request that follows it; the node polls each 2 s
func BenchmarkDomains(b *testing.B) {
	answer := quickBackend(b)
	for _, domains := range []int{2_855, 5_000, 10_000} {
		hosts := make([]string, domains)
		for i := range hosts {
			hosts[i] = fmt.Sprintf("customer-%d.example.ch", i)
		}
		for _, kind := range []struct {
			name  string
			load  int // requests; the slow ones get fewer
			start func(testing.TB, []string, string) contestant
		}{
			{"node", 20_000, benchNode}, {"node-tls", 20_000, benchNodeTLS}, {"node-certificates", 10_000, benchNodeCertificates},
			{"caddy", 4_000, benchCaddy}, {"haproxy-map", 40_000, benchMap}, {"haproxy-rules", 4_000, benchRules},
		} {
			b.Run(fmt.Sprintf("%s/%d", kind.name, domains), func(b *testing.B) {
				c := kind.start(b, hosts, answer)
				hammer(b, c, hosts, kind.load/10) // warm
				before := cpuTime(b, c.pid)
				requests := 0
				for b.Loop() {
					requests += hammer(b, c, hosts, kind.load)
				}
				perRequest := (cpuTime(b, c.pid) - before) / time.Duration(requests)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(perRequest)/1e3, "us/req")
				b.ReportMetric(1e9/float64(perRequest), "req/s/core")
				b.ReportMetric(resident(b, c.pid), "MB")
				if c.change != nil {
					b.ReportMetric(float64(c.change().Milliseconds()), "ms/served")
				}
			})
		}
	}
}

// quickBackend is one target for all; it does next to nothing.
func quickBackend(b *testing.B) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(strings.Repeat("x", 1024))
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })}
	go func() { _ = server.Serve(listener) }()
	b.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

// hammer sends requests for hosts at random, from eight clients with a connection each, or one for each request.
func hammer(b *testing.B, c contestant, hosts []string, requests int) int {
	b.Helper()
	const clients = 8
	scheme := map[bool]string{false: "http", true: "https"}[c.secure]
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			transport := &http.Transport{MaxIdleConnsPerHost: 1, DisableKeepAlives: c.fresh}
			defer transport.CloseIdleConnections()
			for i := range requests / clients {
				host := hosts[rand.IntN(len(hosts))]
				if i == 0 || c.fresh { // the proxy is what is measured, hence no look at its certificate
					transport.TLSClientConfig = &tls.Config{ServerName: host, InsecureSkipVerify: true}
				}
				if err := hit(b, transport, scheme+"://"+c.address+"/", host); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	return requests / clients * clients
}

func hit(b *testing.B, transport *http.Transport, address, host string) error {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	r.Host = host
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK || n != 1024 {
		return fmt.Errorf("%s: %s, %d bytes, %w", host, resp.Status, n, err)
	}
	return nil
}

func benchNode(t testing.TB, hosts []string, answer string) contestant {
	p, routes := benchProxy(t, hosts, answer)
	n := benchStart(t, p)
	return contestant{address: n.settings.HTTP, pid: n.command.Process.Pid, change: func() time.Duration {
		last := hosts[len(hosts)-1]
		routes[last] = "other"
		begin := time.Now()
		p.routes(t, "customers", routes)
		c := client(n.settings.HTTP, nil)
		eventually(t, time.Minute, "the change is served", func() error {
			if resp, _ := ask(t, c, http.MethodGet, "http://"+last+"/", nil); resp.Header.Get("X-Other") == "" {
				return fmt.Errorf("not yet")
			}
			return nil
		})
		return time.Since(begin)
	}}
}

func benchNodeTLS(t testing.TB, hosts []string, answer string) contestant {
	p, _ := benchProxy(t, hosts, answer)
	benchCertificate(t, p, "star", "*.example.ch")
	n := benchStart(t, p)
	return contestant{address: n.settings.HTTPS, pid: n.command.Process.Pid, secure: true}
}

func benchNodeCertificates(t testing.TB, hosts []string, answer string) contestant {
	p, _ := benchProxy(t, hosts, answer)
	for i, host := range hosts {
		benchCertificate(t, p, fmt.Sprintf("host-%d", i), host)
	}
	n := benchStart(t, p)
	return contestant{address: n.settings.HTTPS, pid: n.command.Process.Pid, secure: true, fresh: true}
}

func benchProxy(t testing.TB, hosts []string, answer string) (*proxy, reverseproxy.Routes) {
	p := newProxy(t)
	p.configure(t, reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{
		"app":   {Targets: map[string]reverseproxy.Target{"v1": {URL: "http://" + answer, Weight: 95}, "v2": {URL: "http://" + answer, Weight: 5}}},
		"other": {Targets: map[string]reverseproxy.Target{"v1": {URL: "http://" + answer, Weight: 1}}, ResponseHeaders: map[string]string{"X-Other": "yes"}},
	}})
	routes := reverseproxy.Routes{}
	for _, host := range hosts {
		routes[host] = "app"
	}
	p.routes(t, "customers", routes)
	return p, routes
}

func benchCertificate(t testing.TB, p *proxy, name, host string) {
	pair, _ := ownPair(t, host, 1)
	data, err := pair.Encode(name, p.cipher)
	if err != nil {
		t.Fatal(err)
	}
	p.put(t, reverseproxy.CertificateObject(name), data)
}

func benchStart(t testing.TB, p *proxy) *node {
	n := p.launch(t, "node-1", func(s *Settings) {
		s.PollInterval, s.DrainDelay = reverseproxy.Duration(DefaultPollInterval), 0
	})
	eventually(t, time.Minute, "the node serves", n.healthy)
	n.logs.discard()
	return n
}

func benchCaddy(t testing.TB, hosts []string, answer string) contestant {
	address := freeAddress(t)
	routes := make([]any, 0, len(hosts))
	for _, host := range hosts {
		routes = append(routes, jsonObject{
			"match":    []any{jsonObject{"host": []string{host}}},
			"handle":   []any{jsonObject{"handler": "reverse_proxy", "upstreams": []any{jsonObject{"dial": answer}}}},
			"terminal": true,
		})
	}
	data, err := json.Marshal(jsonObject{
		"admin": jsonObject{"disabled": true, "config": jsonObject{"persist": false}},
		"apps": jsonObject{"http": jsonObject{"servers": jsonObject{"http": jsonObject{
			"listen": []string{address}, "routes": routes, "automatic_https": jsonObject{"disable": true}, "logs": jsonObject{},
		}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "caddy.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(self)
	command.Env = append(os.Environ(), asCaddy+"="+file)
	return contestant{address: address, pid: benchProcess(t, command, address)}
}

func benchMap(t testing.TB, hosts []string, answer string) contestant {
	list := filepath.Join(t.TempDir(), "hosts.map")
	if err := os.WriteFile(list, []byte(strings.Join(hosts, " b\n")+" b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return benchHAProxy(t, answer, " use_backend %[req.hdr(host),lower,map("+list+")]\n")
}

func benchRules(t testing.TB, hosts []string, answer string) contestant {
	var rules strings.Builder
	for i, host := range hosts {
		fmt.Fprintf(&rules, " acl r%d req.hdr(host) -i -m str %s\n use_backend b if r%d\n", i, host, i)
	}
	return benchHAProxy(t, answer, rules.String())
}

func benchHAProxy(t testing.TB, answer, rules string) contestant {
	binary, err := exec.LookPath("haproxy")
	if err != nil {
		if binary = "/usr/sbin/haproxy"; !exists(binary) {
			t.Skip("needs HAProxy: Debian's package haproxy")
		}
	}
	address := freeAddress(t)
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	text := "global\n nbthread 1\ndefaults\n mode http\n timeout connect 3s\n timeout client 30s\n timeout server 30s\nfrontend f\n bind " + address + "\n" + rules + "backend b\n server s " + answer + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return contestant{address: address, pid: benchProcess(t, exec.Command(binary, "-db", "-f", file), address)}
}

func benchProcess(t testing.TB, command *exec.Cmd, address string) (pid int) {
	t.Helper()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	eventually(t, time.Minute, "it listens", func() error {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	return command.Process.Pid
}

// cpuTime is what a process and its threads have used.
func cpuTime(t testing.TB, pid int) time.Duration {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux: /proc tells what a process has used")
	}
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	ticks := 0
	for _, field := range fields[11:13] { // user and system, in hundredths
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// resident is the memory of a process in megabytes.
func resident(t testing.TB, pid int) float64 {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(string(data)))
	at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "VmRSS:") })
	kilobytes, err := strconv.Atoi(strings.Fields(lines[at])[1])
	if err != nil {
		t.Fatal(err)
	}
	return float64(kilobytes) / 1024
}
