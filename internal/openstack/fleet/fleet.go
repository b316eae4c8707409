// Package fleet makes, finds and removes sets of like servers: the nodes of clusters and of reverse proxies. It lives below services
// because more than one of them has nodes.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servergroups"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"golang.org/x/sync/errgroup"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// Kind is what has fleets: clusters, or reverse proxies.
type Kind struct {
	// Noun is the kind in messages, in the plural.
	Noun string
	// Tag is what the tags begin with that tell whose a server is, such as "massif:cluster=".
	Tag string
}

// Tags of servers, beside that of their kind.
const (
	// PoolTag tells the set that a server belongs to within its owner.
	PoolTag = "massif:pool="
	// SpecTag tells what a server was made from.
	SpecTag = "massif:spec="
)

const (
	statusActive = "ACTIVE"
	statusError  = "ERROR"
)

// Fleet is all servers of one owner.
type Fleet struct {
	Owner   string
	Servers []servers.Server
}

// reads answers the reads of all fleets of a kind with one list.
func (k Kind) reads() openstack.Collection[Fleet] {
	return openstack.Collection[Fleet]{
		Name:    "servers of " + k.Noun,
		Service: (*openstack.Cloud).Compute,
		ID:      func(f Fleet) string { return f.Owner },
		Get: func(ctx context.Context, client *gophercloud.ServiceClient, id string) (Fleet, error) {
			all, err := listServers(ctx, client, servers.ListOpts{Tags: k.Tag + id})
			return Fleet{id, all}, err
		},
		List: func(ctx context.Context, client *gophercloud.ServiceClient, ids []string) ([]Fleet, error) {
			return k.list(ctx, client, ids)
		},
		MaxIDs: 20,
	}
}

func (k Kind) list(ctx context.Context, client *gophercloud.ServiceClient, ids []string) ([]Fleet, error) {
	opts := servers.ListOpts{}
	if len(ids) > 0 {
		opts.TagsAny = k.Tag + strings.Join(ids, ","+k.Tag)
	}
	all, err := listServers(ctx, client, opts)
	if err != nil {
		return nil, err
	}
	byOwner := map[string]*Fleet{}
	for _, id := range ids {
		byOwner[id] = &Fleet{Owner: id} // none is an answer, too
	}
	for _, server := range all {
		id := TagValue(server, k.Tag)
		if id == "" {
			continue
		}
		if byOwner[id] == nil {
			byOwner[id] = &Fleet{Owner: id}
		}
		byOwner[id].Servers = append(byOwner[id].Servers, server)
	}
	found := make([]Fleet, 0, len(byOwner))
	for _, f := range byOwner {
		found = append(found, *f)
	}
	return found, nil
}

// Read reads the fleet of an owner.
func (k Kind) Read(ctx context.Context, cloud *openstack.Cloud, owner string) (Fleet, error) {
	return openstack.Get(ctx, cloud, k.reads(), owner)
}

func listServers(ctx context.Context, client *gophercloud.ServiceClient, opts servers.ListOpts) ([]servers.Server, error) {
	pages, err := servers.List(client, opts).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("list servers: %w", err)
	}
	all, err := servers.ExtractServers(pages)
	// Nova lists a server for a moment after it was deleted, and for longer where deleted ones can be restored.
	return slices.DeleteFunc(all, func(s servers.Server) bool { return s.Status == "DELETED" || s.Status == "SOFT_DELETED" }), err
}

// TagValue is the rest of the server's tag that begins with the prefix, or "".
func TagValue(server servers.Server, prefix string) string {
	if server.Tags == nil {
		return ""
	}
	for _, tag := range *server.Tags {
		if value, ok := strings.CutPrefix(tag, prefix); ok {
			return value
		}
	}
	return ""
}

// Of returns the servers of a pool, oldest first.
func (f Fleet) Of(pool string) []servers.Server {
	var members []servers.Server
	for _, server := range f.Servers {
		if TagValue(server, PoolTag) == pool {
			members = append(members, server)
		}
	}
	slices.SortFunc(members, func(a, b servers.Server) int {
		if order := a.Created.Compare(b.Created); order != 0 {
			return order
		}
		return strings.Compare(a.Name, b.Name)
	})
	return members
}

