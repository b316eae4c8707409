package loadbalancer

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/boolvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
)

// longestTimeout is 24 days in milliseconds, Octavia's limit.
const longestTimeout = 24 * 24 * 60 * 60 * 1000

// oneLine is what L7 rules take.
var oneLine = regexp.MustCompile(`^[^\r\n]*$`)

func (loadBalancer) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A load balancer with everything below it: listeners, L7 routes, pools, members, health monitors, and the floating IP of its VIP. " +
			"It is created by one request and changed by as few as possible.\n\n" +
			"The keys of the maps are names that you choose; they become the names of Octavia's objects, by which they are recognised. " +
			"Whatever is below the load balancer and not declared here is removed.",
		Attributes: map[string]schema.Attribute{
			"name":                  attribute.Name("Name of the load balancer."),
			"description":           attribute.Description(),
			"vip_subnet_id":         vip("Subnet of the VIP."),
			"vip_network_id":        vip("Network of the VIP, when Octavia is to choose among its subnets."),
			"vip_port_id":           vip("Port of the VIP, when it exists already. Else Octavia makes one, and this tells its id."),
			"vip_address":           vipAddress(),
			"admin_state_up":        attribute.AdminStateUp(),
			"tags":                  attribute.Tags(),
			"loadbalancer_provider": fixed("Driver of Octavia, such as `amphora` or `ovn`. Chosen by the cloud when not set.", 64),
			"flavor_id":             fixed("Octavia's flavor.", 36),
			"availability_zone":     fixed("Octavia's availability zone.", 255),
			"external_network": schema.StringAttribute{
				MarkdownDescription: "External network, by name or id, of which the VIP gets a floating IP. That is made and deleted with the load balancer.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"floating_ip_id": schema.StringAttribute{
				MarkdownDescription: "ID of a floating IP that exists, when it is to outlive the load balancer; `massif_floating_ip` with `port_id = massif_load_balancer.….vip_port_id` does the same. " +
					"Without it, the id of the one that was made for `external_network`.",
				Optional:   true,
				Computed:   true,
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"floating_ip_address": schema.StringAttribute{
				MarkdownDescription: "Address of the floating IP.",
				Computed:            true,
			},
			"provisioning_status": schema.StringAttribute{
				MarkdownDescription: "Whether Octavia is done with the load balancer: `ACTIVE` when it is.",
				Computed:            true,
			},
			"operating_status": schema.StringAttribute{
				MarkdownDescription: "How the load balancer and its members do, as read last: `ONLINE`, `DEGRADED`, `ERROR`, `OFFLINE`, ….",
				Computed:            true,
			},
			"listeners": named("Listeners: ports of the VIP.", listenerAttributes()),
			"pools":     named("Pools: groups of members among which traffic is shared.", poolAttributes()),
		},
	}
}

// elementType is what a map or list of nested objects holds.
func elementType(a schema.Attribute) attr.Type {
	if t, ok := a.GetType().(attr.TypeWithElementType); ok {
		return t.ElementType()
	}
	return nil
}

// named is a map of nested objects by the names that the user chose.
func named(description string, attributes map[string]schema.Attribute) schema.MapNestedAttribute {
	return schema.MapNestedAttribute{
		MarkdownDescription: description,
		Optional:            true,
		NestedObject:        schema.NestedAttributeObject{Attributes: attributes},
		Validators:          []validator.Map{mapvalidator.KeysAre(stringvalidator.LengthBetween(1, 255))},
	}
}

func vip(description string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: description + " One of `vip_subnet_id`, `vip_network_id` and `vip_port_id` must be set. Changing it makes a new load balancer.",
		Optional:            true,
		Computed:            true,
		Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplaceIfConfigured()},
	}
}

func vipAddress() schema.StringAttribute {
	a := vip("")
	a.MarkdownDescription = "Address of the VIP. Chosen by the cloud when not set. Changing it makes a new load balancer."
	a.Validators = []validator.String{attribute.IPAddress()}
	return a
}

// fixed is what the cloud chooses unless the user does, once.
func fixed(description string, most int) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: description + " Changing it makes a new load balancer.",
		Optional:            true,
		Computed:            true,
		Validators:          []validator.String{stringvalidator.LengthBetween(1, most)},
		PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplaceIfConfigured()},
	}
}

func listenerAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"protocol": oneOf("Protocol of the traffic that comes in. Changing it makes a new listener.",
			engine.ProtocolHTTP, engine.ProtocolHTTPS, engine.ProtocolTerminatedHTTPS, engine.ProtocolTCP, engine.ProtocolUDP,
			engine.ProtocolSCTP, engine.ProtocolPrometheus),
		"port":             port("Port of the VIP. Changing it makes a new listener."),
		"default_pool":     optional("Key in `pools` of the pool that gets what no route takes."),
		"description":      attribute.Description(),
		"admin_state_up":   attribute.AdminStateUp(),
		"connection_limit": connectionLimit(),
		"allowed_cidrs": schema.SetAttribute{
			MarkdownDescription: "Networks from which clients may connect. Everybody may when not set.",
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(attribute.CIDR())},
		},
		"insert_headers": schema.MapAttribute{
			MarkdownDescription: "Headers to insert into requests, such as `{ X-Forwarded-For = \"true\" }`.",
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.Map{mapvalidator.SizeAtLeast(1)},
		},
		"timeout_client_data":    milliseconds("How long a client may be silent"),
		"timeout_member_connect": milliseconds("How long connecting to a member may take"),
		"timeout_member_data":    milliseconds("How long a member may be silent"),
		"timeout_tcp_inspect":    milliseconds("How long to wait for more of a TCP connection to look at"),
		"tls":                    listenerTLS(),
		"routes": named("Routes, which Octavia calls L7 policies: what to do with requests for which all rules match. "+
			"Octavia tries those that reject first, then those that redirect to a URL or prefix, then those that redirect to a pool; "+
			"among these, those with the lower position.", routeAttributes()),
		"tags": attribute.Tags(),
	}
}

func listenerTLS() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "How a `TERMINATED_HTTPS` listener speaks TLS.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"container_ref":            optional("URL of the secret (PKCS#12) or container in the key manager with certificate and key."),
			"sni_container_refs":       texts("URLs of further certificates, chosen by the name that the client asks for."),
			"client_authentication":    clientAuthentication(),
			"client_ca_container_ref":  optional("URL of the secret with the CA of client certificates."),
			"client_crl_container_ref": optional("URL of the secret with the revocation list of client certificates."),
			"ciphers":                  optional("Ciphers in OpenSSL's notation. The cloud's default when not set."),
			"versions":                 texts("Versions of TLS, such as `TLSv1.3`. The cloud's default when not set."),
			"alpn_protocols":           texts("Protocols to agree on, such as `h2`. The cloud's default when not set."),
		},
	}
}

func clientAuthentication() schema.StringAttribute {
	a := oneOf("Whether clients need a certificate.", "NONE", "OPTIONAL", "MANDATORY")
	a.Required, a.Optional, a.Computed = false, true, true
	a.Default = stringdefault.StaticString("NONE")
	return a
}

func routeAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"position": schema.Int64Attribute{
			MarkdownDescription: "Place among the routes of the listener, lower ones first. Those without come last, by their keys.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(1, 2147483646)},
		},
		"redirect_pool":   optional("Key in `pools` of the pool that gets the request."),
		"redirect_url":    optional("URL to send the client to."),
		"redirect_prefix": optional("URL to which the request's path is appended, to send the client to."),
		"reject": schema.BoolAttribute{
			MarkdownDescription: "Answer with 403. Can only be `true`.",
			Optional:            true,
			Validators:          []validator.Bool{boolvalidator.Equals(true)},
		},
		"redirect_http_code": schema.Int64Attribute{
			MarkdownDescription: "Status of the answer that sends the client elsewhere; 302 when not set.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.OneOf(301, 302, 303, 307, 308)},
		},
		"rules": schema.ListNestedAttribute{
			MarkdownDescription: "Conditions, all of which must be met. Their order says nothing. Without any the route is not in use.",
			Optional:            true,
			NestedObject:        schema.NestedAttributeObject{Attributes: ruleAttributes()},
			Validators:          []validator.List{listvalidator.SizeBetween(1, 50)},
		},
		"description":    attribute.Description(),
		"admin_state_up": attribute.AdminStateUp(),
		"tags":           attribute.Tags(),
	}
}

