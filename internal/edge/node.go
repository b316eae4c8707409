package edge

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/proxyprotocol" // the listener's PROXY protocol
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"  // what requests are sent on with
	_ "github.com/caddyserver/caddy/v2/modules/caddytls"                // ACME
	"github.com/caddyserver/certmagic"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// Node is one node of a proxy. Caddy is one for each process, and so is a node.
type Node struct {
	settings Settings
	version  string
	started  time.Time
	// directory is for files that Caddy insists on.
	directory string

	container *container
	storage   *storage
	documents *documents
	metrics   *metrics

	table    atomic.Pointer[table]
	config   atomic.Pointer[reverseproxy.Config]
	service  atomic.Pointer[service]
	ready    atomic.Bool
	draining atomic.Bool
	open     atomic.Int64 // connections

	// What follows is the loop's, which also loads Caddy.
	running      loaded // zero until Caddy runs
	loading      loaded // what the Caddy that is being loaded has made
	storageError string
	reported     reverseproxy.Status // without its time
	reportedAt   time.Time
}

// loaded is a Caddy.
type loaded struct {
	config     []byte
	servers    caddy.Context // that upstreams live in
	handshakes *handshakes
}

// Run serves until the context ends, and then until no request is left. The path is that of the settings; the name of the node may be "".
func Run(ctx context.Context, path, node, version string) (err error) {
	settings, err := ReadSettings(path, node)
	if err != nil {
		return err
	}
	cipher, err := reverseproxy.NewCipher(settings.EncryptionKey)
	if err != nil {
		return err
	}
	copies, err := newCopies(settings.CacheDirectory, settings.Container)
	if err != nil {
		return err
	}
	reach := &container{settings: func() (Settings, error) { return ReadSettings(path, node) }}
	n := &Node{
		settings: settings, version: version, started: time.Now().UTC().Truncate(time.Second),
		container: reach, storage: newStorage(reach, cipher, copies), documents: newDocuments(reach, cipher, copies), metrics: newMetrics(),
	}
	n.metrics.gauge("connections", "Open connections of clients.", n.open.Load)
	if n.directory, err = os.MkdirTemp("", "massif-edge-"); err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(n.directory)) }()
	n.table.Store(&table{})
	n.service.Store(&service{release: func() {}})
	caddy.RegisterModule(router{node: n})
	caddy.RegisterModule(handshakes{node: n})
	caddy.RegisterModule(permission{node: n})
	caddy.RegisterModule(sharedStorage{node: n})
	caddy.RegisterModule(connections{node: n})
	caddy.RegisterModule(canary{})
	caddy.RegisterModule(transport{})
	return n.run(ctx)
}

func (n *Node) run(ctx context.Context) error {
	listener, err := net.Listen("tcp", n.settings.Metrics)
	if err != nil {
		return fmt.Errorf("listen for health checks: %w", err)
	}
	server := &http.Server{Handler: n.sideDoor(), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	// The loop goes on while the node drains: its last status says so.
	loop, end := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.follow(loop)
	}()
	select {
	case <-ctx.Done():
	case err = <-served:
		err = fmt.Errorf("serve health checks: %w", err)
	}
	n.drain(context.WithoutCancel(ctx))
	end()
	<-ended
	last := context.WithoutCancel(ctx)
	err = errors.Join(err, n.container.remove(last, reverseproxy.StatusObject(n.settings.Node)))
	return errors.Join(err, server.Shutdown(last))
}

// drain ends all without losing a request: the load balancer sees the health check fail and sends no more connections, clients
// are asked to come by another, and only then the doors close.
func (n *Node) drain(ctx context.Context) {
	caddy.Log().Info("draining", zap.Duration("delay", time.Duration(n.settings.DrainDelay)))
	n.draining.Store(true)
	<-time.After(time.Duration(n.settings.DrainDelay))
	if err := caddy.Stop(); err != nil {
		caddy.Log().Error("stop", zap.Error(err))
	}
	if left := n.waitForConnections(); left > 0 {
		caddy.Log().Warn("connections are cut off after the grace period", zap.Int64("connections", left))
	}
	certmagic.CleanUpOwnLocks(ctx, caddy.Log())
}

// sideDoor serves health and metrics.
func (n *Node) sideDoor() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		switch {
		case n.draining.Load():
			http.Error(w, "draining", http.StatusServiceUnavailable)
		case !n.ready.Load():
			http.Error(w, "no table is loaded yet", http.StatusServiceUnavailable)
		default:
			_, _ = w.Write([]byte("ok\n")) // who does not listen is not told
		}
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(n.metrics.registry, promhttp.HandlerOpts{}))
	return mux
}

// follow reads the container again and again.
func (n *Node) follow(ctx context.Context) {
	poll := time.NewTicker(time.Duration(n.settings.PollInterval))
	defer poll.Stop()
	for {
		n.step(ctx)
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		}
	}
}

