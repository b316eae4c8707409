package network

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"golang.org/x/sync/errgroup"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// none is a port or ICMP type that is not given.
const none = -1

// rule is what one rule of Neutron lets through, in a form in which equal meaning is equality: protocols by name, ports
// that are all ports left out, CIDRs without host bits, everywhere left out.
type rule struct {
	egress   bool
	ipv6     bool
	protocol string // "" = any
	min, max int    // ports, or ICMP type and code; none = all
	prefix   string // remote network; "" = everywhere
	group    string // remote group's id
	list     string // remote address group's id
}

// held is a rule and the group that has it. While a group does not exist yet, its key stands for its id.
type held struct {
	group string
	rule
}

// rules are what is wanted, with the name that the user gave.
type rules map[held]string

// apiRule is a rule as Neutron has it. Pointers, as ICMP type 0 is not the same as no type.
type apiRule struct {
	ID                   string  `json:"id,omitempty"`
	SecurityGroupID      string  `json:"security_group_id"`
	Direction            string  `json:"direction"`
	Ethertype            string  `json:"ethertype"`
	Protocol             *string `json:"protocol,omitempty"`
	PortRangeMin         *int    `json:"port_range_min,omitempty"`
	PortRangeMax         *int    `json:"port_range_max,omitempty"`
	RemoteIPPrefix       *string `json:"remote_ip_prefix,omitempty"`
	RemoteGroupID        *string `json:"remote_group_id,omitempty"`
	RemoteAddressGroupID *string `json:"remote_address_group_id,omitempty"`
	Description          string  `json:"description"`
}

