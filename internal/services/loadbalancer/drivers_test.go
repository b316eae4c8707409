package loadbalancer_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/l7policies"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/listeners"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/monitors"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/pools"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// Clouds that cannot make a tree at once get it child by child, and nobody notices.
func TestLoadBalancerDrivers(t *testing.T) {
	for name, cloud := range map[string]func(*testing.T) *acctest.Cloud{
		"refuses trees": func(t *testing.T) *acctest.Cloud {
			return acctest.OnSimulator(t, "a driver that refuses trees", func(o *simulator.Options) { o.LoadBalancerDriver = simulator.DriverSimple })
		},
		"forgets the children of trees": acctest.OnStockOctavia,
	} {
		t.Run(name, func(t *testing.T) {
			c := cloud(t)
			c.Test(t, resource.TestStep{
				Config: full,
				Check: func(*terraform.State) error {
					// Exactly what was asked for, all of it usable, and nothing of the first attempt.
					want := []string{
						"listener raw ACTIVE", "listener time ACTIVE", "listener web ACTIVE",
						"member app/one ACTIVE", "member app/two ACTIVE", "member time/one ACTIVE",
						"monitor app ACTIVE", "monitor raw ACTIVE", "monitor time ACTIVE",
						"policy blocked ACTIVE", "policy elsewhere ACTIVE", "policy moved ACTIVE", "policy static ACTIVE",
						"pool app ACTIVE", "pool raw ACTIVE", "pool static ACTIVE", "pool time ACTIVE",
					}
					lb := lookup(t, c)
					if got := children(t, c, lb.ID); lb.ProvisioningStatus != "ACTIVE" || !slices.Equal(got, want) {
						t.Errorf("the load balancer is %s, below it are:\n%s", lb.ProvisioningStatus, strings.Join(got, "\n"))
					}
					return nil
				},
			})
		})
	}
}

// children are the objects below a load balancer with their statuses, in order.
func children(t *testing.T, c *acctest.Cloud, loadBalancer string) []string {
	t.Helper()
	client, err := c.LoadBalancer()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	page, err := listeners.List(client, listeners.ListOpts{LoadbalancerID: loadBalancer}).AllPages(t.Context())
	must(err)
	allListeners, err := listeners.ExtractListeners(page)
	must(err)
	for _, l := range allListeners {
		found = append(found, "listener "+l.Name+" "+l.ProvisioningStatus)
		page, err := l7policies.List(client, l7policies.ListOpts{ListenerID: l.ID}).AllPages(t.Context())
		must(err)
		policies, err := l7policies.ExtractL7Policies(page)
		must(err)
		for _, p := range policies {
			found = append(found, "policy "+p.Name+" "+p.ProvisioningStatus)
		}
	}
	page, err = pools.List(client, pools.ListOpts{LoadbalancerID: loadBalancer}).AllPages(t.Context())
	must(err)
	allPools, err := pools.ExtractPools(page)
	must(err)
	for _, p := range allPools {
		found = append(found, "pool "+p.Name+" "+p.ProvisioningStatus)
		page, err := pools.ListMembers(client, p.ID, pools.ListMembersOpts{}).AllPages(t.Context())
		must(err)
		members, err := pools.ExtractMembers(page)
		must(err)
		for _, m := range members {
			found = append(found, "member "+p.Name+"/"+m.Name+" "+m.ProvisioningStatus)
		}
		if p.MonitorID != "" {
			m, err := monitors.Get(t.Context(), client, p.MonitorID).Extract()
			must(err)
			found = append(found, "monitor "+p.Name+" "+m.ProvisioningStatus)
		}
	}
	slices.Sort(found)
	return found
}
