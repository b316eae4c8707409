package reverseproxy

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Config is config.json: what is few and rich.
type Config struct {
	Format    int                 `json:"format"`
	Upstreams map[string]Upstream `json:"upstreams"`
	TLS       TLS                 `json:"tls"`
	AccessLog AccessLog           `json:"access_log"`
}

// CanaryBy says what decides which target of an upstream gets a request.
type CanaryBy string

// The ways to choose a target.
const (
	CanaryByRequest  CanaryBy = "request"   // each request for itself
	CanaryByClientIP CanaryBy = "client_ip" // always the same one for an address
	CanaryByHost     CanaryBy = "host"      // always the same one for a host
)

// CanaryByValues are all of them.
func CanaryByValues() []string {
	return []string{string(CanaryByRequest), string(CanaryByClientIP), string(CanaryByHost)}
}

// Upstream is a service behind the proxy.
type Upstream struct {
	Targets  map[string]Target `json:"targets"`
	CanaryBy CanaryBy          `json:"canary_by,omitempty"` // "" is request
	// HostHeader is what the targets are asked for; "" is what the client asked for.
	HostHeader string `json:"host_header,omitempty"`
	// RewriteResponses turns the host of HostHeader into the client's in Location and Set-Cookie.
	RewriteResponses bool `json:"rewrite_responses,omitempty"`
	// RewriteBodyTypes are the content types, such as text/html, in whose bodies that happens, too.
	RewriteBodyTypes []string          `json:"rewrite_body_types,omitempty"`
	RequestHeaders   map[string]string `json:"request_headers,omitempty"`
	ResponseHeaders  map[string]string `json:"response_headers,omitempty"`
	HealthCheck      *HealthCheck      `json:"health_check,omitempty"`
	// Retries is how often a request that no target has answered is sent again; nil is DefaultRetries.
	Retries  *int         `json:"retries,omitempty"`
	Timeouts Timeouts     `json:"timeouts,omitzero"`
	TLS      *UpstreamTLS `json:"tls,omitempty"`
}

// Target is one version or place of an upstream.
type Target struct {
	URL    string `json:"url"` // http or https, host and port
	Weight int    `json:"weight"`
}

// HealthCheck asks each target regularly whether it serves.
type HealthCheck struct {
	Path     string   `json:"path"`
	Interval Duration `json:"interval,omitempty"` // 0 is DefaultHealthInterval
	Timeout  Duration `json:"timeout,omitempty"`  // 0 is DefaultHealthTimeout
	Status   int      `json:"status,omitempty"`   // 0 is any from 200 to 299
}

// Timeouts of an upstream; 0 is the default.
type Timeouts struct {
	Connect  Duration `json:"connect,omitempty"`  // DefaultConnectTimeout
	Response Duration `json:"response,omitempty"` // until the first byte; DefaultResponseTimeout
}

// Defaults of an upstream.
const (
	DefaultHealthInterval  = 5 * time.Second
	DefaultHealthTimeout   = 2 * time.Second
	DefaultConnectTimeout  = 3 * time.Second
	DefaultResponseTimeout = 60 * time.Second
	DefaultRetries         = 2
)

// UpstreamTLS is how https targets are trusted.
type UpstreamTLS struct {
	ServerName string `json:"server_name,omitempty"` // "" is HostHeader, else the host of the target
	Insecure   bool   `json:"insecure,omitempty"`
	CA         string `json:"ca,omitempty"` // PEM
}

// TLS is how clients are served.
type TLS struct {
	ACME         *ACME `json:"acme,omitempty"`
	HSTS         *HSTS `json:"hsts,omitempty"`
	RedirectHTTP bool  `json:"redirect_http,omitempty"`
}

// ACME is where certificates come from that are not the user's own.
type ACME struct {
	Email     string `json:"email,omitempty"`
	Directory string `json:"directory,omitempty"` // "" is Let's Encrypt
	// OnDemand asks for a certificate when a host is first visited; else all hosts get theirs at once.
	OnDemand bool   `json:"on_demand,omitempty"`
	CA       string `json:"ca,omitempty"` // PEM; what the directory itself is trusted by
}

