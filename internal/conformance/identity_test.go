package conformance

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// anonymous is the Identity API without a token.
func (s *session) anonymous() *api { return s.auth.with("X-Auth-Token", "") }

func passwordOf(who credentials, change func(user obj)) obj {
	identity := who.identity()
	change(identity["password"].(obj)["user"].(obj))
	return identity
}

func TestToken(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	who := c.clouds[c.user]
	anonymous := s.anonymous()
	request := func(identity, scope any) obj {
		auth := obj{"identity": identity}
		if scope != nil {
			auth["scope"] = scope
		}
		return obj{"auth": auth}
	}

	t.Run("a scoped token says who, where, what and until when", func(t *testing.T) {
		a := anonymous.want(t, http.StatusCreated, "POST", "/auth/tokens", request(who.identity(), who.scope()))
		if a.header.Get("X-Subject-Token") == "" || a.header.Get("Vary") != "X-Auth-Token" {
			t.Errorf("headers %v", a.header)
		}
		is(t, "token", a.at("token"), obj{
			"methods": list{"password"}, "is_domain": false, "audit_ids": aList,
			"expires_at": text("a time with microseconds", `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`),
			"issued_at":  text("a time with microseconds", `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`),
		})
		is(t, "user", a.at("token.user"), obj{"id": aHexID, "name": who.Auth.Username, "domain": obj{"id": "default", "name": "Default"}, "password_expires_at": nil})
		is(t, "project", a.at("token.project"), obj{"id": aHexID, "name": who.Auth.ProjectName, "domain": obj{"id": "default", "name": "Default"}})
		is(t, "role", a.at("token.roles.0"), obj{"id": aHexID, "name": someText})
		is(t, "service", a.at("token.catalog.0"), obj{"id": someText, "type": someText, "name": someText, "endpoints": aList})
		is(t, "endpoint", a.at("token.catalog.0.endpoints.0"), obj{
			"id": someText, "interface": someText, "region": someText, "region_id": someText, "url": containing("http"),
		})
	})
	t.Run("nocatalog leaves the catalog out", func(t *testing.T) {
		a := anonymous.want(t, http.StatusCreated, "POST", "/auth/tokens?nocatalog", request(who.identity(), who.scope()))
		is(t, "token", a.at("token"), obj{"catalog": missing, "project": present})
	})
	t.Run("without a scope a token has no project, roles and catalog", func(t *testing.T) {
		a := anonymous.want(t, http.StatusCreated, "POST", "/auth/tokens", request(who.identity(), "unscoped"))
		is(t, "token", a.at("token"), obj{"project": missing, "roles": missing, "catalog": missing, "is_domain": missing, "user": present})

		unscoped := obj{"methods": list{"token"}, "token": obj{"id": a.header.Get("X-Subject-Token")}}
		b := anonymous.want(t, http.StatusCreated, "POST", "/auth/tokens", request(unscoped, who.scope()))
		is(t, "token from a token", b.at("token"), obj{"project": present, "roles": aList, "expires_at": a.at("token.expires_at")})
	})
	t.Run("a user may be named by id", func(t *testing.T) {
		byID := obj{"methods": list{"password"}, "password": obj{"user": obj{"id": s.userID, "password": who.Auth.Password}}}
		anonymous.want(t, http.StatusCreated, "POST", "/auth/tokens", request(byID, obj{"project": obj{"id": s.projectID}}))
	})

	denied := "The request you have made requires authentication."
	refused := func(name string, identity, scope any, status int, words string) refusal {
		return refusal{name, "POST", "/auth/tokens", request(identity, scope), status, "", words}
	}
	anonymous.refuses(t,
		refused("a wrong password is 401", passwordOf(who, func(u obj) { u["password"] = "wrong" }), who.scope(), 401, denied),
		refused("an unknown user is 401 with the same words", passwordOf(who, func(u obj) { u["name"] = c.name("x") }), who.scope(), 401, denied),
		refused("an unknown domain is 401", passwordOf(who, func(u obj) { u["domain"] = obj{"name": c.name("x")} }), who.scope(), 401, denied),
		refused("an unknown project is 401", who.identity(), obj{"project": obj{"name": c.name("x"), "domain": obj{"id": "default"}}}, 401, denied),
		refused("a bad token as identity is 404", obj{"methods": list{"token"}, "token": obj{"id": "gAAAAABnonsense"}}, who.scope(), 404, "Could not recognize Fernet token"),
		refused("an unknown application credential is 404", obj{"methods": list{"application_credential"}, "application_credential": obj{"id": strings.Repeat("0", 32), "secret": "x"}}, nil, 404, "Could not find Application Credential"),
		refusal{"a body without auth is 400", "POST", "/auth/tokens", obj{}, 400, "", "Expecting to find auth in request body."},
		refused("an empty list of methods is 401", obj{"methods": list{}}, nil, 401, denied),
		refused("no list of methods is 400", obj{}, nil, 400, "'methods' is a required property"),
	)
	t.Run("a token can be looked at by its owner", func(t *testing.T) {
		a := s.auth.with("X-Subject-Token", s.token).get(t, "/auth/tokens")
		is(t, "token", a.at("token"), obj{"user": present, "project": present, "catalog": aList})
	})
	s.auth.with("X-Subject-Token", "gAAAAABnonsense").refuses(t,
		refusal{"looking at a bad token is 404", "GET", "/auth/tokens", nil, 404, "", "Could not recognize Fernet token"})
	t.Run("a revoked token is 401 everywhere", func(t *testing.T) {
		other := c.login(t)
		other.auth.with("X-Subject-Token", other.token).want(t, http.StatusNoContent, "DELETE", "/auth/tokens", nil)
		other.auth.want(t, http.StatusUnauthorized, "GET", "/auth/projects", nil)
	})
}

