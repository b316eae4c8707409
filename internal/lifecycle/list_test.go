package lifecycle_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// things is a thing of which there are several, in a box.
type things struct {
	thing

	list func(lifecycle.ListFilter) ([]lifecycle.Listed, error)
}

var (
	_ lifecycle.Lister = things{}
	_ lifecycle.Nested = things{}
)

func (h things) List(_ context.Context, _ *openstack.Cloud, filter lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return h.list(filter)
}

func (things) Parent() (name, description string) { return "box", "Where the things are." }

func three(lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return []lifecycle.Listed{{ID: "id1", Name: "a"}, {ID: "id2", Name: "b"}, {ID: "id3"}}, nil
}

// query lists with the list resource of h.
func query(t *testing.T, h things, config map[string]tftypes.Value, limit int64, whole bool) []list.ListResult {
	t.Helper()
	b := newBench(t, h.thing)
	constructors := lifecycle.ListResources([]func() resource.Resource{lifecycle.Resource(thing{}), lifecycle.Resource(h)})
	if len(constructors) != 1 {
		t.Fatalf("%d list resources", len(constructors))
	}
	l := constructors[0]()
	l.(list.ListResourceWithConfigure).Configure(t.Context(), resource.ConfigureRequest{ProviderData: cloud(t)}, &resource.ConfigureResponse{})
	var s list.ListResourceSchemaResponse
	l.ListResourceConfigSchema(t.Context(), list.ListResourceSchemaRequest{}, &s)
	values := map[string]tftypes.Value{}
	for name, a := range s.Schema.Attributes {
		values[name] = tftypes.NewValue(a.GetType().TerraformType(t.Context()), nil)
		if v, ok := config[name]; ok {
			values[name] = v
		}
	}
	stream := &list.ListResultsStream{}
	l.List(t.Context(), list.ListRequest{
		Config:          tfsdk.Config{Schema: s.Schema, Raw: tftypes.NewValue(s.Schema.Type().TerraformType(t.Context()), values)},
		IncludeResource: whole, Limit: limit, ResourceSchema: b.schema, ResourceIdentitySchema: b.ident.IdentitySchema,
	}, stream)
	return slices.Collect(stream.Results)
}

func text(s string) tftypes.Value { return tftypes.NewValue(tftypes.String, s) }

func TestListGivesIdentities(t *testing.T) {
	results := query(t, things{list: three}, nil, 2, false)
	if len(results) != 2 {
		t.Fatalf("%d results, want as many as the limit", len(results))
	}
	for i, want := range []string{"id1", "id2"} {
		var id, region types.String
		diags := results[i].Identity.GetAttribute(t.Context(), path.Root("id"), &id)
		diags.Append(results[i].Identity.GetAttribute(t.Context(), path.Root("region"), &region)...)
		if diags.HasError() || id.ValueString() != want || region.ValueString() != simulator.Region {
			t.Errorf("identity %s in %s, want %s: %v", id, region, want, diags)
		}
	}
	if results[0].DisplayName != "a" {
		t.Errorf("shown as %q", results[0].DisplayName)
	}
}

func TestListFilters(t *testing.T) {
	results := query(t, things{list: func(f lifecycle.ListFilter) ([]lifecycle.Listed, error) {
		if f.Parent != "blue" || f.Name != "b" {
			t.Errorf("filter %v", f)
		}
		return three(f)
	}}, map[string]tftypes.Value{"name": text("b"), "box": text("blue")}, 0, false)
	if len(results) != 1 || results[0].DisplayName != "b" {
		t.Errorf("results %v", results)
	}
}

func TestListReadsWhatIsAskedFor(t *testing.T) {
	h := things{list: three}
	h.read = func(ctx context.Context, c *openstack.Cloud, m *thingModel) error {
		if m.ID.ValueString() == "id2" {
			return refused(http.StatusNotFound, "{}") // gone since
		}
		m.Password = types.StringValue("s3cret")
		return red(ctx, c, m)
	}
	results := query(t, h, nil, 100, true)
	if len(results) != 2 || results[1].DisplayName != "id3" {
		t.Fatalf("results %v", results)
	}
	for name, want := range map[string]string{"id": "id1", "name": "name of id1", "color": "red", "region": simulator.Region, "password": ""} {
		var got types.String
		if diags := results[0].Resource.GetAttribute(t.Context(), path.Root(name), &got); diags.HasError() || got.ValueString() != want {
			t.Errorf("%s is %s, want %q: %v", name, got, want, diags)
		}
	}
}

func TestListTellsWhatFailed(t *testing.T) {
	h := things{list: func(lifecycle.ListFilter) ([]lifecycle.Listed, error) { return nil, errors.New("no luck") }}
	results := query(t, h, nil, 0, false)
	if len(results) != 1 {
		t.Fatalf("results %v", results)
	}
	said(t, results[0].Diagnostics, "Could not list the shiny thing", "No luck.")
}

func TestListOfAWrongRegion(t *testing.T) {
	results := query(t, things{list: three}, map[string]tftypes.Value{"region": text("Atlantis")}, 0, false)
	if len(results) != 1 {
		t.Fatalf("results %v", results)
	}
	said(t, results[0].Diagnostics, "Atlantis", simulator.Region)
}

func TestImportOfWhatIsNested(t *testing.T) {
	for given, want := range map[string]string{
		"box/id1":                     "box/id1",
		simulator.Region + "/box/a/b": "box/a/b",
	} {
		t.Run(given, func(t *testing.T) {
			b := newBench(t, things{})
			resp := &resource.ImportStateResponse{State: b.state(nil), Identity: b.identity()}
			b.resource.(resource.ResourceWithImportState).ImportState(t.Context(), resource.ImportStateRequest{ID: given}, resp)
			b.noErrors(resp.Diagnostics)
			b.expect(resp.State, map[string]any{"id": want, "region": simulator.Region})
		})
	}
}
