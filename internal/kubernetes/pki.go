// Package kubernetes knows how RKE2 and k3s clusters are made and kept: their
// certificate authorities and tokens, the configuration of their nodes, and the
// cluster's API. It knows nothing of Terraform and nothing of OpenStack.
package kubernetes

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

const (
	// clockSkew is how far back certificates begin, because a node's clock may lag
	// behind that of the machine that signs.
	clockSkew = time.Hour

	rootLifetime      = 20 * 365 * 24 * time.Hour
	authorityLifetime = 10 * 365 * 24 * time.Hour
)

// KeyPair is a PEM certificate, followed by its issuers, and its PEM private key.
type KeyPair struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

// Bundle holds every secret a cluster is founded on. All of it exists before the
// first server, so that the cluster can be reached without asking a server for
// its secrets.
type Bundle struct {
	Root              KeyPair `json:"root"`
	ServerCA          KeyPair `json:"server_ca"`
	ClientCA          KeyPair `json:"client_ca"`
	RequestHeaderCA   KeyPair `json:"request_header_ca"`
	EtcdServerCA      KeyPair `json:"etcd_server_ca"`
	EtcdPeerCA        KeyPair `json:"etcd_peer_ca"`
	ServiceAccountKey string  `json:"service_account_key"`
	ServerSecret      string  `json:"server_secret"`
	AgentSecret       string  `json:"agent_secret"`
}

// NewBundle makes the authorities, keys and secrets of the named cluster.
func NewBundle(cluster string, now time.Time) (*Bundle, error) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate the root key: %w", err)
	}
	rootTemplate, err := authorityTemplate(cluster+" root", now, rootLifetime)
	if err != nil {
		return nil, err
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, rootTemplate, rootTemplate, rootKey.Public(), rootKey)
	if err != nil {
		return nil, fmt.Errorf("sign the root certificate: %w", err)
	}
	root, err := x509.ParseCertificate(rootDER)
	if err != nil {
		return nil, fmt.Errorf("read the root certificate back: %w", err)
	}
	rootPair, err := keyPair(rootKey, root)
	if err != nil {
		return nil, err
	}

	bundle := &Bundle{Root: rootPair}
	for _, authority := range []struct {
		name string
		into *KeyPair
	}{
		{"server-ca", &bundle.ServerCA},
		{"client-ca", &bundle.ClientCA},
		{"request-header-ca", &bundle.RequestHeaderCA},
		{"etcd-server-ca", &bundle.EtcdServerCA},
		{"etcd-peer-ca", &bundle.EtcdPeerCA},
	} {
		template, err := authorityTemplate(cluster+" "+authority.name, now, authorityLifetime)
		if err != nil {
			return nil, err
		}
		template.MaxPathLenZero = true
		if *authority.into, err = issue(template, root, rootKey, root); err != nil {
			return nil, fmt.Errorf("issue %s: %w", authority.name, err)
		}
	}

	serviceKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate the service account key: %w", err)
	}
	if bundle.ServiceAccountKey, err = encodeKey(serviceKey); err != nil {
		return nil, err
	}
	if bundle.ServerSecret, err = secret(); err != nil {
		return nil, err
	}
	if bundle.AgentSecret, err = secret(); err != nil {
		return nil, err
	}
	return bundle, nil
}

// ServerToken is what another server joins with.
func (b *Bundle) ServerToken() (string, error) { return b.token("server", b.ServerSecret) }

// AgentToken is what an agent joins with. It opens nothing else.
func (b *Bundle) AgentToken() (string, error) { return b.token("node", b.AgentSecret) }

func (b *Bundle) token(role, secret string) (string, error) {
	root, err := parseCertificate(b.Root.Certificate)
	if err != nil {
		return "", fmt.Errorf("root certificate: %w", err)
	}
	digest := sha256.Sum256(root.Raw)
	return "K10" + hex.EncodeToString(digest[:]) + "::" + role + ":" + secret, nil
}

// SeedFiles are the files of server/tls that the first server starts from. A
// distribution that finds only some of them makes the rest itself, and tokens of
// service accounts then fail, so all are always written. The root's key stays home.
func (b *Bundle) SeedFiles() map[string]string {
	return map[string]string{
		"root-ca.pem":           b.Root.Certificate,
		"server-ca.crt":         b.ServerCA.Certificate,
		"server-ca.key":         b.ServerCA.Key,
		"client-ca.crt":         b.ClientCA.Certificate,
		"client-ca.key":         b.ClientCA.Key,
		"request-header-ca.crt": b.RequestHeaderCA.Certificate,
		"request-header-ca.key": b.RequestHeaderCA.Key,
		"etcd/server-ca.crt":    b.EtcdServerCA.Certificate,
		"etcd/server-ca.key":    b.EtcdServerCA.Key,
		"etcd/peer-ca.crt":      b.EtcdPeerCA.Certificate,
		"etcd/peer-ca.key":      b.EtcdPeerCA.Key,
		"service.key":           b.ServiceAccountKey,
	}
}

