package simulator

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFyM0Z3sQ0Xr2z3q0B1t1X9nC0yR8f7l5dSg0g0e0a1b x"

// nova is a client of the Compute API of the newest version.
type nova struct{ *client }

func asNova(t *testing.T, s *Simulator) nova { return nova{as(t, s, "demo", "demo")} }

// do sends with the newest microversion and checks the status.
func (c nova) do(status int, method, path, body string) answer {
	c.t.Helper()
	return c.at("2.93", status, method, path, body)
}

func (c nova) at(version string, status int, method, path, body string) answer {
	c.t.Helper()
	header := map[string]string{}
	if version != "" {
		header["X-OpenStack-Nova-API-Version"] = version
	}
	a, err := c.try(method, "/compute/v2.1"+path, body, header)
	if err != nil {
		c.t.Fatal(err)
	}
	if a.status != status {
		c.t.Fatalf("%s %s: %d, want %d: %s", method, path, a.status, status, a.text)
	}
	return a
}

// faultOf is the name and the message of a fault.
func faultOf(a answer) (name, message string) {
	for key := range a.body {
		return key, a.body.obj(key).str("message")
	}
	return "", a.text
}

// place is a network with a subnet.
func (c nova) place(name, cidr string) (network string) {
	c.t.Helper()
	network = c.want(201, "POST", "/network/v2.0/networks", fmt.Sprintf(`{"network":{"name":%q}}`, name)).body.obj("network").str("id")
	c.want(201, "POST", "/network/v2.0/subnets", fmt.Sprintf(`{"subnet":{"network_id":%q,"cidr":%q,"ip_version":4}}`, network, cidr))
	return network
}

func (c nova) image(name string) string {
	c.t.Helper()
	return c.want(200, "GET", "/image/v2/images?name="+name, "").body.objs("images")[0].str("id")
}

// boot creates a server; more are further fields as JSON.
func (c nova) boot(network, more string) string {
	c.t.Helper()
	body := fmt.Sprintf(`{"server":{"name":"one","flavorRef":"2","imageRef":%q,"networks":[{"uuid":%q}]%s}}`, c.image("cirros-fake"), network, more)
	return c.do(202, "POST", "/servers", body).body.obj("server").str("id")
}

func (c nova) get(id string) object {
	c.t.Helper()
	return c.do(200, "GET", "/servers/"+id, "").body.obj("server")
}

// until waits for a status, and says how it went there.
func (c nova) until(id, status string) object {
	c.t.Helper()
	var server object
	eventually(c.t, status, func() bool {
		server = c.get(id)
		return server.str("status") == status && !server.has("OS-EXT-STS:task_state")
	})
	return server
}

func (c nova) gone(id string) {
	c.t.Helper()
	eventually(c.t, "the end of the server", func() bool { return c.send("GET", "/compute/v2.1/servers/"+id, "").status == 404 })
}

func (c nova) action(status int, id, body string) answer {
	c.t.Helper()
	return c.do(status, "POST", "/servers/"+id+"/action", body)
}

func TestComputeMicroversions(t *testing.T) {
	t.Parallel()
	c := asNova(t, start(t, Options{}))
	if a := c.at("2.93", 200, "GET", "/servers", ""); a.header.Get("OpenStack-API-Version") != "compute 2.93" {
		t.Errorf("header: %v", a.header)
	}
	if a := c.at("", 200, "GET", "/servers", ""); a.header.Get("X-OpenStack-Nova-API-Version") != "2.1" {
		t.Errorf("header: %v", a.header)
	}
	for version, status := range map[string]int{"2.99": 406, "3.1": 406, "foo": 400, "latest": 200} {
		c.at(version, status, "GET", "/servers", "")
	}
	if a := c.want(200, "GET", "/compute/v2.1/", ""); a.body.obj("version").str("version") != "2.93" {
		t.Errorf("version: %s", a.text)
	}
}

