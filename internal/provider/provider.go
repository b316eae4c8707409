// Package provider is the provider itself: its configuration and the list of its types.
package provider

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/functions"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/services/blockstorage"
	"github.com/massif-cloud/terraform-provider-massif/internal/services/cluster"
	"github.com/massif-cloud/terraform-provider-massif/internal/services/compute"
	"github.com/massif-cloud/terraform-provider-massif/internal/services/dns"
	"github.com/massif-cloud/terraform-provider-massif/internal/services/identity"
	"github.com/massif-cloud/terraform-provider-massif/internal/services/keymanager"
	"github.com/massif-cloud/terraform-provider-massif/internal/services/loadbalancer"
	"github.com/massif-cloud/terraform-provider-massif/internal/services/network"
	"github.com/massif-cloud/terraform-provider-massif/internal/services/objectstorage"
	"github.com/massif-cloud/terraform-provider-massif/internal/services/reverseproxy"
)

// Address is where registries know the provider.
const Address = "registry.terraform.io/massif-cloud/massif"

type massif struct {
	version string
}

var (
	_ provider.ProviderWithActions            = (*massif)(nil)
	_ provider.ProviderWithEphemeralResources = (*massif)(nil)
	_ provider.ProviderWithFunctions          = (*massif)(nil)
	_ provider.ProviderWithListResources      = (*massif)(nil)
)

// New returns the constructor of the provider for a version of this program.
func New(version string) func() provider.Provider {
	return func() provider.Provider { return &massif{version: version} }
}

func (p *massif) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "massif"
	resp.Version = p.version
}

func (p *massif) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = Schema()
}

func (p *massif) Resources(context.Context) []func() resource.Resource {
	return slices.Concat(
		blockstorage.Resources(),
		cluster.Resources(),
		compute.Resources(),
		dns.Resources(),
		identity.Resources(),
		keymanager.Resources(),
		loadbalancer.Resources(),
		network.Resources(),
		objectstorage.Resources(),
		reverseproxy.Resources(),
	)
}

func (p *massif) Functions(context.Context) []func() function.Function { return functions.All() }

func (p *massif) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return slices.Concat(
		cluster.EphemeralResources(),
		identity.EphemeralResources(),
		keymanager.EphemeralResources(),
		objectstorage.EphemeralResources(),
	)
}

func (p *massif) DataSources(context.Context) []func() datasource.DataSource {
	return slices.Concat(
		blockstorage.DataSources(),
		compute.DataSources(),
		dns.DataSources(),
		identity.DataSources(),
		keymanager.DataSources(),
		loadbalancer.DataSources(),
		network.DataSources(),
		objectstorage.DataSources(),
	)
}

func (p *massif) ListResources(ctx context.Context) []func() list.ListResource {
	return lifecycle.ListResources(p.Resources(ctx))
}

func (p *massif) Actions(context.Context) []func() action.Action {
	return slices.Concat(
		compute.Actions(),
		loadbalancer.Actions(),
	)
}
