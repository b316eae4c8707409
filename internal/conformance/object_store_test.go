package conformance

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// container makes a container that is emptied and deleted when the test has ended.
func (a *api) container(t *testing.T, name string, header map[string]string) string {
	t.Helper()
	path := "/" + a.name(name)
	got := a.headed(header).do(t, "PUT", path, nil)
	if got.status != http.StatusCreated {
		t.Fatalf("%s: %d %s", got.request, got.status, got.text)
	}
	t.Cleanup(func() {
		a.do(t, "POST", path, nil)
		a.with("X-Versions-Enabled", "false").do(t, "POST", path, nil)
		if !a.within(a.patience(), func() bool {
			for _, object := range a.objects(t, path+"?format=json&versions=true") {
				version, ok := dig(object, "version_id").(string)
				query := ""
				if ok {
					query = "?version-id=" + version
				}
				a.do(t, "DELETE", path+"/"+url.PathEscape(dig(object, "name").(string))+query, nil)
			}
			for _, object := range a.objects(t, path+"?format=json") {
				a.do(t, "DELETE", path+"/"+url.PathEscape(dig(object, "name").(string)), nil)
			}
			status := a.do(t, "DELETE", path, nil).status
			return status == http.StatusNoContent || status == http.StatusNotFound
		}) {
			t.Errorf("container %s is left in the cloud", path)
		}
	})
	return path
}

func (a *api) objects(t *testing.T, path string) list {
	t.Helper()
	objects, _ := a.do(t, "GET", path, nil).body.(list)
	return objects
}

// headed is the same service with more request headers.
func (a *api) headed(header map[string]string) *api {
	for name, value := range header {
		a = a.with(name, value)
	}
	return a
}

// names are the objects of a container.
func (a *api) names(t *testing.T, path string) []string {
	t.Helper()
	names := []string{}
	for _, object := range a.objects(t, path) {
		name, ok := dig(object, "name").(string)
		if !ok {
			name = fmt.Sprint(dig(object, "subdir"))
		}
		names = append(names, name)
	}
	return names
}

// headers checks headers of an answer.
func headers(t *testing.T, a answer, want map[string]any) {
	t.Helper()
	for name, value := range want {
		got := any(a.header.Get(name))
		if len(a.header.Values(name)) == 0 {
			got = nil
		}
		same(t, name, got, value)
	}
}

