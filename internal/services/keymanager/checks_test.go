package keymanager_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/acls"
	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/secrets"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// payload reads what the cloud keeps.
func payload(t *testing.T, c *acctest.Cloud, id, contentType string) string {
	t.Helper()
	client, err := c.KeyManager()
	if err != nil {
		t.Fatal(err)
	}
	content, err := secrets.GetPayload(t.Context(), client, id, secrets.GetPayloadOpts{PayloadContentType: contentType}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// keeps checks what the cloud keeps for a resource.
func keeps(t *testing.T, c *acctest.Cloud, address, contentType, want string) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		var s acctest.Stolen
		if err := s.From(address)(state); err != nil {
			return err
		}
		if got := payload(t, c, s.ID, contentType); got != want {
			return fmt.Errorf("the payload has %d bytes, want %d", len(got), len(want))
		}
		return nil
	}
}

// readers checks who may read a resource's secret.
func readers(t *testing.T, c *acctest.Cloud, address string, project bool, users ...string) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		var s acctest.Stolen
		if err := s.From(address)(state); err != nil {
			return err
		}
		client, err := c.KeyManager()
		if err != nil {
			return err
		}
		acl, err := acls.GetSecretACL(t.Context(), client, s.ID).Extract()
		if err != nil {
			return err
		}
		read := (*acl)["read"]
		slices.Sort(read.Users)
		if read.ProjectAccess != project || fmt.Sprint(read.Users) != fmt.Sprint(users) {
			return fmt.Errorf("the access list is %v, want %t %v", read, project, users)
		}
		return nil
	}
}

func removeSecret(t *testing.T, c *acctest.Cloud, id string) {
	t.Helper()
	client, err := c.KeyManager()
	if err != nil {
		t.Fatal(err)
	}
	if err := secrets.Delete(t.Context(), client, id).ExtractErr(); err != nil {
		t.Fatal(err)
	}
}
