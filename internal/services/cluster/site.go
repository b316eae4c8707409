package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"golang.org/x/sync/errgroup"

	"github.com/massif-cloud/terraform-provider-massif/internal/kubernetes"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/fleet"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

const (
	// drainTimeout is how long pods may take to leave one node.
	drainTimeout = 10 * time.Minute
	// healthTimeout bounds the look at a cluster during a refresh.
	healthTimeout = 10 * time.Second

	adminManifest    = "massif-admins.yaml"
	snapshotManifest = "massif-etcd-snapshot-s3.yaml"
)

// site is one control plane while it is built or changed.
type site struct {
	fleet.Group

	m        *clusterModel
	bundle   *kubernetes.Bundle
	version  kubernetes.Version
	machine  controlPlaneModel
	settings kubernetes.Settings
	extra    map[string]any
	install  kubernetes.Install
	target   *kubernetes.S3
	entrance entrance
}

// survey reads what the model says and what the cloud has under the names in it.
func survey(ctx context.Context, cloud *openstack.Cloud, m *clusterModel) (*site, error) {
	s := &site{m: m}
	var err error
	if s.bundle, err = m.bundle(); err != nil {
		return nil, err
	}
	if s.version, err = kubernetes.ParseVersion(m.KubernetesVersion.ValueString()); err != nil {
		return nil, lifecycle.Invalid(path.Root("kubernetes_version"), "%w", err)
	}
	if s.machine, err = decode[controlPlaneModel](ctx, m.ControlPlane); err != nil {
		return nil, err
	}
	volume, err := decode[volumeModel](ctx, s.machine.Volume)
	if err != nil {
		return nil, err
	}
	install, err := decode[installModel](ctx, m.Install)
	if err != nil {
		return nil, err
	}
	api, err := decode[apiModel](ctx, m.API)
	if err != nil {
		return nil, err
	}
	if s.extra, err = kubernetes.ParseExtraConfig(m.ExtraConfig.ValueString()); err != nil {
		return nil, lifecycle.Invalid(path.Root("extra_config"), "%w", err)
	}
	s.install = install.install()
	s.Group = fleet.Group{
		Cloud: cloud, Kind: clusters, Owner: m.ID.ValueString(), Pool: controlPlane, Mark: clusters.Tag + m.ID.ValueString(),
		SubnetID: m.SubnetID.ValueString(), SecurityGroupIDs: value.Strings(m.SecurityGroupIDs),
		VolumeSize: volume.Size.ValueInt64(), VolumeType: volume.Type.ValueString(), KeyPair: m.KeyPair.ValueString(),
		ServerGroupID: m.ServerGroupID.ValueString(), Zones: value.Strings(m.AvailabilityZones),
	}
	if s.Spec, err = m.spec(ctx); err != nil {
		return nil, err
	}
	s.settings = kubernetes.Settings{
		ClusterCIDR: m.ClusterCIDR.ValueString(), ServiceCIDR: m.ServiceCIDR.ValueString(), CNI: m.CNI.ValueString(),
		Disable: sorted(m.Disable), CloudProvider: m.CloudProvider.ValueString(),
	}
	if err := s.readBackup(ctx); err != nil {
		return nil, err
	}
	subnet, err := findSubnet(ctx, cloud, s.SubnetID)
	if err != nil {
		return nil, err
	}
	s.NetworkID = subnet.NetworkID
	s.entrance = entrance{
		clusterID: s.Owner, name: m.Name.ValueString(), distribution: s.version.Distribution, subnet: subnet,
		allowedCIDRs: value.Strings(api.AllowedCIDRs), nodeCIDRs: nodeCIDRs(api),
	}
	return s, checkSubnet(ctx, cloud, m)
}

