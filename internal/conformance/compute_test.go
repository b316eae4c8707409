package conformance

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// flavors are two that differ: the smallest, and a bigger one for a resize.
func (a *api) flavors(t *testing.T) (small, big string) {
	t.Helper()
	for _, f := range a.get(t, "/flavors/detail?sort_key=memory_mb&sort_dir=asc").list(t, "flavors") {
		if disk, ok := dig(f, "disk").(float64); !ok || disk < 1 {
			continue
		}
		if small == "" {
			small = dig(f, "id").(string)
		} else if big == "" {
			big = dig(f, "id").(string)
		}
	}
	if big == "" {
		t.Skip("the cloud has no two flavors with a disk")
	}
	return small, big
}

// cirros is the image that the test's servers boot: the smallest that is no appliance.
func (s *session) cirros(t *testing.T) string {
	t.Helper()
	a := s.image(t).get(t, "/images?status=active&visibility=public&sort=name:asc")
	for _, image := range a.list(t, "images") {
		if name, ok := dig(image, "name").(string); ok && strings.Contains(strings.ToLower(name), "cirros") {
			return dig(image, "id").(string)
		}
	}
	return a.str(t, "images.0.id")
}

// serverKit is what servers need.
type serverKit struct {
	*session
	compute, network          *api
	net, subnet, small, image string
}

func kit(t *testing.T, s *session) serverKit {
	t.Helper()
	k := serverKit{session: s, compute: s.compute(t), network: s.network(t)}
	k.net = k.network.makeNetwork(t, "net")
	k.subnet = k.network.makeSubnet(t, k.net, "10.61.0.0/24")
	k.small, _ = k.compute.flavors(t)
	k.image = s.cirros(t)
	return k
}

// server asks for a server and returns its id; more overrides what is sent.
func (k serverKit) server(t *testing.T, name string, more obj) string {
	t.Helper()
	in := obj{"name": k.name(name), "flavorRef": k.small, "imageRef": k.image, "networks": list{obj{"uuid": k.net}}}
	for key, value := range more {
		in[key] = value
	}
	return k.compute.make(t, "/servers", "server", in)["id"].(string)
}

// localDisk is the image on the server's own disk, which a list of block devices must have in it.
func (k serverKit) localDisk() obj {
	return obj{"boot_index": 0, "uuid": k.image, "source_type": "image", "destination_type": "local", "delete_on_termination": true}
}

func (k serverKit) active(t *testing.T, id string) obj {
	t.Helper()
	return k.compute.passes(t, "/servers/"+id, "server.status", "BUILD", "ACTIVE").at("server").(obj)
}

// bound are the states of a port that a server gets: BUILD while the agent works on it.
var bound = []string{"DOWN", "BUILD", "ACTIVE"}

func TestComputeVersions(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	n := s.compute(t)
	t.Run("the answer names the microversion", func(t *testing.T) {
		a := n.get(t, "/servers")
		same(t, "new header", a.header.Get("OpenStack-API-Version"), "compute 2.79")
		same(t, "old header", a.header.Get("X-OpenStack-Nova-API-Version"), "2.79")
		same(t, "request id", a.header.Get("X-Openstack-Request-Id"), containing("req-"))
	})
	t.Run("without a header it is 2.1", func(t *testing.T) {
		same(t, "header", n.with("X-OpenStack-Nova-API-Version", "").get(t, "/servers").header.Get("X-OpenStack-Nova-API-Version"), "2.1")
	})
	t.Run("the new header works alike", func(t *testing.T) {
		a := n.with("X-OpenStack-Nova-API-Version", "").with("OpenStack-API-Version", "compute 2.60").get(t, "/servers")
		same(t, "header", a.header.Get("OpenStack-API-Version"), "compute 2.60")
	})
	t.Run("the version document tells the range", func(t *testing.T) {
		is(t, "version", n.with("X-Auth-Token", "").get(t, "/").at("version"), obj{"id": "v2.1", "status": "CURRENT", "min_version": "2.1", "version": containing("2.")})
	})
	n.with("X-OpenStack-Nova-API-Version", "2.999").refuses(t,
		refusal{"an unknown microversion is 406", "GET", "/servers", nil, 406, "computeFault", "Version 2.999 is not supported by the API."})
}

