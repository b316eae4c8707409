package keymanager

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/youmark/pkcs8"
	"golang.org/x/crypto/ssh"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
)

const pemCertificate = "CERTIFICATE"

// parseCertificates reads certificates in PEM, of which there must be one at least and nothing else.
func parseCertificates(at path.Path, text string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != pemCertificate {
			return nil, lifecycle.Invalid(at, "it must have certificates only, and has a %s: a private key belongs in private_key", block.Type)
		}
		parsed, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, lifecycle.Invalid(at, "it must be certificates in PEM; number %d cannot be read: %w", len(all)+1, err)
		}
		all = append(all, parsed)
	}
	if len(all) == 0 {
		return nil, lifecycle.Invalid(at, "it must be a certificate in PEM, which begins with -----BEGIN CERTIFICATE-----")
	}
	return all, nil
}

// checkOrder holds that each certificate of a chain is signed by the next.
func checkOrder(chain []*x509.Certificate) error {
	for i, signed := range chain[:len(chain)-1] {
		signer := chain[i+1]
		if err := signed.CheckSignatureFrom(signer); err != nil {
			at := path.Root("intermediates")
			return lifecycle.Invalid(at, "each certificate must be signed by the next one: %s is signed by %s, and after it comes %s",
				subject(signed), issuer(signed), subject(signer))
		}
	}
	return nil
}

func subject(c *x509.Certificate) string {
	if name := c.Subject.String(); name != "" {
		return name
	}
	if names := namesOf(c); len(names) > 0 {
		return names[0]
	}
	return "a certificate without a name"
}

func issuer(c *x509.Certificate) string { return c.Issuer.String() }

// namesOf are the names that clients may know the certificate's holder by.
func namesOf(c *x509.Certificate) []string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 && c.Subject.CommonName != "" {
		names = append(names, c.Subject.CommonName)
	}
	return names
}

func sameChain(a, b []*x509.Certificate) bool {
	return slices.EqualFunc(a, b, func(x, y *x509.Certificate) bool { return bytes.Equal(x.Raw, y.Raw) })
}

// encode writes certificates in PEM.
func encode(chain []*x509.Certificate) string {
	var text bytes.Buffer
	for _, c := range chain {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: c.Raw}))
	}
	return text.String()
}

// signer is a private key that knows its public one.
type signer interface {
	Public() crypto.PublicKey
}

// parseKey reads a private key in any of the forms that OpenSSL writes.
func parseKey(text, passphrase string) (signer, error) {
	at := path.Root("private_key")
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, lifecycle.Invalid(at, "it must be a private key in PEM, which begins with -----BEGIN PRIVATE KEY----- or the like")
	}
	if block.Type == pemCertificate {
		return nil, lifecycle.Invalid(at, "it must be a private key, and is a certificate")
	}
	encrypted := block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != ""
	var key any
	var err error
	switch {
	case encrypted && passphrase == "":
		return nil, lifecycle.Invalid(path.Root("private_key_passphrase"), "the private key is encrypted: it must be given")
	case !encrypted && passphrase != "":
		return nil, lifecycle.Invalid(path.Root("private_key_passphrase"), "the private key is not encrypted: leave it out")
	case block.Type == "ENCRYPTED PRIVATE KEY":
		key, err = pkcs8.ParsePKCS8PrivateKey(block.Bytes, []byte(passphrase))
	case encrypted:
		key, err = ssh.ParseRawPrivateKeyWithPassphrase([]byte(text), []byte(passphrase))
	default:
		key, err = parsePlainKey(block)
	}
	if err != nil && encrypted {
		return nil, lifecycle.Invalid(path.Root("private_key_passphrase"), "it must be that of the private key, which cannot be decrypted: %w", err)
	}
	if err != nil {
		return nil, lifecycle.Invalid(at, "it must be a private key in PEM: %w", err)
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return key, nil
	case *ecdsa.PrivateKey:
		return key, nil
	}
	return nil, lifecycle.Invalid(at, "it must be an RSA or ECDSA key, which load balancers can use; this is %T", key)
}

func parsePlainKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	}
	return nil, fmt.Errorf("this is a %s", block.Type)
}

// checkPair holds that the key is that of the first certificate.
func checkPair(chain []*x509.Certificate, key signer) error {
	is := func(c *x509.Certificate) bool {
		public, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
		return ok && public.Equal(key.Public())
	}
	if is(chain[0]) {
		return nil
	}
	for _, c := range chain[1:] {
		if is(c) {
			return lifecycle.Invalid(path.Root("certificate"), "the certificate of the private key must come first: it is that of %s", subject(c))
		}
	}
	return lifecycle.Invalid(path.Root("private_key"), "it must be the key of the certificate of %s, and is that of another one", subject(chain[0]))
}

// bundle is a PKCS#12 file without a password, as Octavia wants it.
func bundle(chain []*x509.Certificate, key signer) ([]byte, error) {
	content, err := pkcs12.Modern2023.Encode(key, chain[0], chain[1:], "")
	if err != nil {
		return nil, fmt.Errorf("bundle the certificate: %w", err)
	}
	if len(content) > maxPayload {
		return nil, lifecycle.Invalid(path.Root("intermediates"), "the bundle of certificate, key and %d intermediates must have at most %d bytes, and has %d",
			len(chain)-1, maxPayload, len(content))
	}
	return content, nil
}

// unbundle reads the certificates of a PKCS#12 file without a password.
func unbundle(content []byte) ([]*x509.Certificate, error) {
	_, leaf, rest, err := pkcs12.DecodeChain(content, "")
	if err != nil {
		return nil, err
	}
	if leaf == nil {
		return nil, errors.New("it holds no certificate")
	}
	return append([]*x509.Certificate{leaf}, rest...), nil
}
