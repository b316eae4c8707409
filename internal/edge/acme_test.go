package edge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"

	"github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// authority is an ACME authority that resolves all names to this machine.
type authority struct {
	config *reverseproxy.ACME
	roots  *x509.CertPool // of what it issues
	mu     sync.Mutex
	log    strings.Builder
	orders atomic.Int64
}

// Write keeps what the authority says.
func (a *authority) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.Write(p)
}

// newAuthority runs one that asks at these ports.
func newAuthority(t *testing.T, http01, tlsALPN int) *authority {
	t.Helper()
	a := &authority{}
	logger := log.New(a, "", 0)
	store := db.NewMemoryStore()
	// Of a short-lived certificate the renewal may be due at once: the time is drawn from what pebble suggests.
	const validity = 90 * 24 * time.Hour
	issuer := ca.New(logger, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "default", ValidityPeriod: uint64(validity / time.Second)}})
	front := wfe.New(logger, store, va.New(logger, http01, tlsALPN, false, resolver(t), store), issuer, []string{"pebble.letsencrypt.org"}, false, false, 1, 1)
	handler := front.Handler()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/order-plz") {
			a.orders.Add(1)
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	a.config = &reverseproxy.ACME{
		Email: "ops@example.ch", Directory: server.URL + wfe.DirectoryPath, OnDemand: true,
		CA: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})),
	}
	a.roots = x509.NewCertPool()
	a.roots.AddCert(issuer.GetRootCert(0).Cert)
	return a
}

// resolver is a DNS server for which every name is this machine.
func resolver(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, question *dns.Msg) {
		answer := new(dns.Msg).SetReply(question)
		if q := question.Question[0]; q.Qtype == dns.TypeA {
			answer.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1)}}
		}
		_ = w.WriteMsg(answer) // who went away asks again
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	return listener.Addr().String()
}

// balancer sends each connection to the next of some addresses, behind a PROXY protocol header.
type balancer struct {
	listener net.Listener
	next     atomic.Int64
	mu       sync.Mutex
	to       []string
}

func newBalancer(t *testing.T) *balancer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{listener: listener}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go b.forward(conn)
		}
	}()
	return b
}

func (b *balancer) forward(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	b.mu.Lock()
	if len(b.to) == 0 {
		b.mu.Unlock()
		return
	}
	to := b.to[int(b.next.Add(1))%len(b.to)]
	b.mu.Unlock()
	there, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer func() { _ = there.Close() }()
	if _, err := io.WriteString(there, "PROXY TCP4 198.51.100.9 10.0.0.1 4321 443\r\n"); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(there, conn)
		_ = there.Close()
	}()
	_, _ = io.Copy(conn, there)
}

// send tells where connections go.
func (b *balancer) send(to ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.to = to
}

func (b *balancer) port(t *testing.T) int {
	t.Helper()
	_, port, err := net.SplitHostPort(b.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// certificateOf is what a node shows for a host.
func certificateOf(address, host string, roots *x509.CertPool) (*x509.Certificate, error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 30 * time.Second}, "tcp", address, &tls.Config{ServerName: host, RootCAs: roots})
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	return conn.ConnectionState().PeerCertificates[0], nil
}

