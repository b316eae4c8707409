package loadbalancer_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// obj and list write a configuration down in Go.
type (
	obj  = map[string]any
	list = []any
)

// unknown is a value that the plan does not know yet.
type unknown struct{}

// configuration makes a value of a type: what an object does not have is null.
func configuration(t *testing.T, typ tftypes.Type, v any) tftypes.Value {
	t.Helper()
	switch v := v.(type) {
	case nil:
		return tftypes.NewValue(typ, nil)
	case unknown:
		return tftypes.NewValue(typ, tftypes.UnknownValue)
	case string, bool:
		return tftypes.NewValue(typ, v)
	case int:
		return tftypes.NewValue(typ, big.NewFloat(float64(v)))
	case list:
		var of tftypes.Type
		switch typ := typ.(type) {
		case tftypes.List:
			of = typ.ElementType
		case tftypes.Set:
			of = typ.ElementType
		}
		var all []tftypes.Value
		for _, e := range v {
			all = append(all, configuration(t, of, e))
		}
		return tftypes.NewValue(typ, all)
	case obj:
		all := map[string]tftypes.Value{}
		switch typ := typ.(type) {
		case tftypes.Map:
			for key, e := range v {
				all[key] = configuration(t, typ.ElementType, e)
			}
		case tftypes.Object:
			for name, of := range typ.AttributeTypes {
				all[name] = configuration(t, of, v[name])
			}
			for name := range v {
				if _, ok := typ.AttributeTypes[name]; !ok {
					t.Fatalf("there is no attribute %q", name)
				}
			}
		}
		return tftypes.NewValue(typ, all)
	}
	t.Fatalf("a %T has no place in a configuration", v)
	return tftypes.Value{}
}

// with is a copy of a configuration with other values; "." separates the steps to a value, nil takes it away.
func with(config obj, changes obj) obj {
	out := config
	for _, at := range slices.Sorted(maps.Keys(changes)) {
		step, rest, deep := strings.Cut(at, ".")
		out = maps.Clone(out)
		switch {
		case deep:
		case changes[at] == nil:
			delete(out, step)
			continue
		default:
			out[step] = changes[at]
			continue
		}
		inner, _ := out[step].(obj)
		if inner == nil {
			inner = obj{}
		}
		out[step] = with(inner, obj{rest: changes[at]})
	}
	return out
}

// good is a configuration to which nothing can be said against.
func good() obj {
	return obj{
		"name": "web", "vip_subnet_id": "7d3c1c9e-0d1b-4f3b-9c0a-3a1d3f0e5a11", "vip_address": "10.61.0.5",
		"listeners": obj{
			"web":    obj{"protocol": "HTTP", "port": 80, "default_pool": "app"},
			"secure": obj{"protocol": "TERMINATED_HTTPS", "port": 443, "default_pool": "app", "tls": obj{"container_ref": "https://keys/v1/secrets/1"}},
			"raw":    obj{"protocol": "TCP", "port": 6443, "default_pool": "raw"},
			"udp":    obj{"protocol": "UDP", "port": 53, "default_pool": "udp"},
			"all":    obj{"protocol": "PROMETHEUS", "port": 9100},
		},
		"pools": obj{
			"app": obj{"protocol": "HTTP", "members": obj{"one": obj{"address": "10.61.0.11", "port": 8080}}},
			"raw": obj{"protocol": "TCP", "members": obj{"one": obj{"address": "10.61.0.11", "port": 6443}}},
			"udp": obj{"protocol": "UDP"},
		},
	}
}

// rule is a route of the listener web that rejects what the rule finds.
func rule(r obj) obj {
	return obj{"listeners.web.routes": obj{"r": obj{"reject": true, "rules": list{r}}}}
}

func monitor(m obj) obj {
	all := obj{"type": "HTTP", "delay": 5, "timeout": 5, "max_retries": 2}
	maps.Copy(all, m)
	return obj{"pools.app.monitor": all}
}

// check returns the errors of a configuration: where, and what.
func check(t *testing.T, server *acctest.Server, config obj) (found [][2]string) {
	t.Helper()
	typ := server.Schemas.ResourceSchemas["massif_load_balancer"].ValueType()
	dynamic, err := tfprotov6.NewDynamicValue(typ, configuration(t, typ, config))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{TypeName: "massif_load_balancer", Config: &dynamic})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range resp.Diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			found = append(found, [2]string{where(d.Attribute), d.Summary + ": " + strings.Join(strings.Fields(d.Detail), " ")})
		}
	}
	return found
}