func TestComputeKeyPairs(t *testing.T) {
	t.Parallel()
	c := asNova(t, start(t, Options{}))
	create := fmt.Sprintf(`{"keypair":{"name":"k","type":"ssh","public_key":%q}}`, publicKey)
	a := c.do(201, "POST", "/os-keypairs", create)
	if got := a.body.obj("keypair").str("fingerprint"); got != "79:88:56:51:46:5c:27:51:62:6a:9a:0f:23:59:dc:d7" {
		t.Errorf("fingerprint %s", got)
	}
	if _, message := faultOf(c.do(409, "POST", "/os-keypairs", create)); message != "Key pair 'k' already exists." {
		t.Errorf("clash: %q", message)
	}
	for body, want := range map[string]string{
		`{"keypair":{"name":"x"}}`:                                                    "'public_key' is a required property",
		`{"keypair":{"public_key":"x"}}`:                                              "'name' is a required property",
		`{"keypair":{"name":"x","public_key":"foo"}}`:                                 "Keypair data is invalid: failed to generate fingerprint",
		fmt.Sprintf(`{"keypair":{"name":"a/b","public_key":%q}}`, publicKey):          "An invalid 'name' value was provided.",
		fmt.Sprintf(`{"keypair":{"name":"x","public_key":%q,"f":1}}`, publicKey):      "Additional properties are not allowed ('f' was unexpected)",
		fmt.Sprintf(`{"keypair":{"name":"x","public_key":%q,"type":"y"}}`, publicKey): "'y' is not one of ['ssh', 'x509']",
	} {
		if name, message := faultOf(c.do(400, "POST", "/os-keypairs", body)); name != "badRequest" || !strings.Contains(message, want) {
			t.Errorf("%s: %s %q", body, name, message)
		}
	}
	if key := c.do(200, "GET", "/os-keypairs/k", "").body.obj("keypair"); key.str("type") != "ssh" || key.str("public_key") != publicKey || !key.given("deleted_at") {
		t.Errorf("get: %v", key)
	}
	if list := c.do(200, "GET", "/os-keypairs", "").body.objs("keypairs"); len(list) != 1 || list[0].obj("keypair").str("name") != "k" {
		t.Errorf("list: %v", list)
	}
	c.do(204, "DELETE", "/os-keypairs/k", "")
	c.do(404, "DELETE", "/os-keypairs/k", "")
	made := c.at("", 200, "POST", "/os-keypairs", `{"keypair":{"name":"k"}}`).body.obj("keypair")
	if !strings.HasPrefix(made.str("private_key"), "-----BEGIN RSA PRIVATE KEY-----") || !strings.HasPrefix(made.str("public_key"), "ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB") {
		t.Errorf("made: %v", made)
	}
	c.at("", 202, "DELETE", "/os-keypairs/k", "")
}

func TestComputeServerGroups(t *testing.T) {
	t.Parallel()
	c := asNova(t, start(t, Options{}))
	group := c.do(200, "POST", "/os-server-groups", `{"server_group":{"name":"g","policy":"anti-affinity","rules":{"max_server_per_host":2}}}`).body.obj("server_group")
	if group.str("policy") != "anti-affinity" || group.obj("rules").num("max_server_per_host") != 2 || group.given("policies") {
		t.Errorf("group: %v", group)
	}
	if old := c.at("", 200, "GET", "/os-server-groups/"+group.str("id"), "").body.obj("server_group"); !slices.Equal(old.strs("policies"), []string{"anti-affinity"}) || old.given("policy") {
		t.Errorf("old form: %v", old)
	}
	for body, want := range map[string]string{
		`{"server_group":{"name":"g","policy":"affinity","rules":{"max_server_per_host":2}}}`: "Only anti-affinity policy supports rules.",
		`{"server_group":{"name":"g","policy":"foo"}}`:                                        "'foo' is not one of ['anti-affinity', 'affinity', 'soft-anti-affinity', 'soft-affinity']",
		`{"server_group":{"name":"g","policies":["affinity"]}}`:                               "'policy' is a required property",
	} {
		if _, message := faultOf(c.do(400, "POST", "/os-server-groups", body)); !strings.HasSuffix(message, want) {
			t.Errorf("%s: %q", body, message)
		}
	}
	c.do(204, "DELETE", "/os-server-groups/"+group.str("id"), "")
	c.do(404, "GET", "/os-server-groups/"+group.str("id"), "")
}

