package dns_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

func TestZoneInvalid(t *testing.T) {
	const name, email = `name = "a.example."`, `email = "a@example.org"`
	lines := func(all ...string) string { return strings.Join(all, "\n  ") }
	for what, tc := range map[string]struct{ body, want string }{
		"name of one part":       {lines(`name = "example"`, email), `a zone has at least two parts, as example.com. has`},
		"wildcard":               {lines(`name = "*.example.com"`, email), `a zone has no wildcard; a record set in it may`},
		"name with a space":      {lines(`name = "my zone.example"`, email), `"my zone" may have letters, digits, hyphens inside and underscores only`},
		"two dots":               {lines(`name = "a..example"`, email), `there is nothing between two dots, or before the first`},
		"long part":              {lines(`name = "`+strings.Repeat("a", 64)+`.example"`, email), `is longer than the 63 characters that a part of a name may have`},
		"long name":              {lines(`name = "`+strings.Repeat("abcdefg.", 33)+`example"`, email), `a name has at most 253 characters`},
		"no email":               {name, `A primary zone needs the address of whoever is responsible for it`},
		"email without at":       {lines(name, `email = "hostmaster"`), `"hostmaster" is not of the form hostmaster@example.com`},
		"email with a plus":      {lines(name, `email = "a+b@example.org"`), `there may be no + in it`},
		"negative TTL":           {lines(name, email, `ttl = -1`), `Attribute ttl value must be between 0 and 2147483647`},
		"type":                   {lines(name, email, `type = "MASTER"`), `Attribute type value must be one of: ["PRIMARY" "SECONDARY"], got: "MASTER"`},
		"masters of a primary":   {lines(name, email, `masters = ["192.0.2.1"]`), `A primary zone has no masters; a copy of theirs is a zone of type SECONDARY`},
		"no masters":             {lines(name, `type = "SECONDARY"`), `A secondary zone needs the name servers from which it is copied`},
		"email of a secondary":   {lines(name, email, `type = "SECONDARY"`, `masters = ["192.0.2.1"]`), `A secondary zone has the e-mail address that its masters tell: leave it out`},
		"TTL of a secondary":     {lines(name, `ttl = 60`, `type = "SECONDARY"`, `masters = ["192.0.2.1"]`), `A secondary zone has the TTL that its masters tell: leave it out`},
		"master without address": {lines(name, `type = "SECONDARY"`, `masters = ["192.0.2.300"]`), `"192.0.2.300" is no address`},
		"master without port":    {lines(name, `type = "SECONDARY"`, `masters = ["192.0.2.1:dns"]`), `"192.0.2.1:dns" has no port from 1 to 65535 after the colon`},
		"long description":       {lines(name, email, `description = "`+strings.Repeat("x", 161)+`"`), `Attribute description string length must be at most 160`},
	} {
		t.Run(what, func(t *testing.T) {
			acctest.New(t).Test(t, resource.TestStep{
				Config:      "resource \"massif_dns_zone\" \"test\" {\n  " + tc.body + "\n}",
				PlanOnly:    true,
				ExpectError: acctest.Words(tc.want),
			})
		})
	}
}

