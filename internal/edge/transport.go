package edge

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// transport is Caddy's transport with responses rewritten: what names the upstream's host names the client's afterwards.
type transport struct {
	reverseproxy.HTTPTransport

	Rewrite   bool     `json:"massif_rewrite,omitempty"`
	Hosts     []string `json:"massif_hosts,omitempty"` // of the upstream, as responses name them
	BodyTypes []string `json:"massif_body_types,omitempty"`
}

var _ http.RoundTripper = (*transport)(nil)

// CaddyModule tells Caddy about the module.
func (transport) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.reverse_proxy.transport.massif", New: func() caddy.Module { return new(transport) }}
}

// RoundTrip sends a request and rewrites its response.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	x, ok := caddyhttp.GetVar(r.Context(), exchangeVar).(*exchange)
	if !ok { // a health check
		return t.HTTPTransport.RoundTrip(r)
	}
	resp, err := t.HTTPTransport.RoundTrip(r)
	if err != nil || (!t.Rewrite && x.prefix == "") {
		return resp, err
	}
	for _, name := range []string{"Location", "Content-Location", "Refresh"} {
		if value := resp.Header.Get(name); value != "" {
			resp.Header.Set(name, t.location(value, x))
		}
	}
	if cookies := resp.Header["Set-Cookie"]; len(cookies) > 0 {
		rewritten := make([]string, len(cookies))
		for i, cookie := range cookies {
			rewritten[i] = t.cookie(cookie, x)
		}
		resp.Header["Set-Cookie"] = rewritten
	}
	if t.Rewrite {
		t.body(resp, r, x)
	}
	return resp, nil
}

// location rewrites an address, or what stands after "url=" in Refresh.
func (t *transport) location(value string, x *exchange) string {
	lead := ""
	if i := strings.Index(strings.ToLower(value), "url="); i >= 0 && strings.Contains(value[:i], ";") {
		lead, value = value[:i+4], value[i+4:]
	}
	address, err := url.Parse(value)
	if err != nil {
		return lead + value
	}
	own := address.Host == "" && strings.HasPrefix(address.Path, "/")
	if address.Host != "" && t.Rewrite && slices.Contains(t.Hosts, strings.ToLower(hostKey(address.Host))) {
		address.Host, own = x.host, true
		if address.Scheme == "http" && x.secure {
			address.Scheme = "https"
		}
	}
	if !own {
		return lead + value
	}
	address.Path = withoutPrefix(address.Path, x.prefix)
	if address.RawPath != "" {
		address.RawPath = withoutPrefix(address.RawPath, x.prefix)
	}
	return lead + address.String()
}

func withoutPrefix(path, prefix string) string {
	rest, ok := strings.CutPrefix(path, prefix)
	switch {
	case prefix == "" || !ok || (rest != "" && rest[0] != '/'):
		return path
	case rest == "":
		return "/"
	}
	return rest
}

// cookie rewrites the domain, which browsers would refuse from another, and the path.
func (t *transport) cookie(cookie string, x *exchange) string {
	parts := strings.Split(cookie, ";")
	for i, part := range parts[1:] {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch strings.ToLower(name) {
		case "domain":
			if domain := strings.ToLower(strings.TrimPrefix(strings.TrimSpace(value), ".")); t.Rewrite && t.belongs(domain) {
				parts[i+1] = " Domain=" + x.host
			}
		case "path":
			if x.prefix != "" {
				parts[i+1] = " Path=" + withoutPrefix(strings.TrimSpace(value), x.prefix)
			}
		}
	}
	return strings.Join(parts, ";")
}

// belongs tells whether a cookie's domain is one of the upstream's hosts or above one.
func (t *transport) belongs(domain string) bool {
	return domain != "" && slices.ContainsFunc(t.Hosts, func(host string) bool {
		return host == domain || strings.HasSuffix(host, "."+domain)
	})
}

// body rewrites the hosts in a body of the chosen types while it streams.
func (t *transport) body(resp *http.Response, r *http.Request, x *exchange) {
	if len(t.BodyTypes) == 0 || resp.StatusCode == http.StatusSwitchingProtocols || resp.StatusCode == http.StatusPartialContent {
		return
	}
	// What cannot be read has no type that was chosen.
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || !slices.Contains(t.BodyTypes, kind) {
		return
	}
	encoding := strings.ToLower(resp.Header.Get("Content-Encoding"))
	if encoding != "" && encoding != "identity" && encoding != "gzip" {
		return // it was asked for none
	}
	resp.Header.Del("Content-Length")
	resp.Header.Del("Accept-Ranges")
	resp.Header.Del("Content-Md5")
	resp.Header.Del("Digest")
	resp.ContentLength = -1
	if tag := resp.Header.Get("Etag"); strings.HasPrefix(tag, `"`) {
		resp.Header.Set("Etag", "W/"+tag)
	}
	if r.Method == http.MethodHead || resp.StatusCode == http.StatusNotModified || resp.StatusCode == http.StatusNoContent {
		return
	}
	plain := resp.Body
	if encoding == "gzip" {
		resp.Header.Del("Content-Encoding")
		plain = &gunzip{from: resp.Body}
	}
	resp.Body = newHostRewriter(plain, t.Hosts, x.prefix, x.host)
}

// gunzip unpacks a body; unlike a gzip.Reader it reads nothing before it is read.
type gunzip struct {
	from io.ReadCloser
	gzip *gzip.Reader
}

// Read unpacks.
func (g *gunzip) Read(p []byte) (int, error) {
	if g.gzip == nil {
		reader, err := gzip.NewReader(g.from)
		if errors.Is(err, io.EOF) {
			return 0, err // an empty body
		}
		if err != nil {
			return 0, fmt.Errorf("the upstream's body is not what it says: %w", err)
		}
		g.gzip = reader
	}
	return g.gzip.Read(p)
}

// Close closes what is read from.
func (g *gunzip) Close() error { return g.from.Close() }
