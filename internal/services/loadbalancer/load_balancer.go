package loadbalancer

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

type model struct {
	lifecycle.Object

	Name                 types.String `tfsdk:"name"`
	Description          types.String `tfsdk:"description"`
	VIPSubnetID          types.String `tfsdk:"vip_subnet_id"`
	VIPNetworkID         types.String `tfsdk:"vip_network_id"`
	VIPPortID            types.String `tfsdk:"vip_port_id"`
	VIPAddress           types.String `tfsdk:"vip_address"`
	AdditionalVIPs       types.List   `tfsdk:"additional_vips"`
	VIPQoSPolicyID       types.String `tfsdk:"vip_qos_policy_id"`
	AdminStateUp         types.Bool   `tfsdk:"admin_state_up"`
	Tags                 types.Set    `tfsdk:"tags"`
	LoadBalancerProvider types.String `tfsdk:"loadbalancer_provider"`
	Flavor               types.String `tfsdk:"flavor"`
	FlavorID             types.String `tfsdk:"flavor_id"`
	AvailabilityZone     types.String `tfsdk:"availability_zone"`
	ExternalNetwork      types.String `tfsdk:"external_network"`
	FloatingIPID         types.String `tfsdk:"floating_ip_id"`
	FloatingIPAddress    types.String `tfsdk:"floating_ip_address"`
	ProvisioningStatus   types.String `tfsdk:"provisioning_status"`
	OperatingStatus      types.String `tfsdk:"operating_status"`
	Statuses             types.Object `tfsdk:"statuses"`
	Listeners            types.Map    `tfsdk:"listeners"`
	Pools                types.Map    `tfsdk:"pools"`

	// tree is what Create and Update know already, so that it need not be read again.
	tree    *engine.Tree
	settled bool
}

// loadBalancer is a load balancer of Octavia with everything below it, and the floating IP of its VIP.
type loadBalancer struct{}

var (
	_ lifecycle.Handler[model]   = loadBalancer{}
	_ lifecycle.Updater[model]   = loadBalancer{}
	_ lifecycle.Waiter[model]    = loadBalancer{}
	_ lifecycle.Validator[model] = loadBalancer{}
	_ lifecycle.Planner[model]   = loadBalancer{}
	_ lifecycle.Timed            = loadBalancer{}
	_ lifecycle.Lister           = loadBalancer{}
	_ lifecycle.Mover            = loadBalancer{}
)

func (loadBalancer) Name() string { return "load_balancer" }

// Timeouts are long because a cloud makes the servers of a load balancer, and a tree may need many steps.
func (loadBalancer) Timeouts() lifecycle.Timeouts {
	return lifecycle.Timeouts{Create: 30 * time.Minute, Update: 30 * time.Minute, Delete: 20 * time.Minute}
}

func (loadBalancer) Create(ctx context.Context, cloud *openstack.Cloud, m *model) error {
	if !value.Known(m.FlavorID) && value.Known(m.Flavor) {
		flavor, err := lookup.LoadBalancerFlavor(ctx, cloud, m.Flavor.ValueString())
		if err != nil {
			return lifecycle.At(path.Root("flavor"), err)
		}
		m.FlavorID = types.StringValue(flavor.ID)
	}
	if err := checkVIPPort(ctx, cloud, m); err != nil {
		return err
	}
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
	spec.VIPQoSPolicyID = restored(spec.VIPQoSPolicyID, before.VIPQoSPolicyID, "")
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

// List finds the load balancers of the project.
func (loadBalancer) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	found, err := engine.All(ctx, cloud)
	if err != nil {
		return nil, err
	}
	var all []lifecycle.Listed
	for _, lb := range found {
		all = append(all, lifecycle.Listed{ID: lb.ID, Name: lb.Name, Tags: lb.Tags})
	}
	return all, nil
}

// MovesFrom is the load balancer of the common provider. What is below it there are types of their own: they are read into
// the tree, and leave the other state by removed blocks.
func (loadBalancer) MovesFrom() []string { return []string{"openstack_lb_loadbalancer_v2"} }

