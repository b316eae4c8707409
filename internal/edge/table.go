package edge

import (
	"net/url"
	"strings"
	"time"

	"github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// table is what requests are answered by. It never changes; a new one takes its place.
type table struct {
	hosts        map[string]*host
	certificates map[string]*ownCertificate
}

// host is one host of the table.
type host struct {
	route    reverseproxy.Route
	redirect *url.URL // of a route that is one
	counters *counters
}

// newTable makes a table; counters of hosts that stay go on.
func newTable(routes routeTable, certificates map[string]*ownCertificate, metrics *metrics) *table {
	out := &table{hosts: make(map[string]*host, len(routes)), certificates: certificates}
	for name, route := range routes {
		entry := &host{route: route, counters: metrics.host(name)}
		if route.Redirect != "" {
			if address, err := url.Parse(route.Redirect); err == nil { // ParseRoute has seen to it
				entry.redirect = address
			}
		}
		out.hosts[name] = entry
	}
	return out
}

// find looks a host up as clients name it: with a port, in any case, with a dot at its end.
func (t *table) find(name string) *host {
	entry, _ := reverseproxy.Match(t.hosts, hostKey(name))
	return entry
}

// certificate is the own certificate for a host, unless it has expired.
func (t *table) certificate(name string, now time.Time) *ownCertificate {
	own, ok := reverseproxy.Match(t.certificates, name)
	if !ok || now.After(own.NotAfter) {
		return nil
	}
	return own
}

// hostKey is a host as the table names it.
func hostKey(name string) string {
	if colon := strings.LastIndexByte(name, ':'); colon >= 0 && !strings.HasSuffix(name, "]") {
		name = name[:colon]
	}
	return strings.TrimSuffix(strings.ToLower(name), ".") // both leave alone what is right already
}

// location is where a redirect sends a request.
func (h *host) location(uri string) string {
	if h.redirect.Path != "" || h.redirect.RawQuery != "" {
		return h.route.Redirect
	}
	return h.route.Redirect + uri
}