// Split tells the servers that work from those that Nova gave up.
func Split(members []servers.Server) (alive, failed []servers.Server) {
	for _, server := range members {
		if server.Status == statusError {
			failed = append(failed, server)
		} else {
			alive = append(alive, server)
		}
	}
	return alive, failed
}

// Names are the names of servers, sorted.
func Names(members []servers.Server) []string {
	list := make([]string, 0, len(members))
	for _, server := range members {
		list = append(list, server.Name)
	}
	slices.Sort(list)
	return list
}

// Outdated names the servers that were made from another spec.
func Outdated(members []servers.Server, spec string) []string {
	return Names(slices.DeleteFunc(slices.Clone(members), func(server servers.Server) bool {
		return TagValue(server, SpecTag) == spec
	}))
}

// Group is a set of like nodes: the control plane of a cluster, a pool, or a reverse proxy.
type Group struct {
	Cloud *openstack.Cloud
	Kind  Kind
	Owner string
	Pool  string // which of the owner's sets
	Mark  string // description of its ports, whose tags Neutron does not take in the request that makes them

	SubnetID         string
	NetworkID        string
	SecurityGroupIDs []string
	FlavorID         string
	ImageID          string
	VolumeSize       int64
	VolumeType       string
	KeyPair          string
	ServerGroupID    string
	Zones            []string
	Spec             string
}

// MakePorts makes a port for each name with one request, so that addresses are known
// before any server is.
func (g *Group) MakePorts(ctx context.Context, names ...string) ([]ports.Port, error) {
	wanted := make([]ports.CreateOpts, 0, len(names))
	for _, name := range names {
		opts := ports.CreateOpts{
			NetworkID: g.NetworkID, Name: name, Description: g.Mark,
			FixedIPs: []ports.IP{{SubnetID: g.SubnetID}},
		}
		if len(g.SecurityGroupIDs) > 0 {
			opts.SecurityGroups = &g.SecurityGroupIDs
		}
		wanted = append(wanted, opts)
	}
	client, err := g.Cloud.Network()
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("create ports: %w", err)
	}
	var answer struct {
		Ports []ports.Port `json:"ports"`
	}
	response, err := client.Post(ctx, client.ServiceURL("ports"), map[string]any{"ports": wanted}, &answer,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusCreated}})
	if err != nil {
		return nil, fmt.Errorf("create ports: %w", err)
	}
	if err := response.Body.Close(); err != nil {
		return nil, fmt.Errorf("create ports: %w", err)
	}
	if len(answer.Ports) != len(names) {
		return nil, fmt.Errorf("asked for %d ports, the answer has %d", len(names), len(answer.Ports))
	}
	return answer.Ports, nil
}

// MakeServer asks Nova for the node that the port was made for. Its volume goes when it goes.
func (g *Group) MakeServer(ctx context.Context, port ports.Port, zone string, userData []byte) (string, error) {
	client, err := g.Cloud.Compute()
	if err != nil {
		return "", err
	}
	opts := servers.CreateOpts{
		Name: port.Name, FlavorRef: g.FlavorID, UserData: userData, AvailabilityZone: zone,
		Networks: []servers.Network{{Port: port.ID}},
		Tags:     []string{g.Kind.Tag + g.Owner, PoolTag + g.Pool, SpecTag + g.Spec},
	}
	if g.VolumeSize == 0 {
		opts.ImageRef = g.ImageID
	} else {
		opts.BlockDevice = []servers.BlockDevice{{
			SourceType: servers.SourceImage, DestinationType: servers.DestinationVolume, UUID: g.ImageID,
			VolumeSize: int(g.VolumeSize), VolumeType: g.VolumeType, DeleteOnTermination: true,
		}}
	}
	var hints servers.SchedulerHintOptsBuilder
	if g.ServerGroupID != "" {
		hints = servers.SchedulerHintOpts{Group: g.ServerGroupID}
	}
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("create server %s: %w", port.Name, err)
	}
	made, err := servers.Create(ctx, client, keypairs.CreateOptsExt{CreateOptsBuilder: opts, KeyName: g.KeyPair}, hints).Extract()
	if err != nil {
		return "", fmt.Errorf("create server %s: %w", port.Name, err)
	}
	return made.ID, nil
}

