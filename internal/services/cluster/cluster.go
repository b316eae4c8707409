package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/hashicorp/go-uuid"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/kubernetes"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/fleet"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// cluster is a Kubernetes cluster: its secrets, its servers and the load balancer in front of their API.
type cluster struct {
	known *joins
}

var (
	_ lifecycle.Handler[clusterModel]   = cluster{}
	_ lifecycle.Updater[clusterModel]   = cluster{}
	_ lifecycle.Planner[clusterModel]   = cluster{}
	_ lifecycle.Validator[clusterModel] = cluster{}
	_ lifecycle.Importer[clusterModel]  = cluster{}
	_ lifecycle.Timed                   = cluster{}
)

type clusterModel struct {
	lifecycle.Object

	Name              types.String `tfsdk:"name"`
	KubernetesVersion types.String `tfsdk:"kubernetes_version"`
	ExternalNetwork   types.String `tfsdk:"external_network"`
	SubnetID          types.String `tfsdk:"subnet_id"`
	SecurityGroupIDs  types.Set    `tfsdk:"security_group_ids"`
	ControlPlane      types.Object `tfsdk:"control_plane"`
	KeyPair           types.String `tfsdk:"key_pair"`
	AvailabilityZones types.List   `tfsdk:"availability_zones"`
	ServerGroupPolicy types.String `tfsdk:"server_group_policy"`
	ClusterCIDR       types.String `tfsdk:"cluster_cidr"`
	ServiceCIDR       types.String `tfsdk:"service_cidr"`
	CNI               types.String `tfsdk:"cni"`
	Disable           types.Set    `tfsdk:"disable"`
	TLSSANs           types.Set    `tfsdk:"tls_san"`
	CloudProvider     types.String `tfsdk:"cloud_provider"`
	API               types.Object `tfsdk:"api"`
	Backup            types.Object `tfsdk:"backup"`
	ExtraConfig       types.String `tfsdk:"extra_config"`
	Install           types.Object `tfsdk:"install"`
	WaitFor           types.String `tfsdk:"wait_for"`

	Endpoint                types.String `tfsdk:"endpoint"`
	FloatingIP              types.String `tfsdk:"floating_ip"`
	VIPAddress              types.String `tfsdk:"vip_address"`
	LoadBalancerID          types.String `tfsdk:"load_balancer_id"`
	ServerGroupID           types.String `tfsdk:"server_group_id"`
	NodeNames               types.List   `tfsdk:"node_names"`
	OutdatedNodeNames       types.List   `tfsdk:"outdated_node_names"`
	Kubeconfig              types.String `tfsdk:"kubeconfig"`
	CACertificate           types.String `tfsdk:"ca_certificate"`
	ClientCertificate       types.String `tfsdk:"client_certificate"`
	ClientKey               types.String `tfsdk:"client_key"`
	ClientCertificateExpiry types.String `tfsdk:"client_certificate_expires_at"`
	Join                    types.Object `tfsdk:"join"`
	Secrets                 types.String `tfsdk:"secrets"`
}

type controlPlaneModel struct {
	Flavor types.String `tfsdk:"flavor"`
	Image  types.String `tfsdk:"image"`
	Size   types.Int64  `tfsdk:"size"`
	Volume types.Object `tfsdk:"volume"`
}

type apiModel struct {
	AllowedCIDRs types.Set `tfsdk:"allowed_cidrs"`
	NodeCIDRs    types.Set `tfsdk:"node_cidrs"`
}

type backupModel struct {
	Container types.String `tfsdk:"container"`
	Schedule  types.String `tfsdk:"schedule"`
	Retention types.Int64  `tfsdk:"retention"`
	Folder    types.String `tfsdk:"folder"`
	Endpoint  types.String `tfsdk:"endpoint"`
	S3Region  types.String `tfsdk:"s3_region"`
	AccessKey types.String `tfsdk:"access_key"`
	SecretKey types.String `tfsdk:"secret_key"`
}

func (cluster) Name() string { return "cluster" }

func (cluster) Timeouts() lifecycle.Timeouts {
	return lifecycle.Timeouts{Create: time.Hour, Update: time.Hour, Delete: 30 * time.Minute}
}

