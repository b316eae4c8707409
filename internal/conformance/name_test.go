package conformance

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// somePublicKey is one whose private half nobody has.
const somePublicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8Ln5rLmmBVi1VeyTT8tvnCFCWXrFqpUMhUdQ4UPqm6 someone"

// alike are texts that the services' databases take for "Prod-1": MySQL's usual collation knows neither case nor
// accents nor spaces at the end. Who looks something up by its name must compare names himself.
var alike = map[string]string{"the same": "Prod-1", "another case": "prod-1", "accents": "Pröd-1", "a space at the end": "Prod-1 "}

// findsAlike checks that a list filtered by a name finds an object named "<prefix>Prod-1" by all that is alike, and by
// nothing else.
func findsAlike(t *testing.T, a *api, path, collection, filter, id string) {
	t.Helper()
	for what, name := range alike {
		query := url.Values{filter: {a.prefix + name}}.Encode()
		same(t, path+", "+what, a.get(t, path+"?"+query).column(t, collection, "id"), []string{id})
	}
	for _, name := range []string{" Prod-1", "Prod", "Prod-12"} {
		query := url.Values{filter: {a.prefix + name}}.Encode()
		same(t, path+", "+name, a.get(t, path+"?"+query).at(collection), list{})
	}
}

func TestNamesInNetworkLists(t *testing.T) {
	c := open(t, simulator.Options{})
	n := c.login(t).network(t)
	name := c.prefix + "Prod-1"
	network := n.make(t, "/networks", "network", obj{"name": name, "description": name})["id"].(string)
	for collection, o := range map[string]struct {
		noun string
		in   obj
	}{
		"subnets":         {"subnet", obj{"network_id": network, "ip_version": 4, "cidr": "10.47.0.0/24"}},
		"ports":           {"port", obj{"network_id": network, "device_id": name}},
		"routers":         {"router", obj{}},
		"security-groups": {"security_group", obj{}},
	} {
		t.Run(collection, func(t *testing.T) {
			o.in["name"], o.in["description"] = name, name
			id := n.make(t, "/"+collection, o.noun, o.in)["id"].(string)
			key := map[string]string{"security-groups": "security_groups"}[collection]
			if key == "" {
				key = collection
			}
			findsAlike(t, n, "/"+collection, key, "name", id)
			findsAlike(t, n, "/"+collection, key, "description", id)
			if collection == "ports" {
				findsAlike(t, n, "/ports", "ports", "device_id", id)
			}
		})
	}
	t.Run("networks", func(t *testing.T) {
		findsAlike(t, n, "/networks", "networks", "name", network)
		n.want(t, http.StatusOK, "PUT", "/networks/"+network+"/tags", obj{"tags": list{name}})
		findsAlike(t, n, "/networks", "networks", "tags", network)
		n.refuses(t, refusal{"a tag of its own is compared exactly", "GET", "/networks/" + network + "/tags/" + c.prefix + "prod-1", nil, 404, "TagNotFound", "could not be found"})
	})
	t.Run("floating IPs", func(t *testing.T) {
		id := n.make(t, "/floatingips", "floatingip", obj{"floating_network_id": n.external(t), "description": name})["id"].(string)
		findsAlike(t, n, "/floatingips", "floatingips", "description", id)
	})
	t.Run("lists are sorted so, too", func(t *testing.T) {
		for _, name := range []string{"b", "A", "C"} {
			n.make(t, "/networks", "network", obj{"name": c.prefix + name, "description": c.prefix + "sorted"})
		}
		names := []any{}
		for _, network := range n.get(t, "/networks?sort_key=name&sort_dir=asc&description="+c.prefix+"sorted").list(t, "networks") {
			names = append(names, dig(network, "name"))
		}
		same(t, "names", names, list{c.prefix + "A", c.prefix + "b", c.prefix + "C"})
	})
	n.refuses(t, refusal{"no group may be called Default", "POST", "/security-groups", obj{"security_group": obj{"name": "Default"}}, 409, "SecurityGroupDefaultAlreadyExists", "Default security group already exists."})
}

