package edge

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// response notes what a request was answered with, and adds what each answer has.
type response struct {
	*caddyhttp.ResponseWriterWrapper

	hsts    string
	closing bool // ask the client to come again by another connection

	status int
	sent   int64
}

// WriteHeader sends the status.
func (w *response) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.status = status
		if w.hsts != "" {
			w.Header().Set("Strict-Transport-Security", w.hsts)
		}
		if w.closing && status != http.StatusSwitchingProtocols {
			w.Header().Set("Connection", "close") // HTTP/2 turns it into GOAWAY
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body.
func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(p)
	w.sent += int64(n)
	return n, err
}

// ReadFrom sends a body as the connection does best.
func (w *response) ReadFrom(from io.Reader) (int64, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriterWrapper.ReadFrom(from)
	w.sent += n
	return n, err
}

// Hijack gives the connection away, to websockets.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffer, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil && w.status == 0 {
		w.status = http.StatusSwitchingProtocols
	}
	return conn, buffer, err
}

// countedBody counts the bytes of a request's body.
type countedBody struct {
	io.ReadCloser
	read atomic.Int64 // the transport may still read when the request is answered
}

// Read counts what it reads.
func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	return n, err
}
