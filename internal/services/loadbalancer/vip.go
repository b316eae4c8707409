package loadbalancer

import (
	"context"
	"net/netip"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

type additionalVIPModel struct {
	SubnetID types.String `tfsdk:"subnet_id"`
	Address  types.String `tfsdk:"address"`
}

func additionalVIPs() schema.ListNestedAttribute {
	subnet := optional("Subnet of the address, in the network of the VIP. Each subnet can be there once.")
	subnet.Required, subnet.Optional = true, false
	return schema.ListNestedAttribute{
		MarkdownDescription: "Further addresses of the VIP, for example of IPv6. Changing them makes a new load balancer. Needs Octavia's API 2.26.",
		Optional:            true,
		Validators:          []validator.List{listvalidator.SizeAtLeast(1)},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"subnet_id": subnet,
			"address": schema.StringAttribute{
				MarkdownDescription: "Address. Chosen by the cloud when not set.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{attribute.IPAddress()},
			},
		}},
	}
}

// planVIPs takes over the addresses that the cloud has chosen, and asks for a new load balancer when others are wanted.
func planVIPs(ctx context.Context, change *lifecycle.Change[model]) error {
	at := path.Root("additional_vips")
	if change.Prior == nil {
		return nil
	}
	if change.Plan.AdditionalVIPs.IsUnknown() {
		change.Replace(at)
		return nil
	}
	wanted, err := items[additionalVIPModel](ctx, change.Plan.AdditionalVIPs)
	if err != nil {
		return err
	}
	prior, err := items[additionalVIPModel](ctx, change.Prior.AdditionalVIPs)
	if err != nil {
		return err
	}
	different := len(wanted) != len(prior)
	for i, w := range wanted {
		had := slices.IndexFunc(prior, func(p additionalVIPModel) bool { return known(w.SubnetID) && w.SubnetID.Equal(p.SubnetID) })
		switch {
		case had < 0, known(w.Address) && !sameAddress(w.Address, prior[had].Address.ValueString()):
			different = true
		case !known(w.Address):
			wanted[i].Address = prior[had].Address
		}
	}
	if different {
		change.Replace(at)
		return nil
	}
	if len(wanted) > 0 {
		change.Plan.AdditionalVIPs, err = listOf(ctx, additionalVIPs(), wanted)
	}
	return err
}

func expandVIPs(ctx context.Context, list types.List) ([]engine.VIP, error) {
	models, err := items[additionalVIPModel](ctx, list)
	var vips []engine.VIP
	for _, m := range models {
		vips = append(vips, engine.VIP{SubnetID: m.SubnetID.ValueString(), Address: m.Address.ValueString()})
	}
	return vips, err
}

// flattenVIPs keeps the order and the spelling of the model.
func flattenVIPs(ctx context.Context, real []engine.VIP, prior types.List) (types.List, error) {
	was, err := items[additionalVIPModel](ctx, prior)
	if err != nil {
		return prior, err
	}
	place := func(v engine.VIP) int {
		at := slices.IndexFunc(was, func(m additionalVIPModel) bool { return m.SubnetID.ValueString() == v.SubnetID })
		if at < 0 {
			return len(was)
		}
		return at
	}
	sorted := slices.SortedStableFunc(slices.Values(real), func(a, b engine.VIP) int { return place(a) - place(b) })
	var models []additionalVIPModel
	for _, v := range sorted {
		m := additionalVIPModel{SubnetID: types.StringValue(v.SubnetID), Address: value.StringOrNull(v.Address)}
		if at := place(v); at < len(was) && sameAddress(was[at].Address, v.Address) {
			m.Address = was[at].Address
		}
		models = append(models, m)
	}
	return listOf(ctx, additionalVIPs(), models)
}

// sameAddress tells whether a text that the user may have written otherwise is the real address.
func sameAddress(written types.String, real string) bool {
	a, err := netip.ParseAddr(written.ValueString())
	b, otherErr := netip.ParseAddr(real)
	return err == nil && otherErr == nil && a == b
}

// vip checks where the addresses of a load balancer come from. What is unknown may turn out to be null.
func (f *findings) vip(ctx context.Context, m *model) error {
	subnet, network, port := m.VIPSubnetID, m.VIPNetworkID, m.VIPPortID
	switch {
	case subnet.IsNull() && network.IsNull() && port.IsNull():
		f.add(path.Root("vip_subnet_id"), "say where the VIP lives: vip_subnet_id, vip_network_id or vip_port_id")
	case known(port, network):
		f.add(path.Root("vip_network_id"), "a port is in a network already: give vip_port_id alone, or with the one of its subnets or addresses that is meant")
	}
	vips, err := items[additionalVIPModel](ctx, m.AdditionalVIPs)
	if err != nil {
		return err
	}
	at := path.Root("additional_vips")
	if len(vips) > 0 && known(port) {
		f.add(at, "a port has its addresses already: additional_vips go with vip_subnet_id or vip_network_id")
	}
	used := map[string]string{}
	if known(subnet) {
		used[subnet.ValueString()] = "vip_subnet_id"
	}
	for i, v := range vips {
		if !known(v.SubnetID) {
			continue
		}
		id := v.SubnetID.ValueString()
		if by, taken := used[id]; taken {
			f.add(at.AtListIndex(i).AtName("subnet_id"), "the VIP can have one address only in each subnet, and has one in this by %s", by)
		}
		used[id] = "an entry before"
	}
	return nil
}
