package compute

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servergroups"
	"github.com/gophercloud/gophercloud/v2/pagination"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// antiAffinity is the only policy that has a rule.
const antiAffinity = "anti-affinity"

// serverGroup tells Nova which servers belong together or apart. Nova cannot change one.
type serverGroup struct{}

var (
	_ lifecycle.Handler[serverGroupModel]   = serverGroup{}
	_ lifecycle.Validator[serverGroupModel] = serverGroup{}
	_ lifecycle.Lister                      = serverGroup{}
	_ lifecycle.Mover                       = serverGroup{}
)

type serverGroupModel struct {
	lifecycle.Object

	Name              types.String `tfsdk:"name"`
	Policy            types.String `tfsdk:"policy"`
	MaxServersPerHost types.Int64  `tfsdk:"max_servers_per_host"`
}

func (serverGroup) Name() string { return "server_group" }

func (serverGroup) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A group of servers that Nova keeps on different hosts, or together on one.",
		Attributes: map[string]schema.Attribute{
			"name": attribute.FixedName("Name of the server group."),
			"policy": schema.StringAttribute{
				MarkdownDescription: "`anti-affinity`: each server on a host of its own, and none when there is no such host. `affinity`: all on one host. " +
					"`soft-anti-affinity` and `soft-affinity`: the same as far as possible.",
				Required:      true,
				Validators:    []validator.String{stringvalidator.OneOf(antiAffinity, "affinity", "soft-anti-affinity", "soft-affinity")},
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"max_servers_per_host": schema.Int64Attribute{
				MarkdownDescription: "How many servers of the group one host may run, with the policy `anti-affinity`. Nova's own default is 1.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(1)},
				PlanModifiers:       []planmodifier.Int64{int64planmodifier.RequiresReplace()},
			},
		},
	}
}

func (serverGroup) Validate(_ context.Context, config *serverGroupModel) error {
	if value.Known(config.MaxServersPerHost) && value.Known(config.Policy) && config.Policy.ValueString() != antiAffinity {
		return lifecycle.Invalid(path.Root("max_servers_per_host"), "only the policy %q has this rule, not %q", antiAffinity, config.Policy.ValueString())
	}
	return nil
}

func (serverGroup) Create(ctx context.Context, cloud *openstack.Cloud, m *serverGroupModel) error {
	client, err := cloud.Compute()
	if err != nil {
		return err
	}
	opts := servergroups.CreateOpts{Name: m.Name.ValueString(), Policy: m.Policy.ValueString()}
	if most := value.IntPtr(m.MaxServersPerHost); most != nil {
		opts.Rules = &servergroups.Rules{MaxServerPerHost: *most}
	}
	made, err := servergroups.Create(ctx, client, opts).Extract()
	if err != nil {
		return fmt.Errorf("create server group %q: %w", m.Name.ValueString(), err)
	}
	m.ID = types.StringValue(made.ID)
	return nil
}

// serverGroupReads answers many reads with one list.
var serverGroupReads = collection("server groups",
	func(g servergroups.ServerGroup) string { return g.ID },
	func(ctx context.Context, client *gophercloud.ServiceClient, id string) (*servergroups.ServerGroup, error) {
		return servergroups.Get(ctx, client, id).Extract()
	},
	func(client *gophercloud.ServiceClient) pagination.Pager { return servergroups.List(client, nil) },
	servergroups.ExtractServerGroups)

func (serverGroup) Read(ctx context.Context, cloud *openstack.Cloud, m *serverGroupModel) error {
	found, err := openstack.Get(ctx, cloud, serverGroupReads, m.ID.ValueString())
	if err != nil {
		return err
	}
	m.flatten(found)
	return nil
}

func (serverGroup) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return lifecycle.ListOf(ctx, cloud, serverGroupReads, func(o servergroups.ServerGroup) lifecycle.Listed {
		return lifecycle.Listed{ID: o.ID, Name: o.Name, ProjectID: o.ProjectID}
	})
}

// MovesFrom names the type of the common provider.
func (serverGroup) MovesFrom() []string { return []string{"openstack_compute_servergroup_v2"} }

func (serverGroup) Delete(ctx context.Context, cloud *openstack.Cloud, m *serverGroupModel) error {
	client, err := cloud.Compute()
	if err != nil {
		return err
	}
	return servergroups.Delete(ctx, client, m.ID.ValueString()).ExtractErr()
}

func (m *serverGroupModel) flatten(g servergroups.ServerGroup) {
	m.Name = types.StringValue(g.Name)
	m.Policy = value.StringPtr(g.Policy)
	m.MaxServersPerHost = types.Int64Null()
	if g.Rules != nil && g.Rules.MaxServerPerHost > 0 {
		m.MaxServersPerHost = value.Int(g.Rules.MaxServerPerHost)
	}
}
