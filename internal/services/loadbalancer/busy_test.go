package loadbalancer_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// Octavia is too busy twice to count what the project has. It made nothing, so the same request is sent again.
func TestLoadBalancerOfABusyProject(t *testing.T) {
	c := acctest.OnSimulator(t, "a project is busy on purpose")
	if err := c.Simulator.AddFault(simulator.ProjectBusy(2)); err != nil {
		t.Fatal(err)
	}
	c.Test(t, resource.TestStep{
		Config: `
resource "massif_network" "test" { name = "{{name}}" }

resource "massif_subnet" "test" {
  name       = "{{name}}"
  network_id = massif_network.test.id
  cidr       = "10.1.0.0/24"
}

resource "massif_load_balancer" "test" {
  name          = "{{name}}"
  vip_subnet_id = massif_subnet.test.id
}`,
		Check: func(*terraform.State) error {
			statuses := map[int]int{}
			for _, r := range c.Simulator.Requests() {
				if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/lbaas/loadbalancers") {
					statuses[r.Status]++
				}
			}
			if statuses[http.StatusServiceUnavailable] != 2 || statuses[http.StatusCreated] != 1 {
				t.Errorf("the creates were answered %v, want 503 twice and 201 once", statuses)
			}
			return nil
		},
	})
}
