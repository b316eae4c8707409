package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// argument is one setting of the session and everywhere it can come from. Without a description it is no argument
// of the provider, only a setting of the environment and of clouds.yaml.
type argument struct {
	name        string
	description string
	sensitive   bool
	variables   []string // of the environment, best first
	keys        []string // in clouds.yaml, best first
	validators  []validator.String
}

// arguments are all settings that are one string. A file's path or its content is one, too.
func arguments() []argument {
	return []argument{
		{name: "cloud", description: "Name of the cloud in `clouds.yaml`. What that cloud says then goes before the environment.",
			variables: []string{"OS_CLOUD"}},
		{name: "auth_url", description: "Address of the identity service (Keystone, version 3).",
			variables: []string{"OS_AUTH_URL"}, keys: []string{"auth.auth_url"}},
		{name: "auth_type", variables: []string{"OS_AUTH_TYPE"}, keys: []string{"auth_type"}},
		{name: "username", description: "Name of the user, in the domain `user_domain_name`.",
			variables: []string{"OS_USERNAME"}, keys: []string{"auth.username"}},
		{name: "user_id", description: "ID of the user, instead of a name and a domain.",
			variables: []string{"OS_USER_ID"}, keys: []string{"auth.user_id"}},
		{name: "user_domain_name", description: "Name of the user's domain. Default: the domain with the ID `default`.",
			variables: []string{"OS_USER_DOMAIN_NAME"}, keys: []string{"auth.user_domain_name", "user_domain_name"}},
		{name: "user_domain_id", description: "ID of the user's domain.",
			variables: []string{"OS_USER_DOMAIN_ID"}, keys: []string{"auth.user_domain_id", "user_domain_id"}},
		{name: "password", description: "Password of the user.", sensitive: true,
			variables: []string{"OS_PASSWORD"}, keys: []string{"auth.password"}},
		{name: "project_name", description: "Name of the project to work in, in the domain `project_domain_name`.",
			variables: []string{"OS_PROJECT_NAME", "OS_TENANT_NAME"}, keys: []string{"auth.project_name", "auth.tenant_name"}},
		{name: "project_id", description: "ID of the project to work in, instead of a name and a domain.",
			variables: []string{"OS_PROJECT_ID", "OS_TENANT_ID"}, keys: []string{"auth.project_id", "auth.tenant_id"}},
		{name: "project_domain_name", description: "Name of the project's domain. Default: the user's.",
			variables: []string{"OS_PROJECT_DOMAIN_NAME"}, keys: []string{"auth.project_domain_name", "project_domain_name"}},
		{name: "project_domain_id", description: "ID of the project's domain.",
			variables: []string{"OS_PROJECT_DOMAIN_ID"}, keys: []string{"auth.project_domain_id", "project_domain_id"}},
		{name: "domain_name", description: "Name of the domain of user and project where those name none; without a project, the domain to work in.",
			variables: []string{"OS_DOMAIN_NAME"}, keys: []string{"auth.domain_name", "domain_name"}},
		{name: "domain_id", description: "ID of the domain of user and project where those name none; without a project, the domain to work in.",
			variables: []string{"OS_DOMAIN_ID"}, keys: []string{"auth.domain_id", "domain_id"}},
		{name: "default_domain", variables: []string{"OS_DEFAULT_DOMAIN"}, keys: []string{"auth.default_domain", "default_domain"}},
		{name: "system_scope", variables: []string{"OS_SYSTEM_SCOPE"}, keys: []string{"auth.system_scope", "system_scope"}},
		{name: "trust_id", variables: []string{"OS_TRUST_ID"}, keys: []string{"auth.trust_id"}},
		{name: "token", description: "Token to authenticate with. It cannot be renewed when it expires during a long apply.", sensitive: true,
			variables: []string{"OS_TOKEN", "OS_AUTH_TOKEN"}, keys: []string{"auth.token"}},
		{name: "application_credential_id", description: "ID of an application credential.",
			variables: []string{"OS_APPLICATION_CREDENTIAL_ID"}, keys: []string{"auth.application_credential_id"}},
		{name: "application_credential_name", description: "Name of an application credential of the user, instead of its ID.",
			variables: []string{"OS_APPLICATION_CREDENTIAL_NAME"}, keys: []string{"auth.application_credential_name"}},
		{name: "application_credential_secret", description: "Secret of the application credential.", sensitive: true,
			variables: []string{"OS_APPLICATION_CREDENTIAL_SECRET"}, keys: []string{"auth.application_credential_secret"}},
		{name: "region", description: "Region of the resources that name none. Not needed where the cloud has one only.",
			variables: []string{"OS_REGION_NAME"}, keys: []string{"region_name"}},
		{name: "endpoint_type", description: "Which endpoints of the catalog to use: `public` (default), `internal` or `admin`.",
			variables: []string{"OS_INTERFACE", "OS_ENDPOINT_TYPE"}, keys: []string{"endpoint_type", "interface"},
			validators: []validator.String{stringvalidator.OneOf("public", "internal", "admin", "publicURL", "internalURL", "adminURL")}},
		{name: "quota_check", description: "What a plan that goes beyond the project's quotas leads to: `warning` (default), `error` or `off`.",
			variables:  []string{"MASSIF_QUOTA_CHECK"},
			validators: []validator.String{stringvalidator.OneOf("warning", "error", "off")}},
		{name: "ca_certificate", description: "Certificates of the authorities to trust, in PEM form or the path of such a file. Default: the system's.",
			variables: []string{"OS_CACERT"}, keys: []string{"cacert"}},
		{name: "client_certificate", description: "Certificate to show to the cloud, in PEM form or the path of such a file.",
			variables: []string{"OS_CERT"}, keys: []string{"cert"}},
		{name: "client_key", description: "Key of the client certificate, in PEM form or the path of such a file.", sensitive: true,
			variables: []string{"OS_KEY"}, keys: []string{"key"}},
	}
}

