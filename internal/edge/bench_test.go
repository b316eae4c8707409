package edge

import (
	"context"
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

// BenchmarkDomains compares the node with what else could route as many domains: plain Caddy with a route for each, HAProxy with
// a map, and HAProxy with a rule for each, as Octavia writes L7 policies. Each proxy is a process of its own.
//
//	us/req      CPU time of the proxy for a request
//	req/s/core  what one core could do at that
//	MB          memory of the proxy after the load (resident)
//	ms/served   from the write of a changed table to the first request that follows it
//
// Only the node has ms/served; it polls each 2 s.
func BenchmarkDomains(b *testing.B) {
	answer := quickBackend(b)
	for _, domains := range []int{2_855, 5_000, 10_000} {
		hosts := make([]string, domains)
		for i := range hosts {
			hosts[i] = fmt.Sprintf("www.customer-%d.example.ch", i)
		}
		for _, kind := range []struct {
			name  string
			load  int // requests; the slow ones get fewer
			start func(testing.TB, []string, string) (address string, pid int, change func() time.Duration)
		}{{"node", 20_000, benchNode}, {"caddy", 4_000, benchCaddy}, {"haproxy-map", 40_000, benchMap}, {"haproxy-rules", 4_000, benchRules}} {
			b.Run(fmt.Sprintf("%s/%d", kind.name, domains), func(b *testing.B) {
				address, pid, change := kind.start(b, hosts, answer)
				hammer(b, address, hosts, kind.load/10) // warm
				before := cpuTime(b, pid)
				requests := 0
				for b.Loop() {
					requests += hammer(b, address, hosts, kind.load)
				}
				perRequest := (cpuTime(b, pid) - before) / time.Duration(requests)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(perRequest)/1e3, "us/req")
				b.ReportMetric(1e9/float64(perRequest), "req/s/core")
				b.ReportMetric(resident(b, pid), "MB")
				if change != nil {
					b.ReportMetric(float64(change().Milliseconds()), "ms/served")
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

// hammer sends requests for hosts at random, from eight clients with a connection each.
func hammer(b *testing.B, address string, hosts []string, requests int) int {
	b.Helper()
	const clients = 8
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			transport := &http.Transport{MaxIdleConnsPerHost: 1}
			defer transport.CloseIdleConnections()
			for range requests / clients {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://"+address+"/", nil)
				if err != nil {
					b.Error(err)
					return
				}
				r.Host = hosts[rand.IntN(len(hosts))]
				resp, err := transport.RoundTrip(r)
				if err != nil {
					b.Error(err)
					return
				}
				n, err := io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if err != nil || resp.StatusCode != http.StatusOK || n != 1024 {
					b.Errorf("%s: %s, %d bytes, %v", r.Host, resp.Status, n, err)
					return
				}
			}
		})
	}
	group.Wait()
	return requests / clients * clients
}

func benchNode(t testing.TB, hosts []string, answer string) (string, int, func() time.Duration) {
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
	n := p.start(t, "node-1", func(s *Settings) {
		s.PollInterval, s.DrainDelay = reverseproxy.Duration(DefaultPollInterval), 0
	})
	n.logs.discard()
	return n.settings.HTTP, n.command.Process.Pid, func() time.Duration {
		last := hosts[len(hosts)-1]
		routes[last] = "other"
		begin := time.Now()
		p.routes(t, "customers", routes)
		c := client(n.settings.HTTP, nil)
		eventually(t, 10*time.Second, "the change is served", func() error {
			if resp, _ := ask(t, c, http.MethodGet, "http://"+last+"/", nil); resp.Header.Get("X-Other") == "" {
				return fmt.Errorf("not yet")
			}
			return nil
		})
		return time.Since(begin)
	}
}

func benchCaddy(t testing.TB, hosts []string, answer string) (string, int, func() time.Duration) {
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
	return address, benchProcess(t, command, address), nil
}

func benchMap(t testing.TB, hosts []string, answer string) (string, int, func() time.Duration) {
	list := filepath.Join(t.TempDir(), "hosts.map")
	if err := os.WriteFile(list, []byte(strings.Join(hosts, " b\n")+" b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return benchHAProxy(t, answer, " use_backend %[req.hdr(host),lower,map("+list+")]\n")
}

func benchRules(t testing.TB, hosts []string, answer string) (string, int, func() time.Duration) {
	var rules strings.Builder
	for i, host := range hosts {
		fmt.Fprintf(&rules, " acl r%d req.hdr(host) -i -m str %s\n use_backend b if r%d\n", i, host, i)
	}
	return benchHAProxy(t, answer, rules.String())
}

func benchHAProxy(t testing.TB, answer, rules string) (string, int, func() time.Duration) {
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
	return address, benchProcess(t, exec.Command(binary, "-db", "-f", file), address), nil
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
