package network

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// subnet is a range of addresses in a network, with what DHCP tells about it.
type subnet struct{}

var (
	_ lifecycle.Handler[subnetModel]   = subnet{}
	_ lifecycle.Updater[subnetModel]   = subnet{}
	_ lifecycle.Validator[subnetModel] = subnet{}
	_ lifecycle.Planner[subnetModel]   = subnet{}
	_ lifecycle.Lister                 = subnet{}
	_ lifecycle.Mover                  = subnet{}
)

type subnetModel struct {
	lifecycle.Object

	Name            types.String `tfsdk:"name"`
	Description     types.String `tfsdk:"description"`
	NetworkID       types.String `tfsdk:"network_id"`
	CIDR            types.String `tfsdk:"cidr"`
	SubnetPoolID    types.String `tfsdk:"subnet_pool_id"`
	PrefixLength    types.Int64  `tfsdk:"prefix_length"`
	IPVersion       types.Int64  `tfsdk:"ip_version"`
	AllocationPools types.List   `tfsdk:"allocation_pools"`
	GatewayIP       types.String `tfsdk:"gateway_ip"`
	NoGateway       types.Bool   `tfsdk:"no_gateway"`
	EnableDHCP      types.Bool   `tfsdk:"enable_dhcp"`
	DNSNameservers  types.List   `tfsdk:"dns_nameservers"`
	HostRoutes      types.List   `tfsdk:"host_routes"`
	IPv6AddressMode types.String `tfsdk:"ipv6_address_mode"`
	IPv6RAMode      types.String `tfsdk:"ipv6_ra_mode"`
	ServiceTypes    types.Set    `tfsdk:"service_types"`
	SegmentID       types.String `tfsdk:"segment_id"`
	Tags            types.Set    `tfsdk:"tags"`
}

type apiSubnet struct {
	ID              string `json:"id"`
	ProjectID       string `json:"project_id"`
	Name            string `json:"name"`
	Description     string `json:"description"`
	NetworkID       string `json:"network_id"`
	CIDR            string `json:"cidr"`
	SubnetPoolID    string `json:"subnetpool_id"`
	IPVersion       int    `json:"ip_version"`
	AllocationPools []struct {
		Start string `json:"start"`
		End   string `json:"end"`
	} `json:"allocation_pools"`
	GatewayIP       string     `json:"gateway_ip"`
	EnableDHCP      bool       `json:"enable_dhcp"`
	DNSNameservers  []string   `json:"dns_nameservers"`
	HostRoutes      []apiRoute `json:"host_routes"`
	IPv6AddressMode string     `json:"ipv6_address_mode"`
	IPv6RAMode      string     `json:"ipv6_ra_mode"`
	ServiceTypes    []string   `json:"service_types"`
	SegmentID       string     `json:"segment_id"`
	Tags            []string   `json:"tags"`
}

type apiRoute struct {
	Destination string `json:"destination"`
	NextHop     string `json:"nexthop"`
}

var subnets = kind[apiSubnet]{"subnet", "subnets", func(s apiSubnet) string { return s.ID }}

// serviceType is how Neutron wants the owners of ports to begin.
var serviceType = regexp.MustCompile(`^(compute|network|neutron|baremetal):`)

func (subnet) Name() string { return "subnet" }