// WaitActive waits until Nova runs the server. All waits of a cluster share their polls.
func (g *Group) WaitActive(ctx context.Context, name, id string) error {
	_, err := openstack.Wait(ctx, openstack.Waiting[servers.Server]{
		What:  "server " + name,
		Fetch: g.fetch(id),
		State: func(server servers.Server) string { return server.Status },
		// A server that somebody has stopped meanwhile was running once.
		Target:  []string{statusActive, "SHUTOFF"},
		Failure: []string{statusError},
		Fault:   func(server servers.Server) string { return server.Fault.Message },
	})
	return err
}

func (g *Group) fetch(id string) func(context.Context) (servers.Server, error) {
	return func(ctx context.Context) (servers.Server, error) {
		found, err := g.Kind.Read(ctx, g.Cloud, g.Owner)
		if err != nil {
			return servers.Server{}, err
		}
		for _, server := range found.Servers {
			if server.ID == id {
				return server, nil
			}
		}
		return servers.Server{}, fmt.Errorf("server %s: %w", id, openstack.ErrGone)
	}
}

// State is the status of a server that does nothing; what it does, else. One in ERROR stays so while Nova deletes it.
func State(server servers.Server) string {
	if server.TaskState != "" {
		return server.Status + ", " + server.TaskState
	}
	return server.Status
}

// shutdownTime is how long a server may take to shut down. Nova presses the power button and pulls the plug a minute later
// (shutdown_timeout), unless the cloud or the image says otherwise.
const shutdownTime = 2 * time.Minute

// Shutdown asks servers to end what they run, and waits until they have. One that cannot be asked, or does not end in time, is no error: what
// comes next does not need it to be off. The error is that of the context.
func (g *Group) Shutdown(ctx context.Context, members []servers.Server) error {
	client, err := g.Cloud.Compute()
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, shutdownTime)
	defer cancel()
	var tasks sync.WaitGroup
	for _, server := range members {
		tasks.Go(func() {
			if servers.Stop(within, client, server.ID).ExtractErr() != nil {
				return
			}
			_, _ = openstack.Wait(within, openstack.Waiting[servers.Server]{ // see above
				What:    "server " + server.Name,
				Fetch:   g.fetch(server.ID),
				State:   func(server servers.Server) string { return server.Status },
				Target:  []string{"SHUTOFF"},
				Failure: []string{statusError},
			})
		})
	}
	tasks.Wait()
	return ctx.Err()
}

// Remove deletes servers with their volumes, then their ports.
func (g *Group) Remove(ctx context.Context, members []servers.Server) error {
	if len(members) == 0 {
		return nil
	}
	if err := g.RemoveServers(ctx, members); err != nil {
		return err
	}
	gone := Names(members)
	return g.RemovePorts(ctx, func(port ports.Port) bool { return slices.Contains(gone, port.Name) })
}

// RemoveServers deletes servers with their volumes and waits until they are gone.
func (g *Group) RemoveServers(ctx context.Context, members []servers.Server) error {
	client, err := g.Cloud.Compute()
	if err != nil {
		return err
	}
	var tasks errgroup.Group
	for _, server := range members {
		tasks.Go(func() error {
			err := servers.Delete(ctx, client, server.ID).ExtractErr()
			if err != nil && !openstack.NotFound(err) {
				return fmt.Errorf("delete server %s: %w", server.Name, err)
			}
			return openstack.WaitGone(ctx, openstack.Waiting[servers.Server]{
				What:    "server " + server.Name,
				Fetch:   g.fetch(server.ID),
				State:   State,
				Failure: []string{statusError},
				Fault:   func(server servers.Server) string { return server.Fault.Message },
			})
		})
	}
	return tasks.Wait()
}

// ListPorts lists the ports that carry the group's mark.
func (g *Group) ListPorts(ctx context.Context) ([]ports.Port, error) {
	client, err := g.Cloud.Network()
	if err != nil {
		return nil, err
	}
	pages, err := ports.List(client, ports.ListOpts{Description: g.Mark}).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("list ports: %w", err)
	}
	return ports.ExtractPorts(pages)
}

// RemovePorts removes those of the group's ports that the function picks.
func (g *Group) RemovePorts(ctx context.Context, pick func(ports.Port) bool) error {
	list, err := g.ListPorts(ctx)
	if err != nil {
		return err
	}
	return g.DeletePorts(ctx, list, pick)
}

