package provider_test

import (
	"context"
	"crypto/sha1" //nolint:gosec // as the common provider does
	"encoding/json"
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// onlyBooks is a plan that imports and forgets, and changes nothing in the cloud.
type onlyBooks struct{ imports, forgets int }

func (o onlyBooks) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	imports, forgets := 0, 0
	for _, rc := range req.Plan.ResourceChanges {
		switch {
		case rc.Change.Actions.Forget():
			forgets++
		case !rc.Change.Actions.NoOp():
			resp.Error = fmt.Errorf("%s would be changed: %v\nbefore %v\nafter %v", rc.Address, rc.Change.Actions, rc.Change.Before, rc.Change.After)
			return
		case rc.Change.Importing != nil:
			imports++
		}
	}
	if imports != o.imports || forgets != o.forgets {
		resp.Error = fmt.Errorf("%d imported and %d forgotten, want %d and %d", imports, forgets, o.imports, o.forgets)
	}
}

// made are the ids of what the common provider has made, by name: a variable of which the value is asked for late.
type made map[string]string

// MarshalJSON is called when Terraform needs the value.
func (m made) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]string(m)) }

// takeOver applies a configuration of the common provider and then one of this provider, in its place.
func takeOver(t *testing.T, a api, ids made, makers map[string]func(name string) string, before, after string, books onlyBooks) {
	t.Helper()
	common := &commonProvider{region: a.Region(), adoptees: map[string]func(string) map[string]string{}}
	for typ, maker := range makers {
		common.adoptees[typ] = func(name string) map[string]string {
			ids[name] = maker(name)
			return map[string]string{"id": ids[name]}
		}
	}
	a.Others = map[string]func() (tfprotov6.ProviderServer, error){"openstack": common.factory()}
	a.Test(t,
		resource.TestStep{Config: before},
		resource.TestStep{
			Config:           "variable \"ids\" { type = map(string) }\n" + after,
			ConfigVariables:  config.Variables{"ids": ids},
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{books}},
		},
	)
}

// forget is a block for what a resource has taken in.
func forget(address string) string {
	return fmt.Sprintf("\nremoved {\n  from = %s\n  lifecycle { destroy = false }\n}\n", address)
}

// Groups and the rules between them become a policy.
func TestRulesBecomeAPolicy(t *testing.T) {
	a, ids := api{t, acctest.New(t)}, made{}
	rule := func(group, line string, port int, from object) {
		body := object{
			"security_group_id": ids[group], "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
			"port_range_min": port, "port_range_max": port, "description": line,
		}
		for key, v := range from {
			body[key] = v
		}
		a.create(a.Network, "security-group-rules", "security_group_rule", body)
	}
	takeOver(t, a, ids, map[string]func(string) string{
		"openstack_networking_secgroup_v2": func(name string) string {
			return fmt.Sprint(a.create(a.Network, "security-groups", "security_group", object{"name": a.Prefix + "-" + name})["id"])
		},
		"openstack_networking_secgroup_rule_v2": func(name string) string {
			switch name {
			case "api":
				rule("servers", name, 6443, object{"remote_ip_prefix": "203.0.113.7/32"})
			case "kubelet":
				for _, to := range []string{"servers", "agents"} {
					for _, from := range []string{"servers", "agents"} {
						rule(to, name, 10250, object{"remote_group_id": ids[from]})
					}
				}
			}
			return name
		},
	}, `
resource "openstack_networking_secgroup_v2" "servers" { name = "servers" }
resource "openstack_networking_secgroup_v2" "agents" {
  name       = "agents"
  depends_on = [openstack_networking_secgroup_v2.servers]
}
resource "openstack_networking_secgroup_rule_v2" "api" {
  name       = "api"
  depends_on = [openstack_networking_secgroup_v2.agents]
}
resource "openstack_networking_secgroup_rule_v2" "kubelet" {
  name       = "kubelet"
  depends_on = [openstack_networking_secgroup_rule_v2.api]
}
`, `
import {
  to = massif_security_policy.prod
  id = "servers=${var.ids["servers"]},agents=${var.ids["agents"]}"
}
resource "massif_security_policy" "prod" {
  name   = "{{name}}"
  groups = { servers = {}, agents = {} }
  rules = {
    api     = { from_cidrs = ["203.0.113.7/32"], to = ["servers"], tcp = ["6443"] }
    kubelet = { from = ["servers", "agents"], to = ["servers", "agents"], tcp = ["10250"] }
  }
}
`+forget("openstack_networking_secgroup_v2.servers")+forget("openstack_networking_secgroup_v2.agents")+
		forget("openstack_networking_secgroup_rule_v2.api")+forget("openstack_networking_secgroup_rule_v2.kubelet"),
		onlyBooks{imports: 1, forgets: 4})
}

