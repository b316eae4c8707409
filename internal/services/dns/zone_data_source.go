package dns

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// zoneSource looks up a zone.
type zoneSource struct{}

var _ lifecycle.Source[zoneSourceModel] = zoneSource{}

type zoneSourceModel struct {
	lifecycle.SourceObject

	Name        types.String `tfsdk:"name"`
	Type        types.String `tfsdk:"type"`
	Email       types.String `tfsdk:"email"`
	TTL         types.Int64  `tfsdk:"ttl"`
	Description types.String `tfsdk:"description"`
	Masters     types.Set    `tfsdk:"masters"`
	Attributes  types.Map    `tfsdk:"attributes"`
	NameServers types.List   `tfsdk:"name_servers"`
	Status      types.String `tfsdk:"status"`
}

func (zoneSource) Name() string { return "dns_zone" }

func (zoneSource) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A DNS zone, found by what is set: `id`, `name`, `type`, `email`.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the zone, such as `example.com.`; the dot at its end may be left out.",
				Optional:            true,
				Computed:            true,
				Validators: []validator.String{attribute.Obeys("must be the name of a zone, such as example.com.", func(name string) error {
					_, err := zoneName(name)
					return err
				})},
			},
			"type": schema.StringAttribute{
				MarkdownDescription: "`PRIMARY` or `SECONDARY`.", Optional: true, Computed: true,
				Validators: []validator.String{stringvalidator.OneOf(primary, secondary)},
			},
			"email":        schema.StringAttribute{MarkdownDescription: "Address of whoever is responsible for the zone.", Optional: true, Computed: true},
			"ttl":          schema.Int64Attribute{MarkdownDescription: "For how many seconds others may keep a record that has no TTL of its own.", Computed: true},
			"description":  schema.StringAttribute{MarkdownDescription: "Description of the zone.", Computed: true},
			"masters":      schema.SetAttribute{MarkdownDescription: "Name servers from which a secondary zone is copied.", ElementType: types.StringType, Computed: true},
			"attributes":   schema.MapAttribute{MarkdownDescription: "Hints for the choice of name servers.", ElementType: types.StringType, Computed: true},
			"name_servers": schema.ListAttribute{MarkdownDescription: "Name servers of the zone.", ElementType: types.StringType, Computed: true},
			"status":       schema.StringAttribute{MarkdownDescription: "`ACTIVE` when the name servers have the zone.", Computed: true},
		},
	}
}

func (zoneSource) Read(ctx context.Context, cloud *openstack.Cloud, m *zoneSourceModel) error {
	all, err := openstack.All(ctx, cloud, zoneReads)
	if err != nil {
		return fmt.Errorf("list the zones: %w", err)
	}
	matches := func(v types.String, text string) bool { return !value.Known(v) || v.ValueString() == text }
	candidates := slices.DeleteFunc(slices.Clone(all), func(z apiZone) bool {
		return !matches(m.ID, z.ID) || !matches(m.Type, z.Type) || !matches(m.Email, z.Email) ||
			value.Known(m.Name) && !sameName(m.Name.ValueString(), z.Name)
	})
	found, err := lookup.Only("zone", candidates, all, func(z apiZone) string { return fmt.Sprintf("%s (%s)", z.Name, z.ID) })
	if err != nil {
		return err
	}
	served, err := openstack.Get(ctx, cloud, delegations, found.ID)
	if err != nil {
		return fmt.Errorf("read the name servers: %w", err)
	}
	zone := zoneModel{Name: m.Name}
	zone.flatten(found, served)
	m.ID = types.StringValue(found.ID)
	m.Name, m.Type, m.Email, m.TTL, m.Description = zone.Name, zone.Type, zone.Email, zone.TTL, zone.Description
	m.Masters, m.Attributes, m.NameServers = zone.Masters, zone.Attributes, zone.NameServers
	m.Status = types.StringValue(found.Status)
	return nil
}
