package keymanager_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/acls"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

const theSecret = "massif_secret.test"

func secretConfig(body string) string {
	return "resource \"massif_secret\" \"test\" {\n  name = \"{{name}}\"\n" + body + "\n}\n"
}

func TestSecretBasicAndImport(t *testing.T) {
	c := acctest.New(t)
	basic := acctest.Step(secretConfig("payload = \"hello\"\npayload_version = 1"), theSecret, plancheck.ResourceActionCreate,
		acctest.Has(theSecret, "payload", knownvalue.Null()),
		acctest.Has(theSecret, "content_type", knownvalue.StringExact("text/plain")),
		acctest.Has(theSecret, "secret_type", knownvalue.StringExact("opaque")),
		acctest.Has(theSecret, "project_access", knownvalue.Bool(true)),
		acctest.Has(theSecret, "read_users", knownvalue.SetSizeExact(0)),
		acctest.Has(theSecret, "ref", knownvalue.StringRegexp(regexp.MustCompile(`^http.*/secrets/[0-9a-f-]{36}$`))),
	)
	basic.Check = keeps(t, c, theSecret, "text/plain", "hello")
	c.Test(t, basic, acctest.Imported(theSecret, "payload_version"))
}

func TestSecretFull(t *testing.T) {
	c := acctest.New(t)
	full := acctest.Step(secretConfig(`
  payload_base64  = "AAH/"
  payload_version = 3
  secret_type     = "symmetric"
  algorithm       = "aes"
  bit_length      = 24
  mode            = "cbc"
  expiration      = "2999-01-01T02:00:00+02:00"
  project_access  = false
  read_users      = ["alice", "bob"]
  metadata        = { owner = "shop", empty = "" }
`), theSecret, plancheck.ResourceActionCreate,
		acctest.Has(theSecret, "content_type", knownvalue.StringExact("application/octet-stream")),
		acctest.Has(theSecret, "expiration", knownvalue.StringExact("2999-01-01T02:00:00+02:00")),
	)
	full.Check = resource.ComposeAggregateTestCheckFunc(
		keeps(t, c, theSecret, "application/octet-stream", "\x00\x01\xff"), readers(t, c, theSecret, false, "alice", "bob"))
	c.Test(t, full, acctest.Imported(theSecret, "payload_version", "expiration"))
}

func TestSecretUpdate(t *testing.T) {
	c := acctest.New(t)
	config := func(body string) string { return secretConfig("payload = \"x\"\npayload_version = 1\n" + body) }
	changed := acctest.Step(config(`metadata = { a = "2" }
project_access = false
read_users = ["alice"]`), theSecret, plancheck.ResourceActionUpdate)
	changed.Check = readers(t, c, theSecret, false, "alice")
	fewer := acctest.Step(config(`read_users = []`), theSecret, plancheck.ResourceActionUpdate,
		acctest.Has(theSecret, "metadata", knownvalue.MapSizeExact(0)))
	fewer.Check = readers(t, c, theSecret, true)
	c.Test(t,
		acctest.Step(config(`metadata = { a = "1", b = "1" }`), theSecret, plancheck.ResourceActionCreate),
		changed,
		fewer,
		acctest.Step(config(`read_users = []
timeouts = { create = "5m" }`), theSecret, plancheck.ResourceActionUpdate),
	)
}

// Octavia enters itself in the access list of what it uses: no plan may take it out again.
func TestSecretOtherReadersStay(t *testing.T) {
	c := acctest.New(t)
	config := func(users string) string {
		return secretConfig("payload = \"x\"\npayload_version = 1\nread_users = " + users)
	}
	var s acctest.Stolen
	first := acctest.Step(config(`["alice"]`), theSecret, plancheck.ResourceActionCreate)
	first.Check = s.From(theSecret)
	same := acctest.Step(config(`["alice"]`), theSecret, plancheck.ResourceActionNoop)
	same.PreConfig = func() {
		client, err := c.KeyManager()
		if err != nil {
			t.Fatal(err)
		}
		users := []string{"alice", "octavia"}
		if _, err := acls.UpdateSecretACL(t.Context(), client, s.ID, acls.SetOpts{{Type: "read", Users: &users}}).Extract(); err != nil {
			t.Fatal(err)
		}
	}
	other := acctest.Step(config(`["bob"]`), theSecret, plancheck.ResourceActionUpdate, acctest.Has(theSecret, "read_users", knownvalue.SetSizeExact(1)))
	other.Check = readers(t, c, theSecret, true, "bob", "octavia")
	c.Test(t, first, same, other)
}

