package reverseproxy

import (
	"encoding/json"
	"fmt"
	"time"
)

// StatusInterval is how often a node writes its status when nothing changes.
const StatusInterval = 10 * time.Second

// StatusLife is for how long after its last status a node counts as living.
const StatusLife = 4 * StatusInterval

// Status is status/<node>.json: what a node serves. Judge its age by the time at which the object was written, which is the
// object storage's clock, and not by Time, which is the node's.
type Status struct {
	Format  int       `json:"format"`
	Node    string    `json:"node"`
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Time    time.Time `json:"time"`
	// Draining is true from the moment the node is asked to stop. It removes its status when it is done.
	Draining bool `json:"draining,omitempty"`
	// ClockSkew is by how much the node's clock is ahead of the object storage's, when that is more than a few seconds.
	ClockSkew Duration `json:"clock_skew,omitempty"`
	// Documents are by object name.
	Documents map[string]DocumentStatus `json:"documents"`
	Hosts     int                       `json:"hosts"`
	// Certificates are the user's own, by name.
	Certificates map[string]CertificateStatus `json:"certificates,omitempty"`
	// StorageError is why the container could not be read the last time; the node serves what it has.
	StorageError string `json:"storage_error,omitempty"`
}

// DocumentStatus is what became of a document.
type DocumentStatus struct {
	// Seen is the ETag of the newest version that the node has read.
	Seen string `json:"seen"`
	// Loaded is the ETag of the version that it serves: Seen, unless that one was refused. "" when it serves none.
	Loaded string `json:"loaded,omitempty"`
	// Error is why the version Seen was refused.
	Error string `json:"error,omitempty"`
}

// CertificateStatus is a certificate as it is served.
type CertificateStatus struct {
	Hosts    []string  `json:"hosts"`
	NotAfter time.Time `json:"not_after"`
}

// Encode writes the document.
func (s Status) Encode() ([]byte, error) {
	s.Format = Format
	data, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return nil, fmt.Errorf("write the status: %w", err)
	}
	return append(data, '\n'), nil
}

// DecodeStatus reads the document.
func DecodeStatus(data []byte) (Status, error) {
	var status Status
	return status, decode("status", data, &status)
}

// Living tells whether a node whose status was written then counts as living now, both by the clock of the object storage.
func Living(written, now time.Time) bool { return now.Sub(written) < StatusLife }
