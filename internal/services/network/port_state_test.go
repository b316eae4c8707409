package network

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

const ownMAC = "fa:16:3e:00:00:01"

func wish(subnet, address attr.Value) attr.Value {
	return types.ObjectValueMust(objectType(fixedIPAttributes).AttrTypes, map[string]attr.Value{"subnet_id": subnet, "ip_address": address})
}

func wishes(all ...attr.Value) types.List {
	return types.ListValueMust(objectType(fixedIPAttributes), all)
}

func TestSettleFixedIPs(t *testing.T) {
	t.Parallel()
	null, unknown := types.StringNull(), types.StringUnknown()
	text := types.StringValue
	now := []apiFixedIP{{"a", "10.0.0.5"}, {"b", "10.1.0.5"}}
	slaac := append(slices.Clone(now), apiFixedIP{"c", "2001:db8::f816:3eff:fe00:1"})
	all := wishes(wish(text("a"), text("10.0.0.5")), wish(text("b"), text("10.1.0.5")))
	for name, c := range map[string]struct {
		wishes types.List
		now    []apiFixedIP
		want   types.List
	}{
		"nobody asked":               {types.ListNull(objectType(fixedIPAttributes)), now, all},
		"in the order of the wishes": {wishes(wish(text("b"), null), wish(unknown, text("10.0.0.5"))), now, wishes(wish(text("b"), text("10.1.0.5")), wish(text("a"), text("10.0.0.5")))},
		"an address too many":        {wishes(wish(text("b"), unknown)), now, all},
		"a wish not fulfilled":       {wishes(wish(text("x"), unknown), wish(text("a"), unknown)), now, all},
		"its own by SLAAC":           {wishes(wish(text("a"), null), wish(text("b"), null)), slaac, all},
		"written differently":        {wishes(wish(null, text("2001:DB8:0::1"))), []apiFixedIP{{"c", "2001:db8::1"}}, wishes(wish(text("c"), text("2001:DB8:0::1")))},
		"none":                       {wishes(), nil, wishes()},
	} {
		if got := settleFixedIPs(c.wishes, c.now, ownMAC); !got.Equal(c.want) {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestPlanFixedIPs(t *testing.T) {
	t.Parallel()
	null, unknown := types.StringNull(), types.StringUnknown()
	text := types.StringValue
	prior := wishes(wish(text("a"), text("10.0.0.5")), wish(text("a"), text("10.0.0.6")), wish(text("b"), text("10.1.0.5")))
	kind := objectType(fixedIPAttributes)
	for name, c := range map[string]struct{ config, want types.List }{
		"nothing said":          {types.ListNull(kind), prior},
		"not known":             {types.ListUnknown(kind), types.ListUnknown(kind)},
		"chosen before any":     {wishes(wish(text("a"), null), wish(null, text("10.0.0.5"))), wishes(wish(text("a"), text("10.0.0.6")), wish(text("a"), text("10.0.0.5")))},
		"another of the subnet": {wishes(wish(text("b"), null), wish(text("b"), null)), wishes(wish(text("b"), text("10.1.0.5")), wish(text("b"), unknown))},
		"a new address":         {wishes(wish(null, text("10.9.0.1"))), wishes(wish(unknown, text("10.9.0.1")))},
		"an unknown subnet":     {wishes(wish(unknown, null)), wishes(wish(unknown, unknown))},
		"an unknown address":    {wishes(wish(null, unknown)), wishes(wish(unknown, unknown))},
		"an unknown wish":       {wishes(types.ObjectUnknown(kind.AttrTypes)), wishes(types.ObjectUnknown(kind.AttrTypes))},
	} {
		if got := planFixedIPs(c.config, c.config, prior); !got.Equal(c.want) {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestSettlePairs(t *testing.T) {
	t.Parallel()
	pair := func(ip string, mac attr.Value) attr.Value {
		return types.ObjectValueMust(objectType(pairAttributes).AttrTypes, map[string]attr.Value{"ip_address": types.StringValue(ip), "mac_address": mac})
	}
	list := func(all ...attr.Value) types.List { return types.ListValueMust(objectType(pairAttributes), all) }
	null := types.StringNull()
	prior := list(pair("2001:DB8::1/64", null), pair("10.0.0.1", types.StringValue("FA-16-3E-00-00-02")))
	if got := settlePairs(prior, []apiAddressPair{{"10.0.0.1", "fa:16:3e:00:00:02"}, {"2001:db8::1/64", ownMAC}}, ownMAC); !got.Equal(prior) {
		t.Errorf("the same pairs, written differently: %s", got)
	}
	if got := settlePairs(prior, []apiAddressPair{{"10.0.0.1", ownMAC}}, ownMAC); !got.Equal(list(pair("10.0.0.1", null))) {
		t.Errorf("other pairs: %s", got)
	}
	if got := settlePairs(prior, nil, ownMAC); !got.IsNull() {
		t.Errorf("no pairs: %s", got)
	}
}

func TestDHCPOptionChanges(t *testing.T) {
	t.Parallel()
	option := func(name, text string, version int) attr.Value {
		return types.ObjectValueMust(optionType.AttrTypes, map[string]attr.Value{"name": types.StringValue(name), "value": types.StringValue(text), "ip_version": value.Int(version)})
	}
	list := func(all ...attr.Value) types.List { return types.ListValueMust(optionType, all) }
	var got []string
	for _, o := range dhcpOptions(list(option("kept", "1", 4), option("changed", "2", 4), option("new", "3", 6)),
		list(option("gone", "1", 6), option("changed", "1", 4), option("kept", "1", 4))) {
		text := "nothing"
		if o.Value != nil {
			text = *o.Value
		}
		got = append(got, fmt.Sprintf("%s/%d=%s", o.Name, o.IPVersion, text))
	}
	if want := []string{"changed/4=2", "new/6=3", "gone/6=nothing"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSettleProfile(t *testing.T) {
	t.Parallel()
	prior := types.StringValue(`{"a": [1]}`)
	if got := settleProfile(prior, map[string]any{"a": []any{1.0}, "os_vif_delegation": true}); !got.Equal(prior) {
		t.Errorf("keys that Nova adds: %s", got)
	}
	if got := settleProfile(prior, map[string]any{"a": []any{2.0}}); got.ValueString() != `{"a":[2]}` {
		t.Errorf("another value: %s", got)
	}
	if got := settleProfile(types.StringNull(), map[string]any{"a": 1.0}); !got.IsNull() {
		t.Errorf("nobody asked: %s", got)
	}
	if got := settleProfile(prior, nil); !got.Equal(prior) {
		t.Errorf("a member does not see it: %s", got)
	}
}

func TestJoinedPrefixes(t *testing.T) {
	t.Parallel()
	for want, texts := range map[string][]string{
		"[10.200.0.0/15 10.204.0.0/16]": {"10.204.0.0/16", "10.201.0.0/16", "10.200.0.0/16", "10.200.7.0/24"},
		"[10.0.0.0/14]":                 {"10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"},
		"[10.1.0.0/16 10.2.0.0/16]":     {"10.1.0.0/16", "10.2.0.0/16"}, // neighbours, and no halves of one
		"[0.0.0.0/0]":                   {"0.0.0.0/1", "128.0.0.0/1"},
		"[2001:db8::/47]":               {"2001:DB8:1::/48", "2001:db8::/48"},
		"[]":                            nil,
	} {
		if got := fmt.Sprint(joined(parsePrefixes(texts))); got != want {
			t.Errorf("%v: got %s, want %s", texts, got, want)
		}
	}
	if got := joined([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}); len(got) != 1 {
		t.Errorf("everything: %v", got)
	}
}
