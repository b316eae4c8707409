package lifecycle

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/defaults"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

const defaultTimeout = 10 * time.Minute

// Resource returns the constructor of the Terraform resource that h handles.
func Resource[M any, P Model[M]](h Handler[M]) func() resource.Resource {
	return func() resource.Resource { return &managed[M, P]{handler: h} }
}

// managed is the Terraform face of one handler.
type managed[M any, P Model[M]] struct {
	session
	handler Handler[M]
}

var (
	_ resource.ResourceWithConfigure      = (*managed[Object, *Object])(nil)
	_ resource.ResourceWithIdentity       = (*managed[Object, *Object])(nil)
	_ resource.ResourceWithImportState    = (*managed[Object, *Object])(nil)
	_ resource.ResourceWithModifyPlan     = (*managed[Object, *Object])(nil)
	_ resource.ResourceWithValidateConfig = (*managed[Object, *Object])(nil)
)

func (r *managed[M, P]) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + r.handler.Name()
}

func (r *managed[M, P]) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.configure(req.ProviderData, &resp.Diagnostics)
}

func (r *managed[M, P]) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = WithObject(ctx, r.handler.Schema())
}

// WithObject adds the attributes of [Object] to a schema.
func WithObject(ctx context.Context, s schema.Schema) schema.Schema {
	s.Attributes["id"] = schema.StringAttribute{
		MarkdownDescription: "Identifier that the cloud gave.",
		Computed:            true,
		PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
	}
	s.Attributes["region"] = schema.StringAttribute{
		MarkdownDescription: "Region of the object; the provider's when not set. Changing it makes a new object.",
		Optional:            true,
		Computed:            true,
		PlanModifiers: []planmodifier.String{
			stringplanmodifier.UseStateForUnknown(),
			stringplanmodifier.RequiresReplaceIfConfigured(),
		},
	}
	limits, _ := timeouts.AttributesAll(ctx).(schema.SingleNestedAttribute)
	limits.MarkdownDescription = "How long to wait before giving up, such as `{ create = \"30m\" }`."
	s.Attributes["timeouts"] = limits
	return s
}

// identity is what identifies an object in its cloud.
type identity struct {
	ID     types.String `tfsdk:"id"`
	Region types.String `tfsdk:"region"`
}

func (r *managed[M, P]) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = IdentitySchema()
}

// IdentitySchema is the identity of every object: its id and region.
func IdentitySchema() identityschema.Schema {
	return identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"id":     identityschema.StringAttribute{RequiredForImport: true, Description: "Identifier that the cloud gave."},
		"region": identityschema.StringAttribute{OptionalForImport: true, Description: "Region of the object; the provider's when not set."},
	}}
}

func (r *managed[M, P]) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	v, ok := r.handler.(Validator[M])
	if !ok {
		return
	}
	var config M
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, warned := withWarnings(ctx)
	Report(&resp.Diagnostics, "validate", r.handler.Name(), v.Validate(ctx, &config))
	resp.Diagnostics.Append(warned.all()...)
}

func (r *managed[M, P]) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var region types.String
	resp.Diagnostics.Append(req.Plan.GetAttribute(ctx, path.Root("region"), &region)...)
	var cloud *openstack.Cloud
	if r.cloud != nil && value.AllKnown(region) {
		var err error
		if cloud, err = r.in(region); err != nil {
			Report(&resp.Diagnostics, "plan", r.handler.Name(), err)
			return
		}
	} else if r.cloud != nil && req.State.Raw.IsNull() && !r.regionConfigured(ctx, req.Config, &resp.Diagnostics) {
		cloud = r.cloud
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("region"), types.StringValue(cloud.Region()))...)
	}
	if planner, ok := r.handler.(Planner[M]); ok && !resp.Diagnostics.HasError() {
		r.plan(ctx, cloud, planner, req, resp)
	}
	if !resp.Diagnostics.HasError() {
		r.checkQuotas(ctx, cloud, req, resp)
	}
}

