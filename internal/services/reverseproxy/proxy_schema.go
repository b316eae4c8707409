package reverseproxy

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

const (
	policySoft = "soft-anti-affinity"
	policyNone = "none"

	// defaultCount is how many nodes there are when nobody says it: one may be lost.
	defaultCount = 2
	maxCount     = 100
)

func (proxy) Schema() schema.Schema {
	attributes := map[string]schema.Attribute{
		"name": schema.StringAttribute{
			MarkdownDescription: "Name of the proxy, with which those of its nodes begin. Changing it makes a new proxy.",
			Required:            true,
			Validators:          []validator.String{isProxyName()},
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"subnet_id": attribute.Reference("Subnet of the nodes and of the load balancer's address. Changing it makes a new proxy."),
		"external_network": schema.StringAttribute{
			MarkdownDescription: "External network, by name or ID, of which the proxy gets a floating IP. Without it, only the subnet's address leads to the proxy.",
			Optional:            true,
			Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		},
		"allowed_cidrs": schema.SetAttribute{
			MarkdownDescription: "Who may connect, as networks in CIDR notation; everybody when not set.",
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(attribute.CIDR())},
		},
		"nodes": nodesAttribute(),
		"security_group_ids": schema.SetAttribute{
			MarkdownDescription: "Security groups of the nodes beside their own, which lets in the load balancer only.",
			ElementType:         types.StringType,
			Optional:            true,
		},
		"server_group_policy": schema.StringAttribute{
			MarkdownDescription: "How the nodes are kept on different hosts: `soft-anti-affinity` where possible (the default), `anti-affinity` always, which needs one host more " +
				"than nodes while they are replaced, `none` not at all. Changing it makes a new proxy.",
			Optional:      true,
			Computed:      true,
			Default:       stringdefault.StaticString(policySoft),
			Validators:    []validator.String{stringvalidator.OneOf(policySoft, "anti-affinity", policyNone)},
			PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"binary": schema.SingleNestedAttribute{
			MarkdownDescription: "The edge node's program, which nodes download when they first start. Changing it replaces the nodes one by one.",
			Required:            true,
			Attributes: map[string]schema.Attribute{
				"url": schema.StringAttribute{
					MarkdownDescription: "Where it is, such as an object of a container that may be read by all.",
					Required:            true,
					Validators:          []validator.String{isDownload()},
				},
				"sha256": schema.StringAttribute{
					MarkdownDescription: "Checksum without which it is not started.",
					Required:            true,
					Validators:          []validator.String{attribute.SHA256()},
				},
			},
		},
		"upstreams":  upstreamsAttribute(),
		"tls":        tlsAttribute(),
		"access_log": attribute.Flag("Whether nodes write a line of JSON for each request to their journal.", true),
		"dns": schema.SingleNestedAttribute{
			MarkdownDescription: "Names in a zone of the project that lead to the proxy.",
			Optional:            true,
			Attributes: map[string]schema.Attribute{
				"zone_id": schema.StringAttribute{MarkdownDescription: "ID of the zone.", Required: true, Validators: []validator.String{stringvalidator.LengthAtLeast(1)}},
				"names": schema.SetAttribute{
					MarkdownDescription: "Names in the zone, such as `proxy`; `@` is the zone's own. Each gets a record with the proxy's `address`.",
					ElementType:         types.StringType,
					Required:            true,
					Validators:          []validator.Set{setvalidator.SizeBetween(1, 50), setvalidator.ValueStringsAre(isRecordName())},
				},
				"ttl": schema.Int64Attribute{
					MarkdownDescription: "For how many seconds others may keep the records; the zone's when not set.",
					Optional:            true,
					Validators:          []validator.Int64{int64validator.Between(0, 1<<31-1)},
				},
			},
		},
		"drain_delay": schema.StringAttribute{
			MarkdownDescription: "How long a node that goes still answers what it has begun, after the load balancer has stopped to send it anything new and before it is shut down: `30s` when not set.",
			Optional:            true,
			Computed:            true,
			Default:             stringdefault.StaticString("30s"),
			Validators:          []validator.String{isDuration()},
		},
		"wait_for_nodes": attribute.Flag("Whether an apply ends only when the nodes serve the configuration. What they refuse is then an error. "+
			"Without it, a node that replaces another one is trusted as soon as its server runs.", true),
	}
	for name, a := range computedAttributes() {
		attributes[name] = a
	}
	return schema.Schema{
		MarkdownDescription: "A managed reverse proxy for thousands of domains: small nodes behind a TCP load balancer, which read what to serve from an object container. " +
			"`massif_reverse_proxy_routes` says which host leads to which of its upstreams. A change of upstreams or TLS is one object written; nodes take it over " +
			"without a lost request. Another flavor, image or binary replaces the nodes one by one, the new one first.",
		Attributes: attributes,
	}
}

func computedAttributes() map[string]schema.Attribute {
	sensitive := func(description string) schema.StringAttribute {
		a := attribute.Computed(description)
		a.Sensitive = true
		return a
	}
	list := func(description string) schema.ListAttribute {
		return schema.ListAttribute{MarkdownDescription: description, ElementType: types.StringType, Computed: true}
	}
	return map[string]schema.Attribute{
		"container":                     attribute.Computed("Container of the proxy, the same as its ID."),
		"config_etag":                   schema.StringAttribute{MarkdownDescription: "ETag of the configuration in the container. Another one than that of the plan is written again.", Computed: true},
		"encryption_key":                sensitive("Key with which private keys in the container are encrypted, for `massif_reverse_proxy_certificate`."),
		"application_credential_id":     attribute.Computed("ID of the credential with which nodes read and write the container, and may do nothing else that matters."),
		"application_credential_secret": sensitive("Secret of that credential."),
		"security_group_id":             attribute.Computed("Security group of the nodes."),
		"server_group_id":               schema.StringAttribute{MarkdownDescription: "Server group of the nodes.", Computed: true},
		"load_balancer_id":              schema.StringAttribute{MarkdownDescription: "Load balancer in front of the nodes.", Computed: true},
		"vip_address":                   schema.StringAttribute{MarkdownDescription: "The load balancer's address in the subnet.", Computed: true},
		"floating_ip":                   schema.StringAttribute{MarkdownDescription: "Floating IP of that address.", Computed: true},
		"address":                       schema.StringAttribute{MarkdownDescription: "What clients reach the proxy at: the floating IP, else the address in the subnet.", Computed: true},
		"node_names":                    list("Names of the nodes."),
		"outdated_node_names":           list("Names of the nodes that were made from other values than these: the next apply replaces them."),
	}
}

func nodesAttribute() schema.SingleNestedAttribute {
	count := func(description string) schema.Int64Attribute {
		return schema.Int64Attribute{MarkdownDescription: description, Optional: true, Validators: []validator.Int64{int64validator.Between(1, maxCount)}}
	}
	number := count("Number of nodes; 2 when not set. With `min` and `max` it may be left out: then whatever number there is stays, as long as it is within them.")
	number.Computed = true
	return schema.SingleNestedAttribute{
		MarkdownDescription: "The nodes.",
		Required:            true,
		Attributes: map[string]schema.Attribute{
			"flavor": schema.StringAttribute{
				MarkdownDescription: "Flavor, by name or ID. One vCPU and 2 GiB serve ten thousand domains. Changing it replaces the nodes one by one.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"image": schema.StringAttribute{
				MarkdownDescription: "Image, by name or ID, with cloud-init and systemd. Changing it replaces the nodes one by one.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"count":              number,
			"min":                count("The fewest nodes that something else, such as an autoscaler, may leave. Needs `max`."),
			"max":                count("The most nodes that something else may make. It marks its servers with the tags of the others."),
			"volume":             attribute.NodeVolume("Volume that a node boots from, for flavors without a disk. It is deleted with its node."),
			"key_pair":           attribute.NodeKeyPair(),
			"availability_zones": attribute.NodeZones(),
		},
	}
}

func upstreamsAttribute() schema.MapNestedAttribute {
	text := func(description string, validators ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Optional: true, Validators: validators}
	}
	headers := func(description string) schema.MapAttribute {
		return schema.MapAttribute{MarkdownDescription: description, ElementType: types.StringType, Optional: true}
	}
	return schema.MapNestedAttribute{
		MarkdownDescription: "Services behind the proxy, by name. They are few and rich; up to 200 are advised.",
		Required:            true,
		Validators:          []validator.Map{mapvalidator.SizeAtLeast(1)},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"targets": schema.MapNestedAttribute{
				MarkdownDescription: "Versions or places of the service, by name.",
				Required:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"url":    schema.StringAttribute{MarkdownDescription: "Scheme, host and port, such as `https://10.0.0.11`.", Required: true},
					"weight": schema.Int64Attribute{MarkdownDescription: "Share of the requests among the targets, from 0 to 1000; 1 when not set.", Optional: true},
				}},
			},
			"canary_by":         text("What decides which target gets a request: each `request` for itself (the default), or the same one always for a `client_ip` or a `host`.", stringvalidator.OneOf(documents.CanaryByValues()...)),
			"host_header":       text("Host that the targets are asked for; the one that the client asked for when not set."),
			"rewrite_responses": schema.BoolAttribute{MarkdownDescription: "Whether `host_header` in `Location` and in the domain of cookies becomes the host that the client asked for.", Optional: true},
			"rewrite_body_types": schema.ListAttribute{
				MarkdownDescription: "Content types, such as `text/html`, in whose bodies that happens, too.", ElementType: types.StringType, Optional: true,
			},
			"request_headers":  headers("Headers that are set in each request."),
			"response_headers": headers("Headers that are set in each response."),
			"health_check": schema.SingleNestedAttribute{
				MarkdownDescription: "How nodes ask each target whether it serves. Those that do not get no requests.",
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"path":     schema.StringAttribute{MarkdownDescription: "Path that is asked for.", Required: true},
					"interval": text("Time between two checks; `5s` when not set.", isDuration()),
					"timeout":  text("Time that a target has to answer; `2s` when not set.", isDuration()),
					"status":   schema.Int64Attribute{MarkdownDescription: "Status that is right; any from 200 to 299 when not set.", Optional: true},
				},
			},
			"retries":          schema.Int64Attribute{MarkdownDescription: "How often a request that no target has answered is sent again; 2 when not set.", Optional: true},
			"connect_timeout":  text("Time to connect to a target; `3s` when not set.", isDuration()),
			"response_timeout": text("Time until a target begins to answer; `1m` when not set.", isDuration()),
			"tls": schema.SingleNestedAttribute{
				MarkdownDescription: "How targets with https are trusted.",
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"server_name": text("Name in the targets' certificate; `host_header` when not set, else the host of the target."),
					"insecure":    schema.BoolAttribute{MarkdownDescription: "Whether any certificate will do.", Optional: true},
					"ca":          text("Certificates in PEM of the authorities that are trusted; the system's when not set."),
				},
			},
		}},
	}
}