func (s *site) readBackup(ctx context.Context) error {
	if !value.Known(s.m.Backup) {
		return nil
	}
	backup, err := decode[backupModel](ctx, s.m.Backup)
	if err != nil {
		return err
	}
	address := backup.Endpoint.ValueString()
	if address == "" {
		client, err := s.Cloud.ObjectStorage()
		if err != nil {
			return lifecycle.Invalid(path.Root("backup").AtName("endpoint"), "it must be set where the cloud has no object storage: %w", err)
		}
		address = client.Endpoint
	}
	host, insecure, err := s3Host(address)
	if err != nil {
		return lifecycle.Invalid(path.Root("backup").AtName("endpoint"), "%w", err)
	}
	folder := backup.Folder.ValueString()
	if folder == "" {
		folder = s.m.Name.ValueString()
	}
	s.target = &kubernetes.S3{
		Endpoint: host, Insecure: insecure, Bucket: backup.Container.ValueString(), Folder: folder, Region: backup.S3Region.ValueString(),
		AccessKey: backup.AccessKey.ValueString(), SecretKey: backup.SecretKey.ValueString(),
	}
	s.settings.Snapshots = &kubernetes.Snapshots{Schedule: backup.Schedule.ValueString(), Retention: backup.Retention.ValueInt64()}
	return nil
}

// s3Host is the address of an S3 API as the distributions want it: without scheme.
func s3Host(address string) (host string, insecure bool, err error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return "", false, fmt.Errorf("%q is no URL, such as https://s3.example.com", address)
	}
	return parsed.Host, parsed.Scheme == "http", nil
}

// findMachine resolves the names of flavor and image, which only new servers need.
func (s *site) findMachine(ctx context.Context) error {
	at := path.Root("control_plane")
	tasks, ctx := errgroup.WithContext(ctx)
	tasks.Go(func() (err error) {
		s.FlavorID, err = findFlavor(ctx, s.Cloud, s.machine.Flavor.ValueString(), s.VolumeSize, at.AtName("flavor"), at.AtName("volume"))
		return err
	})
	tasks.Go(func() (err error) {
		s.ImageID, err = findImage(ctx, s.Cloud, s.machine.Image.ValueString(), at.AtName("image"))
		return err
	})
	return tasks.Wait()
}

// vipName is the name of the port that the load balancer has its address on. The port
// is the cluster's, so that the address outlives the load balancer.
func (s *site) vipName() string { return s.m.Name.ValueString() + "-api" }

// found makes the whole cluster. All addresses are known after one request for ports,
// so the load balancer is complete before the first server boots.
func (s *site) found(ctx context.Context) error {
	externalID := ""
	lookups, lookupCtx := errgroup.WithContext(ctx)
	lookups.Go(func() error { return s.findMachine(lookupCtx) })
	if network := s.m.ExternalNetwork; !network.IsNull() {
		lookups.Go(func() (err error) {
			externalID, err = findExternalNetwork(lookupCtx, s.Cloud, network.ValueString())
			return err
		})
	}
	if err := lookups.Wait(); err != nil {
		return err
	}
	size := int(s.machine.Size.ValueInt64())
	wanted := []string{s.vipName()}
	for range size {
		name, err := kubernetes.NodeName(s.m.Name.ValueString(), controlPlane)
		if err != nil {
			return err
		}
		wanted = append(wanted, name)
	}
	made, err := s.MakePorts(ctx, wanted...)
	if err != nil {
		return err
	}
	vip, nodes := made[0], made[1:]
	if err := s.setMembers(nodes); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("interrupted before the load balancer was made: %w", err)
	}
	tree, err := s.makeSurroundings(ctx, vip, externalID)
	if err != nil {
		return err
	}
	if err := s.m.publish(ctx, s.bundle, s.version); err != nil {
		return err
	}
	tasks, ctx := errgroup.WithContext(ctx)
	tasks.Go(func() error {
		_, err := loadbalancer.Settle(ctx, s.Cloud, tree, s.entrance.spec(), func(id string) { s.m.LoadBalancerID = types.StringValue(id) })
		return err
	})
	tasks.Go(func() error { return s.foundServers(ctx, nodes) })
	return tasks.Wait()
}

