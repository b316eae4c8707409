package loadbalancer_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/secrets"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// keep puts a text into the cloud's key manager.
func keep(t *testing.T, c *acctest.Cloud, text []byte) (ref string) {
	t.Helper()
	client, err := c.KeyManager()
	if err != nil {
		t.Fatal(err)
	}
	secret, err := secrets.Create(t.Context(), client, secrets.CreateOpts{Name: c.Prefix, Payload: string(text), PayloadContentType: "text/plain"}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	return secret.SecretRef
}

// authority is a CA of client certificates and its list of revoked ones, both in the key manager.
func authority(t *testing.T, c *acctest.Cloud) (ca, crl string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: c.Prefix}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte{1},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour),
	}, template, key)
	if err != nil {
		t.Fatal(err)
	}
	return keep(t, c, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})), keep(t, c, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: list}))
}

// forget takes secrets out of the key manager, after the load balancers that use them.
func forget(t *testing.T, c *acctest.Cloud, refs ...string) resource.TestCheckFunc {
	return func(*terraform.State) error {
		for _, ref := range refs {
			(&certificate{ref: ref}).remove(t, c)
		}
		return nil
	}
}

// All that listeners and pools can say about TLS, changed in place and taken back.
func TestLoadBalancerTLSInPlace(t *testing.T) {
	c := acctest.New(t)
	one, two := certify(t, c, "one.example.org"), certify(t, c, "two.example.org")
	ca, crl := authority(t, c)
	config := func(listener, metrics, pool string) string {
		return basic(fmt.Sprintf(`
  listeners = {
    web     = { protocol = "TERMINATED_HTTPS", port = 443, default_pool = "app", tls = { container_ref = %[1]q%[2]s } }
    metrics = { protocol = "PROMETHEUS", port = 9100%[3]s }
  }
  pools = { app = { protocol = "HTTP", tls = { %[4]s } } }`, one.ref, listener, metrics, pool))
	}
	listener := fmt.Sprintf(`, sni_container_refs = [%q], client_authentication = "OPTIONAL", client_ca_container_ref = %q, client_crl_container_ref = %q,
      versions = ["TLSv1.3", "TLSv1.2"], ciphers = "TLS_AES_256_GCM_SHA384:ECDHE-RSA-AES128-GCM-SHA256", alpn_protocols = ["http/1.1"]`, two.ref, ca, crl)
	pool := fmt.Sprintf(`container_ref = %q, ca_container_ref = %q, crl_container_ref = %q, versions = ["TLSv1.3"], ciphers = "TLS_AES_256_GCM_SHA384", alpn_protocols = ["h2"]`, one.ref, ca, crl)
	same := stays([]string{"statuses", "listeners", "web", "id"}, []string{"statuses", "listeners", "metrics", "id"}, []string{"statuses", "pools", "app", "id"})
	step := func(config string, more ...statecheck.StateCheck) resource.TestStep {
		return resource.TestStep{Config: config, ConfigPlanChecks: action(plancheck.ResourceActionUpdate), ConfigStateChecks: append(more, same()...)}
	}
	c.Test(t,
		resource.TestStep{Config: config("", "", ""), ConfigStateChecks: same()},
		step(config(listener, fmt.Sprintf(`, tls = { container_ref = %q }`, two.ref), pool),
			expect([]string{"listeners", "web", "tls", "client_authentication"}, knownvalue.StringExact("OPTIONAL")),
			expect([]string{"pools", "app", "tls", "crl_container_ref"}, knownvalue.StringExact(crl))),
		resource.TestStep{
			ResourceName: address, ImportState: true, ImportStateVerify: true,
			ImportStateVerifyIgnore: []string{"statuses", "operating_status", "listeners.web.tls.versions", "listeners.web.tls.ciphers", "listeners.web.tls.alpn_protocols",
				"pools.app.tls.versions", "pools.app.tls.ciphers", "pools.app.tls.alpn_protocols"}, // what the cloud would choose, too, is not read
		},
		step(config("", "", "")),
		resource.TestStep{Config: network, Check: forget(t, c, one.ref, two.ref, ca, crl)},
	)
}

// HSTS is changed and taken back where Octavia can; an older one is told from in the plan.
func TestLoadBalancerHSTS(t *testing.T) {
	config := func(ref, hsts string) string {
		return basic(fmt.Sprintf(`listeners = { web = { protocol = "TERMINATED_HTTPS", port = 443, tls = { container_ref = %q%s } } }`, ref, hsts))
	}
	const some, more = ", hsts = { max_age = 300 }", ", hsts = { max_age = 31536000, include_subdomains = true, preload = true }"
	t.Run("2.26", func(t *testing.T) {
		c := acctest.OnSimulator(t, "it has version 2.26 of the API")
		c.Test(t, resource.TestStep{
			Config: config("https://keys/v1/secrets/1", some), PlanOnly: true,
			ExpectError: acctest.Words("HSTS needs version 2.27 of Octavia's API; this cloud has 2.26"),
		})
	})
	t.Run("2.27", func(t *testing.T) {
		c := acctest.OnSimulator(t, "it has version 2.27 of the API", func(o *simulator.Options) { o.LoadBalancerAPI = 27 })
		certificate := certify(t, c, "hsts.example.org")
		same := stays([]string{"statuses", "listeners", "web", "id"})
		step := func(hsts string, more ...statecheck.StateCheck) resource.TestStep {
			return resource.TestStep{Config: config(certificate.ref, hsts), ConfigPlanChecks: action(plancheck.ResourceActionUpdate), ConfigStateChecks: append(more, same()...)}
		}
		c.Test(t,
			resource.TestStep{Config: config(certificate.ref, some), ConfigStateChecks: same()},
			step(more, expect([]string{"listeners", "web", "tls", "hsts", "preload"}, knownvalue.Bool(true))),
			resource.TestStep{ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"operating_status"}},
			step("", expect([]string{"listeners", "web", "tls", "hsts"}, knownvalue.Null())),
			step(some),
			resource.TestStep{Config: network, Check: forget(t, c, certificate.ref)},
		)
	})
}
