package openstack

import (
	"encoding/json"
	"errors"
	"html"
	"net/http"
	"regexp"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
)

// Fault is an API's refusal, in the API's own words.
type Fault struct {
	Status    int
	Kind      string // what the API calls it: "OverQuota", "itemNotFound", "zone_not_found"; may be empty
	Message   string
	RequestID string
	Method    string
	URL       string
	Context   string // the words that were wrapped around the client library's error: "create key pair \"a\""
}

// FaultOf reads the fault out of an error of the client library.
func FaultOf(err error) (Fault, bool) {
	var response gophercloud.ErrUnexpectedResponseCode
	if !errors.As(err, &response) {
		// Renewing the token failed: the library keeps both errors but unwraps to neither.
		var renewal *gophercloud.ErrUnableToReauthenticate
		if errors.As(err, &renewal) {
			return FaultOf(renewal.ErrReauth)
		}
		return Fault{}, false
	}
	kind, message := readFault(response.Body)
	if message == "" {
		message = http.StatusText(response.Actual)
	}
	return Fault{
		Status:    response.Actual,
		Kind:      kind,
		Message:   message,
		RequestID: requestID(response.ResponseHeader),
		Method:    response.Method,
		URL:       response.URL,
		Context:   contextOf(err, response),
	}, true
}

func contextOf(err, cause error) string {
	words, _, _ := strings.Cut(err.Error(), cause.Error())
	return strings.TrimSuffix(strings.TrimSpace(words), ":")
}

// ErrGone is for objects that the API still shows but calls deleted.
var ErrGone = errors.New("it does not exist any more")

// NotFound tells whether the API says that the object does not exist.
func NotFound(err error) bool {
	return errors.Is(err, ErrGone) || hasStatus(err, http.StatusNotFound) || hasStatus(err, http.StatusGone)
}

// Conflict tells whether the API answered 409; the predicates of Fault tell which of its meanings.
func Conflict(err error) bool { return hasStatus(err, http.StatusConflict) }

// BadRequest tells whether the API refused what was asked for.
func BadRequest(err error) bool { return hasStatus(err, http.StatusBadRequest) }

// Unauthorized tells whether the API rejected the credentials.
func Unauthorized(err error) bool { return hasStatus(err, http.StatusUnauthorized) }

// Forbidden tells whether the API's policy refuses this user the request.
func Forbidden(err error) bool { return hasStatus(err, http.StatusForbidden) }

func hasStatus(err error, status int) bool {
	fault, ok := FaultOf(err)
	return ok && fault.Status == status
}

var (
	immutableText = regexp.MustCompile(`(?i)\bimmutable\b|invalid state pending_|task_state|while (it is|the (instance|server) is) in |is being (created|updated|deleted)|concurrent(ly)? (update|modif)`)
	quotaText     = regexp.MustCompile(`(?i)quota|exceeded for resources|too many (instances|servers)`)
	duplicateText = regexp.MustCompile(`(?i)already (exists|using|has)|duplicate|is not unique`)
	inUseText     = regexp.MustCompile(`(?i)\bin[- ]use\b|still ha(s|ve)|needed by|required by|not empty|has children|still attached|is associated with|have an IP allocation`)
)

// Immutable tells whether the object is only busy: the same request will do later.
func (f Fault) Immutable() bool {
	return f.Status == http.StatusConflict && !f.OverQuota() && immutableText.MatchString(f.Message)
}

// OverQuota tells whether the project's quota stopped the request.
func (f Fault) OverQuota() bool {
	switch f.Status {
	case http.StatusConflict, http.StatusForbidden, http.StatusRequestEntityTooLarge:
		return f.Kind == "OverQuota" || f.Kind == "overLimit" || quotaText.MatchString(f.Message)
	}
	return false
}

// Duplicate tells whether such an object exists already.
func (f Fault) Duplicate() bool {
	return f.Status == http.StatusConflict && !f.OverQuota() && !f.Immutable() &&
		(duplicateText.MatchString(f.Message) || strings.Contains(f.Kind, "Exists") || strings.HasPrefix(f.Kind, "duplicate_")) &&
		!f.InUse()
}

