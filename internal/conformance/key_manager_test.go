package conformance

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

func (s *session) keyManager(t *testing.T) *api {
	t.Helper()
	return s.service(t, "/v1", "key-manager")
}

// secret makes a secret, which is deleted when the test has ended, and returns its path.
func (a *api) secret(t *testing.T, in obj) string {
	t.Helper()
	in["name"] = a.name("secret")
	got := a.want(t, http.StatusCreated, "POST", "/secrets", in)
	ref := got.str(t, "secret_ref")
	same(t, "location", got.header.Get("Location"), ref)
	path := "/secrets/" + ref[strings.LastIndex(ref, "/")+1:]
	t.Cleanup(func() { a.do(t, "DELETE", path, nil) })
	return path
}

func TestSecret(t *testing.T) {
	c := open(t, simulator.Options{})
	k := c.login(t).keyManager(t)
	path := k.secret(t, obj{"payload": " hello \n", "payload_content_type": "text/plain", "algorithm": "aes", "bit_length": 128, "mode": "cbc"})
	t.Run("a secret has these fields", func(t *testing.T) {
		got := k.get(t, path)
		is(t, "secret", got.body, obj{
			"name": c.name("secret"), "secret_type": "opaque", "status": "ACTIVE", "expiration": nil, "algorithm": "aes", "bit_length": 128,
			"mode": "cbc", "content_types": obj{"default": "text/plain"}, "secret_ref": containing(path), "creator_id": k.userID,
			"created": aTime, "updated": aTime, "payload": missing,
		})
	})
	t.Run("white space around a text is not kept", func(t *testing.T) {
		same(t, "payload", k.with("Accept", "text/plain").get(t, path+"/payload").text, "hello")
		same(t, "payload", k.with("Accept", "application/octet-stream").get(t, path+"/payload").text, "hello")
	})
	k.refuses(t,
		refusal{"a payload is no JSON", "GET", path + "/payload", nil, 406, "", "Wrong payload content-type."},
		refusal{"a name is changed by nobody", "PUT", path, obj{"name": "x"}, 415, "", "Expected content types are: ['application/octet-stream', 'text/plain']"})
	k.with("Content-Type", "text/plain").refuses(t,
		refusal{"a payload is never replaced", "PUT", path, "again", 409, "", "Secret already has data, cannot modify it."})
	t.Run("deleting is 204 and then 404", func(t *testing.T) {
		k.want(t, http.StatusNoContent, "DELETE", path, nil)
		k.refuses(t,
			refusal{"get", "GET", path, nil, 404, "", "Secret not found."},
			refusal{"payload", "GET", path + "/payload", nil, 404, "", "Secret not found."},
			refusal{"acl", "GET", path + "/acl", nil, 404, "", "Secret not found."},
			refusal{"delete", "DELETE", path, nil, 404, "", "Secret not found."})
	})
	k.refuses(t,
		refusal{"an id that Barbican cannot have made", "GET", "/secrets/" + nobody, nil, 404, "", "Provided secret id is invalid."},
		refusal{"no id at all", "GET", "/secrets/nope", nil, 404, "", "Provided secret id is invalid."})
}

func TestSecretInTwoSteps(t *testing.T) {
	c := open(t, simulator.Options{})
	k := c.login(t).keyManager(t)
	path := k.secret(t, obj{"secret_type": "passphrase"})
	is(t, "secret", k.get(t, path).body, obj{"content_types": missing, "status": "ACTIVE", "secret_type": "passphrase"})
	k.refuses(t, refusal{"no payload yet", "GET", path + "/payload", nil, 404, "", "Sorry but your secret has no payload."})
	binary := k.with("Content-Type", "application/octet-stream")
	binary.refuses(t, refusal{"an empty payload", "PUT", path, "", 400, "", "No data supplied to process"})
	binary.want(t, http.StatusNoContent, "PUT", path, "\x00\xff\x01")
	same(t, "payload", []byte(k.with("Accept", "application/octet-stream").get(t, path+"/payload").text), []byte("\x00\xff\x01"))
	is(t, "secret", k.get(t, path).body, obj{"content_types": obj{"default": "application/octet-stream"}})
}

