package lifecycle

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	listschema "github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"golang.org/x/sync/errgroup"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// Lister is a handler whose objects can be listed. A list resource is made of it, with filters for the name
// and the tags when the type's schema has such attributes.
type Lister interface {
	// List returns the objects that this type could manage. It may leave the filter alone, which is
	// applied to what it returns; one that asks the API for less saves time.
	List(ctx context.Context, cloud *openstack.Cloud, filter ListFilter) ([]Listed, error)
}

// Nested is a handler whose objects are inside of another one. Their ids have slashes: PARENT/CHILD.
type Nested interface {
	// Parent names the attribute with which a list says what to look into ([ListFilter.Parent]), and describes it.
	Parent() (name, description string)
}

// ListFilter says which objects are asked for.
type ListFilter struct {
	// Name is the exact name, "" for any.
	Name string
	// Tags are those that an object must have, all of them.
	Tags []string
	// Parent is what the objects are inside of, for a [Nested] handler.
	Parent string
}

// Listed is one object of a list.
type Listed struct {
	// ID is what the model's ID would be.
	ID string
	// Name is what people know the object by; may be "".
	Name string
	Tags []string
	// ProjectID is the owner, where the API lists what others own, too: that is left out. "" is the project's own.
	ProjectID string
}

// ListOf lists a collection with one request, which also answers the reads that may follow.
func ListOf[T any](ctx context.Context, cloud *openstack.Cloud, c openstack.Collection[T], describe func(T) Listed) ([]Listed, error) {
	found, err := openstack.All(ctx, cloud, c)
	all := make([]Listed, 0, len(found))
	for _, o := range found {
		all = append(all, describe(o))
	}
	return all, err
}

func (f ListFilter) matches(o Listed) bool {
	if f.Name != "" && f.Name != o.Name {
		return false
	}
	return !slices.ContainsFunc(f.Tags, func(tag string) bool { return !slices.Contains(o.Tags, tag) })
}

// ListResources returns the constructors of the list resources of those resources that can be listed.
func ListResources(resources []func() resource.Resource) []func() list.ListResource {
	var all []func() list.ListResource
	for _, construct := range resources {
		if r, ok := construct().(interface {
			listing() func() list.ListResource
		}); ok {
			if l := r.listing(); l != nil {
				all = append(all, l)
			}
		}
	}
	return all
}

func (r *managed[M, P]) listing() func() list.ListResource {
	lister, ok := r.handler.(Lister)
	if !ok {
		return nil
	}
	return func() list.ListResource {
		return &listing[M, P]{managed: managed[M, P]{handler: r.handler}, lister: lister}
	}
}

// listing is the list resource of one handler.
type listing[M any, P Model[M]] struct {
	managed[M, P]
	lister Lister
}

var _ list.ListResourceWithConfigure = (*listing[Object, *Object])(nil)

const (
	// readAtOnce is how many listed objects are read at the same time. Most are answered by the list already.
	readAtOnce = 16
	nameKey    = "name"
	tagsKey    = "tags"
	regionKey  = "region"
)

func (l *listing[M, P]) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	own := l.handler.Schema().Attributes
	resp.Schema.MarkdownDescription = fmt.Sprintf("Lists what the project has of `massif_%s`, for `terraform query`.", l.handler.Name())
	resp.Schema.Attributes = map[string]listschema.Attribute{
		regionKey: listschema.StringAttribute{MarkdownDescription: "Region to look in; the provider's when not set.", Optional: true},
	}
	if _, ok := own[nameKey]; ok {
		resp.Schema.Attributes[nameKey] = listschema.StringAttribute{MarkdownDescription: "Only those with exactly this name.", Optional: true}
	}
	if _, ok := own[tagsKey]; ok {
		resp.Schema.Attributes[tagsKey] = listschema.ListAttribute{
			MarkdownDescription: "Only those that have all of these tags.", ElementType: types.StringType, Optional: true,
		}
	}
	if nested, ok := l.handler.(Nested); ok {
		name, description := nested.Parent()
		resp.Schema.Attributes[name] = listschema.StringAttribute{MarkdownDescription: description, Required: true}
	}
}

