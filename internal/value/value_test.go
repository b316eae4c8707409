package value_test

import (
	"reflect"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

func TestPointersOfNullAndUnknownAreNil(t *testing.T) {
	t.Parallel()
	for name, got := range map[string]bool{
		"null string":    value.Ptr(types.StringNull()) == nil,
		"unknown string": value.Ptr(types.StringUnknown()) == nil,
		"null bool":      value.BoolPtr(types.BoolNull()) == nil,
		"unknown bool":   value.BoolPtr(types.BoolUnknown()) == nil,
		"null int":       value.IntPtr(types.Int64Null()) == nil,
		"unknown int":    value.IntPtr(types.Int64Unknown()) == nil,
	} {
		if !got {
			t.Errorf("%s: want nil", name)
		}
	}
	if p := value.Ptr(types.StringValue("")); p == nil || *p != "" {
		t.Error(`"" is a value, not an absence`)
	}
	if p := value.BoolPtr(types.BoolValue(false)); p == nil || *p {
		t.Error("false is a value")
	}
	if p := value.IntPtr(types.Int64Value(0)); p == nil || *p != 0 {
		t.Error("0 is a value")
	}
}

func TestCollectionsRoundTrip(t *testing.T) {
	t.Parallel()
	if got := value.Strings(value.List([]string{"b", "a"})); !reflect.DeepEqual(got, []string{"b", "a"}) {
		t.Errorf("list: %v", got)
	}
	if got := value.Strings(value.Set([]string{"a"})); !reflect.DeepEqual(got, []string{"a"}) {
		t.Errorf("set: %v", got)
	}
	want := map[string]string{"k": "v"}
	if got := value.StringMap(value.Map(want)); !reflect.DeepEqual(got, want) {
		t.Errorf("map: %v", got)
	}
	if got := value.Strings(types.ListUnknown(types.StringType)); got != nil {
		t.Errorf("unknown list: %v", got)
	}
	if got := value.StringMap(types.MapNull(types.StringType)); got != nil {
		t.Errorf("null map: %v", got)
	}
	mixed := types.ListValueMust(types.StringType, []attr.Value{types.StringUnknown(), types.StringValue("x")})
	if got := value.Strings(mixed); !reflect.DeepEqual(got, []string{"x"}) {
		t.Errorf("a list with an unknown element: %v", got)
	}
	if !value.SetOrNull(nil).IsNull() || !value.ListOrNull(nil).IsNull() || !value.MapOrNull(nil).IsNull() {
		t.Error("OrNull of nothing must be null")
	}
	if value.Set(nil).IsNull() || value.List(nil).IsNull() || value.Map(nil).IsNull() {
		t.Error("an empty collection is not null")
	}
}

func TestAllKnownLooksInside(t *testing.T) {
	t.Parallel()
	types1 := map[string]attr.Type{"a": types.StringType}
	for name, tc := range map[string]struct {
		v    attr.Value
		want bool
	}{
		"null":                   {types.StringNull(), true},
		"unknown":                {types.StringUnknown(), false},
		"unknown in a set":       {types.SetValueMust(types.StringType, []attr.Value{types.StringUnknown()}), false},
		"unknown in a map":       {types.MapValueMust(types.StringType, map[string]attr.Value{"k": types.StringUnknown()}), false},
		"unknown in an object":   {types.ObjectValueMust(types1, map[string]attr.Value{"a": types.StringUnknown()}), false},
		"known in an object":     {types.ObjectValueMust(types1, map[string]attr.Value{"a": types.StringValue("")}), true},
		"an unknown collection":  {types.MapUnknown(types.StringType), false},
		"a known empty list":     {value.List(nil), true},
		"a known list of things": {value.List([]string{"x"}), true},
	} {
		if got := value.AllKnown(tc.v); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

func TestStringOrNull(t *testing.T) {
	t.Parallel()
	if !value.StringOrNull("").IsNull() || value.StringOrNull("x").ValueString() != "x" {
		t.Error("StringOrNull")
	}
	if !value.StringPtr(nil).IsNull() || value.StringPtr(new("")).IsNull() {
		t.Error("StringPtr")
	}
}
