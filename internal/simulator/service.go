package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// service is one API as the core sees it. A service file makes one of these, and is listed in services.go.
type service struct {
	kind   string // catalog type, "network"
	name   string // catalog name, "neutron"; a service without one is not in the catalog
	prefix string // path prefix on the common port, "/network"
	// endpoint comes after the prefix in the catalog, such as "/v2.1"; {project} becomes the project id.
	endpoint string
	// state points to the service's state; it must survive a round trip through JSON.
	state any

	// routes are http.ServeMux patterns without the prefix: "GET /v2.0/networks/{id}".
	routes map[string]handler
	// open are routes that need no token: version documents, POST of a token. When a valid token
	// is sent nevertheless, call.token holds it.
	open map[string]handler

	// authorize, when set, may refuse a call that has a valid token, for example to readers.
	authorize func(c *call) error
	// render writes a fault in the service's own shape; plainFaultBody when nil.
	render func(c *call, f *fault) any
	// seed fills the state of a new cloud. Services are seeded in the order of registration.
	seed func()
	// resume restarts the clock of what was pending when the state was saved. Runs at every start.
	resume func()
	// leftovers describes what tenants own and was not seeded.
	leftovers func() []string
	// changed is told that any service's state may have changed. Runs under the lock and must not wait.
	changed func()
	// close ends what the service runs besides the common port. Runs without the lock.
	close func()

	mux *http.ServeMux
}

// handler answers one request under the lock: a status with a body, or an error, which is a *fault when
// it is the client's business. A body may be nil (none), []byte or string (sent as it is, with the
// Content-Type of call.header) or anything that encodes to JSON. Keys of an object that begin with
// "_" are not sent.
type handler func(c *call) (int, any, error)

// call is one request on its way through a handler.
type call struct {
	*Simulator
	request *http.Request
	body    []byte
	service *service
	header  http.Header // of the answer
	id      string      // X-Openstack-Request-Id
	token   *token      // nil only in open routes
}

// fault is an error that a client sees. What its fields become is up to the service's render.
type fault struct {
	status  int
	kind    string // such as "NetworkNotFound"; http.StatusText when empty
	message string
	detail  string
	header  map[string]string
}

func (f *fault) Error() string {
	return fmt.Sprintf("%d %s: %s", f.status, f.kind, f.message)
}

// fail makes a fault. The message is formatted only when there are arguments.
func fail(status int, kind, message string, args ...any) *fault {
	if len(args) > 0 {
		message = fmt.Sprintf(message, args...)
	}
	return &fault{status: status, kind: kind, message: message}
}

// plainFaultBody is the shape of keystone's faults.
func plainFaultBody(_ *call, f *fault) any {
	return map[string]any{"error": map[string]any{
		"code": f.status, "title": http.StatusText(f.status), "message": f.message,
	}}
}

// unauthorized is what every service answers to a missing or bad token.
func unauthorized() *fault {
	return fail(http.StatusUnauthorized, "", "The request you have made requires authentication.")
}

// path is a wildcard of the route's pattern.
func (c *call) path(name string) string { return c.request.PathValue(name) }

// query is the first value of a query parameter, or "".
func (c *call) query(name string) string { return c.request.URL.Query().Get(name) }

// project is the id of the project that the token is scoped to.
func (c *call) project() string {
	if c.token == nil {
		return ""
	}
	return c.token.Project
}

// hasRole says whether the token has one of the roles, by name.
func (c *call) hasRole(names ...string) bool {
	if c.token == nil {
		return false
	}
	for _, id := range c.token.Roles {
		if role, ok := c.identity.Roles.get(id); ok && slices.Contains(names, role.str("name")) {
			return true
		}
	}
	return false
}

// admin says whether the token has the role admin.
func (c *call) admin() bool { return c.hasRole("admin") }

// owns says whether an object with a project_id belongs to the token's project, or the token is an administrator's.
func (c *call) owns(o object) bool {
	return c.admin() || o.str("project_id") == c.project()
}

// url is an absolute URL below the service's prefix, for links in answers.
func (c *call) url(path string) string { return c.URL() + c.service.prefix + path }

// serve registers a service.
func (s *Simulator) serve(service *service) {
	service.mux = http.NewServeMux()
	add := func(pattern string, h handler, open bool) {
		method, path, found := strings.Cut(pattern, " ")
		if !found {
			method, path = "", pattern
		}
		service.mux.Handle(strings.TrimSpace(method+" "+service.prefix+path), s.handle(service, h, open))
	}
	for pattern, h := range service.routes {
		add(pattern, h, false)
	}
	for pattern, h := range service.open {
		add(pattern, h, true)
	}
	if _, taken := service.open["/"]; !taken {
		add("/", noRoute, true)
	}
	s.registered = append(s.registered, service)
}