func TestComputeFlavors(t *testing.T) {
	t.Parallel()
	c := asNova(t, start(t, Options{}))
	body := c.do(200, "GET", "/flavors/detail?limit=1", "").body
	if first := body.objs("flavors")[0]; first.str("name") != "m1.tiny" || first.num("swap") != 0 || len(body.objs("flavors_links")) != 1 {
		t.Errorf("page: %v", body)
	}
	if flavor := c.at("", 200, "GET", "/flavors/2", "").body.obj("flavor"); flavor["swap"] != "" || flavor.given("extra_specs") || flavor.num("ram") != 2048 {
		t.Errorf("old form: %v", flavor)
	}
	if n := len(c.do(200, "GET", "/flavors/detail?minRam=8192", "").body.objs("flavors")); n != 3 {
		t.Errorf("%d flavors have 8 GiB", n)
	}
	if _, message := faultOf(c.do(404, "GET", "/flavors/nope", "")); message != "Flavor nope could not be found." {
		t.Errorf("404: %q", message)
	}
}

func TestComputeServerLife(t *testing.T) {
	t.Parallel()
	virtual(t, Options{Times: Times{ServerBoot: 400 * time.Millisecond}}, func(t *testing.T, s *Simulator) {
		var booted, deleted []string
		s.locked(func() {
			s.compute.booted = append(s.compute.booted, func(o object) { booted = append(booted, o.str("name")) })
			s.compute.deleted = append(s.compute.deleted, func(o object) { deleted = append(deleted, o.str("name")) })
		})
		c := asNova(t, s)
		network := c.place("n", "10.7.0.0/24")
		data := base64.StdEncoding.EncodeToString([]byte("#cloud-config"))
		id := c.boot(network, fmt.Sprintf(`,"metadata":{"a":"b"},"tags":["z","t"],"user_data":%q,"config_drive":true`, data))
		if early := c.get(id); early.str("status") != "BUILD" || len(early.obj("addresses")) != 0 {
			t.Errorf("early: %v", early)
		}
		server := c.until(id, "ACTIVE")
		address := server.obj("addresses").objs("n")[0]
		if !strings.HasPrefix(address.str("addr"), "10.7.0.") || address.str("OS-EXT-IPS:type") != "fixed" || address.num("version") != 4 {
			t.Errorf("address: %v", address)
		}
		if server.obj("flavor").str("original_name") != "m1.small" || server.str("config_drive") != "True" || !slices.Equal(server.strs("tags"), []string{"t", "z"}) ||
			server.objs("security_groups")[0].str("name") != "default" || server.obj("image").str("id") == "" {
			t.Errorf("server: %v", server)
		}
		s.locked(func() {
			if got := string(s.compute.userData(s.compute.Servers[id])); got != "#cloud-config" {
				t.Errorf("user data: %q", got)
			}
		})
		if out := c.action(200, id, `{"os-getConsoleOutput":{"length":1}}`).body.str("output"); out != "one login:" {
			t.Errorf("console: %q", out)
		}
		port := c.want(200, "GET", "/network/v2.0/ports?device_id="+id, "").body.objs("ports")[0]
		if port.str("device_owner") != "compute:nova" || port.str("dns_name") != "one" {
			t.Errorf("port: %v", port)
		}
		if ports := c.do(200, "GET", "/servers/"+id+"/os-interface", "").body.objs("interfaceAttachments"); len(ports) != 1 || ports[0].str("port_id") != port.str("id") {
			t.Errorf("interfaces: %v", ports)
		}
		c.do(200, "PUT", "/servers/"+id, `{"server":{"name":"two"}}`)
		c.do(400, "PUT", "/servers/"+id, `{"server":{"foo":"two"}}`)
		if names := c.do(200, "GET", "/servers?name=tw", "").body.objs("servers"); len(names) != 1 {
			t.Errorf("list: %v", names)
		}
		c.do(400, "GET", "/servers?status=foo", "")
		c.do(400, "GET", "/servers?marker=foo", "")
		c.do(204, "DELETE", "/servers/"+id, "")
		c.gone(id)
		if left := c.want(200, "GET", "/network/v2.0/ports?network_id="+network, "").body.objs("ports"); len(left) != 0 {
			t.Errorf("ports left: %v", left)
		}
		s.locked(func() {
			if !slices.Equal(booted, []string{"one"}) || !slices.Equal(deleted, []string{"two"}) {
				t.Errorf("booted %v, deleted %v", booted, deleted)
			}
		})
	})
}

