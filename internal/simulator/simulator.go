// Package simulator is a stateful OpenStack in memory, served over HTTP. It answers as the real
// services do (status codes, fault bodies, quotas, asynchronous states on its own clock), so that a
// client can be tested and shown without a cloud. It knows nothing of any client library.
package simulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"
)

// Password is the password of every seeded user.
const Password = "oslab"

// Region is the only region of the catalog.
const Region = "RegionOne"

// Options says how a simulator behaves. The zero value is a fast cloud on a free loopback port.
type Options struct {
	// Listen is the address of the HTTP port, 127.0.0.1:0 when empty.
	Listen string
	// Latency is added to each request before it is looked at. Requests wait in parallel.
	Latency time.Duration
	// Times are how long asynchronous changes take.
	Times Times
	// StateFile keeps the cloud between runs when it is not empty.
	StateFile string
	// PublicCIDR is the subnet of the external network ext-floating1. Its default lies in
	// 127.0.0.0/8, so that a floating IP is an address this machine can listen on.
	PublicCIDR string
	// Quotas overrides default quotas by the name that the service gives them, such as
	// "security_group_rule" or "cores".
	Quotas map[string]int
	// Hosts is how many hosts run servers, plenty when 0: a server group with anti-affinity has room
	// for one server on each.
	Hosts int
	// HostCores is how many cores a host has, without a limit when 0.
	HostCores int
	// LoadBalancerDriver says how the load balancer service behaves in places where clouds differ.
	LoadBalancerDriver LoadBalancerDriver
	// LoadBalancerAPI is the newest minor version of the load balancer API, 26 (Zed) when 0.
	LoadBalancerAPI int
	// Boot gives a server what it runs, once it has booted. Without it, or when it gives nil, a server answers what it was
	// asked at every port, and the API of the cluster that its user data makes it a node of.
	Boot func(Machine) Guest
	// Logger gets one line for each request; nothing is logged when it is nil.
	Logger *slog.Logger
}

// Simulator is one cloud.
type Simulator struct {
	services

	options  Options
	public   netip.Prefix
	listener net.Listener
	server   *http.Server
	serving  chan struct{}
	log      requestLog
	faults   faultList
	saveMu   sync.Mutex // one writer of the state file at a time

	// mu guards everything below and the state of every service. Handlers and clock functions run under it.
	mu         sync.Mutex
	registered []*service
	timers     map[*time.Timer]struct{}
	held       bool     // see Hold
	due        []func() // what would have run meanwhile
	closed     bool
	sequence   int64
	dirty      bool
	saving     *time.Timer
}

// New makes a cloud with its seeds, or with the content of its state file when there is one.
func New(options Options) (*Simulator, error) {
	if options.Listen == "" {
		options.Listen = "127.0.0.1:0"
	}
	if options.PublicCIDR == "" {
		options.PublicCIDR = "127.203.0.0/16"
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	public, err := netip.ParsePrefix(options.PublicCIDR)
	if err != nil {
		return nil, fmt.Errorf("public network: %w", err)
	}
	if !public.Addr().Is4() || public.Bits() > 28 {
		return nil, fmt.Errorf("public network %s: want an IPv4 prefix of /28 or larger", public)
	}
	s := &Simulator{options: options, public: public.Masked(), timers: map[*time.Timer]struct{}{}}
	s.register()
	if err := s.load(); err != nil {
		return nil, err
	}
	// A state file that cannot be written must not come to light hours later.
	if err := s.save(); err != nil {
		return nil, err
	}
	return s, nil
}

// Run makes a cloud and starts it.
func Run(options Options) (*Simulator, error) {
	s, err := New(options)
	if err != nil {
		return nil, err
	}
	if err := s.Start(); err != nil {
		return nil, err
	}
	return s, nil
}

// Start listens and serves until Close.
func (s *Simulator) Start() error {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", s.options.Listen)
	if err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	s.listener = listener
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	s.serving = make(chan struct{})
	go func() {
		defer close(s.serving)
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.options.Logger.Error("simulator stopped", "error", err)
		}
	}()
	s.locked(s.resume)
	return nil
}

