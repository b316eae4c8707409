package network

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func TestParsePorts(t *testing.T) {
	for text, want := range map[string]string{
		"443": "443-443", "30000-32767": "30000-32767", "1-65535": "1-65535", "all": "-1--1", "65535": "65535-65535",
		"": "neither a port", "0": "out of range", "65536": "out of range", "80-": "neither a port", "-80": "neither a port", "90-80": `right would be "80-90"`,
		"http": "neither a port", "80,443": "neither a port", "1-70000": "out of range",
	} {
		first, last, err := parsePorts(text)
		got := fmt.Sprintf("%d-%d", first, last)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestParseICMP(t *testing.T) {
	for text, want := range map[string]string{
		"8": "8/-1", "0": "0/-1", "3/4": "3/4", "0/0": "0/0", "255/255": "255/255",
		"": "no ICMP type", "256": "no ICMP type", "-1": "no ICMP type", "8/": "no ICMP type", "8/-1": "no ICMP type", "echo": "no ICMP type",
	} {
		kind, code, err := parseICMP(text)
		got := fmt.Sprintf("%d/%d", kind, code)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestParseProtocol(t *testing.T) {
	for text, want := range map[string]string{
		"any": "", "vrrp": "vrrp", "VRRP": "vrrp", "112": "vrrp", "6": "tcp", "icmpv6": "ipv6-icmp", "58": "ipv6-icmp", "99": "99", "0": "", "255": "255",
		"256": "numbers go from 0 to 255", "-1": "numbers go from 0 to 255", "http": "is no protocol", "": "is no protocol",
	} {
		got, err := parseProtocol(text)
		if err != nil {
			got = err.Error()
		}
		if got != want && (want == "" || !strings.Contains(got, want)) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestRulesOfEqualMeaning(t *testing.T) {
	p := func(s string) *string { return &s }
	n := func(i int) *int { return &i }
	tcp := held{"g", rule{protocol: "tcp", min: 22, max: 22, prefix: "10.0.0.0/24"}}
	cases := []struct {
		name string
		a    apiRule
		want held
	}{
		{"as written", apiRule{SecurityGroupID: "g", Direction: "ingress", Ethertype: "IPv4", Protocol: p("tcp"), PortRangeMin: n(22), PortRangeMax: n(22), RemoteIPPrefix: p("10.0.0.0/24")}, tcp},
		{"number and host bits", apiRule{SecurityGroupID: "g", Direction: "ingress", Ethertype: "IPv4", Protocol: p("6"), PortRangeMin: n(22), PortRangeMax: n(22), RemoteIPPrefix: p("10.0.0.5/24")}, tcp},
		{"all ports, everywhere", apiRule{SecurityGroupID: "g", Direction: "ingress", Ethertype: "IPv4", Protocol: p("udp"), PortRangeMin: n(1), PortRangeMax: n(65535), RemoteIPPrefix: p("0.0.0.0/0")},
			held{"g", rule{protocol: "udp", min: none, max: none}}},
		{"ICMP for IPv6", apiRule{SecurityGroupID: "g", Direction: "ingress", Ethertype: "IPv6", Protocol: p("icmp"), RemoteIPPrefix: p("::/0")},
			held{"g", rule{ipv6: true, protocol: "ipv6-icmp", min: none, max: none}}},
		{"ICMP type 0", apiRule{SecurityGroupID: "g", Direction: "ingress", Ethertype: "IPv4", Protocol: p("icmp"), PortRangeMin: n(0), PortRangeMax: n(0)},
			held{"g", rule{protocol: "icmp", min: 0, max: 0}}},
		{"any protocol", apiRule{SecurityGroupID: "g", Direction: "egress", Ethertype: "IPv4"}, defaultEgress("g")[0]},
		{"any protocol by number", apiRule{SecurityGroupID: "g", Direction: "egress", Ethertype: "IPv6", Protocol: p("0")}, defaultEgress("g")[1]},
	}
	for _, c := range cases {
		if got := c.a.held(); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
		if back := c.want.api("x").held(); back != c.want {
			t.Errorf("%s: %+v comes back as %+v", c.name, c.want, back)
		}
	}
	if address := (apiRule{SecurityGroupID: "g", Direction: "ingress", Ethertype: "IPv4", RemoteAddressGroupID: p("a")}).held(); address.list != "a" {
		t.Error("an address group is everywhere")
	}
}

func TestFanOut(t *testing.T) {
	e := entry{holders: []string{"a", "b"}, prefixes: []string{"10.0.0.1/24", "2001:db8::/64"}, groups: []string{"c"}, tcp: []string{"80", "443-444"}, icmp: true}
	all, err := e.expand()
	if err != nil {
		t.Fatal(err)
	}
	// 2 groups x 3 ends x 3 services
	if len(all) != 18 {
		t.Errorf("got %d rules", len(all))
	}
	for _, want := range []held{
		{"a", rule{protocol: "tcp", min: 80, max: 80, prefix: "10.0.0.0/24"}},
		{"b", rule{protocol: "tcp", min: 443, max: 444, prefix: "2001:db8::/64", ipv6: true}},
		{"b", rule{protocol: "ipv6-icmp", min: none, max: none, prefix: "2001:db8::/64", ipv6: true}},
		{"a", rule{protocol: "icmp", min: none, max: none, group: "c"}},
	} {
		if !slices.Contains(all, want) {
			t.Errorf("%+v is missing", want)
		}
	}
	e.ethertypes = []string{"IPv4", "IPv6"}
	if all, err = e.expand(); err != nil || len(all) != 24 {
		t.Errorf("with both ethertypes: %d rules, %v", len(all), err)
	}
}

func TestTheSameRuleTwice(t *testing.T) {
	_, err := expandAll(map[string]entry{
		"ssh":   {holders: []string{"g"}, prefixes: []string{"10.0.0.0/24"}, tcp: []string{"22"}},
		"again": {holders: []string{"g"}, prefixes: []string{"10.0.0.9/24"}, protocols: []string{"udp"}, tcp: []string{"22-22"}},
	})
	if err == nil || !strings.Contains(err.Error(), `"again" lets through`) {
		t.Errorf("got %v", err)
	}
	within, err := expandAll(map[string]entry{"one": {holders: []string{"g"}, prefixes: []string{"10.0.0.0/24", "10.0.0.1/24"}, tcp: []string{"22"}}})
	if err != nil || len(within) != 1 {
		t.Errorf("twice in one line: %v, %v", within, err)
	}
}

// have is what a cloud has of some lines.
func have(t *testing.T, entries map[string]entry) []apiRule {
	t.Helper()
	all, err := expandAll(entries)
	if err != nil {
		t.Fatal(err)
	}
	var out []apiRule
	for h, name := range all {
		a := h.api(name)
		a.ID = fmt.Sprintf("%08d-%s", len(out), name)
		out = append(out, a)
	}
	return out
}

func TestPresent(t *testing.T) {
	entries := map[string]entry{
		"ssh": {holders: []string{"a"}, prefixes: []string{"10.0.0.0/24"}, tcp: []string{"22"}},
		"web": {holders: []string{"a", "b"}, prefixes: []string{"0.0.0.0/0", "::/0"}, tcp: []string{"80", "443"}},
		"not": {holders: []string{"a"}, tcp: []string{"9"}}, // nobody at the other end: nothing to be there
	}
	all := have(t, entries)
	whole, rebuilt, err := present(entries, all)
	if err != nil || !slices.Equal(whole, []string{"not", "ssh", "web"}) || len(rebuilt) != 0 {
		t.Errorf("got %v, %v, %v", whole, rebuilt, err)
	}

	// One rule of a line is gone: what is left of it is told in its name.
	rest := slices.DeleteFunc(slices.Clone(all), func(a apiRule) bool {
		return a.Description == "web" && a.Ethertype == "IPv6"
	})
	whole, rebuilt, err = present(entries, rest)
	if err != nil || !slices.Equal(whole, []string{"not", "ssh"}) || len(rebuilt) != 1 || !slices.Equal(rebuilt["web"].prefixes, []string{"0.0.0.0/0"}) {
		t.Errorf("got %v, %+v, %v", whole, rebuilt, err)
	}

	// Somebody added rules, one of them in the name of a line.
	added := append(slices.Clone(all), held{"a", rule{protocol: "vrrp", min: none, max: none, group: "x"}}.api(""), held{"b", rule{protocol: "tcp", min: 1, max: 9}}.api("ssh"))
	added[len(added)-2].ID, added[len(added)-1].ID = "abcdefgh-1", "zz"
	whole, rebuilt, err = present(entries, added)
	if err != nil || len(whole) != 3 || !slices.Equal(slices.Sorted(maps.Keys(rebuilt)), []string{"ssh-2", "unnamed-abcdefgh"}) {
		t.Errorf("got %v, %+v, %v", whole, rebuilt, err)
	}
}

// What is made from lines and read back without them is the same lines.
func TestRebuild(t *testing.T) {
	entries := map[string]entry{
		"a": {holders: []string{"g"}, prefixes: []string{"10.0.0.0/24", "2001:db8::/64"}, tcp: []string{"1000-2000", "22"}, udp: []string{"all"}, icmp: true},
		"b": {holders: []string{"g", "h"}, groups: []string{"g", "h"}, ethertypes: []string{"IPv4", "IPv6"}, protocols: []string{"any"}},
		"c": {holders: []string{"h"}, egress: true, prefixes: []string{"0.0.0.0/0"}, icmpTypes: []string{"0/0", "8"}},
		"d": {holders: []string{"h"}, groups: []string{"x"}, protocols: []string{"99", "vrrp"}},
	}
	rebuilt := rebuild(have(t, entries), nil)
	if fmt.Sprintf("%+v", rebuilt) != fmt.Sprintf("%+v", entries) {
		t.Errorf("got  %+v\nwant %+v", rebuilt, entries)
	}
}

func TestImpliedEgress(t *testing.T) {
	ids := map[string]string{"servers": "s", "agents": "a"}
	want, err := expandAll(map[string]entry{
		"kubelet": {holders: []string{"s", "a"}, groups: []string{"s"}, tcp: []string{"10250"}},
		"outside": {holders: []string{"s"}, groups: []string{"other"}, prefixes: []string{"10.0.0.0/8"}, tcp: []string{"1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := implied(want, true, ids); len(got) != 4 {
		t.Errorf("open: %v", got)
	}
	got := implied(want, false, ids)
	for _, h := range []held{
		{"s", rule{egress: true, protocol: "tcp", min: 10250, max: 10250, group: "s"}},
		{"s", rule{egress: true, protocol: "tcp", min: 10250, max: 10250, group: "a"}},
	} {
		if _, ok := got[h]; !ok {
			t.Errorf("%+v is missing in %v", h, got)
		}
	}
	if len(got) != 2 {
		t.Errorf("closed: %v", got)
	}
}

func TestFlattenDefaultEgress(t *testing.T) {
	both := []apiRule{defaultEgress("g")[0].api(""), defaultEgress("g")[1].api("")}
	other := held{"g", rule{protocol: "tcp", min: 1, max: 1}}.api("x")
	everything := map[string]entry{"out": {holders: []string{"g"}, egress: true, prefixes: []string{"0.0.0.0/0", "::/0"}, protocols: []string{"any"}}}
	cases := map[string]struct {
		configured types.Bool
		entries    map[string]entry
		have       []apiRule
		want       bool
		left       int
	}{
		"kept":                     {types.BoolValue(true), nil, append(both, other), true, 1},
		"one was removed":          {types.BoolValue(true), nil, []apiRule{both[0], other}, false, 1},
		"closed":                   {types.BoolValue(false), nil, []apiRule{other}, false, 1},
		"closed, one was added":    {types.BoolValue(false), nil, []apiRule{both[1], other}, false, 2},
		"closed, both were added":  {types.BoolValue(false), nil, both, true, 0},
		"closed, open by a line":   {types.BoolValue(false), everything, both, false, 2},
		"kept, and a line like it": {types.BoolValue(true), everything, both, true, 2},
		"imported":                 {types.BoolNull(), nil, both, true, 0},
		"imported, closed":         {types.BoolNull(), nil, []apiRule{other}, false, 1},
	}
	for name, c := range cases {
		got, left := flattenDefaultEgress(c.configured, c.entries, []string{"g"}, c.have)
		if got.ValueBool() != c.want || len(left) != c.left {
			t.Errorf("%s: %s and %d rules, want %t and %d", name, got, len(left), c.want, c.left)
		}
	}
}

func TestKeepOrder(t *testing.T) {
	list := func(all ...string) types.List {
		var values []attr.Value
		for _, s := range all {
			values = append(values, types.StringValue(s))
		}
		return types.ListValueMust(types.StringType, values)
	}
	cases := []struct{ prior, now, want types.List }{
		{list("a", "b"), list("b", "a"), list("a", "b")},
		{list("a", "a"), list("a", "b"), list("a", "b")},
		{list("a"), list("a", "b"), list("a", "b")},
		{types.ListUnknown(types.StringType), list("a"), list("a")},
		{types.ListNull(types.StringType), list("a"), list("a")},
	}
	for _, c := range cases {
		if got := keepOrder(c.prior, c.now); !got.Equal(c.want) {
			t.Errorf("%s, %s: got %s", c.prior, c.now, got)
		}
	}
}

func TestWithout(t *testing.T) {
	pools := objects(poolAttributes, []string{"10.0.0.1", "10.0.0.9"}, []string{"10.0.0.20", "10.0.0.20"})
	for address, want := range map[string]types.List{
		"10.0.0.1":  objects(poolAttributes, []string{"10.0.0.2", "10.0.0.9"}, []string{"10.0.0.20", "10.0.0.20"}),
		"10.0.0.5":  objects(poolAttributes, []string{"10.0.0.1", "10.0.0.4"}, []string{"10.0.0.6", "10.0.0.9"}, []string{"10.0.0.20", "10.0.0.20"}),
		"10.0.0.9":  objects(poolAttributes, []string{"10.0.0.1", "10.0.0.8"}, []string{"10.0.0.20", "10.0.0.20"}),
		"10.0.0.20": objects(poolAttributes, []string{"10.0.0.1", "10.0.0.9"}),
		"10.0.0.99": pools,
	} {
		if got := without(pools, netip.MustParseAddr(address)); !got.Equal(want) {
			t.Errorf("%s: got %s", address, got)
		}
	}
}

func TestChangedFields(t *testing.T) {
	prior := fields{"a": types.StringValue("1"), "b": types.StringValue("2"), "c": types.BoolValue(true), "d": types.Int64Null()}
	plan := fields{"a": types.StringValue("1"), "b": types.StringNull(), "c": types.BoolUnknown(), "d": types.Int64Value(0)}
	if got := fmt.Sprint(plan.changed(prior)); got != "map[b:<nil> d:0]" {
		t.Error(got)
	}
	if got := fmt.Sprint(plan.known()); got != "map[a:1 d:0]" {
		t.Error(got)
	}
}
