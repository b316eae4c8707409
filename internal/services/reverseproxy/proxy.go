package reverseproxy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-uuid"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/fleet"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// proxy is a managed reverse proxy: a container that says what to serve, nodes that serve it, and a load balancer in front of them.
// Its id is the name of the container, so that routes and certificates need nothing else.
type proxy struct {
	known *registry
}

var (
	_ lifecycle.Handler[proxyModel]   = proxy{}
	_ lifecycle.Updater[proxyModel]   = proxy{}
	_ lifecycle.Validator[proxyModel] = proxy{}
	_ lifecycle.Planner[proxyModel]   = proxy{}
	_ lifecycle.Importer[proxyModel]  = proxy{}
	_ lifecycle.Timed                 = proxy{}
)

type proxyModel struct {
	lifecycle.Object

	Name              types.String `tfsdk:"name"`
	SubnetID          types.String `tfsdk:"subnet_id"`
	ExternalNetwork   types.String `tfsdk:"external_network"`
	AllowedCIDRs      types.Set    `tfsdk:"allowed_cidrs"`
	Nodes             types.Object `tfsdk:"nodes"`
	SecurityGroupIDs  types.Set    `tfsdk:"security_group_ids"`
	ServerGroupPolicy types.String `tfsdk:"server_group_policy"`
	Binary            types.Object `tfsdk:"binary"`
	Upstreams         types.Map    `tfsdk:"upstreams"`
	TLS               types.Object `tfsdk:"tls"`
	AccessLog         types.Bool   `tfsdk:"access_log"`
	DNS               types.Object `tfsdk:"dns"`
	DrainDelay        types.String `tfsdk:"drain_delay"`
	WaitForNodes      types.Bool   `tfsdk:"wait_for_nodes"`

	Container       types.String `tfsdk:"container"`
	ConfigETag      types.String `tfsdk:"config_etag"`
	EncryptionKey   types.String `tfsdk:"encryption_key"`
	CredentialID    types.String `tfsdk:"application_credential_id"`
	Secret          types.String `tfsdk:"application_credential_secret"`
	SecurityGroupID types.String `tfsdk:"security_group_id"`
	ServerGroupID   types.String `tfsdk:"server_group_id"`
	LoadBalancerID  types.String `tfsdk:"load_balancer_id"`
	VIPAddress      types.String `tfsdk:"vip_address"`
	FloatingIP      types.String `tfsdk:"floating_ip"`
	Address         types.String `tfsdk:"address"`
	NodeNames       types.List   `tfsdk:"node_names"`
	OutdatedNodes   types.List   `tfsdk:"outdated_node_names"`
}

func (proxy) Name() string { return "reverse_proxy" }

func (proxy) Timeouts() lifecycle.Timeouts {
	return lifecycle.Timeouts{Create: 30 * time.Minute, Update: time.Hour, Delete: 30 * time.Minute}
}

func (proxy) Validate(ctx context.Context, config *proxyModel) error {
	errs := []error{config.checkCount(ctx)}
	if value.AllKnown(config.Upstreams, config.TLS) {
		document, err := config.document(ctx)
		if err == nil {
			err = blame(document.Validate(), configPath)
		}
		errs = append(errs, err)
		if len(document.Upstreams) > documents.AdvisedUpstreams {
			lifecycle.Warn(ctx, "Many upstreams", fmt.Sprintf("The proxy has %d upstreams. Up to %d are advised: upstreams are few and rich, routes are many.",
				len(document.Upstreams), documents.AdvisedUpstreams))
		}
	}
	return errors.Join(errs...)
}

// checkCount holds that the numbers of nodes fit together.
func (m *proxyModel) checkCount(ctx context.Context) error {
	nodes, err := decode[nodesModel](ctx, m.Nodes)
	if err != nil || !value.AllKnown(nodes.Count, nodes.Min, nodes.Max) {
		return err
	}
	at := path.Root("nodes")
	if nodes.Min.IsNull() != nodes.Max.IsNull() {
		return lifecycle.Invalid(at.AtName("min"), "min and max belong together: set both or none")
	}
	if nodes.Min.IsNull() {
		return nil
	}
	if nodes.Min.ValueInt64() > nodes.Max.ValueInt64() {
		return lifecycle.Invalid(at.AtName("min"), "it is %d and must not be more than max, %d", nodes.Min.ValueInt64(), nodes.Max.ValueInt64())
	}
	if n := nodes.Count.ValueInt64(); !nodes.Count.IsNull() && (n < nodes.Min.ValueInt64() || n > nodes.Max.ValueInt64()) {
		return lifecycle.Invalid(at.AtName("count"), "it is %d and must be from min, %d, to max, %d", n, nodes.Min.ValueInt64(), nodes.Max.ValueInt64())
	}
	return nil
}

