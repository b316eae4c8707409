package kubernetes

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	// MaxNamePart bounds the names of clusters and pools, so that a node's name,
	// <cluster>-<pool>-<5 random>, stays a DNS label of 63 characters.
	MaxNamePart = 28

	suffixLength = 5
	// suffixAlphabet lacks vowels and look-alikes, so that no suffix is a word or misread.
	suffixAlphabet = "bcdfghjklmnpqrstvwxz2456789"
)

// ValidateNamePart checks the name of a cluster or pool.
func ValidateNamePart(name string) error {
	if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
		return fmt.Errorf("%q cannot be part of a node's name: %s", name, strings.Join(problems, "; "))
	}
	if len(name) > MaxNamePart {
		return fmt.Errorf("%q has %d characters; a name may have %d, because names of nodes are made of the cluster's and the pool's",
			name, len(name), MaxNamePart)
	}
	return nil
}

// NodeName makes a name for a new node. It is random because a name is never used
// again: the cluster refuses a node whose name it knows with another password.
func NodeName(cluster, pool string) (string, error) {
	suffix := make([]byte, suffixLength)
	for i := range suffix {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(suffixAlphabet))))
		if err != nil {
			return "", fmt.Errorf("generate a node name: %w", err)
		}
		suffix[i] = suffixAlphabet[n.Int64()]
	}
	return cluster + "-" + pool + "-" + string(suffix), nil
}