// where is an attribute's path as people write it.
func where(path *tftypes.AttributePath) string {
	var b strings.Builder
	for _, step := range path.Steps() {
		switch step := step.(type) {
		case tftypes.AttributeName:
			b.WriteString("." + string(step))
		case tftypes.ElementKeyString:
			b.WriteString("." + string(step))
		case tftypes.ElementKeyInt:
			fmt.Fprintf(&b, ".%d", step)
		case tftypes.ElementKeyValue:
			var text string
			if err := tftypes.Value(step).As(&text); err == nil {
				b.WriteString("." + text)
			}
		}
	}
	return strings.TrimPrefix(b.String(), ".")
}

// Each of these is wrong in one place, which the error names together with what would be right.
func TestLoadBalancerInvalid(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 256)
	server := acctest.Serve(t)
	if found := check(t, server, good()); len(found) > 0 {
		t.Fatalf("the good configuration is refused: %q", found)
	}
	for name, tc := range map[string]struct {
		change   obj
		at, want string
	}{
		// The load balancer itself.
		"name is long":                {obj{"name": long}, "name", "between 1 and 255"},
		"description is long":         {obj{"description": long}, "description", "at most 255"},
		"tag with a comma":            {obj{"tags": list{"a,b"}}, "tags.a,b", "without comma and slash"},
		"no VIP":                      {obj{"vip_subnet_id": nil}, "vip_subnet_id", "say where the VIP lives"},
		"port and network":            {obj{"vip_subnet_id": nil, "vip_port_id": "p", "vip_network_id": "n"}, "vip_network_id", "a port is in a network already"},
		"VIP is no address":           {obj{"vip_address": "10.0.0"}, "vip_address", "must be an IPv4 or IPv6 address"},
		"two floating IPs":            {obj{"external_network": "e", "floating_ip_id": "f"}, "floating_ip_id", "give either external_network"},
		"further VIPs none":           {obj{"additional_vips": list{}}, "additional_vips", "at least 1"},
		"further VIP without subnet":  {obj{"additional_vips": list{obj{"address": "10.0.0.1"}}}, "additional_vips.0.subnet_id", "Must set a configuration value"},
		"further VIP in same subnet":  {obj{"additional_vips": list{obj{"subnet_id": "7d3c1c9e-0d1b-4f3b-9c0a-3a1d3f0e5a11"}}}, "additional_vips.0.subnet_id", "has one in this by vip_subnet_id"},
		"further VIPs in one subnet":  {obj{"additional_vips": list{obj{"subnet_id": "a"}, obj{"subnet_id": "a"}}}, "additional_vips.1.subnet_id", "one address only in each subnet"},
		"further VIP is no address":   {obj{"additional_vips": list{obj{"subnet_id": "a", "address": "x"}}}, "additional_vips.0.address", "must be an IPv4 or IPv6 address"},
		"further VIPs with a port":    {obj{"vip_subnet_id": nil, "vip_port_id": "p", "additional_vips": list{obj{"subnet_id": "a"}}}, "additional_vips", "a port has its addresses already"},
		"driver is long":              {obj{"loadbalancer_provider": long}, "loadbalancer_provider", "between 1 and 64"},
		"zone is empty":               {obj{"availability_zone": ""}, "availability_zone", "between 1 and 255"},
		"flavor is empty":             {obj{"flavor": ""}, "flavor", "between 1 and 255"},
		"QoS policy is empty":         {obj{"vip_qos_policy_id": ""}, "vip_qos_policy_id", "at least 1"},
		"key of a pool is long":       {obj{"pools." + long: obj{"protocol": "TCP"}}, "pools." + long, "between 1 and 255"},
		"amphora and SOURCE_IP_PORT":  {obj{"loadbalancer_provider": "amphora", "pools.app.algorithm": "SOURCE_IP_PORT"}, "pools.app.algorithm", "SOURCE_IP is like it"},
		"OVN and the usual algorithm": {obj{"loadbalancer_provider": "ovn", "listeners": nil, "pools": obj{"p": obj{"protocol": "TCP"}}}, "pools.p.algorithm", "knows SOURCE_IP_PORT only"},
		"OVN and HTTP":                {obj{"loadbalancer_provider": "ovn", "listeners": obj{"web": obj{"protocol": "HTTP", "port": 80}}, "pools": nil}, "listeners.web.protocol", "TCP, UDP and SCTP only"},
		"OVN and a pool of HTTP":      {obj{"loadbalancer_provider": "ovn", "listeners": nil, "pools": obj{"p": obj{"protocol": "HTTP", "algorithm": "SOURCE_IP_PORT"}}}, "pools.p.protocol", "TCP, UDP and SCTP only"},
		"listener protocol":           {obj{"listeners.web.protocol": "QUIC"}, "listeners.web.protocol", `value must be one of: ["HTTP"`},
		// Listeners.
		"port 0":                      {obj{"listeners.web.port": 0}, "listeners.web.port", "between 1 and 65535"},
		"port 70000":                  {obj{"listeners.web.port": 70000}, "listeners.web.port", "between 1 and 65535"},
		"no port":                     {obj{"listeners.web.port": nil}, "listeners.web.port", "Must set a configuration value"},
		"HTTP and TCP on a port":      {obj{"listeners.raw.port": 80}, "listeners.web.port", `TCP port 80 is that of listener "raw" already`},
		"metrics and TLS on a port":   {obj{"listeners.all.port": 443}, "listeners.secure.port", `TCP port 443 is that of listener "all" already`},
		"pool that is not there":      {obj{"listeners.web.default_pool": "no"}, "listeners.web.default_pool", `there is no pool "no" in pools; there are: app, raw, udp`},
		"pool without pools":          {obj{"pools": nil, "listeners": obj{"web": obj{"protocol": "HTTP", "port": 80, "default_pool": "p"}}}, "listeners.web.default_pool", `there are: none`},
		"HTTP to a TCP pool":          {obj{"listeners.web.default_pool": "raw"}, "listeners.web.default_pool", `pool "raw" is TCP, but a HTTP listener needs a pool that is HTTP, PROXY, PROXYV2`},
		"UDP to an HTTP pool":         {obj{"listeners.udp.default_pool": "app"}, "listeners.udp.default_pool", `a UDP listener needs a pool that is UDP`},
		"TCP to a UDP pool":           {obj{"listeners.raw.default_pool": "udp"}, "listeners.raw.default_pool", `needs a pool that is HTTP, HTTPS, PROXY, PROXYV2, TCP`},
		"HTTPS to an HTTP pool":       {obj{"listeners.raw.protocol": "HTTPS", "listeners.raw.default_pool": "app"}, "listeners.raw.default_pool", `needs a pool that is HTTPS, PROXY, PROXYV2, TCP`},
		"TLS to a TCP pool":           {obj{"listeners.secure.default_pool": "raw"}, "listeners.secure.default_pool", `needs a pool that is HTTP, PROXY, PROXYV2`},
		"SCTP to a UDP pool":          {obj{"listeners.udp.protocol": "SCTP"}, "listeners.udp.default_pool", `a SCTP listener needs a pool that is SCTP`},
		"UDP to a PROXY pool":         {obj{"pools.udp.protocol": "PROXY"}, "listeners.udp.default_pool", `a UDP listener needs a pool that is UDP`},
		"metrics with a pool":         {obj{"listeners.all.default_pool": "app"}, "listeners.all.default_pool", "answers itself and can have no pool"},
		"metrics with routes":         {obj{"listeners.all.routes": obj{"r": obj{"reject": true}}}, "listeners.all.routes", "see the requests that routes look at"},
		"connection limit":            {obj{"listeners.web.connection_limit": -2}, "listeners.web.connection_limit", "between -1 and"},
		"timeout below 0":             {obj{"listeners.web.timeout_client_data": -1}, "listeners.web.timeout_client_data", "between 0 and"},
		"timeout of a month":          {obj{"listeners.web.timeout_member_data": 31 * 24 * 3600 * 1000}, "listeners.web.timeout_member_data", "between 0 and 2073600000"},
		"clients none":                {obj{"listeners.web.allowed_cidrs": list{}}, "listeners.web.allowed_cidrs", "at least 1"},
		"clients with host bits":      {obj{"listeners.web.allowed_cidrs": list{"10.0.0.1/8"}}, "listeners.web.allowed_cidrs.10.0.0.1/8", "an address inside 10.0.0.0/8"},
		"clients of the other family": {obj{"listeners.web.allowed_cidrs": list{"2001:db8::/64"}}, "listeners.web.allowed_cidrs", "the VIP 10.61.0.5 is IPv4"},
		"headers on TCP":              {obj{"listeners.raw.insert_headers": obj{"X-Forwarded-For": "true"}}, "listeners.raw.insert_headers", "only HTTP and TERMINATED_HTTPS listeners can insert headers"},
		"header of one's own":         {obj{"listeners.web.insert_headers": obj{"X-Mine": "true"}}, "listeners.web.insert_headers.X-Mine", "it can insert X-Forwarded-For, X-Forwarded-Port, X-Forwarded-Proto"},
		"header of TLS on HTTP":       {obj{"listeners.web.insert_headers": obj{"X-SSL-Client-CN": "true"}}, "listeners.web.insert_headers.X-SSL-Client-CN", "only a TERMINATED_HTTPS listener sees"},
		"header neither on nor off":   {obj{"listeners.web.insert_headers": obj{"X-Forwarded-For": "yes"}}, "listeners.web.insert_headers.X-Forwarded-For", "true"},
		"headers none":                {obj{"listeners.web.insert_headers": obj{}}, "listeners.web.insert_headers", "at least 1"},
		"routes on TCP":               {obj{"listeners.raw.routes": obj{"r": obj{"reject": true}}}, "listeners.raw.routes", "see the requests that routes look at"},
		"no TLS":                      {obj{"listeners.secure.tls": nil}, "listeners.secure.tls", "needs a certificate: tls = { container_ref"},
		"no certificate":              {obj{"listeners.secure.tls": obj{}}, "listeners.secure.tls.container_ref", "needs a certificate: container_ref or sni_container_refs"},
		"metrics without certificate": {obj{"listeners.all.tls": obj{}}, "listeners.all.tls.container_ref", "needs a certificate"},
		"TLS on HTTP":                 {obj{"listeners.web.tls": obj{"container_ref": "x"}}, "listeners.web.tls", "only TERMINATED_HTTPS and PROMETHEUS listeners speak TLS themselves"},
		"client CRL without CA":       {obj{"listeners.secure.tls.client_crl_container_ref": "x"}, "listeners.secure.tls.client_crl_container_ref", "needs client_ca_container_ref"},
		"clients checked without CA":  {obj{"listeners.secure.tls.client_authentication": "MANDATORY"}, "listeners.secure.tls.client_authentication", "cannot be checked without client_ca_container_ref"},
		"client authentication":       {obj{"listeners.secure.tls.client_authentication": "YES"}, "listeners.secure.tls.client_authentication", `"OPTIONAL"`},
		"TLS version":                 {obj{"listeners.secure.tls.versions": list{"TLSv1.4"}}, "listeners.secure.tls.versions.TLSv1.4", `"TLSv1.3"`},
		"TLS versions none":           {obj{"listeners.secure.tls.versions": list{}}, "listeners.secure.tls.versions", "at least 1"},
		"ALPN":                        {obj{"listeners.secure.tls.alpn_protocols": list{"h3"}}, "listeners.secure.tls.alpn_protocols.h3", `"h2"`},
		"ciphers with commas":         {obj{"listeners.secure.tls.ciphers": "A,B"}, "listeners.secure.tls.ciphers", "colons between them"},
		"HSTS on metrics":             {obj{"listeners.all.tls": obj{"container_ref": "x", "hsts": obj{"max_age": 5}}}, "listeners.all.tls.hsts", "only TERMINATED_HTTPS listeners tell browsers"},
		"HSTS without age":            {obj{"listeners.secure.tls.hsts": obj{"preload": true}}, "listeners.secure.tls.hsts.max_age", "Must set a configuration value"},
		"HSTS in the past":            {obj{"listeners.secure.tls.hsts": obj{"max_age": -5}}, "listeners.secure.tls.hsts.max_age", "between 0 and"},
		// Routes and rules.
		"redirect to no pool":          {obj{"listeners.web.routes": obj{"r": obj{"redirect_pool": "no"}}}, "listeners.web.routes.r.redirect_pool", `there is no pool "no"`},
		"redirect to a TCP pool":       {obj{"listeners.web.routes": obj{"r": obj{"redirect_pool": "raw"}}}, "listeners.web.routes.r.redirect_pool", `pool "raw" is TCP`},
		"route to nowhere":             {obj{"listeners.web.routes": obj{"r": obj{"position": 1}}}, "listeners.web.routes.r", "the route leads nowhere"},
		"route to two":                 {obj{"listeners.web.routes": obj{"r": obj{"redirect_pool": "app", "reject": true}}}, "listeners.web.routes.r.reject", "has redirect_pool and reject"},
		"route that does not reject":   {obj{"listeners.web.routes": obj{"r": obj{"reject": false}}}, "listeners.web.routes.r.reject", "true"},
		"redirect without scheme":      {obj{"listeners.web.routes": obj{"r": obj{"redirect_url": "example.org"}}}, "listeners.web.routes.r.redirect_url", "must be a URL such as https://example.org"},
		"prefix of FTP":                {obj{"listeners.web.routes": obj{"r": obj{"redirect_prefix": "ftp://example.org"}}}, "listeners.web.routes.r.redirect_prefix", "must be a URL such as https://example.org"},
		"status of a rejection":        {obj{"listeners.web.routes": obj{"r": obj{"reject": true, "redirect_http_code": 301}}}, "listeners.web.routes.r.redirect_http_code", "only redirect_url and redirect_prefix answer with a status"},
		"status 304":                   {obj{"listeners.web.routes": obj{"r": obj{"redirect_url": "http://a.example/", "redirect_http_code": 304}}}, "listeners.web.routes.r.redirect_http_code", `"307"`},
		"position 0":                   {obj{"listeners.web.routes": obj{"r": obj{"reject": true, "position": 0}}}, "listeners.web.routes.r.position", "between 1 and"},
		"51 rules":                     {obj{"listeners.web.routes": obj{"r": obj{"reject": true, "rules": slices.Repeat(list{obj{"type": "PATH", "compare_type": "EQUAL_TO", "value": "/"}}, 51)}}}, "listeners.web.routes.r.rules", "at most 50"},
		"rule of a header without key": {rule(obj{"type": "HEADER", "compare_type": "EQUAL_TO", "value": "1"}), "listeners.web.routes.r.rules.0.key", "needs the name"},
		"rule of a path with key":      {rule(obj{"type": "PATH", "compare_type": "EQUAL_TO", "value": "1", "key": "k"}), "listeners.web.routes.r.rules.0.key", "a PATH rule has no key"},
		"rule of no header":            {rule(obj{"type": "HEADER", "compare_type": "EQUAL_TO", "value": "1", "key": "a b"}), "listeners.web.routes.r.rules.0.key", "can be the name of no header"},
		"rule type":                    {rule(obj{"type": "METHOD", "compare_type": "EQUAL_TO", "value": "1"}), "listeners.web.routes.r.rules.0.type", `"HOST_NAME"`},
		"rule comparison":              {rule(obj{"type": "PATH", "compare_type": "LIKE", "value": "1"}), "listeners.web.routes.r.rules.0.compare_type", `"STARTS_WITH"`},
		"file types do not contain":    {rule(obj{"type": "FILE_TYPE", "compare_type": "CONTAINS", "value": "1"}), "listeners.web.routes.r.rules.0.compare_type", "can only compare by EQUAL_TO or REGEX"},
		"rule value is long":           {rule(obj{"type": "PATH", "compare_type": "EQUAL_TO", "value": long}), "listeners.web.routes.r.rules.0.value", "between 1 and 255"},
		"rule value of two lines":      {rule(obj{"type": "PATH", "compare_type": "REGEX", "value": "a\nb"}), "listeners.web.routes.r.rules.0.value", "must be one line"},
		"rule value with a space":      {rule(obj{"type": "PATH", "compare_type": "EQUAL_TO", "value": "/a b"}), "listeners.web.routes.r.rules.0.value", "without spaces, or in double quotes"},
		"cookie with a semicolon":      {rule(obj{"type": "COOKIE", "compare_type": "EQUAL_TO", "value": "a;b", "key": "c"}), "listeners.web.routes.r.rules.0.value", "no spaces, quotes, semicolons"},
		"rule that is no regex":        {rule(obj{"type": "PATH", "compare_type": "REGEX", "value": "^/(a"}), "listeners.web.routes.r.rules.0.value", "missing closing )"},
		"certificates without TLS":     {rule(obj{"type": "SSL_CONN_HAS_CERT", "compare_type": "EQUAL_TO", "value": "True"}), "listeners.web.routes.r.rules.0.type", "only a TERMINATED_HTTPS listener sees"},
		"certificate is no boolean":    {obj{"listeners.secure.routes": obj{"r": obj{"reject": true, "rules": list{obj{"type": "SSL_CONN_HAS_CERT", "compare_type": "EQUAL_TO", "value": "no"}}}}}, "listeners.secure.routes.r.rules.0.value", "must be True"},
		"verification is no number":    {obj{"listeners.secure.routes": obj{"r": obj{"reject": true, "rules": list{obj{"type": "SSL_VERIFY_RESULT", "compare_type": "EQUAL_TO", "value": "ok"}}}}}, "listeners.secure.routes.r.rules.0.value", "must be a number"},
		"field of no certificate":      {obj{"listeners.secure.routes": obj{"r": obj{"reject": true, "rules": list{obj{"type": "SSL_DN_FIELD", "compare_type": "EQUAL_TO", "key": "1", "value": "x"}}}}}, "listeners.secure.routes.r.rules.0.key", "CN is one"},
		// Pools.
		"pool protocol":             {obj{"pools.app.protocol": "PROMETHEUS"}, "pools.app.protocol", `"PROXYV2"`},
		"no pool protocol":          {obj{"pools.udp.protocol": nil, "listeners.udp": nil}, "pools.udp.protocol", "Must set a configuration value"},
		"algorithm":                 {obj{"pools.app.algorithm": "RANDOM"}, "pools.app.algorithm", `"ROUND_ROBIN"`},
		"persistence":               {obj{"pools.app.session_persistence": obj{"type": "STICKY"}}, "pools.app.session_persistence.type", `"APP_COOKIE"`},
		"no cookie":                 {obj{"pools.app.session_persistence": obj{"type": "APP_COOKIE"}}, "pools.app.session_persistence.cookie_name", "needs the name of the application's cookie"},
		"cookie of its own":         {obj{"pools.app.session_persistence": obj{"type": "HTTP_COOKIE", "cookie_name": "a"}}, "pools.app.session_persistence.cookie_name", "only APP_COOKIE uses a cookie of the application"},
		"cookie that is none":       {obj{"pools.app.session_persistence": obj{"type": "APP_COOKIE", "cookie_name": "a(b"}}, "pools.app.session_persistence.cookie_name", "must be the name of a cookie"},
		"cookies over UDP":          {obj{"pools.udp.session_persistence": obj{"type": "HTTP_COOKIE"}}, "pools.udp.session_persistence.type", "SOURCE_IP is the only way"},
		"cookies over TCP":          {obj{"pools.raw.session_persistence": obj{"type": "HTTP_COOKIE"}}, "pools.raw.session_persistence.type", "nobody sees the cookies of TCP"},
		"persistence timeout":       {obj{"pools.app.session_persistence": obj{"type": "SOURCE_IP", "timeout": 5}}, "pools.app.session_persistence.timeout", "only UDP and SCTP pools have it"},
		"persistence granularity":   {obj{"pools.app.session_persistence": obj{"type": "SOURCE_IP", "granularity": "255.255.255.0"}}, "pools.app.session_persistence.granularity", "only UDP and SCTP pools have it"},
		"granularity is no netmask": {obj{"pools.udp.session_persistence": obj{"type": "SOURCE_IP", "granularity": "255.0.255.0"}}, "pools.udp.session_persistence.granularity", "must be a netmask such as 255.255.255.0"},
		"pool CRL without CA":       {obj{"pools.app.tls": obj{"crl_container_ref": "x"}}, "pools.app.tls.crl_container_ref", "needs ca_container_ref"},
		"TLS over UDP":              {obj{"pools.udp.tls": obj{}}, "pools.udp.tls", "cannot be encrypted with TLS"},
		"TLS version of a pool":     {obj{"pools.app.tls": obj{"versions": list{"1.3"}}}, "pools.app.tls.versions.1.3", `"TLSv1.3"`},
		// Members.
		"member is no address":       {obj{"pools.app.members.one.address": "ten"}, "pools.app.members.one.address", "must be an IPv4 or IPv6 address"},
		"member is the metadata":     {obj{"pools.app.members.one.address": "169.254.169.254"}, "pools.app.members.one.address", "the metadata service"},
		"member without port":        {obj{"pools.app.members.one.port": nil}, "pools.app.members.one.port", "Must set a configuration value"},
		"member twice":               {obj{"pools.app.members.two": obj{"address": "10.61.0.11", "port": 8080}}, "pools.app.members.two.address", `10.61.0.11 port 8080 is member "one" already`},
		"member twice, spelled anew": {obj{"pools.app.members": obj{"a": obj{"address": "2001:db8::1", "port": 1}, "b": obj{"address": "2001:DB8:0::1", "port": 1}}}, "pools.app.members.b.address", `is member "a" already`},
		"weight 257":                 {obj{"pools.app.members.one.weight": 257}, "pools.app.members.one.weight", "between 0 and 256"},
		"weight -1":                  {obj{"pools.app.members.one.weight": -1}, "pools.app.members.one.weight", "between 0 and 256"},
		"monitor port 0":             {obj{"pools.app.members.one.monitor_port": 0}, "pools.app.members.one.monitor_port", "between 1 and 65535"},
		"monitor address":            {obj{"pools.app.members.one.monitor_address": "x"}, "pools.app.members.one.monitor_address", "must be an IPv4 or IPv6 address"},
		// Monitors.
		"timeout above delay":  {monitor(obj{"timeout": 6}), "pools.app.monitor.timeout", "may not take longer (6 s)"},
		"monitor type":         {monitor(obj{"type": "ICMP"}), "pools.app.monitor.type", `"PING"`},
		"monitor of datagrams": {monitor(obj{"type": "UDP-CONNECT"}), "pools.app.monitor.type", "UDP-CONNECT is for UDP and SCTP pools"},
		"datagrams pinged":     {obj{"pools.udp.monitor": obj{"type": "PING", "delay": 5, "timeout": 5, "max_retries": 2}}, "pools.udp.monitor.type", "a UDP pool can be checked by UDP-CONNECT"},
		"path without HTTP":    {monitor(obj{"type": "TCP", "url_path": "/"}), "pools.app.monitor.url_path", "only monitors of type HTTP and HTTPS send requests"},
		"method without HTTP":  {monitor(obj{"type": "PING", "http_method": "GET"}), "pools.app.monitor.http_method", "only monitors of type HTTP and HTTPS send requests"},
		"codes without HTTP":   {monitor(obj{"type": "TLS-HELLO", "expected_codes": "200"}), "pools.app.monitor.expected_codes", "only monitors of type HTTP and HTTPS send requests"},
		"host with HTTP 1.0":   {monitor(obj{"domain_name": "a.example", "http_version": "1.0"}), "pools.app.monitor.domain_name", `with http_version = "1.1"`},
		"host without version": {monitor(obj{"domain_name": "a.example"}), "pools.app.monitor.domain_name", `with http_version = "1.1"`},
		"host with a space":    {monitor(obj{"domain_name": "a example", "http_version": "1.1"}), "pools.app.monitor.domain_name", "must be a host name such as app.example.org"},
		"HTTP 2":               {monitor(obj{"http_version": "2"}), "pools.app.monitor.http_version", `"1.1"`},
		"path without slash":   {monitor(obj{"url_path": "healthz"}), "pools.app.monitor.url_path", "must be a path that begins with /"},
		"method of one's own":  {monitor(obj{"http_method": "CHECK"}), "pools.app.monitor.http_method", `"HEAD"`},
		"codes 2xx":            {monitor(obj{"expected_codes": "2xx"}), "pools.app.monitor.expected_codes", "must be like 200"},
		"code 999":             {monitor(obj{"expected_codes": "200,999"}), "pools.app.monitor.expected_codes", "they are 100 to 599"},
		"codes backwards":      {monitor(obj{"expected_codes": "204-200"}), "pools.app.monitor.expected_codes", "the lower one goes first"},
		"retries 0":            {monitor(obj{"max_retries": 0}), "pools.app.monitor.max_retries", "between 1 and 10"},
		"retries down 11":      {monitor(obj{"max_retries_down": 11}), "pools.app.monitor.max_retries_down", "between 1 and 10"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := check(t, server, with(good(), tc.change))
			matches := func(f [2]string) bool {
				return f[0] == tc.at && strings.Contains(strings.ToLower(f[1]), strings.ToLower(tc.want))
			}
			if !slices.ContainsFunc(found, matches) {
				t.Errorf("want %q at %s, found %q", tc.want, tc.at, found)
			}
			if len(found) > 1 {
				t.Errorf("one mistake has several errors: %q", found)
			}
		})
	}
}

