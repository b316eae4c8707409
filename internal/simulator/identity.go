package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// identity is the state of the Identity API.
type identity struct {
	sim *Simulator

	Projects     table
	Users        table // "_password"
	Roles        table
	Grants       map[string][]string // user id/project id -> role ids
	Tokens       map[string]*token
	Applications table // application credentials, "_secret"
	AccessRules  table // of application credentials, "_user"
	Keys         table // EC2 credentials by access key
}

// token is an issued token.
type token struct {
	Methods     []string
	User        string
	Project     string // "" when unscoped
	Roles       []string
	Issued      time.Time
	Expires     time.Time
	Application string   `json:",omitempty"` // id of the application credential that it came from
	Restricted  bool     `json:",omitempty"`
	Rules       []object `json:",omitempty"` // access rules
	Audit       string
}

// lifetime is how long a token is valid.
const lifetime = 24 * time.Hour

// malformed ends keystone's messages about bodies that it cannot read.
const malformed = " The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error."

// keystoneTime is how keystone writes a time.
const keystoneTime = "2006-01-02T15:04:05.000000Z"

// allows says whether the access rules of an application credential let a request through.
func (t *token) allows(service, method, requested string) bool {
	if len(t.Rules) == 0 {
		return true
	}
	for _, rule := range t.Rules {
		matched, err := path.Match(rule.str("path"), requested)
		if strings.HasSuffix(rule.str("path"), "**") {
			matched, err = strings.HasPrefix(requested, strings.TrimSuffix(rule.str("path"), "**")), nil
		}
		if err == nil && matched && rule.str("service") == service && rule.str("method") == method {
			return true
		}
	}
	return false
}

func newIdentity(s *Simulator) *identity {
	return &identity{sim: s, Grants: map[string][]string{}, Tokens: map[string]*token{}}
}

func (i *identity) service() *service {
	return &service{
		kind: "identity", name: "keystone", prefix: "/identity", endpoint: "/v3",
		state: i, seed: i.seed, leftovers: i.leftovers,
		open: map[string]handler{
			"GET /{$}":             i.versions,
			"GET /v3":              i.version,
			"GET /v3/{$}":          i.version,
			"POST /v3/auth/tokens": i.issue,
		},
		routes: map[string]handler{
			"GET /v3/auth/tokens":           i.validate,
			"DELETE /v3/auth/tokens":        i.revoke,
			"GET /v3/auth/catalog":          i.showCatalog,
			"GET /v3/auth/projects":         i.listOwnProjects,
			"GET /v3/projects":              i.listProjects,
			"GET /v3/projects/{id}":         i.showProject,
			"GET /v3/users":                 i.listUsers,
			"GET /v3/users/{user}":          i.showUser,
			"GET /v3/users/{user}/projects": i.listOwnProjects,
			"GET /v3/roles":                 i.listRoles,

			"POST /v3/users/{user}/credentials/OS-EC2":            i.createKey,
			"GET /v3/users/{user}/credentials/OS-EC2":             i.listKeys,
			"GET /v3/users/{user}/credentials/OS-EC2/{access}":    i.showKey,
			"DELETE /v3/users/{user}/credentials/OS-EC2/{access}": i.deleteKey,

			"POST /v3/users/{user}/application_credentials":        i.createApplication,
			"GET /v3/users/{user}/application_credentials":         i.listApplications,
			"GET /v3/users/{user}/application_credentials/{id}":    i.showApplication,
			"DELETE /v3/users/{user}/application_credentials/{id}": i.deleteApplication,
			"GET /v3/users/{user}/access_rules":                    i.listAccessRules,
			"GET /v3/users/{user}/access_rules/{id}":               i.showAccessRule,
			"DELETE /v3/users/{user}/access_rules/{id}":            i.deleteAccessRule,
		},
	}
}

func (i *identity) seed() {
	s := i.sim
	for _, name := range []string{
		"admin", "member", "reader", "service", "load-balancer_member", "load-balancer_observer", "load-balancer_admin",
		"load-balancer_global_observer", "load-balancer_quota_admin", "creator", "observer", "audit",
		"key-manager:service-admin", "heat_stack_owner", "heat_stackuser_id", "ResellerAdmin", "swiftoperator",
	} {
		s.add(&i.Roles, object{"id": newHex(), "name": name, "domain_id": nil, "description": nil, "options": object{}, "_seeded": true})
	}
	for _, name := range []string{"admin", "service", "demo", "demo2"} {
		s.add(&i.Projects, object{
			"id": newHex(), "name": name, "domain_id": "default", "description": "", "enabled": true, "parent_id": "default",
			"is_domain": false, "tags": []any{}, "options": object{}, "_seeded": true,
		})
	}
	member := []string{"member", "reader", "load-balancer_member", "creator", "heat_stack_owner"}
	i.addUser("demo", map[string][]string{"demo": member})
	i.addUser("demo2", map[string][]string{"demo2": member})
	i.addUser("demo-reader", map[string][]string{"demo": {"reader"}})
	i.addUser("admin", map[string][]string{
		"admin": {"admin", "load-balancer_admin", "key-manager:service-admin", "creator", "ResellerAdmin"},
		"demo":  {"admin"},
	})
}

