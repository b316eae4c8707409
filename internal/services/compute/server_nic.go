package compute

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/attachinterfaces"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/pagination"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// portMark describes the ports that the provider makes: they go with their server, others stay.
const portMark = "Made by Massif for a server."

// nicModel is one NIC.
type nicModel struct {
	NetworkID        types.String `tfsdk:"network_id"`
	SubnetID         types.String `tfsdk:"subnet_id"`
	PortID           types.String `tfsdk:"port_id"`
	FixedIP          types.String `tfsdk:"fixed_ip"`
	SecurityGroupIDs types.Set    `tfsdk:"security_group_ids"`
	IPv4             types.String `tfsdk:"ipv4_address"`
	IPv6             types.String `tfsdk:"ipv6_address"`
	MAC              types.String `tfsdk:"mac_address"`
}

// sameAs says whether the NIC needs no other port than before.
func (n nicModel) sameAs(prior nicModel) bool {
	return n.NetworkID.Equal(prior.NetworkID) && n.SubnetID.Equal(prior.SubnetID) && n.PortID.Equal(prior.PortID) &&
		(n.FixedIP.Equal(prior.FixedIP) || n.FixedIP.IsNull() || value.Known(n.FixedIP) && (n.FixedIP.Equal(prior.IPv4) || n.FixedIP.Equal(prior.IPv6)))
}

// needsPort says whether Nova could not attach the NIC as it must be to a server that runs.
func (n nicModel) needsPort() bool {
	return n.PortID.IsNull() && (value.Known(n.SubnetID) || value.Known(n.FixedIP) || value.Known(n.SecurityGroupIDs))
}

// groups are the security groups that the NIC must have; false when they are not this server's business.
func (n nicModel) groups(m *serverModel) ([]string, bool) {
	switch {
	case !n.PortID.IsNull():
		return nil, false
	case value.Known(n.SecurityGroupIDs):
		return value.Strings(n.SecurityGroupIDs), true
	}
	return value.Strings(m.SecurityGroupIDs), value.Known(m.SecurityGroupIDs)
}

// nics are the NICs, nil while they are not known.
func (m *serverModel) nics(ctx context.Context) ([]nicModel, error) {
	if !value.Known(m.Networks) {
		return nil, nil
	}
	nics := []nicModel{}
	for _, element := range m.Networks.Elements() {
		if element.IsUnknown() {
			return nil, nil
		}
	}
	return nics, problem(m.Networks.ElementsAs(ctx, &nics, false))
}

func (m *serverModel) setNICs(ctx context.Context, nics []nicModel) error {
	list, diags := types.ListValueFrom(ctx, types.ObjectType{AttrTypes: nicTypes}, nics)
	m.Networks = list
	return problem(diags)
}

// plug says how each NIC comes to be. Nova makes the ports that it can make as they must be: nothing is left behind when
// the provider is killed in the midst of a creation. The others are made here; made are their ids.
func (m *serverModel) plug(ctx context.Context, cloud *openstack.Cloud, nics []nicModel) (plugs []servers.Network, made []string, err error) {
	var wanted []nicModel
	var indexes []int
	for i, nic := range nics {
		plug, ours, err := nic.byNova(ctx, cloud)
		if err != nil {
			return nil, nil, lifecycle.At(path.Root("networks").AtListIndex(i), err)
		}
		if ours {
			wanted, indexes = append(wanted, nic), append(indexes, i)
		}
		plugs = append(plugs, plug)
	}
	made, err = m.makePorts(ctx, cloud, wanted, indexes)
	for i, id := range made {
		plugs[indexes[i]] = servers.Network{Port: id}
	}
	return plugs, made, err
}

