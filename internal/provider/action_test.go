package provider_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// invoke validates, plans and invokes an action, and returns what it tells: its progress and its errors.
func invoke(t *testing.T, s *acctest.Server, typ string, config map[string]string) (progress []string, failed string) {
	t.Helper()
	actions, ok := s.ProviderServer.(tfprotov6.ActionServer)
	if !ok {
		t.Fatal("the provider has no actions")
	}
	values := map[string]tftypes.Value{}
	for name, v := range config {
		values[name] = tftypes.NewValue(tftypes.String, v)
	}
	dynamic := acctest.Dynamic(t, s.Schemas.ActionSchemas[typ].Schema.ValueType(), values)
	tell := func(diagnostics []*tfprotov6.Diagnostic) {
		for _, d := range diagnostics {
			failed += fmt.Sprintf("%s: %s: %s\n", d.Attribute, d.Summary, d.Detail)
		}
	}
	valid, err := actions.ValidateActionConfig(t.Context(), &tfprotov6.ValidateActionConfigRequest{ActionType: typ, Config: dynamic})
	if err != nil {
		t.Fatal(err)
	}
	if tell(valid.Diagnostics); failed != "" {
		return nil, failed
	}
	planned, err := actions.PlanAction(t.Context(), &tfprotov6.PlanActionRequest{ActionType: typ, Config: dynamic})
	if err != nil {
		t.Fatal(err)
	}
	tell(planned.Diagnostics)
	stream, err := actions.InvokeAction(t.Context(), &tfprotov6.InvokeActionRequest{ActionType: typ, Config: dynamic})
	if err != nil {
		t.Fatal(err)
	}
	for event := range stream.Events {
		switch e := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			progress = append(progress, e.Message)
		case tfprotov6.CompletedInvokeActionEventType:
			tell(e.Diagnostics)
		}
	}
	return progress, failed
}

// mentions tells whether an error says something.
func mentions(t *testing.T, failed, want string) {
	t.Helper()
	if !strings.Contains(strings.Join(strings.Fields(failed), " "), want) {
		t.Errorf("it says\n%s\nand not %q", failed, want)
	}
}

func TestServerReboot(t *testing.T) {
	a := api{t, acctest.OnSimulator(t, "it leaves the server there")}
	id := fmt.Sprint(a.create(a.Compute, "servers", "server", object{
		"name": a.Prefix, "flavorRef": a.named(a.Compute, "flavors", "m1.small"), "imageRef": a.named(a.Image, "images", "cirros-fake"), "networks": "none",
	})["id"])
	status := func(want string) { t.Helper(); a.until(a.Compute, "servers/"+id, "server", "status", want) }
	status("ACTIVE")
	s := a.Server(t)

	for _, kind := range []string{"", "soft", "hard"} {
		config := map[string]string{"server_id": id, "type": kind}
		if kind == "" {
			delete(config, "type")
		}
		a.Simulator.ResetRequests()
		progress, failed := invoke(t, s, "massif_server_reboot", config)
		if failed != "" || len(progress) != 1 {
			t.Errorf("%q: %v %s", kind, progress, failed)
		}
		status("ACTIVE")
		if n := actions(a.Simulator.Requests()); n != 1 {
			t.Errorf("%q: %d actions", kind, n)
		}
	}

	a.send(a.Compute, http.MethodPost, "servers/"+id+"/action", object{"os-stop": nil})
	status("SHUTOFF")
	_, failed := invoke(t, s, "massif_server_reboot", map[string]string{"server_id": id})
	mentions(t, failed, "is shut off, so there is no guest that could reboot; `hard` starts it")
	if _, failed := invoke(t, s, "massif_server_reboot", map[string]string{"server_id": id, "type": "hard", "region": a.Region()}); failed != "" {
		t.Error(failed)
	}
	status("ACTIVE")

	_, failed = invoke(t, s, "massif_server_reboot", map[string]string{"server_id": id, "type": "gentle"})
	mentions(t, failed, `value must be one of: ["soft" "hard"]`)
	_, failed = invoke(t, s, "massif_server_reboot", map[string]string{"server_id": "11111111-1111-1111-1111-111111111111"})
	mentions(t, failed, `AttributeName("server_id"): Could not finish the server reboot`)
	mentions(t, failed, "could not be found")
	_, failed = invoke(t, s, "massif_server_reboot", map[string]string{"server_id": id, "region": "Atlantis"})
	mentions(t, failed, `The cloud has no region "Atlantis"`)
}

func actions(requests []simulator.Request) int {
	n := 0
	for _, r := range requests {
		if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/action") {
			n++
		}
	}
	return n
}

func TestLoadBalancerFailover(t *testing.T) {
	a := api{t, acctest.OnSimulator(t, "it leaves the load balancer there")}
	network := a.create(a.Network, "networks", "network", object{"name": a.Prefix})
	subnet := a.create(a.Network, "subnets", "subnet", object{"network_id": network["id"], "ip_version": 4, "cidr": "10.73.0.0/24"})
	id := fmt.Sprint(a.create(a.LoadBalancer, "lbaas/loadbalancers", "loadbalancer", object{"name": a.Prefix, "vip_subnet_id": subnet["id"]})["id"])
	s := a.Server(t)

	_, failed := invoke(t, s, "massif_load_balancer_failover", map[string]string{"load_balancer_id": id})
	mentions(t, failed, "Could not finish the load balancer failover")
	mentions(t, failed, "the role load-balancer_admin, which their operators can give")

	if err := a.Simulator.AddFault(simulator.Fault{Service: "load-balancer", Path: "failover", Status: http.StatusNotImplemented, Count: 1}); err != nil {
		t.Fatal(err)
	}
	_, failed = invoke(t, s, "massif_load_balancer_failover", map[string]string{"load_balancer_id": id})
	mentions(t, failed, "has no servers of its own that could be replaced, as only amphora has")

	progress, failed := invoke(t, a.As("admin").Server(t), "massif_load_balancer_failover", map[string]string{"load_balancer_id": id})
	if failed != "" || len(progress) == 0 {
		t.Errorf("%v %s", progress, failed)
	}
	a.until(a.LoadBalancer, "lbaas/loadbalancers/"+id, "loadbalancer", "provisioning_status", "ACTIVE")
}
