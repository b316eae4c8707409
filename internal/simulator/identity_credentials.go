package simulator

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

func forbidden(action string) *fault {
	return fail(http.StatusForbidden, "", "You are not authorized to perform the requested action: %s", action)
}

// validate shows the token of X-Subject-Token.
func (i *identity) validate(c *call) (int, any, error) {
	id := c.request.Header.Get("X-Subject-Token")
	t := i.token(id)
	if t == nil {
		return 0, nil, fail(http.StatusNotFound, "", "Could not recognize Fernet token")
	}
	if t.User != c.token.User && !c.admin() {
		return 0, nil, forbidden("identity:validate_token.")
	}
	c.header.Set("X-Subject-Token", id)
	return http.StatusOK, map[string]any{"token": i.body(t, !c.request.URL.Query().Has("nocatalog"))}, nil
}

func (i *identity) revoke(c *call) (int, any, error) {
	id := c.request.Header.Get("X-Subject-Token")
	if t := i.token(id); t == nil || t.User != c.token.User && !c.admin() {
		return 0, nil, fail(http.StatusNotFound, "", "Could not recognize Fernet token")
	}
	if len(i.Tokens[id].Rules) > 0 { // seen in release 22, whatever headers are sent
		return 0, nil, fail(http.StatusNotFound, "", "Failed to validate token")
	}
	delete(i.Tokens, id)
	return http.StatusNoContent, nil, nil
}

func (i *identity) showCatalog(c *call) (int, any, error) {
	return http.StatusOK, map[string]any{"catalog": c.catalog(c.project()), "links": i.links(c, "/v3/auth/catalog")}, nil
}

// links are the links of a list.
func (i *identity) links(c *call, path string) map[string]any {
	return map[string]any{"next": nil, "previous": nil, "self": c.url(path)}
}

// linked is an object with the link to itself.
func linked(c *call, o object, path string) object {
	out := object{"links": map[string]any{"self": c.url(path)}}
	for key, value := range o {
		out[key] = value
	}
	return out
}

// list answers a collection at the path of the request.
func (i *identity) list(c *call, name string, objects []object, path func(object) string) (int, any, error) {
	list := []object{}
	for _, o := range objects {
		if wanted := c.query("name"); wanted == "" || sameText(o.str("name"), wanted) {
			list = append(list, linked(c, o, path(o)))
		}
	}
	return http.StatusOK, map[string]any{name: list, "links": i.links(c, strings.TrimPrefix(c.request.URL.Path, c.service.prefix))}, nil
}

func projectPath(o object) string { return "/v3/projects/" + o.str("id") }

func (i *identity) listProjects(c *call) (int, any, error) {
	if !c.admin() {
		return 0, nil, forbidden("identity:list_projects.")
	}
	return i.list(c, "projects", i.Projects.all(), projectPath)
}

// listOwnProjects are the projects on which the user has a role.
func (i *identity) listOwnProjects(c *call) (int, any, error) {
	user := c.token.User
	if asked := c.path("user"); asked != "" && asked != user {
		if !c.admin() {
			return 0, nil, forbidden("identity:list_user_projects.")
		}
		user = asked
	}
	own := i.Projects.where(func(p object) bool { return len(i.Grants[user+"/"+p.str("id")]) > 0 })
	return i.list(c, "projects", own, projectPath)
}

func (i *identity) showProject(c *call) (int, any, error) {
	project, ok := i.Projects.get(c.path("id"))
	if !c.admin() && c.path("id") != c.project() {
		return 0, nil, forbidden("identity:get_project.")
	}
	if !ok {
		return 0, nil, fail(http.StatusNotFound, "", "Could not find project: %s.", c.path("id"))
	}
	return http.StatusOK, map[string]any{"project": linked(c, project, projectPath(project))}, nil
}

func (i *identity) listUsers(c *call) (int, any, error) {
	if !c.admin() {
		return 0, nil, forbidden("identity:list_users.")
	}
	return i.list(c, "users", i.Users.all(), func(o object) string { return "/v3/users/" + o.str("id") })
}

func (i *identity) showUser(c *call) (int, any, error) {
	user, ok := i.Users.get(c.path("user"))
	if !c.admin() && c.path("user") != c.token.User {
		return 0, nil, forbidden("identity:get_user.")
	}
	if !ok {
		return 0, nil, fail(http.StatusNotFound, "", "Could not find user: %s.", c.path("user"))
	}
	return http.StatusOK, map[string]any{"user": linked(c, user, "/v3/users/"+user.str("id"))}, nil
}