// makeSurroundings makes what the servers need around them, none of which waits for another.
func (s *site) makeSurroundings(ctx context.Context, vip ports.Port, externalID string) (*loadbalancer.Tree, error) {
	s.entrance.vipPortID = vip.ID
	addr, err := portAddress(vip)
	if err != nil {
		return nil, err
	}
	s.m.VIPAddress = types.StringValue(addr)
	s.m.FloatingIP = types.StringNull()
	var tree *loadbalancer.Tree
	var tasks errgroup.Group // without a common context: what one has made is kept when another fails
	tasks.Go(func() (err error) {
		tree, err = s.makeLoadBalancer(ctx)
		return err
	})
	tasks.Go(func() error {
		id, err := s.EnsureServerGroup(ctx, serverGroupName(s.m.Name.ValueString(), controlPlane, s.Owner), s.m.ServerGroupPolicy.ValueString())
		s.m.ServerGroupID = value.StringOrNull(id)
		s.ServerGroupID = id
		return err
	})
	if externalID != "" {
		tasks.Go(func() error {
			ip, err := makeFloatingIP(ctx, s.Cloud, externalID, vip.ID, s.Mark)
			if err == nil {
				s.m.FloatingIP = types.StringValue(ip.FloatingIP)
				addr = ip.FloatingIP
			}
			return err
		})
	}
	if err := tasks.Wait(); err != nil {
		return nil, err
	}
	s.m.Endpoint = types.StringValue(endpoint(addr, kubernetes.APIPort))
	return tree, nil
}

func (s *site) makeLoadBalancer(ctx context.Context) (*loadbalancer.Tree, error) {
	tree, err := loadbalancer.Create(ctx, s.Cloud, s.entrance.spec())
	if err != nil {
		return nil, err
	}
	s.m.LoadBalancerID = types.StringValue(tree.ID)
	return tree, nil
}

func portAddress(port ports.Port) (string, error) {
	if len(port.FixedIPs) == 0 {
		return "", fmt.Errorf("port %s has no address", port.Name)
	}
	return port.FixedIPs[0].IPAddress, nil
}

func (s *site) setMembers(nodes []ports.Port) error {
	s.entrance.members = map[string]string{}
	for _, port := range nodes {
		addr, err := portAddress(port)
		if err != nil {
			return err
		}
		s.entrance.members[port.Name] = addr
	}
	return nil
}

func serverGroupName(cluster, pool, id string) string {
	return cluster + "-" + pool + "-" + id[:8]
}

// foundServers makes the first server, which founds the cluster, then the others. When
// nobody waits for Kubernetes, the others look for the first one themselves.
func (s *site) foundServers(ctx context.Context, nodes []ports.Port) error {
	if err := s.addServer(ctx, nodes[0], true, s.PickZone(nil)); err != nil {
		return err
	}
	used := []string{s.PickZone(nil)}
	var tasks errgroup.Group
	if s.waits() {
		tasks.SetLimit(1) // etcd takes one new member at a time
	}
	for _, port := range nodes[1:] {
		zone := s.PickZone(used)
		used = append(used, zone)
		tasks.Go(func() error { return s.addServer(ctx, port, false, zone) })
	}
	return tasks.Wait()
}

// waits says whether the apply talks to the Kubernetes API.
func (s *site) waits() bool { return s.m.WaitFor.ValueString() == waitReady }

// addServer makes one server and waits until it is a full member of the control plane.
func (s *site) addServer(ctx context.Context, port ports.Port, first bool, zone string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("make server %s: %w", port.Name, err)
	}
	data, err := s.userData(port.Name, first)
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
	if !s.waits() {
		return nil
	}
	return s.WithConsole(ctx, s.waitMember(ctx, port.Name, first), port.Name, id)
}

func (s *site) waitMember(ctx context.Context, name string, first bool) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	if err := client.WaitReady(ctx); err != nil {
		return err
	}
	if err := client.WaitNode(ctx, name, kubernetes.RoleServer); err != nil {
		return err
	}
	if first && s.target != nil {
		return client.SetSnapshotTarget(ctx, *s.target)
	}
	return nil
}

func (s *site) client(ctx context.Context) (*kubernetes.Client, error) {
	join, err := decode[joinModel](ctx, s.m.Join)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewClient(join.access())
}