func TestComputeServerRefuses(t *testing.T) {
	t.Parallel()
	c := asNova(t, start(t, Options{Quotas: map[string]int{"cores": 4}}))
	network, image := c.place("n", "10.7.0.0/24"), c.image("cirros-fake")
	const none = "11111111-1111-1111-1111-111111111111"
	base := func(changes ...string) string {
		fields := map[string]string{
			"name": `"x"`, "flavorRef": `"2"`, "imageRef": fmt.Sprintf("%q", image), "networks": fmt.Sprintf(`[{"uuid":%q}]`, network),
		}
		for i := 0; i < len(changes); i += 2 {
			if fields[changes[i]] = changes[i+1]; changes[i+1] == "" {
				delete(fields, changes[i])
			}
		}
		parts := []string{}
		for name, value := range fields {
			parts = append(parts, fmt.Sprintf("%q:%s", name, value))
		}
		return `{"server":{` + strings.Join(parts, ",") + `}}`
	}
	long := base64.StdEncoding.EncodeToString(make([]byte, 60000))
	for _, test := range []struct {
		body    string
		status  int
		message string
	}{
		{base("flavorRef", ""), 400, "'flavorRef' is a required property"},
		{base("networks", ""), 400, "'networks' is a required property"},
		{base("name", ""), 400, "'name' is a required property"},
		{base("name", `""`), 400, "'' is too short"},
		{base("foo", "1"), 400, "Additional properties are not allowed ('foo' was unexpected)"},
		{base("flavorRef", `"nope"`), 400, "Flavor nope could not be found."},
		{base("imageRef", `"foo"`), 400, "Invalid input for field/attribute imageRef. Value: foo. 'foo' is not valid under any of the given schemas"},
		{base("imageRef", fmt.Sprintf("%q", none)), 400, "Can not find requested image"},
		{base("imageRef", ""), 400, "Missing imageRef attribute"},
		{base("networks", fmt.Sprintf(`[{"uuid":%q}]`, none)), 400, "Network " + none + " could not be found."},
		{base("networks", fmt.Sprintf(`[{"port":%q}]`, none)), 400, "Port id " + none + " could not be found."},
		{base("networks", fmt.Sprintf(`[{"uuid":%q,"fixed_ip":"x"}]`, network)), 400, "is not valid under any of the given schemas"},
		{base("security_groups", `[{"name":"nope"}]`), 400, "Unable to find security_group with name or id 'nope'"},
		{base("key_name", `"nope"`), 400, "Invalid key_name provided."},
		{base("user_data", fmt.Sprintf("%q", long)), 400, "is too long"},
		{base("availability_zone", `"nope"`), 400, "The requested availability zone is not available"},
		{base("flavorRef", `"6"`), 403, "Only volume-backed servers are allowed for flavors with zero disk."},
		{base("tags", `["a/b"]`), 400, "'a/b' does not match '^[^,/]*$'"},
		{base("flavorRef", `"5"`), 403, "Quota exceeded for cores: Requested 8, but already used 0 of 4 cores"},
		{strings.Replace(base(), `{"server"`, `{"os:scheduler_hints":{"group":"`+none+`"},"server"`, 1), 400, "Instance group " + none + " could not be found."},
	} {
		if _, message := faultOf(c.do(test.status, "POST", "/servers", test.body)); !strings.HasSuffix(message, test.message) {
			t.Errorf("%q, want %q", message, test.message)
		}
	}
}

