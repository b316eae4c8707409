package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// thing is a resource whose API is whatever the test says.
type thing struct {
	create, read, remove, wait func(context.Context, *openstack.Cloud, *thingModel) error
	update                     func(context.Context, *openstack.Cloud, *thingModel, *thingModel) error
	plan                       func(context.Context, *openstack.Cloud, *lifecycle.Change[thingModel]) error
	validate                   func(context.Context, *thingModel) error
	limits                     lifecycle.Timeouts
}

var (
	_ lifecycle.Handler[thingModel]   = thing{}
	_ lifecycle.Updater[thingModel]   = thing{}
	_ lifecycle.Waiter[thingModel]    = thing{}
	_ lifecycle.Planner[thingModel]   = thing{}
	_ lifecycle.Validator[thingModel] = thing{}
	_ lifecycle.Secrets[thingModel]   = thing{}
	_ lifecycle.Importer[thingModel]  = thing{}
	_ lifecycle.Timed                 = thing{}
)

type thingModel struct {
	lifecycle.Object

	Name     types.String `tfsdk:"name"`
	Color    types.String `tfsdk:"color"`
	Password types.String `tfsdk:"password"`
	Fragile  types.Bool   `tfsdk:"fragile"`
	Weight   types.Int64  `tfsdk:"weight"`
	Size     types.String `tfsdk:"size"`
}

func (thing) Name() string { return "shiny_thing" }

func (thing) Schema() schema.Schema {
	return schema.Schema{Attributes: map[string]schema.Attribute{
		"name":     schema.StringAttribute{Required: true},
		"color":    schema.StringAttribute{Computed: true},
		"password": schema.StringAttribute{Optional: true, WriteOnly: true},
		"fragile":  schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(true)},
		"weight":   schema.Int64Attribute{Optional: true, Computed: true, Default: int64default.StaticInt64(7)},
		"size":     schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString("small")},
	}}
}

func call(f func(context.Context, *openstack.Cloud, *thingModel) error, ctx context.Context, c *openstack.Cloud, m *thingModel) error { //nolint:revive // the function comes first
	if f == nil {
		return nil
	}
	return f(ctx, c, m)
}

func (h thing) Create(ctx context.Context, c *openstack.Cloud, m *thingModel) error {
	return call(h.create, ctx, c, m)
}
func (h thing) Read(ctx context.Context, c *openstack.Cloud, m *thingModel) error {
	return call(h.read, ctx, c, m)
}
func (h thing) Delete(ctx context.Context, c *openstack.Cloud, m *thingModel) error {
	return call(h.remove, ctx, c, m)
}
func (h thing) Wait(ctx context.Context, c *openstack.Cloud, m *thingModel) error {
	return call(h.wait, ctx, c, m)
}
func (h thing) Update(ctx context.Context, c *openstack.Cloud, plan, prior *thingModel) error {
	if h.update == nil {
		return nil
	}
	return h.update(ctx, c, plan, prior)
}
func (h thing) Plan(ctx context.Context, c *openstack.Cloud, change *lifecycle.Change[thingModel]) error {
	if h.plan == nil {
		return nil
	}
	return h.plan(ctx, c, change)
}
func (h thing) Validate(ctx context.Context, m *thingModel) error {
	if h.validate == nil {
		return nil
	}
	return h.validate(ctx, m)
}
func (thing) Secrets(from, to *thingModel) { to.Password = from.Password }
func (thing) Import(_ context.Context, _ *openstack.Cloud, id string, m *thingModel) error {
	if id == "broken" {
		return errors.New("no such identifier")
	}
	m.Name = types.StringValue("name of " + id)
	return nil
}
func (h thing) Timeouts() lifecycle.Timeouts { return h.limits }

// bench drives one resource the way the framework does.
type bench struct {
	t        *testing.T
	resource resource.Resource
	schema   schema.Schema
	ident    resource.IdentitySchemaResponse
}

