package compute_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// The request is carried out and its answer lost: the server must be in the state nevertheless, with its port.
func TestServerWhoseAnswerIsLost(t *testing.T) {
	c := acctest.OnSimulator(t, "an answer is lost on purpose")
	if err := c.Simulator.AddFault(simulator.Fault{Method: http.MethodPost, Service: "compute", Path: "/servers$", Count: 1, Drop: true, Late: true}); err != nil {
		t.Fatal(err)
	}
	c.Test(t, resource.TestStep{Config: `
resource "massif_network" "test" { name = "{{name}}" }

resource "massif_subnet" "test" {
  name       = "{{name}}"
  network_id = massif_network.test.id
  cidr       = "10.1.0.0/24"
}

resource "massif_server" "test" {
  name   = "{{name}}"
  flavor = "m1.small"
  image  = "cirros-fake"
  networks = [{ subnet_id = massif_subnet.test.id }]
}`})
}

// Cinder names the status from before it tried: "available" of a volume that another server was quicker to take.
func TestServerWhoseVolumeIsTaken(t *testing.T) {
	c := acctest.OnSimulator(t, "another server takes the volume on purpose")
	refuse := func(count int, status string) func() {
		return func() {
			message := "Invalid volume: Invalid input received: Invalid volume: Volume x status must be available or in-use or downloading to reserve, " +
				"but the current status is " + status + ". (HTTP 400)"
			err := c.Simulator.AddFault(simulator.Fault{
				Method: http.MethodPost, Service: "compute", Path: "/servers$|/os-volume_attachments$", Count: count,
				Status: http.StatusBadRequest, Body: fmt.Sprintf(`{"badRequest": {"code": 400, "message": %q}}`, message),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	c.Test(t,
		resource.TestStep{PreConfig: refuse(1, "maintenance"), Config: sharing(1, shared), ExpectError: acctest.Words("current status is maintenance")},
		resource.TestStep{PreConfig: refuse(2, "available"), Config: sharing(1, shared)},
		resource.TestStep{Config: sharing(1, "")},
		resource.TestStep{PreConfig: refuse(2, "in-use"), Config: sharing(1, shared)},
	)
}

// Nova shows a server as resized before it lets the resize be confirmed.
func TestServerResizeIsConfirmedAsSoonAsNovaLets(t *testing.T) {
	c := acctest.OnSimulator(t, "the moment is too short to be met on purpose")
	sized := func(flavor string) string {
		return fmt.Sprintf(`
resource "massif_network" "test" { name = "{{name}}" }

resource "massif_subnet" "test" {
  name       = "{{name}}"
  network_id = massif_network.test.id
  cidr       = "10.1.0.0/24"
}

resource "massif_server" "test" {
  name     = "{{name}}"
  flavor   = %q
  image    = "cirros-fake"
  networks = [{ subnet_id = massif_subnet.test.id }]
}`, flavor)
	}
	c.Test(t,
		resource.TestStep{Config: sized("m1.small")},
		resource.TestStep{
			PreConfig: func() {
				err := c.Simulator.AddFault(simulator.Fault{
					Method: http.MethodPost, Service: "compute", Path: "/action$", After: 1, Count: 2, // the resize passes
					Status: http.StatusBadRequest, Body: `{"badRequest": {"code": 400, "message": "Instance has not been resized."}}`,
				})
				if err != nil {
					t.Fatal(err)
				}
			},
			Config: sized("m1.medium"),
		},
	)
}