func TestComputeAntiAffinity(t *testing.T) {
	t.Parallel()
	c := asNova(t, start(t, Options{Hosts: 1}))
	network := c.place("n", "10.7.0.0/24")
	group := c.do(200, "POST", "/os-server-groups", `{"server_group":{"name":"g","policy":"anti-affinity"}}`).body.obj("server_group").str("id")
	body := fmt.Sprintf(`{"os:scheduler_hints":{"group":%q},"server":{"name":"x","flavorRef":"2","imageRef":%q,"networks":[{"uuid":%q}]}}`, group, c.image("cirros-fake"), network)
	first := c.do(202, "POST", "/servers", body).body.obj("server").str("id")
	c.until(first, "ACTIVE")
	second := c.do(202, "POST", "/servers", body).body.obj("server").str("id")
	failed := c.until(second, "ERROR")
	if failed.obj("fault").str("message") != noHost || !slices.Equal(failed.strs("server_groups"), []string{group}) {
		t.Errorf("failed: %v", failed)
	}
	c.action(409, second, `{"os-getConsoleOutput":{}}`)
	if members := c.do(200, "GET", "/os-server-groups/"+group, "").body.obj("server_group").strs("members"); !slices.Equal(members, []string{first, second}) {
		t.Errorf("members: %v", members)
	}
	c.do(204, "DELETE", "/servers/"+second, "")
	c.do(404, "GET", "/servers/"+second, "")
}

func TestComputeResize(t *testing.T) {
	t.Parallel()
	c := asNova(t, start(t, Options{Hosts: 1, HostCores: 4}))
	id := c.boot(c.place("n", "10.7.0.0/24"), "")
	c.until(id, "ACTIVE")
	c.action(400, id, `{"resize":{"flavorRef":"2"}}`)
	c.action(400, id, `{"resize":{"flavorRef":"nope"}}`)
	c.action(409, id, `{"confirmResize":null}`)
	c.action(409, id, `{"os-start":null}`)
	c.action(400, id, `{"foo":null}`)

	c.action(202, id, `{"resize":{"flavorRef":"3"}}`)
	if flavor := c.until(id, "VERIFY_RESIZE").obj("flavor").str("original_name"); flavor != "m1.medium" {
		t.Errorf("resized to %s", flavor)
	}
	c.action(409, id, `{"reboot":{"type":"SOFT"}}`)
	c.action(202, id, `{"revertResize":null}`)
	if flavor := c.until(id, "ACTIVE").obj("flavor").str("original_name"); flavor != "m1.small" {
		t.Errorf("reverted to %s", flavor)
	}
	c.action(202, id, `{"os-stop":null}`)
	c.until(id, "SHUTOFF")
	c.action(202, id, `{"resize":{"flavorRef":"3"}}`)
	c.until(id, "VERIFY_RESIZE")
	c.action(204, id, `{"confirmResize":null}`)
	c.until(id, "SHUTOFF")
	c.action(202, id, `{"os-start":null}`)
	c.until(id, "ACTIVE")

	// A host without room: back to ACTIVE, with the old flavor and without a word.
	c.action(202, id, `{"resize":{"flavorRef":"5"}}`)
	if flavor := c.until(id, "ACTIVE").obj("flavor").str("original_name"); flavor != "m1.medium" {
		t.Errorf("without room: %s", flavor)
	}
	c.action(202, id, `{"reboot":{"type":"HARD"}}`)
	c.until(id, "ACTIVE")
	c.action(202, id, fmt.Sprintf(`{"rebuild":{"imageRef":%q}}`, c.image("ubuntu-22.04-fake")))
	if image := c.until(id, "ACTIVE").obj("image").str("id"); image != c.image("ubuntu-22.04-fake") {
		t.Errorf("rebuilt from %s", image)
	}
}

