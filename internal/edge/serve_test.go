package edge

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

func TestRequestsGoWhereTheTableSays(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	shop, wiki := backend(t, "shop"), backend(t, "wiki")
	one := single(shop)
	one.HostHeader = "shop.internal.example"
	one.RequestHeaders, one.ResponseHeaders = map[string]string{"X-Asked": "by the proxy"}, map[string]string{"X-Answered": "by the proxy"}
	p.configure(t, reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{"shop": one, "wiki": single(wiki)}})
	p.routes(t, "customers", reverseproxy.Routes{
		"shop.example.ch": "shop", "*.shop.example.ch": "shop/sub", "wiki.example.ch": "wiki",
		"old.example.ch": "redirect:https://wiki.example.ch", "page.example.ch": "redirect:https://wiki.example.ch/page?a=b",
	})
	n := p.start(t, "node-1")
	c := client(n.settings.HTTP, nil)
	for _, test := range []struct {
		address, target, path, host, location string
		status                                int
	}{
		{"http://shop.example.ch/a%2Fb?c=d", "shop", "/a%2Fb?c=d", "shop.internal.example", "", 200},
		{"http://SHOP.example.ch.:8080/", "shop", "/", "shop.internal.example", "", 200},
		{"http://any.shop.example.ch/a%2Fb?c", "shop", "/sub/a%2Fb?c", "shop.internal.example", "", 200},
		{"http://any.shop.example.ch/%2e%2e/admin", "", "", "", "", 400},
		{"http://wiki.example.ch/x", "wiki", "/x", "wiki.example.ch", "", 200},
		{"http://old.example.ch/x?y=z", "", "", "", "https://wiki.example.ch/x?y=z", 308},
		{"http://page.example.ch/x", "", "", "", "https://wiki.example.ch/page?a=b", 308},
		{"http://unknown.example.ch/", "", "", "", "", 421},
		{"http://two.labels.shop.example.ch/", "", "", "", "", 421},
		{"http://127.0.0.1/", "", "", "", "", 421},
	} {
		resp, body := ask(t, c, http.MethodGet, test.address, nil)
		got := fmt.Sprint(resp.StatusCode, resp.Header.Get("X-Target"), resp.Header.Get("X-Path"), resp.Header.Get("X-Host"), resp.Header.Get("Location"))
		if want := fmt.Sprint(test.status, test.target, test.path, test.host, test.location); got != want {
			t.Errorf("%s: %s, want %s (%q)", test.address, got, want, body)
		}
		if test.target == "shop" && (resp.Header.Get("X-Asked") != "by the proxy" || resp.Header.Get("X-Answered") != "by the proxy") {
			t.Errorf("%s: headers were not set: %v", test.address, resp.Header)
		}
		if test.status == 200 && resp.Header.Get("X-Client") != "127.0.0.1" {
			t.Errorf("%s: the target was told of the client %q", test.address, resp.Header.Get("X-Client"))
		}
	}
	ask(t, c, http.MethodGet, "http://wiki.example.ch/", http.Header{"X-Forwarded-For": {"6.6.6.6"}})
	all := n.metrics(t)
	for _, want := range []string{
		`massif_edge_host_requests_total{host="wiki.example.ch",status="2xx"} 2`,
		`massif_edge_host_requests_total{host="*.shop.example.ch",status="4xx"} 1`,
		"massif_edge_unknown_host_requests_total 3", "massif_edge_hosts 5", `massif_edge_upstream_request_seconds_count{target="v1",upstream="shop"} 3`,
	} {
		if !strings.Contains(all, want+"\n") {
			t.Errorf("the metrics do not have %s", want)
		}
	}
	if want := `"host":"wiki.example.ch","uri":"/x","proto":"HTTP/1.1","status":200`; !strings.Contains(n.logs.String(), want) {
		t.Errorf("the access log has no %s", want)
	}
	p.settled(t, n, reverseproxy.RoutesObject("customers"))
	status := p.status(t, "node-1")
	if status.Version != "test" || status.Hosts != 5 || len(status.Documents) != 2 || time.Since(status.Time).Abs() > time.Minute {
		t.Errorf("the status is %+v", status)
	}
}