// Plan says how many nodes there are to be and what the configuration in the container is going to be, so that what drifted shows.
func (h proxy) Plan(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[proxyModel]) error {
	plan, prior := change.Plan, change.Prior
	plan.ConfigETag = types.StringUnknown()
	if value.AllKnown(plan.Upstreams, plan.TLS, plan.AccessLog) {
		document, err := plan.document(ctx)
		if err != nil {
			return err
		}
		if err := blame(document.Validate(), configPath); err != nil {
			return err
		}
		content, err := document.Encode()
		if err != nil {
			return err
		}
		plan.ConfigETag = types.StringValue(objectstore.ETag(content))
		if value.Known(plan.ID) {
			h.known.putUpstreams(plan.ID.ValueString(), names(document.Upstreams))
		}
	}
	if err := plan.planCount(ctx, prior); err != nil {
		return err
	}
	if cloud != nil && prior == nil {
		if err := checkSurroundings(ctx, cloud, plan); err != nil {
			return err
		}
	}
	if prior == nil {
		return nil
	}
	return plan.planNodes(ctx, prior)
}

// planCount chooses the number of nodes when the user does not: within bounds it stays as it is, whoever has changed it.
func (m *proxyModel) planCount(ctx context.Context, prior *proxyModel) error {
	nodes, err := decode[nodesModel](ctx, m.Nodes)
	if err != nil || m.Nodes.IsUnknown() || !nodes.Count.IsUnknown() || !value.AllKnown(nodes.Min, nodes.Max) {
		return err
	}
	count := int64(defaultCount)
	if prior != nil {
		had, err := decode[nodesModel](ctx, prior.Nodes)
		if err != nil {
			return err
		}
		if value.Known(had.Count) && !nodes.Min.IsNull() {
			count = had.Count.ValueInt64()
		}
	}
	if !nodes.Min.IsNull() {
		count = min(max(count, nodes.Min.ValueInt64()), nodes.Max.ValueInt64())
	}
	m.Nodes, err = with(ctx, m.Nodes, "count", types.Int64Value(count))
	return err
}

// planNodes says what becomes of what is computed from the nodes.
func (m *proxyModel) planNodes(ctx context.Context, prior *proxyModel) error {
	m.LoadBalancerID, m.ServerGroupID = known(prior.LoadBalancerID), known(prior.ServerGroupID)
	m.NodeNames, m.OutdatedNodes = types.ListUnknown(types.StringType), value.List(nil)
	if m.ServerGroupPolicy.ValueString() == policyNone {
		m.ServerGroupID = types.StringNull()
	}
	m.FloatingIP, m.Address, m.VIPAddress = prior.FloatingIP, prior.Address, known(prior.VIPAddress)
	if !m.ExternalNetwork.Equal(prior.ExternalNetwork) || value.Known(m.ExternalNetwork) && prior.FloatingIP.IsNull() {
		m.FloatingIP, m.Address = types.StringUnknown(), types.StringUnknown()
	}
	if m.ExternalNetwork.IsNull() {
		m.FloatingIP, m.Address = types.StringNull(), known(prior.VIPAddress)
	}
	if !value.AllKnown(m.Nodes, m.Binary) {
		return nil
	}
	was, err := prior.spec(ctx)
	if err != nil {
		return err
	}
	will, err := m.spec(ctx)
	if err != nil {
		return err
	}
	wanted, err := decode[nodesModel](ctx, m.Nodes)
	if err != nil {
		return err
	}
	had, err := decode[nodesModel](ctx, prior.Nodes)
	if err != nil {
		return err
	}
	if was == will && wanted.Count.Equal(had.Count) && len(prior.OutdatedNodes.Elements()) == 0 && !prior.NodeNames.IsNull() {
		m.NodeNames = prior.NodeNames
	}
	return nil
}

// known is the value, or unknown when there was none: the apply makes it.
func known(v types.String) types.String {
	if v.IsNull() {
		return types.StringUnknown()
	}
	return v
}

func (h proxy) Create(ctx context.Context, cloud *openstack.Cloud, m *proxyModel) error {
	random, err := uuid.GenerateUUID()
	if err != nil {
		return fmt.Errorf("make an id: %w", err)
	}
	id := m.Name.ValueString() + "-" + random[:8]
	m.EncryptionKey = types.StringNull()
	key, err := documents.NewKey()
	if err != nil {
		return err
	}
	m.ID, m.Container, m.EncryptionKey = types.StringValue(id), types.StringValue(id), types.StringValue(key)
	s, err := survey(ctx, cloud, m)
	if err != nil {
		m.ID = types.StringNull() // nothing was made
		return err
	}
	if err := s.found(ctx); err != nil {
		lifecycle.Warn(ctx, "The reverse proxy is incomplete", "What was made so far is kept and marked as tainted: the next apply removes it and begins again. "+
			"If it works and only needs to be completed, run `terraform untaint` before that.")
		return err
	}
	return nil
}

