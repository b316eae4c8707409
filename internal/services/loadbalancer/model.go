package loadbalancer

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

type model struct {
	lifecycle.Object

	Name                 types.String `tfsdk:"name"`
	Description          types.String `tfsdk:"description"`
	VIPSubnetID          types.String `tfsdk:"vip_subnet_id"`
	VIPNetworkID         types.String `tfsdk:"vip_network_id"`
	VIPPortID            types.String `tfsdk:"vip_port_id"`
	VIPAddress           types.String `tfsdk:"vip_address"`
	AdminStateUp         types.Bool   `tfsdk:"admin_state_up"`
	Tags                 types.Set    `tfsdk:"tags"`
	LoadBalancerProvider types.String `tfsdk:"loadbalancer_provider"`
	FlavorID             types.String `tfsdk:"flavor_id"`
	AvailabilityZone     types.String `tfsdk:"availability_zone"`
	ExternalNetwork      types.String `tfsdk:"external_network"`
	FloatingIPID         types.String `tfsdk:"floating_ip_id"`
	FloatingIPAddress    types.String `tfsdk:"floating_ip_address"`
	ProvisioningStatus   types.String `tfsdk:"provisioning_status"`
	OperatingStatus      types.String `tfsdk:"operating_status"`
	Listeners            types.Map    `tfsdk:"listeners"`
	Pools                types.Map    `tfsdk:"pools"`

	// tree is what Create and Update know already, so that it need not be read again.
	tree    *engine.Tree
	settled bool
}

type listenerModel struct {
	Protocol             types.String `tfsdk:"protocol"`
	Port                 types.Int64  `tfsdk:"port"`
	DefaultPool          types.String `tfsdk:"default_pool"`
	Description          types.String `tfsdk:"description"`
	AdminStateUp         types.Bool   `tfsdk:"admin_state_up"`
	ConnectionLimit      types.Int64  `tfsdk:"connection_limit"`
	AllowedCIDRs         types.Set    `tfsdk:"allowed_cidrs"`
	InsertHeaders        types.Map    `tfsdk:"insert_headers"`
	TimeoutClientData    types.Int64  `tfsdk:"timeout_client_data"`
	TimeoutMemberConnect types.Int64  `tfsdk:"timeout_member_connect"`
	TimeoutMemberData    types.Int64  `tfsdk:"timeout_member_data"`
	TimeoutTCPInspect    types.Int64  `tfsdk:"timeout_tcp_inspect"`
	TLS                  types.Object `tfsdk:"tls"`
	Routes               types.Map    `tfsdk:"routes"`
	Tags                 types.Set    `tfsdk:"tags"`
}

type listenerTLSModel struct {
	ContainerRef         types.String `tfsdk:"container_ref"`
	SNIContainerRefs     types.Set    `tfsdk:"sni_container_refs"`
	ClientAuthentication types.String `tfsdk:"client_authentication"`
	ClientCARef          types.String `tfsdk:"client_ca_container_ref"`
	ClientCRLRef         types.String `tfsdk:"client_crl_container_ref"`
	Ciphers              types.String `tfsdk:"ciphers"`
	Versions             types.Set    `tfsdk:"versions"`
	ALPNProtocols        types.Set    `tfsdk:"alpn_protocols"`
}

type routeModel struct {
	Position         types.Int64  `tfsdk:"position"`
	RedirectPool     types.String `tfsdk:"redirect_pool"`
	RedirectURL      types.String `tfsdk:"redirect_url"`
	RedirectPrefix   types.String `tfsdk:"redirect_prefix"`
	Reject           types.Bool   `tfsdk:"reject"`
	RedirectHTTPCode types.Int64  `tfsdk:"redirect_http_code"`
	Rules            types.List   `tfsdk:"rules"`
	Description      types.String `tfsdk:"description"`
	AdminStateUp     types.Bool   `tfsdk:"admin_state_up"`
	Tags             types.Set    `tfsdk:"tags"`
}

type ruleModel struct {
	Type        types.String `tfsdk:"type"`
	CompareType types.String `tfsdk:"compare_type"`
	Key         types.String `tfsdk:"key"`
	Value       types.String `tfsdk:"value"`
	Invert      types.Bool   `tfsdk:"invert"`
}