func TestContainer(t *testing.T) {
	c := open(t, simulator.Options{})
	o := c.login(t).objectStore(t)
	path := o.container(t, "one", map[string]string{"X-Container-Meta-Colour": "red"})
	t.Run("a new container is empty and has its metadata", func(t *testing.T) {
		a := o.want(t, http.StatusNoContent, "HEAD", path, nil)
		headers(t, a, map[string]any{
			"X-Container-Object-Count": "0", "X-Container-Bytes-Used": "0", "X-Container-Meta-Colour": "red", "X-Storage-Policy": someText, "X-Timestamp": someText, "X-Trans-Id": containing("tx"),
			"X-Container-Read": nil, "X-Versions-Enabled": nil,
		})
	})
	t.Run("creating it again is 202 and keeps what is not sent", func(t *testing.T) {
		a := o.with("X-Container-Meta-Size", "big").want(t, http.StatusAccepted, "PUT", path, nil)
		same(t, "body", plain(a.text), containing("Accepted"))
		headers(t, o.want(t, http.StatusNoContent, "HEAD", path, nil), map[string]any{"X-Container-Meta-Colour": "red", "X-Container-Meta-Size": "big"})
	})
	t.Run("metadata is removed key by key or by an empty value", func(t *testing.T) {
		o.with("X-Remove-Container-Meta-Colour", "x").want(t, http.StatusNoContent, "POST", path, nil)
		headers(t, o.want(t, http.StatusNoContent, "HEAD", path, nil), map[string]any{"X-Container-Meta-Colour": nil, "X-Container-Meta-Size": "big"})
	})
	t.Run("settings are read back as they were sent", func(t *testing.T) {
		settings := map[string]string{
			"X-Container-Read": ".r:*,.rlistings", "X-Container-Write": "*:*", "X-Container-Meta-Quota-Bytes": "1000", "X-Container-Meta-Quota-Count": "5",
			"X-Container-Meta-Access-Control-Allow-Origin": "https://example.org", "X-Container-Meta-Web-Index": "index.html", "X-Container-Meta-Temp-Url-Key": "k",
		}
		o.headed(settings).want(t, http.StatusNoContent, "POST", path, nil)
		want := map[string]any{}
		for name, value := range settings {
			want[name] = value
		}
		headers(t, o.want(t, http.StatusNoContent, "HEAD", path, nil), want)
		o.with("X-Remove-Container-Read", "x").want(t, http.StatusNoContent, "POST", path, nil)
		headers(t, o.want(t, http.StatusNoContent, "HEAD", path, nil), map[string]any{"X-Container-Read": nil})
	})
	t.Run("where it is copied to is checked", func(t *testing.T) {
		o.headed(map[string]string{"X-Container-Sync-To": "http://127.0.0.1/v1/AUTH_x/c", "X-Container-Sync-Key": "k"}).want(t, http.StatusNoContent, "POST", path, nil)
		headers(t, o.want(t, http.StatusNoContent, "HEAD", path, nil), map[string]any{"X-Container-Sync-To": "http://127.0.0.1/v1/AUTH_x/c", "X-Container-Sync-Key": "k"})
		same(t, "versions", o.with("X-Versions-Enabled", "true").want(t, http.StatusBadRequest, "POST", path, nil).text,
			"Cannot enable object versioning on a container configured as source of container syncing.")
		same(t, "no realm", o.with("X-Container-Sync-To", "//nowhere/cluster/a/c").want(t, http.StatusBadRequest, "POST", path, nil).text, "No realm key for 'nowhere'")
		o.headed(map[string]string{"X-Remove-Container-Sync-To": "x", "X-Remove-Container-Sync-Key": "x"}).want(t, http.StatusNoContent, "POST", path, nil)
		headers(t, o.want(t, http.StatusNoContent, "HEAD", path, nil), map[string]any{"X-Container-Sync-To": nil, "X-Container-Sync-Key": nil})
	})
	t.Run("objects over the quota are 413", func(t *testing.T) {
		same(t, "body", o.want(t, http.StatusRequestEntityTooLarge, "PUT", path+"/big", strings.Repeat("x", 2000)).text, "Upload exceeds quota.")
	})
	t.Run("public reading needs no token", func(t *testing.T) {
		o.with("X-Container-Read", ".r:*").want(t, http.StatusNoContent, "POST", path, nil)
		o.want(t, http.StatusCreated, "PUT", path+"/public", "hello")
		anonymous := o.with("X-Auth-Token", "")
		same(t, "content", anonymous.get(t, path+"/public").text, "hello")
		anonymous.want(t, http.StatusUnauthorized, "GET", path+"?format=json", nil)
		o.with("X-Remove-Container-Read", "x").want(t, http.StatusNoContent, "POST", path, nil)
		anonymous.want(t, http.StatusUnauthorized, "GET", path+"/public", nil)
	})
	t.Run("another project is 403", func(t *testing.T) {
		other := o.with("X-Auth-Token", c.as(t, "demo2").token)
		other.refuses(t, refusal{"refused", "PUT", path + "-x", nil, 403, "", "Access was denied to this resource."})
		other.want(t, http.StatusForbidden, "HEAD", o.base, nil)
	})
	t.Run("it is listed in the account", func(t *testing.T) {
		if !c.within(c.patience(), func() bool {
			return slices.Contains(o.names(t, "?format=json&prefix="+c.prefix), c.name("one"))
		}) {
			t.Error("never listed")
		}
	})
	t.Run("with objects it cannot be deleted", func(t *testing.T) {
		o.refuses(t, refusal{"refused", "DELETE", path, nil, 409, "", "There was a conflict when trying to complete your request."})
		o.want(t, http.StatusNoContent, "DELETE", path+"/public", nil)
		o.want(t, http.StatusNoContent, "DELETE", path, nil)
		o.refuses(t, refusal{"again is 404", "DELETE", path, nil, 404, "", "The resource could not be found."})
		o.want(t, http.StatusNotFound, "HEAD", path, nil)
	})
	t.Run("a name longer than 256 bytes is 400", func(t *testing.T) {
		same(t, "body", o.want(t, http.StatusBadRequest, "PUT", "/"+strings.Repeat("x", 257), nil).text, "Container name length of 257 longer than 256")
	})
	o.refuses(t,
		refusal{"an object in no container is 404", "PUT", path + "-none/object", "x", 404, "", "The resource could not be found."},
		refusal{"a list of no container is 404", "GET", path + "-none", nil, 404, "", "The resource could not be found."},
	)
}