// DeletePorts removes those ports of a list that the function picks.
func (g *Group) DeletePorts(ctx context.Context, list []ports.Port, pick func(ports.Port) bool) error {
	client, err := g.Cloud.Network()
	if err != nil {
		return err
	}
	var tasks errgroup.Group
	for _, port := range list {
		if port.Description != g.Mark || !pick(port) {
			continue
		}
		tasks.Go(func() error {
			if err := ports.Delete(ctx, client, port.ID).ExtractErr(); err != nil && !openstack.NotFound(err) {
				return fmt.Errorf("delete port %s: %w", port.Name, err)
			}
			return nil
		})
	}
	return tasks.Wait()
}

// SetSecurityGroups changes the security groups of the group's ports in place.
func (g *Group) SetSecurityGroups(ctx context.Context, members []servers.Server) error {
	list, err := g.ListPorts(ctx)
	if err != nil {
		return err
	}
	client, err := g.Cloud.Network()
	if err != nil {
		return err
	}
	nodes := Names(members)
	var tasks errgroup.Group
	for _, port := range list {
		if port.Description != g.Mark || !slices.Contains(nodes, port.Name) {
			continue
		}
		tasks.Go(func() error {
			if err := ports.Update(ctx, client, port.ID, ports.UpdateOpts{SecurityGroups: &g.SecurityGroupIDs}).Err; err != nil {
				return fmt.Errorf("change the security groups of port %s: %w", port.Name, err)
			}
			return nil
		})
	}
	return tasks.Wait()
}

// PickZone is the zone with the fewest nodes, or "" for Nova's choice.
func (g *Group) PickZone(used []string) string {
	if len(g.Zones) == 0 {
		return ""
	}
	count := func(zone string) (n int) {
		for _, u := range used {
			if u == zone {
				n++
			}
		}
		return n
	}
	return slices.MinFunc(g.Zones, func(a, b string) int { return count(a) - count(b) })
}

// ZonesOf are the availability zones of servers, in their order.
func ZonesOf(members []servers.Server) []string {
	zones := make([]string, 0, len(members))
	for _, server := range members {
		zones = append(zones, server.AvailabilityZone)
	}
	return zones
}

const (
	consoleLines   = 25
	consoleTimeout = 15 * time.Second
)

// WithConsole adds to an error the end of the server's console log, which tells what
// the node was doing. The wait's own time is over by then.
func (g *Group) WithConsole(ctx context.Context, err error, name, id string) error {
	client, clientErr := g.Cloud.Compute()
	if err == nil || clientErr != nil || errors.Is(err, context.Canceled) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), consoleTimeout)
	defer cancel()
	log, logErr := servers.ShowConsoleOutput(ctx, client, id, servers.ShowConsoleOutputOpts{Length: consoleLines}).Extract()
	if logErr != nil || strings.TrimSpace(log) == "" {
		return err
	}
	return fmt.Errorf("%w\n\nThe console of %s ends with:\n\n%s", err, name, strings.TrimSpace(log))
}

// EnsureServerGroup makes the server group, unless the policy is "none".
func (g *Group) EnsureServerGroup(ctx context.Context, name, policy string) (string, error) {
	if policy == "none" {
		return "", nil
	}
	client, err := g.Cloud.Compute()
	if err != nil {
		return "", err
	}
	made, err := servergroups.Create(ctx, client, servergroups.CreateOpts{Name: name, Policy: policy}).Extract()
	if err != nil {
		return "", fmt.Errorf("create server group %s: %w", name, err)
	}
	return made.ID, nil
}

// RemoveServerGroups removes every server group of the name.
func (g *Group) RemoveServerGroups(ctx context.Context, name string) error {
	client, err := g.Cloud.Compute()
	if err != nil {
		return err
	}
	pages, err := servergroups.List(client, servergroups.ListOpts{}).AllPages(ctx)
	if err != nil {
		return fmt.Errorf("list server groups: %w", err)
	}
	all, err := servergroups.ExtractServerGroups(pages)
	if err != nil {
		return fmt.Errorf("list server groups: %w", err)
	}
	for _, found := range all {
		if found.Name != name {
			continue
		}
		if err := servergroups.Delete(ctx, client, found.ID).ExtractErr(); err != nil && !openstack.NotFound(err) {
			return fmt.Errorf("delete server group %s: %w", name, err)
		}
	}
	return nil
}