// userData renders what one server boots from.
func (s *site) userData(name string, first bool) ([]byte, error) {
	token, err := s.bundle.ServerToken()
	if err != nil {
		return nil, err
	}
	agentToken, err := s.bundle.AgentToken()
	if err != nil {
		return nil, err
	}
	settings := s.settings
	settings.TLSSANs = []string{s.m.VIPAddress.ValueString()}
	if value.Known(s.m.FloatingIP) {
		settings.TLSSANs = append(settings.TLSSANs, s.m.FloatingIP.ValueString())
	}
	settings.TLSSANs = append(settings.TLSSANs, sorted(s.m.TLSSANs)...)
	node := kubernetes.Node{
		Name: name, Version: s.version, Role: kubernetes.RoleServer, First: first, Token: token, AgentToken: agentToken,
		Registration: endpoint(s.m.VIPAddress.ValueString(), s.version.Distribution.RegistrationPort()),
		Settings:     settings, Extra: s.extra, Install: s.install,
		Manifests: map[string]string{adminManifest: kubernetes.AdminManifest()},
	}
	if first {
		node.Seed = s.bundle.SeedFiles()
		if s.target != nil && !s.waits() {
			// Nobody is going to talk to the API. The first server's user data holds greater secrets already.
			if node.Manifests[snapshotManifest], err = s.target.Manifest(); err != nil {
				return nil, err
			}
		}
	}
	return node.UserData()
}

// mend makes the control plane what the model says: it replaces what was lost, then
// grows or shrinks it, one server at a time.
func (s *site) mend(ctx context.Context, prior *clusterModel) error {
	found, err := clusters.Read(ctx, s.Cloud, s.Owner)
	if err != nil {
		return err
	}
	alive, failed := fleet.Split(found.Of(controlPlane))
	if len(alive) == 0 {
		return errors.New("no server of the cluster is left, and etcd is gone with them: servers made now would found an empty cluster. " +
			"To begin anew apply with -replace; the snapshots in the backup's container can then be restored")
	}
	missing := int(s.machine.Size.ValueInt64()) - len(alive)
	fresh, err := s.mendSurroundings(ctx, alive, max(missing, 0))
	if err != nil {
		return err
	}
	if err := s.m.publish(ctx, s.bundle, s.version); err != nil {
		return err
	}
	if !s.m.SecurityGroupIDs.Equal(prior.SecurityGroupIDs) && len(s.SecurityGroupIDs) > 0 {
		if err := s.SetSecurityGroups(ctx, alive); err != nil {
			return err
		}
	}
	if s.waits() {
		if err := s.mendKubernetes(ctx, prior, alive, len(failed) > 0 || missing != 0); err != nil {
			return err
		}
	}
	if err := s.Remove(ctx, failed); err != nil {
		return err
	}
	for i, port := range fresh {
		if err := s.addServer(ctx, port, false, s.PickZone(fleet.ZonesOf(alive))); err != nil {
			return fmt.Errorf("server %d of %d to add: %w", i+1, len(fresh), err)
		}
	}
	return s.shrink(ctx, alive, -missing)
}

