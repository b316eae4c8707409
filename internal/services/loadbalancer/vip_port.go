package loadbalancer

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// checkVIPPort refuses an address that Octavia would not take from the port that is given: of several in one subnet, it takes
// the first, whichever was asked for (seen with 11.0). What is not known yet is looked at before the creation.
func checkVIPPort(ctx context.Context, cloud *openstack.Cloud, m *model) error {
	if !value.Known(m.VIPPortID) || !value.Known(m.VIPAddress) {
		return nil
	}
	client, err := cloud.Network()
	if err != nil {
		return err
	}
	port, err := ports.Get(ctx, client, m.VIPPortID.ValueString()).Extract()
	if err != nil {
		return lifecycle.At(path.Root("vip_port_id"), fmt.Errorf("read the port: %w", err))
	}
	asked, err := netip.ParseAddr(m.VIPAddress.ValueString())
	if err != nil {
		return nil //nolint:nilerr // the attribute's own validator tells
	}
	is := func(ip ports.IP) bool {
		address, err := netip.ParseAddr(ip.IPAddress)
		return err == nil && address == asked
	}
	at := slices.IndexFunc(port.FixedIPs, is)
	if at < 0 {
		var has []string
		for _, ip := range port.FixedIPs {
			has = append(has, ip.IPAddress)
		}
		return lifecycle.Invalid(path.Root("vip_address"), "port %s has no such address; it has %v", port.ID, has)
	}
	first := slices.IndexFunc(port.FixedIPs, func(ip ports.IP) bool { return ip.SubnetID == port.FixedIPs[at].SubnetID })
	if first != at {
		return lifecycle.Invalid(path.Root("vip_address"), "of the addresses that port %s has in that subnet, Octavia takes the first, which is %s",
			port.ID, port.FixedIPs[first].IPAddress)
	}
	return nil
}