func newBench(t *testing.T, h lifecycle.Handler[thingModel]) *bench {
	t.Helper()
	t.Parallel()
	b := &bench{t: t, resource: lifecycle.Resource(h)()}
	var s resource.SchemaResponse
	b.resource.Schema(t.Context(), resource.SchemaRequest{}, &s)
	b.schema = s.Schema
	b.resource.(resource.ResourceWithIdentity).IdentitySchema(t.Context(), resource.IdentitySchemaRequest{}, &b.ident)
	var configured resource.ConfigureResponse
	b.resource.(resource.ResourceWithConfigure).Configure(t.Context(), resource.ConfigureRequest{ProviderData: cloud(t)}, &configured)
	b.noErrors(configured.Diagnostics)
	return b
}

func cloud(t *testing.T) *openstack.Cloud {
	t.Helper()
	sim, err := simulator.Run(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	c, err := openstack.Open(t.Context(), openstack.Config{Auth: gophercloud.AuthOptions{
		IdentityEndpoint: sim.AuthURL(), Username: "demo", Password: simulator.Password, DomainName: "Default", TenantName: "demo",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (b *bench) noErrors(diags diag.Diagnostics) {
	b.t.Helper()
	if diags.HasError() {
		b.t.Fatalf("unexpected: %v", diags)
	}
}

// raw builds the object from the attributes given; all others are null.
func (b *bench) raw(values map[string]any) tftypes.Value {
	typ := b.schema.Type().TerraformType(b.t.Context()).(tftypes.Object)
	all := map[string]tftypes.Value{}
	for name, at := range typ.AttributeTypes {
		all[name] = tftypes.NewValue(at, nil)
		if v, ok := values[name]; ok {
			all[name] = tftypes.NewValue(at, v)
		}
	}
	return tftypes.NewValue(typ, all)
}

func (b *bench) state(values map[string]any) tfsdk.State {
	if values == nil {
		return tfsdk.State{Schema: b.schema, Raw: tftypes.NewValue(b.schema.Type().TerraformType(b.t.Context()), nil)}
	}
	return tfsdk.State{Schema: b.schema, Raw: b.raw(values)}
}

func (b *bench) identity() *tfsdk.ResourceIdentity {
	s := b.ident.IdentitySchema
	return &tfsdk.ResourceIdentity{Schema: s, Raw: tftypes.NewValue(s.Type().TerraformType(b.t.Context()), nil)}
}

func (b *bench) create(ctx context.Context, plan, config map[string]any) *resource.CreateResponse {
	resp := &resource.CreateResponse{State: b.state(nil), Identity: b.identity()}
	b.resource.Create(ctx, resource.CreateRequest{
		Plan:   tfsdk.Plan{Schema: b.schema, Raw: b.raw(plan)},
		Config: tfsdk.Config{Schema: b.schema, Raw: b.raw(config)},
	}, resp)
	return resp
}

func (b *bench) update(ctx context.Context, prior, plan, config map[string]any) *resource.UpdateResponse {
	resp := &resource.UpdateResponse{State: b.state(plan), Identity: b.identity()}
	b.resource.Update(ctx, resource.UpdateRequest{
		State:  b.state(prior),
		Plan:   tfsdk.Plan{Schema: b.schema, Raw: b.raw(plan)},
		Config: tfsdk.Config{Schema: b.schema, Raw: b.raw(config)},
	}, resp)
	return resp
}

func (b *bench) read(state map[string]any) *resource.ReadResponse {
	resp := &resource.ReadResponse{State: b.state(state), Identity: b.identity()}
	b.resource.Read(b.t.Context(), resource.ReadRequest{State: b.state(state)}, resp)
	return resp
}

// expect compares attributes of a state; nil stands for null.
func (b *bench) expect(state tfsdk.State, want map[string]any) {
	b.t.Helper()
	if state.Raw.IsNull() {
		b.t.Fatal("there is no state")
	}
	for name, w := range want {
		var got types.String
		b.noErrors(state.GetAttribute(b.t.Context(), path.Root(name), &got))
		switch {
		case got.IsUnknown():
			b.t.Errorf("%s is unknown", name)
		case w == nil && !got.IsNull():
			b.t.Errorf("%s is %s, want null", name, got)
		case w != nil && got.ValueString() != w:
			b.t.Errorf("%s is %s, want %q", name, got, w)
		}
	}
}

func said(t *testing.T, diags diag.Diagnostics, words ...string) {
	t.Helper()
	if !diags.HasError() {
		t.Fatal("no error")
	}
	text := ""
	for _, d := range diags.Errors() {
		text += d.Summary() + "\n" + d.Detail() + "\n"
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("the error does not say %q:\n%s", w, text)
		}
	}
}

func made(_ context.Context, _ *openstack.Cloud, m *thingModel) error {
	m.ID = types.StringValue("id1")
	return nil
}

func red(_ context.Context, _ *openstack.Cloud, m *thingModel) error {
	m.Color = types.StringValue("red")
	return nil
}

// refused is an error of the client library, as a service gives it.
func refused(status int, body string) error {
	return gophercloud.ErrUnexpectedResponseCode{
		Method: http.MethodPost, URL: "https://cloud/v2/things", Actual: status, Expected: []int{201}, Body: []byte(body),
		ResponseHeader: http.Header{"X-Openstack-Request-Id": {"req-42"}},
	}
}

var unknown = tftypes.UnknownValue

func TestCreateReadsBack(t *testing.T) {
	order := ""
	b := newBench(t, thing{
		create: func(ctx context.Context, c *openstack.Cloud, m *thingModel) error {
			order += "create "
			if m.Password.ValueString() != "s3cret" {
				t.Errorf("the write-only value is %s in Create", m.Password)
			}
			if c.Region() != simulator.Region {
				t.Errorf("region %q", c.Region())
			}
			return made(ctx, c, m)
		},
		wait: func(_ context.Context, _ *openstack.Cloud, m *thingModel) error {
			order += "wait(" + m.ID.ValueString() + ") "
			return nil
		},
		read: func(ctx context.Context, c *openstack.Cloud, m *thingModel) error {
			order += "read"
			return red(ctx, c, m)
		},
	})
	resp := b.create(t.Context(), map[string]any{"id": unknown, "region": unknown, "color": unknown, "name": "a"},
		map[string]any{"name": "a", "password": "s3cret"})
	b.noErrors(resp.Diagnostics)
	if order != "create wait(id1) read" {
		t.Errorf("order: %s", order)
	}
	b.expect(resp.State, map[string]any{"id": "id1", "region": simulator.Region, "color": "red", "name": "a", "password": nil})
	var id types.String
	b.noErrors(resp.Identity.GetAttribute(t.Context(), path.Root("id"), &id))
	if id.ValueString() != "id1" {
		t.Errorf("identity %s", id)
	}
}

func TestWhatExistsIsSavedWhateverFails(t *testing.T) {
	failed := func(context.Context, *openstack.Cloud, *thingModel) error { return errors.New("it broke") }
	for name, h := range map[string]thing{
		"create, after the object was made": {create: func(ctx context.Context, c *openstack.Cloud, m *thingModel) error {
			return errors.Join(made(ctx, c, m), errors.New("it broke"))
		}},
		"wait": {create: made, wait: failed},
		"read": {create: made, read: failed},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, h)
			resp := b.create(t.Context(), map[string]any{"id": unknown, "color": unknown, "name": "a", "password": nil},
				map[string]any{"name": "a", "password": "s3cret"})
			said(t, resp.Diagnostics, "Could not create the shiny thing", "It broke.")
			b.expect(resp.State, map[string]any{"id": "id1", "color": nil, "name": "a", "password": nil})
		})
	}
}

func TestNothingIsSavedWhenNothingExists(t *testing.T) {
	b := newBench(t, thing{create: func(context.Context, *openstack.Cloud, *thingModel) error { return errors.New("it broke") }})
	resp := b.create(t.Context(), map[string]any{"id": unknown, "name": "a"}, map[string]any{"name": "a"})
	said(t, resp.Diagnostics, "It broke.")
	if !resp.State.Raw.IsNull() {
		t.Errorf("state: %v", resp.State.Raw)
	}
}

func TestTimeoutEndsTheWaitAndKeepsTheObject(t *testing.T) {
	forever := func(ctx context.Context, _ *openstack.Cloud, _ *thingModel) error {
		<-ctx.Done()
		return fmt.Errorf("waiting for the thing: %w", ctx.Err())
	}
	b := newBench(t, thing{create: made, wait: forever, limits: lifecycle.Timeouts{Create: time.Millisecond}})
	resp := b.create(t.Context(), map[string]any{"name": "a"}, map[string]any{"name": "a"})
	said(t, resp.Diagnostics, "deadline exceeded")
	b.expect(resp.State, map[string]any{"id": "id1"})
}

func TestInterruptEndsTheWaitAndKeepsTheObject(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := newBench(t, thing{create: made, wait: func(ctx context.Context, _ *openstack.Cloud, _ *thingModel) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}})
	resp := b.create(ctx, map[string]any{"name": "a"}, map[string]any{"name": "a"})
	said(t, resp.Diagnostics, "Context canceled.")
	b.expect(resp.State, map[string]any{"id": "id1"})
}

