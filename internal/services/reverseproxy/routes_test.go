package reverseproxy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// containers are proxies without nodes, which is all that routes and certificates know of one.
func containers(names ...string) string {
	text := ""
	for _, name := range names {
		text += fmt.Sprintf(`
resource "massif_object_container" %[1]q {
  name          = "{{name}}-%[1]s"
  force_destroy = true
}
resource "massif_object" %[1]q {
  container    = massif_object_container.%[1]s.name
  name         = "config.json"
  content_type = "application/json"
  content = jsonencode({
    format    = 1
    upstreams = { for u in ["shop", "blog"] : u => { targets = { v1 = { url = "https://10.0.0.1:443", weight = 1 } } } }
  })
}
locals {
  %[1]s = split("/", massif_object.%[1]s.id)[0] // known when it is made
}
`, name)
	}
	return text
}

// set is a set of routes with its attributes.
func set(label, proxies, routes, more string) string {
	return fmt.Sprintf(`
resource "massif_reverse_proxy_routes" %[1]q {
  name           = %[1]q
  proxy_ids      = [%[2]s]
  routes         = %[3]s
  wait_for_nodes = false
  %[4]s
}
`, label, proxies, routes, more)
}

func open(t *testing.T, c *acctest.Cloud, proxy string) *objectstore.Container {
	t.Helper()
	container, err := objectstore.Open(c.Cloud, c.Prefix+"-"+proxy)
	if err != nil {
		t.Fatal(err)
	}
	return container
}

// served checks what nodes would read.
func served(t *testing.T, c *acctest.Cloud, proxy, name string, want documents.Routes) resource.TestCheckFunc {
	t.Helper()
	return func(*terraform.State) error {
		content, _, err := open(t, c, proxy).Get(t.Context(), documents.RoutesObject(name), "")
		if err != nil {
			return err
		}
		got, err := documents.DecodeRoutes(content)
		if err == nil && fmt.Sprint(got) != fmt.Sprint(want) {
			err = fmt.Errorf("%v instead of %v", got, want)
		}
		return err
	}
}

func TestRoutesLife(t *testing.T) {
	c := acctest.New(t)
	c.Test(t,
		resource.TestStep{
			Config: containers("a", "b") + set("test", "local.a", `{ "WWW.Example.CH" = "shop", "zürich.ch" = "blog/zh", "example.ch" = "redirect:https://www.example.ch" }`, ""),
			Check: served(t, c, "a", "test", documents.Routes{
				"www.example.ch": "shop", "xn--zrich-kva.ch": "blog/zh", "example.ch": "redirect:https://www.example.ch",
			}),
			ConfigStateChecks: []statecheck.StateCheck{has(theRoutes, "routes", knownvalue.MapSizeExact(3)), has(theRoutes, "etags", knownvalue.MapSizeExact(1))},
		},
		// What is imported is spelled as nodes read it.
		resource.TestStep{
			ResourceName: theRoutes, ImportState: true, ImportStateVerify: true,
			ImportStateVerifyIgnore: []string{"wait_for_nodes", "routes.%", "routes.WWW.Example.CH", "routes.www.example.ch", "routes.zürich.ch", "routes.xn--zrich-kva.ch"},
		},
		// Another proxy and another route, in place.
		resource.TestStep{
			Config:           containers("a", "b") + set("test", "local.a, local.b", `{ "www.example.ch" = "blog" }`, ""),
			ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{theRoutes: plancheck.ResourceActionUpdate}),
			Check: resource.ComposeTestCheckFunc(served(t, c, "a", "test", documents.Routes{"www.example.ch": "blog"}),
				served(t, c, "b", "test", documents.Routes{"www.example.ch": "blog"})),
		},
		// Somebody writes another set into one of them, and takes the other away.
		resource.TestStep{
			PreConfig: func() {
				content, err := documents.Routes{"other.ch": "shop"}.Encode()
				if err == nil {
					_, err = open(t, c, "a").Put(t.Context(), documents.RoutesObject("test"), content, "application/gzip", false)
				}
				if err = errors.Join(err, open(t, c, "b").Delete(t.Context(), documents.RoutesObject("test"))); err != nil {
					t.Error(err)
				}
			},
			Config:           containers("a", "b") + set("test", "local.a, local.b", `{ "www.example.ch" = "blog" }`, ""),
			ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{theRoutes: plancheck.ResourceActionUpdate}),
			Check: resource.ComposeTestCheckFunc(served(t, c, "a", "test", documents.Routes{"www.example.ch": "blog"}),
				served(t, c, "b", "test", documents.Routes{"www.example.ch": "blog"})),
		},
		// One proxy less: its object goes.
		resource.TestStep{
			Config: containers("a", "b") + set("test", "local.b", `{ "www.example.ch" = "blog" }`, ""),
			Check: func(*terraform.State) error {
				if _, err := open(t, c, "a").Stat(t.Context(), documents.RoutesObject("test")); err == nil {
					return errors.New("the set is still in the proxy that it was taken from")
				}
				return nil
			},
		},
		// It vanishes.
		resource.TestStep{
			PreConfig: func() {
				if err := open(t, c, "b").Delete(t.Context(), documents.RoutesObject("test")); err != nil {
					t.Error(err)
				}
			},
			Config:           containers("a", "b") + set("test", "local.b", `{ "www.example.ch" = "blog" }`, ""),
			ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{theRoutes: plancheck.ResourceActionCreate}),
		},
		// Another name is another set.
		resource.TestStep{
			Config:           containers("a", "b") + strings.Replace(set("test", "local.b", `{ "www.example.ch" = "blog" }`, ""), `= "test"`, `= "second"`, 1),
			ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{theRoutes: plancheck.ResourceActionReplace}),
		},
	)
}

