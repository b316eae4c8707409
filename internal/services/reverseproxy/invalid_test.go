package reverseproxy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

func TestRoutesInvalid(t *testing.T) {
	for name, tc := range map[string]struct{ routes, more, at, want string }{
		"an address":            {`{ "10.0.0.1" = "shop" }`, "", "routes", `"10.0.0.1" is no host: it is an address`},
		"a URL":                 {`{ "https://example.ch" = "shop" }`, "", "routes", `only the name is wanted, without scheme and path`},
		"a port":                {`{ "example.ch:443" = "shop" }`, "", "routes", `only the name is wanted, without a port`},
		"no dot":                {`{ "localhost" = "shop" }`, "", "routes", `it has no dot`},
		"an empty host":         {`{ "" = "shop" }`, "", "routes", `"" is no host`},
		"a wildcard inside":     {`{ "www.*.ch" = "shop" }`, "", "routes", `a wildcard stands at the begin only`},
		"an underscore":         {`{ "a_b.example.ch" = "shop" }`, "", "routes", `is no host`},
		"one host twice":        {`{ "example.ch" = "shop", "EXAMPLE.ch" = "blog" }`, "", "routes", `are the same host`},
		"one host in scripts":   {`{ "zürich.ch" = "shop", "xn--zrich-kva.ch" = "shop" }`, "", "routes", `are the same host`},
		"an empty route":        {`{ "example.ch" = "" }`, "", "routes", `is no route: want <upstream>, <upstream>/<prefix> or redirect:`},
		"a bad upstream":        {`{ "example.ch" = "Shop!" }`, "", "routes", `"Shop!" is no route`},
		"a prefix with dots":    {`{ "example.ch" = "shop/../x" }`, "", "routes", `the prefix must be a plain path`},
		"a redirect to nowhere": {`{ "example.ch" = "redirect:www.example.ch" }`, "", "routes", `is no redirect such as redirect:https://www.example.ch`},
		"a redirect to itself":  {`{ "example.ch" = "redirect:https://example.ch" }`, "", "routes", `the redirect leads back to itself: example.ch -> example.ch`},
		"a loop of redirects":   {`{ "a.ch" = "redirect:https://b.ch", "b.ch" = "redirect:https://c.ch", "c.ch" = "redirect:https://a.ch" }`, "", "routes", `a.ch -> b.ch -> c.ch -> a.ch`},
		"no proxy":              {`{ "example.ch" = "shop" }`, `proxy_ids = []`, "proxy_ids", `set must contain at least 1 elements`},
		"an empty proxy":        {`{ "example.ch" = "shop" }`, `proxy_ids = [""]`, "proxy_ids", `string length must be at least 1`},
		"no such proxy":         {`{ "example.ch" = "shop" }`, "", "proxy_ids", `there is no reverse proxy "{{name}}-00000000"`},
		"a bad name":            {`{ "example.ch" = "shop" }`, `name = "My Routes"`, "name", `"My Routes" is no name`},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(tc.more, "proxy_ids") {
				tc.more += "\n  proxy_ids = [\"{{name}}-00000000\"]"
			}
			if !strings.Contains(tc.more, "name =") {
				tc.more += "\n  name = \"customers\""
			}
			c := acctest.New(t)
			c.Test(t, resource.TestStep{
				Config:      fmt.Sprintf("resource \"massif_reverse_proxy_routes\" \"test\" {\n  routes = %s\n  %s\n}", tc.routes, strings.TrimSpace(tc.more)),
				PlanOnly:    true,
				ExpectError: acctest.Blamed(tc.at, strings.ReplaceAll(tc.want, "{{name}}", c.Prefix)),
			})
		})
	}
}

