package kubernetes

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// networkPlugins are those that RKE2 and k3s bring or support, by the name that `cni` takes.
// With none, what carries the pods' network is the user's to know.
var networkPlugins = []string{"calico", "canal", "cilium", "flannel", "none"}

// Reach says who must reach a port.
type Reach int

// Who reaches whom.
const (
	// ServersToServers is the traffic of etcd.
	ServersToServers Reach = iota
	// NodesToServers is that of the API, which also load balancers and people ask.
	NodesToServers
	// NodesToNodes is that of kubelets and of the pods' network.
	NodesToNodes
)

// Traffic is what must pass for one part of a cluster to work.
type Traffic struct {
	// Name tells the part.
	Name  string
	Reach Reach
	// TCP and UDP are ports and ranges.
	TCP, UDP []string
	ICMP     bool
}

// PortOptions choose among the parts of a cluster that not everybody runs.
type PortOptions struct {
	// Hubble is the observation of Cilium.
	Hubble bool
	// WireGuard encrypts the pods' network.
	WireGuard bool
}

// Ports are what must pass between the nodes of a cluster, in the order of its layers. The numbers are those of the
// requirements that RKE2, k3s and the plugins document. An error names the plugins that there are.
func Ports(distribution Distribution, cni string, options PortOptions) ([]Traffic, error) {
	if !slices.Contains(networkPlugins, cni) {
		return nil, fmt.Errorf("%q is no network plugin that is known here: %s", cni, strings.Join(networkPlugins, ", "))
	}
	if options.Hubble && cni != "cilium" {
		return nil, fmt.Errorf("hubble belongs to cilium; the network plugin is %s", cni)
	}
	if options.WireGuard && cni == "none" {
		return nil, errors.New("wireguard needs to know the network plugin that runs it, and there is none")
	}
	all := []Traffic{
		{Name: "etcd", Reach: ServersToServers, TCP: []string{"2379-2380", "2381"}},
		{Name: "api", Reach: NodesToServers, TCP: []string{"6443"}},
	}
	if distribution == RKE2 {
		all = append(all, Traffic{Name: "supervisor", Reach: NodesToServers, TCP: []string{"9345"}})
	}
	all = append(all, Traffic{Name: "kubelet", Reach: NodesToNodes, TCP: []string{"10250"}})

	switch {
	case cni == "none":
	case cni == "calico", cni == "flannel" && distribution == RKE2:
		all = append(all, Traffic{Name: "vxlan", Reach: NodesToNodes, UDP: []string{"4789"}}) // the registered port
	default:
		all = append(all, Traffic{Name: "vxlan", Reach: NodesToNodes, UDP: []string{"8472"}}) // Linux's own
	}
	if cni == "calico" {
		all = append(all, Traffic{Name: "typha", Reach: NodesToNodes, TCP: []string{"5473"}})
	}
	if cni == "cilium" {
		all = append(all,
			Traffic{Name: "cilium-health", Reach: NodesToNodes, TCP: []string{"4240"}},
			Traffic{Name: "icmp", Reach: NodesToNodes, ICMP: true})
	}
	if options.Hubble {
		all = append(all, Traffic{Name: "hubble", Reach: NodesToNodes, TCP: []string{"4244"}})
	}
	if options.WireGuard {
		port := "51820-51821"
		if cni == "cilium" {
			port = "51871"
		}
		all = append(all, Traffic{Name: "wireguard", Reach: NodesToNodes, UDP: []string{port}})
	}
	return all, nil
}