func TestResponsesNameTheClientsHost(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	page := strings.Repeat("x", 20_000) + `<a href="https://suite.internal.example/app/start">` + strings.Repeat("y", 20_000) + "https:\\/\\/suite.internal.example\\/z not-suite.internal.example"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/app/login":
			w.Header().Set("Location", "http://suite.internal.example/app/start?x=1")
			w.Header().Add("Set-Cookie", "a=b; Domain=.internal.example; Path=/app/; Secure; HttpOnly")
			w.Header().Add("Set-Cookie", "c=d; Domain=other.example; Path=/")
			w.WriteHeader(http.StatusFound)
		case "/app/elsewhere":
			w.Header().Set("Location", "https://accounts.example.org/app/x")
			w.WriteHeader(http.StatusFound)
		case "/app/packed":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Encoding", "gzip")
			packed := gzip.NewWriter(w)
			_, _ = io.WriteString(packed, page)
			_ = packed.Close()
		case "/app/page":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Etag", `"1"`)
			w.Header().Set("X-Encoding", r.Header.Get("Accept-Encoding"))
			_, _ = io.WriteString(w, page)
		case "/app/other":
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "suite.internal.example")
		case "/app/stream":
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "from suite.internal.example, part")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}))
	t.Cleanup(server.Close)
	suite := single(server)
	suite.HostHeader, suite.RewriteResponses, suite.RewriteBodyTypes = "suite.internal.example", true, []string{"text/html"}
	p.configure(t, reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{"suite": suite}})
	p.routes(t, "customers", reverseproxy.Routes{"office.example.ch": "suite/app"})
	n := p.start(t, "node-1")
	c := client(n.settings.HTTP, nil)

	resp, _ := ask(t, c, http.MethodGet, "http://office.example.ch/login", nil)
	if got := resp.Header.Get("Location"); got != "http://office.example.ch/start?x=1" {
		t.Errorf("Location is %q", got)
	}
	if got := fmt.Sprint(resp.Header["Set-Cookie"]); got != "[a=b; Domain=office.example.ch; Path=/; Secure; HttpOnly c=d; Domain=other.example; Path=/]" {
		t.Errorf("cookies are %s", got)
	}
	if resp, _ = ask(t, c, http.MethodGet, "http://office.example.ch/elsewhere", nil); resp.Header.Get("Location") != "https://accounts.example.org/app/x" {
		t.Errorf("Location elsewhere is %q", resp.Header.Get("Location"))
	}
	want := strings.ReplaceAll(strings.ReplaceAll(page, "/suite.internal.example/app/start", "/office.example.ch/start"), `\/suite.internal.example`, `\/office.example.ch`)
	for _, path := range []string{"/page", "/packed"} {
		resp, body := ask(t, c, http.MethodGet, "http://office.example.ch"+path, http.Header{"Accept-Encoding": {"gzip"}})
		if body != want || resp.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s was not rewritten, or is packed: %q, ends with %q", path, resp.Header, body[max(0, len(body)-200):])
		}
		if path == "/page" && (resp.Header.Get("X-Encoding") != "identity" || resp.Header.Get("Etag") != `W/"1"`) {
			t.Errorf("%s: %v", path, resp.Header)
		}
	}
	if _, body := ask(t, c, http.MethodGet, "http://office.example.ch/other", nil); body != "suite.internal.example" {
		t.Errorf("a body of another type became %q", body)
	}
	stream, err := c.Get("http://office.example.ch/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Body.Close() }()
	begin := make([]byte, len("from office.example.ch, part"))
	if _, err := io.ReadFull(stream.Body, begin); err != nil || string(begin) != "from office.example.ch, part" {
		t.Errorf("a stream that has not ended gave %q, %v", begin, err)
	}
}

func TestWebsocketsAndTheirClientsAddress(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			_, _ = io.WriteString(w, r.Header.Get("X-Forwarded-For"))
			return
		}
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, buffer, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		for {
			line, err := buffer.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, r.Header.Get("X-Forwarded-For")+" says "+line)
		}
	}))
	t.Cleanup(server.Close)
	p.configure(t, reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{"chat": single(server)}})
	p.routes(t, "customers", reverseproxy.Routes{"chat.example.ch": "chat"})
	n := p.start(t, "node-1", func(s *Settings) { s.ProxyProtocolFrom = []string{"127.0.0.1/32"} })

	const upgrade = "GET / HTTP/1.1\r\nHost: chat.example.ch\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
	version2 := "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + "\xcb\x00\x71\x08" + "\x0a\x00\x00\x01" + "\x30\x39" + "\x00\x50"
	for name, test := range map[string]struct{ header, client string }{
		"none":      {"", "127.0.0.1"},
		"version 1": {"PROXY TCP4 203.0.113.7 10.0.0.1 12345 80\r\n", "203.0.113.7"},
		"version 2": {version2, "203.0.113.8"},
	} {
		conn, err := net.Dial("tcp", n.settings.HTTP)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.WriteString(conn, test.header+upgrade); err != nil {
			t.Fatal(err)
		}
		reader := bufio.NewReader(conn)
		resp, err := http.ReadResponse(reader, nil)
		if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%s: %v, %v", name, resp, err)
		}
		for _, word := range []string{"hello", "again"} {
			if _, err := io.WriteString(conn, word+"\n"); err != nil {
				t.Fatal(err)
			}
			if line, err := reader.ReadString('\n'); err != nil || line != test.client+" says "+word+"\n" {
				t.Errorf("%s: %q, %v", name, line, err)
			}
		}
	}

	stranger := p.start(t, "node-2", func(s *Settings) { s.ProxyProtocolFrom = []string{"10.0.0.0/8"} })
	conn, err := net.Dial("tcp", stranger.settings.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, "PROXY TCP4 203.0.113.7 10.0.0.1 12345 80\r\nGET / HTTP/1.1\r\nHost: chat.example.ch\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil && resp.StatusCode == http.StatusOK {
		t.Error("a stranger's word about the client's address is taken")
	}
	if _, body := ask(t, client(stranger.settings.HTTP, nil), http.MethodGet, "http://chat.example.ch/", nil); body != "127.0.0.1" {
		t.Errorf("without such a header the client is %q", body)
	}
}