func TestFlavor(t *testing.T) {
	c := open(t, simulator.Options{})
	n := c.login(t).compute(t)
	small, _ := n.flavors(t)
	t.Run("details have these keys", func(t *testing.T) {
		is(t, "flavor", n.get(t, "/flavors/"+small).at("flavor"), obj{
			"id": small, "name": someText, "ram": aNumber, "disk": aNumber, "vcpus": aNumber, "swap": present, "OS-FLV-EXT-DATA:ephemeral": aNumber,
			"OS-FLV-DISABLED:disabled": false, "os-flavor-access:is_public": true, "rxtx_factor": 1, "extra_specs": obj{}, "description": nil, "links": aList,
		})
	})
	t.Run("a list filters by memory and disk", func(t *testing.T) {
		same(t, "too much", n.get(t, "/flavors/detail?minRam=99999999").at("flavors"), list{})
		for _, flavor := range n.get(t, "/flavors/detail?minDisk=20").list(t, "flavors") {
			if dig(flavor, "disk").(float64) < 20 {
				t.Errorf("%v", flavor)
			}
		}
	})
	t.Run("pages are linked by next", func(t *testing.T) {
		a := n.get(t, "/flavors?limit=1")
		same(t, "flavors", len(a.list(t, "flavors")), 1)
		same(t, "rel", a.at("flavors_links.0.rel"), "next")
		b := n.get(t, a.str(t, "flavors_links.0.href"))
		same(t, "flavors", len(b.list(t, "flavors")), 1)
		if b.at("flavors.0.id") == a.at("flavors.0.id") {
			t.Error("the next page is the first")
		}
	})
	n.refuses(t,
		refusal{"an unknown id is 404", "GET", "/flavors/" + nobody, nil, 404, "itemNotFound", "Flavor " + nobody + " could not be found."},
		refusal{"a marker that is not there is 400", "GET", "/flavors?marker=" + nobody, nil, 400, "badRequest", "marker [" + nobody + "] not found"})
}

func TestAvailabilityZones(t *testing.T) {
	c := open(t, simulator.Options{})
	n := c.login(t).compute(t)
	is(t, "zone", n.get(t, "/os-availability-zone").at("availabilityZoneInfo.0"), obj{"zoneName": someText, "zoneState": obj{"available": true}, "hosts": nil})
}

func TestKeypair(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	n := s.compute(t)
	const public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8Ln5rLmmBVi1VeyTT8tvnCFCWXrFqpUMhUdQ4UPqm6 someone"
	create := func(t *testing.T, in obj) obj {
		t.Helper()
		a := n.want(t, http.StatusCreated, "POST", "/os-keypairs", obj{"keypair": in})
		n.deleteAfter(t, "/os-keypairs/"+in["name"].(string))
		return a.at("keypair").(obj)
	}
	name := c.name("key")
	made := create(t, obj{"name": name, "public_key": public})
	t.Run("an imported key is answered with its fingerprint", func(t *testing.T) {
		is(t, "keypair", made, obj{
			"name": name, "public_key": public, "type": "ssh", "user_id": s.userID, "private_key": missing,
			"fingerprint": text("an MD5 fingerprint", `^([0-9a-f]{2}:){15}[0-9a-f]{2}$`),
		})
	})
	t.Run("reading it tells more", func(t *testing.T) {
		is(t, "keypair", n.get(t, "/os-keypairs/"+name).at("keypair"), obj{
			"name": name, "public_key": public, "type": "ssh", "user_id": s.userID, "fingerprint": made["fingerprint"], "created_at": aTimeFine, "deleted": false, "id": aNumber,
		})
	})
	t.Run("a list wraps each one", func(t *testing.T) {
		found := false
		for _, entry := range n.get(t, "/os-keypairs").list(t, "keypairs") {
			if dig(entry, "keypair", "name") == name {
				found = true
				is(t, "entry", entry.(obj)["keypair"], obj{"public_key": public, "type": "ssh", "fingerprint": made["fingerprint"], "user_id": missing})
			}
		}
		same(t, "listed", found, true)
	})
	t.Run("a generated key is answered once", func(t *testing.T) {
		is(t, "keypair", create(t, obj{"name": c.name("generated")}), obj{"private_key": containing("PRIVATE KEY"), "public_key": containing("ssh-rsa ")})
		is(t, "keypair", n.get(t, "/os-keypairs/"+c.name("generated")).at("keypair"), obj{"private_key": missing})
	})
	post := func(name string, status int, kind, words string, in obj) refusal {
		return refusal{name, "POST", "/os-keypairs", obj{"keypair": in}, status, kind, words}
	}
	n.refuses(t,
		post("a second of that name is 409", 409, "conflictingRequest", "Key pair '"+name+"' already exists.", obj{"name": name, "public_key": public}),
		post("text that is no key is 400", 400, "badRequest", "Keypair data is invalid: failed to generate fingerprint", obj{"name": c.name("x"), "public_key": "nonsense"}),
		post("a name with odd letters is 400", 400, "badRequest", "An invalid 'name' value was provided. The name must be: Only expected characters: [_- 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ]", obj{"name": c.name("x$"), "public_key": public}),
		post("a name with a dot is 400 before 2.92", 400, "badRequest", "An invalid 'name' value was provided.", obj{"name": c.name("x.y"), "public_key": public}),
		post("no name is 400", 400, "badRequest", "'name' is a required property", obj{"public_key": public}),
		post("an unknown attribute is 400", 400, "badRequest", "Additional properties are not allowed ('colour' was unexpected)", obj{"name": c.name("x"), "colour": "red"}),
		refusal{"an unknown one is 404", "GET", "/os-keypairs/" + c.name("x"), nil, 404, "itemNotFound", "Keypair " + c.name("x") + " not found for user " + s.userID},
		refusal{"deleting an unknown one is 404", "DELETE", "/os-keypairs/" + c.name("x"), nil, 404, "itemNotFound", "Keypair " + c.name("x") + " not found for user " + s.userID},
	)
	t.Run("deleting is 204", func(t *testing.T) {
		n.want(t, http.StatusNoContent, "DELETE", "/os-keypairs/"+name, nil)
	})
}