// plan lets the handler have its say.
func (r *managed[M, P]) plan(ctx context.Context, cloud *openstack.Cloud, planner Planner[M], req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var config, plan, prior M
	change := &Change[M]{Config: &config, Plan: &plan}
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(resp.Plan.Get(ctx, &plan)...)
	if !req.State.Raw.IsNull() {
		change.Prior = &prior
		resp.Diagnostics.Append(req.State.Get(ctx, &prior)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, warned := withWarnings(ctx)
	Report(&resp.Diagnostics, "plan", r.handler.Name(), planner.Plan(ctx, cloud, change))
	resp.Diagnostics.Append(warned.all()...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, change.Plan)...)
	resp.RequiresReplace.Append(change.replace...)
}

// regionConfigured reports whether the user wrote a region, be it one that is not known yet.
func (r *managed[M, P]) regionConfigured(ctx context.Context, config tfsdk.Config, diags *diag.Diagnostics) bool {
	var region types.String
	diags.Append(config.GetAttribute(ctx, path.Root("region"), &region)...)
	return !region.IsNull()
}

func (r *managed[M, P]) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan M
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	r.revealSecrets(ctx, req.Config, &plan, &resp.Diagnostics)
	object := P(&plan).object()
	limit, diags := object.Timeouts.Create(ctx, r.timeouts().Create)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	object.ID = types.StringNull()
	cloud, err := r.within(ctx, limit, object.Region, &resp.Diagnostics, func(ctx context.Context, cloud *openstack.Cloud) error {
		if err := r.handler.Create(ctx, cloud, &plan); err != nil {
			return err
		}
		return r.settle(ctx, cloud, &plan)
	})
	Report(&resp.Diagnostics, "create", r.handler.Name(), err)
	if value.Known(object.ID) {
		r.save(ctx, cloud, &plan, &resp.State, resp.Identity, &resp.Diagnostics)
	}
}

// settle waits until the object is usable and reads it back.
func (r *managed[M, P]) settle(ctx context.Context, cloud *openstack.Cloud, m *M) error {
	if w, ok := r.handler.(Waiter[M]); ok {
		if err := w.Wait(ctx, cloud, m); err != nil {
			return err
		}
	}
	return r.handler.Read(ctx, cloud, m)
}

func (r *managed[M, P]) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state M
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	object := P(&state).object()
	limit, diags := object.Timeouts.Read(ctx, r.timeouts().Read)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	cloud, err := r.within(ctx, limit, object.Region, &resp.Diagnostics, func(ctx context.Context, cloud *openstack.Cloud) error {
		return r.handler.Read(ctx, cloud, &state)
	})
	if openstack.NotFound(err) {
		// The framework wants to know the identity even of what is gone.
		identify(ctx, object, resp.Identity, &resp.Diagnostics)
		resp.State.RemoveResource(ctx)
		return
	}
	Report(&resp.Diagnostics, "read", r.handler.Name(), err)
	if !resp.Diagnostics.HasError() {
		r.save(ctx, cloud, &state, &resp.State, resp.Identity, &resp.Diagnostics)
		r.addDefaults(ctx, &resp.State, &resp.Diagnostics)
	}
}

func (r *managed[M, P]) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, prior M
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &prior)...)
	r.revealSecrets(ctx, req.Config, &plan, &resp.Diagnostics)
	limit, diags := P(&plan).object().Timeouts.Update(ctx, r.timeouts().Update)
	resp.Diagnostics.Append(diags...)
	resp.State = req.State // until we know better
	if resp.Diagnostics.HasError() {
		return
	}
	cloud, err := r.within(ctx, limit, P(&prior).object().Region, &resp.Diagnostics, func(ctx context.Context, cloud *openstack.Cloud) error {
		if u, ok := r.handler.(Updater[M]); ok {
			if err := u.Update(ctx, cloud, &plan, &prior); err != nil {
				return err
			}
		}
		return r.settle(ctx, cloud, &plan)
	})
	Report(&resp.Diagnostics, "update", r.handler.Name(), err)
	if err == nil {
		r.save(ctx, cloud, &plan, &resp.State, resp.Identity, &resp.Diagnostics)
	} else if cloud != nil {
		r.saveTruth(ctx, cloud, req.State, resp)
	}
}

