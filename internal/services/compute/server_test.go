package compute_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

const testServer = "massif_server.test"

// place is where the servers of the tests live. Addresses that a test chooses are not in the pool, where another port could have got them.
const place = `
resource "massif_network" "test" { name = "{{name}}" }
resource "massif_subnet" "test" {
  name             = "{{name}}"
  network_id       = massif_network.test.id
  cidr             = "10.7.0.0/24"
  allocation_pools = [{ start = "10.7.0.100", end = "10.7.0.250" }]
}
resource "massif_security_group" "test" { name = "{{name}}" }
`

// serverConfig is a server with the usual arguments where the body does not set them.
func serverConfig(body string) string {
	for name, usual := range map[string]string{
		"networks": "[{ network_id = massif_subnet.test.network_id }]", "flavor": `"m1.small"`, "name": `"{{name}}"`, "image": `"cirros-fake"`,
	} {
		if !regexp.MustCompile(`(?m)^\s*` + name + `\s*=`).MatchString(body) {
			body += "\n  " + name + " = " + usual
		}
	}
	return place + "resource \"massif_server\" \"test\" {\n  " + body + "\n}\n"
}

func serverIs(path tfjsonpath.Path, check knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(testServer, path, check)
}

func nic(i int, name string) tfjsonpath.Path {
	return tfjsonpath.New("networks").AtSliceIndex(i).AtMapKey(name)
}

var inSubnet = knownvalue.StringRegexp(regexp.MustCompile(`^10\.7\.0\.\d+$`))

func TestServerBasicImportAndDisappears(t *testing.T) {
	c := acctest.New(t)
	c.Test(t,
		resource.TestStep{
			Config: serverConfig(""),
			ConfigStateChecks: []statecheck.StateCheck{
				serverIs(tfjsonpath.New("access_ipv4"), inSubnet),
				serverIs(tfjsonpath.New("access_ipv6"), knownvalue.Null()),
				serverIs(nic(0, "ipv4_address"), inSubnet),
				serverIs(nic(0, "mac_address"), knownvalue.StringRegexp(regexp.MustCompile(`^fa:16:3e:`))),
				serverIs(tfjsonpath.New("port_ids"), knownvalue.ListSizeExact(1)),
				serverIs(tfjsonpath.New("power_state"), knownvalue.StringExact("active")),
				serverIs(tfjsonpath.New("availability_zone"), knownvalue.StringExact("nova")),
				serverIs(tfjsonpath.New("security_group_ids"), knownvalue.Null()),
				serverIs(tfjsonpath.New("description"), knownvalue.StringExact("")),
				serverIs(tfjsonpath.New("volumes"), knownvalue.Null()),
			},
		},
		resource.TestStep{ResourceName: testServer, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"image"}},
		resource.TestStep{
			PreConfig:        func() { deleteServers(t.Context(), t, c) },
			Config:           serverConfig(""),
			ConfigPlanChecks: planned(testServer, plancheck.ResourceActionCreate),
		},
	)
}

const fullServer = `
  name                 = "{{name}}"
  flavor               = "2"
  image                = "cirros-fake"
  key_pair             = massif_keypair.test.name
  server_group_id      = massif_server_group.test.id
  user_data_wo         = "#cloud-config"
  user_data_wo_version = 1
  metadata             = { role = "test" }
  tags                 = ["b", "a"]
  config_drive         = true
  security_group_ids   = [massif_security_group.test.id]
  description          = "all of it"
  boot_volume          = { size = %d, type = "fast", delete_on_termination = %t }
  networks = [
    { subnet_id = massif_subnet.test.id, fixed_ip = "10.7.0.42" },
    { network_id = massif_subnet.test.network_id },
    { network_id = massif_subnet.test.network_id, security_group_ids = [massif_security_group.other.id] },
  ]
`

const besideFull = `
resource "massif_security_group" "other" { name = "{{name}}-other" }
resource "massif_keypair" "test" {
  name       = "{{name}}"
  public_key = "` + aKey + `"
}
resource "massif_server_group" "test" {
  name   = "{{name}}"
  policy = "soft-anti-affinity"
}
`