func ruleAttributes() map[string]schema.Attribute {
	key := optional("Name of the header or cookie, or field of the certificate.")
	key.Validators = append(key.Validators, stringvalidator.LengthAtMost(255), stringvalidator.RegexMatches(oneLine, "must be one line"))
	return map[string]schema.Attribute{
		"type": oneOf("What is looked at.", "HOST_NAME", "PATH", "FILE_TYPE", "HEADER", "COOKIE",
			"SSL_CONN_HAS_CERT", "SSL_VERIFY_RESULT", "SSL_DN_FIELD"),
		"compare_type": oneOf("How it is compared.", "EQUAL_TO", "STARTS_WITH", "ENDS_WITH", "CONTAINS", "REGEX"),
		"key":          key,
		"value": schema.StringAttribute{
			MarkdownDescription: "What it is compared with.",
			Required:            true,
			Validators:          []validator.String{stringvalidator.LengthBetween(1, 255), stringvalidator.RegexMatches(oneLine, "must be one line")},
		},
		"invert": attribute.Flag("Whether the rule matches when the comparison does not.", false),
	}
}

func poolAttributes() map[string]schema.Attribute {
	algorithm := oneOf("How members are chosen.", "ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP", "SOURCE_IP_PORT")
	algorithm.Required, algorithm.Optional, algorithm.Computed = false, true, true
	algorithm.Default = stringdefault.StaticString("ROUND_ROBIN")
	return map[string]schema.Attribute{
		"protocol": oneOf("Protocol that the members speak. Changing it makes a new pool.",
			engine.ProtocolHTTP, engine.ProtocolHTTPS, engine.ProtocolTCP, engine.ProtocolUDP, engine.ProtocolSCTP,
			engine.ProtocolPROXY, engine.ProtocolPROXYV2),
		"algorithm":           algorithm,
		"session_persistence": sessionPersistence(),
		"tls": schema.SingleNestedAttribute{
			MarkdownDescription: "Encrypts the traffic to the members; may be empty.",
			Optional:            true,
			Attributes: map[string]schema.Attribute{
				"container_ref":     optional("URL of the secret (PKCS#12) in the key manager with the load balancer's client certificate."),
				"ca_container_ref":  optional("URL of the secret with the CA of the members' certificates."),
				"crl_container_ref": optional("URL of the secret with the revocation list of the members' certificates."),
				"ciphers":           optional("Ciphers in OpenSSL's notation. The cloud's default when not set."),
				"versions":          texts("Versions of TLS, such as `TLSv1.3`. The cloud's default when not set."),
				"alpn_protocols":    texts("Protocols to agree on, such as `h2`. The cloud's default when not set."),
			},
		},
		"members":        named("Members. Address and port tell them apart.", memberAttributes()),
		"monitor":        monitorAttribute(),
		"description":    attribute.Description(),
		"admin_state_up": attribute.AdminStateUp(),
		"tags":           attribute.Tags(),
	}
}

func sessionPersistence() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Keeps each client on one member.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"type":        oneOf("By what clients are recognised.", "SOURCE_IP", "HTTP_COOKIE", "APP_COOKIE"),
			"cookie_name": optional("Cookie of the application, for `APP_COOKIE`."),
			"timeout": schema.Int64Attribute{
				MarkdownDescription: "Seconds after which a client is forgotten, for UDP and SCTP.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(0)},
			},
			"granularity": optional("Netmask of the addresses that count as one client, for UDP and SCTP."),
		},
	}
}