func TestReadOfWhatIsGoneRemovesIt(t *testing.T) {
	for name, gone := range map[string]error{
		"404":            refused(http.StatusNotFound, "{}"),
		"deleted object": fmt.Errorf("thing: %w", openstack.ErrGone),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, thing{read: func(context.Context, *openstack.Cloud, *thingModel) error { return gone }})
			resp := b.read(map[string]any{"id": "id1", "name": "a"})
			b.noErrors(resp.Diagnostics)
			if !resp.State.Raw.IsNull() {
				t.Error("it is still in the state")
			}
			if resp.Identity.Raw.IsFullyNull() {
				t.Error("the framework refuses to forget what has no identity")
			}
		})
	}
}

func TestReadGivesDefaultsToWhatTheAPIDoesNotTell(t *testing.T) {
	b := newBench(t, thing{read: red})
	resp := b.read(map[string]any{"id": "id1", "size": "large"}) // as an import leaves it, but for the size
	b.noErrors(resp.Diagnostics)
	b.expect(resp.State, map[string]any{"color": "red", "size": "large"})
	var fragile types.Bool
	var weight types.Int64
	b.noErrors(resp.State.GetAttribute(t.Context(), path.Root("fragile"), &fragile))
	b.noErrors(resp.State.GetAttribute(t.Context(), path.Root("weight"), &weight))
	if !fragile.ValueBool() || weight.ValueInt64() != 7 {
		t.Errorf("fragile %s, weight %s", fragile, weight)
	}
}