func (subnet) Schema() schema.Schema {
	replace := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	ipv6Mode := func(description string) schema.StringAttribute {
		return schema.StringAttribute{
			MarkdownDescription: description + " `slaac`, `dhcpv6-stateful` or `dhcpv6-stateless`; IPv6 only. Changing it makes a new subnet.",
			Optional:            true,
			PlanModifiers:       replace,
			Validators:          []validator.String{stringvalidator.OneOf("slaac", "dhcpv6-stateful", "dhcpv6-stateless")},
		}
	}
	return schema.Schema{
		MarkdownDescription: "A range of addresses in a network. A subnet that is deleted is first taken off the routers it is attached to.",
		Attributes: map[string]schema.Attribute{
			"name":        optionalName(),
			"description": attribute.Description(),
			"network_id":  attribute.Reference("ID of the network. Changing it makes a new subnet."),
			"cidr": schema.StringAttribute{
				MarkdownDescription: "Addresses of the subnet, such as `10.1.0.0/24`. With `subnet_pool_id` they are taken from the pool, which chooses them when this is not set. Changing it makes a new subnet.",
				Optional:            true,
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplaceIfConfigured()},
				Validators:          []validator.String{attribute.CIDR()},
			},
			"subnet_pool_id": schema.StringAttribute{
				MarkdownDescription: "ID of the subnet pool that the addresses are taken from. Changing it makes a new subnet.",
				Optional:            true,
				PlanModifiers:       replace,
			},
			"prefix_length": schema.Int64Attribute{
				MarkdownDescription: "Length of the prefix to take from the subnet pool; the pool's default when not set. Changing it makes a new subnet.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(0, 128), int64validator.AlsoRequires(path.MatchRoot("subnet_pool_id"))},
			},
			"ip_version": schema.Int64Attribute{
				MarkdownDescription: "4 or 6, as the addresses are.",
				Computed:            true,
				PlanModifiers:       []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
			},
			"allocation_pools": schema.ListNestedAttribute{
				MarkdownDescription: "Ranges of which ports get their addresses. When not set, all but the gateway's.",
				Optional:            true,
				Computed:            true,
				PlanModifiers:       []planmodifier.List{listplanmodifier.UseStateForUnknown()},
				Validators:          []validator.List{listvalidator.SizeAtLeast(1)},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"start": schema.StringAttribute{MarkdownDescription: "First address.", Required: true, Validators: []validator.String{attribute.IPAddress()}},
					"end":   schema.StringAttribute{MarkdownDescription: "Last address.", Required: true, Validators: []validator.String{attribute.IPAddress()}},
				}},
			},
			"gateway_ip": schema.StringAttribute{
				MarkdownDescription: "Address of the router in this subnet. When not set, the first one, as the cloud counts. Removing it keeps the address.",
				Optional:            true,
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
				Validators:          []validator.String{attribute.IPAddress()},
			},
			"no_gateway":  attribute.Flag("Have no gateway: servers get no default route, and no router can be attached.", false),
			"enable_dhcp": attribute.Flag("Whether DHCP gives out the addresses.", true),
			"dns_nameservers": schema.ListAttribute{
				MarkdownDescription: "Addresses of the name servers, best first. When not set, the cloud's own.",
				ElementType:         types.StringType,
				Optional:            true,
				Validators: []validator.List{
					listvalidator.SizeAtLeast(1), listvalidator.UniqueValues(), listvalidator.ValueStringsAre(attribute.IPAddress()),
				},
			},
			"host_routes": routesAttribute("Routes that DHCP tells the servers.", attribute.CIDR()),
			"ipv6_address_mode": ipv6Mode(
				"How servers get their IPv6 addresses."),
			"ipv6_ra_mode": ipv6Mode(
				"What the router announces."),
			"service_types": schema.SetAttribute{
				MarkdownDescription: "Owners of the ports that may use the subnet, such as `compute:nova` or `network:floatingip`. All when not set.",
				ElementType:         types.StringType,
				Optional:            true,
				Validators: []validator.Set{nonEmptySet(), setvalidator.ValueStringsAre(stringvalidator.RegexMatches(serviceType,
					"must begin with the kind of the owner, as compute:nova or network:floatingip do"))},
			},
			"segment_id": schema.StringAttribute{
				MarkdownDescription: "ID of the segment of a routed network that the subnet is on. Needs an administrator, and a cloud with the extension `segment`. Changing it makes a new subnet.",
				Optional:            true,
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplaceIfConfigured()},
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"tags": attribute.Tags(),
		},
	}
}