func (i *identity) listRoles(c *call) (int, any, error) {
	if !c.admin() {
		return 0, nil, forbidden("identity:list_roles.")
	}
	return i.list(c, "roles", i.Roles.all(), func(o object) string { return "/v3/roles/" + o.str("id") })
}

// ownUser refuses what only the user of the path may do.
func (i *identity) ownUser(c *call, action string) error {
	if c.path("user") != c.token.User && !c.admin() {
		return forbidden("identity:" + action + ".")
	}
	return nil
}

func (i *identity) keyPath(o object) string {
	return "/v3/users/" + o.str("user_id") + "/credentials/OS-EC2/" + o.str("access")
}

// keyAccess refuses EC2 credentials to others and to application credentials.
func (i *identity) keyAccess(c *call, action string) error {
	if c.token.Application != "" {
		return forbidden("Delegated tokens cannot access credentials directly.")
	}
	return i.ownUser(c, action)
}

func (i *identity) createKey(c *call) (int, any, error) {
	if err := i.keyAccess(c, "ec2_create_credential"); err != nil {
		return 0, nil, err
	}
	var in struct {
		Project *string `json:"tenant_id"`
	}
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	project := "None"
	if in.Project != nil {
		project = *in.Project
	}
	if _, ok := i.Projects.get(project); !ok {
		return 0, nil, fail(http.StatusNotFound, "", "Could not find project: %s.", project)
	}
	if len(i.Grants[c.path("user")+"/"+project]) == 0 {
		return 0, nil, unauthorized()
	}
	access := newHex()
	key := i.sim.add(&i.Keys, object{
		"id": access, "access": access, "secret": newHex(), "user_id": c.path("user"), "tenant_id": project, "trust_id": nil,
	})
	return http.StatusCreated, map[string]any{"credential": i.keyBody(c, key)}, nil
}

func (i *identity) keyBody(c *call, key object) object {
	body := linked(c, key, i.keyPath(key))
	delete(body, "id")
	return body
}

func (i *identity) listKeys(c *call) (int, any, error) {
	if err := i.keyAccess(c, "ec2_list_credentials"); err != nil {
		return 0, nil, err
	}
	keys := []object{}
	for _, key := range i.Keys.where(func(o object) bool { return o.str("user_id") == c.path("user") }) {
		keys = append(keys, i.keyBody(c, key))
	}
	return http.StatusOK, map[string]any{
		"credentials": keys, "links": i.links(c, "/v3/users/"+c.path("user")+"/credentials/OS-EC2"),
	}, nil
}

func (i *identity) key(c *call, action string) (object, error) {
	if err := i.keyAccess(c, action); err != nil {
		return nil, err
	}
	key, ok := i.Keys.get(c.path("access"))
	if !ok || key.str("user_id") != c.path("user") {
		return nil, fail(http.StatusNotFound, "", "Could not find credential: %s.", stableID(c.path("access")))
	}
	return key, nil
}

func (i *identity) showKey(c *call) (int, any, error) {
	key, err := i.key(c, "ec2_get_credential")
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{"credential": i.keyBody(c, key)}, nil
}

func (i *identity) deleteKey(c *call) (int, any, error) {
	key, err := i.key(c, "ec2_delete_credential")
	if err != nil {
		return 0, nil, err
	}
	delete(i.Keys, key.str("access"))
	return http.StatusNoContent, nil, nil
}

// noChain refuses application credentials to tokens of restricted ones.
func (i *identity) noChain(c *call, action string) error {
	if c.token.Application != "" && c.token.Restricted {
		return forbidden("Using method 'application_credential' is not allowed for managing additional application credentials..")
	}
	return i.ownUser(c, action)
}

func applicationPath(o object) string { return "/v3/application_credentials/" + o.str("id") }

