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
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

const (
	primary   = "PRIMARY"
	secondary = "SECONDARY"
)

// zone is a DNS zone: one whose records are kept here, or a copy of one that other name servers have.
type zone struct{}

var (
	_ lifecycle.Handler[zoneModel]   = zone{}
	_ lifecycle.Updater[zoneModel]   = zone{}
	_ lifecycle.Waiter[zoneModel]    = zone{}
	_ lifecycle.Validator[zoneModel] = zone{}
	_ lifecycle.Planner[zoneModel]   = zone{}
	_ lifecycle.Lister               = zone{}
	_ lifecycle.Mover                = zone{}
)

type zoneModel struct {
	lifecycle.Object

	Name        types.String `tfsdk:"name"`
	Email       types.String `tfsdk:"email"`
	TTL         types.Int64  `tfsdk:"ttl"`
	Description types.String `tfsdk:"description"`
	Type        types.String `tfsdk:"type"`
	Masters     types.Set    `tfsdk:"masters"`
	Attributes  types.Map    `tfsdk:"attributes"`
	NameServers types.List   `tfsdk:"name_servers"`
}

func (zone) Name() string { return "dns_zone" }

func (zone) Schema() schema.Schema {
	email := attribute.Computed("Address of whoever is responsible for the zone, such as `hostmaster@example.com`. A secondary zone has that of its masters.")
	email.Optional = true
	email.Validators = []validator.String{attribute.Obeys("must be an e-mail address", checkEmail)}
	return schema.Schema{
		MarkdownDescription: "A DNS zone. Whoever runs the zone above must delegate the name to its `name_servers`. Its NS and SOA records are the cloud's own.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the zone, such as `example.com.`; the dot at its end may be left out. Changing it makes a new zone.",
				Required:            true,
				Validators: []validator.String{attribute.Obeys("must be the name of a zone, such as example.com.", func(name string) error {
					_, err := zoneName(name)
					return err
				})},
			},
			"email": email,
			"ttl": schema.Int64Attribute{
				MarkdownDescription: "For how many seconds others may keep a record that has no TTL of its own. The cloud's default when not set.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.Int64{int64validator.Between(0, maxTTL)},
				PlanModifiers:       []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
			},
			"description": description(),
			"type": schema.StringAttribute{
				MarkdownDescription: "`PRIMARY`, or `SECONDARY` for a copy of a zone that `masters` have. Changing it makes a new zone.",
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(primary),
				Validators:          []validator.String{stringvalidator.OneOf(primary, secondary)},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"masters": schema.SetAttribute{
				MarkdownDescription: "Name servers from which a secondary zone is copied: addresses, with a port where it is not 53.",
				ElementType:         types.StringType,
				Optional:            true,
				Computed:            true,
				Default:             setdefault.StaticValue(value.Set(nil)),
				Validators: []validator.Set{setvalidator.ValueStringsAre(
					attribute.Obeys("must be the address of a name server, such as 192.0.2.53 or 192.0.2.53:5353", checkMaster))},
			},
			"attributes": schema.MapAttribute{
				MarkdownDescription: "Hints for the choice of name servers, as the cloud's operator has defined them.",
				ElementType:         types.StringType,
				Optional:            true,
				Computed:            true,
				Default:             mapdefault.StaticValue(value.Map(nil)),
			},
			"name_servers": schema.ListAttribute{
				MarkdownDescription: "Name servers of the zone, to which the zone above must delegate it.",
				ElementType:         types.StringType,
				Computed:            true,
				PlanModifiers:       []planmodifier.List{listplanmodifier.UseStateForUnknown()},
			},
		},
	}
}

func (zone) Validate(_ context.Context, config *zoneModel) error {
	if config.Type.IsUnknown() {
		return nil
	}
	var errs []error
	wrong := func(at, format string, args ...any) {
		errs = append(errs, lifecycle.Invalid(path.Root(at), format, args...))
	}
	none := config.Masters.IsNull() || !config.Masters.IsUnknown() && len(config.Masters.Elements()) == 0
	if config.Type.ValueString() != secondary {
		if config.Email.IsNull() {
			wrong("email", "a primary zone needs the address of whoever is responsible for it, such as hostmaster@example.com")
		}
		if !none && !config.Masters.IsUnknown() {
			wrong("masters", "a primary zone has no masters; a copy of theirs is a zone of type %s", secondary)
		}
		return errors.Join(errs...)
	}
	if none {
		wrong("masters", "a secondary zone needs the name servers from which it is copied, such as [\"192.0.2.53\"]")
	}
	if !config.Email.IsNull() {
		wrong("email", "a secondary zone has the e-mail address that its masters tell: leave it out")
	}
	if !config.TTL.IsNull() {
		wrong("ttl", "a secondary zone has the TTL that its masters tell: leave it out")
	}
	return errors.Join(errs...)
}

