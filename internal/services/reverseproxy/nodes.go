package reverseproxy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"golang.org/x/sync/errgroup"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/fleet"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// build makes the nodes and their entrance what the model says. What an interrupted apply has left without a server goes first.
func (s *site) build(ctx context.Context, prior *proxyModel) error {
	var err error
	if s.Spec, err = s.m.spec(ctx); err != nil {
		return err
	}
	found, err := kind.Read(ctx, s.Cloud, s.Owner)
	if err != nil {
		return err
	}
	alive, failed := split(found)
	existing, err := s.ListPorts(ctx)
	if err != nil {
		return err
	}
	if err := s.Remove(ctx, failed); err != nil {
		return err
	}
	var gone []string
	keep := append(fleet.Names(alive), s.vipName())
	lost := func(port ports.Port) bool { return !slices.Contains(keep, port.Name) }
	for _, port := range existing {
		if address, err := addressOf(port); err == nil && lost(port) {
			gone = append(gone, address)
		}
	}
	if err := s.DeletePorts(ctx, existing, lost); err != nil {
		return err
	}
	if err := s.enlist(nodePorts(existing, fleet.Names(alive))); err != nil {
		return err
	}
	if !s.m.SecurityGroupIDs.Equal(prior.SecurityGroupIDs) && len(alive) > 0 {
		if err := s.SetSecurityGroups(ctx, alive); err != nil {
			return err
		}
	}
	missing := int(s.nodes.Count.ValueInt64()) - len(alive)
	fresh, err := s.reserve(ctx, missing)
	if err != nil {
		return err
	}
	if s.entrance.lbID == "" {
		// Addresses are known before servers are, so that a new load balancer is complete with one request. One that has clients
		// would send them to nodes that do not serve yet.
		if err := s.enlist(fresh); err != nil {
			return err
		}
	}
	if err := s.ensureEntrance(ctx, existing, gone); err != nil {
		return err
	}
	if err := s.boot(ctx, fresh, fleet.ZonesOf(alive)); err != nil {
		return err
	}
	if err := s.join(ctx, fresh); err != nil {
		return err
	}
	if err := s.replaceOutdated(ctx, alive, -missing); err != nil {
		return err
	}
	return s.ensureRecords(ctx, prior)
}

// split tells the nodes that work from those that are made again: Nova gave them up, somebody has switched them off, or an
// interrupted apply has.
func split(found fleet.Fleet) (alive, failed []servers.Server) {
	alive, failed = fleet.Split(found.Of(pool))
	off := func(server servers.Server) bool { return server.Status == "SHUTOFF" }
	for _, server := range alive {
		if off(server) {
			failed = append(failed, server)
		}
	}
	return slices.DeleteFunc(alive, off), failed
}

// reserve makes ports for new nodes.
func (s *site) reserve(ctx context.Context, count int) ([]ports.Port, error) {
	if count <= 0 {
		return nil, nil
	}
	wanted := make([]string, 0, count)
	for range count {
		wanted = append(wanted, s.m.Name.ValueString()+"-"+suffix())
	}
	return s.MakePorts(ctx, wanted...)
}

// enlist makes nodes members of the entrance.
func (s *site) enlist(fresh []ports.Port) error {
	for _, port := range fresh {
		address, err := addressOf(port)
		if err != nil {
			return err
		}
		s.entrance.members[port.Name] = member{address, 1}
	}
	return nil
}

// join lets the load balancer send connections to nodes, unless it does already.
func (s *site) join(ctx context.Context, fresh []ports.Port) error {
	known := len(s.entrance.members)
	if err := s.enlist(fresh); err != nil || len(s.entrance.members) == known {
		return err
	}
	return s.entrance.apply(ctx, s.Cloud, nil)
}

// suffix tells nodes apart; no name is ever used again, for what one has reported stays for a while.
func suffix() string { return strings.ToLower(rand.Text()[:6]) }

