package dns

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// recordSet is all records of one name and type in a zone. Its id is the zone's and its own, for the API needs both.
type recordSet struct{}

var (
	_ lifecycle.Handler[recordSetModel]   = recordSet{}
	_ lifecycle.Updater[recordSetModel]   = recordSet{}
	_ lifecycle.Waiter[recordSetModel]    = recordSet{}
	_ lifecycle.Validator[recordSetModel] = recordSet{}
	_ lifecycle.Planner[recordSetModel]   = recordSet{}
	_ lifecycle.Lister                    = recordSet{}
	_ lifecycle.Nested                    = recordSet{}
	_ lifecycle.Mover                     = recordSet{}
)

type recordSetModel struct {
	lifecycle.Object

	ZoneID      types.String `tfsdk:"zone_id"`
	Name        types.String `tfsdk:"name"`
	Type        types.String `tfsdk:"type"`
	Records     types.Set    `tfsdk:"records"`
	TTL         types.Int64  `tfsdk:"ttl"`
	Description types.String `tfsdk:"description"`
	FQDN        types.String `tfsdk:"fqdn"`
	ZoneName    types.String `tfsdk:"zone_name"`
}

func (recordSet) Name() string { return "dns_record_set" }

func (recordSet) Parent() (name, description string) {
	return "zone_id", "ID of the zone to look into."
}

func (recordSet) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "All records of one name and type in a zone.",
		Attributes: map[string]schema.Attribute{
			"zone_id": attribute.Reference("ID of the zone. Changing it makes a new record set."),
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the records: in the zone, such as `www`, or whole with a dot at its end, such as `www.example.com.`; `@` is the zone's own. " +
					"Another name makes a new record set.",
				Required: true,
				Validators: []validator.String{attribute.Obeys("must be a name in the zone, such as www, or @", func(name string) error {
					_, err := recordName(name, "example.com.")
					if strings.HasSuffix(name, ".") {
						_, err = absolute(name)
					}
					return err
				})},
			},
			"type": schema.StringAttribute{
				MarkdownDescription: "Type of the records: `" + strings.Join(recordTypes(), "`, `") + "`. Changing it makes a new record set.",
				Required:            true,
				Validators:          []validator.String{attribute.Obeys("must be a type of records", checkType)},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"records": schema.SetAttribute{
				MarkdownDescription: "The records, in any order. Names in them are whole and end with a dot: `10 mail.example.com.`. Texts are given as they are; quotes " +
					"around them and cuts into parts of 255 bytes are made where DNS needs them. Give the quotes yourself to keep white space at the ends.",
				ElementType: types.StringType,
				Required:    true,
				Validators:  []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(stringvalidator.LengthAtMost(65535))},
			},
			"ttl": schema.Int64Attribute{
				MarkdownDescription: "For how many seconds others may keep the records; the zone's when not set.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(0, maxTTL)},
			},
			"description": description(),
			"fqdn":        attribute.Computed("Whole name of the records, with a dot at its end."),
			"zone_name":   attribute.Computed("Name of the zone."),
		},
	}
}

func checkType(kind string) error {
	switch {
	case kind == "SOA":
		return errors.New("the SOA record is the zone's own; what it says comes from the zone's email and ttl")
	case !slices.Contains(recordTypes(), kind):
		return fmt.Errorf("%q is none of %s", kind, strings.Join(recordTypes(), ", "))
	}
	return nil
}

func (recordSet) Validate(_ context.Context, config *recordSetModel) error {
	kind := config.Type.ValueString()
	if !slices.Contains(recordTypes(), kind) { // not known yet, or the attribute says what is wrong
		return nil
	}
	var errs []error
	if config.Name.ValueString() == apex {
		errs = append(errs, checkApex(kind))
	}
	seen := map[string]bool{}
	for _, e := range config.Records.Elements() {
		record, ok := e.(types.String)
		if !ok || !value.Known(record) {
			continue
		}
		at := path.Root("records").AtSetValue(record)
		form, err := canonical(kind, record.ValueString())
		switch {
		case err != nil:
			errs = append(errs, lifecycle.Invalid(at, "%q in a record set of type %s: %w", record.ValueString(), kind, err))
		case seen[form]:
			errs = append(errs, lifecycle.Invalid(at, "%q is the same record as another one, in other letters: leave one out", record.ValueString()))
		}
		seen[form] = true
	}
	if kind == "CNAME" && len(config.Records.Elements()) > 1 {
		errs = append(errs, lifecycle.Invalid(path.Root("records"), "an alias has one target: a record set of type CNAME has exactly one record"))
	}
	if kind == "SRV" && value.Known(config.Name) && !serviceName(config.Name.ValueString()) {
		errs = append(errs, lifecycle.Invalid(path.Root("name"), "the name of SRV records begins with service and protocol, such as _sip._tcp"))
	}
	return errors.Join(errs...)
}

