package keymanager_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

const theCertificate = "massif_certificate.test"

func certificateConfig(certificate, key, more string) string {
	return fmt.Sprintf(`
resource "massif_certificate" "test" {
  name        = "{{name}}"
  certificate = %s
  private_key = %s
  %s
}
`, quote(certificate), quote(key), more)
}

// quote is a text of several lines in HCL.
func quote(text string) string { return fmt.Sprintf("%q", text) }

// bundles checks what the cloud keeps: a bundle that opens without a password, with so many certificates.
func bundles(t *testing.T, c *acctest.Cloud, names ...string) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		var s acctest.Stolen
		if err := s.From(theCertificate)(state); err != nil {
			return err
		}
		_, leaf, rest, err := pkcs12.DecodeChain([]byte(payload(t, c, s.ID, "application/octet-stream")), "")
		if err != nil {
			return err
		}
		got := []string{leaf.Subject.CommonName}
		for _, r := range rest {
			got = append(got, r.Subject.CommonName)
		}
		if strings.Join(got, " ") != strings.Join(names, " ") {
			return fmt.Errorf("the bundle has %v, want %v", got, names)
		}
		return nil
	}
}

func TestCertificateBasicAndImport(t *testing.T) {
	c := acctest.New(t)
	root := newAuthority(t, "root", nil)
	between := newAuthority(t, "between", root)
	shop := leaf(t, ecdsaKey(t), between)
	planned := certificateConfig(shop.pem, keyPEM(t, shop.key), "intermediates = "+quote(between.pem+root.pem))
	s := acctest.Step(planned, theCertificate, plancheck.ResourceActionCreate,
		acctest.Has(theCertificate, "private_key", knownvalue.Null()),
		acctest.Has(theCertificate, "names", knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("shop.example"), knownvalue.StringExact("192.0.2.1")})),
		acctest.Has(theCertificate, "ref", knownvalue.StringRegexp(regexp.MustCompile(`/secrets/[0-9a-f-]{36}$`))))
	until := knownvalue.StringExact(shop.certificate.NotAfter.UTC().Format(time.RFC3339))
	s.ConfigPlanChecks.PreApply = append(s.ConfigPlanChecks.PreApply,
		plancheck.ExpectKnownValue(theCertificate, tfjsonpath.New("not_after"), until))
	s.Check = bundles(t, c, "shop", "between", "root")
	c.Test(t, s, acctest.Imported(theCertificate),
		// The same certificates in other words are no change, and as one text no other object.
		acctest.Step(certificateConfig("# a comment\n"+shop.pem, keyPEM(t, shop.key), "intermediates = "+quote(between.pem+"\n"+root.pem)), theCertificate, plancheck.ResourceActionNoop),
		acctest.Step(certificateConfig(shop.pem+between.pem+root.pem, keyPEM(t, shop.key), ""), theCertificate, plancheck.ResourceActionUpdate),
		acctest.Step(certificateConfig(shop.pem+between.pem+root.pem, keyPEM(t, shop.key), "project_access = false\nread_users = [\"alice\"]"), theCertificate, plancheck.ResourceActionUpdate),
		acctest.Step(certificateConfig(shop.pem+between.pem, keyPEM(t, shop.key), ""), theCertificate, plancheck.ResourceActionDestroyBeforeCreate),
	)
}

func TestCertificateWithPassphrase(t *testing.T) {
	c := acctest.New(t)
	shop := leaf(t, rsaKey(t), nil)
	s := acctest.Step(certificateConfig(shop.pem, encryptedPEM(t, shop.key, "open sesame"), `private_key_passphrase = "open sesame"`), theCertificate, plancheck.ResourceActionCreate)
	s.Check = bundles(t, c, "shop")
	c.Test(t, s)
}

func TestCertificateDisappears(t *testing.T) {
	c := acctest.New(t)
	shop := leaf(t, ecdsaKey(t), nil)
	config := certificateConfig(shop.pem, keyPEM(t, shop.key), "")
	var s acctest.Stolen
	first := acctest.Step(config, theCertificate, plancheck.ResourceActionCreate)
	first.Check = s.From(theCertificate)
	second := acctest.Step(config, theCertificate, plancheck.ResourceActionCreate)
	second.PreConfig = func() { removeSecret(t, c, s.ID) }
	c.Test(t, first, second)
}

func TestCertificateUnknowns(t *testing.T) {
	shop := leaf(t, ecdsaKey(t), nil)
	acctest.New(t).Test(t, resource.TestStep{Config: fmt.Sprintf(`
resource "terraform_data" "values" {
  input = { certificate = %s, key = %s }
}

resource "massif_certificate" "test" {
  name        = "{{name}}"
  certificate = terraform_data.values.output.certificate
  private_key = terraform_data.values.output.key
}`, quote(shop.pem), quote(keyPEM(t, shop.key)))})
}

// listenerConfig is a load balancer that uses the certificate.
func listenerConfig(ref string) string {
	return fmt.Sprintf(`
resource "massif_network" "test" {
  name = "{{name}}"
}

resource "massif_subnet" "test" {
  name       = "{{name}}"
  network_id = massif_network.test.id
  cidr       = "10.20.0.0/24"
}

resource "massif_load_balancer" "test" {
  name          = "{{name}}"
  vip_subnet_id = massif_subnet.test.id
  listeners = {
    https = { protocol = "TERMINATED_HTTPS", port = 443, tls = { container_ref = %s } }
  }
}
`, ref)
}

// A listener gets the new certificate before the old one goes.
func TestCertificateRotation(t *testing.T) {
	c := acctest.New(t)
	const first = "create_before_destroy = true"
	config := func(a *authority) string {
		return certificateConfig(a.pem, keyPEM(t, a.key), "lifecycle {\n"+first+"\n}") + listenerConfig("massif_certificate.test.ref")
	}
	c.Test(t,
		resource.TestStep{Config: config(leaf(t, ecdsaKey(t), nil))},
		resource.TestStep{
			Config: config(leaf(t, rsaKey(t), nil)),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(theCertificate, plancheck.ResourceActionCreateBeforeDestroy),
				plancheck.ExpectResourceAction("massif_load_balancer.test", plancheck.ResourceActionUpdate),
			}},
		},
	)
}

// Without the certificate Octavia could not even delete its load balancer.
func TestCertificateInUse(t *testing.T) {
	c := acctest.New(t)
	was, next := leaf(t, ecdsaKey(t), nil), leaf(t, ecdsaKey(t), nil)
	config := func(a *authority) string {
		return certificateConfig(a.pem, keyPEM(t, a.key), "timeouts = { delete = \"20s\" }") + listenerConfig("massif_certificate.test.ref")
	}
	c.Test(t,
		resource.TestStep{Config: config(was)},
		resource.TestStep{Config: config(next), ExpectError: acctest.Words("It is still used by listener")},
	)
}
