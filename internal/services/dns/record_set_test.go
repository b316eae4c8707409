package dns_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
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

const theSet = "massif_dns_record_set.test"

// setConfig is a record set in a zone of the test's own name.
func setConfig(body string) string {
	return zoneConfig(`email = "a@example.org"`) + "resource \"massif_dns_record_set\" \"test\" {\n  zone_id = massif_dns_zone.test.id\n" + body + "\n}\n"
}

func address(name string, records ...string) string {
	return fmt.Sprintf("name = %q\n  type = \"A\"\n  records = [%s]\n", name, `"`+strings.Join(records, `", "`)+`"`)
}

func TestRecordSetBasicAndImport(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(setConfig(address("www", "192.0.2.1")), theSet, plancheck.ResourceActionCreate,
			acctest.Has(theSet, "name", knownvalue.StringExact("www")),
			acctest.Has(theSet, "fqdn", knownvalue.StringRegexp(regexp.MustCompile(`^www\.acc[0-9a-f]+\.example\.$`))),
			acctest.Has(theSet, "zone_name", knownvalue.StringRegexp(regexp.MustCompile(`^acc[0-9a-f]+\.example\.$`))),
			acctest.Has(theSet, "ttl", knownvalue.Null()),
			acctest.Has(theSet, "description", knownvalue.StringExact("")),
		),
		acctest.Imported(theSet, "name"))
}

func TestRecordSetFullAndUpdate(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(setConfig(address("*", "192.0.2.1", "192.0.2.2")+"ttl = 60\ndescription = \"first\""), theSet, plancheck.ResourceActionCreate),
		acctest.Imported(theSet, "name"),
		acctest.Step(setConfig(address("*", "192.0.2.2", "192.0.2.1")+"ttl = 60\ndescription = \"first\""), theSet, plancheck.ResourceActionNoop),
		acctest.Step(setConfig(address("*", "192.0.2.3")+"ttl = 0\ndescription = \"second\""), theSet, plancheck.ResourceActionUpdate,
			acctest.Has(theSet, "ttl", knownvalue.Int64Exact(0))),
		acctest.Step(setConfig(address("*", "192.0.2.3")), theSet, plancheck.ResourceActionUpdate,
			acctest.Has(theSet, "ttl", knownvalue.Null()), acctest.Has(theSet, "description", knownvalue.StringExact(""))),
	)
}

// A name may be relative, whole, without its dot, in capitals, or the zone's own: what means the same is no change.
func TestRecordSetNames(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(setConfig(address("www", "192.0.2.1")), theSet, plancheck.ResourceActionCreate),
		acctest.Step(setConfig(address("www.{{name}}.example.", "192.0.2.1")), theSet, plancheck.ResourceActionNoop),
		acctest.Step(setConfig(address("WWW.{{name}}.example", "192.0.2.1")), theSet, plancheck.ResourceActionNoop),
		acctest.Step(setConfig(address("@", "192.0.2.1")), theSet, plancheck.ResourceActionDestroyBeforeCreate),
		acctest.Step(setConfig(address("{{name}}.example.", "192.0.2.1")), theSet, plancheck.ResourceActionNoop),
		acctest.Step(setConfig(address("bücher", "192.0.2.1")), theSet, plancheck.ResourceActionDestroyBeforeCreate,
			acctest.Has(theSet, "fqdn", knownvalue.StringRegexp(regexp.MustCompile(`^xn--bcher-kva\.`)))),
	)
}

