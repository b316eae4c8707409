package compute_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

const (
	aKey       = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKeUQwOqIGKWaKzSCLsoYQnrtIJy60i5nN7r7duoZsiO a@example"
	anotherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBcclxGt2Az9FBKBcT+AtZ6+WTsisfMk61B3hsEm3rss b@example"
)

func keypairConfig(publicKey string) string {
	return fmt.Sprintf(`
resource "massif_keypair" "test" {
  name       = "{{name}}"
  public_key = %q
}`, publicKey)
}

func TestKeypairBasicAndImport(t *testing.T) {
	c := acctest.New(t)
	c.Test(t,
		resource.TestStep{
			Config: keypairConfig(aKey),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("massif_keypair.test", tfjsonpath.New("id"), knownvalue.StringExact(c.Prefix)),
				statecheck.ExpectKnownValue("massif_keypair.test", tfjsonpath.New("fingerprint"), knownvalue.StringRegexp(regexp.MustCompile(`^([0-9a-f]{2}:){15}[0-9a-f]{2}$`))),
				statecheck.ExpectKnownValue("massif_keypair.test", tfjsonpath.New("private_key"), knownvalue.Null()),
			},
		},
		resource.TestStep{ResourceName: "massif_keypair.test", ImportState: true, ImportStateVerify: true},
	)
}

func TestKeypairMadeByNova(t *testing.T) {
	c := acctest.New(t)
	c.Test(t, resource.TestStep{
		Config: `resource "massif_keypair" "test" { name = "{{name}}" }`,
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue("massif_keypair.test", tfjsonpath.New("public_key"), knownvalue.StringRegexp(regexp.MustCompile(`^ssh-`))),
			statecheck.ExpectKnownValue("massif_keypair.test", tfjsonpath.New("private_key"), knownvalue.StringRegexp(regexp.MustCompile(`PRIVATE KEY`))),
		},
	})
}

func TestKeypairReplace(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{Config: keypairConfig(aKey)},
		resource.TestStep{
			Config: keypairConfig(anotherKey),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction("massif_keypair.test", plancheck.ResourceActionDestroyBeforeCreate),
			}},
		},
	)
}

func TestKeypairDisappears(t *testing.T) {
	c := acctest.New(t)
	c.Test(t,
		resource.TestStep{Config: keypairConfig(aKey)},
		resource.TestStep{
			PreConfig: func() {
				client, err := c.Compute()
				if err != nil {
					t.Fatal(err)
				}
				if err := keypairs.Delete(t.Context(), client, c.Prefix, nil).ExtractErr(); err != nil {
					t.Fatal(err)
				}
			},
			Config: keypairConfig(aKey),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction("massif_keypair.test", plancheck.ResourceActionCreate),
			}},
		},
	)
}

// The second of the same name must name the import, not adopt the first.
func TestKeypairExists(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{Config: keypairConfig(aKey)},
		resource.TestStep{
			Config: keypairConfig(aKey) + `
resource "massif_keypair" "twin" {
  name       = massif_keypair.test.name
  public_key = massif_keypair.test.public_key
}`,
			ExpectError: regexp.MustCompile(`(?s)Already exists.*terraform import 'massif_keypair\.NAME'`),
		},
	)
}