func (l *listing[M, P]) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	cloud, found, diags := l.find(ctx, req)
	if diags.HasError() {
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	if req.Limit > 0 && int64(len(found)) > req.Limit {
		found = found[:req.Limit]
	}
	results := make([]*list.ListResult, len(found))
	var group errgroup.Group
	group.SetLimit(readAtOnce)
	for i, o := range found {
		group.Go(func() error {
			results[i] = l.result(ctx, cloud, req, o)
			return nil
		})
	}
	_ = group.Wait() // what failed is in the results
	stream.Results = func(push func(list.ListResult) bool) {
		for _, r := range results {
			if r != nil && !push(*r) {
				return
			}
		}
	}
}

// find lists what the configuration asks for.
func (l *listing[M, P]) find(ctx context.Context, req list.ListRequest) (*openstack.Cloud, []Listed, diag.Diagnostics) {
	var diags diag.Diagnostics
	var region types.String
	var filter ListFilter
	for name, a := range req.Config.Schema.GetAttributes() {
		if name == tagsKey {
			var tags types.List
			diags.Append(req.Config.GetAttribute(ctx, path.Root(name), &tags)...)
			filter.Tags = value.Strings(tags)
			continue
		}
		var text types.String
		diags.Append(req.Config.GetAttribute(ctx, path.Root(name), &text)...)
		switch {
		case name == regionKey:
			region = text
		case name == nameKey:
			filter.Name = text.ValueString()
		case a.IsRequired():
			filter.Parent = text.ValueString()
		}
	}
	if diags.HasError() {
		return nil, nil, diags
	}
	var found []Listed
	cloud, err := l.within(ctx, defaultTimeout, region, &diags, func(ctx context.Context, cloud *openstack.Cloud) (err error) {
		found, err = l.lister.List(ctx, cloud, filter)
		return err
	})
	Report(&diags, "list", l.handler.Name(), err)
	return cloud, slices.DeleteFunc(found, func(o Listed) bool {
		return o.ProjectID != "" && o.ProjectID != cloud.ProjectID() || !filter.matches(o)
	}), diags
}

// result is one object of the answer, or nil when it has vanished since the list was made.
func (l *listing[M, P]) result(ctx context.Context, cloud *openstack.Cloud, req list.ListRequest, o Listed) *list.ListResult {
	result := req.NewListResult(ctx)
	result.DisplayName = o.Name
	if o.Name == "" {
		result.DisplayName = o.ID
	}
	who := Object{ID: types.StringValue(o.ID), Region: types.StringValue(cloud.Region())}
	identify(ctx, &who, result.Identity, &result.Diagnostics)
	if !req.IncludeResource || result.Diagnostics.HasError() {
		return &result
	}
	state := tfsdk.State{Raw: result.Resource.Raw, Schema: result.Resource.Schema}
	var m *M
	_, err := l.within(ctx, l.timeouts().Read, who.Region, &result.Diagnostics, func(ctx context.Context, cloud *openstack.Cloud) (err error) {
		if m, err = l.adopt(ctx, cloud, o.ID, state, &result.Diagnostics); err != nil || result.Diagnostics.HasError() {
			return err
		}
		return l.handler.Read(ctx, cloud, m)
	})
	if openstack.NotFound(err) {
		return nil
	}
	Report(&result.Diagnostics, "read", l.handler.Name(), err)
	if !result.Diagnostics.HasError() {
		l.save(ctx, cloud, m, &state, result.Identity, &result.Diagnostics)
		l.addDefaults(ctx, &state, &result.Diagnostics)
		result.Resource.Raw = state.Raw
	}
	return &result
}
