package cluster

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	octavia "github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/loadbalancers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/massif-cloud/terraform-provider-massif/internal/kubernetes"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
)

// apiKey and registrationKey name the listeners and pools of the API's load balancer.
const (
	apiKey          = "kubernetes-api"
	registrationKey = "registration"
)

// privateRanges are where nodes may be when the user does not say it: registration
// is nothing for the Internet, though the load balancer has a floating IP.
func privateRanges(ip6 bool) []string {
	if ip6 {
		return []string{"fc00::/7"}
	}
	return []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"}
}

// entrance is the load balancer in front of a cluster's servers.
type entrance struct {
	clusterID    string
	name         string
	vipPortID    string
	distribution kubernetes.Distribution
	subnet       subnets.Subnet
	allowedCIDRs []string          // of the API; empty is everybody
	nodeCIDRs    []string          // of the nodes; nil is privateRanges, empty is everybody
	members      map[string]string // address by name
}

func (e entrance) spec() loadbalancer.Spec {
	spec := loadbalancer.Spec{
		Name: e.name, VIPPortID: e.vipPortID, Tags: []string{clusters.Tag + e.clusterID},
		Description: "API of the Kubernetes cluster " + e.name,
		Listeners:   map[string]loadbalancer.Listener{},
		Pools:       map[string]loadbalancer.Pool{},
	}
	nodes := e.nodes()
	api := []string{}
	if len(e.allowedCIDRs) > 0 {
		api = append(append(api, e.allowedCIDRs...), nodes...)
	}
	e.listen(spec, apiKey, kubernetes.APIPort, dedupe(api))
	if port := e.distribution.RegistrationPort(); port != kubernetes.APIPort {
		e.listen(spec, registrationKey, port, dedupe(nodes))
	}
	return spec
}

// nodes are the ranges of addresses that nodes register from.
func (e entrance) nodes() []string {
	ranges := e.nodeCIDRs
	if ranges == nil {
		ranges = privateRanges(e.subnet.IPVersion == 6)
	}
	if len(ranges) == 0 {
		return []string{}
	}
	return append([]string{e.subnet.CIDR}, ranges...)
}

// dedupe leaves out ranges that another one has within it: Octavia refuses none, but
// its drivers program each.
func dedupe(ranges []string) []string {
	kept := []string{}
	for i, text := range ranges {
		inside := false
		inner, err := netip.ParsePrefix(text)
		for j, other := range ranges {
			outer, otherErr := netip.ParsePrefix(other)
			if err != nil || otherErr != nil || i == j || !outer.Contains(inner.Addr()) || outer.Bits() > inner.Bits() {
				continue
			}
			inside = inside || outer.Bits() < inner.Bits() || j < i
		}
		if !inside {
			kept = append(kept, text)
		}
	}
	return kept
}

func (e entrance) listen(spec loadbalancer.Spec, key string, port int, allowed []string) {
	spec.Listeners[key] = loadbalancer.Listener{
		Protocol: loadbalancer.ProtocolTCP, ProtocolPort: port, DefaultPool: key, AllowedCIDRs: allowed,
		// kubectl logs -f and watches are quiet for longer than the 50 seconds that are the default.
		TimeoutClientData: new(watchTimeout), TimeoutMemberData: new(watchTimeout),
	}
	members := make(map[string]loadbalancer.Member, len(e.members))
	for name, addr := range e.members {
		members[name] = loadbalancer.Member{Address: addr, ProtocolPort: port, SubnetID: e.subnet.ID}
	}
	spec.Pools[key] = loadbalancer.Pool{
		Protocol: loadbalancer.ProtocolTCP, Algorithm: "ROUND_ROBIN", Members: members,
		Monitor: &loadbalancer.Monitor{Type: "TCP", Delay: 5, Timeout: 3, MaxRetries: 2},
	}
}

// watchTimeout is how long, in milliseconds, a connection to the API may be quiet.
const watchTimeout = 30 * 60 * 1000

// endpoint is the URL of a port on an address.
func endpoint(addr string, port int) string {
	return "https://" + net.JoinHostPort(addr, strconv.Itoa(port))
}

// findFloatingIP finds the cluster's floating IP by its mark.
func findFloatingIP(ctx context.Context, cloud *openstack.Cloud, mark string) ([]floatingips.FloatingIP, error) {
	client, err := cloud.Network()
	if err != nil {
		return nil, err
	}
	return listFloatingIPs(ctx, client, floatingips.ListOpts{Description: mark})
}

// floatingIPReads answers the reads of all clusters with one list.
var floatingIPReads = openstack.Collection[floatingips.FloatingIP]{
	Name:    "floating IPs of clusters",
	Service: (*openstack.Cloud).Network,
	ID:      func(ip floatingips.FloatingIP) string { return ip.FloatingIP },
	Get: func(ctx context.Context, client *gophercloud.ServiceClient, addr string) (floatingips.FloatingIP, error) {
		all, err := listFloatingIPs(ctx, client, floatingips.ListOpts{FloatingIP: addr})
		if err != nil {
			return floatingips.FloatingIP{}, err
		}
		for _, ip := range all {
			if ip.FloatingIP == addr {
				return ip, nil
			}
		}
		return floatingips.FloatingIP{}, fmt.Errorf("floating IP %s: %w", addr, openstack.ErrGone)
	},
	List: func(ctx context.Context, client *gophercloud.ServiceClient, _ []string) ([]floatingips.FloatingIP, error) {
		return listFloatingIPs(ctx, client, floatingips.ListOpts{})
	},
}

