package kubernetes

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Spec is what a node is made from and cannot change afterwards. A node is up to
// date when the hash of its spec is that of the configuration. Names, addresses,
// tokens and the text of scripts are left out, so that a new release of the
// provider rolls no node by itself; labels and taints too, for the API changes them.
type Spec struct {
	Version          string   `json:"version"`
	Flavor           string   `json:"flavor"`
	Image            string   `json:"image"`
	VolumeSize       int64    `json:"volume_size,omitempty"`
	VolumeType       string   `json:"volume_type,omitempty"`
	KeyPair          string   `json:"key_pair,omitempty"`
	SubnetID         string   `json:"subnet_id,omitempty"`
	SecurityGroupIDs []string `json:"security_group_ids,omitempty"`
	CNI              string   `json:"cni,omitempty"`
	Disable          []string `json:"disable,omitempty"`
	TLSSANs          []string `json:"tls_sans,omitempty"`
	CloudProvider    string   `json:"cloud_provider,omitempty"`
	Schedule         string   `json:"schedule,omitempty"`
	Retention        int64    `json:"retention,omitempty"`
	ExtraConfig      string   `json:"extra_config,omitempty"`
}

// Hash names the spec in a node's metadata.
func (s Spec) Hash() (string, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("hash the spec of a node: %w", err)
	}
	digest := sha256.Sum256(text)
	return hex.EncodeToString(digest[:6]), nil
}
