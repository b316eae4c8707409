package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const tokens = "/identity/v3/auth/tokens"

func TestTokenRefusals(t *testing.T) {
	s := start(t, Options{})
	c := &client{t: t, sim: s}
	password := `{"auth":{"identity":{"methods":["password"],"password":{"user":%s}},"scope":%s}}`
	good := `{"name":"demo","password":"oslab","domain":{"id":"default"}}`
	tests := []struct {
		name, body string
		status     int
	}{
		{"wrong password", passwordAuth("demo", "wrong", "demo"), 401},
		{"unknown user", passwordAuth("nobody", Password, "demo"), 401},
		{"foreign project", passwordAuth("demo", Password, "demo2"), 401},
		{"unknown project", passwordAuth("demo", Password, "nope"), 401},
		{"other domain", fmt.Sprintf(password, `{"name":"demo","password":"oslab","domain":{"name":"Other"}}`, `{"project":{"name":"demo","domain":{"id":"default"}}}`), 401},
		{"system scope", fmt.Sprintf(password, good, `{"system":{"all":true}}`), 401},
		{"no domain", fmt.Sprintf(password, `{"name":"demo","password":"oslab"}`, `"unscoped"`), 400},
		{"no method", `{"auth":{"identity":{"methods":[]}}}`, 401},
		{"unknown method", `{"auth":{"identity":{"methods":["magic"]}}}`, 401},
		{"empty", `{}`, 400},
		{"unscoped", fmt.Sprintf(password, good, `"unscoped"`), 201},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := c.send("POST", tokens, test.body)
			if a.status != test.status {
				t.Fatalf("%d: %s", a.status, a.text)
			}
			if a.status > 201 && a.body.obj("error").num("code") != test.status {
				t.Errorf("body: %s", a.text)
			}
		})
	}
}

func TestRequestsWithoutAValidToken(t *testing.T) {
	s := start(t, Options{})
	for _, token := range []string{"", "bogus"} {
		c := &client{t: t, sim: s, token: token}
		a := c.want(http.StatusUnauthorized, "GET", "/network/v2.0/networks", "")
		if !strings.HasPrefix(a.header.Get("Www-Authenticate"), "Keystone uri=") || a.body.obj("error").str("title") != "Unauthorized" {
			t.Errorf("%v %s", a.header, a.text)
		}
	}
}

func TestTokens(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	if c.body.obj("project").str("name") != "demo" || len(c.body.objs("roles")) != 5 || c.body.obj("user").str("name") != "demo" {
		t.Errorf("%v", c.body)
	}
	a, err := c.try("GET", tokens+"?nocatalog", "", map[string]string{"X-Subject-Token": c.token})
	if err != nil || a.status != 200 || a.body.obj("token").given("catalog") {
		t.Errorf("validate: %d %v %s", a.status, err, a.text)
	}
	if a, err = c.try("GET", tokens, "", map[string]string{"X-Subject-Token": "bogus"}); err != nil || a.status != 404 {
		t.Errorf("validate bogus: %d %v", a.status, err)
	}
	again := c.want(http.StatusCreated, "POST", tokens, `{"auth":{"identity":{"methods":["token"],"token":{"id":"`+c.token+`"}},"scope":{"project":{"id":"`+
		c.body.obj("project").str("id")+`"}}}}`)
	token := again.header.Get("X-Subject-Token")
	if token == c.token || token == "" {
		t.Errorf("token from a token: %q", token)
	}
	if a, err = c.try("DELETE", tokens, "", map[string]string{"X-Subject-Token": token}); err != nil || a.status != 204 {
		t.Errorf("revoke: %d %v", a.status, err)
	}
	(&client{t: t, sim: s, token: token}).want(http.StatusUnauthorized, "GET", "/network/v2.0/networks", "")
}

