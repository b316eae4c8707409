package lifecycle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// Mover is a handler that takes over the state of resource types of the common OpenStack provider, as `moved`
// blocks ask for. Id and region are taken; the read that follows completes the rest, as after an import.
type Mover interface {
	// MovesFrom names the types, such as "openstack_networking_network_v2".
	MovesFrom() []string
}

// StateMover is a [Mover] that needs more of the other provider's state than its id and region.
type StateMover[M any] interface {
	Mover
	// MoveState corrects the model's ID, where the other provider writes it differently, and fills what Read
	// cannot find out. The provider may not be configured yet, so there is no cloud to ask.
	MoveState(from MovedState, m *M) error
}

// MovedState is the state of an object of another provider.
type MovedState struct {
	// TypeName is the type that the object had there.
	TypeName   string
	attributes map[string]any
}

// String is the value of an attribute; "" when there is none.
func (s MovedState) String(name string) string {
	text, _ := s.attributes[name].(string)
	return text
}

// Bool is the value of an attribute; false when there is none.
func (s MovedState) Bool(name string) bool {
	is, _ := s.attributes[name].(bool)
	return is
}

// Attribute is the value of an attribute as JSON has it; nil when there is none.
func (s MovedState) Attribute(name string) any { return s.attributes[name] }

var _ resource.ResourceWithMoveState = (*managed[Object, *Object])(nil)

// MoveState has no movers for a type without them: the framework then tells the user.
func (r *managed[M, P]) MoveState(context.Context) []resource.StateMover {
	mover, ok := r.handler.(Mover)
	if !ok {
		return nil
	}
	return []resource.StateMover{{StateMover: func(ctx context.Context, req resource.MoveStateRequest, resp *resource.MoveStateResponse) {
		m, err := r.moved(ctx, mover.MovesFrom(), req, resp)
		Report(&resp.Diagnostics, "take over the state of", r.handler.Name(), err)
		if resp.Diagnostics.HasError() {
			return
		}
		resp.Diagnostics.Append(resp.TargetState.Set(ctx, m)...)
		// An identity must not change any more, so it waits for the read when the region is still open.
		if object := P(m).object(); value.Known(object.Region) {
			identify(ctx, object, resp.TargetIdentity, &resp.Diagnostics)
		}
	}}}
}

// moved is the model of what another provider's state describes.
func (r *managed[M, P]) moved(ctx context.Context, sources []string, req resource.MoveStateRequest, resp *resource.MoveStateResponse) (*M, error) {
	provider := req.SourceProviderAddress[strings.LastIndex(req.SourceProviderAddress, "/")+1:]
	if provider != "openstack" || !slices.Contains(sources, req.SourceTypeName) {
		return nil, fmt.Errorf("it can be moved from %s of the provider openstack, and not from %s of %s",
			strings.Join(sources, " or "), req.SourceTypeName, req.SourceProviderAddress)
	}
	state := MovedState{TypeName: req.SourceTypeName}
	if err := json.Unmarshal(req.SourceRawState.JSON, &state.attributes); err != nil {
		return nil, fmt.Errorf("the state of the %s cannot be read: %w", req.SourceTypeName, err)
	}
	m := r.start(ctx, resp.TargetState, &resp.Diagnostics)
	object := P(m).object()
	object.ID, object.Region = types.StringValue(state.String("id")), value.StringOrNull(state.String("region"))
	if object.ID.ValueString() == "" {
		return nil, errors.New("the state has no id")
	}
	if filler, ok := r.handler.(StateMover[M]); ok {
		return m, filler.MoveState(state, m)
	}
	return m, nil
}
