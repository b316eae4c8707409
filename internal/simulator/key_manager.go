package simulator

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// keyManager is the state of the Key Manager API.
type keyManager struct {
	sim *Simulator

	Secrets    table // "_payload" in base64, "_read_users", "_project_access", "_acl_created", "_metadata", "_consumers"
	Containers table
}

func newKeyManager(s *Simulator) *keyManager { return &keyManager{sim: s} }

// maxSecret is how many bytes a payload may have.
const maxSecret = 20000

// keyManagerTime is how Barbican writes a time, in UTC.
const keyManagerTime = "2006-01-02T15:04:05"

func keyManagerNow() string { return time.Now().UTC().Format(keyManagerTime) }

func (k *keyManager) service() *service {
	const secret = "/v1/secrets/{id}"
	return &service{
		kind: "key-manager", name: "barbican", prefix: "/key-manager",
		state: k, render: keyManagerFault, leftovers: k.leftovers,
		open: map[string]handler{
			"GET /{$}":    k.versions(http.StatusMultipleChoices),
			"GET /v1":     k.versions(http.StatusOK),
			"GET /v1/{$}": k.versions(http.StatusOK),
		},
		routes: map[string]handler{
			"GET /v1/secrets":                      k.listSecrets,
			"POST /v1/secrets":                     k.createSecret,
			"GET " + secret:                        k.getSecret,
			"PUT " + secret:                        k.putPayload,
			"DELETE " + secret:                     k.deleteSecret,
			"GET " + secret + "/payload":           k.getPayload,
			"GET " + secret + "/acl":               k.getACL,
			"PUT " + secret + "/acl":               k.putACL,
			"PATCH " + secret + "/acl":             k.patchACL,
			"DELETE " + secret + "/acl":            k.deleteACL,
			"GET " + secret + "/metadata":          k.getMetadata,
			"PUT " + secret + "/metadata":          k.putMetadata,
			"POST " + secret + "/metadata":         k.addMetadatum,
			"GET " + secret + "/metadata/{key}":    k.getMetadatum,
			"PUT " + secret + "/metadata/{key}":    k.putMetadatum,
			"DELETE " + secret + "/metadata/{key}": k.deleteMetadatum,
			"GET " + secret + "/consumers":         k.listConsumers,
			"POST " + secret + "/consumers":        k.addConsumer,
			"GET /v1/containers":                   k.listContainers,
			"POST /v1/containers":                  k.createContainer,
			"GET /v1/containers/{container}":       k.getContainer,
			"DELETE /v1/containers/{container}":    k.deleteContainer,
		},
	}
}

func keyManagerFault(_ *call, f *fault) any {
	message := f.message
	if f.kind != "" { // no route of the service matched
		message = ""
	}
	return object{"code": f.status, "title": http.StatusText(f.status), "description": message}
}

// leftovers leaves out what has expired: nobody can see it any more.
func (k *keyManager) leftovers() []string {
	live := table{}
	for id, secret := range k.Secrets {
		if !expiredSecret(secret) {
			live[id] = secret
		}
	}
	return append(k.sim.left(live, "secret"), k.sim.left(k.Containers, "secret container")...)
}

func (k *keyManager) versions(status int) handler {
	return func(c *call) (int, any, error) {
		version := object{
			"id": "v1", "status": "stable", "links": []any{object{"rel": "self", "href": c.url("/v1/")}},
			"media-types": []any{object{"base": "application/json", "type": "application/vnd.openstack.key-manager-v1+json"}},
		}
		if status == http.StatusOK {
			return status, object{"version": version}, nil
		}
		return status, object{"versions": object{"values": []any{version}}}, nil
	}
}

// notAllowed is how Barbican's policy refuses.
func notAllowed(what string) error {
	return fail(http.StatusForbidden, "", "%s attempt not allowed - please review your user/project privileges", what)
}

// member says whether the token may use the project's secrets at all.
func (k *keyManager) member(c *call) bool { return c.hasRole("creator", "admin") }

func expiredSecret(secret object) bool {
	expiration := secret.str("expiration")
	return expiration != "" && expiration <= keyManagerNow()
}

var uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// secret finds a secret whatever its project: that the caller may see it is the next question.
func (k *keyManager) secret(c *call) (object, error) {
	id := c.path("id")
	if !uuid4.MatchString(id) {
		return nil, fail(http.StatusNotFound, "", "Not Found. Provided secret id is invalid.")
	}
	secret, ok := k.Secrets.get(id)
	if !ok || expiredSecret(secret) {
		return nil, fail(http.StatusNotFound, "", "Secret not found.")
	}
	return secret, nil
}

// readable finds a secret that the caller may read: by project, as its creator, or by the access list.
func (k *keyManager) readable(c *call, what string) (object, error) {
	secret, err := k.secret(c)
	if err != nil {
		return nil, err
	}
	creator := secret.str("creator_id") == c.token.User
	own := secret.str("project_id") == c.project() && k.member(c) && (secret["_project_access"] != false || creator)
	if !own && !slices.Contains(secret.strs("_read_users"), c.token.User) {
		return nil, notAllowed(what)
	}
	return secret, nil
}

// owned finds a secret that the caller may change.
func (k *keyManager) owned(c *call, what string) (object, error) {
	secret, err := k.secret(c)
	if err != nil {
		return nil, err
	}
	if secret.str("project_id") != c.project() || !k.member(c) {
		return nil, notAllowed(what)
	}
	return secret, nil
}

func (k *keyManager) view(c *call, secret object) object {
	out := object{}
	for key, value := range secret {
		if key != "id" && key != "project_id" {
			out[key] = value
		}
	}
	if secret.given("_payload") {
		out["content_types"] = object{"default": secret.str("_type")}
	}
	out["secret_ref"] = c.url("/v1/secrets/" + secret.str("id"))
	return out
}

func (k *keyManager) listSecrets(c *call) (int, any, error) {
	if !k.member(c) {
		return 0, nil, notAllowed("Secret(s) retrieval")
	}
	found := k.Secrets.where(func(o object) bool {
		if o.str("project_id") != c.project() || expiredSecret(o) {
			return false
		}
		for query, key := range map[string]string{"name": "name", "secret_type": "secret_type", "alg": "algorithm", "mode": "mode"} {
			if want := c.query(query); want != "" && o.str(key) != want {
				return false
			}
		}
		return true
	})
	if c.query("sort") == "created:desc" {
		slices.Reverse(found)
	}
	views := []object{}
	page, body := c.offsetPage(found)
	for _, secret := range page {
		views = append(views, k.view(c, secret))
	}
	body["secrets"] = views
	return http.StatusOK, body, nil
}

// offsetPage cuts a list by limit (10 when not given, 100 at most) and offset, and returns the links of the answer. As the
// real one's, they forget the filters.
func (c *call) offsetPage(all []object) ([]object, object) {
	number := func(name string, fallback, maximum int) int {
		n, err := strconv.Atoi(c.query(name))
		if err != nil || n < 0 || n == 0 && name == "limit" {
			return fallback
		}
		return min(n, maximum)
	}
	limit, offset := number("limit", 10, 100), number("offset", 0, len(all))
	body := object{"total": len(all)}
	link := func(at int) string {
		return fmt.Sprintf("%s%s?limit=%d&offset=%d", c.URL(), c.request.URL.Path, limit, at)
	}
	if offset > 0 {
		body["previous"] = link(max(0, offset-limit))
	}
	if offset+limit < len(all) {
		body["next"] = link(offset + limit)
	}
	return all[offset:min(len(all), offset+limit)], body
}

// mismatch is how Barbican says that a body is not what its schema wants.
func mismatch(schema, property, message string, args ...any) error {
	return fail(http.StatusBadRequest, "", "Provided object does not match schema '%s': %s. Invalid property: '%s'", schema, fmt.Sprintf(message, args...), property)
}

var secretTypes = []string{"symmetric", "passphrase", "private", "public", "certificate", "opaque"}

// body reads a JSON body, which must be declared as such.
func (k *keyManager) body(c *call) (object, error) {
	if kind, _, _ := strings.Cut(c.request.Header.Get("Content-Type"), ";"); kind != "application/json" {
		return nil, fail(http.StatusUnsupportedMediaType, "", "Unexpected content type. Expected content types are: ['application/json']")
	}
	var in object
	if err := c.decode(&in); err != nil {
		return nil, fail(http.StatusBadRequest, "", "Malformed JSON")
	}
	return in, nil
}

