package simulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// swiftSegment is one part of a static large object.
type swiftSegment struct {
	Name        string `json:"name"`
	Bytes       int64  `json:"bytes"`
	Hash        string `json:"hash"`
	ContentType string `json:"content_type"`
	Modified    string `json:"last_modified"`
}

// manifest is the list of segments as Swift keeps it.
func (o *swiftObject) manifest() []byte {
	text, err := json.Marshal(o.Segments)
	if err != nil {
		// Strings and numbers always have a JSON form.
		panic(err)
	}
	return text
}

// becomeManifest makes the object a static large object of the segments that the body names, or says
// what is wrong with them.
func (o *swiftObject) becomeManifest(account *swiftAccount, body []byte) string {
	var parts []struct {
		Path      string `json:"path"`
		ETag      string `json:"etag"`
		SizeBytes *int64 `json:"size_bytes"`
	}
	if err := json.Unmarshal(body, &parts); err != nil || len(parts) == 0 {
		return "Manifest must be valid JSON.\n"
	}
	problems, hashes := "", strings.Builder{}
	segments := []swiftSegment{}
	for _, part := range parts {
		name, object, _ := strings.Cut(strings.TrimPrefix(part.Path, "/"), "/")
		container := account.Containers[name]
		if container == nil || container.find(object, "") == nil {
			problems += "\n" + part.Path + ", 404 Not Found"
			continue
		}
		segment := container.find(object, "")
		switch {
		case part.ETag != "" && part.ETag != segment.hash():
			problems += "\n" + part.Path + ", Etag Mismatch"
		case part.SizeBytes != nil && *part.SizeBytes != segment.size():
			problems += "\n" + part.Path + ", Size Mismatch"
		}
		hashes.WriteString(segment.hash())
		segments = append(segments, swiftSegment{
			Name: "/" + name + "/" + object, Bytes: segment.size(), Hash: segment.hash(),
			ContentType: segment.ContentType, Modified: swiftISO(segment.Modified),
		})
	}
	if problems != "" {
		return "Errors:" + problems + "\n"
	}
	o.Data, o.Segments = nil, segments
	o.ETag = `"` + swiftMD5([]byte(hashes.String())) + `"`
	return ""
}

// join is the content of a static large object; missing says that a segment is gone or changed.
func (o *swiftObject) join(account *swiftAccount) (data []byte, missing bool) {
	for _, segment := range o.Segments {
		name, object, _ := strings.Cut(strings.TrimPrefix(segment.Name, "/"), "/")
		container := account.Containers[name]
		if container == nil {
			return nil, true
		}
		part := container.find(object, "")
		if part == nil || part.hash() != segment.Hash {
			return nil, true
		}
		data = append(data, part.Data...)
	}
	return data, false
}

// swiftJoinPrefix is the content of a dynamic large object: every object below the prefix.
func swiftJoinPrefix(account *swiftAccount, manifest string) []byte {
	name, prefix, _ := strings.Cut(manifest, "/")
	container := account.Containers[name]
	if container == nil {
		return nil
	}
	data := []byte{}
	for _, object := range slices.Sorted(maps.Keys(container.Objects)) {
		if strings.HasPrefix(object, prefix) {
			data = append(data, container.Objects[object].Data...)
		}
	}
	return data
}

// swiftBulk is the answer to a bulk request, which has the status 200 whatever happened.
type swiftBulk struct {
	Status   string     `json:"Response Status"`
	Body     string     `json:"Response Body"`
	Deleted  int        `json:"Number Deleted"`
	NotFound int        `json:"Number Not Found"`
	Errors   [][]string `json:"Errors"`
}

// bulkDelete deletes the objects and empty containers that the body names, one a line.
func (c *swiftCall) bulkDelete(account *swiftAccount) {
	if kind := c.r.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
		c.answerBulk(swiftBulk{Status: "406 Not Acceptable", Errors: [][]string{}})
		return
	}
	names := []string{}
	for line := range strings.Lines(string(c.body)) {
		name, err := url.PathUnescape(strings.TrimPrefix(strings.TrimSpace(line), "/"))
		if err == nil && name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		c.answerBulk(swiftBulk{Status: "400 Bad Request", Body: "Invalid bulk delete.", Errors: [][]string{}})
		return
	}
	c.answerBulk(c.deleteNames(account, names))
}

// deleteNames deletes container/object and container names.
func (c *swiftCall) deleteNames(account *swiftAccount, names []string) swiftBulk {
	bulk := swiftBulk{Status: "200 OK", Errors: [][]string{}}
	for _, full := range names {
		container, name, isObject := strings.Cut(full, "/")
		target, ok := account.Containers[container]
		switch {
		case !ok:
			bulk.NotFound++
		case isObject && name != "":
			if c.remove(target, name, target.find(name, "")) {
				bulk.Deleted++
			} else {
				bulk.NotFound++
			}
		case len(target.Objects)+len(target.Versions) > 0:
			bulk.Status = "400 Bad Request"
			bulk.Errors = append(bulk.Errors, []string{full, "409 Conflict"})
		default:
			delete(account.Containers, container)
			bulk.Deleted++
		}
	}
	return bulk
}

func (c *swiftCall) answerBulk(bulk swiftBulk) {
	if strings.Contains(c.r.Header.Get("Accept"), "application/json") {
		writeJSON(c.w, bulk)
		return
	}
	c.w.Header().Set("Content-Type", "text/plain")
	c.w.WriteHeader(http.StatusOK)
	_, _ = fmt.Fprintf(c.w, "Number Deleted: %d\nNumber Not Found: %d\nResponse Body: %s\nResponse Status: %s\nErrors:\n", bulk.Deleted, bulk.NotFound, bulk.Body, bulk.Status)
	for _, problem := range bulk.Errors {
		_, _ = fmt.Fprintln(c.w, strings.Join(problem, ", "))
	}
}
