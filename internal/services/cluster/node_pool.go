package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/hashicorp/go-uuid"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/kubernetes"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/fleet"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// nodePool is a set of like agents of a cluster.
type nodePool struct {
	known *joins
}

var (
	_ lifecycle.Handler[nodePoolModel]   = nodePool{}
	_ lifecycle.Updater[nodePoolModel]   = nodePool{}
	_ lifecycle.Planner[nodePoolModel]   = nodePool{}
	_ lifecycle.Validator[nodePoolModel] = nodePool{}
	_ lifecycle.Importer[nodePoolModel]  = nodePool{}
	_ lifecycle.Timed                    = nodePool{}
)

type nodePoolModel struct {
	lifecycle.Object

	Name              types.String `tfsdk:"name"`
	ClusterID         types.String `tfsdk:"cluster_id"`
	Join              types.Object `tfsdk:"join"`
	KubernetesVersion types.String `tfsdk:"kubernetes_version"`
	SubnetID          types.String `tfsdk:"subnet_id"`
	SecurityGroupIDs  types.Set    `tfsdk:"security_group_ids"`
	Flavor            types.String `tfsdk:"flavor"`
	Image             types.String `tfsdk:"image"`
	Size              types.Int64  `tfsdk:"size"`
	Volume            types.Object `tfsdk:"volume"`
	Labels            types.Map    `tfsdk:"labels"`
	Taints            types.Set    `tfsdk:"taints"`
	KeyPair           types.String `tfsdk:"key_pair"`
	AvailabilityZones types.List   `tfsdk:"availability_zones"`
	ServerGroupPolicy types.String `tfsdk:"server_group_policy"`
	ExtraConfig       types.String `tfsdk:"extra_config"`
	Install           types.Object `tfsdk:"install"`
	WaitFor           types.String `tfsdk:"wait_for"`

	ServerGroupID     types.String `tfsdk:"server_group_id"`
	NodeNames         types.List   `tfsdk:"node_names"`
	OutdatedNodeNames types.List   `tfsdk:"outdated_node_names"`
}

func (nodePool) Name() string { return "node_pool" }

func (nodePool) Timeouts() lifecycle.Timeouts {
	return lifecycle.Timeouts{Create: time.Hour, Update: time.Hour, Delete: 30 * time.Minute}
}

func (nodePool) Schema() schema.Schema {
	attributes := nodeAttributes()
	for name, a := range machineAttributes(schema.Int64Attribute{
		MarkdownDescription: "Number of nodes.",
		Required:            true,
		Validators:          []validator.Int64{int64validator.Between(0, 1000)},
	}) {
		attributes[name] = a
	}
	name := nameAttribute("Name of the pool, unique in its cluster. Changing it makes a new pool.")
	name.PlanModifiers = []planmodifier.String{stringplanmodifier.RequiresReplace()}
	name.Validators = append(name.Validators, attribute.Obeys("must not be taken", func(text string) error {
		if text == controlPlane {
			return fmt.Errorf("%q is the name of the control plane's own nodes", text)
		}
		return nil
	}))
	policy, ok := attributes["server_group_policy"].(schema.StringAttribute)
	if ok {
		policy.PlanModifiers = []planmodifier.String{stringplanmodifier.RequiresReplace()}
		attributes["server_group_policy"] = policy
	}
	for name, a := range map[string]schema.Attribute{
		"name":       name,
		"cluster_id": attribute.Reference("Cluster of the pool."),
		"join": joinAttribute("What nodes need to join. Not set, it is what the cluster of the same configuration says; "+
			"a cluster of another configuration gives it as its `join`.", true),
		"kubernetes_version": versionAttribute("Release that new nodes run, not newer than the cluster's. Nodes that exist keep theirs. " +
			"Refer to the cluster's, so that servers come first."),
		"labels": schema.MapAttribute{
			MarkdownDescription: "Labels of the nodes. Changed in place.",
			ElementType:         types.StringType,
			Optional:            true,
		},
		"taints": schema.SetAttribute{
			MarkdownDescription: "Taints of the nodes, such as `dedicated=web:NoSchedule`. Changed in place.",
			ElementType:         types.StringType,
			Optional:            true,
			Validators: []validator.Set{setvalidator.ValueStringsAre(attribute.Obeys("must be a taint", func(text string) error {
				_, err := kubernetes.ParseTaint(text)
				return err
			}))},
		},
	} {
		attributes[name] = a
	}
	return schema.Schema{
		MarkdownDescription: "A pool of like nodes of a `massif_cluster`. Removing nodes drains them first; when the whole pool goes and its pods have not left " +
			"after five minutes, it goes with a warning.",
		Attributes: attributes,
	}
}