func TestFailedReadKeepsTheState(t *testing.T) {
	b := newBench(t, thing{read: func(context.Context, *openstack.Cloud, *thingModel) error {
		return refused(http.StatusInternalServerError, `{"error": {"message": "oops"}}`)
	}})
	resp := b.read(map[string]any{"id": "id1", "name": "a"})
	said(t, resp.Diagnostics, "Could not read the shiny thing", "500 Internal Server Error: Oops.", "request req-42")
	b.expect(resp.State, map[string]any{"id": "id1"})
}

func TestUpdateReadsBack(t *testing.T) {
	b := newBench(t, thing{
		update: func(_ context.Context, _ *openstack.Cloud, plan, prior *thingModel) error {
			if plan.Name.ValueString() != "b" || prior.Name.ValueString() != "a" || plan.Password.ValueString() != "new" {
				t.Errorf("plan %v, prior %v", plan, prior)
			}
			return nil
		},
		read: red,
	})
	resp := b.update(t.Context(), map[string]any{"id": "id1", "name": "a"},
		map[string]any{"id": "id1", "name": "b", "color": unknown}, map[string]any{"name": "b", "password": "new"})
	b.noErrors(resp.Diagnostics)
	b.expect(resp.State, map[string]any{"name": "b", "color": "red", "password": nil})
}

