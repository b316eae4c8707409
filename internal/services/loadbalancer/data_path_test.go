package loadbalancer_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// backend is a server behind a load balancer. It answers with its name; when it is sick it serves on, but its health
// check fails.
type backend struct {
	name string
	port int
	sick atomic.Bool
}

func startBackend(t *testing.T, name string) *backend {
	t.Helper()
	b := &backend{name: name}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/healthz" && b.sick.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/login":
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "session-at-" + name, Path: "/"})
		}
		w.Header().Set("Seen-Port", r.Header.Get("X-Forwarded-Port"))
		w.Header().Set("Seen-Proto", r.Header.Get("X-Forwarded-Proto"))
		w.Header().Set("Seen-For", r.Header.Get("X-Forwarded-For"))
		_, _ = io.WriteString(w, name)
	}))
	t.Cleanup(server.Close)
	address, ok := server.Listener.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("the server is at %v", server.Listener.Addr())
	}
	b.port = address.Port
	return b
}

// member is the backend in HCL, with more attributes.
func (b *backend) member(more string) string {
	return fmt.Sprintf("    %s = { address = \"127.0.0.1\", port = %d%s }\n", b.name, b.port, more)
}

// pool is a pool in HCL, with more attributes.
func pool(name, protocol, more string, members ...string) string {
	return fmt.Sprintf("  %s = {\n    protocol = %q\n    %s\n    members = {\n%s    }\n  }\n", name, protocol, more, strings.Join(members, ""))
}

// visitor is a client of a load balancer. It connects anew for each request and follows no redirection.
type visitor struct {
	t *testing.T
	http.Client
}

