package lifecycle

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// Consumer is a handler whose objects count against the project's quotas.
type Consumer[M any] interface {
	// Usage is what the object takes. What is not known yet takes nothing, for nobody is to be warned of what may not come.
	Usage(ctx context.Context, cloud *openstack.Cloud, m *M) (openstack.Usage, error)
}

// existed marks in a plan's private data that the object is there. Terraform plans a replacement as a change and then, with the
// private data of that, as a creation; what the old object takes is free by then, and must not count twice.
const existed = "existed"

// checkQuotas adds what the plan of this object takes to what the whole plan does, and tells when that goes beyond the quotas.
func (r *managed[M, P]) checkQuotas(ctx context.Context, cloud *openstack.Cloud, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	consumer, ok := r.handler.(Consumer[M])
	if !ok || cloud == nil || cloud.QuotaCheck() == openstack.QuotaCheckOff || resp.Plan.Raw.Equal(req.State.Raw) {
		return
	}
	var plan, prior M
	resp.Diagnostics.Append(resp.Plan.Get(ctx, &plan)...)
	before := openstack.Usage{}
	switch {
	case !req.State.Raw.IsNull():
		resp.Diagnostics.Append(req.State.Get(ctx, &prior)...)
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, existed, []byte("true"))...)
		before = r.usage(ctx, consumer, cloud, &prior)
	default:
		mark, diags := req.Private.GetKey(ctx, existed)
		resp.Diagnostics.Append(diags...)
		if mark != nil {
			return
		}
	}
	if resp.Diagnostics.HasError() {
		return
	}
	short := cloud.Plan(ctx, r.usage(ctx, consumer, cloud, &plan).Beyond(before))
	if len(short) == 0 {
		return
	}
	var lines strings.Builder
	for _, s := range short {
		fmt.Fprintf(&lines, "- %s\n", s)
	}
	detail := fmt.Sprintf("This plan goes beyond what the project %s may have in region %q:\n\n%s\n"+
		"What the plan destroys first is not counted. Free something, ask the cloud's operator for a larger quota, or plan less. "+
		"The provider's quota_check says whether this is a warning, an error, or not looked at.", cloud.ProjectID(), cloud.Region(), lines.String())
	if cloud.QuotaCheck() == openstack.QuotaCheckError {
		resp.Diagnostics.Append(diag.NewErrorDiagnostic("Not enough quota", detail))
		return
	}
	resp.Diagnostics.Append(diag.NewWarningDiagnostic("Not enough quota", detail))
}

// usage is nothing when it cannot be found out: the check is a courtesy, and what is wrong shows elsewhere.
func (r *managed[M, P]) usage(ctx context.Context, consumer Consumer[M], cloud *openstack.Cloud, m *M) openstack.Usage {
	usage, err := consumer.Usage(ctx, cloud, m)
	if err != nil {
		return openstack.Usage{}
	}
	return usage
}