func TestRecordSetInvalid(t *testing.T) {
	set := func(name, kind string, records ...string) string {
		return "name = \"" + name + "\"\n  type = \"" + kind + "\"\n  records = [\"" + strings.Join(records, `", "`) + "\"]"
	}
	for what, tc := range map[string]struct{ body, want string }{
		"name with a space":       {set("a b", "A", "192.0.2.1"), `"a b" may have letters, digits, hyphens inside and underscores only`},
		"name with a hyphen last": {set("a-", "A", "192.0.2.1"), `"a-" may have letters, digits, hyphens inside and underscores only`},
		"wildcard inside":         {set("a.*", "A", "192.0.2.1"), `a wildcard, as in *.example.com, stands for the first part only`},
		"empty name":              {set("", "A", "192.0.2.1"), `it must not be empty`},
		"type":                    {set("a", "TLSA", "3 1 1 aa"), `"TLSA" is none of A, AAAA, CAA,`},
		"SOA":                     {set("@", "SOA", "x"), `the SOA record is the zone's own; what it says comes from the zone's email and ttl`},
		"NS of the zone":          {set("@", "NS", "ns.example.org."), `The NS records of the zone itself are the cloud's own`},
		"CNAME of the zone":       {set("@", "CNAME", "www.example.org."), `The zone's own name cannot be an alias`},
		"two CNAMEs":              {set("a", "CNAME", "a.example.org.", "b.example.org."), `a record set of type CNAME has exactly one record`},
		"no records":              {"name = \"a\"\n  type = \"A\"\n  records = []", `Attribute records set must contain at least 1 elements`},
		"negative TTL":            {set("a", "A", "192.0.2.1") + "\n  ttl = -1", `Attribute ttl value must be between 0 and 2147483647`},
		"no address":              {set("a", "A", "example.org"), `a record of type A is an address, and "example.org" is none`},
		"IPv6 in A":               {set("a", "A", "2001:db8::1"), `2001:db8::1 is for a record set of type AAAA`},
		"IPv4 in AAAA":            {set("a", "AAAA", "192.0.2.1"), `192.0.2.1 is for a record set of type A`},
		"the same twice":          {set("a", "AAAA", "2001:db8::1", "2001:DB8:0::1"), `is the same record as another one, in other letters: leave one out`},
		"CNAME without dot":       {set("a", "CNAME", "www.example.org"), `a name in a record ends with a dot: write www.example.org.`},
		"MX without preference":   {set("a", "MX", "mail.example.org."), `it must be preference and name of the mail server, such as 10 mail.example.com.`},
		"MX with a large one":     {set("a", "MX", "70000 mail.example.org."), `with numbers from 0 to 65535: 70000 is none`},
		"MX without dot":          {set("a", "MX", "10 mail.example.org"), `a name in a record ends with a dot: write mail.example.org.`},
		"SRV of three":            {set("_sip._tcp", "SRV", "10 5060 sip.example.org."), `it must be priority, weight, port and name of the server`},
		"SRV name":                {set("sip", "SRV", "10 5 5060 sip.example.org."), `The name of SRV records begins with service and protocol, such as _sip._tcp`},
		"CAA of two":              {set("a", "CAA", "0 letsencrypt.org"), `it must be flags, tag and value, such as 0 issue "letsencrypt.org"`},
		"CAA tag":                 {set("a", "CAA", "0 allow letsencrypt.org"), `the tag is one of issue, issuewild, iodef, issuemail, contactemail, contactphone, and not allow`},
		"CAA flags":               {set("a", "CAA", "300 issue letsencrypt.org"), `flags are a number from 0 to 255, and 300 is none`},
		"CAA quote":               {set("a", "CAA", `0 issue \"letsencrypt.org`), `a quote is missing or too many`},
		"TXT quote":               {set("a", "TXT", `\"v=spf1 -all`), `a text that begins with a quote must end with one`},
		"SSHFP":                   {set("a", "SSHFP", "4 2 xyz"), `it must be algorithm, type and fingerprint, as ssh-keyscan -D writes them`},
	} {
		t.Run(what, func(t *testing.T) {
			acctest.New(t).Test(t, resource.TestStep{
				Config:      "resource \"massif_dns_record_set\" \"test\" {\n  zone_id = \"x\"\n  " + tc.body + "\n}",
				PlanOnly:    true,
				ExpectError: acctest.Words(tc.want),
			})
		})
	}
}

// What is not known yet is not wrong.
func TestUnknownsAreNotInvalid(t *testing.T) {
	acctest.NotRefused(t, map[string]string{
		"zone": `
resource "massif_dns_zone" "test" {
  name    = "${local.text}.example"
  type    = local.text
  masters = [local.text]
}`,
		"record set": `
resource "massif_dns_record_set" "test" {
  zone_id = local.text
  name    = local.text
  type    = "MX"
  records = ["10 mail.example.org.", local.text]
}`,
		"type": `
resource "massif_dns_record_set" "test" {
  zone_id = local.text
  name    = "a"
  type    = local.text
  records = ["anything"]
}`,
	})
}
