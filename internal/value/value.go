// Package value converts between the framework's values, which may be null or unknown, and Go's.
//
// Every function is total: null and unknown become nil or the empty slice, never a zero value that the
// API would take for a wish. The framework's own ValueStringPointer turns an unknown into a pointer to
// "", with which a subnet would lose its gateway.
package value

import (
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Known reports whether v is neither null nor unknown.
func Known(v attr.Value) bool {
	return !v.IsNull() && !v.IsUnknown()
}

// AllKnown reports whether no value among vs is unknown, at any depth of a list, set, map or object.
func AllKnown(vs ...attr.Value) bool {
	for _, v := range vs {
		if v.IsUnknown() {
			return false
		}
		if !AllKnown(elements(v)...) {
			return false
		}
	}
	return true
}

func elements(v attr.Value) []attr.Value {
	switch v := v.(type) {
	case interface{ Elements() []attr.Value }:
		return v.Elements()
	case interface{ Elements() map[string]attr.Value }:
		return slices.Collect(maps.Values(v.Elements()))
	case interface{ Attributes() map[string]attr.Value }:
		return slices.Collect(maps.Values(v.Attributes()))
	}
	return nil
}

// Ptr returns the string of v, or nil when v is null or unknown.
func Ptr(v types.String) *string {
	if !Known(v) {
		return nil
	}
	return new(v.ValueString())
}

// BoolPtr returns the bool of v, or nil when v is null or unknown.
func BoolPtr(v types.Bool) *bool {
	if !Known(v) {
		return nil
	}
	return new(v.ValueBool())
}

// IntPtr returns the number of v, or nil when v is null or unknown.
func IntPtr(v types.Int64) *int {
	if !Known(v) {
		return nil
	}
	return new(int(v.ValueInt64()))
}

// Int returns a number that the API always gives.
func Int(n int) types.Int64 {
	return types.Int64Value(int64(n))
}

// StringOrNull returns null for "", which is how most OpenStack APIs say "not set".
func StringOrNull(s string) types.String {
	if s == "" {
		return types.StringNull()
	}
	return types.StringValue(s)
}

// StringPtr returns null for nil, else the string.
func StringPtr(s *string) types.String {
	if s == nil {
		return types.StringNull()
	}
	return types.StringValue(*s)
}

// Strings returns the known strings of a list or set of strings, in its order.
// It is nil when the collection is null or unknown.
func Strings(v interface{ Elements() []attr.Value }) []string {
	var out []string
	for _, e := range v.Elements() {
		if s, ok := e.(types.String); ok && Known(s) {
			out = append(out, s.ValueString())
		}
	}
	return out
}

// StringMap returns the known strings of a map of strings. It is nil when the map is null or unknown.
func StringMap(v types.Map) map[string]string {
	if !Known(v) {
		return nil
	}
	out := make(map[string]string, len(v.Elements()))
	for key, e := range v.Elements() {
		if s, ok := e.(types.String); ok && Known(s) {
			out[key] = s.ValueString()
		}
	}
	return out
}

// Set returns a set of strings; nil and empty are the empty set.
func Set(values []string) types.Set {
	return types.SetValueMust(types.StringType, stringValues(values))
}

// SetOrNull returns null for an empty set.
func SetOrNull(values []string) types.Set {
	if len(values) == 0 {
		return types.SetNull(types.StringType)
	}
	return Set(values)
}

// List returns a list of strings; nil and empty are the empty list.
func List(values []string) types.List {
	return types.ListValueMust(types.StringType, stringValues(values))
}

// ListOrNull returns null for an empty list.
func ListOrNull(values []string) types.List {
	if len(values) == 0 {
		return types.ListNull(types.StringType)
	}
	return List(values)
}

// Map returns a map of strings; nil and empty are the empty map.
func Map(values map[string]string) types.Map {
	out := make(map[string]attr.Value, len(values))
	for key, s := range values {
		out[key] = types.StringValue(s)
	}
	return types.MapValueMust(types.StringType, out)
}

// MapOrNull returns null for an empty map.
func MapOrNull(values map[string]string) types.Map {
	if len(values) == 0 {
		return types.MapNull(types.StringType)
	}
	return Map(values)
}

func stringValues(values []string) []attr.Value {
	out := make([]attr.Value, 0, len(values))
	for _, s := range values {
		out = append(out, types.StringValue(s))
	}
	return out
}