func TestObject(t *testing.T) {
	c := open(t, simulator.Options{})
	o := c.login(t).objectStore(t)
	path := o.container(t, "box", nil)
	sum := md5.Sum([]byte("hello"))
	etag := hex.EncodeToString(sum[:])
	t.Run("an upload answers its MD5 sum", func(t *testing.T) {
		a := o.headed(map[string]string{"Content-Type": "text/plain", "X-Object-Meta-One": "1", "ETag": etag}).want(t, http.StatusCreated, "PUT", path+"/a/b", "hello")
		headers(t, a, map[string]any{"Etag": etag, "Last-Modified": someText})
	})
	t.Run("it is read back with its metadata", func(t *testing.T) {
		a := o.get(t, path+"/a/b")
		same(t, "content", a.text, "hello")
		headers(t, a, map[string]any{"Etag": etag, "Content-Type": "text/plain", "X-Object-Meta-One": "1", "Content-Length": "5", "Accept-Ranges": "bytes", "X-Timestamp": someText})
		b := o.with("Range", "bytes=1-2").want(t, http.StatusPartialContent, "GET", path+"/a/b", nil)
		same(t, "range", b.text, "el")
	})
	t.Run("a POST replaces all metadata but not the type", func(t *testing.T) {
		o.with("X-Object-Meta-Two", "2").want(t, http.StatusAccepted, "POST", path+"/a/b", nil)
		headers(t, o.want(t, http.StatusOK, "HEAD", path+"/a/b", nil), map[string]any{"X-Object-Meta-One": nil, "X-Object-Meta-Two": "2", "Content-Type": "text/plain"})
	})
	t.Run("X-Delete-After comes back as X-Delete-At", func(t *testing.T) {
		o.with("X-Delete-After", "1000").want(t, http.StatusCreated, "PUT", path+"/later", "x")
		a := o.want(t, http.StatusOK, "HEAD", path+"/later", nil)
		headers(t, a, map[string]any{"X-Delete-After": nil, "X-Delete-At": text("a time in seconds", `^\d{10}$`)})
		o.want(t, http.StatusAccepted, "POST", path+"/later", nil)
		headers(t, o.want(t, http.StatusOK, "HEAD", path+"/later", nil), map[string]any{"X-Delete-At": nil})
	})
	t.Run("a copy is made by the server", func(t *testing.T) {
		o.with("X-Copy-From", path+"/a/b").want(t, http.StatusCreated, "PUT", path+"/copy", nil)
		headers(t, o.want(t, http.StatusOK, "HEAD", path+"/copy", nil), map[string]any{"Etag": etag, "X-Object-Meta-Two": "2"})
	})
	t.Run("lists know prefix, delimiter, limit and marker", func(t *testing.T) {
		same(t, "all", o.names(t, path+"?format=json"), []string{"a/b", "copy", "later"})
		same(t, "prefix", o.names(t, path+"?format=json&prefix=co"), []string{"copy"})
		same(t, "delimiter", o.names(t, path+"?format=json&delimiter=/"), []string{"a/", "copy", "later"})
		same(t, "limit", o.names(t, path+"?format=json&limit=1"), []string{"a/b"})
		same(t, "marker", o.names(t, path+"?format=json&marker=a/b"), []string{"copy", "later"})
		is(t, "entry", o.objects(t, path+"?format=json")[0], obj{"name": "a/b", "bytes": 5, "hash": etag, "content_type": "text/plain", "last_modified": text("a time with microseconds", `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$`)})
		same(t, "plain text", o.with("Accept", "text/plain").get(t, path).text, "a/b\ncopy\nlater\n")
		headers(t, o.want(t, http.StatusNoContent, "HEAD", path, nil), map[string]any{"X-Container-Object-Count": "3"})
	})
	t.Run("segments are one object by their manifest", func(t *testing.T) {
		for _, part := range []string{"1", "2"} {
			o.want(t, http.StatusCreated, "PUT", path+"/parts/"+part, "part"+part)
		}
		manifest := list{obj{"path": path + "/parts/1", "size_bytes": 5}, obj{"path": path + "/parts/2"}}
		o.want(t, http.StatusCreated, "PUT", path+"/whole?multipart-manifest=put", manifest)
		a := o.get(t, path+"/whole")
		same(t, "content", a.text, "part1part2")
		headers(t, a, map[string]any{"X-Static-Large-Object": "True", "Content-Length": "10"})
		o.get(t, path+"/whole?multipart-manifest=get")
		o.want(t, http.StatusBadRequest, "PUT", path+"/bad?multipart-manifest=put", list{obj{"path": path + "/parts/none"}})
		o.want(t, http.StatusOK, "DELETE", path+"/whole?multipart-manifest=delete", nil)
		same(t, "left", o.names(t, path+"?format=json&prefix=parts"), []string{})
	})
	t.Run("a manifest has the hash of its segments' hashes, and keeps it", func(t *testing.T) {
		one, two := md5.Sum([]byte("aaaa")), md5.Sum([]byte("bb"))
		sum := md5.Sum([]byte(hex.EncodeToString(one[:]) + hex.EncodeToString(two[:])))
		joined := hex.EncodeToString(sum[:])
		o.want(t, http.StatusCreated, "PUT", path+"/parts/1", "aaaa")
		o.want(t, http.StatusCreated, "PUT", path+"/parts/2", "bb")
		manifest := list{obj{"path": path + "/parts/1", "etag": hex.EncodeToString(one[:])}, obj{"path": path + "/parts/2"}}
		o.with("ETag", "00000000000000000000000000000000").want(t, http.StatusUnprocessableEntity, "PUT", path+"/joined?multipart-manifest=put", manifest)
		o.with("ETag", joined).want(t, http.StatusCreated, "PUT", path+"/joined?multipart-manifest=put", manifest)
		o.with("X-Object-Meta-A", "1").want(t, http.StatusAccepted, "POST", path+"/joined", nil)
		headers(t, o.want(t, http.StatusOK, "HEAD", path+"/joined", nil), map[string]any{
			"Etag": `"` + joined + `"`, "X-Static-Large-Object": "True", "Content-Length": "6", "X-Object-Meta-A": "1",
		})
		kept := o.get(t, path+"/joined?multipart-manifest=get")
		is(t, "segment", kept.body.(list)[0], obj{"name": path + "/parts/1", "bytes": 4, "hash": hex.EncodeToString(one[:])})
		o.with("X-Copy-From", path+"/joined").want(t, http.StatusCreated, "PUT", path+"/flat", nil)
		headers(t, o.want(t, http.StatusOK, "HEAD", path+"/flat", nil), map[string]any{"X-Static-Large-Object": nil, "Content-Length": "6"})
		o.want(t, http.StatusNoContent, "DELETE", path+"/joined", nil)
		same(t, "segments stay", o.names(t, path+"?format=json&prefix=parts"), []string{"parts/1", "parts/2"})
		for _, name := range []string{"/parts/1", "/parts/2", "/flat"} {
			o.want(t, http.StatusNoContent, "DELETE", path+name, nil)
		}
	})
	t.Run("what browsers are told is kept, and gone after a POST", func(t *testing.T) {
		told := map[string]string{"Cache-Control": "max-age=60", "Content-Encoding": "br", "Content-Disposition": "inline", "Content-Language": "de"}
		want, gone := map[string]any{}, map[string]any{}
		for name, text := range told {
			want[name], gone[name] = text, nil
		}
		o.headed(told).want(t, http.StatusCreated, "PUT", path+"/told", "x")
		headers(t, o.want(t, http.StatusOK, "HEAD", path+"/told", nil), want)
		t.Run("a fresh copy has nothing of it but the type", func(t *testing.T) {
			o.headed(map[string]string{"X-Copy-From": path + "/told", "X-Fresh-Metadata": "true"}).want(t, http.StatusCreated, "PUT", path+"/fresh", nil)
			headers(t, o.want(t, http.StatusOK, "HEAD", path+"/fresh", nil), gone)
		})
		o.want(t, http.StatusAccepted, "POST", path+"/told", nil)
		headers(t, o.want(t, http.StatusOK, "HEAD", path+"/told", nil), gone)
		o.want(t, http.StatusNoContent, "DELETE", path+"/told", nil)
		o.want(t, http.StatusNoContent, "DELETE", path+"/fresh", nil)
	})
	t.Run("bulk delete counts what it found", func(t *testing.T) {
		a := o.with("Content-Type", "text/plain").want(t, http.StatusOK, "POST", "?bulk-delete", path+"/copy\n"+path+"/none\n")
		is(t, "answer", a.body, obj{"Number Deleted": 1, "Number Not Found": 1, "Errors": list{}, "Response Status": "200 OK", "Response Body": ""})
	})
	o.with("ETag", "00000000000000000000000000000000").refuses(t,
		refusal{"a wrong sum is 422", "PUT", path + "/x", "hello", 422, "", "Unable to process the contained instructions"})
	o.with("If-None-Match", "*").refuses(t,
		refusal{"If-None-Match: * refuses to replace: 412", "PUT", path + "/a/b", "x", 412, "", "A precondition for this request was not met."})
	o.refuses(t,
		refusal{"an unknown object is 404", "GET", path + "/none", nil, 404, "", "The resource could not be found."},
		refusal{"deleting an unknown object is 404", "DELETE", path + "/none", nil, 404, "", "The resource could not be found."},
	)
	t.Run("a temporary URL is a signature and an end", func(t *testing.T) {
		o.with("X-Container-Meta-Temp-Url-Key", "secret").want(t, http.StatusNoContent, "POST", path, nil)
		_, account, _ := strings.Cut(o.base, "/v1/")
		signed := func(object string, end time.Time) string {
			mac := hmac.New(sha256.New, []byte("secret"))
			mac.Write(fmt.Appendf(nil, "GET\n%d\n/v1/%s%s", end.Unix(), account, object))
			return object + "?temp_url_sig=" + hex.EncodeToString(mac.Sum(nil)) + "&temp_url_expires=" + strconv.FormatInt(end.Unix(), 10)
		}
		anonymous := o.with("X-Auth-Token", "")
		a := anonymous.get(t, signed(path+"/a/b", time.Now().Add(time.Hour)))
		same(t, "content", a.text, "hello")
		headers(t, a, map[string]any{"Content-Disposition": containing(`attachment; filename="b"`)})
		anonymous.want(t, http.StatusUnauthorized, "GET", signed(path+"/a/b", time.Now().Add(-time.Hour)), nil)
		end := time.Now().Add(time.Hour)
		for network, status := range map[string]int{"0.0.0.0/0": http.StatusOK, "192.0.2.0/24": http.StatusUnauthorized, "127.0.0.1/8": http.StatusUnauthorized} {
			mac := hmac.New(sha256.New, []byte("secret"))
			mac.Write(fmt.Appendf(nil, "ip=%s\nGET\n%d\n/v1/%s%s", network, end.Unix(), account, path+"/a/b"))
			query := url.Values{"temp_url_sig": {hex.EncodeToString(mac.Sum(nil))}, "temp_url_expires": {strconv.FormatInt(end.Unix(), 10)}, "temp_url_ip_range": {network}}
			anonymous.want(t, status, "GET", path+"/a/b?"+query.Encode(), nil)
		}
		headers(t, anonymous.get(t, signed(path+"/a/b", end)+"&inline"), map[string]any{"Content-Disposition": "inline"})
		headers(t, anonymous.get(t, signed(path+"/a/b", end)+"&filename=c.txt"), map[string]any{"Content-Disposition": containing(`attachment; filename="c.txt"`)})
		anonymous.want(t, http.StatusUnauthorized, "GET", strings.Replace(signed(path+"/a/b", time.Now().Add(time.Hour)), "sig=", "sig=00", 1), nil)
	})
}

