package loadbalancer_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/qos/policies"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// Further addresses of the VIP: one that the cloud chooses, one that is given.
func TestLoadBalancerAdditionalVIPs(t *testing.T) {
	config := func(name, vips string) string {
		return network + `
resource "massif_subnet" "a" {
  name       = "{{name}}-a"
  network_id = massif_network.test.id
  cidr       = "10.62.0.0/24"
}
resource "massif_subnet" "b" {
  name       = "{{name}}-b"
  network_id = massif_network.test.id
  cidr       = "10.63.0.0/24"
}
resource "massif_load_balancer" "test" {
  name            = "{{name}}` + name + `"
  vip_subnet_id   = massif_subnet.test.id
  additional_vips = [` + vips + `]
  depends_on      = [massif_subnet.a, massif_subnet.b]
}`
	}
	vip := func(i int, key string) tfjsonpath.Path {
		return tfjsonpath.New("additional_vips").AtSliceIndex(i).AtMapKey(key)
	}
	const both = `{ subnet_id = massif_subnet.b.id, address = "10.63.0.77" }, { subnet_id = massif_subnet.a.id }`
	const reverse = `{ subnet_id = massif_subnet.a.id }, { subnet_id = massif_subnet.b.id, address = "10.63.0.77" }`
	acctest.New(t).Test(t,
		resource.TestStep{
			Config: config("", both),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(address, vip(0, "address"), knownvalue.StringExact("10.63.0.77")),
				statecheck.ExpectKnownValue(address, vip(1, "address"), knownvalue.StringRegexp(regexp.MustCompile(`^10\.62\.0\.`))),
			},
		},
		// Octavia lists them in an order of its own.
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"operating_status", "additional_vips"}},
		// Neither another name nor another order makes another load balancer.
		resource.TestStep{Config: config("-renamed", reverse), ConfigPlanChecks: action(plancheck.ResourceActionUpdate)},
		resource.TestStep{Config: config("", `{ subnet_id = massif_subnet.a.id }`), ConfigPlanChecks: action(plancheck.ResourceActionDestroyBeforeCreate)},
	)
}

// A VIP on a port that exists, of which the address is chosen.
func TestLoadBalancerOnPort(t *testing.T) {
	port := network + `
resource "massif_port" "vip" {
  name       = "{{name}}"
  network_id = massif_network.test.id
  fixed_ips  = [{ subnet_id = massif_subnet.test.id, ip_address = "10.61.0.60" }, { subnet_id = massif_subnet.test.id, ip_address = "10.61.0.61" }]
  lifecycle { ignore_changes = all } // Octavia gives it a security group of its own
}
`
	on := func(address string) string {
		return port + fmt.Sprintf(`
resource "massif_load_balancer" "test" {
  name        = "{{name}}"
  vip_port_id = massif_port.vip.id
  vip_address = %q
}`, address)
	}
	acctest.New(t).Test(t,
		resource.TestStep{Config: port},
		resource.TestStep{Config: on("10.61.0.61"), ExpectError: acctest.Words("Octavia takes the first, which is 10.61.0.60"), PlanOnly: true},
		resource.TestStep{Config: on("10.61.0.62"), ExpectError: acctest.Words("has no such address; it has [10.61.0.60 10.61.0.61]"), PlanOnly: true},
		resource.TestStep{
			Config:            on("10.61.0.60"),
			ConfigStateChecks: []statecheck.StateCheck{expect([]string{"vip_address"}, knownvalue.StringExact("10.61.0.60"))},
		},
	)
}