type apiSecurityGroup struct {
	ID          string    `json:"id"`
	ProjectID   string    `json:"project_id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Stateful    *bool     `json:"stateful"`
	Tags        []string  `json:"tags"`
	Rules       []apiRule `json:"security_group_rules"`
}

var securityGroups = kind[apiSecurityGroup]{"security_group", "security_groups", func(g apiSecurityGroup) string { return g.ID }}

var securityGroupRules = kind[apiRule]{"security_group_rule", "security_group_rules", func(r apiRule) string { return r.ID }}

// held is the meaning of a rule that Neutron has.
func (a apiRule) held() held {
	r := rule{egress: a.Direction == "egress", ipv6: a.Ethertype == "IPv6", min: none, max: none}
	if a.Protocol != nil {
		r.protocol = protocolName(*a.Protocol, r.ipv6)
	}
	if a.PortRangeMin != nil {
		r.min = *a.PortRangeMin
	}
	if a.PortRangeMax != nil {
		r.max = *a.PortRangeMax
	}
	if a.RemoteIPPrefix != nil {
		r.prefix = *a.RemoteIPPrefix
		if p, err := netip.ParsePrefix(r.prefix); err == nil {
			r.prefix = p.Masked().String()
		}
	}
	if a.RemoteGroupID != nil {
		r.group = *a.RemoteGroupID
	}
	if a.RemoteAddressGroupID != nil {
		r.list = *a.RemoteAddressGroupID
	}
	return held{a.SecurityGroupID, r.normal()}
}

// normal leaves out what says "all".
func (r rule) normal() rule {
	if hasPorts(r.protocol) && r.min <= 1 && r.max == 65535 {
		r.min, r.max = none, none
	}
	if r.prefix == "0.0.0.0/0" || r.prefix == "::/0" {
		r.prefix = ""
	}
	return r
}

// api is the rule for a request.
func (h held) api(name string) apiRule {
	optional := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	number := func(n int) *int {
		if n == none {
			return nil
		}
		return &n
	}
	a := apiRule{
		SecurityGroupID: h.group, Direction: "ingress", Ethertype: "IPv4",
		Protocol: optional(h.protocol), PortRangeMin: number(h.min), PortRangeMax: number(h.max),
		RemoteIPPrefix: optional(h.prefix), RemoteGroupID: optional(h.rule.group), RemoteAddressGroupID: optional(h.list), Description: name,
	}
	if h.egress {
		a.Direction = "egress"
	}
	if h.ipv6 {
		a.Ethertype = "IPv6"
	}
	return a
}

// defaultEgress are the two rules with which Neutron starts every group.
func defaultEgress(group string) []held {
	return []held{
		{group, rule{egress: true, min: none, max: none}},
		{group, rule{egress: true, ipv6: true, min: none, max: none}},
	}
}

// protocols are the names and numbers that Neutron knows.
func protocols() map[string]int {
	return map[string]int{
		"icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "egp": 8, "udp": 17, "dccp": 33, "rsvp": 46, "gre": 47, "esp": 50, "ah": 51, "ipv6-encap": 41,
		"ipv6-route": 43, "ipv6-frag": 44, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "ospf": 89, "vrrp": 112, "pgm": 113, "sctp": 132, "udplite": 136,
	}
}

func hasPorts(protocol string) bool {
	return slices.Contains([]string{"tcp", "udp", "sctp", "dccp", "udplite"}, protocol)
}

// protocolName is the one name of a protocol that has several, among them its number.
func protocolName(protocol string, ipv6 bool) string {
	protocol = strings.ToLower(protocol)
	switch {
	case protocol == "any" || protocol == "0":
		return ""
	case protocol == "icmpv6", ipv6 && (protocol == "icmp" || protocol == "1"):
		return "ipv6-icmp"
	}
	if number, err := strconv.Atoi(protocol); err == nil {
		for name, n := range protocols() {
			if n == number {
				return name
			}
		}
		return strconv.Itoa(number)
	}
	return protocol
}

// parseProtocol reads a protocol of the configuration.
func parseProtocol(text string) (string, error) {
	name := protocolName(text, false)
	if name == "" && text != "" {
		return "", nil
	}
	if number, err := strconv.Atoi(name); err == nil {
		if number < 0 || number > 255 {
			return "", fmt.Errorf("%q is no protocol: numbers go from 0 to 255", text)
		}
		return name, nil
	}
	if _, ok := protocols()[name]; !ok {
		return "", fmt.Errorf("%q is no protocol; right would be any, a number from 0 to 255, or one of %s", text,
			strings.Join(slices.Sorted(maps.Keys(protocols())), ", "))
	}
	return name, nil
}

// parsePorts reads "443", "30000-32767" or "all".
func parsePorts(text string) (first, last int, err error) {
	if text == "all" {
		return none, none, nil
	}
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	first, firstErr := strconv.Atoi(from)
	last, lastErr := strconv.Atoi(to)
	switch {
	case firstErr != nil || lastErr != nil:
		return 0, 0, fmt.Errorf("%q is neither a port nor a range of ports; right would be \"443\", \"30000-32767\" or \"all\"", text)
	case first < 1 || last > 65535 || first > 65535 || last < 1:
		return 0, 0, fmt.Errorf("%q is out of range: ports go from 1 to 65535", text)
	case first > last:
		return 0, 0, fmt.Errorf("the range %q ends before it starts; right would be \"%d-%d\"", text, last, first)
	}
	return first, last, nil
}

// parseICMP reads a type "8" or a type and code "3/4".
func parseICMP(text string) (kind, code int, err error) {
	first, second, hasCode := strings.Cut(text, "/")
	kind, err = strconv.Atoi(first)
	code = none
	if err == nil && hasCode {
		code, err = strconv.Atoi(second)
	}
	if err != nil || kind < 0 || kind > 255 || code > 255 || (hasCode && code < 0) {
		return 0, 0, fmt.Errorf("%q is no ICMP type; right would be a type such as \"8\" or a type and code such as \"3/4\", each from 0 to 255", text)
	}
	return kind, code, nil
}

// entry is one named line of the configuration: which groups hold its rules, who is at the other end, and what passes.
type entry struct {
	holders    []string // groups
	egress     bool
	prefixes   []string
	groups     []string // remote groups
	lists      []string // remote address groups
	ethertypes []string // of remote groups of both kinds; IPv4 when none is named
	tcp, udp   []string
	icmp       bool
	icmpTypes  []string
	protocols  []string
}

// service is a protocol with its ports.
type service struct {
	protocol string
	min, max int
}

// services reads what passes. Errors name the attribute and the value.
func (e entry) services() ([]service, error) {
	var all []service
	for protocol, list := range map[string][]string{"tcp": e.tcp, "udp": e.udp} {
		for _, text := range list {
			first, last, err := parsePorts(text)
			if err != nil {
				return nil, err
			}
			all = append(all, service{protocol, first, last})
		}
	}
	for _, text := range e.icmpTypes {
		kind, code, err := parseICMP(text)
		if err != nil {
			return nil, err
		}
		all = append(all, service{"icmp", kind, code})
	}
	if e.icmp {
		all = append(all, service{"icmp", none, none})
	}
	for _, text := range e.protocols {
		protocol, err := parseProtocol(text)
		if err != nil {
			return nil, err
		}
		all = append(all, service{protocol, none, none})
	}
	return all, nil
}

// expand fans the line out: holders x other ends x services.
func (e entry) expand() ([]held, error) {
	services, err := e.services()
	if err != nil {
		return nil, err
	}
	var ends []rule
	for _, text := range e.prefixes {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no prefix in CIDR notation: %w", text, err)
		}
		ends = append(ends, rule{egress: e.egress, ipv6: p.Addr().Is6(), prefix: p.Masked().String()})
	}
	ethertypes := e.ethertypes
	if len(ethertypes) == 0 {
		ethertypes = []string{"IPv4"}
	}
	for _, ethertype := range ethertypes {
		for _, group := range e.groups {
			ends = append(ends, rule{egress: e.egress, ipv6: ethertype == "IPv6", group: group})
		}
		for _, list := range e.lists {
			ends = append(ends, rule{egress: e.egress, ipv6: ethertype == "IPv6", list: list})
		}
	}
	var all []held
	for _, holder := range e.holders {
		for _, end := range ends {
			for _, s := range services {
				r := end
				r.protocol, r.min, r.max = protocolName(s.protocol, end.ipv6), s.min, s.max
				all = append(all, held{holder, r.normal()})
			}
		}
	}
	return all, nil
}

// expandAll is every rule that a configuration wants. The same rule from two lines is an error that names both: Neutron
// would refuse the second.
func expandAll(entries map[string]entry) (rules, error) {
	all := rules{}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		expanded, err := entries[name].expand()
		if err != nil {
			return nil, &entryError{name, err}
		}
		for _, h := range expanded {
			if other, ok := all[h]; ok && other != name {
				return nil, &entryError{name, fmt.Errorf("it lets through what %q lets through already: %s", other, h.rule)}
			}
			all[h] = name
		}
	}
	return all, nil
}

// entryError is an error about one named line.
type entryError struct {
	name string
	err  error
}

func (e *entryError) Error() string { return fmt.Sprintf("rule %q: %v", e.name, e.err) }
func (e *entryError) Unwrap() error { return e.err }

// String is the rule in words, for errors.
func (r rule) String() string {
	what := r.protocol
	if what == "" {
		what = "any protocol"
	}
	switch {
	case r.min == none:
	case r.max == r.min || r.max == none:
		what += fmt.Sprintf(" %d", r.min)
	default:
		what += fmt.Sprintf(" %d-%d", r.min, r.max)
	}
	end := r.prefix
	if r.group != "" {
		end = "group " + r.group
	}
	if r.list != "" {
		end = "address group " + r.list
	}
	if end == "" {
		end = "everywhere"
	}
	if r.egress {
		return what + " to " + end
	}
	return what + " from " + end
}

// reconcile makes the groups have the wanted rules: what is missing with one request per group, all groups at once, and
// then what is too many. When the quota has no room for both, what is too many goes first.
func reconcile(ctx context.Context, cloud *openstack.Cloud, want rules, have []apiRule) error {
	missing := map[string][]apiRule{}
	there := map[held]bool{}
	var surplus []string
	for _, a := range have {
		h := a.held()
		if _, wanted := want[h]; !wanted || there[h] {
			surplus = append(surplus, a.ID)
		}
		there[h] = true
	}
	for h, name := range want {
		if !there[h] {
			missing[h.group] = append(missing[h.group], h.api(name))
		}
	}
	err := addRules(ctx, cloud, missing)
	if fault, ok := openstack.FaultOf(err); ok && fault.OverQuota() && len(surplus) > 0 {
		if err := removeRules(ctx, cloud, surplus); err != nil {
			return err
		}
		surplus = nil
		// Bulk requests are all or nothing, so a group has either all of its missing rules or none.
		for group := range missing {
			now, readErr := securityGroups.get(ctx, cloud, group)
			if readErr != nil {
				return readErr
			}
			for _, a := range now.Rules {
				there[a.held()] = true
			}
			missing[group] = slices.DeleteFunc(missing[group], func(a apiRule) bool { return there[a.held()] })
		}
		err = addRules(ctx, cloud, missing)
	}
	if err != nil {
		return err
	}
	return removeRules(ctx, cloud, surplus)
}

// atOnce is how many requests about one object run at the same time.
const atOnce = 8

func addRules(ctx context.Context, cloud *openstack.Cloud, byGroup map[string][]apiRule) error {
	client, err := cloud.Network()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, id := range slices.Sorted(maps.Keys(byGroup)) {
		if len(byGroup[id]) == 0 {
			continue
		}
		group.Go(func() error {
			_, err := client.Post(ctx, client.ServiceURL(securityGroupRules.path()), map[string]any{securityGroupRules.plural: byGroup[id]}, nil,
				&gophercloud.RequestOpts{OkCodes: []int{http.StatusCreated}})
			if err != nil {
				return fmt.Errorf("add %d rules to group %s: %w", len(byGroup[id]), id, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func removeRules(ctx context.Context, cloud *openstack.Cloud, ids []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, id := range ids {
		group.Go(func() error {
			if err := securityGroupRules.delete(ctx, cloud, id); err != nil && !openstack.NotFound(err) {
				return fmt.Errorf("remove rule %s: %w", id, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// present tells which named lines the cloud has in full, and rebuilds lines for what it has besides: from rules that
// somebody added or that are left of a line, so that a plan shows the drift in the words of the configuration.
func present(entries map[string]entry, have []apiRule) (whole []string, rebuilt map[string]entry, err error) {
	there := map[held]bool{}
	for _, a := range have {
		there[a.held()] = true
	}
	claimed := map[held]bool{}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		expanded, err := entries[name].expand()
		if err != nil {
			return nil, nil, &entryError{name, err}
		}
		if slices.ContainsFunc(expanded, func(h held) bool { return !there[h] }) {
			continue
		}
		whole = append(whole, name)
		for _, h := range expanded {
			claimed[h] = true
		}
	}
	rebuilt = rebuild(slices.DeleteFunc(slices.Clone(have), func(a apiRule) bool { return claimed[a.held()] }), whole)
	return whole, rebuilt, nil
}

// rebuild makes named lines of rules: one line of those with the same description when they are a full product, else
// one for each. taken are names that are not free.
func rebuild(extra []apiRule, taken []string) map[string]entry {
	out := map[string]entry{}
	free := func(name string) string {
		unique := name
		for i := 2; slices.Contains(taken, unique) || hasKey(out, unique); i++ {
			unique = fmt.Sprintf("%s-%d", name, i)
		}
		return unique
	}
	byDescription := map[string][]apiRule{}
	for _, a := range extra {
		byDescription[a.Description] = append(byDescription[a.Description], a)
	}
	for _, description := range slices.Sorted(maps.Keys(byDescription)) {
		group := byDescription[description]
		slices.SortFunc(group, func(a, b apiRule) int { return strings.Compare(a.ID, b.ID) })
		if e, ok := merge(group); ok && description != "" {
			out[free(description)] = e
			continue
		}
		for _, a := range group {
			name := description
			if name == "" {
				name = "unnamed-" + a.ID[:min(8, len(a.ID))]
			}
			e, _ := merge([]apiRule{a})
			out[free(name)] = e
		}
	}
	return out
}

func hasKey(m map[string]entry, key string) bool { _, ok := m[key]; return ok }

// merge finds the line that fans out to exactly these rules.
func merge(group []apiRule) (entry, bool) {
	e := entry{egress: group[0].Direction == "egress"}
	add := func(list *[]string, text string) {
		if !slices.Contains(*list, text) {
			*list = append(*list, text)
		}
	}
	wanted := map[held]bool{}
	for _, a := range group {
		h := a.held()
		wanted[h] = true
		add(&e.holders, h.group)
		switch {
		case h.rule.group != "":
			add(&e.groups, h.rule.group)
			add(&e.ethertypes, a.Ethertype)
		case h.list != "":
			add(&e.lists, h.list)
			add(&e.ethertypes, a.Ethertype)
		case h.prefix != "":
			add(&e.prefixes, *a.RemoteIPPrefix)
		case h.ipv6:
			add(&e.prefixes, "::/0")
		default:
			add(&e.prefixes, "0.0.0.0/0")
		}
		switch {
		case h.protocol == "tcp":
			add(&e.tcp, portText(h.min, h.max))
		case h.protocol == "udp":
			add(&e.udp, portText(h.min, h.max))
		case (h.protocol == "icmp" || h.protocol == "ipv6-icmp") && h.min == none:
			e.icmp = true
		case h.protocol == "icmp" || h.protocol == "ipv6-icmp":
			add(&e.icmpTypes, icmpText(h.min, h.max))
		case h.protocol == "":
			add(&e.protocols, "any")
		default:
			add(&e.protocols, h.protocol)
		}
	}
	for _, list := range []*[]string{&e.holders, &e.groups, &e.lists, &e.ethertypes, &e.prefixes, &e.tcp, &e.udp, &e.icmpTypes, &e.protocols} {
		slices.Sort(*list)
	}
	if slices.Equal(e.ethertypes, []string{"IPv4"}) {
		e.ethertypes = nil // the default
	}
	expanded, err := e.expand()
	if err != nil || len(expanded) != len(wanted) {
		return e, false
	}
	return e, !slices.ContainsFunc(expanded, func(h held) bool { return !wanted[h] })
}

func portText(first, last int) string {
	switch first {
	case none:
		return "all"
	case last:
		return strconv.Itoa(first)
	default:
		return fmt.Sprintf("%d-%d", first, last)
	}
}

func icmpText(kind, code int) string {
	if code == none {
		return strconv.Itoa(kind)
	}
	return fmt.Sprintf("%d/%d", kind, code)
}
