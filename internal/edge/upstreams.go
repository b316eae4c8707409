package edge

import (
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// service is how requests are answered by one configuration. It takes the place of the one before while the servers go on: Go's
// http.Server, when it shuts down, drops the requests that arrive on connections which it has accepted, and so does a Caddy that
// reloads.
type service struct {
	handlers     map[string]caddyhttp.MiddlewareHandler // upstreams by name
	redirectHTTP bool
	hsts         string
	accessLog    bool
	// release ends what runs beside requests, such as health checks. Requests under way go on.
	release func()
}

// newService makes the upstreams' handlers, which live until they are released or the servers of the context end.
func newService(servers caddy.Context, config reverseproxy.Config) (*service, error) {
	ctx, cancel := caddy.NewContext(servers)
	s := &service{
		handlers:     make(map[string]caddyhttp.MiddlewareHandler, len(config.Upstreams)),
		redirectHTTP: config.TLS.RedirectHTTP, hsts: hsts(config.TLS.HSTS), accessLog: !config.AccessLog.Disabled, release: cancel,
	}
	for name, upstream := range config.Upstreams {
		handler, err := newHandler(ctx, upstream)
		if err != nil {
			cancel()
			return nil, fmt.Errorf("upstream %q: %w", name, err)
		}
		s.handlers[name] = handler
	}
	return s, nil
}

func newHandler(ctx caddy.Context, upstream reverseproxy.Upstream) (caddyhttp.MiddlewareHandler, error) {
	config, err := upstreamHandler(upstream)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	module, err := ctx.LoadModuleByID("http.handlers.reverse_proxy", data)
	if err != nil {
		return nil, err
	}
	handler, ok := module.(caddyhttp.MiddlewareHandler)
	if !ok {
		return nil, fmt.Errorf("a %T handles no requests", module)
	}
	return handler, nil
}