func TestSecretRefusals(t *testing.T) {
	c := open(t, simulator.Options{})
	k := c.login(t).keyManager(t)
	post := func(name string, status int, words string, in obj) refusal {
		return refusal{name, "POST", "/secrets", in, status, "", words}
	}
	text := func(payload string) obj { return obj{"payload": payload, "payload_content_type": "text/plain"} }
	binary := func(payload []byte) obj {
		return obj{"payload": base64.StdEncoding.EncodeToString(payload), "payload_content_type": "application/octet-stream", "payload_content_encoding": "base64"}
	}
	k.refuses(t,
		post("no content type", 400, "If 'payload' is supplied, 'payload_content_type' must also be supplied.", obj{"payload": "x"}),
		post("a content type only", 400, "payload must be provided when payload_content_type is specified", obj{"payload_content_type": "text/plain"}),
		post("an empty payload", 400, "If 'payload' specified, must be non empty", text("")),
		post("another content type", 400, "payload_content_type is not one of ['text/plain', 'text/plain;charset=utf-8', 'text/plain; charset=utf-8', 'application/octet-stream', 'application/pkcs8']", obj{"payload": "x", "payload_content_type": "application/json"}),
		post("binary without an encoding", 400, "payload_content_encoding is not one of ['base64', 'binary']", obj{"payload": "AAEC", "payload_content_type": "application/octet-stream"}),
		post("no base64", 400, "Invalid payload for payload_content_encoding", obj{"payload": "x y", "payload_content_type": "application/octet-stream", "payload_content_encoding": "base64"}),
		post("a large text", 413, "Provided information too large to process", text(strings.Repeat("a", 20001))),
		post("a large payload", 413, "Provided information too large to process", binary(make([]byte, 20001))),
		post("a long name", 400, "is too long. Invalid property: 'name'", obj{"name": strings.Repeat("a", 256)}),
		post("another type", 400, "'bogus' is not one of ['symmetric', 'passphrase', 'private', 'public', 'certificate', 'opaque']. Invalid property: 'secret_type'", obj{"secret_type": "bogus"}),
		post("no bits", 400, "0 is less than the minimum of 1. Invalid property: 'bit_length'", obj{"bit_length": 0}),
		post("the past", 400, "'expiration' is before current time", obj{"expiration": "2020-01-01T00:00:00Z"}),
		post("no date", 400, "Invalid date for 'expiration'", obj{"expiration": "soon"}),
		refusal{"no JSON", "POST", "/secrets", "{", 415, "", "Expected content types are: ['application/json']"})
	t.Run("20,000 bytes are taken", func(t *testing.T) { k.secret(t, text(strings.Repeat("a", 20000))) })
}

func TestSecretExpires(t *testing.T) {
	c := open(t, simulator.Options{})
	k := c.login(t).keyManager(t)
	t.Run("an expiration is kept in UTC and in seconds", func(t *testing.T) {
		path := k.secret(t, obj{"expiration": "2999-01-01T02:03:04.56+02:00"})
		same(t, "expiration", k.get(t, path).at("expiration"), "2999-01-01T00:03:04")
	})
	t.Run("what has expired is not there any more", func(t *testing.T) {
		// Long enough for a machine that stops for a moment before it is read.
		path := k.secret(t, obj{"expiration": time.Now().Add(15 * time.Second).UTC().Format(time.RFC3339)})
		k.get(t, path)
		k.within(k.patience(), func() bool { return k.do(t, "GET", path, nil).status != http.StatusOK })
		k.refuses(t,
			refusal{"get", "GET", path, nil, 404, "", "Secret not found."},
			refusal{"delete", "DELETE", path, nil, 404, "", "Secret not found."})
		same(t, "listed", len(k.get(t, "/secrets?name="+c.name("secret")+"&limit=100").list(t, "secrets")), 0)
	})
}

func TestSecretList(t *testing.T) {
	c := open(t, simulator.Options{})
	k := c.login(t).keyManager(t)
	for range 3 {
		k.secret(t, obj{})
	}
	byName := "/secrets?name=" + c.name("secret")
	t.Run("pages are linked by their offset", func(t *testing.T) {
		got := k.get(t, byName+"&limit=2")
		same(t, "secrets", len(got.list(t, "secrets")), 2)
		is(t, "page", got.body, obj{"total": 3, "next": text("a link without the filters", `secrets\?limit=2&offset=2$`), "previous": missing})
		got = k.get(t, byName+"&limit=2&offset=2")
		same(t, "secrets", len(got.list(t, "secrets")), 1)
		is(t, "page", got.body, obj{"total": 3, "next": missing, "previous": containing("offset=0")})
	})
	t.Run("filters that are not known are none", func(t *testing.T) {
		same(t, "secrets", len(k.get(t, byName+"&bogus=1").list(t, "secrets")), 3)
	})
	t.Run("a type filters", func(t *testing.T) {
		same(t, "secrets", len(k.get(t, byName+"&secret_type=symmetric").list(t, "secrets")), 0)
	})
}

