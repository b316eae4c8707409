package loadbalancer

import (
	"context"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// loadBalancer is a load balancer of Octavia with everything below it, and the floating IP of its VIP.
type loadBalancer struct{}

var (
	_ lifecycle.Handler[model]   = loadBalancer{}
	_ lifecycle.Updater[model]   = loadBalancer{}
	_ lifecycle.Waiter[model]    = loadBalancer{}
	_ lifecycle.Validator[model] = loadBalancer{}
	_ lifecycle.Planner[model]   = loadBalancer{}
	_ lifecycle.Timed            = loadBalancer{}
)

func (loadBalancer) Name() string { return "load_balancer" }

// Timeouts are long because a cloud makes the servers of a load balancer, and a tree may need many steps.
func (loadBalancer) Timeouts() lifecycle.Timeouts {
	return lifecycle.Timeouts{Create: 30 * time.Minute, Update: 30 * time.Minute, Delete: 20 * time.Minute}
}

// Plan says what will be known of the floating IP.
func (loadBalancer) Plan(_ context.Context, _ *openstack.Cloud, change *lifecycle.Change[model]) error {
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
	return nil
}

func (loadBalancer) Create(ctx context.Context, cloud *openstack.Cloud, m *model) error {
	spec, err := m.expand(ctx)
	if err != nil {
		return err
	}
	tree, err := engine.Create(ctx, cloud, spec)
	if err != nil {
		return err
	}
	m.ID, m.tree = types.StringValue(tree.ID), tree
	return nil
}

// Wait settles what Create has begun. After Update there is nothing to wait for.
func (loadBalancer) Wait(ctx context.Context, cloud *openstack.Cloud, m *model) error {
	if m.tree == nil || m.settled {
		return nil
	}
	spec, err := m.expand(ctx)
	if err != nil {
		return err
	}
	tree, err := engine.Settle(ctx, cloud, m.tree, spec, func(id string) { m.ID = types.StringValue(id) })
	if err != nil {
		return err
	}
	m.tree, m.settled = tree, true
	return m.expose(ctx, cloud, &model{})
}

func (loadBalancer) Read(ctx context.Context, cloud *openstack.Cloud, m *model) error {
	tree := m.tree
	if tree == nil || !m.settled {
		spec, err := m.expand(ctx)
		if err != nil {
			return err
		}
		if tree, err = engine.Read(ctx, cloud, m.ID.ValueString(), spec); err != nil {
			return err
		}
		if err := m.readFloatingIP(ctx, cloud, tree); err != nil {
			return err
		}
	}
	return m.flatten(ctx, tree)
}

func (loadBalancer) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *model) error {
	spec, err := plan.expand(ctx)
	if err != nil {
		return err
	}
	before, err := prior.expand(ctx)
	if err != nil {
		return err
	}
	restoreDefaults(spec, before)
	if plan.tree, err = engine.Apply(ctx, cloud, plan.ID.ValueString(), spec); err != nil {
		return err
	}
	plan.settled = true
	return plan.expose(ctx, cloud, prior)
}

func (loadBalancer) Delete(ctx context.Context, cloud *openstack.Cloud, m *model) error {
	if err := m.unexpose(ctx, cloud); err != nil {
		return err
	}
	return engine.Delete(ctx, cloud, m.ID.ValueString(), m.Name.ValueString())
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
