package lifecycle_test

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// greedy is a thing that takes as many routers as its name has letters.
type greedy struct{ thing }

var _ lifecycle.Consumer[thingModel] = greedy{}

func (greedy) Usage(_ context.Context, _ *openstack.Cloud, m *thingModel) (openstack.Usage, error) {
	return openstack.Usage{openstack.QuotaRouters: len(m.Name.ValueString())}, nil
}

// The simulator's projects may have 100 routers.
func TestPlanBeyondTheQuotaIsToldOnce(t *testing.T) {
	b := newBench(t, thing{})
	b.resource = lifecycle.Resource(greedy{})()
	c := cloud(t)
	var configured resource.ConfigureResponse
	b.resource.(resource.ResourceWithConfigure).Configure(t.Context(), resource.ConfigureRequest{ProviderData: c}, &configured)
	b.noErrors(configured.Diagnostics)

	plan := func(letters int) *resource.ModifyPlanResponse {
		name := strings.Repeat("a", letters)
		resp := b.modifyPlan(nil, map[string]any{"name": name, "region": unknown}, map[string]any{"name": name})
		b.noErrors(resp.Diagnostics)
		return resp
	}
	if resp := plan(60); len(resp.Diagnostics) != 0 {
		t.Errorf("60 of 100: %v", resp.Diagnostics)
	}
	before := c.RequestCount()
	resp := plan(41)
	if resp.Diagnostics.WarningsCount() != 1 {
		t.Fatalf("101 of 100: %v", resp.Diagnostics)
	}
	said := resp.Diagnostics[0].Summary() + ": " + resp.Diagnostics[0].Detail()
	if want := "routers: the plan takes 101 or more, and the project has room for 100 (0 of 100 are used)"; !strings.Contains(said, want) {
		t.Errorf("%q is not in %q", want, said)
	}
	if resp := plan(1); len(resp.Diagnostics) != 0 {
		t.Errorf("told again: %v", resp.Diagnostics)
	}
	if n := c.RequestCount() - before; n != 0 {
		t.Errorf("the quotas were asked for again: %d requests", n)
	}
}
