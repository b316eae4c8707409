package simulator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	proxyproto "github.com/pires/go-proxyproto"
)

// dataPlane forwards what arrives at the listeners of load balancers. It keeps nothing of their
// configuration: every connection and every request is decided on the state of the services.
type dataPlane struct {
	sim *Simulator

	ctx    context.Context // ends everything that runs beside the requests
	cancel context.CancelFunc
	wake   chan struct{}
	done   sync.WaitGroup
	start  sync.Once
	echo   *memoryListener
	client *http.Client

	// mu guards what follows. It is taken after the simulator's lock, never before.
	mu     sync.Mutex
	fronts map[frontKey]*front
	pools  map[string]*balancer // by pool id
	checks map[string]*check    // by member id
	due    map[string]time.Time // when a monitor probes next, by its id
	counts map[string]*counters // by listener id
	// unserved are listeners whose address could not be listened on, so that it is tried once only.
	unserved map[frontKey]bool
	// conns are the open connections to each server of the cloud, which end with it.
	conns map[string]map[*serverConn]struct{}
}

// frontKey is what a front stands for.
type frontKey struct {
	listener string
	address  string // host:port as clients of the cloud know it
}

// front is one open listener.
type front struct {
	key      frontKey
	listener net.Listener
	server   *http.Server // nil when connections are spliced
}

// counters are the statistics of one listener.
type counters struct {
	in, out, active, total, errors int
}

// Address says where this machine really listens for an address of the cloud.
type Address struct {
	// Address is host:port in the cloud.
	Address string `json:"address"`
	// Listen is host:port on this machine. It differs where not every loopback address can be listened on.
	Listen string `json:"listen"`
	// Name says whose address it is.
	Name string `json:"name"`
	// Listener is the id of the listener of a load balancer.
	Listener string `json:"listener_id"`
}

func newDataPlane(s *Simulator) *dataPlane {
	ctx, cancel := context.WithCancel(context.Background())
	p := &dataPlane{
		sim: s, ctx: ctx, cancel: cancel, wake: make(chan struct{}, 1), echo: newMemoryListener(),
		fronts: map[frontKey]*front{}, pools: map[string]*balancer{}, checks: map[string]*check{},
		due: map[string]time.Time{}, counts: map[string]*counters{}, unserved: map[frontKey]bool{}, conns: map[string]map[*serverConn]struct{}{},
	}
	p.client = &http.Client{
		Transport:     &http.Transport{DialContext: p.dialBackend, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p
}

// errorLog is where servers write about clients that break off, which is no news here.
func (s *Simulator) errorLog() *log.Logger {
	return slog.NewLogLogger(s.options.Logger.Handler(), slog.LevelDebug)
}

// changed notes that the state may have changed. It runs under the simulator's lock and returns at once.
func (p *dataPlane) changed() {
	p.start.Do(func() {
		p.done.Add(1)
		go p.run()
	})
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run opens and closes listeners after changes, and probes members when it is time.
func (p *dataPlane) run() {
	defer p.done.Done()
	echo := &http.Server{
		Handler: http.HandlerFunc(serveEcho), ConnContext: withMemoryConn, ReadHeaderTimeout: time.Minute, ErrorLog: p.sim.errorLog(),
	}
	p.done.Add(1)
	go func() {
		defer p.done.Done()
		p.serveOn(echo, p.echo)
	}()
	defer func() { _ = echo.Close() }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-p.wake:
		case <-timer.C:
		}
		p.reconcile()
		timer.Reset(p.probeDue())
	}
}

func (p *dataPlane) serveOn(server *http.Server, listener net.Listener) {
	if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		p.sim.options.Logger.Error("data plane stopped", "error", err)
	}
}

// close ends every listener and connection.
func (p *dataPlane) close() {
	p.cancel()
	p.mu.Lock()
	fronts := p.fronts
	p.fronts = map[frontKey]*front{}
	p.mu.Unlock()
	for _, f := range fronts {
		f.close()
	}
	_ = p.echo.Close()
	p.done.Wait()
}

func (f *front) close() {
	if f.server != nil {
		_ = f.server.Close()
		return
	}
	_ = f.listener.Close()
}

