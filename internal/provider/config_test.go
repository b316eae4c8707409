package provider

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

const cloudsYAML = `
clouds:
  prod:
    auth:
      auth_url: https://prod.example.com:5000/v3
      username: alice
      project_name: web
      user_domain_name: Users
      project_domain_name: Projects
    region_name: north
    interface: internal
    verify: no
    network_endpoint_override: https://net.example.com
  numbers:
    auth: {auth_url: "https://n.example.com", username: 007, password: 0123, project_id: 42}
  credential:
    auth_type: v3applicationcredential
    auth:
      auth_url: https://prod.example.com:5000/v3
      application_credential_id: ac1
      application_credential_secret: acs
    regions: [{name: south}]
  vendored:
    profile: vendor
    auth: {username: bob, password: pw, project_name: p}
  strange: {auth_type: v3kerberos, auth: {auth_url: "https://k.example.com"}}
`

const secureYAML = `
clouds:
  prod: {auth: {password: from-secure}}
`

const publicYAML = `
public-clouds:
  vendor: {auth: {auth_url: "https://vendor.example.com:5000/v3", user_domain_name: VendorDomain}, region_name: east}
`

// files puts a set of files into a directory and returns it.
func files(t *testing.T, contents map[string]string) string {
	t.Helper()
	directory := t.TempDir()
	for name, text := range contents {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

func standard(t *testing.T) string {
	t.Helper()
	return files(t, map[string]string{"clouds.yaml": cloudsYAML, "secure.yaml": secureYAML, "clouds-public.yaml": publicYAML})
}

type env map[string]string

func (e env) get(name string) string { return e[name] }

type arg map[string]string

func (a arg) values() map[string]attr.Value {
	out := map[string]attr.Value{}
	for name, text := range a {
		out[name] = types.StringValue(text)
	}
	return out
}

func TestResolve(t *testing.T) {
	directory := standard(t)
	full := env{"OS_AUTH_URL": "https://env.example.com", "OS_USERNAME": "eve", "OS_PASSWORD": "pw", "OS_PROJECT_NAME": "p"}
	with := func(e env, more env) env {
		out := env{}
		for _, m := range []env{e, more} {
			for k, v := range m {
				out[k] = v
			}
		}
		return out
	}
	cases := map[string]struct {
		arguments arg
		env       env
		want      func(openstack.Config) bool
	}{
		"clouds.yaml with secure.yaml": {arg{"cloud": "prod"}, env{}, func(c openstack.Config) bool {
			return c.Auth.IdentityEndpoint == "https://prod.example.com:5000/v3" && c.Auth.Username == "alice" && c.Auth.Password == "from-secure" &&
				c.Auth.DomainName == "Users" && *c.Auth.Scope == gophercloud.AuthScope{ProjectName: "web", DomainName: "Projects"} &&
				c.Region == "north" && c.EndpointType == gophercloud.AvailabilityInternal && c.Insecure && c.EndpointOverrides["network"] == "https://net.example.com"
		}},
		"environment chooses the cloud": {nil, env{"OS_CLOUD": "prod"}, func(c openstack.Config) bool { return c.Auth.Username == "alice" }},
		"environment beats the file":    {nil, env{"OS_CLOUD": "prod", "OS_REGION_NAME": "west"}, func(c openstack.Config) bool { return c.Region == "west" }},
		"a configured cloud beats the environment": {arg{"cloud": "prod"}, env{"OS_REGION_NAME": "west", "OS_PASSWORD": "stray", "OS_CACERT": ""},
			func(c openstack.Config) bool { return c.Region == "north" && c.Auth.Password == "from-secure" }},
		"the argument beats both": {arg{"region": "center", "password": "mine"}, env{"OS_CLOUD": "prod", "OS_REGION_NAME": "west", "OS_PASSWORD": "env"},
			func(c openstack.Config) bool { return c.Region == "center" && c.Auth.Password == "mine" }},
		"environment alone": {nil, with(full, env{"OS_INTERFACE": "internalURL", "OS_USER_DOMAIN_ID": "u", "OS_PROJECT_DOMAIN_ID": "pd"}), func(c openstack.Config) bool {
			return c.Auth.Username == "eve" && c.Auth.DomainID == "u" && c.EndpointType == "internal" &&
				*c.Auth.Scope == gophercloud.AuthScope{ProjectName: "p", DomainID: "pd"}
		}},
		"domain by default": {nil, full, func(c openstack.Config) bool {
			return c.Auth.DomainID == "default" && c.Auth.Scope.DomainID == "default"
		}},
		"project domain is the user's": {nil, with(full, env{"OS_USER_DOMAIN_NAME": "U"}), func(c openstack.Config) bool { return c.Auth.Scope.DomainName == "U" }},
		"common domain":                {nil, with(full, env{"OS_DOMAIN_NAME": "D"}), func(c openstack.Config) bool { return c.Auth.DomainName == "D" && c.Auth.Scope.DomainName == "D" }},
		"ids beat names of weaker layers": {arg{"user_id": "u1", "project_id": "p1"}, full, func(c openstack.Config) bool {
			return c.Auth.UserID == "u1" && c.Auth.Username == "" && c.Auth.DomainID == "" && *c.Auth.Scope == gophercloud.AuthScope{ProjectID: "p1"}
		}},
		"names beat ids of weaker layers": {arg{"project_name": "mine"}, with(full, env{"OS_PROJECT_ID": "p1"}), func(c openstack.Config) bool {
			return c.Auth.Scope.ProjectName == "mine" && c.Auth.Scope.ProjectID == ""
		}},
		"scalars stay text": {arg{"cloud": "numbers"}, env{}, func(c openstack.Config) bool {
			return c.Auth.Username == "007" && c.Auth.Password == "0123" && c.Auth.Scope.ProjectID == "42"
		}},
		"application credential of the file": {arg{"cloud": "credential"}, env{"OS_USERNAME": "eve", "OS_PASSWORD": "pw", "OS_PROJECT_NAME": "p"}, func(c openstack.Config) bool {
			return c.Auth.ApplicationCredentialID == "ac1" && c.Auth.ApplicationCredentialSecret == "acs" && c.Auth.Username == "" && c.Auth.Password == "" &&
				c.Auth.Scope == nil && c.Region == "south"
		}},
		"application credential by name": {arg{"application_credential_name": "n", "application_credential_secret": "s"}, full, func(c openstack.Config) bool {
			return c.Auth.ApplicationCredentialName == "n" && c.Auth.Username == "eve" && c.Auth.DomainID == "default" && c.Auth.Password == ""
		}},
		"token": {arg{"token": "t"}, full, func(c openstack.Config) bool {
			return c.Auth.TokenID == "t" && c.Auth.Username == "" && c.Auth.Scope.ProjectName == "p"
		}},
		"token, unscoped": {arg{"token": "t"}, env{"OS_AUTH_URL": "https://x"}, func(c openstack.Config) bool { return c.Auth.TokenID == "t" && c.Auth.Scope == nil }},
		"profile": {arg{"cloud": "vendored"}, env{}, func(c openstack.Config) bool {
			return c.Auth.IdentityEndpoint == "https://vendor.example.com:5000/v3" && c.Auth.DomainName == "VendorDomain" && c.Region == "east"
		}},
		"domain scope":      {arg{"domain_id": "d"}, env{"OS_AUTH_URL": "https://x", "OS_USERNAME": "u", "OS_PASSWORD": "p"}, func(c openstack.Config) bool { return c.Auth.Scope.DomainID == "d" }},
		"system scope":      {nil, env{"OS_AUTH_URL": "https://x", "OS_USERNAME": "u", "OS_PASSWORD": "p", "OS_SYSTEM_SCOPE": "all"}, func(c openstack.Config) bool { return c.Auth.Scope.System }},
		"trace log":         {nil, with(full, env{"TF_LOG": "trace"}), func(c openstack.Config) bool { return c.LogBodies }},
		"provider's log":    {nil, with(full, env{"TF_LOG": "TRACE", "TF_LOG_PROVIDER": "WARN"}), func(c openstack.Config) bool { return !c.LogBodies }},
		"insecure variable": {nil, with(full, env{"OS_INSECURE": "true"}), func(c openstack.Config) bool { return c.Insecure }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, diags := resolve(c.arguments.values(), c.env.get, []string{directory})
			if diags.HasError() {
				t.Fatal(diags)
			}
			if !c.want(s.config) {
				t.Errorf("got %+v, scope %+v", s.config, s.config.Auth.Scope)
			}
		})
	}
}

func TestResolveOtherTypes(t *testing.T) {
	pem := "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
	directory := files(t, map[string]string{"ca.pem": pem})
	base := arg{"auth_url": "https://x", "username": "u", "password": "p", "ca_certificate": filepath.Join(directory, "ca.pem"), "client_certificate": pem, "client_key": pem}.values()
	base["max_retries"] = types.Int64Value(0)
	base["insecure"] = types.BoolValue(false)
	base["endpoint_overrides"] = types.MapValueMust(types.StringType, map[string]attr.Value{"network": types.StringValue("https://n:9696")})
	s, diags := resolve(base, env{"OS_INSECURE": "1"}.get, nil)
	if diags.HasError() {
		t.Fatal(diags)
	}
	c := s.config
	if string(c.CACertificate) != pem || string(c.ClientCertificate) != pem || string(c.ClientKey) != pem || c.MaxRetries != -1 || c.Insecure || c.EndpointOverrides["network"] != "https://n:9696" {
		t.Errorf("got %+v", c)
	}
}

func TestResolveRefuses(t *testing.T) {
	directory := standard(t)
	other := files(t, map[string]string{"clouds.yaml": "clouds: {lab: {}}"})
	broken := files(t, map[string]string{"clouds.yaml": "clouds: [1"})
	user := env{"OS_USERNAME": "u", "OS_PASSWORD": "p"}
	cases := map[string]struct {
		arguments   map[string]attr.Value
		env         env
		directories []string
		path        string
		want        []string
	}{
		"nothing at all":  {nil, env{}, []string{directory}, "auth_url", []string{"OS_CLOUD", "credential, numbers, prod", directory}},
		"no file":         {arg{"cloud": "prod"}.values(), env{}, []string{"/nonexistent"}, "cloud", []string{"no clouds.yaml in /nonexistent", `argument "cloud"`}},
		"unknown cloud":   {nil, env{"OS_CLOUD": "lab"}, []string{directory, other}, "cloud", []string{`"lab"`, "variable OS_CLOUD", filepath.Join(directory, "clouds.yaml"), "credential, numbers, prod, strange, vendored", filepath.Join(other, "clouds.yaml") + " has it"}},
		"file not there":  {nil, env{"OS_CLOUD": "lab", "OS_CLIENT_CONFIG_FILE": "/nonexistent.yaml"}, nil, "cloud", []string{"/nonexistent.yaml"}},
		"broken file":     {nil, env{"OS_CLOUD": "lab"}, []string{broken}, "cloud", []string{filepath.Join(broken, "clouds.yaml"), "yaml:"}},
		"no user":         {arg{"auth_url": "https://x"}.values(), env{"OS_PASSWORD": "p"}, nil, "username", []string{"OS_USERNAME"}},
		"no password":     {arg{"auth_url": "https://x", "username": "u"}.values(), env{}, nil, "password", []string{"OS_PASSWORD", "secure.yaml"}},
		"address":         {arg{"auth_url": "cloud.example.com:5000"}.values(), user, nil, "auth_url", []string{`"cloud.example.com:5000"`, "https://"}},
		"endpoint type":   {nil, env{"OS_CLOUD": "prod", "OS_INTERFACE": "secret"}, []string{directory}, "endpoint_type", []string{`"secret"`, "OS_INTERFACE", "public, internal or admin"}},
		"CA not there":    {arg{"auth_url": "https://x"}.values(), env{"OS_USERNAME": "u", "OS_PASSWORD": "p", "OS_CACERT": "/nonexistent.pem"}, nil, "ca_certificate", []string{"/nonexistent.pem", "OS_CACERT"}},
		"key alone":       {arg{"auth_url": "https://x", "client_key": "-----BEGIN "}.values(), user, nil, "client_key", []string{"client_certificate"}},
		"secret missing":  {arg{"auth_url": "https://x", "application_credential_id": "i"}.values(), env{}, nil, "application_credential_secret", []string{"OS_APPLICATION_CREDENTIAL_SECRET"}},
		"credential's id": {arg{"auth_url": "https://x", "application_credential_secret": "i"}.values(), env{}, nil, "application_credential_id", []string{"OS_APPLICATION_CREDENTIAL_ID"}},
		"credential's user": {arg{"auth_url": "https://x", "application_credential_secret": "i", "application_credential_name": "n"}.values(), env{}, nil, "username",
			[]string{"application_credential_id"}},
		"kind":         {arg{"cloud": "strange"}.values(), env{}, []string{directory}, "", []string{"v3kerberos", directory}},
		"insecure":     {arg{"auth_url": "https://x"}.values(), env{"OS_USERNAME": "u", "OS_PASSWORD": "p", "OS_INSECURE": "maybe"}, nil, "insecure", []string{"maybe", "OS_INSECURE"}},
		"unknown":      {map[string]attr.Value{"password": types.StringUnknown()}, env{}, nil, "password", []string{"only known after apply", "-target"}},
		"unknown deep": {map[string]attr.Value{"endpoint_overrides": types.MapValueMust(types.StringType, map[string]attr.Value{"a": types.StringUnknown()})}, env{}, nil, "endpoint_overrides", []string{"only known after apply"}},
		"override": {map[string]attr.Value{"auth_url": types.StringValue("https://x"), "endpoint_overrides": types.MapValueMust(types.StringType, map[string]attr.Value{"dns": types.StringValue("here")})}, user, nil,
			"endpoint_overrides[\"dns\"]", []string{`"here"`, "https://"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, diags := resolve(c.arguments, c.env.get, c.directories)
			expectOne(t, diags, c.path, c.want)
		})
	}
}

func expectOne(t *testing.T, diags diag.Diagnostics, at string, want []string) {
	t.Helper()
	if len(diags) != 1 {
		t.Fatalf("%d diagnostics: %v", len(diags), diags)
	}
	got := ""
	if with, ok := diags[0].(diag.DiagnosticWithPath); ok {
		got = with.Path().String()
	}
	if got != at {
		t.Errorf("at %q, want %q", got, at)
	}
	for _, text := range want {
		if !strings.Contains(diags[0].Detail(), text) {
			t.Errorf("%q is not in:\n%s", text, diags[0].Detail())
		}
	}
}

func TestArgumentsAreDescribed(t *testing.T) {
	for name, a := range Schema().Attributes {
		if a.GetMarkdownDescription() == "" || !a.IsOptional() {
			t.Errorf("%s has no description or is not optional", name)
		}
		secret := strings.Contains(name, "password") || strings.Contains(name, "secret") || name == "token" || name == "client_key"
		if a.IsSensitive() != secret {
			t.Errorf("%s: sensitive is %t", name, a.IsSensitive())
		}
	}
}

// keystone answers POST tokens with a status.
func keystone(t *testing.T, status int) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v3/auth/tokens" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("X-Subject-Token", "t")
		w.Header().Set("X-Openstack-Request-Id", "req-9")
		w.WriteHeader(status)
		var answer any = map[string]any{"error": map[string]any{"code": status, "message": "The request you have made requires authentication."}}
		if status == http.StatusCreated {
			answer = map[string]any{"token": map[string]any{"catalog": []any{map[string]any{"type": "network", "endpoints": []any{
				map[string]any{"region": "one", "interface": "public", "url": "http://x"}, map[string]any{"region": "two", "interface": "public", "url": "http://x"},
			}}}}}
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// configure runs the provider's own Configure with string arguments; an argument "?" is unknown.
func configure(t *testing.T, arguments arg, deferral bool) provider.ConfigureResponse {
	t.Helper()
	// A developer's own settings must not decide the test.
	for _, a := range append([]string{"OS_CLIENT_CONFIG_FILE", "OS_INSECURE"}, variables()...) {
		t.Setenv(a, "")
	}
	s := Schema()
	values := map[string]tftypes.Value{}
	for name, a := range s.Attributes {
		kind := a.GetType().TerraformType(t.Context())
		switch text, ok := arguments[name]; {
		case !ok:
			values[name] = tftypes.NewValue(kind, nil)
		case text == "?":
			values[name] = tftypes.NewValue(kind, tftypes.UnknownValue)
		default:
			values[name] = tftypes.NewValue(kind, text)
		}
	}
	var resp provider.ConfigureResponse
	New("test")().Configure(context.Background(), provider.ConfigureRequest{
		Config:             tfsdk.Config{Schema: s, Raw: tftypes.NewValue(s.Type().TerraformType(t.Context()), values)},
		ClientCapabilities: provider.ConfigureProviderClientCapabilities{DeferralAllowed: deferral},
	}, &resp)
	return resp
}

func variables() []string {
	var out []string
	for _, a := range arguments() {
		out = append(out, a.variables...)
	}
	return out
}

func TestConfigure(t *testing.T) {
	base := func(url string, more arg) arg {
		out := arg{"auth_url": url, "username": "demo", "password": "swordfish", "project_name": "p"}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	up, denies, fails := keystone(t, 201), keystone(t, 401), keystone(t, 500)
	nothing := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(nothing.Close)
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(tls.Close)
	cases := map[string]struct {
		arguments arg
		path      string
		want      []string
	}{
		"denied":         {base(denies.URL, nil), "password", []string{denies.URL, `argument "auth_url"`, "requires authentication", "req-9", `username = "demo" from the provider's argument "username"`, "password = (not shown)"}},
		"denied token":   {arg{"auth_url": denies.URL, "token": "swordfish", "project_id": "p"}, "token", []string{"by token", "token = (not shown)"}},
		"fails":          {base(fails.URL, nil), "auth_url", []string{"500"}},
		"not keystone":   {base(nothing.URL, nil), "auth_url", []string{"no Keystone version 3", nothing.URL}},
		"not trusted":    {base(tls.URL, nil), "ca_certificate", []string{"cacert", tls.URL}},
		"unknown region": {base(up.URL, arg{"region": "mars"}), "region", []string{`no region "mars"`, "one, two", `region = "mars" from the provider's argument "region"`}},
		"no region":      {base(up.URL, nil), "region", []string{"several regions", "one, two"}},
		"endpoint type":  {base(up.URL, arg{"region": "one", "endpoint_type": "admin"}), "endpoint_type", []string{"no admin endpoint", "it has: public"}},
		"bad name":       {base("http://no-such-host.invalid:5000", nil), "auth_url", []string{"does not answer", "no-such-host.invalid"}},
		"not known":      {base("?", nil), "auth_url", []string{"only known after apply"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			resp := configure(t, c.arguments, false)
			expectOne(t, resp.Diagnostics, c.path, c.want)
			if strings.Contains(resp.Diagnostics[0].Detail(), "swordfish") {
				t.Error("the error shows the secret")
			}
			if resp.ResourceData != nil {
				t.Error("there is a session")
			}
		})
	}
	t.Run("up", func(t *testing.T) {
		resp := configure(t, base(up.URL, arg{"region": "two"}), false)
		cloud, ok := resp.ResourceData.(*openstack.Cloud)
		if resp.Diagnostics.HasError() || !ok || cloud.Region() != "two" || resp.DataSourceData != cloud {
			t.Errorf("got %v, %v", resp.ResourceData, resp.Diagnostics)
		}
	})
	t.Run("deferred", func(t *testing.T) {
		resp := configure(t, base("?", nil), true)
		if resp.Diagnostics.HasError() || resp.Deferred == nil {
			t.Errorf("got %v", resp.Diagnostics)
		}
	})
}