func TestFailedUpdateSavesWhatBecameTrue(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := newBench(t, thing{
		update: func(context.Context, *openstack.Cloud, *thingModel, *thingModel) error {
			cancel() // as by Ctrl-C
			return errors.New("half done")
		},
		read: func(ctx context.Context, c *openstack.Cloud, m *thingModel) error {
			if ctx.Err() != nil {
				t.Error("the truth must be read although the user interrupted")
			}
			return red(ctx, c, m)
		},
	})
	resp := b.update(ctx, map[string]any{"id": "id1", "name": "a", "color": "blue"},
		map[string]any{"id": "id1", "name": "b", "color": unknown}, map[string]any{"name": "b"})
	said(t, resp.Diagnostics, "Could not update the shiny thing", "Half done.")
	b.expect(resp.State, map[string]any{"name": "a", "color": "red"})
}

func TestFailedUpdateOfWhatCannotBeReadKeepsThePriorState(t *testing.T) {
	b := newBench(t, thing{
		update: func(context.Context, *openstack.Cloud, *thingModel, *thingModel) error {
			return errors.New("half done")
		},
		read: func(context.Context, *openstack.Cloud, *thingModel) error { return errors.New("unreadable") },
	})
	resp := b.update(t.Context(), map[string]any{"id": "id1", "name": "a", "color": "blue"},
		map[string]any{"id": "id1", "name": "b", "color": unknown}, map[string]any{"name": "b"})
	b.expect(resp.State, map[string]any{"id": "id1", "name": "a", "color": "blue"})
}

func TestDelete(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"done":         {nil, ""},
		"gone already": {refused(http.StatusNotFound, "{}"), ""},
		"in use":       {refused(http.StatusConflict, `{"NeutronError": {"type": "NetworkInUse", "message": "There are one or more ports still in use"}}`), "There are one or more ports still in use"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, thing{remove: func(context.Context, *openstack.Cloud, *thingModel) error { return tc.err }})
			resp := &resource.DeleteResponse{State: b.state(map[string]any{"id": "id1"})}
			b.resource.Delete(t.Context(), resource.DeleteRequest{State: resp.State}, resp)
			if tc.want == "" {
				b.noErrors(resp.Diagnostics)
			} else {
				said(t, resp.Diagnostics, "Could not delete the shiny thing", tc.want)
			}
		})
	}
}

func TestImport(t *testing.T) {
	for _, tc := range []struct{ id, wantID, wantError string }{
		{"id1", "id1", ""},
		{simulator.Region + "/id1", "id1", ""},
		{"Atlantis/id1", "", "Atlantis"},
		{"broken", "", "No such identifier."},
	} {
		t.Run(tc.id, func(t *testing.T) {
			b := newBench(t, thing{})
			resp := &resource.ImportStateResponse{State: b.state(nil), Identity: b.identity()}
			b.resource.(resource.ResourceWithImportState).ImportState(t.Context(), resource.ImportStateRequest{ID: tc.id}, resp)
			if tc.wantError != "" {
				said(t, resp.Diagnostics, tc.wantError)
				return
			}
			b.noErrors(resp.Diagnostics)
			b.expect(resp.State, map[string]any{"id": tc.wantID, "region": simulator.Region, "name": "name of id1"})
		})
	}
}

func TestImportByIdentity(t *testing.T) {
	b := newBench(t, thing{})
	who := b.identity()
	b.noErrors(who.SetAttribute(t.Context(), path.Root("id"), "id1"))
	resp := &resource.ImportStateResponse{State: b.state(nil), Identity: who}
	b.resource.(resource.ResourceWithImportState).ImportState(t.Context(), resource.ImportStateRequest{Identity: who}, resp)
	b.noErrors(resp.Diagnostics)
	b.expect(resp.State, map[string]any{"id": "id1", "region": simulator.Region})
}

func (b *bench) modifyPlan(prior, plan, config map[string]any) *resource.ModifyPlanResponse {
	p := tfsdk.Plan{Schema: b.schema, Raw: b.raw(plan)}
	resp := &resource.ModifyPlanResponse{Plan: p, Identity: b.identity()}
	b.resource.(resource.ResourceWithModifyPlan).ModifyPlan(b.t.Context(), resource.ModifyPlanRequest{
		State: b.state(prior), Plan: p, Config: tfsdk.Config{Schema: b.schema, Raw: b.raw(config)},
	}, resp)
	return resp
}

