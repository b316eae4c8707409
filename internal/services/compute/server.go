package compute

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/tags"
	"github.com/gophercloud/gophercloud/v2/pagination"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// server is a virtual machine with its NICs and the volume that it boots from.
type server struct{}

var (
	_ lifecycle.Handler[serverModel]   = server{}
	_ lifecycle.Updater[serverModel]   = server{}
	_ lifecycle.Waiter[serverModel]    = server{}
	_ lifecycle.Validator[serverModel] = server{}
	_ lifecycle.Planner[serverModel]   = server{}
	_ lifecycle.Secrets[serverModel]   = server{}
	_ lifecycle.Timed                  = server{}
	_ lifecycle.Lister                 = server{}
	_ lifecycle.Mover                  = server{}
)

type serverModel struct {
	lifecycle.Object

	Name              types.String `tfsdk:"name"`
	Flavor            types.String `tfsdk:"flavor"`
	Image             types.String `tfsdk:"image"`
	ImageID           types.String `tfsdk:"image_id"`
	Networks          types.List   `tfsdk:"networks"`
	SecurityGroupIDs  types.Set    `tfsdk:"security_group_ids"`
	KeyPair           types.String `tfsdk:"key_pair"`
	UserData          types.String `tfsdk:"user_data"`
	UserDataWO        types.String `tfsdk:"user_data_wo"`
	UserDataWOVersion types.Int64  `tfsdk:"user_data_wo_version"`
	AvailabilityZone  types.String `tfsdk:"availability_zone"`
	ServerGroupID     types.String `tfsdk:"server_group_id"`
	Metadata          types.Map    `tfsdk:"metadata"`
	Tags              types.Set    `tfsdk:"tags"`
	BootVolume        types.Object `tfsdk:"boot_volume"`
	ConfigDrive       types.Bool   `tfsdk:"config_drive"`
	PowerState        types.String `tfsdk:"power_state"`
	AccessIPv4        types.String `tfsdk:"access_ipv4"`
	AccessIPv6        types.String `tfsdk:"access_ipv6"`
	PortIDs           types.List   `tfsdk:"port_ids"`
}

type bootVolumeModel struct {
	ID                  types.String `tfsdk:"id"`
	Size                types.Int64  `tfsdk:"size"`
	Type                types.String `tfsdk:"type"`
	DeleteOnTermination types.Bool   `tfsdk:"delete_on_termination"`
}

func (server) Name() string { return "server" }

func (server) Schema() schema.Schema { return serverSchema() }

// Timeouts are longer than usual: bare metal and big images take their time.
func (server) Timeouts() lifecycle.Timeouts {
	return lifecycle.Timeouts{Create: 30 * time.Minute, Update: 30 * time.Minute, Delete: 10 * time.Minute}
}

// Secrets carries the write-only user data.
func (server) Secrets(from, to *serverModel) { to.UserDataWO = from.UserDataWO }

// createLimit bounds the requests of a create that must not be interrupted.
const createLimit = 2 * time.Minute

func (s server) Create(ctx context.Context, cloud *openstack.Cloud, m *serverModel) error {
	client, err := cloud.Compute()
	if err != nil {
		return err
	}
	opts, err := m.createOpts(ctx, cloud)
	if err != nil {
		return err
	}
	nics, err := m.nics(ctx)
	if err != nil {
		return err
	}
	// An interrupt in the midst of these requests would leave objects of which nobody knows the ids.
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), createLimit)
	defer cancel()
	made, slots, err := makePorts(whole, cloud, m, nics)
	if err != nil {
		return err
	}
	opts.Networks = novaNetworks(nics, slots)
	begin := time.Now()
	answer, err := servers.Create(whole, client, withKeyPair{opts, m.KeyPair.ValueString()}, servers.SchedulerHintOpts{Group: m.ServerGroupID.ValueString()}).Extract()
	if openstack.Lost(err) {
		answer, err = findLost(ctx, client, opts.Name, begin, err)
	}
	if err != nil {
		return errors.Join(blameServer(fmt.Errorf("create server %q: %w", m.Name.ValueString(), err)), deletePorts(whole, cloud, made))
	}
	m.ID = types.StringValue(answer.ID)
	m.PortIDs = value.List(slots) // also when the server fails, its ports must be found again
	return nil
}