func TestSecretReplace(t *testing.T) {
	c := acctest.New(t)
	replace := func(body string) resource.TestStep {
		return acctest.Step(secretConfig(body), theSecret, plancheck.ResourceActionDestroyBeforeCreate)
	}
	again := replace("payload = \"two\"\npayload_version = 2")
	again.Check = keeps(t, c, theSecret, "text/plain", "two")
	c.Test(t,
		acctest.Step(secretConfig("payload = \"one\"\npayload_version = 1"), theSecret, plancheck.ResourceActionCreate),
		again,
		replace("payload = \"two\"\npayload_version = 2\nsecret_type = \"passphrase\""),
		replace("payload = \"two\"\npayload_version = 2\nexpiration = \"2999-01-01T00:00:00Z\""),
		acctest.Step(secretConfig("payload = \"two\"\npayload_version = 2\nexpiration = \"2999-01-01T01:00:00+01:00\""), theSecret, plancheck.ResourceActionNoop),
		replace("payload = \"two\"\npayload_version = 2\nalgorithm = \"aes\"\nbit_length = 128\nmode = \"cbc\""),
	)
}

func TestSecretGetsItsPayloadLater(t *testing.T) {
	c := acctest.New(t)
	later := acctest.Step(secretConfig("payload = \"now\"\npayload_version = 1"), theSecret, plancheck.ResourceActionUpdate,
		acctest.Has(theSecret, "content_type", knownvalue.StringExact("text/plain")))
	later.Check = keeps(t, c, theSecret, "text/plain", "now")
	c.Test(t,
		acctest.Step(secretConfig(""), theSecret, plancheck.ResourceActionCreate, acctest.Has(theSecret, "content_type", knownvalue.Null())),
		later,
	)
}

// What is too long for the request that makes the secret follows it.
func TestSecretLarge(t *testing.T) {
	c := acctest.New(t)
	large := bytes.Repeat([]byte{0, 1, 2, 255}, 5000)
	s := acctest.Step(secretConfig(fmt.Sprintf("payload_base64 = %q\npayload_version = 1", base64.StdEncoding.EncodeToString(large))), theSecret, plancheck.ResourceActionCreate)
	s.Check = keeps(t, c, theSecret, "application/octet-stream", string(large))
	c.Test(t, s)
}

func TestSecretDisappears(t *testing.T) {
	c := acctest.New(t)
	var s acctest.Stolen
	first := acctest.Step(secretConfig(""), theSecret, plancheck.ResourceActionCreate)
	first.Check = s.From(theSecret)
	second := acctest.Step(secretConfig(""), theSecret, plancheck.ResourceActionCreate)
	second.PreConfig = func() { removeSecret(t, c, s.ID) }
	c.Test(t, first, second)
}

func TestSecretExpires(t *testing.T) {
	c := acctest.New(t)
	end := time.Now().Add(time.Minute) // the first step must be through by then
	config := secretConfig(fmt.Sprintf("expiration = %q", end.UTC().Format(time.RFC3339)))
	c.Test(t,
		acctest.Step(config, theSecret, plancheck.ResourceActionCreate),
		resource.TestStep{
			PreConfig:   func() { time.Sleep(time.Until(end.Add(time.Second))) },
			Config:      config,
			PlanOnly:    true,
			ExpectError: acctest.Words("must be in the future"),
		},
		acctest.Step(secretConfig(`expiration = "2999-01-01T00:00:00Z"`), theSecret, plancheck.ResourceActionCreate),
	)
}

func TestSecretUnknowns(t *testing.T) {
	c := acctest.New(t)
	s := resource.TestStep{Config: `
resource "terraform_data" "values" {
  input = { name = "{{name}}", type = "passphrase", user = "alice", until = "2999-01-01T00:00:00Z", version = 7 }
}

resource "massif_secret" "test" {
  name            = terraform_data.values.output.name
  secret_type     = terraform_data.values.output.type
  payload         = terraform_data.values.output.name
  payload_version = terraform_data.values.output.version
  expiration      = terraform_data.values.output.until
  read_users      = [terraform_data.values.output.user]
  metadata        = { user = terraform_data.values.output.user }
}

resource "massif_secret" "all" {
  name       = "{{name}}-all"
  read_users = massif_secret.test.read_users
  metadata   = massif_secret.test.metadata
}`}
	s.Check = resource.ComposeAggregateTestCheckFunc(
		keeps(t, c, theSecret, "text/plain", c.Prefix), readers(t, c, "massif_secret.all", true, "alice"))
	c.Test(t, s)
}