// HSTS tells browsers to use HTTPS only.
type HSTS struct {
	MaxAge            Duration `json:"max_age"`
	IncludeSubdomains bool     `json:"include_subdomains,omitempty"`
	Preload           bool     `json:"preload,omitempty"`
}

// AccessLog is a line of JSON for each request.
type AccessLog struct {
	Disabled bool `json:"disabled,omitempty"`
}

// Encode writes the document. The same configuration gives the same bytes.
func (c Config) Encode() ([]byte, error) {
	c.Format = Format
	data, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	return append(data, '\n'), nil
}

// DecodeConfig reads and checks the document.
func DecodeConfig(data []byte) (Config, error) {
	var config Config
	if err := decode(ConfigObject, data, &config); err != nil {
		return Config{}, err
	}
	return config, config.Validate()
}

// Validate tells everything that is wrong; see Problems.
func (c Config) Validate() error {
	var found problems
	if len(c.Upstreams) > MaxUpstreams {
		found.addf([]string{"upstreams"}, "%d upstreams; at most %d are possible", len(c.Upstreams), MaxUpstreams)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Upstreams)) {
		at := []string{"upstreams", name}
		found.add(CheckName(name), at...)
		c.Upstreams[name].validate(&found, at)
	}
	c.TLS.validate(&found)
	return found.err()
}

func (u Upstream) validate(found *problems, at []string) {
	under := func(more ...string) []string { return append(slices.Clone(at), more...) }
	weights := 0
	schemes := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(u.Targets)) {
		target := u.Targets[name]
		found.add(CheckName(name), under("targets", name)...)
		address, err := target.Parse()
		found.add(err, under("targets", name, "url")...)
		if err == nil {
			schemes[address.Scheme] = true
		}
		if target.Weight < 0 || target.Weight > 1000 {
			found.addf(under("targets", name, "weight"), "%d is not from 0 to 1000", target.Weight)
		}
		weights += max(target.Weight, 0)
	}
	switch {
	case len(u.Targets) == 0:
		found.addf(under("targets"), "at least one target is needed")
	case weights == 0:
		found.addf(under("targets"), "the weights add to 0: no target would get a request")
	}
	if len(schemes) > 1 {
		found.addf(under("targets"), "http and https targets cannot be mixed in one upstream")
	}
	if u.CanaryBy != "" && !slices.Contains(CanaryByValues(), string(u.CanaryBy)) {
		found.addf(under("canary_by"), "%q is none of %s", u.CanaryBy, strings.Join(CanaryByValues(), ", "))
	}
	if u.HostHeader != "" && !httpguts.ValidHostHeader(u.HostHeader) {
		found.addf(under("host_header"), "%q is no host", u.HostHeader)
	}
	if u.RewriteResponses && u.HostHeader == "" {
		found.addf(under("rewrite_responses"), "there is nothing to rewrite without host_header: responses already name the client's host")
	}
	if len(u.RewriteBodyTypes) > 0 && !u.RewriteResponses {
		found.addf(under("rewrite_body_types"), "bodies are rewritten with rewrite_responses only")
	}
	for i, kind := range u.RewriteBodyTypes {
		if main, sub, ok := strings.Cut(kind, "/"); !ok || main == "" || sub == "" || strings.ContainsAny(kind, "*; ,") {
			found.addf(under("rewrite_body_types", fmt.Sprint(i)), "%q is no content type such as text/html", kind)
		}
	}
	checkHeaders(found, u.RequestHeaders, under("request_headers"))
	checkHeaders(found, u.ResponseHeaders, under("response_headers"))
	if u.Retries != nil && (*u.Retries < 0 || *u.Retries > 10) {
		found.addf(under("retries"), "%d is not from 0 to 10", *u.Retries)
	}
	for name, value := range map[string]Duration{"connect": u.Timeouts.Connect, "response": u.Timeouts.Response} {
		found.add(checkDuration(value, time.Hour), under("timeouts", name)...)
	}
	u.HealthCheck.validate(found, under("health_check"))
	if u.TLS != nil && u.TLS.CA != "" {
		found.add(checkCA(u.TLS.CA), under("tls", "ca")...)
	}
	if u.TLS != nil && len(schemes) == 1 && !schemes["https"] {
		found.addf(under("tls"), "the targets are not https")
	}
}