func (k *keyManager) createSecret(c *call) (int, any, error) {
	if !k.member(c) {
		return 0, nil, notAllowed("Secret creation")
	}
	in, err := k.body(c)
	if err != nil {
		return 0, nil, err
	}
	expiration, err := k.checkSecret(in)
	if err != nil {
		return 0, nil, err
	}
	now := keyManagerNow()
	secret := object{
		"created": now, "updated": now, "status": "ACTIVE", "name": in["name"], "secret_type": "opaque", "expiration": expiration,
		"algorithm": in["algorithm"], "bit_length": in["bit_length"], "mode": in["mode"], "creator_id": c.token.User, "project_id": c.project(),
	}
	if in.str("name") == "" {
		secret["name"] = nil
	}
	if in.given("secret_type") {
		secret["secret_type"] = in.str("secret_type")
	}
	if in.given("payload") {
		payload := []byte(strings.TrimSpace(in.str("payload")))
		if in.str("payload_content_encoding") == "base64" {
			if payload, err = base64.StdEncoding.DecodeString(string(payload)); err != nil {
				return 0, nil, mismatch("Secret", "payload", "Invalid payload for payload_content_encoding")
			}
		}
		kind, _, _ := strings.Cut(in.str("payload_content_type"), ";")
		if err := k.store(secret, kind, payload); err != nil {
			return 0, nil, err
		}
	}
	k.sim.add(&k.Secrets, secret)
	ref := c.url("/v1/secrets/" + secret.str("id"))
	c.header.Set("Location", ref)
	return http.StatusCreated, object{"secret_ref": ref}, nil
}

func (k *keyManager) store(secret object, kind string, payload []byte) error {
	if len(payload) > maxSecret {
		return fail(http.StatusRequestEntityTooLarge, "", "Provided information too large to process")
	}
	secret["_type"], secret["_payload"] = kind, base64.StdEncoding.EncodeToString(payload)
	return nil
}

// checkSecret holds a new secret against Barbican's schema and returns its expiration as it is kept.
func (k *keyManager) checkSecret(in object) (expiration any, err error) {
	for _, key := range []string{"name", "algorithm", "mode"} {
		switch text, ok := in[key].(string); {
		case in.has(key) && !ok:
			return nil, mismatch("Secret", key, "%v is not of type 'string', 'null'", in[key])
		case len(text) > 255:
			return nil, mismatch("Secret", key, "'%s' is too long", text)
		}
	}
	if kind := in.str("secret_type"); in.given("secret_type") && !slices.Contains(secretTypes, kind) {
		return nil, mismatch("Secret", "secret_type", "'%s' is not one of ['%s']", kind, strings.Join(secretTypes, "', '"))
	}
	switch bits, ok := in["bit_length"].(float64); {
	case in.has("bit_length") && !ok:
		return nil, mismatch("Secret", "bit_length", "'%v' is not of type 'integer'", in["bit_length"])
	case ok && bits < 1:
		return nil, mismatch("Secret", "bit_length", "%v is less than the minimum of 1", bits)
	}
	if err := checkPayload(in); err != nil {
		return nil, err
	}
	return checkExpiration(in.str("expiration"))
}

func checkExpiration(text string) (any, error) {
	if text == "" {
		return nil, nil
	}
	var at time.Time
	err := fmt.Errorf("no date")
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateOnly} {
		if at, err = time.Parse(layout, text); err == nil {
			break
		}
	}
	if err != nil {
		return nil, mismatch("Secret", "expiration", "Invalid date for 'expiration'")
	}
	if at.Before(time.Now()) {
		return nil, mismatch("Secret", "expiration", "'expiration' is before current time")
	}
	return at.UTC().Format(keyManagerTime), nil
}