func (i *identity) addUser(name string, grants map[string][]string) {
	user := i.sim.add(&i.Users, object{
		"id": newHex(), "name": name, "domain_id": "default", "enabled": true, "options": object{},
		"password_expires_at": nil, "_password": Password, "_seeded": true,
	})
	for projectName, roles := range grants {
		project, _ := i.Projects.find("name", projectName)
		key := user.str("id") + "/" + project.str("id")
		for _, roleName := range roles {
			role, _ := i.Roles.find("name", roleName)
			i.Grants[key] = append(i.Grants[key], role.str("id"))
		}
	}
}

// projectName is the name of a project for people to read, or its id when it has none.
func (s *Simulator) projectName(id string) string {
	if project, ok := s.identity.Projects.get(id); ok {
		return project.str("name")
	}
	return id
}

// projectID is the id of a seeded project.
func (s *Simulator) projectID(name string) string {
	project, _ := s.identity.Projects.find("name", name)
	return project.str("id")
}

// token is a valid token, or nil.
func (i *identity) token(id string) *token {
	t := i.Tokens[id]
	if t == nil || time.Now().After(t.Expires) {
		return nil
	}
	if _, ok := i.Applications.get(t.Application); t.Application != "" && !ok {
		// Its tokens end with an application credential.
		return nil
	}
	return t
}

func (i *identity) leftovers() []string {
	lines := i.ruleLeftovers()
	for _, a := range i.Applications.all() {
		lines = append(lines, fmt.Sprintf("application credential %q (%s) of project %s", a.str("name"), a.str("id"), i.sim.projectName(a.str("project_id"))))
	}
	for _, k := range i.Keys.all() {
		lines = append(lines, fmt.Sprintf("EC2 credential %s of project %s", k.str("access"), i.sim.projectName(k.str("tenant_id"))))
	}
	return lines
}

func (i *identity) versionDocument() map[string]any {
	return map[string]any{
		"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
		"links":       []any{map[string]any{"rel": "self", "href": i.sim.AuthURL() + "/"}},
		"media-types": []any{map[string]any{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}},
	}
}

func (i *identity) versions(c *call) (int, any, error) {
	c.header.Set("Location", c.AuthURL()+"/")
	return http.StatusMultipleChoices, map[string]any{"versions": map[string]any{"values": []any{i.versionDocument()}}}, nil
}

func (i *identity) version(*call) (int, any, error) {
	return http.StatusOK, map[string]any{"version": i.versionDocument()}, nil
}

// authRequest is the body of POST /v3/auth/tokens.
type authRequest struct {
	Auth *struct {
		Identity struct {
			Methods  []string `json:"methods"`
			Password struct {
				User userReference `json:"user"`
			} `json:"password"`
			Token struct {
				ID string `json:"id"`
			} `json:"token"`
			Application struct {
				ID     string        `json:"id"`
				Name   string        `json:"name"`
				Secret string        `json:"secret"`
				User   userReference `json:"user"`
			} `json:"application_credential"`
		} `json:"identity"`
		Scope json.RawMessage `json:"scope"`
	} `json:"auth"`
}

type reference struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type userReference struct {
	reference
	Password string    `json:"password"`
	Domain   reference `json:"domain"`
}

// isDefault says whether a reference names the only domain.
func (r reference) isDefault() bool {
	return r.ID == "default" || r.Name == "Default"
}

func (i *identity) issue(c *call) (int, any, error) {
	var in authRequest
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	if in.Auth == nil {
		return 0, nil, fail(http.StatusBadRequest, "", "Expecting to find auth in request body."+malformed)
	}
	if in.Auth.Identity.Methods == nil {
		return 0, nil, fail(http.StatusBadRequest, "", "'methods' is a required property")
	}
	if len(in.Auth.Identity.Methods) == 0 {
		return 0, nil, unauthorized()
	}
	t, err := i.identify(&in)
	if err != nil {
		return 0, nil, err
	}
	if err := i.scope(t, in.Auth.Scope); err != nil {
		return 0, nil, err
	}
	t.Methods = in.Auth.Identity.Methods
	t.Issued = time.Now().UTC().Truncate(time.Second)
	if t.Expires.IsZero() {
		t.Expires = t.Issued.Add(lifetime)
	}
	t.Audit = newHex()[:22]
	id := "gAAAA" + newHex() + newHex()
	i.Tokens[id] = t
	c.header.Set("X-Subject-Token", id)
	c.header.Set("Vary", "X-Auth-Token")
	return http.StatusCreated, map[string]any{"token": i.body(t, !c.request.URL.Query().Has("nocatalog"))}, nil
}