// visit makes a visitor who finds every name at the address, host:port.
func visit(t *testing.T, address string) *visitor {
	t.Helper()
	dialer := &net.Dialer{}
	return &visitor{t, http.Client{
		Timeout: 20 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, address)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// get is the answer to a GET: the name of the backend, or else the status and where to go.
func (v *visitor) get(url string, header http.Header) (string, http.Header) {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	maps.Copy(request.Header, header)
	response, err := v.Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		return strings.TrimSpace(fmt.Sprintf("%d %s", response.StatusCode, response.Header.Get("Location"))), response.Header
	}
	return string(text), response.Header
}

// wants checks the answer to a GET.
func (v *visitor) wants(url, want string, header http.Header) {
	v.t.Helper()
	if got, _ := v.get(url, header); got != want {
		v.t.Errorf("%s with %v answers %q, want %q", url, header, got, want)
	}
}

// share counts the answers to some GETs.
func (v *visitor) share(url string, requests int) map[string]int {
	v.t.Helper()
	answers := map[string]int{}
	for range requests {
		answer, _ := v.get(url, nil)
		answers[answer]++
	}
	return answers
}

// Every request takes the way that the tree describes, by host, path and weight, also after a change.
func TestLoadBalancerDataPath(t *testing.T) {
	c := acctest.New(t)
	path := c.DataPath(t)
	big, small, idle, api, shop := startBackend(t, "big"), startBackend(t, "small"), startBackend(t, "idle"), startBackend(t, "api"), startBackend(t, "shop")
	config := func(shopRoute string, app ...string) string {
		return basic(`
listeners = {
  web = {
    protocol       = "HTTP"
    port           = 80
    default_pool   = "app"
    insert_headers = { X-Forwarded-Port = "true", X-Forwarded-For = "true" }
    routes = {
      api  = { redirect_pool = "api", rules = [{ type = "PATH", compare_type = "STARTS_WITH", value = "/api" }] }
      no   = { reject = true, rules = [{ type = "HEADER", key = "X-Bad", compare_type = "EQUAL_TO", value = "1" }] }
      away = { redirect_prefix = "https://example.org", redirect_http_code = 308, rules = [{ type = "PATH", compare_type = "STARTS_WITH", value = "/away" }] }
      home = { redirect_url = "https://example.org/home", rules = [
        { type = "PATH", compare_type = "EQUAL_TO", value = "/" },
        { type = "HOST_NAME", compare_type = "STARTS_WITH", value = "old." },
      ] }
` + shopRoute + `
    }
  }
  raw = { protocol = "TCP", port = 6443, default_pool = "raw" }
}
pools = {
` + pool("app", "HTTP", "", app...) +
			pool("api", "HTTP", "", api.member("")) +
			pool("shop", "HTTP", "", shop.member("")) +
			pool("raw", "TCP", "", api.member("")) + `
}`)
	}
	c.Test(t,
		resource.TestStep{
			Config: config(`shop = { redirect_pool = "shop", rules = [{ type = "HOST_NAME", compare_type = "EQUAL_TO", value = "shop.example.org" }] }`,
				big.member(", weight = 3"), small.member(""), idle.member(", weight = 0")),
			Check: func(*terraform.State) error {
				at := path.Listen(t, lookup(t, c).ID)
				web := visit(t, at[80])
				const requests = 40
				if share := web.share("http://any.example.org/", requests); share["big"] < 29 || share["big"] > 31 || share["big"]+share["small"] != requests {
					t.Errorf("weights 3, 1 and 0 give %v", share)
				}
				web.wants("http://any.example.org/api/x", "api", nil)
				web.wants("http://shop.example.org/", "shop", nil)
				web.wants("http://SHOP.example.org/", "shop", nil)
				// The path's route comes first, by its name.
				web.wants("http://shop.example.org/api", "api", nil)
				web.wants("http://shop.example.org/", "403", http.Header{"X-Bad": {"1"}})
				web.wants("http://any.example.org/away/a?b=c", "308 https://example.org/away/a?b=c", nil)
				web.wants("http://old.example.org/", "302 https://example.org/home", nil)
				if _, seen := web.get("http://any.example.org/api", nil); seen.Get("Seen-Port") != "80" || !strings.HasPrefix(seen.Get("Seen-For"), "127.") {
					t.Errorf("headers inserted: port %q, for %q", seen.Get("Seen-Port"), seen.Get("Seen-For"))
				}
				visit(t, at[6443]).wants("http://raw.example.org/", "api", nil)
				return nil
			},
		},
		resource.TestStep{
			Config:           config("", small.member(", weight = 2"), idle.member(", weight = 2")),
			ConfigPlanChecks: action(plancheck.ResourceActionUpdate),
			Check: func(*terraform.State) error {
				web := visit(t, path.Listen(t, lookup(t, c).ID)[80])
				if share := web.share("http://any.example.org/", 10); share["small"] != 5 || share["idle"] != 5 {
					t.Errorf("two members of the same weight, one removed: %v", share)
				}
				if got, _ := web.get("http://shop.example.org/", nil); got != "small" && got != "idle" {
					t.Errorf("the host whose route was removed is served by %q", got)
				}
				web.wants("http://any.example.org/api/x", "api", nil)
				return nil
			},
		},
	)
}

// Clients stay with their member: by the load balancer's cookie, the application's, their address.
func TestLoadBalancerDataPathPersistence(t *testing.T) {
	c := acctest.New(t)
	path := c.DataPath(t)
	one, two := startBackend(t, "one"), startBackend(t, "two")
	step := func(persistence string, check func(address string)) resource.TestStep {
		return resource.TestStep{
			Config: basic("listeners = { web = { protocol = \"HTTP\", port = 80, default_pool = \"app\" } }\npools = {\n" +
				pool("app", "HTTP", "session_persistence = { "+persistence+" }", one.member(""), two.member("")) + "}"),
			Check: func(*terraform.State) error {
				check(path.Listen(t, lookup(t, c).ID)[80])
				return nil
			},
		}
	}
	// stays is where a client with cookies is served, first at the URL and then always.
	stays := func(address, url string) string {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		client := visit(t, address)
		client.Jar = jar
		first, _ := client.get(url, nil)
		if share := client.share("http://app.example.org/", 6); share[first] != 6 {
			t.Errorf("a client of %s is served by %v", first, share)
		}
		return first
	}
	each := func(address, url string) {
		if a, b := stays(address, url), stays(address, url); a == b {
			t.Errorf("both clients are served by %s", a)
		}
	}
	c.Test(t,
		step(`type = "HTTP_COOKIE"`, func(address string) { each(address, "http://app.example.org/") }),
		step(`type = "APP_COOKIE", cookie_name = "sid"`, func(address string) {
			each(address, "http://app.example.org/login")
			if share := visit(t, address).share("http://app.example.org/", 6); share["one"] != 3 || share["two"] != 3 {
				t.Errorf("clients without a session are served by %v", share)
			}
		}),
		step(`type = "SOURCE_IP"`, func(address string) {
			if share := visit(t, address).share("http://app.example.org/", 6); len(share) != 1 {
				t.Errorf("one address is served by %v", share)
			}
		}),
	)
}

// A member that fails its checks gets nothing until it is well again; backups serve when nobody else does.
func TestLoadBalancerDataPathHealth(t *testing.T) {
	c := acctest.New(t)
	path := c.DataPath(t)
	one, two, spare := startBackend(t, "one"), startBackend(t, "two"), startBackend(t, "spare")
	c.Test(t, resource.TestStep{
		Config: basic("listeners = { web = { protocol = \"HTTP\", port = 80, default_pool = \"app\" } }\npools = {\n" +
			pool("app", "HTTP", `monitor = { type = "HTTP", delay = 1, timeout = 1, max_retries = 1, max_retries_down = 1, url_path = "/healthz" }`,
				one.member(""), two.member(""), spare.member(", backup = true")) + "}"),
		Check: func(*terraform.State) error {
			web := visit(t, path.Listen(t, lookup(t, c).ID)[80])
			for _, phase := range []struct {
				sick []*backend
				want map[string]int
			}{
				{nil, map[string]int{"one": 3, "two": 3}},
				{[]*backend{one}, map[string]int{"two": 6}},
				{[]*backend{one, two}, map[string]int{"spare": 6}},
				{[]*backend{one, two, spare}, map[string]int{"503": 6}},
				{[]*backend{two}, map[string]int{"one": 6}},
			} {
				for _, b := range []*backend{one, two, spare} {
					b.sick.Store(false)
				}
				for _, b := range phase.sick {
					b.sick.Store(true)
				}
				var share map[string]int
				if !acctest.Eventually(t, 30*time.Second, func() bool {
					share = web.share("http://app.example.org/", 6)
					return maps.Equal(share, phase.want)
				}) {
					t.Errorf("%d members are sick: %v, want %v", len(phase.sick), share, phase.want)
				}
			}
			return nil
		},
	})
}

// A listener that speaks TLS itself has the certificate for the name that the client asks for.
func TestLoadBalancerDataPathTLS(t *testing.T) {
	c := acctest.New(t)
	path := c.DataPath(t)
	app := startBackend(t, "app")
	shop, other := certify(t, c, "shop.example.org"), certify(t, c, "other.example.org")
	config := func(first, sni *certificate) string {
		return basic(fmt.Sprintf(`
listeners = {
  web = {
    protocol       = "TERMINATED_HTTPS"
    port           = 443
    default_pool   = "app"
    insert_headers = { X-Forwarded-Proto = "true" }
    tls            = { container_ref = %q, sni_container_refs = [%q], versions = ["TLSv1.2", "TLSv1.3"] }
    routes         = { home = { redirect_url = "https://example.org/", rules = [{ type = "PATH", compare_type = "EQUAL_TO", value = "/home" }] } }
  }
}
pools = {
`, first.ref, sni.ref) + pool("app", "HTTP", "", app.member("")) + "}")
	}
	// served is the name in the certificate that a client sees who asks for a name.
	served := func(address, name string) string {
		dialer := &tls.Dialer{Config: &tls.Config{ServerName: name, InsecureSkipVerify: true}} // the name is looked at below
		conn, err := dialer.DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		secured, ok := conn.(*tls.Conn)
		if !ok {
			t.Fatalf("the connection is %T", conn)
		}
		return secured.ConnectionState().PeerCertificates[0].DNSNames[0]
	}
	check := func(first, sni *certificate) resource.TestCheckFunc {
		return func(*terraform.State) error {
			address := path.Listen(t, lookup(t, c).ID)[443]
			for asked, want := range map[string]string{first.name: first.name, sni.name: sni.name, "unknown.example.org": first.name} {
				if got := served(address, asked); got != want {
					t.Errorf("who asks for %s gets the certificate of %s, want %s", asked, got, want)
				}
			}
			web := visit(t, address)
			web.trust(first, sni)
			web.wants("https://"+sni.name+"/", "app", nil)
			web.wants("https://"+first.name+"/home", "302 https://example.org/", nil)
			if _, seen := web.get("https://"+first.name+"/", nil); seen.Get("Seen-Proto") != "https" {
				t.Errorf("X-Forwarded-Proto is %q", seen.Get("Seen-Proto"))
			}
			return nil
		}
	}
	c.Test(t,
		resource.TestStep{Config: config(shop, other), Check: check(shop, other)},
		resource.TestStep{Config: config(other, shop), ConfigPlanChecks: action(plancheck.ResourceActionUpdate), Check: check(other, shop)},
		resource.TestStep{Config: network, Check: func(*terraform.State) error {
			shop.remove(t, c)
			other.remove(t, c)
			return nil
		}},
	)
}