// Validate checks what no single attribute can.
func (nodePool) Validate(_ context.Context, config *nodePoolModel) error {
	var errs []error
	for key, label := range value.StringMap(config.Labels) {
		if err := kubernetes.ValidateLabel(key, label); err != nil {
			errs = append(errs, lifecycle.Invalid(path.Root("labels").AtMapKey(key), "%w", err))
		}
	}
	return errors.Join(errs...)
}

// Plan finds what the pool must know of its cluster, and tells what is pending.
func (h nodePool) Plan(ctx context.Context, _ *openstack.Cloud, change *lifecycle.Change[nodePoolModel]) error {
	plan, prior := change.Plan, change.Prior
	if change.Config.Join.IsNull() {
		join, ok := h.known.get(plan.ClusterID)
		switch {
		case plan.ClusterID.IsUnknown():
			plan.Join = types.ObjectUnknown(joinTypes())
		case ok:
			plan.Join = join
		case prior != nil && plan.ClusterID.Equal(prior.ClusterID):
			plan.Join = prior.Join
		default:
			return lifecycle.Invalid(path.Root("join"), "this configuration has no massif_cluster with the id %s. "+
				"Refer to the cluster's id attribute; for a cluster of another configuration set join to that cluster's join", plan.ClusterID.ValueString())
		}
	}
	if err := checkVersion(ctx, plan); err != nil {
		return err
	}
	if prior == nil || !value.AllKnown(plan.Size) {
		return nil
	}
	lists := planLists{
		names: &plan.NodeNames, outdated: &plan.OutdatedNodeNames, priorNames: prior.NodeNames, priorOutdated: prior.OutdatedNodeNames,
		sameSize: plan.Size.Equal(prior.Size), specKnown: plan.specKnown(),
	}
	return lists.fill(ctx, prior.spec, plan.spec, "pool "+plan.Name.ValueString())
}

func checkVersion(ctx context.Context, m *nodePoolModel) error {
	if !value.AllKnown(m.Join, m.KubernetesVersion) || m.Join.IsNull() {
		return nil
	}
	join, err := decode[joinModel](ctx, m.Join)
	if err != nil {
		return err
	}
	servers, serversErr := kubernetes.ParseVersion(join.KubernetesVersion.ValueString())
	agents, agentsErr := kubernetes.ParseVersion(m.KubernetesVersion.ValueString())
	if err := errors.Join(serversErr, agentsErr); err != nil {
		return lifecycle.Invalid(path.Root("kubernetes_version"), "%w", err)
	}
	if err := kubernetes.CheckAgentVersion(servers, agents); err != nil {
		return lifecycle.Invalid(path.Root("kubernetes_version"), "%w", err)
	}
	return nil
}

func (h nodePool) Create(ctx context.Context, cloud *openstack.Cloud, m *nodePoolModel) error {
	id, err := uuid.GenerateUUID()
	if err != nil {
		return fmt.Errorf("generate an id: %w", err)
	}
	if err := h.learn(m); err != nil {
		return err
	}
	m.ID = types.StringValue(id)
	yard, err := openYard(ctx, cloud, m)
	if err != nil {
		return err
	}
	group, err := yard.EnsureServerGroup(ctx, serverGroupName(yard.join.ClusterName.ValueString(), m.Name.ValueString(), id), m.ServerGroupPolicy.ValueString())
	if err != nil {
		return err
	}
	m.ServerGroupID, yard.ServerGroupID = value.StringOrNull(group), group
	if err := yard.grow(ctx, nil, int(m.Size.ValueInt64())); err != nil {
		warnTainted(ctx, "pool")
		return err
	}
	return nil
}

// learn completes what was unknown when the plan was made.
func (h nodePool) learn(m *nodePoolModel) error {
	if !m.Join.IsUnknown() {
		return nil
	}
	join, ok := h.known.get(m.ClusterID)
	if !ok || join.IsUnknown() {
		return lifecycle.Invalid(path.Root("join"), "nothing is known of the cluster %s: set join to that cluster's join", m.ClusterID.ValueString())
	}
	m.Join = join
	return nil
}