func TestReverseProxyInvalid(t *testing.T) {
	upstream := func(more string) string {
		return `shop = { targets = { v1 = { url = "https://10.0.0.1" } }, ` + more + ` }`
	}
	for name, tc := range map[string]struct {
		shape
		at, want string
	}{
		"a name in capitals":    {shape{more: `name = "Shop"`}, "name", `has something else than lower case letters`},
		"a long name":           {shape{more: `name = "` + strings.Repeat("a", 41) + `"`}, "name", `has 41 characters; 40 are possible`},
		"no upstream":           {shape{upstreams: " "}, "upstreams", `map must contain at least 1 elements`},
		"a bad upstream name":   {shape{upstreams: `"Shop!" = { targets = { v1 = { url = "https://10.0.0.1" } } }`}, "upstreams.x", `"Shop!" is no name`},
		"no target":             {shape{upstreams: `shop = { targets = {} }`}, "upstreams.x", `at least one target is needed`},
		"no URL":                {shape{upstreams: `shop = { targets = { v1 = { url = "10.0.0.1" } } }`}, "upstreams.x", `"10.0.0.1" is no address such as`},
		"a URL with a path":     {shape{upstreams: `shop = { targets = { v1 = { url = "https://10.0.0.1/x" } } }`}, "upstreams.x", `must be scheme, host and port only`},
		"weights of nothing":    {shape{upstreams: `shop = { targets = { v1 = { url = "https://10.0.0.1", weight = 0 } } }`}, "upstreams.x", `the weights add to 0`},
		"a negative weight":     {shape{upstreams: `shop = { targets = { v1 = { url = "https://10.0.0.1", weight = -1 } } }`}, "upstreams.x", `-1 is not from 0 to 1000`},
		"mixed schemes":         {shape{upstreams: `shop = { targets = { v1 = { url = "https://10.0.0.1" }, v2 = { url = "http://10.0.0.1" } } }`}, "upstreams.x", `http and https targets cannot be mixed`},
		"a canary of nothing":   {shape{upstreams: upstream(`canary_by = "moon"`)}, "upstreams.x", `value must be one of: ["request" "client_ip" "host"]`},
		"nothing to rewrite":    {shape{upstreams: upstream(`rewrite_responses = true`)}, "upstreams.x", `there is nothing to rewrite without host_header`},
		"a reserved header":     {shape{upstreams: upstream(`request_headers = { Host = "x" }`)}, "upstreams.x", `the proxy sets Host itself`},
		"a bad health path":     {shape{upstreams: upstream(`health_check = { path = "healthz" }`)}, "upstreams.x", `"healthz" is no path such as /healthz`},
		"an interval":           {shape{upstreams: upstream(`health_check = { path = "/", interval = "often" }`)}, "upstreams.x", `"often" is none such as 5s or 1m30s`},
		"many retries":          {shape{upstreams: upstream(`retries = 11`)}, "upstreams.x", `11 is not from 0 to 10`},
		"a long timeout":        {shape{upstreams: upstream(`response_timeout = "2h"`)}, "upstreams.x", `2h0m0s is not from 0 to 1h0m0s`},
		"no CA":                 {shape{upstreams: upstream(`tls = { ca = "x" }`)}, "upstreams.x", `holds no certificate in PEM form`},
		"no mail address":       {shape{more: `tls = { acme = { email = "x" } }`}, "tls.x", `"x" is no mail address`},
		"a directory over HTTP": {shape{more: `tls = { acme = { directory = "http://acme.example.com" } }`}, "tls.x", `is no https address`},
		"a short preload":       {shape{more: `tls = { hsts = { max_age = "1h", preload = true } }`}, "tls.x", `browsers' lists take only include_subdomains`},
		"a short checksum":      {shape{binary: strings.Repeat("X", 64)}, "binary.x", `is not 64 hexadecimal digits in lower case`},
		"a password":            {shape{more: `binary = { url = "https://a:b@example.com/x", sha256 = "` + strings.Repeat("0", 64) + `" }`}, "binary.x", `it may hold no password`},
		"no nodes":              {shape{nodes: `count = 0`}, "nodes.x", `value must be between 1 and 100`},
		"min without max":       {shape{nodes: `min = 1`}, "nodes.x", `min and max belong together`},
		"min above max":         {shape{nodes: "min = 3, max = 2"}, "nodes.x", `it is 3 and must not be more than max, 2`},
		"a count beyond":        {shape{nodes: "count = 5, min = 1, max = 2"}, "nodes.x", `it is 5 and must be from min, 1, to max, 2`},
		"no such flavor":        {shape{more: `nodes = { flavor = "huge", image = "cirros-fake" }`}, "nodes.x", `there is no flavor "huge"`},
		"no such image":         {shape{more: `nodes = { flavor = "m1.small", image = "none" }`}, "nodes.x", `there is no image "none"`},
		"no external network":   {shape{more: `external_network = "nowhere"`}, "external_network", `there is no external network "nowhere"`},
		"host bits":             {shape{more: `allowed_cidrs = ["10.0.0.1/8"]`}, "allowed_cidrs", `an address inside 10.0.0.0/8`},
		"a negative delay":      {shape{more: `drain_delay = "-1s"`}, "drain_delay", `-1s is negative`},
		"a record with a dot":   {shape{more: `dns = { zone_id = "z", names = ["a."] }`}, "dns.x", `labels of lower case letters`},
		"an odd policy":         {shape{more: `server_group_policy = "affinity"`}, "server_group_policy", `value must be one of`},
	} {
		t.Run(name, func(t *testing.T) {
			acctest.New(t).Test(t, resource.TestStep{
				Config:      overriding(tc.String(), tc.more),
				PlanOnly:    true,
				ExpectError: acctest.Blamed(tc.at, tc.want), // Terraform shows the block for what is inside of an attribute: TestConfigPath has the paths
			})
		})
	}
}

