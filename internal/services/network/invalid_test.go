package network_test

import (
	"strings"
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// of is a resource with nothing in it but what the row is about.
func of(typ, body string) string {
	return "resource \"massif_" + typ + "\" \"test\" {\n" + body + "\n}\n"
}

func wrongs() []acctest.Wrong {
	subnet := func(body string) string { return of("subnet", "network_id = \"n\"\n"+body) }
	v4 := func(body string) string { return subnet("cidr = \"10.77.0.0/24\"\n" + body) }
	v6 := func(body string) string { return subnet("cidr = \"2001:db8:77::/64\"\n" + body) }
	port := func(body string) string { return of("port", "network_id = \"n\"\n"+body) }
	pool := func(body string) string { return of("subnet_pool", "name = \"p\"\n"+body) }
	floating := func(body string) string { return of("floating_ip", "external_network = \"ext-floating1\"\n"+body) }
	list := func(body string) string { return of("address_group", "name = \"g\"\n"+body) }
	long := strings.Repeat("x", 256)
	return []acctest.Wrong{
		{"network: no name", of("network", ``), "", `"name" is required`},
		{"network: empty name", of("network", `name = ""`), "name", "string length must be between 1 and 255"},
		{"network: name too long", of("network", `name = "`+long+`"`), "name", "string length must be between 1 and 255"},
		{"network: MTU too small", of("network", "name = \"n\"\nmtu = 67"), "mtu", "must be between 68 and 65535"},
		{"network: MTU too large", of("network", "name = \"n\"\nmtu = 65536"), "mtu", "must be between 68 and 65535"},
		{"network: domain without its dot", of("network", "name = \"n\"\ndns_domain = \"example.org\""), "dns_domain", "must be a domain with a dot at its end"},
		{"network: no zones", of("network", "name = \"n\"\navailability_zone_hints = []"), "availability_zone_hints", "must contain at least 1 elements"},
		{"network: tag with a comma", of("network", "name = \"n\"\ntags = [\"a,b\"]"), "tags", "without comma and slash"},
		{"network: no policy", of("network", "name = \"n\"\nqos_policy_id = \"\""), "qos_policy_id", "string length must be at least 1"},

		{"subnet: no network", of("subnet", `cidr = "10.77.0.0/24"`), "", `"network_id" is required`},
		{"subnet: no addresses", subnet(``), "", "give cidr, subnet_pool_id or both"},
		{"subnet: a lone address", subnet(`cidr = "10.77.0.0"`), "cidr", "must be a network in CIDR notation"},
		{"subnet: host bits", subnet(`cidr = "10.77.0.5/24"`), "cidr", "an address inside 10.77.0.0/24"},
		{"subnet: everything", subnet(`cidr = "0.0.0.0/0"`), "cidr", "give a prefix length of at least 1"},
		{"subnet: no room for DHCP", subnet(`cidr = "10.77.0.0/31"`), "cidr", "has no room for DHCP: give a prefix length of at most 30"},
		{"subnet: no room for DHCPv6", subnet(`cidr = "2001:db8::/127"`), "cidr", "has no room for DHCP: give a prefix length of at most 126"},
		{"subnet: SLAAC in a /80", subnet("cidr = \"2001:db8::/80\"\nipv6_address_mode = \"slaac\""), "cidr", "the prefix length must be 64"},
		{"subnet: two lengths", v4("subnet_pool_id = \"p\"\nprefix_length = 26"), "prefix_length", "give either cidr or prefix_length"},
		{"subnet: a length of nothing", v4(`prefix_length = 26`), "prefix_length", "subnet_pool_id"},
		{"subnet: a length that no prefix has", subnet("subnet_pool_id = \"p\"\nprefix_length = 129"), "prefix_length", "must be between 0 and 128"},
		{"subnet: gateway elsewhere", v4(`gateway_ip = "10.78.0.1"`), "gateway_ip", "10.78.0.1 is outside the subnet 10.77.0.0/24"},
		{"subnet: gateway of the other kind", v4(`gateway_ip = "2001:db8::1"`), "gateway_ip", "not of the same IP version"},
		{"subnet: gateway at the broadcast address", v4(`gateway_ip = "10.77.0.255"`), "gateway_ip", "the first usable one of 10.77.0.0/24 is 10.77.0.1"},
		{"subnet: gateway and none", v4("gateway_ip = \"10.77.0.1\"\nno_gateway = true"), "gateway_ip", "give no gateway_ip when no_gateway is true"},
		{"subnet: pool elsewhere", v4(`allocation_pools = [{ start = "10.77.0.10", end = "10.77.1.20" }]`), "allocation_pools[0].end", "10.77.1.20 is outside the subnet"},
		{"subnet: pool backwards", v4(`allocation_pools = [{ start = "10.77.0.20", end = "10.77.0.10" }]`), "allocation_pools", "starts at 10.77.0.20, after its end 10.77.0.10"},
		{"subnet: pools of two kinds", subnet("subnet_pool_id = \"p\"\nallocation_pools = [{ start = \"10.77.0.20\", end = \"2001:db8::1\" }]"), "allocation_pools", "not of the same IP version"},
		{"subnet: gateway in a pool", v4("gateway_ip = \"10.77.0.15\"\nallocation_pools = [{ start = \"10.77.0.10\", end = \"10.77.0.20\" }]"), "allocation_pools", "where a port could get it"},
		{"subnet: no pool at all", v4(`allocation_pools = []`), "allocation_pools", "must contain at least 1 elements"},
		{"subnet: name server by name", v4(`dns_nameservers = ["dns.example.org"]`), "dns_nameservers", "must be an IPv4 or IPv6 address"},
		{"subnet: name server with a zone", v6(`dns_nameservers = ["fe80::1%eth0"]`), "dns_nameservers", "one with a zone"},
		{"subnet: name server twice", v4(`dns_nameservers = ["9.9.9.9", "9.9.9.9"]`), "dns_nameservers", "duplicate values"},
		{"subnet: route of two kinds", v4(`host_routes = [{ destination = "2001:db8::/64", nexthop = "10.77.0.9" }]`), "host_routes[0].nexthop", "not of the same IP version as the destination"},
		{"subnet: route to an address", v4(`host_routes = [{ destination = "10.9.0.1/16", nexthop = "10.77.0.9" }]`), "host_routes[0].destination", "an address inside 10.9.0.0/16"},
		{"subnet: IPv6 mode on IPv4", v4(`ipv6_ra_mode = "slaac"`), "ipv6_ra_mode", "IPv6 modes need an IPv6 subnet"},
		{"subnet: no such mode", v6(`ipv6_ra_mode = "stateless"`), "ipv6_ra_mode", "value must be one of"},
		{"subnet: modes differ", v6("ipv6_address_mode = \"dhcpv6-stateful\"\nipv6_ra_mode = \"slaac\""), "ipv6_ra_mode", "they must be the same"},
		{"subnet: mode without DHCP", v6("ipv6_ra_mode = \"slaac\"\nenable_dhcp = false"), "enable_dhcp", "IPv6 modes need enable_dhcp"},
		{"subnet: owner of no kind", v4(`service_types = ["nova"]`), "service_types", "must begin with the kind of the owner, as compute:nova"},

		{"router: no such network", of("network", `name = "n"`) + of("router", `external_network = "no-such-network"`), "external_network", `no external network "no-such-network"; there are:`},
		{"router: nothing to translate to", of("router", `enable_snat = false`), "enable_snat", "nothing to translate to without external_network"},
		{"router: address of no network", of("router", `external_fixed_ips = [{ ip_address = "203.0.113.9" }]`), "external_fixed_ips", "external_network"},
		{"router: hop of the other kind", of("router", `routes = [{ destination = "10.9.0.0/16", nexthop = "2001:db8::1" }]`), "routes[0].nexthop", "not of the same IP version"},
		{"router: hop that is a network", of("router", `routes = [{ destination = "10.9.0.0/16", nexthop = "10.0.0.0/24" }]`), "routes[0].nexthop", "must be an IPv4 or IPv6 address"},
		{"router: route twice", of("router", `routes = [{ destination = "10.9.0.0/16", nexthop = "10.0.0.1" }, { destination = "10.9.0.0/16", nexthop = "10.0.0.1" }]`), "routes", "duplicate values"},

		{"port: no network", of("port", ``), "", `"network_id" is required`},
		{"port: wish for nothing", port(`fixed_ips = [{}]`), "fixed_ips", "ip_address, subnet_id or both"},
		{"port: no address", port(`fixed_ips = [{ ip_address = "10.77.0.0/24" }]`), "fixed_ips[0].ip_address", "must be an IPv4 or IPv6 address"},
		{"port: address twice", port(`fixed_ips = [{ ip_address = "2001:db8::1" }, { ip_address = "2001:DB8:0::1" }]`), "fixed_ips[1].ip_address", "is in the list already"},
		{"port: MAC address too short", port(`mac_address = "fa:16:3e:00:00"`), "mac_address", "right would be one such as fa:16:3e:01:02:03"},
		{"port: groups without port security", port("port_security = false\nsecurity_group_ids = [\"g\"]"), "security_group_ids", "set port_security to true"},
		{"port: pairs without port security", port("port_security = false\nallowed_address_pairs = [{ ip_address = \"10.0.0.1\" }]"), "allowed_address_pairs", "set port_security to true"},
		{"port: pair of no address", port(`allowed_address_pairs = [{ ip_address = "anywhere" }]`), "allowed_address_pairs[0].ip_address", "right would be 10.1.0.5 or 10.1.0.0/24"},
		{"port: pair of no MAC address", port(`allowed_address_pairs = [{ ip_address = "10.0.0.1", mac_address = "own" }]`), "allowed_address_pairs[0].mac_address", `"own" is no MAC address`},
		{"port: pair twice", port(`allowed_address_pairs = [{ ip_address = "10.0.0.1" }, { ip_address = "10.0.0.1" }]`), "allowed_address_pairs", "duplicate values"},
		{"port: option of two values", port(`extra_dhcp_options = [{ name = "66", value = "a" }, { name = "66", value = "b" }]`), "extra_dhcp_options", "an option has one value"},
		{"port: option of no version", port(`extra_dhcp_options = [{ name = "66", value = "a", ip_version = 5 }]`), "extra_dhcp_options[0].ip_version", "value must be one of"},
		{"port: option without a value", port(`extra_dhcp_options = [{ name = "66", value = "" }]`), "extra_dhcp_options[0].value", "string length must be between 1 and 255"},
		{"port: no host name", port(`dns_name = "-web_1"`), "dns_name", "must be a host name of letters, digits and hyphens"},
		{"port: domain without its dot", port(`dns_domain = "example.org"`), "dns_domain", "must be a domain with a dot at its end"},
		{"port: no such interface", port(`vnic_type = "fast"`), "vnic_type", "value must be one of"},
		{"port: profile that is no object", port(`binding_profile = jsonencode(["a"])`), "binding_profile", "it must be a JSON object"},
		{"port: group without an ID", port(`security_group_ids = [""]`), "security_group_ids", "string length must be at least 1"},

		{"floating IP: no network", of("floating_ip", ``), "", `"external_network" is required`},
		{"floating IP: no such network", of("floating_ip", `external_network = "no-such-network"`), "external_network", `no external network "no-such-network"; there are:`},
		{"floating IP: no address", floating(`address = "here"`), "address", "must be an IPv4 or IPv6 address"},
		{"floating IP: IPv6", floating(`address = "2001:db8::1"`), "address", "floating IPs are IPv4 only"},
		{"floating IP: address of no port", floating(`fixed_ip = "10.0.0.1"`), "fixed_ip", "port_id"},
		{"floating IP: IPv6 behind it", floating("port_id = \"p\"\nfixed_ip = \"2001:db8::1\""), "fixed_ip", "floating IPs are IPv4 only"},
		{"floating IP: name without a domain", floating(`dns_name = "web"`), "dns_name", "dns_domain"},
		{"floating IP: domain without a name", floating(`dns_domain = "example.org."`), "dns_domain", "dns_name"},

		{"subnet pool: nothing in it", pool(`prefixes = []`), "prefixes", "must contain at least 1 elements"},
		{"subnet pool: host bits", pool(`prefixes = ["10.200.0.1/16"]`), "prefixes", "an address inside 10.200.0.0/16"},
		{"subnet pool: two versions", pool(`prefixes = ["10.200.0.0/16", "2001:db8::/48"]`), "prefixes", "make a pool for each"},
		{"subnet pool: too large by default", pool("prefixes = [\"10.200.0.0/16\"]\ndefault_prefix_length = 7"), "default_prefix_length", "/7 is not between the largest subnets (/8"},
		{"subnet pool: too small by default", pool("prefixes = [\"10.200.0.0/16\"]\ndefault_prefix_length = 28\nmax_prefix_length = 26"), "default_prefix_length", "and the smallest (/26"},
		{"subnet pool: largest below smallest", pool("prefixes = [\"10.200.0.0/16\"]\nmin_prefix_length = 28\nmax_prefix_length = 26"), "min_prefix_length", "would be smaller than the smallest (/26)"},
		{"subnet pool: length of the other version", pool("prefixes = [\"10.200.0.0/16\"]\nmax_prefix_length = 64"), "max_prefix_length", "have a length of at most 32"},
		{"subnet pool: length of none", pool("prefixes = [\"2001:db8::/48\"]\nmax_prefix_length = 129"), "max_prefix_length", "must be between 1 and 128"},
		{"subnet pool: quota of nothing", pool("prefixes = [\"10.200.0.0/16\"]\ndefault_quota = 0"), "default_quota", "must be at least 1"},

		{"address scope: no version", of("address_scope", `name = "s"`), "", `"ip_version" is required`},
		{"address scope: no such version", of("address_scope", "name = \"s\"\nip_version = 5"), "ip_version", "value must be one of"},
		{"address group: no list", list(``), "", `"addresses" is required`},
		{"address group: a lone address", list(`addresses = ["203.0.113.7"]`), "addresses", "must be a network in CIDR notation"},
		{"address group: host bits", list(`addresses = ["203.0.113.7/24"]`), "addresses", "an address inside 203.0.113.0/24"},

		{"data source: no address", "data \"massif_floating_ip\" \"test\" {\naddress = \"here\"\n}", "address", "must be an IPv4 or IPv6 address"},
		{"data source: no MAC address", "data \"massif_port\" \"test\" {\nmac_address = \"own\"\n}", "mac_address", "is no MAC address"},
		{"data source: no version", "data \"massif_subnet_pool\" \"test\" {\nip_version = 5\n}", "ip_version", "value must be one of"},
		{"data source: no subnet of that version", "data \"massif_subnet\" \"test\" {\nip_version = 5\n}", "ip_version", "value must be one of"},
	}
}

func TestInvalid(t *testing.T) {
	acctest.Refused(t, wrongs())
}

// What is not known yet may become right: no such plan fails.
func TestUnknownsAreNotWrong(t *testing.T) {
	acctest.NotRefused(t, map[string]string{"all types": `
resource "massif_network" "test" {
  name                    = local.text
  mtu                     = local.number
  dns_domain              = local.text
  port_security           = local.yes
  availability_zone_hints = local.words
  qos_policy_id           = local.text
  tags                    = local.list
}

resource "massif_subnet" "test" {
  network_id        = massif_network.test.id
  cidr              = local.text
  subnet_pool_id    = local.text
  gateway_ip        = local.text
  no_gateway        = local.yes
  enable_dhcp       = local.yes
  allocation_pools  = [{ start = local.text, end = "10.0.0.9" }, { start = "10.0.0.1", end = local.text }]
  dns_nameservers   = local.words
  host_routes       = [{ destination = local.text, nexthop = local.text }]
  ipv6_address_mode = local.text
  ipv6_ra_mode      = local.text
  service_types     = local.words
}

resource "massif_router" "test" {
  external_network   = local.text
  enable_snat        = local.yes
  external_fixed_ips = [{ subnet_id = local.text, ip_address = local.text }]
  subnet_ids         = [massif_subnet.test.id, local.text]
  routes             = [{ destination = local.text, nexthop = "10.0.0.1" }]
}

resource "massif_port" "test" {
  network_id            = local.text
  fixed_ips             = [{ subnet_id = local.text }, { ip_address = local.text }, { subnet_id = local.text, ip_address = "10.0.0.1" }, local.yes ? { subnet_id = local.text, ip_address = null } : null]
  port_security         = local.yes
  security_group_ids    = local.words
  allowed_address_pairs = [{ ip_address = local.text, mac_address = local.text }, { ip_address = local.text, mac_address = null }]
  extra_dhcp_options    = [{ name = local.text, value = local.text, ip_version = local.number }, { name = "66", value = local.text }]
  mac_address           = local.text
  dns_name              = local.text
  dns_domain            = local.text
  vnic_type             = local.text
  binding_profile       = local.text
}

resource "massif_floating_ip" "test" {
  external_network = local.text
  subnet_id        = local.text
  address          = local.text
  port_id          = massif_port.test.id
  fixed_ip         = massif_port.test.fixed_ips[0].ip_address
  dns_name         = local.text
  dns_domain       = local.text
}

resource "massif_subnet_pool" "test" {
  name                  = "x"
  prefixes              = local.words
  default_prefix_length = local.number
  min_prefix_length     = 30
  max_prefix_length     = local.number
  default_quota         = local.number
  address_scope_id      = massif_address_scope.test.id
}

resource "massif_address_scope" "test" {
  name       = "x"
  ip_version = local.number
}

resource "massif_address_group" "test" {
  name      = "x"
  addresses = local.list
}

resource "massif_security_group" "test" {
  name = "x"
  rules = {
    in  = { from_address_group_ids = [massif_address_group.test.id], tcp = local.words }
    out = { to_address_group_ids = local.words, udp = [local.text] }
  }
}
`})
}
