package openstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

// fakeCloud is an identity service whose catalog sends every service to the test's own handler.
type fakeCloud struct {
	*httptest.Server
	mux  *http.ServeMux
	cuts atomic.Int64 // requests of a token whose connection is cut, before one is answered

	mu     sync.Mutex
	log    []string
	tokens int
}

func newFakeCloud(t *testing.T) *fakeCloud {
	t.Helper()
	f := &fakeCloud{mux: http.NewServeMux()}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.log = append(f.log, r.Method+" "+r.URL.RequestURI())
		f.mu.Unlock()
		f.mux.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	f.mux.HandleFunc("POST /v3/auth/tokens", func(w http.ResponseWriter, _ *http.Request) {
		if f.cuts.Add(-1) >= 0 {
			panic(http.ErrAbortHandler)
		}
		f.mu.Lock()
		f.tokens++
		token := fmt.Sprintf("token-%d", f.tokens)
		f.mu.Unlock()
		w.Header().Set("X-Subject-Token", token)
		w.WriteHeader(http.StatusCreated)
		endpoint := func(region, kind, path string) map[string]any {
			return map[string]any{"region": region, "region_id": region, "interface": kind, "url": f.URL + path}
		}
		answer := map[string]any{"token": map[string]any{
			"project": map[string]any{"id": "p1", "name": "demo"},
			"user":    map[string]any{"id": "u1", "name": "demo"},
			"catalog": []any{
				map[string]any{"type": "network", "endpoints": []any{endpoint("one", "public", "/net"), endpoint("two", "public", "/net2/v2.0")}},
				map[string]any{"type": "compute", "endpoints": []any{endpoint("one", "public", "/nova/v2.1"), endpoint("two", "public", "/nova2")}},
				map[string]any{"type": "volumev3", "endpoints": []any{endpoint("one", "public", "/cinder/v3/p1")}},
				map[string]any{"type": "identity", "endpoints": []any{endpoint("one", "internal", "/elsewhere")}},
			},
		}}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fakeCloud) config() Config {
	return Config{
		Auth: gophercloud.AuthOptions{
			IdentityEndpoint: f.URL, Username: "demo", Password: "swordfish", DomainName: "Default", TenantName: "demo",
		},
		Region:   "one",
		Timeouts: Timeouts{RetryWaitMin: time.Millisecond, RetryWaitMax: 5 * time.Millisecond},
	}
}

func (f *fakeCloud) open(t *testing.T) *Cloud {
	t.Helper()
	cloud, err := Open(t.Context(), f.config())
	if err != nil {
		t.Fatal(err)
	}
	return cloud
}

func (f *fakeCloud) requests(prefix string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, line := range f.log {
		if strings.HasPrefix(line, prefix) {
			out = append(out, line)
		}
	}
	return out
}

func respond(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Openstack-Request-Id", "req-1")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func TestOpenSendsOneRequest(t *testing.T) {
	f := newFakeCloud(t)
	cloud := f.open(t)
	if cloud.Region() != "one" || cloud.ProjectID() != "p1" || cloud.UserID() != "u1" || cloud.AuthURL() != f.URL {
		t.Errorf("region %q, project %q, user %q, URL %q", cloud.Region(), cloud.ProjectID(), cloud.UserID(), cloud.AuthURL())
	}
	for name, get := range map[string]func() (*gophercloud.ServiceClient, error){
		"/net/v2.0/":    cloud.Network,
		"/nova/v2.1/":   cloud.Compute,
		"/cinder/v3/p1": cloud.BlockStorage,
		"/v3/":          cloud.Identity,
	} {
		client, err := get()
		if err != nil {
			t.Fatal(err)
		}
		if url := client.ServiceURL("x"); !strings.HasPrefix(url, f.URL+name) {
			t.Errorf("got %s, want %s%s…", url, f.URL, name)
		}
		again, err := get()
		if err != nil || again != client {
			t.Errorf("client of %s is not kept (%v)", name, err)
		}
	}
	if n := cloud.RequestCount(); n != 1 || len(f.requests("")) != 1 {
		t.Errorf("%d requests counted, sent %v", n, f.requests(""))
	}
}

func TestRegions(t *testing.T) {
	f := newFakeCloud(t)
	cloud := f.open(t)
	other, err := cloud.In("two")
	if err != nil {
		t.Fatal(err)
	}
	network, err := other.Network()
	if err != nil {
		t.Fatal(err)
	}
	compute, err := other.Compute()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := network.ServiceURL("x"), f.URL+"/net2/v2.0/x"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := compute.ServiceURL("x"), f.URL+"/nova2/v2.1/x"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if same, err := cloud.In(""); err != nil || same != cloud {
		t.Errorf("In(\"\") is another cloud (%v)", err)
	}
	_, err = cloud.In("three")
	var region *RegionError
	if !errors.As(err, &region) || !strings.Contains(err.Error(), "one, two") {
		t.Errorf("got %v", err)
	}
	_, err = other.BlockStorage()
	var service *ServiceError
	if !errors.As(err, &service) || !strings.Contains(err.Error(), `"block-storage"`) || !strings.Contains(err.Error(), "volumev3 (one/public)") {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	f := newFakeCloud(t)
	cases := map[string]struct {
		change func(*Config)
		want   string
	}{
		"unknown region":      {func(c *Config) { c.Region = "mars" }, `no region "mars"; it has: one, two`},
		"no region of two":    {func(c *Config) { c.Region = "" }, "several regions"},
		"no such interface":   {func(c *Config) { c.EndpointType = "admin" }, "no admin endpoint in region \"one\"; it has: internal, public"},
		"CA that is none":     {func(c *Config) { c.CACertificate = []byte("no") }, "no certificate in PEM form"},
		"certificate no key":  {func(c *Config) { c.ClientCertificate = []byte("no") }, "client certificate and its key"},
		"nobody at that port": {func(c *Config) { c.Auth.IdentityEndpoint = "http://127.0.0.1:1/v3"; c.MaxRetries = -1 }, "connection refused"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			config := f.config()
			c.change(&config)
			_, err := Open(t.Context(), config)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want …%s…", err, c.want)
			}
		})
	}
}

func TestEndpointOverride(t *testing.T) {
	f := newFakeCloud(t)
	config := f.config()
	config.EndpointOverrides = map[string]string{"dns": "http://dns.example/v2", "volumev3": "http://cinder.example/v3/p"}
	cloud, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	dns, err := cloud.DNS()
	if err != nil {
		t.Fatal(err)
	}
	if got := dns.ServiceURL("zones"); got != "http://dns.example/v2/zones" {
		t.Error(got)
	}
	volumes, err := cloud.BlockStorage()
	if err != nil {
		t.Fatal(err)
	}
	if got := volumes.ServiceURL("volumes"); got != "http://cinder.example/v3/p/volumes" {
		t.Error(got)
	}
}

func TestTokenIsRenewed(t *testing.T) {
	f := newFakeCloud(t)
	f.mux.HandleFunc("GET /net/v2.0/networks", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Auth-Token") != "token-2" {
			respond(w, http.StatusUnauthorized, `{"error":{"code":401,"message":"expired","title":"Unauthorized"}}`)
			return
		}
		respond(w, http.StatusOK, `{}`)
	})
	cloud := f.open(t)
	client, err := cloud.Network()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := client.Get(t.Context(), client.ServiceURL("networks"), nil, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := len(f.requests("POST /v3/auth/tokens")); got != 2 {
		t.Errorf("%d tokens were fetched, want 2", got)
	}
}

