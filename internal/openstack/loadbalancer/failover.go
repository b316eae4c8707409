package loadbalancer

import (
	"context"
	"fmt"
	"net/http"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// Failover replaces the servers in which a load balancer runs, one after the other, and returns when it is usable
// again.
func Failover(ctx context.Context, cloud *openstack.Cloud, id string) error {
	unlock, err := lock(ctx, cloud, id)
	if err != nil {
		return err
	}
	defer unlock()
	tree, err := openstack.Get(ctx, cloud, collection(cloud, loadBalancers, func(t Tree) string { return t.ID }), id)
	if err != nil {
		return fmt.Errorf("read load balancer %s: %w", id, err)
	}
	if tree.ProvisioningStatus != statusActive && tree.ProvisioningStatus != statusError { // a failover repairs the latter
		if err := waitUsable(ctx, cloud, &tree); err != nil {
			return err
		}
	}
	client, err := cloud.LoadBalancer()
	if err != nil {
		return err //nolint:wrapcheck // it says all
	}
	err = request(ctx, client, http.MethodPut, client.ServiceURL("lbaas", loadBalancers.path, id, "failover"), nil, nil)
	fault, refused := openstack.FaultOf(err)
	switch {
	case refused && fault.Status == http.StatusForbidden:
		return fmt.Errorf("fail over load balancer %q: most clouds let only those do it who have the role load-balancer_admin, which their operators can give: %w", tree.Name, err)
	case refused && (fault.Status == http.StatusNotImplemented || fault.Status == http.StatusBadRequest):
		return fmt.Errorf("fail over load balancer %q: its provider %s has no servers of its own that could be replaced, as only amphora has: %w", tree.Name, tree.Provider, err)
	case err != nil:
		return fmt.Errorf("fail over load balancer %q: %w", tree.Name, err)
	}
	return waitUsable(ctx, cloud, &tree)
}
