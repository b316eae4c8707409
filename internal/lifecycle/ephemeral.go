package lifecycle

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// EphemeralObject is what every ephemeral resource's model embeds. Its attribute is added to the schema by [EphemeralResource].
type EphemeralObject struct {
	Region types.String `tfsdk:"region"`
}

func (o *EphemeralObject) ephemeralObject() *EphemeralObject { return o }

// EphemeralModel is a pointer to a struct that embeds [EphemeralObject].
type EphemeralModel[M any] interface {
	*M
	ephemeralObject() *EphemeralObject
}

// Ephemeral is one ephemeral resource type: values for one run of Terraform, which are in no plan and no state.
// It may also be a [Validator] and a [Closer].
type Ephemeral[M any] interface {
	// Name is the type's name without the provider's prefix.
	Name() string
	// Schema has the type's own attributes; region is added to it.
	Schema() schema.Schema
	// Open completes the model. Terraform calls it in every phase that needs the values, with a configuration
	// that is wholly known.
	Open(ctx context.Context, cloud *openstack.Cloud, m *M) error
}

// Closer is an ephemeral resource that leaves something in the cloud, which ends with Terraform's run.
type Closer[M any] interface {
	// Held is what Close will need to know of an opened model. Terraform keeps it in memory only.
	Held(m *M) string
	// Close undoes Open. That it is undone already is no error.
	Close(ctx context.Context, cloud *openstack.Cloud, held string) error
}

// EphemeralResource returns the constructor of the Terraform ephemeral resource that e opens.
func EphemeralResource[M any, P EphemeralModel[M]](e Ephemeral[M]) func() ephemeral.EphemeralResource {
	return func() ephemeral.EphemeralResource {
		o := opened[M, P]{ephemeral: e}
		if closer, ok := e.(Closer[M]); ok {
			return &closed[M, P]{opened: o, closer: closer}
		}
		return &o
	}
}

// opened is the Terraform face of an ephemeral resource.
type opened[M any, P EphemeralModel[M]] struct {
	session
	ephemeral Ephemeral[M]
}

// closed is one that has to be closed. Terraform asks by the interface whether there is something to close.
type closed[M any, P EphemeralModel[M]] struct {
	opened[M, P]
	closer Closer[M]
}

var (
	_ ephemeral.EphemeralResourceWithConfigure      = (*opened[EphemeralObject, *EphemeralObject])(nil)
	_ ephemeral.EphemeralResourceWithValidateConfig = (*opened[EphemeralObject, *EphemeralObject])(nil)
	_ ephemeral.EphemeralResourceWithClose          = (*closed[EphemeralObject, *EphemeralObject])(nil)
)

func (e *opened[M, P]) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + e.ephemeral.Name()
}

func (e *opened[M, P]) Configure(_ context.Context, req ephemeral.ConfigureRequest, resp *ephemeral.ConfigureResponse) {
	e.configure(req.ProviderData, &resp.Diagnostics)
}

func (e *opened[M, P]) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	s := e.ephemeral.Schema()
	s.Attributes["region"] = schema.StringAttribute{
		MarkdownDescription: "Region to work in; the provider's when not set.",
		Optional:            true,
		Computed:            true,
	}
	resp.Schema = s
}

func (e *opened[M, P]) ValidateConfig(ctx context.Context, req ephemeral.ValidateConfigRequest, resp *ephemeral.ValidateConfigResponse) {
	v, ok := e.ephemeral.(Validator[M])
	if !ok {
		return
	}
	var config M
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if !resp.Diagnostics.HasError() {
		Report(&resp.Diagnostics, "validate", e.ephemeral.Name(), v.Validate(ctx, &config))
	}
}

func (e *opened[M, P]) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	m, _ := e.open(ctx, req, resp)
	if m != nil {
		resp.Diagnostics.Append(resp.Result.Set(ctx, m)...)
	}
}

// open opens the resource; the model is nil when that failed.
func (e *opened[M, P]) open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) (*M, *openstack.Cloud) {
	m := new(M)
	resp.Diagnostics.Append(req.Config.Get(ctx, m)...)
	if resp.Diagnostics.HasError() {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	ctx, warned := withWarnings(ctx)
	object := P(m).ephemeralObject()
	cloud, err := e.in(object.Region)
	if err == nil {
		err = e.ephemeral.Open(ctx, cloud, m)
	}
	Report(&resp.Diagnostics, "open", e.ephemeral.Name(), err)
	resp.Diagnostics.Append(warned.all()...)
	if resp.Diagnostics.HasError() {
		return nil, nil
	}
	object.Region = types.StringValue(cloud.Region())
	return m, cloud
}

// heldKey is where Terraform keeps what is needed to close.
const heldKey = "held"

// held is the content of heldKey.
type held struct{ Region, Held string }

func (e *closed[M, P]) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	m, cloud := e.open(ctx, req, resp)
	if m == nil {
		return
	}
	text, err := json.Marshal(held{cloud.Region(), e.closer.Held(m)})
	if err != nil {
		resp.Diagnostics.AddError("Could not remember what to close", fmt.Sprintf("This is a defect of the provider: %v.", err))
		return
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, heldKey, text)...)
	resp.Diagnostics.Append(resp.Result.Set(ctx, m)...)
}

func (e *closed[M, P]) Close(ctx context.Context, req ephemeral.CloseRequest, resp *ephemeral.CloseResponse) {
	text, diags := req.Private.GetKey(ctx, heldKey)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	ctx, warned := withWarnings(ctx)
	var h held
	err := json.Unmarshal(text, &h)
	if err == nil {
		var cloud *openstack.Cloud
		if cloud, err = e.in(types.StringValue(h.Region)); err == nil {
			err = e.closer.Close(ctx, cloud, h.Held)
		}
	}
	if !openstack.NotFound(err) {
		Report(&resp.Diagnostics, "close", e.ephemeral.Name(), err)
	}
	resp.Diagnostics.Append(warned.all()...)
}