func (h nodePool) Read(ctx context.Context, cloud *openstack.Cloud, m *nodePoolModel) error {
	found, err := clusters.Read(ctx, cloud, m.ClusterID.ValueString())
	if err != nil {
		return err
	}
	alive, _ := fleet.Split(found.Of(m.ID.ValueString()))
	spec, err := m.spec(ctx)
	if err != nil {
		return err
	}
	m.Size = value.Int(len(alive))
	m.NodeNames = value.List(fleet.Names(alive))
	m.OutdatedNodeNames = value.List(fleet.Outdated(alive, spec))
	if m.WaitFor.ValueString() == waitReady && len(alive) > 0 && value.Known(m.Join) {
		join, err := decode[joinModel](ctx, m.Join)
		if err != nil {
			return err
		}
		checkHealth(ctx, join.access(), fleet.Names(alive))
	}
	return nil
}

func (h nodePool) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *nodePoolModel) error {
	if err := h.learn(plan); err != nil {
		return err
	}
	yard, err := openYard(ctx, cloud, plan)
	if err != nil {
		return err
	}
	return yard.mend(ctx, prior)
}

func (nodePool) Delete(ctx context.Context, cloud *openstack.Cloud, m *nodePoolModel) error {
	yard, err := openYard(ctx, cloud, m)
	if err != nil {
		return err
	}
	return yard.clear(ctx)
}

// Import is refused, as a cluster's is: what a pool joins with is in no API.
func (nodePool) Import(context.Context, *openstack.Cloud, string, *nodePoolModel) error {
	return errors.New("a node pool cannot be imported: make a pool anew and remove the old one's servers when its nodes are ready")
}

// specKnown says whether everything that a node is made from is known.
func (m *nodePoolModel) specKnown() bool {
	return value.AllKnown(m.KubernetesVersion, m.Flavor, m.Image, m.Volume, m.KeyPair, m.SubnetID, m.ExtraConfig)
}

// spec is the hash of what a node is made from.
func (m *nodePoolModel) spec(ctx context.Context) (string, error) {
	volume, err := decode[volumeModel](ctx, m.Volume)
	if err != nil {
		return "", err
	}
	return kubernetes.Spec{
		Version: m.KubernetesVersion.ValueString(), Flavor: m.Flavor.ValueString(), Image: m.Image.ValueString(),
		VolumeSize: volume.Size.ValueInt64(), VolumeType: volume.Type.ValueString(),
		KeyPair: m.KeyPair.ValueString(), SubnetID: m.SubnetID.ValueString(), ExtraConfig: m.ExtraConfig.ValueString(),
	}.Hash()
}

// yard is one pool while its nodes are made or removed.
type yard struct {
	fleet.Group

	m    *nodePoolModel
	join joinModel
}

func openYard(ctx context.Context, cloud *openstack.Cloud, m *nodePoolModel) (*yard, error) {
	y := &yard{m: m}
	var err error
	if y.join, err = decode[joinModel](ctx, m.Join); err != nil {
		return nil, err
	}
	volume, err := decode[volumeModel](ctx, m.Volume)
	if err != nil {
		return nil, err
	}
	y.Group = fleet.Group{
		Cloud: cloud, Kind: clusters, Owner: m.ClusterID.ValueString(), Pool: m.ID.ValueString(), Mark: fleet.PoolTag + m.ID.ValueString(),
		SubnetID: m.SubnetID.ValueString(), SecurityGroupIDs: value.Strings(m.SecurityGroupIDs),
		VolumeSize: volume.Size.ValueInt64(), VolumeType: volume.Type.ValueString(), KeyPair: m.KeyPair.ValueString(),
		ServerGroupID: m.ServerGroupID.ValueString(), Zones: value.Strings(m.AvailabilityZones),
	}
	y.Spec, err = m.spec(ctx)
	return y, err
}

func (y *yard) waits() bool { return y.m.WaitFor.ValueString() == waitReady }