const (
	// AdminGroup is the group that admin certificates are made for. A manifest binds
	// it to cluster-admin; whoever removes that binding revokes the certificates,
	// which system:masters would not allow.
	AdminGroup = "massif:admins"
	// AdminUser is the name that they have in the audit log.
	AdminUser = "massif-admin"

	// AdminLifetime is how long an admin certificate is valid.
	AdminLifetime = 90 * 24 * time.Hour
	// AdminRenewBefore is how long before its end an admin certificate is renewed.
	AdminRenewBefore = 30 * 24 * time.Hour
)

// NewAdminCertificate issues a client certificate for the cluster's administrators.
func (b *Bundle) NewAdminCertificate(now time.Time) (KeyPair, error) {
	return b.NewClientCertificate(AdminUser, []string{AdminGroup}, now, AdminLifetime)
}

// NewClientCertificate issues a certificate by which the API knows a user and their groups.
func (b *Bundle) NewClientCertificate(user string, groups []string, now time.Time, lifetime time.Duration) (KeyPair, error) {
	issuer, err := parseCertificate(b.ClientCA.Certificate)
	if err != nil {
		return KeyPair{}, fmt.Errorf("client CA: %w", err)
	}
	issuerKey, err := parseKey(b.ClientCA.Key)
	if err != nil {
		return KeyPair{}, fmt.Errorf("client CA: %w", err)
	}
	serial, err := serialNumber()
	if err != nil {
		return KeyPair{}, err
	}
	pair, err := issue(&x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: user, Organization: groups},
		NotBefore:    now.Add(-clockSkew).UTC(),
		NotAfter:     now.Add(lifetime).UTC(),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, issuer, issuerKey)
	if err != nil {
		return KeyPair{}, fmt.Errorf("issue a certificate for %s: %w", user, err)
	}
	return pair, nil
}

// CertificateExpiry says until when the first certificate of a PEM text is valid.
func CertificateExpiry(certificate string) (time.Time, error) {
	parsed, err := parseCertificate(certificate)
	if err != nil {
		return time.Time{}, err
	}
	return parsed.NotAfter, nil
}

// CertificateNeedsRenewal says whether a certificate is within AdminRenewBefore of
// its end. One that cannot be read needs renewal too.
func CertificateNeedsRenewal(certificate string, now time.Time) bool {
	expiry, err := CertificateExpiry(certificate)
	return err != nil || !now.Before(expiry.Add(-AdminRenewBefore))
}

func authorityTemplate(name string, now time.Time, lifetime time.Duration) (*x509.Certificate, error) {
	serial, err := serialNumber()
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-clockSkew).UTC(),
		NotAfter:              now.Add(lifetime).UTC(),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}, nil
}

// issue makes a key and a certificate for it, followed by the chain of its issuers.
func issue(template, issuer *x509.Certificate, issuerKey crypto.Signer, chain ...*x509.Certificate) (KeyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return KeyPair{}, fmt.Errorf("generate key: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey)
	if err != nil {
		return KeyPair{}, fmt.Errorf("sign certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return KeyPair{}, fmt.Errorf("read certificate back: %w", err)
	}
	return keyPair(key, append([]*x509.Certificate{certificate}, chain...)...)
}

func keyPair(key *ecdsa.PrivateKey, chain ...*x509.Certificate) (KeyPair, error) {
	var pair KeyPair
	for _, certificate := range chain {
		pair.Certificate += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}))
	}
	var err error
	pair.Key, err = encodeKey(key)
	return pair, err
}

// encodeKey writes SEC1 PEM, the one form of EC keys that every release of both
// distributions reads.
func encodeKey(key *ecdsa.PrivateKey) (string, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("encode key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})), nil
}

func parseCertificate(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("no PEM certificate found")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse certificate: %w", err)
	}
	return certificate, nil
}

func parseKey(text string) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "EC PRIVATE KEY" {
		return nil, errors.New("no PEM EC key found")
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse key: %w", err)
	}
	return key, nil
}

func serialNumber() (*big.Int, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("generate serial number: %w", err)
	}
	return serial.Add(serial, big.NewInt(1)), nil
}

func secret() (string, error) {
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("generate secret: %w", err)
	}
	return hex.EncodeToString(raw), nil
}
