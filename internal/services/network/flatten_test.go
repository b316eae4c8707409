package network

import (
	"encoding/json"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// The bodies are what Neutron of Zed answered.

func decoded[T any](t *testing.T, body string) T {
	t.Helper()
	var out T
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFlattenNetwork(t *testing.T) {
	var m networkModel
	m.flatten(decoded[apiNetwork](t, `{"id": "31a8", "name": "prod", "admin_state_up": true, "mtu": 1450, "status": "ACTIVE", "subnets": [], "shared": false,
		"port_security_enabled": true, "qos_policy_id": null, "dns_domain": "", "router:external": true, "availability_zone_hints": [], "description": "", "tags": ["a"]}`))
	if m.Name.ValueString() != "prod" || m.MTU.ValueInt64() != 1450 || !m.DNSDomain.IsNull() || !m.PortSecurity.ValueBool() || !m.External.ValueBool() ||
		m.Shared.ValueBool() || !m.AvailabilityZoneHints.IsNull() || !m.Tags.Equal(value.Set([]string{"a"})) || m.Description.IsNull() {
		t.Errorf("got %+v", m)
	}
	m.flatten(decoded[apiNetwork](t, `{"id": "31a8", "name": "prod", "dns_domain": "example.org."}`)) // a cloud without the port security extension
	if !m.PortSecurity.IsNull() || m.DNSDomain.ValueString() != "example.org." {
		t.Errorf("got %+v", m)
	}
}

func TestFlattenSubnet(t *testing.T) {
	m := subnetModel{
		AllocationPools: objects(poolAttributes, []string{"10.77.0.100", "10.77.0.120"}, []string{"10.77.0.10", "10.77.0.20"}),
		GatewayIP:       types.StringValue("2001:0db8::1"),
	}
	s := decoded[apiSubnet](t, `{"id": "afa9", "name": "", "network_id": "n", "ip_version": 6, "subnetpool_id": null, "enable_dhcp": true, "ipv6_ra_mode": null,
		"ipv6_address_mode": "slaac", "gateway_ip": "2001:db8::1", "cidr": "2001:db8::/64", "service_types": [], "tags": [], "description": "",
		"allocation_pools": [{"start": "10.77.0.10", "end": "10.77.0.20"}, {"start": "10.77.0.100", "end": "10.77.0.120"}],
		"host_routes": [{"destination": "10.8.0.0/16", "nexthop": "10.77.0.9"}], "dns_nameservers": ["8.8.8.8", "1.1.1.1"]}`)
	ordered := m.AllocationPools
	m.flatten(s)
	if !m.AllocationPools.Equal(ordered) || m.GatewayIP.ValueString() != "2001:0db8::1" || m.NoGateway.ValueBool() || !m.SubnetPoolID.IsNull() ||
		m.IPVersion.ValueInt64() != 6 || m.IPv6AddressMode.ValueString() != "slaac" || !m.IPv6RAMode.IsNull() || !m.ServiceTypes.IsNull() ||
		!m.DNSNameservers.Equal(value.List([]string{"8.8.8.8", "1.1.1.1"})) || !m.HostRoutes.Equal(objects(routeAttributes, []string{"10.8.0.0/16", "10.77.0.9"})) {
		t.Errorf("got %+v", m)
	}
	s.GatewayIP, s.DNSNameservers, s.HostRoutes = "", nil, nil
	m.flatten(s)
	if !m.GatewayIP.IsNull() || !m.NoGateway.ValueBool() || !m.DNSNameservers.IsNull() || !m.HostRoutes.IsNull() {
		t.Errorf("got %+v", m)
	}
}

func TestFlattenRouter(t *testing.T) {
	var m routerModel
	m.flatten(decoded[apiRouter](t, `{"id": "90e9", "name": "r", "admin_state_up": true, "description": "", "availability_zone_hints": [], "routes": [], "tags": [],
		"external_gateway_info": {"network_id": "e", "enable_snat": true, "external_fixed_ips": [{"subnet_id": "s", "ip_address": "203.0.113.10"}]}}`), []string{"a", "b"})
	if !m.EnableSNAT.ValueBool() || !m.ExternalAddresses.Equal(value.List([]string{"203.0.113.10"})) || !m.SubnetIDs.Equal(value.Set([]string{"a", "b"})) ||
		!m.Routes.IsNull() || !m.AvailabilityZoneHints.IsNull() {
		t.Errorf("got %+v", m)
	}
	m.flatten(decoded[apiRouter](t, `{"id": "90e9", "name": "r", "external_gateway_info": null}`), nil)
	if !m.EnableSNAT.IsNull() || !m.ExternalAddresses.Equal(value.List(nil)) || !m.SubnetIDs.Equal(value.Set(nil)) {
		t.Errorf("got %+v", m)
	}
}

func TestFlattenFloatingIP(t *testing.T) {
	var m floatingIPModel
	m.flatten(decoded[apiFloatingIP](t, `{"id": "546c", "floating_ip_address": "203.0.113.250", "floating_network_id": "f57d", "router_id": null, "port_id": null,
		"fixed_ip_address": null, "status": "DOWN", "description": "x", "tags": []}`))
	if m.Address.ValueString() != "203.0.113.250" || !m.PortID.IsNull() || !m.FixedIP.IsNull() || !m.RouterID.IsNull() || m.Description.ValueString() != "x" {
		t.Errorf("got %+v", m)
	}
}
