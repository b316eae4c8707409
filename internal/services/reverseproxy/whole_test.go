package reverseproxy_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/dns/v2/recordsets"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// around is what a proxy with everything needs.
const around = `
resource "massif_router" "test" {
  name             = "{{name}}"
  external_network = "ext-floating1"
  subnet_ids       = [massif_subnet.test.id]
}
resource "massif_dns_zone" "test" {
  name  = "{{name}}.example.com."
  email = "ops@example.com"
}
resource "massif_security_group" "test" {
  name = "{{name}}-more"
}
`

const everything = `
  external_network    = "ext-floating1"
  allowed_cidrs       = ["192.0.2.0/24", "198.51.100.0/24"]
  security_group_ids  = [massif_security_group.test.id]
  server_group_policy = "anti-affinity"
  access_log          = false
  dns                 = { zone_id = massif_dns_zone.test.id, names = ["@", "*.shops"], ttl = 300 }
  tls = {
    acme          = { email = "ops@example.ch", on_demand = true }
    hsts          = { max_age = "8760h", include_subdomains = true, preload = true }
    redirect_http = true
  }
  depends_on = [massif_router.test]
`

const rich = `shop = {
    targets            = { v1 = { url = "https://10.77.0.200", weight = 95 }, v2 = { url = "https://10.77.0.201:8443", weight = 5 } }
    canary_by          = "host"
    host_header        = "shop.internal"
    rewrite_responses  = true
    rewrite_body_types = ["text/html"]
    request_headers    = { "X-Shop" = "1" }
    response_headers   = { "X-Frame-Options" = "DENY" }
    health_check       = { path = "/healthz", interval = "5s", timeout = "1s", status = 204 }
    retries            = 0
    connect_timeout    = "1s"
    response_timeout   = "10s"
    tls                = { server_name = "shop.internal", insecure = true }
  }`

func TestReverseProxyFull(t *testing.T) {
	c := acctest.New(t)
	var id string
	whole := around + shape{nodes: "count = 1", upstreams: rich, more: everything}.String()
	c.Test(t,
		resource.TestStep{
			Config: whole,
			ConfigStateChecks: []statecheck.StateCheck{
				has(theProxy, "floating_ip", knownvalue.NotNull()),
				statecheck.ExpectSensitiveValue(theProxy, tfPath("encryption_key")),
				statecheck.ExpectSensitiveValue(theProxy, tfPath("application_credential_secret")),
			},
			Check: resource.ComposeTestCheckFunc(
				resource.TestCheckResourceAttrPair(theProxy, "address", theProxy, "floating_ip"),
				func(s *terraform.State) error {
					id = attributeOf(s, theProxy, "id")
					return (part{t, c}).leads(attributeOf(s, "massif_dns_zone.test", "id"), attributeOf(s, theProxy, "address"), "", "*.shops.")
				},
				func(*terraform.State) error { return wrote(t, c, id) },
				narrow(t, c),
			),
		},
		// The names, the address and the extras in place.
		resource.TestStep{
			Config: around + shape{nodes: "count = 1", upstreams: rich,
				more: "server_group_policy = \"anti-affinity\"\n  dns = { zone_id = massif_dns_zone.test.id, names = [\"www\"] }\n  depends_on = [massif_router.test]"}.String(),
			ConfigPlanChecks:  plans(map[string]plancheck.ResourceActionType{theProxy: plancheck.ResourceActionUpdate}),
			ConfigStateChecks: []statecheck.StateCheck{has(theProxy, "floating_ip", knownvalue.Null())},
			Check: resource.ComposeTestCheckFunc(
				resource.TestCheckResourceAttrPair(theProxy, "address", theProxy, "vip_address"),
				func(s *terraform.State) error {
					return (part{t, c}).leads(attributeOf(s, "massif_dns_zone.test", "id"), attributeOf(s, theProxy, "address"), "www.")
				},
			),
		},
		// Another name is another proxy.
		resource.TestStep{
			Config:           around + strings.Replace(shape{}.String(), `name           = "{{name}}"`, `name           = "{{name}}-b"`, 1),
			ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{theProxy: plancheck.ResourceActionReplace}),
		},
	)
}