type poolModel struct {
	Protocol           types.String `tfsdk:"protocol"`
	Algorithm          types.String `tfsdk:"algorithm"`
	SessionPersistence types.Object `tfsdk:"session_persistence"`
	TLS                types.Object `tfsdk:"tls"`
	Members            types.Map    `tfsdk:"members"`
	Monitor            types.Object `tfsdk:"monitor"`
	Description        types.String `tfsdk:"description"`
	AdminStateUp       types.Bool   `tfsdk:"admin_state_up"`
	Tags               types.Set    `tfsdk:"tags"`
}

type persistenceModel struct {
	Type        types.String `tfsdk:"type"`
	CookieName  types.String `tfsdk:"cookie_name"`
	Timeout     types.Int64  `tfsdk:"timeout"`
	Granularity types.String `tfsdk:"granularity"`
}

type poolTLSModel struct {
	ContainerRef  types.String `tfsdk:"container_ref"`
	CARef         types.String `tfsdk:"ca_container_ref"`
	CRLRef        types.String `tfsdk:"crl_container_ref"`
	Ciphers       types.String `tfsdk:"ciphers"`
	Versions      types.Set    `tfsdk:"versions"`
	ALPNProtocols types.Set    `tfsdk:"alpn_protocols"`
}

type memberModel struct {
	Address        types.String `tfsdk:"address"`
	Port           types.Int64  `tfsdk:"port"`
	SubnetID       types.String `tfsdk:"subnet_id"`
	Weight         types.Int64  `tfsdk:"weight"`
	Backup         types.Bool   `tfsdk:"backup"`
	MonitorAddress types.String `tfsdk:"monitor_address"`
	MonitorPort    types.Int64  `tfsdk:"monitor_port"`
	AdminStateUp   types.Bool   `tfsdk:"admin_state_up"`
	Tags           types.Set    `tfsdk:"tags"`
}

type monitorModel struct {
	Type           types.String `tfsdk:"type"`
	Delay          types.Int64  `tfsdk:"delay"`
	Timeout        types.Int64  `tfsdk:"timeout"`
	MaxRetries     types.Int64  `tfsdk:"max_retries"`
	MaxRetriesDown types.Int64  `tfsdk:"max_retries_down"`
	HTTPMethod     types.String `tfsdk:"http_method"`
	URLPath        types.String `tfsdk:"url_path"`
	ExpectedCodes  types.String `tfsdk:"expected_codes"`
	HTTPVersion    types.String `tfsdk:"http_version"`
	DomainName     types.String `tfsdk:"domain_name"`
	AdminStateUp   types.Bool   `tfsdk:"admin_state_up"`
}

// elements decodes the objects of a map that are known; what is in them may be unknown.
func elements[T any](ctx context.Context, m types.Map) (map[string]T, error) {
	out := map[string]T{}
	for key, e := range m.Elements() {
		object, ok := e.(types.Object)
		if !ok {
			continue
		}
		decoded, err := single[T](ctx, object)
		if err != nil {
			return nil, err
		}
		if decoded != nil {
			out[key] = *decoded
		}
	}
	return out, nil
}

// items decodes the objects of a list that are known. Those that are not are left as zero.
func items[T any](ctx context.Context, l types.List) ([]T, error) {
	out := make([]T, len(l.Elements()))
	for i, e := range l.Elements() {
		object, ok := e.(types.Object)
		if !ok {
			continue
		}
		decoded, err := single[T](ctx, object)
		if err != nil {
			return nil, err
		}
		if decoded != nil {
			out[i] = *decoded
		}
	}
	return out, nil
}

// single decodes an object, or returns nil when it is null or unknown.
func single[T any](ctx context.Context, o types.Object) (*T, error) {
	if !value.Known(o) {
		return nil, nil //nolint:nilnil // no object is an answer
	}
	var out T
	if diags := o.As(ctx, &out, basetypes.ObjectAsOptions{}); diags.HasError() {
		return nil, broken(diags)
	}
	return &out, nil
}

// broken says that schema and model disagree, which only a defect of the provider can cause.
func broken(diags diag.Diagnostics) error {
	var errs []error
	for _, d := range diags.Errors() {
		errs = append(errs, fmt.Errorf("%s: %s", d.Summary(), d.Detail()))
	}
	return errors.Join(errs...)
}
