package compute

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// problem is the first error of the framework's diagnostics.
func problem(diags diag.Diagnostics) error {
	for _, d := range diags.Errors() {
		return fmt.Errorf("%s: %s", d.Summary(), d.Detail())
	}
	return nil
}

func (server) Validate(ctx context.Context, config *serverModel) error {
	return errors.Join(config.validateDisks(ctx), config.validateNetworks(ctx))
}

// validateDisks checks what the server boots from and its volumes.
func (m *serverModel) validateDisks(ctx context.Context) error {
	boot, err := m.bootVolume(ctx)
	if err != nil {
		return err
	}
	at := path.Root("boot_volume")
	var errs []error
	switch {
	case m.BootVolume.IsUnknown():
	case boot == nil && m.Image.IsNull():
		errs = append(errs, lifecycle.Invalid(path.Root("image"), "a server needs an image, or boot_volume with the volume_id of a bootable volume"))
	case boot != nil && boot.VolumeID.IsNull() && m.Image.IsNull():
		errs = append(errs, lifecycle.Invalid(path.Root("image"), "a new boot volume needs an image; one that exists needs its volume_id"))
	case boot != nil && boot.VolumeID.IsNull() && boot.Size.IsNull():
		errs = append(errs, lifecycle.Invalid(at.AtName("size"), "a new boot volume needs a size in GiB"))
	case boot != nil && value.Known(boot.VolumeID):
		if value.Known(m.Image) {
			errs = append(errs, lifecycle.Invalid(path.Root("image"), "the server boots from the volume that boot_volume names; leave the image out, or the volume_id"))
		}
		if value.Known(boot.Type) {
			errs = append(errs, lifecycle.Invalid(at.AtName("type"), "the volume that boot_volume names has its type already; massif_volume can change it"))
		}
	}
	if m.Rebuild.ValueBool() && !m.BootVolume.IsNull() && !m.BootVolume.IsUnknown() {
		errs = append(errs, lifecycle.Invalid(path.Root("rebuild"), "only a server with a local disk can be rebuilt; one with a boot_volume gets another image with another volume"))
	}
	data, err := m.dataVolumes(ctx)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, name := range sortedNames(data) {
		id := data[name].VolumeID
		if !value.Known(id) {
			continue
		}
		if seen[id.ValueString()] || boot != nil && id.Equal(boot.VolumeID) {
			errs = append(errs, lifecycle.Invalid(path.Root("volumes").AtMapKey(name).AtName("volume_id"), "the server has this volume already; each can be there once"))
		}
		seen[id.ValueString()] = true
	}
	return errors.Join(errs...)
}

// validateNetworks checks the NICs.
func (m *serverModel) validateNetworks(ctx context.Context) error {
	nics, err := m.nics(ctx)
	if err != nil || nics == nil {
		return err
	}
	var errs []error
	seen, given := map[string]bool{}, 0
	for i, nic := range nics {
		at := path.Root("networks").AtListIndex(i)
		named, open := 0, 0
		for _, id := range []types.String{nic.NetworkID, nic.SubnetID, nic.PortID} {
			switch {
			case id.IsUnknown():
				open++
			case !id.IsNull():
				named++
			}
		}
		if named > 1 || named+open == 0 {
			errs = append(errs, lifecycle.Invalid(at, "a NIC has exactly one of network_id, subnet_id and port_id, this one has %d", named))
		}
		if !value.Known(nic.PortID) {
			continue
		}
		given++
		if value.Known(nic.FixedIP) {
			errs = append(errs, lifecycle.Invalid(at.AtName("fixed_ip"), "the port has addresses of its own"))
		}
		if value.Known(nic.SecurityGroupIDs) {
			errs = append(errs, lifecycle.Invalid(at.AtName("security_group_ids"), "the port has security groups of its own"))
		}
		if seen[nic.PortID.ValueString()] {
			errs = append(errs, lifecycle.Invalid(at.AtName("port_id"), "another NIC has this port"))
		}
		seen[nic.PortID.ValueString()] = true
	}
	if given == len(nics) && value.Known(m.SecurityGroupIDs) {
		errs = append(errs, lifecycle.Invalid(path.Root("security_group_ids"), "every NIC is a port that has security groups of its own, so these would be nobody's"))
	}
	return errors.Join(errs...)
}

func (s server) Plan(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[serverModel]) error {
	plan, prior := change.Plan, change.Prior
	if err := planBoot(ctx, change); err != nil {
		return err
	}
	if prior != nil {
		if err := planNetworks(ctx, change); err != nil {
			return err
		}
	}
	if cloud == nil {
		return nil
	}
	if err := planImage(ctx, cloud, change); err != nil {
		return err
	}
	if prior != nil && plan.wantsRebuild(prior) {
		lifecycle.Warn(ctx, "The server is rebuilt", fmt.Sprintf("The server %q keeps its id, addresses and volumes; what is on its local disk is lost.", prior.Name.ValueString()))
	}
	if prior == nil {
		if err := s.planPlace(ctx, cloud, plan); err != nil {
			return err
		}
	}
	return s.planSize(ctx, cloud, change)
}

// planPlace looks whether the availability zone and the type of the boot volume exist.
func (server) planPlace(ctx context.Context, cloud *openstack.Cloud, plan *serverModel) error {
	if value.Known(plan.AvailabilityZone) {
		zones, err := lookup.ServerZones(ctx, cloud)
		if err != nil {
			return err
		}
		zone, _, _ := strings.Cut(plan.AvailabilityZone.ValueString(), ":") // administrators may add a host
		if err := lookup.Zone(zone, zones); err != nil {
			return lifecycle.At(path.Root("availability_zone"), err)
		}
	}
	boot, err := plan.bootVolume(ctx)
	if err != nil || boot == nil || !value.Known(boot.Type) {
		return err
	}
	_, err = lookup.VolumeType(ctx, cloud, boot.Type.ValueString())
	return lifecycle.At(path.Root("boot_volume").AtName("type"), err)
}

