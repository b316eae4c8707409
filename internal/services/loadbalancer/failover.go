package loadbalancer

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
)

// failover is the action that replaces the amphorae of a load balancer.
type failover struct{}

var (
	_ lifecycle.Doer[failoverModel] = failover{}
	_ lifecycle.Timed               = failover{}
)

type failoverModel struct {
	lifecycle.Task

	LoadBalancerID types.String `tfsdk:"load_balancer_id"`
}

func (failover) Name() string { return "load_balancer_failover" }

// Timeouts are long because a cloud makes new servers.
func (failover) Timeouts() lifecycle.Timeouts { return lifecycle.Timeouts{Create: 30 * time.Minute} }

func (failover) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "Replaces the amphorae of a load balancer by new ones, as after an update of their image, and waits until it is usable again. " +
			"Most clouds want the role `load-balancer_admin` for this.",
		Attributes: map[string]schema.Attribute{
			"load_balancer_id": schema.StringAttribute{
				MarkdownDescription: "ID of the load balancer.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
		},
	}
}

func (failover) Do(ctx context.Context, cloud *openstack.Cloud, m *failoverModel, tell func(string)) error {
	tell("replacing the amphorae")
	return engine.Failover(ctx, cloud, m.LoadBalancerID.ValueString())
}
