package compute

import (
	"context"
	"errors"
	"fmt"

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
	nics, err := config.nics(ctx)
	if err != nil || nics == nil {
		return err
	}
	var errs []error
	seen, given := map[string]bool{}, 0
	for i, nic := range nics {
		at := path.Root("networks").AtListIndex(i)
		named := 0
		for _, id := range []types.String{nic.NetworkID, nic.SubnetID, nic.PortID} {
			if !id.IsNull() {
				named++
			}
		}
		if named != 1 {
			errs = append(errs, lifecycle.Invalid(at, "a NIC has exactly one of network_id, subnet_id and port_id, this one has %d", named))
		}
		if nic.PortID.IsNull() {
			continue
		}
		given++
		if !nic.FixedIP.IsNull() {
			errs = append(errs, lifecycle.Invalid(at.AtName("fixed_ip"), "the port has addresses of its own"))
		}
		if !nic.SecurityGroupIDs.IsNull() {
			errs = append(errs, lifecycle.Invalid(at.AtName("security_group_ids"), "the port has security groups of its own"))
		}
		if value.Known(nic.PortID) && seen[nic.PortID.ValueString()] {
			errs = append(errs, lifecycle.Invalid(at.AtName("port_id"), "another NIC has this port"))
		}
		seen[nic.PortID.ValueString()] = true
	}
	if given == len(nics) && !config.SecurityGroupIDs.IsNull() {
		errs = append(errs, lifecycle.Invalid(path.Root("security_group_ids"), "every NIC is a port that has security groups of its own, so these would be nobody's"))
	}
	return errors.Join(errs...)
}

func (s server) Plan(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[serverModel]) error {
	plan, prior := change.Plan, change.Prior
	if prior != nil {
		if plan.BootVolume.IsNull() != prior.BootVolume.IsNull() {
			change.Replace(path.Root("boot_volume"))
		}
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
	return s.planSize(ctx, cloud, change)
}

// planImage finds the image early: a wrong name is told by the plan, and another name of the same image is no
// reason for a new server.
func planImage(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[serverModel]) error {
	plan, prior := change.Plan, change.Prior
	if prior != nil && plan.Image.Equal(prior.Image) {
		return nil
	}
	if !value.Known(plan.Image) {
		if prior != nil {
			change.Replace(path.Root("image"))
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
		change.Replace(path.Root("image"))
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