// saveTruth puts in the state what a failed update has left: the prior state, brought up to date. The
// update may have failed because its time was up or the user interrupted it, so this has its own time.
func (r *managed[M, P]) saveTruth(ctx context.Context, cloud *openstack.Cloud, prior tfsdk.State, resp *resource.UpdateResponse) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	var truth M
	resp.Diagnostics.Append(prior.Get(ctx, &truth)...)
	if err := r.handler.Read(ctx, cloud, &truth); err != nil {
		return // the error of the update is already told, and the prior state stays
	}
	r.save(ctx, cloud, &truth, &resp.State, resp.Identity, &resp.Diagnostics)
}

func (r *managed[M, P]) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state M
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	object := P(&state).object()
	limit, diags := object.Timeouts.Delete(ctx, r.timeouts().Delete)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	_, err := r.within(ctx, limit, object.Region, &resp.Diagnostics, func(ctx context.Context, cloud *openstack.Cloud) error {
		return r.handler.Delete(ctx, cloud, &state)
	})
	if !openstack.NotFound(err) {
		Report(&resp.Diagnostics, "delete", r.handler.Name(), err)
	}
}

// ImportState takes an id, a region and an id as "region/id", or an identity.
func (r *managed[M, P]) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	var who identity
	if req.ID != "" {
		who.ID = types.StringValue(req.ID)
		if region, id, found := strings.Cut(req.ID, "/"); found && !r.nestedIn(region) {
			who = identity{ID: types.StringValue(id), Region: types.StringValue(region)}
		}
	} else {
		resp.Diagnostics.Append(req.Identity.Get(ctx, &who)...)
	}
	cloud, err := r.in(who.Region)
	if err != nil || resp.Diagnostics.HasError() {
		Report(&resp.Diagnostics, "import", r.handler.Name(), err)
		return
	}
	m, err := r.adopt(ctx, cloud, who.ID.ValueString(), resp.State, &resp.Diagnostics)
	Report(&resp.Diagnostics, "import", r.handler.Name(), err)
	if !resp.Diagnostics.HasError() {
		r.save(ctx, cloud, m, &resp.State, resp.Identity, &resp.Diagnostics)
	}
}

// nestedIn tells whether an import identifier begins with an object's parent rather than with a region.
func (r *managed[M, P]) nestedIn(first string) bool {
	if _, nested := r.handler.(Nested); !nested || r.cloud == nil {
		return false
	}
	_, err := r.cloud.In(first)
	return err != nil
}

// adopt is the model of an object that was not made by this resource, ready to be read.
func (r *managed[M, P]) adopt(ctx context.Context, cloud *openstack.Cloud, id string, state tfsdk.State, diags *diag.Diagnostics) (*M, error) {
	m := r.start(ctx, state, diags)
	P(m).object().ID = types.StringValue(id)
	if importer, ok := r.handler.(Importer[M]); ok {
		return m, importer.Import(ctx, cloud, id, m)
	}
	return m, nil
}

// start is a model without values, of which the collections know their types.
func (r *managed[M, P]) start(ctx context.Context, state tfsdk.State, diags *diag.Diagnostics) *M {
	attributes := map[string]tftypes.Value{}
	for name, a := range state.Schema.GetAttributes() {
		attributes[name] = tftypes.NewValue(a.GetType().TerraformType(ctx), nil)
	}
	state.Raw = tftypes.NewValue(state.Schema.Type().TerraformType(ctx), attributes)
	m := new(M)
	diags.Append(state.Get(ctx, m)...)
	return m
}

