package objectstorage_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

const container = "massif_object_container.test"

func config(body string) string {
	return "resource \"massif_object_container\" \"test\" {\n  name = \"{{name}}\"\n" + body + "\n}\n"
}

func planned(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(container, action)}}
}

func is(name string, check knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(container, tfjsonpath.New(name), check)
}

// send asks Swift behind Terraform's back.
func send(ctx context.Context, t *testing.T, c *acctest.Cloud, method, path, body string, headers map[string]string) http.Header {
	t.Helper()
	client, err := c.ObjectStorage()
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Request(ctx, method, client.ServiceURL(path), &gophercloud.RequestOpts{
		RawBody: strings.NewReader(body), MoreHeaders: headers, OkCodes: []int{200, 201, 202, 204},
	})
	if err != nil {
		t.Fatal(err)
	}
	return response.Header
}

// full sets every attribute.
const full = `
  metadata       = { Owner = "ops", cost-center = "42" }
  read_acl       = [".r:*", ".rlistings"]
  write_acl      = ["*:*"]
  quota_bytes    = 1000000
  quota_count    = 10
  versioning     = true
  storage_policy = "Policy-0"
  force_destroy  = true
  cors = {
    allowed_origins = ["https://a.example.org", "https://b.example.org"]
    exposed_headers = ["etag"]
    max_age         = 60
  }
  static_web = {
    index        = "index.html"
    error        = "error.html"
    listings     = true
    listings_css = "style.css"
  }
  temp_url_key_wo          = "one"
  temp_url_key_2_wo        = "two"
  temp_url_keys_wo_version = 1
`

func TestObjectContainerBasicAndImport(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{
			Config: config(""),
			ConfigStateChecks: []statecheck.StateCheck{
				is("metadata", knownvalue.MapSizeExact(0)),
				is("read_acl", knownvalue.SetSizeExact(0)),
				is("quota_bytes", knownvalue.Null()),
				is("versioning", knownvalue.Bool(false)),
				is("cors", knownvalue.Null()),
				is("static_web", knownvalue.Null()),
				is("storage_policy", knownvalue.NotNull()),
			},
		},
		resource.TestStep{ResourceName: container, ImportState: true, ImportStateVerify: true},
	)
}

func TestObjectContainerFull(t *testing.T) {
	c := acctest.New(t)
	keys := func(one, two string) resource.TestCheckFunc {
		return func(*terraform.State) error {
			headers := send(t.Context(), t, c, http.MethodHead, c.Prefix, "", nil)
			if headers.Get("X-Container-Meta-Temp-Url-Key") != one || headers.Get("X-Container-Meta-Temp-Url-Key-2") != two {
				t.Errorf("keys: %v", headers)
			}
			return nil
		}
	}
	c.Test(t,
		resource.TestStep{
			Config: config(full),
			ConfigStateChecks: []statecheck.StateCheck{
				is("metadata", knownvalue.MapExact(map[string]knownvalue.Check{"Owner": knownvalue.StringExact("ops"), "cost-center": knownvalue.StringExact("42")})),
				is("temp_url_key_wo", knownvalue.Null()),
			},
			Check: keys("one", "two"),
		},
		resource.TestStep{
			ResourceName: container, ImportState: true, ImportStateVerify: true,
			ImportStateVerifyIgnore: []string{"force_destroy", "metadata", "temp_url_keys_wo_version"},
		},
		// Every setting changes in place, and the keys only with their version.
		resource.TestStep{
			Config: config(`
  metadata      = { owner = "dev" }
  read_acl      = [".r:.example.org"]
  quota_count   = 20
  force_destroy = true
  cors          = { allowed_origins = ["*"] }
  static_web    = { index = "start.html" }
  temp_url_key_wo          = "three"
  temp_url_keys_wo_version = 2
`),
			ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{
				is("quota_bytes", knownvalue.Null()),
				is("quota_count", knownvalue.Int64Exact(20)),
				is("versioning", knownvalue.Bool(false)),
				is("write_acl", knownvalue.SetSizeExact(0)),
			},
			Check: keys("three", ""),
		},
		resource.TestStep{
			Config:           config(""),
			ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{
				is("metadata", knownvalue.MapSizeExact(0)),
				is("cors", knownvalue.Null()),
				is("static_web", knownvalue.Null()),
			},
			Check: keys("", ""),
		},
	)
}