// wanted are the fronts that the state asks for, and the protocol of each.
func (p *dataPlane) wanted() map[frontKey]string {
	s := p.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := map[frontKey]string{}
	for _, listener := range s.loadBalancing.Listeners {
		lb := s.loadBalancing.parent(listener)
		if !serves(lb) || !serves(listener) {
			continue
		}
		protocol := listener.str("protocol")
		if l4Protocol(protocol) != "TCP" || protocol == "PROMETHEUS" {
			continue
		}
		for _, address := range s.outsideAddresses(lb) {
			wanted[frontKey{listener.str("id"), net.JoinHostPort(address, strconv.Itoa(listener.num("protocol_port")))}] = protocol
		}
	}
	return wanted
}

// serves says whether an object is configured: up, and not waiting for its first configuration or its end.
func serves(o object) bool {
	status := o.str("provisioning_status")
	return o != nil && o.flag("admin_state_up") && (status == "ACTIVE" || status == "PENDING_UPDATE")
}

// outsideAddresses are the addresses under which a load balancer can be reached from this machine: the floating
// IPs of its VIP, and the VIP itself when there is none.
func (s *Simulator) outsideAddresses(lb object) []string {
	if addresses := s.floatingAddressesOf(lb.str("vip_port_id")); len(addresses) > 0 {
		return addresses
	}
	return []string{lb.str("vip_address")}
}

func (p *dataPlane) reconcile() {
	wanted := p.wanted()
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, f := range p.fronts {
		if _, ok := wanted[key]; !ok {
			f.close()
			delete(p.fronts, key)
		}
	}
	for key := range p.unserved {
		if _, ok := wanted[key]; !ok {
			delete(p.unserved, key)
		}
	}
	for key, protocol := range wanted {
		if p.fronts[key] == nil && !p.unserved[key] && p.ctx.Err() == nil {
			p.open(key, protocol)
		}
	}
}

// open listens at an address of the cloud, or at a free port where that is not possible.
func (p *dataPlane) open(key frontKey, protocol string) {
	config := &net.ListenConfig{}
	var listener net.Listener
	address, err := netip.ParseAddrPort(key.address)
	if err == nil && address.Addr().IsLoopback() {
		listener, err = config.Listen(p.ctx, "tcp", key.address)
	}
	if listener == nil {
		listener, err = config.Listen(p.ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		p.unserved[key] = true
		p.sim.options.Logger.Error("load balancer cannot listen", "address", key.address, "error", err)
		return
	}
	f := &front{key: key, listener: listener}
	p.fronts[key] = f
	if p.counts[key.listener] == nil {
		p.counts[key.listener] = &counters{}
	}
	p.done.Add(1)
	served := listener
	if protocol == "TERMINATED_HTTPS" {
		served = tls.NewListener(listener, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { //nolint:gosec // the versions are the user's
			return p.tlsConfig(key.listener)
		}})
	}
	if protocol == "HTTP" || protocol == "TERMINATED_HTTPS" {
		f.server = &http.Server{Handler: p.proxy(key.listener), ReadHeaderTimeout: time.Minute, ErrorLog: p.sim.errorLog()}
		go func() {
			defer p.done.Done()
			p.serveOn(f.server, served)
		}()
		return
	}
	go func() {
		defer p.done.Done()
		p.accept(f)
	}()
}

// Addresses are the addresses of the cloud that can be reached from this machine.
func (s *Simulator) Addresses() []Address {
	names := map[string]string{}
	s.locked(func() {
		for id, listener := range s.loadBalancing.Listeners {
			names[id] = fmt.Sprintf("listener %q of load balancer %q", listener.str("name"), s.loadBalancing.parent(listener).str("name"))
		}
	})
	p := s.dataPlane
	p.mu.Lock()
	defer p.mu.Unlock()
	addresses := []Address{}
	for key, f := range p.fronts {
		addresses = append(addresses, Address{Address: key.address, Listen: f.listener.Addr().String(), Name: names[key.listener], Listener: key.listener})
	}
	slices.SortFunc(addresses, func(a, b Address) int { return strings.Compare(a.Address, b.Address) })
	return addresses
}

// accept splices the connections of a TCP listener to members.
func (p *dataPlane) accept(f *front) {
	for {
		client, err := f.listener.Accept()
		if err != nil {
			return
		}
		p.done.Add(1)
		go func() {
			defer p.done.Done()
			p.splice(f.key.listener, client)
		}()
	}
}

