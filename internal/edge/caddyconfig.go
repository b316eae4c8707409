package edge

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// jsonObject is an object of JSON.
type jsonObject = map[string]any

// certificateCache is more than any table has hosts: a certificate that is thrown out costs a request to the storage.
const certificateCache = 2 * reverseproxy.MaxRoutes

// caddyConfig is the configuration of Caddy: listeners and certificates, neither hosts nor upstreams.
func caddyConfig(settings Settings, config reverseproxy.TLS, authorityFile string) ([]byte, error) {
	wrappers := []any{jsonObject{"wrapper": "massif"}}
	if len(settings.ProxyProtocolFrom) > 0 {
		wrappers = append(wrappers, jsonObject{
			"wrapper": "proxy_protocol", "timeout": "5s", "allow": settings.ProxyProtocolFrom, "fallback_policy": "REJECT",
		})
	}
	wrappers = append(wrappers, jsonObject{"wrapper": "tls"})
	server := func(listen string) jsonObject {
		return jsonObject{
			"listen": []string{listen}, "listener_wrappers": wrappers, "routes": []any{jsonObject{"handle": []any{jsonObject{"handler": "massif"}}}},
			"protocols":       []string{"h1", "h2"},
			"automatic_https": jsonObject{"disable": true}, "read_header_timeout": "15s", "idle_timeout": "2m",
		}
	}
	secure := server(settings.HTTPS)
	secure["tls_connection_policies"] = []any{jsonObject{}}
	httpPort, httpsPort := port(settings.HTTP), port(settings.HTTPS)
	return json.Marshal(jsonObject{
		"admin":   jsonObject{"disabled": true, "config": jsonObject{"persist": false}},
		"storage": jsonObject{"module": "massif"},
		"logging": jsonObject{"logs": jsonObject{
			"default": jsonObject{"level": "INFO", "exclude": []string{accessLogger}},
			"access":  jsonObject{"writer": jsonObject{"output": "stdout"}, "include": []string{accessLogger}},
		}},
		"apps": jsonObject{
			"massif": jsonObject{"manage_all": config.ACME != nil && !config.ACME.OnDemand},
			"tls":    tlsConfig(config, authorityFile),
			"http": jsonObject{
				"http_port": httpPort, "https_port": httpsPort, "grace_period": settings.GracePeriod,
				"servers": jsonObject{"http": server(settings.HTTP), "https": secure},
			},
		},
	})
}

const accessLogger = "http.handlers.massif.access"

func port(listen string) json.Number {
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "0"
	}
	return json.Number(port)
}

// tlsConfig is the configuration of certificates; the file holds what the ACME directory is trusted by.
func tlsConfig(config reverseproxy.TLS, authorityFile string) jsonObject {
	app := jsonObject{"cache": jsonObject{"capacity": certificateCache}, "disable_storage_check": true}
	acme := config.ACME
	if acme == nil {
		// No issuer: nothing is ever asked of one, because permission is refused.
		app["automation"] = jsonObject{"policies": []any{jsonObject{"on_demand": true}}, "on_demand": jsonObject{"permission": jsonObject{"module": "massif"}}}
		return app
	}
	issuer := jsonObject{"module": "acme"}
	if acme.Email != "" {
		issuer["email"] = acme.Email
	}
	if acme.Directory != "" {
		issuer["ca"] = acme.Directory
	}
	if acme.CA != "" {
		issuer["trusted_roots_pem_files"] = []string{authorityFile}
	}
	app["automation"] = jsonObject{
		"policies":  []any{jsonObject{"on_demand": acme.OnDemand, "issuers": []any{issuer}}},
		"on_demand": jsonObject{"permission": jsonObject{"module": "massif"}},
	}
	return app
}

