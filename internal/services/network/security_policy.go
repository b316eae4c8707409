package network

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"golang.org/x/sync/errgroup"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// securityPolicy is several security groups and the matrix of what may pass between them. Neutron has no such object: the
// policy's id is that of its first group.
type securityPolicy struct{}

var (
	_ lifecycle.Handler[securityPolicyModel]   = securityPolicy{}
	_ lifecycle.Updater[securityPolicyModel]   = securityPolicy{}
	_ lifecycle.Validator[securityPolicyModel] = securityPolicy{}
	_ lifecycle.Planner[securityPolicyModel]   = securityPolicy{}
	_ lifecycle.Importer[securityPolicyModel]  = securityPolicy{}
)

type securityPolicyModel struct {
	lifecycle.Object

	Name          types.String `tfsdk:"name"`
	Groups        types.Map    `tfsdk:"groups"`
	Rules         types.Map    `tfsdk:"rules"`
	DefaultEgress types.Bool   `tfsdk:"default_egress"`
	GroupIDs      types.Map    `tfsdk:"group_ids"`
	RuleCount     types.Int64  `tfsdk:"rule_count"`
}

// policyGroup is a group of the policy.
type policyGroup struct {
	Name        types.String `tfsdk:"name"`
	Description types.String `tfsdk:"description"`
}

// policyRule is a line of the matrix.
type policyRule struct {
	traffic

	From types.Set `tfsdk:"from"`
	To   types.Set `tfsdk:"to"`
}

func (securityPolicy) Name() string { return "security_policy" }

func (securityPolicy) Schema() schema.Schema {
	names := func(description string) schema.SetAttribute {
		return schema.SetAttribute{
			MarkdownDescription: description,
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.Set{setvalidator.SizeAtLeast(1)},
		}
	}
	return schema.Schema{
		MarkdownDescription: "Several security groups and the matrix of what may pass between them, as one firewall: all groups are made by one request and " +
			"the rules of each group by another. The groups hold these rules only: a rule that something else adds is removed.\n\n" +
			"To import one, name its groups: `servers=ID,agents=ID`.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "What the names of the groups in the cloud begin with: `prod` makes of the group `servers` `prod-servers`.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthBetween(1, 200)},
			},
			"groups": schema.MapNestedAttribute{
				MarkdownDescription: "The security groups, by names of your own that `rules` refers to.",
				Required:            true,
				Validators:          []validator.Map{mapvalidator.SizeAtLeast(1), mapvalidator.KeysAre(stringvalidator.LengthBetween(1, 255))},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"name": schema.StringAttribute{MarkdownDescription: "Name of the group in the cloud.", Optional: true,
						Validators: []validator.String{stringvalidator.LengthBetween(1, 255)}},
					"description": schema.StringAttribute{MarkdownDescription: "Free text for people.", Optional: true,
						Validators: []validator.String{stringvalidator.LengthBetween(1, 255)}},
				}},
			},
			"rules": rulesAttribute("What may pass, by names of your own. A line with `to` lets its other ends come in to those groups; one with "+
				"`to_cidrs` or `to_group_ids` lets the groups in `from` go out. Each line fans out to its groups x its other ends x its ports.", map[string]schema.Attribute{
				"from": names("Groups of this policy that may come in, or go out."),
				"to":   names("Groups of this policy that may be come in to."),
			}),
			"default_egress": attribute.Flag("Keep the two rules with which a cloud starts every group, that let everything out. With `false` the groups may go out only to "+
				"where `rules` says: to `to_cidrs`, `to_group_ids`, and to the groups of this policy that let them in.", true),
			"group_ids": schema.MapAttribute{
				MarkdownDescription: "IDs of the groups, by their names in `groups`.",
				ElementType:         types.StringType,
				Computed:            true,
				PlanModifiers:       []planmodifier.Map{mapplanmodifier.UseStateForUnknown()},
			},
			"rule_count": ruleCount(),
		},
	}
}

