package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"golang.org/x/sync/errgroup"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// What belongs to a cluster is found by what is written on it: tags of servers and
// load balancers, the description of ports and floating IPs, whose tags Neutron does
// not take in the request that makes them.
const (
	clusterTag = "massif:cluster="
	poolTag    = "massif:pool="
	specTag    = "massif:spec="

	// controlPlane stands for a pool's id on the servers of the control plane.
	controlPlane = "servers"
)

const (
	statusActive = "ACTIVE"
	statusError  = "ERROR"
)

// fleet is all servers of one cluster, of its control plane and its pools.
type fleet struct {
	clusterID string
	servers   []servers.Server
}

// fleets answers the reads of all clusters and pools with one list.
var fleets = openstack.Collection[fleet]{
	Name:    "servers of clusters",
	Service: (*openstack.Cloud).Compute,
	ID:      func(f fleet) string { return f.clusterID },
	Get: func(ctx context.Context, client *gophercloud.ServiceClient, id string) (fleet, error) {
		all, err := listServers(ctx, client, servers.ListOpts{Tags: clusterTag + id})
		return fleet{id, all}, err
	},
	List: func(ctx context.Context, client *gophercloud.ServiceClient, ids []string) ([]fleet, error) {
		opts := servers.ListOpts{}
		if len(ids) > 0 {
			opts.TagsAny = clusterTag + strings.Join(ids, ","+clusterTag)
		}
		all, err := listServers(ctx, client, opts)
		if err != nil {
			return nil, err
		}
		byCluster := map[string]*fleet{}
		for _, id := range ids {
			byCluster[id] = &fleet{clusterID: id} // none is an answer, too
		}
		for _, server := range all {
			id := tagValue(server, clusterTag)
			if id == "" {
				continue
			}
			if byCluster[id] == nil {
				byCluster[id] = &fleet{clusterID: id}
			}
			byCluster[id].servers = append(byCluster[id].servers, server)
		}
		found := make([]fleet, 0, len(byCluster))
		for _, f := range byCluster {
			found = append(found, *f)
		}
		return found, nil
	},
	MaxIDs: 20,
}

func listServers(ctx context.Context, client *gophercloud.ServiceClient, opts servers.ListOpts) ([]servers.Server, error) {
	pages, err := servers.List(client, opts).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("list servers: %w", err)
	}
	return servers.ExtractServers(pages)
}

func tagValue(server servers.Server, prefix string) string {
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

// of returns the servers of a pool or of the control plane, oldest first.
func (f fleet) of(pool string) []servers.Server {
	var members []servers.Server
	for _, server := range f.servers {
		if tagValue(server, poolTag) == pool && server.Status != "DELETED" && server.Status != "SOFT_DELETED" {
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

// split tells the servers that work from those that Nova gave up.
func split(members []servers.Server) (alive, failed []servers.Server) {
	for _, server := range members {
		if server.Status == statusError {
			failed = append(failed, server)
		} else {
			alive = append(alive, server)
		}
	}
	return alive, failed
}

func names(members []servers.Server) []string {
	list := make([]string, 0, len(members))
	for _, server := range members {
		list = append(list, server.Name)
	}
	slices.Sort(list)
	return list
}

// outdated names the servers that were made from another spec.
func outdated(members []servers.Server, spec string) []string {
	return names(slices.DeleteFunc(slices.Clone(members), func(server servers.Server) bool {
		return tagValue(server, specTag) == spec
	}))
}

// group is a set of like nodes: the control plane of a cluster, or a pool.
type group struct {
	cloud     *openstack.Cloud
	clusterID string
	pool      string // id of the pool, or controlPlane
	mark      string // description of its ports

	subnetID         string
	networkID        string
	securityGroupIDs []string
	flavorID         string
	imageID          string
	volumeSize       int64
	volumeType       string
	keyPair          string
	serverGroupID    string
	zones            []string
	spec             string
}

// makePorts makes a port for each name with one request, so that addresses are known
// before any server is.
func (g *group) makePorts(ctx context.Context, names ...string) ([]ports.Port, error) {
	wanted := make([]ports.CreateOpts, 0, len(names))
	for _, name := range names {
		opts := ports.CreateOpts{
			NetworkID: g.networkID, Name: name, Description: g.mark,
			FixedIPs: []ports.IP{{SubnetID: g.subnetID}},
		}
		if len(g.securityGroupIDs) > 0 {
			opts.SecurityGroups = &g.securityGroupIDs
		}
		wanted = append(wanted, opts)
	}
	client, err := g.cloud.Network()
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

// makeServer asks Nova for the node that the port was made for. Its volume goes when it goes.
func (g *group) makeServer(ctx context.Context, port ports.Port, zone string, userData []byte) (string, error) {
	client, err := g.cloud.Compute()
	if err != nil {
		return "", err
	}
	opts := servers.CreateOpts{
		Name: port.Name, FlavorRef: g.flavorID, UserData: userData, AvailabilityZone: zone,
		Networks: []servers.Network{{Port: port.ID}},
		Tags:     []string{clusterTag + g.clusterID, poolTag + g.pool, specTag + g.spec},
	}
	if g.volumeSize == 0 {
		opts.ImageRef = g.imageID
	} else {
		opts.BlockDevice = []servers.BlockDevice{{
			SourceType: servers.SourceImage, DestinationType: servers.DestinationVolume, UUID: g.imageID,
			VolumeSize: int(g.volumeSize), VolumeType: g.volumeType, DeleteOnTermination: true,
		}}
	}
	var hints servers.SchedulerHintOptsBuilder
	if g.serverGroupID != "" {
		hints = servers.SchedulerHintOpts{Group: g.serverGroupID}
	}
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("create server %s: %w", port.Name, err)
	}
	made, err := servers.Create(ctx, client, keypairs.CreateOptsExt{CreateOptsBuilder: opts, KeyName: g.keyPair}, hints).Extract()
	if err != nil {
		return "", fmt.Errorf("create server %s: %w", port.Name, err)
	}
	return made.ID, nil
}

// waitActive waits until Nova runs the server. All waits of a cluster share their polls.
func (g *group) waitActive(ctx context.Context, name, id string) error {
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

func (g *group) fetch(id string) func(context.Context) (servers.Server, error) {
	return func(ctx context.Context) (servers.Server, error) {
		found, err := openstack.Get(ctx, g.cloud, fleets, g.clusterID)
		if err != nil {
			return servers.Server{}, err
		}
		for _, server := range found.servers {
			if server.ID == id {
				return server, nil
			}
		}
		return servers.Server{}, fmt.Errorf("server %s: %w", id, openstack.ErrGone)
	}
}

// remove deletes servers with their volumes, then their ports.
func (g *group) remove(ctx context.Context, members []servers.Server) error {
	if len(members) == 0 {
		return nil
	}
	if err := g.removeServers(ctx, members); err != nil {
		return err
	}
	gone := names(members)
	return g.removePorts(ctx, func(port ports.Port) bool { return slices.Contains(gone, port.Name) })
}

// removeServers deletes servers with their volumes and waits until they are gone.
func (g *group) removeServers(ctx context.Context, members []servers.Server) error {
	client, err := g.cloud.Compute()
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
				State:   func(server servers.Server) string { return server.Status },
				Target:  []string{"DELETED", "SOFT_DELETED"},
				Failure: []string{statusError},
				Fault:   func(server servers.Server) string { return server.Fault.Message },
			})
		})
	}
	return tasks.Wait()
}

