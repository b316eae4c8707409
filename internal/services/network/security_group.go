package network

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// securityGroup is one group with all its rules.
type securityGroup struct{}

var (
	_ lifecycle.Handler[securityGroupModel]   = securityGroup{}
	_ lifecycle.Updater[securityGroupModel]   = securityGroup{}
	_ lifecycle.Validator[securityGroupModel] = securityGroup{}
	_ lifecycle.Planner[securityGroupModel]   = securityGroup{}
	_ lifecycle.Lister                        = securityGroup{}
	_ lifecycle.Mover                         = securityGroup{}
)

type securityGroupModel struct {
	lifecycle.Object

	Name          types.String `tfsdk:"name"`
	Description   types.String `tfsdk:"description"`
	Rules         types.Map    `tfsdk:"rules"`
	DefaultEgress types.Bool   `tfsdk:"default_egress"`
	RuleCount     types.Int64  `tfsdk:"rule_count"`
	Tags          types.Set    `tfsdk:"tags"`
}

// groupRule is a line of a single group.
type groupRule struct {
	traffic

	FromSelf types.Bool `tfsdk:"from_self"`
}

// self stands for the group's id while it has none.
const self = "self"

func (securityGroup) Name() string { return "security_group" }

func (securityGroup) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A security group with all its rules: a rule that something else adds is removed. For several groups that refer to each other see `massif_security_policy`.",
		Attributes: map[string]schema.Attribute{
			"name":        attribute.Name("Name of the group."),
			"description": attribute.Description(),
			"rules": rulesAttribute("What may pass, by names of your own. Each line fans out to its networks and groups x its ports.", map[string]schema.Attribute{
				"from_self": schema.BoolAttribute{MarkdownDescription: "Whether members of this group may come in.", Optional: true},
			}),
			"default_egress": attribute.Flag("Keep the two rules with which a cloud starts every group, that let everything out. With `false` only what `rules` says may go out.", true),
			"rule_count":     ruleCount(),
			"tags":           attribute.Tags(),
		},
	}
}

func (r groupRule) entry(group string) entry {
	egress := r.outgoing()
	var groups []string
	if r.FromSelf.ValueBool() {
		groups = []string{group}
	}
	return r.traffic.entry([]string{group}, egress, groups)
}

func (m *securityGroupModel) entries(ctx context.Context, group string) (map[string]entry, error) {
	lines, err := decode[groupRule](ctx, m.Rules)
	if err != nil {
		return nil, err
	}
	out := map[string]entry{}
	for name, line := range lines {
		out[name] = line.entry(group)
	}
	return out, nil
}

func (securityGroup) Validate(ctx context.Context, m *securityGroupModel) error {
	lines, err := decode[groupRule](ctx, m.Rules)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		at := path.Root("rules").AtMapKey(name)
		if _, err := lines[name].direction(at, []attr.Value{lines[name].FromSelf}, nil); err != nil {
			errs = append(errs, err)
		}
		errs = append(errs, lines[name].validate(at)...)
	}
	if len(errs) == 0 && value.AllKnown(m.Rules) {
		if _, err := m.want(ctx, self); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// want is every rule of the lines.
func (m *securityGroupModel) want(ctx context.Context, group string) (rules, error) {
	entries, err := m.entries(ctx, group)
	if err != nil {
		return nil, err
	}
	all, err := expandAll(entries)
	return all, blameLine(err)
}

func (securityGroup) Plan(ctx context.Context, _ *openstack.Cloud, change *lifecycle.Change[securityGroupModel]) error {
	change.Plan.RuleCount = types.Int64Unknown()
	if !value.AllKnown(change.Plan.Rules) {
		return nil
	}
	all, err := change.Plan.want(ctx, self)
	change.Plan.RuleCount = value.Int(len(all))
	return err
}

func (securityGroup) Create(ctx context.Context, cloud *openstack.Cloud, m *securityGroupModel) error {
	made, err := securityGroups.create(ctx, cloud, fields{"name": m.Name, "description": m.Description}.known())
	if err != nil {
		return err
	}
	m.ID = types.StringValue(made.ID)
	if len(m.Tags.Elements()) > 0 {
		if err := securityGroups.setTags(ctx, cloud, made.ID, m.Tags); err != nil {
			return err
		}
	}
	return m.apply(ctx, cloud, made.Rules)
}

// apply makes the group's rules what the model says.
func (m *securityGroupModel) apply(ctx context.Context, cloud *openstack.Cloud, have []apiRule) error {
	want, err := m.want(ctx, m.ID.ValueString())
	if err != nil {
		return err
	}
	if m.DefaultEgress.ValueBool() {
		for _, h := range defaultEgress(m.ID.ValueString()) {
			if _, ok := want[h]; !ok {
				want[h] = ""
			}
		}
	}
	return lifecycle.At(path.Root("rules"), reconcile(ctx, cloud, want, have))
}

func (securityGroup) Read(ctx context.Context, cloud *openstack.Cloud, m *securityGroupModel) error {
	found, err := securityGroups.get(ctx, cloud, m.ID.ValueString())
	if err != nil {
		return err
	}
	return m.flatten(ctx, found)
}

func (securityGroup) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *securityGroupModel) error {
	id := plan.ID.ValueString()
	body := fields{"name": plan.Name, "description": plan.Description}.changed(fields{"name": prior.Name, "description": prior.Description})
	if err := securityGroups.change(ctx, cloud, id, body); err != nil {
		return err
	}
	if !plan.Tags.Equal(prior.Tags) {
		if err := securityGroups.setTags(ctx, cloud, id, plan.Tags); err != nil {
			return err
		}
	}
	if plan.Rules.Equal(prior.Rules) && plan.DefaultEgress.Equal(prior.DefaultEgress) {
		return nil
	}
	found, err := securityGroups.get(ctx, cloud, id)
	if err != nil {
		return err
	}
	return plan.apply(ctx, cloud, found.Rules)
}

