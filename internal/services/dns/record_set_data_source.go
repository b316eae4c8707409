package dns

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// recordSetSource looks up the records of a name.
type recordSetSource struct{}

var _ lifecycle.Source[recordSetSourceModel] = recordSetSource{}

type recordSetSourceModel struct {
	lifecycle.SourceObject

	ZoneID      types.String `tfsdk:"zone_id"`
	Name        types.String `tfsdk:"name"`
	Type        types.String `tfsdk:"type"`
	Records     types.Set    `tfsdk:"records"`
	TTL         types.Int64  `tfsdk:"ttl"`
	Description types.String `tfsdk:"description"`
	FQDN        types.String `tfsdk:"fqdn"`
	ZoneName    types.String `tfsdk:"zone_name"`
	Status      types.String `tfsdk:"status"`
}

func (recordSetSource) Name() string { return "dns_record_set" }

func (recordSetSource) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "All records of one name and type in a zone, found by `id` (`ZONE_ID/RECORD_SET_ID`), or by `zone_id` and what is set of `name` and `type`.",
		Attributes: map[string]schema.Attribute{
			"zone_id": schema.StringAttribute{
				MarkdownDescription: "ID of the zone to look into.", Optional: true, Computed: true,
				Validators: []validator.String{stringvalidator.ExactlyOneOf(path.MatchRoot("id"), path.MatchRoot("zone_id"))},
			},
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the records: in the zone, such as `www`, or whole with a dot at its end; `@` is the zone's own.", Optional: true, Computed: true,
			},
			"type": schema.StringAttribute{
				MarkdownDescription: "Type of the records.", Optional: true, Computed: true,
				Validators: []validator.String{stringvalidator.OneOf(append(recordTypes(), "SOA")...)},
			},
			"records":     schema.SetAttribute{MarkdownDescription: "The records.", ElementType: types.StringType, Computed: true},
			"ttl":         schema.Int64Attribute{MarkdownDescription: "For how many seconds others may keep the records; not set when it is the zone's.", Computed: true},
			"description": schema.StringAttribute{MarkdownDescription: "Description of the record set.", Computed: true},
			"fqdn":        schema.StringAttribute{MarkdownDescription: "Whole name of the records, with a dot at its end.", Computed: true},
			"zone_name":   schema.StringAttribute{MarkdownDescription: "Name of the zone.", Computed: true},
			"status":      schema.StringAttribute{MarkdownDescription: "`ACTIVE` when the name servers have the records.", Computed: true},
		},
	}
}

func (recordSetSource) Read(ctx context.Context, cloud *openstack.Cloud, m *recordSetSourceModel) error {
	found, err := m.find(ctx, cloud)
	if err != nil {
		return err
	}
	set := recordSetModel{Name: m.Name}
	set.flatten(found)
	m.ID = types.StringValue(found.ZoneID + "/" + found.ID)
	m.ZoneID, m.Name, m.Type, m.Records, m.TTL = set.ZoneID, set.Name, set.Type, set.Records, set.TTL
	m.Description, m.FQDN, m.ZoneName = set.Description, set.FQDN, set.ZoneName
	m.Status = types.StringValue(found.Status)
	return nil
}

func (m *recordSetSourceModel) find(ctx context.Context, cloud *openstack.Cloud) (apiRecordSet, error) {
	if value.Known(m.ID) {
		if !strings.Contains(m.ID.ValueString(), "/") {
			return apiRecordSet{}, lifecycle.Invalid(path.Root("id"), "it must be ZONE_ID/RECORD_SET_ID")
		}
		return openstack.Get(ctx, cloud, recordSetReads, m.ID.ValueString())
	}
	zone := m.ZoneID.ValueString()
	all, err := find[apiRecordSet](ctx, cloud, "recordsets", nil, "zones", zone, "recordsets")
	if err != nil {
		return apiRecordSet{}, fmt.Errorf("list the record sets of zone %s: %w", zone, err)
	}
	var candidates []apiRecordSet
	for _, s := range all {
		if value.Known(m.Type) && m.Type.ValueString() != s.Type {
			continue
		}
		if value.Known(m.Name) {
			whole, err := recordName(m.Name.ValueString(), strings.ToLower(s.ZoneName))
			if err != nil {
				return apiRecordSet{}, lifecycle.Invalid(path.Root("name"), "it must be a name in the zone: %w", err)
			}
			if !sameName(whole, s.Name) {
				continue
			}
		}
		candidates = append(candidates, s)
	}
	return lookup.Only("record set", candidates, all, func(s apiRecordSet) string { return s.Type + " " + s.Name })
}
