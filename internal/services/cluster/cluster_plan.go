package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/kubernetes"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

func apiTypes() map[string]attr.Type {
	set := types.SetType{ElemType: types.StringType}
	return map[string]attr.Type{"allowed_cidrs": set, "node_cidrs": set}
}

// Validate checks what no single attribute can.
func (cluster) Validate(ctx context.Context, config *clusterModel) error {
	errs := []error{checkRanges(map[string]string{
		"cluster_cidr": orDefault(config.ClusterCIDR, "10.42.0.0/16"),
		"service_cidr": orDefault(config.ServiceCIDR, "10.43.0.0/16"),
	}, func(name string) path.Path { return path.Root(name) })}

	version, versionErr := kubernetes.ParseVersion(config.KubernetesVersion.ValueString())
	if versionErr == nil && value.Known(config.CNI) {
		if known := version.Distribution.CNIs(); !slices.Contains(known, config.CNI.ValueString()) {
			errs = append(errs, lifecycle.Invalid(path.Root("cni"), "%s installs no network plugin %q; it has %s",
				version.Distribution, config.CNI.ValueString(), strings.Join(known, ", ")))
		}
	}
	if value.Known(config.Backup) {
		backup, err := decode[backupModel](ctx, config.Backup)
		if err != nil {
			return err
		}
		if value.Known(backup.Endpoint) {
			if _, _, err := s3Host(backup.Endpoint.ValueString()); err != nil {
				errs = append(errs, lifecycle.Invalid(path.Root("backup").AtName("endpoint"), "%w", err))
			}
		}
	}
	return errors.Join(errs...)
}

// orDefault is "" for what is not known yet.
func orDefault(v types.String, unset string) string {
	if v.IsNull() {
		return unset
	}
	return v.ValueString()
}

// Plan refuses what would need every server to be made anew, and tells what is pending.
func (h cluster) Plan(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[clusterModel]) error {
	plan, prior := change.Plan, change.Prior
	if cloud != nil && value.AllKnown(plan.SubnetID, plan.ClusterCIDR, plan.ServiceCIDR) && (prior == nil || !plan.SubnetID.Equal(prior.SubnetID)) {
		if err := checkSubnet(ctx, cloud, plan); err != nil {
			return err
		}
	}
	if prior == nil {
		return nil
	}
	if err := errors.Join(refusals(plan, prior)...); err != nil {
		return err
	}
	if err := planNodes(ctx, plan, prior); err != nil {
		return err
	}
	return h.planAccess(ctx, plan, prior)
}

func checkSubnet(ctx context.Context, cloud *openstack.Cloud, m *clusterModel) error {
	subnet, err := findSubnet(ctx, cloud, m.SubnetID.ValueString())
	if err != nil {
		return err
	}
	return checkRanges(map[string]string{
		"cluster_cidr": m.ClusterCIDR.ValueString(), "service_cidr": m.ServiceCIDR.ValueString(), "subnet": subnet.CIDR,
	}, func(name string) path.Path { return path.Root(name) })
}

// refusals are the changes that no running cluster survives. They never replace it:
// a cluster is destroyed when somebody says so, not when they mistype.
func refusals(plan, prior *clusterModel) []error {
	var errs []error
	for _, fixed := range []struct {
		name        string
		plan, prior attr.Value
	}{
		{"name", plan.Name, prior.Name},
		{"region", plan.Region, prior.Region},
		{"external_network", plan.ExternalNetwork, prior.ExternalNetwork},
		{"subnet_id", plan.SubnetID, prior.SubnetID},
		{"cluster_cidr", plan.ClusterCIDR, prior.ClusterCIDR},
		{"service_cidr", plan.ServiceCIDR, prior.ServiceCIDR},
		{"cni", plan.CNI, prior.CNI},
		{"cloud_provider", plan.CloudProvider, prior.CloudProvider},
		{"server_group_policy", plan.ServerGroupPolicy, prior.ServerGroupPolicy},
	} {
		if !fixed.plan.IsUnknown() && !fixed.plan.Equal(fixed.prior) {
			errs = append(errs, lifecycle.Invalid(path.Root(fixed.name),
				"a cluster that runs keeps its %s (%s). Declare another massif_cluster beside it, or, when all that is in this one may be lost, destroy this one first",
				strings.ReplaceAll(fixed.name, "_", " "), fixed.prior))
		}
	}
	from, fromErr := kubernetes.ParseVersion(prior.KubernetesVersion.ValueString())
	to, toErr := kubernetes.ParseVersion(plan.KubernetesVersion.ValueString())
	if fromErr == nil && toErr == nil {
		if err := kubernetes.CheckUpgrade(from, to); err != nil {
			errs = append(errs, lifecycle.Invalid(path.Root("kubernetes_version"), "%w", err))
		}
	}
	return errs
}

