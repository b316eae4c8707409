// Package inventory lists what there is in a project of a cloud, to tell after a destroy whether something was left.
package inventory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// Object is something in a project.
type Object struct {
	Collection  string // where it is listed: "networks"
	ID          string // of a container or a key pair its name, of an EC2 credential its access key
	Name        string
	Description string
}

func (o Object) String() string {
	return fmt.Sprintf("%s %s %q %s", o.Collection, o.ID, o.Name, o.Description)
}

// collections are the lists in which what the provider makes shows.
var collections = []struct {
	service func(*openstack.Cloud) (*gophercloud.ServiceClient, error)
	path    string
}{
	{(*openstack.Cloud).LoadBalancer, "lbaas/loadbalancers"},
	{(*openstack.Cloud).Compute, "servers/detail"},
	{(*openstack.Cloud).Compute, "os-keypairs"},
	{(*openstack.Cloud).Compute, "os-server-groups"},
	{(*openstack.Cloud).BlockStorage, "volumes/detail"},
	{(*openstack.Cloud).BlockStorage, "snapshots/detail"},
	{(*openstack.Cloud).Network, "floatingips"},
	{(*openstack.Cloud).Network, "ports"},
	{(*openstack.Cloud).Network, "routers"},
	{(*openstack.Cloud).Network, "subnets"},
	{(*openstack.Cloud).Network, "networks"},
	{(*openstack.Cloud).Network, "security-groups"},
	{(*openstack.Cloud).Network, "address-groups"},
	{(*openstack.Cloud).Network, "subnetpools"},
	{(*openstack.Cloud).Network, "address-scopes"},
	{(*openstack.Cloud).ObjectStorage, "?format=json"},
	{(*openstack.Cloud).KeyManager, "secrets?limit=100"},
	{(*openstack.Cloud).KeyManager, "containers?limit=100"},
	{(*openstack.Cloud).DNS, "zones?limit=1000"},
	{(*openstack.Cloud).Identity, "users/" + user + "/application_credentials"},
	{(*openstack.Cloud).Identity, "users/" + user + "/credentials/OS-EC2"},
}

// user stands for the user's id in a path.
const user = "{user}"

// Of lists the objects that the cloud shows, those that other projects share included.
func Of(ctx context.Context, cloud *openstack.Cloud) ([]Object, error) {
	var all []Object
	var errs []error
	for _, c := range collections {
		client, err := c.service(cloud)
		if err != nil {
			continue // a cloud without the service has nothing in it
		}
		var body any
		_, err = client.Get(ctx, client.ServiceURL(strings.ReplaceAll(c.path, user, cloud.UserID())), &body, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusNoContent}})
		if err != nil {
			errs = append(errs, fmt.Errorf("list %s: %w", c.path, err))
			continue
		}
		all = append(all, objects(c.path, body)...)
	}
	return all, errors.Join(errs...)
}

// goesWithin is how long Nova, Octavia and Swift may take for what they remove in the background.
const goesWithin = 2 * time.Minute

// Empty asks what is left until that is nothing. The error lists what stays.
func Empty(ctx context.Context, left func(context.Context) ([]string, error)) error {
	ctx, cancel := context.WithTimeout(ctx, goesWithin)
	defer cancel()
	for {
		stays, err := left(ctx)
		if err == nil && len(stays) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, fmt.Errorf("left in the cloud:\n  %s", strings.Join(stays, "\n  ")))
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// objects finds the objects in a list, whatever envelope the service puts around them.
func objects(collection string, body any) []Object {
	var found []Object
	switch body := body.(type) {
	case []any:
		for _, e := range body {
			found = append(found, objects(collection, e)...)
		}
	case map[string]any:
		text := func(key string) string { s, _ := body[key].(string); return s }
		id := cmp.Or(text("id"), text("access"), text("name"))
		if id == "" {
			for _, e := range body {
				found = append(found, objects(collection, e)...)
			}
			break
		}
		found = append(found, Object{Collection: collection, ID: id, Name: text("name"), Description: text("description")})
	}
	return found
}
