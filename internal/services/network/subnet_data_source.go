package network

import (
	"context"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// subnetSource looks up a subnet.
type subnetSource struct{}

var _ lifecycle.Source[subnetSourceModel] = subnetSource{}

type subnetSourceModel struct {
	lifecycle.SourceObject

	Name           types.String `tfsdk:"name"`
	NetworkID      types.String `tfsdk:"network_id"`
	CIDR           types.String `tfsdk:"cidr"`
	IPVersion      types.Int64  `tfsdk:"ip_version"`
	Tags           types.Set    `tfsdk:"tags"`
	Description    types.String `tfsdk:"description"`
	GatewayIP      types.String `tfsdk:"gateway_ip"`
	EnableDHCP     types.Bool   `tfsdk:"enable_dhcp"`
	DNSNameservers types.List   `tfsdk:"dns_nameservers"`
}

func (subnetSource) Name() string { return "subnet" }

func (subnetSource) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A subnet, found by what is set: `id`, `name`, `network_id`, `cidr`, `ip_version`, `tags`.",
		Attributes: map[string]schema.Attribute{
			"name":       schema.StringAttribute{MarkdownDescription: "Name of the subnet.", Optional: true, Computed: true},
			"network_id": schema.StringAttribute{MarkdownDescription: "ID of its network.", Optional: true, Computed: true},
			"cidr":       schema.StringAttribute{MarkdownDescription: "Addresses of the subnet.", Optional: true, Computed: true},
			"ip_version": schema.Int64Attribute{MarkdownDescription: "4 or 6.", Optional: true, Computed: true,
				Validators: []validator.Int64{int64validator.OneOf(4, 6)}},
			"tags":            sourceTags("subnet"),
			"description":     schema.StringAttribute{MarkdownDescription: "Description of the subnet.", Computed: true},
			"gateway_ip":      schema.StringAttribute{MarkdownDescription: "Address of the router; null without one.", Computed: true},
			"enable_dhcp":     schema.BoolAttribute{MarkdownDescription: "Whether DHCP gives out the addresses.", Computed: true},
			"dns_nameservers": schema.ListAttribute{MarkdownDescription: "Addresses of the name servers.", ElementType: types.StringType, Computed: true},
		},
	}
}

func (subnetSource) Read(ctx context.Context, cloud *openstack.Cloud, m *subnetSourceModel) error {
	query := filter(map[string]types.String{"id": m.ID, "name": m.Name, "network_id": m.NetworkID, "cidr": m.CIDR}, m.Tags)
	if value.Known(m.IPVersion) {
		query.Set("ip_version", strconv.FormatInt(m.IPVersion.ValueInt64(), 10))
	}
	found, err := find(ctx, cloud, subnets, "subnet", query,
		func(s apiSubnet) bool { return isCalled(m.Name, s.Name) && hasTags(m.Tags, s.Tags) },
		func(s apiSubnet) string { return describe(s.Name, s.ID) + " " + s.CIDR })
	if err != nil {
		return err
	}
	m.ID = types.StringValue(found.ID)
	m.Name = types.StringValue(found.Name)
	m.NetworkID = types.StringValue(found.NetworkID)
	m.CIDR = types.StringValue(found.CIDR)
	m.IPVersion = value.Int(found.IPVersion)
	m.Tags = askedOr(m.Tags, found.Tags)
	m.Description = types.StringValue(found.Description)
	m.GatewayIP = value.StringOrNull(found.GatewayIP)
	m.EnableDHCP = types.BoolValue(found.EnableDHCP)
	m.DNSNameservers = value.List(found.DNSNameservers)
	return nil
}
