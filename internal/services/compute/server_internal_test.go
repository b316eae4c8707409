package compute

import (
	"slices"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

func text(s string) types.String { return value.StringOrNull(s) }

func TestSameNIC(t *testing.T) {
	t.Parallel()
	base := nicModel{NetworkID: text("n"), IPv4: text("10.0.0.1"), IPv6: text("fd00::1")}
	for name, tc := range map[string]struct {
		plan, prior nicModel
		want        bool
	}{
		"equal":                 {nicModel{NetworkID: text("n")}, base, true},
		"its own address":       {nicModel{NetworkID: text("n"), FixedIP: text("10.0.0.1")}, base, true},
		"its own IPv6 address":  {nicModel{NetworkID: text("n"), FixedIP: text("fd00::1")}, base, true},
		"other address":         {nicModel{NetworkID: text("n"), FixedIP: text("10.0.0.2")}, base, false},
		"unknown address":       {nicModel{NetworkID: text("n"), FixedIP: types.StringUnknown()}, base, false},
		"address not asked for": {nicModel{NetworkID: text("n")}, nicModel{NetworkID: text("n"), FixedIP: text("10.0.0.1")}, true},
		"other network":         {nicModel{NetworkID: text("m")}, base, false},
		"subnet for network":    {nicModel{SubnetID: text("s")}, base, false},
		"unknown network":       {nicModel{NetworkID: types.StringUnknown()}, base, false},
	} {
		if got := tc.plan.sameAs(tc.prior); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestNeedsPort(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		nic  nicModel
		want bool
	}{
		"network": {nicModel{NetworkID: text("n")}, false},
		"subnet":  {nicModel{SubnetID: text("s")}, true},
		"address": {nicModel{NetworkID: text("n"), FixedIP: text("10.0.0.1")}, true},
		"groups":  {nicModel{NetworkID: text("n"), SecurityGroupIDs: value.Set([]string{"g"})}, true},
		"port":    {nicModel{PortID: text("p")}, false},
	} {
		if got := tc.nic.needsPort(); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestOrderPorts(t *testing.T) {
	t.Parallel()
	all := []ports.Port{
		{ID: "p1", NetworkID: "a"},
		{ID: "p2", NetworkID: "b"},
		{ID: "p3", NetworkID: "a", FixedIPs: []ports.IP{{SubnetID: "t", IPAddress: "10.0.0.3"}}},
	}
	on := func(network string) nicModel { return nicModel{NetworkID: text(network)} }
	for name, tc := range map[string]struct {
		nics  []nicModel
		slots []string
		want  []string
	}{
		"all known":        {[]nicModel{on("a"), on("b"), on("a")}, []string{"p3", "p2", "p1"}, []string{"p3", "p2", "p1"}},
		"made by Nova":     {[]nicModel{on("b"), on("a"), on("a")}, []string{"", "", "p1"}, []string{"p2", "p3", "p1"}},
		"after an import":  {nil, nil, []string{"p1", "p2", "p3"}},
		"one is gone":      {[]nicModel{on("a"), on("c"), on("b")}, []string{"p1", "gone", "p2"}, []string{"p1", "", "p2", "p3"}},
		"one was attached": {[]nicModel{on("a"), on("b")}, []string{"p1", "p2"}, []string{"p1", "p2", "p3"}},
		"nothing is known": {[]nicModel{on("b")}, nil, []string{"p2", "p1", "p3"}},
		"one has a subnet": {[]nicModel{on("a"), {SubnetID: text("t")}}, []string{"", ""}, []string{"p1", "p3", "p2"}},
		"one has an address": {
			[]nicModel{on("a"), on("b"), {NetworkID: text("a"), FixedIP: text("10.0.0.3")}}, []string{"", "", ""}, []string{"p1", "p2", "p3"},
		},
		"an unknown subnet": {[]nicModel{{SubnetID: text("s")}}, []string{"p2"}, []string{"p2", "p1", "p3"}},
	} {
		var got []string
		for _, port := range orderPorts(tc.nics, tc.slots, all) {
			if port == nil {
				got = append(got, "")
			} else {
				got = append(got, port.ID)
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestFlattenNIC(t *testing.T) {
	t.Parallel()
	port := ports.Port{
		ID: "p", NetworkID: "n", Name: "mine", MACAddress: "fa:16:3e:00:00:01", SecurityGroups: []string{"g2"},
		FixedIPs: []ports.IP{{SubnetID: "s4", IPAddress: "10.0.0.1"}, {SubnetID: "s6", IPAddress: "fd00::1"}, {SubnetID: "s4", IPAddress: "10.0.0.2"}},
	}
	m := &serverModel{SecurityGroupIDs: value.Set([]string{"g1"})}
	nic := nicModel{NetworkID: text("n"), FixedIP: text("10.0.0.9")}
	flattenNIC(&nic, m, &port)
	if nic.IPv4 != text("10.0.0.1") || nic.IPv6 != text("fd00::1") || nic.MAC != text("fa:16:3e:00:00:01") {
		t.Errorf("addresses: %v", nic)
	}
	if nic.FixedIP != text("10.0.0.1") {
		t.Errorf("an address that the port lost shows as drift: %v", nic.FixedIP)
	}
	if !m.SecurityGroupIDs.Equal(value.Set([]string{"g2"})) {
		t.Errorf("groups: %v", m.SecurityGroupIDs)
	}
	imported := nicModel{SecurityGroupIDs: types.SetNull(types.StringType)}
	flattenNIC(&imported, &serverModel{}, &port)
	if imported.PortID != text("p") || !imported.NetworkID.IsNull() {
		t.Errorf("a port with a name was given: %v", imported)
	}
	port.Description = portMark
	imported = nicModel{SecurityGroupIDs: types.SetNull(types.StringType)}
	flattenNIC(&imported, &serverModel{}, &port)
	if imported.NetworkID != text("n") || !imported.PortID.IsNull() {
		t.Errorf("a port that was made for the server: %v", imported)
	}
}