func (cluster) Schema() schema.Schema {
	attributes := nodeAttributes()
	for name, a := range map[string]schema.Attribute{
		"name":               nameAttribute("Name of the cluster. It cannot be changed."),
		"kubernetes_version": versionAttribute("Release of RKE2 or k3s, such as `v1.34.1+rke2r1` or `v1.34.1+k3s1`; what follows the `+` chooses the distribution. New servers get a new version, those that exist keep theirs."),
		"external_network": schema.StringAttribute{
			MarkdownDescription: "Network of the API's floating IP, by name or id. Without it the API has its address in the subnet only. It cannot be changed.",
			Optional:            true,
			Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		},
		"control_plane": schema.SingleNestedAttribute{
			MarkdownDescription: "The servers. A change of anything but `size` is for new servers; those that exist stay as they are and are listed in `outdated_node_names`.",
			Required:            true,
			Attributes: machineAttributes(schema.Int64Attribute{
				MarkdownDescription: "Number of servers, odd: etcd needs a majority.",
				Required:            true,
				Validators:          []validator.Int64{int64validator.OneOf(1, 3, 5, 7)},
			}),
		},
		"cluster_cidr": schema.StringAttribute{
			MarkdownDescription: "Range of the pods' addresses, or two with a comma between for both families. It cannot be changed.",
			Optional:            true,
			Computed:            true,
			Default:             stringdefault.StaticString("10.42.0.0/16"),
			Validators:          []validator.String{attribute.Obeys("must be a range of addresses", validateRange)},
		},
		"service_cidr": schema.StringAttribute{
			MarkdownDescription: "Range of the services' addresses, as with `cluster_cidr`. It cannot be changed.",
			Optional:            true,
			Computed:            true,
			Default:             stringdefault.StaticString("10.43.0.0/16"),
			Validators:          []validator.String{attribute.Obeys("must be a range of addresses", validateRange)},
		},
		"cni": schema.StringAttribute{
			MarkdownDescription: "Network plugin: with RKE2 `canal` (its default), `cilium`, `calico`, `flannel` or `none`; with k3s `flannel` (its default) or `none`. It cannot be changed.",
			Optional:            true,
		},
		"disable": schema.SetAttribute{
			MarkdownDescription: "Packaged components to leave out, such as `rke2-ingress-nginx` or `traefik`.",
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1))},
		},
		"tls_san": schema.SetAttribute{
			MarkdownDescription: "More names and addresses under which the API's certificate is valid.",
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1))},
		},
		"cloud_provider": schema.StringAttribute{
			MarkdownDescription: "`external` (the default) leaves addresses, zones and load balancers to OpenStack's cloud controller manager, which you install: " +
				"until it runs, nodes keep a taint. `embedded` is the distribution's own, which knows nothing of OpenStack. It cannot be changed.",
			Optional:   true,
			Computed:   true,
			Default:    stringdefault.StaticString(kubernetes.CloudProviderExternal),
			Validators: []validator.String{stringvalidator.OneOf(kubernetes.CloudProviderExternal, kubernetes.CloudProviderEmbedded)},
		},
		"api": schema.SingleNestedAttribute{
			MarkdownDescription: "Who may reach the load balancer. Changed in place.",
			Optional:            true,
			Attributes: map[string]schema.Attribute{
				"allowed_cidrs": schema.SetAttribute{
					MarkdownDescription: "From where the Kubernetes API may be reached, beside the nodes; from everywhere when not set.",
					ElementType:         types.StringType,
					Optional:            true,
					Validators:          []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(attribute.CIDR())},
				},
				"node_cidrs": schema.SetAttribute{
					MarkdownDescription: "From where nodes register; the private ranges when not set. Empty is from everywhere, for drivers of Octavia without `allowed_cidrs`.",
					ElementType:         types.StringType,
					Optional:            true,
					Validators:          []validator.Set{setvalidator.ValueStringsAre(attribute.CIDR())},
				},
			},
		},
		"backup":                        backupAttribute(),
		"endpoint":                      attribute.Computed("URL of the Kubernetes API."),
		"floating_ip":                   attribute.Computed("Floating IP of the API."),
		"vip_address":                   attribute.Computed("Address of the API in the subnet, where nodes register."),
		"load_balancer_id":              attribute.Computed("Load balancer in front of the API."),
		"kubeconfig":                    sensitive("Kubeconfig of an administrator."),
		"ca_certificate":                attribute.Computed("Certificate authority of the API, in PEM."),
		"client_certificate":            sensitive("Certificate of an administrator, in PEM. It is valid for 90 days and renewed 30 days before its end by any apply."),
		"client_key":                    sensitive("Key of that certificate, in PEM."),
		"client_certificate_expires_at": attribute.Computed("Until when the certificate is valid."),
		"join":                          joinAttribute("What a `massif_node_pool` of another configuration needs to join.", false),
		"secrets":                       sensitive("What the cluster is founded on: keys of its authorities and tokens. Only the provider reads it."),
	} {
		attributes[name] = a
	}
	return schema.Schema{
		MarkdownDescription: "A Kubernetes cluster (RKE2 or k3s) on servers of its own, with a load balancer and a floating IP in front of its API. " +
			"The provider makes its certificate authorities, so that `kubeconfig` is known without asking a server for it.",
		Attributes: attributes,
	}
}