// grow adds nodes, all at once.
func (y *yard) grow(ctx context.Context, alive []servers.Server, count int) error {
	if count <= 0 {
		return nil
	}
	lookups, lookupCtx := errgroup.WithContext(ctx)
	lookups.Go(func() (err error) {
		y.FlavorID, err = findFlavor(lookupCtx, y.Cloud, y.m.Flavor.ValueString(), y.VolumeSize, path.Root("flavor"), path.Root("volume"))
		return err
	})
	lookups.Go(func() (err error) {
		y.ImageID, err = findImage(lookupCtx, y.Cloud, y.m.Image.ValueString(), path.Root("image"))
		return err
	})
	lookups.Go(func() error {
		subnet, err := findSubnet(lookupCtx, y.Cloud, y.SubnetID)
		y.NetworkID = subnet.NetworkID
		return err
	})
	if err := lookups.Wait(); err != nil {
		return err
	}
	var wanted []string
	for range count {
		name, err := kubernetes.NodeName(y.join.ClusterName.ValueString(), y.m.Name.ValueString())
		if err != nil {
			return err
		}
		wanted = append(wanted, name)
	}
	made, err := y.MakePorts(ctx, wanted...)
	if err != nil {
		return err
	}
	used := fleet.ZonesOf(alive)
	var mu sync.Mutex
	var errs []error // each node's own, for the others go on
	var tasks errgroup.Group
	for _, port := range made {
		zone := y.PickZone(used)
		used = append(used, zone)
		tasks.Go(func() error {
			if err := y.addNode(ctx, port, zone); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
			return nil
		})
	}
	return errors.Join(tasks.Wait(), errors.Join(errs...))
}

func (y *yard) addNode(ctx context.Context, port ports.Port, zone string) error {
	data, err := y.userData(ctx, port.Name)
	if err != nil {
		return err
	}
	id, err := y.MakeServer(ctx, port, zone, data)
	if err != nil {
		return err
	}
	if err := y.WaitActive(ctx, port.Name, id); err != nil {
		return err
	}
	if !y.waits() {
		return nil
	}
	client, err := kubernetes.NewClient(y.join.access())
	if err != nil {
		return err
	}
	return y.WithConsole(ctx, client.WaitNode(ctx, port.Name, kubernetes.RoleAgent), port.Name, id)
}

func (y *yard) userData(ctx context.Context, name string) ([]byte, error) {
	version, err := kubernetes.ParseVersion(y.m.KubernetesVersion.ValueString())
	if err != nil {
		return nil, lifecycle.Invalid(path.Root("kubernetes_version"), "%w", err)
	}
	extra, err := kubernetes.ParseExtraConfig(y.m.ExtraConfig.ValueString())
	if err != nil {
		return nil, lifecycle.Invalid(path.Root("extra_config"), "%w", err)
	}
	install, err := decode[installModel](ctx, y.m.Install)
	if err != nil {
		return nil, err
	}
	return kubernetes.Node{
		Name: name, Version: version, Role: kubernetes.RoleAgent, Token: y.join.Token.ValueString(),
		Registration: y.join.Registration.ValueString(),
		Settings:     kubernetes.Settings{CloudProvider: y.join.CloudProvider.ValueString()},
		Labels:       value.StringMap(y.m.Labels), Taints: sorted(y.m.Taints), Extra: extra, Install: install.install(),
	}.UserData()
}

// mend makes the pool what the model says: labels and taints, security groups, then size.
func (y *yard) mend(ctx context.Context, prior *nodePoolModel) error {
	relabel := !y.m.Labels.Equal(prior.Labels) || !y.m.Taints.Equal(prior.Taints)
	regroup := !y.m.SecurityGroupIDs.Equal(prior.SecurityGroupIDs) && len(y.SecurityGroupIDs) > 0
	resize := !y.m.Size.Equal(prior.Size)
	if !relabel && !regroup && !resize {
		return nil
	}
	found, err := clusters.Read(ctx, y.Cloud, y.Owner)
	if err != nil {
		return err
	}
	alive, failed := fleet.Split(found.Of(y.Pool))
	if regroup {
		if err := y.SetSecurityGroups(ctx, alive); err != nil {
			return err
		}
	}
	var client *kubernetes.Client
	if y.waits() && (relabel || len(alive)+len(failed) > 0 || int64(len(alive)) != y.m.Size.ValueInt64()) {
		if client, err = kubernetes.NewClient(y.join.access()); err != nil {
			return err
		}
		if err := client.WaitReady(ctx); err != nil {
			return err
		}
		if err := forget(ctx, client, y.join.ClusterName.ValueString(), y.m.Name.ValueString(), fleet.Names(alive)); err != nil {
			return err
		}
	}
	if relabel {
		if err := y.relabel(ctx, client, alive, prior); err != nil {
			return err
		}
	}
	if err := y.Remove(ctx, failed); err != nil {
		return err
	}
	keep := fleet.Names(alive)
	if err := y.RemovePorts(ctx, func(port ports.Port) bool { return port.DeviceID == "" && !slices.Contains(keep, port.Name) }); err != nil {
		return err
	}
	if surplus := len(alive) - int(y.m.Size.ValueInt64()); surplus > 0 {
		return y.shrink(ctx, client, alive, surplus)
	}
	return y.grow(ctx, alive, int(y.m.Size.ValueInt64())-len(alive))
}