// checkApex refuses what the zone's own name cannot have.
func checkApex(kind string) error {
	switch kind {
	case "CNAME":
		return lifecycle.Invalid(path.Root("name"), "the zone's own name cannot be an alias, for it has NS and SOA records: use A and AAAA records")
	case "NS":
		return lifecycle.Invalid(path.Root("name"), "the NS records of the zone itself are the cloud's own, and read as name_servers of the zone; "+
			"an NS record set is for a name below, which it delegates")
	}
	return nil
}

func serviceName(name string) bool {
	parts := strings.Split(name, ".")
	return len(parts) >= 2 && strings.HasPrefix(parts[0], "_") && strings.HasPrefix(parts[1], "_")
}

func (recordSet) Plan(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[recordSetModel]) error {
	plan, prior := change.Plan, change.Prior
	zone, err := plannedZone(ctx, cloud, plan, prior)
	if err != nil {
		return err
	}
	if err := plan.place(zone); err != nil {
		return err
	}
	if prior == nil {
		return nil
	}
	if plan.FQDN.Equal(prior.FQDN) {
		plan.Name = prior.Name
	} else {
		change.Replace(path.Root("name"))
	}
	if value.AllKnown(plan.Records) && sameRecords(plan.Type.ValueString(), value.Strings(plan.Records), value.Strings(prior.Records)) {
		plan.Records = prior.Records
	}
	return nil
}

// plannedZone is the name of the zone that a plan means, "" while that is not known.
func plannedZone(ctx context.Context, cloud *openstack.Cloud, plan, prior *recordSetModel) (string, error) {
	switch {
	case prior != nil && plan.ZoneID.Equal(prior.ZoneID):
		return prior.ZoneName.ValueString(), nil
	case cloud == nil || !value.Known(plan.ZoneID):
		return "", nil
	}
	return nameOfZone(ctx, cloud, plan.ZoneID)
}

// nameOfZone is the name of a zone that can have record sets.
func nameOfZone(ctx context.Context, cloud *openstack.Cloud, id types.String) (string, error) {
	found, err := openstack.Get(ctx, cloud, zoneReads, id.ValueString())
	switch {
	case openstack.NotFound(err):
		return "", lifecycle.Invalid(path.Root("zone_id"), "there is no zone %s that these credentials may see: %w", id.ValueString(), err)
	case err != nil:
		return "", lifecycle.At(path.Root("zone_id"), fmt.Errorf("read the zone: %w", err))
	case found.Type == secondary:
		return "", lifecycle.Invalid(path.Root("zone_id"), "%s is a secondary zone, whose records come from its masters", found.Name)
	}
	return found.Name, nil
}

// place fills in the whole name, or leaves it open while the zone or the name is not known.
func (m *recordSetModel) place(zone string) error {
	if zone == "" || !value.Known(m.Name) {
		m.FQDN, m.ZoneName = types.StringUnknown(), types.StringUnknown()
		return nil
	}
	whole, err := recordName(m.Name.ValueString(), strings.ToLower(zone))
	if err != nil {
		return lifecycle.Invalid(path.Root("name"), "it must be a name in the zone: %w", err)
	}
	m.FQDN, m.ZoneName = types.StringValue(whole), types.StringValue(zone)
	if sameName(whole, zone) {
		return checkApex(m.Type.ValueString())
	}
	return nil
}

// records are the records as Designate takes them.
func (m *recordSetModel) records() []string {
	return canonicals(m.Type.ValueString(), value.Strings(m.Records))
}

func (recordSet) Create(ctx context.Context, cloud *openstack.Cloud, m *recordSetModel) error {
	if !value.Known(m.FQDN) {
		zone, err := nameOfZone(ctx, cloud, m.ZoneID)
		if err != nil {
			return err
		}
		if err := m.place(zone); err != nil {
			return err
		}
	}
	zone, name, kind := m.ZoneID.ValueString(), m.FQDN.ValueString(), m.Type.ValueString()
	body := map[string]any{"name": name, "type": kind, "records": m.records(), "description": m.Description.ValueString()}
	if value.Known(m.TTL) {
		body["ttl"] = m.TTL.ValueInt64()
	}
	begin := time.Now()
	made, err := send[apiRecordSet](ctx, cloud, http.MethodPost, body, "zones", zone, "recordsets")
	switch {
	case openstack.Lost(err):
		made.ID, err = openstack.FindLost(ctx, err, begin, func(ctx context.Context) ([]openstack.Candidate, error) {
			found, err := recordSetsNamed(ctx, cloud, zone, name, kind)
			var candidates []openstack.Candidate
			for _, s := range found {
				candidates = append(candidates, openstack.Candidate{ID: s.ID, Created: s.CreatedAt.Time})
			}
			return candidates, err
		})
	case duplicate(err):
		found, listErr := recordSetsNamed(ctx, cloud, zone, name, kind)
		if listErr == nil && len(found) > 0 {
			return lifecycle.Exists("dns_record_set", path.Root("name"), zone+"/"+found[0].ID)
		}
	}
	if err != nil {
		return fmt.Errorf("create the %s records of %s: %w", kind, name, err)
	}
	m.ID = types.StringValue(zone + "/" + made.ID)
	return nil
}

