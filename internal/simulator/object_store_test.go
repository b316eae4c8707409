package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// swift is a client of the object store with the headers of each request at hand.
type swift struct {
	*client
	root string
}

func asSwift(t *testing.T, s *Simulator, user, project string) swift {
	c := as(t, s, user, project)
	return swift{client: c, root: "/object-store/v1/AUTH_" + s.projectID("demo")}
}

// do sends and checks the status; headers come as "Name: value".
func (c swift) do(status int, method, path, body string, headers ...string) answer {
	c.t.Helper()
	header := map[string]string{}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		header[name] = value
	}
	a, err := c.try(method, c.root+path, body, header)
	if err != nil {
		c.t.Fatal(err)
	}
	if a.status != status {
		c.t.Fatalf("%s %s: %d, want %d: %s", method, path, a.status, status, a.text)
	}
	return a
}

// names are what a listing shows.
func (c swift) names(path string) []string {
	c.t.Helper()
	a := c.do(http.StatusOK, "GET", path, "")
	var entries []map[string]any
	if err := json.Unmarshal([]byte(a.text), &entries); err != nil {
		c.t.Fatalf("%s: %v", a.text, err)
	}
	names := []string{}
	for _, entry := range entries {
		names = append(names, text(entry["name"])+text(entry["subdir"]))
	}
	return names
}