func (y *yard) relabel(ctx context.Context, client *kubernetes.Client, alive []servers.Server, prior *nodePoolModel) error {
	if client == nil {
		lifecycle.Warn(ctx, "Labels and taints are for new nodes only",
			fmt.Sprintf("With wait_for = %q the provider does not talk to the Kubernetes API, so nodes that exist keep theirs.", waitServers))
		return nil
	}
	change := kubernetes.LabelChange{Labels: value.StringMap(y.m.Labels), OldLabels: value.StringMap(prior.Labels)}
	var err error
	if change.Taints, err = parseTaints(y.m.Taints); err != nil {
		return err
	}
	if change.OldTaints, err = parseTaints(prior.Taints); err != nil {
		return err
	}
	for _, server := range alive {
		if err := client.Relabel(ctx, server.Name, change); err != nil {
			return err
		}
	}
	return nil
}

func parseTaints(set types.Set) ([]corev1.Taint, error) {
	taints := []corev1.Taint{}
	for _, text := range sorted(set) {
		taint, err := kubernetes.ParseTaint(text)
		if err != nil {
			return nil, err
		}
		taints = append(taints, taint)
	}
	return taints, nil
}

// shrink drains and removes nodes one by one, so that what runs on them finds room.
func (y *yard) shrink(ctx context.Context, client *kubernetes.Client, alive []servers.Server, surplus int) error {
	var nodes map[string]kubernetes.NodeState
	if client != nil {
		var err error
		if nodes, err = client.Nodes(ctx); err != nil {
			return err
		}
	}
	for _, server := range chooseVictims(alive, nodes, y.Spec, surplus) {
		if client != nil {
			if err := client.Drain(ctx, server.Name, drainTimeout); err != nil {
				return err
			}
			if err := client.DeleteNode(ctx, server.Name); err != nil {
				return err
			}
		}
		if err := y.Remove(ctx, []servers.Server{server}); err != nil {
			return err
		}
	}
	return nil
}

// clearTimeout is how long pods may take to leave a pool that goes as a whole.
const clearTimeout = 5 * time.Minute

// clear removes the whole pool, wherever its making stopped.
func (y *yard) clear(ctx context.Context) error {
	found, err := clusters.Read(ctx, y.Cloud, y.Owner)
	if err != nil {
		return err
	}
	members := found.Of(y.Pool)
	if y.waits() && len(members) > 0 && value.Known(y.m.Join) {
		y.evacuate(ctx, fleet.Names(members))
	}
	if err := y.RemoveServers(ctx, members); err != nil {
		return err
	}
	if err := y.RemovePorts(ctx, func(ports.Port) bool { return true }); err != nil {
		return err
	}
	if y.m.ServerGroupPolicy.ValueString() == "none" {
		return nil
	}
	return y.RemoveServerGroups(ctx, serverGroupName(y.join.ClusterName.ValueString(), y.m.Name.ValueString(), y.Pool))
}

// evacuate moves the pods of a pool that goes. What cannot be moved does not stop
// that: the pool may go because its cluster goes or is broken.
func (y *yard) evacuate(ctx context.Context, members []string) {
	limited, cancel := context.WithTimeout(ctx, clearTimeout)
	defer cancel()
	summary := "Pods were not moved before their nodes were removed"
	client, err := kubernetes.NewClient(y.join.access())
	if err != nil {
		lifecycle.Warn(ctx, summary, err.Error())
		return
	}
	asked, stop := context.WithTimeout(limited, healthTimeout)
	defer stop()
	nodes, err := client.Nodes(asked)
	if err != nil {
		lifecycle.Warn(ctx, summary, err.Error())
		return
	}
	refuge := false
	for name, node := range nodes {
		refuge = refuge || node.Ready && !node.Unschedulable && !slices.Contains(members, name)
	}
	var tasks errgroup.Group
	for _, name := range members {
		tasks.Go(func() error {
			if _, ok := nodes[name]; !ok {
				return nil
			}
			if refuge {
				if err := client.Drain(limited, name, clearTimeout); err != nil {
					lifecycle.Warn(ctx, summary, err.Error())
				}
			}
			return client.DeleteNode(limited, name)
		})
	}
	if err := tasks.Wait(); err != nil {
		lifecycle.Warn(ctx, "A node stays in its cluster", err.Error())
	}
}