// findLost returns the server that a request made of which the answer was lost.
func findLost(ctx context.Context, client *gophercloud.ServiceClient, name string, begin time.Time, lost error) (*servers.Server, error) {
	id, err := openstack.FindLost(ctx, lost, begin, func(ctx context.Context) ([]openstack.Candidate, error) {
		pages, err := servers.List(client, servers.ListOpts{Name: "^" + regexp.QuoteMeta(name) + "$"}).AllPages(ctx)
		if err != nil {
			return nil, err
		}
		found, err := servers.ExtractServers(pages)
		var candidates []openstack.Candidate
		for _, s := range found {
			candidates = append(candidates, openstack.Candidate{ID: s.ID, Created: s.Created})
		}
		return candidates, err
	})
	return &servers.Server{ID: id}, err
}

func (m *serverModel) createOpts(ctx context.Context, cloud *openstack.Cloud) (servers.CreateOpts, error) {
	opts := servers.CreateOpts{
		Name:             m.Name.ValueString(),
		AvailabilityZone: m.AvailabilityZone.ValueString(),
		Metadata:         value.StringMap(m.Metadata),
		Tags:             value.Strings(m.Tags),
		ConfigDrive:      value.BoolPtr(m.ConfigDrive),
		SecurityGroups:   value.Strings(m.SecurityGroupIDs),
	}
	flavor, err := lookup.Flavor(ctx, cloud, m.Flavor.ValueString())
	if err != nil {
		return opts, lifecycle.At(path.Root("flavor"), err)
	}
	opts.FlavorRef = flavor.ID
	if !value.Known(m.ImageID) {
		image, err := lookup.Image(ctx, cloud, m.Image.ValueString())
		if err != nil {
			return opts, lifecycle.At(path.Root("image"), err)
		}
		m.ImageID = types.StringValue(image.ID)
	}
	if data := m.userData(); data != "" {
		// The client library takes what happens to be Base64 for encoded: encode always.
		opts.UserData = []byte(base64.StdEncoding.EncodeToString([]byte(data)))
	}
	boot, err := m.bootVolume(ctx)
	if err != nil {
		return opts, err
	}
	if boot == nil {
		opts.ImageRef = m.ImageID.ValueString()
		return opts, nil
	}
	opts.BlockDevice = []servers.BlockDevice{{
		SourceType: servers.SourceImage, DestinationType: servers.DestinationVolume, UUID: m.ImageID.ValueString(),
		VolumeSize: int(boot.Size.ValueInt64()), VolumeType: boot.Type.ValueString(), DeleteOnTermination: boot.DeleteOnTermination.ValueBool(),
	}}
	return opts, nil
}

// withKeyPair is a request for a server with a key, for which the client library has no field of its own.
type withKeyPair struct {
	servers.CreateOpts
	keyPair string
}

// ToServerCreateMap is the body of the request.
func (o withKeyPair) ToServerCreateMap() (map[string]any, error) {
	body, err := o.CreateOpts.ToServerCreateMap()
	if err != nil {
		return nil, err
	}
	if in, ok := body["server"].(map[string]any); ok && o.keyPair != "" {
		in["key_name"] = o.keyPair
	}
	return body, nil
}

func (m *serverModel) userData() string {
	if value.Known(m.UserDataWO) {
		return m.UserDataWO.ValueString()
	}
	return m.UserData.ValueString()
}

// bootVolume is nil when the server boots from a local disk.
func (m *serverModel) bootVolume(ctx context.Context) (*bootVolumeModel, error) {
	if !value.Known(m.BootVolume) {
		return nil, nil //nolint:nilnil // none is a valid answer
	}
	var boot bootVolumeModel
	return &boot, problem(m.BootVolume.As(ctx, &boot, basetypes.ObjectAsOptions{}))
}

// serverReads answers many reads with one list.
var serverReads = collection("servers",
	func(s servers.Server) string { return s.ID },
	func(ctx context.Context, client *gophercloud.ServiceClient, id string) (*servers.Server, error) {
		return servers.Get(ctx, client, id).Extract()
	},
	func(client *gophercloud.ServiceClient) pagination.Pager { return servers.List(client, nil) },
	servers.ExtractServers)

