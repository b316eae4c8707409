package objectstorage

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

const (
	objectMetaPrefix = "X-Object-Meta-"
	deleteAtHeader   = "X-Delete-At"
)

// headers are all that describes the object.
func (m *objectModel) headers() map[string]string {
	headers := m.expiry()
	for name, v := range map[string]types.String{
		"Content-Type": m.ContentType, "Content-Encoding": m.ContentEncoding, "Content-Disposition": m.ContentDisposition, "Cache-Control": m.CacheControl,
	} {
		if value.Known(v) {
			headers[name] = v.ValueString()
		}
	}
	for key, v := range value.StringMap(m.Metadata) {
		headers[http.CanonicalHeaderKey(objectMetaPrefix+key)] = v
	}
	return headers
}

// expiry is when the object ends.
func (m *objectModel) expiry() map[string]string {
	headers := map[string]string{}
	if at, err := time.Parse(time.RFC3339, m.DeleteAt.ValueString()); err == nil {
		headers[deleteAtHeader] = strconv.FormatInt(at.Unix(), 10)
	}
	return headers
}

func etagOf(headers http.Header) string { return strings.Trim(headers.Get("Etag"), `"`) }

// flatten reads an object. What its content is from is known only to who sent it, and no more when something else has sent another since.
func (m *objectModel) flatten(headers http.Header) error {
	etag := etagOf(headers)
	if value.Known(m.ETag) && m.ETag.ValueString() != etag {
		m.ContentWOVersion = types.Int64Null()
		if !m.CopyFrom.IsNull() {
			m.CopyFrom = types.ObjectNull(copyTypes())
		}
	}
	size, err := strconv.ParseInt(headers.Get("Content-Length"), 10, 64)
	if err != nil {
		return fmt.Errorf("read the size of object %q: %w", m.Name.ValueString(), err)
	}
	m.ETag, m.Size = types.StringValue(etag), types.Int64Value(size)
	m.Segmented = types.BoolValue(strings.EqualFold(headers.Get("X-Static-Large-Object"), "true"))
	m.ContentType = value.StringOrNull(headers.Get("Content-Type"))
	m.ContentEncoding = value.StringOrNull(headers.Get("Content-Encoding"))
	m.ContentDisposition = value.StringOrNull(headers.Get("Content-Disposition"))
	m.CacheControl = value.StringOrNull(headers.Get("Cache-Control"))
	m.Metadata = value.Map(metadataOf(headers, objectMetaPrefix, m.Metadata, nil))
	return m.flattenExpiry(headers.Get(deleteAtHeader))
}

func (m *objectModel) flattenExpiry(header string) error {
	if header == "" {
		m.DeleteAt = types.StringNull()
		return nil
	}
	seconds, err := strconv.ParseInt(header, 10, 64)
	if err != nil {
		return fmt.Errorf("read when object %q is to be deleted: %w", m.Name.ValueString(), err)
	}
	at := types.StringValue(time.Unix(seconds, 0).UTC().Format(time.RFC3339))
	if !sameTime(at, m.DeleteAt) { // else it stays as it was written, in whatever zone
		m.DeleteAt = at
	}
	return nil
}