// A service that is asked with a bad token says 401, and where tokens come from.
func TestBadToken(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	for kind, probe := range map[string]struct {
		api  *api
		path string
	}{
		"identity":       {s.auth, "/auth/projects"},
		"network":        {s.network(t), "/networks"},
		"compute":        {s.compute(t), "/servers"},
		"image":          {s.image(t), "/images"},
		"block-storage":  {s.volume(t), "/volumes"},
		"load-balancer":  {s.loadBalancer(t), "/loadbalancers"},
		"object-storage": {s.objectStore(t), ""},
	} {
		for name, token := range map[string]string{"bad": "nonsense", "no": ""} {
			t.Run(kind+" answers 401 to "+name+" token", func(t *testing.T) {
				a := probe.api.with("X-Auth-Token", token).want(t, http.StatusUnauthorized, "GET", probe.path, nil)
				switch kind {
				case "image", "object-storage":
					_, message := a.fault(t)
					same(t, "message", message, containing("This server could not verify that you are authorized to access the document you requested."))
				default:
					is(t, "fault", a.at("error"), obj{"code": 401, "title": "Unauthorized", "message": containing("The request you have made requires authentication.")})
				}
				same(t, "challenge", strings.Join(a.header.Values("Www-Authenticate"), ", "), containing(`Keystone uri="`))
			})
		}
	}
}

func TestIdentityDiscovery(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	t.Run("v3 describes itself to everybody", func(t *testing.T) {
		a := s.anonymous().get(t, "")
		is(t, "version", a.at("version"), obj{"status": "stable", "id": containing("v3."), "links": aList, "media-types": aList})
	})
	t.Run("the root is 300 with v3 among its versions", func(t *testing.T) {
		a := s.anonymous().want(t, http.StatusMultipleChoices, "GET", strings.TrimSuffix(s.auth.base, "v3"), nil)
		is(t, "version", a.at("versions.values.0"), obj{"id": containing("v3."), "links": aList})
	})
	t.Run("a user sees the own projects, user and catalog", func(t *testing.T) {
		found := false
		for _, p := range s.auth.get(t, "/auth/projects").list(t, "projects") {
			found = found || dig(p, "id") == s.projectID
		}
		same(t, "own project is listed", found, true)
		is(t, "project", s.auth.get(t, "/projects/"+s.projectID).at("project"), obj{
			"id": s.projectID, "domain_id": "default", "enabled": true, "is_domain": false, "parent_id": "default", "tags": list{}, "options": obj{},
		})
		is(t, "user", s.auth.get(t, "/users/"+s.userID).at("user"), obj{"id": s.userID, "domain_id": "default", "enabled": true})
		same(t, "catalog", s.auth.get(t, "/auth/catalog").at("catalog"), aList)
	})
	if c.user == "demo" {
		s.auth.refuses(t,
			refusal{"a member may not list projects", "GET", "/projects", nil, 403, "", "You are not authorized to perform the requested action: identity:list_projects."},
			refusal{"a member may not list roles", "GET", "/roles", nil, 403, "", "You are not authorized to perform the requested action: identity:list_roles."},
		)
	}
}

