package network

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// addressScope holds subnet pools whose addresses do not overlap and are routed to each other without translation.
type addressScope struct{}

var (
	_ lifecycle.Handler[addressScopeModel] = addressScope{}
	_ lifecycle.Updater[addressScopeModel] = addressScope{}
	_ lifecycle.Planner[addressScopeModel] = addressScope{}
	_ lifecycle.Lister                     = addressScope{}
	_ lifecycle.Mover                      = addressScope{}
)

type addressScopeModel struct {
	lifecycle.Object

	Name      types.String `tfsdk:"name"`
	IPVersion types.Int64  `tfsdk:"ip_version"`
	Shared    types.Bool   `tfsdk:"shared"`
}

type apiAddressScope struct {
	ID        string `json:"id"`
	ProjectID string `json:"project_id"`
	Name      string `json:"name"`
	IPVersion int    `json:"ip_version"`
	Shared    bool   `json:"shared"`
}

var addressScopes = kind[apiAddressScope]{"address_scope", "address_scopes", func(s apiAddressScope) string { return s.ID }}

func (addressScope) Name() string { return "address_scope" }

func (addressScope) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "An address scope: subnet pools in it do not overlap, and routers need not translate addresses between their subnets.",
		Attributes: map[string]schema.Attribute{
			"name": attribute.Name("Name of the scope."),
			"ip_version": schema.Int64Attribute{
				MarkdownDescription: "4 or 6. Changing it makes a new scope.",
				Required:            true,
				PlanModifiers:       []planmodifier.Int64{int64planmodifier.RequiresReplace()},
				Validators:          []validator.Int64{int64validator.OneOf(4, 6)},
			},
			"shared": attribute.Flag("Whether all projects may use the scope. Needs an administrator. A shared one can only be replaced by one that is not.", false),
		},
	}
}

// Plan knows that sharing cannot be taken back.
func (addressScope) Plan(_ context.Context, _ *openstack.Cloud, change *lifecycle.Change[addressScopeModel]) error {
	if change.Prior != nil && change.Prior.Shared.ValueBool() && value.Known(change.Plan.Shared) && !change.Plan.Shared.ValueBool() {
		change.Replace(path.Root("shared"))
	}
	return nil
}

func (m *addressScopeModel) fields() fields {
	return fields{"name": m.Name, "ip_version": m.IPVersion, "shared": m.Shared}
}

func (addressScope) Create(ctx context.Context, cloud *openstack.Cloud, m *addressScopeModel) error {
	made, err := addressScopes.createUndated(ctx, cloud, m.fields().known())
	if err != nil {
		return blame(err, nil, map[string]string{"shared": "shared"})
	}
	m.ID = types.StringValue(made.ID)
	return nil
}

func (addressScope) Read(ctx context.Context, cloud *openstack.Cloud, m *addressScopeModel) error {
	found, err := addressScopes.get(ctx, cloud, m.ID.ValueString())
	if err != nil {
		return err
	}
	m.flatten(found)
	return nil
}

func (addressScope) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *addressScopeModel) error {
	err := addressScopes.change(ctx, cloud, plan.ID.ValueString(), plan.fields().changed(prior.fields()))
	return blame(err, nil, map[string]string{"shared": "shared"})
}

func (addressScope) Delete(ctx context.Context, cloud *openstack.Cloud, m *addressScopeModel) error {
	id := m.ID.ValueString()
	return deleteUnused(ctx, "address scope "+m.Name.ValueString(),
		func(ctx context.Context) error { return addressScopes.delete(ctx, cloud, id) },
		func(ctx context.Context) ([]string, error) {
			found, err := subnetPools.list(ctx, cloud, url.Values{"address_scope_id": {id}})
			var users []string
			for _, p := range found {
				users = append(users, "subnet pool "+describe(p.Name, p.ID))
			}
			return users, err
		})
}

func (addressScope) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return lifecycle.ListOf(ctx, cloud, addressScopes.collection(), func(o apiAddressScope) lifecycle.Listed {
		return lifecycle.Listed{ID: o.ID, Name: o.Name, ProjectID: o.ProjectID}
	})
}

// MovesFrom names the type of the common provider.
func (addressScope) MovesFrom() []string { return []string{"openstack_networking_addressscope_v2"} }

func (m *addressScopeModel) flatten(s apiAddressScope) {
	m.Name = types.StringValue(s.Name)
	m.IPVersion = value.Int(s.IPVersion)
	m.Shared = types.BoolValue(s.Shared)
}
