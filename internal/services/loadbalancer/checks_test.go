package loadbalancer_test

import (
	"context"

	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// beforeApply runs between the plan and the apply.
type beforeApply struct{ do func() }

func (c beforeApply) CheckPlan(context.Context, plancheck.CheckPlanRequest, *plancheck.CheckPlanResponse) {
	c.do()
}

// afterApply runs after the apply, before anything else is read.
type afterApply struct{ do func() }

func (c afterApply) CheckState(context.Context, statecheck.CheckStateRequest, *statecheck.CheckStateResponse) {
	c.do()
}
