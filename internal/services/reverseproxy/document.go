package reverseproxy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

type nodesModel struct {
	Flavor            types.String `tfsdk:"flavor"`
	Image             types.String `tfsdk:"image"`
	Count             types.Int64  `tfsdk:"count"`
	Min               types.Int64  `tfsdk:"min"`
	Max               types.Int64  `tfsdk:"max"`
	Volume            types.Object `tfsdk:"volume"`
	KeyPair           types.String `tfsdk:"key_pair"`
	AvailabilityZones types.List   `tfsdk:"availability_zones"`
}

type volumeModel struct {
	Size types.Int64  `tfsdk:"size"`
	Type types.String `tfsdk:"type"`
}

type binaryModel struct {
	URL    types.String `tfsdk:"url"`
	SHA256 types.String `tfsdk:"sha256"`
}

type dnsModel struct {
	ZoneID types.String `tfsdk:"zone_id"`
	Names  types.Set    `tfsdk:"names"`
	TTL    types.Int64  `tfsdk:"ttl"`
}

type upstreamModel struct {
	Targets          types.Map    `tfsdk:"targets"`
	CanaryBy         types.String `tfsdk:"canary_by"`
	HostHeader       types.String `tfsdk:"host_header"`
	RewriteResponses types.Bool   `tfsdk:"rewrite_responses"`
	RewriteBodyTypes types.List   `tfsdk:"rewrite_body_types"`
	RequestHeaders   types.Map    `tfsdk:"request_headers"`
	ResponseHeaders  types.Map    `tfsdk:"response_headers"`
	HealthCheck      types.Object `tfsdk:"health_check"`
	Retries          types.Int64  `tfsdk:"retries"`
	ConnectTimeout   types.String `tfsdk:"connect_timeout"`
	ResponseTimeout  types.String `tfsdk:"response_timeout"`
	TLS              types.Object `tfsdk:"tls"`
}

type targetModel struct {
	URL    types.String `tfsdk:"url"`
	Weight types.Int64  `tfsdk:"weight"`
}

type healthModel struct {
	Path     types.String `tfsdk:"path"`
	Interval types.String `tfsdk:"interval"`
	Timeout  types.String `tfsdk:"timeout"`
	Status   types.Int64  `tfsdk:"status"`
}

type upstreamTLSModel struct {
	ServerName types.String `tfsdk:"server_name"`
	Insecure   types.Bool   `tfsdk:"insecure"`
	CA         types.String `tfsdk:"ca"`
}

type tlsModel struct {
	ACME         types.Object `tfsdk:"acme"`
	HSTS         types.Object `tfsdk:"hsts"`
	RedirectHTTP types.Bool   `tfsdk:"redirect_http"`
}

type acmeModel struct {
	Email     types.String `tfsdk:"email"`
	Directory types.String `tfsdk:"directory"`
	OnDemand  types.Bool   `tfsdk:"on_demand"`
	CA        types.String `tfsdk:"ca"`
}

type hstsModel struct {
	MaxAge            types.String `tfsdk:"max_age"`
	IncludeSubdomains types.Bool   `tfsdk:"include_subdomains"`
	Preload           types.Bool   `tfsdk:"preload"`
}

// document is the configuration that nodes read.
func (m *proxyModel) document(ctx context.Context) (documents.Config, error) {
	config := documents.Config{Upstreams: map[string]documents.Upstream{}, AccessLog: documents.AccessLog{Disabled: value.Known(m.AccessLog) && !m.AccessLog.ValueBool()}}
	var upstreams map[string]upstreamModel
	if err := failure(m.Upstreams.ElementsAs(ctx, &upstreams, false)); err != nil {
		return config, err
	}
	for name, u := range upstreams {
		upstream, err := u.upstream(ctx)
		if err != nil {
			return config, err
		}
		config.Upstreams[name] = upstream
	}
	var err error
	config.TLS, err = m.tls(ctx)
	return config, err
}