// listPorts lists the ports that carry the group's mark.
func (g *group) listPorts(ctx context.Context) ([]ports.Port, error) {
	client, err := g.cloud.Network()
	if err != nil {
		return nil, err
	}
	pages, err := ports.List(client, ports.ListOpts{Description: g.mark}).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("list ports: %w", err)
	}
	return ports.ExtractPorts(pages)
}

// removePorts removes those of the group's ports that the function picks.
func (g *group) removePorts(ctx context.Context, pick func(ports.Port) bool) error {
	list, err := g.listPorts(ctx)
	if err != nil {
		return err
	}
	return g.deletePorts(ctx, list, pick)
}

// deletePorts removes those ports of a list that the function picks.
func (g *group) deletePorts(ctx context.Context, list []ports.Port, pick func(ports.Port) bool) error {
	client, err := g.cloud.Network()
	if err != nil {
		return err
	}
	var tasks errgroup.Group
	for _, port := range list {
		if port.Description != g.mark || !pick(port) {
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

// setSecurityGroups changes the security groups of the group's ports in place.
func (g *group) setSecurityGroups(ctx context.Context, members []servers.Server) error {
	list, err := g.listPorts(ctx)
	if err != nil {
		return err
	}
	client, err := g.cloud.Network()
	if err != nil {
		return err
	}
	nodes := names(members)
	var tasks errgroup.Group
	for _, port := range list {
		if port.Description != g.mark || !slices.Contains(nodes, port.Name) {
			continue
		}
		tasks.Go(func() error {
			if err := ports.Update(ctx, client, port.ID, ports.UpdateOpts{SecurityGroups: &g.securityGroupIDs}).Err; err != nil {
				return fmt.Errorf("change the security groups of port %s: %w", port.Name, err)
			}
			return nil
		})
	}
	return tasks.Wait()
}

// pickZone is the zone with the fewest nodes, or "" for Nova's choice.
func (g *group) pickZone(used []string) string {
	if len(g.zones) == 0 {
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
	return slices.MinFunc(g.zones, func(a, b string) int { return count(a) - count(b) })
}

func zonesOf(members []servers.Server) []string {
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

// withConsole adds to an error the end of the server's console log, which tells what
// the node was doing. The wait's own time is over by then.
func (g *group) withConsole(ctx context.Context, err error, name, id string) error {
	client, clientErr := g.cloud.Compute()
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