func TestComputePortsAndGroups(t *testing.T) {
	t.Parallel()
	c := asNova(t, start(t, Options{}))
	network := c.place("n", "10.7.0.0/24")
	port := c.want(201, "POST", "/network/v2.0/ports", fmt.Sprintf(`{"port":{"network_id":%q,"name":"p"}}`, network)).body.obj("port").str("id")
	body := fmt.Sprintf(`{"server":{"name":"x","flavorRef":"2","imageRef":%q,"networks":[{"port":%q}]}}`, c.image("cirros-fake"), port)
	id := c.do(202, "POST", "/servers", body).body.obj("server").str("id")
	c.until(id, "ACTIVE")
	if _, message := faultOf(c.do(409, "POST", "/servers", body)); message != "Port "+port+" is still in use." {
		t.Errorf("port in use: %q", message)
	}
	second := c.do(200, "POST", "/servers/"+id+"/os-interface", fmt.Sprintf(`{"interfaceAttachment":{"net_id":%q}}`, network)).body.obj("interfaceAttachment").str("port_id")
	c.do(404, "POST", "/servers/"+id+"/os-interface", `{"interfaceAttachment":{"port_id":"11111111-1111-1111-1111-111111111111"}}`)
	c.do(202, "DELETE", "/servers/"+id+"/os-interface/"+second, "")
	eventually(t, "detach", func() bool { return c.send("GET", "/network/v2.0/ports/"+second, "").status == 404 })

	c.action(404, id, `{"addSecurityGroup":{"name":"nope"}}`)
	c.action(400, id, `{"addSecurityGroup":{"name":"default"}}`)
	c.action(202, id, `{"removeSecurityGroup":{"name":"default"}}`)
	c.action(404, id, `{"removeSecurityGroup":{"name":"default"}}`)
	if c.get(id).given("security_groups") {
		t.Error("a server without groups shows none")
	}
	c.do(204, "DELETE", "/servers/"+id, "")
	c.gone(id)
	if kept := c.want(200, "GET", "/network/v2.0/ports/"+port, "").body.obj("port"); kept.str("device_id") != "" || kept.str("device_owner") != "" || kept.str("status") != "DOWN" {
		t.Errorf("given port: %v", kept)
	}
}

func TestComputeFixedAddress(t *testing.T) {
	t.Parallel()
	c := asNova(t, start(t, Options{}))
	network := c.place("n", "10.7.0.0/24")
	create := func(ip string) string {
		return c.do(202, "POST", "/servers", fmt.Sprintf(`{"server":{"name":"x","flavorRef":"2","imageRef":%q,"networks":[{"uuid":%q,"fixed_ip":%q}]}}`, c.image("cirros-fake"), network, ip)).body.obj("server").str("id")
	}
	if got := c.until(create("10.7.0.42"), "ACTIVE").obj("addresses").objs("n")[0].str("addr"); got != "10.7.0.42" {
		t.Errorf("address %s", got)
	}
	id := create("10.99.0.1")
	want := "Build of instance " + id + " aborted: Invalid input received: Fixed IP 10.99.0.1 is not a valid ip address for network " + network + "."
	if got := c.until(id, "ERROR").obj("fault").str("message"); got != want {
		t.Errorf("fault %q", got)
	}
}

func TestComputeMetadataAndTags(t *testing.T) {
	t.Parallel()
	c := asNova(t, start(t, Options{}))
	id := c.boot(c.place("n", "10.7.0.0/24"), `,"metadata":{"a":"b"}`)
	path := "/servers/" + id
	c.do(200, "PUT", path+"/metadata", `{"metadata":{"c":"d"}}`)
	if got := c.do(200, "POST", path+"/metadata", `{"metadata":{"e":"f"}}`).body.obj("metadata"); len(got) != 2 {
		t.Errorf("metadata: %v", got)
	}
	c.do(204, "DELETE", path+"/metadata/c", "")
	c.do(404, "DELETE", path+"/metadata/c", "")
	if got := c.do(200, "PUT", path+"/tags", `{"tags":["b","a"]}`).body.strs("tags"); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("tags: %v", got)
	}
	c.do(201, "PUT", path+"/tags/c", "")
	c.do(204, "PUT", path+"/tags/c", "")
	c.do(204, "DELETE", path+"/tags/c", "")
	c.do(404, "DELETE", path+"/tags/c", "")
	c.at("", 404, "GET", path+"/tags", "")
}