func TestServerGroup(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	n := s.compute(t)
	made := n.make(t, "/os-server-groups", "server_group", obj{"name": c.name("group"), "policy": "soft-anti-affinity"})
	id := made["id"].(string)
	t.Run("a new group has one policy, rules and no members", func(t *testing.T) {
		whole := obj{"id": anUUID, "name": c.name("group"), "policy": "soft-anti-affinity", "rules": obj{}, "members": list{}, "project_id": s.projectID, "user_id": s.userID, "policies": missing}
		is(t, "group", made, whole)
		is(t, "read again", n.get(t, "/os-server-groups/"+id).at("server_group"), whole)
	})
	t.Run("rules belong to anti-affinity", func(t *testing.T) {
		is(t, "group", n.make(t, "/os-server-groups", "server_group", obj{"name": c.name("ruled"), "policy": "anti-affinity", "rules": obj{"max_server_per_host": 2}}), obj{"rules": obj{"max_server_per_host": 2}})
	})
	t.Run("two groups may have one name", func(t *testing.T) {
		n.make(t, "/os-server-groups", "server_group", obj{"name": c.name("group"), "policy": "affinity"})
	})
	n.refuses(t,
		refusal{"an unknown policy is 400", "POST", "/os-server-groups", obj{"server_group": obj{"name": c.name("x"), "policy": "nearby"}}, 400, "badRequest", "'nearby' is not one of"},
		refusal{"rules of another policy are 400", "POST", "/os-server-groups", obj{"server_group": obj{"name": c.name("x"), "policy": "affinity", "rules": obj{"max_server_per_host": 2}}}, 400, "badRequest", "Only anti-affinity policy supports rules."},
		refusal{"the old list of policies is 400", "POST", "/os-server-groups", obj{"server_group": obj{"name": c.name("x"), "policies": list{"affinity"}}}, 400, "badRequest", "policy"},
		refusal{"an unknown id is 404", "GET", "/os-server-groups/" + nobody, nil, 404, "itemNotFound", "Instance group " + nobody + " could not be found."},
		refusal{"deleting an unknown id is 404", "DELETE", "/os-server-groups/" + nobody, nil, 404, "itemNotFound", "Instance group " + nobody + " could not be found."},
	)
}