func (zone) Plan(_ context.Context, _ *openstack.Cloud, change *lifecycle.Change[zoneModel]) error {
	plan, prior := change.Plan, change.Prior
	if prior == nil {
		return nil
	}
	if sameName(plan.Name.ValueString(), prior.Name.ValueString()) {
		plan.Name = prior.Name
	} else {
		change.Replace(path.Root("name"))
	}
	if sameMasters(plan.Masters, prior.Masters) {
		plan.Masters = prior.Masters
	}
	return nil
}

func sameMasters(a, b types.Set) bool {
	return value.AllKnown(a, b) && slices.Equal(plainMasters(value.Strings(a)), plainMasters(value.Strings(b)))
}

func plainMasters(all []string) []string {
	var out []string
	for _, m := range all {
		out = append(out, plainMaster(m))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (zone) Create(ctx context.Context, cloud *openstack.Cloud, m *zoneModel) error {
	name, err := zoneName(m.Name.ValueString())
	if err != nil {
		return lifecycle.Invalid(path.Root("name"), "it must be the name of a zone: %w", err)
	}
	body := map[string]any{"name": name, "type": m.Type.ValueString(), "description": m.Description.ValueString()}
	if value.Known(m.Email) {
		body["email"] = m.Email.ValueString()
	}
	if value.Known(m.TTL) {
		body["ttl"] = m.TTL.ValueInt64()
	}
	if masters := value.Strings(m.Masters); len(masters) > 0 {
		body["masters"] = masters
	}
	if attributes := value.StringMap(m.Attributes); len(attributes) > 0 {
		body["attributes"] = attributes
	}
	begin := time.Now()
	made, err := send[apiZone](ctx, cloud, http.MethodPost, body, "zones")
	switch {
	case openstack.Lost(err):
		made.ID, err = openstack.FindLost(ctx, err, begin, func(ctx context.Context) ([]openstack.Candidate, error) {
			found, err := zonesNamed(ctx, cloud, name)
			var candidates []openstack.Candidate
			for _, z := range found {
				candidates = append(candidates, openstack.Candidate{ID: z.ID, Created: z.CreatedAt.Time})
			}
			return candidates, err
		})
	case duplicate(err):
		return zoneExists(ctx, cloud, name, err)
	}
	if err != nil {
		return fmt.Errorf("create zone %s: %w", name, err)
	}
	m.ID = types.StringValue(made.ID)
	return nil
}

func zonesNamed(ctx context.Context, cloud *openstack.Cloud, name string) ([]apiZone, error) {
	return find[apiZone](ctx, cloud, "zones", url.Values{"name": {name}}, "zones")
}

// zoneExists names the import of the zone that has the name already, when it is the project's.
func zoneExists(ctx context.Context, cloud *openstack.Cloud, name string, refused error) error {
	found, err := zonesNamed(ctx, cloud, name)
	if err != nil || len(found) == 0 {
		return lifecycle.At(path.Root("name"), fmt.Errorf("create zone %s: %w", name, refused))
	}
	return lifecycle.Exists("dns_zone", path.Root("name"), found[0].ID)
}

func (zone) Wait(ctx context.Context, cloud *openstack.Cloud, m *zoneModel) error {
	_, err := openstack.Wait(ctx, waitingForZone(cloud, m))
	return err
}

func waitingForZone(cloud *openstack.Cloud, m *zoneModel) openstack.Waiting[apiZone] {
	id := m.ID.ValueString()
	return openstack.Waiting[apiZone]{
		What:    fmt.Sprintf("zone %s", m.Name.ValueString()),
		Fetch:   func(ctx context.Context) (apiZone, error) { return openstack.Get(ctx, cloud, zoneReads, id) },
		State:   func(z apiZone) string { return z.Status },
		Target:  []string{active},
		Failure: []string{failed},
		Fault:   func(z apiZone) string { return unconfirmed(z.Action) },
	}
}

// unconfirmed explains a failure, for which Designate has no words.
func unconfirmed(action string) string {
	return fmt.Sprintf("the cloud's name servers have not confirmed the change (%s). The DNS service tries again by itself; its operator can tell why", action)
}

func (zone) Read(ctx context.Context, cloud *openstack.Cloud, m *zoneModel) error {
	found, err := openstack.Get(ctx, cloud, zoneReads, m.ID.ValueString())
	if err != nil {
		return err
	}
	served, err := openstack.Get(ctx, cloud, delegations, m.ID.ValueString())
	if err != nil {
		return fmt.Errorf("read the name servers: %w", err)
	}
	m.flatten(found, served)
	return nil
}

func (zone) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *zoneModel) error {
	body := map[string]any{}
	if value.Known(plan.Email) && !plan.Email.Equal(prior.Email) {
		body["email"] = plan.Email.ValueString()
	}
	if value.Known(plan.TTL) && !plan.TTL.Equal(prior.TTL) {
		body["ttl"] = plan.TTL.ValueInt64()
	}
	if !plan.Description.Equal(prior.Description) {
		body["description"] = plan.Description.ValueString()
	}
	if !plan.Masters.Equal(prior.Masters) {
		body["masters"] = value.Strings(plan.Masters)
	}
	if !plan.Attributes.Equal(prior.Attributes) {
		attributes := map[string]string{}
		for key, v := range value.StringMap(plan.Attributes) {
			attributes[key] = v
		}
		body["attributes"] = attributes
	}
	if len(body) == 0 {
		return nil
	}
	_, err := send[apiZone](ctx, cloud, http.MethodPatch, body, "zones", prior.ID.ValueString())
	return err
}

func (zone) Delete(ctx context.Context, cloud *openstack.Cloud, m *zoneModel) error {
	if err := removeZone(ctx, cloud, m); err != nil {
		return err
	}
	waiting := waitingForZone(cloud, m)
	waiting.Target = nil
	return openstack.WaitGone(ctx, waiting)
}

// removeZone begins to delete a zone, as soon as it has no zones below it any more.
func removeZone(ctx context.Context, cloud *openstack.Cloud, m *zoneModel) error {
	err := openstack.Unused(ctx, func(ctx context.Context) error {
		_, err := send[apiZone](ctx, cloud, http.MethodDelete, nil, "zones", m.ID.ValueString())
		return err
	}, hasZonesBelow)
	if hasZonesBelow(err) {
		return fmt.Errorf("there are zones below it (%s): %w", strings.Join(below(ctx, cloud, m), ", "), err)
	}
	return err
}

func hasZonesBelow(err error) bool {
	fault, ok := openstack.FaultOf(err)
	return ok && fault.Kind == "zone_has_sub_zone"
}

// below names the project's zones below one; none when they cannot be listed.
func below(ctx context.Context, cloud *openstack.Cloud, m *zoneModel) []string {
	own, err := zoneName(m.Name.ValueString())
	if err != nil {
		return nil
	}
	all, err := openstack.All(context.WithoutCancel(ctx), cloud, zoneReads)
	if err != nil {
		return nil
	}
	var names []string
	for _, z := range all {
		if strings.HasSuffix(strings.ToLower(z.Name), "."+own) {
			names = append(names, z.Name)
		}
	}
	return names
}

func (zone) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	found, err := openstack.All(ctx, cloud, zoneReads)
	var all []lifecycle.Listed
	for _, z := range found {
		all = append(all, lifecycle.Listed{ID: z.ID, Name: z.Name, ProjectID: z.ProjectID})
	}
	return all, err
}

func (zone) MovesFrom() []string { return []string{"openstack_dns_zone_v2"} }

func (m *zoneModel) flatten(z apiZone, served delegation) {
	if !sameName(m.Name.ValueString(), z.Name) {
		m.Name = types.StringValue(z.Name)
	}
	m.Email = value.StringOrNull(z.Email)
	m.TTL = value.Int(z.TTL)
	m.Description = types.StringValue(z.Description)
	m.Type = types.StringValue(z.Type)
	if masters := value.Set(z.Masters); !sameMasters(m.Masters, masters) || m.Masters.IsNull() {
		m.Masters = masters
	}
	m.Attributes = value.Map(z.Attributes)
	m.NameServers = value.List(slices.Sorted(slices.Values(served.servers)))
}
