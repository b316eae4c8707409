package edge

import (
	"bytes"
	"io"
	"slices"
	"strings"
)

// hostRewriter puts another host in the place of some in what it reads. It holds back only what may be the begin of one, so
// that a stream stays one.
type hostRewriter struct {
	from   io.ReadCloser
	hosts  [][]byte // longest first
	prefix []byte   // taken away after a host
	with   []byte

	raw   []byte // read, not yet looked at
	ready []byte // looked at, not yet given
	last  [6]byte
	err   error
	chunk []byte
}

func newHostRewriter(from io.ReadCloser, hosts []string, prefix, with string) *hostRewriter {
	w := &hostRewriter{from: from, prefix: []byte(prefix), with: []byte(with), chunk: make([]byte, 16<<10)}
	for _, host := range slices.SortedFunc(slices.Values(hosts), func(a, b string) int { return len(b) - len(a) }) {
		if host != "" && host != with {
			w.hosts = append(w.hosts, []byte(host))
		}
	}
	return w
}

// Close closes what is read from.
func (w *hostRewriter) Close() error { return w.from.Close() }

// Read gives what is sure.
func (w *hostRewriter) Read(p []byte) (int, error) {
	for len(w.ready) == 0 {
		if w.err != nil {
			return 0, w.err
		}
		n, err := w.from.Read(w.chunk)
		w.raw, w.err = append(w.raw, w.chunk[:n]...), err
		w.advance(err != nil)
	}
	n := copy(p, w.ready)
	w.ready = w.ready[n:]
	return n, nil
}

// advance moves what is sure from raw to ready; at the end all is.
func (w *hostRewriter) advance(end bool) {
	w.ready = w.ready[:0]
	for len(w.raw) > 0 {
		at, host := w.first()
		if at < 0 {
			keep := 0
			if !end {
				keep = w.tail()
			}
			w.pass(len(w.raw) - keep)
			return
		}
		// Whether it is the host, and not a part of a longer one, is seen in what follows.
		need := at + len(host) + len(w.prefix) + 2
		if len(w.raw) < need && !end {
			w.pass(at)
			return
		}
		w.pass(at)
		if !w.standsAlone(w.raw[len(host):]) {
			w.pass(1)
			continue
		}
		w.ready = append(w.ready, w.with...)
		w.raw = w.raw[len(host):]
		if rest, ok := bytes.CutPrefix(w.raw, w.prefix); ok && len(w.prefix) > 0 && (len(rest) == 0 || !inPath(rest[0])) {
			w.raw = rest
		}
		w.note(w.with)
	}
}

// first finds the first of the hosts in raw.
func (w *hostRewriter) first() (at int, host []byte) {
	at = -1
	for _, candidate := range w.hosts {
		if i := bytes.Index(w.raw, candidate); i >= 0 && (at < 0 || i < at) {
			at, host = i, candidate
		}
	}
	return at, host
}

// tail is how much at the end of raw may be the begin of a host.
func (w *hostRewriter) tail() int {
	longest := 0
	for _, host := range w.hosts {
		for n := min(len(host)-1, len(w.raw)); n > longest; n-- {
			if bytes.HasSuffix(w.raw, host[:n]) {
				longest = n
				break
			}
		}
	}
	return longest
}

func (w *hostRewriter) pass(n int) {
	w.ready = append(w.ready, w.raw[:n]...)
	w.note(w.raw[:n])
	w.raw = w.raw[n:]
}

// note remembers the last bytes that passed.
func (w *hostRewriter) note(p []byte) {
	if len(p) >= len(w.last) {
		copy(w.last[:], p[len(p)-len(w.last):])
		return
	}
	copy(w.last[:], w.last[len(p):])
	copy(w.last[len(w.last)-len(p):], p)
}

// standsAlone tells whether the host at the begin of raw is a whole one, neither the end nor the begin of a longer name.
func (w *hostRewriter) standsAlone(after []byte) bool {
	before := w.last[len(w.last)-1]
	if inName(before) || before == '.' {
		escaped := strings.ToLower(string(w.last[:])) // a slash as addresses in addresses and scripts write it
		if !strings.HasSuffix(escaped, "%2f") && !strings.HasSuffix(escaped, `\u002f`) && !strings.HasSuffix(escaped, "%40") {
			return false
		}
	}
	if len(after) == 0 {
		return true
	}
	return !inName(after[0]) && (after[0] != '.' || len(after) < 2 || !inName(after[1]))
}

func inName(c byte) bool {
	return c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// inPath tells whether a path's segment goes on.
func inPath(c byte) bool { return inName(c) || c == '.' || c == '~' || c == '%' }
