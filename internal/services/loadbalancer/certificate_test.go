package loadbalancer_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/secrets"
	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// certificate is one in the key manager, signed by itself.
type certificate struct {
	*x509.Certificate
	name, ref string
}

// certify puts a certificate for a name into the cloud's key manager.
func certify(t *testing.T, c *acctest.Cloud, name string) *certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := pkcs12.Modern.Encode(key, parsed, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	client, err := c.KeyManager()
	if err != nil {
		t.Fatal(err)
	}
	secret, err := secrets.Create(t.Context(), client, secrets.CreateOpts{
		Name: c.Prefix, Payload: base64.StdEncoding.EncodeToString(bundle),
		PayloadContentType: "application/octet-stream", PayloadContentEncoding: "base64",
	}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	made := &certificate{parsed, name, secret.SecretRef}
	t.Cleanup(func() {
		if t.Failed() {
			made.remove(t, c)
		}
	})
	return made
}

func (m *certificate) remove(t *testing.T, c *acctest.Cloud) {
	t.Helper()
	client, err := c.KeyManager()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Delete(context.WithoutCancel(t.Context()), m.ref, nil)
	if err != nil && !openstack.NotFound(err) {
		t.Error(err)
	}
	if err == nil {
		_ = resp.Body.Close()
	}
}

// trust makes a visitor accept certificates.
func (v *visitor) trust(certificates ...*certificate) {
	v.t.Helper()
	transport, ok := v.Transport.(*http.Transport)
	if !ok {
		v.t.Fatalf("the transport is %T", v.Transport)
	}
	roots := x509.NewCertPool()
	for _, c := range certificates {
		roots.AddCert(c.Certificate)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
}
