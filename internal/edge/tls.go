package edge

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"

	"github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// handshakes puts the table before Caddy's certificates: own certificates come first, and who asks for a host that is not in the
// table is refused. Neither a new host nor a new certificate reloads anything.
type handshakes struct {
	// ManageAll gets certificates for all hosts at once, not when they are first visited.
	ManageAll bool `json:"manage_all,omitempty"`

	node    *Node
	tls     *caddytls.TLS
	managed map[string]bool // hosts whose certificates Caddy takes care of
}

var (
	_ caddy.App         = (*handshakes)(nil)
	_ caddy.Provisioner = (*handshakes)(nil)
)

// CaddyModule tells Caddy about the module; each is the node's.
func (h handshakes) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "massif", New: func() caddy.Module { return &handshakes{node: h.node} }}
}

// Provision wraps the servers' way to a certificate.
func (h *handshakes) Provision(ctx caddy.Context) error {
	app, err := ctx.App("http")
	if err != nil {
		return err
	}
	web, ok := app.(*caddyhttp.App)
	if !ok {
		return fmt.Errorf("the http app is a %T", app)
	}
	if app, err = ctx.App("tls"); err != nil {
		return err
	}
	if h.tls, ok = app.(*caddytls.TLS); !ok {
		return fmt.Errorf("the tls app is a %T", app)
	}
	for _, server := range web.Servers {
		for _, policy := range server.TLSConnPolicies {
			policy.TLSConfig.GetCertificate = h.before(policy.TLSConfig.GetCertificate)
		}
	}
	return nil
}

// Start lets the node ask for certificates here.
func (h *handshakes) Start() error {
	h.managed = map[string]bool{}
	h.node.loading.handshakes = h
	return nil
}

// Stop has nothing to do: the next configuration has its own.
func (h *handshakes) Stop() error { return nil }

type certificateFunc = func(*tls.ClientHelloInfo) (*tls.Certificate, error)

func (h *handshakes) before(next certificateFunc) certificateFunc {
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if slices.Contains(hello.SupportedProtos, acmez.ACMETLS1Protocol) {
			return next(hello)
		}
		name := hostKey(hello.ServerName)
		table := h.node.table.Load()
		if table.find(name) == nil {
			h.node.metrics.refusedTLS.Inc()
			return nil, nil // which TLS tells the client as "unrecognized name"
		}
		if own := table.certificate(name, time.Now()); own != nil {
			return own.pair, nil
		}
		if err := h.node.allowed(name); err == nil {
			return next(hello)
		}
		h.node.metrics.refusedTLS.Inc()
		return nil, nil
	}
}

// manage asks for the certificates of all hosts that are new in a table and have none of their own. Those of hosts that are gone are
// refused to clients, and forgotten when Caddy is loaded the next time.
func (h *handshakes) manage(table *table) error {
	subjects := map[string]struct{}{}
	for name := range table.hosts {
		if h.ManageAll && !h.managed[name] && !strings.HasPrefix(name, "*.") && table.certificate(name, time.Now()) == nil {
			subjects[name] = struct{}{}
		}
	}
	if len(subjects) == 0 {
		return nil
	}
	if err := h.tls.Manage(subjects); err != nil {
		return err
	}
	for name := range subjects {
		h.managed[name] = true
	}
	return nil
}

// permission lets Caddy issue certificates on demand for hosts of the table only, and only for those that are there by name: whoever
// made up names below a wildcard could use up what the authority gives.
type permission struct{ node *Node }

var _ caddytls.OnDemandPermission = (*permission)(nil)

// CaddyModule tells Caddy about the module; each is the node's.
func (p permission) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "tls.permission.massif", New: func() caddy.Module { return &permission{p.node} }}
}

// CertificateAllowed is nil for hosts that may get a certificate.
func (p *permission) CertificateAllowed(_ context.Context, name string) error {
	return p.node.allowed(name)
}

func (n *Node) allowed(name string) error {
	config := n.config.Load()
	switch {
	case n.table.Load().hosts[hostKey(name)] == nil:
		return fmt.Errorf("%s is not in the table: %w", name, caddytls.ErrPermissionDenied)
	case config == nil || config.TLS.ACME == nil:
		return fmt.Errorf("%s has no certificate, and ACME is not configured: %w", name, caddytls.ErrPermissionDenied)
	}
	return nil
}

// sharedStorage gives Caddy the node's storage.
type sharedStorage struct{ node *Node }

var _ caddy.StorageConverter = (*sharedStorage)(nil)

// CaddyModule tells Caddy about the module; each is the node's.
func (s sharedStorage) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.storage.massif", New: func() caddy.Module { return &sharedStorage{s.node} }}
}

// CertMagicStorage is the storage.
func (s *sharedStorage) CertMagicStorage() (certmagic.Storage, error) { return s.node.storage, nil }

func hsts(h *reverseproxy.HSTS) string {
	if h == nil {
		return ""
	}
	value := fmt.Sprintf("max-age=%d", int64(time.Duration(h.MaxAge).Seconds()))
	if h.IncludeSubdomains {
		value += "; includeSubDomains"
	}
	if h.Preload {
		value += "; preload"
	}
	return value
}
