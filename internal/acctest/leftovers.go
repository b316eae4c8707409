package acctest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// collections are the lists in which a test's objects would show. An object belongs to a test when its
// name or description begins with the test's prefix.
var collections = []struct {
	service func(*openstack.Cloud) (*gophercloud.ServiceClient, error)
	path    string
}{
	{(*openstack.Cloud).LoadBalancer, "lbaas/loadbalancers"},
	{(*openstack.Cloud).Compute, "servers/detail"},
	{(*openstack.Cloud).Compute, "os-keypairs"},
	{(*openstack.Cloud).Compute, "os-server-groups"},
	{(*openstack.Cloud).BlockStorage, "volumes/detail"},
	{(*openstack.Cloud).Network, "floatingips"},
	{(*openstack.Cloud).Network, "ports"},
	{(*openstack.Cloud).Network, "routers"},
	{(*openstack.Cloud).Network, "subnets"},
	{(*openstack.Cloud).Network, "networks"},
	{(*openstack.Cloud).Network, "security-groups"},
	{(*openstack.Cloud).ObjectStorage, "?format=json"},
}

func leftovers(ctx context.Context, cloud *openstack.Cloud, prefix string) ([]string, error) {
	var left []string
	var errs []error
	for _, c := range collections {
		client, err := c.service(cloud)
		if err != nil {
			continue // a cloud without the service has nothing in it
		}
		var body any
		_, err = client.Get(ctx, client.ServiceURL(c.path), &body, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusNoContent}})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, name := range named(body, prefix) {
			left = append(left, fmt.Sprintf("%s %q", c.path, name))
		}
	}
	return left, errors.Join(errs...)
}

// named returns the names and descriptions that begin with the prefix, wherever they are in a body.
func named(body any, prefix string) []string {
	var found []string
	switch body := body.(type) {
	case []any:
		for _, e := range body {
			found = append(found, named(e, prefix)...)
		}
	case map[string]any:
		for _, key := range []string{"name", "description"} {
			if s, ok := body[key].(string); ok && strings.HasPrefix(s, prefix) {
				return []string{s}
			}
		}
		for _, e := range body {
			found = append(found, named(e, prefix)...)
		}
	}
	return found
}
