package simulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"sync"
	"time"
)

// Fault makes requests go wrong. It matches by method, service and path (empty matches all), lets the
// first After matches pass and then strikes Count times (always when Count is 0). Of several
// faults the first that strikes wins.
type Fault struct {
	Method  string `json:"method,omitempty"`
	Service string `json:"service,omitempty"`
	// Path is a regular expression that is searched in the path below the service's prefix.
	Path  string `json:"path,omitempty"`
	After int    `json:"after,omitempty"`
	Count int    `json:"count,omitempty"`

	// Delay holds the request back before anything else.
	Delay time.Duration `json:"-"`
	// Status answers with this status, Header and Body instead of the service's own answer.
	Status int               `json:"status,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	Body   string            `json:"body,omitempty"`
	// Drop closes the connection without an answer.
	Drop bool `json:"drop,omitempty"`
	// Late carries the request out before it is answered so or dropped.
	Late bool `json:"late,omitempty"`
}

// plainFault has no methods, so that the two below do not call themselves.
type plainFault Fault

type wireFault struct {
	plainFault
	Delay string `json:"delay,omitempty"`
}

// MarshalJSON writes the delay as text, such as "2s".
func (f Fault) MarshalJSON() ([]byte, error) {
	wire := wireFault{plainFault: plainFault(f)}
	if f.Delay != 0 {
		wire.Delay = f.Delay.String()
	}
	return json.Marshal(wire)
}

// UnmarshalJSON reads the delay from text, such as "2s".
func (f *Fault) UnmarshalJSON(text []byte) error {
	var wire wireFault
	if err := json.Unmarshal(text, &wire); err != nil {
		return err
	}
	*f = Fault(wire.plainFault)
	if wire.Delay == "" {
		return nil
	}
	delay, err := time.ParseDuration(wire.Delay)
	if err != nil {
		return fmt.Errorf("fault: delay: %w", err)
	}
	f.Delay = delay
	return nil
}

// answers says whether the fault replaces the service's answer.
func (f *Fault) answers() bool {
	return f.Drop || f.Status != 0
}

func (f *Fault) write(w http.ResponseWriter) {
	if f.Drop {
		panic(http.ErrAbortHandler)
	}
	if json.Valid([]byte(f.Body)) {
		w.Header().Set("Content-Type", "application/json")
	}
	w.Header().Set("X-Openstack-Request-Id", "req-"+newUUID())
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(f.Status)
	// A client that went away is its own fault.
	_, _ = io.WriteString(w, f.Body)
}

// ProjectBusy is what Octavia answers to a create when it waits too long for the lock on the project's quota, as when many
// requests come at once. Nothing is made, and the load balancer stays as it was.
func ProjectBusy(count int) Fault {
	return Fault{
		Method: http.MethodPost, Service: "load-balancer", Path: "/lbaas/", Count: count, Status: http.StatusServiceUnavailable,
		Body: `{"faultcode": "Server", "faultstring": "Project busy.  Unable to lock the project.  Please try again.", "debuginfo": null}`,
	}
}

type armedFault struct {
	Fault
	path    *regexp.Regexp
	matched int
}

type faultList struct {
	mu    sync.Mutex
	armed []*armedFault
}

// AddFault arms a fault.
func (s *Simulator) AddFault(f Fault) error {
	path, err := regexp.Compile(f.Path)
	if err != nil {
		return fmt.Errorf("fault: path: %w", err)
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.armed = append(s.faults.armed, &armedFault{Fault: f, path: path})
	return nil
}

// ClearFaults disarms all faults.
func (s *Simulator) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.armed = nil
}

// Faults are the armed faults.
func (s *Simulator) Faults() []Fault {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	faults := []Fault{}
	for _, f := range s.faults.armed {
		faults = append(faults, f.Fault)
	}
	return faults
}

func (l *faultList) match(r Request) *Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.armed {
		if f.Method != "" && f.Method != r.Method || f.Service != "" && f.Service != r.Service || !f.path.MatchString(r.Path) {
			continue
		}
		f.matched++
		if f.matched <= f.After || f.Count > 0 && f.matched > f.After+f.Count {
			continue
		}
		return &f.Fault
	}
	return nil
}
