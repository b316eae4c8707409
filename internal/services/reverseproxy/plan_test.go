package reverseproxy_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// What the provider itself needs to validate and plan five thousand routes, without Terraform around it.
func TestPlanOfThousands(t *testing.T) {
	c := acctest.OnSimulator(t, "it measures the provider")
	server := c.Server(t)
	const name = "massif_reverse_proxy_routes"
	typ := server.Schemas.ResourceSchemas[name].ValueType()
	proxy := c.Prefix + "-a"
	container, err := objectstore.Open(c.Cloud, proxy)
	if err != nil {
		t.Fatal(err)
	}
	config := documents.Config{Upstreams: map[string]documents.Upstream{"shop": {Targets: map[string]documents.Target{"v1": {URL: "https://10.0.0.1", Weight: 1}}}}}
	content, err := config.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := container.Make(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := container.Put(t.Context(), documents.ConfigObject, content, "application/json", false); err != nil {
		t.Fatal(err)
	}
	hosts := map[string]tftypes.Value{}
	for i := range 5000 {
		hosts[fmt.Sprintf("customer-%d.example.ch", i)] = tftypes.NewValue(tftypes.String, "shop")
	}
	text := func(s string) tftypes.Value { return tftypes.NewValue(tftypes.String, s) }
	given := map[string]tftypes.Value{
		"name": text("test"), "routes": tftypes.NewValue(tftypes.Map{ElementType: tftypes.String}, hosts),
		"proxy_ids": tftypes.NewValue(tftypes.Set{ElementType: tftypes.String}, []tftypes.Value{text(proxy)}),
	}
	written := acctest.Dynamic(t, typ, given)
	given["wait_for_nodes"] = tftypes.NewValue(tftypes.Bool, true)
	given["id"], given["region"] = tftypes.NewValue(tftypes.String, tftypes.UnknownValue), tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
	given["etags"] = tftypes.NewValue(tftypes.Map{ElementType: tftypes.String}, tftypes.UnknownValue)
	proposed := acctest.Dynamic(t, typ, given)
	none, err := tfprotov6.NewDynamicValue(typ, tftypes.NewValue(typ, nil))
	if err != nil {
		t.Fatal(err)
	}

	begin := time.Now()
	validated, err := server.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{TypeName: name, Config: written})
	if err != nil {
		t.Fatal(err)
	}
	acctest.Healthy(t, validated.Diagnostics)
	half := time.Now()
	planned, err := server.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: name, PriorState: &none, ProposedNewState: proposed, Config: written,
	})
	if err != nil {
		t.Fatal(err)
	}
	acctest.Healthy(t, planned.Diagnostics)
	t.Logf("5,000 routes: validate %s, plan %s", half.Sub(begin).Round(time.Millisecond), time.Since(half).Round(time.Millisecond))
}