func TestComputeVolumes(t *testing.T) {
	t.Parallel()
	c := asNova(t, start(t, Options{}))
	network, image := c.place("n", "10.7.0.0/24"), c.image("cirros-fake")
	project := c.sim.projectID("demo")
	cinder := "/volume/v3/" + project
	status := func(id string) string {
		return c.send("GET", cinder+"/volumes/"+id, "").body.obj("volume").str("status")
	}

	body := fmt.Sprintf(`{"server":{"name":"x","flavorRef":"6","networks":[{"uuid":%q}],"block_device_mapping_v2":[
		{"boot_index":0,"uuid":%q,"source_type":"image","destination_type":"volume","volume_size":2,"volume_type":"fast","delete_on_termination":true}]}}`, network, image)
	id := c.do(202, "POST", "/servers", body).body.obj("server").str("id")
	server := c.until(id, "ACTIVE")
	root := server.objs("os-extended-volumes:volumes_attached")[0].str("id")
	if server["image"] != "" || status(root) != "in-use" {
		t.Errorf("boot volume: %v, %s", server["image"], status(root))
	}
	_, message := faultOf(c.want(400, "DELETE", cinder+"/volumes/"+root, ""))
	if !strings.HasPrefix(message, "Invalid volume: Volume status must be available or error") {
		t.Errorf("delete in use: %q", message)
	}
	for change, want := range map[string]string{
		`"volume_size":0`: "Images with destination_type 'volume' need to have a non-zero size specified",
		`"boot_index":1`:  "Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is not valid.",
	} {
		field, _, _ := strings.Cut(change, ":")
		at := strings.Index(body, field)
		end := at + strings.IndexAny(body[at:], ",}")
		if _, message := faultOf(c.do(400, "POST", "/servers", body[:at]+change+body[end:])); message != want {
			t.Errorf("%s: %q", change, message)
		}
	}

	volume := c.want(202, "POST", cinder+"/volumes", `{"volume":{"name":"v","size":1}}`).body.obj("volume").str("id")
	eventually(t, "available", func() bool { return status(volume) == "available" })
	attach := fmt.Sprintf(`{"volumeAttachment":{"volumeId":%q}}`, volume)
	c.do(200, "POST", "/servers/"+id+"/os-volume_attachments", attach)
	eventually(t, "in-use", func() bool { return status(volume) == "in-use" })
	c.do(400, "POST", "/servers/"+id+"/os-volume_attachments", attach)
	if n := len(c.do(200, "GET", "/servers/"+id+"/os-volume_attachments", "").body.objs("volumeAttachments")); n != 2 {
		t.Errorf("%d attachments", n)
	}
	c.do(202, "DELETE", "/servers/"+id+"/os-volume_attachments/"+volume, "")
	eventually(t, "available", func() bool { return status(volume) == "available" })
	c.do(404, "DELETE", "/servers/"+id+"/os-volume_attachments/"+volume, "")
	c.do(204, "DELETE", "/servers/"+id, "")
	c.gone(id)
	eventually(t, "the end of the boot volume", func() bool { return c.send("GET", cinder+"/volumes/"+root, "").status == 404 })
	if status(volume) != "available" {
		t.Error("the other volume must stay")
	}
}

func TestComputeLimits(t *testing.T) {
	t.Parallel()
	c := asNova(t, start(t, Options{Quotas: map[string]int{"instances": 7}}))
	c.boot(c.place("n", "10.7.0.0/24"), "")
	absolute := c.do(200, "GET", "/limits", "").body.obj("limits").obj("absolute")
	if absolute.num("maxTotalInstances") != 7 || absolute.num("totalInstancesUsed") != 1 || absolute.num("totalRAMUsed") != 2048 {
		t.Errorf("limits: %v", absolute)
	}
	set := c.do(200, "GET", "/os-quota-sets/"+c.sim.projectID("demo")+"/detail", "").body.obj("quota_set")
	if set.obj("instances").num("limit") != 7 || set.obj("cores").num("in_use") != 1 {
		t.Errorf("quotas: %v", set)
	}
}