func TestServer(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	k := kit(t, s)
	n := k.compute
	a := n.want(t, http.StatusAccepted, "POST", "/servers", obj{"server": obj{
		"name": c.name("one"), "flavorRef": k.small, "imageRef": k.image, "networks": list{obj{"uuid": k.net}},
		"metadata": obj{"a": "b"}, "tags": list{c.prefix, "two"}, "user_data": base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n")), "config_drive": true,
	}})
	id := a.str(t, "server.id")
	n.deleteAfter(t, "/servers/"+id)
	t.Run("create answers little", func(t *testing.T) {
		is(t, "server", a.at("server"), obj{"id": anUUID, "adminPass": someText, "links": aList, "security_groups": list{obj{"name": "default"}}, "OS-DCF:diskConfig": "MANUAL", "status": missing, "name": missing})
		same(t, "Location", a.header.Get("Location"), containing("/servers/"+id))
	})
	server := k.active(t, id)
	t.Run("an active server has these keys", func(t *testing.T) {
		is(t, "server", server, obj{
			"id": id, "name": c.name("one"), "status": "ACTIVE", "tenant_id": s.projectID, "user_id": s.userID, "metadata": obj{"a": "b"}, "key_name": nil,
			"OS-EXT-STS:vm_state": "active", "OS-EXT-STS:task_state": nil, "OS-EXT-STS:power_state": 1, "OS-EXT-AZ:availability_zone": someText,
			"accessIPv4": "", "accessIPv6": "", "config_drive": "True", "locked": false, "description": nil, "progress": 0, "hostId": someText,
			"security_groups": list{obj{"name": "default"}}, "os-extended-volumes:volumes_attached": list{}, "created": aTimeZ, "updated": aTimeZ,
			"OS-SRV-USG:launched_at": aTimeFine, "OS-SRV-USG:terminated_at": nil, "fault": missing, "locked_reason": nil, "trusted_image_certificates": nil,
			"OS-EXT-SRV-ATTR:host": missing, "OS-EXT-SRV-ATTR:user_data": missing,
		})
		is(t, "flavor", server["flavor"], obj{"original_name": someText, "ram": aNumber, "vcpus": aNumber, "disk": aNumber, "extra_specs": obj{}, "id": missing})
		is(t, "image", server["image"], obj{"id": k.image, "links": aList})
		tags := map[any]bool{}
		for _, tag := range server["tags"].(list) {
			tags[tag] = true
		}
		same(t, "tags", tags[c.prefix] && tags["two"] && len(tags) == 2, true)
	})
	t.Run("addresses are grouped by the network's name", func(t *testing.T) {
		is(t, "address", dig(server, "addresses", c.name("net"), "0"), obj{
			"version": 4, "addr": containing("10.61.0."), "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": someText,
		})
	})
	t.Run("the port that Nova made belongs to the server", func(t *testing.T) {
		path := "/ports?device_id=" + id
		port := k.network.get(t, path).at("ports.0")
		is(t, "port", port, obj{"device_owner": containing("compute:"), "name": "", "network_id": k.net})
		k.network.passes(t, path, "ports.0.status", bound...)
	})
	t.Run("lists find it by name, tag and status", func(t *testing.T) {
		n.want(t, http.StatusAccepted, "POST", "/servers", obj{"server": obj{"name": c.name("one-more"), "flavorRef": k.small, "imageRef": k.image, "networks": "none"}})
		other := n.get(t, "/servers?name=%5E"+c.name("one-more")+"$").str(t, "servers.0.id")
		n.deleteAfter(t, "/servers/"+other)
		k.active(t, other)
		same(t, "name is a pattern", n.get(t, "/servers/detail?name="+c.name("one")).column(t, "servers", "name"), []string{c.name("one"), c.name("one-more")})
		same(t, "anchored", n.get(t, "/servers/detail?name=%5E"+c.name("one")+"$").column(t, "servers", "id"), []string{id})
		same(t, "tag", n.get(t, "/servers/detail?tags="+c.prefix).column(t, "servers", "id"), []string{id})
		same(t, "tags", n.get(t, "/servers/detail?tags="+c.prefix+",none").column(t, "servers", "id"), []string{})
		same(t, "tags-any", n.get(t, "/servers/detail?tags-any="+c.prefix+",none").column(t, "servers", "id"), []string{id})
		same(t, "status", n.get(t, "/servers/detail?status=ERROR&name="+c.prefix).at("servers"), list{})
		is(t, "short list", n.get(t, "/servers?tags="+c.prefix).at("servers.0"), obj{"id": id, "name": c.name("one"), "links": aList, "status": missing})
		page := n.get(t, "/servers?limit=1&name="+c.prefix)
		same(t, "page", len(page.list(t, "servers")), 1)
		same(t, "link", page.at("servers_links.0.rel"), "next")
		same(t, "next page", len(n.get(t, page.str(t, "servers_links.0.href")).list(t, "servers")), 1)
	})
	t.Run("name, metadata and tags change at once", func(t *testing.T) {
		b := n.want(t, http.StatusOK, "PUT", "/servers/"+id, obj{"server": obj{"name": c.name("renamed"), "description": "d"}})
		is(t, "server", b.at("server"), obj{"name": c.name("renamed"), "description": "d"})
		same(t, "added", n.want(t, http.StatusOK, "POST", "/servers/"+id+"/metadata", obj{"metadata": obj{"c": "d"}}).at("metadata"), obj{"a": "b", "c": "d"})
		same(t, "replaced", n.want(t, http.StatusOK, "PUT", "/servers/"+id+"/metadata", obj{"metadata": obj{"e": "f"}}).at("metadata"), obj{"e": "f"})
		n.want(t, http.StatusNoContent, "DELETE", "/servers/"+id+"/metadata/e", nil)
		same(t, "removed", n.get(t, "/servers/"+id+"/metadata").at("metadata"), obj{})
		same(t, "tags", n.want(t, http.StatusOK, "PUT", "/servers/"+id+"/tags", obj{"tags": list{"three"}}).at("tags"), list{"three"})
		n.want(t, http.StatusCreated, "PUT", "/servers/"+id+"/tags/four", nil)
		n.want(t, http.StatusNoContent, "PUT", "/servers/"+id+"/tags/four", nil)
		n.want(t, http.StatusNoContent, "DELETE", "/servers/"+id+"/tags/four", nil)
	})
	t.Run("interfaces tell port, network and addresses", func(t *testing.T) {
		is(t, "interface", n.get(t, "/servers/"+id+"/os-interface").at("interfaceAttachments.0"), obj{
			"port_id": anUUID, "net_id": k.net, "mac_addr": someText, "port_state": someText, "fixed_ips": aList,
		})
	})
	t.Run("the console's tail is text", func(t *testing.T) {
		b := n.want(t, http.StatusOK, "POST", "/servers/"+id+"/action", obj{"os-getConsoleOutput": obj{"length": 10}})
		if _, ok := b.at("output").(string); !ok {
			t.Errorf("no output in %s", b.text)
		}
	})
	post := func(name string, status int, kind, words string, in obj) refusal {
		server := obj{"name": c.name("x"), "flavorRef": k.small, "imageRef": k.image, "networks": list{obj{"uuid": k.net}}}
		for key, value := range in {
			server[key] = value
			if value == nil {
				delete(server, key)
			}
		}
		return refusal{name, "POST", "/servers", obj{"server": server}, status, kind, words}
	}
	n.refuses(t,
		post("an unknown flavor is 400", 400, "badRequest", "Flavor "+nobody+" could not be found.", obj{"flavorRef": nobody}),
		post("an unknown image is 400", 400, "badRequest", "Can not find requested image", obj{"imageRef": nobody}),
		post("an unknown network is 400", 400, "badRequest", "Network "+nobody+" could not be found.", obj{"networks": list{obj{"uuid": nobody}}}),
		post("an unknown port is 400", 400, "badRequest", "Port id "+nobody+" could not be found.", obj{"networks": list{obj{"port": nobody}}}),
		post("an unknown key is 400", 400, "badRequest", "Invalid key_name provided.", obj{"key_name": c.name("x")}),
		post("an unknown zone is 400", 400, "badRequest", "The requested availability zone is not available", obj{"availability_zone": c.name("x")}),
		post("an unknown security group is 400", 400, "badRequest", "Unable to find security_group with name or id '"+c.name("x")+"'", obj{"security_groups": list{obj{"name": c.name("x")}}}),
		post("user data that is not base64 is 400", 400, "badRequest", "user_data", obj{"user_data": "not base64!"}),
		post("user data above 65535 characters is 400", 400, "badRequest", "too long", obj{"user_data": strings.Repeat("A", 65536)}),
		post("no networks at all is 400 in this microversion", 400, "badRequest", "'networks' is a required property", obj{"networks": nil}),
		post("a name that is too long is 400", 400, "badRequest", "is too long", obj{"name": strings.Repeat("x", 256)}),
		post("neither image nor volume is 400", 400, "badRequest", "Missing imageRef attribute", obj{"imageRef": ""}),
		refusal{"an unknown group hint is 400", "POST", "/servers", obj{
			"server": obj{"name": c.name("x"), "flavorRef": k.small, "imageRef": k.image, "networks": "none"}, "os:scheduler_hints": obj{"group": nobody},
		}, 400, "badRequest", "Instance group " + nobody + " could not be found."},
		refusal{"an unknown id is 404", "GET", "/servers/" + nobody, nil, 404, "itemNotFound", "Instance " + nobody + " could not be found."},
		refusal{"deleting an unknown id is 404", "DELETE", "/servers/" + nobody, nil, 404, "itemNotFound", "Instance " + nobody + " could not be found."},
		refusal{"an unknown action is 400", "POST", "/servers/" + id + "/action", obj{"os-fly": nil}, 400, "badRequest", "There is no such action: os-fly"},
		refusal{"starting an active server is 409", "POST", "/servers/" + id + "/action", obj{"os-start": nil}, 409, "conflictingRequest", "Cannot 'start' instance " + id + " while it is in vm_state active"},
		refusal{"confirming no resize is 409", "POST", "/servers/" + id + "/action", obj{"confirmResize": nil}, 409, "conflictingRequest", "Cannot 'confirmResize' instance " + id + " while it is in vm_state active"},
	)
	t.Run("deleting is 204, and its port goes too", func(t *testing.T) {
		n.want(t, http.StatusNoContent, "DELETE", "/servers/"+id, nil)
		n.passes(t, "/servers/"+id, "server.status", "ACTIVE", "DELETED", gone)
		if !c.within(c.patience(), func() bool {
			return len(k.network.get(t, "/ports?device_id="+id).list(t, "ports")) == 0
		}) {
			t.Error("the port stays")
		}
	})
}

