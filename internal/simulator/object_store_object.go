package simulator

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// swiftKept are the headers beside the metadata that Swift keeps with an object.
var swiftKept = []string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires", "X-Object-Manifest"}

func swiftMD5(data []byte) string {
	sum := md5.Sum(data)
	return hex.EncodeToString(sum[:])
}

func (o *swiftObject) size() int64 {
	if o.Segments == nil {
		return int64(len(o.Data))
	}
	total := int64(0)
	for _, segment := range o.Segments {
		total += segment.Bytes
	}
	return total
}

// hash is what listings show.
func (o *swiftObject) hash() string { return strings.Trim(o.ETag, `"`) }

func (c *swiftCall) serveObject(account *swiftAccount) {
	container, ok := account.Containers[c.container]
	if !ok {
		c.status(http.StatusNotFound)
		return
	}
	if len(c.object) > swiftMaxObject && c.r.Method == http.MethodPut {
		c.fail(http.StatusBadRequest, fmt.Sprintf("Object name length of %d longer than %d", len(c.object), swiftMaxObject))
		return
	}
	version := c.r.URL.Query().Get("version-id")
	object := container.find(c.object, version)
	if object != nil && object.expired() {
		object = nil
	}
	switch c.r.Method {
	case http.MethodPut:
		c.putObject(account, container, object)
	case http.MethodDelete:
		c.deleteObject(account, container, object, version)
	case "COPY":
		c.copyObject(account, object)
	case http.MethodGet, http.MethodHead, http.MethodPost:
		if object == nil || object.Marker {
			c.status(http.StatusNotFound)
			return
		}
		if c.r.Method == http.MethodPost {
			c.postObject(object)
			return
		}
		c.getObject(account, object)
	default:
		c.status(http.StatusMethodNotAllowed)
	}
}

func (c *swiftCall) putObject(account *swiftAccount, container *swiftContainer, old *swiftObject) {
	header := c.r.Header
	if match := header.Get("If-None-Match"); match != "" {
		if match != "*" {
			c.fail(http.StatusBadRequest, "If-None-Match only supports *")
			return
		}
		if old != nil {
			c.status(http.StatusPreconditionFailed)
			return
		}
	}
	deleteAt, message := swiftDeleteAt(header)
	if message == "" {
		message = swiftCheckMetadata(header, "X-Object-Meta-")
	}
	if message != "" {
		c.fail(http.StatusBadRequest, message)
		return
	}
	object := &swiftObject{
		Data: c.body, ETag: swiftMD5(c.body), ContentType: header.Get("Content-Type"),
		Modified: swiftNow(), Headers: swiftObjectHeaders(header), DeleteAt: deleteAt,
	}
	if from := header.Get("X-Copy-From"); from != "" {
		source := c.copySource(account, from)
		if source == nil {
			c.status(http.StatusNotFound)
			return
		}
		object.takeFrom(account, source, header)
	}
	if object.ContentType == "" {
		// Debian's and most others' tables of types agree on the common ones.
		object.ContentType, _, _ = strings.Cut(mime.TypeByExtension(path.Ext(c.object)), ";")
	}
	if object.ContentType == "" {
		object.ContentType = "application/octet-stream"
	}
	if c.r.URL.Query().Get("multipart-manifest") == "put" {
		if message := object.becomeManifest(account, c.body); message != "" {
			c.w.Header().Set("Content-Type", "text/plain")
			c.w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(c.w, message)
			return
		}
	}
	if etag := strings.Trim(header.Get("Etag"), `"`); etag != "" && etag != object.hash() {
		c.status(http.StatusUnprocessableEntity)
		return
	}
	if !container.fits(object, old) {
		c.fail(http.StatusRequestEntityTooLarge, "Upload exceeds quota.")
		return
	}
	c.store(container, c.object, object)
	c.w.Header().Set("Etag", object.ETag)
	c.w.Header().Set("Last-Modified", swiftDate(object.Modified))
	c.status(http.StatusCreated)
}

// store makes the object the current one and keeps the old one when the container is versioned.
func (c *swiftCall) store(container *swiftContainer, name string, object *swiftObject) {
	if container.Versioned == "True" {
		container.archive(name)
		object.VersionID = swiftStamp(object.Modified)
		c.w.Header().Set("X-Object-Version-Id", object.VersionID)
	}
	container.Objects[name] = object
	container.Modified = object.Modified
}