// Parse is the address of the target, with its port.
func (t Target) Parse() (*url.URL, error) {
	address, err := url.Parse(t.URL)
	switch {
	case err != nil || address.Hostname() == "" || (address.Scheme != "http" && address.Scheme != "https"):
		return nil, fmt.Errorf("%q is no address such as https://10.0.0.11 or http://app.internal:8080", t.URL)
	case strings.Trim(address.Path, "/") != "" || address.RawQuery != "" || address.Fragment != "" || address.User != nil:
		return nil, fmt.Errorf("%q must be scheme, host and port only; a path belongs into the route: <upstream>/<prefix>", t.URL)
	}
	if address.Port() == "" {
		port := map[string]string{"http": "80", "https": "443"}[address.Scheme]
		address.Host += ":" + port
	}
	address.Path = ""
	return address, nil
}

func (h *HealthCheck) validate(found *problems, at []string) {
	if h == nil {
		return
	}
	under := func(name string) []string { return append(slices.Clone(at), name) }
	if address, err := url.Parse(h.Path); err != nil || !strings.HasPrefix(h.Path, "/") || address.Host != "" {
		found.addf(under("path"), "%q is no path such as /healthz", h.Path)
	}
	found.add(checkDuration(h.Interval, time.Hour), under("interval")...)
	found.add(checkDuration(h.Timeout, time.Hour), under("timeout")...)
	if h.Interval != 0 && time.Duration(h.Interval) < 500*time.Millisecond {
		found.addf(under("interval"), "%s is shorter than 500ms", time.Duration(h.Interval))
	}
	if h.Status != 0 && (h.Status < 100 || h.Status > 599) {
		found.addf(under("status"), "%d is no HTTP status", h.Status)
	}
}

func (t TLS) validate(found *problems) {
	if t.ACME != nil {
		if _, err := mail.ParseAddress(t.ACME.Email); t.ACME.Email != "" && err != nil {
			found.addf([]string{"tls", "acme", "email"}, "%q is no mail address", t.ACME.Email)
		}
		if address, err := url.Parse(t.ACME.Directory); t.ACME.Directory != "" && (err != nil || address.Scheme != "https" || address.Host == "") {
			found.addf([]string{"tls", "acme", "directory"}, "%q is no https address", t.ACME.Directory)
		}
		if t.ACME.CA != "" {
			found.add(checkCA(t.ACME.CA), "tls", "acme", "ca")
		}
	}
	if t.HSTS == nil {
		return
	}
	const year = 365 * 24 * time.Hour
	found.add(checkDuration(t.HSTS.MaxAge, 10*year), "tls", "hsts", "max_age")
	if t.HSTS.Preload && (!t.HSTS.IncludeSubdomains || time.Duration(t.HSTS.MaxAge) < year) {
		found.addf([]string{"tls", "hsts", "preload"}, "browsers' lists take only include_subdomains and a max_age of at least 8760h")
	}
}

func checkDuration(value Duration, most time.Duration) error {
	if value < 0 || time.Duration(value) > most {
		return fmt.Errorf("%s is not from 0 to %s", time.Duration(value), most)
	}
	return nil
}

func checkCA(pem string) error {
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(pem)) {
		return errors.New("holds no certificate in PEM form")
	}
	return nil
}

// reservedHeaders belong to the proxy: who sets them breaks the message or says what is not true.
var reservedHeaders = []string{"host", "content-length", "transfer-encoding", "connection", "upgrade", "keep-alive", "te", "trailer",
	"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}

func checkHeaders(found *problems, headers map[string]string, at []string) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		under := append(slices.Clone(at), name)
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			found.addf(under, "%q is no header name", name)
		case slices.Contains(reservedHeaders, strings.ToLower(name)):
			found.addf(under, "the proxy sets %s itself", name)
		case !httpguts.ValidHeaderFieldValue(headers[name]) || strings.ContainsAny(headers[name], "{}"):
			found.addf(under, "the value has characters that headers of the proxy cannot have (control characters, braces)")
		}
	}
}
