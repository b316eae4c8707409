package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// router joins subnets with each other and with an external network.
type router struct{}

var (
	_ lifecycle.Handler[routerModel]   = router{}
	_ lifecycle.Updater[routerModel]   = router{}
	_ lifecycle.Validator[routerModel] = router{}
	_ lifecycle.Planner[routerModel]   = router{}
	_ lifecycle.Lister                 = router{}
	_ lifecycle.Mover                  = router{}
)

type routerModel struct {
	lifecycle.Object

	Name                  types.String `tfsdk:"name"`
	Description           types.String `tfsdk:"description"`
	ExternalNetwork       types.String `tfsdk:"external_network"`
	ExternalNetworkID     types.String `tfsdk:"external_network_id"`
	EnableSNAT            types.Bool   `tfsdk:"enable_snat"`
	ExternalFixedIPs      types.List   `tfsdk:"external_fixed_ips"`
	ExternalAddresses     types.List   `tfsdk:"external_addresses"`
	SubnetIDs             types.Set    `tfsdk:"subnet_ids"`
	Routes                types.List   `tfsdk:"routes"`
	AdminStateUp          types.Bool   `tfsdk:"admin_state_up"`
	AvailabilityZoneHints types.Set    `tfsdk:"availability_zone_hints"`
	Distributed           types.Bool   `tfsdk:"distributed"`
	HA                    types.Bool   `tfsdk:"ha"`
	Tags                  types.Set    `tfsdk:"tags"`
}

