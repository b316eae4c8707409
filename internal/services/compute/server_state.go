package compute

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/volumeattach"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// serverBlames are the words with which Nova refuses a value.
var serverBlames = []struct {
	attribute string
	words     *regexp.Regexp
}{
	{"key_pair", regexp.MustCompile(`key_name`)},
	{"availability_zone", regexp.MustCompile(`availability zone`)},
	{"server_group_id", regexp.MustCompile(`(?i)(instance|server) group`)},
	{"security_group_ids", regexp.MustCompile(`(?i)security.?group`)},
	{"boot_volume", regexp.MustCompile(`(?i)volume type|volume-backed|block device`)},
	{"networks", regexp.MustCompile(`(?i)^(network|port|fixed ip)\b`)},
	{"user_data", regexp.MustCompile(`user_data`)},
}

// consoleTail is how many lines of the console an error shows.
const consoleTail = 20

// serverState is the status of a server that does nothing; what it does, else.
func serverState(s servers.Server) string {
	if s.TaskState != "" {
		return s.Status + ", " + s.TaskState
	}
	return s.Status
}

// Wait returns when the server runs, or is shut off, as the model says.
func (server) Wait(ctx context.Context, cloud *openstack.Cloud, m *serverModel) error {
	found, err := settled(ctx, cloud, m)
	if err != nil {
		return err
	}
	client, err := cloud.Compute()
	if err != nil {
		return err
	}
	switch want := strings.ToUpper(m.PowerState.ValueString()); {
	case found.Status == want || want == "":
		return nil
	case want == statusShutoff && found.Status == statusActive:
		err = servers.Stop(ctx, client, found.ID).ExtractErr()
	case want == statusActive && found.Status == statusShutoff:
		err = servers.Start(ctx, client, found.ID).ExtractErr()
	default:
		return lifecycle.At(path.Root("power_state"), fmt.Errorf("server %q is %s, from which it can be neither started nor stopped", found.Name, found.Status))
	}
	if err != nil {
		return lifecycle.At(path.Root("power_state"), fmt.Errorf("change the power state of server %q: %w", found.Name, err))
	}
	_, err = settled(ctx, cloud, m)
	return err
}

const (
	statusActive  = "ACTIVE"
	statusShutoff = "SHUTOFF"
	statusVerify  = "VERIFY_RESIZE"
	statusError   = "ERROR"
)

// settled waits until the server does nothing any more. A resize that was left unconfirmed is confirmed.
func settled(ctx context.Context, cloud *openstack.Cloud, m *serverModel) (servers.Server, error) {
	found, err := rest(ctx, cloud, m)
	if err != nil || found.Status != statusVerify {
		return found, err
	}
	if err := confirm(ctx, cloud, found); err != nil {
		return found, err
	}
	return rest(ctx, cloud, m)
}

func rest(ctx context.Context, cloud *openstack.Cloud, m *serverModel) (servers.Server, error) {
	found, err := openstack.Wait(ctx, openstack.Waiting[servers.Server]{
		What:    fmt.Sprintf("server %q", m.Name.ValueString()),
		Fetch:   func(ctx context.Context) (servers.Server, error) { return readServer(ctx, cloud, m.ID.ValueString()) },
		State:   serverState,
		Target:  []string{statusActive, statusShutoff, statusVerify, "PAUSED", "SUSPENDED", "RESCUE", "SHELVED", "SHELVED_OFFLOADED"},
		Failure: []string{statusError},
		Fault:   func(s servers.Server) string { return s.Fault.Message },
	})
	var failed *openstack.FailedError
	if errors.As(err, &failed) {
		if tail := console(ctx, cloud, m.ID.ValueString()); tail != "" {
			return found, fmt.Errorf("%w\n\nThe end of its console:\n\n%s", err, tail)
		}
	}
	return found, err
}

// console is the end of what a server printed, or "" when there is none.
func console(ctx context.Context, cloud *openstack.Cloud, id string) string {
	client, err := cloud.Compute()
	if err != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	output, err := servers.ShowConsoleOutput(ctx, client, id, servers.ShowConsoleOutputOpts{Length: consoleTail}).Extract()
	if err != nil {
		return "" // a server that never ran has no console
	}
	return strings.TrimSpace(output)
}