func TestObjectVersions(t *testing.T) {
	c := open(t, simulator.Options{})
	o := c.login(t).objectStore(t)
	path := o.container(t, "versions", map[string]string{"X-Versions-Enabled": "true"})
	headers(t, o.want(t, http.StatusNoContent, "HEAD", path, nil), map[string]any{"X-Versions-Enabled": "True"})
	headers(t, o.want(t, http.StatusCreated, "PUT", path+"/o", "1"), map[string]any{"X-Object-Version-Id": someText})
	o.want(t, http.StatusCreated, "PUT", path+"/o", "22")
	t.Run("versions are listed, the newest first", func(t *testing.T) {
		versions := o.objects(t, path+"?format=json&versions=true")
		same(t, "number", len(versions), 2)
		is(t, "newest", versions[0], obj{"name": "o", "is_latest": true, "bytes": 2, "version_id": someText})
		is(t, "older", versions[1], obj{"is_latest": false, "bytes": 1})
	})
	t.Run("deleting leaves a marker, and the container cannot go", func(t *testing.T) {
		o.want(t, http.StatusNoContent, "DELETE", path+"/o", nil)
		o.want(t, http.StatusNotFound, "GET", path+"/o", nil)
		same(t, "number", len(o.objects(t, path+"?format=json&versions=true")), 3)
		a := o.want(t, http.StatusConflict, "DELETE", path, nil)
		same(t, "message", plain(a.text), containing("Delete all versions before deleting container."))
	})
	t.Run("versions and the older way exclude each other", func(t *testing.T) {
		older := o.container(t, "older", map[string]string{"X-Versions-Location": c.name("archive")})
		o.with("X-Versions-Enabled", "true").want(t, http.StatusBadRequest, "POST", older, nil)
	})
}

func TestAccount(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	o := s.objectStore(t)
	o.container(t, "first", nil) // makes the account, on a cloud where nobody did before
	t.Run("an account counts and knows policies", func(t *testing.T) {
		headers(t, o.want(t, http.StatusNoContent, "HEAD", "", nil), map[string]any{"X-Account-Container-Count": someText, "X-Account-Bytes-Used": someText, "X-Account-Object-Count": someText})
	})
	t.Run("info tells limits to everybody", func(t *testing.T) {
		base, _, _ := strings.Cut(o.base, "/v1/")
		a := o.with("X-Auth-Token", "").get(t, base+"/info")
		is(t, "swift", a.at("swift"), obj{"max_file_size": aNumber, "container_listing_limit": aNumber, "max_container_name_length": 256, "policies": aList})
		is(t, "info", a.body, obj{"slo": present, "bulk_delete": present, "tempurl": present})
	})
	t.Run("a reader is refused", func(t *testing.T) {
		c.as(t, "demo-reader").objectStore(t).refuses(t, refusal{"refused", "GET", "", nil, 403, "", "Access was denied to this resource."})
	})
}