// Read finds what there is by the marks on it. Of the configuration in the container only the ETag is read: another one than that of the
// plan is written again.
func (h proxy) Read(ctx context.Context, cloud *openstack.Cloud, m *proxyModel) error {
	id := m.ID.ValueString()
	found, err := kind.Read(ctx, cloud, id)
	if err != nil {
		return err
	}
	alive, _ := split(found)
	container, err := objectstore.Open(cloud, id)
	if err != nil {
		return err
	}
	there, err := container.Stat(ctx, documents.ConfigObject)
	if err != nil && !openstack.NotFound(err) {
		return err
	}
	m.ConfigETag = value.StringOrNull(there.ETag)
	balanced, err := h.readEntrance(ctx, cloud, m)
	if err != nil {
		return err
	}
	if len(alive) == 0 && there.ETag == "" && !balanced {
		if err := whetherGone(ctx, cloud, container, id); err != nil {
			return err
		}
	}
	spec, err := m.spec(ctx)
	if err != nil {
		return err
	}
	m.NodeNames, m.OutdatedNodes = value.List(fleet.Names(alive)), value.List(fleet.Outdated(alive, spec))
	m.Nodes, err = with(ctx, m.Nodes, "count", types.Int64Value(int64(len(alive))))
	return err
}

// whetherGone is openstack.ErrGone when nothing is left of a proxy without nodes, configuration and load balancer that Delete would have
// to remove.
func whetherGone(ctx context.Context, cloud *openstack.Cloud, container *objectstore.Container, id string) error {
	if _, err := container.Head(ctx); !openstack.NotFound(err) {
		return err
	}
	g := fleet.Group{Cloud: cloud, Kind: kind, Owner: id, Mark: kind.Tag + id}
	left, err := g.ListPorts(ctx)
	if err != nil || len(left) > 0 {
		return err
	}
	groups, err := findSecurityGroups(ctx, cloud, id)
	if err != nil || len(groups) > 0 {
		return err
	}
	credentials, err := findCredentials(ctx, cloud, id)
	if err != nil || len(credentials) > 0 {
		return err
	}
	return fmt.Errorf("reverse proxy %s: %w", id, openstack.ErrGone)
}

// readEntrance looks whether the load balancer and the floating IP are there. When they are gone, the plan shows it and the apply makes them again.
func (proxy) readEntrance(ctx context.Context, cloud *openstack.Cloud, m *proxyModel) (there bool, err error) {
	if !value.Known(m.LoadBalancerID) {
		return false, nil
	}
	tree, err := loadbalancer.Read(ctx, cloud, m.LoadBalancerID.ValueString(), loadbalancer.Spec{})
	if openstack.NotFound(err) {
		m.LoadBalancerID = types.StringNull()
		return false, nil
	}
	if err != nil {
		return false, err
	}
	m.VIPAddress = types.StringValue(tree.VIPAddress)
	if value.Known(m.FloatingIP) {
		ip, err := loadbalancer.ExposedBy(ctx, cloud, tree.VIPPortID)
		if err != nil {
			return true, err
		}
		if ip == nil || ip.FloatingIP != m.FloatingIP.ValueString() {
			m.FloatingIP = types.StringNull()
		}
	}
	m.address()
	return true, nil
}

// address is what clients reach the proxy at.
func (m *proxyModel) address() {
	m.Address = m.VIPAddress
	if value.Known(m.FloatingIP) {
		m.Address = m.FloatingIP
	}
}

func (h proxy) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *proxyModel) error {
	s, err := survey(ctx, cloud, plan)
	if err != nil {
		return err
	}
	return s.mend(ctx, prior)
}

func (h proxy) Delete(ctx context.Context, cloud *openstack.Cloud, m *proxyModel) error {
	h.known.putUpstreams(m.ID.ValueString(), nil)
	return demolish(ctx, cloud, m)
}

// Import is refused: without its encryption key the certificates in the container are of no use.
func (proxy) Import(context.Context, *openstack.Cloud, string, *proxyModel) error {
	return errors.New("a reverse proxy cannot be imported: its encryption key and the secret of its credential are only in the state of the configuration that made " +
		"it. Move it from there with `terraform state mv -state-out=FILE`; or make another one beside it and move its routes, which can be imported")
}

// decode reads an object of the model; null and unknown are the zero value.
func decode[T any](ctx context.Context, object types.Object) (T, error) {
	var t T
	if object.IsNull() || object.IsUnknown() {
		return t, nil
	}
	return t, failure(object.As(ctx, &t, basetypes.ObjectAsOptions{}))
}

// with is the object with another value of one attribute.
func with(ctx context.Context, object types.Object, name string, v attr.Value) (types.Object, error) {
	if !value.Known(object) {
		return object, nil
	}
	attributes := object.Attributes()
	attributes[name] = v
	changed, diags := types.ObjectValue(object.AttributeTypes(ctx), attributes)
	return changed, failure(diags)
}