// What is not known yet is not wrong: wherever a value is unknown, the rest of the configuration is still good.
func TestLoadBalancerUnknownValues(t *testing.T) {
	t.Parallel()
	server := acctest.Serve(t)
	full := with(good(), obj{
		"tags": list{"a"}, "external_network": "e", "flavor": "f", "availability_zone": "z", "loadbalancer_provider": "amphora", "vip_qos_policy_id": "q",
		"additional_vips":              list{obj{"subnet_id": "other", "address": "2001:db8::5"}},
		"listeners.web.allowed_cidrs":  list{"10.0.0.0/8"},
		"listeners.web.insert_headers": obj{"X-Forwarded-For": "true"},
		"listeners.web.routes": obj{
			"pool":   obj{"redirect_pool": "app", "position": 1, "rules": list{obj{"type": "HEADER", "key": "X", "compare_type": "EQUAL_TO", "value": "1", "invert": true}}},
			"url":    obj{"redirect_url": "https://example.org/", "redirect_http_code": 301, "rules": list{obj{"type": "PATH", "compare_type": "REGEX", "value": "^/a"}}},
			"prefix": obj{"redirect_prefix": "https://example.org", "tags": list{"t"}},
			"no":     obj{"reject": true, "rules": list{obj{"type": "FILE_TYPE", "compare_type": "EQUAL_TO", "value": "gif", "tags": list{"t"}}}},
		},
		"listeners.secure.tls": obj{
			"container_ref": "https://keys/v1/secrets/1", "sni_container_refs": list{"https://keys/v1/secrets/2"}, "client_authentication": "OPTIONAL",
			"client_ca_container_ref": "https://keys/v1/secrets/3", "client_crl_container_ref": "https://keys/v1/secrets/4", "ciphers": "A:B",
			"versions": list{"TLSv1.3"}, "alpn_protocols": list{"h2"}, "hsts": obj{"max_age": 5, "include_subdomains": true, "preload": true},
		},
		"pools.app.session_persistence": obj{"type": "APP_COOKIE", "cookie_name": "sid"},
		"pools.udp.session_persistence": obj{"type": "SOURCE_IP", "timeout": 5, "granularity": "255.255.255.0"},
		"pools.app.tls":                 obj{"container_ref": "x", "ca_container_ref": "y", "crl_container_ref": "z", "versions": list{"TLSv1.2"}},
		"pools.app.monitor": obj{
			"type": "HTTP", "delay": 5, "timeout": 5, "max_retries": 2, "http_method": "GET", "url_path": "/", "expected_codes": "200-204",
			"http_version": "1.1", "domain_name": "app.example.org", "tags": list{"t"},
		},
		"pools.app.members.one": obj{"address": "10.61.0.11", "port": 8080, "subnet_id": "s", "weight": 1, "monitor_address": "10.61.0.11", "monitor_port": 8081},
		"pools.raw.monitor":     obj{"type": "TCP", "delay": 5, "timeout": 5, "max_retries": 2},
	})
	if found := check(t, server, full); len(found) > 0 {
		t.Fatalf("the full configuration is refused: %q", found)
	}
	places := 0
	var hide func(v any, element bool, set func(any) any)
	hide = func(v any, element bool, set func(any) any) {
		_, object := v.(obj)
		if !element || !object { // the framework itself takes the attributes of an unknown element for missing
			places++
			whole, ok := set(unknown{}).(obj)
			if !ok {
				t.Fatal("a configuration is an object")
			}
			if found := check(t, server, whole); len(found) > 0 {
				t.Errorf("unknown in place of %v: %q", v, found)
			}
		}
		switch v := v.(type) {
		case obj:
			for key, inner := range v {
				_, named := inner.(obj)
				hide(inner, named && !slices.Contains([]string{"tls", "hsts", "monitor", "session_persistence", "routes", "members", "insert_headers"}, key), func(other any) any {
					changed := maps.Clone(v)
					changed[key] = other
					return set(changed)
				})
			}
		case list:
			for i, inner := range v {
				hide(inner, true, func(other any) any {
					changed := slices.Clone(v)
					changed[i] = other
					return set(changed)
				})
			}
		}
	}
	for name, v := range full {
		hide(v, false, func(other any) any { return with(full, obj{name: other}) })
	}
	if places < 100 {
		t.Errorf("only %d places were tried", places)
	}
}

