package keymanager

import (
	"encoding/base64"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

func encodeBase64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// payload is what the write-only arguments say, as Barbican will keep it; nil when there is none or it is not known yet.
func (m *secretModel) payload() (*payload, error) {
	switch {
	case value.Known(m.Payload):
		text := strings.TrimSpace(m.Payload.ValueString())
		return checked(path.Root("payload"), payload{textPlain, []byte(text)})
	case value.Known(m.PayloadBase64):
		// Base64 tools break lines.
		text := strings.Join(strings.Fields(m.PayloadBase64.ValueString()), "")
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, lifecycle.Invalid(path.Root("payload_base64"), "it must be base64, as base64encode() and filebase64() make it: %w", err)
		}
		return checked(path.Root("payload_base64"), payload{octetStream, decoded})
	}
	return nil, nil //nolint:nilnil // that there is none is an answer
}

func checked(at path.Path, content payload) (*payload, error) {
	switch size := len(content.bytes); {
	case size == 0:
		return nil, lifecycle.Invalid(at, "it must not be empty; leave it out to make a secret that gets its payload later")
	case size > maxPayload:
		return nil, lifecycle.Invalid(at, "it has %d bytes, and the key manager takes %d: keep something large in object storage, and here the key that it is encrypted with", size, maxPayload)
	}
	return &content, nil
}

// contentType is the content type that the payload will have; unknown while it is open whether there is one.
func (m *secretModel) contentType() types.String {
	switch {
	case value.Known(m.Payload):
		return types.StringValue(textPlain)
	case value.Known(m.PayloadBase64):
		return types.StringValue(octetStream)
	case m.Payload.IsUnknown() || m.PayloadBase64.IsUnknown():
		return types.StringUnknown()
	}
	return types.StringNull()
}
