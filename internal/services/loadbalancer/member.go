package loadbalancer

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

type memberModel struct {
	Address        types.String `tfsdk:"address"`
	Port           types.Int64  `tfsdk:"port"`
	SubnetID       types.String `tfsdk:"subnet_id"`
	Weight         types.Int64  `tfsdk:"weight"`
	Backup         types.Bool   `tfsdk:"backup"`
	MonitorAddress types.String `tfsdk:"monitor_address"`
	MonitorPort    types.Int64  `tfsdk:"monitor_port"`
	AdminStateUp   types.Bool   `tfsdk:"admin_state_up"`
	Tags           types.Set    `tfsdk:"tags"`
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

func (m memberModel) expand() engine.Member {
	return engine.Member{
		Address: m.Address.ValueString(), ProtocolPort: int(m.Port.ValueInt64()), SubnetID: m.SubnetID.ValueString(),
		Weight: value.IntPtr(m.Weight), Backup: m.Backup.ValueBool(),
		MonitorAddress: m.MonitorAddress.ValueString(), MonitorPort: value.IntPtr(m.MonitorPort),
		AdminStateUp: value.BoolPtr(m.AdminStateUp), Tags: value.Strings(m.Tags),
	}
}

func flattenMember(m engine.Member) memberModel {
	return memberModel{
		Address: types.StringValue(m.Address), Port: value.Int(m.ProtocolPort), SubnetID: value.StringOrNull(m.SubnetID),
		Weight: number(m.Weight), Backup: types.BoolValue(m.Backup), MonitorAddress: value.StringOrNull(m.MonitorAddress),
		MonitorPort: number(m.MonitorPort), AdminStateUp: types.BoolPointerValue(m.AdminStateUp), Tags: value.Set(m.Tags),
	}
}

// members checks that each member is one of its own.
func (f *findings) members(at path.Path, members map[string]memberModel) {
	taken := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		m := members[key]
		address, err := netip.ParseAddr(m.Address.ValueString())
		if err != nil {
			continue
		}
		if address == netip.AddrFrom4([4]byte{169, 254, 169, 254}) {
			f.add(at.AtMapKey(key).AtName("address"), "%s is the metadata service of the cloud and can be no member", address)
		}
		if !known(m.Port) {
			continue
		}
		endpoint := fmt.Sprintf("%s port %d", address, m.Port.ValueInt64())
		if other, ok := taken[endpoint]; ok {
			f.add(at.AtMapKey(key).AtName("address"), "%s is member %q already", endpoint, other)
		}
		taken[endpoint] = key
	}
}
