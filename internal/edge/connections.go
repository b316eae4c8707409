package edge

import (
	"net"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// connections counts those that are open: Caddy stops without waiting for them, the node does not.
type connections struct{ node *Node }

var _ caddy.ListenerWrapper = (*connections)(nil)

// CaddyModule tells Caddy about the module; each is the node's.
func (c connections) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.listeners.massif", New: func() caddy.Module { return &connections{c.node} }}
}

// WrapListener counts what the listener accepts.
func (c *connections) WrapListener(l net.Listener) net.Listener { return countedListener{l, c.node} }

type countedListener struct {
	net.Listener
	node *Node
}

// Accept counts a connection.
func (l countedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.node.open.Add(1)
	return &countedConn{Conn: conn, gone: sync.OnceFunc(func() { l.node.open.Add(-1) })}, nil
}

type countedConn struct {
	net.Conn
	gone func()
}

// Close counts the connection no more.
func (c *countedConn) Close() error {
	defer c.gone()
	return c.Conn.Close()
}

// waitForConnections waits until none is open, or as long as they may take.
func (n *Node) waitForConnections() (left int64) {
	for end := time.Now().Add(time.Duration(n.settings.GracePeriod)); time.Now().Before(end); <-time.After(20 * time.Millisecond) {
		if n.open.Load() == 0 {
			return 0
		}
	}
	return n.open.Load()
}