func TestSecretACL(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	k, other, reader := s.keyManager(t), c.as(t, "demo2").keyManager(t), c.as(t, "demo-reader").keyManager(t)
	path := k.secret(t, obj{"payload": "x", "payload_content_type": "text/plain"})
	acl := path + "/acl"
	forbidden := " attempt not allowed - please review your user/project privileges"
	t.Run("the project reads when nobody says otherwise", func(t *testing.T) {
		same(t, "acl", k.get(t, acl).body, obj{"read": obj{"project-access": true}})
	})
	other.refuses(t,
		refusal{"another project's secret is 403, not 404", "GET", path, nil, 403, "", "Secret retrieval" + forbidden},
		refusal{"its payload", "GET", path + "/payload", nil, 403, "", "Secret payload retrieval" + forbidden},
		refusal{"its end", "DELETE", path, nil, 403, "", "Secret deletion" + forbidden},
		refusal{"its ACL", "PUT", acl, obj{}, 403, "", "SecretACL(s) Update" + forbidden})
	reader.refuses(t,
		refusal{"the role reader is not enough to read", "GET", path, nil, 403, "", "Secret retrieval" + forbidden},
		refusal{"nor to list", "GET", "/secrets", nil, 403, "", "Secret(s) retrieval" + forbidden},
		refusal{"nor to make one", "POST", "/secrets", obj{}, 403, "", "Secret creation" + forbidden})
	t.Run("a user of the list reads, and no more", func(t *testing.T) {
		k.want(t, http.StatusOK, "PUT", acl, obj{"read": obj{"users": list{other.userID}, "project-access": false}})
		is(t, "acl", k.get(t, acl).at("read"), obj{"project-access": false, "users": list{other.userID}, "created": aTime, "updated": aTime})
		same(t, "payload", other.with("Accept", "text/plain").get(t, path+"/payload").text, "x")
		other.get(t, path+"/metadata")
		other.refuses(t, refusal{"not the list", "GET", acl, nil, 403, "", "SecretACL(s) retrieval" + forbidden})
		k.get(t, path) // the creator always may
	})
	t.Run("PATCH changes what it names", func(t *testing.T) {
		k.want(t, http.StatusOK, "PATCH", acl, obj{"read": obj{"project-access": true}})
		is(t, "acl", k.get(t, acl).at("read"), obj{"project-access": true, "users": list{other.userID}})
	})
	t.Run("PUT replaces, and any text is a user", func(t *testing.T) {
		k.want(t, http.StatusOK, "PUT", acl, obj{"read": obj{"users": list{"anybody"}}})
		is(t, "acl", k.get(t, acl).at("read"), obj{"project-access": true, "users": list{"anybody"}})
	})
	k.refuses(t,
		refusal{"users are a list", "PUT", acl, obj{"read": obj{"users": "x"}}, 400, "", "'x' is not of type 'array'"},
		refusal{"there is no other operation", "PUT", acl, obj{"write": obj{}}, 400, "", "Additional properties are not allowed ('write' was unexpected)"})
	t.Run("DELETE is back to the default", func(t *testing.T) {
		k.want(t, http.StatusOK, "DELETE", acl, nil)
		same(t, "acl", k.get(t, acl).body, obj{"read": obj{"project-access": true}})
	})
}