func TestObjectStoreContainer(t *testing.T) {
	t.Parallel()
	c := asSwift(t, start(t, Options{}), "demo", "demo")
	c.do(404, "HEAD", "/c", "")
	c.do(404, "POST", "/c", "")
	c.do(404, "DELETE", "/c", "")
	c.do(201, "PUT", "/c", "", "X-Container-Meta-Foo: bar", "X-Container-Read: .r:*, .rlistings")
	c.do(202, "PUT", "/c", "", "X-Container-Meta-Two: 2")
	a := c.do(204, "HEAD", "/c", "")
	for name, want := range map[string]string{
		"X-Container-Meta-Foo": "bar", "X-Container-Meta-Two": "2", "X-Container-Read": ".r:*,.rlistings",
		"X-Container-Object-Count": "0", "X-Container-Bytes-Used": "0", "X-Storage-Policy": "Policy-0",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	c.do(204, "POST", "/c", "", "X-Remove-Container-Read: x", "X-Container-Meta-Quota-Bytes: 10")
	if a := c.do(204, "HEAD", "/c", ""); a.header.Get("X-Container-Read") != "" || a.header.Get("X-Container-Meta-Foo") != "bar" {
		t.Errorf("after POST: %v", a.header)
	}
	c.do(201, "PUT", "/c/a", "hello")
	c.do(413, "PUT", "/c/b", "hello world")
	c.do(409, "DELETE", "/c", "")
	c.do(204, "DELETE", "/c/a", "")
	c.do(404, "DELETE", "/c/a", "")
	c.do(204, "DELETE", "/c", "")
}

func TestObjectStoreRefuses(t *testing.T) {
	t.Parallel()
	c := asSwift(t, start(t, Options{}), "demo", "demo")
	for _, test := range []struct{ path, header, message string }{
		{"/c", "X-Container-Read: .rx:*", "Unknown designator '.rx' in ACL: '.rx:*'"},
		{"/c", "X-Container-Write: .r:*", "Referrers not allowed in write ACL: '.r:*'"},
		{"/c", "X-Container-Meta-Quota-Bytes: x", "Invalid bytes quota."},
		{"/c", "X-Storage-Policy: nope", "Invalid X-Storage-Policy 'nope'"},
		{"/c", "X-Container-Meta-L: " + strings.Repeat("a", 300), "Metadata value longer than 256: x-container-meta-L"},
		{"/c", "X-Container-Sync-To: x", `Invalid scheme '' in X-Container-Sync-To, must be "//", "http", or "https".`},
		{"/" + strings.Repeat("a", 257), "X-A: b", "Container name length of 257 longer than 256"},
	} {
		if a := c.do(400, "PUT", test.path, "", test.header); a.text != test.message {
			t.Errorf("%s: %q, want %q", test.header, a.text, test.message)
		}
	}
}

func TestObjectStoreObject(t *testing.T) {
	t.Parallel()
	c := asSwift(t, start(t, Options{}), "demo", "demo")
	c.do(404, "PUT", "/c/o", "x")
	c.do(201, "PUT", "/c", "")
	a := c.do(201, "PUT", "/c/a/b.txt", "hello", "X-Object-Meta-A: 1", "Content-Type: text/plain")
	const etag = "5d41402abc4b2a76b9719d911017c592"
	if a.header.Get("Etag") != etag {
		t.Errorf("etag %q", a.header.Get("Etag"))
	}
	if a := c.do(200, "GET", "/c/a/b.txt", ""); a.text != "hello" || a.header.Get("X-Object-Meta-A") != "1" || a.header.Get("Etag") != etag {
		t.Errorf("GET: %q %v", a.text, a.header)
	}
	c.do(422, "PUT", "/c/a/b.txt", "hi", "Etag: abc")
	c.do(412, "PUT", "/c/a/b.txt", "hi", "If-None-Match: *")
	c.do(400, "PUT", "/c/a/b.txt", "hi", "If-None-Match: abc")
	c.do(412, "GET", "/c/a/b.txt", "", `If-Match: "abc"`)
	c.do(304, "GET", "/c/a/b.txt", "", "If-None-Match: "+etag)
	if a := c.do(206, "GET", "/c/a/b.txt", "", "Range: bytes=1-2"); a.text != "el" {
		t.Errorf("range: %q", a.text)
	}
	c.do(416, "GET", "/c/a/b.txt", "", "Range: bytes=100-")
	c.do(202, "POST", "/c/a/b.txt", "", "X-Object-Meta-B: 2")
	if a := c.do(200, "HEAD", "/c/a/b.txt", ""); a.header.Get("X-Object-Meta-A") != "" || a.header.Get("X-Object-Meta-B") != "2" || a.header.Get("Content-Type") != "text/plain" {
		t.Errorf("POST must replace all metadata and keep the type: %v", a.header)
	}
	c.do(201, "PUT", "/c/z", "1")
	c.do(201, "PUT", "/c/y", "1")
	for path, want := range map[string][]string{
		"/c?format=json&delimiter=/":       {"a/", "y", "z"},
		"/c?format=json&prefix=a/":         {"a/b.txt"},
		"/c?format=json&marker=y":          {"z"},
		"/c?format=json&limit=2":           {"a/b.txt", "y"},
		"/c?format=json&end_marker=z":      {"a/b.txt", "y"},
		"?format=json":                     {"c"},
		"?format=json&prefix=nothing-here": {},
	} {
		if got := c.names(path); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	if a := c.do(200, "POST", "?bulk-delete", "c/a%2Fb.txt\nc/nope\nc/y\nc/z\n", "Content-Type: text/plain", "Accept: application/json"); a.body.num("Number Deleted") != 3 || a.body.num("Number Not Found") != 1 {
		t.Errorf("bulk: %s", a.text)
	}
	c.do(204, "DELETE", "/c", "")
}

func TestObjectStoreExpiry(t *testing.T) {
	t.Parallel()
	c := asSwift(t, start(t, Options{}), "demo", "demo")
	c.do(201, "PUT", "/c", "")
	c.do(400, "PUT", "/c/e", "1", "X-Delete-At: 100")
	c.do(400, "PUT", "/c/e", "1", "X-Delete-After: x")
	c.do(201, "PUT", "/c/e", "1", "X-Delete-After: 2")
	if a := c.do(200, "HEAD", "/c/e", ""); a.header.Get("X-Delete-At") == "" {
		t.Error("no X-Delete-At")
	}
	eventually(t, "expiry", func() bool { return c.send("HEAD", c.root+"/c/e", "").status == http.StatusNotFound })
	if got := c.names("/c?format=json"); !slices.Equal(got, []string{"e"}) {
		t.Errorf("an expired object stays in listings until the expirer ran: %v", got)
	}
	c.do(409, "DELETE", "/c", "")
	eventually(t, "the expirer", func() bool { return c.send("DELETE", c.root+"/c", "").status == http.StatusNoContent })
}

func TestObjectStoreVersions(t *testing.T) {
	t.Parallel()
	c := asSwift(t, start(t, Options{}), "demo", "demo")
	c.do(201, "PUT", "/older", "", "X-Versions-Location: other")
	c.do(400, "POST", "/older", "", "X-Versions-Enabled: true")
	c.do(201, "PUT", "/c", "", "X-Versions-Enabled: true")
	first := c.do(201, "PUT", "/c/o", "1").header.Get("X-Object-Version-Id")
	c.do(201, "PUT", "/c/o", "22")
	c.do(204, "DELETE", "/c/o", "")
	c.do(404, "GET", "/c/o", "")
	if a := c.do(200, "GET", "/c/o?version-id="+first, ""); a.text != "1" {
		t.Errorf("first version: %q", a.text)
	}
	if a := c.do(409, "DELETE", "/c", ""); a.text != "Delete all versions before deleting container." {
		t.Errorf("delete: %q", a.text)
	}
	var versions []map[string]any
	if err := json.Unmarshal([]byte(c.do(200, "GET", "/c?versions&format=json", "").text), &versions); err != nil {
		t.Fatal(err)
	}
	if len(versions) != 3 || versions[0]["is_latest"] != true || versions[0]["content_type"] != "application/x-deleted;swift_versions_deleted=1" {
		t.Fatalf("versions: %v", versions)
	}
	for _, version := range versions {
		c.do(204, "DELETE", "/c/o?version-id="+text(version["version_id"]), "")
	}
	c.do(204, "DELETE", "/c", "")
}

func TestObjectStoreLargeObject(t *testing.T) {
	t.Parallel()
	c := asSwift(t, start(t, Options{}), "demo", "demo")
	c.do(201, "PUT", "/c", "")
	c.do(201, "PUT", "/c/s1", "aaaa")
	c.do(201, "PUT", "/c/s2", "bb")
	if a := c.do(201, "PUT", "/c/slo?multipart-manifest=put", `[{"path":"/c/s1","size_bytes":4},{"path":"/c/s2"}]`); a.header.Get("Etag") != `"dbb7560968a5b8fd0530ccaf84f4cda4"` {
		t.Errorf("etag %s", a.header.Get("Etag"))
	}
	if a := c.do(200, "GET", "/c/slo", ""); a.text != "aaaabb" || a.header.Get("X-Static-Large-Object") != "True" {
		t.Errorf("GET: %q", a.text)
	}
	if a := c.do(400, "PUT", "/c/bad?multipart-manifest=put", `[{"path":"/c/s9"}]`); !strings.Contains(a.text, "/c/s9, 404 Not Found") {
		t.Errorf("bad manifest: %q", a.text)
	}
	c.do(200, "DELETE", "/c/slo?multipart-manifest=delete", "")
	c.do(204, "DELETE", "/c", "")
}

func TestObjectStoreAccess(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	owner, other := asSwift(t, s, "demo", "demo"), asSwift(t, s, "demo2", "demo2")
	reader, nobody := asSwift(t, s, "demo-reader", "demo"), swift{client: &client{t: t, sim: s}, root: owner.root}
	owner.do(201, "PUT", "/c", "", "X-Container-Meta-Temp-Url-Key: geheim")
	owner.do(201, "PUT", "/c/o", "hello")
	reader.do(403, "GET", "/c/o", "")
	other.do(403, "GET", "/c/o", "")
	nobody.do(401, "GET", "/c/o", "")

	owner.do(204, "POST", "/c", "", "X-Container-Read: .r:*,"+s.projectID("demo2")+":*", "X-Container-Write: "+s.projectID("demo2")+":*")
	nobody.do(200, "GET", "/c/o", "")
	nobody.do(401, "GET", "/c", "")
	nobody.do(401, "PUT", "/c/o", "x")
	other.do(201, "PUT", "/c/p", "x")
	if a := other.do(200, "GET", "/c?format=json", ""); a.header.Get("X-Container-Meta-Temp-Url-Key") != "" {
		t.Error("the key shows to others")
	}

	owner.do(204, "POST", "/c", "", "X-Remove-Container-Read: x")
	expires := time.Now().Add(time.Minute).Unix()
	mac := hmac.New(sha256.New, []byte("geheim"))
	_, _ = fmt.Fprintf(mac, "GET\n%d\n%s", expires, strings.TrimPrefix(owner.root, "/object-store")+"/c/o")
	signed := fmt.Sprintf("/c/o?temp_url_sig=%s&temp_url_expires=%d", hex.EncodeToString(mac.Sum(nil)), expires)
	nobody.do(200, "GET", signed, "")
	nobody.do(200, "HEAD", signed, "")
	nobody.do(401, "DELETE", signed, "")
	nobody.do(401, "GET", strings.Replace(signed, "/c/o?", "/c/p?", 1), "")
	if got := s.Leftovers(); len(got) != 1 || got[0] != `object container "c" of project demo` {
		t.Errorf("leftovers: %v", got)
	}
}

func TestSwiftACL(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"":                            "",
		" .r:* , .rlistings":          ".r:*,.rlistings",
		".referrer:.example.com":      ".r:.example.com",
		"project:user, *:*,":          "project:user,*:*",
		".r : -.example.com,.r:a.org": ".r:-.example.com,.r:a.org",
	}
	for _, in := range slices.Sorted(maps.Keys(tests)) {
		if got, message := swiftCleanACL(in, false); got != tests[in] || message != "" {
			t.Errorf("%q: %q %q, want %q", in, got, message, tests[in])
		}
	}
}
