package compute

import (
	"context"
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

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/volume"
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
)

type serverModel struct {
	lifecycle.Object

	Name              types.String `tfsdk:"name"`
	Description       types.String `tfsdk:"description"`
	Flavor            types.String `tfsdk:"flavor"`
	Image             types.String `tfsdk:"image"`
	Rebuild           types.Bool   `tfsdk:"rebuild"`
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
	Volumes           types.Map    `tfsdk:"volumes"`
	ConfigDrive       types.Bool   `tfsdk:"config_drive"`
	PowerState        types.String `tfsdk:"power_state"`
	AccessIPv4        types.String `tfsdk:"access_ipv4"`
	AccessIPv6        types.String `tfsdk:"access_ipv6"`
	PortIDs           types.List   `tfsdk:"port_ids"`
}

func (server) Name() string { return "server" }

func (server) Schema() schema.Schema { return serverSchema() }

// Timeouts are longer than usual: bare metal and big images take their time.
func (server) Timeouts() lifecycle.Timeouts {
	return lifecycle.Timeouts{Create: 30 * time.Minute, Update: 30 * time.Minute, Delete: 10 * time.Minute}
}

// Secrets carries the write-only user data.
func (server) Secrets(from, to *serverModel) { to.UserDataWO = from.UserDataWO }

// uninterrupted is a context for requests in the midst of which an interrupt would leave objects of which nobody knows the ids.
func uninterrupted(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
}

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
	plugging, cancel := uninterrupted(ctx)
	defer cancel()
	plugs, made, err := m.plug(plugging, cloud, nics)
	if err != nil {
		return err
	}
	opts.Networks = plugs
	var answer *servers.Server
	err = volume.InTurn(ctx, cloud, "", func(ctx context.Context) (err error) {
		ctx, cancel := uninterrupted(ctx)
		defer cancel()
		begin := time.Now()
		answer, err = servers.Create(ctx, client, opts, servers.SchedulerHintOpts{Group: m.ServerGroupID.ValueString()}).Extract()
		if openstack.Lost(err) {
			answer, err = findLost(ctx, client, opts.Name, begin, err)
		}
		return err
	})
	if err != nil {
		cleaning, cancel := uninterrupted(ctx)
		defer cancel()
		return errors.Join(blameServer(fmt.Errorf("create server %q: %w", m.Name.ValueString(), err)), deletePorts(cleaning, cloud, made))
	}
	m.ID = types.StringValue(answer.ID)
	m.PortIDs = value.List(portSlots(plugs)) // also when the server fails, its ports must be found again
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
			if s.Name == name { // Nova's pattern knows no case
				candidates = append(candidates, openstack.Candidate{ID: s.ID, Created: s.Created})
			}
		}
		return candidates, err
	})
	return &servers.Server{ID: id}, err
}

// apiServer is a server as Nova shows it.
type apiServer struct {
	servers.Server
	ServerMore
}

// ServerMore is what the client library does not read of a server. It is exported for the library's decoder.
type ServerMore struct {
	Description string `json:"description"`
}

// serverReads answers many reads with one list.
var serverReads = collection("servers",
	func(s apiServer) string { return s.ID },
	func(ctx context.Context, client *gophercloud.ServiceClient, id string) (*apiServer, error) {
		var found apiServer
		return &found, servers.Get(ctx, client, id).ExtractInto(&found)
	},
	func(client *gophercloud.ServiceClient) pagination.Pager { return servers.List(client, nil) },
	func(page pagination.Page) ([]apiServer, error) {
		var found []apiServer
		return found, servers.ExtractServersInto(page, &found)
	})

func (server) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return lifecycle.ListOf(ctx, cloud, serverReads, func(s apiServer) lifecycle.Listed {
		listed := lifecycle.Listed{ID: s.ID, Name: s.Name, ProjectID: s.TenantID}
		if s.Tags != nil {
			listed.Tags = *s.Tags
		}
		return listed
	})
}

func readServer(ctx context.Context, cloud *openstack.Cloud, id string) (apiServer, error) {
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
	if err := plan.changeWords(ctx, client, prior); err != nil {
		return err
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
	if err := plan.changeVolumes(ctx, cloud, prior); err != nil {
		return err
	}
	if err := plan.changeBootVolume(ctx, cloud, prior); err != nil {
		return err
	}
	if plan.wantsRebuild(prior) {
		if err := plan.rebuild(ctx, cloud); err != nil {
			return err
		}
	}
	if !plan.Flavor.Equal(prior.Flavor) {
		return resize(ctx, cloud, plan)
	}
	return nil
}

// changeWords changes what is only said about the server: its name, description, metadata and tags.
func (m *serverModel) changeWords(ctx context.Context, client *gophercloud.ServiceClient, prior *serverModel) error {
	id, name := m.ID.ValueString(), prior.Name.ValueString()
	if !m.Name.Equal(prior.Name) || !m.Description.Equal(prior.Description) {
		opts := words{Name: m.Name.ValueString(), Description: m.Description.ValueString()}
		if err := servers.Update(ctx, client, id, opts).Err; err != nil {
			return refused(id, fmt.Sprintf("change name and description of server %q", name), err)
		}
	}
	if !m.Metadata.Equal(prior.Metadata) {
		metadata := servers.MetadataOpts(value.StringMap(m.Metadata))
		if err := servers.ResetMetadata(ctx, client, id, metadata).Err; err != nil {
			return lifecycle.At(path.Root("metadata"), refused(id, fmt.Sprintf("set the metadata of server %q", name), err))
		}
	}
	if !m.Tags.Equal(prior.Tags) {
		wanted := value.Strings(m.Tags)
		if wanted == nil {
			wanted = []string{}
		}
		if err := tags.ReplaceAll(ctx, client, id, tags.ReplaceAllOpts{Tags: wanted}).Err; err != nil {
			return lifecycle.At(path.Root("tags"), refused(id, fmt.Sprintf("set the tags of server %q", name), err))
		}
	}
	return nil
}

// words are what an update of the server itself can change; the client library knows no description.
type words struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// ToServerUpdateMap is the body of the request.
func (w words) ToServerUpdateMap() (map[string]any, error) { return map[string]any{"server": w}, nil }

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
		return refused(id, fmt.Sprintf("delete server %q", m.Name.ValueString()), err)
	}
	err = openstack.WaitGone(ctx, openstack.Waiting[apiServer]{
		What:   fmt.Sprintf("server %q", m.Name.ValueString()),
		Fetch:  func(ctx context.Context) (apiServer, error) { return readServer(ctx, cloud, id) },
		State:  serverState,
		Target: []string{"DELETED", "SOFT_DELETED"},
		// Only when Nova is not at it any more: a broken server is in ERROR while it goes, too.
		Failure: []string{statusError},
		Fault:   func(s apiServer) string { return s.Fault.Message },
	})
	if err != nil {
		return err
	}
	return deletePorts(ctx, cloud, ports)
}