func TestServerActions(t *testing.T) {
	c := open(t, simulator.Options{})
	k := kit(t, c.login(t))
	n := k.compute
	_, big := n.flavors(t)
	id := k.server(t, "one", nil)
	k.active(t, id)
	path := "/servers/" + id
	action := func(t *testing.T, status int, body obj) {
		t.Helper()
		n.want(t, status, "POST", path+"/action", body)
	}
	t.Run("stop and start", func(t *testing.T) {
		action(t, http.StatusAccepted, obj{"os-stop": nil})
		a := n.passes(t, path, "server.status", "ACTIVE", "SHUTOFF")
		is(t, "server", a.at("server"), obj{"OS-EXT-STS:vm_state": "stopped", "OS-EXT-STS:power_state": 4, "OS-EXT-STS:task_state": nil})
		action(t, http.StatusAccepted, obj{"os-start": nil})
		n.passes(t, path, "server.status", "SHUTOFF", "ACTIVE")
	})
	t.Run("a resize waits to be confirmed or reverted", func(t *testing.T) {
		old := n.get(t, path).at("server.flavor")
		n.refuses(t,
			refusal{"to an unknown flavor is 400", "POST", path + "/action", obj{"resize": obj{"flavorRef": nobody}}, 400, "badRequest", "Flavor " + nobody + " could not be found."},
			refusal{"to its own flavor is 400", "POST", path + "/action", obj{"resize": obj{"flavorRef": k.small}}, 400, "badRequest", "When resizing, instances must change flavor!"})
		action(t, http.StatusAccepted, obj{"resize": obj{"flavorRef": big}})
		n.passes(t, path, "server.status", "ACTIVE", "RESIZE", "VERIFY_RESIZE")
		action(t, http.StatusAccepted, obj{"revertResize": nil})
		n.passes(t, path, "server.status", "VERIFY_RESIZE", "REVERT_RESIZE", "ACTIVE")
		same(t, "flavor", n.get(t, path).at("server.flavor"), old)
		action(t, http.StatusAccepted, obj{"resize": obj{"flavorRef": big}})
		n.passes(t, path, "server.status", "ACTIVE", "RESIZE", "VERIFY_RESIZE")
		action(t, http.StatusNoContent, obj{"confirmResize": nil})
		n.passes(t, path, "server.status", "VERIFY_RESIZE", "ACTIVE")
		same(t, "flavor", n.get(t, path).at("server.flavor.original_name"), n.get(t, "/flavors/"+big).at("flavor.name"))
	})
	t.Run("an interface comes and goes", func(t *testing.T) {
		port := k.network.makePort(t, k.net, nil)["id"].(string)
		a := n.want(t, http.StatusOK, "POST", path+"/os-interface", obj{"interfaceAttachment": obj{"port_id": port}})
		is(t, "interface", a.at("interfaceAttachment"), obj{"port_id": port, "net_id": k.net, "mac_addr": someText, "port_state": someText, "fixed_ips": aList})
		is(t, "port", k.network.get(t, "/ports/"+port).at("port"), obj{"device_id": id, "device_owner": containing("compute:")})
		n.refuses(t, refusal{"a port in use is 409", "POST", path + "/os-interface", obj{"interfaceAttachment": obj{"port_id": port}}, 409, "conflictingRequest", "Port " + port + " is still in use."})
		n.want(t, http.StatusAccepted, "DELETE", path+"/os-interface/"+port, nil)
		k.network.passes(t, "/ports/"+port, "port.device_id", id, "")
	})
	t.Run("a security group comes and goes by name", func(t *testing.T) {
		group := k.network.make(t, "/security-groups", "security_group", obj{"name": c.name("group")})["id"].(string)
		action(t, http.StatusAccepted, obj{"addSecurityGroup": obj{"name": c.name("group")}})
		same(t, "groups of the port", len(k.network.get(t, "/ports?device_id="+id).list(t, "ports.0.security_groups")), 2)
		action(t, http.StatusAccepted, obj{"removeSecurityGroup": obj{"name": group}})
	})
	t.Run("a soft reboot ends active", func(t *testing.T) {
		action(t, http.StatusAccepted, obj{"reboot": obj{"type": "SOFT"}})
		n.passes(t, path, "server.status", "REBOOT", "ACTIVE")
	})
}