// identify finds out who asks.
func (i *identity) identify(in *authRequest) (*token, error) {
	id := in.Auth.Identity
	switch id.Methods[0] {
	case "password":
		if id.Password.User.ID == "" && id.Password.User.Domain == (reference{}) {
			return nil, fail(http.StatusBadRequest, "", "Expecting to find domain in user."+malformed)
		}
		user, ok := i.user(id.Password.User)
		if !ok || id.Password.User.Password != user.str("_password") {
			return nil, unauthorized()
		}
		return &token{User: user.str("id")}, nil
	case "token":
		from := i.token(id.Token.ID)
		if from == nil {
			return nil, fail(http.StatusNotFound, "", "Could not recognize Fernet token")
		}
		if from.Application != "" {
			return nil, forbidden("Using a delegated token to create another token is not allowed..")
		}
		t := *from
		return &t, nil
	case "application_credential":
		credential, ok := i.Applications.get(id.Application.ID)
		if id.Application.ID == "" {
			user, known := i.user(id.Application.User)
			found := i.Applications.where(func(o object) bool {
				return known && sameText(o.str("name"), id.Application.Name) && o.str("user_id") == user.str("id")
			})
			if ok = len(found) == 1; ok {
				credential = found[0]
			}
		}
		if !ok && id.Application.ID != "" {
			return nil, fail(http.StatusNotFound, "", "Could not find Application Credential: %s.", id.Application.ID)
		}
		if !ok || credential.str("_secret") != id.Application.Secret || expired(credential) {
			return nil, unauthorized()
		}
		return &token{
			User: credential.str("user_id"), Project: credential.str("project_id"), Roles: roleIDs(credential.objs("roles")),
			Application: credential.str("id"), Restricted: !credential.flag("unrestricted"), Rules: credential.objs("access_rules"),
		}, nil
	}
	return nil, unauthorized()
}

func (i *identity) user(r userReference) (object, bool) {
	if r.ID != "" {
		return i.Users.get(r.ID)
	}
	if !r.Domain.isDefault() {
		return nil, false
	}
	return i.Users.named(r.Name)
}

// scope gives a token its project and roles.
func (i *identity) scope(t *token, raw json.RawMessage) error {
	if t.Application != "" {
		return nil
	}
	var scope struct {
		Project *struct {
			reference
			Domain reference `json:"domain"`
		} `json:"project"`
		Domain *reference `json:"domain"`
		System any        `json:"system"`
	}
	if len(raw) == 0 || string(raw) == `"unscoped"` {
		return nil
	}
	if err := json.Unmarshal(raw, &scope); err != nil {
		return fail(http.StatusBadRequest, "", "Invalid input for field 'scope'")
	}
	if scope.Project == nil {
		// Nobody has a role on the domain or the system.
		return unauthorized()
	}
	project, ok := i.Projects.get(scope.Project.ID)
	if scope.Project.ID == "" && scope.Project.Domain.isDefault() {
		project, ok = i.Projects.named(scope.Project.Name)
	}
	if !ok {
		return unauthorized()
	}
	roles := i.Grants[t.User+"/"+project.str("id")]
	if len(roles) == 0 {
		return unauthorized()
	}
	t.Project, t.Roles = project.str("id"), slices.Clone(roles)
	return nil
}

// body is a token as it is shown.
func (i *identity) body(t *token, withCatalog bool) object {
	domain := map[string]any{"id": "default", "name": "Default"}
	user := i.Users[t.User]
	body := object{
		"methods":    t.Methods,
		"user":       map[string]any{"id": user.str("id"), "name": user.str("name"), "domain": domain, "password_expires_at": nil},
		"audit_ids":  []string{t.Audit},
		"issued_at":  t.Issued.Format(keystoneTime),
		"expires_at": t.Expires.Format(keystoneTime),
	}
	if t.Project != "" {
		project := i.Projects[t.Project]
		body["project"] = map[string]any{"id": project.str("id"), "name": project.str("name"), "domain": domain}
		body["is_domain"] = false
		body["roles"] = i.roleReferences(t.Roles)
		if withCatalog {
			body["catalog"] = i.sim.catalog(t.Project)
		}
	}
	if t.Application != "" {
		credential := i.Applications[t.Application]
		shown := object{"id": t.Application, "name": credential.str("name"), "restricted": t.Restricted}
		if len(t.Rules) > 0 {
			shown["access_rules"] = t.Rules
		}
		body["application_credential"] = shown
	}
	return body
}

func (i *identity) roleReferences(ids []string) []any {
	roles := []any{}
	for _, id := range ids {
		roles = append(roles, map[string]any{"id": id, "name": i.Roles[id].str("name")})
	}
	return roles
}

func roleIDs(roles []object) []string {
	ids := []string{}
	for _, role := range roles {
		ids = append(ids, role.str("id"))
	}
	return ids
}