func TestCertificatesAreIssuedOnceForAllNodes(t *testing.T) {
	t.Parallel()
	plain, secure := newBalancer(t), newBalancer(t)
	a := newAuthority(t, plain.port(t), secure.port(t))
	p := newProxy(t)
	p.configure(t, reverseproxy.Config{
		Upstreams: map[string]reverseproxy.Upstream{"shop": single(backend(t, "shop"))},
		TLS:       reverseproxy.TLS{ACME: a.config, RedirectHTTP: true, HSTS: &reverseproxy.HSTS{MaxAge: reverseproxy.Duration(time.Hour)}},
	})
	p.routes(t, "customers", reverseproxy.Routes{"a.example.ch": "shop", "b.example.ch": "shop", "*.wild.example.ch": "shop"})
	behind := func(s *Settings) { s.ProxyProtocolFrom = []string{"127.0.0.1/32"} }
	one, two := p.start(t, "node-1", behind), p.start(t, "node-2", behind)
	plain.send(one.settings.HTTP, two.settings.HTTP)
	secure.send(one.settings.HTTPS, two.settings.HTTPS)

	// Ten visitors come at once, to both nodes.
	var group sync.WaitGroup
	serials := make([]string, 10)
	for i := range serials {
		group.Go(func() {
			shown, err := certificateOf([]string{one.settings.HTTPS, two.settings.HTTPS}[i%2], "a.example.ch", a.roots)
			if err != nil {
				t.Error(err)
				return
			}
			serials[i] = shown.SerialNumber.String()
		})
	}
	group.Wait()
	for _, serial := range serials {
		if serial != serials[0] {
			t.Errorf("two certificates were shown: %s and %s", serial, serials[0])
		}
	}
	if n := a.orders.Load(); n != 1 {
		t.Errorf("%d orders; want 1", n)
	}

	for _, n := range []*node{one, two} {
		for _, host := range []string{"unknown.example.ch", "made-up.wild.example.ch", ""} {
			if shown, err := certificateOf(n.settings.HTTPS, host, a.roots); err == nil {
				t.Errorf("%s shows a certificate of %s for %q", n.name, shown.DNSNames, host)
			}
		}
		c := client(n.settings.HTTPS, a.roots)
		resp, body := ask(t, c, http.MethodGet, "https://a.example.ch/x", nil)
		if body != "shop" || resp.ProtoMajor != 2 || resp.Header.Get("Strict-Transport-Security") != "max-age=3600" {
			t.Errorf("%s: %s %q %v", resp.Proto, resp.Status, body, resp.Header)
		}
		if resp, _ := ask(t, client(n.settings.HTTP, nil), http.MethodGet, "http://a.example.ch/x?y", nil); resp.StatusCode != 308 || resp.Header.Get("Location") != "https://a.example.ch/x?y" {
			t.Errorf("http: %s %v", resp.Status, resp.Header)
		}
	}
	// A node that starts later finds all in the container; nothing there is readable.
	three := p.start(t, "node-3", behind)
	shown, err := certificateOf(three.settings.HTTPS, "a.example.ch", a.roots)
	if err != nil || shown.SerialNumber.String() != serials[0] || a.orders.Load() != 1 {
		t.Errorf("a new node shows %v, %v", shown, err)
	}
	all, err := p.container.list(t.Context(), reverseproxy.StoragePrefix, true)
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	for _, found := range all {
		read, err := p.container.get(t.Context(), found.Name, "")
		if err == nil && (strings.Contains(string(read.Data), "-----BEGIN") || strings.Contains(string(read.Data), "{")) && len(read.Data) > 200 && strings.Contains(string(read.Data), "PRIVATE") {
			t.Errorf("%s can be read", found.Name)
		}
	}
}

func TestCertificatesForAllHostsAtOnce(t *testing.T) {
	t.Parallel()
	plain, secure := newBalancer(t), newBalancer(t)
	a := newAuthority(t, plain.port(t), secure.port(t))
	a.config.OnDemand = false
	p := newProxy(t)
	p.configure(t, reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{"shop": single(backend(t, "shop"))}, TLS: reverseproxy.TLS{ACME: a.config}})
	p.routes(t, "customers", reverseproxy.Routes{"a.example.ch": "shop", "b.example.ch": "shop", "*.wild.example.ch": "shop"})
	n := p.start(t, "node-1", func(s *Settings) { s.ProxyProtocolFrom = []string{"127.0.0.1/32"} })
	plain.send(n.settings.HTTP)
	secure.send(n.settings.HTTPS)
	stored := func(host string) {
		t.Helper()
		eventually(t, time.Minute, host+" has a certificate that nobody has asked for", func() error {
			all, err := p.container.list(t.Context(), reverseproxy.StoragePrefix+"certificates/", true)
			for _, found := range all {
				if strings.HasSuffix(found.Name, host+".crt") {
					return nil
				}
			}
			return fmt.Errorf("there are %d objects: %w", len(all), err)
		})
		eventually(t, time.Minute, "it is shown", func() error {
			_, err := certificateOf(n.settings.HTTPS, host, a.roots)
			return err
		})
	}
	stored("a.example.ch")
	stored("b.example.ch")
	p.routes(t, "customers", reverseproxy.Routes{"a.example.ch": "shop", "c.example.ch": "shop"})
	stored("c.example.ch")
	if shown, err := certificateOf(n.settings.HTTPS, "b.example.ch", a.roots); err == nil {
		t.Errorf("a host that is gone still shows a certificate of %s", shown.DNSNames)
	}
	if orders := a.orders.Load(); orders != 3 {
		t.Errorf("%d orders; want 3", orders)
	}
}

