package compute

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// quotas tells what the project may have, and what of that it has.
type quotas struct{}

var _ lifecycle.Source[quotasModel] = quotas{}

type quotasModel struct {
	lifecycle.SourceObject

	Instances          types.Object `tfsdk:"instances"`
	Cores              types.Object `tfsdk:"cores"`
	RAM                types.Object `tfsdk:"ram"`
	ServerGroups       types.Object `tfsdk:"server_groups"`
	Volumes            types.Object `tfsdk:"volumes"`
	Gigabytes          types.Object `tfsdk:"gigabytes"`
	Networks           types.Object `tfsdk:"networks"`
	Subnets            types.Object `tfsdk:"subnets"`
	Ports              types.Object `tfsdk:"ports"`
	Routers            types.Object `tfsdk:"routers"`
	FloatingIPs        types.Object `tfsdk:"floating_ips"`
	SecurityGroups     types.Object `tfsdk:"security_groups"`
	SecurityGroupRules types.Object `tfsdk:"security_group_rules"`
	LoadBalancers      types.Object `tfsdk:"load_balancers"`
}

func (quotas) Name() string { return "quotas" }

func (quotas) Schema() schema.Schema {
	quota := func(what string) schema.SingleNestedAttribute {
		number := func(description string) schema.Int64Attribute {
			return schema.Int64Attribute{MarkdownDescription: description, Computed: true}
		}
		return schema.SingleNestedAttribute{
			MarkdownDescription: what + "; null when the cloud does not tell.",
			Computed:            true,
			Attributes: map[string]schema.Attribute{
				"limit": number("How many the project may have; null without a limit."),
				"used":  number("How many it has."),
				"free":  number("How many more it may have; null without a limit."),
			},
		}
	}
	return schema.Schema{
		MarkdownDescription: "The quotas of the project: what it may have, and what of that it has.",
		Attributes: map[string]schema.Attribute{
			"instances":            quota("Servers"),
			"cores":                quota("Virtual CPUs of the servers"),
			"ram":                  quota("Memory of the servers in MiB"),
			"server_groups":        quota("Server groups"),
			"volumes":              quota("Volumes"),
			"gigabytes":            quota("GiB of volumes and snapshots"),
			"networks":             quota("Networks"),
			"subnets":              quota("Subnets"),
			"ports":                quota("Ports"),
			"routers":              quota("Routers"),
			"floating_ips":         quota("Floating IPs"),
			"security_groups":      quota("Security groups"),
			"security_group_rules": quota("Rules of security groups"),
			"load_balancers":       quota("Load balancers"),
		},
	}
}

var quotaTypes = map[string]attr.Type{"limit": types.Int64Type, "used": types.Int64Type, "free": types.Int64Type}

func (quotas) Read(ctx context.Context, cloud *openstack.Cloud, m *quotasModel) error {
	found, err := cloud.Quotas(ctx)
	if err != nil {
		return err
	}
	for quota, target := range map[openstack.Quota]*types.Object{
		openstack.QuotaInstances: &m.Instances, openstack.QuotaCores: &m.Cores, openstack.QuotaRAM: &m.RAM, openstack.QuotaServerGroups: &m.ServerGroups,
		openstack.QuotaVolumes: &m.Volumes, openstack.QuotaGigabytes: &m.Gigabytes, openstack.QuotaNetworks: &m.Networks, openstack.QuotaSubnets: &m.Subnets,
		openstack.QuotaPorts: &m.Ports, openstack.QuotaRouters: &m.Routers, openstack.QuotaFloatingIPs: &m.FloatingIPs,
		openstack.QuotaSecurityGroups: &m.SecurityGroups, openstack.QuotaSecurityGroupRules: &m.SecurityGroupRules, openstack.QuotaLoadBalancers: &m.LoadBalancers,
	} {
		*target = types.ObjectNull(quotaTypes)
		if q, ok := found[quota]; ok {
			*target = quotaObject(q.Limit, q.Used)
		}
	}
	m.ID = types.StringValue(cloud.ProjectID())
	return nil
}

// quotaObject is one quota; a limit below zero is none.
func quotaObject(limit, used int) types.Object {
	most, free := types.Int64Null(), types.Int64Null()
	if limit >= 0 {
		most, free = value.Int(limit), value.Int(max(0, limit-used))
	}
	return types.ObjectValueMust(quotaTypes, map[string]attr.Value{"limit": most, "used": value.Int(used), "free": free})
}