// boot makes servers for ports, all at once, and waits until they serve.
func (s *site) boot(ctx context.Context, fresh []ports.Port, used []string) error {
	errs := make([]error, len(fresh))
	var tasks errgroup.Group // each node's own, for the others go on
	for i, port := range fresh {
		zone := s.PickZone(used)
		used = append(used, zone)
		tasks.Go(func() error {
			errs[i] = s.bootOne(ctx, port, zone)
			return nil
		})
	}
	return errors.Join(tasks.Wait(), errors.Join(errs...))
}

func (s *site) bootOne(ctx context.Context, port ports.Port, zone string) error {
	authorities, insecure := s.Cloud.Trust()
	data, err := userData(settings{
		Node: port.Name, AuthURL: s.Cloud.AuthURL(), ApplicationCredentialID: s.m.CredentialID.ValueString(),
		ApplicationCredentialSecret: s.m.Secret.ValueString(), Region: s.Cloud.Region(), CACertificate: string(authorities), Insecure: insecure,
		Container: s.Owner, EncryptionKey: s.m.EncryptionKey.ValueString(), ProxyProtocolFrom: []string{s.subnet.CIDR},
		CacheDirectory: cacheFiles,
	}, s.binary.URL.ValueString(), s.binary.SHA256.ValueString())
	if err != nil {
		return err
	}
	id, err := s.MakeServer(ctx, port, zone, data)
	if err != nil {
		return err
	}
	if err := s.WaitActive(ctx, port.Name, id); err != nil {
		return err
	}
	if !s.m.WaitForNodes.ValueBool() {
		return nil
	}
	return s.WithConsole(ctx, s.audience([]string{port.Name}).await(ctx), port.Name, id)
}

// replaceOutdated removes the nodes that are too many, and replaces those that were made from other values one by one, the new one first.
func (s *site) replaceOutdated(ctx context.Context, alive []servers.Server, surplus int) error {
	old := fleet.Outdated(alive, s.Spec)
	slices.SortStableFunc(alive, func(a, b servers.Server) int { // outdated ones first, then the oldest
		switch isOld := slices.Contains(old, a.Name); {
		case isOld == slices.Contains(old, b.Name):
			return 0
		case isOld:
			return -1
		}
		return 1
	})
	surplus = max(surplus, 0)
	if err := s.retire(ctx, alive[:surplus]...); err != nil {
		return err
	}
	for i, server := range alive[surplus:] {
		if !slices.Contains(old, server.Name) {
			continue
		}
		fresh, err := s.reserve(ctx, 1)
		if err != nil {
			return err
		}
		if err := s.boot(ctx, fresh, fleet.ZonesOf(alive[surplus+i+1:])); err != nil {
			return err
		}
		if err := s.join(ctx, fresh); err != nil {
			return err
		}
		if err := s.retire(ctx, server); err != nil {
			return fmt.Errorf("replace node %s: %w", server.Name, err)
		}
	}
	return nil
}

// retire takes nodes out of use without a lost request: no new connections, time for those that there are, and a node that shuts down asks
// its clients to come by another before it ends.
func (s *site) retire(ctx context.Context, leaving ...servers.Server) error {
	var addresses []string
	for _, server := range leaving {
		if m, ok := s.entrance.members[server.Name]; ok {
			s.entrance.members[server.Name] = member{m.address, 0}
			addresses = append(addresses, m.address)
		}
	}
	if len(addresses) == 0 {
		return s.Remove(ctx, leaving)
	}
	if err := s.entrance.apply(ctx, s.Cloud, nil); err != nil {
		return err
	}
	if err := s.drain(ctx); err != nil {
		return err
	}
	if err := s.Shutdown(ctx, leaving); err != nil {
		return err
	}
	for _, server := range leaving {
		delete(s.entrance.members, server.Name)
	}
	if err := s.entrance.apply(ctx, s.Cloud, addresses); err != nil {
		return err
	}
	return s.Remove(ctx, leaving)
}

// names are the names in the zone, as they were written.
func (d dnsModel) names() []string { return value.Strings(d.Names) }