// What is wrong only with respect to the proxy or to other sets.
func TestRoutesRefused(t *testing.T) {
	c := acctest.New(t)
	first := containers("a") + set("one", "local.a", `{ "a.ch" = "shop", "b.ch" = "redirect:https://c.ch" }`, "")
	c.Test(t,
		resource.TestStep{Config: first},
		resource.TestStep{
			Config:      first + set("two", "local.a", `{ "d.ch" = "stop" }`, ""),
			ExpectError: acctest.Blamed("routes", `there is no upstream "stop"; there are: blog, shop`),
		},
		resource.TestStep{
			Config:      first + set("two", "local.a", `{ "A.ch" = "shop" }`, ""),
			ExpectError: acctest.Words(`The host is also in the set`),
		},
		// The other set is that of another configuration.
		resource.TestStep{
			PreConfig: func() {
				content, err := documents.Routes{"foreign.ch": "shop", "x.ch": "redirect:https://y.ch"}.Encode()
				if err == nil {
					_, err = open(t, c, "a").Put(t.Context(), documents.RoutesObject("others"), content, "application/gzip", true)
				}
				if err != nil {
					t.Error(err)
				}
			},
			Config:      first + set("two", "local.a", `{ "foreign.ch" = "shop" }`, ""),
			ExpectError: acctest.Words(`The host is also in the set "others" of the proxy`),
		},
		resource.TestStep{
			Config:      first + set("two", "local.a", `{ "y.ch" = "redirect:https://x.ch" }`, ""),
			ExpectError: acctest.Blamed("routes", `the redirect leads back to itself`),
		},
		resource.TestStep{
			Config:      first + set("others", "local.a", `{ "new.ch" = "shop" }`, ""),
			ExpectError: acctest.Words(`others" exists already`),
		},
		resource.TestStep{Config: first, ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{"massif_reverse_proxy_routes.one": plancheck.ResourceActionNoop})},
	)
}

// Hosts move from one set to another in one apply, in whatever order that is carried out.
func TestRoutesMove(t *testing.T) {
	c := acctest.New(t)
	two := func(old, fresh string) string {
		return containers("a") + set("old", "local.a", old, "") + set("new", "local.a", fresh, "")
	}
	c.Test(t,
		resource.TestStep{Config: two(`{ "a.ch" = "shop", "b.ch" = "shop", "c.ch" = "shop" }`, `{}`)},
		resource.TestStep{
			Config: two(`{ "c.ch" = "shop" }`, `{ "a.ch" = "blog", "b.ch" = "blog" }`),
			Check: resource.ComposeTestCheckFunc(served(t, c, "a", "old", documents.Routes{"c.ch": "shop"}),
				served(t, c, "a", "new", documents.Routes{"a.ch": "blog", "b.ch": "blog"})),
		},
		// And exchange places.
		resource.TestStep{
			Config: two(`{ "a.ch" = "shop" }`, `{ "c.ch" = "blog" }`),
			Check:  served(t, c, "a", "new", documents.Routes{"c.ch": "blog"}),
		},
	)
}

func TestRoutesWaitForNodes(t *testing.T) {
	c := acctest.New(t)
	const object = "routes/test.json.gz"
	waiting := func(routes string) string {
		return containers("a") + strings.Replace(set("test", "local.a", routes, ""), "= false", "= true", 1)
	}
	good := &reporter{node: "n-1"}
	stop := func() {}
	c.Test(t,
		resource.TestStep{Config: containers("a")},
		resource.TestStep{
			PreConfig: func() { stop = good.live(t, c, c.Prefix+"-a") },
			Config:    waiting(`{ "a.ch" = "shop" }`),
			Check: func(s *terraform.State) error {
				if got, want := good.has(object), s.RootModule().Resources[theRoutes].Primary.Attributes["etags."+c.Prefix+"-a"]; got != want || want == "" {
					return fmt.Errorf("the apply ended while the node had %q and not %q", got, want)
				}
				return nil
			},
		},
		// Of two nodes, one refuses: the error has its words.
		resource.TestStep{
			PreConfig: func() {
				bad := &reporter{node: "n-2", refuse: map[string]string{object: "it smells"}}
				stopGood, stopBad := stop, bad.live(t, c, c.Prefix+"-a")
				stop = func() { stopBad(); stopGood() }
			},
			Config:      waiting(`{ "a.ch" = "blog" }`),
			ExpectError: acctest.Words(`the nodes keep what they had. n-2 says: it smells`),
		},
		resource.TestStep{
			PreConfig: func() { stop() },
			Config:    containers("a") + set("test", "local.a", `{ "a.ch" = "blog" }`, ""),
		},
	)
}

// Without a node that lives, nobody waits for ever.
func TestRoutesWithoutNodes(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{
		Config:      containers("a") + strings.Replace(set("test", "local.a", `{ "a.ch" = "shop" }`, ""), "= false", "= true", 1),
		ExpectError: acctest.Words(`no node of the proxy has reported lately`),
	})
}

// What is not known yet is not wrong.
func TestRoutesUnknown(t *testing.T) {
	later := "resource \"terraform_data\" \"later\" {\n  input = \"shop\"\n}\n"
	c := acctest.New(t)
	c.Test(t,
		resource.TestStep{Config: later + containers("a") + set("test", "local.a", `{ "a.ch" = terraform_data.later.output, (terraform_data.later.id) = "shop" }`, ""),
			ExpectError: acctest.Words("is no host")}, // an id has no dot, which is known after it is made
		resource.TestStep{
			Config: later + containers("a") + set("test", "local.a", `{ "a.ch" = terraform_data.later.output }`, ""),
			Check:  served(t, c, "a", "test", documents.Routes{"a.ch": "shop"}),
		},
	)
}