func backupAttribute() schema.SingleNestedAttribute {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Optional: true, Validators: []validator.String{stringvalidator.LengthAtLeast(1)}}
	}
	required := func(description string, secret bool) schema.StringAttribute {
		a := text(description)
		a.Optional, a.Required, a.Sensitive = false, true, secret
		return a
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Snapshots of etcd to an object container, by its S3 API. They stay when the cluster goes.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"container": required("Container, or bucket, for the snapshots.", false),
			"schedule": schema.StringAttribute{
				MarkdownDescription: "When to make them, in cron's five fields; `0 */6 * * *` when not set.",
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString("0 */6 * * *"),
				Validators:          []validator.String{attribute.Obeys("must be a schedule", kubernetes.ValidateSchedule)},
			},
			"retention": schema.Int64Attribute{
				MarkdownDescription: "How many to keep; 20 when not set.",
				Optional:            true,
				Computed:            true,
				Default:             int64default.StaticInt64(20),
				Validators:          []validator.Int64{int64validator.AtLeast(1)},
			},
			"folder":     text("Folder in the container; the cluster's name when not set."),
			"endpoint":   text("URL of the S3 API; that of the object storage service when not set."),
			"s3_region":  text("Region as the S3 API calls it."),
			"access_key": required("Access key, such as `massif_ec2_credential.x.access`. Changed in place.", false),
			"secret_key": required("Secret key, such as `massif_ec2_credential.x.secret`. Changed in place.", true),
		},
	}
}

// Create makes what everything else is founded on before the first request, so that
// the state has it whatever fails afterwards.
func (h cluster) Create(ctx context.Context, cloud *openstack.Cloud, m *clusterModel) error {
	id, err := uuid.GenerateUUID()
	if err != nil {
		return fmt.Errorf("generate an id: %w", err)
	}
	bundle, err := kubernetes.NewBundle(m.Name.ValueString(), time.Now())
	if err != nil {
		return err
	}
	secrets, err := json.Marshal(bundle)
	if err != nil {
		return fmt.Errorf("encode the cluster's secrets: %w", err)
	}
	m.ID = types.StringValue(id)
	m.Secrets = types.StringValue(string(secrets))
	m.CACertificate = types.StringValue(bundle.ServerCA.Certificate)
	if err := m.issue(bundle); err != nil {
		return err
	}
	site, err := survey(ctx, cloud, m)
	if err != nil {
		return err
	}
	if err := site.found(ctx); err != nil {
		if value.Known(m.VIPAddress) {
			warnTainted(ctx, "cluster")
		}
		return err
	}
	h.known.put(m.ID, m.Join)
	return nil
}

// warnTainted tells what becomes of what a failed create has made.
func warnTainted(ctx context.Context, noun string) {
	lifecycle.Warn(ctx, "The "+noun+" is incomplete", "What was made so far is kept and marked as tainted: the next apply removes it and begins again. "+
		"If it works and only needs to be completed, run `terraform untaint` before that.")
}

