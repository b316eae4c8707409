package network

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// addressGroup is a named list of networks, to which rules of security groups can refer.
type addressGroup struct{}

var (
	_ lifecycle.Handler[addressGroupModel] = addressGroup{}
	_ lifecycle.Updater[addressGroupModel] = addressGroup{}
	_ lifecycle.Lister                     = addressGroup{}
	_ lifecycle.Mover                      = addressGroup{}
)

type addressGroupModel struct {
	lifecycle.Object

	Name        types.String `tfsdk:"name"`
	Description types.String `tfsdk:"description"`
	Addresses   types.Set    `tfsdk:"addresses"`
}

type apiAddressGroup struct {
	ID          string   `json:"id"`
	ProjectID   string   `json:"project_id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Addresses   []string `json:"addresses"`
}

var addressGroups = kind[apiAddressGroup]{"address_group", "address_groups", func(g apiAddressGroup) string { return g.ID }}

func (addressGroup) Name() string { return "address_group" }

func (addressGroup) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A named list of networks. Rules of security groups refer to it with `from_address_group_ids` and `to_address_group_ids`, and follow when the list changes.",
		Attributes: map[string]schema.Attribute{
			"name":        attribute.Name("Name of the list."),
			"description": attribute.Description(),
			"addresses": schema.SetAttribute{
				MarkdownDescription: "The networks in CIDR notation, all of them; a single address with `/32` or `/128`.",
				ElementType:         types.StringType,
				Required:            true,
				Validators:          []validator.Set{setvalidator.ValueStringsAre(attribute.CIDR())},
			},
		},
	}
}

func (m *addressGroupModel) fields() fields {
	return fields{"name": m.Name, "description": m.Description}
}

func (addressGroup) Create(ctx context.Context, cloud *openstack.Cloud, m *addressGroupModel) error {
	body := m.fields().known()
	body["addresses"] = plain(m.Addresses)
	made, err := addressGroups.createUndated(ctx, cloud, body)
	if err != nil {
		return blame(err, nil, map[string]string{"addresses": "addresses"})
	}
	m.ID = types.StringValue(made.ID)
	return nil
}

func (addressGroup) Read(ctx context.Context, cloud *openstack.Cloud, m *addressGroupModel) error {
	found, err := addressGroups.get(ctx, cloud, m.ID.ValueString())
	if err != nil {
		return err
	}
	m.flatten(found)
	return nil
}

// Update adds before it removes, so that what is in both lists of a larger and a smaller network gets through all the time.
func (addressGroup) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *addressGroupModel) error {
	id := plan.ID.ValueString()
	if err := addressGroups.change(ctx, cloud, id, plan.fields().changed(prior.fields())); err != nil {
		return err
	}
	if plan.Addresses.Equal(prior.Addresses) {
		return nil
	}
	now, err := addressGroups.get(ctx, cloud, id)
	if err != nil {
		return err
	}
	wanted := canonical(value.Strings(plan.Addresses))
	have := canonical(now.Addresses)
	for _, step := range []struct {
		action    string
		addresses []string
	}{{"add_addresses", except(wanted, have)}, {"remove_addresses", except(have, wanted)}} {
		if err := editAddresses(ctx, cloud, id, step.action, step.addresses); err != nil {
			return lifecycle.At(path.Root("addresses"), err)
		}
	}
	return nil
}

func editAddresses(ctx context.Context, cloud *openstack.Cloud, id, action string, addresses []string) error {
	client, err := cloud.Network()
	if err != nil || len(addresses) == 0 {
		return err
	}
	_, err = client.Put(ctx, client.ServiceURL(addressGroups.path(), id, action), map[string]any{"addresses": addresses}, nil,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	fault, ok := openstack.FaultOf(err)
	if ok && (fault.Kind == "AddressesAlreadyExist" || fault.Kind == "AddressesNotFound") {
		return nil // the transport has sent it twice, because the first answer was lost: the read that follows tells
	}
	if err != nil {
		return fmt.Errorf("change the addresses: %w", err)
	}
	return nil
}

// canonical are networks as Neutron writes them.
func canonical(networks []string) []string {
	out := make([]string, 0, len(networks))
	for _, text := range networks {
		if p, err := netip.ParsePrefix(text); err == nil {
			text = p.Masked().String()
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// except are the elements of a that are not in b.
func except(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// Delete waits for the rules that still refer to the list.
func (addressGroup) Delete(ctx context.Context, cloud *openstack.Cloud, m *addressGroupModel) error {
	id := m.ID.ValueString()
	return deleteUnused(ctx, "address group "+m.Name.ValueString(),
		func(ctx context.Context) error { return addressGroups.delete(ctx, cloud, id) },
		func(ctx context.Context) ([]string, error) {
			rules, err := securityGroupRules.list(ctx, cloud, map[string][]string{"remote_address_group_id": {id}})
			var users []string
			for _, r := range rules {
				users = append(users, "rule "+r.ID+" of security group "+r.SecurityGroupID)
			}
			return users, err
		})
}

func (addressGroup) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return lifecycle.ListOf(ctx, cloud, addressGroups.collection(), func(o apiAddressGroup) lifecycle.Listed {
		return lifecycle.Listed{ID: o.ID, Name: o.Name, ProjectID: o.ProjectID}
	})
}

// MovesFrom names the type of the common provider.
func (addressGroup) MovesFrom() []string { return []string{"openstack_networking_address_group_v2"} }

func (m *addressGroupModel) flatten(g apiAddressGroup) {
	m.Name = types.StringValue(g.Name)
	m.Description = types.StringValue(g.Description)
	if !value.Known(m.Addresses) || !slices.Equal(canonical(value.Strings(m.Addresses)), canonical(g.Addresses)) {
		m.Addresses = value.Set(g.Addresses)
	}
}
