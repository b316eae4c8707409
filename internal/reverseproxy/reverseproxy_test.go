package reverseproxy

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestHost(t *testing.T) {
	for in, want := range map[string]string{
		"shop.example.ch":                        "shop.example.ch",
		"Shop.Example.CH.":                       "shop.example.ch",
		"bücher.example":                         "xn--bcher-kva.example",
		"BÜCHER.example":                         "xn--bcher-kva.example",
		"straße.de":                              "xn--strae-oqa.de",
		"xn--bcher-kva.example":                  "xn--bcher-kva.example",
		"*.example.ch":                           "*.example.ch",
		"*.Bücher.example":                       "*.xn--bcher-kva.example",
		"a-b.c--d.example.ch":                    "a-b.c--d.example.ch",
		"1.example.ch":                           "1.example.ch",
		strings.Repeat("a", 63) + ".ch":          strings.Repeat("a", 63) + ".ch",
		"https://example.ch":                     "",
		"example.ch/path":                        "",
		"example.ch:443":                         "",
		"10.0.0.1":                               "",
		"::1":                                    "",
		"[2001:db8::1]":                          "",
		"localhost":                              "",
		"":                                       "",
		".":                                      "",
		"a..ch":                                  "",
		"-a.ch":                                  "",
		"a-.ch":                                  "",
		"a_b.ch":                                 "",
		"a b.ch":                                 "",
		"xn--zz.ch":                              "",
		"a.*.ch":                                 "",
		"*":                                      "",
		"*.ch":                                   "",
		"*.*.example.ch":                         "",
		"1.2.3":                                  "",
		strings.Repeat("a", 64) + ".ch":          "",
		strings.Repeat("a.", 126) + "toolong.ch": "",
	} {
		got, err := Host(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Host(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestMatch(t *testing.T) {
	table := map[string]int{"a.example.ch": 1, "*.example.ch": 2}
	for host, want := range map[string]int{"a.example.ch": 1, "b.example.ch": 2, "example.ch": 0, "x.b.example.ch": 0, "localhost": 0} {
		got, ok := Match(table, host)
		if got != want || ok != (want != 0) {
			t.Errorf("Match(%q) = %d, %v; want %d", host, got, ok, want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { Match(table, "b.example.ch") }); n != 0 {
		t.Errorf("a lookup allocates %v times", n)
	}
}

func TestParseRoute(t *testing.T) {
	for value, want := range map[string]Route{
		"shop":                                  {Upstream: "shop"},
		"shop/":                                 {Upstream: "shop"},
		"shop/fr/v2":                            {Upstream: "shop", Prefix: "/fr/v2"},
		"shop/fr/":                              {Upstream: "shop", Prefix: "/fr"},
		"redirect:https://www.example.ch":       {Redirect: "https://www.example.ch"},
		"redirect:https://www.example.ch/a?b=c": {Redirect: "https://www.example.ch/a?b=c"},
		"":                                      {},
		"Shop":                                  {},
		"shop/../admin":                         {},
		"shop//x":                               {},
		"shop/a?b":                              {},
		"shop/{http.auth}":                      {},
		"redirect:ftp://x.ch":                   {},
		"redirect:/path":                        {},
		"redirect:https://":                     {},
		"redirect:https://u:p@x.ch":             {},
	} {
		got, err := ParseRoute(value)
		if got != want || (err == nil) != (want != Route{}) {
			t.Errorf("ParseRoute(%q) = %+v, %v; want %+v", value, got, err, want)
		}
	}
}

// paths are the places that an error names.
func paths(err error) []string {
	var all []string
	for _, problem := range Problems(err) {
		all = append(all, strings.Join(problem.Path, "."))
	}
	slices.Sort(all)
	return all
}

func TestParseRoutesNamesTheWrongKeys(t *testing.T) {
	routes := Routes{"a.ch": "shop", "A.ch": "shop", "b.ch": "sh op", "10.0.0.1": "shop", "fine.ch": "shop/x"}
	table, err := ParseRoutes(routes)
	if got, want := paths(err), []string{"10.0.0.1", "a.ch", "b.ch"}; !slices.Equal(got, want) {
		t.Errorf("wrong keys are %q, want %q: %v", got, want, err)
	}
	if err := CheckUpstreams(table, map[string]Upstream{"other": {}}); !slices.Equal(paths(err), []string{"a.ch", "fine.ch"}) {
		t.Errorf("unknown upstreams: %v", err)
	}
}

func TestMerge(t *testing.T) {
	table, err := Merge(map[string]map[string]Route{
		"one": {"a.ch": {Upstream: "x"}, "b.ch": {Upstream: "x"}},
		"two": {"a.ch": {Upstream: "y"}, "c.ch": {Upstream: "y"}},
	})
	if got := paths(err); !slices.Equal(got, []string{"two.a.ch"}) {
		t.Errorf("wrong keys are %q: %v", got, err)
	}
	if want := map[string]Route{"a.ch": {Upstream: "x"}, "b.ch": {Upstream: "x"}, "c.ch": {Upstream: "y"}}; !reflect.DeepEqual(table, want) {
		t.Errorf("table is %v", table)
	}
}

func TestLoops(t *testing.T) {
	to := func(host string) Route { return Route{Redirect: "https://" + host} }
	for name, test := range map[string]struct {
		table map[string]Route
		want  [][]string
	}{
		"itself":    {map[string]Route{"a.ch": to("A.ch/path")}, [][]string{{"a.ch"}}},
		"a circle":  {map[string]Route{"a.ch": to("b.ch"), "b.ch": to("c.ch"), "c.ch": to("b.ch")}, [][]string{{"b.ch", "c.ch"}}},
		"wildcard":  {map[string]Route{"*.a.ch": to("www.a.ch")}, [][]string{{"*.a.ch"}}},
		"ends":      {map[string]Route{"a.ch": to("b.ch"), "b.ch": {Upstream: "x"}, "*.b.ch": to("b.ch")}, nil},
		"elsewhere": {map[string]Route{"a.ch": to("a.ch:8443"), "b.ch": to("www.example.org")}, nil},
	} {
		if got := Loops(test.table); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestConfigNamesTheWrongPlaces(t *testing.T) {
	many := 11
	config := Config{
		Upstreams: map[string]Upstream{
			"ok":      {Targets: map[string]Target{"v1": {URL: "http://10.0.0.1:8080", Weight: 1}}},
			"zero":    {Targets: map[string]Target{"v1": {URL: "https://10.0.0.1"}}},
			"none":    {},
			"Bad":     {Targets: map[string]Target{"v1": {URL: "http://10.0.0.1", Weight: 1}}},
			"mixed":   {Targets: map[string]Target{"a": {URL: "http://a.ch", Weight: 1}, "b": {URL: "https://b.ch", Weight: 1}}},
			"targets": {Targets: map[string]Target{"a": {URL: "10.0.0.1", Weight: 1}, "b": {URL: "http://b.ch/path", Weight: -1}}},
			"rest": {
				Targets: map[string]Target{"a": {URL: "http://a.ch", Weight: 1}}, CanaryBy: "cookie", RewriteResponses: true, RewriteBodyTypes: []string{"text/*"},
				RequestHeaders: map[string]string{"Host": "x", "X-Ok": "{http.vars}", "a b": "c"}, Retries: &many,
				HealthCheck: &HealthCheck{Path: "healthz", Interval: Duration(time.Millisecond), Status: 7}, TLS: &UpstreamTLS{CA: "none"},
			},
		},
		TLS: TLS{ACME: &ACME{Email: "x", Directory: "http://acme"}, HSTS: &HSTS{MaxAge: Duration(time.Hour), Preload: true}},
	}
	want := []string{
		"tls.acme.directory", "tls.acme.email", "tls.hsts.preload", "upstreams.Bad", "upstreams.mixed.targets", "upstreams.none.targets",
		"upstreams.rest.canary_by", "upstreams.rest.health_check.interval", "upstreams.rest.health_check.path", "upstreams.rest.health_check.status",
		"upstreams.rest.request_headers.Host", "upstreams.rest.request_headers.X-Ok", "upstreams.rest.request_headers.a b", "upstreams.rest.retries",
		"upstreams.rest.rewrite_body_types.0", "upstreams.rest.rewrite_responses", "upstreams.rest.tls", "upstreams.rest.tls.ca",
		"upstreams.targets.targets.a.url", "upstreams.targets.targets.b.url", "upstreams.targets.targets.b.weight", "upstreams.zero.targets",
	}
	if got := paths(config.Validate()); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestDocumentsComeBack(t *testing.T) {
	config := Config{Format: Format, Upstreams: map[string]Upstream{"shop": {
		Targets: map[string]Target{"v1": {URL: "https://10.0.0.1", Weight: 95}}, HealthCheck: &HealthCheck{Path: "/healthz", Interval: Duration(5 * time.Second)},
	}}}
	data, err := config.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := DecodeConfig(data); err != nil || !reflect.DeepEqual(again, config) {
		t.Errorf("configuration came back as %+v, %v", again, err)
	}
	routes := Routes{"b.ch": "shop", "a.ch": "redirect:https://b.ch"}
	packed, err := routes.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := DecodeRoutes(packed); err != nil || !reflect.DeepEqual(again, routes) {
		t.Errorf("routes came back as %+v, %v", again, err)
	}
	if twice, err := routes.Encode(); err != nil || !bytes.Equal(twice, packed) {
		t.Error("the same routes are other bytes the second time")
	}
	status := Status{Format: Format, Node: "n", Documents: map[string]DocumentStatus{ConfigObject: {Seen: "a", Error: "no"}}}
	data, err = status.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := DecodeStatus(data); err != nil || !reflect.DeepEqual(again, status) {
		t.Errorf("status came back as %+v, %v", again, err)
	}
	for _, broken := range []string{"", "{", "[]", `{"format":2}`, `{"format":0}`, `{"format":1,"upstreams":7}`} {
		if _, err := DecodeConfig([]byte(broken)); err == nil {
			t.Errorf("configuration %q is taken", broken)
		}
		if _, err := DecodeRoutes([]byte(broken)); err == nil {
			t.Errorf("routes %q are taken", broken)
		}
	}
}

func TestObjectNames(t *testing.T) {
	if set, ok := RoutesSet(RoutesObject("customers")); set != "customers" || !ok {
		t.Error(set, ok)
	}
	for _, other := range []string{"routes/a.json", "routes/.json.gz", "routes/a/b.json.gz", "config.json", "routes/A.json.gz"} {
		if set, ok := RoutesSet(other); ok {
			t.Errorf("%q is taken for the set %q", other, set)
		}
	}
}

func TestCipher(t *testing.T) {
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	cipher, err := NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	sealed := cipher.Seal("certs/a", []byte("secret"))
	if bytes.Contains(sealed, []byte("secret")) || bytes.Equal(sealed, cipher.Seal("certs/a", []byte("secret"))) {
		t.Error("it is not encrypted, or twice the same")
	}
	if plain, err := cipher.Open("certs/a", sealed); err != nil || string(plain) != "secret" {
		t.Errorf("%q, %v", plain, err)
	}
	if _, err := cipher.Open("certs/b", sealed); err == nil {
		t.Error("it can be read as another object")
	}
	if _, err := cipher.Open("certs/a", sealed[:len(sealed)-1]); err == nil {
		t.Error("a part of it can be read")
	}
	if _, err := NewCipher("c2hvcnQ="); err == nil {
		t.Error("a short key is taken")
	}
}

// selfSigned is a certificate for hosts.
func selfSigned(t *testing.T, from, until time.Time, hosts ...string) Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: hosts, NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Certificate{
		Chain: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:   pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}
}

func TestCertificate(t *testing.T) {
	now := time.Now()
	good := selfSigned(t, now.Add(-time.Hour), now.Add(time.Hour), "*.example.ch", "Example.ch")
	info, err := good.Check(now)
	if err != nil || !slices.Equal(info.Hosts, []string{"*.example.ch", "example.ch"}) {
		t.Fatalf("%+v, %v", info, err)
	}
	for host, want := range map[string]bool{"a.example.ch": true, "example.ch": true, "a.b.example.ch": false, "*.example.ch": true, "other.ch": false} {
		if info.Covers(host) != want {
			t.Errorf("covers %s: %v", host, !want)
		}
	}
	other := selfSigned(t, now.Add(-time.Hour), now.Add(time.Hour), "a.ch")
	for name, test := range map[string]struct {
		certificate Certificate
		path        string
		says        string
	}{
		"other key":    {Certificate{good.Chain, other.Key}, "key", "not that of the certificate"},
		"no key":       {Certificate{good.Chain, []byte("x")}, "key", "no private key"},
		"no chain":     {Certificate{[]byte("x"), good.Key}, "chain", "holds no certificate"},
		"disorder":     {Certificate{append(slices.Clone(good.Chain), other.Chain...), good.Key}, "chain", "out of order"},
		"expired":      {selfSigned(t, now.Add(-2*time.Hour), now.Add(-time.Hour), "a.ch"), "chain", "expired on"},
		"not yet":      {selfSigned(t, now.Add(time.Hour), now.Add(2*time.Hour), "a.ch"), "chain", "not valid before"},
		"no host":      {selfSigned(t, now.Add(-time.Hour), now.Add(time.Hour)), "chain", "names no host"},
		"key in chain": {Certificate{append(slices.Clone(good.Chain), good.Key...), good.Key}, "chain", "only certificates"},
	} {
		_, err := test.certificate.Check(now)
		if !slices.Equal(paths(err), []string{test.path}) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	cipher, err := NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	data, err := good.Encode("star", cipher)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := DecodeCertificate("star", data, cipher); err != nil || !reflect.DeepEqual(again, good) {
		t.Errorf("the certificate came back otherwise: %v", err)
	}
	if _, err := DecodeCertificate("moon", data, cipher); err == nil {
		t.Error("it can be read under another name")
	}
}

func TestProblemsOfAWrappedError(t *testing.T) {
	err := fmt.Errorf("around: %w", &Problem{Path: []string{"a"}, Err: errors.New("b")})
	if got := Problems(err); len(got) != 1 || got[0].Path[0] != "a" {
		t.Error(got)
	}
}

func BenchmarkTenThousandRoutes(b *testing.B) {
	routes := Routes{}
	for i := range 10_000 {
		routes[fmt.Sprintf("www.customer-%d.example.ch", i)] = "shop"
	}
	for b.Loop() {
		table, err := ParseRoutes(routes)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Merge(map[string]map[string]Route{"customers": table}); err != nil {
			b.Fatal(err)
		}
	}
}
