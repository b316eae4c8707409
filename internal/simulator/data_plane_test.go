package simulator

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// boot starts a server and waits until it runs; it returns its id and its address.
func (c balancers) boot(name, more string) (id, address string) {
	c.t.Helper()
	image := c.want(200, "GET", "/image/v2/images?name=cirros-fake", "").body.objs("images")[0].str("id")
	id = c.want(202, "POST", "/compute/v2.1/servers",
		fmt.Sprintf(`{"server":{"name":%q,"flavorRef":"2","imageRef":%q,"networks":[{"uuid":%q}]%s}}`, name, image, c.network, more)).body.obj("server").str("id")
	eventually(c.t, "server ACTIVE", func() bool {
		return c.want(200, "GET", "/compute/v2.1/servers/"+id, "").body.obj("server").str("status") == "ACTIVE"
	})
	port := c.want(200, "GET", "/network/v2.0/ports?device_id="+id, "").body.objs("ports")[0]
	return id, port.objs("fixed_ips")[0].str("ip_address")
}

// listening is where this machine listens for an address of the cloud.
func (c balancers) listening(address string) string {
	c.t.Helper()
	listen := ""
	eventually(c.t, "listening at "+address, func() bool {
		for _, a := range c.want(200, "GET", "/simulator/addresses", "").body.objs("addresses") {
			if a.str("address") == address {
				listen = a.str("listen")
			}
		}
		return listen != ""
	})
	return listen
}