func TestChallengesAreAnsweredByNodesThatDidNotAsk(t *testing.T) {
	t.Parallel()
	_, closed, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	nobody, err := strconv.Atoi(closed)
	if err != nil {
		t.Fatal(err)
	}
	for name, served := range map[string]string{"http-01": `"served key authentication"`, "tls-alpn-01": `"served key authentication certificate"`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			door := newBalancer(t)
			http01, tlsALPN := door.port(t), nobody
			if name == "tls-alpn-01" {
				http01, tlsALPN = nobody, door.port(t)
			}
			a := newAuthority(t, http01, tlsALPN)
			p := newProxy(t)
			p.configure(t, reverseproxy.Config{
				Upstreams: map[string]reverseproxy.Upstream{"shop": single(backend(t, "shop"))}, TLS: reverseproxy.TLS{ACME: a.config, RedirectHTTP: true},
			})
			p.routes(t, "customers", reverseproxy.Routes{"a.example.ch": "shop"})
			behind := func(s *Settings) { s.ProxyProtocolFrom = []string{"127.0.0.1/32"} }
			asks, answers := p.start(t, "node-1", behind), p.start(t, "node-2", behind)
			door.send(answers.settings.HTTP)
			if name == "tls-alpn-01" {
				door.send(answers.settings.HTTPS)
			}
			eventually(t, time.Minute, "a certificate is issued", func() error {
				_, err := certificateOf(asks.settings.HTTPS, "a.example.ch", a.roots)
				return err
			})
			if !strings.Contains(answers.logs.String(), `"msg":`+served) || !strings.Contains(answers.logs.String(), `"distributed":true`) {
				t.Error("the other node did not answer the challenge")
			}
		})
	}
}

func TestOwnCertificatesComeFirstAndChangeWithoutReload(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	p.configure(t, reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{"shop": single(backend(t, "shop"))}})
	p.routes(t, "customers", reverseproxy.Routes{"a.own.example.ch": "shop", "*.own.example.ch": "shop", "none.example.ch": "shop"})
	first, roots := ownPair(t, "*.own.example.ch", 1)
	put := func(certificate reverseproxy.Certificate) {
		t.Helper()
		data, err := certificate.Encode("star", p.cipher)
		if err != nil {
			t.Fatal(err)
		}
		p.put(t, reverseproxy.CertificateObject("star"), data)
	}
	put(first)
	n := p.start(t, "node-1")
	for _, host := range []string{"a.own.example.ch", "b.own.example.ch"} {
		if shown, err := certificateOf(n.settings.HTTPS, host, roots); err != nil || shown.SerialNumber.Int64() != 1 {
			t.Errorf("%s: %v, %v", host, shown, err)
		}
	}
	if shown, err := certificateOf(n.settings.HTTPS, "none.example.ch", roots); err == nil {
		t.Errorf("a host without a certificate shows one of %s", shown.DNSNames)
	}
	p.settled(t, n, reverseproxy.CertificateObject("star"))
	if status := p.status(t, "node-1").Certificates["star"]; len(status.Hosts) != 1 || time.Until(status.NotAfter) < time.Minute {
		t.Errorf("the status is %+v", status)
	}
	next, roots := ownPair(t, "*.own.example.ch", 2)
	put(next)
	eventually(t, time.Minute, "the next certificate is shown", func() error {
		shown, err := certificateOf(n.settings.HTTPS, "a.own.example.ch", roots)
		if err == nil && shown.SerialNumber.Int64() != 2 {
			err = fmt.Errorf("number %s", shown.SerialNumber)
		}
		return err
	})
	if all := n.metrics(t); !strings.Contains(all, "massif_edge_reloads_total 1\n") {
		t.Error("a certificate has reloaded the upstreams")
	}
}

// ownPair is a certificate of the user's own, and who trusts it.
func ownPair(t testing.TB, host string, serial int64) (reverseproxy.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "own"}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return reverseproxy.Certificate{
		Chain: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:   pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}, roots
}