type apiRouter struct {
	ID          string `json:"id"`
	ProjectID   string `json:"project_id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Gateway     *struct {
		NetworkID  string `json:"network_id"`
		EnableSNAT *bool  `json:"enable_snat"`
		FixedIPs   []struct {
			SubnetID  string `json:"subnet_id"`
			IPAddress string `json:"ip_address"`
		} `json:"external_fixed_ips"`
	} `json:"external_gateway_info"`
	Routes                []apiRoute `json:"routes"`
	AdminStateUp          bool       `json:"admin_state_up"`
	AvailabilityZoneHints []string   `json:"availability_zone_hints"`
	Distributed           *bool      `json:"distributed"` // administrators only see these two
	HA                    *bool      `json:"ha"`
	Tags                  []string   `json:"tags"`
}

var routers = kind[apiRouter]{"router", "routers", func(r apiRouter) string { return r.ID }}

func (router) Name() string { return "router" }

func (router) Schema() schema.Schema {
	byAdministrator := func(description string) schema.BoolAttribute {
		return schema.BoolAttribute{
			MarkdownDescription: description + " As the cloud does by default when not set. Needs an administrator, and only they see it. Changing it takes the router down for a moment.",
			Optional:            true,
			Computed:            true,
			PlanModifiers:       []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()},
		}
	}
	return schema.Schema{
		MarkdownDescription: "A router with the subnets that are attached to it. Attached subnets need a gateway: the router takes its address.",
		Attributes: map[string]schema.Attribute{
			"name":        optionalName(),
			"description": attribute.Description(),
			"external_network": schema.StringAttribute{
				MarkdownDescription: "Name or ID of the external network that is the way out. Without it the subnets reach each other only.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"external_network_id": schema.StringAttribute{
				MarkdownDescription: "ID of the external network.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"enable_snat": schema.BoolAttribute{
				MarkdownDescription: "Whether addresses of the subnets are translated on the way out. Most clouds let administrators only choose.",
				Optional:            true,
				Computed:            true,
				PlanModifiers:       []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()},
			},
			"external_fixed_ips": schema.ListNestedAttribute{
				MarkdownDescription: "Addresses to have in the external network. Most clouds let administrators only choose.",
				Optional:            true,
				Validators:          []validator.List{listvalidator.SizeAtLeast(1), listvalidator.AlsoRequires(path.MatchRoot("external_network"))},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"subnet_id": schema.StringAttribute{MarkdownDescription: "ID of the external network's subnet.", Optional: true},
					"ip_address": schema.StringAttribute{MarkdownDescription: "Address.", Optional: true,
						Validators: []validator.String{attribute.IPAddress(), stringvalidator.AtLeastOneOf(
							path.MatchRelative().AtParent().AtName("subnet_id"), path.MatchRelative().AtParent().AtName("ip_address"))}},
				}},
			},
			"external_addresses": schema.ListAttribute{
				MarkdownDescription: "Addresses that the router has in the external network.",
				ElementType:         types.StringType,
				Computed:            true,
				PlanModifiers:       []planmodifier.List{listplanmodifier.UseStateForUnknown()},
			},
			"subnet_ids": schema.SetAttribute{
				MarkdownDescription: "IDs of the attached subnets. All of them: a subnet that something else attaches is taken off.",
				ElementType:         types.StringType,
				Optional:            true,
				Computed:            true,
				Default:             setdefault.StaticValue(value.Set(nil)),
			},
			"routes":         routesAttribute("Static routes.", attribute.CIDR()),
			"admin_state_up": attribute.AdminStateUp(),
			"availability_zone_hints": schema.SetAttribute{
				MarkdownDescription: "Availability zones for the router's agents. Changing it makes a new router.",
				ElementType:         types.StringType,
				Optional:            true,
				PlanModifiers:       []planmodifier.Set{setplanmodifier.RequiresReplace()},
				Validators:          []validator.Set{nonEmptySet()},
			},
			"distributed": byAdministrator("Whether each host routes for its own servers."),
			"ha":          byAdministrator("Whether a second agent takes over when the router's agent fails."),
			"tags":        attribute.Tags(),
		},
	}
}

func (router) Validate(_ context.Context, m *routerModel) error {
	errs := validateRoutes("routes", m.Routes, netip.Prefix{})
	if value.Known(m.EnableSNAT) && m.ExternalNetwork.IsNull() {
		errs = append(errs, lifecycle.Invalid(path.Root("enable_snat"), "there is nothing to translate to without external_network"))
	}
	return errors.Join(errs...)
}

// Plan knows that another gateway brings other addresses, and that a name and an id may be the same network.
func (router) Plan(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[routerModel]) error {
	plan := change.Plan
	var prior, priorID types.String
	if change.Prior != nil {
		prior, priorID = change.Prior.ExternalNetwork, change.Prior.ExternalNetworkID
	}
	changed, id, err := planExternalNetwork(ctx, cloud, plan.ExternalNetwork, prior, priorID)
	if err != nil {
		return err
	}
	plan.ExternalNetworkID = id
	moved := changed || change.Prior == nil || !plan.ExternalFixedIPs.Equal(change.Prior.ExternalFixedIPs)
	switch {
	case plan.ExternalNetwork.IsNull():
		plan.ExternalAddresses = value.List(nil)
		plan.EnableSNAT = types.BoolNull()
	case moved:
		plan.ExternalAddresses = types.ListUnknown(types.StringType)
		if change.Config.EnableSNAT.IsNull() {
			plan.EnableSNAT = types.BoolUnknown()
		}
	}
	return nil
}

func (m *routerModel) fields() fields {
	return fields{
		"name": m.Name, "description": m.Description, "admin_state_up": m.AdminStateUp, "availability_zone_hints": m.AvailabilityZoneHints,
		"distributed": m.Distributed, "ha": m.HA,
	}
}

// blameRouter finds the argument that a refusal is about.
func blameRouter(err error) error {
	return blame(err, map[string]string{"AvailabilityZoneNotFound": "availability_zone_hints", "IpAddressAlreadyAllocated": "external_fixed_ips",
		"InvalidIpForNetwork": "external_fixed_ips", "InvalidIpForSubnet": "external_fixed_ips", "RouterExternalGatewayInUseByFloatingIp": "external_network"}, map[string]string{
		"enable_snat": "enable_snat", "external_fixed_ips": "external_fixed_ips", "distributed": "distributed", "ha": "ha",
	})
}

// gateway is the body's external_gateway_info; nil is none. What an administrator only may choose is sent only
// when it is chosen.
func (m *routerModel) gateway(ctx context.Context, cloud *openstack.Cloud) (map[string]any, error) {
	if m.ExternalNetwork.IsNull() {
		return nil, nil
	}
	id, err := externalNetwork(ctx, cloud, m.ExternalNetwork.ValueString())
	if err != nil {
		return nil, err
	}
	out := fields{"enable_snat": m.EnableSNAT, "external_fixed_ips": m.ExternalFixedIPs}.known()
	out["network_id"] = id
	return out, nil
}

func (router) Create(ctx context.Context, cloud *openstack.Cloud, m *routerModel) error {
	gateway, err := m.gateway(ctx, cloud)
	if err != nil {
		return err
	}
	body := m.fields().known()
	if gateway != nil {
		body["external_gateway_info"] = gateway
	}
	made, err := routers.create(ctx, cloud, body)
	if err != nil {
		return blameRouter(err)
	}
	m.ID = types.StringValue(made.ID)
	if err := attachAll(ctx, cloud, made.ID, value.Strings(m.SubnetIDs)); err != nil {
		return err
	}
	if len(m.Routes.Elements()) > 0 { // their next hops are in the subnets
		if err := setRoutes(ctx, cloud, made.ID, m.Routes); err != nil {
			return err
		}
	}
	if len(m.Tags.Elements()) > 0 {
		return routers.setTags(ctx, cloud, made.ID, m.Tags)
	}
	return nil
}

func attachAll(ctx context.Context, cloud *openstack.Cloud, routerID string, subnetIDs []string) error {
	for _, id := range subnetIDs { // one by one: Neutron locks the router for each
		if err := routerInterface(ctx, cloud, routerID, id, "add_router_interface"); err != nil {
			return lifecycle.At(path.Root("subnet_ids"), fmt.Errorf("attach subnet %s: %w", id, err))
		}
	}
	return nil
}

func setRoutes(ctx context.Context, cloud *openstack.Cloud, id string, list types.List) error {
	all := plain(list)
	if all == nil {
		all = []any{}
	}
	if _, err := routers.update(ctx, cloud, id, map[string]any{"routes": all}); err != nil {
		return lifecycle.At(path.Root("routes"), fmt.Errorf("set the routes: %w", err))
	}
	return nil
}

func (router) Read(ctx context.Context, cloud *openstack.Cloud, m *routerModel) error {
	found, err := routers.get(ctx, cloud, m.ID.ValueString())
	if err != nil {
		return err
	}
	attached, err := openstack.Get(ctx, cloud, attachedSubnets, found.ID)
	if err != nil {
		return fmt.Errorf("list the attached subnets: %w", err)
	}
	externalID := ""
	if found.Gateway != nil {
		externalID = found.Gateway.NetworkID
	}
	m.ExternalNetwork, m.ExternalNetworkID, err = flattenExternalNetwork(ctx, cloud, m.ExternalNetwork, m.ExternalNetworkID, externalID)
	if err != nil {
		return err
	}
	m.flatten(found, attached.subnetIDs)
	return nil
}

// attachment is a router and the subnets on it.
type attachment struct {
	routerID  string
	subnetIDs []string
}

// attachedSubnets reads the ports of many routers with one list.
var attachedSubnets = openstack.Collection[attachment]{
	Name:    "router interfaces",
	Service: (*openstack.Cloud).Network,
	ID:      func(a attachment) string { return a.routerID },
	MaxIDs:  maxIDs,
	Get: func(ctx context.Context, client *gophercloud.ServiceClient, id string) (attachment, error) {
		all, err := listAttachments(ctx, client, []string{id})
		if err != nil {
			return attachment{}, err
		}
		return all[0], nil
	},
	List: listAttachments,
}

// listAttachments answers for every router that is asked for, also for those without subnets.
func listAttachments(ctx context.Context, client *gophercloud.ServiceClient, routerIDs []string) ([]attachment, error) {
	query := url.Values{"device_id": routerIDs}
	if len(routerIDs) == 0 {
		query = url.Values{"device_owner": {"network:router_interface", "network:router_interface_distributed", "network:ha_router_replicated_interface"}}
	}
	found, err := ports.pages(ctx, client, query)
	if err != nil {
		return nil, err
	}
	bySubnet := map[string][]string{}
	for _, id := range routerIDs {
		bySubnet[id] = nil
	}
	for _, port := range found {
		if !port.routerInterface() {
			continue
		}
		for _, ip := range port.FixedIPs {
			bySubnet[port.DeviceID] = append(bySubnet[port.DeviceID], ip.SubnetID)
		}
	}
	var all []attachment
	for id, subnetIDs := range bySubnet {
		all = append(all, attachment{id, subnetIDs})
	}
	return all, nil
}

// Update adds interfaces before and removes them after the router itself changes: routes need both their old and their
// new next hops while they are exchanged.
func (router) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *routerModel) error {
	id := plan.ID.ValueString()
	wanted, had := value.Strings(plan.SubnetIDs), value.Strings(prior.SubnetIDs)
	added := slices.DeleteFunc(slices.Clone(wanted), func(s string) bool { return slices.Contains(had, s) })
	removed := slices.DeleteFunc(slices.Clone(had), func(s string) bool { return slices.Contains(wanted, s) })

	if err := attachAll(ctx, cloud, id, added); err != nil {
		return err
	}
	body := plan.fields().changed(prior.fields())
	if !plan.ExternalNetworkID.Equal(prior.ExternalNetworkID) || !plan.EnableSNAT.Equal(prior.EnableSNAT) || !plan.ExternalFixedIPs.Equal(prior.ExternalFixedIPs) {
		gateway, err := plan.gateway(ctx, cloud)
		if err != nil {
			return err
		}
		body["external_gateway_info"] = gateway
	}
	if err := changeRouter(ctx, cloud, id, body, prior.AdminStateUp.ValueBool()); err != nil {
		return blameRouter(err)
	}
	if !plan.Routes.Equal(prior.Routes) {
		if err := setRoutes(ctx, cloud, id, plan.Routes); err != nil {
			return err
		}
	}
	for _, subnetID := range removed {
		if err := detachUnused(ctx, cloud, id, subnetID); err != nil {
			return err
		}
	}
	if !plan.Tags.Equal(prior.Tags) {
		return routers.setTags(ctx, cloud, id, plan.Tags)
	}
	return nil
}

// changeRouter changes a router. Neutron changes its kind only while it is down.
func changeRouter(ctx context.Context, cloud *openstack.Cloud, id string, body map[string]any, up bool) error {
	kind := map[string]any{}
	for _, name := range []string{"distributed", "ha"} {
		if v, ok := body[name]; ok {
			kind[name] = v
			delete(body, name)
		}
	}
	err := routers.change(ctx, cloud, id, kind)
	if fault, ok := openstack.FaultOf(err); ok && strings.Contains(fault.Message, "admin_state_up") {
		if err := routers.change(ctx, cloud, id, map[string]any{"admin_state_up": false}); err != nil {
			return err
		}
		err = routers.change(ctx, cloud, id, kind)
		if _, ok := body["admin_state_up"]; !ok {
			body["admin_state_up"] = up
		}
	}
	return errors.Join(err, routers.change(ctx, cloud, id, body))
}

// detachUnused takes a subnet off; floating IPs that still need it may be going in the same plan.
func detachUnused(ctx context.Context, cloud *openstack.Cloud, routerID, subnetID string) error {
	err := deleteUnused(ctx, "the interface of subnet "+subnetID,
		func(ctx context.Context) error { return detach(ctx, cloud, routerID, subnetID) },
		func(ctx context.Context) ([]string, error) {
			found, err := floatingIPs.list(ctx, cloud, url.Values{"router_id": {routerID}})
			var users []string
			for _, f := range found {
				users = append(users, "floating IP "+f.Address)
			}
			return users, err
		})
	if err != nil {
		return lifecycle.At(path.Root("subnet_ids"), fmt.Errorf("detach subnet %s: %w", subnetID, err))
	}
	return nil
}

func (router) Delete(ctx context.Context, cloud *openstack.Cloud, m *routerModel) error {
	id := m.ID.ValueString()
	client, err := cloud.Network()
	if err != nil {
		return err
	}
	// Asked now, not from the state: what is attached keeps the router.
	attached, err := listAttachments(ctx, client, []string{id})
	if err != nil {
		return fmt.Errorf("list the attached subnets: %w", err)
	}
	if len(m.Routes.Elements()) > 0 && len(attached[0].subnetIDs) > 0 {
		if err := setRoutes(ctx, cloud, id, types.ListNull(m.Routes.ElementType(ctx))); err != nil {
			return err
		}
	}
	for _, subnetID := range attached[0].subnetIDs {
		if err := detachUnused(ctx, cloud, id, subnetID); err != nil {
			return err
		}
	}
	return deleteUnused(ctx, "router "+id,
		func(ctx context.Context) error { return routers.delete(ctx, cloud, id) },
		portUsers(cloud, url.Values{"device_id": {id}}))
}

func (router) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return lifecycle.ListOf(ctx, cloud, routers.collection(), func(o apiRouter) lifecycle.Listed {
		return lifecycle.Listed{ID: o.ID, Name: o.Name, ProjectID: o.ProjectID, Tags: o.Tags}
	})
}

// MovesFrom names the type of the common provider.
func (router) MovesFrom() []string { return []string{"openstack_networking_router_v2"} }

func (m *routerModel) flatten(r apiRouter, subnetIDs []string) {
	m.Name = types.StringValue(r.Name)
	m.Description = types.StringValue(r.Description)
	m.AdminStateUp = types.BoolValue(r.AdminStateUp)
	m.EnableSNAT = types.BoolNull()
	var addresses []string
	if r.Gateway != nil {
		m.EnableSNAT = types.BoolPointerValue(r.Gateway.EnableSNAT)
		for _, ip := range r.Gateway.FixedIPs {
			addresses = append(addresses, ip.IPAddress)
		}
	}
	m.ExternalAddresses = value.List(addresses)
	m.SubnetIDs = value.Set(subnetIDs)
	m.Routes = keepOrder(m.Routes, routes(r.Routes))
	m.AvailabilityZoneHints = value.SetOrNull(r.AvailabilityZoneHints)
	m.Distributed = types.BoolPointerValue(r.Distributed)
	m.HA = types.BoolPointerValue(r.HA)
	m.Tags = value.Set(r.Tags)
}
