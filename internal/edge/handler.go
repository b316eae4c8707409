package edge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// router answers requests by the table and the service of the node.
type router struct {
	node   *Node
	access *zap.Logger
}

var (
	_ caddy.Provisioner           = (*router)(nil)
	_ caddyhttp.MiddlewareHandler = (*router)(nil)
)

// CaddyModule tells Caddy about the module; each is the node's.
func (h router) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.massif", New: func() caddy.Module { return &router{node: h.node} }}
}

// Provision lets the node make upstreams that live as long as the servers.
func (h *router) Provision(ctx caddy.Context) error {
	h.access = ctx.Logger().Named("access")
	// A context of one's own, for the end of one that is derived from it runs what is registered with this one.
	h.node.loading.servers, _ = caddy.NewContext(ctx) //nolint:govet // it ends with the servers
	return nil
}

// exchange is one request on its way.
type exchange struct {
	host   string // the host that the client asked for, without port
	prefix string
	secure bool
	client string

	upstream string
	target   string
	tried    uint64 // bits of the targets that were tried; more than 64 are not told apart
}

const exchangeVar = "massif"

func (x *exchange) wasTried(target int) bool { return x.tried&(1<<(target%64)) != 0 }

func (x *exchange) try(target int, name string) {
	x.tried |= 1 << (target % 64)
	x.target = name
}

// ServeHTTP answers one request.
func (h *router) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	begin := time.Now()
	w.Header().Del("Server") // upstreams have their own
	x := &exchange{host: hostKey(r.Host), secure: r.TLS != nil}
	x.client, _ = caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	entry, service := h.node.table.Load().find(x.host), h.node.service.Load()
	answer := &response{ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, closing: h.node.draining.Load()}
	if x.secure && entry != nil {
		answer.hsts = service.hsts
	}
	body := &countedBody{ReadCloser: r.Body}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = body
	}
	original := *r.URL
	err := service.answer(answer, r, entry, x, next)
	if err != nil {
		h.fail(answer, r, err)
	}
	took := time.Since(begin)
	if entry == nil {
		h.node.metrics.unknown.Inc()
	} else {
		entry.counters.observe(answer.status, body.read.Load(), answer.sent, took)
	}
	if x.target != "" {
		h.node.metrics.upstreams.WithLabelValues(x.upstream, x.target).Observe(took.Seconds())
	}
	if service.accessLog {
		h.log(answer, r, &original, x, took, err)
	}
	return nil
}

func (s *service) answer(w *response, r *http.Request, entry *host, x *exchange, next caddyhttp.Handler) error {
	switch {
	case entry == nil:
		return caddyhttp.Error(http.StatusMisdirectedRequest, errUnknownHost)
	case !x.secure && s.redirectHTTP:
		return redirect(w, "https://"+x.host+r.URL.RequestURI())
	case entry.redirect != nil:
		return redirect(w, entry.location(r.URL.RequestURI()))
	}
	x.upstream, x.prefix = entry.route.Upstream, entry.route.Prefix
	handler := s.handlers[x.upstream]
	if handler == nil {
		return caddyhttp.Error(http.StatusBadGateway, fmt.Errorf("there is no upstream %q", x.upstream))
	}
	if x.prefix != "" {
		if climbs(r.URL.Path) {
			return caddyhttp.Error(http.StatusBadRequest, errors.New("the path leads out of the prefix"))
		}
		address := *r.URL
		address.Path, address.RawPath = x.prefix+address.Path, ""
		if r.URL.RawPath != "" {
			address.RawPath = x.prefix + r.URL.RawPath
		}
		r.URL = &address
	}
	caddyhttp.SetVar(r.Context(), exchangeVar, x)
	return handler.ServeHTTP(w, r, next)
}

var errUnknownHost = errors.New("the host is not in the table")

// climbs tells whether a path has a segment that leads upwards.
func climbs(p string) bool {
	if !strings.Contains(p, "..") && !strings.ContainsRune(p, '\\') {
		return false
	}
	for segment := range strings.FieldsFuncSeq(p, func(c rune) bool { return c == '/' || c == '\\' }) {
		if segment == ".." {
			return true
		}
	}
	return strings.HasPrefix(path.Clean(p), "..")
}

// redirect keeps the method; browsers ask again after five minutes, so that it can be taken back.
func redirect(w http.ResponseWriter, location string) error {
	w.Header().Set("Location", location)
	w.Header().Set("Cache-Control", "max-age=300")
	w.WriteHeader(http.StatusPermanentRedirect)
	return nil
}

// fail answers a request that no upstream has answered.
func (h *router) fail(w *response, r *http.Request, err error) {
	if w.status != 0 {
		return
	}
	status := http.StatusInternalServerError
	var known caddyhttp.HandlerError
	switch {
	case errors.As(err, &known) && known.StatusCode != 0:
		status = known.StatusCode
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		status = statusClientClosed
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// A client that went away cannot be told.
	_, _ = fmt.Fprintf(w, "%d %s\n", status, statusText(status))
}

// statusClientClosed is what logs name the status of a request whose client went away.
const statusClientClosed = 499

func statusText(status int) string {
	if status == statusClientClosed {
		return "Client Closed Request"
	}
	return http.StatusText(status)
}

func (h *router) log(w *response, r *http.Request, address *url.URL, x *exchange, took time.Duration, err error) {
	entry := h.access.Check(zap.InfoLevel, "request")
	if entry == nil {
		return
	}
	scheme := "http"
	if x.secure {
		scheme = "https"
	}
	fields := append(make([]zap.Field, 0, 16),
		zap.String("client_ip", x.client), zap.String("method", r.Method), zap.String("scheme", scheme), zap.String("host", x.host),
		zap.String("uri", address.RequestURI()), zap.String("proto", r.Proto), zap.Int("status", w.status), zap.Int64("bytes", w.sent),
		zap.Float64("seconds", took.Seconds()), zap.String("user_agent", r.UserAgent()))
	if x.upstream != "" {
		fields = append(fields, zap.String("upstream", x.upstream), zap.String("target", x.target))
	}
	if err != nil {
		fields = append(fields, zap.String("error", err.Error()))
	}
	entry.Write(fields...)
}
