package simulator

import (
	"encoding/json"
	"net/http"
	"time"
)

// control serves /simulator/…, by which another process reads the request log, arms faults, changes
// latency and times, and asks what was left behind. Its own requests are not in the log.
func (s *Simulator) control(w http.ResponseWriter, r *http.Request) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /simulator/requests", func(w http.ResponseWriter, _ *http.Request) {
		requests := s.Requests()
		if requests == nil {
			requests = []Request{}
		}
		writeJSON(w, map[string]any{"requests": requests})
	})
	mux.HandleFunc("DELETE /simulator/requests", func(w http.ResponseWriter, _ *http.Request) {
		s.ResetRequests()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /simulator/faults", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"faults": s.Faults()})
	})
	mux.HandleFunc("POST /simulator/faults", func(w http.ResponseWriter, r *http.Request) {
		var fault Fault
		err := json.NewDecoder(r.Body).Decode(&fault)
		if err == nil {
			err = s.AddFault(fault)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /simulator/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /simulator/leftovers", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"leftovers": s.Leftovers()})
	})
	mux.HandleFunc("GET /simulator/addresses", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"addresses": s.Addresses()})
	})
	mux.HandleFunc("GET /simulator/options", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, s.wireOptions())
	})
	mux.HandleFunc("PUT /simulator/options", func(w http.ResponseWriter, r *http.Request) {
		var wire wireOptions
		err := json.NewDecoder(r.Body).Decode(&wire)
		if err == nil {
			err = s.setOptions(wire)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		writeJSON(w, s.wireOptions())
	})
	mux.ServeHTTP(w, r)
}

// wireOptions are the options that can change while the simulator runs; durations are text.
type wireOptions struct {
	Latency string            `json:"latency"`
	Times   map[string]string `json:"times"`
}

func (s *Simulator) wireOptions() wireOptions {
	s.mu.Lock()
	defer s.mu.Unlock()
	wire := wireOptions{Latency: s.options.Latency.String(), Times: map[string]string{}}
	for name, value := range s.options.Times.fields() {
		wire.Times[name] = value.String()
	}
	return wire
}

// setOptions changes all that is named, or nothing when something is wrong.
func (s *Simulator) setOptions(wire wireOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	latency, times := s.options.Latency, s.options.Times
	if wire.Latency != "" {
		var err error
		if latency, err = time.ParseDuration(wire.Latency); err != nil {
			return err
		}
	}
	for name, value := range wire.Times {
		if err := times.Set(name, value); err != nil {
			return err
		}
	}
	s.options.Latency, s.options.Times = latency, times
	return nil
}

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	// A client that went away is its own fault.
	_ = json.NewEncoder(w).Encode(body)
}