func (u upstreamModel) upstream(ctx context.Context) (documents.Upstream, error) {
	upstream := documents.Upstream{
		Targets: map[string]documents.Target{}, CanaryBy: documents.CanaryBy(u.CanaryBy.ValueString()), HostHeader: u.HostHeader.ValueString(),
		RewriteResponses: u.RewriteResponses.ValueBool(), RewriteBodyTypes: value.Strings(u.RewriteBodyTypes),
		RequestHeaders: value.StringMap(u.RequestHeaders), ResponseHeaders: value.StringMap(u.ResponseHeaders), Retries: value.IntPtr(u.Retries),
		Timeouts: documents.Timeouts{Connect: duration(u.ConnectTimeout), Response: duration(u.ResponseTimeout)},
	}
	var targets map[string]targetModel
	if err := failure(u.Targets.ElementsAs(ctx, &targets, false)); err != nil {
		return upstream, err
	}
	for name, t := range targets {
		weight := 1
		if value.Known(t.Weight) {
			weight = int(t.Weight.ValueInt64())
		}
		upstream.Targets[name] = documents.Target{URL: t.URL.ValueString(), Weight: weight}
	}
	if value.Known(u.HealthCheck) {
		check, err := decode[healthModel](ctx, u.HealthCheck)
		if err != nil {
			return upstream, err
		}
		upstream.HealthCheck = &documents.HealthCheck{
			Path: check.Path.ValueString(), Interval: duration(check.Interval), Timeout: duration(check.Timeout), Status: int(check.Status.ValueInt64()),
		}
	}
	if value.Known(u.TLS) {
		tls, err := decode[upstreamTLSModel](ctx, u.TLS)
		if err != nil {
			return upstream, err
		}
		upstream.TLS = &documents.UpstreamTLS{ServerName: tls.ServerName.ValueString(), Insecure: tls.Insecure.ValueBool(), CA: tls.CA.ValueString()}
	}
	return upstream, nil
}

func (m *proxyModel) tls(ctx context.Context) (documents.TLS, error) {
	tls, err := decode[tlsModel](ctx, m.TLS)
	if err != nil {
		return documents.TLS{}, err
	}
	out := documents.TLS{RedirectHTTP: tls.RedirectHTTP.ValueBool()}
	if value.Known(tls.ACME) {
		acme, err := decode[acmeModel](ctx, tls.ACME)
		if err != nil {
			return out, err
		}
		out.ACME = &documents.ACME{
			Email: acme.Email.ValueString(), Directory: acme.Directory.ValueString(), OnDemand: acme.OnDemand.ValueBool(), CA: acme.CA.ValueString(),
		}
	}
	if value.Known(tls.HSTS) {
		hsts, err := decode[hstsModel](ctx, tls.HSTS)
		if err != nil {
			return out, err
		}
		out.HSTS = &documents.HSTS{MaxAge: duration(hsts.MaxAge), IncludeSubdomains: hsts.IncludeSubdomains.ValueBool(), Preload: hsts.Preload.ValueBool()}
	}
	return out, nil
}

// duration is 0 for what is not set; the schema holds that it can be read.
func duration(text types.String) documents.Duration {
	d, err := time.ParseDuration(text.ValueString())
	if err != nil {
		return 0
	}
	return documents.Duration(d)
}

// configPath leads from a problem of the document to the attribute, whose names are nearly the same.
func configPath(problem []string) path.Path {
	if len(problem) == 0 {
		return path.Root("upstreams")
	}
	at := path.Root(problem[0])
	rest := problem[1:]
	for i, step := range rest {
		switch {
		case problem[0] != "upstreams":
			at = at.AtName(step)
		case i == 0, i > 0 && (rest[i-1] == "targets" || rest[i-1] == "request_headers" || rest[i-1] == "response_headers"):
			at = at.AtMapKey(step)
		case i > 0 && rest[i-1] == "rewrite_body_types":
			if n, err := strconv.Atoi(step); err == nil {
				at = at.AtListIndex(n)
			}
		case step == "timeouts":
		case i > 0 && rest[i-1] == "timeouts":
			at = at.AtName(step + "_timeout")
		default:
			at = at.AtName(step)
		}
	}
	return at
}

// spec is the hash of what a node is made from: a node of another one is replaced.
func (m *proxyModel) spec(ctx context.Context) (string, error) {
	nodes, err := decode[nodesModel](ctx, m.Nodes)
	if err != nil {
		return "", err
	}
	volume, err := decode[volumeModel](ctx, nodes.Volume)
	if err != nil {
		return "", err
	}
	binary, err := decode[binaryModel](ctx, m.Binary)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal([]string{
		nodes.Flavor.ValueString(), nodes.Image.ValueString(), fmt.Sprint(volume.Size.ValueInt64()), volume.Type.ValueString(), nodes.KeyPair.ValueString(),
		binary.URL.ValueString(), binary.SHA256.ValueString(), m.CredentialID.ValueString(),
	})
	if err != nil {
		return "", fmt.Errorf("describe the nodes: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}
