package simulator

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// Request is one request that was answered.
type Request struct {
	Method string `json:"method"`
	// Service is the catalog type, such as "network"; empty when no service has that path.
	Service string `json:"service"`
	// Path is the path below the service's prefix, such as "/v2.0/networks".
	Path  string `json:"path"`
	Query string `json:"query"`
	// Status is 0 when the connection was dropped.
	Status   int           `json:"status"`
	Start    time.Time     `json:"start"`
	Duration time.Duration `json:"duration"`
}

// kept is how many requests the log holds, so that a simulator can run for weeks.
const kept = 200_000

type requestLog struct {
	mu      sync.Mutex
	entries []Request
}

func (l *requestLog) add(entry Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) >= kept {
		l.entries = slices.Delete(l.entries, 0, kept/2)
	}
	l.entries = append(l.entries, entry)
}

// Requests are the requests since the start or the last ResetRequests, in the order of their answers.
func (s *Simulator) Requests() []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return slices.Clone(s.log.entries)
}

// ResetRequests empties the request log.
func (s *Simulator) ResetRequests() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.entries = nil
}

// statusRecorder notes the status of an answer.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (w *statusRecorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusRecorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// discard is a writer for answers that nobody gets.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}