func TestVersionDocuments(t *testing.T) {
	s := start(t, Options{})
	c := &client{t: t, sim: s}
	values := c.want(http.StatusMultipleChoices, "GET", "/identity/", "").body.obj("versions").objs("values")
	if len(values) != 1 || values[0].objs("links")[0].str("href") != s.AuthURL()+"/" {
		t.Errorf("%v", values)
	}
	for _, path := range []string{"/identity/v3", "/identity/v3/"} {
		if got := c.want(http.StatusOK, "GET", path, "").body.obj("version").str("id"); got != "v3.14" {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestIdentityAccess(t *testing.T) {
	s := start(t, Options{})
	demo, admin := as(t, s, "demo", "demo"), as(t, s, "admin", "admin")
	project, user := demo.body.obj("project").str("id"), demo.body.obj("user").str("id")
	for _, test := range []struct {
		path        string
		demo, admin int
	}{
		{"/projects", 403, 200},
		{"/projects/" + project, 200, 200},
		{"/projects/nope", 403, 404},
		{"/users", 403, 200},
		{"/users/" + user, 200, 200},
		{"/users/nope", 403, 404},
		{"/users/" + user + "/projects", 200, 200},
		{"/auth/projects", 200, 200},
		{"/auth/catalog", 200, 200},
		{"/roles", 403, 200},
	} {
		demo.want(test.demo, "GET", "/identity/v3"+test.path, "")
		admin.want(test.admin, "GET", "/identity/v3"+test.path, "")
	}
	own := demo.want(http.StatusOK, "GET", "/identity/v3/auth/projects", "").body.objs("projects")
	if len(own) != 1 || own[0].str("name") != "demo" {
		t.Errorf("own projects: %v", own)
	}
	if named := admin.want(http.StatusOK, "GET", "/identity/v3/projects?name=demo2", "").body.objs("projects"); len(named) != 1 {
		t.Errorf("by name: %v", named)
	}
	if text := admin.want(http.StatusOK, "GET", "/identity/v3/users", "").text; strings.Contains(text, "_password") || strings.Contains(text, Password) {
		t.Errorf("hidden keys are sent: %s", text)
	}
}

func TestEC2Credentials(t *testing.T) {
	s := start(t, Options{})
	c, other := as(t, s, "demo", "demo"), as(t, s, "demo2", "demo2")
	path := "/identity/v3/users/" + c.body.obj("user").str("id") + "/credentials/OS-EC2"
	project := c.body.obj("project").str("id")
	key := c.want(http.StatusCreated, "POST", path, `{"tenant_id":"`+project+`"}`).body.obj("credential")
	if key.str("access") == "" || key.str("secret") == "" || key.str("tenant_id") != project || key.given("id") {
		t.Fatalf("%v", key)
	}
	if got := c.want(http.StatusOK, "GET", path+"/"+key.str("access"), "").body.obj("credential"); got.str("secret") != key.str("secret") {
		t.Errorf("%v", got)
	}
	if got := c.want(http.StatusOK, "GET", path, "").body.objs("credentials"); len(got) != 1 {
		t.Errorf("%v", got)
	}
	other.want(http.StatusForbidden, "GET", path, "")
	other.want(http.StatusForbidden, "DELETE", path+"/"+key.str("access"), "")
	c.want(http.StatusNotFound, "POST", path, `{"tenant_id":"nope"}`)
	c.want(http.StatusNotFound, "POST", path, `{}`)
	if got := s.Leftovers(); len(got) != 1 || !strings.Contains(got[0], key.str("access")) {
		t.Errorf("leftovers: %v", got)
	}
	c.want(http.StatusNoContent, "DELETE", path+"/"+key.str("access"), "")
	c.want(http.StatusNotFound, "DELETE", path+"/"+key.str("access"), "")
	c.want(http.StatusNotFound, "GET", path+"/"+key.str("access"), "")
}

// applicationToken signs in with an application credential.
func applicationToken(t *testing.T, s *Simulator, identity string, status int) *client {
	t.Helper()
	c := &client{t: t, sim: s}
	a := c.want(status, "POST", tokens, `{"auth":{"identity":{"methods":["application_credential"],"application_credential":`+identity+`}}}`)
	c.token, c.body = a.header.Get("X-Subject-Token"), a.body.obj("token")
	return c
}

func TestApplicationCredentials(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	path := "/identity/v3/users/" + c.body.obj("user").str("id") + "/application_credentials"
	create := func(status int, body string) object {
		t.Helper()
		return c.want(status, "POST", path, `{"application_credential":`+body+`}`).body.obj("application_credential")
	}
	first := create(201, `{"name":"first","description":"d"}`)
	if first.str("secret") == "" || len(first.objs("roles")) != 5 || first["unrestricted"] != nil || !first.given("expires_at") {
		t.Fatalf("%v", first)
	}
	create(409, `{"name":"first"}`)
	create(404, `{"name":"x","roles":[{"name":"nope"}]}`)
	create(400, `{"name":"x","roles":[{"name":"admin"}]}`)
	create(400, `{"name":"x","expires_at":"2020-01-01T00:00:00"}`)
	create(400, `{"name":"x","expires_at":"soon"}`)
	create(400, `{}`)
	read := c.want(http.StatusOK, "GET", path+"/"+first.str("id"), "").body.obj("application_credential")
	if read.given("secret") {
		t.Error("the secret can be read")
	}
	if got := c.want(http.StatusOK, "GET", path+"?name=first", "").body.objs("application_credentials"); len(got) != 1 {
		t.Errorf("%v", got)
	}
	c.want(http.StatusNotFound, "GET", path+"/nope", "")

	byID := applicationToken(t, s, `{"id":"`+first.str("id")+`","secret":"`+first.str("secret")+`"}`, 201)
	applicationToken(t, s, `{"name":"first","user":{"name":"demo","domain":{"name":"Default"}},"secret":"`+first.str("secret")+`"}`, 201)
	applicationToken(t, s, `{"id":"`+first.str("id")+`","secret":"wrong"}`, 401)
	applicationToken(t, s, `{"id":"nope","secret":"wrong"}`, 404)
	byID.want(http.StatusOK, "GET", "/network/v2.0/networks", "")
	byID.want(http.StatusForbidden, "POST", path, `{"application_credential":{"name":"chained"}}`)
	byID.want(http.StatusForbidden, "DELETE", path+"/"+first.str("id"), "")
	byID.want(http.StatusForbidden, "POST", strings.Replace(path, "application_credentials", "credentials/OS-EC2", 1), `{"tenant_id":"x"}`)

	free := create(201, `{"name":"free","unrestricted":true,"roles":[{"name":"member"}],"secret":"mine","expires_at":"2999-01-01T00:00:00"}`)
	if free.str("expires_at") != "2999-01-01T00:00:00.000000" || free.str("secret") != "mine" {
		t.Errorf("%v", free)
	}
	unrestricted := applicationToken(t, s, `{"id":"`+free.str("id")+`","secret":"mine"}`, 201)
	if roles := unrestricted.body.objs("roles"); len(roles) != 1 || roles[0].str("name") != "member" {
		t.Errorf("roles: %v", roles)
	}
	unrestricted.want(http.StatusCreated, "POST", path, `{"application_credential":{"name":"chained"}}`)

	c.want(http.StatusNoContent, "DELETE", path+"/"+first.str("id"), "")
	c.want(http.StatusNotFound, "DELETE", path+"/"+first.str("id"), "")
	byID.want(http.StatusUnauthorized, "GET", "/network/v2.0/networks", "")
}

func TestAccessRules(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	path := "/identity/v3/users/" + c.body.obj("user").str("id") + "/application_credentials"
	c.want(http.StatusCreated, "POST", path, `{"application_credential":{"name":"narrow","secret":"s","access_rules":[
		{"service":"network","method":"GET","path":"/v2.0/networks"},{"service":"network","method":"GET","path":"/v2.0/ports/*"},
		{"service":"network","method":"GET","path":"/v2.0/routers/**"}]}}`)
	narrow := applicationToken(t, s, `{"name":"narrow","user":{"id":"`+c.body.obj("user").str("id")+`"},"secret":"s"}`, 201)
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{"GET", "networks?name=x", 200},
		{"POST", "networks", 401},
		{"GET", "networks/nope", 401},
		{"GET", "ports/nope", 404},
		{"GET", "ports", 401},
		{"GET", "routers/a/tags", 404},
		{"GET", "subnets", 401},
	} {
		narrow.want(test.status, test.method, "/network/v2.0/"+test.path, "")
	}
}