func TestSecretLostAnswer(t *testing.T) {
	c := acctest.OnSimulator(t, "the answer to a request must get lost")
	s := acctest.Step(secretConfig("payload = \"x\"\npayload_version = 1"), theSecret, plancheck.ResourceActionCreate)
	s.PreConfig = func() {
		if err := c.Simulator.AddFault(simulator.Fault{Method: http.MethodPost, Service: "key-manager", Path: `/secrets$`, Count: 1, Late: true, Drop: true}); err != nil {
			t.Fatal(err)
		}
	}
	c.Test(t, s)
}

// A secret whose payload could not be stored is made anew.
func TestSecretUploadFails(t *testing.T) {
	c := acctest.OnSimulator(t, "the service must refuse a request")
	large := base64.StdEncoding.EncodeToString(make([]byte, 15000))
	config := secretConfig(fmt.Sprintf("payload_base64 = %q\npayload_version = 1", large))
	c.Test(t,
		resource.TestStep{
			PreConfig: func() {
				if err := c.Simulator.AddFault(simulator.Fault{
					Method: http.MethodPut, Service: "key-manager", Count: 1, Status: http.StatusBadRequest,
					Body: `{"code": 400, "title": "Bad Request", "description": "no room"}`,
				}); err != nil {
					t.Fatal(err)
				}
			},
			Config:      config,
			ExpectError: acctest.Words("The API answered 400 Bad Request: No room"),
		},
		acctest.Step(config, theSecret, plancheck.ResourceActionDestroyBeforeCreate),
	)
}

func TestSecretDataSource(t *testing.T) {
	two := `
resource "massif_secret" "test" {
  count       = 2
  name        = "{{name}}"
  secret_type = count.index == 0 ? "opaque" : "passphrase"
  metadata    = { index = count.index }
}
`
	acctest.New(t).Test(t,
		resource.TestStep{
			Config:      two + `data "massif_secret" "test" { name = massif_secret.test[0].name == massif_secret.test[1].name ? "{{name}}" : "" }`,
			ExpectError: acctest.Words("2 secrets match, where exactly one must"),
		},
		resource.TestStep{
			Config: two + `
data "massif_secret" "test" {
  name        = "{{name}}"
  secret_type = massif_secret.test[1].secret_type
}`,
			ConfigStateChecks: []statecheck.StateCheck{
				acctest.Has("data.massif_secret.test", "metadata", knownvalue.MapExact(map[string]knownvalue.Check{"index": knownvalue.StringExact("1")})),
			},
		},
		resource.TestStep{Config: two + `data "massif_secret" "test" { id = "6e8f1c1a-1f5d-4a53-9b39-0c5d4f3a7a11" }`, ExpectError: acctest.Words("There is no secret 6e8f1c1a-1f5d-4a53-9b39-0c5d4f3a7a11 that these credentials may see")},
	)
}

func TestSecretEphemeral(t *testing.T) {
	c := acctest.New(t)
	config := secretConfig("payload = \"hidden\"\npayload_version = 1") + `
ephemeral "massif_secret" "test" {
  id = massif_secret.test.id
}

resource "massif_secret" "copy" {
  name            = "{{name}}-copy"
  payload         = ephemeral.massif_secret.test.payload
  payload_version = 1
}

resource "massif_secret" "bytes" {
  name            = "{{name}}-bytes"
  payload_base64  = ephemeral.massif_secret.test.payload_base64
  payload_version = 1
}`
	s := resource.TestStep{Config: config}
	s.Check = resource.ComposeAggregateTestCheckFunc(
		keeps(t, c, "massif_secret.copy", "text/plain", "hidden"), keeps(t, c, "massif_secret.bytes", "application/octet-stream", "hidden"))
	c.Test(t, s)
}

// A registered consumer keeps a secret from being deleted, for a while.
func TestSecretInUse(t *testing.T) {
	c := acctest.New(t)
	var s acctest.Stolen
	first := acctest.Step(secretConfig("timeouts = { delete = \"20s\" }"), theSecret, plancheck.ResourceActionCreate)
	first.Check = s.From(theSecret)
	replaced := secretConfig("secret_type = \"passphrase\"")
	c.Test(t,
		first,
		resource.TestStep{
			PreConfig: func() {
				client, err := c.KeyManager()
				if err != nil {
					t.Fatal(err)
				}
				consumer := map[string]string{"service": "load-balancer", "resource_type": "listener", "resource_id": "x"}
				_, err = client.Post(t.Context(), client.ServiceURL("secrets", s.ID, "consumers"), consumer, nil, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
				if err != nil {
					t.Fatal(err)
				}
			},
			Config:      replaced,
			ExpectError: acctest.Words("It is still used by listener x of load-balancer. Let the replacement be made first"),
		},
		resource.TestStep{PreConfig: func() { removeSecret(t, c, s.ID) }, Config: replaced},
	)
}
