package lifecycle

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// SourceObject is what every data source's model embeds. Its attributes are added to the schema by [DataSource].
type SourceObject struct {
	ID     types.String `tfsdk:"id"`
	Region types.String `tfsdk:"region"`
}

func (o *SourceObject) sourceObject() *SourceObject { return o }

// SourceModel is a pointer to a struct that embeds [SourceObject].
type SourceModel[M any] interface {
	*M
	sourceObject() *SourceObject
}

// Source is one data source type. It may also be a [Validator].
type Source[M any] interface {
	// Name is the type's name without the provider's prefix.
	Name() string
	// Schema has the type's own attributes; id (one of the things to look up by) and region are added to it.
	Schema() schema.Schema
	// Read looks the object up by what the model holds and completes the model, its ID included.
	Read(ctx context.Context, cloud *openstack.Cloud, m *M) error
}

// DataSource returns the constructor of the Terraform data source that s reads.
func DataSource[M any, P SourceModel[M]](s Source[M]) func() datasource.DataSource {
	return func() datasource.DataSource { return &lookup[M, P]{source: s} }
}

type lookup[M any, P SourceModel[M]] struct {
	session
	source Source[M]
}

var (
	_ datasource.DataSourceWithConfigure      = (*lookup[SourceObject, *SourceObject])(nil)
	_ datasource.DataSourceWithValidateConfig = (*lookup[SourceObject, *SourceObject])(nil)
)

func (d *lookup[M, P]) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + d.source.Name()
}

func (d *lookup[M, P]) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.configure(req.ProviderData, &resp.Diagnostics)
}

func (d *lookup[M, P]) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	s := d.source.Schema()
	s.Attributes["id"] = schema.StringAttribute{
		MarkdownDescription: "Identifier, to look it up by or as found.",
		Optional:            true,
		Computed:            true,
	}
	s.Attributes["region"] = schema.StringAttribute{
		MarkdownDescription: "Region to look in; the provider's when not set.",
		Optional:            true,
		Computed:            true,
	}
	resp.Schema = s
}

func (d *lookup[M, P]) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	v, ok := d.source.(Validator[M])
	if !ok {
		return
	}
	var config M
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if !resp.Diagnostics.HasError() {
		Report(&resp.Diagnostics, "validate", d.source.Name(), v.Validate(ctx, &config))
	}
}

func (d *lookup[M, P]) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m M
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	object := P(&m).sourceObject()
	cloud, err := d.within(ctx, defaultTimeout, object.Region, &resp.Diagnostics, func(ctx context.Context, cloud *openstack.Cloud) error {
		return d.source.Read(ctx, cloud, &m)
	})
	Report(&resp.Diagnostics, "find", d.source.Name(), err)
	if resp.Diagnostics.HasError() {
		return
	}
	object.Region = types.StringValue(cloud.Region())
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
