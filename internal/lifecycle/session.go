package lifecycle

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// session is the provider's cloud, nil until the provider is configured.
type session struct {
	cloud *openstack.Cloud
}

// configure takes what the provider hands to its resources and data sources.
func (s *session) configure(providerData any, diags *diag.Diagnostics) {
	cloud, err := CloudOf(providerData)
	if err != nil {
		diags.AddError("Could not configure the resource", err.Error())
		return
	}
	s.cloud = cloud
}

// CloudOf returns the cloud that the provider handed over, or nil when it is not configured yet.
func CloudOf(providerData any) (*openstack.Cloud, error) {
	if providerData == nil {
		return nil, nil //nolint:nilnil // validation runs before the provider is configured
	}
	cloud, ok := providerData.(*openstack.Cloud)
	if !ok {
		return nil, fmt.Errorf("this is a defect of the provider: it handed over a %T", providerData)
	}
	return cloud, nil
}

// in returns the cloud of a region; null is the provider's own.
func (s *session) in(region types.String) (*openstack.Cloud, error) {
	if s.cloud == nil {
		return nil, fmt.Errorf("the provider is not configured; its configuration must be known before this")
	}
	cloud, err := s.cloud.In(region.ValueString())
	return cloud, At(path.Root("region"), err)
}

// within does something in a region and in a limited time, and shows the warnings that this raises.
func (s *session) within(ctx context.Context, limit time.Duration, region types.String, diags *diag.Diagnostics,
	do func(context.Context, *openstack.Cloud) error,
) (*openstack.Cloud, error) {
	ctx, warned := withWarnings(ctx)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cloud, err := s.in(region)
	if err == nil {
		err = do(ctx, cloud)
	}
	diags.Append(warned.all()...)
	return cloud, err
}
