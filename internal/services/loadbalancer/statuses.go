package loadbalancer

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// The statuses stand beside the tree, not in it: they change by themselves, and a plan that changes one member
// would otherwise call every listener, pool and member changed.
type statusesModel struct {
	Listeners map[string]statusModel     `tfsdk:"listeners"`
	Pools     map[string]poolStatusModel `tfsdk:"pools"`
}

type statusModel struct {
	ID                 types.String `tfsdk:"id"`
	ProvisioningStatus types.String `tfsdk:"provisioning_status"`
	OperatingStatus    types.String `tfsdk:"operating_status"`
}

type poolStatusModel struct {
	ID                 types.String           `tfsdk:"id"`
	ProvisioningStatus types.String           `tfsdk:"provisioning_status"`
	OperatingStatus    types.String           `tfsdk:"operating_status"`
	Members            map[string]statusModel `tfsdk:"members"`
	Monitor            types.Object           `tfsdk:"monitor"`
}

func statuses() schema.SingleNestedAttribute {
	pool := status()
	pool["members"] = schema.MapNestedAttribute{
		MarkdownDescription: "Members by their keys.",
		Computed:            true,
		NestedObject:        schema.NestedAttributeObject{Attributes: status()},
	}
	pool["monitor"] = schema.SingleNestedAttribute{
		MarkdownDescription: "Health monitor, if there is one.",
		Computed:            true,
		Attributes:          status(),
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "How everything below the load balancer does, as read last. It is never the reason of a plan.",
		Computed:            true,
		Attributes: map[string]schema.Attribute{
			"listeners": schema.MapNestedAttribute{
				MarkdownDescription: "Listeners by their keys.",
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: status()},
			},
			"pools": schema.MapNestedAttribute{
				MarkdownDescription: "Pools by their keys.",
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: pool},
			},
		},
	}
}

func status() map[string]schema.Attribute {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	return map[string]schema.Attribute{
		"id":                  text("Octavia's id."),
		"provisioning_status": text("Whether Octavia is done with it: `ACTIVE` when it is."),
		"operating_status":    text("How it does: `ONLINE`, `DEGRADED`, `ERROR`, `OFFLINE`, `DRAINING`, or `NO_MONITOR`."),
	}
}

func flattenStatuses(ctx context.Context, tree *engine.Tree) (types.Object, error) {
	real := tree.Statuses()
	m := statusesModel{Listeners: map[string]statusModel{}, Pools: map[string]poolStatusModel{}}
	for key, s := range real.Listeners {
		m.Listeners[key] = flattenStatus(s)
	}
	for key, s := range real.Pools {
		pool := poolStatusModel{
			ID: types.StringValue(s.ID), ProvisioningStatus: value.StringOrNull(s.Provisioning), OperatingStatus: value.StringOrNull(s.Operating),
			Members: map[string]statusModel{}, Monitor: types.ObjectNull(objectTypes(schema.SingleNestedAttribute{Attributes: status()})),
		}
		for name, member := range s.Members {
			pool.Members[name] = flattenStatus(member)
		}
		if s.Monitor != nil {
			var err error
			if pool.Monitor, err = objectOf(ctx, schema.SingleNestedAttribute{Attributes: status()}, flattenStatus(*s.Monitor)); err != nil {
				return types.ObjectNull(objectTypes(statuses())), err
			}
		}
		m.Pools[key] = pool
	}
	return objectOf(ctx, statuses(), m)
}

func flattenStatus(s engine.Status) statusModel {
	return statusModel{
		ID: types.StringValue(s.ID), ProvisioningStatus: value.StringOrNull(s.Provisioning), OperatingStatus: value.StringOrNull(s.Operating),
	}
}