func TestSecretMetadata(t *testing.T) {
	c := open(t, simulator.Options{})
	k := c.login(t).keyManager(t)
	path := k.secret(t, obj{})
	metadata := path + "/metadata"
	same(t, "metadata", k.get(t, metadata).body, obj{"metadata": obj{}})
	t.Run("PUT replaces all; keys become lower case", func(t *testing.T) {
		k.want(t, http.StatusCreated, "PUT", metadata, obj{"metadata": obj{"A": "b", "x": ""}})
		k.want(t, http.StatusCreated, "PUT", metadata, obj{"metadata": obj{"A": "B"}})
		same(t, "metadata", k.get(t, metadata).body, obj{"metadata": obj{"a": "B"}})
		k.want(t, http.StatusCreated, "PUT", metadata, obj{"metadata": obj{}})
		same(t, "metadata", k.get(t, metadata).body, obj{"metadata": obj{}})
	})
	t.Run("one key", func(t *testing.T) {
		k.want(t, http.StatusCreated, "POST", metadata, obj{"key": "k", "value": "1"})
		k.want(t, http.StatusOK, "PUT", metadata+"/k", obj{"key": "k", "value": "2"})
		same(t, "metadatum", k.get(t, metadata+"/k").body, obj{"key": "k", "value": "2"})
		k.refuses(t, refusal{"twice", "POST", metadata, obj{"key": "k", "value": "1"}, 409, "", "Key in request is already in the secret metadata"})
		k.want(t, http.StatusNoContent, "DELETE", metadata+"/k", nil)
		k.refuses(t, refusal{"gone", "GET", metadata + "/k", nil, 404, "", "Secret metadata not found."})
	})
	k.refuses(t,
		refusal{"numbers", "PUT", metadata, obj{"metadata": obj{"n": 1}}, 400, "", "Keys and Values must be Strings."},
		refusal{"nothing", "PUT", metadata, obj{}, 400, "", "'metadata' is a required property"})
}

func TestSecretConsumers(t *testing.T) {
	c := open(t, simulator.Options{})
	k := c.login(t).keyManager(t)
	path := k.secret(t, obj{})
	same(t, "consumers", k.get(t, path+"/consumers").body, obj{"consumers": list{}, "total": 0})
	k.want(t, http.StatusOK, "POST", path+"/consumers", obj{"service": "load-balancer", "resource_type": "listener", "resource_id": "x"})
	is(t, "consumer", k.get(t, path+"/consumers").at("consumers.0"), obj{"service": "load-balancer", "resource_type": "listener", "resource_id": "x", "status": "ACTIVE"})
	t.Run("a consumer keeps nobody from deleting", func(t *testing.T) {
		k.want(t, http.StatusNoContent, "DELETE", path, nil)
	})
}

func TestSecretContainer(t *testing.T) {
	c := open(t, simulator.Options{})
	k := c.login(t).keyManager(t)
	secret := k.get(t, k.secret(t, obj{})).str(t, "secret_ref")
	got := k.want(t, http.StatusCreated, "POST", "/containers", obj{"name": c.name("c"), "type": "certificate", "secret_refs": list{obj{"name": "certificate", "secret_ref": secret}}})
	ref := got.str(t, "container_ref")
	path := "/containers/" + ref[strings.LastIndex(ref, "/")+1:]
	t.Cleanup(func() { k.do(t, "DELETE", path, nil) })
	is(t, "container", k.get(t, path).body, obj{
		"name": c.name("c"), "type": "certificate", "status": "ACTIVE", "container_ref": ref, "consumers": list{},
		"secret_refs": list{obj{"name": "certificate", "secret_ref": secret}},
	})
	k.refuses(t,
		refusal{"no type", "POST", "/containers", obj{}, 400, "", "'type' is a required property"},
		refusal{"another type", "POST", "/containers", obj{"type": "bogus"}, 400, "", "'bogus' is not one of ['generic', 'rsa', 'certificate']"},
		refusal{"a certificate without one", "POST", "/containers", obj{"type": "certificate", "secret_refs": list{obj{"name": "private_key", "secret_ref": secret}}}, 400, "", "The minimum required reference name is 'certificate' for Certificate type"},
		refusal{"an unknown secret", "POST", "/containers", obj{"type": "generic", "secret_refs": list{obj{"name": "a", "secret_ref": strings.Replace(secret, secret[len(secret)-36:], nobody, 1)}}}, 404, "", "Secret provided for 'a' doesn't exist."})
	t.Run("a secret goes out of its container", func(t *testing.T) {
		k.want(t, http.StatusNoContent, "DELETE", "/secrets/"+secret[len(secret)-36:], nil)
		same(t, "refs", k.get(t, path).at("secret_refs"), list{})
	})
	k.want(t, http.StatusNoContent, "DELETE", path, nil)
	k.refuses(t, refusal{"gone", "GET", path, nil, 404, "", "Secrets container not found."})
}