// entry is a line with the ids of the groups that it names.
func (r policyRule) entry(ids map[string]string) entry {
	resolve := func(names types.Set) []string {
		var out []string
		for _, name := range value.Strings(names) {
			out = append(out, ids[name])
		}
		return out
	}
	if r.outgoing() {
		return r.traffic.entry(resolve(r.From), true, nil)
	}
	return r.traffic.entry(resolve(r.To), false, resolve(r.From))
}

// keys lets groups that have no id yet stand for themselves.
func (m *securityPolicyModel) keys() map[string]string {
	out := map[string]string{}
	for key := range m.Groups.Elements() {
		out[key] = key
	}
	return out
}

func (m *securityPolicyModel) entries(ctx context.Context, ids map[string]string) (map[string]entry, error) {
	lines, err := decode[policyRule](ctx, m.Rules)
	if err != nil {
		return nil, err
	}
	out := map[string]entry{}
	for name, line := range lines {
		out[name] = line.entry(ids)
	}
	return out, nil
}

// want is every rule of the lines.
func (m *securityPolicyModel) want(ctx context.Context, ids map[string]string) (rules, error) {
	entries, err := m.entries(ctx, ids)
	if err != nil {
		return nil, err
	}
	all, err := expandAll(entries)
	return all, blameLine(err)
}

// implied are the rules that follow without a line of their own: what a cloud starts groups with, or, where that is
// closed, the other half of what passes between the policy's own groups.
func implied(want rules, open bool, ids map[string]string) rules {
	out := rules{}
	own := slices.Collect(maps.Values(ids))
	if open {
		for _, id := range own {
			for _, h := range defaultEgress(id) {
				out[h] = ""
			}
		}
		return out
	}
	for h, name := range want {
		if !h.egress && slices.Contains(own, h.rule.group) {
			half := held{h.rule.group, h.rule}
			half.egress, half.rule.group = true, h.group
			out[half] = name
		}
	}
	return out
}

func (securityPolicy) Validate(ctx context.Context, m *securityPolicyModel) error {
	lines, err := decode[policyRule](ctx, m.Rules)
	if err != nil {
		return err
	}
	errs := m.validateNames(ctx)
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		line, at := lines[name], path.Root("rules").AtMapKey(name)
		errs = append(errs, line.validate(at)...)
		switch {
		case line.outgoing():
			if given(line.To) || line.incoming() {
				errs = append(errs, lifecycle.Invalid(at, "a line with to_cidrs, to_group_ids or to_address_group_ids is about going out: it has no to, from_cidrs, from_group_ids and from_address_group_ids"))
			}
			if line.From.IsNull() {
				errs = append(errs, lifecycle.Invalid(at, "say in from which groups of this policy may go out"))
			}
		case line.To.IsNull():
			errs = append(errs, lifecycle.Invalid(at, "say in to which groups of this policy may be come in to; or, to let groups out, give to_cidrs, to_group_ids or to_address_group_ids"))
		case !given(line.From) && !line.incoming():
			errs = append(errs, lifecycle.Invalid(at, "say who may come in: from, from_cidrs, from_group_ids or from_address_group_ids"))
		}
		for attributeName, list := range map[string]types.Set{"from": line.From, "to": line.To} {
			for _, group := range value.Strings(list) {
				if _, ok := m.Groups.Elements()[group]; !ok && !m.Groups.IsUnknown() {
					errs = append(errs, lifecycle.Invalid(at.AtName(attributeName).AtSetValue(types.StringValue(group)),
						"%q is not among groups, which has %s", group, strings.Join(slices.Sorted(maps.Keys(m.Groups.Elements())), ", ")))
				}
			}
		}
	}
	if len(errs) == 0 && value.AllKnown(m.Rules, m.Groups) {
		if _, err := m.want(ctx, m.keys()); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// validateNames refuses two groups of one name, which nobody could tell apart.
func (m *securityPolicyModel) validateNames(ctx context.Context) []error {
	groups, err := decode[policyGroup](ctx, m.Groups)
	if err != nil {
		return []error{err}
	}
	var errs []error
	seen := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		if groups[key].Name.IsUnknown() || m.Name.IsUnknown() {
			continue
		}
		name := m.groupName(key, groups[key])
		if other, ok := seen[name]; ok {
			errs = append(errs, lifecycle.Invalid(path.Root("groups").AtMapKey(key).AtName("name"), "the group %q has the name %q already", other, name))
		}
		seen[name] = key
	}
	return errs
}

