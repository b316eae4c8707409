package reverseproxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"golang.org/x/sync/errgroup"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/fleet"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// kind is what marks the servers and ports of proxies.
var kind = fleet.Kind{Noun: "reverse proxies", Tag: "massif:proxy="}

// pool is the one set of servers that a proxy has.
const pool = "nodes"

// Ports of the nodes.
const (
	httpPort   = 80
	httpsPort  = 443
	healthPort = 9180
)

// site is one proxy while it is made or changed.
type site struct {
	fleet.Group

	m         *proxyModel
	nodes     nodesModel
	binary    binaryModel
	subnet    subnets.Subnet
	container *objectstore.Container
	entrance  entrance
}

// survey reads what the model says and what the cloud has under the names in it.
func survey(ctx context.Context, cloud *openstack.Cloud, m *proxyModel) (*site, error) {
	s := &site{m: m}
	var err error
	if s.nodes, err = decode[nodesModel](ctx, m.Nodes); err != nil {
		return nil, err
	}
	if s.binary, err = decode[binaryModel](ctx, m.Binary); err != nil {
		return nil, err
	}
	volume, err := decode[volumeModel](ctx, s.nodes.Volume)
	if err != nil {
		return nil, err
	}
	if s.subnet, err = findSubnet(ctx, cloud, m.SubnetID.ValueString()); err != nil {
		return nil, err
	}
	if s.container, err = objectstore.Open(cloud, m.ID.ValueString()); err != nil {
		return nil, err
	}
	id := m.ID.ValueString()
	s.Group = fleet.Group{
		Cloud: cloud, Kind: kind, Owner: id, Pool: pool, Mark: kind.Tag + id,
		SubnetID: s.subnet.ID, NetworkID: s.subnet.NetworkID,
		VolumeSize: volume.Size.ValueInt64(), VolumeType: volume.Type.ValueString(), KeyPair: s.nodes.KeyPair.ValueString(),
		ServerGroupID: m.ServerGroupID.ValueString(), Zones: value.Strings(s.nodes.AvailabilityZones),
	}
	s.entrance = entrance{
		name: m.Name.ValueString(), id: id, subnet: s.subnet, allowedCIDRs: value.Strings(m.AllowedCIDRs), lbID: m.LoadBalancerID.ValueString(),
		members: map[string]member{},
	}
	return s, s.findMachine(ctx)
}

func findSubnet(ctx context.Context, cloud *openstack.Cloud, id string) (subnets.Subnet, error) {
	found, _, err := lookup.Subnet(ctx, cloud, id)
	return found, lifecycle.At(path.Root("subnet_id"), err)
}

// checkSurroundings looks in the plan whether there is what the configuration names.
func checkSurroundings(ctx context.Context, cloud *openstack.Cloud, m *proxyModel) error {
	nodes, err := decode[nodesModel](ctx, m.Nodes)
	if err != nil {
		return err
	}
	s := &site{m: m, nodes: nodes, Group: fleet.Group{Cloud: cloud}}
	volume, err := decode[volumeModel](ctx, nodes.Volume)
	if err != nil {
		return err
	}
	s.VolumeSize = volume.Size.ValueInt64()
	if nodes.Volume.IsUnknown() {
		s.VolumeSize = 1
	}
	if value.Known(m.ExternalNetwork) {
		if _, err := lookup.ExternalNetwork(ctx, cloud, m.ExternalNetwork.ValueString()); err != nil {
			return lifecycle.At(path.Root("external_network"), err)
		}
	}
	return s.findMachine(ctx)
}

// findMachine resolves the names of flavor and image.
func (s *site) findMachine(ctx context.Context) error {
	at := path.Root("nodes")
	var errs []error
	if value.Known(s.nodes.Flavor) {
		flavor, err := lookup.Flavor(ctx, s.Cloud, s.nodes.Flavor.ValueString())
		if err == nil && flavor.Disk == 0 && s.VolumeSize == 0 {
			errs = append(errs, lifecycle.Invalid(at.AtName("volume"),
				"the flavor %q has no disk of its own, so its nodes need a volume to boot from, such as { size = 5 }", flavor.Name))
		}
		s.FlavorID = flavor.ID
		errs = append(errs, lifecycle.At(at.AtName("flavor"), err))
	}
	if value.Known(s.nodes.Image) {
		image, err := lookup.Image(ctx, s.Cloud, s.nodes.Image.ValueString())
		s.ImageID = image.ID
		errs = append(errs, lifecycle.At(at.AtName("image"), err))
	}
	return errors.Join(errs...)
}

