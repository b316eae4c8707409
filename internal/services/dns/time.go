package dns

import (
	"encoding/json"
	"fmt"
	"time"
)

// apiTime is a time as Designate writes it, without a zone: "2026-11-22T00:29:09.000000".
type apiTime struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (t *apiTime) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("read a time: %w", err)
	}
	if s == "" {
		return nil
	}
	at, err := time.Parse("2006-01-02T15:04:05.999999", s)
	if err != nil {
		return fmt.Errorf("read a time: %w", err)
	}
	t.Time = at
	return nil
}