func recordSetsNamed(ctx context.Context, cloud *openstack.Cloud, zone, name, kind string) ([]apiRecordSet, error) {
	return find[apiRecordSet](ctx, cloud, "recordsets", url.Values{"name": {name}, "type": {kind}}, "zones", zone, "recordsets")
}

func (recordSet) Wait(ctx context.Context, cloud *openstack.Cloud, m *recordSetModel) error {
	_, err := openstack.Wait(ctx, waitingForRecordSet(cloud, m))
	return err
}

func waitingForRecordSet(cloud *openstack.Cloud, m *recordSetModel) openstack.Waiting[apiRecordSet] {
	id := m.ID.ValueString()
	return openstack.Waiting[apiRecordSet]{
		What:    fmt.Sprintf("the %s records of %s", m.Type.ValueString(), m.Name.ValueString()),
		Fetch:   func(ctx context.Context) (apiRecordSet, error) { return openstack.Get(ctx, cloud, recordSetReads, id) },
		State:   func(s apiRecordSet) string { return s.Status },
		Target:  []string{active},
		Failure: []string{failed},
		Fault:   func(s apiRecordSet) string { return unconfirmed(s.Action) },
	}
}

func (recordSet) Read(ctx context.Context, cloud *openstack.Cloud, m *recordSetModel) error {
	if _, _, ok := strings.Cut(m.ID.ValueString(), "/"); !ok {
		return fmt.Errorf("%q is no id of a record set, which is ZONE_ID/RECORD_SET_ID", m.ID.ValueString())
	}
	found, err := openstack.Get(ctx, cloud, recordSetReads, m.ID.ValueString())
	if err != nil {
		return err
	}
	m.flatten(found)
	return nil
}

func (recordSet) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *recordSetModel) error {
	body := map[string]any{}
	if !plan.Records.Equal(prior.Records) {
		body["records"] = plan.records()
	}
	if !plan.TTL.Equal(prior.TTL) {
		body["ttl"] = value.IntPtr(plan.TTL) // null: the zone's
	}
	if !plan.Description.Equal(prior.Description) {
		body["description"] = plan.Description.ValueString()
	}
	if len(body) == 0 {
		return nil
	}
	zone, id, _ := strings.Cut(prior.ID.ValueString(), "/")
	_, err := send[apiRecordSet](ctx, cloud, http.MethodPut, body, "zones", zone, "recordsets", id)
	return err
}

func (recordSet) Delete(ctx context.Context, cloud *openstack.Cloud, m *recordSetModel) error {
	zone, id, _ := strings.Cut(m.ID.ValueString(), "/")
	_, err := send[apiRecordSet](ctx, cloud, http.MethodDelete, nil, "zones", zone, "recordsets", id)
	if err != nil && !withItsZone(err) {
		return err
	}
	waiting := waitingForRecordSet(cloud, m)
	waiting.Target = nil
	return openstack.WaitGone(ctx, waiting)
}

// withItsZone tells whether a record set need not be deleted because its whole zone is being.
func withItsZone(err error) bool {
	fault, ok := openstack.FaultOf(err)
	return ok && fault.Status == http.StatusBadRequest && strings.Contains(fault.Message, "deleting zone")
}

func (recordSet) List(ctx context.Context, cloud *openstack.Cloud, filter lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	found, err := find[apiRecordSet](ctx, cloud, "recordsets", nil, "zones", filter.Parent, "recordsets")
	var all []lifecycle.Listed
	for _, s := range found {
		if s.managed() {
			continue
		}
		all = append(all, lifecycle.Listed{ID: s.ZoneID + "/" + s.ID, Name: s.Name})
	}
	return all, err
}

// managed tells whether a record set is the zone's own.
func (s apiRecordSet) managed() bool {
	return s.Type == "SOA" || s.Type == "NS" && s.Name == s.ZoneName
}

func (recordSet) MovesFrom() []string { return []string{"openstack_dns_recordset_v2"} }

func (m *recordSetModel) flatten(s apiRecordSet) {
	m.ZoneID = types.StringValue(s.ZoneID)
	m.ZoneName = types.StringValue(s.ZoneName)
	m.Type = types.StringValue(s.Type)
	if whole, err := recordName(m.Name.ValueString(), strings.ToLower(s.ZoneName)); m.Name.IsNull() || err != nil || !sameName(whole, s.Name) {
		m.Name = types.StringValue(s.Name)
	}
	m.FQDN = types.StringValue(strings.ToLower(s.Name))
	if !sameRecords(s.Type, value.Strings(m.Records), s.Records) || m.Records.IsNull() {
		var records []string
		for _, r := range s.Records {
			records = append(records, shown(s.Type, r))
		}
		m.Records = value.Set(records)
	}
	m.TTL = types.Int64Null()
	if s.TTL != nil {
		m.TTL = value.Int(*s.TTL)
	}
	m.Description = types.StringValue(s.Description)
}
