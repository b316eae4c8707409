package loadbalancer

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
)

func TestIsVIP(t *testing.T) {
	t.Parallel()
	vip := func(change func(*ports.Port)) ports.Port {
		p := ports.Port{
			Name: "octavia-lb-a", DeviceID: "lb-a", DeviceOwner: "Octavia", NetworkID: "net",
			FixedIPs: []ports.IP{{SubnetID: "sub", IPAddress: "2001:db8::5"}},
		}
		change(&p)
		return p
	}
	same := func(*ports.Port) {}
	for name, tc := range map[string]struct {
		port ports.Port
		spec Spec
		want bool
	}{
		"by subnet":             {vip(same), Spec{VIPSubnetID: "sub"}, true},
		"by network":            {vip(same), Spec{VIPNetworkID: "net"}, true},
		"by address":            {vip(same), Spec{VIPSubnetID: "sub", VIPAddress: "2001:db8:0::5"}, true},
		"another subnet":        {vip(same), Spec{VIPSubnetID: "other"}, false},
		"another network":       {vip(same), Spec{VIPNetworkID: "other"}, false},
		"another address":       {vip(same), Spec{VIPSubnetID: "sub", VIPAddress: "2001:db8::6"}, false},
		"a server's":            {vip(func(p *ports.Port) { p.DeviceID = "a" }), Spec{VIPSubnetID: "sub"}, false},
		"named otherwise":       {vip(func(p *ports.Port) { p.Name = "octavia-lb-b" }), Spec{VIPSubnetID: "sub"}, false},
		"of no load balancer":   {vip(func(p *ports.Port) { p.DeviceID, p.Name = "lb-", "octavia-lb-" }), Spec{VIPSubnetID: "sub"}, false},
		"not made by Octavia":   {vip(func(p *ports.Port) { p.DeviceOwner = "" }), Spec{VIPSubnetID: "sub"}, false},
		"without any addresses": {vip(func(p *ports.Port) { p.FixedIPs = nil }), Spec{VIPSubnetID: "sub"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := isVIP(tc.port, tc.spec); got != tc.want {
				t.Errorf("isVIP = %v", got)
			}
		})
	}
}
