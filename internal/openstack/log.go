package openstack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
)

const (
	masked = "***"
	// loggedBody is the longest body that is logged; longer ones only by their length.
	loggedBody = 1 << 20
)

// logged sends one request over the wire, counts it and writes its line to the log.
type logged struct{ *transport }

// RoundTrip implements http.RoundTripper.
func (l logged) RoundTrip(req *http.Request) (*http.Response, error) {
	l.count.Add(1)
	ctx := req.Context()
	fields := map[string]any{"method": req.Method, "url": redactURL(req.URL)}
	if l.logBodies {
		details := map[string]any{"method": req.Method, "url": redactURL(req.URL), "headers": redactHeaders(req.Header)}
		if req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, fmt.Errorf("read the request's body: %w", err)
			}
			text, err := io.ReadAll(body)
			if err != nil {
				return nil, fmt.Errorf("read the request's body: %w", err)
			}
			details["body"] = redactBody(req.Header.Get("Content-Type"), text)
		}
		tflog.Trace(ctx, "OpenStack request", details)
	}
	if makes(req) {
		req = req.WithContext(outliving(ctx))
	}
	begin := time.Now()
	resp, err := l.inner.RoundTrip(req)
	fields["duration_ms"] = time.Since(begin).Milliseconds()
	if err != nil {
		fields["error"] = err.Error()
		tflog.Debug(ctx, "OpenStack request failed", fields)
		return nil, err
	}
	fields["status"] = resp.StatusCode
	if id := requestID(resp.Header); id != "" {
		fields["request_id"] = id
	}
	tflog.Debug(ctx, "OpenStack response", fields)
	if l.logBodies {
		details := map[string]any{"status": resp.StatusCode, "url": redactURL(req.URL), "headers": redactHeaders(resp.Header)}
		if isJSON(resp.Header.Get("Content-Type")) && resp.ContentLength <= loggedBody {
			text, err := io.ReadAll(resp.Body)
			if closeErr := resp.Body.Close(); err == nil {
				err = closeErr
			}
			if err != nil {
				return nil, fmt.Errorf("read the response: %w", err)
			}
			resp.Body = io.NopCloser(bytes.NewReader(text))
			details["body"] = redactBody(resp.Header.Get("Content-Type"), text)
		}
		tflog.Trace(ctx, "OpenStack response", details)
	}
	return resp, nil
}

func isJSON(contentType string) bool {
	return strings.Contains(contentType, "json")
}

// redactURL hides what signs a temporary URL or carries a credential.
func redactURL(u *url.URL) string {
	query := u.Query()
	hidden := false
	for key := range query {
		if secretName(strings.ReplaceAll(key, "-", "_")) || strings.HasSuffix(key, "_sig") || strings.EqualFold(key, "signature") || strings.EqualFold(key, "token") {
			query.Set(key, masked)
			hidden = true
		}
	}
	shown := *u
	if hidden {
		shown.RawQuery = query.Encode()
	}
	return shown.Redacted()
}

func redactHeaders(header http.Header) map[string]string {
	out := make(map[string]string, len(header))
	for name, values := range header {
		lower := strings.ToLower(name)
		switch {
		case strings.Contains(lower, "token"), strings.Contains(lower, "authorization"), strings.Contains(lower, "cookie"),
			strings.Contains(lower, "temp-url-key"), strings.Contains(lower, "secret"), strings.Contains(lower, "-sync-key"):
			out[name] = masked
		default:
			out[name] = strings.Join(values, ", ")
		}
	}
	return out
}

// redactBody shows JSON without its secrets. Anything else may itself be a secret (a Barbican payload, an object's
// content) and is not shown.
func redactBody(contentType string, body []byte) string {
	if len(body) == 0 {
		return ""
	}
	var value any
	if !isJSON(contentType) || len(body) > loggedBody || json.Unmarshal(body, &value) != nil {
		return fmt.Sprintf("(%d bytes)", len(body))
	}
	shown, err := json.Marshal(redactValue(value))
	if err != nil {
		return fmt.Sprintf("(%d bytes)", len(body))
	}
	return string(shown)
}

func redactValue(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			lower := strings.ToLower(key)
			if text, ok := inner.(string); ok && text != "" && secretName(lower) {
				value[key] = masked
				continue
			}
			// {"token": {"id": …}} is how a token proves who one is; the token that comes back is in a header.
			if token, ok := inner.(map[string]any); ok && lower == "token" {
				if _, ok := token["id"]; ok {
					token["id"] = masked
				}
			}
			value[key] = redactValue(inner)
		}
		return value
	case []any:
		for i := range value {
			value[i] = redactValue(value[i])
		}
		return value
	default:
		return value
	}
}

// secretName tells whether a key's text is a secret. References to secrets are none.
func secretName(key string) bool {
	switch key {
	case "user_data", "payload", "blob", "token", "contents", "content", "passcode", "private_key", "kubeconfig":
		return true
	}
	if strings.HasSuffix(key, "_ref") || strings.HasSuffix(key, "_id") || strings.HasSuffix(key, "_type") ||
		strings.HasSuffix(key, "_expires_at") || strings.HasSuffix(key, "_href") {
		return false
	}
	return strings.Contains(key, "password") || strings.Contains(key, "adminpass") || strings.Contains(key, "secret") ||
		strings.Contains(key, "passphrase") || strings.Contains(key, "private_key")
}
