package dns

import (
	"strings"
	"testing"
)

func TestCanonical(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ kind, record, want string }{
		"IPv4":            {"A", " 192.0.2.1 ", "192.0.2.1"},
		"IPv6":            {"AAAA", "2001:DB8:0:0::1", "2001:db8::1"},
		"name":            {"CNAME", "WWW.Bücher.example.", "www.xn--bcher-kva.example."},
		"no mail":         {"MX", "0 .", "0 ."},
		"mail":            {"MX", "010\t mail.example.", "10 mail.example."},
		"service":         {"SRV", "1  2 3 a.example.", "1 2 3 a.example."},
		"authorization":   {"CAA", `0 ISSUE "ca.example; account=1"`, "0 issue ca.example; account=1"},
		"nobody":          {"CAA", `0 issue ";"`, "0 issue ;"},
		"fingerprint":     {"SSHFP", "4 2 " + strings.Repeat("AB", 32), "4 2 " + strings.Repeat("ab", 32)},
		"text":            {"TXT", `say "hi" \o/`, `"say \"hi\" \\o/"`},
		"text in quotes":  {"TXT", `"say \"hi\" \\o/"`, `"say \"hi\" \\o/"`},
		"text in parts":   {"TXT", `"one" "two"`, `"onetwo"`},
		"text in numbers": {"TXT", `"\195\188\226"`, `"\195\188\226"`},
		"beyond ASCII":    {"TXT", "ü", `"\195\188"`},
		"no text":         {"TXT", "", `""`},
		"just fits":       {"TXT", strings.Repeat("a", 253), `"` + strings.Repeat("a", 253) + `"`},
		"too long":        {"TXT", strings.Repeat("a", 254), `"` + strings.Repeat("a", 253) + `" "a"`},
		"cut at no quote": {"TXT", strings.Repeat("a", 252) + `""`, `"` + strings.Repeat("a", 252) + `" "\"\""`},
		"others":          {"NAPTR", "10 10 S SIP+D2U  _sip._udp.example.", "10 10 S SIP+D2U  _sip._udp.example."},
	} {
		got, err := canonical(tc.kind, tc.record)
		if err != nil || got != tc.want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, tc.want)
		}
		if again, err := canonical(tc.kind, got); err != nil || again != got {
			t.Errorf("%s is not stable: %s, %v", name, again, err)
		}
	}
}

func TestShown(t *testing.T) {
	t.Parallel()
	for record, want := range map[string]string{
		`"v=spf1 -all"`:           "v=spf1 -all",
		`"aaa" "bbb"`:             "aaabbb",
		`hello`:                   "hello",
		`"\"quoted\""`:            `"\"quoted\""`,
		`" white space "`:         `" white space "`,
		`""`:                      `""`,
		`"not closed`:             `"not closed`,
		quoted("Grüße \\ \" end"): "Grüße \\ \" end",
	} {
		got := shown("TXT", record)
		if got != want {
			t.Errorf("%s is shown as %s, want %s", record, got, want)
		}
		if !sameRecords("TXT", []string{got}, []string{record}) {
			t.Errorf("%s is not the same as %s", got, record)
		}
	}
	if got := shown("CAA", `0 issue ca.example`); got != `0 issue ca.example` {
		t.Error(got)
	}
}

func TestRecordName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"@":                        "example.com.",
		"www":                      "www.example.com.",
		"WWW":                      "www.example.com.",
		"a.b":                      "a.b.example.com.",
		"*":                        "*.example.com.",
		"_dmarc":                   "_dmarc.example.com.",
		"www.example.com.":         "www.example.com.",
		"www.example.com":          "www.example.com.",
		"example.com":              "example.com.",
		"example.com.example.com.": "example.com.example.com.",
		"bücher":                   "xn--bcher-kva.example.com.",
		"notexample.com":           "notexample.com.example.com.",
	} {
		if got, err := recordName(name, "example.com."); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, want)
		}
	}
	for _, name := range []string{"", ".", "www.example.org.", "a..b", "-a", "a.*", strings.Repeat("a", 64), strings.Repeat("abcdefgh.", 28)} {
		if got, err := recordName(name, "example.com."); err == nil {
			t.Errorf("%q is taken as %s", name, got)
		}
	}
}