// Every type, in words that Designate itself would not take.
func TestRecordSetTypes(t *testing.T) {
	long := strings.Repeat(`say "hi" \ `, 60)
	config := func(text string) string {
		all := zoneConfig(`email = "a@example.org"`)
		for _, set := range []struct{ name, kind, records string }{
			{"a", "A", `"192.0.2.1"`},
			{"aaaa", "AAAA", `"2001:DB8::1", "2001:db8:0::2"`},
			{"c", "CNAME", `"WWW.Example.org."`},
			{"mx", "MX", `"010   mail.example.org.", "20 bücher.example."`},
			{"_s._tcp", "SRV", `"10  5 5060 sip.example.org."`},
			{"t", "TXT", text + `, "Grüße", ""`},
			{"test", "TXT", fmt.Sprintf("%q", long)},
			{"caa", "CAA", `"0 issue \"letsencrypt.org\"", "0 iodef mailto:a@example.org"`},
			{"ns", "NS", `"ns.example.org."`},
			{"p", "PTR", `"host.example.org."`},
			{"fp", "SSHFP", fmt.Sprintf("\"4 2 %s\"", strings.Repeat("AB", 32))},
			{"n", "NAPTR", `"10 10 S SIP+D2U  _sip._udp.example.org."`},
			{"spf", "SPF", `"v=spf1 -all"`},
			{"cert", "CERT", `"1 1 1 AAAA"`},
		} {
			all += fmt.Sprintf("resource \"massif_dns_record_set\" %q {\n  zone_id = massif_dns_zone.test.id\n  name = %q\n  type = %q\n  records = [%s]\n}\n",
				strings.ReplaceAll(set.name, ".", "_"), set.name, set.kind, set.records)
		}
		return all
	}
	acctest.New(t).Test(t,
		resource.TestStep{Config: config(`"v=spf1 -all", "\"in quotes\""`), ConfigStateChecks: []statecheck.StateCheck{
			acctest.Has(theSet, "records", knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact(long)})),
		}},
		resource.TestStep{
			Config:           config(`"\"v=spf1\" \" -all\"", "in quotes"`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
		},
	)
}

// An imported text is shown without the quotes and cuts that DNS needs.
func TestRecordSetTextImport(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(setConfig(fmt.Sprintf("name = \"@\"\ntype = \"TXT\"\nrecords = [%q, \"v=spf1 -all\"]", strings.Repeat("0123456789", 60))), theSet, plancheck.ResourceActionCreate),
		acctest.Imported(theSet, "name"))
}

func TestRecordSetReplace(t *testing.T) {
	acctest.New(t).Test(t,
		acctest.Step(setConfig(address("a", "192.0.2.1")), theSet, plancheck.ResourceActionCreate),
		acctest.Step(setConfig(address("b", "192.0.2.1")), theSet, plancheck.ResourceActionDestroyBeforeCreate),
		acctest.Step(setConfig("name = \"b\"\ntype = \"AAAA\"\nrecords = [\"2001:db8::1\"]"), theSet, plancheck.ResourceActionDestroyBeforeCreate),
	)
}

func TestRecordSetDisappears(t *testing.T) {
	c := acctest.New(t)
	config := setConfig(address("www", "192.0.2.1"))
	var s acctest.Stolen
	first := acctest.Step(config, theSet, plancheck.ResourceActionCreate)
	first.Check = s.From(theSet)
	second := acctest.Step(config, theSet, plancheck.ResourceActionCreate)
	second.PreConfig = func() {
		zone, id, _ := strings.Cut(s.ID, "/")
		if _, err := call(t, c, http.MethodDelete, nil, "zones", zone, "recordsets", id); err != nil {
			t.Fatal(err)
		}
		if !acctest.Eventually(t, time.Minute, func() bool {
			_, err := call(t, c, http.MethodGet, nil, "zones", zone, "recordsets", id)
			return openstack.NotFound(err)
		}) {
			t.Fatal("the record set is still there")
		}
	}
	c.Test(t, first, second)
}

func TestRecordSetExists(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{Config: setConfig(address("www", "192.0.2.1"))},
		resource.TestStep{
			Config: setConfig(address("www", "192.0.2.1")) + `
resource "massif_dns_record_set" "twin" {
  zone_id = massif_dns_zone.test.id
  name    = massif_dns_record_set.test.fqdn
  type    = "A"
  records = ["192.0.2.2"]
}`,
			ExpectError: regexp.MustCompile(`(?s)Already exists.*terraform import 'massif_dns_record_set\.NAME'`),
		},
	)
}

// What only the zone can tell is told by the plan as soon as the zone is there.
func TestRecordSetInZone(t *testing.T) {
	zone := zoneConfig(`email = "a@example.org"`) + `
resource "massif_dns_zone" "copy" {
  name    = "copy-{{name}}.example."
  type    = "SECONDARY"
  masters = ["192.0.2.1"]
}
`
	wrong := func(body, want string) resource.TestStep {
		return resource.TestStep{
			Config:      zone + "resource \"massif_dns_record_set\" \"test\" {\n" + body + "\n}",
			PlanOnly:    true,
			ExpectError: acctest.Words(want),
		}
	}
	in := "zone_id = massif_dns_zone.test.id\n"
	acctest.New(t).Test(t,
		resource.TestStep{Config: zone},
		wrong(in+address("www.elsewhere.example.", "192.0.2.1"), "www.elsewhere.example. is not in the zone"),
		wrong(in+"name = \"{{name}}.example.\"\ntype = \"CNAME\"\nrecords = [\"x.example.\"]", "The zone's own name cannot be an alias"),
		wrong(in+"name = \"{{name}}.example\"\ntype = \"NS\"\nrecords = [\"x.example.\"]", "The NS records of the zone itself are the cloud's own"),
		wrong("zone_id = massif_dns_zone.copy.id\n"+address("www", "192.0.2.1"), "is a secondary zone, whose records come from its masters"),
		wrong("zone_id = \"00000000-dead-beef-0000-000000000000\"\n"+address("www", "192.0.2.1"), "There is no zone 00000000-dead-beef-0000-000000000000"),
	)
}