// upstreamHandler is the handler that sends requests to an upstream.
func upstreamHandler(u reverseproxy.Upstream) (jsonObject, error) {
	names := slices.Sorted(maps.Keys(u.Targets))
	var (
		pool    []any
		weights []int
		secure  bool
		hosts   = []string{}
	)
	for _, name := range names {
		address, err := u.Targets[name].Parse()
		if err != nil {
			return nil, err
		}
		secure = address.Scheme == "https"
		pool = append(pool, jsonObject{"dial": address.Host})
		weights = append(weights, u.Targets[name].Weight)
		if host, err := reverseproxy.Host(address.Hostname()); err == nil && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	if host := strings.ToLower(hostOnly(u.HostHeader)); host != "" && !slices.Contains(hosts, host) {
		hosts = append(hosts, host)
	}
	by := u.CanaryBy
	if by == "" {
		by = reverseproxy.CanaryByRequest
	}
	retries := reverseproxy.DefaultRetries
	if u.Retries != nil {
		retries = *u.Retries
	}
	return jsonObject{
		"transport": upstreamTransport(u, secure, hosts),
		"upstreams": pool,
		"load_balancing": jsonObject{
			"selection_policy": jsonObject{"policy": "massif", "by": by, "names": names, "weights": weights},
			"retries":          retries,
			"try_interval":     "50ms",
		},
		"health_checks": healthChecks(u),
		"headers":       headers(u),
		// Streams of a configuration that was replaced go on for a while.
		"stream_close_delay": "1h",
	}, nil
}

func upstreamTransport(u reverseproxy.Upstream, secure bool, hosts []string) jsonObject {
	out := jsonObject{
		"protocol": "massif", "compression": false,
		"dial_timeout":            orDefault(u.Timeouts.Connect, reverseproxy.DefaultConnectTimeout),
		"response_header_timeout": orDefault(u.Timeouts.Response, reverseproxy.DefaultResponseTimeout),
		"keep_alive":              jsonObject{"idle_timeout": "60s", "max_idle_conns_per_host": 256},
		"massif_rewrite":          u.RewriteResponses, "massif_hosts": hosts, "massif_body_types": u.RewriteBodyTypes,
	}
	if !secure {
		return out
	}
	tls := jsonObject{}
	if name := hostOnly(u.HostHeader); name != "" {
		tls["server_name"] = name
	}
	if u.TLS != nil {
		if u.TLS.ServerName != "" {
			tls["server_name"] = u.TLS.ServerName
		}
		tls["insecure_skip_verify"] = u.TLS.Insecure
		if u.TLS.CA != "" {
			roots := []string{}
			for block, rest := pem.Decode([]byte(u.TLS.CA)); block != nil; block, rest = pem.Decode(rest) {
				roots = append(roots, base64.StdEncoding.EncodeToString(block.Bytes))
			}
			tls["ca"] = jsonObject{"provider": "inline", "trusted_ca_certs": roots}
		}
	}
	out["tls"] = tls
	return out
}

func healthChecks(u reverseproxy.Upstream) jsonObject {
	// A target that refuses connections is left out for a short while also without a health check.
	out := jsonObject{"passive": jsonObject{"fail_duration": "5s", "max_fails": 3}}
	check := u.HealthCheck
	if check == nil {
		return out
	}
	active := jsonObject{
		"uri": check.Path, "interval": orDefault(check.Interval, reverseproxy.DefaultHealthInterval),
		"timeout": orDefault(check.Timeout, reverseproxy.DefaultHealthTimeout), "expect_status": 2,
	}
	if check.Status != 0 {
		active["expect_status"] = check.Status
	}
	if u.HostHeader != "" {
		active["headers"] = map[string][]string{"Host": {u.HostHeader}}
	}
	out["active"] = active
	return out
}

func headers(u reverseproxy.Upstream) jsonObject {
	request := map[string][]string{}
	for name, value := range u.RequestHeaders {
		request[name] = []string{value}
	}
	if u.HostHeader != "" {
		request["Host"] = []string{u.HostHeader}
	}
	if len(u.RewriteBodyTypes) > 0 {
		request["Accept-Encoding"] = []string{"identity"} // what is packed cannot be rewritten
	}
	response := map[string][]string{}
	for name, value := range u.ResponseHeaders {
		response[name] = []string{value}
	}
	return jsonObject{"request": jsonObject{"set": request}, "response": jsonObject{"set": response}}
}

func orDefault(value reverseproxy.Duration, otherwise time.Duration) reverseproxy.Duration {
	if value == 0 {
		return reverseproxy.Duration(otherwise)
	}
	return value
}

func hostOnly(header string) string {
	address, err := url.Parse("//" + header)
	if err != nil {
		return header
	}
	return address.Hostname()
}