func (i *identity) createApplication(c *call) (int, any, error) {
	if err := i.noChain(c, "create_application_credential"); err != nil {
		return 0, nil, err
	}
	var body object
	if err := c.decode(&body); err != nil {
		return 0, nil, err
	}
	in := body.obj("application_credential")
	if in.str("name") == "" {
		return 0, nil, fail(http.StatusBadRequest, "", "'name' is a required property")
	}
	roles, err := i.applicationRoles(c, in)
	if err != nil {
		return 0, nil, err
	}
	expires, err := applicationExpiry(in)
	if err != nil {
		return 0, nil, err
	}
	for _, other := range i.Applications.all() {
		if other.str("user_id") == c.token.User && sameText(other.str("name"), in.str("name")) {
			return 0, nil, fail(http.StatusConflict, "", "Conflict occurred attempting to store application_credential - Duplicate entry found with name %s.", in.str("name"))
		}
	}
	secret := in.str("secret")
	if secret == "" {
		secret = newHex() + newHex()
	}
	credential := object{
		"id": newHex(), "name": in.str("name"), "description": in["description"], "user_id": c.token.User, "project_id": c.project(),
		"system": nil, "expires_at": expires, "unrestricted": in["unrestricted"], "roles": roles, "_secret": secret,
	}
	rules, err := i.accessRules(c, in.str("name"), in.objs("access_rules"))
	if err != nil {
		return 0, nil, err
	}
	if len(rules) > 0 {
		credential["access_rules"] = rules
	}
	i.sim.add(&i.Applications, credential)
	view := linked(c, credential, applicationPath(credential))
	view["secret"] = secret
	return http.StatusCreated, map[string]any{"application_credential": view}, nil
}

// applicationRoles are the roles that are asked for, all of the token's when none is.
func (i *identity) applicationRoles(c *call, in object) ([]object, error) {
	ids := c.token.Roles
	if len(in.objs("roles")) > 0 {
		ids = nil
		for _, wanted := range in.objs("roles") {
			id := wanted.str("id")
			if id == "" {
				role, ok := i.Roles.find("name", wanted.str("name"))
				if !ok {
					return nil, fail(http.StatusNotFound, "", "Role %s is not defined", wanted.str("name"))
				}
				id = role.str("id")
			}
			ids = append(ids, id)
		}
	}
	roles := []object{}
	for _, id := range ids {
		if !slices.Contains(c.token.Roles, id) {
			return nil, fail(http.StatusBadRequest, "", "Invalid application credential: Cannot create an application credential with unassigned role")
		}
		role := i.Roles[id]
		roles = append(roles, object{
			"id": id, "name": role.str("name"), "domain_id": nil, "description": nil, "options": role["options"],
		})
	}
	return roles, nil
}

// applicationTime is how keystone writes the expiry of an application credential: without a zone.
const applicationTime = "2006-01-02T15:04:05.000000"

func applicationExpiry(in object) (any, error) {
	if !in.has("expires_at") {
		return nil, nil
	}
	at, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(in.str("expires_at"), "Z"))
	if err != nil {
		return nil, fail(http.StatusBadRequest, "", "Timestamp not in expected format."+malformed)
	}
	if at.Before(time.Now()) {
		return nil, fail(http.StatusBadRequest, "", "The 'expires_at' must not be before now."+malformed)
	}
	return at.Format(applicationTime), nil
}

// expired says whether an application credential is past its time.
func expired(credential object) bool {
	at, err := time.Parse(applicationTime, credential.str("expires_at"))
	return err == nil && time.Now().After(at)
}

func (i *identity) listApplications(c *call) (int, any, error) {
	if err := i.ownUser(c, "list_application_credentials"); err != nil {
		return 0, nil, err
	}
	own := i.Applications.where(func(o object) bool { return o.str("user_id") == c.path("user") })
	return i.list(c, "application_credentials", own, applicationPath)
}

func (i *identity) application(c *call) (object, error) {
	credential, ok := i.Applications.get(c.path("id"))
	if !ok || credential.str("user_id") != c.path("user") {
		return nil, fail(http.StatusNotFound, "", "Could not find Application Credential: %s.", c.path("id"))
	}
	return credential, nil
}

func (i *identity) showApplication(c *call) (int, any, error) {
	if err := i.ownUser(c, "get_application_credential"); err != nil {
		return 0, nil, err
	}
	credential, err := i.application(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{"application_credential": linked(c, credential, applicationPath(credential))}, nil
}

func (i *identity) deleteApplication(c *call) (int, any, error) {
	if err := i.noChain(c, "delete_application_credential"); err != nil {
		return 0, nil, err
	}
	credential, err := i.application(c)
	if err != nil {
		return 0, nil, err
	}
	delete(i.Applications, credential.str("id"))
	return http.StatusNoContent, nil, nil
}