func (securityGroup) Delete(ctx context.Context, cloud *openstack.Cloud, m *securityGroupModel) error {
	return deleteSecurityGroup(ctx, cloud, m.ID.ValueString())
}

func deleteSecurityGroup(ctx context.Context, cloud *openstack.Cloud, id string) error {
	return deleteUnused(ctx, "security group "+id,
		func(ctx context.Context) error { return securityGroups.delete(ctx, cloud, id) },
		portUsers(cloud, url.Values{"security_groups": {id}}))
}

func (securityGroup) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return lifecycle.ListOf(ctx, cloud, securityGroups.collection(), func(o apiSecurityGroup) lifecycle.Listed {
		return lifecycle.Listed{ID: o.ID, Name: o.Name, ProjectID: o.ProjectID, Tags: o.Tags}
	})
}

// MovesFrom names the type of the common provider.
func (securityGroup) MovesFrom() []string { return []string{"openstack_networking_secgroup_v2"} }

func (m *securityGroupModel) flatten(ctx context.Context, g apiSecurityGroup) error {
	m.Name = types.StringValue(g.Name)
	m.Description = types.StringValue(g.Description)
	m.Tags = value.Set(g.Tags)

	entries, err := m.entries(ctx, g.ID)
	if err != nil {
		return err
	}
	listed := g.Rules
	m.DefaultEgress, listed = flattenDefaultEgress(m.DefaultEgress, entries, []string{g.ID}, listed)
	whole, rebuilt, err := present(entries, listed)
	if err != nil {
		return err
	}
	lines, err := decode[groupRule](ctx, m.Rules)
	if err != nil {
		return err
	}
	maps.DeleteFunc(lines, func(name string, _ groupRule) bool { return !slices.Contains(whole, name) })
	for name, e := range rebuilt {
		others := slices.DeleteFunc(slices.Clone(e.groups), func(id string) bool { return id == g.ID })
		line := groupRule{traffic: trafficOf(e, others)}
		if len(others) < len(e.groups) && !e.egress {
			line.FromSelf = types.BoolValue(true)
		} else if len(others) < len(e.groups) {
			line.ToGroupIDs = value.Set(e.groups)
		}
		lines[name] = line
	}
	if m.Rules, err = encode(ctx, m.Rules, lines); err != nil {
		return err
	}
	m.RuleCount = value.Int(len(listed))
	return nil
}

// flattenDefaultEgress takes the default egress rules out of what a cloud has, unless lines claim them, and tells
// whether all groups have both.
func flattenDefaultEgress(configured types.Bool, entries map[string]entry, groups []string, have []apiRule) (types.Bool, []apiRule) {
	claimed := map[held]bool{}
	for _, e := range entries {
		if expanded, err := e.expand(); err == nil {
			for _, h := range expanded {
				claimed[h] = true
			}
		}
	}
	missing := map[held]bool{}
	for _, id := range groups {
		for _, h := range defaultEgress(id) {
			missing[h] = true
		}
	}
	rest := slices.DeleteFunc(slices.Clone(have), func(a apiRule) bool {
		h := a.held()
		isDefault := missing[h]
		delete(missing, h)
		return isDefault && !claimed[h]
	})
	switch {
	case len(missing) == 0 && value.Known(configured) && !configured.ValueBool() && len(rest) == len(have):
		return types.BoolValue(false), have // lines of their own let everything out
	case len(missing) == 0:
		return types.BoolValue(true), rest
	case configured.ValueBool():
		return types.BoolValue(false), rest // some are missing: this shows it, and the next apply adds them
	default:
		return types.BoolValue(false), have
	}
}