// InUse tells whether another object still needs this one. Cinder says it with a 400.
func (f Fault) InUse() bool {
	return (f.Status == http.StatusConflict || f.Status == http.StatusBadRequest) && !f.OverQuota() &&
		(strings.HasSuffix(f.Kind, "InUse") || inUseText.MatchString(f.Message)) && !addressTaken.MatchString(f.Message)
}

// addressTaken is Neutron's "IP address … already allocated": the object does not exist yet, so nobody uses it.
var addressTaken = regexp.MustCompile(`(?i)already allocated`)

var (
	htmlTag    = regexp.MustCompile(`(?s)<[^>]*>`)
	htmlHead   = regexp.MustCompile(`(?is)<head.*?</head>`)
	htmlTitle  = regexp.MustCompile(`(?is)<h1>(.*?)</h1>`)
	statusLine = regexp.MustCompile(`^\s*[1-5]\d\d [A-Z][A-Za-z ]+\r?\n\s*\n`)
	whitespace = regexp.MustCompile(`\s+`)
)

// readFault knows the shapes in which the services answer:
//
//	neutron            {"NeutronError": {"type": …, "message": …, "detail": …}}
//	nova, cinder       {"<kind>": {"code": …, "message": …}}
//	keystone           {"error": {"code": …, "title": …, "message": …}}
//	octavia            {"faultcode": …, "faultstring": …}
//	glance             {"code": …, "title": …, "message": "…<br />"} or HTML
//	barbican           {"code": …, "title": …, "description": …}
//	designate          {"code": …, "type": …, "message": …}
//	placement, magnum  {"errors": [{"title": …, "detail": …}]}
//	swift              HTML or plain text
func readFault(body []byte) (kind, message string) {
	var object map[string]any
	if err := json.Unmarshal(body, &object); err != nil {
		return "", plainText(string(body))
	}
	if kind, message = readFaultObject(object); message != "" {
		return kind, message
	}
	if list, ok := object["errors"].([]any); ok && len(list) > 0 {
		if first, ok := list[0].(map[string]any); ok {
			return readFaultObject(first)
		}
	}
	for name, value := range object {
		switch value := value.(type) {
		case map[string]any:
			if kind, message = readFaultObject(value); message != "" {
				if kind == "" {
					kind = name
				}
				return kind, message
			}
		case string: // old neutron: {"NeutronError": "text"}
			return name, plainText(value)
		}
	}
	return "", ""
}

func readFaultObject(object map[string]any) (kind, message string) {
	kind = firstText(object, "type", "faultcode", "title")
	message = plainText(firstText(object, "message", "faultstring", "description", "detail", "explanation"))
	if errors, ok := object["errors"].(map[string]any); ok && message != "" { // designate's schema errors
		if list, ok := errors["errors"].([]any); ok {
			for _, item := range list {
				if detail, ok := item.(map[string]any); ok {
					message = strings.TrimSuffix(message, ".") + ": " + strings.TrimSpace(firstText(detail, "path")+" "+firstText(detail, "message"))
				}
			}
		}
	}
	return kind, message
}

func firstText(object map[string]any, keys ...string) string {
	for _, key := range keys {
		if text, ok := object[key].(string); ok && text != "" {
			return text
		}
	}
	return ""
}

// plainText makes one line of text out of HTML; a page's heading only counts when there is nothing below it.
func plainText(text string) string {
	text = htmlHead.ReplaceAllString(statusLine.ReplaceAllString(text, ""), "")
	rest := strip(htmlTitle.ReplaceAllString(text, " "))
	if rest == "" {
		rest = strip(text)
	}
	return rest
}

func strip(text string) string {
	text = html.UnescapeString(htmlTag.ReplaceAllString(text, " "))
	return strings.TrimSpace(whitespace.ReplaceAllString(text, " "))
}

func requestID(header http.Header) string {
	for _, name := range []string{"X-Openstack-Request-Id", "X-Compute-Request-Id", "X-Trans-Id"} {
		if id := header.Get(name); id != "" {
			return id
		}
	}
	return ""
}