// leads checks that exactly these names of a zone lead to the address.
func (p part) leads(zone, address string, names ...string) error {
	client, err := p.DNS()
	if err != nil {
		return err
	}
	pages, err := recordsets.ListByZone(client, zone, recordsets.ListOpts{Type: "A"}).AllPages(p.Context())
	if err != nil {
		return err
	}
	found, err := recordsets.ExtractRecordSets(pages)
	if err != nil {
		return err
	}
	want := map[string]bool{}
	for _, name := range names {
		want[name+p.Prefix+".example.com."] = true
	}
	for _, r := range found {
		if !want[r.Name] || len(r.Records) != 1 || r.Records[0] != address {
			return fmt.Errorf("%s leads to %v; %v were to lead to %s", r.Name, r.Records, names, address)
		}
		delete(want, r.Name)
	}
	if len(want) > 0 {
		return fmt.Errorf("there are no records for %v", want)
	}
	return nil
}

// wrote checks the configuration that nodes read.
func wrote(t *testing.T, c *acctest.Cloud, id string) error {
	t.Helper()
	container, err := objectstore.Open(c.Cloud, id)
	if err != nil {
		return err
	}
	content, _, err := container.Get(t.Context(), documents.ConfigObject, "")
	if err != nil {
		return err
	}
	got, err := documents.DecodeConfig(content)
	if err != nil {
		return err
	}
	u := got.Upstreams["shop"]
	if !got.AccessLog.Disabled || !got.TLS.RedirectHTTP || got.TLS.ACME == nil || !got.TLS.ACME.OnDemand || got.TLS.HSTS == nil || !got.TLS.HSTS.Preload ||
		u.Targets["v1"].Weight != 95 || u.CanaryBy != documents.CanaryByHost || !u.RewriteResponses || len(u.RewriteBodyTypes) != 1 || u.HostHeader != "shop.internal" ||
		u.RequestHeaders["X-Shop"] != "1" || u.ResponseHeaders["X-Frame-Options"] != "DENY" || u.HealthCheck == nil || u.HealthCheck.Status != 204 ||
		u.Retries == nil || *u.Retries != 0 || u.Timeouts.Connect == 0 || u.Timeouts.Response == 0 || u.TLS == nil || !u.TLS.Insecure {
		return fmt.Errorf("%s", content)
	}
	return nil
}

// narrow checks that the nodes' credential reaches its container and no other.
func narrow(t *testing.T, c *acctest.Cloud) resource.TestCheckFunc {
	t.Helper()
	return func(s *terraform.State) error {
		session, err := c.AsApplication(t.Context(), attributeOf(s, theProxy, "application_credential_id"), attributeOf(s, theProxy, "application_credential_secret"))
		if err != nil {
			return err
		}
		own, err := objectstore.Open(session, attributeOf(s, theProxy, "id"))
		if err != nil {
			return err
		}
		if _, err := own.Put(t.Context(), "status/test.json", []byte("{}"), "application/json", false); err != nil {
			return err
		}
		if err := own.Delete(t.Context(), "status/test.json"); err != nil {
			return err
		}
		other, err := objectstore.Open(session, c.Prefix+"-other")
		if err != nil {
			return err
		}
		if err := other.Make(t.Context(), nil); err == nil {
			return fmt.Errorf("the nodes' credential can make containers")
		}
		return nil
	}
}