// fits says whether the container's quotas have room for the object in place of the old one.
func (c *swiftContainer) fits(object, old *swiftObject) bool {
	count, size := c.usage()
	if old != nil {
		count--
		size -= old.size()
	}
	if quota, err := strconv.ParseInt(c.Headers["X-Container-Meta-Quota-Bytes"], 10, 64); err == nil && size+object.size() > quota {
		return false
	}
	quota, err := strconv.Atoi(c.Headers["X-Container-Meta-Quota-Count"])
	return err != nil || count+1 <= quota
}

func swiftObjectHeaders(header http.Header) map[string]string {
	kept := map[string]string{}
	swiftUpdateHeaders(kept, header, "X-Object-Meta-", swiftKept)
	return kept
}

// swiftDeleteAt is when an object expires, and what is wrong with what was asked.
func swiftDeleteAt(header http.Header) (at int64, message string) {
	if after := header.Get("X-Delete-After"); after != "" {
		seconds, err := strconv.ParseInt(after, 10, 64)
		switch {
		case err != nil:
			return 0, "Non-integer X-Delete-After"
		case seconds <= 0:
			return 0, "X-Delete-After in past"
		}
		return time.Now().Unix() + seconds, ""
	}
	if text := header.Get("X-Delete-At"); text != "" {
		at, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil:
			return 0, "Non-integer X-Delete-At"
		case at <= time.Now().Unix():
			return 0, "X-Delete-At in past"
		}
		return at, ""
	}
	return 0, ""
}

// postObject replaces all metadata; only the content type stays when none is sent.
func (c *swiftCall) postObject(object *swiftObject) {
	deleteAt, message := swiftDeleteAt(c.r.Header)
	if message == "" {
		message = swiftCheckMetadata(c.r.Header, "X-Object-Meta-")
	}
	if message != "" {
		c.fail(http.StatusBadRequest, message)
		return
	}
	object.Headers, object.DeleteAt = swiftObjectHeaders(c.r.Header), deleteAt
	object.Modified = swiftNow()
	if kind := c.r.Header.Get("Content-Type"); kind != "" {
		object.ContentType = kind
	}
	c.status(http.StatusAccepted)
}

func (c *swiftCall) deleteObject(account *swiftAccount, container *swiftContainer, object *swiftObject, version string) {
	switch {
	case version != "":
		if object == nil {
			c.status(http.StatusNotFound)
			return
		}
		container.forget(c.object, version)
		current := "null"
		if now, ok := container.Objects[c.object]; ok {
			current = now.version()
		}
		c.w.Header().Set("X-Object-Version-Id", version)
		c.w.Header().Set("X-Object-Current-Version-Id", current)
		c.status(http.StatusNoContent)
	case object != nil && object.Segments != nil && c.r.URL.Query().Get("multipart-manifest") == "delete":
		names := []string{}
		for _, segment := range object.Segments {
			names = append(names, strings.TrimPrefix(segment.Name, "/"))
		}
		c.answerBulk(c.deleteNames(account, append(names, c.container+"/"+c.object)))
	default:
		if c.remove(container, c.object, object) {
			c.status(http.StatusNoContent)
		} else {
			c.status(http.StatusNotFound)
		}
	}
}

// remove deletes the current object. A versioned container keeps it and a marker of its deletion,
// and a marker also when there was nothing to delete.
func (c *swiftCall) remove(container *swiftContainer, name string, object *swiftObject) bool {
	if container.Versioned == "True" {
		container.archive(name)
		marker := &swiftObject{Modified: swiftNow(), ETag: swiftMD5(nil), ContentType: "application/x-deleted;swift_versions_deleted=1", Marker: true}
		marker.VersionID = swiftStamp(marker.Modified)
		if container.Versions == nil {
			container.Versions = map[string][]*swiftObject{}
		}
		container.Versions[name] = append(container.Versions[name], marker)
		c.w.Header().Set("X-Object-Version-Id", marker.VersionID)
	} else {
		delete(container.Objects, name)
	}
	container.Modified = swiftNow()
	return object != nil
}

