package compute_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// block is a resource or data source with nothing in it but what the row is about.
func block(kind, typ, body string) string {
	return kind + " \"massif_" + typ + "\" \"test\" {\n" + body + "\n}\n"
}

func wrongs() []acctest.Wrong {
	server := func(body string) string {
		for name, usual := range map[string]string{"networks": `[{ network_id = "n" }]`, "flavor": `"m1.small"`, "name": `"s"`, "image": `"cirros-fake"`} {
			if !regexp.MustCompile(`(?m)^` + name + `\s*=`).MatchString(body) {
				body += "\n" + name + " = " + usual
			}
		}
		return block("resource", "server", body)
	}
	imageless := func(body string) string {
		return strings.Replace(server(body), "\nimage = \"cirros-fake\"", "", 1)
	}
	key := func(body string) string { return block("resource", "keypair", body) }
	group := func(body string) string { return block("resource", "server_group", "name = \"g\"\n"+body) }
	long := strings.Repeat("x", 256)
	return []acctest.Wrong{
		{"server: empty name", server(`name = ""`), "name", `string length must be between 1 and 255`},
		{"server: name too long", server(`name = "` + long + `"`), "name", `string length must be between 1 and 255`},
		{"server: no flavor", strings.Replace(server(``), `flavor = "m1.small"`, "", 1), "", `"flavor" is required`},
		{"server: no networks", strings.Replace(server(``), `networks = [{ network_id = "n" }]`, "", 1), "", `"networks" is required`},
		{"server: description too long", server(`description = "` + long + `"`), "description", `string length must be at most 255`},
		{"server: no NIC", server(`networks = []`), "networks", `list must contain at least 1 elements`},
		{"server: NIC of nothing", server(`networks = [{}]`), "networks.", `exactly one of network_id, subnet_id and port_id, this one has 0`},
		{"server: NIC of two", server(`networks = [{ network_id = "a", subnet_id = "b" }]`), "networks.", `this one has 2`},
		{"server: empty network", server(`networks = [{ network_id = "" }]`), "networks.", `string length must be at least 1`},
		{"server: prefix for an address", server(`networks = [{ network_id = "a", fixed_ip = "10.0.0.0/8" }]`), "networks.", `must be an IPv4 or IPv6 address`},
		{"server: address with a zone", server(`networks = [{ network_id = "a", fixed_ip = "fe80::1%eth0" }]`), "networks.", `one with a zone`},
		{"server: address of a port", server(`networks = [{ port_id = "a", fixed_ip = "10.0.0.1" }]`), "networks.", `port has addresses of its own`},
		{"server: groups of a port", server(`networks = [{ port_id = "a", security_group_ids = ["b"] }]`), "networks.", `port has security groups of its own`},
		{"server: no groups for a NIC", server(`networks = [{ network_id = "a", security_group_ids = [] }]`), "networks.", `set must contain at least 1 elements`},
		{"server: port twice", server(`networks = [{ port_id = "a" }, { port_id = "a" }]`), "networks.", `NIC has this port`},
		{"server: groups of nobody", server("security_group_ids = [\"g\"]\nnetworks = [{ port_id = \"a\" }]"), "security_group_ids", `so these would be nobody's`},
		{"server: no groups", server(`security_group_ids = []`), "security_group_ids", `set must contain at least 1 elements`},
		{"server: two user data", server("user_data = \"a\"\nuser_data_wo = \"b\"\nuser_data_wo_version = 1"), "user_data", `cannot be specified when`},
		{"server: user data without a version", server(`user_data_wo = "b"`), "user_data_wo", `user_data_wo_version`},
		{"server: empty user data", server(`user_data = ""`), "user_data", `string length must be between 1 and 49149`},
		{"server: user data too long", server(`user_data = "` + strings.Repeat("a", 49150) + `"`), "user_data", `string length must be between 1 and 49149`},
		{"server: tag with a slash", server(`tags = ["a/b"]`), "tags", `without comma and slash`},
		{"server: tag with a comma", server(`tags = ["a,b"]`), "tags", `without comma and slash`},
		{"server: tag too long", server(`tags = ["` + strings.Repeat("x", 61) + `"]`), "tags", `must have 1 to 60 characters`},
		{"server: metadata too long", server(`metadata = { a = "` + long + `" }`), "metadata", `string length must be at most 255`},
		{"server: metadata of no name", server(`metadata = { "" = "a" }`), "metadata", `string length must be between 1 and 255`},
		{"server: state", server(`power_state = "asleep"`), "power_state", `value must be one of`},
		{"server: no such flavor", server(`flavor = "no such flavor"`), "flavor", `There is no flavor "no such flavor"; there are:`},
		{"server: no such image", server(`image = "no such image"`), "image", `There is no image "no such image"; there are:`},
		{"server: no such zone", server(`availability_zone = "nowhere"`), "availability_zone", `There is no availability zone "nowhere"; there are: nova`},
		{"server: empty key", server(`key_pair = ""`), "key_pair", `string length must be at least 1`},
		{"server: nothing to boot from", imageless(``), "", `a server needs an image, or boot_volume with the volume_id`},
		{"server: new boot volume without an image", imageless(`boot_volume = { size = 1 }`), "", `new boot volume needs an image`},
		{"server: new boot volume without a size", server(`boot_volume = {}`), "boot_volume.", `new boot volume needs a size in GiB`},
		{"server: boot volume of nothing", server(`boot_volume = { size = 0 }`), "boot_volume.", `must be at least 1`},
		{"server: image beside a volume to boot from", server(`boot_volume = { volume_id = "v" }`), "image", `leave the image out, or the volume_id`},
		{"server: type of a volume that exists", imageless(`boot_volume = { volume_id = "v", type = "fast" }`), "boot_volume.", `has its type already`},
		{"server: no such volume type", server(`boot_volume = { size = 1, type = "slow" }`), "boot_volume.", `There is no volume type "slow"; there are:`},
		{"server: rebuild of a volume", server("rebuild = true\nboot_volume = { size = 1 }"), "rebuild", `only a server with a local disk can be rebuilt`},
		{"server: no volumes", server(`volumes = {}`), "volumes", `map must contain at least 1 elements`},
		{"server: volume of nothing", server(`volumes = { a = {} }`), "volumes.", `"volume_id" is required`},
		{"server: volume twice", server(`volumes = { a = { volume_id = "v" }, b = { volume_id = "v" } }`), "volumes.", `server has this volume already; each can be there once`},
		{"server: boot volume as data volume", imageless("boot_volume = { volume_id = \"v\" }\nvolumes = { a = { volume_id = \"v\" } }"), "volumes.", `each can be there once`},
		{"server: device of no kind", server(`volumes = { a = { volume_id = "v", device = "vdb" } }`), "volumes.", `must be a device such as /dev/vdb`},

		{"key pair: no name", key(`public_key = "` + aKey + `"`), "", `"name" is required`},
		{"key pair: empty name", key(`name = ""`), "name", `string length must be between 1 and 255`},
		{"key pair: name with a slash", key(`name = "a/b"`), "name", `may have letters, digits, spaces, underscores and hyphens only`},
		{"key pair: name with a dot", key(`name = "a.b"`), "name", `may have letters, digits, spaces, underscores and hyphens only`},
		{"key pair: no key", key("name = \"a\"\npublic_key = \"my key\""), "public_key", `must be a public key in OpenSSH's format`},
		{"key pair: private key", key("name = \"a\"\npublic_key = \"-----BEGIN OPENSSH PRIVATE KEY-----\""), "public_key", `must be a public key in OpenSSH's format`},

		{"server group: no policy", group(``), "", `"policy" is required`},
		{"server group: no such policy", group(`policy = "together"`), "policy", `value must be one of`},
		{"server group: rule of another policy", group("policy = \"affinity\"\nmax_servers_per_host = 2"), "max_servers_per_host", `the policy "anti-affinity" has this rule`},
		{"server group: rule of nothing", group("policy = \"anti-affinity\"\nmax_servers_per_host = 0"), "max_servers_per_host", `must be at least 1`},

		{"data source: key pair of no name", block("data", "keypair", ``), "", `say which key pair, by its name`},
		{"data source: no such key pair", block("data", "keypair", `name = "nobody"`), "", `no key pair matches`},
		{"data source: server by nothing", block("data", "server", ``), "", `say which server: either by id, or by name and tags`},
		{"data source: server by both", block("data", "server", "id = \"a\"\nname = \"b\""), "id", `either by id, or by name and tags`},
		{"data source: no such server", block("data", "server", `name = "nobody"`), "", `no server matches`},
	}
}

