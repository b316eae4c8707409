package conformance

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// dig finds a value in JSON by keys and indexes, nil when there is none.
func dig(body any, path ...string) any {
	for _, key := range path {
		switch in := body.(type) {
		case obj:
			body = in[key]
		case list:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(in) {
				return nil
			}
			body = in[i]
		default:
			return nil
		}
	}
	return body
}

// at finds a value by a path such as "ports.0.fixed_ips"; "" is the whole body.
func (a answer) at(path string) any {
	if path == "" {
		return a.body
	}
	return dig(a.body, strings.Split(path, ".")...)
}

func (a answer) str(t *testing.T, path string) string {
	t.Helper()
	s, ok := a.at(path).(string)
	if !ok {
		t.Fatalf("%s %s: %s is no text in %.600s", a.service.kind, a.request, path, a.text)
	}
	return s
}

func (a answer) list(t *testing.T, path string) list {
	t.Helper()
	l, ok := a.at(path).(list)
	if !ok {
		t.Fatalf("%s %s: %s is no list in %.600s", a.service.kind, a.request, path, a.text)
	}
	return l
}

// column is one field of every object of a list, sorted.
func (a answer) column(t *testing.T, path, field string) []string {
	t.Helper()
	values := []string{}
	for _, o := range a.list(t, path) {
		values = append(values, fmt.Sprint(dig(o, field)))
	}
	slices.Sort(values)
	return values
}

func sorted(values ...string) []string {
	slices.Sort(values)
	return values
}

// matcher is a value that is not known beforehand.
type matcher struct {
	what string
	ok   func(value any, present bool) bool
}

func text(what, pattern string) matcher {
	re := regexp.MustCompile(pattern)
	return matcher{what, func(value any, _ bool) bool {
		s, ok := value.(string)
		return ok && re.MatchString(s)
	}}
}

var (
	anUUID    = text("a UUID", `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	aHexID    = text("32 hex digits", `^[0-9a-f]{32}$`)
	aTimeZ    = text("a time with Z", `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
	aTime     = text("a time without zone", `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`)
	aTimeFine = text("a time with fractions and no zone", `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$`)
	someText  = text("a text", `.`)
	present   = matcher{"present", func(_ any, present bool) bool { return present }}
	missing   = matcher{"missing", func(_ any, present bool) bool { return !present }}
	aNumber   = matcher{"a number", func(value any, _ bool) bool { _, ok := value.(float64); return ok }}
	aList     = matcher{"a list", func(value any, _ bool) bool { _, ok := value.(list); return ok }}
	notTrue   = matcher{"false or null", func(value any, present bool) bool { return present && value != true }}
	aBool     = matcher{"true or false", func(value any, _ bool) bool { _, ok := value.(bool); return ok }}
)

// containing is a text that contains another.
func containing(part string) matcher {
	return text("a text with "+part, regexp.QuoteMeta(part))
}

// is checks an object: it has at least these keys with these values.
func is(t *testing.T, what string, got any, want obj) {
	t.Helper()
	have, ok := got.(obj)
	if !ok {
		t.Errorf("%s: no object but %v", what, got)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		value, present := have[key]
		if m, ok := want[key].(matcher); ok {
			if !m.ok(value, present) {
				t.Errorf("%s: %s is %s, want %s", what, key, shown(value, present), m.what)
			}
			continue
		}
		if !present || !equal(value, want[key]) {
			t.Errorf("%s: %s is %s, want %s", what, key, shown(value, present), shown(want[key], true))
		}
	}
}

func shown(value any, present bool) string {
	if !present {
		return "missing"
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

// equal compares as JSON.
func equal(a, b any) bool {
	return reflect.DeepEqual(asJSON(a), asJSON(b))
}

func asJSON(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		return value
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		return value
	}
	return plain
}

// same checks one value.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if m, ok := want.(matcher); ok {
		if !m.ok(got, got != nil) {
			t.Errorf("%s is %s, want %s", what, shown(got, true), m.what)
		}
		return
	}
	if !equal(got, want) {
		t.Errorf("%s is %s, want %s", what, shown(got, true), shown(want, true))
	}
}

// refusal is a request that the API must refuse.
type refusal struct {
	name   string
	method string
	path   string
	body   any
	status int
	kind   string // what the API calls the fault, where it has names for them
	words  string // are in the message
}