func TestServerFull(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{
			Config: besideFull + serverConfig(fmt.Sprintf(fullServer, 2, false)),
			ConfigStateChecks: []statecheck.StateCheck{
				serverIs(tfjsonpath.New("access_ipv4"), knownvalue.StringExact("10.7.0.42")),
				serverIs(nic(0, "ipv4_address"), knownvalue.StringExact("10.7.0.42")),
				serverIs(nic(1, "ipv4_address"), inSubnet),
				serverIs(nic(2, "ipv4_address"), inSubnet),
				serverIs(tfjsonpath.New("port_ids"), knownvalue.ListSizeExact(3)),
				serverIs(tfjsonpath.New("boot_volume").AtMapKey("id"), knownvalue.NotNull()),
				serverIs(tfjsonpath.New("user_data_wo"), knownvalue.Null()),
				serverIs(tfjsonpath.New("flavor"), knownvalue.StringExact("2")),
			},
		},
		resource.TestStep{
			ResourceName: testServer, ImportState: true, ImportStateVerify: true,
			ImportStateVerifyIgnore: []string{"image", "flavor", "networks", "security_group_ids", "user_data_wo_version", "boot_volume.type", "port_ids", "access_ipv4"},
		},
		// The boot volume grows in place, and goes with the server from now on.
		resource.TestStep{
			Config:            besideFull + serverConfig(fmt.Sprintf(fullServer, 3, true)),
			ConfigPlanChecks:  planned(testServer, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{serverIs(tfjsonpath.New("boot_volume").AtMapKey("size"), knownvalue.Int64Exact(3))},
		},
		resource.TestStep{
			Config:      besideFull + serverConfig(fmt.Sprintf(fullServer, 1, true)),
			ExpectError: acctest.Words(`volume has 3 GiB and cannot shrink to 1`),
		},
	)
}