// Schema is the provider's configuration.
func Schema() schema.Schema {
	attributes := map[string]schema.Attribute{
		"endpoint_overrides": schema.MapAttribute{
			MarkdownDescription: "URLs to use instead of the catalog's, by service type, such as `{ network = \"https://neutron.example.com:9696\" }`.",
			ElementType:         types.StringType,
			Optional:            true,
		},
		"insecure": schema.BoolAttribute{
			MarkdownDescription: "Accept any certificate of the cloud. For tests only. Also `OS_INSECURE`.",
			Optional:            true,
		},
		"max_retries": schema.Int64Attribute{
			MarkdownDescription: fmt.Sprintf("How often to repeat a request when the cloud is busy or out of reach for a moment. Default: %d.", openstack.DefaultMaxRetries),
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(0, 100)},
		},
	}
	for _, a := range arguments() {
		if a.description == "" {
			continue
		}
		attributes[a.name] = schema.StringAttribute{
			MarkdownDescription: fmt.Sprintf("%s Also `%s`.", a.description, strings.Join(a.variables, "`, `")),
			Optional:            true,
			Sensitive:           a.sensitive,
			Validators:          append([]validator.String{stringvalidator.LengthAtLeast(1)}, a.validators...),
		}
	}
	return schema.Schema{
		MarkdownDescription: "Whole platforms on OpenStack. Without arguments the provider is configured like every OpenStack tool: " +
			"by `clouds.yaml` (with `secure.yaml`) and `OS_CLOUD`, or by the `OS_*` variables.",
		Attributes: attributes,
	}
}

// Configure opens the session that all resources share.
func (p *massif) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	values := map[string]attr.Value{}
	for name := range Schema().Attributes {
		var v attr.Value
		resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root(name), &v)...)
		if v == nil {
			continue
		}
		values[name] = v
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if req.ClientCapabilities.DeferralAllowed && len(unknown(values)) > 0 {
		resp.Deferred = &provider.Deferred{Reason: provider.DeferredReasonProviderConfigUnknown}
		return
	}
	s, diags := resolve(values, os.Getenv, configDirectories(os.Getenv))
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	s.config.UserAgent = fmt.Sprintf("terraform-provider-massif/%s terraform/%s", p.version, req.TerraformVersion)
	cloud, err := openstack.Open(ctx, s.config)
	if err != nil {
		resp.Diagnostics.Append(s.explain(err))
		return
	}
	if cloud.ProjectID() == "" && cloud.Region() == "" {
		resp.Diagnostics.Append(s.blame("project_name", "No project", "the credentials are valid, but nothing says in which project to work, and the user has no default one. "+
			"Set \"project_name\" (OS_PROJECT_NAME, or project_name in clouds.yaml) or \"project_id\"."))
		return
	}
	resp.ResourceData, resp.DataSourceData, resp.EphemeralResourceData = cloud, cloud, cloud
	resp.ListResourceData, resp.ActionData = cloud, cloud
}