func (p *dataPlane) splice(listenerID string, client net.Conn) {
	defer func() { _ = client.Close() }()
	source, err := netip.ParseAddrPort(client.RemoteAddr().String())
	if err != nil {
		return
	}
	target := p.connect(listenerID, source)
	if target == nil {
		return
	}
	target.front = client.LocalAddr()
	p.count(listenerID, func(c *counters) { c.active++; c.total++ })
	defer p.count(listenerID, func(c *counters) { c.active-- })
	defer p.release(target)
	backend, err := p.dialAny(p.ctx, target)
	if err != nil {
		p.count(listenerID, func(c *counters) { c.errors++ })
		return
	}
	defer func() { _ = backend.Close() }()
	stop := context.AfterFunc(p.ctx, func() {
		_ = client.Close()
		_ = backend.Close()
	})
	defer stop()
	p.done.Add(1)
	go func() {
		defer p.done.Done()
		sent, _ := io.Copy(backend, client)
		p.count(listenerID, func(c *counters) { c.in += int(sent) })
		// What the client has still to get must arrive, so only this direction ends where that is possible.
		if half, ok := backend.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
			return
		}
		_ = backend.Close()
	}()
	received, _ := io.Copy(client, backend)
	p.count(listenerID, func(c *counters) { c.out += int(received) })
}

func (p *dataPlane) count(listener string, change func(*counters)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.counts[listener]; c != nil {
		change(c)
	}
}

// stats are the summed statistics of listeners.
func (l *loadBalancing) stats(listeners []object) object {
	p := l.sim.dataPlane
	p.mu.Lock()
	defer p.mu.Unlock()
	var sum counters
	for _, listener := range listeners {
		if c := p.counts[listener.str("id")]; c != nil {
			sum = counters{sum.in + c.in, sum.out + c.out, sum.active + c.active, sum.total + c.total, sum.errors + c.errors}
		}
	}
	return object{"bytes_in": sum.in, "bytes_out": sum.out, "active_connections": sum.active, "total_connections": sum.total, "request_errors": sum.errors}
}

// backend is a member as a connection needs it.
type backend struct {
	pool    string // id
	source  netip.AddrPort
	failed  []string // ids of the members that were tried before
	member  string   // id
	network string   // where the load balancer stands
	address netip.Addr
	port    int
	proxy   byte     // version of the PROXY protocol that the member is told the client in; 0 is none
	front   net.Addr // where the client has connected to
}

func (b *backend) host() string {
	return net.JoinHostPort(b.address.String(), strconv.Itoa(b.port))
}

// connect chooses the member for a new connection from source, nil when there is none.
func (p *dataPlane) connect(listenerID string, source netip.AddrPort) *backend {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	l := p.sim.loadBalancing
	listener := l.Listeners[listenerID]
	if listener == nil || !admits(listener, source.Addr()) {
		return nil
	}
	pool := l.Pools[listener.str("default_pool_id")]
	if pool == nil {
		return nil
	}
	return p.choose(pool, source, "")
}

// admits says whether a listener's allowed_cidrs let an address in.
func admits(listener object, source netip.Addr) bool {
	allowed := listener.strs("allowed_cidrs")
	return len(allowed) == 0 || slices.ContainsFunc(allowed, func(cidr string) bool {
		prefix, err := netip.ParsePrefix(cidr)
		return err == nil && prefix.Masked().Contains(source.Unmap())
	})
}