// A create that fails half-way is in the state, tainted, and its destruction finds all of it.
func TestReverseProxyInterruptedCreateLeavesNothing(t *testing.T) {
	const forbidden = `{"forbidden":{"code":403,"message":"Quota exceeded for instances: Requested 1, but already used 10 of 10 instances"}}`
	for name, fault := range map[string]simulator.Fault{
		"configuration":  {Method: http.MethodPut, Path: "/config.json$", Status: http.StatusForbidden, Body: "quota"},
		"credential":     {Method: http.MethodPost, Path: "/application_credentials$", Status: http.StatusForbidden, Body: `{"error":{"code":403,"title":"Forbidden","message":"quota of credentials"}}`},
		"security group": {Method: http.MethodPost, Path: "/security-groups$", Status: http.StatusConflict, Body: `{"NeutronError":{"type":"OverQuota","message":"Quota exceeded","detail":""}}`},
		"rules":          {Method: http.MethodPost, Path: "/security-group-rules$", Status: http.StatusConflict, Body: `{"NeutronError":{"type":"OverQuota","message":"Quota exceeded","detail":""}}`},
		"server group":   {Method: http.MethodPost, Path: "/os-server-groups$", Status: http.StatusForbidden, Body: forbidden},
		"ports":          {Method: http.MethodPost, Path: "/ports$", Status: http.StatusConflict, Body: `{"NeutronError":{"type":"OverQuota","message":"Quota exceeded","detail":""}}`},
		"load balancer":  {Method: http.MethodPost, Path: "/loadbalancers$", Status: http.StatusForbidden, Body: `{"faultcode":"Client","faultstring":"Quota has been met for resources: loadbalancer"}`},
		"first node":     {Method: http.MethodPost, Path: "/servers$", Status: http.StatusForbidden, Body: forbidden},
		"last node":      {Method: http.MethodPost, Path: "/servers$", After: 1, Status: http.StatusForbidden, Body: forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			c := acctest.OnSimulator(t, "requests fail on demand")
			if err := c.Simulator.AddFault(fault); err != nil {
				t.Fatal(err)
			}
			whole := shape{nodes: "count = 2"}.String()
			c.Test(t,
				resource.TestStep{Config: subnet},
				resource.TestStep{Config: whole, ExpectError: regexp.MustCompile(`(?i)quota`)},
				resource.TestStep{
					PreConfig: c.Simulator.ClearFaults, Config: whole, Check: part{t, c}.serves(),
					ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{theProxy: plancheck.ResourceActionDestroyBeforeCreate}),
				},
			)
		})
	}
}

// A roll that stops in the middle goes on with the next apply, with what serves still in service.
func TestReverseProxyInterruptedRollGoesOn(t *testing.T) {
	c := acctest.OnSimulator(t, "requests fail on demand")
	c.Test(t,
		resource.TestStep{Config: shape{nodes: "count = 2"}.String()},
		resource.TestStep{
			PreConfig: func() {
				if err := c.Simulator.AddFault(simulator.Fault{
					Method: http.MethodPost, Path: "/servers$", After: 1, Status: http.StatusForbidden, Body: `{"forbidden":{"code":403,"message":"Quota exceeded for instances"}}`,
				}); err != nil {
					t.Error(err)
				}
			},
			Config: shape{nodes: "count = 2", binary: "1"}.String(), ExpectError: regexp.MustCompile(`(?i)quota`),
		},
		resource.TestStep{
			PreConfig: c.Simulator.ClearFaults, Config: shape{nodes: "count = 2", binary: "1"}.String(), Check: part{t, c}.serves(),
			ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{theProxy: plancheck.ResourceActionUpdate}),
			ConfigStateChecks: []statecheck.StateCheck{
				has(theProxy, "node_names", knownvalue.ListSizeExact(2)), has(theProxy, "outdated_node_names", knownvalue.ListSizeExact(0)),
			},
		},
	)
}

// Nodes that never report fail the apply with the reason.
func TestReverseProxyWaitsForNodes(t *testing.T) {
	c := acctest.New(t)
	waits := shape{upstreams: `shop = { targets = { v2 = { url = "https://10.77.0.201" } } }`}
	if c.Simulator != nil {
		waits.more = `timeouts = { update = "10s" }` // a real cloud may take longer for what comes before the waiting
	}
	c.Test(t,
		resource.TestStep{Config: shape{}.String()},
		resource.TestStep{
			Config:      strings.Replace(waits.String(), "wait_for_nodes = false", "wait_for_nodes = true", 1),
			ExpectError: acctest.Words(`no node of the proxy has reported lately`),
		},
	)
}

// A cloud whose object storage takes no access rules gets a credential without them; the container's own list keeps it narrow.
func TestReverseProxyWithoutAccessRules(t *testing.T) {
	c := acctest.OnSimulator(t, "one of its requests fails on demand")
	// Swift without the catalog in its tokens answers so to whoever has access rules.
	if err := c.Simulator.AddFault(simulator.Fault{
		Method: http.MethodPut, Path: "/status/credential$", Count: 1, Status: http.StatusInternalServerError, Body: "An error occurred",
	}); err != nil {
		t.Fatal(err)
	}
	c.Test(t, resource.TestStep{Config: shape{}.String(), Check: narrow(t, c)})
}

// A proxy cannot be imported, and says what can be done instead.
func TestReverseProxyImport(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{
		Config: shape{}.String(), ResourceName: theProxy, ImportState: true, ImportStateId: "x", ExpectError: acctest.Words(`A reverse proxy cannot be imported`),
	})
}
