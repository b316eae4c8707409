package keymanager_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

func TestSecretInvalid(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"both payloads":          {"payload = \"a\"\n  payload_base64 = \"YQ==\"\n  payload_version = 1", `Attribute "payload_base64" cannot be specified when "payload" is specified`},
		"no version":             {`payload = "a"`, `Attribute "payload_version" must be specified when "payload" is specified`},
		"empty":                  {"payload = \" \\n\"\n  payload_version = 1", `payload = " \n" It must not be empty; leave it out to make a secret that gets its payload later`},
		"too large":              {fmt.Sprintf("payload = %q\n  payload_version = 1", strings.Repeat("a", 20001)), `It has 20001 bytes, and the key manager takes 20000`},
		"too large bytes":        {fmt.Sprintf("payload_base64 = %q\n  payload_version = 1", base64.StdEncoding.EncodeToString(make([]byte, 20001))), `It has 20001 bytes, and the key manager takes 20000`},
		"no base64":              {"payload_base64 = \"a b!\"\n  payload_version = 1", `payload_base64 = "a b!" It must be base64, as base64encode() and filebase64() make it`},
		"negative version":       {"payload = \"a\"\n  payload_version = -1", `Attribute payload_version value must be at least 0`},
		"type":                   {`secret_type = "pem"`, `Attribute secret_type value must be one of: ["opaque" "symmetric" "private" "public" "passphrase" "certificate"], got: "pem"`},
		"bits":                   {`bit_length = 0`, `Attribute bit_length value must be at least 1`},
		"expiration without day": {`expiration = "2030-01"`, `expiration = "2030-01" It must be a time in the form of RFC 3339, such as 2030-01-31T12:00:00Z`},
		"expiration of no zone":  {`expiration = "2030-01-01T00:00:00"`, `It must be a time in the form of RFC 3339`},
		"expiration in the past": {`expiration = "2020-01-01T00:00:00Z"`, `It must be in the future: 2020-01-01T00:00:00Z is past`},
		"capital metadata":       {`metadata = { Owner = "shop" }`, `must have 1 to 255 characters, without capital letters, slash and white space`},
		"empty reader":           {`read_users = [""]`, `string length must be between 1 and 255`},
		"empty name":             {`name = ""`, `Attribute name string length must be between 1 and 255`},
	} {
		t.Run(name, func(t *testing.T) {
			acctest.New(t).Test(t, resource.TestStep{
				Config:      "resource \"massif_secret\" \"test\" {\n  " + tc.body + "\n}",
				PlanOnly:    true,
				ExpectError: acctest.Words(tc.want),
			})
		})
	}
}

func TestCertificateInvalid(t *testing.T) {
	root := newAuthority(t, "root", nil)
	between := newAuthority(t, "between", root)
	shop := leaf(t, ecdsaKey(t), between)
	other := leaf(t, ecdsaKey(t), between)
	old := leaf(t, ecdsaKey(t), nil, lasting(48*time.Hour, -time.Hour))
	edwards := leaf(t, ed25519Key(t), nil)
	key := keyPEM(t, shop.key)
	big := bigAuthority(t)
	small := leaf(t, ecdsaKey(t), big)
	for name, tc := range map[string]struct{ certificate, key, more, want string }{
		"no PEM":                    {"my certificate", key, "", `it must be a certificate in PEM, which begins with -----BEGIN CERTIFICATE-----`},
		"a key as certificate":      {key, key, "", `it must have certificates only, and has a PRIVATE KEY: a private key belongs in private_key`},
		"a broken certificate":      {pemOf("CERTIFICATE", []byte("nothing")), key, "", `it must be certificates in PEM; number 1 cannot be read`},
		"no PEM of the authorities": {shop.pem, key, `intermediates = "none"`, `it must be a certificate in PEM, which begins with -----BEGIN CERTIFICATE-----`},
		"another key":               {shop.pem, keyPEM(t, other.key), "", `it must be the key of the certificate of CN=shop, and is that of another one`},
		"no PEM key":                {shop.pem, "my key", "", `it must be a private key in PEM, which begins with -----BEGIN PRIVATE KEY----- or the like`},
		"a certificate as key":      {shop.pem, shop.pem, "", `it must be a private key, and is a certificate`},
		"a public key":              {shop.pem, pemOf("PUBLIC KEY", []byte("x")), "", `it must be a private key in PEM: this is a PUBLIC KEY`},
		"a broken key":              {shop.pem, pemOf("PRIVATE KEY", []byte("x")), "", `it must be a private key in PEM`},
		"no passphrase":             {shop.pem, encryptedPEM(t, shop.key, "sesame"), "", `the private key is encrypted: it must be given`},
		"the wrong passphrase":      {shop.pem, encryptedPEM(t, shop.key, "sesame"), `private_key_passphrase = "barley"`, `it must be that of the private key, which cannot be decrypted`},
		"a needless passphrase":     {shop.pem, key, `private_key_passphrase = "sesame"`, `the private key is not encrypted: leave it out`},
		"an Ed25519 key":            {edwards.pem, keyPEM(t, edwards.key), "", `it must be an RSA or ECDSA key, which load balancers can use; this is ed25519.PrivateKey`},
		"authorities out of order":  {shop.pem, key, "intermediates = " + quote(root.pem+between.pem), `each certificate must be signed by the next one: CN=shop is signed by CN=between, and after it comes CN=root`},
		"the authority first":       {between.pem + root.pem, key, "", `it must be the key of the certificate of CN=between, and is that of another one`},
		"expired":                   {old.pem, keyPEM(t, old.key), "", `it must still be valid: this one (CN=shop) has expired at`},
		"a large bundle":            {small.pem, keyPEM(t, small.key), "intermediates = " + quote(big.pem), `the bundle of certificate, key and 1 intermediates must have at most 20000 bytes`},
		"empty key":                 {shop.pem, "", "", `Attribute private_key string length must be at least 1`},
	} {
		t.Run(name, func(t *testing.T) {
			want := strings.ToUpper(tc.want[:1]) + tc.want[1:]
			acctest.New(t).Test(t, resource.TestStep{
				Config:      certificateConfig(tc.certificate, tc.key, tc.more),
				PlanOnly:    true,
				ExpectError: acctest.Words(want),
			})
		})
	}
}

// bigAuthority has so many names that its certificate is larger than the key manager takes.
func bigAuthority(t *testing.T) *authority {
	t.Helper()
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("a-rather-long-name-%d.example", i))
	}
	return sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "big"}, IsCA: true, BasicConstraintsValid: true, DNSNames: names}, ecdsaKey(t), nil)
}

// A certificate that is valid, or of which too little is known, is not refused.
func TestUnknownsAreNotInvalid(t *testing.T) {
	shop := leaf(t, ecdsaKey(t), nil)
	certificate := func(format string, pems ...any) string {
		return "resource \"massif_certificate\" \"test\" {\n  " + fmt.Sprintf(format, pems...) + "\n}"
	}
	acctest.NotRefused(t, map[string]string{
		"key":         certificate("certificate = %s\n  private_key = local.text", quote(shop.pem)),
		"certificate": certificate("certificate = local.text\n  private_key = %s", quote(keyPEM(t, shop.key))),
		"chain":       certificate("certificate = %s\n  private_key = %s\n  intermediates = local.text", quote(shop.pem), quote(keyPEM(t, shop.key))),
		"passphrase":  certificate("certificate = %s\n  private_key = %s\n  private_key_passphrase = local.text", quote(shop.pem), quote(encryptedPEM(t, shop.key, "sesame"))),
	})
}