func TestEC2Credential(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	path := "/users/" + s.userID + "/credentials/OS-EC2"
	a := s.auth.want(t, http.StatusCreated, "POST", path, obj{"tenant_id": s.projectID})
	access := a.str(t, "credential.access")
	s.auth.deleteAfter(t, path+"/"+access)

	whole := obj{
		"access": aHexID, "secret": aHexID, "tenant_id": s.projectID, "user_id": s.userID, "trust_id": nil, "links": present,
	}
	t.Run("create answers access and secret", func(t *testing.T) { is(t, "credential", a.at("credential"), whole) })
	t.Run("the secret can be read again", func(t *testing.T) {
		b := s.auth.get(t, path+"/"+access)
		whole["secret"] = a.at("credential.secret")
		is(t, "credential", b.at("credential"), whole)
	})
	t.Run("a list has it", func(t *testing.T) {
		found := false
		for _, got := range s.auth.get(t, path).column(t, "credentials", "access") {
			found = found || got == access
		}
		same(t, "listed", found, true)
	})
	s.auth.refuses(t,
		refusal{"an unknown one is 404", "GET", path + "/" + strings.Repeat("0", 32), nil, 404, "", "Could not find credential: "},
		refusal{"a foreign user's are 403", "GET", "/users/" + strings.Repeat("0", 32) + "/credentials/OS-EC2", nil, 403, "", "You are not authorized to perform the requested action"},
		refusal{"an unknown project is 404", "POST", path, obj{"tenant_id": strings.Repeat("0", 32)}, 404, "", "Could not find project: "},
	)
	t.Run("deleting is 204 once, then 404", func(t *testing.T) {
		s.auth.want(t, http.StatusNoContent, "DELETE", path+"/"+access, nil)
		s.auth.refuses(t,
			refusal{"get", "GET", path + "/" + access, nil, 404, "", "Could not find credential: "},
			refusal{"delete", "DELETE", path + "/" + access, nil, 404, "", "Could not find credential: "})
	})
}

