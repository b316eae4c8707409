package network_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// looked is a configuration with a data source, which is read when everything else is there.
func looked(objects, typ, by string) string {
	return objects + "\ndata \"massif_" + typ + "\" \"test\" {\n" + by + "\n}\n"
}

func finds(config string, checks ...statecheck.StateCheck) resource.TestStep {
	return resource.TestStep{Config: config, ConfigStateChecks: checks}
}

func TestRouterDataSource(t *testing.T) {
	c := acctest.New(t)
	name, id := external(t, c)
	const it = "data.massif_router.test"
	objects := aRouter(`
  external_network = "`+name+`"
  description      = "the one"
  subnet_ids       = [massif_subnet.a.id]
  routes           = [{ destination = "10.9.0.0/16", nexthop = "10.77.0.9" }]
  tags             = ["one", "two"]
`) + `
resource "massif_router" "twin" {
  name = "{{name}}"
}
`
	c.Test(t,
		finds(looked(objects, "router", "name = \"{{name}}\"\ntags = [\"one\"]\ndepends_on = [massif_router.test, massif_router.twin]"),
			acctest.Has(it, "description", text("the one")), acctest.Has(it, "external_network_id", text(id)), acctest.Has(it, "external_addresses", knownvalue.ListSizeExact(1)),
			acctest.Has(it, "subnet_ids", knownvalue.SetSizeExact(1)), acctest.Has(it, "routes", knownvalue.ListSizeExact(1)), acctest.Has(it, "tags", set("one"))),
		finds(looked(objects, "router", `id = massif_router.twin.id`), acctest.Has(it, "name", text(c.Prefix)), acctest.Has(it, "external_network_id", knownvalue.Null())),
		resource.TestStep{Config: looked(objects, "router", `name = "{{name}}"`), ExpectError: acctest.Words("2 routers match, where exactly one must")},
		resource.TestStep{Config: looked(objects, "router", `name = "{{name}}-none"`), ExpectError: acctest.Words("No router matches; there are:")},
	)
}

func TestPortDataSource(t *testing.T) {
	c := acctest.New(t)
	const it = "data.massif_port.test"
	objects := aPort("fixed_ips = [{ ip_address = \"10.77.0.9\" }]\nmac_address = \"fa:16:3e:00:77:0c\"\ntags = [\"one\"]") + `
resource "massif_port" "twin" {
  name       = "{{name}}"
  network_id = massif_network.test.id
  fixed_ips  = [{ subnet_id = massif_subnet.b.id }]
}
`
	network := "network_id = massif_network.test.id\ndepends_on = [massif_port.test, massif_port.twin]\n"
	c.Test(t,
		finds(looked(objects, "port", network+"name = \"{{name}}\"\ntags = [\"one\"]"), acctest.Has(it, "ip_address", text("10.77.0.9")), acctest.Has(it, "mac_address", text("fa:16:3e:00:77:0c"))),
		finds(looked(objects, "port", network+`ip_address = "10.77.0.9"`), acctest.Has(it, "name", text(c.Prefix)), acctest.Has(it, "all_fixed_ips", knownvalue.ListSizeExact(1))),
		finds(looked(objects, "port", network+`mac_address = "FA:16:3E:00:77:0C"`), acctest.Has(it, "ip_address", text("10.77.0.9")), acctest.Has(it, "tags", set("one"))),
		resource.TestStep{Config: looked(objects, "port", network+`name = "{{name}}"`), ExpectError: acctest.Words("2 ports match, where exactly one must")},
		resource.TestStep{Config: looked(objects, "port", network+`ip_address = "10.77.0.99"`), ExpectError: acctest.Words("No port matches; there are:")},
	)
}

func TestFloatingIPDataSource(t *testing.T) {
	c := acctest.New(t)
	name, id := external(t, c)
	const it = "data.massif_floating_ip.test"
	objects := aFloatingIP(name, `tags = ["one"]`) + `
resource "massif_floating_ip" "twin" {
  external_network = "` + name + `"
  description      = "{{name}}"
}
`
	after := "\ndepends_on = [massif_floating_ip.test, massif_floating_ip.twin]"
	c.Test(t,
		finds(looked(objects, "floating_ip", `address = massif_floating_ip.test.address`), acctest.Has(it, "tags", set("one")), acctest.Has(it, "external_network_id", text(id)), acctest.Has(it, "port_id", knownvalue.Null())),
		finds(looked(objects, "floating_ip", "description = \"{{name}}\"\ntags = [\"one\"]"+after), acctest.Has(it, "address", knownvalue.NotNull()), acctest.Has(it, "status", text("DOWN"))),
		resource.TestStep{Config: looked(objects, "floating_ip", `description = "{{name}}"`+after), ExpectError: acctest.Words("2 floating IPs match, where exactly one must")},
		resource.TestStep{Config: looked(objects, "floating_ip", `address = "192.0.2.77"`), ExpectError: acctest.Words("No floating IP matches; there are:")},
	)
}

func TestSubnetPoolDataSource(t *testing.T) {
	c := acctest.New(t)
	const it = "data.massif_subnet_pool.test"
	objects := aPool("prefixes = [\"10.200.0.0/16\"]\ntags = [\"one\"]") + `
resource "massif_subnet_pool" "twin" {
  name     = "{{name}}"
  prefixes = ["2001:db8:77::/48"]
}
`
	after := "\nname = \"{{name}}\"\ndepends_on = [massif_subnet_pool.test, massif_subnet_pool.twin]"
	c.Test(t,
		finds(looked(objects, "subnet_pool", "ip_version = 6\nshared = false"+after), acctest.Has(it, "prefixes", set("2001:db8:77::/48")), acctest.Has(it, "default_prefix_length", number(64)), acctest.Has(it, "shared", knownvalue.Bool(false))),
		finds(looked(objects, "subnet_pool", `tags = ["one"]`+after), acctest.Has(it, "prefixes", set("10.200.0.0/16")), acctest.Has(it, "is_default", knownvalue.Bool(false))),
		resource.TestStep{Config: looked(objects, "subnet_pool", after), ExpectError: acctest.Words("2 subnet pools match, where exactly one must")},
		resource.TestStep{Config: looked(objects, "subnet_pool", `name = "{{name}}-none"`), ExpectError: acctest.Words("No subnet pool matches; there are:")},
	)
}

func TestAddressGroupDataSource(t *testing.T) {
	c := acctest.New(t)
	const it = "data.massif_address_group.test"
	objects := anAddressGroup("addresses = [\"203.0.113.7/32\"]\ndescription = \"the one\"")
	c.Test(t,
		finds(looked(objects, "address_group", `name = massif_address_group.test.name`), acctest.Has(it, "addresses", set("203.0.113.7/32")), acctest.Has(it, "description", text("the one"))),
		resource.TestStep{Config: looked(objects, "address_group", `name = "{{name}}-none"`), ExpectError: acctest.Words("No address group matches; there are:")},
	)
}