func TestLoadBalancerQoSPolicy(t *testing.T) {
	c := acctest.OnSimulator(t, "Octavia's worker gives the policy to the port when it plugs an amphora, and real amphorae are rare in tests")
	client, err := c.Administrator(t).Network()
	if err != nil {
		t.Fatal(err)
	}
	policy, err := policies.Create(t.Context(), client, policies.CreateOpts{Name: c.Prefix, Shared: true}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	has := func(want string) resource.TestCheckFunc {
		return func(s *terraform.State) error {
			var port struct {
				Policy *string `json:"qos_policy_id"`
			}
			err := ports.Get(t.Context(), client, s.RootModule().Resources[address].Primary.Attributes["vip_port_id"]).ExtractIntoStructPtr(&port, "port")
			if err == nil && (port.Policy == nil) != (want == "") {
				t.Errorf("the VIP's port has another QoS policy than %q", want)
			}
			return err
		}
	}
	with := `vip_qos_policy_id = "` + policy.ID + `"`
	c.Test(t,
		resource.TestStep{Config: basic(with), Check: has(policy.ID), ConfigStateChecks: []statecheck.StateCheck{expect([]string{"vip_qos_policy_id"}, knownvalue.StringExact(policy.ID))}},
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"operating_status"}},
		resource.TestStep{Config: basic(""), ConfigPlanChecks: action(plancheck.ResourceActionUpdate), Check: has(""), ConfigStateChecks: []statecheck.StateCheck{expect([]string{"vip_qos_policy_id"}, knownvalue.Null())}},
		resource.TestStep{Config: basic(with), ConfigPlanChecks: action(plancheck.ResourceActionUpdate), Check: has(policy.ID)},
		resource.TestStep{Config: network, Check: func(*terraform.State) error { return policies.Delete(t.Context(), client, policy.ID).ExtractErr() }},
	)
}

// A flavor by its name is the same flavor by its id. What the cloud does not have shows in the plan.
func TestLoadBalancerFlavorAndZone(t *testing.T) {
	c := acctest.OnSimulator(t, "only administrators make flavors and zones")
	const sources = `
data "massif_load_balancer_flavor" "single" { name = "single" }
data "massif_load_balancer_availability_zones" "all" {}
`
	c.Test(t,
		resource.TestStep{Config: basic(`flavor = "large"`), PlanOnly: true, ExpectError: acctest.Words(`no load balancer flavor "large"; there are: single`)},
		resource.TestStep{Config: basic(`availability_zone = "moon"`), PlanOnly: true, ExpectError: acctest.Words(`no availability zone "moon" here, which are not Nova's; there are: nova`)},
		resource.TestStep{Config: basic(`loadbalancer_provider = "f5"`), PlanOnly: true, ExpectError: acctest.Words(`no driver "f5" here; there are: amphora, octavia`)},
		resource.TestStep{
			Config: sources + basic(`
  flavor                = "single"
  availability_zone     = data.massif_load_balancer_availability_zones.all.names[0]
  loadbalancer_provider = "amphora"`),
			ConfigStateChecks: []statecheck.StateCheck{expect([]string{"availability_zone"}, knownvalue.StringExact("nova"))},
			Check:             resource.TestCheckResourceAttrPair(address, "flavor_id", "data.massif_load_balancer_flavor.single", "id"),
		},
		resource.TestStep{
			ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"operating_status", "flavor"}, // it is imported by id
		},
		resource.TestStep{
			Config:           sources + basic(`flavor = data.massif_load_balancer_flavor.single.id`),
			ConfigPlanChecks: action(plancheck.ResourceActionUpdate),
		},
		resource.TestStep{Config: sources + basic(""), ConfigPlanChecks: action(plancheck.ResourceActionNoop)},
	)
}

func TestLoadBalancerDataSource(t *testing.T) {
	const source = "data.massif_load_balancer.test"
	look := func(by string) string {
		return basic("tags = [\"{{name}}\"]\n"+web) + `
data "massif_load_balancer" "test" {
  ` + by + `
  depends_on = [massif_load_balancer.test]
}`
	}
	same := resource.ComposeAggregateTestCheckFunc(
		resource.TestCheckResourceAttrPair(address, "id", source, "id"),
		resource.TestCheckResourceAttrPair(address, "vip_address", source, "vip_address"),
		resource.TestCheckResourceAttrPair(address, "vip_port_id", source, "vip_port_id"),
		resource.TestCheckResourceAttrPair(address, "statuses.pools.app.members.one.id", source, "statuses.pools.app.members.one.id"),
		resource.TestCheckResourceAttrPair(address, "statuses.listeners.web.provisioning_status", source, "statuses.listeners.web.provisioning_status"),
	)
	acctest.New(t).Test(t,
		resource.TestStep{Config: look(`name = "{{name}}"`), Check: same},
		resource.TestStep{Config: look(`id = massif_load_balancer.test.id`), Check: same},
		resource.TestStep{Config: look(`tags = ["{{name}}"]`), Check: same},
		resource.TestStep{Config: look(`name = "{{name}}-other"`), ExpectError: acctest.Words("load balancer matches; there are:")},
	)
}