// dial opens a connection to a member: to what its server runs, or to a real loopback address.
func (p *dataPlane) dial(ctx context.Context, target *backend) (net.Conn, error) {
	conn, err := p.reach(ctx, target)
	if err != nil || target.proxy == 0 {
		return conn, err
	}
	header := &proxyproto.Header{Version: target.proxy, Command: proxyproto.LOCAL} // the load balancer's own
	if target.source.IsValid() {
		header = proxyproto.HeaderProxyFromAddrs(target.proxy, net.TCPAddrFromAddrPort(target.source), target.front)
	}
	if _, err := header.WriteTo(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func (p *dataPlane) reach(ctx context.Context, target *backend) (net.Conn, error) {
	var (
		listener *memoryListener
		guest    Guest
	)
	id, name := "", ""
	p.sim.mu.Lock()
	server := p.sim.serverAt(target.network, target.address)
	switch {
	case server == nil:
	case !runs(server):
		p.sim.mu.Unlock()
		return nil, fmt.Errorf("dial %s: no route to host: server %s is off", target.host(), server.str("name"))
	default:
		id, name = server.str("id"), server.str("name")
		if guest = p.sim.guests.running[id]; guest == nil && p.sim.options.Boot == nil {
			listener = p.sim.kubernetes.listenerOf(id, target.port, p.echo)
		}
	}
	p.sim.mu.Unlock()
	switch {
	case guest != nil:
		address := guest.Address(target.port)
		if address == "" {
			break
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return p.track(id, conn), nil
	case listener != nil:
		conn, err := listener.dial(ctx, name, target.host())
		if err != nil {
			return nil, err
		}
		return p.track(id, conn), nil
	case server == nil && target.address.IsLoopback():
		return (&net.Dialer{}).DialContext(ctx, "tcp", target.host())
	}
	return nil, fmt.Errorf("dial %s: connection refused", target.host())
}

// serverConn is a connection to a server of the cloud.
type serverConn struct {
	net.Conn
	plane  *dataPlane
	server string // id
}

func (p *dataPlane) track(server string, conn net.Conn) net.Conn {
	tracked := &serverConn{conn, p, server}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns[server] == nil {
		p.conns[server] = map[*serverConn]struct{}{}
	}
	p.conns[server][tracked] = struct{}{}
	return tracked
}

// Close closes the connection and forgets it.
func (c *serverConn) Close() error {
	c.plane.mu.Lock()
	delete(c.plane.conns[c.server], c)
	if len(c.plane.conns[c.server]) == 0 {
		delete(c.plane.conns, c.server)
	}
	c.plane.mu.Unlock()
	return c.Conn.Close()
}

// cut ends the connections to a server that was switched off or is gone.
func (p *dataPlane) cut(server string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns[server] {
		_ = conn.Conn.Close()
	}
}

type backendKey struct{}

// dialBackend is dialAny for HTTP clients; the member travels in the context of the request.
func (p *dataPlane) dialBackend(ctx context.Context, _, _ string) (net.Conn, error) {
	target, ok := ctx.Value(backendKey{}).(*backend)
	if !ok {
		return nil, errors.New("dial: no member chosen")
	}
	return p.dialAny(ctx, target)
}

// memoryListener is a listener whose connections stay in the process.
type memoryListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// memoryConn is a connection to a server of the cloud.
type memoryConn struct {
	net.Conn
	server string // its name
	target string // host:port
}

func newMemoryListener() *memoryListener {
	return &memoryListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (m *memoryListener) dial(ctx context.Context, server, target string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case m.conns <- &memoryConn{Conn: far, server: server, target: target}:
		return near, nil
	case <-m.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept waits for the next connection.
func (m *memoryListener) Accept() (net.Conn, error) {
	select {
	case conn := <-m.conns:
		return conn, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept; connections stay open.
func (m *memoryListener) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}

// Addr is a name for logs.
func (m *memoryListener) Addr() net.Addr { return memoryAddr{} }

type memoryAddr struct{}

// Network names the kind of address.
func (memoryAddr) Network() string { return "memory" }

// String is the same for all.
func (memoryAddr) String() string { return "memory" }

type memoryConnKey struct{}

func withMemoryConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, memoryConnKey{}, conn)
}

// serveEcho is what a server answers that runs nothing the simulator knows: who it is, and what it was asked.
func serveEcho(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	conn, ok := r.Context().Value(memoryConnKey{}).(*memoryConn)
	if !ok {
		http.Error(w, "unknown server", http.StatusInternalServerError)
		return
	}
	var lines strings.Builder
	fmt.Fprintf(&lines, "server %s\naddress %s\nrequest %s %s\nhost %s\n", conn.server, conn.target, r.Method, r.URL.RequestURI(), r.Host)
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port"} {
		if value := r.Header.Get(name); value != "" {
			fmt.Fprintf(&lines, "%s %s\n", strings.ToLower(name), value)
		}
	}
	// A client that went away is its own fault.
	_, _ = io.WriteString(w, lines.String())
}
