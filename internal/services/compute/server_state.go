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
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/fleet"
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

// refused says what was attempted with a server, and what helps when somebody has locked it.
func refused(id, attempt string, err error) error {
	if fault, ok := openstack.FaultOf(err); ok && fault.Status == http.StatusConflict && strings.HasSuffix(fault.Message, " is locked") {
		return fmt.Errorf("%s: somebody has locked the server against changes; `openstack server unlock %s` unlocks it: %w", attempt, id, err)
	}
	return fmt.Errorf("%s: %w", attempt, err)
}

// consoleTail is how many lines of the console an error shows.
const consoleTail = 20

// serverState is fleet.State.
func serverState(s apiServer) string { return fleet.State(s.Server) }

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
		return lifecycle.At(path.Root("power_state"), refused(found.ID, fmt.Sprintf("change the power state of server %q", found.Name), err))
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
func settled(ctx context.Context, cloud *openstack.Cloud, m *serverModel) (apiServer, error) {
	found, err := rest(ctx, cloud, m)
	if err != nil || found.Status != statusVerify {
		return found, err
	}
	if err := confirm(ctx, cloud, found); err != nil {
		return found, err
	}
	return rest(ctx, cloud, m)
}

func rest(ctx context.Context, cloud *openstack.Cloud, m *serverModel) (apiServer, error) {
	found, err := openstack.Wait(ctx, openstack.Waiting[apiServer]{
		What:    fmt.Sprintf("server %q", m.Name.ValueString()),
		Fetch:   func(ctx context.Context) (apiServer, error) { return readServer(ctx, cloud, m.ID.ValueString()) },
		State:   serverState,
		Target:  []string{statusActive, statusShutoff, statusVerify, "PAUSED", "SUSPENDED", "RESCUE", "SHELVED", "SHELVED_OFFLOADED"},
		Failure: []string{statusError},
		Fault:   func(s apiServer) string { return s.Fault.Message },
	})
	var failed *openstack.FailedError
	if errors.As(err, &failed) || errors.Is(err, context.DeadlineExceeded) {
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
		return lifecycle.At(at, refused(now.ID, fmt.Sprintf("resize server %q to %s", now.Name, flavor.Name), err))
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
func confirm(ctx context.Context, cloud *openstack.Cloud, s apiServer) error {
	client, err := cloud.Compute()
	if err != nil {
		return err
	}
	if err = confirmWhenRecorded(ctx, client, s); err != nil {
		err = fmt.Errorf("confirm the resize of server %q: %w", s.Name, err)
		var cancel context.CancelFunc
		ctx, cancel = uninterrupted(ctx)
		defer cancel()
		if reverted := servers.RevertResize(ctx, client, s.ID).ExtractErr(); reverted != nil {
			return errors.Join(err, fmt.Errorf("revert the resize of server %q: %w", s.Name, reverted))
		}
	}
	_, waited := openstack.Wait(ctx, openstack.Waiting[apiServer]{
		What:    fmt.Sprintf("server %q", s.Name),
		Fetch:   func(ctx context.Context) (apiServer, error) { return readServer(ctx, cloud, s.ID) },
		State:   serverState,
		Target:  []string{statusActive, statusShutoff},
		Failure: []string{statusError},
		Fault:   func(s apiServer) string { return s.Fault.Message },
	})
	return errors.Join(err, waited)
}

// confirmWhenRecorded confirms a resize. Nova shows the server as resized a moment before it has recorded that the
// migration is finished, and until then answers 400.
func confirmWhenRecorded(ctx context.Context, client *gophercloud.ServiceClient, s apiServer) error {
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
func flavorName(s apiServer) string {
	name, ok := s.Flavor["original_name"].(string)
	if !ok {
		return ""
	}
	return name
}

// flatten brings the model up to date with the server and its ports.
func (m *serverModel) flatten(ctx context.Context, cloud *openstack.Cloud, s apiServer, all []ports.Port) error {
	if m.Name.IsNull() { // it was not made by this resource
		if err := m.adoptGroups(ctx, cloud, all); err != nil {
			return err
		}
	}
	m.Name = types.StringValue(s.Name)
	m.Description = types.StringValue(s.Description)
	if m.Rebuild.IsNull() {
		m.Rebuild = types.BoolValue(false)
	}
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
	if err := m.flattenVolumes(ctx, s); err != nil {
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

func (m *serverModel) flattenNetworks(ctx context.Context, s apiServer, all []ports.Port) error {
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
