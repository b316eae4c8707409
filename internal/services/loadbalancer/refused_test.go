package loadbalancer_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// Octavia makes the VIP's port before it refuses what is below, and forgets it. The address is free again for the next attempt,
// and a port that looks alike but is not of that request stays.
func TestLoadBalancerRefused(t *testing.T) {
	c := acctest.New(t)
	const refused = `
  vip_address = "10.61.0.77"
  listeners   = { web = { protocol = "HTTP", port = 80, routes = { bad = { reject = true, rules = [{ type = "PATH", compare_type = "REGEX", value = "(?<a" }] } } } }
`
	var older *ports.Port
	c.Test(t,
		resource.TestStep{Config: network},
		resource.TestStep{
			PreConfig:   func() { older = orphan(t, c) },
			Config:      basic(refused),
			ExpectError: acctest.Words("Unable to parse regular expression"),
		},
		resource.TestStep{
			Config: network,
			Check: func(*terraform.State) error {
				left := portNames(t, c, older.NetworkID)
				if !slices.Equal(left, []string{older.Name}) {
					t.Errorf("ports in the network: %v, want only %s", left, older.Name)
				}
				remove(t, c, older.ID)
				return nil
			},
		},
		resource.TestStep{Config: basic(`vip_address = "10.61.0.77"`)},
	)
}

// A load balancer that is made at the same time in the same subnet keeps its port.
func TestLoadBalancerRefusedBesideAnother(t *testing.T) {
	c := acctest.New(t)
	const refused = `
resource "massif_load_balancer" "refused" {
  name          = "{{name}}-refused"
  vip_subnet_id = massif_subnet.test.id
  listeners     = { web = { protocol = "HTTP", port = 80, routes = { bad = { reject = true, rules = [{ type = "PATH", compare_type = "REGEX", value = "(?<a" }] } } } }
}`
	c.Test(t,
		resource.TestStep{Config: basic(web) + refused, ExpectError: acctest.Words("Unable to parse regular expression")},
		resource.TestStep{
			Config:           basic(web),
			ConfigPlanChecks: action(plancheck.ResourceActionNoop),
			Check: func(*terraform.State) error {
				lb := lookup(t, c)
				vips := slices.DeleteFunc(portNames(t, c, lb.VipNetworkID), func(name string) bool {
					return !strings.HasPrefix(name, "octavia-lb-") || strings.HasPrefix(name, "octavia-lb-vrrp-")
				})
				if !slices.Equal(vips, []string{"octavia-lb-" + lb.ID}) {
					t.Errorf("ports of VIPs: %v, want that of %s", vips, lb.ID)
				}
				return nil
			},
		},
	)
}

// orphan makes a port such as Octavia makes for a VIP, of a load balancer that does not exist, at another address.
func orphan(t *testing.T, c *acctest.Cloud) *ports.Port {
	t.Helper()
	client, err := c.Network()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := subnets.List(client, subnets.ListOpts{Name: c.Prefix}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found, err := subnets.ExtractSubnets(pages)
	if err != nil || len(found) != 1 {
		t.Fatalf("subnets: %v %v", found, err)
	}
	const id = "5a9d0b7e-4f3a-4c55-9a53-6f1f3b1c6a01"
	port, err := ports.Create(t.Context(), client, ports.CreateOpts{
		Name: "octavia-lb-" + id, DeviceID: "lb-" + id, DeviceOwner: "Octavia", NetworkID: found[0].NetworkID,
		FixedIPs: []ports.IP{{SubnetID: found[0].ID, IPAddress: "10.61.0.78"}},
	}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func portNames(t *testing.T, c *acctest.Cloud, networkID string) []string {
	t.Helper()
	client, err := c.Network()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := ports.List(client, ports.ListOpts{NetworkID: networkID}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := ports.ExtractPorts(pages)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, p := range all {
		names = append(names, p.Name)
	}
	return names
}

func remove(t *testing.T, c *acctest.Cloud, port string) {
	t.Helper()
	client, err := c.Network()
	if err != nil {
		t.Fatal(err)
	}
	if err := ports.Delete(t.Context(), client, port).ExtractErr(); err != nil {
		t.Error(err)
	}
}
