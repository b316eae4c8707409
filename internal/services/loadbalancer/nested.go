package loadbalancer

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// elements decodes the objects of a map that are known; what is in them may be unknown.
func elements[T any](ctx context.Context, m types.Map) (map[string]T, error) {
	out := map[string]T{}
	for key, e := range m.Elements() {
		decoded, err := element[T](ctx, e)
		if err != nil {
			return nil, err
		}
		if decoded != nil {
			out[key] = *decoded
		}
	}
	return out, nil
}

// items decodes the objects of a list that are known. Those that are not are left as zero.
func items[T any](ctx context.Context, l types.List) ([]T, error) {
	out := make([]T, len(l.Elements()))
	for i, e := range l.Elements() {
		decoded, err := element[T](ctx, e)
		if err != nil {
			return nil, err
		}
		if decoded != nil {
			out[i] = *decoded
		}
	}
	return out, nil
}

// element decodes an object of a map or list, or returns nil when it is null or unknown.
func element[T any](ctx context.Context, e attr.Value) (*T, error) {
	object, ok := e.(types.Object)
	if !ok {
		return nil, nil //nolint:nilnil // no object is an answer
	}
	return single[T](ctx, object)
}

// single decodes an object, or returns nil when it is null or unknown.
func single[T any](ctx context.Context, o types.Object) (*T, error) {
	if !value.Known(o) {
		return nil, nil //nolint:nilnil // no object is an answer
	}
	var out T
	if diags := o.As(ctx, &out, basetypes.ObjectAsOptions{}); diags.HasError() {
		return nil, broken(diags)
	}
	return &out, nil
}

// broken says that schema and model disagree, which only a defect of the provider can cause.
func broken(diags diag.Diagnostics) error {
	var errs []error
	for _, d := range diags.Errors() {
		errs = append(errs, fmt.Errorf("%s: %s", d.Summary(), d.Detail()))
	}
	return errors.Join(errs...)
}

// elementType is what a map or list of nested objects holds.
func elementType(a schema.Attribute) attr.Type {
	if t, ok := a.GetType().(attr.TypeWithElementType); ok {
		return t.ElementType()
	}
	return nil
}

// only drops the models of what is not there any more.
func only[M, V any](models map[string]M, there map[string]V) map[string]M {
	maps.DeleteFunc(models, func(key string, _ M) bool {
		_, ok := there[key]
		return !ok
	})
	return models
}

// mapOf is a map of objects. None is null, unless the model has written an empty map.
func mapOf[T any](ctx context.Context, a schema.Attribute, objects map[string]T, prior types.Map) (types.Map, error) {
	if len(objects) == 0 && (prior.IsNull() || prior.IsUnknown()) {
		return types.MapNull(elementType(a)), nil
	}
	m, diags := types.MapValueFrom(ctx, elementType(a), objects)
	return m, broken(diags)
}

func listOf[T any](ctx context.Context, a schema.Attribute, objects []T) (types.List, error) {
	if len(objects) == 0 {
		return types.ListNull(elementType(a)), nil
	}
	l, diags := types.ListValueFrom(ctx, elementType(a), objects)
	return l, broken(diags)
}

func objectOf[T any](ctx context.Context, a schema.Attribute, object T) (types.Object, error) {
	o, diags := types.ObjectValueFrom(ctx, objectTypes(a), object)
	return o, broken(diags)
}

// objectTypes are the types of a nested attribute's own attributes.
func objectTypes(a schema.Attribute) map[string]attr.Type {
	if t, ok := a.GetType().(attr.TypeWithAttributeTypes); ok {
		return t.AttributeTypes()
	}
	return nil
}
