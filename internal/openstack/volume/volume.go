// Package volume is what several services need of Cinder's volumes: reading many at once, waiting, growing, and what
// Cinder says when it fails.
package volume

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// The microversions of Cinder that a request needs, where 3.0 does not do.
const (
	messagesByResource = "3.5"
	extendInUse        = "3.42"
)

// The states in which Cinder does nothing with a volume or snapshot.
const (
	Available = "available"
	InUse     = "in-use"
)

// Failures are the states that a volume or snapshot leaves only by an administrator's or the user's doing.
func Failures() []string {
	return []string{"error", "error_extending", "error_restoring", "error_deleting", "error_managing", "error_backing-up"}
}

// At is the client of Cinder with another microversion.
func At(client *gophercloud.ServiceClient, microversion string) *gophercloud.ServiceClient {
	other := *client
	other.Microversion = microversion
	return &other
}

// Reads answers many reads with one list.
var Reads = openstack.Collection[volumes.Volume]{
	Name:    "volumes",
	Service: (*openstack.Cloud).BlockStorage,
	ID:      func(v volumes.Volume) string { return v.ID },
	Get: func(ctx context.Context, client *gophercloud.ServiceClient, id string) (volumes.Volume, error) {
		found, err := volumes.Get(ctx, client, id).Extract()
		if err != nil {
			return volumes.Volume{}, fmt.Errorf("read volume %s: %w", id, err)
		}
		return *found, nil
	},
	List: func(ctx context.Context, client *gophercloud.ServiceClient, _ []string) ([]volumes.Volume, error) {
		pages, err := volumes.List(client, volumes.ListOpts{}).AllPages(ctx)
		if err != nil {
			return nil, fmt.Errorf("list volumes: %w", err)
		}
		return volumes.ExtractVolumes(pages)
	},
}

// Get reads a volume.
func Get(ctx context.Context, cloud *openstack.Cloud, id string) (volumes.Volume, error) {
	return openstack.Get(ctx, cloud, Reads, id)
}

// Settled waits until Cinder does nothing with the volume any more.
func Settled(ctx context.Context, cloud *openstack.Cloud, id string) (volumes.Volume, error) {
	return openstack.Wait(ctx, openstack.Waiting[volumes.Volume]{
		What:    "volume " + id,
		Fetch:   func(ctx context.Context) (volumes.Volume, error) { return Get(ctx, cloud, id) },
		State:   func(v volumes.Volume) string { return v.Status },
		Target:  []string{Available, InUse},
		Failure: Failures(),
		Fault:   func(volumes.Volume) string { return Message(ctx, cloud, id) },
	})
}

// Grow makes a volume larger, also one that a server uses.
func Grow(ctx context.Context, cloud *openstack.Cloud, id string, size int) error {
	client, err := cloud.BlockStorage()
	if err != nil {
		return err
	}
	err = InTurn(ctx, cloud, id, func(ctx context.Context) error {
		return volumes.ExtendSize(ctx, At(client, extendInUse), id, volumes.ExtendSizeOpts{NewSize: size}).ExtractErr()
	})
	if err != nil {
		return fmt.Errorf("extend volume %s to %d GiB: %w", id, size, err)
	}
	grown, err := Settled(ctx, cloud, id)
	if err != nil {
		return err
	}
	if grown.Size < size {
		return fmt.Errorf("volume %s was not extended: it has %d GiB%s", id, grown.Size, because(Message(ctx, cloud, id)))
	}
	return nil
}

// Retype gives a volume another type; policy says whether it may move to another backend for that ("on-demand") or not
// ("never"). Cinder leaves the volume as it was when it cannot.
func Retype(ctx context.Context, cloud *openstack.Cloud, id, kind, policy string) error {
	client, err := cloud.BlockStorage()
	if err != nil {
		return err
	}
	opts := volumes.ChangeTypeOpts{NewType: kind, MigrationPolicy: volumes.MigrationPolicy(policy)}
	if err := volumes.ChangeType(ctx, client, id, opts).ExtractErr(); err != nil {
		return fmt.Errorf("change the type of volume %s to %q: %w", id, kind, err)
	}
	changed, err := Settled(ctx, cloud, id)
	if err != nil {
		return err
	}
	if changed.VolumeType != kind {
		return fmt.Errorf("volume %s could not be changed to the type %q: it is still of type %q%s", id, kind, changed.VolumeType, because(Message(ctx, cloud, id)))
	}
	return nil
}

func because(message string) string {
	if message == "" {
		return ""
	}
	return "; Cinder says: " + message
}

type message struct {
	Text    string `json:"user_message"`
	Created string `json:"created_at"`
}

// Message is what Cinder tells users about the last failure of an object; "" when it tells nothing.
func Message(ctx context.Context, cloud *openstack.Cloud, id string) string {
	client, err := cloud.BlockStorage()
	if err != nil {
		return ""
	}
	client = At(client, messagesByResource)
	var answer struct {
		Messages []message `json:"messages"`
	}
	_, err = client.Get(ctx, client.ServiceURL("messages")+"?resource_uuid="+id, &answer, nil)
	if err != nil || len(answer.Messages) == 0 {
		return "" // it only completes an error
	}
	return slices.MaxFunc(answer.Messages, func(a, b message) int { return strings.Compare(a.Created, b.Created) }).Text
}
