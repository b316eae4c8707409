package simulator

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// object is a resource as it looks on the wire. Keys that begin with "_" are the simulator's own: kept
// in the state file and never sent. "_seeded" marks what came with the cloud, "_n" orders by creation.
type object map[string]any

// str is a text, or "" when the key is missing, null or no text.
func (o object) str(key string) string {
	text, _ := o[key].(string)
	return text
}

// num is a number, or 0.
func (o object) num(key string) int {
	switch n := o[key].(type) {
	case int:
		return n
	case int64:
		return int(n)
	case float64: // what JSON decodes to
		return int(n)
	}
	return 0
}

// flag is a boolean, or false.
func (o object) flag(key string) bool {
	flag, _ := o[key].(bool)
	return flag
}

// has says whether the key is there and not null.
func (o object) has(key string) bool { return o[key] != nil }

// given says whether the key is there, null or not.
func (o object) given(key string) bool {
	_, ok := o[key]
	return ok
}

// strs is a list of texts.
func (o object) strs(key string) []string {
	switch list := o[key].(type) {
	case []string:
		return list
	case []any:
		texts := make([]string, 0, len(list))
		for _, item := range list {
			if text, ok := item.(string); ok {
				texts = append(texts, text)
			}
		}
		return texts
	}
	return nil
}

// objs is a list of objects, which can be changed in place.
func (o object) objs(key string) []object {
	return asObjects(o[key])
}

// obj is a nested object, or nil.
func (o object) obj(key string) object {
	nested, _ := asObject(o[key])
	return nested
}

// copy is a deep copy of o, as JSON would make it.
func (o object) copy() object {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // nothing but JSON values is kept in objects
	}
	var other object
	if err := json.Unmarshal(text, &other); err != nil {
		panic(err)
	}
	return other
}

func asObject(value any) (object, bool) {
	switch value := value.(type) {
	case object:
		return value, true
	case map[string]any:
		return value, true
	}
	return nil, false
}

func asObjects(value any) []object {
	switch list := value.(type) {
	case []object:
		return list
	case []any:
		objects := make([]object, 0, len(list))
		for _, item := range list {
			if o, ok := asObject(item); ok {
				objects = append(objects, o)
			}
		}
		return objects
	}
	return nil
}

// visible is body without the hidden keys of the objects in it.
func visible(body any) any {
	switch body := body.(type) {
	case object:
		out := make(map[string]any, len(body))
		for key, value := range body {
			if !strings.HasPrefix(key, "_") {
				out[key] = visible(value)
			}
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(body))
		for key, value := range body {
			out[key] = visible(value)
		}
		return out
	case []object:
		out := make([]any, len(body))
		for i, value := range body {
			out[i] = visible(value)
		}
		return out
	case []any:
		out := make([]any, len(body))
		for i, value := range body {
			out[i] = visible(value)
		}
		return out
	}
	return body
}

// text is a value as it stands in a query string.
func text(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	case bool:
		return strconv.FormatBool(value)
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}

// table holds the objects of one kind by id. Its zero value is ready for use.
type table map[string]object

// add stores an object; one without an id gets a UUID. The order of adding is the order of all.
func (s *Simulator) add(t *table, o object) object {
	if *t == nil {
		*t = table{}
	}
	if o.str("id") == "" {
		o["id"] = newUUID()
	}
	s.sequence++
	o["_n"] = s.sequence
	(*t)[o.str("id")] = o
	return o
}

func (t table) get(id string) (object, bool) {
	o, ok := t[id]
	return o, ok
}

// all are the objects in the order in which they were added.
func (t table) all() []object {
	return t.where(func(object) bool { return true })
}

// where are the objects that match, in the order in which they were added.
func (t table) where(match func(object) bool) []object {
	found := []object{}
	for _, o := range t {
		if match(o) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b object) int { return cmp.Compare(a.num("_n"), b.num("_n")) })
	return found
}

// find is the first object whose key has the value.
func (t table) find(key, value string) (object, bool) {
	found := t.where(func(o object) bool { return o.str(key) == value })
	if len(found) == 0 {
		return nil, false
	}
	return found[0], true
}

// named is the first object with a name, as the database compares names.
func (t table) named(name string) (object, bool) {
	found := t.where(func(o object) bool { return sameText(o.str("name"), name) })
	if len(found) == 0 {
		return nil, false
	}
	return found[0], true
}

// left describes the objects that were not seeded, for leftovers.
func (s *Simulator) left(t table, noun string) []string {
	lines := []string{}
	for _, o := range t.where(func(o object) bool { return !o.flag("_seeded") }) {
		lines = append(lines, fmt.Sprintf("%s %q (%s) of project %s", noun, o.str("name"), o.str("id"), s.projectName(o.str("project_id"))))
	}
	return lines
}

// page cuts a list by the query parameters limit and marker (an id). next is the marker of the
// next page, "" at the end; ok is false when the marker is unknown.
func (c *call) page(list []object) (page []object, next string, ok bool) {
	if marker := c.query("marker"); marker != "" {
		at := slices.IndexFunc(list, func(o object) bool { return o.str("id") == marker })
		if at < 0 {
			return nil, "", false
		}
		list = list[at+1:]
	}
	if limit, err := strconv.Atoi(c.query("limit")); err == nil && limit > 0 && limit < len(list) {
		return list[:limit], list[limit-1].str("id"), true
	}
	return list, "", true
}

// newUUID is a random UUID with dashes; newHex is one without.
func newUUID() string {
	h := newHex()
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func newHex() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return hex.EncodeToString(b[:])
}

// stableID is the same id for the same name in every cloud.
func stableID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}