func checkPayload(in object) error {
	kind, encoding := in.str("payload_content_type"), in.str("payload_content_encoding")
	plain := []string{"text/plain", "text/plain;charset=utf-8", "text/plain; charset=utf-8"}
	binary := []string{"application/octet-stream", "application/pkcs8"}
	switch {
	case !in.given("payload") && kind != "":
		return mismatch("Secret", "payload", "payload must be provided when payload_content_type is specified")
	case !in.given("payload"):
		return nil
	case strings.TrimSpace(in.str("payload")) == "":
		return mismatch("Secret", "payload", "If 'payload' specified, must be non empty")
	case kind == "":
		return mismatch("Secret", "payload_content_type", "If 'payload' is supplied, 'payload_content_type' must also be supplied.")
	case !slices.Contains(append(plain, binary...), strings.ToLower(kind)):
		return mismatch("Secret", "payload_content_type", "payload_content_type is not one of ['%s']", strings.Join(append(plain, binary...), "', '"))
	case slices.Contains(plain, strings.ToLower(kind)) && encoding != "":
		return mismatch("Secret", "payload_content_encoding", "payload_content_encoding is not one of None")
	case slices.Contains(binary, kind) && encoding != "base64" && encoding != "binary":
		return mismatch("Secret", "payload_content_encoding", "payload_content_encoding is not one of ['base64', 'binary']")
	}
	return nil
}

func (k *keyManager) getSecret(c *call) (int, any, error) {
	if strings.HasPrefix(c.request.Header.Get("Accept"), "text/plain") || c.request.Header.Get("Accept") == "application/octet-stream" {
		return k.getPayload(c)
	}
	secret, err := k.readable(c, "Secret retrieval")
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, k.view(c, secret), nil
}

func (k *keyManager) getPayload(c *call) (int, any, error) {
	secret, err := k.readable(c, "Secret payload retrieval")
	if err != nil {
		return 0, nil, err
	}
	accept := c.request.Header.Get("Accept")
	switch {
	case !secret.given("_payload"):
		return 0, nil, fail(http.StatusNotFound, "", "Not Found. Sorry but your secret has no payload.")
	case accept == "application/json", accept == "text/plain" && secret.str("_type") != "text/plain":
		return 0, nil, fail(http.StatusNotAcceptable, "", "Secret payload retrieval issue seen - Wrong payload content-type.")
	case accept == "text/plain":
		accept = "text/plain; charset=UTF-8"
	}
	c.header.Set("Content-Type", accept)
	payload, err := base64.StdEncoding.DecodeString(secret.str("_payload"))
	return http.StatusOK, payload, err
}

// putPayload gives a secret the payload that it was made without.
func (k *keyManager) putPayload(c *call) (int, any, error) {
	kind, _, _ := strings.Cut(c.request.Header.Get("Content-Type"), ";")
	if kind != "text/plain" && kind != "application/octet-stream" {
		return 0, nil, fail(http.StatusUnsupportedMediaType, "", "Unexpected content type. Expected content types are: ['application/octet-stream', 'text/plain']")
	}
	secret, err := k.owned(c, "Secret update")
	if err != nil {
		return 0, nil, err
	}
	payload := c.body
	switch {
	case secret.given("_payload"):
		return 0, nil, fail(http.StatusConflict, "", "Secret already has data, cannot modify it.")
	case len(payload) == 0:
		return 0, nil, fail(http.StatusBadRequest, "", "Secret update issue seen - No data supplied to process..")
	case c.request.Header.Get("Content-Encoding") == "base64":
		if payload, err = base64.StdEncoding.DecodeString(string(payload)); err != nil {
			payload = nil // as the real one keeps it
		}
	}
	if err := k.store(secret, kind, payload); err != nil {
		return 0, nil, err
	}
	secret["updated"] = keyManagerNow()
	return http.StatusNoContent, nil, nil
}

func (k *keyManager) deleteSecret(c *call) (int, any, error) {
	secret, err := k.owned(c, "Secret deletion")
	if err != nil {
		return 0, nil, err
	}
	delete(k.Secrets, secret.str("id"))
	ref := c.url("/v1/secrets/" + secret.str("id"))
	for _, container := range k.Containers {
		container["secret_refs"] = slices.DeleteFunc(container.objs("secret_refs"), func(o object) bool { return o.str("secret_ref") == ref })
	}
	return http.StatusNoContent, nil, nil
}
