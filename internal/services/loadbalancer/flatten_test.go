package loadbalancer

import (
	"reflect"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

func TestLeftAlone(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		real  *int
		prior types.Int64
		known bool
		want  types.Int64
	}{
		{"not set, the default", new(50000), types.Int64Null(), true, types.Int64Null()},
		{"not set, the cloud's own", new(60000), types.Int64Null(), true, types.Int64Null()},
		{"set", new(1000), value.Int(1000), true, value.Int(1000)},
		{"set to the default", new(50000), value.Int(50000), true, value.Int(50000)},
		{"set, changed by somebody", new(2000), value.Int(1000), true, value.Int(2000)},
		{"imported, the default", new(50000), types.Int64Null(), false, types.Int64Null()},
		{"imported, another", new(2000), types.Int64Null(), false, value.Int(2000)},
		{"the cloud does not tell", nil, value.Int(1000), true, types.Int64Null()},
	} {
		if got := leftAlone(tc.real, tc.prior, tc.known, defaultClientData); !got.Equal(tc.want) {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestPriorOrder(t *testing.T) {
	t.Parallel()
	routes := map[string]routeModel{
		"b": {}, "a": {}, "last": {Position: value.Int(20)}, "first": {Position: value.Int(3)}, "also20": {Position: value.Int(20)},
	}
	got, want := priorOrder(routes), []string{"first", "also20", "last", "a", "b"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// The engine must be asked for the same order.
	spec := map[string]engine.Route{}
	for key, r := range routes {
		expanded, err := r.expand(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		spec[key] = expanded
	}
	for i := 1; i < len(want); i++ {
		if spec[want[i-1]].Position > spec[want[i]].Position {
			t.Errorf("%s is after %s", want[i-1], want[i])
		}
	}
}

func TestRestoreDefaults(t *testing.T) {
	t.Parallel()
	prior := engine.Spec{
		Listeners: map[string]engine.Listener{"a": {TimeoutClientData: new(1), TLS: &engine.ListenerTLS{Versions: []string{"TLSv1.3"}, Ciphers: new("X")}}},
		Pools:     map[string]engine.Pool{"p": {TLS: &engine.PoolTLS{ALPNProtocols: []string{"h2"}}}},
	}
	spec := engine.Spec{
		Listeners: map[string]engine.Listener{"a": {TimeoutMemberData: new(7), TLS: &engine.ListenerTLS{}}, "new": {}},
		Pools:     map[string]engine.Pool{"p": {TLS: &engine.PoolTLS{Versions: []string{"TLSv1.2"}}}},
	}
	restoreDefaults(spec, prior)
	want := engine.Spec{
		Listeners: map[string]engine.Listener{
			"a":   {TimeoutClientData: new(defaultClientData), TimeoutMemberData: new(7), TLS: &engine.ListenerTLS{Versions: []string{}, Ciphers: new("")}},
			"new": {},
		},
		Pools: map[string]engine.Pool{"p": {TLS: &engine.PoolTLS{Versions: []string{"TLSv1.2"}, ALPNProtocols: []string{}}}},
	}
	if !reflect.DeepEqual(spec, want) {
		t.Errorf("got %+v, want %+v", spec, want)
	}
}

// What a model asks for must come back as it was written, through the tree that it stands for.
func TestFlattenRoute(t *testing.T) {
	t.Parallel()
	rules, err := listOf(t.Context(), routeAttributes()["rules"], []ruleModel{
		{Type: types.StringValue("PATH"), CompareType: types.StringValue("EQUAL_TO"), Value: types.StringValue("/b"), Invert: types.BoolValue(false), AdminStateUp: types.BoolValue(true), Tags: value.Set(nil)},
		{Type: types.StringValue("PATH"), CompareType: types.StringValue("EQUAL_TO"), Value: types.StringValue("/a"), Invert: types.BoolValue(false), AdminStateUp: types.BoolValue(true), Tags: value.Set(nil)},
	})
	if err != nil {
		t.Fatal(err)
	}
	written := routeModel{
		Position: value.Int(10), RedirectURL: types.StringValue("https://example.org"), Rules: rules,
		Description: types.StringValue(""), AdminStateUp: types.BoolValue(true), Tags: value.Set(nil),
	}
	route, err := written.expand(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	route.Position = 1                                              // as Octavia numbers it
	route.Rules[0], route.Rules[1] = route.Rules[1], route.Rules[0] // in whatever order it lists them
	got, err := flattenRoute(t.Context(), route, written, true)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, written) {
		t.Errorf("got %+v, want %+v", got, written)
	}
	route.Rules = route.Rules[:1]
	if got, err = flattenRoute(t.Context(), route, written, false); err != nil {
		t.Fatal(err)
	}
	if len(got.Rules.Elements()) != 1 || got.Position.ValueInt64() != 1 {
		t.Errorf("a changed route is not shown: %+v", got)
	}
}