func (c *swiftCall) getObject(account *swiftAccount, object *swiftObject) {
	header := c.w.Header()
	header.Set("Content-Type", object.ContentType)
	header.Set("Etag", object.ETag)
	header.Set("Last-Modified", swiftDate(object.Modified))
	header.Set("X-Timestamp", swiftStamp(object.Modified))
	header.Set("Accept-Ranges", "bytes")
	if object.DeleteAt != 0 {
		header.Set("X-Delete-At", strconv.FormatInt(object.DeleteAt, 10))
	}
	if object.VersionID != "" {
		header.Set("X-Object-Version-Id", object.VersionID)
	}
	for name, value := range object.Headers {
		header.Set(name, value)
	}
	if c.caller.signed {
		header.Set("Content-Disposition", c.disposition(header.Get("Content-Disposition")))
	}
	data := object.Data
	if object.Segments != nil {
		header.Set("X-Static-Large-Object", "True")
		if c.r.URL.Query().Get("multipart-manifest") == "get" {
			header.Set("Content-Type", "application/json; charset=utf-8")
			header.Set("Etag", swiftMD5(object.manifest()))
			c.w.WriteHeader(http.StatusOK)
			_, _ = c.w.Write(object.manifest())
			return
		}
		header.Set("X-Manifest-Etag", swiftMD5(object.manifest()))
		var missing bool
		if data, missing = object.join(account); missing {
			c.status(http.StatusConflict)
			return
		}
	} else if prefix := object.Headers["X-Object-Manifest"]; prefix != "" {
		data = swiftJoinPrefix(account, prefix)
	}
	etag := object.hash()
	switch match := strings.Trim(c.r.Header.Get("If-Match"), `"`); match {
	case "", "*", etag:
	default:
		c.w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	if match := strings.Trim(c.r.Header.Get("If-None-Match"), `"`); match == etag || match == "*" {
		c.w.WriteHeader(http.StatusNotModified)
		return
	}
	status := http.StatusOK
	if text := c.r.Header.Get("Range"); text != "" {
		first, last, ok := swiftRange(text, len(data))
		if !ok {
			header.Set("Content-Range", fmt.Sprintf("bytes */%d", len(data)))
			c.status(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(data)))
		data, status = data[first:last+1], http.StatusPartialContent
	}
	header.Set("Content-Length", strconv.Itoa(len(data)))
	c.w.WriteHeader(status)
	if c.r.Method == http.MethodGet {
		// A client that went away is its own fault.
		_, _ = c.w.Write(data)
	}
}

// swiftRange reads one range, such as bytes=2-5, bytes=2- or bytes=-3.
func swiftRange(text string, size int) (first, last int, ok bool) {
	from, to, ok := strings.Cut(strings.TrimPrefix(text, "bytes="), "-")
	if !ok {
		return 0, 0, false
	}
	if from == "" {
		n, err := strconv.Atoi(to)
		return max(0, size-n), size - 1, err == nil && n > 0 && size > 0
	}
	first, err := strconv.Atoi(from)
	if err != nil || first >= size {
		return 0, 0, false
	}
	if to == "" {
		return first, size - 1, true
	}
	last, err = strconv.Atoi(to)
	return first, min(last, size-1), err == nil && last >= first
}

func (c *swiftCall) copySource(account *swiftAccount, from string) *swiftObject {
	if plain, err := url.PathUnescape(from); err == nil {
		from = plain
	}
	container, name, _ := strings.Cut(strings.TrimPrefix(from, "/"), "/")
	source, ok := account.Containers[container]
	if !ok {
		return nil
	}
	c.w.Header().Set("X-Copied-From", container+"/"+name)
	c.w.Header().Set("X-Copied-From-Account", c.account)
	return source.find(name, "")
}

// takeFrom makes the object a copy of another, with its own metadata on top, or alone where that is asked for.
func (o *swiftObject) takeFrom(account *swiftAccount, source *swiftObject, asked http.Header) {
	if !swiftTrue(asked.Get("X-Fresh-Metadata")) {
		headers := maps.Clone(source.Headers)
		maps.Copy(headers, o.Headers)
		o.Headers = headers
		if o.DeleteAt == 0 {
			o.DeleteAt = source.DeleteAt
		}
	}
	if asked.Get("Content-Type") == "" {
		o.ContentType = source.ContentType
	}
	o.Data, o.ETag = source.Data, source.ETag
	if source.Segments != nil { // a copy of segments is an object in one piece
		o.Data, _ = source.join(account)
		o.ETag = swiftMD5(o.Data)
	}
}

// copyObject answers COPY, which is a PUT of the destination.
func (c *swiftCall) copyObject(account *swiftAccount, source *swiftObject) {
	if source == nil {
		c.status(http.StatusNotFound)
		return
	}
	name, target, ok := strings.Cut(strings.TrimPrefix(c.r.Header.Get("Destination"), "/"), "/")
	container, exists := account.Containers[name]
	if !ok || !exists {
		c.status(http.StatusNotFound)
		return
	}
	object := &swiftObject{Modified: swiftNow(), Headers: swiftObjectHeaders(c.r.Header)}
	object.takeFrom(account, source, c.r.Header)
	c.store(container, target, object)
	c.w.Header().Set("X-Copied-From", c.container+"/"+c.object)
	c.w.Header().Set("Etag", object.ETag)
	c.status(http.StatusCreated)
}