// resize gives the server another flavor. Nova wants a confirmation, and goes back without a word when no host has room.
func resize(ctx context.Context, cloud *openstack.Cloud, m *serverModel) error {
	at := path.Root("flavor")
	client, err := cloud.Compute()
	if err != nil {
		return err
	}
	flavor, err := lookup.Flavor(ctx, cloud, m.Flavor.ValueString())
	if err != nil {
		return lifecycle.At(at, err)
	}
	now, err := readServer(ctx, cloud, m.ID.ValueString())
	if err != nil {
		return err
	}
	if flavorName(now) == flavor.Name {
		return nil // the same flavor by another name
	}
	if err := servers.Resize(ctx, client, now.ID, servers.ResizeOpts{FlavorRef: flavor.ID}).ExtractErr(); err != nil {
		return lifecycle.At(at, fmt.Errorf("resize server %q to %s: %w", now.Name, flavor.Name, err))
	}
	resized, err := rest(ctx, cloud, m)
	if err != nil {
		return lifecycle.At(at, fmt.Errorf("resize server %q to %s: %w", now.Name, flavor.Name, err))
	}
	if resized.Status == statusVerify {
		if err := confirm(ctx, cloud, resized); err != nil {
			return lifecycle.At(at, err)
		}
		resized, err = rest(ctx, cloud, m)
		if err != nil {
			return lifecycle.At(at, err)
		}
	}
	if flavorName(resized) != flavor.Name {
		return lifecycle.At(at, fmt.Errorf("server %q could not be resized to %s: Nova put it back to %s, as it does when no host has room", now.Name, flavor.Name, flavorName(resized)))
	}
	return nil
}

// confirm ends a resize and waits until it has ended: for a moment the server still looks as if it were to be confirmed.
// When Nova refuses, the server goes back to its old flavor.
func confirm(ctx context.Context, cloud *openstack.Cloud, s servers.Server) error {
	client, err := cloud.Compute()
	if err != nil {
		return err
	}
	if err = confirmWhenRecorded(ctx, client, s); err != nil {
		err = fmt.Errorf("confirm the resize of server %q: %w", s.Name, err)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), createLimit)
		defer cancel()
		if reverted := servers.RevertResize(ctx, client, s.ID).ExtractErr(); reverted != nil {
			return errors.Join(err, fmt.Errorf("revert the resize of server %q: %w", s.Name, reverted))
		}
	}
	_, waited := openstack.Wait(ctx, openstack.Waiting[servers.Server]{
		What:    fmt.Sprintf("server %q", s.Name),
		Fetch:   func(ctx context.Context) (servers.Server, error) { return readServer(ctx, cloud, s.ID) },
		State:   serverState,
		Target:  []string{statusActive, statusShutoff},
		Failure: []string{statusError},
		Fault:   func(s servers.Server) string { return s.Fault.Message },
	})
	return errors.Join(err, waited)
}

// confirmWhenRecorded confirms a resize. Nova shows the server as resized a moment before it has recorded that the
// migration is finished, and until then answers 400.
func confirmWhenRecorded(ctx context.Context, client *gophercloud.ServiceClient, s servers.Server) error {
	const early, confirmed = "resized, but not recorded as such", "confirmed"
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, err := openstack.Wait(limited, openstack.Waiting[string]{
		What: fmt.Sprintf("the resize of server %q", s.Name),
		Fetch: func(ctx context.Context) (string, error) {
			err := servers.ConfirmResize(ctx, client, s.ID).ExtractErr()
			if fault, ok := openstack.FaultOf(err); ok && fault.Status == http.StatusBadRequest && strings.Contains(fault.Message, "has not been resized") {
				return early, nil
			}
			return confirmed, err
		},
		State:  func(state string) string { return state },
		Target: []string{confirmed},
	})
	return err
}

// flavorName is the name of the flavor that a server has.
func flavorName(s servers.Server) string {
	name, ok := s.Flavor["original_name"].(string)
	if !ok {
		return ""
	}
	return name
}

// flatten brings the model up to date with the server and its ports.
func (m *serverModel) flatten(ctx context.Context, cloud *openstack.Cloud, s servers.Server, all []ports.Port) error {
	m.Name = types.StringValue(s.Name)
	if err := m.flattenFlavor(ctx, cloud, flavorName(s)); err != nil {
		return err
	}
	if s.KeyName != "" {
		m.KeyPair = types.StringValue(s.KeyName)
	} else if !value.Known(m.KeyPair) {
		m.KeyPair = types.StringNull()
	}
	m.AvailabilityZone = value.StringOrNull(s.AvailabilityZone)
	m.ConfigDrive = types.BoolValue(s.ConfigDrive)
	m.Metadata = value.Map(s.Metadata)
	m.Tags = value.Set(nil)
	if s.Tags != nil {
		m.Tags = value.Set(*s.Tags)
	}
	if s.ServerGroups != nil {
		m.ServerGroupID = types.StringNull()
		if len(*s.ServerGroups) > 0 {
			m.ServerGroupID = types.StringValue((*s.ServerGroups)[0])
		}
	}
	switch s.Status {
	case statusActive, statusShutoff, statusError, "PAUSED", "SUSPENDED", "RESCUE", "SHELVED", "SHELVED_OFFLOADED":
		m.PowerState = types.StringValue(strings.ToLower(s.Status))
	default: // on the way from one to another
		if !value.Known(m.PowerState) {
			m.PowerState = types.StringValue(powerOn)
		}
	}
	if err := m.flattenBoot(ctx, cloud, s); err != nil {
		return err
	}
	return m.flattenNetworks(ctx, s, all)
}