// expand is the specification that a plan or state stands for.
func (m *model) expand(ctx context.Context) (engine.Spec, error) {
	spec := engine.Spec{
		Name: m.Name.ValueString(), Description: m.Description.ValueString(),
		Tags: value.Strings(m.Tags), AdminStateUp: value.BoolPtr(m.AdminStateUp),
		VIPSubnetID: m.VIPSubnetID.ValueString(), VIPNetworkID: m.VIPNetworkID.ValueString(), VIPPortID: m.VIPPortID.ValueString(),
		VIPAddress: m.VIPAddress.ValueString(), Provider: m.LoadBalancerProvider.ValueString(),
		VIPQoSPolicyID: value.Ptr(m.VIPQoSPolicyID), FlavorID: m.FlavorID.ValueString(), AvailabilityZone: m.AvailabilityZone.ValueString(),
		Listeners: map[string]engine.Listener{}, Pools: map[string]engine.Pool{},
	}
	var err error
	if spec.AdditionalVIPs, err = expandVIPs(ctx, m.AdditionalVIPs); err != nil {
		return spec, err
	}
	listeners, err := elements[listenerModel](ctx, m.Listeners)
	if err != nil {
		return spec, err
	}
	for key, l := range listeners {
		if spec.Listeners[key], err = l.expand(ctx); err != nil {
			return spec, err
		}
	}
	pools, err := elements[poolModel](ctx, m.Pools)
	if err != nil {
		return spec, err
	}
	for key, p := range pools {
		if spec.Pools[key], err = p.expand(ctx); err != nil {
			return spec, err
		}
	}
	return spec, nil
}

// flatten puts the tree into the model. What the model says already decides how the same is written:
// what it leaves to the cloud stays unset, and positions and rules stay as they are when they mean
// what the cloud has. What it does not have is written in full.
func (m *model) flatten(ctx context.Context, tree *engine.Tree) error {
	spec := tree.Spec()
	if imported := m.Name.IsNull(); imported || known(m.VIPQoSPolicyID) {
		m.VIPQoSPolicyID = value.StringOrNull(*spec.VIPQoSPolicyID)
	}
	m.Name = types.StringValue(spec.Name)
	m.Description = types.StringValue(spec.Description)
	m.VIPSubnetID = value.StringOrNull(spec.VIPSubnetID)
	m.VIPNetworkID = value.StringOrNull(spec.VIPNetworkID)
	m.VIPPortID = value.StringOrNull(spec.VIPPortID)
	if !sameAddress(m.VIPAddress, spec.VIPAddress) {
		m.VIPAddress = value.StringOrNull(spec.VIPAddress)
	}
	m.AdminStateUp = types.BoolPointerValue(spec.AdminStateUp)
	m.Tags = value.Set(spec.Tags)
	m.LoadBalancerProvider = value.StringOrNull(spec.Provider)
	if !known(m.Flavor) || known(m.FlavorID) && m.FlavorID.ValueString() != spec.FlavorID {
		m.Flavor = value.StringOrNull(spec.FlavorID)
	}
	m.FlavorID = value.StringOrNull(spec.FlavorID)
	m.AvailabilityZone = value.StringOrNull(spec.AvailabilityZone)
	m.ProvisioningStatus = value.StringOrNull(tree.ProvisioningStatus)
	m.OperatingStatus = value.StringOrNull(tree.OperatingStatus)
	var err error
	if m.Statuses, err = flattenStatuses(ctx, tree); err != nil {
		return err
	}
	if m.AdditionalVIPs, err = flattenVIPs(ctx, spec.AdditionalVIPs, m.AdditionalVIPs); err != nil {
		return err
	}
	attributes := loadBalancer{}.Schema().Attributes
	listeners, err := elements[listenerModel](ctx, m.Listeners)
	if err != nil {
		return err
	}
	for key, l := range spec.Listeners {
		prior, known := listeners[key]
		if listeners[key], err = flattenListener(ctx, l, prior, known); err != nil {
			return err
		}
	}
	if m.Listeners, err = mapOf(ctx, attributes["listeners"], only(listeners, spec.Listeners), m.Listeners); err != nil {
		return err
	}
	pools, err := elements[poolModel](ctx, m.Pools)
	if err != nil {
		return err
	}
	for key, p := range spec.Pools {
		if pools[key], err = flattenPool(ctx, p, pools[key]); err != nil {
			return err
		}
	}
	m.Pools, err = mapOf(ctx, attributes["pools"], only(pools, spec.Pools), m.Pools)
	return err
}
