package provider_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// adoptee is an object that something else made, and the configuration that means it.
type adoptee struct {
	from   string                        // its type in the common provider
	given  string                        // what must be there before
	after  string                        // the last of these
	make   func(a api) map[string]string // makes it and returns its state in the common provider
	config func(a api) string            // the resource's arguments
}

const somewhere = `
resource "massif_network" "given" { name = "{{name}}-given" }
resource "massif_subnet" "given" {
  network_id = massif_network.given.id
  cidr       = "10.71.0.0/24"
  name       = "{{name}}-given"
}
`

// same is a configuration that does not depend on the cloud.
func same(config string) func(api) string { return func(api) string { return config } }

func id(o object) map[string]string { return map[string]string{"id": fmt.Sprint(o["id"])} }

var adoptees = map[string]adoptee{
	"network": {
		from: "openstack_networking_network_v2",
		make: func(a api) map[string]string {
			made := a.create(a.Network, "networks", "network", object{"name": a.Prefix, "description": "old", "mtu": 1400})
			a.send(a.Network, http.MethodPut, "networks/"+fmt.Sprint(made["id"])+"/tags", object{"tags": []string{"a", "b"}})
			return id(made)
		},
		config: same(`name = "{{name}}"
  description = "old"
  mtu = 1400
  tags = ["b", "a"]`),
	},
	"subnet": {
		from: "openstack_networking_subnet_v2", given: somewhere, after: "massif_subnet.given",
		make: func(a api) map[string]string {
			return id(a.create(a.Network, "subnets", "subnet", object{
				"network_id": a.named(a.Network, "networks", a.Prefix+"-given"), "name": a.Prefix, "ip_version": 4, "cidr": "10.72.0.0/24",
				"dns_nameservers": []string{"9.9.9.9", "1.1.1.1"}, "gateway_ip": nil,
			}))
		},
		config: same(`name = "{{name}}"
  network_id = massif_network.given.id
  cidr = "10.72.0.0/24"
  no_gateway = true
  dns_nameservers = ["9.9.9.9", "1.1.1.1"]`),
	},
	"router": {
		from: "openstack_networking_router_v2", given: somewhere, after: "massif_subnet.given",
		make: func(a api) map[string]string {
			made := a.create(a.Network, "routers", "router", object{"name": a.Prefix})
			a.send(a.Network, http.MethodPut, "routers/"+fmt.Sprint(made["id"])+"/add_router_interface",
				object{"subnet_id": a.named(a.Network, "subnets", a.Prefix+"-given")})
			return id(made)
		},
		config: same(`name = "{{name}}"
  subnet_ids = [massif_subnet.given.id]`),
	},
	"port": {
		from: "openstack_networking_port_v2", given: somewhere, after: "massif_subnet.given",
		make: func(a api) map[string]string {
			return id(a.create(a.Network, "ports", "port", object{
				"network_id": a.named(a.Network, "networks", a.Prefix+"-given"), "name": a.Prefix,
				"fixed_ips": []object{{"ip_address": "10.71.0.77"}},
			}))
		},
		config: same(`name = "{{name}}"
  network_id = massif_network.given.id
  fixed_ips = [{ ip_address = "10.71.0.77" }]
  depends_on = [massif_subnet.given]`),
	},
	"floating_ip": {
		from: "openstack_networking_floatingip_v2",
		make: func(a api) map[string]string {
			_, network := a.externalNetwork()
			return id(a.create(a.Network, "floatingips", "floatingip", object{"floating_network_id": network, "description": a.Prefix}))
		},
		config: func(a api) string {
			name, _ := a.externalNetwork()
			return fmt.Sprintf("external_network = %q\n  description = \"{{name}}\"", name)
		},
	},
	"security_group": {
		from: "openstack_networking_secgroup_v2",
		make: func(a api) map[string]string {
			made := a.create(a.Network, "security-groups", "security_group", object{"name": a.Prefix, "description": "old"})
			for _, cidr := range []string{"10.0.0.0/24", "10.1.0.0/24"} {
				a.create(a.Network, "security-group-rules", "security_group_rule", object{
					"security_group_id": made["id"], "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
					"port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": cidr, "description": "ssh",
				})
			}
			return id(made)
		},
		config: same(`name = "{{name}}"
  description = "old"
  rules = { ssh = { tcp = ["22"], from_cidrs = ["10.0.0.0/24", "10.1.0.0/24"] } }`),
	},
	"keypair": {
		from: "openstack_compute_keypair_v2",
		make: func(a api) map[string]string {
			a.create(a.Compute, "os-keypairs", "keypair", object{"name": a.Prefix, "public_key": publicKey})
			return map[string]string{"id": a.Prefix, "name": a.Prefix}
		},
		config: same(`name = "{{name}}"
  public_key = "` + publicKey + `"`),
	},
	"server_group": {
		from: "openstack_compute_servergroup_v2",
		make: func(a api) map[string]string {
			return id(a.create(a.Compute, "os-server-groups", "server_group", object{"name": a.Prefix, "policy": "soft-anti-affinity"}))
		},
		config: same(`name = "{{name}}"
  policy = "soft-anti-affinity"`),
	},
	"server": {
		from: "openstack_compute_instance_v2", given: somewhere, after: "massif_subnet.given",
		make: func(a api) map[string]string {
			made := a.create(a.Compute, "servers", "server", object{
				"name": a.Prefix, "flavorRef": a.named(a.Compute, "flavors", "m1.small"), "imageRef": a.named(a.Image, "images", "cirros-fake"),
				"networks": []object{{"uuid": a.named(a.Network, "networks", a.Prefix+"-given")}}, "metadata": object{"role": "old"},
			})
			a.until(a.Compute, "servers/"+fmt.Sprint(made["id"]), "server", "status", "ACTIVE")
			return id(made)
		},
		config: func(a api) string {
			return fmt.Sprintf(`name = "{{name}}"
  flavor = "m1.small"
  image = %q
  networks = [{ network_id = massif_subnet.given.network_id }]
  metadata = { role = "old" }`, a.named(a.Image, "images", "cirros-fake"))
		},
	},
	"object": {
		from: "openstack_objectstorage_object_v1", after: "massif_object_container.given",
		given: `
resource "massif_object_container" "given" { name = "{{name}}" }
`,
		make: func(a api) map[string]string {
			a.send(a.ObjectStorage, http.MethodPut, a.Prefix+"/page", object{"a": 1})
			return map[string]string{"id": a.Prefix + "/page", "container_name": a.Prefix, "name": "page", "content": `{"a":1}`}
		},
		config: same(`container = massif_object_container.given.name
  name = "page"
  content = jsonencode({ a = 1 })
  content_type = "application/json"`),
	},
	"volume": {
		from: "openstack_blockstorage_volume_v3",
		make: func(a api) map[string]string {
			made := a.create(a.BlockStorage, "volumes", "volume", object{"name": a.Prefix, "size": 1, "metadata": object{"role": "old"}})
			a.until(a.BlockStorage, "volumes/"+fmt.Sprint(made["id"]), "volume", "status", "AVAILABLE")
			return id(made)
		},
		config: same(`name = "{{name}}"
  size = 1
  metadata = { role = "old" }`),
	},
	"object_container": {
		from: "openstack_objectstorage_container_v1",
		make: func(a api) map[string]string {
			a.send(a.ObjectStorage, http.MethodPut, a.Prefix, nil)
			return map[string]string{"id": a.Prefix, "name": a.Prefix}
		},
		config: same(`name = "{{name}}"`),
	},
	"ec2_credential": {
		from: "openstack_identity_ec2_credential_v3",
		make: func(a api) map[string]string {
			made := a.send(a.Identity, http.MethodPost, "users/"+a.UserID()+"/credentials/OS-EC2", object{"tenant_id": a.ProjectID()})
			credential, _ := made["credential"].(object)
			return map[string]string{"id": fmt.Sprint(credential["access"]), "user_id": a.UserID(), "secret": fmt.Sprint(credential["secret"])}
		},
		config: same(``),
	},
	"application_credential": {
		from: "openstack_identity_application_credential_v3",
		make: func(a api) map[string]string {
			made := a.create(a.Identity, "users/"+a.UserID()+"/application_credentials", "application_credential", object{
				"name": a.Prefix, "description": "old", "expires_at": "2120-01-01T00:00:00.000000Z",
			})
			return map[string]string{"id": fmt.Sprint(made["id"]), "name": a.Prefix, "secret": fmt.Sprint(made["secret"])}
		},
		config: same(`name = "{{name}}"
  description = "old"
  expires_at = "2120-01-01T00:00:00Z"`),
	},
	"load_balancer": {
		from: "openstack_lb_loadbalancer_v2", given: somewhere, after: "massif_subnet.given",
		make: func(a api) map[string]string {
			made := a.create(a.LoadBalancer, "lbaas/loadbalancers", "loadbalancer", object{
				"name": a.Prefix, "vip_subnet_id": a.named(a.Network, "subnets", a.Prefix+"-given"),
			})
			a.until(a.LoadBalancer, "lbaas/loadbalancers/"+fmt.Sprint(made["id"]), "loadbalancer", "provisioning_status", "ACTIVE")
			return id(made)
		},
		config: same(`name = "{{name}}"
  vip_subnet_id = massif_subnet.given.id`),
	},
	"subnet_pool": {
		from: "openstack_networking_subnetpool_v2",
		make: func(a api) map[string]string {
			return id(a.create(a.Network, "subnetpools", "subnetpool", object{"name": a.Prefix, "prefixes": []string{"10.74.0.0/16"}, "default_prefixlen": 24}))
		},
		config: same(`name = "{{name}}"
  prefixes = ["10.74.0.0/16"]
  default_prefix_length = 24`),
	},
	"address_group": {
		from: "openstack_networking_address_group_v2",
		make: func(a api) map[string]string {
			return id(a.create(a.Network, "address-groups", "address_group", object{"name": a.Prefix, "addresses": []string{"203.0.113.0/28"}}))
		},
		config: same(`name = "{{name}}"
  addresses = ["203.0.113.0/28"]`),
	},
	"address_scope": {
		from: "openstack_networking_addressscope_v2",
		make: func(a api) map[string]string {
			return id(a.create(a.Network, "address-scopes", "address_scope", object{"name": a.Prefix, "ip_version": 4}))
		},
		config: same(`name = "{{name}}"
  ip_version = 4`),
	},
	"dns_zone": {
		from: "openstack_dns_zone_v2",
		make: func(a api) map[string]string {
			made := a.send(a.DNS, http.MethodPost, "zones", object{"name": a.Prefix + ".example.com.", "email": "hostmaster@example.com", "ttl": 1200})
			a.active(fmt.Sprint("zones/", made["id"]))
			return id(made)
		},
		config: same(`name = "{{name}}.example.com."
  email = "hostmaster@example.com"
  ttl = 1200`),
	},
	"dns_record_set": {
		from: "openstack_dns_recordset_v2", after: "massif_dns_zone.given",
		given: `
resource "massif_dns_zone" "given" {
  name  = "{{name}}.example.com."
  email = "hostmaster@example.com"
}
`,
		make: func(a api) map[string]string {
			zone := a.named(a.DNS, "zones", a.Prefix+".example.com.")
			made := a.send(a.DNS, http.MethodPost, "zones/"+zone+"/recordsets", object{
				"name": "www." + a.Prefix + ".example.com.", "type": "A", "records": []string{"203.0.113.10"}, "ttl": 300,
			})
			a.active(fmt.Sprint("zones/", zone, "/recordsets/", made["id"]))
			return map[string]string{"id": fmt.Sprint(zone, "/", made["id"]), "zone_id": zone}
		},
		config: same(`zone_id = massif_dns_zone.given.id
  name = "www"
  type = "A"
  records = ["203.0.113.10"]
  ttl = 300`),
	},
	"secret": {
		from: "openstack_keymanager_secret_v1",
		make: func(a api) map[string]string {
			made := a.send(a.KeyManager, http.MethodPost, "secrets", object{
				"name": a.Prefix, "secret_type": "passphrase", "payload": "correct horse", "payload_content_type": "text/plain",
			})
			ref := fmt.Sprint(made["secret_ref"])
			return map[string]string{"id": ref[strings.LastIndex(ref, "/")+1:], "secret_ref": ref}
		},
		config: same(`name = "{{name}}"
  secret_type = "passphrase"`),
	},
}