var routeAttributes = []string{"destination", "nexthop"}

func routesAttribute(description string, destination validator.String) schema.ListNestedAttribute {
	return schema.ListNestedAttribute{
		MarkdownDescription: description,
		Optional:            true,
		Validators:          []validator.List{listvalidator.SizeAtLeast(1), listvalidator.UniqueValues()},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"destination": schema.StringAttribute{MarkdownDescription: "Network in CIDR notation.", Required: true, Validators: []validator.String{destination}},
			"nexthop":     schema.StringAttribute{MarkdownDescription: "Address that knows the way.", Required: true, Validators: []validator.String{attribute.IPAddress()}},
		}},
	}
}

func routes(all []apiRoute) types.List {
	var rows [][]string
	for _, r := range all {
		rows = append(rows, []string{r.Destination, r.NextHop})
	}
	if len(all) == 0 {
		return types.ListNull(objectType(routeAttributes))
	}
	return objects(routeAttributes, rows...)
}

// Plan says what follows from the configuration: the IP version from the CIDR, the gateway from there being one.
func (subnet) Plan(_ context.Context, _ *openstack.Cloud, change *lifecycle.Change[subnetModel]) error {
	plan := change.Plan
	cidr, err := netip.ParsePrefix(plan.CIDR.ValueString())
	if value.Known(plan.CIDR) && err == nil {
		plan.IPVersion = value.Int(4)
		if cidr.Addr().Is6() {
			plan.IPVersion = value.Int(6)
		}
	}
	// The API does not tell this length, only the CIDR that came of it.
	if change.Prior != nil && value.Known(plan.PrefixLength) {
		if had, err := netip.ParsePrefix(change.Prior.CIDR.ValueString()); err == nil && int64(had.Bits()) != plan.PrefixLength.ValueInt64() {
			change.Replace(path.Root("prefix_length"))
		}
	}
	switch {
	case plan.NoGateway.ValueBool():
		plan.GatewayIP = types.StringNull()
	case change.Config.GatewayIP.IsNull() && change.Prior != nil && change.Prior.NoGateway.ValueBool() && err == nil:
		// Neutron chooses a gateway at creation only; from then on it is told.
		plan.GatewayIP = types.StringValue(cidr.Addr().Next().String())
	}
	// Neutron refuses a gateway that a port could get, and does not adapt pools that nobody chose.
	gateway, err := netip.ParseAddr(plan.GatewayIP.ValueString())
	if change.Prior != nil && change.Config.AllocationPools.IsNull() && err == nil && !plan.GatewayIP.Equal(change.Prior.GatewayIP) {
		plan.AllocationPools = without(plan.AllocationPools, gateway)
	}
	return nil
}

// without cuts an address out of pools.
func without(pools types.List, address netip.Addr) types.List {
	var rows [][]string
	for _, e := range pools.Elements() {
		start, startErr := netip.ParseAddr(text(e, "start"))
		end, endErr := netip.ParseAddr(text(e, "end"))
		if startErr != nil || endErr != nil || !(pool{start, end}).contains(address) {
			rows = append(rows, []string{text(e, "start"), text(e, "end")})
			continue
		}
		if start != address {
			rows = append(rows, []string{start.String(), address.Prev().String()})
		}
		if end != address {
			rows = append(rows, []string{address.Next().String(), end.String()})
		}
	}
	return objects(poolAttributes, rows...)
}

func (m *subnetModel) fields() fields {
	return fields{
		"name": m.Name, "description": m.Description, "network_id": m.NetworkID, "cidr": m.CIDR, "subnetpool_id": m.SubnetPoolID,
		"prefixlen": m.PrefixLength, "ip_version": m.IPVersion, "allocation_pools": m.AllocationPools, "gateway_ip": m.GatewayIP,
		"enable_dhcp": m.EnableDHCP, "dns_nameservers": m.DNSNameservers, "host_routes": m.HostRoutes,
		"ipv6_address_mode": m.IPv6AddressMode, "ipv6_ra_mode": m.IPv6RAMode, "service_types": m.ServiceTypes, "segment_id": m.SegmentID,
	}
}