// byNova is the NIC as Nova takes it; ours says that Nova could not make its port as it must be.
func (n nicModel) byNova(ctx context.Context, cloud *openstack.Cloud) (plug servers.Network, ours bool, err error) {
	plug = servers.Network{UUID: n.NetworkID.ValueString(), FixedIP: n.FixedIP.ValueString()}
	switch {
	case !n.PortID.IsNull():
		return servers.Network{Port: n.PortID.ValueString()}, false, nil
	case value.Known(n.SecurityGroupIDs):
		return plug, true, nil
	case !value.Known(n.SubnetID):
		return plug, false, nil
	}
	subnet, siblings, err := lookup.Subnet(ctx, cloud, n.SubnetID.ValueString())
	plug.UUID = subnet.NetworkID
	return plug, siblings > 0 && plug.FixedIP == "", err
}

// portSlots are the ids of the ports by NIC, "" where Nova makes one.
func portSlots(plugs []servers.Network) []string {
	var slots []string
	for _, plug := range plugs {
		slots = append(slots, plug.Port)
	}
	return slots
}

// makePorts makes the ports of some NICs with one request; indexes are the places of these NICs in the configuration.
func (m *serverModel) makePorts(ctx context.Context, cloud *openstack.Cloud, nics []nicModel, indexes []int) ([]string, error) {
	if len(nics) == 0 {
		return nil, nil
	}
	var wanted []ports.CreateOpts
	for i, nic := range nics {
		opts, err := nic.port(ctx, cloud, m)
		if err != nil {
			return nil, lifecycle.At(path.Root("networks").AtListIndex(indexes[i]), err)
		}
		wanted = append(wanted, opts)
	}
	client, err := cloud.Network()
	if err != nil {
		return nil, err
	}
	var answer struct {
		Ports []ports.Port `json:"ports"`
	}
	_, err = client.Post(ctx, client.ServiceURL("ports"), map[string]any{"ports": wanted}, &answer, nil)
	if err != nil {
		return nil, lifecycle.At(path.Root("networks").AtListIndex(indexes[0]), fmt.Errorf("create ports of server %q: %w", m.Name.ValueString(), err))
	}
	var made []string
	for _, port := range answer.Ports {
		made = append(made, port.ID)
	}
	if len(made) != len(wanted) {
		return nil, errors.Join(fmt.Errorf("create ports of server %q: %d were made of %d", m.Name.ValueString(), len(made), len(wanted)), deletePorts(ctx, cloud, made))
	}
	return made, nil
}

// port is the port that a NIC needs.
func (n nicModel) port(ctx context.Context, cloud *openstack.Cloud, m *serverModel) (ports.CreateOpts, error) {
	opts := ports.CreateOpts{NetworkID: n.NetworkID.ValueString(), Name: m.Name.ValueString(), Description: portMark}
	address := ports.IP{SubnetID: n.SubnetID.ValueString(), IPAddress: n.FixedIP.ValueString()}
	if address != (ports.IP{}) {
		opts.FixedIPs = []ports.IP{address}
	}
	if ids, ours := n.groups(m); ours {
		opts.SecurityGroups = &ids
	}
	if !value.Known(n.SubnetID) {
		return opts, nil
	}
	subnet, _, err := lookup.Subnet(ctx, cloud, n.SubnetID.ValueString())
	opts.NetworkID = subnet.NetworkID
	return opts, err
}

// serverPorts are the ports of one server.
type serverPorts struct {
	server string
	ports  []ports.Port
}

// serverPortReads answers all who look for the ports of their server with one list.
var serverPortReads = openstack.Collection[serverPorts]{
	Name:    "ports of servers",
	Service: (*openstack.Cloud).Network,
	ID:      func(p serverPorts) string { return p.server },
	Get: func(ctx context.Context, client *gophercloud.ServiceClient, id string) (serverPorts, error) {
		all, err := listPorts(ctx, client, url.Values{"device_id": {id}})
		return serverPorts{id, all}, err
	},
	List: func(ctx context.Context, client *gophercloud.ServiceClient, ids []string) ([]serverPorts, error) {
		all, err := listPorts(ctx, client, url.Values{"device_id": ids})
		by := map[string]*serverPorts{}
		for _, id := range ids {
			by[id] = &serverPorts{server: id}
		}
		for _, port := range all {
			if by[port.DeviceID] == nil {
				by[port.DeviceID] = &serverPorts{server: port.DeviceID}
			}
			by[port.DeviceID].ports = append(by[port.DeviceID].ports, port)
		}
		var lists []serverPorts
		for _, list := range by {
			lists = append(lists, *list)
		}
		return lists, err
	},
	MaxIDs: 40,
}