// planNodes says which nodes the apply changes, and warns of those that it leaves as they are.
func planNodes(ctx context.Context, plan, prior *clusterModel) error {
	if !value.AllKnown(plan.ControlPlane) {
		return nil
	}
	wanted, err := decode[controlPlaneModel](ctx, plan.ControlPlane)
	if err != nil {
		return err
	}
	had, err := decode[controlPlaneModel](ctx, prior.ControlPlane)
	if err != nil {
		return err
	}
	lists := planLists{
		names: &plan.NodeNames, outdated: &plan.OutdatedNodeNames, priorNames: prior.NodeNames, priorOutdated: prior.OutdatedNodeNames,
		sameSize: wanted.Size.Equal(had.Size), specKnown: plan.specKnown(),
	}
	return lists.fill(ctx, prior.spec, plan.spec, "cluster "+plan.Name.ValueString())
}

// planLists plans the names of nodes. Without it, every change of anything would show
// them as known after apply.
type planLists struct {
	names, outdated           *types.List
	priorNames, priorOutdated types.List
	sameSize, specKnown       bool
}

func (l planLists) fill(ctx context.Context, prior, plan func(context.Context) (string, error), owner string) error {
	if l.sameSize && !l.priorNames.IsNull() {
		*l.names = l.priorNames
	}
	if !l.specKnown {
		return nil
	}
	was, err := prior(ctx)
	if err != nil {
		return err
	}
	will, err := plan(ctx)
	if err != nil {
		return err
	}
	if was == will && l.sameSize && !l.priorOutdated.IsNull() {
		*l.outdated = l.priorOutdated
	}
	if existing := len(l.priorNames.Elements()); was != will && existing > 0 {
		lifecycle.Warn(ctx, "Nodes keep what they were made from", fmt.Sprintf(
			"The nodes that the %s has (%d) stay as they are; nodes that are added get the new values. outdated_node_names lists those that differ.",
			owner, existing))
	}
	return nil
}

// planAccess renews the administrators' certificate when its time has come, and says
// what becomes of everything that is made from it.
func (h cluster) planAccess(ctx context.Context, plan, prior *clusterModel) error {
	plan.LoadBalancerID = known(prior.LoadBalancerID)
	if prior.Join.IsNull() || prior.ClientCertificate.IsNull() ||
		kubernetes.CertificateNeedsRenewal(prior.ClientCertificate.ValueString(), time.Now()) {
		for _, computed := range []*types.String{&plan.ClientCertificate, &plan.ClientKey, &plan.ClientCertificateExpiry, &plan.Kubeconfig} {
			*computed = types.StringUnknown()
		}
		plan.Endpoint, plan.VIPAddress = known(prior.Endpoint), known(prior.VIPAddress)
		plan.Join = types.ObjectUnknown(joinTypes())
		h.known.put(plan.ID, plan.Join)
		return nil
	}
	join, err := decode[joinModel](ctx, prior.Join)
	if err != nil {
		return err
	}
	join.KubernetesVersion = plan.KubernetesVersion
	if plan.Join, err = join.object(ctx); err != nil {
		return err
	}
	h.known.put(plan.ID, plan.Join)
	return nil
}

// known is the value, or unknown when there was none: the apply makes it.
func known(v types.String) types.String {
	if v.IsNull() {
		return types.StringUnknown()
	}
	return v
}

// specKnown says whether everything that a server is made from is known.
func (m *clusterModel) specKnown() bool {
	return value.AllKnown(m.KubernetesVersion, m.ControlPlane, m.KeyPair, m.SubnetID, m.CNI, m.Disable, m.TLSSANs,
		m.CloudProvider, m.ExtraConfig, m.Backup)
}

// spec is the hash of what a server is made from.
func (m *clusterModel) spec(ctx context.Context) (string, error) {
	machine, err := decode[controlPlaneModel](ctx, m.ControlPlane)
	if err != nil {
		return "", err
	}
	volume, err := decode[volumeModel](ctx, machine.Volume)
	if err != nil {
		return "", err
	}
	backup, err := decode[backupModel](ctx, m.Backup)
	if err != nil {
		return "", err
	}
	return kubernetes.Spec{
		Version: m.KubernetesVersion.ValueString(),
		Flavor:  machine.Flavor.ValueString(), Image: machine.Image.ValueString(),
		VolumeSize: volume.Size.ValueInt64(), VolumeType: volume.Type.ValueString(),
		KeyPair: m.KeyPair.ValueString(), SubnetID: m.SubnetID.ValueString(), CNI: m.CNI.ValueString(),
		Disable: sorted(m.Disable), TLSSANs: sorted(m.TLSSANs), CloudProvider: m.CloudProvider.ValueString(),
		Schedule: backup.Schedule.ValueString(), Retention: backup.Retention.ValueInt64(),
		ExtraConfig: m.ExtraConfig.ValueString(),
	}.Hash()
}

func sorted(set types.Set) []string {
	return slices.Sorted(slices.Values(value.Strings(set)))
}