// A load balancer and its children become a tree.
func TestChildrenBecomeATree(t *testing.T) {
	a, ids := api{t, acctest.New(t)}, made{}
	settled := func(o object) string {
		a.until(a.LoadBalancer, "lbaas/loadbalancers/"+ids["lb"], "loadbalancer", "provisioning_status", "ACTIVE")
		return fmt.Sprint(o["id"])
	}
	takeOver(t, a, ids, map[string]func(string) string{
		"openstack_networking_network_v2": func(string) string {
			return fmt.Sprint(a.create(a.Network, "networks", "network", object{"name": a.Prefix})["id"])
		},
		"openstack_networking_subnet_v2": func(string) string {
			return fmt.Sprint(a.create(a.Network, "subnets", "subnet", object{
				"network_id": ids["network"], "name": a.Prefix, "ip_version": 4, "cidr": "10.75.0.0/24",
			})["id"])
		},
		"openstack_lb_loadbalancer_v2": func(name string) string {
			ids[name] = fmt.Sprint(a.create(a.LoadBalancer, "lbaas/loadbalancers", "loadbalancer", object{
				"name": a.Prefix, "vip_subnet_id": ids["subnet"],
			})["id"])
			return settled(object{"id": ids[name]})
		},
		"openstack_lb_pool_v2": func(string) string {
			return settled(a.create(a.LoadBalancer, "lbaas/pools", "pool", object{
				"loadbalancer_id": ids["lb"], "name": "site", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN",
			}))
		},
		"openstack_lb_listener_v2": func(string) string {
			return settled(a.create(a.LoadBalancer, "lbaas/listeners", "listener", object{
				"loadbalancer_id": ids["lb"], "name": "http", "protocol": "HTTP", "protocol_port": 80, "default_pool_id": ids["pool"],
			}))
		},
		"openstack_lb_member_v2": func(name string) string {
			address := map[string]string{"blue": "10.75.0.11", "green": "10.75.0.12"}[name]
			return settled(a.create(a.LoadBalancer, "lbaas/pools/"+ids["pool"]+"/members", "member", object{
				"name": name, "address": address, "protocol_port": 8080, "subnet_id": ids["subnet"],
			}))
		},
		"openstack_lb_monitor_v2": func(string) string {
			return settled(a.create(a.LoadBalancer, "lbaas/healthmonitors", "healthmonitor", object{
				"pool_id": ids["pool"], "type": "HTTP", "url_path": "/healthz", "delay": 5, "timeout": 3, "max_retries": 3,
			}))
		},
	}, `
resource "openstack_networking_network_v2" "prod" { name = "network" }
resource "openstack_networking_subnet_v2" "prod" {
  name       = "subnet"
  depends_on = [openstack_networking_network_v2.prod]
}
resource "openstack_lb_loadbalancer_v2" "web" {
  name       = "lb"
  depends_on = [openstack_networking_subnet_v2.prod]
}
resource "openstack_lb_pool_v2" "site" {
  name       = "pool"
  depends_on = [openstack_lb_loadbalancer_v2.web]
}
resource "openstack_lb_listener_v2" "http" {
  name       = "listener"
  depends_on = [openstack_lb_pool_v2.site]
}
resource "openstack_lb_member_v2" "blue" {
  name       = "blue"
  depends_on = [openstack_lb_listener_v2.http]
}
resource "openstack_lb_member_v2" "green" {
  name       = "green"
  depends_on = [openstack_lb_member_v2.blue]
}
resource "openstack_lb_monitor_v2" "site" {
  name       = "monitor"
  depends_on = [openstack_lb_member_v2.green]
}
`, `
moved {
  from = openstack_networking_network_v2.prod
  to   = massif_network.prod
}
resource "massif_network" "prod" { name = "{{name}}" }

import {
  to = massif_subnet.prod
  id = var.ids["subnet"]
}
resource "massif_subnet" "prod" {
  name       = "{{name}}"
  network_id = massif_network.prod.id
  cidr       = "10.75.0.0/24"
}

moved {
  from = openstack_lb_loadbalancer_v2.web
  to   = massif_load_balancer.web
}
resource "massif_load_balancer" "web" {
  name          = "{{name}}"
  vip_subnet_id = massif_subnet.prod.id
  listeners     = { http = { protocol = "HTTP", port = 80, default_pool = "site" } }
  pools = {
    site = {
      protocol  = "HTTP"
      algorithm = "ROUND_ROBIN"
      members = {
        blue  = { address = "10.75.0.11", port = 8080, subnet_id = massif_subnet.prod.id }
        green = { address = "10.75.0.12", port = 8080, subnet_id = massif_subnet.prod.id }
      }
      monitor = { type = "HTTP", url_path = "/healthz", delay = 5, timeout = 3, max_retries = 3 }
    }
  }
}
`+forget("openstack_networking_subnet_v2.prod")+forget("openstack_lb_pool_v2.site")+forget("openstack_lb_listener_v2.http")+
		forget("openstack_lb_member_v2.blue")+forget("openstack_lb_member_v2.green")+forget("openstack_lb_monitor_v2.site"),
		onlyBooks{imports: 1, forgets: 6})
}