// OpenNamed opens a session with a cloud of clouds.yaml.
func OpenNamed(ctx context.Context, name string) (*openstack.Cloud, error) {
	s, diags := resolve(map[string]attr.Value{"cloud": types.StringValue(name)}, os.Getenv, configDirectories(os.Getenv))
	if diags.HasError() {
		return nil, errors.New(diags[0].Summary() + ": " + diags[0].Detail())
	}
	cloud, err := openstack.Open(ctx, s.config)
	if err != nil {
		return nil, fmt.Errorf("open a session with the cloud %q: %w", name, err)
	}
	return cloud, nil
}

// unknown names the arguments whose value is not known yet.
func unknown(values map[string]attr.Value) []string {
	var out []string
	for name, v := range values {
		if !value.AllKnown(v) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// setting is a value and where it was read.
type setting struct {
	value  string
	source string
}

// settings is one place where settings are read, by name.
type settings map[string]setting

// session is a resolved configuration that remembers where each part came from.
type session struct {
	config openstack.Config
	from   settings // what is in force
	kind   string   // how we authenticate
}

// resolver finds settings in layers, the strongest first: arguments, environment, clouds.yaml. When the configuration
// itself names the cloud, what that cloud says is configuration and goes before the environment.
type resolver struct {
	layers []settings
	from   settings
	diags  diag.Diagnostics
}

func resolve(values map[string]attr.Value, getenv func(string) string, directories []string) (*session, diag.Diagnostics) {
	r := &resolver{from: settings{}}
	for _, name := range unknown(values) {
		r.diags.AddAttributeError(path.Root(name), "Provider argument not known yet",
			fmt.Sprintf("The value of %q depends on something that is only known after apply, but the provider needs it to plan. "+
				"Give it a value that is known before, for example from a variable, or apply what it depends on first (-target).", name))
	}
	if r.diags.HasError() {
		return nil, r.diags
	}
	config, environment := argumentLayer(values), environmentLayer(getenv)
	r.layers = []settings{config, environment}
	if cloud := r.get("cloud"); cloud != "" {
		file := r.readCloud(cloud, getenv, directories)
		if _, ours := config["cloud"]; ours {
			r.layers = []settings{config, file, environment}
		} else {
			r.layers = []settings{config, environment, file}
		}
	}
	if r.diags.HasError() {
		return nil, r.diags
	}
	s := &session{from: r.from}
	r.authentication(s, directories)
	r.connection(s, values)
	s.config.LogBodies = tracing(getenv)
	return s, r.diags
}

// tracing tells whether the log shows the provider's trace lines.
func tracing(getenv func(string) string) bool {
	for _, name := range []string{"TF_LOG_PROVIDER_MASSIF", "TF_LOG_PROVIDER", "TF_LOG"} {
		if level := getenv(name); level != "" {
			return strings.EqualFold(level, "trace") || strings.EqualFold(level, "json")
		}
	}
	return false
}

func argumentLayer(values map[string]attr.Value) settings {
	layer := settings{}
	for name, v := range values {
		source := fmt.Sprintf("the provider's argument %q", name)
		switch v := v.(type) {
		case types.String:
			if text := value.Ptr(v); text != nil {
				layer[name] = setting{*text, source}
			}
		case types.Bool:
			if flag := value.BoolPtr(v); flag != nil {
				layer[name] = setting{strconv.FormatBool(*flag), source}
			}
		case types.Int64:
			if number := value.IntPtr(v); number != nil {
				layer[name] = setting{strconv.Itoa(*number), source}
			}
		}
	}
	return layer
}

func environmentLayer(getenv func(string) string) settings {
	layer := settings{}
	read := func(name string, variables ...string) {
		for _, variable := range variables {
			if text := getenv(variable); text != "" {
				layer[name] = setting{text, "the environment variable " + variable}
				return
			}
		}
	}
	for _, a := range arguments() {
		read(a.name, a.variables...)
	}
	read("insecure", "OS_INSECURE")
	return layer
}

// get is the value of a setting in force, remembered with its source; "" when nobody set it.
func (r *resolver) get(name string) string {
	for _, layer := range r.layers {
		if found, ok := layer[name]; ok {
			r.from[name] = found
			return found.value
		}
	}
	return ""
}

// either is get for settings that exclude each other: the strongest layer that has any of them decides.
func (r *resolver) either(names ...string) (name, text string) {
	for _, layer := range r.layers {
		for _, name := range names {
			if found, ok := layer[name]; ok {
				r.from[name] = found
				return name, found.value
			}
		}
	}
	return "", ""
}

// The kinds of credentials.
const (
	byPassword   = "password"
	byToken      = "token"
	byCredential = "application credential"
)

// credentialKind is decided by the strongest layer that has credentials; what weaker layers have of another kind is
// left alone.
func (r *resolver) credentialKind() string {
	named := map[string]string{
		"password": byPassword, "v3password": byPassword, "token": byToken, "v3token": byToken,
		"v3applicationcredential": byCredential, "v3adfspassword": "", "none": "",
	}
	for _, layer := range r.layers {
		if kind := layer["auth_type"]; kind.value != "" {
			known, ok := named[strings.ToLower(kind.value)]
			if !ok || known == "" {
				r.diags.AddError("Unsupported authentication",
					fmt.Sprintf("The auth_type %q (from %s) is not supported; right would be password, token or v3applicationcredential.", kind.value, kind.source))
			}
			return known
		}
		has := func(names ...string) bool {
			return slices.ContainsFunc(names, func(name string) bool { return layer[name].value != "" })
		}
		switch {
		case has("application_credential_id", "application_credential_name", "application_credential_secret"):
			return byCredential
		case has("token") && !has("password"):
			return byToken
		case has("username", "user_id", "password"):
			return byPassword
		}
	}
	return byPassword
}

// authentication fills in who we are.
func (r *resolver) authentication(s *session, directories []string) {
	auth := &s.config.Auth
	auth.IdentityEndpoint = r.get("auth_url")
	switch address, err := url.Parse(auth.IdentityEndpoint); {
	case auth.IdentityEndpoint == "":
		r.missing("auth_url", "No cloud to talk to", fmt.Sprintf("Nothing says where the identity service is. Set the provider's argument \"cloud\" or the variable OS_CLOUD "+
			"to a cloud of a clouds.yaml (%s), or set \"auth_url\" or OS_AUTH_URL.", describeFiles(directories)))
	case err != nil || address.Host == "" || (address.Scheme != "http" && address.Scheme != "https"):
		r.wrong("auth_url", "it is not an address such as https://cloud.example.com:5000/v3")
	}
	s.kind = r.credentialKind()
	if r.diags.HasError() {
		return // what else is missing would only distract
	}
	domain := func(names ...string) (id, name string) {
		which, text := r.either(names...)
		if strings.HasSuffix(which, "_id") || which == "default_domain" {
			return text, ""
		}
		return "", text
	}
	user := func() {
		which, text := r.either("user_id", "username")
		if which == "user_id" {
			auth.UserID = text
			return
		}
		auth.Username = text
		auth.DomainID, auth.DomainName = domain("user_domain_id", "user_domain_name")
		if auth.DomainID == "" && auth.DomainName == "" {
			auth.DomainID, auth.DomainName = domain("domain_id", "domain_name", "default_domain")
		}
		if auth.DomainID == "" && auth.DomainName == "" {
			auth.DomainID = "default"
		}
	}
	switch s.kind {
	case byCredential:
		which, text := r.either("application_credential_id", "application_credential_name")
		if which == "application_credential_id" {
			auth.ApplicationCredentialID = text
		} else if auth.ApplicationCredentialName = text; text != "" {
			user()
			if auth.Username == "" && auth.UserID == "" {
				r.missing("username", "No user given", "An application credential is found by its name only together with its user: "+
					"set \"application_credential_id\" instead of the name, or \"username\" (OS_USERNAME) or \"user_id\".")
			}
		} else {
			r.missing("application_credential_id", "No application credential given",
				"There is a secret of an application credential, but neither its ID (\"application_credential_id\", OS_APPLICATION_CREDENTIAL_ID) nor its name.")
		}
		if auth.ApplicationCredentialSecret = r.get("application_credential_secret"); auth.ApplicationCredentialSecret == "" {
			r.missing("application_credential_secret", "No secret given",
				"The application credential needs its secret: set \"application_credential_secret\", OS_APPLICATION_CREDENTIAL_SECRET, or put it into secure.yaml.")
		}
		return // it carries its project
	case byToken:
		if auth.TokenID = r.get("token"); auth.TokenID == "" {
			r.missing("token", "No token given", "The authentication by token needs one: set \"token\" or OS_TOKEN.")
		}
	default:
		user()
		if auth.Username == "" && auth.UserID == "" {
			r.missing("username", "No user given", "Set \"username\" (OS_USERNAME), an application credential or a token.")
		}
		if auth.Password = r.get("password"); auth.Password == "" {
			r.missing("password", "No password given", "Set \"password\" or OS_PASSWORD, or put it into secure.yaml.")
		}
	}
	auth.Scope = r.scope(auth, domain)
}

// scope is what the token shall be good for: a project in all but rare cases.
func (r *resolver) scope(auth *gophercloud.AuthOptions, domain func(...string) (string, string)) *gophercloud.AuthScope {
	if trust := r.get("trust_id"); trust != "" {
		return &gophercloud.AuthScope{TrustID: trust}
	}
	if system := r.get("system_scope"); system != "" {
		return &gophercloud.AuthScope{System: true}
	}
	switch which, text := r.either("project_id", "project_name"); which {
	case "project_id":
		return &gophercloud.AuthScope{ProjectID: text}
	case "project_name":
		scope := &gophercloud.AuthScope{ProjectName: text}
		scope.DomainID, scope.DomainName = domain("project_domain_id", "project_domain_name")
		if scope.DomainID == "" && scope.DomainName == "" {
			scope.DomainID, scope.DomainName = domain("domain_id", "domain_name", "default_domain")
		}
		if scope.DomainID == "" && scope.DomainName == "" {
			scope.DomainID, scope.DomainName = auth.DomainID, auth.DomainName
		}
		if scope.DomainID == "" && scope.DomainName == "" {
			scope.DomainID = "default"
		}
		return scope
	}
	if id, name := domain("domain_id", "domain_name"); id != "" || name != "" {
		return &gophercloud.AuthScope{DomainID: id, DomainName: name}
	}
	return nil
}

// connection fills in where and how we connect.
func (r *resolver) connection(s *session, values map[string]attr.Value) {
	c := &s.config
	c.Region = r.get("region")
	kind := strings.TrimSuffix(r.get("endpoint_type"), "URL")
	switch c.EndpointType = gophercloud.Availability(kind); c.EndpointType {
	case "", gophercloud.AvailabilityPublic, gophercloud.AvailabilityInternal, gophercloud.AvailabilityAdmin:
	default:
		r.wrong("endpoint_type", "it must be public, internal or admin")
	}
	switch c.QuotaCheck = openstack.QuotaCheck(r.get("quota_check")); c.QuotaCheck {
	case "", openstack.QuotaCheckWarning, openstack.QuotaCheckError, openstack.QuotaCheckOff:
	default:
		r.wrong("quota_check", "it must be warning, error or off")
	}
	c.CACertificate = r.pem("ca_certificate")
	c.ClientCertificate = r.pem("client_certificate")
	c.ClientKey = r.pem("client_key")
	if (len(c.ClientCertificate) == 0) != (len(c.ClientKey) == 0) && !r.diags.HasError() {
		r.missing("client_key", "Certificate without key", "A client certificate needs its key and a key its certificate: set both \"client_certificate\" and \"client_key\".")
	}
	if text := r.get("insecure"); text != "" {
		insecure, err := parseBool(text)
		if err != nil {
			r.wrong("insecure", "it must be true or false")
		}
		c.Insecure = insecure
	}
	if v, ok := values["max_retries"].(types.Int64); ok {
		if n := value.IntPtr(v); n != nil {
			c.MaxRetries = *n
			if *n == 0 {
				c.MaxRetries = -1 // the session's zero is its default
			}
		}
	}
	c.EndpointOverrides = map[string]string{}
	for _, layer := range slices.Backward(r.layers) {
		for name, override := range layer {
			if service, ok := strings.CutPrefix(name, overridePrefix); ok {
				c.EndpointOverrides[service] = override.value
			}
		}
	}
	if overrides, ok := values["endpoint_overrides"].(types.Map); ok {
		for service, address := range value.StringMap(overrides) {
			if u, err := url.Parse(address); err != nil || u.Host == "" {
				r.diags.AddAttributeError(path.Root("endpoint_overrides").AtMapKey(service), "Invalid endpoint",
					fmt.Sprintf("%q is not a URL such as https://cloud.example.com:9696.", address))
			}
			c.EndpointOverrides[service] = address
		}
	}
}

// pem is a setting's PEM text, given itself or by the path of a file.
func (r *resolver) pem(name string) []byte {
	text := r.get(name)
	if text == "" || strings.Contains(text, "-----BEGIN ") {
		return []byte(text)
	}
	if rest, ok := strings.CutPrefix(text, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			text = filepath.Join(home, rest)
		}
	}
	content, err := os.ReadFile(text) //nolint:gosec // the path is the user's own
	if err != nil {
		r.wrong(name, fmt.Sprintf("it is neither text in PEM form nor the path of a file that can be read (%v)", err))
		return nil
	}
	if !strings.Contains(string(content), "-----BEGIN ") {
		r.wrong(name, "that file is not in PEM form")
	}
	return content
}

func (r *resolver) missing(name, summary, detail string) {
	r.diags.AddAttributeError(path.Root(name), summary, detail)
}

func (r *resolver) wrong(name, why string) {
	at := r.from[name]
	shown := fmt.Sprintf("%q ", at.value)
	if strings.HasPrefix(name, "client_key") {
		shown = ""
	}
	r.diags.AddAttributeError(path.Root(name), "Invalid "+strings.ReplaceAll(name, "_", " "),
		fmt.Sprintf("The value %sfrom %s cannot be used: %s.", shown, at.source, why))
}

// explain says of a session that did not open which setting is to blame, where it was read, what was tried and what
// would be right.
func (s *session) explain(err error) diag.Diagnostic {
	var (
		region       *openstack.RegionError
		endpointType *openstack.EndpointTypeError
		address      *url.Error
	)
	fault, answered := openstack.FaultOf(err)
	switch {
	case errors.As(err, &region):
		return s.blame("region", "Wrong region", err.Error()+".")
	case errors.As(err, &endpointType):
		return s.blame("endpoint_type", "Wrong endpoint type", err.Error()+".")
	case answered && fault.Status == http.StatusUnauthorized:
		return s.blame(s.secret(), "Credentials rejected", fmt.Sprintf("The identity service at %s answered 401: %s%s\n\n"+
			"One of these is wrong, expired or disabled, or the user has no role in the project.", s.address(), fault.Message, request(fault)))
	case answered && fault.Status == http.StatusNotFound:
		return s.blame("auth_url", "Wrong address of the identity service", fmt.Sprintf("There is no Keystone version 3 at %s: it answered 404 for %s.",
			s.address(), fault.URL))
	case answered:
		return s.blame("auth_url", "Identity service failed", fmt.Sprintf("The identity service at %s answered %d %s: %s%s",
			s.address(), fault.Status, http.StatusText(fault.Status), fault.Message, request(fault)))
	case strings.Contains(err.Error(), "x509:") || strings.Contains(err.Error(), "certificate"):
		return s.blame("ca_certificate", "Certificate not trusted", fmt.Sprintf("The identity service at %s could not be trusted: %v. "+
			"Set \"ca_certificate\" (OS_CACERT, or cacert in clouds.yaml) to the certificate of its authority.", s.address(), unwrap(err)))
	case errors.As(err, &address):
		return s.blame("auth_url", "Identity service out of reach", fmt.Sprintf("The identity service at %s does not answer: %v. "+
			"Check the address, name resolution, the network between and proxies (HTTPS_PROXY, NO_PROXY).", s.address(), unwrap(err)))
	}
	return s.blame("auth_url", "Could not open a session", err.Error()+".")
}

func request(fault openstack.Fault) string {
	if fault.RequestID == "" {
		return ""
	}
	return " (request " + fault.RequestID + ")"
}

func unwrap(err error) error {
	var address *url.Error
	if errors.As(err, &address) {
		return address.Err
	}
	return err
}

// secret names the setting that a refusal most likely is about.
func (s *session) secret() string {
	switch s.kind {
	case byCredential:
		return "application_credential_secret"
	case byToken:
		return "token"
	default:
		return "password"
	}
}

// blame makes the one diagnostic: at the setting's argument, with everything that was tried.
func (s *session) blame(name, summary, detail string) diag.Diagnostic {
	hidden := map[string]bool{}
	for _, a := range arguments() {
		hidden[a.name] = a.sensitive
	}
	var tried strings.Builder
	for _, used := range slices.Sorted(maps.Keys(s.from)) {
		at := s.from[used]
		shown := fmt.Sprintf("%q", at.value)
		if hidden[used] {
			shown = "(not shown)"
		}
		if strings.Contains(at.value, "-----BEGIN ") {
			shown = "(PEM text)"
		}
		fmt.Fprintf(&tried, "\n  %s = %s from %s", used, shown, at.source)
	}
	return diag.NewAttributeErrorDiagnostic(path.Root(name), summary,
		fmt.Sprintf("%s%s\n\nTried, by %s:%s", strings.ToUpper(detail[:1]), detail[1:], s.kind, tried.String()))
}

// address is where we authenticate, and where that was read.
func (s *session) address() string {
	at := s.from["auth_url"]
	return fmt.Sprintf("%s (from %s)", at.value, at.source)
}