func TestNamesElsewhere(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	t.Run("load balancers", func(t *testing.T) {
		k := balancers(t, s)
		k.create(t, obj{"name": c.prefix + "Prod-1", "description": c.prefix + "Prod-1", "tags": list{c.prefix + "Prod-1"}})
		k.settled(t)
		findsAlike(t, k.api, "/loadbalancers", "loadbalancers", "name", k.id)
		findsAlike(t, k.api, "/loadbalancers", "loadbalancers", "description", k.id)
		findsAlike(t, k.api, "/loadbalancers", "loadbalancers", "tags", k.id)
	})
	t.Run("images", func(t *testing.T) {
		i := s.image(t)
		exact := i.get(t, "/images?name=cirros-fake").column(t, "images", "id")
		if len(exact) == 0 {
			t.Skip("the cloud has no image cirros-fake")
		}
		for _, name := range []string{"Cirros-Fake", "cirros-fake ", "in:CIRROS-FAKE"} {
			same(t, name, i.get(t, "/images?name="+url.QueryEscape(name)).column(t, "images", "id"), exact)
		}
	})
	t.Run("volumes", func(t *testing.T) {
		v := s.volume(t)
		id := v.make(t, "/volumes", "volume", obj{"name": c.prefix + "Prod-1", "size": 1})["id"].(string)
		findsAlike(t, v, "/volumes", "volumes", "name", id)
	})
	t.Run("projects and users log in by any case", func(t *testing.T) {
		who := c.clouds[c.user]
		who.Auth.ProjectName, who.Auth.ProjectID, who.Auth.Username = "DEMO", "", "Demo"
		if c.user != "demo" {
			t.Skip("the cloud is not called demo")
		}
		same(t, "project", c.session(t, who).projectID, s.projectID)
	})
	t.Run("application credentials", func(t *testing.T) {
		path := "/users/" + s.userID + "/application_credentials"
		id := s.auth.make(t, path, "application_credential", obj{"name": c.prefix + "Prod-1"})["id"].(string)
		same(t, "list", s.auth.get(t, path+"?name="+c.prefix+"prod-1").column(t, "application_credentials", "id"), []string{id})
		s.auth.refuses(t, refusal{"no second one in another case", "POST", path, obj{"application_credential": obj{"name": c.prefix + "PROD-1"}}, 409, "", "Duplicate entry found with name " + c.prefix + "PROD-1."})
	})
	t.Run("key pairs", func(t *testing.T) {
		n := s.compute(t)
		key := obj{"keypair": obj{"name": c.prefix + "Prod", "public_key": somePublicKey}}
		n.want(t, http.StatusCreated, "POST", "/os-keypairs", key)
		n.deleteAfter(t, "/os-keypairs/"+c.prefix+"Prod")
		same(t, "found", n.get(t, "/os-keypairs/"+c.prefix+"prod").at("keypair.name"), c.prefix+"Prod")
		n.refuses(t, refusal{"no second one in another case", "POST", "/os-keypairs", obj{"keypair": obj{"name": c.prefix + "PROD", "public_key": somePublicKey}}, 409, "conflictingRequest", "Key pair '" + c.prefix + "PROD' already exists."})
		n.want(t, http.StatusNoContent, "DELETE", "/os-keypairs/"+c.prefix+"PROD", nil)
		n.want(t, http.StatusNotFound, "GET", "/os-keypairs/"+c.prefix+"Prod", nil)
	})
}

func TestServerNames(t *testing.T) {
	c := open(t, simulator.Options{})
	k := kit(t, c.login(t))
	id := k.server(t, "Prod-1", obj{"networks": "none", "tags": list{c.name("Tag")}})
	k.active(t, id)
	for _, query := range []string{"name=" + c.name("prod-1"), "name=%5E" + c.name("PROD-1") + "$", "tags=" + c.name("tag")} {
		same(t, query, k.compute.get(t, "/servers?"+query).column(t, "servers", "id"), []string{id})
	}
}