// issue makes a new certificate for the administrators.
func (m *clusterModel) issue(bundle *kubernetes.Bundle) error {
	admin, err := bundle.NewAdminCertificate(time.Now())
	if err != nil {
		return err
	}
	expiry, err := kubernetes.CertificateExpiry(admin.Certificate)
	if err != nil {
		return err
	}
	m.ClientCertificate = types.StringValue(admin.Certificate)
	m.ClientKey = types.StringValue(admin.Key)
	m.ClientCertificateExpiry = types.StringValue(expiry.Format(time.RFC3339))
	return nil
}

func (m *clusterModel) bundle() (*kubernetes.Bundle, error) {
	bundle, err := readBundle(m.Secrets)
	if err != nil {
		return nil, errors.New("the state has no secrets of this cluster; they are made with the cluster and cannot be had from it")
	}
	return bundle, nil
}

func readBundle(secrets types.String) (*kubernetes.Bundle, error) {
	var bundle kubernetes.Bundle
	err := json.Unmarshal([]byte(secrets.ValueString()), &bundle)
	if err == nil && bundle.ClientCA.Key == "" {
		err = errors.New("no key of an authority")
	}
	return &bundle, err
}

// publish completes what is computed from the endpoint, the secrets and the version.
func (m *clusterModel) publish(ctx context.Context, bundle *kubernetes.Bundle, version kubernetes.Version) error {
	token, err := bundle.AgentToken()
	if err != nil {
		return err
	}
	join := joinModel{
		ClusterName: m.Name, KubernetesVersion: m.KubernetesVersion, CloudProvider: m.CloudProvider,
		Registration: types.StringValue(endpoint(m.VIPAddress.ValueString(), version.Distribution.RegistrationPort())),
		Token:        types.StringValue(token), Endpoint: m.Endpoint, CertificateAuthority: m.CACertificate,
		ClientCertificate: m.ClientCertificate, ClientKey: m.ClientKey,
	}
	config, err := join.access().Kubeconfig(m.Name.ValueString() + "-admin")
	if err != nil {
		return err
	}
	m.Kubeconfig = types.StringValue(config)
	m.Join, err = join.object(ctx)
	return err
}

func (h cluster) Read(ctx context.Context, cloud *openstack.Cloud, m *clusterModel) error {
	found, err := clusters.Read(ctx, cloud, m.ID.ValueString())
	if err != nil {
		return err
	}
	alive, _ := fleet.Split(found.Of(controlPlane))
	tree, err := h.readEntrance(ctx, cloud, m)
	if err != nil {
		return err
	}
	// One whose making was interrupted is never taken to be gone: its deletion looks for what there is.
	if len(alive) == 0 && tree == nil && !m.Join.IsNull() {
		if err := whetherGone(ctx, cloud, m.ID.ValueString()); err != nil {
			return err
		}
	}
	if value.Known(m.FloatingIP) {
		if err := checkFloatingIP(ctx, cloud, m.Name.ValueString(), m.FloatingIP.ValueString(), m.VIPAddress.ValueString()); err != nil {
			return err
		}
	}
	if m.ControlPlane, err = withSize(ctx, m.ControlPlane, len(alive)); err != nil {
		return err
	}
	spec, err := m.spec(ctx)
	if err != nil {
		return err
	}
	m.NodeNames = value.List(fleet.Names(alive))
	m.OutdatedNodeNames = value.List(fleet.Outdated(alive, spec))
	h.known.put(m.ID, m.Join)
	if m.WaitFor.ValueString() == waitReady && len(alive) > 0 && value.Known(m.Join) {
		join, err := decode[joinModel](ctx, m.Join)
		if err != nil {
			return err
		}
		checkHealth(ctx, join.access(), fleet.Names(alive))
	}
	return nil
}