func TestServerPort(t *testing.T) {
	c := open(t, simulator.Options{})
	k := kit(t, c.login(t))
	port := k.network.makePort(t, k.net, nil)["id"].(string)
	id := k.server(t, "one", obj{"networks": list{obj{"port": port}}})
	k.active(t, id)
	t.Run("a port of the user's is bound to the server", func(t *testing.T) {
		k.network.passes(t, "/ports/"+port, "port.status", bound...)
		is(t, "port", k.network.get(t, "/ports/"+port).at("port"), obj{"device_id": id, "device_owner": containing("compute:"), "name": c.name("port")})
	})
	k.compute.refuses(t,
		refusal{"another server cannot have it", "POST", "/servers", obj{"server": obj{"name": c.name("x"), "flavorRef": k.small, "imageRef": k.image, "networks": list{obj{"port": port}}}}, 409, "conflictingRequest", "Port " + port + " is still in use."})
	t.Run("it outlives the server, free again", func(t *testing.T) {
		k.compute.remove(t, "/servers/"+id)
		k.network.passes(t, "/ports/"+port, "port.device_id", id, "")
		k.network.passes(t, "/ports/"+port, "port.status", "ACTIVE", "DOWN")
	})
}

// A server that was broken is so while Nova deletes it, and only what it does tells that it goes.
func TestBrokenServer(t *testing.T) {
	c := open(t, simulator.Options{})
	k := kit(t, c.login(t))
	admin := c.as(t, "admin").compute(t)
	id := k.server(t, "one", nil)
	k.active(t, id)
	path := "/servers/" + id
	reset := obj{"os-resetState": obj{"state": "error"}}
	k.compute.refuses(t, refusal{"users cannot reset a state", "POST", path + "/action", reset, 403, "forbidden", "Policy doesn't allow os_compute_api:os-admin-actions:reset_state to be performed."})
	admin.want(t, http.StatusAccepted, "POST", path+"/action", reset)
	is(t, "server", k.compute.get(t, path).at("server"), obj{"status": "ERROR", "OS-EXT-STS:vm_state": "error", "OS-EXT-STS:task_state": nil})
	release := c.hold()
	k.compute.want(t, http.StatusNoContent, "DELETE", path, nil)
	if got := k.compute.do(t, "GET", path, nil); got.status == http.StatusOK && got.at("server.status") != "DELETED" {
		is(t, "server", got.at("server"), obj{"status": "ERROR", "OS-EXT-STS:task_state": "deleting"})
	}
	release()
	k.compute.passes(t, path, "server.status", "ERROR", "DELETED", gone)
}

