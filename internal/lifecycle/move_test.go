package lifecycle_test

import (
	"errors"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
)

// movable is a thing that was another provider's.
type movable struct{ thing }

var _ lifecycle.StateMover[thingModel] = movable{}

func (movable) MovesFrom() []string { return []string{"openstack_thing_v1", "openstack_thing_v2"} }

func (movable) MoveState(from lifecycle.MovedState, m *thingModel) error {
	if from.String("color") == "none" {
		return errors.New("it has no color")
	}
	m.Name = types.StringValue(from.TypeName + " " + from.String("name"))
	return nil
}

// move asks an unconfigured provider, as Terraform does.
func move(t *testing.T, r resource.Resource, provider, typ, state string) (*bench, *resource.MoveStateResponse) {
	t.Helper()
	var s resource.SchemaResponse
	r.Schema(t.Context(), resource.SchemaRequest{}, &s)
	b := &bench{t: t, resource: r, schema: s.Schema}
	b.ident.IdentitySchema = lifecycle.IdentitySchema()
	movers := r.(resource.ResourceWithMoveState).MoveState(t.Context())
	if len(movers) != 1 {
		t.Fatalf("%d movers", len(movers))
	}
	resp := &resource.MoveStateResponse{TargetState: b.state(nil), TargetIdentity: b.identity()}
	movers[0].StateMover(t.Context(), resource.MoveStateRequest{
		SourceProviderAddress: provider, SourceTypeName: typ, SourceRawState: &tfprotov6.RawState{JSON: []byte(state)},
	}, resp)
	return b, resp
}

const common = "registry.terraform.io/terraform-provider-openstack/openstack"

func TestMove(t *testing.T) {
	t.Parallel()
	b, resp := move(t, lifecycle.Resource(movable{})(), common, "openstack_thing_v2",
		`{"id": "id1", "region": "North", "name": "a", "color": "red", "extra": {"deep": [1, true, null]}}`)
	b.noErrors(resp.Diagnostics)
	b.expect(resp.TargetState, map[string]any{"id": "id1", "region": "North", "name": "openstack_thing_v2 a", "color": nil})
	var region types.String
	b.noErrors(resp.TargetIdentity.GetAttribute(t.Context(), path.Root("region"), &region))
	if region.ValueString() != "North" {
		t.Errorf("identity's region %s", region)
	}
}

func TestMoveWithoutRegionLeavesItToTheRead(t *testing.T) {
	t.Parallel()
	b, resp := move(t, lifecycle.Resource(movable{})(), "registry.opentofu.org/terraform-provider-openstack/openstack", "openstack_thing_v1", `{"id": "id1", "region": ""}`)
	b.noErrors(resp.Diagnostics)
	b.expect(resp.TargetState, map[string]any{"id": "id1", "region": nil})
	if !resp.TargetIdentity.Raw.IsNull() {
		t.Errorf("identity %s: it would change", resp.TargetIdentity.Raw)
	}
}

func TestMoveRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ provider, typ, state, want string }{
		"another provider": {"registry.terraform.io/hashicorp/random", "openstack_thing_v2", `{"id": "id1"}`, "openstack_thing_v1 or openstack_thing_v2"},
		"another type":     {common, "openstack_other_v2", `{"id": "id1"}`, "openstack_other_v2"},
		"no id":            {common, "openstack_thing_v2", `{"id": null}`, "has no id"},
		"no state":         {common, "openstack_thing_v2", `[]`, "cannot be read"},
		"the type's own":   {common, "openstack_thing_v2", `{"id": "id1", "color": "none"}`, "It has no color."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, resp := move(t, lifecycle.Resource(movable{})(), tc.provider, tc.typ, tc.state)
			said(t, resp.Diagnostics, "Could not take over the state of the shiny thing", tc.want)
			if !resp.TargetState.Raw.IsNull() {
				t.Errorf("state %s", resp.TargetState.Raw)
			}
		})
	}
}

func TestNothingMovesToATypeWithoutMovers(t *testing.T) {
	t.Parallel()
	r := lifecycle.Resource(thing{})()
	if movers := r.(resource.ResourceWithMoveState).MoveState(t.Context()); len(movers) != 0 {
		t.Errorf("movers %v", movers)
	}
}