func (m *securityPolicyModel) groupName(key string, g policyGroup) string {
	switch {
	case value.Known(g.Name):
		return g.Name.ValueString()
	case value.Known(m.Name):
		return m.Name.ValueString() + "-" + key
	default:
		return key
	}
}

func (m *securityPolicyModel) groupBody(key string, g policyGroup) map[string]any {
	return map[string]any{"name": m.groupName(key, g), "description": g.Description.ValueString()}
}

// Plan keeps the ids of groups that stay, so that only what uses a new group waits for it.
func (securityPolicy) Plan(ctx context.Context, _ *openstack.Cloud, change *lifecycle.Change[securityPolicyModel]) error {
	plan := change.Plan
	plan.RuleCount = types.Int64Unknown()
	if plan.Groups.IsUnknown() {
		plan.GroupIDs = types.MapUnknown(types.StringType)
		return nil
	}
	ids := map[string]attr.Value{}
	for key := range plan.Groups.Elements() {
		ids[key] = types.StringUnknown()
		if change.Prior != nil {
			if id, ok := change.Prior.GroupIDs.Elements()[key]; ok {
				ids[key] = id
			}
		}
	}
	plan.GroupIDs = types.MapValueMust(types.StringType, ids)
	if !value.AllKnown(plan.Rules) {
		return nil
	}
	all, err := plan.want(ctx, plan.keys())
	plan.RuleCount = value.Int(len(all))
	return err
}

func (securityPolicy) Create(ctx context.Context, cloud *openstack.Cloud, m *securityPolicyModel) error {
	made, err := m.createGroups(ctx, cloud, slices.Sorted(maps.Keys(m.Groups.Elements())))
	if err != nil {
		return err
	}
	ids := map[string]string{}
	var have []apiRule
	for key, group := range made {
		ids[key] = group.ID
		have = append(have, group.Rules...)
	}
	m.ID = types.StringValue(ids[slices.Min(slices.Collect(maps.Keys(ids)))])
	m.GroupIDs = value.Map(ids)
	return m.apply(ctx, cloud, ids, have)
}

// createGroups makes groups with one request and returns them by their keys.
func (m *securityPolicyModel) createGroups(ctx context.Context, cloud *openstack.Cloud, keys []string) (map[string]apiSecurityGroup, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	groups, err := decode[policyGroup](ctx, m.Groups)
	if err != nil {
		return nil, err
	}
	var bodies []map[string]any
	byName := map[string]string{}
	for _, key := range keys {
		bodies = append(bodies, m.groupBody(key, groups[key]))
		byName[m.groupName(key, groups[key])] = key
	}
	made, err := securityGroups.createMany(ctx, cloud, bodies)
	if err != nil {
		return nil, lifecycle.At(path.Root("groups"), fmt.Errorf("create %d security groups: %w", len(keys), err))
	}
	out := map[string]apiSecurityGroup{}
	for _, group := range made {
		out[byName[group.Name]] = group
	}
	return out, nil
}

// apply makes the groups' rules what the model says.
func (m *securityPolicyModel) apply(ctx context.Context, cloud *openstack.Cloud, ids map[string]string, have []apiRule) error {
	want, err := m.want(ctx, ids)
	if err != nil {
		return err
	}
	for h, name := range implied(want, m.DefaultEgress.ValueBool(), ids) {
		if _, ok := want[h]; !ok {
			want[h] = name
		}
	}
	return lifecycle.At(path.Root("rules"), reconcile(ctx, cloud, want, have))
}