// noRoute answers what no route of a service matches: another method would do, or nothing is there.
func noRoute(c *call) (int, any, error) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := c.request.Clone(c.request.Context())
		other.Method = method
		if _, pattern := c.service.mux.Handler(other); pattern != "" && pattern != c.service.prefix+"/" {
			return 0, nil, fail(http.StatusMethodNotAllowed, "HTTPMethodNotAllowed",
				"The server could not comply with the request since it is either malformed or otherwise incorrect.")
		}
	}
	return 0, nil, fail(http.StatusNotFound, "HTTPNotFound", "The resource could not be found.")
}

// serviceAt finds the service of a path, nil when there is none.
func (s *Simulator) serviceAt(path string) *service {
	for _, service := range s.registered {
		if rest, ok := strings.CutPrefix(path, service.prefix); ok && (rest == "" || rest[0] == '/') {
			return service
		}
	}
	return nil
}

// handle reads the body before it takes the lock and writes the answer after, so that a slow
// client holds nobody up.
func (s *Simulator) handle(service *service, h handler, open bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		c := &call{Simulator: s, request: r, body: body, service: service, header: w.Header(), id: "req-" + newUUID()}
		c.header.Set("X-Openstack-Request-Id", c.id)
		status, text := c.run(h, open)
		w.WriteHeader(status)
		// A client that went away is its own fault.
		_, _ = w.Write(text)
	}
}

func (c *call) run(h handler, open bool) (int, []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !open {
		if err := c.authenticate(); err != nil {
			return c.fault(err)
		}
	} else if t := c.identity.token(c.request.Header.Get("X-Auth-Token")); t != nil {
		c.token = t
	}
	status, body, err := h(c)
	if c.request.Method != http.MethodGet && c.request.Method != http.MethodHead {
		c.changed()
	}
	if err != nil {
		return c.fault(err)
	}
	return c.encode(status, body)
}

func (c *call) authenticate() error {
	c.token = c.identity.token(c.request.Header.Get("X-Auth-Token"))
	if c.token == nil || !c.token.allows(c.service.kind, c.request.Method, strings.TrimPrefix(c.request.URL.Path, c.service.prefix)) {
		f := unauthorized()
		f.header = map[string]string{"Www-Authenticate": fmt.Sprintf("Keystone uri=%q", c.AuthURL())}
		return f
	}
	if c.service.authorize != nil {
		return c.service.authorize(c)
	}
	return nil
}

func (c *call) fault(err error) (int, []byte) {
	var f *fault
	if !errors.As(err, &f) {
		f = fail(http.StatusInternalServerError, "", err.Error())
	}
	for name, value := range f.header {
		c.header.Set(name, value)
	}
	render := c.service.render
	// A 401 comes from keystone's middleware; only Glance puts it in words of its own.
	if render == nil || f.status == http.StatusUnauthorized && c.service.kind != "image" {
		render = plainFaultBody
	}
	return c.encode(f.status, render(c, f))
}

func (c *call) encode(status int, body any) (int, []byte) {
	switch body := body.(type) {
	case nil:
		return status, nil
	case []byte:
		return status, body
	case string:
		return status, []byte(body)
	}
	text, err := json.Marshal(visible(body))
	if err != nil {
		return http.StatusInternalServerError, []byte(err.Error())
	}
	if c.header.Get("Content-Type") == "" {
		c.header.Set("Content-Type", "application/json")
	}
	return status, text
}

// catalog is the service catalog of a token that is scoped to a project.
func (s *Simulator) catalog(project string) []any {
	entries := []any{}
	for _, service := range s.registered {
		if service.name == "" {
			continue
		}
		url := s.URL() + service.prefix + strings.ReplaceAll(service.endpoint, "{project}", project)
		endpoints := []any{}
		for _, kind := range []string{"public", "internal", "admin"} {
			endpoints = append(endpoints, map[string]any{
				"id": stableID(service.kind + kind), "interface": kind, "region": Region, "region_id": Region, "url": url,
			})
		}
		entries = append(entries, map[string]any{
			"id": stableID(service.kind), "type": service.kind, "name": service.name, "endpoints": endpoints,
		})
	}
	return entries
}