// found makes the whole proxy: first what the nodes read, then what is around them, then themselves.
func (s *site) found(ctx context.Context) error {
	if err := s.makeContainer(ctx); err != nil {
		return err
	}
	var tasks errgroup.Group // without a common context: what one has made is kept when another fails
	tasks.Go(func() error { return s.ensureCredential(ctx) })
	tasks.Go(func() error { return s.ensureSecurityGroup(ctx) })
	tasks.Go(func() error { return s.ensureServerGroup(ctx) })
	tasks.Go(func() error { return s.publish(ctx) })
	if err := tasks.Wait(); err != nil {
		return err
	}
	return s.build(ctx, &proxyModel{})
}

// mend makes the proxy what the model says, wherever its making stopped.
func (s *site) mend(ctx context.Context, prior *proxyModel) error {
	if prior.ConfigETag.IsNull() {
		if err := s.makeContainer(ctx); err != nil {
			return err
		}
	}
	if !s.m.ConfigETag.Equal(prior.ConfigETag) {
		if err := s.publish(ctx); err != nil {
			return err
		}
	}
	if err := errors.Join(s.ensureCredential(ctx), s.ensureSecurityGroup(ctx), s.ensureServerGroup(ctx)); err != nil {
		return err
	}
	if err := s.build(ctx, prior); err != nil {
		return err
	}
	if s.m.ConfigETag.Equal(prior.ConfigETag) || !s.m.WaitForNodes.ValueBool() {
		return nil
	}
	return s.audience(nil).await(ctx)
}

func (s *site) audience(nodes []string) *audience {
	return &audience{container: s.container, proxy: s.Owner, document: documents.ConfigObject, etag: s.m.ConfigETag.ValueString(), nodes: nodes}
}

// makeContainer makes the container, which lets the user of the credential in by its own list.
func (s *site) makeContainer(ctx context.Context) error {
	user := s.Cloud.ProjectID() + ":" + s.Cloud.UserID()
	return s.container.Make(ctx, map[string]string{"X-Container-Read": user, "X-Container-Write": user})
}

// publish writes the configuration, which is all that a change of upstreams needs.
func (s *site) publish(ctx context.Context) error {
	document, err := s.m.document(ctx)
	if err != nil {
		return err
	}
	if err := blame(document.Validate(), configPath); err != nil {
		return err
	}
	content, err := document.Encode()
	if err != nil {
		return err
	}
	etag, err := s.container.Put(ctx, documents.ConfigObject, content, "application/json", false)
	s.m.ConfigETag = types.StringValue(etag)
	return err
}

func (s *site) ensureCredential(ctx context.Context) error {
	if value.Known(s.m.CredentialID) {
		return nil
	}
	id, secret, err := credentialOf(ctx, s.Cloud, s.Owner, s.container)
	if err != nil {
		return err
	}
	s.m.CredentialID, s.m.Secret = types.StringValue(id), types.StringValue(secret)
	return nil
}

func (s *site) ensureServerGroup(ctx context.Context) error {
	if value.Known(s.m.ServerGroupID) || s.m.ServerGroupPolicy.ValueString() == policyNone {
		if !value.Known(s.m.ServerGroupID) {
			s.m.ServerGroupID = types.StringNull()
		}
		return nil
	}
	id, err := s.EnsureServerGroup(ctx, s.Owner, s.m.ServerGroupPolicy.ValueString())
	if err != nil {
		return err
	}
	s.m.ServerGroupID, s.ServerGroupID = types.StringValue(id), id
	return nil
}

// ensureSecurityGroup lets the load balancer in, which is in the same subnet, and nobody else.
func (s *site) ensureSecurityGroup(ctx context.Context) error {
	client, err := s.Cloud.Network()
	if err != nil {
		return err
	}
	if !value.Known(s.m.SecurityGroupID) {
		group, err := groups.Create(ctx, client, groups.CreateOpts{Name: s.Owner, Description: s.Mark}).Extract()
		if err != nil {
			return fmt.Errorf("create the security group of the nodes: %w", err)
		}
		s.m.SecurityGroupID = types.StringValue(group.ID)
		family := rules.EtherType4
		if s.subnet.IPVersion == 6 {
			family = rules.EtherType6
		}
		wanted := make([]rules.CreateOpts, 0, 3)
		for _, port := range []int{httpPort, httpsPort, healthPort} {
			wanted = append(wanted, rules.CreateOpts{
				SecGroupID: group.ID, Direction: rules.DirIngress, EtherType: family, Protocol: rules.ProtocolTCP,
				PortRangeMin: port, PortRangeMax: port, RemoteIPPrefix: s.subnet.CIDR,
			})
		}
		if _, err := rules.CreateBulk(ctx, client, wanted).Extract(); err != nil {
			return fmt.Errorf("add the rules of security group %q: %w", s.Owner, err)
		}
	}
	s.SecurityGroupIDs = append([]string{s.m.SecurityGroupID.ValueString()}, value.Strings(s.m.SecurityGroupIDs)...)
	return nil
}