// blameSubnet finds the argument that a refusal is about.
func blameSubnet(err error) error {
	return blame(err, map[string]string{
		"NetworkNotFound": "network_id", "SubnetPoolNotFound": "subnet_pool_id", "SubnetAllocationError": "subnet_pool_id", "NetworkSubnetPoolAffinityError": "subnet_pool_id",
		"MinPrefixSubnetAllocationError": "prefix_length", "MaxPrefixSubnetAllocationError": "prefix_length", "GatewayConflictWithAllocationPools": "gateway_ip",
		"GatewayIpInUse": "gateway_ip", "OutOfBoundsAllocationPool": "allocation_pools", "OverlappingAllocationPools": "allocation_pools",
	}, map[string]string{"segment_id": "segment_id", "service_types": "service_types", "dns_nameservers": "dns_nameservers", "host_routes": "host_routes"})
}

func (subnet) Create(ctx context.Context, cloud *openstack.Cloud, m *subnetModel) error {
	body := m.fields().known()
	if value.Known(m.CIDR) { // the CIDR may have become known only now
		cidr, err := netip.ParsePrefix(m.CIDR.ValueString())
		if err != nil {
			return lifecycle.Invalid(path.Root("cidr"), "%w", err)
		}
		body["ip_version"] = 4
		if cidr.Addr().Is6() {
			body["ip_version"] = 6
		}
	} else {
		pool, err := subnetPools.get(ctx, cloud, m.SubnetPoolID.ValueString())
		if err != nil {
			return lifecycle.At(path.Root("subnet_pool_id"), fmt.Errorf("find the subnet pool: %w", err))
		}
		body["ip_version"] = pool.IPVersion
	}
	if m.NoGateway.ValueBool() {
		body["gateway_ip"] = nil
	}
	made, err := subnets.create(ctx, cloud, body)
	if err != nil {
		return blameSubnet(err)
	}
	m.ID = types.StringValue(made.ID)
	if m.NoGateway.ValueBool() && made.GatewayIP != "" { // Neutron gives a subnet of a pool one even when told not to
		if _, err := subnets.update(ctx, cloud, made.ID, map[string]any{"gateway_ip": nil}); err != nil {
			return lifecycle.At(path.Root("no_gateway"), fmt.Errorf("take the gateway away: %w", err))
		}
	}
	if len(m.Tags.Elements()) > 0 {
		return subnets.setTags(ctx, cloud, made.ID, m.Tags)
	}
	return nil
}

func (subnet) Read(ctx context.Context, cloud *openstack.Cloud, m *subnetModel) error {
	found, err := subnets.get(ctx, cloud, m.ID.ValueString())
	if err != nil {
		return err
	}
	m.flatten(found)
	return nil
}

func (subnet) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *subnetModel) error {
	body := plan.fields().changed(prior.fields())
	delete(body, "prefixlen") // of creation only
	for _, name := range []string{"dns_nameservers", "host_routes", "service_types"} {
		if list, ok := body[name]; ok && list == nil {
			body[name] = []string{} // Neutron takes no null here
		}
	}
	if err := subnets.change(ctx, cloud, plan.ID.ValueString(), body); err != nil {
		return blameSubnet(err)
	}
	if !plan.Tags.Equal(prior.Tags) {
		return subnets.setTags(ctx, cloud, plan.ID.ValueString(), plan.Tags)
	}
	return nil
}

