package reverseproxy

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Certificate is a certificate of the user's own with its key.
type Certificate struct {
	Chain []byte // PEM, the certificate first
	Key   []byte // PEM
}

type certificateDocument struct {
	Format int    `json:"format"`
	Chain  string `json:"chain"`
	Key    []byte `json:"key"` // encrypted
}

// Encode writes the document for the certificate of that name. Each time the encrypted key differs.
func (c Certificate) Encode(name string, cipher *Cipher) ([]byte, error) {
	data, err := json.Marshal(certificateDocument{Format: Format, Chain: string(c.Chain), Key: cipher.Seal(CertificateObject(name), c.Key)})
	if err != nil {
		return nil, fmt.Errorf("write the certificate: %w", err)
	}
	return data, nil
}

// DecodeCertificate reads the document; Check tells whether what it holds can be served.
func DecodeCertificate(name string, data []byte, cipher *Cipher) (Certificate, error) {
	var document certificateDocument
	if err := decode(CertificateObject(name), data, &document); err != nil {
		return Certificate{}, err
	}
	key, err := cipher.Open(CertificateObject(name), document.Key)
	if err != nil {
		return Certificate{}, fmt.Errorf("the key of certificate %q %w", name, err)
	}
	return Certificate{Chain: []byte(document.Chain), Key: key}, nil
}

// DecodeChain reads only what is not encrypted of the document.
func DecodeChain(name string, data []byte) ([]byte, error) {
	var document certificateDocument
	err := decode(CertificateObject(name), data, &document)
	return []byte(document.Chain), err
}

// CertificateInfo is what a certificate says of itself.
type CertificateInfo struct {
	Hosts     []string // in the form that Host gives; what is no host there is left out
	NotBefore time.Time
	NotAfter  time.Time
}

// ParseChain reads a chain without its key.
func ParseChain(chain []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for block, rest := pem.Decode(chain); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("holds a %s; only certificates belong there", block.Type)
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("holds a certificate that cannot be read: %w", err)
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		return nil, errors.New("holds no certificate in PEM form")
	}
	for i, one := range all[:len(all)-1] {
		if one.CheckSignatureFrom(all[i+1]) != nil {
			return nil, fmt.Errorf("the certificates are out of order: number %d (%s) did not sign number %d (%s)", i+2, all[i+1].Subject, i+1, one.Subject)
		}
	}
	return all, nil
}

// Info reads a chain without its key and tells what is wrong with it now.
func (c Certificate) Info(now time.Time) (CertificateInfo, error) {
	var found problems
	chain, err := ParseChain(c.Chain)
	if err != nil {
		found.add(err, "chain")
		return CertificateInfo{}, found.err()
	}
	leaf := chain[0]
	info := CertificateInfo{NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter}
	for _, name := range leaf.DNSNames {
		if host, err := Host(name); err == nil && !slices.Contains(info.Hosts, host) {
			info.Hosts = append(info.Hosts, host)
		}
	}
	switch {
	case now.After(leaf.NotAfter):
		found.addf([]string{"chain"}, "the certificate expired on %s", leaf.NotAfter.UTC().Format(time.DateTime))
	case now.Before(leaf.NotBefore):
		found.addf([]string{"chain"}, "the certificate is not valid before %s", leaf.NotBefore.UTC().Format(time.DateTime))
	case leaf.IsCA && len(leaf.DNSNames) == 0:
		found.addf([]string{"chain"}, "the first certificate is that of an authority, not of a host")
	case len(info.Hosts) == 0:
		found.addf([]string{"chain"}, "the certificate names no host; browsers ignore its common name")
	}
	return info, found.err()
}

// Check tells everything that is wrong with the certificate now; the problems' paths are chain and key.
func (c Certificate) Check(now time.Time) (CertificateInfo, error) {
	info, err := c.Info(now)
	if err != nil {
		return info, err
	}
	if _, err := tls.X509KeyPair(c.Chain, c.Key); err != nil {
		var found problems
		switch {
		case strings.Contains(err.Error(), "does not match"):
			found.addf([]string{"key"}, "the key is not that of the certificate")
		default:
			found.addf([]string{"key"}, "no private key in PEM form without a passphrase: %w", err)
		}
		return info, found.err()
	}
	return info, nil
}

// Covers tells whether one of the hosts of a certificate is the host, or a wildcard that it is matched by.
func (i CertificateInfo) Covers(host string) bool {
	return slices.Contains(i.Hosts, host) || (!strings.HasPrefix(host, "*.") && slices.Contains(i.Hosts, Wildcard(host)))
}