func TestApplicationCredential(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	path := "/users/" + s.userID + "/application_credentials"
	create := func(t *testing.T, in obj) obj {
		t.Helper()
		a := s.auth.want(t, http.StatusCreated, "POST", path, obj{"application_credential": in})
		s.auth.deleteAfter(t, path+"/"+a.str(t, "application_credential.id"))
		return a.at("application_credential").(obj)
	}
	// login opens a session with an application credential.
	login := func(t *testing.T, credential obj) *session {
		t.Helper()
		a := s.anonymous().want(t, http.StatusCreated, "POST", "/auth/tokens", obj{"auth": obj{"identity": obj{
			"methods": list{"application_credential"}, "application_credential": credential,
		}}})
		same(t, "methods", a.at("token.methods"), list{"application_credential"})
		same(t, "project", a.at("token.project.id"), s.projectID)
		other := *s
		other.token = a.header.Get("X-Subject-Token")
		auth := *s.auth
		auth.session = &other
		other.auth = &auth
		return &other
	}
	made := create(t, obj{"name": c.name("plain"), "description": "for tests", "roles": list{obj{"name": "member"}}})
	id, secret := made["id"].(string), made["secret"].(string)

	t.Run("create answers the secret, once", func(t *testing.T) {
		whole := obj{
			"id": aHexID, "secret": someText, "name": c.name("plain"), "description": "for tests", "project_id": s.projectID,
			"unrestricted": notTrue, "expires_at": nil, "roles": aList, "system": nil, "links": present,
		}
		is(t, "application credential", made, whole)
		same(t, "role", dig(made, "roles", "0", "name"), "member")
		whole["secret"] = missing
		is(t, "read again", s.auth.get(t, path+"/"+id).at("application_credential"), whole)
	})
	t.Run("a name filter finds it", func(t *testing.T) {
		same(t, "ids", s.auth.get(t, path+"?name="+c.name("plain")).column(t, "application_credentials", "id"), []string{id})
		same(t, "ids of another name", s.auth.get(t, path+"?name="+c.name("other")).column(t, "application_credentials", "id"), []string{})
	})
	t.Run("without roles it has all of the token's", func(t *testing.T) {
		all := create(t, obj{"name": c.name("all")})
		if roles := all["roles"].(list); len(roles) < 2 {
			t.Errorf("roles are %v", roles)
		}
		same(t, "description", all["description"], nil)
	})
	t.Run("it authenticates by id and by name", func(t *testing.T) {
		login(t, obj{"id": id, "secret": secret})
		login(t, obj{"name": c.name("plain"), "secret": secret, "user": obj{"id": s.userID}})
	})
	t.Run("expires_at loses its zone", func(t *testing.T) {
		end := time.Now().UTC().Add(time.Hour).Format("2006-01-02T15:04:05")
		limited := create(t, obj{"name": c.name("limited"), "expires_at": end + "Z"})
		same(t, "expires_at", limited["expires_at"], end+".000000")
	})
	t.Run("access rules allow what they name and nothing else", func(t *testing.T) {
		ruled := create(t, obj{"name": c.name("ruled"), "access_rules": list{obj{"path": "/v2.1/servers", "method": "GET", "service": "compute"}}})
		is(t, "access rule", dig(ruled, "access_rules", "0"), obj{"id": aHexID, "path": "/v2.1/servers", "method": "GET", "service": "compute"})
		only := login(t, obj{"id": ruled["id"], "secret": ruled["secret"]})
		only.compute(t).get(t, "/servers")
		only.compute(t).want(t, http.StatusUnauthorized, "GET", "/flavors", nil)
		only.network(t).want(t, http.StatusUnauthorized, "GET", "/networks", nil)
	})
	t.Run("credentials share equal access rules, which stay when they go", func(t *testing.T) {
		rule := obj{"path": "/v2.1/" + c.name("shared"), "method": "GET", "service": "compute"}
		rules := "/users/" + s.userID + "/access_rules"
		one, two := create(t, obj{"name": c.name("one"), "access_rules": list{rule}}), create(t, obj{"name": c.name("two"), "access_rules": list{rule}})
		shared, _ := dig(one, "access_rules", "0", "id").(string)
		same(t, "rule of the second", dig(two, "access_rules", "0", "id"), shared)
		s.auth.deleteAfter(t, rules+"/"+shared)
		s.auth.want(t, http.StatusNoContent, "DELETE", path+"/"+one["id"].(string), nil)
		s.auth.refuses(t, refusal{"a rule in use stays", "DELETE", rules + "/" + shared, nil, 403, "", "May not delete access rule in use"})
		t.Run("a token with rules cannot be revoked", func(t *testing.T) {
			other := login(t, obj{"id": two["id"], "secret": two["secret"]})
			s.auth.with("X-Subject-Token", other.token).want(t, http.StatusNotFound, "DELETE", "/auth/tokens", nil)
		})
		s.auth.want(t, http.StatusNoContent, "DELETE", path+"/"+two["id"].(string), nil)
		found := false
		for _, id := range s.auth.get(t, rules).column(t, "access_rules", "id") {
			found = found || id == shared
		}
		same(t, "it is still there", found, true)
		s.auth.want(t, http.StatusNoContent, "DELETE", rules+"/"+shared, nil)
		s.auth.want(t, http.StatusNotFound, "DELETE", rules+"/"+shared, nil)
		s.auth.refuses(t,
			refusal{"the same rule twice is 409", "POST", path, obj{"application_credential": obj{"name": c.name("x"), "access_rules": list{rule, rule}}}, 409, "", "Duplicate entry found with name " + c.name("x")},
			refusal{"an unknown method is 400", "POST", path, obj{"application_credential": obj{"name": c.name("x"), "access_rules": list{obj{"path": "/a", "method": "FETCH", "service": "compute"}}}}, 400, "", "'FETCH' does not match"},
			refusal{"a path without a slash is 400", "POST", path, obj{"application_credential": obj{"name": c.name("x"), "access_rules": list{obj{"path": "a", "method": "GET", "service": "compute"}}}}, 400, "", "'a' does not match"})
	})
	t.Run("it may not make EC2 credentials, nor a token from its token", func(t *testing.T) {
		free := create(t, obj{"name": c.name("freer"), "unrestricted": true})
		other := login(t, obj{"id": free["id"], "secret": free["secret"]})
		other.auth.refuses(t,
			refusal{"EC2", "POST", "/users/" + s.userID + "/credentials/OS-EC2", obj{"tenant_id": s.projectID}, 403, "", "Delegated tokens cannot access credentials directly."},
			refusal{"token", "POST", "/auth/tokens", obj{"auth": obj{"identity": obj{"methods": list{"token"}, "token": obj{"id": other.token}}, "scope": obj{"project": obj{"id": s.projectID}}}}, 403, "",
				"Using a delegated token to create another token is not allowed"})
	})
	t.Run("an unrestricted one may make another", func(t *testing.T) {
		free := create(t, obj{"name": c.name("free"), "unrestricted": true})
		a := login(t, obj{"id": free["id"], "secret": free["secret"]}).auth.want(t, http.StatusCreated, "POST", path, obj{"application_credential": obj{"name": c.name("child")}})
		s.auth.deleteAfter(t, path+"/"+a.str(t, "application_credential.id"))
	})
	login(t, obj{"id": id, "secret": secret}).auth.refuses(t,
		refusal{"a restricted one may not make another", "POST", path, obj{"application_credential": obj{"name": c.name("x")}}, 403, "", "Using method 'application_credential' is not allowed for managing additional application credentials"})
	s.anonymous().refuses(t,
		refusal{"a wrong secret is 401", "POST", "/auth/tokens", obj{"auth": obj{"identity": obj{
			"methods": list{"application_credential"}, "application_credential": obj{"id": id, "secret": "wrong"},
		}}}, 401, "", "The request you have made requires authentication."})
	s.auth.refuses(t,
		refusal{"a second of the same name is 409", "POST", path, obj{"application_credential": obj{"name": c.name("plain")}}, 409, "", "Duplicate entry found with name " + c.name("plain")},
		refusal{"a role that the user does not have is 400", "POST", path, obj{"application_credential": obj{"name": c.name("x"), "roles": list{obj{"name": "admin"}}}}, 400, "", "role"},
		refusal{"an unknown role is 404", "POST", path, obj{"application_credential": obj{"name": c.name("x"), "roles": list{obj{"name": c.name("role")}}}}, 404, "", "Role " + c.name("role") + " is not defined"},
		refusal{"an expiry in the past is 400", "POST", path, obj{"application_credential": obj{"name": c.name("x"), "expires_at": "2020-01-01T00:00:00Z"}}, 400, "", "The 'expires_at' must not be before now."},
		refusal{"no name is 400", "POST", path, obj{"application_credential": obj{}}, 400, "", "'name' is a required property"},
		refusal{"an unknown one is 404", "GET", path + "/" + strings.Repeat("0", 32), nil, 404, "", "Could not find Application Credential: "},
	)
	t.Run("it cannot be changed", func(t *testing.T) {
		s.auth.want(t, http.StatusMethodNotAllowed, "PATCH", path+"/"+id, obj{"application_credential": obj{"name": "y"}})
	})
	t.Run("a deleted one authenticates no more", func(t *testing.T) {
		short := create(t, obj{"name": c.name("short")})
		s.auth.want(t, http.StatusNoContent, "DELETE", path+"/"+short["id"].(string), nil)
		s.auth.want(t, http.StatusNotFound, "DELETE", path+"/"+short["id"].(string), nil)
		s.anonymous().want(t, http.StatusNotFound, "POST", "/auth/tokens", obj{"auth": obj{"identity": obj{
			"methods": list{"application_credential"}, "application_credential": obj{"id": short["id"], "secret": short["secret"]},
		}}})
	})
}
