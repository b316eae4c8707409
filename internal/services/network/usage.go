package network

import (
	"context"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// What the types of this package take of the project's quotas.
var (
	_ lifecycle.Consumer[networkModel]        = network{}
	_ lifecycle.Consumer[subnetModel]         = subnet{}
	_ lifecycle.Consumer[routerModel]         = router{}
	_ lifecycle.Consumer[portModel]           = port{}
	_ lifecycle.Consumer[floatingIPModel]     = floatingIP{}
	_ lifecycle.Consumer[securityGroupModel]  = securityGroup{}
	_ lifecycle.Consumer[securityPolicyModel] = securityPolicy{}
)

// egressRules are the rules that Neutron gives a new group, one for each IP version.
const egressRules = 2

func (network) Usage(context.Context, *openstack.Cloud, *networkModel) (openstack.Usage, error) {
	return openstack.Usage{openstack.QuotaNetworks: 1}, nil
}

func (subnet) Usage(context.Context, *openstack.Cloud, *subnetModel) (openstack.Usage, error) {
	return openstack.Usage{openstack.QuotaSubnets: 1}, nil
}

// A router has a port in each of its subnets; that of its gateway belongs to no project.
func (router) Usage(_ context.Context, _ *openstack.Cloud, m *routerModel) (openstack.Usage, error) {
	return openstack.Usage{openstack.QuotaRouters: 1, openstack.QuotaPorts: len(m.SubnetIDs.Elements())}, nil
}

func (port) Usage(context.Context, *openstack.Cloud, *portModel) (openstack.Usage, error) {
	return openstack.Usage{openstack.QuotaPorts: 1}, nil
}

func (floatingIP) Usage(context.Context, *openstack.Cloud, *floatingIPModel) (openstack.Usage, error) {
	return openstack.Usage{openstack.QuotaFloatingIPs: 1}, nil
}

func (securityGroup) Usage(_ context.Context, _ *openstack.Cloud, m *securityGroupModel) (openstack.Usage, error) {
	return groupsUsage(1, m.RuleCount.ValueInt64(), m.DefaultEgress.ValueBool()), nil
}

func (securityPolicy) Usage(_ context.Context, _ *openstack.Cloud, m *securityPolicyModel) (openstack.Usage, error) {
	return groupsUsage(len(m.Groups.Elements()), m.RuleCount.ValueInt64(), m.DefaultEgress.ValueBool()), nil
}

func groupsUsage(groups int, rules int64, egress bool) openstack.Usage {
	all := int(rules)
	if egress {
		all += groups * egressRules
	}
	return openstack.Usage{openstack.QuotaSecurityGroups: groups, openstack.QuotaSecurityGroupRules: all}
}