// mendKubernetes forgets servers that are no more, so that etcd counts only those that
// are, and brings the keys of the backup up to date.
func (s *site) mendKubernetes(ctx context.Context, prior *clusterModel, alive []servers.Server, resized bool) error {
	backupChanged := s.target != nil && !s.m.Backup.Equal(prior.Backup)
	if !resized && !backupChanged {
		return nil
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	if err := client.WaitReady(ctx); err != nil {
		return err
	}
	if backupChanged {
		if err := client.SetSnapshotTarget(ctx, *s.target); err != nil {
			return err
		}
	}
	return forget(ctx, client, s.m.Name.ValueString(), controlPlane, fleet.Names(alive))
}

// forget deletes the nodes of a pool that have no server any more.
func forget(ctx context.Context, client *kubernetes.Client, cluster, pool string, alive []string) error {
	nodes, err := client.Nodes(ctx)
	if err != nil {
		return err
	}
	ours := regexp.MustCompile("^" + regexp.QuoteMeta(cluster+"-"+pool+"-") + "[a-z0-9]{5}$")
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		if !ours.MatchString(name) || slices.Contains(alive, name) {
			continue
		}
		if err := client.DeleteNode(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// mendSurroundings brings back the address, the load balancer and its members, and
// makes ports for as many servers as are to be added.
func (s *site) mendSurroundings(ctx context.Context, alive []servers.Server, missing int) ([]ports.Port, error) {
	existing, err := s.ListPorts(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.DeletePorts(ctx, existing, s.orphaned(alive)); err != nil {
		return nil, err
	}
	var wanted []string
	for range missing {
		name, err := kubernetes.NodeName(s.m.Name.ValueString(), controlPlane)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, name)
	}
	var fresh []ports.Port
	if missing > 0 {
		if err := s.findMachine(ctx); err != nil {
			return nil, err
		}
		if fresh, err = s.MakePorts(ctx, wanted...); err != nil {
			return nil, err
		}
	}
	nodes := fleet.Names(alive)
	members := slices.DeleteFunc(existing, func(port ports.Port) bool { return !slices.Contains(nodes, port.Name) })
	if err := s.setMembers(append(members, fresh...)); err != nil {
		return nil, err
	}
	if value.Known(s.m.LoadBalancerID) {
		_, err := loadbalancer.Apply(ctx, s.Cloud, s.m.LoadBalancerID.ValueString(), s.entrance.spec())
		return fresh, err
	}
	return fresh, s.rebuildEntrance(ctx)
}

// orphaned picks the ports that an interrupted apply has left without server.
func (s *site) orphaned(alive []servers.Server) func(ports.Port) bool {
	keep := append(fleet.Names(alive), s.vipName())
	return func(port ports.Port) bool { return port.DeviceID == "" && !slices.Contains(keep, port.Name) }
}

// rebuildEntrance makes the load balancer again at the address that nodes and
// certificates know.
func (s *site) rebuildEntrance(ctx context.Context) error {
	list, err := s.ListPorts(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(port ports.Port) bool { return port.Name == s.vipName() })
	if i < 0 {
		return fmt.Errorf("the port %s with the API's address is gone, and every node knows that address. Make a port of that name with the address %s and the description %q, or begin anew with -replace",
			s.vipName(), s.m.VIPAddress.ValueString(), s.Mark)
	}
	s.entrance.vipPortID = list[i].ID
	tree, err := s.makeLoadBalancer(ctx)
	if err != nil {
		return err
	}
	_, err = loadbalancer.Settle(ctx, s.Cloud, tree, s.entrance.spec(), func(id string) { s.m.LoadBalancerID = types.StringValue(id) })
	return err
}

// shrink removes servers one by one, so that etcd keeps its majority.
func (s *site) shrink(ctx context.Context, alive []servers.Server, surplus int) error {
	if surplus <= 0 {
		return nil
	}
	var client *kubernetes.Client
	var nodes map[string]kubernetes.NodeState
	if s.waits() {
		var err error
		if client, err = s.client(ctx); err != nil {
			return err
		}
		if nodes, err = client.Nodes(ctx); err != nil {
			return err
		}
	}
	victims := chooseVictims(alive, nodes, s.Spec, surplus)
	for _, server := range victims {
		delete(s.entrance.members, server.Name)
	}
	if _, err := loadbalancer.Apply(ctx, s.Cloud, s.m.LoadBalancerID.ValueString(), s.entrance.spec()); err != nil {
		return err
	}
	for _, server := range victims {
		if client != nil {
			if err := client.Drain(ctx, server.Name, drainTimeout); err != nil {
				return err
			}
			if err := client.DeleteNode(ctx, server.Name); err != nil {
				return err
			}
		}
		if err := s.Remove(ctx, []servers.Server{server}); err != nil {
			return err
		}
	}
	return nil
}

// chooseVictims picks which servers go. Without a word from Kubernetes all count as ready.
func chooseVictims(alive []servers.Server, nodes map[string]kubernetes.NodeState, spec string, count int) []servers.Server {
	candidates := make([]kubernetes.Candidate, 0, len(alive))
	for _, server := range alive {
		candidates = append(candidates, kubernetes.Candidate{
			Name: server.Name, Ready: nodes == nil || nodes[server.Name].Ready, Current: fleet.TagValue(server, fleet.SpecTag) == spec,
			Zone: server.AvailabilityZone, Created: server.Created,
		})
	}
	var victims []servers.Server
	for _, victim := range kubernetes.Victims(candidates, count) {
		i := slices.IndexFunc(alive, func(server servers.Server) bool { return server.Name == victim.Name })
		victims = append(victims, alive[i])
	}
	return victims
}

// checkHealth warns when the API does not answer or nodes are not ready. That is for
// people to know; it says nothing about which servers exist.
func checkHealth(ctx context.Context, access kubernetes.Access, expected []string) {
	limited, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	client, err := kubernetes.NewClient(access)
	if err != nil {
		lifecycle.Warn(ctx, "Cannot talk to the cluster", err.Error())
		return
	}
	nodes, err := client.Nodes(limited)
	if err != nil {
		lifecycle.Warn(ctx, "The Kubernetes API does not answer",
			fmt.Sprintf("The nodes of cluster %s are taken to be as their servers are: %v", access.Cluster, err))
		return
	}
	for _, name := range expected {
		if node, ok := nodes[name]; !ok {
			lifecycle.Warn(ctx, "A server is not in its cluster", fmt.Sprintf("Cluster %s has no node %s, though its server exists.", access.Cluster, name))
		} else if !node.Ready {
			lifecycle.Warn(ctx, "A node is not ready", fmt.Sprintf("Node %s: %s.", name, node.Problem))
		}
	}
}

// demolish removes everything of a cluster, wherever its making stopped: it trusts
// the marks in the cloud more than the state.
func demolish(ctx context.Context, cloud *openstack.Cloud, m *clusterModel) error {
	g := fleet.Group{Cloud: cloud, Kind: clusters, Owner: m.ID.ValueString(), Pool: controlPlane, Mark: clusters.Tag + m.ID.ValueString()}
	found, err := clusters.Read(ctx, cloud, g.Owner)
	if err != nil {
		return err
	}
	if others := len(found.Servers) - len(found.Of(controlPlane)); others > 0 {
		return fmt.Errorf("the cluster still has %d servers of node pools; remove those pools first", others)
	}
	tasks, taskCtx := errgroup.WithContext(ctx)
	tasks.Go(func() error { return g.RemoveServers(taskCtx, found.Of(controlPlane)) })
	tasks.Go(func() error {
		if err := removeFloatingIPs(taskCtx, cloud, g.Mark); err != nil {
			return err
		}
		return removeLoadBalancers(taskCtx, cloud, m)
	})
	if err := tasks.Wait(); err != nil {
		return err
	}
	subnet, err := openstack.Get(ctx, cloud, subnetReads, m.SubnetID.ValueString())
	switch {
	case openstack.NotFound(err):
	case err != nil:
		return fmt.Errorf("read subnet %s: %w", m.SubnetID.ValueString(), err)
	default:
		// After the servers, so that no controller makes them again.
		if err := removeServices(ctx, cloud, m.Name.ValueString(), subnet.NetworkID); err != nil {
			return err
		}
	}
	if err := g.RemovePorts(ctx, func(ports.Port) bool { return true }); err != nil {
		return err
	}
	return g.RemoveServerGroups(ctx, serverGroupName(m.Name.ValueString(), controlPlane, g.Owner))
}

func removeLoadBalancers(ctx context.Context, cloud *openstack.Cloud, m *clusterModel) error {
	ids, err := loadBalancersOf(ctx, cloud, m.ID.ValueString())
	if err != nil {
		return err
	}
	if id := m.LoadBalancerID; value.Known(id) && !slices.Contains(ids, id.ValueString()) {
		ids = append(ids, id.ValueString())
	}
	for _, id := range ids {
		if err := loadbalancer.Delete(ctx, cloud, id, m.Name.ValueString()); err != nil && !openstack.NotFound(err) {
			return err
		}
	}
	return nil
}
