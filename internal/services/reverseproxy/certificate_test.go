package reverseproxy_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// cert is a certificate in the proxy "a", with the key that encrypts.
func cert(p pair, key, more string) string {
	return fmt.Sprintf(`
resource "massif_reverse_proxy_certificate" "test" {
  name           = "shop"
  proxy_id       = local.a
  encryption_key = %s
  chain          = %s
  private_key    = %s
  wait_for_nodes = false
  %s
}`, quote(key), quote(p.chain), quote(p.key), more)
}

func TestReverseProxyCertificateLife(t *testing.T) {
	c := acctest.New(t)
	key, err := documents.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	first, second := valid(t, "shop.example.ch", "*.shop.example.ch"), valid(t, "shop.example.ch")
	// stored checks that the nodes can decrypt and use what is there, and that nobody else can.
	stored := func(want pair) resource.TestCheckFunc {
		return func(s *terraform.State) error {
			content, _, err := open(t, c, "a").Get(t.Context(), documents.CertificateObject("shop"), "")
			if err != nil {
				return err
			}
			cipher, err := documents.NewCipher(key)
			if err != nil {
				return err
			}
			got, err := documents.DecodeCertificate("shop", content, cipher)
			if err != nil {
				return err
			}
			if string(got.Key) != want.key || string(got.Chain) != want.chain {
				return fmt.Errorf("another pair is stored")
			}
			for name, v := range s.RootModule().Resources[theCertificate].Primary.Attributes {
				if v == key || v == want.key {
					return fmt.Errorf("the state has a secret in %s", name)
				}
			}
			return nil
		}
	}
	c.Test(t,
		resource.TestStep{
			Config: containers("a") + cert(first, key, ""), Check: stored(first),
			ConfigStateChecks: []statecheck.StateCheck{
				has(theCertificate, "hosts", knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("shop.example.ch"), knownvalue.StringExact("*.shop.example.ch")})),
				has(theCertificate, "not_after", knownvalue.NotNull()),
			},
		},
		resource.TestStep{ResourceName: theCertificate, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"wait_for_nodes"}},
		resource.TestStep{
			Config: containers("a") + cert(second, key, ""), Check: stored(second),
			ConfigPlanChecks:  plans(map[string]plancheck.ResourceActionType{theCertificate: plancheck.ResourceActionUpdate}),
			ConfigStateChecks: []statecheck.StateCheck{has(theCertificate, "hosts", knownvalue.ListSizeExact(1))},
		},
		// The same again, because its version says so.
		resource.TestStep{
			Config: containers("a") + cert(second, key, "private_key_version = 2"), Check: stored(second),
			ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{theCertificate: plancheck.ResourceActionUpdate}),
		},
		// Somebody puts another one there.
		resource.TestStep{
			PreConfig: func() {
				cipher, err := documents.NewCipher(key)
				if err != nil {
					t.Fatal(err)
				}
				content, err := documents.Certificate{Chain: []byte(first.chain), Key: []byte(first.key)}.Encode("shop", cipher)
				if err == nil {
					_, err = open(t, c, "a").Put(t.Context(), documents.CertificateObject("shop"), content, "application/json", false)
				}
				if err != nil {
					t.Error(err)
				}
			},
			Config: containers("a") + cert(second, key, "private_key_version = 2"), Check: stored(second),
			ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{theCertificate: plancheck.ResourceActionUpdate}),
		},
		resource.TestStep{
			PreConfig: func() {
				if err := open(t, c, "a").Delete(t.Context(), documents.CertificateObject("shop")); err != nil {
					t.Error(err)
				}
			},
			Config: containers("a") + cert(second, key, "private_key_version = 2"), Check: stored(second),
			ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{theCertificate: plancheck.ResourceActionCreate}),
		},
	)
}