func TestComputeMicroversionFollowsTheCloud(t *testing.T) {
	f := newFakeCloud(t)
	f.mux.HandleFunc("/nova/v2.1/servers", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.Header.Get("X-OpenStack-Nova-API-Version") != "2.60" || r.Header.Get("OpenStack-API-Version") != "compute 2.60" {
			respond(w, http.StatusNotAcceptable, `{"computeFault": {"code": 406, "message": "Version 2.79 is not supported by the API. Minimum is 2.1 and maximum is 2.60."}}`)
			return
		}
		if string(body) != `{"a":1}` {
			t.Errorf("body %q", body)
		}
		respond(w, http.StatusAccepted, `{}`)
	})
	cloud := f.open(t)
	client, err := cloud.Compute()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := client.Post(t.Context(), client.ServiceURL("servers"), map[string]int{"a": 1}, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(f.requests("POST /nova")); got != 3 {
		t.Errorf("%d requests, want 3: refused, repeated, known", got)
	}
}

func TestLocks(t *testing.T) {
	f := newFakeCloud(t)
	cloud := f.open(t)
	unlock, err := cloud.Lock(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	other, err := cloud.Lock(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	other()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := cloud.Lock(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := cloud.Lock(ctx, "free"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an ended context won a free lock: %v", err)
	}
	var wg sync.WaitGroup
	inside := 0
	for range 20 {
		wg.Go(func() {
			release, err := cloud.Lock(t.Context(), "a")
			if err != nil {
				t.Error(err)
				return
			}
			inside++ // the race detector watches
			release()
			release() // harmless
		})
	}
	unlock()
	wg.Wait()
	if inside != 20 || len(cloud.session.locks.named) != 0 {
		t.Errorf("%d went in, %d locks left behind", inside, len(cloud.session.locks.named))
	}
}