// readGroups reads the groups that still exist, by their keys.
func readGroups(ctx context.Context, cloud *openstack.Cloud, ids map[string]string) (map[string]apiSecurityGroup, error) {
	keys := slices.Sorted(maps.Keys(ids))
	found := make([]*apiSecurityGroup, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	for i, key := range keys {
		group.Go(func() error { // at once, so that one list answers them
			g, err := securityGroups.get(ctx, cloud, ids[key])
			if openstack.NotFound(err) {
				return nil
			}
			found[i] = &g
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	out := map[string]apiSecurityGroup{}
	for i, key := range keys {
		if found[i] != nil {
			out[key] = *found[i]
		}
	}
	return out, nil
}

func (securityPolicy) Read(ctx context.Context, cloud *openstack.Cloud, m *securityPolicyModel) error {
	found, err := readGroups(ctx, cloud, value.StringMap(m.GroupIDs))
	if err != nil {
		return err
	}
	if len(found) == 0 { // the API's own answer for the first group says that they are gone
		_, err := securityGroups.get(ctx, cloud, m.ID.ValueString())
		return err
	}
	return m.flatten(ctx, found)
}

func (securityPolicy) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *securityPolicyModel) (err error) {
	had := value.StringMap(prior.GroupIDs)
	groups, err := decode[policyGroup](ctx, plan.Groups)
	if err != nil {
		return err
	}
	ids, removed := map[string]string{}, map[string]string{}
	var added []string
	for key := range groups {
		if _, ok := had[key]; !ok {
			added = append(added, key)
		}
	}
	for key, id := range had {
		if _, ok := groups[key]; ok {
			ids[key] = id
		} else {
			removed[key] = id
		}
	}
	slices.Sort(added)
	made, err := plan.createGroups(ctx, cloud, added)
	if err != nil {
		return err
	}
	fresh := map[string]string{}
	for key, group := range made {
		ids[key], fresh[key] = group.ID, group.ID
	}
	plan.GroupIDs = value.Map(ids)
	defer func() { // after a failure the state stays the old one, which does not know the new groups
		if err != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			err = errors.Join(err, deleteGroups(ctx, cloud, fresh))
		}
	}()

	found, err := readGroups(ctx, cloud, ids)
	if err != nil {
		return err
	}
	var have []apiRule
	for key, group := range found {
		have = append(have, group.Rules...)
		body := plan.groupBody(key, groups[key])
		if body["name"] == group.Name && body["description"] == group.Description {
			continue
		}
		if _, err := securityGroups.update(ctx, cloud, group.ID, body); err != nil {
			return lifecycle.At(path.Root("groups").AtMapKey(key), fmt.Errorf("change security group %s: %w", group.ID, err))
		}
	}
	if err := plan.apply(ctx, cloud, ids, have); err != nil {
		return err
	}
	return deleteGroups(ctx, cloud, removed)
}

func (securityPolicy) Delete(ctx context.Context, cloud *openstack.Cloud, m *securityPolicyModel) error {
	return deleteGroups(ctx, cloud, value.StringMap(m.GroupIDs))
}

func deleteGroups(ctx context.Context, cloud *openstack.Cloud, ids map[string]string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for key, id := range ids {
		group.Go(func() error {
			if err := deleteSecurityGroup(ctx, cloud, id); err != nil && !openstack.NotFound(err) {
				return lifecycle.At(path.Root("groups").AtMapKey(key), fmt.Errorf("delete security group %q: %w", key, err))
			}
			return nil
		})
	}
	return group.Wait()
}

// Import reads "servers=ID,agents=ID".
func (securityPolicy) Import(_ context.Context, _ *openstack.Cloud, id string, m *securityPolicyModel) error {
	ids := map[string]string{}
	for pair := range strings.SplitSeq(id, ",") {
		key, groupID, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || key == "" || groupID == "" {
			return fmt.Errorf("%q is no policy: name its groups as in \"servers=ID,agents=ID\"", id)
		}
		ids[key] = groupID
	}
	m.ID = types.StringValue(ids[slices.Min(slices.Collect(maps.Keys(ids)))])
	m.GroupIDs = value.Map(ids)
	return nil
}

func (m *securityPolicyModel) flatten(ctx context.Context, found map[string]apiSecurityGroup) error {
	ids := map[string]string{}
	var have []apiRule
	for key, g := range found {
		ids[key] = g.ID
		have = append(have, g.Rules...)
	}
	if err := m.flattenGroups(ctx, found); err != nil {
		return err
	}
	m.GroupIDs = value.Map(ids)

	lines, err := decode[policyRule](ctx, m.Rules)
	if err != nil {
		return err
	}
	entries := map[string]entry{}
	for name, line := range lines {
		if known(line.From, ids) && known(line.To, ids) { // else a group is gone, and the line with it
			entries[name] = line.entry(ids)
		}
	}
	have = m.flattenEgress(entries, ids, have)
	whole, rebuilt, err := present(entries, have)
	if err != nil {
		return err
	}
	maps.DeleteFunc(lines, func(name string, _ policyRule) bool { return !slices.Contains(whole, name) })
	for name, e := range rebuilt {
		lines[name] = policyRuleOf(e, ids)
	}
	m.RuleCount = value.Int(len(have))
	m.Rules, err = encode(ctx, m.Rules, lines)
	return err
}

func known(names types.Set, ids map[string]string) bool {
	return !slices.ContainsFunc(value.Strings(names), func(name string) bool { _, ok := ids[name]; return !ok })
}

// flattenEgress reads default_egress and returns the rules that lines must explain.
func (m *securityPolicyModel) flattenEgress(entries map[string]entry, ids map[string]string, have []apiRule) []apiRule {
	rest := have
	m.DefaultEgress, rest = flattenDefaultEgress(m.DefaultEgress, entries, slices.Collect(maps.Values(ids)), rest)
	if m.DefaultEgress.ValueBool() {
		return rest
	}
	want, err := expandAll(entries)
	if err != nil {
		return rest
	}
	halves := implied(want, false, ids)
	return slices.DeleteFunc(slices.Clone(rest), func(a apiRule) bool {
		h := a.held()
		_, follows := halves[h]
		delete(halves, h)
		_, line := want[h]
		return follows && !line
	})
}

// flattenGroups shows names and descriptions that differ from what the configuration makes of them.
func (m *securityPolicyModel) flattenGroups(ctx context.Context, found map[string]apiSecurityGroup) error {
	groups, err := decode[policyGroup](ctx, m.Groups)
	if err != nil {
		return err
	}
	if m.Groups.IsNull() && m.Name.IsNull() { // after an import
		m.Name = value.StringOrNull(commonName(found))
	}
	now := map[string]policyGroup{}
	for key, g := range found {
		group := groups[key]
		if m.groupName(key, group) != g.Name {
			group.Name = types.StringValue(g.Name)
		}
		group.Description = value.StringOrNull(g.Description)
		now[key] = group
	}
	m.Groups, err = encode(ctx, m.Groups, now)
	return err
}

// commonName is what the names of all groups begin with when they end with their keys, as groupName makes them.
func commonName(found map[string]apiSecurityGroup) string {
	names := map[string]bool{}
	for key, g := range found {
		name, _ := strings.CutSuffix(g.Name, "-"+key)
		if name == g.Name {
			return ""
		}
		names[name] = true
	}
	if len(names) != 1 {
		return ""
	}
	return slices.Collect(maps.Keys(names))[0]
}

func policyRuleOf(e entry, ids map[string]string) policyRule {
	keyOf := map[string]string{}
	for key, id := range ids {
		keyOf[id] = key
	}
	split := func(all []string) (own, foreign []string) {
		for _, id := range all {
			if key, ok := keyOf[id]; ok {
				own = append(own, key)
			} else {
				foreign = append(foreign, id)
			}
		}
		return own, foreign
	}
	holders, _ := split(e.holders)
	own, foreign := split(e.groups)
	line := policyRule{From: value.SetOrNull(own), To: value.SetOrNull(holders)}
	if e.egress { // to a group of the policy there is no line of its own: it is named by its id
		line.From, line.To = value.SetOrNull(holders), value.SetOrNull(nil)
		foreign = e.groups
	}
	line.traffic = trafficOf(e, foreign)
	return line
}
