package simulator

import (
	"crypto/ed25519"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// keyPairName are the characters that a name may have; oldKeyPairName those before 2.92.
var (
	keyPairName    = regexp.MustCompile(`^[@._\- 0-9a-zA-Z]+$`)
	oldKeyPairName = regexp.MustCompile(`^[_\- 0-9a-zA-Z]+$`)
)

// keyPairID is the key of the table: names that differ in case only are the same to the database.
func (n *compute) keyPairID(c *call, name string) string { return c.token.User + "/" + collated(name) }

func (n *compute) keyPair(c *call) (object, error) {
	key, ok := n.KeyPairs.get(n.keyPairID(c, c.path("name")))
	if !ok {
		return nil, fail(http.StatusNotFound, "", "Keypair %s not found for user %s", c.path("name"), c.token.User)
	}
	return key, nil
}

// keyPairView is a key pair with the fields that a list or a creation shows.
func (n *compute) keyPairView(c *call, key object, more ...string) object {
	view := object{}
	fields := append([]string{"name", "public_key", "fingerprint"}, more...)
	if n.minor(c) >= microversionKeyType {
		fields = append(fields, "type")
	}
	for _, field := range fields {
		view[field] = key[field]
	}
	return view
}

func (n *compute) listKeyPairs(c *call) (int, any, error) {
	keys := n.KeyPairs.where(func(o object) bool { return o.str("user_id") == c.token.User })
	if err := n.checkQuery(c, keyPairParameters); err != nil {
		return 0, nil, err
	}
	slices.SortFunc(keys, func(a, b object) int { return strings.Compare(a.str("id"), b.str("id")) })
	first := 0
	if marker := c.query("marker"); marker != "" {
		first = 1 + slices.IndexFunc(keys, func(o object) bool { return sameText(o.str("name"), marker) })
		if first == 0 {
			return 0, nil, badRequest("Marker %s could not be found.", marker)
		}
	}
	page := limited(c, keys, first)
	list := []any{}
	for _, key := range page {
		list = append(list, object{"keypair": n.keyPairView(c, key)})
	}
	body := object{"keypairs": list}
	if len(page) > 0 && c.query("limit") == strconv.Itoa(len(page)) {
		body["keypairs_links"] = c.nextLink(page[len(page)-1].str("name"))
	}
	return http.StatusOK, body, nil
}

func (n *compute) getKeyPair(c *call) (int, any, error) {
	key, err := n.keyPair(c)
	if err != nil {
		return 0, nil, err
	}
	view := n.keyPairView(c, key, "user_id", "created_at")
	view["deleted"], view["deleted_at"], view["updated_at"], view["id"] = false, nil, nil, key["_n"]
	return http.StatusOK, object{"keypair": view}, nil
}

func (n *compute) createKeyPair(c *call) (int, any, error) {
	in, err := c.input("keypair")
	if err != nil {
		return 0, nil, err
	}
	minor, known := n.minor(c), []string{"name", "public_key"}
	if minor >= microversionKeyType {
		known = append(known, "type", "user_id")
	}
	required := []string{"name"}
	if minor >= microversionImported {
		required = append(required, "public_key")
	}
	if err := need("keypair", in, required...); err != nil {
		return 0, nil, err
	}
	if err := onlyFields("keypair", in, known); err != nil {
		return 0, nil, err
	}
	name := in.str("name")
	switch {
	case name == "" || len(name) > 255:
		return 0, nil, badField("name", in["name"], "Keypair name must be string and between 1 and 255 characters long")
	case minor < microversionImported && !oldKeyPairName.MatchString(name):
		return 0, nil, badRequest("An invalid 'name' value was provided. The name must be: Only expected characters: [_- 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ]")
	case !keyPairName.MatchString(name):
		return 0, nil, badRequest("An invalid 'name' value was provided. The name must be: Only expected characters: [@._- 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ]")
	case in.given("type") && in.str("type") != "ssh" && in.str("type") != "x509":
		return 0, nil, badField("type", in["type"], fmt.Sprintf("'%s' is not one of ['ssh', 'x509']", in.str("type")))
	}
	public, private := strings.TrimSpace(in.str("public_key")), ""
	if !in.has("public_key") {
		if public, private, err = newKeyPair(); err != nil {
			return 0, nil, err
		}
	}
	fingerprint, ok := fingerprint(public)
	if !ok {
		return 0, nil, badRequest("Keypair data is invalid: failed to generate fingerprint")
	}
	if _, taken := n.KeyPairs.get(n.keyPairID(c, name)); taken {
		return 0, nil, fail(http.StatusConflict, "", "Key pair '%s' already exists.", name)
	}
	if len(n.KeyPairs.where(func(o object) bool { return o.str("user_id") == c.token.User })) >= n.sim.quotaOf("key_pairs", 200) {
		return 0, nil, fail(http.StatusForbidden, "", "Maximum number of key pairs exceeded")
	}
	kind := in.str("type")
	if kind == "" {
		kind = "ssh"
	}
	key := n.sim.add(&n.KeyPairs, object{
		"id": n.keyPairID(c, name), "name": name, "public_key": public, "fingerprint": fingerprint, "type": kind, "user_id": c.token.User,
		"created_at": time.Now().UTC().Format("2006-01-02T15:04:05.000000"),
	})
	view := n.keyPairView(c, key, "user_id")
	if private != "" {
		view["private_key"] = private
	}
	if minor >= microversionKeyType {
		return http.StatusCreated, object{"keypair": view}, nil
	}
	return http.StatusOK, object{"keypair": view}, nil
}

func (n *compute) deleteKeyPair(c *call) (int, any, error) {
	key, err := n.keyPair(c)
	if err != nil {
		return 0, nil, err
	}
	delete(n.KeyPairs, key.str("id"))
	if n.minor(c) >= microversionKeyType {
		return http.StatusNoContent, nil, nil
	}
	return http.StatusAccepted, nil, nil
}

// fingerprint is the MD5 of an OpenSSH public key, false when it is none.
func fingerprint(public string) (string, bool) {
	fields := strings.Fields(public)
	if len(fields) < 2 {
		return "", false
	}
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil || len(blob) < 4 {
		return "", false
	}
	size := int(binary.BigEndian.Uint32(blob))
	if size > len(blob)-4 || string(blob[4:4+size]) != fields[0] {
		return "", false
	}
	if fields[0] == "ssh-ed25519" && len(blob) != 4+len(fields[0])+4+ed25519.PublicKeySize {
		return "", false
	}
	parts := []string{}
	for _, b := range md5.Sum(blob) {
		parts = append(parts, fmt.Sprintf("%02x", b))
	}
	return strings.Join(parts, ":"), true
}

// newKeyPair makes an RSA key as Nova does.
func newKeyPair() (public, private string, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", "", err
	}
	blob := []byte{}
	for _, part := range [][]byte{[]byte("ssh-rsa"), {byte(key.E >> 16), byte(key.E >> 8), byte(key.E)}, append([]byte{0}, key.N.Bytes()...)} {
		blob = binary.BigEndian.AppendUint32(blob, uint32(len(part)))
		blob = append(blob, part...)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	return "ssh-rsa " + base64.StdEncoding.EncodeToString(blob) + " Generated-by-Nova", string(text), nil
}