func TestInvalid(t *testing.T) {
	acctest.Refused(t, wrongs())
}

// What is not known yet may become right: no such plan fails.
func TestUnknownsAreNotWrong(t *testing.T) {
	acctest.NotRefused(t, map[string]string{"all types": `
resource "massif_keypair" "test" {
  name       = local.text
  public_key = local.text
}

resource "massif_server_group" "test" {
  name                 = local.text
  policy               = local.text
  max_servers_per_host = local.number
}

resource "massif_server" "test" {
  name                 = local.text
  description          = local.text
  flavor               = local.text
  image                = local.text
  rebuild              = local.yes
  networks             = [{ network_id = local.text, fixed_ip = local.text }, { subnet_id = local.text, security_group_ids = local.words }, { port_id = local.text }]
  security_group_ids   = local.words
  key_pair             = local.text
  user_data_wo         = local.text
  user_data_wo_version = local.number
  availability_zone    = local.text
  server_group_id      = local.text
  metadata             = { for name in local.words : name => name }
  tags                 = local.words
  config_drive         = local.yes
  power_state          = local.text
  volumes              = { a = { volume_id = local.text, device = local.text }, b = { volume_id = local.text } }
}

resource "massif_server" "volume" {
  name        = "volume"
  flavor      = "m1.small"
  image       = local.yes ? "cirros-fake" : null
  networks    = [for id in local.words : { network_id = id }]
  boot_volume = { size = local.number, type = local.text, volume_id = local.yes ? null : "v", delete_on_termination = local.yes }
  volumes     = { for name in local.words : name => { volume_id = name } }
}
`})
}
