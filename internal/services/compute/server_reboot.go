package compute

import (
	"context"
	"fmt"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// serverReboot is the action that starts a server anew.
type serverReboot struct{}

var _ lifecycle.Doer[serverRebootModel] = serverReboot{}

type serverRebootModel struct {
	lifecycle.Task

	ServerID types.String `tfsdk:"server_id"`
	Type     types.String `tfsdk:"type"`
}

func (serverReboot) Name() string { return "server_reboot" }

const (
	rebootSoft = "soft"
	rebootHard = "hard"
)

func (serverReboot) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "Reboots a server and waits until it runs again.",
		Attributes: map[string]schema.Attribute{
			"server_id": schema.StringAttribute{
				MarkdownDescription: "ID of the server.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"type": schema.StringAttribute{
				MarkdownDescription: "`soft` (the default) asks the guest to reboot. `hard` is like pulling the plug, and also starts a server that is shut off or in error.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.OneOf(rebootSoft, rebootHard)},
			},
		},
	}
}

func (serverReboot) Do(ctx context.Context, cloud *openstack.Cloud, m *serverRebootModel, tell func(string)) error {
	client, err := cloud.Compute()
	if err != nil {
		return err
	}
	how := rebootSoft
	if !m.Type.IsNull() {
		how = m.Type.ValueString()
	}
	id := m.ServerID.ValueString()
	found, err := readServer(ctx, cloud, id)
	if err != nil {
		return lifecycle.At(path.Root("server_id"), err)
	}
	if how == rebootSoft && found.Status == statusShutoff {
		return lifecycle.At(path.Root("type"), fmt.Errorf("server %q is shut off, so there is no guest that could reboot; `hard` starts it", found.Name))
	}
	err = servers.Reboot(ctx, client, id, servers.RebootOpts{Type: servers.RebootMethod(strings.ToUpper(how))}).ExtractErr()
	if err != nil {
		return fmt.Errorf("reboot server %q: %w", found.Name, err)
	}
	tell(fmt.Sprintf("server %q is rebooting", found.Name))
	_, err = openstack.Wait(ctx, openstack.Waiting[apiServer]{
		What:    fmt.Sprintf("server %q", found.Name),
		Fetch:   func(ctx context.Context) (apiServer, error) { return readServer(ctx, cloud, id) },
		State:   serverState,
		Target:  []string{statusActive},
		Failure: []string{statusError},
		Fault:   func(s apiServer) string { return s.Fault.Message },
	})
	return err
}