// Delete takes the subnet off its routers when that is what keeps it. A router that stays while its subnet is replaced
// is updated only after the subnet's deletion, so nobody else can.
func (subnet) Delete(ctx context.Context, cloud *openstack.Cloud, m *subnetModel) error {
	id := m.ID.ValueString()
	query := url.Values{"fixed_ips": {"subnet_id=" + id}}
	return deleteUnused(ctx, "subnet "+id, func(ctx context.Context) error {
		err := subnets.delete(ctx, cloud, id)
		if !inUse(err) {
			return err
		}
		users, listErr := ports.list(ctx, cloud, query)
		if listErr != nil {
			return err
		}
		detached := false
		for _, port := range users {
			if port.routerInterface() {
				if err := detach(ctx, cloud, port.DeviceID, id); err != nil {
					return err
				}
				detached = true
			}
		}
		if detached {
			return subnets.delete(ctx, cloud, id)
		}
		return err
	}, portUsers(cloud, query))
}

func (subnet) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return lifecycle.ListOf(ctx, cloud, subnets.collection(), func(o apiSubnet) lifecycle.Listed {
		return lifecycle.Listed{ID: o.ID, Name: o.Name, ProjectID: o.ProjectID, Tags: o.Tags}
	})
}

// MovesFrom names the type of the common provider.
func (subnet) MovesFrom() []string { return []string{"openstack_networking_subnet_v2"} }

func (m *subnetModel) flatten(s apiSubnet) {
	m.Name = types.StringValue(s.Name)
	m.Description = types.StringValue(s.Description)
	m.NetworkID = types.StringValue(s.NetworkID)
	m.CIDR = types.StringValue(s.CIDR)
	m.SubnetPoolID = value.StringOrNull(s.SubnetPoolID)
	m.IPVersion = value.Int(s.IPVersion)
	var pools [][]string
	for _, p := range s.AllocationPools {
		pools = append(pools, []string{p.Start, p.End})
	}
	m.AllocationPools = keepOrder(m.AllocationPools, objects(poolAttributes, pools...))
	m.GatewayIP = sameAddress(m.GatewayIP, s.GatewayIP)
	m.NoGateway = types.BoolValue(s.GatewayIP == "")
	m.EnableDHCP = types.BoolValue(s.EnableDHCP)
	m.DNSNameservers = value.ListOrNull(s.DNSNameservers)
	m.HostRoutes = keepOrder(m.HostRoutes, routes(s.HostRoutes))
	m.IPv6AddressMode = value.StringOrNull(s.IPv6AddressMode)
	m.IPv6RAMode = value.StringOrNull(s.IPv6RAMode)
	m.ServiceTypes = value.SetOrNull(s.ServiceTypes)
	m.SegmentID = value.StringOrNull(s.SegmentID)
	m.Tags = value.Set(s.Tags)
}

// sameAddress keeps how the configuration writes an address when the API writes the same one differently, as with
// the zeros of IPv6.
func sameAddress(prior types.String, now string) types.String {
	a, errA := netip.ParseAddr(prior.ValueString())
	b, errB := netip.ParseAddr(now)
	if errA == nil && errB == nil && a == b {
		return prior
	}
	return value.StringOrNull(now)
}

// detach takes a subnet off a router; that it is off already is no error.
func detach(ctx context.Context, cloud *openstack.Cloud, routerID, subnetID string) error {
	err := routerInterface(ctx, cloud, routerID, subnetID, "remove_router_interface")
	if openstack.NotFound(err) {
		return nil
	}
	return err
}

func routerInterface(ctx context.Context, cloud *openstack.Cloud, routerID, subnetID, action string) error {
	client, err := cloud.Network()
	if err != nil {
		return err
	}
	_, err = client.Put(ctx, client.ServiceURL("routers", routerID, action), map[string]any{"subnet_id": subnetID}, nil,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	// Neutron says so when the transport has sent the request again because the first answer was lost.
	if fault, ok := openstack.FaultOf(err); ok && strings.Contains(fault.Message, "already has a port on subnet") {
		return nil
	}
	return err
}