func listPorts(ctx context.Context, client *gophercloud.ServiceClient, query url.Values) ([]ports.Port, error) {
	pages, err := pagination.NewPager(client, client.ServiceURL("ports")+"?"+query.Encode(), func(r pagination.PageResult) pagination.Page {
		return ports.PortPage{LinkedPageBase: pagination.LinkedPageBase{PageResult: r}}
	}).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("list ports: %w", err)
	}
	return ports.ExtractPorts(pages)
}

func portsOf(ctx context.Context, cloud *openstack.Cloud, id string) ([]ports.Port, error) {
	found, err := openstack.Get(ctx, cloud, serverPortReads, id)
	return found.ports, err
}

// ownPorts are the ports that the provider made for a server, among those that it uses and those with the ids:
// a server that failed early does not use its ports yet.
func ownPorts(ctx context.Context, cloud *openstack.Cloud, server string, ids []string) ([]string, error) {
	client, err := cloud.Network()
	if err != nil {
		return nil, err
	}
	all, err := listPorts(ctx, client, url.Values{"device_id": {server}})
	if err != nil {
		return nil, err
	}
	var unbound []string
	for _, id := range ids {
		if id != "" && !slices.ContainsFunc(all, func(p ports.Port) bool { return p.ID == id }) {
			unbound = append(unbound, id)
		}
	}
	if len(unbound) > 0 {
		more, err := listPorts(ctx, client, url.Values{"id": unbound})
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	var own []string
	for _, port := range all {
		if port.Description == portMark && (port.DeviceID == "" || port.DeviceID == server) {
			own = append(own, port.ID)
		}
	}
	return own, nil
}

func deletePorts(ctx context.Context, cloud *openstack.Cloud, ids []string) error {
	client, err := cloud.Network()
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range ids {
		if err := ports.Delete(ctx, client, id).ExtractErr(); err != nil && !openstack.NotFound(err) {
			errs = append(errs, fmt.Errorf("delete port %s, which was made for the server: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// changeNetworks adds and removes the NICs at the end; the plan replaces the server for anything else.
func (m *serverModel) changeNetworks(ctx context.Context, cloud *openstack.Cloud, prior *serverModel) error {
	wanted, err := m.nics(ctx)
	if err != nil {
		return err
	}
	had, err := prior.nics(ctx)
	if err != nil {
		return err
	}
	slots := value.Strings(prior.PortIDs)
	for len(slots) > len(wanted) {
		last := slots[len(slots)-1]
		if err := detach(ctx, cloud, m.ID.ValueString(), last); err != nil {
			return lifecycle.At(path.Root("networks"), err)
		}
		slots = slots[:len(slots)-1]
	}
	for i := len(had); i < len(wanted); i++ {
		id, err := attach(ctx, cloud, m, wanted[i], i)
		if err != nil {
			return lifecycle.At(path.Root("networks").AtListIndex(i), err)
		}
		slots = append(slots, id)
	}
	m.PortIDs = value.List(slots)
	return nil
}

func attach(ctx context.Context, cloud *openstack.Cloud, m *serverModel, nic nicModel, index int) (string, error) {
	client, err := cloud.Compute()
	if err != nil {
		return "", err
	}
	whole, cancel := uninterrupted(ctx)
	defer cancel()
	opts := attachinterfaces.CreateOpts{PortID: nic.PortID.ValueString()}
	var made []string
	if nic.needsPort() {
		if made, err = m.makePorts(whole, cloud, []nicModel{nic}, []int{index}); err != nil {
			return "", err
		}
		opts.PortID = made[0]
	}
	if opts.PortID == "" {
		opts.NetworkID = nic.NetworkID.ValueString()
	}
	answer, err := attachinterfaces.Create(whole, client, m.ID.ValueString(), opts).Extract()
	if err != nil {
		err = refused(m.ID.ValueString(), fmt.Sprintf("attach a NIC to server %q", m.Name.ValueString()), err)
		return "", errors.Join(err, deletePorts(whole, cloud, made))
	}
	return answer.PortID, nil
}

func detach(ctx context.Context, cloud *openstack.Cloud, server, port string) error {
	client, err := cloud.Compute()
	if err != nil {
		return err
	}
	network, err := cloud.Network()
	if err != nil {
		return err
	}
	if err := attachinterfaces.Delete(ctx, client, server, port).ExtractErr(); err != nil && !openstack.NotFound(err) {
		return refused(server, "detach port "+port, err)
	}
	found := ports.Port{}
	err = openstack.WaitGone(ctx, openstack.Waiting[*ports.Port]{
		What: "the attachment of port " + port,
		Fetch: func(ctx context.Context) (*ports.Port, error) {
			read, err := ports.Get(ctx, network, port).Extract()
			if err == nil {
				found = *read
			}
			return read, err
		},
		State: func(p *ports.Port) string {
			if p.DeviceID == "" {
				return "free"
			}
			return "attached"
		},
		Target: []string{"free"},
	})
	if err != nil {
		return err
	}
	if found.Description != portMark || found.DeviceID != "" {
		return nil
	}
	return deletePorts(ctx, cloud, []string{port})
}

// changeSecurityGroups gives the ports the groups that the plan says.
func (m *serverModel) changeSecurityGroups(ctx context.Context, cloud *openstack.Cloud, prior *serverModel) error {
	wanted, err := m.nics(ctx)
	if err != nil {
		return err
	}
	had, err := prior.nics(ctx)
	if err != nil {
		return err
	}
	client, err := cloud.Network()
	if err != nil {
		return err
	}
	slots := value.Strings(m.PortIDs)
	for i, nic := range wanted {
		if i >= len(slots) {
			break
		}
		ids, ours := nic.groups(m)
		before, were := []string(nil), false
		if i < len(had) {
			before, were = had[i].groups(prior)
		} else if nic.needsPort() {
			before, were = ids, ours // made with them
		}
		if ours == were && sameStrings(ids, before) || !nic.PortID.IsNull() {
			continue
		}
		if !ours {
			if ids, err = defaultGroup(ctx, client, cloud.ProjectID()); err != nil {
				return err
			}
		}
		if err := ports.Update(ctx, client, slots[i], ports.UpdateOpts{SecurityGroups: &ids}).Err; err != nil {
			return lifecycle.At(path.Root("security_group_ids"), fmt.Errorf("set the security groups of port %s: %w", slots[i], err))
		}
	}
	return nil
}

// adoptGroups takes the security groups of a server that was made elsewhere for those of all its NICs, when the NICs
// agree and have others than a new port gets anyway.
func (m *serverModel) adoptGroups(ctx context.Context, cloud *openstack.Cloud, all []ports.Port) error {
	if len(all) == 0 || slices.ContainsFunc(all, func(p ports.Port) bool { return !sameStrings(p.SecurityGroups, all[0].SecurityGroups) }) {
		return nil
	}
	client, err := cloud.Network()
	if err != nil {
		return err
	}
	usual, err := defaultGroup(ctx, client, cloud.ProjectID())
	if err == nil && !sameStrings(usual, all[0].SecurityGroups) {
		m.SecurityGroupIDs = value.SetOrNull(all[0].SecurityGroups)
	}
	return err
}

// defaultGroup is the group that ports have when none is asked for.
func defaultGroup(ctx context.Context, client *gophercloud.ServiceClient, project string) ([]string, error) {
	pages, err := groups.List(client, groups.ListOpts{Name: "default", ProjectID: project}).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for the default security group: %w", err)
	}
	all, err := groups.ExtractGroups(pages)
	if err != nil || len(all) == 0 {
		return []string{}, err
	}
	return []string{all[0].ID}, nil
}

func sameStrings(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// orderPorts puts the ports in the order of the NICs: first by the ids that are known, then Nova's own by what was asked
// for, the most particular first.
func orderPorts(nics []nicModel, slots []string, all []ports.Port) []*ports.Port {
	used := map[string]bool{}
	take := func(match func(ports.Port) bool) *ports.Port {
		for i := range all {
			if !used[all[i].ID] && match(all[i]) {
				used[all[i].ID] = true
				return &all[i]
			}
		}
		return nil
	}
	ordered := make([]*ports.Port, max(len(nics), len(slots)))
	for i, id := range slots {
		if id != "" {
			ordered[i] = take(func(p ports.Port) bool { return p.ID == id })
		}
	}
	for _, matches := range []func(nicModel, ports.Port) bool{nicModel.hasAddress, nicModel.inSubnet, nicModel.inNetwork} {
		for i, nic := range nics {
			if ordered[i] == nil && (i >= len(slots) || slots[i] == "") {
				ordered[i] = take(func(p ports.Port) bool { return matches(nic, p) })
			}
		}
	}
	for range all {
		if rest := take(func(ports.Port) bool { return true }); rest != nil {
			ordered = append(ordered, rest)
		}
	}
	return ordered
}

func (n nicModel) hasAddress(p ports.Port) bool {
	return slices.ContainsFunc(p.FixedIPs, func(ip ports.IP) bool { return value.Known(n.FixedIP) && ip.IPAddress == n.FixedIP.ValueString() })
}

func (n nicModel) inSubnet(p ports.Port) bool {
	return slices.ContainsFunc(p.FixedIPs, func(ip ports.IP) bool { return value.Known(n.SubnetID) && ip.SubnetID == n.SubnetID.ValueString() })
}

func (n nicModel) inNetwork(p ports.Port) bool {
	return value.Known(n.NetworkID) && p.NetworkID == n.NetworkID.ValueString()
}

// flattenNIC brings a NIC up to date with its port; a NIC that is not known yet gets its whole description from it.
func flattenNIC(nic *nicModel, m *serverModel, port *ports.Port) {
	if nic.NetworkID.IsNull() && nic.SubnetID.IsNull() && nic.PortID.IsNull() {
		if port.Description == portMark || port.Name == "" {
			nic.NetworkID = types.StringValue(port.NetworkID)
		} else {
			nic.PortID = types.StringValue(port.ID)
		}
	}
	nic.MAC = types.StringValue(port.MACAddress)
	nic.IPv4, nic.IPv6 = types.StringNull(), types.StringNull()
	has := false
	for _, fixed := range slices.Backward(port.FixedIPs) {
		has = has || nic.FixedIP.ValueString() == fixed.IPAddress
		if address, err := netip.ParseAddr(fixed.IPAddress); err == nil && address.Is6() {
			nic.IPv6 = types.StringValue(fixed.IPAddress)
		} else {
			nic.IPv4 = types.StringValue(fixed.IPAddress)
		}
	}
	if value.Known(nic.FixedIP) && !has {
		nic.FixedIP = nic.IPv4
	}
	if ids, ours := nic.groups(m); ours && !sameStrings(ids, port.SecurityGroups) {
		if value.Known(nic.SecurityGroupIDs) {
			nic.SecurityGroupIDs = value.SetOrNull(port.SecurityGroups)
		} else {
			m.SecurityGroupIDs = value.SetOrNull(port.SecurityGroups)
		}
	}
}

// blameServer finds the attribute that Nova's words are about.
func blameServer(err error) error {
	fault, ok := openstack.FaultOf(err)
	if !ok || fault.Status != http.StatusBadRequest && fault.Status != http.StatusConflict && fault.Status != http.StatusForbidden {
		return err
	}
	for _, blame := range serverBlames {
		if blame.words.MatchString(fault.Message) {
			return lifecycle.At(path.Root(blame.attribute), err)
		}
	}
	return err
}