// Many at once in one zone, which are read with one list.
func TestRecordSetMany(t *testing.T) {
	config := zoneConfig(`email = "a@example.org"`) + `
resource "massif_dns_record_set" "test" {
  count   = 20
  zone_id = massif_dns_zone.test.id
  name    = "host-${count.index}"
  type    = "A"
  records = ["192.0.2.${count.index}"]
}`
	c := acctest.New(t)
	c.Test(t, resource.TestStep{Config: config}, resource.TestStep{
		PreConfig: func() {
			if c.Simulator != nil {
				c.Simulator.ResetRequests()
			}
		},
		Config: config, PlanOnly: true,
	})
	if c.Simulator == nil {
		return
	}
	reads := 0
	for _, r := range c.Simulator.Requests() {
		if r.Service == "dns" && r.Method == http.MethodGet && strings.Contains(r.Path, "/recordsets/") {
			reads++
		}
	}
	if reads > 40 {
		t.Errorf("%d record sets were read one by one", reads)
	}
}

func TestRecordSetLostAnswer(t *testing.T) {
	c := acctest.OnSimulator(t, "the answer to a request must get lost")
	s := acctest.Step(setConfig(address("www", "192.0.2.1")), theSet, plancheck.ResourceActionCreate)
	s.PreConfig = func() {
		if err := c.Simulator.AddFault(simulator.Fault{Method: http.MethodPost, Service: "dns", Path: `/recordsets$`, Count: 1, Late: true, Drop: true}); err != nil {
			t.Fatal(err)
		}
	}
	c.Test(t, s)
}

func TestRecordSetFails(t *testing.T) {
	c := acctest.OnSimulator(t, "the name servers must fail")
	config := setConfig(address("www", "192.0.2.1"))
	c.Test(t,
		resource.TestStep{
			PreConfig: func() {
				if err := c.Simulator.AddFault(simulator.Fault{
					Method: http.MethodGet, Service: "dns", Path: `/recordsets/[^/]+$`, Status: http.StatusOK, Count: 1,
					Body: `{"id": "x", "name": "x.example.", "status": "ERROR", "action": "CREATE"}`,
				}); err != nil {
					t.Fatal(err)
				}
			},
			Config:      config,
			ExpectError: acctest.Words("reached the state ERROR: the cloud's name servers have not confirmed the change (CREATE)"),
		},
		acctest.Step(config, theSet, plancheck.ResourceActionDestroyBeforeCreate),
	)
}

func TestRecordSetDataSource(t *testing.T) {
	const data = "data.massif_dns_record_set.test"
	config := setConfig(address("www", "192.0.2.1") + "ttl = 60")
	look := func(body string) string { return config + "data \"massif_dns_record_set\" \"test\" {\n" + body + "\n}" }
	in := "zone_id = massif_dns_record_set.test.zone_id\n"
	records := acctest.Has(data, "records", knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact("192.0.2.1")}))
	acctest.New(t).Test(t,
		resource.TestStep{Config: look(in + `name = "www"`), ConfigStateChecks: []statecheck.StateCheck{records, acctest.Has(data, "ttl", knownvalue.Int64Exact(60))}},
		resource.TestStep{Config: look(`id = massif_dns_record_set.test.id`), ConfigStateChecks: []statecheck.StateCheck{records}},
		resource.TestStep{Config: look(in + `type = "SOA"`), ConfigStateChecks: []statecheck.StateCheck{acctest.Has(data, "fqdn", knownvalue.NotNull())}},
		resource.TestStep{Config: look(in + `name = "ftp"`), ExpectError: acctest.Words("No record set matches; there are:")},
	)
}