func (server) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return lifecycle.ListOf(ctx, cloud, serverReads, func(s servers.Server) lifecycle.Listed {
		listed := lifecycle.Listed{ID: s.ID, Name: s.Name, ProjectID: s.TenantID}
		if s.Tags != nil {
			listed.Tags = *s.Tags
		}
		return listed
	})
}

// MovesFrom names the type of the common provider.
func (server) MovesFrom() []string { return []string{"openstack_compute_instance_v2"} }

func readServer(ctx context.Context, cloud *openstack.Cloud, id string) (servers.Server, error) {
	found, err := openstack.Get(ctx, cloud, serverReads, id)
	if err == nil && (found.Status == "DELETED" || found.Status == "SOFT_DELETED") {
		return found, openstack.ErrGone
	}
	return found, err
}

func (server) Read(ctx context.Context, cloud *openstack.Cloud, m *serverModel) error {
	found, err := readServer(ctx, cloud, m.ID.ValueString())
	if err != nil {
		return err
	}
	ports, err := portsOf(ctx, cloud, found.ID)
	if err != nil {
		return err
	}
	return m.flatten(ctx, cloud, found, ports)
}

func (s server) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *serverModel) error {
	client, err := cloud.Compute()
	if err != nil {
		return err
	}
	id := plan.ID.ValueString()
	if !plan.Name.Equal(prior.Name) {
		if err := servers.Update(ctx, client, id, servers.UpdateOpts{Name: plan.Name.ValueString()}).Err; err != nil {
			return fmt.Errorf("rename server %q: %w", prior.Name.ValueString(), err)
		}
	}
	if !plan.Metadata.Equal(prior.Metadata) {
		metadata := servers.MetadataOpts(value.StringMap(plan.Metadata))
		if err := servers.ResetMetadata(ctx, client, id, metadata).Err; err != nil {
			return lifecycle.At(path.Root("metadata"), fmt.Errorf("set the metadata of server %q: %w", plan.Name.ValueString(), err))
		}
	}
	if !plan.Tags.Equal(prior.Tags) {
		wanted := value.Strings(plan.Tags)
		if wanted == nil {
			wanted = []string{}
		}
		if err := tags.ReplaceAll(ctx, client, id, tags.ReplaceAllOpts{Tags: wanted}).Err; err != nil {
			return lifecycle.At(path.Root("tags"), fmt.Errorf("set the tags of server %q: %w", plan.Name.ValueString(), err))
		}
	}
	// What was interrupted in the midst of a change comes to rest first.
	if _, err := settled(ctx, cloud, plan); err != nil {
		return err
	}
	if err := plan.changeNetworks(ctx, cloud, prior); err != nil {
		return err
	}
	if err := plan.changeSecurityGroups(ctx, cloud, prior); err != nil {
		return err
	}
	if !plan.Flavor.Equal(prior.Flavor) {
		return resize(ctx, cloud, plan)
	}
	return nil
}

func (server) Delete(ctx context.Context, cloud *openstack.Cloud, m *serverModel) error {
	client, err := cloud.Compute()
	if err != nil {
		return err
	}
	id := m.ID.ValueString()
	ports, err := ownPorts(ctx, cloud, id, value.Strings(m.PortIDs))
	if err != nil {
		return err
	}
	if err := servers.Delete(ctx, client, id).ExtractErr(); err != nil && !openstack.NotFound(err) {
		return fmt.Errorf("delete server %q: %w", m.Name.ValueString(), err)
	}
	err = openstack.WaitGone(ctx, openstack.Waiting[servers.Server]{
		What:   fmt.Sprintf("server %q", m.Name.ValueString()),
		Fetch:  func(ctx context.Context) (servers.Server, error) { return readServer(ctx, cloud, id) },
		State:  serverState,
		Target: []string{"DELETED", "SOFT_DELETED"},
	})
	if err != nil {
		return err
	}
	return deletePorts(ctx, cloud, ports)
}