func memberAttributes() map[string]schema.Attribute {
	monitorPort := port("Port to check; that of the traffic when not set.")
	monitorPort.Required, monitorPort.Optional = false, true
	monitorAddress := optional("Address to check; that of the traffic when not set.")
	monitorAddress.Validators = []validator.String{attribute.IPAddress()}
	return map[string]schema.Attribute{
		"address": schema.StringAttribute{
			MarkdownDescription: "Address of the member.",
			Required:            true,
			Validators:          []validator.String{attribute.IPAddress()},
		},
		"port":      port("Port of the member."),
		"subnet_id": optional("Subnet in which the member is reached, when it is not that of the VIP."),
		"weight": schema.Int64Attribute{
			MarkdownDescription: "Share of the traffic, 0 (no new connections) to 256.",
			Optional:            true,
			Computed:            true,
			Default:             int64default.StaticInt64(1),
			Validators:          []validator.Int64{int64validator.Between(0, 256)},
		},
		"backup":          attribute.Flag("Whether the member gets traffic only when all others are down.", false),
		"monitor_address": monitorAddress,
		"monitor_port":    monitorPort,
		"admin_state_up":  attribute.AdminStateUp(),
		"tags":            attribute.Tags(),
	}
}

func monitorAttribute() schema.SingleNestedAttribute {
	urlPath := optional("Path of the request; `/` when not set.")
	urlPath.Validators = []validator.String{stringvalidator.LengthAtMost(255), stringvalidator.RegexMatches(regexp.MustCompile(`^/\S*$`), "must be a path that begins with /")}
	codes := optional("Statuses that say healthy: one, a list or a range, such as `200,202` or `200-204`; `200` when not set.")
	codes.Validators = []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^(\d{3}(\s*,\s*\d{3})*)$|^(\d{3}-\d{3})$`), "must be like 200, 200,202 or 200-204")}
	method := optional("Method of the request; `GET` when not set.")
	method.Validators = []validator.String{stringvalidator.OneOf("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")}
	version := optional("Version of HTTP, `1.0` or `1.1`; the cloud's default when not set.")
	version.Validators = []validator.String{stringvalidator.OneOf("1.0", "1.1")}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Checks the health of the members.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"type":             oneOf("How members are checked. Changing it makes a new monitor.", "HTTP", "HTTPS", "PING", "SCTP", "TCP", "TLS-HELLO", "UDP-CONNECT"),
			"delay":            count("Seconds between checks.", 0, 1<<31-1),
			"timeout":          count("Seconds that a check may take; at most `delay`.", 0, 1<<31-1),
			"max_retries":      count("Successful checks after which a member is up.", 1, 10),
			"max_retries_down": retriesDown(),
			"http_method":      method,
			"url_path":         urlPath,
			"expected_codes":   codes,
			"http_version":     version,
			"domain_name":      optional("Host to ask for; needs `http_version = \"1.1\"`."),
			"admin_state_up":   attribute.AdminStateUp(),
		},
	}
}

func retriesDown() schema.Int64Attribute {
	a := count("Failed checks after which a member is down.", 1, 10)
	a.Required, a.Optional, a.Computed = false, true, true
	a.Default = int64default.StaticInt64(3)
	return a
}

func connectionLimit() schema.Int64Attribute {
	return schema.Int64Attribute{
		MarkdownDescription: "Connections at the same time; -1 for no limit.",
		Optional:            true,
		Computed:            true,
		Default:             int64default.StaticInt64(-1),
		Validators:          []validator.Int64{int64validator.AtLeast(-1)},
	}
}

func oneOf(description string, values ...string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: description,
		Required:            true,
		Validators:          []validator.String{stringvalidator.OneOf(values...)},
	}
}

func optional(description string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: description,
		Optional:            true,
		Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
	}
}

func texts(description string) schema.SetAttribute {
	return schema.SetAttribute{
		MarkdownDescription: description,
		ElementType:         types.StringType,
		Optional:            true,
		Validators:          []validator.Set{setvalidator.SizeAtLeast(1)},
	}
}

func port(description string) schema.Int64Attribute {
	return count(description, 1, 65535)
}

func count(description string, least, most int64) schema.Int64Attribute {
	return schema.Int64Attribute{
		MarkdownDescription: description,
		Required:            true,
		Validators:          []validator.Int64{int64validator.Between(least, most)},
	}
}

func milliseconds(description string) schema.Int64Attribute {
	return schema.Int64Attribute{
		MarkdownDescription: description + ", in milliseconds. The cloud's default when not set.",
		Optional:            true,
		Validators:          []validator.Int64{int64validator.Between(0, longestTimeout)},
	}
}