// A policy is known by its groups, also to an import by identity.
func TestPolicyIsImportedByIdentity(t *testing.T) {
	a := api{t, acctest.OnSimulator(t, "it leaves the groups there")}
	pairs := ""
	for _, key := range []string{"agents", "servers"} {
		group := a.create(a.Network, "security-groups", "security_group", object{"name": "prod-" + key})
		pairs += fmt.Sprintf(",%s=%s", key, group["id"])
	}
	s, typ := a.Server(t), "massif_security_policy"
	byID := imported(t, s, typ, &tfprotov6.ImportResourceStateRequest{TypeName: typ, ID: pairs[1:]})
	byIdentity := imported(t, s, typ, &tfprotov6.ImportResourceStateRequest{
		TypeName: typ, Identity: identityOf(t, s, typ, map[string]string{"id": pairs[1:], "region": a.Region()}),
	})
	if !byIdentity.Equal(byID) {
		t.Errorf("by identity it is\n%s\nby id\n%s", byIdentity, byID)
	}
}

// Of user data the common provider's state has a hash: the same is no reason for a new server, another is.
func TestMovedServerKeepsItsUserData(t *testing.T) {
	a := api{t, acctest.New(t)}
	const userData = "#cloud-config\npackages: [jq]\n"
	server := adoptees["server"]
	common := &commonProvider{region: a.Region(), adoptees: map[string]func(string) map[string]string{
		server.from: func(string) map[string]string {
			state := server.make(a)
			state["user_data"] = fmt.Sprintf("%x", sha1.Sum([]byte(userData))) //nolint:gosec // as the common provider does
			return state
		},
	}}
	a.Others = map[string]func() (tfprotov6.ProviderServer, error){"openstack": common.factory()}
	moved := func(data string) string {
		return server.given + fmt.Sprintf("\nresource \"massif_server\" \"it\" {\n  %s\n  user_data = %q\n}\n", server.config(a), data) +
			"\nmoved {\n  from = openstack_compute_instance_v2.it\n  to = massif_server.it\n}\n"
	}
	planned := func(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
		return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction("massif_server.it", action)}}
	}
	a.Test(t,
		resource.TestStep{Config: server.given + "\nresource \"openstack_compute_instance_v2\" \"it\" {\n  depends_on = [massif_subnet.given]\n}\n"},
		resource.TestStep{Config: moved(userData), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate)}, // of the state only
		resource.TestStep{Config: moved("#!/bin/sh\n"), ConfigPlanChecks: planned(plancheck.ResourceActionReplace)},
	)
}
