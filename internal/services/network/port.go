package network

import (
	"context"
	"net/url"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// port is a place in a network where a server, or what else has an address, is plugged in.
type port struct{}

var (
	_ lifecycle.Handler[portModel]   = port{}
	_ lifecycle.Updater[portModel]   = port{}
	_ lifecycle.Validator[portModel] = port{}
	_ lifecycle.Planner[portModel]   = port{}
	_ lifecycle.Lister               = port{}
	_ lifecycle.Mover                = port{}
)

type portModel struct {
	lifecycle.Object

	Name                types.String `tfsdk:"name"`
	Description         types.String `tfsdk:"description"`
	NetworkID           types.String `tfsdk:"network_id"`
	FixedIPs            types.List   `tfsdk:"fixed_ips"`
	AllFixedIPs         types.List   `tfsdk:"all_fixed_ips"`
	MACAddress          types.String `tfsdk:"mac_address"`
	PortSecurity        types.Bool   `tfsdk:"port_security"`
	SecurityGroupIDs    types.Set    `tfsdk:"security_group_ids"`
	AllowedAddressPairs types.List   `tfsdk:"allowed_address_pairs"`
	ExtraDHCPOptions    types.List   `tfsdk:"extra_dhcp_options"`
	DNSName             types.String `tfsdk:"dns_name"`
	DNSDomain           types.String `tfsdk:"dns_domain"`
	DNSAssignment       types.List   `tfsdk:"dns_assignment"`
	VNICType            types.String `tfsdk:"vnic_type"`
	BindingProfile      types.String `tfsdk:"binding_profile"`
	QoSPolicyID         types.String `tfsdk:"qos_policy_id"`
	AdminStateUp        types.Bool   `tfsdk:"admin_state_up"`
	DeviceID            types.String `tfsdk:"device_id"`
	DeviceOwner         types.String `tfsdk:"device_owner"`
	Tags                types.Set    `tfsdk:"tags"`
}

type apiPort struct {
	ID                  string           `json:"id"`
	ProjectID           string           `json:"project_id"`
	Name                string           `json:"name"`
	Description         string           `json:"description"`
	NetworkID           string           `json:"network_id"`
	FixedIPs            []apiFixedIP     `json:"fixed_ips"`
	MACAddress          string           `json:"mac_address"`
	PortSecurity        *bool            `json:"port_security_enabled"`
	SecurityGroups      []string         `json:"security_groups"`
	AllowedAddressPairs []apiAddressPair `json:"allowed_address_pairs"`
	ExtraDHCPOptions    []apiDHCPOption  `json:"extra_dhcp_opts"`
	DNSName             string           `json:"dns_name"`
	DNSDomain           string           `json:"dns_domain"`
	DNSAssignment       []apiDNSName     `json:"dns_assignment"`
	VNICType            string           `json:"binding:vnic_type"`
	BindingProfile      map[string]any   `json:"binding:profile"` // administrators only see it
	QoSPolicyID         string           `json:"qos_policy_id"`
	AdminStateUp        bool             `json:"admin_state_up"`
	DeviceID            string           `json:"device_id"`
	DeviceOwner         string           `json:"device_owner"`
	Tags                []string         `json:"tags"`
}

type apiFixedIP struct {
	SubnetID  string `json:"subnet_id"`
	IPAddress string `json:"ip_address"`
}

type apiAddressPair struct {
	IPAddress  string `json:"ip_address"`
	MACAddress string `json:"mac_address"`
}

type apiDHCPOption struct {
	Name      string  `json:"opt_name"`
	Value     *string `json:"opt_value"` // null takes the option away
	IPVersion int     `json:"ip_version"`
}

type apiDNSName struct {
	IPAddress string `json:"ip_address"`
	Hostname  string `json:"hostname"`
	FQDN      string `json:"fqdn"`
}

var ports = kind[apiPort]{"port", "ports", func(p apiPort) string { return p.ID }}

func (port) Name() string { return "port" }

func (m *portModel) fields() fields {
	return fields{
		"name": m.Name, "description": m.Description, "network_id": m.NetworkID, "fixed_ips": m.FixedIPs, "mac_address": m.MACAddress,
		"port_security_enabled": m.PortSecurity, "security_groups": m.SecurityGroupIDs, "allowed_address_pairs": m.AllowedAddressPairs,
		"dns_name": m.DNSName, "dns_domain": m.DNSDomain, "binding:vnic_type": m.VNICType, "qos_policy_id": m.QoSPolicyID, "admin_state_up": m.AdminStateUp,
	}
}

func (port) Create(ctx context.Context, cloud *openstack.Cloud, m *portModel) error {
	body := m.fields().known()
	if options := dhcpOptions(m.ExtraDHCPOptions, types.ListNull(m.ExtraDHCPOptions.ElementType(ctx))); len(options) > 0 {
		body["extra_dhcp_opts"] = options
	}
	if value.Known(m.BindingProfile) {
		profile, err := parseProfile(m.BindingProfile.ValueString())
		if err != nil {
			return lifecycle.Invalid(path.Root("binding_profile"), "%w", err)
		}
		body["binding:profile"] = profile
	}
	made, err := ports.create(ctx, cloud, body)
	if err != nil {
		return blamePort(err)
	}
	m.ID = types.StringValue(made.ID)
	if len(m.Tags.Elements()) > 0 { // Neutron takes tags with the port, and forgets them
		return ports.setTags(ctx, cloud, made.ID, m.Tags)
	}
	return nil
}

// blamePort finds the argument that a refusal is about.
func blamePort(err error) error {
	return blame(err, map[string]string{
		"NetworkNotFound": "network_id", "SubnetNotFound": "fixed_ips", "IpAddressAlreadyAllocated": "fixed_ips", "InvalidIpForNetwork": "fixed_ips",
		"InvalidIpForSubnet": "fixed_ips", "MacAddressInUse": "mac_address", "SecurityGroupNotFound": "security_group_ids",
		"QosPolicyNotFound": "qos_policy_id", "DuplicateAddressPairInRequest": "allowed_address_pairs", "AddressPairAndPortSecurityRequired": "allowed_address_pairs",
	}, map[string]string{
		"fixed_ips": "fixed_ips", "mac_address": "mac_address", "port_security_enabled": "port_security", "allowed_address_pairs": "allowed_address_pairs",
		"extra_dhcp_opts": "extra_dhcp_options", "dns_name": "dns_name", "dns_domain": "dns_domain", "binding:vnic_type": "vnic_type",
		"binding:profile": "binding_profile", "qos_policy_id": "qos_policy_id",
	})
}

func (port) Read(ctx context.Context, cloud *openstack.Cloud, m *portModel) error {
	found, err := ports.get(ctx, cloud, m.ID.ValueString())
	if err != nil {
		return err
	}
	m.flatten(found)
	return nil
}

func (port) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *portModel) error {
	body := plan.fields().changed(prior.fields())
	delete(body, "mac_address") // it differs in its spelling only, else the port is replaced
	for name, nothing := range map[string]any{"dns_name": "", "dns_domain": "", "allowed_address_pairs": []any{}} {
		if v, ok := body[name]; ok && v == nil {
			body[name] = nothing // Neutron takes no null here
		}
	}
	if options := dhcpOptions(plan.ExtraDHCPOptions, prior.ExtraDHCPOptions); len(options) > 0 {
		body["extra_dhcp_opts"] = options
	}
	if !plan.BindingProfile.Equal(prior.BindingProfile) {
		profile, err := parseProfile(plan.BindingProfile.ValueString())
		if err != nil {
			return lifecycle.Invalid(path.Root("binding_profile"), "%w", err)
		}
		body["binding:profile"] = profile
	}
	if err := ports.change(ctx, cloud, plan.ID.ValueString(), body); err != nil {
		return blamePort(err)
	}
	if !plan.Tags.Equal(prior.Tags) {
		return ports.setTags(ctx, cloud, plan.ID.ValueString(), plan.Tags)
	}
	return nil
}

