package network

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// externalNetwork finds the id of an external network that is given by its name or id.
func externalNetwork(ctx context.Context, cloud *openstack.Cloud, nameOrID string) (string, error) {
	found, err := lookup.ExternalNetwork(ctx, cloud, nameOrID)
	return found.ID, lifecycle.At(path.Root("external_network"), err)
}

// planExternalNetwork decides what a changed external_network means: a name and an id may be the same network. It
// returns whether another network is meant, which is taken for granted as long as the cloud cannot be asked.
func planExternalNetwork(ctx context.Context, cloud *openstack.Cloud, plan, prior, priorID types.String) (changed bool, id types.String, err error) {
	switch {
	case plan.Equal(prior):
		return false, priorID, nil
	case plan.IsNull():
		return true, types.StringNull(), nil
	case plan.IsUnknown() || cloud == nil:
		return true, types.StringUnknown(), nil
	}
	found, err := externalNetwork(ctx, cloud, plan.ValueString())
	if err != nil {
		return false, types.StringUnknown(), err
	}
	return found != priorID.ValueString(), types.StringValue(found), nil
}

// flattenExternalNetwork keeps the name that the configuration uses as long as it means the same network. Where nothing
// is configured yet (import) it is the network's name when the network can be seen, as most people write it.
func flattenExternalNetwork(ctx context.Context, cloud *openstack.Cloud, configured, priorID types.String, id string) (nameOrID, networkID types.String, err error) {
	if id == "" {
		return types.StringNull(), types.StringNull(), nil
	}
	networkID = types.StringValue(id)
	if value.Known(configured) && (priorID.ValueString() == id || configured.ValueString() == id) {
		return configured, networkID, nil
	}
	found, err := networks.get(ctx, cloud, id)
	if openstack.NotFound(err) || openstack.Forbidden(err) || (err == nil && found.Name == "") {
		return networkID, networkID, nil
	}
	if err != nil {
		return configured, networkID, fmt.Errorf("find the external network: %w", err)
	}
	return types.StringValue(found.Name), networkID, nil
}