func TestServerInGroup(t *testing.T) {
	c := open(t, simulator.Options{Hosts: 1})
	k := kit(t, c.login(t))
	member := func(t *testing.T, name, group string) string {
		t.Helper()
		a := k.compute.want(t, http.StatusAccepted, "POST", "/servers", obj{
			"server": obj{"name": c.name(name), "flavorRef": k.small, "imageRef": k.image, "networks": "none"}, "os:scheduler_hints": obj{"group": group},
		})
		id := a.str(t, "server.id")
		k.compute.deleteAfter(t, "/servers/"+id)
		return id
	}
	group := func(t *testing.T, policy string) string {
		t.Helper()
		return k.compute.make(t, "/os-server-groups", "server_group", obj{"name": c.name(policy), "policy": policy})["id"].(string)
	}
	t.Run("a server and its group know each other", func(t *testing.T) {
		groupID := group(t, "affinity")
		id := member(t, "one", groupID)
		k.active(t, id)
		same(t, "members", k.compute.get(t, "/os-server-groups/"+groupID).at("server_group.members"), list{id})
		same(t, "groups of the server", k.compute.get(t, "/servers/"+id).at("server.server_groups"), list{groupID})
		k.compute.remove(t, "/servers/"+id)
		same(t, "members", k.compute.get(t, "/os-server-groups/"+groupID).at("server_group.members"), list{})
	})
	t.Run("where no host is left a server ends in ERROR and says why", func(t *testing.T) {
		groupID := group(t, "anti-affinity")
		k.active(t, member(t, "first", groupID))
		id := member(t, "second", groupID)
		var server any
		c.within(c.patience(), func() bool {
			server = k.compute.get(t, "/servers/"+id).at("server")
			// Nova sets the status a moment before it writes down why.
			status := dig(server, "status")
			return status == "ACTIVE" || status == "ERROR" && dig(server, "fault") != nil
		})
		if c.real() && dig(server, "status") == "ACTIVE" {
			t.Skip("the cloud has more hosts than one")
		}
		is(t, "server", server, obj{"status": "ERROR", "OS-EXT-STS:vm_state": "error", "OS-EXT-STS:task_state": nil})
		is(t, "fault", dig(server, "fault"), obj{"code": 500, "created": aTimeZ, "message": "No valid host was found. There are not enough hosts available."})
	})
}