// overriding leaves out the attributes that a test gives itself. Each is on a line of its own.
func overriding(config, more string) string {
	name, _, _ := strings.Cut(strings.TrimSpace(more), " ")
	if name == "" {
		return config
	}
	head, tail, _ := strings.Cut(config, `resource "massif_reverse_proxy" "test" {`)
	var kept []string
	given := strings.TrimSpace(more)
	for line := range strings.Lines(tail) {
		if strings.HasPrefix(strings.TrimSpace(line), name+" ") && strings.TrimSpace(line) != given {
			continue
		}
		kept = append(kept, line)
	}
	return head + `resource "massif_reverse_proxy" "test" {` + strings.Join(kept, "")
}

func certificateConfig(p pair, more string) string {
	return fmt.Sprintf(`
resource "massif_reverse_proxy_certificate" "test" {
  name           = "shop"
  proxy_id       = "{{name}}-00000000"
  chain          = %s
  private_key    = %s
  wait_for_nodes = false
  %s
}`, quote(p.chain), quote(p.key), more)
}

func TestReverseProxyCertificateInvalid(t *testing.T) {
	good, other := valid(t, "shop.example.ch"), valid(t, "blog.example.ch")
	old := issue(t, time.Now().Add(-48*time.Hour), time.Now().Add(-time.Hour), "shop.example.ch")
	early := issue(t, time.Now().Add(time.Hour), time.Now().Add(48*time.Hour), "shop.example.ch")
	nameless := valid(t)
	const key = `encryption_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="`
	for name, tc := range map[string]struct {
		pair
		more, at, want string
	}{
		"another key":        {pair{good.chain, other.key}, key, "private_key", `the key is not that of the certificate`},
		"no key":             {pair{good.chain, "key"}, key, "private_key", `no private key in PEM form without a passphrase`},
		"no certificate":     {pair{"chain", good.key}, key, "chain", `holds no certificate in PEM form`},
		"a key as chain":     {pair{good.key, good.key}, key, "chain", `holds a PRIVATE KEY; only certificates belong there`},
		"out of order":       {pair{good.chain + other.chain, good.key}, key, "chain", `the certificates are out of order`},
		"expired":            {old, key, "chain", `the certificate expired on`},
		"not valid yet":      {early, key, "chain", `the certificate is not valid before`},
		"for no host":        {nameless, key, "chain", `the certificate names no host`},
		"a short secret":     {good, `encryption_key = "QUJD"`, "encryption_key", `the encryption key must be 32 bytes in base64`},
		"without encryption": {good, "", "", `The argument "encryption_key" is required`},
	} {
		t.Run(name, func(t *testing.T) {
			acctest.New(t).Test(t, resource.TestStep{
				Config: certificateConfig(tc.pair, tc.more), PlanOnly: true, ExpectError: acctest.Blamed(tc.at, tc.want),
			})
		})
	}
}