func TestPlanOfANewObjectKnowsItsRegion(t *testing.T) {
	b := newBench(t, thing{plan: func(_ context.Context, c *openstack.Cloud, change *lifecycle.Change[thingModel]) error {
		if change.Prior != nil || c == nil {
			t.Errorf("prior %v, cloud %v", change.Prior, c)
		}
		change.Plan.Color = types.StringValue("green")
		return nil
	}})
	resp := b.modifyPlan(nil, map[string]any{"name": "a", "region": unknown, "color": unknown}, map[string]any{"name": "a"})
	b.noErrors(resp.Diagnostics)
	b.expect(tfsdk.State(resp.Plan), map[string]any{"region": simulator.Region, "color": "green"})
}

func TestPlanLeavesAnUnknownRegionUnknown(t *testing.T) {
	b := newBench(t, thing{plan: func(_ context.Context, c *openstack.Cloud, _ *lifecycle.Change[thingModel]) error {
		if c != nil {
			t.Error("the cloud of an unknown region cannot be known")
		}
		return nil
	}})
	resp := b.modifyPlan(nil, map[string]any{"name": "a", "region": unknown}, map[string]any{"name": "a", "region": unknown})
	b.noErrors(resp.Diagnostics)
	var region types.String
	b.noErrors(resp.Plan.GetAttribute(t.Context(), path.Root("region"), &region))
	if !region.IsUnknown() {
		t.Errorf("region %s", region)
	}
}

func TestPlanRefusesAWrongRegion(t *testing.T) {
	b := newBench(t, thing{})
	resp := b.modifyPlan(nil, map[string]any{"name": "a", "region": "Atlantis"}, map[string]any{"name": "a", "region": "Atlantis"})
	said(t, resp.Diagnostics, "Atlantis", simulator.Region)
	if at, ok := resp.Diagnostics[0].(diag.DiagnosticWithPath); !ok || !at.Path().Equal(path.Root("region")) {
		t.Errorf("no path: %v", resp.Diagnostics)
	}
}

func TestPlanCanAskForReplacementAndWarn(t *testing.T) {
	b := newBench(t, thing{plan: func(ctx context.Context, _ *openstack.Cloud, change *lifecycle.Change[thingModel]) error {
		if change.Prior == nil || change.Prior.Name.ValueString() != "a" {
			t.Errorf("prior %v", change.Prior)
		}
		change.Replace(path.Root("name"))
		lifecycle.Warn(ctx, "Careful", "it is fragile")
		return nil
	}})
	resp := b.modifyPlan(map[string]any{"id": "id1", "name": "a", "region": simulator.Region},
		map[string]any{"id": "id1", "name": "b", "region": simulator.Region}, map[string]any{"name": "b"})
	b.noErrors(resp.Diagnostics)
	if len(resp.RequiresReplace) != 1 || !resp.RequiresReplace[0].Equal(path.Root("name")) {
		t.Errorf("replace %v", resp.RequiresReplace)
	}
	if resp.Diagnostics.WarningsCount() != 1 {
		t.Errorf("warnings: %v", resp.Diagnostics)
	}
}

func TestPlanOfADestroyDoesNothing(t *testing.T) {
	b := newBench(t, thing{plan: func(context.Context, *openstack.Cloud, *lifecycle.Change[thingModel]) error {
		t.Error("called")
		return nil
	}})
	null := tftypes.NewValue(b.schema.Type().TerraformType(t.Context()), nil)
	resp := &resource.ModifyPlanResponse{Plan: tfsdk.Plan{Schema: b.schema, Raw: null}}
	b.resource.(resource.ResourceWithModifyPlan).ModifyPlan(t.Context(), resource.ModifyPlanRequest{
		State: b.state(map[string]any{"id": "id1"}), Plan: resp.Plan, Config: tfsdk.Config{Schema: b.schema, Raw: null},
	}, resp)
	b.noErrors(resp.Diagnostics)
}