// fetch sends a GET and returns the status and the body.
func fetch(t *testing.T, client *http.Client, url string, header map[string]string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
		if name == "Host" {
			request.Host = value
		}
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

// plainClient follows no redirects and opens a connection for each request.
func plainClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func served(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return strings.TrimPrefix(first, "server ")
}

func TestForwardsHTTP(t *testing.T) {
	t.Parallel()
	c := asOctavia(t, start(t, Options{PublicCIDR: "127.204.8.0/24"}), "10.1.0.0/24")
	_, web1 := c.boot("web-1", "")
	_, web2 := c.boot("web-2", "")
	_, api := c.boot("api-1", "")
	lb := c.want(201, "POST", lbaas+"loadbalancers", fmt.Sprintf(`{"loadbalancer":{"name":"web","vip_subnet_id":%q,
		"pools":[{"name":"api","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","members":[{"address":%q,"protocol_port":9000}]}],
		"listeners":[{"name":"http","protocol":"HTTP","protocol_port":8080,"insert_headers":{"X-Forwarded-For":"true","X-Forwarded-Port":"true"},
			"default_pool":{"name":"web","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","members":[
				{"address":%q,"protocol_port":80,"weight":2},{"address":%q,"protocol_port":80,"weight":1}]},
			"l7policies":[
				{"name":"api","action":"REDIRECT_TO_POOL","redirect_pool":{"name":"api"},"position":1,"rules":[{"type":"PATH","compare_type":"STARTS_WITH","value":"/api"}]},
				{"name":"old","action":"REDIRECT_PREFIX","redirect_prefix":"https://new.example.com","redirect_http_code":301,"position":2,
					"rules":[{"type":"HOST_NAME","compare_type":"EQUAL_TO","value":"old.example.com"}]},
				{"name":"deny","action":"REJECT","position":3,"rules":[{"type":"PATH","compare_type":"REGEX","value":"^/(api/)?admin"},
					{"type":"HEADER","key":"X-Staff","compare_type":"EQUAL_TO","value":"yes","invert":true}]}]}]}}`, c.subnet, api, web1, web2)).body.obj("loadbalancer")
	c.active(lb.str("id"))
	address := c.floatingIP(lb.str("vip_port_id")) + ":8080"
	base := "http://" + c.listening(address)
	client := plainClient()

	turns := map[string]int{}
	for range 9 {
		response, text := fetch(t, client, base+"/hello", nil)
		if response.StatusCode != 200 || !strings.Contains(text, "request GET /hello") || !strings.Contains(text, "x-forwarded-for 127.0.0.1") || !strings.Contains(text, "x-forwarded-port 8080") {
			t.Fatalf("%d %s", response.StatusCode, text)
		}
		turns[served(text)]++
	}
	if turns["web-1"] != 6 || turns["web-2"] != 3 {
		t.Errorf("weights 2 and 1 give %v", turns)
	}
	if _, text := fetch(t, client, base+"/api/x", nil); served(text) != "api-1" {
		t.Errorf("/api/x is served by %q", served(text))
	}
	if response, _ := fetch(t, client, base+"/x?y=1", map[string]string{"Host": "OLD.example.com"}); response.StatusCode != 301 || response.Header.Get("Location") != "https://new.example.com/x?y=1" {
		t.Errorf("redirect: %d %s", response.StatusCode, response.Header.Get("Location"))
	}
	// A rejection comes before a pool whatever its position.
	if response, _ := fetch(t, client, base+"/api/admin", nil); response.StatusCode != 403 {
		t.Errorf("rejected path: %d", response.StatusCode)
	}
	if response, text := fetch(t, client, base+"/api/admin", map[string]string{"X-Staff": "yes"}); response.StatusCode != 200 || served(text) != "api-1" {
		t.Errorf("inverted rule: %d %s", response.StatusCode, text)
	}

	pool := lb.objs("listeners")[0].str("default_pool_id")
	c.want(200, "PUT", lbaas+"pools/"+pool, `{"pool":{"session_persistence":{"type":"HTTP_COOKIE"}}}`)
	c.active(lb.str("id"))
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client.Jar = jar
	_, text := fetch(t, client, base+"/", nil)
	for range 4 {
		if _, again := fetch(t, client, base+"/", nil); served(again) != served(text) {
			t.Errorf("the cookie leads from %s to %s", served(text), served(again))
		}
	}

	listener := lb.objs("listeners")[0].str("id")
	c.want(200, "PUT", lbaas+"listeners/"+listener, `{"listener":{"allowed_cidrs":["192.0.2.0/24"]}}`)
	c.active(lb.str("id"))
	if response, _ := fetch(t, client, base+"/", nil); response.StatusCode != 403 {
		t.Errorf("a client that is not allowed gets %d", response.StatusCode)
	}
	if got := c.want(200, "GET", lbaas+"listeners/"+listener+"/stats", "").body.obj("stats").num("total_connections"); got < 15 {
		t.Errorf("%d connections counted", got)
	}

	c.want(204, "DELETE", lbaas+"loadbalancers/"+lb.str("id")+"?cascade=true", "")
	eventually(t, "the address closed", func() bool {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(base, "http://"))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
}

func TestForwardsTCPToLoopback(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	defer backend.Close()
	host, port, err := net.SplitHostPort(backend.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := asOctavia(t, start(t, Options{PublicCIDR: "127.204.9.0/24"}), "10.1.0.0/24")
	lb := c.want(201, "POST", lbaas+"loadbalancers", fmt.Sprintf(`{"loadbalancer":{"vip_subnet_id":%q,"listeners":[{"protocol":"TCP","protocol_port":7000,
		"default_pool":{"name":"p","protocol":"TCP","lb_algorithm":"SOURCE_IP","members":[{"address":%q,"protocol_port":%s}]}}]}}`, c.subnet, host, port)).body.obj("loadbalancer")
	c.active(lb.str("id"))
	listen := c.listening(c.floatingIP(lb.str("vip_port_id")) + ":7000")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+listen, strings.NewReader("through"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := plainClient().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if text, err := io.ReadAll(response.Body); err != nil || string(text) != "through" {
		t.Errorf("%q %v", text, err)
	}
}

func TestConnectionsEndWithTheirServer(t *testing.T) {
	t.Parallel()
	c := asOctavia(t, start(t, Options{PublicCIDR: "127.204.18.0/24"}), "10.1.0.0/24")
	id, address := c.boot("one", "")
	lb := c.want(201, "POST", lbaas+"loadbalancers", fmt.Sprintf(`{"loadbalancer":{"vip_subnet_id":%q,"listeners":[{"protocol":"TCP","protocol_port":7000,
		"default_pool":{"name":"p","protocol":"TCP","lb_algorithm":"ROUND_ROBIN","members":[{"address":%q,"protocol_port":80}]}}]}}`, c.subnet, address)).body.obj("loadbalancer")
	c.active(lb.str("id"))
	// Without a floating IP the VIP itself can be reached, at a port of this machine.
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", c.listening(lb.str("vip_address")+":7000"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReader(conn)
	ask := func() (string, error) {
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			return "", err
		}
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return "", err
		}
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		return string(text), err
	}
	if text, err := ask(); err != nil || served(text) != "one" {
		t.Fatalf("%q %v", text, err)
	}
	c.want(204, "DELETE", "/compute/v2.1/servers/"+id, "")
	eventually(t, "the end of the connection", func() bool { _, err := ask(); return err != nil })
}

func TestHealthMonitors(t *testing.T) {
	t.Parallel()
	// The clock is a hundred times faster than a real cloud's, and so are the checks.
	c := asOctavia(t, start(t, Options{PublicCIDR: "127.204.10.0/24", Times: Times{LoadBalancerChild: 5 * time.Millisecond}}), "10.1.0.0/24")
	one, address := c.boot("one", "")
	_, other := c.boot("other", "")
	lb := c.want(201, "POST", lbaas+"loadbalancers", fmt.Sprintf(`{"loadbalancer":{"vip_subnet_id":%q,"listeners":[{"protocol":"HTTP","protocol_port":80,
		"default_pool":{"name":"p","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","healthmonitor":{"type":"HTTP","delay":2,"timeout":1,"max_retries":1,"max_retries_down":1},
			"members":[{"name":"one","address":%q,"protocol_port":80},{"name":"other","address":%q,"protocol_port":80}]}}]}}`, c.subnet, address, other)).body.obj("loadbalancer")
	c.active(lb.str("id"))
	pool := lb.objs("listeners")[0].str("default_pool_id")
	status := func() string {
		found := []string{c.want(200, "GET", lbaas+"pools/"+pool, "").body.obj("pool").str("operating_status")}
		for _, member := range c.want(200, "GET", lbaas+"pools/"+pool+"/members?sort=name", "").body.objs("members") {
			found = append(found, member.str("operating_status"))
		}
		return strings.Join(found, " ")
	}
	eventually(t, "all members ONLINE", func() bool { return status() == "ONLINE ONLINE ONLINE" })
	c.want(202, "POST", "/compute/v2.1/servers/"+one+"/action", `{"os-stop":null}`)
	eventually(t, "one member in ERROR", func() bool { return status() == "DEGRADED ERROR ONLINE" })
	base := "http://" + c.listening(c.floatingIP(lb.str("vip_port_id"))+":80")
	for range 4 {
		if _, text := fetch(t, plainClient(), base, nil); served(text) != "other" {
			t.Errorf("served by %q", text)
		}
	}
	c.want(202, "POST", "/compute/v2.1/servers/"+one+"/action", `{"os-start":null}`)
	eventually(t, "the member back", func() bool { return status() == "ONLINE ONLINE ONLINE" })
}

// A member that answers nothing for a moment has failed once, however fast the clock is.
func TestHealthMonitorsAskOneAtATime(t *testing.T) {
	t.Parallel()
	c := asOctavia(t, start(t, Options{PublicCIDR: "127.204.20.0/24"}), "10.1.0.0/24")
	var probes, together atomic.Int32
	var slow atomic.Bool
	member := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		defer probes.Add(-1)
		together.Store(max(together.Load(), probes.Add(1)))
		if slow.Load() {
			<-r.Context().Done()
		}
	}))
	t.Cleanup(member.Close)
	lb := c.want(201, "POST", lbaas+"loadbalancers", fmt.Sprintf(`{"loadbalancer":{"vip_subnet_id":%q,"listeners":[{"protocol":"HTTP","protocol_port":80,
		"default_pool":{"name":"p","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","healthmonitor":{"type":"HTTP","delay":2,"timeout":1,"max_retries":1,"max_retries_down":3},
			"members":[{"address":"127.0.0.1","protocol_port":%s}]}}]}}`, c.subnet, member.URL[strings.LastIndex(member.URL, ":")+1:])).body.obj("loadbalancer")
	c.active(lb.str("id"))
	pool := lb.objs("listeners")[0].str("default_pool_id")
	status := func() string {
		return c.want(200, "GET", lbaas+"pools/"+pool+"/members", "").body.objs("members")[0].str("operating_status")
	}
	eventually(t, "the member ONLINE", func() bool { return status() == "ONLINE" })
	slow.Store(true)
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if got := status(); got != "ONLINE" {
			t.Fatalf("%s after one probe without an answer", got)
		}
	}
	if n := together.Load(); n > 2 { // the member may not know yet that the last one was given up
		t.Errorf("%d probes at a time", n)
	}
	eventually(t, "the member in ERROR", func() bool { return status() == "ERROR" })
}

func TestExpectedCodes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		codes  string
		status int
		want   bool
	}{
		{"200", 200, true}, {"200", 204, false}, {"200,204", 204, true}, {"200, 204", 204, true}, {"200-204", 203, true}, {"200-204", 205, false},
	} {
		if got := expected(test.codes, test.status); got != test.want {
			t.Errorf("expected(%q, %d) = %v", test.codes, test.status, got)
		}
	}
}

func TestMemoryListenerEnds(t *testing.T) {
	t.Parallel()
	listener := newMemoryListener()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := listener.dial(ctx, "", ""); err == nil {
		t.Error("dialled although nobody accepts")
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	if _, err := listener.Accept(); err == nil {
		t.Error("accepted after Close")
	}
}