const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKeUQwOqIGKWaKzSCLsoYQnrtIJy60i5nN7r7duoZsiO"

// What the common provider made is taken over with `moved`, imported by id and by identity, and listed: always it is
// the same object, and a configuration that says the same plans nothing.
func TestAdoption(t *testing.T) {
	for name, tc := range adoptees {
		t.Run(name, func(t *testing.T) {
			a := api{t, acctest.New(t)}
			made := map[string]string{}
			a.Others = map[string]func() (tfprotov6.ProviderServer, error){"openstack": (&commonProvider{
				region: a.Region(),
				adoptees: map[string]func(string) map[string]string{tc.from: func(string) map[string]string {
					maps.Copy(made, tc.make(a))
					return made
				}},
			}).factory()}
			first := tc.given + fmt.Sprintf("\nresource %q \"it\" {", tc.from)
			if tc.given != "" {
				first += "\n  depends_on = [" + tc.after + "]\n"
			}
			a.Test(t,
				resource.TestStep{Config: first + "}\n"},
				resource.TestStep{
					Config: tc.given + fmt.Sprintf("\nresource \"massif_%s\" \"it\" {\n  %s\n}\n\nmoved {\n  from = %s.it\n  to   = massif_%s.it\n}\n",
						name, tc.config(a), tc.from, name),
					ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
					Check: func(s *terraform.State) error {
						is := s.RootModule().Resources["massif_"+name+".it"].Primary
						known(t, a, "massif_"+name, is)
						return errors.Join(sameText("id", is.ID, made["id"]), sameText("region", is.Attributes["region"], a.Region()))
					},
				},
			)
		})
	}
}