// Close ends the clock, every listener and connection, and writes the state file.
func (s *Simulator) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	for timer := range s.timers {
		timer.Stop()
	}
	s.mu.Unlock()

	var err error
	if s.server != nil {
		err = s.server.Close()
		<-s.serving
	}
	for _, service := range s.registered {
		if service.close != nil {
			service.close()
		}
	}
	s.guests.close()
	return errors.Join(err, s.save())
}

// URL is where the services are, without a slash at the end.
func (s *Simulator) URL() string {
	if s.listener == nil {
		return "http://" + s.options.Listen
	}
	return "http://" + s.listener.Addr().String()
}

// AuthURL is the URL of the Identity API, version 3.
func (s *Simulator) AuthURL() string {
	return s.URL() + "/identity/v3"
}

// CloudsYAML is a clouds.yaml with one cloud for each seeded user.
func (s *Simulator) CloudsYAML() []byte {
	clouds := map[string]any{}
	for _, user := range []struct{ name, project string }{
		{"demo", "demo"}, {"demo2", "demo2"}, {"admin", "admin"}, {"demo-reader", "demo"},
	} {
		clouds[user.name] = map[string]any{
			"auth": map[string]any{
				"auth_url":            s.AuthURL(),
				"username":            user.name,
				"password":            Password,
				"project_name":        user.project,
				"user_domain_name":    "Default",
				"project_domain_name": "Default",
			},
			"region_name":          Region,
			"interface":            "public",
			"identity_api_version": 3,
		}
	}
	text, err := yaml.Marshal(map[string]any{"clouds": clouds})
	if err != nil {
		// Only unsupported Go types make Marshal fail, and there are none above.
		panic(err)
	}
	return text
}

// Leftovers are the objects that tenants made and that still exist, one readable line each.
func (s *Simulator) Leftovers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := []string{}
	for _, service := range s.registered {
		if service.leftovers != nil {
			lines = append(lines, service.leftovers()...)
		}
	}
	return lines
}

// SetTimes changes how long the changes take that start from now on.
func (s *Simulator) SetTimes(times Times) {
	s.locked(func() { s.options.Times = times })
}

// locked runs f under the lock. Handlers and clock functions already hold it.
func (s *Simulator) locked(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// ServeHTTP lets a simulator be mounted in another server as well.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	if strings.HasPrefix(r.URL.Path, "/simulator/") {
		s.control(w, r)
		return
	}
	entry := Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Start: start}
	recorder := &statusRecorder{ResponseWriter: w}
	service := s.serviceAt(r.URL.Path)
	if service != nil {
		entry.Service = service.kind
		entry.Path = strings.TrimPrefix(r.URL.Path, service.prefix)
	}
	// A dropped connection ends the handler by a panic, and must be in the log too.
	defer func() {
		entry.Status, entry.Duration = recorder.status, time.Since(start)
		s.log.add(entry)
		s.options.Logger.Info("request", "method", entry.Method, "service", entry.Service, "path", entry.Path,
			"query", entry.Query, "status", entry.Status, "duration", entry.Duration)
	}()
	s.mu.Lock()
	latency := s.options.Latency
	s.mu.Unlock()
	if !pause(r.Context(), latency) {
		return
	}
	if service == nil {
		http.NotFound(recorder, r)
		return
	}
	fault := s.faults.match(entry)
	if fault != nil && !pause(r.Context(), fault.Delay) {
		return
	}
	if fault != nil && !fault.Late && fault.answers() {
		fault.write(recorder)
		return
	}
	if fault != nil && fault.Late && fault.answers() {
		// The request is carried out, but its answer is lost on the way.
		service.mux.ServeHTTP(&discard{header: http.Header{}}, r)
		fault.write(recorder)
		return
	}
	service.mux.ServeHTTP(recorder, r)
}

// pause waits, and says false when the request ended before.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
