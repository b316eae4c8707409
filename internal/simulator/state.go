package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// saveDelay collects changes before the state file is written.
const saveDelay = 300 * time.Millisecond

// load reads the state file, or seeds the services when there is none yet.
func (s *Simulator) load() error {
	text, err := s.readStateFile()
	if err != nil {
		return err
	}
	if text == nil {
		for _, service := range s.registered {
			if service.seed != nil {
				service.seed()
			}
		}
		return nil
	}
	var file stateFile
	if err := json.Unmarshal(text, &file); err != nil {
		return fmt.Errorf("state file %s: %w", s.options.StateFile, err)
	}
	s.sequence = file.Sequence
	for _, service := range s.registered {
		raw, ok := file.Services[service.kind]
		if !ok {
			// The file is older than the service.
			if service.seed != nil {
				service.seed()
			}
			continue
		}
		if err := json.Unmarshal(raw, service.state); err != nil {
			return fmt.Errorf("state file %s: %s: %w", s.options.StateFile, service.kind, err)
		}
	}
	return nil
}

// stateFile is the shape of the state file.
type stateFile struct {
	Sequence int64                      `json:"sequence"`
	Services map[string]json.RawMessage `json:"services"`
}

func (s *Simulator) readStateFile() ([]byte, error) {
	if s.options.StateFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(s.options.StateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("state file: %w", err)
	}
	return text, nil
}

// resume continues what was on its way when the state was saved.
func (s *Simulator) resume() {
	for _, service := range s.registered {
		if service.resume != nil {
			service.resume()
		}
	}
}

// changed notes that the state must be saved. The caller holds the lock.
func (s *Simulator) changed() {
	for _, service := range s.registered {
		if service.changed != nil && !s.closed {
			service.changed()
		}
	}
	if s.options.StateFile == "" || s.closed {
		return
	}
	s.dirty = true
	if s.saving != nil {
		return
	}
	s.saving = time.AfterFunc(saveDelay, func() {
		s.mu.Lock()
		s.saving = nil
		due := s.dirty && !s.closed
		s.mu.Unlock()
		if !due {
			return
		}
		if err := s.save(); err != nil {
			s.options.Logger.Error("state not saved", "error", err)
		}
	})
}

// save writes the state file beside the old one and then in its place, so that it is never half written.
func (s *Simulator) save() error {
	if s.options.StateFile == "" {
		return nil
	}
	s.saveMu.Lock()
	defer s.saveMu.Unlock()
	text, err := s.snapshot()
	if err != nil {
		return err
	}
	next := filepath.Clean(s.options.StateFile) + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	if err := os.Rename(next, s.options.StateFile); err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	return nil
}

func (s *Simulator) snapshot() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty = false
	file := stateFile{Sequence: s.sequence, Services: map[string]json.RawMessage{}}
	for _, service := range s.registered {
		if service.state == nil {
			continue
		}
		raw, err := json.Marshal(service.state)
		if err != nil {
			return nil, fmt.Errorf("state file: %s: %w", service.kind, err)
		}
		file.Services[service.kind] = raw
	}
	return json.Marshal(file)
}