func sameText(what, is, want string) error {
	if is != want {
		return fmt.Errorf("the %s is %q, want %q", what, is, want)
	}
	return nil
}

// known imports and lists an object at the protocol.
func known(t *testing.T, a api, typ string, is *terraform.InstanceState) {
	t.Helper()
	s, id := a.Server(t), is.ID
	byID := imported(t, s, typ, &tfprotov6.ImportResourceStateRequest{TypeName: typ, ID: id})
	for how, req := range map[string]*tfprotov6.ImportResourceStateRequest{
		"region and id":       {TypeName: typ, ID: a.Region() + "/" + id},
		"identity":            {TypeName: typ, Identity: identityOf(t, s, typ, map[string]string{"id": id, "region": a.Region()})},
		"identity, no region": {TypeName: typ, Identity: identityOf(t, s, typ, map[string]string{"id": id})},
	} {
		if got := imported(t, s, typ, req); !got.Equal(byID) {
			t.Errorf("by %s it is\n%s\nby id\n%s", how, got, byID)
		}
	}
	resp, err := s.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{
		TypeName: typ, Identity: identityOf(t, s, typ, map[string]string{"id": id, "region": "Atlantis"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.Diagnostics) == 0 || !strings.Contains(resp.Diagnostics[0].Detail, "Atlantis") {
		t.Errorf("of a region that is not there it says %v", resp.Diagnostics)
	}

	filter := map[string]string{}
	for _, f := range s.Schemas.ListResourceSchemas[typ].Block.Attributes {
		if f.Name == "name" || f.Required { // the name, and what the object is in
			filter[f.Name] = is.Attributes[f.Name]
		}
	}
	results, failed := listed(t, s, typ, filter, 0, true)
	if failed != "" {
		t.Fatal(failed)
	}
	i := slices.IndexFunc(results, func(r tfprotov6.ListResourceResult) bool {
		return attribute(t, r.Identity.IdentityData, s.Identities[typ].ValueType(), "id") == id
	})
	switch {
	case i < 0:
		t.Errorf("it is not in the list of %d", len(results))
		return
	case len(filter) > 0 && len(results) != 1:
		t.Errorf("%d are listed with %v", len(results), filter)
	}
	if region := attribute(t, results[i].Identity.IdentityData, s.Identities[typ].ValueType(), "region"); region != a.Region() {
		t.Errorf("the list has it in region %q", region)
	}
	got, err := results[i].Resource.Unmarshal(s.Schemas.ResourceSchemas[typ].ValueType())
	if err != nil {
		t.Fatal(err)
	}
	if !got.Equal(byID) {
		t.Errorf("the list has\n%s\nan import\n%s", got, byID)
	}
}

// imported is the state of an object after its import and the read that follows.
func imported(t *testing.T, s *acctest.Server, typ string, req *tfprotov6.ImportResourceStateRequest) tftypes.Value {
	t.Helper()
	resp, err := s.ImportResourceState(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	acctest.Healthy(t, resp.Diagnostics)
	one := resp.ImportedResources[0]
	read, err := s.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: typ, CurrentState: one.State, CurrentIdentity: one.Identity, Private: one.Private,
	})
	if err != nil {
		t.Fatal(err)
	}
	acctest.Healthy(t, read.Diagnostics)
	v, err := read.NewState.Unmarshal(s.Schemas.ResourceSchemas[typ].ValueType())
	if err != nil {
		t.Fatal(err)
	}
	if v.IsNull() {
		t.Fatalf("the %s %s is gone", typ, req.ID)
	}
	return v
}

func identityOf(t *testing.T, s *acctest.Server, typ string, values map[string]string) *tfprotov6.ResourceIdentityData {
	t.Helper()
	raw := map[string]tftypes.Value{}
	for key, v := range values {
		raw[key] = tftypes.NewValue(tftypes.String, v)
	}
	return &tfprotov6.ResourceIdentityData{IdentityData: acctest.Dynamic(t, s.Identities[typ].ValueType(), raw)}
}

// listed lists a type and returns what was found, and the errors.
func listed(t *testing.T, s *acctest.Server, typ string, config map[string]string, limit int64, whole bool) (all []tfprotov6.ListResourceResult, failed string) {
	t.Helper()
	schema, ok := s.Schemas.ListResourceSchemas[typ]
	lister, can := s.ProviderServer.(tfprotov6.ListResourceServer)
	if !ok || !can {
		t.Fatalf("%s cannot be listed", typ)
	}
	values := map[string]tftypes.Value{}
	for name, v := range config {
		values[name] = tftypes.NewValue(tftypes.String, v)
	}
	stream, err := lister.ListResource(t.Context(), &tfprotov6.ListResourceRequest{
		TypeName: typ, Config: acctest.Dynamic(t, schema.ValueType(), values), IncludeResource: whole, Limit: limit,
	})
	if err != nil {
		t.Fatal(err)
	}
	for r := range stream.Results {
		for _, d := range r.Diagnostics {
			failed += d.Summary + ": " + d.Detail + "\n"
		}
		all = append(all, r)
	}
	return all, failed
}

// attribute is a text in an object.
func attribute(t *testing.T, dynamic *tfprotov6.DynamicValue, typ tftypes.Type, name string) string {
	t.Helper()
	v, err := dynamic.Unmarshal(typ)
	if err != nil {
		t.Fatal(err)
	}
	values, text := map[string]tftypes.Value{}, ""
	if err := errors.Join(v.As(&values), values[name].As(&text)); err != nil {
		t.Fatal(err)
	}
	return text
}