func listFloatingIPs(ctx context.Context, client *gophercloud.ServiceClient, opts floatingips.ListOpts) ([]floatingips.FloatingIP, error) {
	pages, err := floatingips.List(client, opts).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("list floating IPs: %w", err)
	}
	found, err := floatingips.ExtractFloatingIPs(pages)
	if err != nil {
		return nil, fmt.Errorf("list floating IPs: %w", err)
	}
	return found, nil
}

// checkFloatingIP warns when the API's floating IP is gone or leads elsewhere. An apply
// cannot mend that: certificates and kubeconfigs hold the address, and Neutron gives
// users no address of their choice.
func checkFloatingIP(ctx context.Context, cloud *openstack.Cloud, cluster, addr, vip string) error {
	ip, err := openstack.Get(ctx, cloud, floatingIPReads, addr)
	switch {
	case openstack.NotFound(err):
		lifecycle.Warn(ctx, "The floating IP of an API is gone", fmt.Sprintf("The API of cluster %s is reached at %s only. "+
			"An administrator of the cloud can make a floating IP with the address %s again and associate it with that address.", cluster, vip, addr))
	case err != nil:
		return err
	case ip.FixedIP != vip:
		lifecycle.Warn(ctx, "The floating IP of an API leads elsewhere", fmt.Sprintf("Floating IP %s should lead to %s, the API of cluster %s. "+
			"Associate it with the port %s-api again.", addr, vip, cluster, cluster))
	}
	return nil
}

// makeFloatingIP makes a floating IP that leads to a port.
func makeFloatingIP(ctx context.Context, cloud *openstack.Cloud, networkID, portID, mark string) (*floatingips.FloatingIP, error) {
	client, err := cloud.Network()
	if err != nil {
		return nil, err
	}
	var made *floatingips.FloatingIP
	err = openstack.WhenRouted(ctx, func(ctx context.Context) (err error) {
		made, err = floatingips.Create(ctx, client, floatingips.CreateOpts{
			FloatingNetworkID: networkID, PortID: portID, Description: mark,
		}).Extract()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create the API's floating IP: %w", err)
	}
	return made, nil
}

func removeFloatingIPs(ctx context.Context, cloud *openstack.Cloud, mark string) error {
	found, err := findFloatingIP(ctx, cloud, mark)
	if err != nil {
		return err
	}
	client, err := cloud.Network()
	if err != nil {
		return err
	}
	for _, ip := range found {
		if ip.Description != mark {
			continue
		}
		if err := floatingips.Delete(ctx, client, ip.ID).ExtractErr(); err != nil && !openstack.NotFound(err) {
			return fmt.Errorf("delete floating IP %s: %w", ip.FloatingIP, err)
		}
	}
	return nil
}

// loadBalancersOf finds the load balancers that carry the cluster's tag.
func loadBalancersOf(ctx context.Context, cloud *openstack.Cloud, clusterID string) ([]string, error) {
	found, err := listLoadBalancers(ctx, cloud, octavia.ListOpts{Tags: []string{clusters.Tag + clusterID}})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, lb := range found {
		if slices.Contains(lb.Tags, clusters.Tag+clusterID) {
			ids = append(ids, lb.ID)
		}
	}
	return ids, nil
}

func listLoadBalancers(ctx context.Context, cloud *openstack.Cloud, opts octavia.ListOpts) ([]octavia.LoadBalancer, error) {
	client, err := cloud.LoadBalancer()
	if err != nil {
		return nil, err
	}
	pages, err := octavia.List(client, opts).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("list load balancers: %w", err)
	}
	found, err := octavia.ExtractLoadBalancers(pages)
	if err != nil {
		return nil, fmt.Errorf("list load balancers: %w", err)
	}
	return found, nil
}

// removeServices removes the load balancers that OpenStack's cloud controller manager
// made for services of the cluster, and their floating IPs: nobody else would, and
// the network could not go before them. They are known by the cluster's name in
// theirs, and by the network, for another cluster may have that name elsewhere.
// Volumes stay: they are data.
func removeServices(ctx context.Context, cloud *openstack.Cloud, cluster, networkID string) error {
	found, err := listLoadBalancers(ctx, cloud, octavia.ListOpts{VipNetworkID: networkID})
	if err != nil {
		return err
	}
	network, err := cloud.Network()
	if err != nil {
		return err
	}
	for _, lb := range found {
		if lb.VipNetworkID != networkID || !strings.HasPrefix(lb.Name, "kube_service_"+cluster+"_") {
			continue
		}
		ips, err := listFloatingIPs(ctx, network, floatingips.ListOpts{PortID: lb.VipPortID})
		if err != nil {
			return err
		}
		for _, ip := range ips {
			// One that a person chose for a service is that person's.
			if ip.PortID != lb.VipPortID || !strings.HasPrefix(ip.Description, "Floating IP for Kubernetes external service") {
				continue
			}
			if err := floatingips.Delete(ctx, network, ip.ID).ExtractErr(); err != nil && !openstack.NotFound(err) {
				return fmt.Errorf("delete floating IP %s: %w", ip.FloatingIP, err)
			}
		}
		if err := loadbalancer.Delete(ctx, cloud, lb.ID, lb.Name); err != nil && !openstack.NotFound(err) {
			return err
		}
	}
	return nil
}