func (n *Node) step(ctx context.Context) {
	changed, err := n.documents.poll(ctx)
	if ctx.Err() != nil {
		return
	}
	n.storageError = brief(err)
	whole := err == nil
	if err != nil {
		n.metrics.pollFailures.Inc()
		caddy.Log().Warn("the container cannot be read; what was read before is served", zap.Error(err))
		if !n.ready.Load() && n.documents.restore() {
			changed, whole = true, true
		}
	} else {
		n.metrics.loaded.SetToCurrentTime()
	}
	if changed {
		n.settle()
	}
	if whole && n.running.config != nil { // half of what there is would refuse hosts that have a route
		n.ready.Store(true)
	}
	n.report(ctx)
}

// settle takes over what was read.
func (n *Node) settle() {
	n.documents.settle(n.apply)
	fresh := newTable(n.documents.merged(), n.documents.byHost(), n.metrics)
	n.table.Store(fresh)
	n.metrics.keepOnly(fresh)
	n.metrics.swaps.Inc()
	n.metrics.hostCount.Set(float64(len(fresh.hosts)))
	refused := 0
	for name, document := range n.documents.status() {
		if document.Error != "" {
			refused++
			caddy.Log().Error("a document is not served as it is", zap.String("object", name), zap.String("error", document.Error))
		}
	}
	n.metrics.refused.Set(float64(refused))
	if n.running.config != nil {
		if err := n.running.handshakes.manage(fresh); err != nil {
			caddy.Log().Error("ask for certificates", zap.Error(err))
		}
	}
	caddy.Log().Info("table loaded", zap.Int("hosts", len(fresh.hosts)), zap.Int("certificates", len(fresh.certificates)), zap.Int("refused", refused))
}

// apply serves by another configuration. Upstreams that the present table still leads to stay until the next time.
func (n *Node) apply(config reverseproxy.Config) error {
	if before := n.config.Load(); before != nil {
		config.Upstreams = maps.Clone(config.Upstreams)
		for _, entry := range n.table.Load().hosts {
			name := entry.route.Upstream
			if _, ok := config.Upstreams[name]; !ok && name != "" {
				config.Upstreams[name] = before.Upstreams[name]
			}
		}
	}
	data, err := n.caddyConfig(config.TLS)
	if err != nil {
		return err
	}
	if n.running.config != nil { // what cannot be served does not make Caddy reload
		next, err := newService(n.running.servers, config)
		if err != nil {
			return err
		}
		if bytes.Equal(data, n.running.config) {
			n.serve(next, &config)
			return nil
		}
		next.release() // upstreams live in the Caddy that they are made for
	}
	// When Caddy runs already, requests on connections that are being opened are lost; see service.
	if err := caddy.Load(data, true); err != nil {
		return fmt.Errorf("start with it: %w", err)
	}
	n.running = n.loading
	n.running.config = data
	n.metrics.reloads.Inc()
	next, err := newService(n.running.servers, config)
	if err != nil {
		return err
	}
	n.serve(next, &config)
	return nil
}

func (n *Node) serve(next *service, config *reverseproxy.Config) {
	n.service.Swap(next).release()
	n.config.Store(config)
}

// caddyConfig is the configuration of Caddy with these settings of TLS.
func (n *Node) caddyConfig(config reverseproxy.TLS) ([]byte, error) {
	authority := ""
	if acme := config.ACME; acme != nil && acme.CA != "" {
		// Caddy wants a file, and does not look whether it has changed.
		authority = filepath.Join(n.directory, fmt.Sprintf("acme-ca-%x.pem", sha256.Sum256([]byte(acme.CA))))
		if err := os.WriteFile(authority, []byte(acme.CA), 0o600); err != nil {
			return nil, fmt.Errorf("write what the ACME directory is trusted by: %w", err)
		}
	}
	return caddyConfig(n.settings, config, authority)
}

// report writes the status when it has changed, or when it is due.
func (n *Node) report(ctx context.Context) {
	status := reverseproxy.Status{
		Node: n.settings.Node, Version: n.version, Started: n.started, Draining: n.draining.Load(),
		ClockSkew: reverseproxy.Duration(n.container.clockSkew()), StorageError: n.storageError,
		Documents: n.documents.status(), Certificates: n.documents.certificateStatus(), Hosts: len(n.table.Load().hosts),
	}
	if reflect.DeepEqual(status, n.reported) && time.Since(n.reportedAt) < reverseproxy.StatusInterval {
		return
	}
	full := status
	full.Time = time.Now().UTC()
	data, err := full.Encode()
	if err != nil {
		caddy.Log().Error("status", zap.Error(err))
		return
	}
	if err := n.container.put(ctx, reverseproxy.StatusObject(n.settings.Node), data, nil); err != nil {
		caddy.Log().Warn("the status cannot be written", zap.Error(err))
		return
	}
	n.reported, n.reportedAt = status, time.Now()
}
