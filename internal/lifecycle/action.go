package lifecycle

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/action/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// Task is what every action's model embeds. Its attributes are added to the schema by [Action].
type Task struct {
	Region   types.String   `tfsdk:"region"`
	Timeouts timeouts.Value `tfsdk:"timeouts"`
}

func (t *Task) task() *Task { return t }

// TaskModel is a pointer to a struct that embeds [Task].
type TaskModel[M any] interface {
	*M
	task() *Task
}

// Doer is one action type: something that is done once, to objects that it neither makes nor keeps. It may also be a
// [Validator] and [Timed], of which the time to create counts.
type Doer[M any] interface {
	// Name is the type's name without the provider's prefix, such as "server_reboot".
	Name() string
	// Schema has the type's own attributes; region and timeouts are added to it.
	Schema() schema.Schema
	// Do does it and returns when it is done. What tell is given is shown to the user meanwhile.
	Do(ctx context.Context, cloud *openstack.Cloud, m *M, tell func(string)) error
}

// Action returns the constructor of the Terraform action that d does.
func Action[M any, P TaskModel[M]](d Doer[M]) func() action.Action {
	return func() action.Action { return &doing[M, P]{doer: d} }
}

type doing[M any, P TaskModel[M]] struct {
	session
	doer Doer[M]
}

var (
	_ action.ActionWithConfigure      = (*doing[Task, *Task])(nil)
	_ action.ActionWithValidateConfig = (*doing[Task, *Task])(nil)
)

func (a *doing[M, P]) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + a.doer.Name()
}

func (a *doing[M, P]) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.configure(req.ProviderData, &resp.Diagnostics)
}

func (a *doing[M, P]) Schema(ctx context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	s := a.doer.Schema()
	s.Attributes[regionKey] = schema.StringAttribute{
		MarkdownDescription: "Region of the object; the provider's when not set.",
		Optional:            true,
	}
	limits, _ := timeouts.Attributes(ctx).(schema.SingleNestedAttribute)
	limits.MarkdownDescription = "How long to wait before giving up, such as `{ invoke = \"30m\" }`."
	s.Attributes["timeouts"] = limits
	resp.Schema = s
}

func (a *doing[M, P]) ValidateConfig(ctx context.Context, req action.ValidateConfigRequest, resp *action.ValidateConfigResponse) {
	v, ok := a.doer.(Validator[M])
	if !ok {
		return
	}
	var config M
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if !resp.Diagnostics.HasError() {
		Report(&resp.Diagnostics, "validate", a.doer.Name(), v.Validate(ctx, &config))
	}
}

func (a *doing[M, P]) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var m M
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	limit := defaultTimeout
	if timed, ok := a.doer.(Timed); ok {
		limit = timed.Timeouts().Create
	}
	task := P(&m).task()
	limit, diags := task.Timeouts.Invoke(ctx, limit)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	_, err := a.within(ctx, limit, task.Region, &resp.Diagnostics, func(ctx context.Context, cloud *openstack.Cloud) error {
		return a.doer.Do(ctx, cloud, &m, func(text string) { resp.SendProgress(action.InvokeProgressEvent{Message: text}) })
	})
	Report(&resp.Diagnostics, "finish", a.doer.Name(), err)
}