// vipName is the name of the port that the load balancer has its address on: it is the proxy's, so that the address outlives the load balancer.
func (s *site) vipName() string { return s.m.Name.ValueString() + "-vip" }

// demolish removes everything of a proxy, wherever its making stopped: it trusts the marks in the cloud more than the state.
func demolish(ctx context.Context, cloud *openstack.Cloud, m *proxyModel) error {
	id := m.ID.ValueString()
	g := fleet.Group{Cloud: cloud, Kind: kind, Owner: id, Pool: pool, Mark: kind.Tag + id}
	found, err := kind.Read(ctx, cloud, id)
	if err != nil {
		return err
	}
	if err := removeRecords(ctx, cloud, m.DNS, id); err != nil {
		return err
	}
	tasks, tasksCtx := errgroup.WithContext(ctx)
	tasks.Go(func() error { return g.RemoveServers(tasksCtx, found.Of(pool)) })
	tasks.Go(func() error { return removeEntrance(tasksCtx, cloud, m, id) })
	if err := tasks.Wait(); err != nil {
		return err
	}
	if err := g.RemovePorts(ctx, func(ports.Port) bool { return true }); err != nil {
		return err
	}
	if err := g.RemoveServerGroups(ctx, id); err != nil {
		return err
	}
	if err := removeSecurityGroups(ctx, cloud, id); err != nil {
		return err
	}
	if err := removeCredentials(ctx, cloud, id); err != nil {
		return err
	}
	container, err := objectstore.Open(cloud, id)
	if err != nil {
		return err
	}
	if err := container.Destroy(ctx); err != nil && !openstack.NotFound(err) {
		return err
	}
	return nil
}

// findSecurityGroups are the security groups of that name.
func findSecurityGroups(ctx context.Context, cloud *openstack.Cloud, name string) ([]groups.SecGroup, error) {
	client, err := cloud.Network()
	if err != nil {
		return nil, err
	}
	pages, err := groups.List(client, groups.ListOpts{Name: name}).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("list security groups: %w", err)
	}
	found, err := groups.ExtractGroups(pages)
	if err != nil {
		return nil, fmt.Errorf("list security groups: %w", err)
	}
	return slices.DeleteFunc(found, func(g groups.SecGroup) bool { return g.Name != name }), nil
}

// removeSecurityGroups removes the security groups of that name. The ports of a deleted load balancer let go of theirs with some delay.
func removeSecurityGroups(ctx context.Context, cloud *openstack.Cloud, name string) error {
	found, err := findSecurityGroups(ctx, cloud, name)
	if err != nil {
		return err
	}
	client, err := cloud.Network()
	if err != nil {
		return err
	}
	for _, group := range found {
		err := openstack.Unused(ctx, func(ctx context.Context) error { return groups.Delete(ctx, client, group.ID).ExtractErr() }, func(err error) bool {
			fault, ok := openstack.FaultOf(err)
			return ok && fault.InUse()
		})
		if err != nil && !openstack.NotFound(err) {
			return fmt.Errorf("delete security group %q: %w", name, err)
		}
	}
	return nil
}

// drain waits while what goes ends what it has begun.
func (s *site) drain(ctx context.Context) error {
	delay, err := time.ParseDuration(s.m.DrainDelay.ValueString())
	if err != nil {
		return lifecycle.Invalid(path.Root("drain_delay"), "%w", err)
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("interrupted while nodes were drained: %w", ctx.Err())
	case <-timer.C:
		return nil
	}
}

// nodePorts are the ports of the servers of these names.
func nodePorts(all []ports.Port, names []string) []ports.Port {
	return slices.DeleteFunc(slices.Clone(all), func(p ports.Port) bool { return !slices.Contains(names, p.Name) })
}
