package functions

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/kubernetes"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// nodePorts are what Kubernetes opens for services unless told otherwise.
const nodePorts = "30000-32767"

// kubernetesSecurityRules makes the rules that a security policy needs for a cluster.
type kubernetesSecurityRules struct{}

var _ function.Function = kubernetesSecurityRules{}

// rule is one line of a security policy, as far as clusters need it.
type rule struct {
	From      types.Set  `tfsdk:"from"`
	FromCIDRs types.Set  `tfsdk:"from_cidrs"`
	To        types.Set  `tfsdk:"to"`
	TCP       types.Set  `tfsdk:"tcp"`
	UDP       types.Set  `tfsdk:"udp"`
	ICMP      types.Bool `tfsdk:"icmp"`
}

func ruleType() types.ObjectType {
	texts := types.SetType{ElemType: types.StringType}
	return types.ObjectType{AttrTypes: map[string]attr.Type{
		"from": texts, "from_cidrs": texts, "to": texts, "tcp": texts, "udp": texts, "icmp": types.BoolType,
	}}
}

// options are the function's last argument.
type options struct {
	servers, agents               types.Set
	nodeCIDRs, apiCIDRs, sshCIDRs types.Set
	loadBalancerProvider          string
	hubble, wireguard             bool
}

func (kubernetesSecurityRules) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "kubernetes_security_rules"
}

func (kubernetesSecurityRules) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "The firewall rules that a Kubernetes cluster needs",
		MarkdownDescription: "Returns `rules` for a `massif_security_policy`: what the nodes of a cluster must let pass for its distribution and network plugin. " +
			"`merge` adds rules of your own.",
		Parameters: []function.Parameter{
			function.StringParameter{
				Name:                "distribution",
				MarkdownDescription: "`rke2` or `k3s`, or the release of a cluster, such as `v1.34.1+rke2r1`.",
			},
			function.StringParameter{
				Name:                "cni",
				MarkdownDescription: "The network plugin: `calico`, `canal`, `cilium`, `flannel` or `none`.",
			},
			function.DynamicParameter{
				Name:           "options",
				AllowNullValue: true,
				MarkdownDescription: "An object, of which everything may be left out, or null:\n\n" +
					"- `servers`, `agents`: the groups of the policy that the nodes are in; `[\"servers\"]` and `[\"agents\"]`.\n" +
					"- `node_cidrs`: the networks of the nodes and of the API's load balancer. A load balancer is in no security group: without this, only nodes that talk to servers directly reach the API.\n" +
					"- `api_cidrs`, `ssh_cidrs`: the networks of people, who reach the API, and SSH on the servers.\n" +
					"- `load_balancer_provider`: lets load balancers of services reach the nodes' ports 30000-32767: `amphora` from `node_cidrs`; `ovn`, which keeps the client's address, from everywhere.\n" +
					"- `hubble`, `wireguard`: true where Cilium's Hubble, or WireGuard between the nodes, is switched on.",
			},
		},
		Return: function.MapReturn{ElementType: ruleType()},
	}
}

func (kubernetesSecurityRules) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var release, cni string
	var given types.Dynamic
	if resp.Error = req.Arguments.Get(ctx, &release, &cni, &given); resp.Error != nil {
		return
	}
	distribution, err := distributionOf(release)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	o, err := readOptions(given)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(2, err.Error())
		return
	}
	traffic, err := kubernetes.Ports(distribution, cni, kubernetes.PortOptions{Hubble: o.hubble, WireGuard: o.wireguard})
	if err != nil {
		resp.Error = function.NewArgumentFuncError(1, err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, o.rules(traffic))
}

// distributionOf accepts what people have at hand: the name, or the release of their cluster.
func distributionOf(text string) (kubernetes.Distribution, error) {
	if d := kubernetes.Distribution(text); d == kubernetes.RKE2 || d == kubernetes.K3s {
		return d, nil
	}
	version, err := kubernetes.ParseVersion(text)
	if err != nil {
		return "", fmt.Errorf("%q must be rke2, k3s or a release of one of them, such as v1.34.1+rke2r1", text)
	}
	return version.Distribution, nil
}

// rules is the policy's matrix: the cluster's own traffic, then that of people and load balancers.
func (o options) rules(traffic []kubernetes.Traffic) map[string]rule {
	nodes := union(o.servers, o.agents)
	out := map[string]rule{}
	for _, t := range traffic {
		r := newRule()
		r.TCP, r.UDP = texts(t.TCP), texts(t.UDP)
		if t.ICMP {
			r.ICMP = types.BoolValue(true)
		}
		switch t.Reach {
		case kubernetes.ServersToServers:
			r.From, r.To = o.servers, o.servers
		case kubernetes.NodesToServers:
			r.From, r.To = nodes, o.servers
			if !o.nodeCIDRs.IsNull() {
				r.From, r.FromCIDRs = types.SetNull(types.StringType), o.nodeCIDRs
			}
		case kubernetes.NodesToNodes:
			r.From, r.To = nodes, nodes
		}
		out[t.Name] = r
	}
	outside := func(name string, cidrs, to types.Set, tcp, udp []string) {
		if cidrs.IsNull() {
			return
		}
		r := newRule()
		r.FromCIDRs, r.To, r.TCP, r.UDP = cidrs, to, texts(tcp), texts(udp)
		out[name] = r
	}
	outside("admin-api", o.apiCIDRs, o.servers, []string{"6443"}, nil)
	outside("admin-ssh", o.sshCIDRs, o.servers, []string{"22"}, nil)
	switch o.loadBalancerProvider {
	case "amphora":
		outside("node-ports", o.nodeCIDRs, nodes, []string{nodePorts}, []string{nodePorts})
	case "ovn":
		outside("node-ports", texts([]string{"0.0.0.0/0"}), nodes, []string{nodePorts}, []string{nodePorts})
	}
	return out
}