func TestServerUpdate(t *testing.T) {
	acctest.New(t).Test(t,
		resource.TestStep{Config: serverConfig(``)},
		resource.TestStep{
			Config: serverConfig(`
  name               = "{{name}}-renamed"
  description        = "changed"
  metadata           = { a = "b" }
  tags               = ["x"]
  security_group_ids = [massif_security_group.test.id]`),
			ConfigPlanChecks: planned(testServer, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{
				serverIs(tfjsonpath.New("description"), knownvalue.StringExact("changed")),
				serverIs(tfjsonpath.New("metadata"), knownvalue.MapSizeExact(1)),
				serverIs(tfjsonpath.New("security_group_ids"), knownvalue.SetSizeExact(1)),
			},
		},
		resource.TestStep{
			Config:           serverConfig("flavor = \"m1.medium\"\n  power_state = \"shutoff\""),
			ConfigPlanChecks: planned(testServer, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{
				serverIs(tfjsonpath.New("flavor"), knownvalue.StringExact("m1.medium")),
				serverIs(tfjsonpath.New("power_state"), knownvalue.StringExact("shutoff")),
				serverIs(tfjsonpath.New("metadata"), knownvalue.MapSizeExact(0)),
				serverIs(tfjsonpath.New("security_group_ids"), knownvalue.Null()),
			},
		},
		// The flavor by its id is the same flavor.
		resource.TestStep{
			Config:            serverConfig("flavor = \"3\""),
			ConfigPlanChecks:  planned(testServer, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{serverIs(tfjsonpath.New("power_state"), knownvalue.StringExact("active"))},
		},
	)
}

// wouldReplace is for steps that only plan: it takes no time to make the server.
func wouldReplace() resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PostApplyPreRefresh: []plancheck.PlanCheck{
		plancheck.ExpectResourceAction(testServer, plancheck.ResourceActionDestroyBeforeCreate),
	}}
}

// NICs at the end come and go in place.
func TestServerNetworks(t *testing.T) {
	const one = `networks = [{ network_id = massif_subnet.test.network_id }]`
	const three = `networks = [
    { network_id = massif_subnet.test.network_id },
    { network_id = massif_subnet.test.network_id },
    { subnet_id = massif_subnet.test.id, fixed_ip = "10.7.0.77" },
  ]`
	acctest.New(t).Test(t,
		resource.TestStep{Config: serverConfig(one)},
		resource.TestStep{
			Config:           serverConfig(three),
			ConfigPlanChecks: planned(testServer, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{
				serverIs(nic(2, "ipv4_address"), knownvalue.StringExact("10.7.0.77")),
				serverIs(tfjsonpath.New("port_ids"), knownvalue.ListSizeExact(3)),
			},
		},
		resource.TestStep{
			Config:            serverConfig(one),
			ConfigPlanChecks:  planned(testServer, plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{serverIs(tfjsonpath.New("port_ids"), knownvalue.ListSizeExact(1))},
		},
		resource.TestStep{
			Config:             serverConfig(`networks = [{ subnet_id = massif_subnet.test.id }]`),
			ConfigPlanChecks:   wouldReplace(),
			PlanOnly:           true,
			ExpectNonEmptyPlan: true,
		},
	)
}

// What makes a new server, and what does not.
func TestServerReplaceAndImage(t *testing.T) {
	replaced := func(body string) resource.TestStep {
		return resource.TestStep{
			Config: serverConfig(body), PlanOnly: true, ExpectNonEmptyPlan: true,
			ConfigPlanChecks: wouldReplace(),
		}
	}
	acctest.New(t).Test(t,
		resource.TestStep{Config: serverConfig(`user_data = "#!/bin/sh"`)},
		// The same image by its id is no reason for a new server.
		resource.TestStep{
			Config: `data "massif_image" "same" { name = "cirros-fake" }` + serverConfig(`user_data = "#!/bin/sh"
  image = data.massif_image.same.id`),
			ConfigPlanChecks: planned(testServer, plancheck.ResourceActionUpdate),
		},
		replaced("user_data = \"#!/bin/bash\"\n  image = \"cirros-fake\""),
		replaced("user_data = \"#!/bin/sh\"\n  config_drive = true"),
		replaced("user_data = \"#!/bin/sh\"\n  boot_volume = { size = 1 }"),
		replaced("user_data = \"#!/bin/sh\"\n  key_pair = \"another\""),
		resource.TestStep{
			Config:           serverConfig("user_data = \"#!/bin/sh\"\n  image = \"ubuntu-22.04-fake\""),
			ConfigPlanChecks: planned(testServer, plancheck.ResourceActionDestroyBeforeCreate),
		},
	)
}

// serverAction does something to the server under test behind Terraform's back.
func serverAction(t *testing.T, c *acctest.Cloud, id *string, do func(context.Context, *gophercloud.ServiceClient, string) error) func() {
	return func() {
		t.Helper()
		client, err := c.Compute()
		if err != nil {
			t.Fatal(err)
		}
		if err := do(t.Context(), client, *id); err != nil {
			t.Fatal(err)
		}
	}
}

// With rebuild, another image and other user data are written into the same server; unless somebody has locked it.
func TestServerRebuildAndLock(t *testing.T) {
	c := acctest.New(t)
	id := ""
	same := func(found string) error {
		if id != "" && found != id {
			return fmt.Errorf("another server: %s, not %s", found, id)
		}
		id = found
		return nil
	}
	const after = "rebuild = true\n  image = \"ubuntu-22.04-fake\"\n  user_data_wo = \"#!/bin/bash\"\n  user_data_wo_version = 1"
	c.Test(t,
		resource.TestStep{Config: serverConfig(`rebuild = true`), Check: resource.TestCheckResourceAttrWith(testServer, "id", same)},
		resource.TestStep{
			PreConfig: serverAction(t, c, &id, func(ctx context.Context, client *gophercloud.ServiceClient, id string) error {
				return servers.Lock(ctx, client, id).ExtractErr()
			}),
			Config:      serverConfig(after),
			ExpectError: acctest.Words("has locked the server against changes; `openstack server unlock"),
		},
		resource.TestStep{
			PreConfig: serverAction(t, c, &id, func(ctx context.Context, client *gophercloud.ServiceClient, id string) error {
				return servers.Unlock(ctx, client, id).ExtractErr()
			}),
			Config:           serverConfig(after),
			ConfigPlanChecks: planned(testServer, plancheck.ResourceActionUpdate),
			Check:            resource.TestCheckResourceAttrWith(testServer, "id", same),
		},
	)
}

func deleteServers(ctx context.Context, t *testing.T, c *acctest.Cloud) {
	t.Helper()
	client, err := c.Compute()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := servers.List(client, servers.ListOpts{Name: c.Prefix}).AllPages(ctx)
	if err != nil {
		t.Fatal(err)
	}
	all, err := servers.ExtractServers(pages)
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range all {
		if err := servers.Delete(ctx, client, found.ID).ExtractErr(); err != nil {
			t.Fatal(err)
		}
		if err := servers.WaitForStatus(ctx, client, found.ID, "DELETED"); err != nil && !strings.Contains(err.Error(), "could not be found") {
			t.Fatal(err)
		}
	}
}

// crowd is more servers than there are hosts, each on a host of its own, with ports that the provider made.
const crowd = `
resource "massif_server_group" "apart" {
  name   = "{{name}}"
  policy = "anti-affinity"
}
resource "massif_server" "first" {
  name            = "{{name}}-1"
  flavor          = "m1.small"
  image           = "cirros-fake"
  server_group_id = massif_server_group.apart.id
  networks        = [{ network_id = massif_subnet.test.network_id }]
}
`

// A server that Nova gives up is told with Nova's words, is tainted, and leaves no port behind.
func TestServerFailedWait(t *testing.T) {
	c := acctest.New(t, func(o *simulator.Options) { o.Hosts = 1 })
	second := serverConfig(`
  server_group_id = massif_server_group.apart.id
  networks        = [{ subnet_id = massif_subnet.test.id }]
  depends_on      = [massif_server.first]`)
	c.Test(t,
		resource.TestStep{Config: crowd + second, ExpectError: acctest.Words(`reached the state ERROR: No valid host was found.`)},
		resource.TestStep{Config: crowd + place, Check: nil},
	)
}

// A deletion that Nova gives up is told at once. The next one may do.
func TestServerWhoseDeletionFails(t *testing.T) {
	c := acctest.OnSimulator(t, "a deletion fails on demand")
	var it acctest.Stolen
	c.Test(t,
		resource.TestStep{Config: serverConfig(`networks = [{ subnet_id = massif_subnet.test.id }]`), Check: it.From(testServer)},
		resource.TestStep{
			PreConfig: func() {
				admin, err := c.Administrator(t).Compute()
				if err != nil {
					t.Fatal(err)
				}
				err = servers.ResetState(t.Context(), admin, it.ID, servers.StateError).ExtractErr()
				if err = errors.Join(err, c.Simulator.AddFault(simulator.Fault{
					Method: http.MethodDelete, Service: "compute", Path: "/servers/[^/]{36}$", Count: 1, Status: http.StatusNoContent,
				})); err != nil {
					t.Fatal(err)
				}
			},
			Config: place, ExpectError: acctest.Words(`reached the state ERROR`),
		},
		resource.TestStep{Config: place},
	)
}

// The end of the console is in the error.
func TestServerConsoleInError(t *testing.T) {
	c := acctest.OnSimulator(t, "no server of a real cloud fails after it has printed something")
	if err := c.Simulator.AddFault(simulator.Fault{
		Method: http.MethodGet, Service: "compute", Path: "/servers/[^/]{36}$", Count: 1,
		Status: http.StatusOK, Body: `{"server":{"id":"x","name":"x","status":"ERROR","fault":{"message":"It broke."}}}`,
	}); err != nil {
		t.Fatal(err)
	}
	if err := c.Simulator.AddFault(simulator.Fault{
		Method: http.MethodPost, Service: "compute", Path: "/action$", Count: 1,
		Status: http.StatusOK, Body: `{"output":"Kernel panic"}`,
	}); err != nil {
		t.Fatal(err)
	}
	c.Test(t, resource.TestStep{
		Config:      serverConfig(""),
		ExpectError: regexp.MustCompile(`(?s)reached the\s+state ERROR: It broke\..*The end of its console:.*Kernel panic`),
	})
}

// When Nova refuses the server, the ports that were made for it are deleted at once.
func TestServerRefusedLeavesNoPorts(t *testing.T) {
	c := acctest.New(t)
	c.Test(t,
		resource.TestStep{
			Config: serverConfig("key_pair = \"{{name}}-nobody\"\n" +
				"  networks = [{ subnet_id = massif_subnet.test.id, security_group_ids = [massif_security_group.test.id] }]"),
			ExpectError: acctest.Words(`Invalid key_name provided`),
		},
		resource.TestStep{
			PreConfig: func() {
				client, err := c.Network()
				if err != nil {
					t.Fatal(err)
				}
				pages, err := ports.List(client, ports.ListOpts{Name: c.Prefix}).AllPages(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if all, err := ports.ExtractPorts(pages); err != nil || len(all) > 0 {
					t.Fatalf("ports left: %v, %v", all, err)
				}
			},
			Config: place,
		},
	)
}

func TestServerResizeWithoutRoom(t *testing.T) {
	c := acctest.OnSimulator(t, "a real cloud's hosts are large", func(o *simulator.Options) { o.Hosts, o.HostCores = 1, 4 })
	c.Test(t,
		resource.TestStep{Config: serverConfig("")},
		resource.TestStep{
			Config:      serverConfig("flavor = \"m1.xlarge\""),
			ExpectError: acctest.Words(`Nova put it back to m1.small, as it does when no host has room`),
		},
		resource.TestStep{Config: serverConfig(""), ConfigPlanChecks: planned(testServer, plancheck.ResourceActionNoop)},
	)
}

// When the confirmation fails, the server goes back to what it was.
func TestServerResizeReverted(t *testing.T) {
	c := acctest.OnSimulator(t, "a real cloud confirms")
	c.Test(t,
		resource.TestStep{Config: serverConfig("")},
		resource.TestStep{
			PreConfig: func() {
				// The second action after the resize is the confirmation.
				if err := c.Simulator.AddFault(simulator.Fault{
					Method: http.MethodPost, Service: "compute", Path: "/action$", After: 1, Count: 1,
					Status: http.StatusConflict, Body: `{"conflictingRequest":{"code":409,"message":"No confirmation today."}}`,
				}); err != nil {
					t.Fatal(err)
				}
			},
			Config:      serverConfig("flavor = \"m1.large\""),
			ExpectError: acctest.Words(`No confirmation today.`),
		},
		resource.TestStep{Config: serverConfig(""), ConfigPlanChecks: planned(testServer, plancheck.ResourceActionNoop)},
	)
}

// A port that somebody gave stays when the server goes.
func TestServerGivenPort(t *testing.T) {
	c := acctest.New(t)
	port, network, variables := "", "", config.Variables{}
	c.Test(t,
		resource.TestStep{
			Config: place,
			Check: resource.TestCheckResourceAttrWith("massif_subnet.test", "network_id", func(id string) error {
				network = id
				return nil
			}),
		},
		resource.TestStep{
			PreConfig: func() {
				client, err := c.Network()
				if err != nil {
					t.Fatal(err)
				}
				made, err := ports.Create(t.Context(), client, ports.CreateOpts{NetworkID: network, Name: c.Prefix}).Extract()
				if err != nil {
					t.Fatal(err)
				}
				port = made.ID
				variables["port"] = config.StringVariable(port)
			},
			ConfigVariables:   variables,
			Config:            `variable "port" { type = string }` + "\n" + serverConfig(`networks = [{ port_id = var.port }]`),
			ConfigStateChecks: []statecheck.StateCheck{serverIs(nic(0, "ipv4_address"), inSubnet)},
		},
		resource.TestStep{
			Config: place,
			Check: func(*terraform.State) error {
				client, err := c.Network()
				if err != nil {
					return err
				}
				if _, err := ports.Get(t.Context(), client, port).Extract(); err != nil {
					return err
				}
				return ports.Delete(t.Context(), client, port).ExtractErr()
			},
		},
	)
}

func TestServerUnknowns(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{Config: `
resource "terraform_data" "later" {
  input = { flavor = "m1.small", image = "cirros-fake", tags = ["a"], metadata = { a = "b" }, ip = "10.7.0.9", data = "x", state = "active" }
}
` + serverConfig(`
  flavor      = terraform_data.later.output.flavor
  image       = terraform_data.later.output.image
  tags        = terraform_data.later.output.tags
  metadata    = terraform_data.later.output.metadata
  user_data   = terraform_data.later.output.data
  power_state = terraform_data.later.output.state
  networks    = [{ network_id = massif_subnet.test.network_id, fixed_ip = terraform_data.later.output.ip }]`),
		ConfigStateChecks: []statecheck.StateCheck{serverIs(tfjsonpath.New("access_ipv4"), knownvalue.StringExact("10.7.0.9"))},
	})
}
