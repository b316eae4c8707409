package loadbalancer

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// planFloatingIP says what will be known of the floating IP.
func planFloatingIP(change *lifecycle.Change[model]) {
	plan, prior := change.Plan, change.Prior
	switch {
	case !change.Config.FloatingIPID.IsNull():
		if prior == nil || !prior.FloatingIPID.Equal(plan.FloatingIPID) {
			plan.FloatingIPAddress = types.StringUnknown()
		} else {
			plan.FloatingIPAddress = prior.FloatingIPAddress
		}
	case plan.ExternalNetwork.IsNull():
		plan.FloatingIPID, plan.FloatingIPAddress = types.StringNull(), types.StringNull()
	case prior != nil && prior.ExternalNetwork.Equal(plan.ExternalNetwork) && !prior.FloatingIPID.IsNull():
		plan.FloatingIPID, plan.FloatingIPAddress = prior.FloatingIPID, prior.FloatingIPAddress
		if prior.FloatingIPAddress.IsNull() {
			plan.FloatingIPAddress = types.StringUnknown() // it was taken from the VIP
		}
	default:
		plan.FloatingIPID, plan.FloatingIPAddress = types.StringUnknown(), types.StringUnknown()
	}
}

// expose gives the VIP the floating IP that the model asks for, and takes away the one it had.
func (m *model) expose(ctx context.Context, cloud *openstack.Cloud, prior *model) error {
	port := m.tree.VIPPortID
	var ip *floatingips.FloatingIP
	var err error
	switch {
	case !prior.FloatingIPAddress.IsNull() && m.FloatingIPID.Equal(prior.FloatingIPID) && m.ExternalNetwork.Equal(prior.ExternalNetwork):
		return nil
	case value.Known(m.FloatingIPID):
		ip, err = engine.Associate(ctx, cloud, m.FloatingIPID.ValueString(), port)
		err = lifecycle.At(path.Root("floating_ip_id"), err)
	case !m.ExternalNetwork.IsNull():
		ip, err = engine.Expose(ctx, cloud, port, m.ExternalNetwork.ValueString(), m.Name.ValueString(), prior.FloatingIPID.ValueString())
		err = lifecycle.At(path.Root("external_network"), err)
	}
	if err != nil {
		return err
	}
	m.flattenFloatingIP(ip)
	if m.FloatingIPID.Equal(prior.FloatingIPID) {
		return nil
	}
	return prior.unexpose(ctx, cloud)
}

// unexpose takes the floating IP from the VIP: one that was made for it is deleted.
func (m *model) unexpose(ctx context.Context, cloud *openstack.Cloud) error {
	switch {
	case !value.Known(m.FloatingIPID):
		return nil
	case !m.ExternalNetwork.IsNull():
		return engine.Release(ctx, cloud, m.FloatingIPID.ValueString())
	}
	_, err := engine.Associate(ctx, cloud, m.FloatingIPID.ValueString(), "")
	return err
}

// readFloatingIP looks whether the floating IP is still that of the VIP. Of a load balancer that is
// being imported only one that was made for it is taken, which its description tells.
func (m *model) readFloatingIP(ctx context.Context, cloud *openstack.Cloud, tree *engine.Tree) error {
	if m.Name.IsNull() {
		ip, err := engine.ExposedBy(ctx, cloud, tree.VIPPortID)
		if err != nil {
			return err
		}
		if ip != nil && ip.Description == tree.Name {
			m.ExternalNetwork = types.StringValue(ip.FloatingNetworkID)
			// Most configurations have its name, which not every project may see.
			if network, err := lookup.ExternalNetwork(ctx, cloud, ip.FloatingNetworkID); err == nil && network.Name != "" {
				m.ExternalNetwork = types.StringValue(network.Name)
			}
			m.flattenFloatingIP(ip)
		}
		return nil
	}
	if !value.Known(m.FloatingIPID) {
		return nil
	}
	ip, err := engine.FloatingIP(ctx, cloud, m.FloatingIPID.ValueString())
	switch {
	case openstack.NotFound(err):
		m.flattenFloatingIP(nil)
	case err != nil:
		return err
	case ip.PortID == tree.VIPPortID:
		m.flattenFloatingIP(&ip)
	case m.ExternalNetwork.IsNull():
		m.flattenFloatingIP(nil)
	default:
		m.FloatingIPAddress = types.StringNull() // ours still, but not associated
	}
	return nil
}

func (m *model) flattenFloatingIP(ip *floatingips.FloatingIP) {
	m.FloatingIPID, m.FloatingIPAddress = types.StringNull(), types.StringNull()
	if ip != nil {
		m.FloatingIPID, m.FloatingIPAddress = types.StringValue(ip.ID), types.StringValue(ip.FloatingIP)
	}
}