func tlsAttribute() schema.SingleNestedAttribute {
	text := func(description string, validators ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Optional: true, Validators: validators}
	}
	flag := func(description string) schema.BoolAttribute {
		return schema.BoolAttribute{MarkdownDescription: description, Optional: true}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "How clients are served over TLS.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"acme": schema.SingleNestedAttribute{
				MarkdownDescription: "Where certificates come from that are not a `massif_reverse_proxy_certificate`. Hosts without one are not served over TLS when not set.",
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"email":     text("Address that the authority may write to."),
					"directory": text("Directory of the authority; Let's Encrypt when not set."),
					"on_demand": flag("Whether a certificate is asked for when a host is first visited, and not for all hosts at once."),
					"ca":        text("Certificates in PEM by which the directory itself is trusted; the system's when not set."),
				},
			},
			"hsts": schema.SingleNestedAttribute{
				MarkdownDescription: "Tells browsers to use HTTPS only.",
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"max_age":            schema.StringAttribute{MarkdownDescription: "For how long, such as `8760h`.", Required: true, Validators: []validator.String{isDuration()}},
					"include_subdomains": flag("Whether for all hosts below, too."),
					"preload":            flag("Whether browsers may have it in their lists."),
				},
			},
			"redirect_http": flag("Whether requests over HTTP are sent to HTTPS."),
		},
	}
}