func TestValidateReportsEveryProblemAtItsPath(t *testing.T) {
	b := newBench(t, thing{validate: func(context.Context, *thingModel) error {
		return errors.Join(
			lifecycle.Invalid(path.Root("name"), "must be %s", "short"),
			lifecycle.Invalid(path.Root("color"), "must be bright"))
	}})
	resp := &resource.ValidateConfigResponse{}
	b.resource.(resource.ResourceWithValidateConfig).ValidateConfig(t.Context(), resource.ValidateConfigRequest{
		Config: tfsdk.Config{Schema: b.schema, Raw: b.raw(map[string]any{"name": "a"})},
	}, resp)
	said(t, resp.Diagnostics, "Invalid value", "Must be short.", "Must be bright.")
	if resp.Diagnostics.ErrorsCount() != 2 {
		t.Errorf("%d errors", resp.Diagnostics.ErrorsCount())
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err     error
		want    []string
		wantNot string
		count   int
	}{
		"nothing": {err: nil},
		"plain":   {err: errors.New("no luck"), want: []string{"Could not make the big thing\n", "No luck."}, count: 1},
		"the API's words, once": {
			err:     fmt.Errorf("create thing %q: %w", "x", refused(409, `{"NeutronError": {"type": "T", "message": "it is taken"}}`)),
			want:    []string{`Create thing "x".`, "409 Conflict: It is taken.", "POST https://cloud/v2/things (request req-42)"},
			wantNot: "Expected HTTP response code", count: 1,
		},
		"quota": {
			err:  refused(409, `{"NeutronError": {"type": "OverQuota", "message": "Quota exceeded for resources: ['port']."}}`),
			want: []string{"Quota exceeded for resources: ['port'].", "larger quota"}, count: 1,
		},
		"role": {err: refused(403, `{"message": "not allowed"}`), want: []string{"lack the role"}, count: 1},
		"attribute": {
			err:  lifecycle.At(path.Root("flavor"), refused(400, `{"badRequest": {"message": "no such flavor", "code": 400}}`)),
			want: []string{"Could not make the big thing\n", "No such flavor."}, count: 1,
		},
		"several": {err: errors.Join(errors.New("one"), errors.New("two")), want: []string{"One.", "Two."}, count: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var diags diag.Diagnostics
			lifecycle.Report(&diags, "make", "big_thing", tc.err)
			if len(diags) != tc.count {
				t.Fatalf("%d diagnostics: %v", len(diags), diags)
			}
			if tc.count > 0 {
				said(t, diags, tc.want...)
			}
			for _, d := range diags {
				if tc.wantNot != "" && strings.Contains(d.Detail(), tc.wantNot) {
					t.Errorf("it says %q: %s", tc.wantNot, d.Detail())
				}
			}
		})
	}
}

func TestExistsNamesTheImportCommand(t *testing.T) {
	t.Parallel()
	var diags diag.Diagnostics
	lifecycle.Report(&diags, "create", "shiny_thing", lifecycle.Exists("shiny_thing", path.Root("name"), "x"))
	said(t, diags, "Already exists", "terraform import 'massif_shiny_thing.NAME' 'x'")
}

func TestUnconfiguredProviderIsAnError(t *testing.T) {
	t.Parallel()
	r := lifecycle.Resource(thing{})()
	b := &bench{t: t, resource: r}
	var s resource.SchemaResponse
	r.Schema(t.Context(), resource.SchemaRequest{}, &s)
	b.schema = s.Schema
	resp := b.createWithoutIdentity()
	said(t, resp.Diagnostics, "not configured")
}

func (b *bench) createWithoutIdentity() *resource.CreateResponse {
	resp := &resource.CreateResponse{State: b.state(nil)}
	b.resource.Create(b.t.Context(), resource.CreateRequest{
		Plan:   tfsdk.Plan{Schema: b.schema, Raw: b.raw(map[string]any{"name": "a"})},
		Config: tfsdk.Config{Schema: b.schema, Raw: b.raw(map[string]any{"name": "a"})},
	}, resp)
	return resp
}