// planBoot completes the boot volume, and says what its changes need.
func planBoot(ctx context.Context, change *lifecycle.Change[serverModel]) error {
	plan, prior := change.Plan, change.Prior
	if prior != nil && plan.BootVolume.IsNull() != prior.BootVolume.IsNull() {
		change.Replace(path.Root("boot_volume"))
	}
	boot, err := plan.bootVolume(ctx)
	if err != nil || boot == nil {
		return err
	}
	if boot.DeleteOnTermination.IsUnknown() && !boot.VolumeID.IsUnknown() {
		if wanted, err := change.Config.bootVolume(ctx); err == nil && wanted != nil && wanted.DeleteOnTermination.IsNull() {
			boot.DeleteOnTermination = types.BoolValue(boot.VolumeID.IsNull())
		}
	}
	if prior != nil {
		had, err := prior.bootVolume(ctx)
		if err != nil {
			return err
		}
		if had != nil && value.Known(boot.Size) && boot.Size.ValueInt64() < had.Size.ValueInt64() {
			return lifecycle.Invalid(path.Root("boot_volume").AtName("size"),
				"the volume has %d GiB and cannot shrink to %d; a smaller one needs another server", had.Size.ValueInt64(), boot.Size.ValueInt64())
		}
	}
	return plan.setBootVolume(ctx, boot)
}

// planImage finds the image early: a wrong name is told by the plan, and another name of the same image is no
// reason for a new server.
func planImage(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[serverModel]) error {
	plan, prior := change.Plan, change.Prior
	if prior != nil && plan.Image.Equal(prior.Image) {
		return nil
	}
	again := func() {
		if prior != nil && !plan.Rebuild.ValueBool() {
			change.Replace(path.Root("image"))
		}
	}
	if !value.Known(plan.Image) {
		if plan.Image.IsUnknown() {
			again()
		}
		plan.ImageID = types.StringUnknown()
		return nil
	}
	found, err := lookup.Image(ctx, cloud, plan.Image.ValueString())
	if err != nil {
		return lifecycle.At(path.Root("image"), err)
	}
	plan.ImageID = types.StringValue(found.ID)
	if prior != nil && !plan.ImageID.Equal(prior.ImageID) {
		again()
	}
	return nil
}

// planSize looks whether the flavor exists and is large enough for the image.
func (server) planSize(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[serverModel]) error {
	plan, prior := change.Plan, change.Prior
	if !value.Known(plan.Flavor) || prior != nil && plan.Flavor.Equal(prior.Flavor) {
		return nil
	}
	flavor, err := lookup.Flavor(ctx, cloud, plan.Flavor.ValueString())
	if err != nil {
		return lifecycle.At(path.Root("flavor"), err)
	}
	if !value.Known(plan.ImageID) {
		return nil
	}
	image, err := lookup.Image(ctx, cloud, plan.ImageID.ValueString())
	if err != nil {
		return nil //nolint:nilerr // an image that was removed since still runs
	}
	if flavor.RAM < image.MinRAMMegabytes {
		return lifecycle.Invalid(path.Root("flavor"), "%s has %d MiB of memory, but the image %s needs %d", flavor.Name, flavor.RAM, image.Name, image.MinRAMMegabytes)
	}
	boot, err := plan.bootVolume(ctx)
	switch {
	case err != nil:
		return err
	case boot != nil && value.Known(boot.Size) && boot.Size.ValueInt64() < int64(image.MinDiskGigabytes):
		return lifecycle.Invalid(path.Root("boot_volume").AtName("size"), "the image %s needs %d GiB", image.Name, image.MinDiskGigabytes)
	case boot == nil && !plan.BootVolume.IsUnknown() && flavor.Disk > 0 && flavor.Disk < image.MinDiskGigabytes:
		return lifecycle.Invalid(path.Root("flavor"), "%s has a disk of %d GiB, but the image %s needs %d", flavor.Name, flavor.Disk, image.Name, image.MinDiskGigabytes)
	case boot == nil && !plan.BootVolume.IsUnknown() && flavor.Disk == 0 && prior == nil:
		lifecycle.Warn(ctx, "The flavor has no disk", fmt.Sprintf("Most clouds start a server of the flavor %s only from a volume: set boot_volume.", flavor.Name))
	}
	return nil
}

// planNetworks keeps what is known of NICs that stay, and says which changes need a new server.
func planNetworks(ctx context.Context, change *lifecycle.Change[serverModel]) error {
	plan, err := change.Plan.nics(ctx)
	if err != nil || plan == nil {
		return err
	}
	prior, err := change.Prior.nics(ctx)
	if err != nil {
		return err
	}
	for i := range plan {
		switch {
		case i >= len(prior):
			plan[i].IPv4, plan[i].IPv6, plan[i].MAC = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
		case plan[i].sameAs(prior[i]):
			plan[i].IPv4, plan[i].IPv6, plan[i].MAC = prior[i].IPv4, prior[i].IPv6, prior[i].MAC
		default:
			change.Replace(path.Root("networks").AtListIndex(i))
		}
	}
	if len(plan) != len(prior) {
		change.Plan.PortIDs = types.ListUnknown(types.StringType)
		change.Plan.AccessIPv4, change.Plan.AccessIPv6 = types.StringUnknown(), types.StringUnknown()
	}
	return change.Plan.setNICs(ctx, plan)
}