func TestObjectContainerReplaceAndName(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{Config: `resource "massif_object_container" "test" { name = "{{name}} ä 1" }`},
		resource.TestStep{ResourceName: container, ImportState: true, ImportStateVerify: true},
		resource.TestStep{
			Config:           `resource "massif_object_container" "test" { name = "{{name}}-2" }`,
			ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate),
		},
	)
}

func TestObjectContainerDriftAndDisappearance(t *testing.T) {
	c := acctest.New(t)
	c.Test(t,
		resource.TestStep{Config: config("")},
		resource.TestStep{
			PreConfig: func() {
				send(t.Context(), t, c, http.MethodPost, c.Prefix, "", map[string]string{"X-Container-Read": ".r:*", "X-Container-Meta-Other": "x"})
			},
			Config:           config(""),
			ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{
				is("read_acl", knownvalue.SetSizeExact(0)), is("metadata", knownvalue.MapSizeExact(0)),
			},
		},
		resource.TestStep{
			PreConfig:        func() { send(t.Context(), t, c, http.MethodDelete, c.Prefix, "", nil) },
			Config:           config(""),
			ConfigPlanChecks: planned(plancheck.ResourceActionCreate),
		},
	)
}

// A container that exists already must not be adopted.
func TestObjectContainerExists(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{Config: config("")},
		resource.TestStep{
			Config: config("") + `
resource "massif_object_container" "twin" {
  name     = massif_object_container.test.name
  metadata = { adopted = "yes" }
}`,
			ExpectError: regexp.MustCompile(`(?s)Already exists.*terraform import 'massif_object_container\.NAME'`),
		},
		resource.TestStep{Config: config(""), ConfigPlanChecks: planned(plancheck.ResourceActionNoop)},
	)
}

func fill(t *testing.T, c *acctest.Cloud) {
	t.Helper()
	for _, name := range []string{"plain", "folder/ä b?c", "100%", "plain"} {
		send(t.Context(), t, c, http.MethodPut, c.Prefix+"/"+url.PathEscape(name), "content", nil)
	}
}

func TestObjectContainerNotEmpty(t *testing.T) {
	c := acctest.New(t)
	c.Test(t,
		resource.TestStep{Config: config("")},
		resource.TestStep{
			PreConfig:   func() { fill(t, c) },
			Config:      config(""),
			Destroy:     true,
			ExpectError: acctest.Words(`is not empty; delete its objects, with all their versions, or set force_destroy`),
		},
		resource.TestStep{Config: config("force_destroy = true"), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate)},
	)
}

// Swift counts objects for a moment that are gone. What is there is told at once, see above.
func TestObjectContainerStillCounted(t *testing.T) {
	c := acctest.OnSimulator(t, "a container refuses to go on purpose")
	c.Test(t,
		resource.TestStep{Config: config("")},
		resource.TestStep{
			PreConfig: func() {
				if err := c.Simulator.AddFault(simulator.Fault{Method: http.MethodDelete, Service: "object-store", Count: 2, Status: http.StatusConflict}); err != nil {
					t.Fatal(err)
				}
			},
			Config:  config(""),
			Destroy: true,
		},
	)
}

func TestObjectContainerForceDestroyWithVersions(t *testing.T) {
	c := acctest.New(t)
	c.Test(t,
		resource.TestStep{Config: config("force_destroy = true\n  versioning = true")},
		resource.TestStep{
			PreConfig: func() {
				fill(t, c)
				send(t.Context(), t, c, http.MethodDelete, c.Prefix+"/plain", "", nil)
			},
			Config:           config("force_destroy = true\n  versioning = true"),
			ConfigPlanChecks: planned(plancheck.ResourceActionNoop),
		},
	)
}