// flattenFlavor keeps the id or name that was written as long as it is the flavor of the server.
func (m *serverModel) flattenFlavor(ctx context.Context, cloud *openstack.Cloud, name string) error {
	if name == "" || m.Flavor.ValueString() == name {
		return nil
	}
	if value.Known(m.Flavor) {
		all, err := lookup.Flavors(ctx, cloud)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(all, func(f flavors.Flavor) bool { return f.ID == m.Flavor.ValueString() && f.Name == name }) {
			return nil
		}
	}
	m.Flavor = types.StringValue(name)
	return nil
}

// flattenBoot reads what the server boots from.
func (m *serverModel) flattenBoot(ctx context.Context, cloud *openstack.Cloud, s servers.Server) error {
	if id, ok := s.Image["id"].(string); ok {
		m.ImageID = types.StringValue(id)
		m.BootVolume = types.ObjectNull(bootVolumeTypes)
	}
	boot, err := m.bootVolume(ctx)
	if err != nil {
		return err
	}
	switch {
	case boot != nil && value.Known(boot.ID), len(s.Image) > 0, len(s.AttachedVolumes) == 0:
	case boot != nil && len(s.AttachedVolumes) == 1:
		boot.ID = types.StringValue(s.AttachedVolumes[0].ID)
	default:
		if boot, err = m.findBootVolume(ctx, cloud, s); err != nil {
			return err
		}
	}
	if !value.Known(m.Image) {
		m.Image = m.ImageID // after an import
	}
	if boot == nil {
		return nil
	}
	if boot.ID.IsUnknown() {
		boot.ID = types.StringNull()
	}
	var diags diag.Diagnostics
	m.BootVolume, diags = types.ObjectValueFrom(ctx, bootVolumeTypes, *boot)
	return problem(diags)
}

// findBootVolume asks Cinder which of the volumes the server boots from.
func (m *serverModel) findBootVolume(ctx context.Context, cloud *openstack.Cloud, s servers.Server) (*bootVolumeModel, error) {
	client, err := cloud.BlockStorage()
	if err != nil {
		return nil, err
	}
	nova, err := cloud.Compute()
	if err != nil {
		return nil, err
	}
	for _, attached := range s.AttachedVolumes {
		volume, err := readVolume(ctx, client, attached.ID)
		if err != nil {
			return nil, err
		}
		if volume.Bootable != "true" {
			continue
		}
		attachment, err := volumeattach.Get(ctx, nova, s.ID, volume.ID).Extract()
		if err != nil {
			return nil, fmt.Errorf("read how volume %s is attached: %w", volume.ID, err)
		}
		if id := volume.VolumeImageMetadata["image_id"]; id != "" && !value.Known(m.ImageID) {
			m.ImageID = types.StringValue(id)
		}
		return &bootVolumeModel{
			ID: types.StringValue(volume.ID), Size: value.Int(volume.Size), Type: types.StringNull(),
			DeleteOnTermination: types.BoolValue(attachment.DeleteOnTermination != nil && *attachment.DeleteOnTermination),
		}, nil
	}
	return nil, nil //nolint:nilnil // it boots from none of them
}

func readVolume(ctx context.Context, client *gophercloud.ServiceClient, id string) (*volumes.Volume, error) {
	volume, err := volumes.Get(ctx, client, id).Extract()
	if err != nil {
		return nil, fmt.Errorf("read volume %s of the server: %w", id, err)
	}
	return volume, nil
}

func (m *serverModel) flattenNetworks(ctx context.Context, s servers.Server, all []ports.Port) error {
	nics, err := m.nics(ctx)
	if err != nil {
		return err
	}
	if s.Status == statusError && len(all) < len(nics) {
		return nil // it failed before it had its NICs: keep what is needed to clean up
	}
	var ids []string
	var shown []nicModel
	m.AccessIPv4, m.AccessIPv6 = value.StringOrNull(s.AccessIPv4), value.StringOrNull(s.AccessIPv6)
	for i, port := range orderPorts(nics, value.Strings(m.PortIDs), all) {
		if port == nil {
			continue // detached behind our back
		}
		nic := nicModel{SecurityGroupIDs: types.SetNull(types.StringType)}
		if i < len(nics) {
			nic = nics[i]
		}
		flattenNIC(&nic, m, port)
		ids, shown = append(ids, port.ID), append(shown, nic)
		if m.AccessIPv4.IsNull() {
			m.AccessIPv4 = nic.IPv4
		}
		if m.AccessIPv6.IsNull() {
			m.AccessIPv6 = nic.IPv6
		}
	}
	m.PortIDs = value.List(ids)
	return m.setNICs(ctx, shown)
}
