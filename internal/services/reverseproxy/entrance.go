package reverseproxy

import (
	"context"
	"fmt"
	"maps"
	"slices"

	octavia "github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/loadbalancers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// member is one node behind the load balancer.
type member struct {
	address string
	weight  int
}

// entrance is the load balancer in front of the nodes.
type entrance struct {
	name         string
	id           string
	lbID         string
	vipPortID    string
	subnet       subnets.Subnet
	allowedCIDRs []string
	members      map[string]member
}

// quiet is how long, in milliseconds, a connection may be quiet: websockets are.
const quiet = 10 * 60 * 1000

// ways are the listeners, each with its pool, and their ports.
func ways() map[string]int { return map[string]int{"http": httpPort, "https": httpsPort} }

// spec is the load balancer as wanted. Members of a node that is there already and that something else has added stay: see foreign.
func (e *entrance) spec(foreign map[string]map[string]loadbalancer.Member) loadbalancer.Spec {
	spec := loadbalancer.Spec{
		Name: e.name, VIPPortID: e.vipPortID, Tags: []string{kind.Tag + e.id}, Description: "Reverse proxy " + e.id,
		Listeners: map[string]loadbalancer.Listener{}, Pools: map[string]loadbalancer.Pool{},
	}
	allowed := e.allowedCIDRs
	if allowed == nil {
		allowed = []string{}
	}
	for way, port := range ways() {
		members := maps.Clone(foreign[way])
		if members == nil {
			members = map[string]loadbalancer.Member{}
		}
		for node, m := range e.members {
			members[node] = loadbalancer.Member{
				Address: m.address, ProtocolPort: port, SubnetID: e.subnet.ID, Weight: new(m.weight), MonitorPort: new(healthPort),
			}
		}
		spec.Listeners[way] = loadbalancer.Listener{
			Protocol: loadbalancer.ProtocolTCP, ProtocolPort: port, DefaultPool: way, AllowedCIDRs: allowed,
			TimeoutClientData: new(quiet), TimeoutMemberData: new(quiet),
		}
		spec.Pools[way] = loadbalancer.Pool{
			Protocol: loadbalancer.ProtocolPROXYV2, Algorithm: "LEAST_CONNECTIONS", Members: members,
			Monitor: &loadbalancer.Monitor{Type: "HTTP", Delay: 3, Timeout: 2, MaxRetries: 2, HTTPMethod: "GET", URLPath: "/healthz", ExpectedCodes: "200"},
		}
	}
	return spec
}

// make makes the load balancer at the proxy's address.
func (e *entrance) make(ctx context.Context, cloud *openstack.Cloud, m *proxyModel) error {
	spec := e.spec(nil)
	tree, err := loadbalancer.Create(ctx, cloud, spec)
	if err != nil {
		return err
	}
	e.lbID, m.LoadBalancerID = tree.ID, types.StringValue(tree.ID)
	_, err = loadbalancer.Settle(ctx, cloud, tree, spec, func(id string) { e.lbID, m.LoadBalancerID = id, types.StringValue(id) })
	return err
}

// apply brings the load balancer up to date. Octavia replaces the members of a pool as a whole, so those that something else
// has added are taken along; gone are addresses that were nodes.
func (e *entrance) apply(ctx context.Context, cloud *openstack.Cloud, gone []string) error {
	tree, err := loadbalancer.Read(ctx, cloud, e.lbID, e.spec(nil))
	if err != nil {
		return err
	}
	ours := slices.Clone(gone)
	for _, m := range e.members {
		ours = append(ours, m.address)
	}
	foreign := map[string]map[string]loadbalancer.Member{}
	for way, p := range tree.Spec().Pools {
		foreign[way] = map[string]loadbalancer.Member{}
		for name, m := range p.Members {
			if m.ProtocolPort != ways()[way] || !slices.Contains(ours, m.Address) {
				foreign[way][name] = m
			}
		}
	}
	_, err = loadbalancer.Apply(ctx, cloud, e.lbID, e.spec(foreign))
	return err
}

// ensureEntrance makes what is missing of the address and the load balancer, whose members are those of the entrance.
func (s *site) ensureEntrance(ctx context.Context, existing []ports.Port, gone []string) error {
	at := slices.IndexFunc(existing, func(p ports.Port) bool { return p.Name == s.vipName() })
	if at < 0 {
		made, err := s.MakePorts(ctx, s.vipName())
		if err != nil {
			return err
		}
		existing, at = made, 0
	}
	vip := existing[at]
	address, err := addressOf(vip)
	if err != nil {
		return err
	}
	s.entrance.vipPortID, s.m.VIPAddress = vip.ID, types.StringValue(address)
	if err := s.ensureFloatingIP(ctx, vip.ID); err != nil {
		return err
	}
	s.m.address()
	if s.entrance.lbID == "" {
		return s.entrance.make(ctx, s.Cloud, s.m)
	}
	return s.entrance.apply(ctx, s.Cloud, gone)
}

func addressOf(port ports.Port) (string, error) {
	if len(port.FixedIPs) == 0 {
		return "", fmt.Errorf("port %s has no address", port.Name)
	}
	return port.FixedIPs[0].IPAddress, nil
}

// ensureFloatingIP gives the address the floating IP that it is to have. One in another network than before goes.
func (s *site) ensureFloatingIP(ctx context.Context, vipPortID string) error {
	s.m.FloatingIP = types.StringNull()
	var keep string
	if network := s.m.ExternalNetwork; value.Known(network) {
		ip, err := loadbalancer.Expose(ctx, s.Cloud, vipPortID, network.ValueString(), s.Mark, "")
		if err != nil {
			return lifecycle.At(path.Root("external_network"), err)
		}
		keep, s.m.FloatingIP = ip.ID, types.StringValue(ip.FloatingIP)
	}
	return removeFloatingIPs(ctx, s.Cloud, s.Mark, keep)
}

// removeFloatingIPs releases the floating IPs with the mark, but for one.
func removeFloatingIPs(ctx context.Context, cloud *openstack.Cloud, mark, keep string) error {
	client, err := cloud.Network()
	if err != nil {
		return err
	}
	pages, err := floatingips.List(client, floatingips.ListOpts{Description: mark}).AllPages(ctx)
	if err != nil {
		return fmt.Errorf("list floating IPs: %w", err)
	}
	found, err := floatingips.ExtractFloatingIPs(pages)
	if err != nil {
		return fmt.Errorf("list floating IPs: %w", err)
	}
	for _, ip := range found {
		if ip.Description != mark || ip.ID == keep {
			continue
		}
		if err := loadbalancer.Release(ctx, cloud, ip.ID); err != nil {
			return err
		}
	}
	return nil
}

// removeEntrance removes the load balancers with the proxy's tag and its floating IP.
func removeEntrance(ctx context.Context, cloud *openstack.Cloud, m *proxyModel, id string) error {
	if err := removeFloatingIPs(ctx, cloud, kind.Tag+id, ""); err != nil {
		return err
	}
	client, err := cloud.LoadBalancer()
	if err != nil {
		return err
	}
	pages, err := octavia.List(client, octavia.ListOpts{Tags: []string{kind.Tag + id}}).AllPages(ctx)
	if err != nil {
		return fmt.Errorf("list load balancers: %w", err)
	}
	found, err := octavia.ExtractLoadBalancers(pages)
	if err != nil {
		return fmt.Errorf("list load balancers: %w", err)
	}
	for _, lb := range found {
		if !slices.Contains(lb.Tags, kind.Tag+id) {
			continue
		}
		if err := loadbalancer.Delete(ctx, cloud, lb.ID, m.Name.ValueString()); err != nil && !openstack.NotFound(err) {
			return err
		}
	}
	return nil
}