// Unknown values must neither fail the plan nor be taken for settings.
func TestObjectContainerUnknowns(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{Config: `
resource "terraform_data" "later" { input = { name = "{{name}}", count = 5, acl = [".r:*"], meta = { a = "b" }, origins = ["*"] } }
resource "massif_object_container" "test" {
  name        = terraform_data.later.output.name
  quota_count = terraform_data.later.output.count
  read_acl    = terraform_data.later.output.acl
  metadata    = terraform_data.later.output.meta
  cors        = { allowed_origins = terraform_data.later.output.origins }
}`,
		ConfigStateChecks: []statecheck.StateCheck{is("quota_count", knownvalue.Int64Exact(5)), is("read_acl", knownvalue.SetSizeExact(1))},
	})
}

func TestObjectContainerBadPolicy(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{Config: config(`  storage_policy = "no such policy"`), ExpectError: acctest.Words(`Invalid X-Storage-Policy 'no such policy'`)})
}

func TestObjectContainerSync(t *testing.T) {
	c := acctest.New(t)
	key := func(want string) resource.TestCheckFunc {
		return func(*terraform.State) error {
			if got := send(t.Context(), t, c, http.MethodHead, c.Prefix, "", nil).Get("X-Container-Sync-Key"); got != want {
				t.Errorf("key %q, want %q", got, want)
			}
			return nil
		}
	}
	sync := func(key string, version int) string {
		return config(fmt.Sprintf("  sync_to = \"http://127.0.0.1/v1/AUTH_other/container\"\n  sync_key_wo = %q\n  sync_key_wo_version = %d", key, version))
	}
	c.Test(t,
		resource.TestStep{Config: sync("one", 1), Check: key("one"), ConfigStateChecks: []statecheck.StateCheck{is("sync_key_wo", knownvalue.Null())}},
		resource.TestStep{ResourceName: container, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"force_destroy", "sync_key_wo_version"}},
		resource.TestStep{Config: sync("two", 2), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), Check: key("two")},
		resource.TestStep{
			Config:            config("  versioning = true"),
			ConfigPlanChecks:  planned(plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{is("sync_to", knownvalue.Null()), is("versioning", knownvalue.Bool(true))},
			Check:             key(""),
		},
		resource.TestStep{Config: sync("three", 3), ExpectError: acctest.Words("Cannot configure container sync on a container with object versioning configured")},
	)
}

func TestObjectContainerBadSync(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{Config: config(`  sync_to = "//nowhere/cluster/account/container"`), ExpectError: acctest.Words(`No realm key for 'nowhere'`)})
}

func TestObjectContainerDataSource(t *testing.T) {
	c := acctest.New(t)
	found := func(name string, check knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("data.massif_object_container.test", tfjsonpath.New(name), check)
	}
	c.Test(t,
		resource.TestStep{
			Config: config("  metadata = { Owner = \"ops\" }\n  quota_count = 7\n  read_acl = [\".r:*\"]") + `
data "massif_object_container" "test" { name = massif_object_container.test.name }
data "massif_object_container" "id" { id = data.massif_object_container.test.id }`,
			ConfigStateChecks: []statecheck.StateCheck{
				found("id", knownvalue.StringExact(c.Prefix)),
				found("url", knownvalue.StringRegexp(regexp.MustCompile(`^http.*/v1/AUTH_[0-9a-f]+/`+c.Prefix+`$`))),
				found("metadata", knownvalue.MapExact(map[string]knownvalue.Check{"owner": knownvalue.StringExact("ops")})),
				found("object_count", knownvalue.Int64Exact(0)),
				found("bytes_used", knownvalue.Int64Exact(0)),
				found("quota_count", knownvalue.Int64Exact(7)),
				found("quota_bytes", knownvalue.Null()),
				found("read_acl", knownvalue.SetSizeExact(1)),
				found("versioning", knownvalue.Bool(false)),
				found("storage_policy", knownvalue.NotNull()),
			},
		},
		resource.TestStep{Config: `data "massif_object_container" "none" { name = "{{name}}-none" }`, ExpectError: acctest.Words("There is no container")},
	)
}
