package edge

import (
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

func rewritten(t *testing.T, from io.Reader, prefix string) string {
	t.Helper()
	all, err := io.ReadAll(newHostRewriter(io.NopCloser(from), []string{"suite.example", "app.suite.example"}, prefix, "office.customer.ch"))
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

func TestHostRewriter(t *testing.T) {
	for _, test := range []struct{ in, prefix, want string }{
		{"", "", ""},
		{"suite.example", "", "office.customer.ch"},
		{"https://suite.example/a and //suite.example", "", "https://office.customer.ch/a and //office.customer.ch"},
		{"https://app.suite.example/", "", "https://office.customer.ch/"},
		{"suite.example. And suite.example, suite.example:443", "", "office.customer.ch. And office.customer.ch, office.customer.ch:443"},
		{"my-suite.example x.suite.example suite.example.org suite.examples", "", "my-suite.example x.suite.example suite.example.org suite.examples"},
		{`https:\/\/suite.example\/ https%3A%2F%2Fsuite.example%2F https:\u002f\u002Fsuite.example`, "", `https:\/\/office.customer.ch\/ https%3A%2F%2Foffice.customer.ch%2F https:\u002f\u002Foffice.customer.ch`},
		{"ops@suite.example", "", "ops@office.customer.ch"},
		{"https://suite.example/fr/a https://suite.example/fr https://suite.example/french", "/fr", "https://office.customer.ch/a https://office.customer.ch https://office.customer.ch/french"},
		{"suite.exampl", "", "suite.exampl"},
		{"suite.examplsuite.example", "", "suite.examplsuite.example"},
	} {
		if got := rewritten(t, strings.NewReader(test.in), test.prefix); got != test.want {
			t.Errorf("%q became %q, want %q", test.in, got, test.want)
		}
		if got := rewritten(t, iotest.OneByteReader(strings.NewReader(test.in)), test.prefix); got != test.want {
			t.Errorf("%q, byte by byte, became %q, want %q", test.in, got, test.want)
		}
	}
}

func TestHostRewriterDoesNotCareAboutChunks(t *testing.T) {
	words := []string{"suite.example", "app.", "suite", ".exam", "ple", "/fr", "/", " ", "x", "%2F", "-", ".", "é"}
	for range 2000 {
		var text strings.Builder
		for range rand.IntN(20) {
			text.WriteString(words[rand.IntN(len(words))])
		}
		whole := rewritten(t, strings.NewReader(text.String()), "/fr")
		if pieces := rewritten(t, iotest.OneByteReader(strings.NewReader(text.String())), "/fr"); pieces != whole {
			t.Fatalf("%q becomes %q as a whole and %q byte by byte", text.String(), whole, pieces)
		}
	}
}

func TestLocationsAndCookies(t *testing.T) {
	x := &exchange{host: "office.customer.ch", prefix: "/app", secure: true}
	both := &transport{Rewrite: true, Hosts: []string{"suite.example"}}
	only := &transport{Hosts: []string{"suite.example"}}
	for _, test := range []struct {
		transport *transport
		in, want  string
	}{
		{both, "http://suite.example/app/a?b=c#d", "https://office.customer.ch/a?b=c#d"},
		{both, "https://SUITE.example:443/app", "https://office.customer.ch/"},
		{both, "https://suite.example/apple", "https://office.customer.ch/apple"},
		{both, "/app/a%2Fb", "/a%2Fb"},
		{both, "a/b", "a/b"},
		{both, "https://accounts.example/app/?next=https://suite.example/", "https://accounts.example/app/?next=https://suite.example/"},
		{both, "5; url=https://suite.example/app/x", "5; url=https://office.customer.ch/x"},
		{only, "https://suite.example/app/x", "https://suite.example/app/x"},
		{only, "/app/x", "/x"},
	} {
		if got := test.transport.location(test.in, x); got != test.want {
			t.Errorf("%q became %q, want %q", test.in, got, test.want)
		}
	}
	for in, want := range map[string]string{
		"a=b; Domain=suite.example; Path=/app": "a=b; Domain=office.customer.ch; Path=/",
		"a=b;domain=.SUITE.example;Secure":     "a=b; Domain=office.customer.ch;Secure",
		"a=b; Domain=example; Path=/x":         "a=b; Domain=office.customer.ch; Path=/x",
		"a=b; Domain=other.org":                "a=b; Domain=other.org",
		"a=b; HttpOnly":                        "a=b; HttpOnly",
		"domain=suite.example":                 "domain=suite.example",
	} {
		if got := both.cookie(in, x); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestPathsThatClimb(t *testing.T) {
	for path, want := range map[string]bool{
		"/": false, "/a..b/c": false, "/...": false, "/a/../b": true, "/..": true, "/a/..": true, `/a\..\b`: true, "..": true,
	} {
		if climbs(path) != want {
			t.Errorf("%q climbs: %v", path, !want)
		}
	}
}

func TestRedirectsKeepThePath(t *testing.T) {
	routes, err := reverseproxy.ParseRoutes(reverseproxy.Routes{"a.ch": "redirect:https://b.ch", "c.ch": "redirect:https://b.ch/"})
	if err != nil {
		t.Fatal(err)
	}
	table := newTable(routes, nil, newMetrics())
	if got := table.find("A.ch:443").location("/x?y"); got != "https://b.ch/x?y" {
		t.Error(got)
	}
	if got := table.find("c.ch.").location("/x?y"); got != "https://b.ch/" {
		t.Error(got)
	}
}