// readEntrance reads the load balancer; when it is gone, its id is forgotten, so that
// the plan shows it and the next apply makes it again.
func (cluster) readEntrance(ctx context.Context, cloud *openstack.Cloud, m *clusterModel) (*loadbalancer.Tree, error) {
	if !value.Known(m.LoadBalancerID) {
		return nil, nil //nolint:nilnil // none was made
	}
	subnet, err := openstack.Get(ctx, cloud, subnetReads, m.SubnetID.ValueString())
	if err != nil && !openstack.NotFound(err) {
		return nil, fmt.Errorf("read subnet %s: %w", m.SubnetID.ValueString(), err)
	}
	api, err := decode[apiModel](ctx, m.API)
	if err != nil {
		return nil, err
	}
	version, err := kubernetes.ParseVersion(m.KubernetesVersion.ValueString())
	if err != nil {
		return nil, err
	}
	wanted := entrance{
		name: m.Name.ValueString(), distribution: version.Distribution, subnet: subnet,
		allowedCIDRs: value.Strings(api.AllowedCIDRs), nodeCIDRs: nodeCIDRs(api),
	}
	tree, err := loadbalancer.Read(ctx, cloud, m.LoadBalancerID.ValueString(), wanted.spec())
	if openstack.NotFound(err) {
		m.LoadBalancerID = types.StringNull()
		return nil, nil //nolint:nilnil // it is gone
	}
	if err != nil {
		return nil, err
	}
	actual := tree.Spec().Listeners[apiKey].AllowedCIDRs
	if sameSet(actual, wanted.spec().Listeners[apiKey].AllowedCIDRs) {
		return tree, nil
	}
	nodes := wanted.nodes()
	api.AllowedCIDRs = value.SetOrNull(slices.DeleteFunc(slices.Clone(actual), func(cidr string) bool { return slices.Contains(nodes, cidr) }))
	if m.API.IsNull() {
		api.NodeCIDRs = types.SetNull(types.StringType)
	}
	object, diags := types.ObjectValueFrom(ctx, apiTypes(), api)
	m.API = object
	return tree, failure(diags)
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// nodeCIDRs are nil when the user says nothing.
func nodeCIDRs(api apiModel) []string {
	if api.NodeCIDRs.IsNull() || api.NodeCIDRs.IsUnknown() {
		return nil
	}
	return append([]string{}, value.Strings(api.NodeCIDRs)...)
}

// whetherGone is openstack.ErrGone when nothing of a cluster without servers and load
// balancer is left that Delete would have to remove.
func whetherGone(ctx context.Context, cloud *openstack.Cloud, id string) error {
	g := fleet.Group{Cloud: cloud, Kind: clusters, Owner: id, Mark: clusters.Tag + id}
	ports, err := g.ListPorts(ctx)
	if err != nil {
		return err
	}
	ips, err := findFloatingIP(ctx, cloud, g.Mark)
	if err != nil {
		return err
	}
	balancers, err := loadBalancersOf(ctx, cloud, id)
	if err != nil {
		return err
	}
	if len(ports)+len(ips)+len(balancers) == 0 {
		return fmt.Errorf("cluster %s: %w", id, openstack.ErrGone)
	}
	return nil
}

func (h cluster) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *clusterModel) error {
	bundle, err := plan.bundle()
	if err != nil {
		return err
	}
	if plan.ClientCertificate.IsUnknown() {
		if err := plan.issue(bundle); err != nil {
			return err
		}
	}
	site, err := survey(ctx, cloud, plan)
	if err != nil {
		return err
	}
	if err := site.mend(ctx, prior); err != nil {
		return err
	}
	h.known.put(plan.ID, plan.Join)
	return nil
}

// Delete removes the servers and the load balancer at once: nothing is drained, for nothing is left to run on.
func (cluster) Delete(ctx context.Context, cloud *openstack.Cloud, m *clusterModel) error {
	return demolish(ctx, cloud, m)
}

// Import is refused: a cluster without its authorities' keys could neither grow nor give a kubeconfig.
func (cluster) Import(context.Context, *openstack.Cloud, string, *clusterModel) error {
	return errors.New("a cluster cannot be imported: the keys of its authorities are only in the state of the configuration that made it. " +
		"Move it from there with `terraform state mv -state-out=FILE` or keep that state")
}

func parsePrefix(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return prefix, fmt.Errorf("%q is not in CIDR notation, such as 10.42.0.0/16", text)
	}
	if prefix.Masked() != prefix {
		return prefix, fmt.Errorf("%q is an address inside %s", text, prefix.Masked())
	}
	return prefix, nil
}