func (port) Delete(ctx context.Context, cloud *openstack.Cloud, m *portModel) error {
	id := m.ID.ValueString()
	return deleteUnused(ctx, "port "+id,
		func(ctx context.Context) error { return ports.delete(ctx, cloud, id) },
		portUsers(cloud, url.Values{"id": {id}}))
}

func (port) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return lifecycle.ListOf(ctx, cloud, ports.collection(), func(o apiPort) lifecycle.Listed {
		return lifecycle.Listed{ID: o.ID, Name: o.Name, ProjectID: o.ProjectID, Tags: o.Tags}
	})
}

// MovesFrom names the type of the common provider.
func (port) MovesFrom() []string { return []string{"openstack_networking_port_v2"} }

func (m *portModel) flatten(p apiPort) {
	m.Name = types.StringValue(p.Name)
	m.Description = types.StringValue(p.Description)
	m.NetworkID = types.StringValue(p.NetworkID)
	m.FixedIPs = settleFixedIPs(m.FixedIPs, p.FixedIPs, p.MACAddress)
	m.AllFixedIPs = value.List(p.addresses())
	if !sameMAC(m.MACAddress.ValueString(), p.MACAddress) {
		m.MACAddress = types.StringValue(p.MACAddress)
	}
	m.PortSecurity = types.BoolPointerValue(p.PortSecurity)
	m.SecurityGroupIDs = value.Set(p.SecurityGroups)
	m.AllowedAddressPairs = settlePairs(m.AllowedAddressPairs, p.AllowedAddressPairs, p.MACAddress)
	m.ExtraDHCPOptions = settleOptions(m.ExtraDHCPOptions, p.ExtraDHCPOptions)
	switch {
	case m.DNSName.IsNull() && p.DeviceID != "": // what Nova calls it after its server is nobody's wish
	case strings.EqualFold(m.DNSName.ValueString(), p.DNSName) && value.Known(m.DNSName): // Neutron writes it in lower case
	default:
		m.DNSName = value.StringOrNull(p.DNSName)
	}
	m.DNSDomain = value.StringOrNull(p.DNSDomain)
	var names [][]string
	for _, n := range p.DNSAssignment {
		names = append(names, []string{n.Hostname, n.FQDN, n.IPAddress})
	}
	m.DNSAssignment = objects(dnsAssignmentAttributes, names...)
	m.VNICType = types.StringValue(p.VNICType)
	m.BindingProfile = settleProfile(m.BindingProfile, p.BindingProfile)
	m.QoSPolicyID = value.StringOrNull(p.QoSPolicyID)
	m.AdminStateUp = types.BoolValue(p.AdminStateUp)
	m.DeviceID = types.StringValue(p.DeviceID)
	m.DeviceOwner = types.StringValue(p.DeviceOwner)
	m.Tags = value.Set(p.Tags)
}
