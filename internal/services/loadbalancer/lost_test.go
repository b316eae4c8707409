package loadbalancer_test

import (
	"net/http"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// The request is carried out and its answer lost: the load balancer must be in the state nevertheless, and whole.
func TestLoadBalancerWhoseAnswerIsLost(t *testing.T) {
	c := acctest.OnSimulator(t, "an answer is lost on purpose")
	if err := c.Simulator.AddFault(simulator.Fault{Method: http.MethodPost, Service: "load-balancer", Path: "/loadbalancers$", Count: 1, Drop: true, Late: true}); err != nil {
		t.Fatal(err)
	}
	c.Test(t, resource.TestStep{Config: `
resource "massif_network" "test" { name = "{{name}}" }

resource "massif_subnet" "test" {
  name       = "{{name}}"
  network_id = massif_network.test.id
  cidr       = "10.1.0.0/24"
}

resource "massif_load_balancer" "test" {
  name          = "{{name}}"
  vip_subnet_id = massif_subnet.test.id
  listeners     = { http = { protocol = "HTTP", port = 80, default_pool = "web" } }
  pools = { web = {
    protocol  = "HTTP"
    algorithm = "ROUND_ROBIN"
    members   = { a = { address = "10.1.0.10", port = 8080 } }
  } }
}`})
}
