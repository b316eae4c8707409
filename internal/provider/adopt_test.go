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
		from: "openstack_networking_subnet_v2", given: somewhere,
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
		from: "openstack_networking_router_v2", given: somewhere,
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
		from: "openstack_networking_port_v2", given: somewhere,
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
				adoptees: map[string]func() map[string]string{tc.from: func() map[string]string {
					maps.Copy(made, tc.make(a))
					return made
				}},
			}).factory()}
			first := tc.given + fmt.Sprintf("\nresource %q \"it\" {", tc.from)
			if strings.Contains(tc.given, "massif_subnet") {
				first += "\n  depends_on = [massif_subnet.given]\n"
			}
			a.Test(t,
				resource.TestStep{Config: first + "}\n"},
				resource.TestStep{
					Config: tc.given + fmt.Sprintf("\nresource \"massif_%s\" \"it\" {\n  %s\n}\n\nmoved {\n  from = %s.it\n  to   = massif_%s.it\n}\n",
						name, tc.config(a), tc.from, name),
					ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
					Check: func(s *terraform.State) error {
						is := s.RootModule().Resources["massif_"+name+".it"].Primary
						known(t, a, "massif_"+name, is.ID, is.Attributes["name"])
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
func known(t *testing.T, a api, typ, id, name string) {
	t.Helper()
	s := a.Server(t)
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

	filter := map[string]tftypes.Value{}
	if name != "" {
		filter["name"] = tftypes.NewValue(tftypes.String, name)
	}
	results := list(t, s, typ, filter)
	i := slices.IndexFunc(results, func(r tfprotov6.ListResourceResult) bool {
		return attribute(t, r.Identity.IdentityData, s.Identities[typ].ValueType(), "id") == id
	})
	switch {
	case i < 0:
		t.Errorf("it is not in the list of %d", len(results))
		return
	case name != "" && len(results) != 1:
		t.Errorf("%d are listed with the name %q", len(results), name)
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

// list lists a type with all that there is to know of each object.
func list(t *testing.T, s *acctest.Server, typ string, config map[string]tftypes.Value) []tfprotov6.ListResourceResult {
	t.Helper()
	schema, ok := s.Schemas.ListResourceSchemas[typ]
	lister, can := s.ProviderServer.(tfprotov6.ListResourceServer)
	if !ok || !can {
		t.Fatalf("%s cannot be listed", typ)
	}
	stream, err := lister.ListResource(t.Context(), &tfprotov6.ListResourceRequest{
		TypeName: typ, Config: acctest.Dynamic(t, schema.ValueType(), config), IncludeResource: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []tfprotov6.ListResourceResult
	for r := range stream.Results {
		acctest.Healthy(t, r.Diagnostics)
		all = append(all, r)
	}
	return all
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
