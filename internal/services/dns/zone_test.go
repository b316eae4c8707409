package dns_test

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

const theZone = "massif_dns_zone.test"

// zoneConfig is a zone of the test's own name.
func zoneConfig(body string) string {
	return "resource \"massif_dns_zone\" \"test\" {\n  name = \"{{name}}.example.\"\n" + body + "\n}\n"
}

func TestZoneBasicAndImport(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(zoneConfig(`email = "admin@example.org"`), theZone, plancheck.ResourceActionCreate,
			acctest.Has(theZone, "type", knownvalue.StringExact("PRIMARY")),
			acctest.Has(theZone, "description", knownvalue.StringExact("")),
			acctest.Has(theZone, "masters", knownvalue.SetSizeExact(0)),
			acctest.Has(theZone, "attributes", knownvalue.MapSizeExact(0)),
			acctest.Has(theZone, "ttl", knownvalue.NotNull()),
			acctest.Has(theZone, "name_servers", knownvalue.ListPartial(map[int]knownvalue.Check{0: knownvalue.StringRegexp(regexp.MustCompile(`\.$`))})),
		),
		acctest.Imported(theZone))
}

func TestZoneFullAndUpdate(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(zoneConfig(`
  email       = "admin@example.org"
  ttl         = 600
  description = "first"
  attributes  = { tier = "gold", place = "here" }
`), theZone, plancheck.ResourceActionCreate),
		acctest.Imported(theZone),
		acctest.Step(zoneConfig(`
  email       = "other@example.org"
  ttl         = 0
  description = "second"
  attributes  = { tier = "silver" }
`), theZone, plancheck.ResourceActionUpdate,
			acctest.Has(theZone, "ttl", knownvalue.Int64Exact(0)),
			acctest.Has(theZone, "attributes", knownvalue.MapExact(map[string]knownvalue.Check{"tier": knownvalue.StringExact("silver")}))),
		acctest.Step(zoneConfig(`email = "other@example.org"`), theZone, plancheck.ResourceActionUpdate,
			acctest.Has(theZone, "description", knownvalue.StringExact("")),
			acctest.Has(theZone, "attributes", knownvalue.MapSizeExact(0)),
			acctest.Has(theZone, "ttl", knownvalue.Int64Exact(0))),
	)
}

// The same name in other letters is no other zone.
func TestZoneNames(t *testing.T) {
	named := func(name string) string {
		return fmt.Sprintf("resource \"massif_dns_zone\" \"test\" {\n  name = %q\n  email = \"a@example.org\"\n}\n", name)
	}
	acctest.New(t).Test(t,
		acctest.Step(named("{{name}}.Example"), theZone, plancheck.ResourceActionCreate, acctest.Has(theZone, "name", knownvalue.StringRegexp(regexp.MustCompile(`\.Example$`)))),
		acctest.Step(named("{{name}}.example."), theZone, plancheck.ResourceActionNoop),
		acctest.Step(named("{{name}}.bücher.example"), theZone, plancheck.ResourceActionDestroyBeforeCreate),
		acctest.Step(named("{{name}}.xn--bcher-kva.example."), theZone, plancheck.ResourceActionNoop),
	)
}

func TestZoneSecondary(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(zoneConfig(`
  type    = "SECONDARY"
  masters = ["192.0.2.1:53", "192.0.2.2:5353"]
`), theZone, plancheck.ResourceActionCreate, acctest.Has(theZone, "email", knownvalue.NotNull())),
		acctest.Imported(theZone, "masters"),
		acctest.Step(zoneConfig("type = \"SECONDARY\"\nmasters = [\"192.0.2.2:5353\", \"192.0.2.1\"]"), theZone, plancheck.ResourceActionNoop),
		acctest.Step(zoneConfig("type = \"SECONDARY\"\nmasters = [\"192.0.2.3\"]\ndescription = \"d\""), theZone, plancheck.ResourceActionUpdate),
		acctest.Step(zoneConfig(`email = "a@example.org"`), theZone, plancheck.ResourceActionDestroyBeforeCreate),
	)
}

func TestZoneDisappears(t *testing.T) {
	c := acctest.New(t)
	config := zoneConfig(`email = "a@example.org"`)
	var s acctest.Stolen
	first := acctest.Step(config, theZone, plancheck.ResourceActionCreate)
	first.Check = s.From(theZone)
	second := acctest.Step(config, theZone, plancheck.ResourceActionCreate)
	second.PreConfig = func() {
		if _, err := call(t, c, http.MethodDelete, nil, "zones", s.ID); err != nil {
			t.Fatal(err)
		}
		if !acctest.Eventually(t, time.Minute, func() bool {
			_, err := call(t, c, http.MethodGet, nil, "zones", s.ID)
			return openstack.NotFound(err)
		}) {
			t.Fatal("the zone is still there")
		}
	}
	c.Test(t, first, second)
}

