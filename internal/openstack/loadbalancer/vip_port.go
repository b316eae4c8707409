package loadbalancer

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

const (
	// portOwner is the device_owner of the ports that Octavia makes for VIPs.
	portOwner = "Octavia"
	// inTheMaking is how long Octavia may not know yet the load balancer of a port that it has made. It makes the port, writes the tree
	// into its database and commits, which takes a second or two; it does so for one load balancer of a project at a time.
	inTheMaking = 20 * time.Second
	// clockSkew is how far the cloud's clock may be behind ours.
	clockSkew = 30 * time.Second
)

// withdraw removes the port that a refused request has left in Neutron. Octavia makes the VIP's port before it looks at what is below
// the load balancer, and forgets it when it refuses that. It would keep its address, and its subnet from being deleted.
//
// Nothing connects the request to the port, and somebody else may be making a load balancer in the same subnet. So a port is
// removed only if Octavia made it since the request was sent, where the request wanted it, for a load balancer
// that Octavia does not know, and has not come to know for much longer than making one takes.
//
// What may have been left nevertheless is told in words, "" when nothing was.
func withdraw(ctx context.Context, cloud *openstack.Cloud, spec Spec, sent time.Time, refusal error) string {
	if _, refused := openstack.FaultOf(refusal); !refused || spec.VIPPortID != "" || cloud.ProjectID() == "" {
		return ""
	}
	left, err := orphans(ctx, cloud, func(p ports.Port) bool {
		return isVIP(p, spec) && p.CreatedAt.After(sent.Add(-clockSkew))
	})
	if err == nil && len(left) > 0 {
		left, err = drop(ctx, cloud, left)
	}
	switch {
	case err != nil && len(left) > 0:
		return fmt.Sprintf("the refused request has left behind %s, which could not be removed (%v)", described(left), err)
	case err != nil:
		return fmt.Sprintf("whether the refused request has left a port octavia-lb-… behind could not be found out (%v)", err)
	}
	return ""
}

// isVIP tells whether Octavia made a port for a VIP as spec wants it.
func isVIP(p ports.Port, spec Spec) bool {
	id, ofLoadBalancer := strings.CutPrefix(p.DeviceID, "lb-")
	return ofLoadBalancer && id != "" && p.Name == "octavia-lb-"+id && p.DeviceOwner == portOwner &&
		(spec.VIPNetworkID == "" || p.NetworkID == spec.VIPNetworkID) &&
		slices.ContainsFunc(p.FixedIPs, func(ip ports.IP) bool {
			return (spec.VIPSubnetID == "" || ip.SubnetID == spec.VIPSubnetID) && (spec.VIPAddress == "" || sameAddress(ip.IPAddress, spec.VIPAddress))
		})
}

func sameAddress(a, b string) bool {
	one, err := netip.ParseAddr(a)
	other, otherErr := netip.ParseAddr(b)
	return err == nil && otherErr == nil && one == other
}

// orphans are those ports meant of the project that Octavia made for load balancers which it does not know.
func orphans(ctx context.Context, cloud *openstack.Cloud, meant func(ports.Port) bool) ([]ports.Port, error) {
	client, err := cloud.Network()
	if err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	pages, err := ports.List(client, ports.ListOpts{DeviceOwner: portOwner, ProjectID: cloud.ProjectID()}).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the ports of VIPs: %w", err)
	}
	all, err := ports.ExtractPorts(pages)
	if err != nil {
		return nil, fmt.Errorf("list the ports of VIPs: %w", err)
	}
	return unknown(ctx, cloud, slices.DeleteFunc(all, func(p ports.Port) bool { return !meant(p) }))
}

// unknown are those of the ports whose load balancer Octavia does not know.
func unknown(ctx context.Context, cloud *openstack.Cloud, candidates []ports.Port) ([]ports.Port, error) {
	client, err := cloud.LoadBalancer()
	if err != nil {
		return candidates, err //nolint:wrapcheck // it says all
	}
	var left []ports.Port
	for i, p := range candidates {
		id := strings.TrimPrefix(p.DeviceID, "lb-")
		err := get(ctx, client, client.ServiceURL("lbaas", "loadbalancers", id), nil)
		switch {
		case openstack.NotFound(err):
			left = append(left, p)
		case err != nil:
			return append(left, candidates[i:]...), fmt.Errorf("look for load balancer %s: %w", id, err)
		}
	}
	return left, nil
}

// drop deletes the ports whose load balancers stay unknown, and returns those that it could not delete.
func drop(ctx context.Context, cloud *openstack.Cloud, left []ports.Port) ([]ports.Port, error) {
	client, err := cloud.Network()
	if err != nil {
		return left, err //nolint:wrapcheck // it says all
	}
	const made, making, refused = "made", "in the making", "refused"
	began := time.Now()
	_, err = openstack.Wait(ctx, openstack.Waiting[[]ports.Port]{
		What: "the load balancers of new ports",
		Fetch: func(ctx context.Context) ([]ports.Port, error) {
			var err error
			left, err = unknown(ctx, cloud, left)
			return left, err
		},
		State: func(left []ports.Port) string {
			switch {
			case len(left) == 0:
				return made
			case time.Since(began) < inTheMaking:
				return making
			}
			return refused
		},
		Target: []string{made, refused},
	})
	if err != nil {
		return left, err //nolint:wrapcheck // it says what was waited for
	}
	for len(left) > 0 {
		if err := ports.Delete(ctx, client, left[0].ID).ExtractErr(); err != nil && !openstack.NotFound(err) {
			return left, fmt.Errorf("delete port %s: %w", left[0].ID, err)
		}
		left = left[1:]
	}
	return nil, nil
}

// described names ports and says how to remove them.
func described(left []ports.Port) string {
	var names, commands []string
	for _, p := range left {
		names = append(names, fmt.Sprintf("the port %s (%s)", p.Name, p.ID))
		commands = append(commands, p.ID)
	}
	return fmt.Sprintf("%s; if `openstack loadbalancer show` does not know its load balancer, remove it: openstack port delete %s",
		strings.Join(names, " and "), strings.Join(commands, " "))
}