func TestComputeQuota(t *testing.T) {
	s := quotaSession(t, "compute", map[string]int{"instances": 1, "server_groups": 1, "key_pairs": 100})
	k := kit(t, s)
	t.Run("a user sees limits and use", func(t *testing.T) {
		is(t, "limits", k.compute.get(t, "/limits").at("limits.absolute"), obj{
			"maxTotalInstances": 1, "totalInstancesUsed": 0, "maxTotalCores": aNumber, "totalCoresUsed": 0, "maxTotalRAMSize": aNumber, "totalRAMUsed": 0, "maxServerGroups": 1,
		})
		is(t, "quota", k.compute.get(t, "/os-quota-sets/"+s.projectID).at("quota_set"), obj{"instances": 1, "cores": aNumber, "ram": aNumber, "server_groups": 1, "id": s.projectID})
		is(t, "detail", k.compute.get(t, "/os-quota-sets/"+s.projectID+"/detail").at("quota_set.instances"), obj{"limit": 1, "in_use": 0, "reserved": 0})
	})
	k.active(t, k.server(t, "one", nil))
	k.compute.make(t, "/os-server-groups", "server_group", obj{"name": s.name("one"), "policy": "affinity"})
	k.compute.refuses(t,
		refusal{"one server too many is 403", "POST", "/servers", obj{"server": obj{"name": s.name("two"), "flavorRef": k.small, "imageRef": k.image, "networks": list{obj{"uuid": k.net}}}}, 403, "forbidden", "Quota exceeded for instances: Requested 1, but already used 1 of 1 instances"},
		refusal{"one group too many is 403", "POST", "/os-server-groups", obj{"server_group": obj{"name": s.name("two"), "policy": "affinity"}}, 403, "forbidden", "Quota exceeded, too many server groups."},
	)
}