// The second of the same name must name the import, not adopt the first.
func TestZoneExists(t *testing.T) {
	config := zoneConfig(`email = "a@example.org"`)
	acctest.New(t).Test(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			Config: config + `
resource "massif_dns_zone" "twin" {
  name  = massif_dns_zone.test.name
  email = "a@example.org"
}`,
			ExpectError: regexp.MustCompile(`(?s)Already exists.*terraform import 'massif_dns_zone\.NAME'`),
		},
	)
}

// Both go at once, and the zone above must wait for the one below.
func TestZoneBelowZone(t *testing.T) {
	c := acctest.New(t)
	if c.Simulator != nil {
		c.Simulator.SetTimes(simulator.Times{DNS: 500 * time.Millisecond})
	}
	c.Test(t, resource.TestStep{Config: zoneConfig(`email = "a@example.org"`) + `
resource "massif_dns_zone" "below" {
  name  = "below.{{name}}.example."
  email = "a@example.org"
}`})
}

func TestZoneUnknowns(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{Config: `
resource "terraform_data" "values" {
  input = { name = "{{name}}.example", email = "a@example.org", ttl = 300, type = "PRIMARY", key = "tier" }
}

resource "massif_dns_zone" "test" {
  name        = terraform_data.values.output.name
  email       = terraform_data.values.output.email
  ttl         = terraform_data.values.output.ttl
  type        = terraform_data.values.output.type
  description = terraform_data.values.output.name
  attributes  = { (terraform_data.values.output.key) = terraform_data.values.output.name }
}

resource "massif_dns_record_set" "test" {
  zone_id = massif_dns_zone.test.id
  name    = terraform_data.values.output.key
  type    = terraform_data.values.output.type == "PRIMARY" ? "TXT" : "A"
  records = [terraform_data.values.output.name]
  ttl     = terraform_data.values.output.ttl
}`})
}

func TestZoneLostAnswer(t *testing.T) {
	c := acctest.OnSimulator(t, "the answer to a request must get lost")
	s := acctest.Step(zoneConfig(`email = "a@example.org"`), theZone, plancheck.ResourceActionCreate)
	s.PreConfig = func() {
		if err := c.Simulator.AddFault(simulator.Fault{Method: http.MethodPost, Service: "dns", Path: `/zones$`, Count: 1, Late: true, Drop: true}); err != nil {
			t.Fatal(err)
		}
	}
	c.Test(t, s)
}

// A zone that the name servers do not confirm is an error, and made anew.
func TestZoneFails(t *testing.T) {
	c := acctest.OnSimulator(t, "the name servers must fail")
	config := zoneConfig(`email = "a@example.org"`)
	c.Test(t,
		resource.TestStep{
			PreConfig: func() {
				if err := c.Simulator.AddFault(simulator.Fault{
					Method: http.MethodGet, Service: "dns", Path: `^/v2/zones/[^/]+$`, Status: http.StatusOK, Count: 1,
					Body: `{"id": "x", "name": "x.example.", "status": "ERROR", "action": "CREATE"}`,
				}); err != nil {
					t.Fatal(err)
				}
			},
			Config:      config,
			ExpectError: acctest.Words("reached the state ERROR: the cloud's name servers have not confirmed the change (CREATE)"),
		},
		acctest.Step(config, theZone, plancheck.ResourceActionDestroyBeforeCreate),
	)
}

func TestZoneDataSource(t *testing.T) {
	const data = "data.massif_dns_zone.test"
	config := zoneConfig("email = \"a@example.org\"\nttl = 600")
	acctest.New(t).Test(t,
		resource.TestStep{
			Config: config + `data "massif_dns_zone" "test" { name = trimsuffix(massif_dns_zone.test.name, ".") }`,
			ConfigStateChecks: []statecheck.StateCheck{
				acctest.Has(data, "ttl", knownvalue.Int64Exact(600)), acctest.Has(data, "status", knownvalue.StringExact("ACTIVE")), acctest.Has(data, "name_servers", knownvalue.NotNull()),
			},
		},
		resource.TestStep{
			Config:            config + `data "massif_dns_zone" "test" { id = massif_dns_zone.test.id }`,
			ConfigStateChecks: []statecheck.StateCheck{acctest.Has(data, "email", knownvalue.StringExact("a@example.org"))},
		},
		resource.TestStep{
			Config:      config + `data "massif_dns_zone" "test" { name = "nowhere-{{name}}.example" }`,
			ExpectError: acctest.Words("No zone matches; there are:"),
		},
	)
}
