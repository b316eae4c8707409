package objectstorage

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2/openstack/objectstorage/v1/containers"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

var (
	_ lifecycle.Lister                     = objectContainer{}
	_ lifecycle.StateMover[containerModel] = objectContainer{}
)

func (objectContainer) List(ctx context.Context, cloud *openstack.Cloud, _ lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	client, err := cloud.ObjectStorage()
	if err != nil {
		return nil, err
	}
	pages, err := containers.List(client, containers.ListOpts{}).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	names, err := containers.ExtractNames(pages)
	all := make([]lifecycle.Listed, 0, len(names))
	for _, name := range names {
		all = append(all, lifecycle.Listed{ID: name, Name: name})
	}
	return all, err
}

// MovesFrom names the type of the common provider.
func (objectContainer) MovesFrom() []string { return []string{"openstack_objectstorage_container_v1"} }

// MoveState takes what is in the configuration only. The source's id is the name, like ours.
func (objectContainer) MoveState(from lifecycle.MovedState, m *containerModel) error {
	m.ForceDestroy = types.BoolValue(from.Bool("force_destroy"))
	return nil
}