// addDefaults gives the default to what a read has left null: what the API does not tell, such as force_destroy, is
// unset only after an import or a move, and in the states of older versions. A plan would show it as a change.
func (r *managed[M, P]) addDefaults(ctx context.Context, state *tfsdk.State, diags *diag.Diagnostics) {
	for name, a := range r.handler.Schema().Attributes {
		unset := defaultOf(ctx, a)
		if unset == nil {
			continue
		}
		var v attr.Value
		if diags.Append(state.GetAttribute(ctx, path.Root(name), &v)...); v != nil && v.IsNull() {
			diags.Append(state.SetAttribute(ctx, path.Root(name), unset)...)
		}
	}
}

// defaultOf is an attribute's default, or nil. Collections are told by every API.
func defaultOf(ctx context.Context, a any) attr.Value {
	switch a := a.(type) {
	case schema.BoolAttribute:
		if a.Default != nil {
			var resp defaults.BoolResponse
			a.Default.DefaultBool(ctx, defaults.BoolRequest{}, &resp)
			return resp.PlanValue
		}
	case schema.Int64Attribute:
		if a.Default != nil {
			var resp defaults.Int64Response
			a.Default.DefaultInt64(ctx, defaults.Int64Request{}, &resp)
			return resp.PlanValue
		}
	case schema.StringAttribute:
		if a.Default != nil {
			var resp defaults.StringResponse
			a.Default.DefaultString(ctx, defaults.StringRequest{}, &resp)
			return resp.PlanValue
		}
	}
	return nil
}

func (r *managed[M, P]) timeouts() Timeouts {
	var t Timeouts
	if timed, ok := r.handler.(Timed); ok {
		t = timed.Timeouts()
	}
	for _, limit := range []*time.Duration{&t.Create, &t.Read, &t.Update, &t.Delete} {
		if *limit == 0 {
			*limit = defaultTimeout
		}
	}
	return t
}

// revealSecrets copies the write-only values of the configuration to m for the time of one call.
func (r *managed[M, P]) revealSecrets(ctx context.Context, config tfsdk.Config, m *M, diags *diag.Diagnostics) {
	s, ok := r.handler.(Secrets[M])
	if !ok || diags.HasError() {
		return
	}
	var c M
	diags.Append(config.Get(ctx, &c)...)
	s.Secrets(&c, m)
}

// save puts m in the state, without write-only values and, after a failure, without unknown ones.
func (r *managed[M, P]) save(ctx context.Context, cloud *openstack.Cloud, m *M, state *tfsdk.State, who *tfsdk.ResourceIdentity, diags *diag.Diagnostics) {
	object := P(m).object()
	object.Region = types.StringValue(cloud.Region())
	if s, ok := r.handler.(Secrets[M]); ok {
		s.Secrets(new(M), m)
	}
	Save(ctx, m, object, state, who, diags)
}

// Save puts a model and its identity in the state. After a failure, what is not known is saved as null:
// Terraform refuses a state with unknown values, and would lose the object.
func Save(ctx context.Context, m any, object *Object, state *tfsdk.State, who *tfsdk.ResourceIdentity, diags *diag.Diagnostics) {
	diags.Append(state.Set(ctx, m)...)
	identify(ctx, object, who, diags)
	if !diags.HasError() {
		return
	}
	known, err := tftypes.Transform(state.Raw, func(_ *tftypes.AttributePath, v tftypes.Value) (tftypes.Value, error) {
		if !v.IsKnown() {
			return tftypes.NewValue(v.Type(), nil), nil
		}
		return v, nil
	})
	if err != nil {
		diags.AddError("Could not save the state", fmt.Sprintf("This is a defect of the provider: %v.", err))
		return
	}
	state.Raw = known
}

// identify sets the identity, which is nil for those who have none.
func identify(ctx context.Context, object *Object, who *tfsdk.ResourceIdentity, diags *diag.Diagnostics) {
	if who != nil {
		diags.Append(who.Set(ctx, identity{ID: object.ID, Region: object.Region})...)
	}
}