// refuses checks refusals. The body of each must be a fault in the form of the service.
func (a *api) refuses(t *testing.T, cases ...refusal) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Helper()
			a.check(t, c, a.do(t, c.method, c.path, c.body))
		})
	}
}

// refusesMeanwhile checks what is refused only while the cloud is at something else. A real cloud may be done with that before it is
// asked; over is the status of its answer then.
func (a *api) refusesMeanwhile(t *testing.T, c refusal, over int) {
	t.Helper()
	t.Run(c.name, func(t *testing.T) {
		t.Helper()
		got := a.do(t, c.method, c.path, c.body)
		if a.real() && got.status == over {
			t.Skip("the cloud was done before it was asked")
		}
		a.check(t, c, got)
	})
}

// check compares the answer to a request with the refusal that it must be.
func (a *api) check(t *testing.T, c refusal, got answer) {
	t.Helper()
	if got.status != c.status {
		if got.status < http.StatusMultipleChoices {
			a.undo(t, c, got)
		}
		t.Fatalf("%s: %d, want %d: %.600s", got.request, got.status, c.status, got.text)
	}
	kind, message := got.fault(t)
	if kind != c.kind {
		t.Errorf("the fault is a %q, want %q: %s", kind, c.kind, got.text)
	}
	if !strings.Contains(message, c.words) {
		t.Errorf("the message is %q, want %q in it", message, c.words)
	}
}

// undo deletes what was created by a request that should have been refused.
func (a *api) undo(t *testing.T, c refusal, got answer) {
	t.Helper()
	made, ok := got.body.(obj)
	if c.method != "POST" || !ok {
		return
	}
	for _, value := range made {
		if id, ok := dig(value, "id").(string); ok {
			a.deleteAfter(t, c.path+"/"+id)
		}
	}
}

// fault reads what the service calls the fault, and its message, out of a body that must have the
// service's own form.
func (a answer) fault(t *testing.T) (kind, message string) {
	t.Helper()
	malformed := func() {
		t.Helper()
		t.Fatalf("%s: %d is no fault as %s writes it: %q", a.request, a.status, a.service.kind, a.text)
	}
	pick := func(in any, keys ...string) []string {
		t.Helper()
		o, ok := in.(obj)
		if !ok {
			malformed()
		}
		var values []string
		for _, key := range keys {
			value, ok := o[key].(string)
			if !ok {
				malformed()
			}
			values = append(values, value)
		}
		return values
	}
	switch a.service.kind {
	case "network":
		v := pick(a.at("NeutronError"), "type", "message", "detail")
		return v[0], v[1]
	case "identity":
		if !equal(a.at("error.code"), a.status) || !equal(a.at("error.title"), http.StatusText(a.status)) {
			malformed()
		}
		return "", pick(a.at("error"), "message")[0]
	case "compute", "block-storage":
		body, ok := a.body.(obj)
		if !ok || len(body) != 1 {
			malformed()
		}
		for kind := range body {
			if !equal(dig(body, kind, "code"), a.status) {
				malformed()
			}
			return kind, pick(body[kind], "message")[0]
		}
	case "load-balancer":
		v := pick(a.body, "faultcode", "faultstring")
		if _, ok := a.body.(obj)["debuginfo"]; !ok {
			malformed()
		}
		return v[0], v[1]
	case "image":
		if !equal(a.at("code"), strconv.Itoa(a.status)+" "+http.StatusText(a.status)) {
			malformed()
		}
		v := pick(a.body, "title", "message")
		return v[0], v[1]
	case "key-manager":
		if !equal(a.at("code"), a.status) || !equal(a.at("title"), http.StatusText(a.status)) {
			malformed()
		}
		return "", pick(a.body, "description")[0]
	case "dns":
		if !equal(a.at("code"), a.status) || a.at("request_id") == nil {
			malformed()
		}
		message, _ := a.at("message").(string)
		if message == "" { // what a schema refuses, or a refusal without words
			message, _ = a.at("errors.errors.0.message").(string)
		}
		return pick(a.body, "type")[0], message
	case "object-store":
		if a.header.Get("Content-Type") != "text/html; charset=UTF-8" || !strings.Contains(a.text, "<h1>") {
			malformed()
		}
		return "", plain(a.text)
	}
	t.Fatalf("no form of faults is known for %s", a.service.kind)
	return "", ""
}

var tag = regexp.MustCompile(`<[^>]*>`)

// plain is HTML without its tags, on one line.
func plain(page string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tag.ReplaceAllString(page, " "))), " ")
}
