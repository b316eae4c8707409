package edge

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// suite is an application that knows nothing of its customers' hosts: it names its own in redirects, cookies and pages.
func suite(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "42", Domain: "internal.example", Path: "/", Secure: true})
			w.Header().Set("Location", "https://suite.internal.example/start")
			w.WriteHeader(http.StatusFound)
		case "/start":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, `<!doctype html><title>suite</title><p id="here"></p><p id="cookie"></p><p id="data"></p><script>
document.getElementById("here").textContent = "here:" + location.href;
document.getElementById("cookie").textContent = "cookie:" + document.cookie;
fetch("https://suite.internal.example/data").then(r => r.text()).then(text => { document.getElementById("data").textContent = "data:" + text; });
</script>`)
		case "/data":
			cookie, err := r.Cookie("session")
			if err != nil {
				http.Error(w, "no cookie", http.StatusForbidden)
				return
			}
			_, _ = io.WriteString(w, "for session "+cookie.Value+" by "+r.Host)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func TestABrowserLoadsACustomersPage(t *testing.T) {
	t.Parallel()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("needs a browser: Debian's package chromium")
	}
	p := newProxy(t)
	upstream := single(suite(t))
	upstream.HostHeader, upstream.RewriteResponses, upstream.RewriteBodyTypes = "suite.internal.example", true, []string{"text/html"}
	p.configure(t, reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{"suite": upstream}})
	p.routes(t, "customers", reverseproxy.Routes{"office.customer.ch": "suite"})
	own, _ := ownPair(t, "office.customer.ch", 1)
	data, err := own.Encode("office", p.cipher)
	if err != nil {
		t.Fatal(err)
	}
	p.put(t, reverseproxy.CertificateObject("office"), data)
	n := p.start(t, "node-1")

	block, _ := pem.Decode(own.Chain)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	pin := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	profile, err := os.MkdirTemp("", "massif-browser-") //nolint:usetesting // processes of the browser may write into it when it has ended
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--user-data-dir="+profile, "--host-resolver-rules=MAP office.customer.ch "+n.settings.HTTPS+", MAP * ~NOTFOUND",
		"--ignore-certificate-errors-spki-list="+base64.StdEncoding.EncodeToString(pin[:]),
		"--virtual-time-budget=10000", "--dump-dom", "https://office.customer.ch/")
	var complaints bytes.Buffer
	command.Stderr = &complaints
	page, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.Bytes())
	}
	for _, want := range []string{"here:https://office.customer.ch/start<", "cookie:session=42<", "data:for session 42 by suite.internal.example<"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page has no %q:\n%s", want, page)
		}
	}
	if strings.Contains(string(page), "suite.internal.example/") {
		t.Errorf("the page still names the upstream's host:\n%s", page)
	}
}