// Two that exclude each other are no mistake as long as one may turn out to be null.
func TestLoadBalancerUnknownAlternatives(t *testing.T) {
	t.Parallel()
	server := acctest.Serve(t)
	for name, change := range map[string]obj{
		"network beside a port":     {"vip_subnet_id": nil, "vip_port_id": "p", "vip_network_id": unknown{}},
		"port beside further VIPs":  {"vip_port_id": unknown{}, "additional_vips": list{obj{"subnet_id": "a"}}},
		"two floating IPs":          {"external_network": "e", "floating_ip_id": unknown{}},
		"TLS of an HTTP listener":   {"listeners.web.tls": unknown{}},
		"pool of metrics":           {"listeners.all.default_pool": unknown{}},
		"second target of a route":  {"listeners.web.routes": obj{"r": obj{"redirect_pool": "app", "redirect_url": unknown{}}}},
		"only target of a route":    {"listeners.web.routes": obj{"r": obj{"redirect_pool": unknown{}}}},
		"status of a rejection":     {"listeners.web.routes": obj{"r": obj{"reject": true, "redirect_http_code": unknown{}}}},
		"key of a path":             rule(obj{"type": "PATH", "compare_type": "EQUAL_TO", "value": "/", "key": unknown{}}),
		"cookie of SOURCE_IP":       {"pools.app.session_persistence": obj{"type": "SOURCE_IP", "cookie_name": unknown{}}},
		"timeout of HTTP":           {"pools.app.session_persistence": obj{"type": "SOURCE_IP", "timeout": unknown{}}},
		"path of a TCP check":       monitor(obj{"type": "TCP", "url_path": unknown{}}),
		"host of HTTP 1.0":          monitor(obj{"domain_name": unknown{}}),
		"CRL without CA":            {"listeners.secure.tls.client_crl_container_ref": unknown{}},
		"TLS over UDP":              {"pools.udp.tls": unknown{}},
		"clients of another family": {"vip_address": unknown{}, "listeners.web.allowed_cidrs": list{"2001:db8::/64"}},
		"clients of a further VIP":  {"additional_vips": list{obj{"subnet_id": "a"}}, "listeners.web.allowed_cidrs": list{"2001:db8::/64"}},
		"algorithm of the driver":   {"loadbalancer_provider": unknown{}, "pools.app.algorithm": "SOURCE_IP_PORT"},
	} {
		if found := check(t, server, with(good(), change)); len(found) > 0 {
			t.Errorf("%s: %q", name, found)
		}
	}
}