func newRule() rule {
	null := types.SetNull(types.StringType)
	return rule{From: null, FromCIDRs: null, To: null, TCP: null, UDP: null}
}

// texts is null without any: a rule without ports has no such attribute.
func texts(of []string) types.Set {
	if len(of) == 0 {
		return types.SetNull(types.StringType)
	}
	elements := make([]attr.Value, len(of))
	for i, s := range of {
		elements[i] = types.StringValue(s)
	}
	return types.SetValueMust(types.StringType, elements)
}

func union(a, b types.Set) types.Set {
	if a.IsUnknown() || b.IsUnknown() {
		return types.SetUnknown(types.StringType)
	}
	all := slices.Clone(a.Elements())
	for _, e := range b.Elements() {
		if !slices.ContainsFunc(all, e.Equal) {
			all = append(all, e)
		}
	}
	return types.SetValueMust(types.StringType, all)
}

// readOptions reads an object of which everything may be left out.
func readOptions(given types.Dynamic) (options, error) {
	null := types.SetNull(types.StringType)
	o := options{
		servers: texts([]string{"servers"}), agents: texts([]string{"agents"}),
		nodeCIDRs: null, apiCIDRs: null, sshCIDRs: null,
	}
	attributes, err := members(given)
	if err != nil {
		return o, err
	}
	sets := map[string]*types.Set{"servers": &o.servers, "agents": &o.agents, "node_cidrs": &o.nodeCIDRs, "api_cidrs": &o.apiCIDRs, "ssh_cidrs": &o.sshCIDRs}
	flags := map[string]*bool{"hubble": &o.hubble, "wireguard": &o.wireguard}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		v := attributes[name]
		if v.IsNull() {
			continue
		}
		switch {
		case sets[name] != nil:
			*sets[name], err = setOf(v)
		case flags[name] != nil:
			*flags[name], err = flagOf(v)
		case name == "load_balancer_provider":
			o.loadBalancerProvider, err = providerOf(v)
		default:
			known := append(slices.Sorted(maps.Keys(sets)), "hubble", "wireguard", "load_balancer_provider")
			slices.Sort(known)
			err = fmt.Errorf("it is no option; there are %s", strings.Join(known, ", "))
		}
		if err != nil {
			return o, fmt.Errorf("%s: %w", name, err)
		}
	}
	if o.servers.IsNull() {
		return o, errors.New("servers: it must name at least one group")
	}
	if o.loadBalancerProvider == "amphora" && o.nodeCIDRs.IsNull() {
		return o, errors.New("load_balancer_provider: with amphora, node_cidrs must tell the networks of the load balancers")
	}
	return o, nil
}

func members(given types.Dynamic) (map[string]attr.Value, error) {
	switch v := given.UnderlyingValue().(type) {
	case nil:
		return nil, nil
	case basetypes.ObjectValue:
		return v.Attributes(), nil
	case basetypes.MapValue:
		return v.Elements(), nil
	}
	return nil, errors.New("it must be an object, such as { node_cidrs = [\"10.2.0.0/16\"] }")
}

// setOf reads a list of texts, of which any may be unknown: lists in HCL are tuples here.
func setOf(v attr.Value) (types.Set, error) {
	if v.IsUnknown() {
		return types.SetUnknown(types.StringType), nil
	}
	collection, ok := v.(interface{ Elements() []attr.Value })
	if !ok {
		return types.SetNull(types.StringType), errors.New("it must be a list of texts")
	}
	var elements []attr.Value
	for _, e := range collection.Elements() {
		if d, ok := e.(basetypes.DynamicValue); ok {
			e = d.UnderlyingValue()
		}
		text, ok := e.(basetypes.StringValue)
		switch {
		case e.IsUnknown():
			text = types.StringUnknown()
		case !ok || text.IsNull():
			return types.SetNull(types.StringType), errors.New("it must be a list of texts")
		}
		if !slices.ContainsFunc(elements, text.Equal) || text.IsUnknown() {
			elements = append(elements, text)
		}
	}
	if len(elements) == 0 {
		return types.SetNull(types.StringType), nil
	}
	return types.SetValueMust(types.StringType, elements), nil
}

func flagOf(v attr.Value) (bool, error) {
	flag, ok := v.(basetypes.BoolValue)
	if !ok || !value.Known(flag) {
		return false, errors.New("it must be true or false, and known in the plan")
	}
	return flag.ValueBool(), nil
}

func providerOf(v attr.Value) (string, error) {
	text, ok := v.(basetypes.StringValue)
	if !ok || (text.ValueString() != "amphora" && text.ValueString() != "ovn") {
		return "", errors.New("it must be amphora or ovn")
	}
	return text.ValueString(), nil
}
