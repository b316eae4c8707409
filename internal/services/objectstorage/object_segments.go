package objectstorage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"golang.org/x/sync/errgroup"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
)

const (
	// segmentsAtOnce is how many segments are on their way at the same time.
	segmentsAtOnce = 3
	// sweepTime bounds the removal of segments after a failure or an interrupt.
	sweepTime = 2 * time.Minute
	// lateSegment is how long Swift may take to store a segment that it has received.
	lateSegment = 2 * time.Second
)

// segmentContainer is where the segments go; own tells that it is ours to make and delete.
func (m *objectModel) segmentContainer() (name string, own bool) {
	if name := m.SegmentContainer.ValueString(); name != "" {
		return name, false
	}
	return m.Container.ValueString() + "_segments", true
}

// manifestEntry is a segment as a manifest names it, the one that is sent and the one that is read.
type manifestEntry struct {
	Path string `json:"path"`
	ETag string `json:"etag"`
	Size int64  `json:"size_bytes"`
}

// sendSegments sends the segments and then the manifest that joins them. After a failure, nothing is left of them.
func (w *writer) sendSegments(ctx context.Context, content *source, mark fingerprint, headers map[string]string) (err error) {
	container, own := w.model.segmentContainer()
	if w.prior == nil {
		switch _, err := headObject(ctx, w.client, w.model.Container.ValueString(), w.model.Name.ValueString()); {
		case err == nil:
			return w.exists()
		case !openstack.NotFound(err):
			return err
		}
	}
	if own {
		if err := w.makeContainer(ctx, container); err != nil {
			return err
		}
	}
	begin := time.Now()
	defer func() {
		if err == nil || openstack.Lost(err) && w.arrived(ctx, mark, begin) {
			err = nil
			return
		}
		if w.prior == nil || w.prior.ETag.ValueString() != mark.etag {
			err = errors.Join(err, w.takeBack(ctx, mark.etag))
		}
	}()
	manifest, err := w.sendPieces(ctx, container, content, mark)
	if err != nil {
		return err
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	whole := inMemory(text)
	got, err := put(ctx, w.client, w.url()+"?multipart-manifest=put", headers, whole.reader(piece{size: whole.size}))
	return w.verify(got, mark, err)
}

// takeBack deletes the segments of an upload that failed or was interrupted. Swift may still be storing one whose request was cut off
// by the interrupt, so they are looked for once more after a while.
func (w *writer) takeBack(ctx context.Context, etag string) error {
	interrupted := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepTime)
	defer cancel()
	if err := w.sweepEtag(ctx, etag); err != nil || !interrupted {
		return err
	}
	timer := time.NewTimer(lateSegment)
	defer timer.Stop()
	<-timer.C
	return w.sweepEtag(ctx, etag)
}

// sendPieces sends the segments, some at once. After a failure those on their way are awaited, for one that is cut off could
// arrive after the others were taken back.
func (w *writer) sendPieces(ctx context.Context, container string, content *source, mark fingerprint) ([]manifestEntry, error) {
	manifest := make([]manifestEntry, len(mark.pieces))
	var group errgroup.Group
	var failed atomic.Bool
	group.SetLimit(segmentsAtOnce)
	for i, p := range mark.pieces {
		name := segmentName(w.model.Container.ValueString(), w.model.Name.ValueString(), mark.etag, i+1)
		manifest[i] = manifestEntry{Path: "/" + container + "/" + name, ETag: p.etag, Size: p.size}
		group.Go(func() (err error) {
			if failed.Load() {
				return nil
			}
			defer func() {
				if err != nil {
					failed.Store(true)
				}
			}()
			headers := w.model.expiry()
			headers["Etag"] = p.etag
			headers["Content-Type"] = "application/octet-stream"
			_, err = put(ctx, w.client, objectstore.ObjectURL(w.client, container, name), headers, content.reader(p))
			if openstack.NotFound(err) {
				return lifecycle.At(path.Root("segment_container"), fmt.Errorf("there is no container %q for the segments: %w", container, err))
			}
			if err != nil {
				return fmt.Errorf("send segment %d of %d of object %q: %w", i+1, len(mark.pieces), w.model.Name.ValueString(), err)
			}
			return nil
		})
	}
	return manifest, group.Wait()
}

// makeContainer makes the container of the segments beside the object's, stored in the same way.
func (w *writer) makeContainer(ctx context.Context, name string) error {
	parent := w.model.Container.ValueString()
	headers, err := objectstore.Head(ctx, w.client, parent)
	if openstack.NotFound(err) {
		return lifecycle.At(path.Root("container"), fmt.Errorf("there is no container %q to put the object in: %w", parent, err))
	}
	if err != nil {
		return fmt.Errorf("read container %q: %w", parent, err)
	}
	settings := map[string]string{}
	if policy := headers.Get("X-Storage-Policy"); policy != "" {
		settings["X-Storage-Policy"] = policy
	}
	_, err = w.client.Request(ctx, http.MethodPut, objectstore.ContainerURL(w.client, name), &gophercloud.RequestOpts{
		MoreHeaders: settings, OkCodes: []int{http.StatusCreated, http.StatusAccepted},
	})
	if err != nil && !openstack.Conflict(err) { // it exists and is stored in another way
		return fmt.Errorf("create container %q for the segments: %w", name, err)
	}
	return nil
}

// segments are the segments of the object that is there, as "container/name".
func (w *writer) segments(ctx context.Context) ([]string, error) {
	if w.prior == nil || !w.prior.Segmented.ValueBool() {
		return nil, nil
	}
	var manifest []struct {
		Name string `json:"name"`
	}
	_, err := w.client.Get(ctx, w.url()+"?multipart-manifest=get&format=json", &manifest, nil)
	if openstack.NotFound(err) {
		return nil, nil // gone already; its segments are found by their names
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return nil, nil // replaced by an object in one piece
	}
	if err != nil {
		return nil, fmt.Errorf("read the segments of object %q: %w", w.model.Name.ValueString(), err)
	}
	var all []string
	for _, s := range manifest {
		all = append(all, strings.TrimPrefix(s.Name, "/"))
	}
	return all, nil
}

// sweep deletes the segments that are not those of the content to keep: old ones as their manifest named them, and what interrupted
// uploads have left. In a container with versions, older versions of the object still need theirs.
func (w *writer) sweep(ctx context.Context, old []string, keep string) error {
	if !w.model.Segmented.ValueBool() && (w.prior == nil || !w.prior.Segmented.ValueBool()) {
		return nil
	}
	headers, err := objectstore.Head(ctx, w.client, w.model.Container.ValueString())
	if err != nil && !openstack.NotFound(err) {
		return fmt.Errorf("read container %q: %w", w.model.Container.ValueString(), err)
	}
	if err == nil && strings.EqualFold(headers.Get(versions), "true") {
		return nil
	}
	current, _ := w.model.segmentContainer()
	kept := "/slo/" + keep + "/"
	byContainer := map[string][]objectstore.Listed{}
	for _, s := range old {
		container, name, _ := strings.Cut(s, "/")
		if keep == "" || container != current || !strings.Contains(name, kept) {
			byContainer[container] = append(byContainer[container], objectstore.Listed{Name: name})
		}
	}
	for container, segments := range byContainer {
		if err := objectstore.DeleteBulk(ctx, w.client, container, segments); err != nil {
			return err
		}
	}
	if w.prior != nil {
		if container, _ := w.prior.segmentContainer(); container != current {
			before := writer{client: w.client, model: w.prior}
			if err := before.sweepOthers(ctx, ""); err != nil {
				return err
			}
		}
	}
	return w.sweepOthers(ctx, keep)
}

// sweepOthers deletes all segments of the object but those of one content.
func (w *writer) sweepOthers(ctx context.Context, keep string) error {
	return w.sweepWhere(ctx, "", keep != "", func(etag string) bool { return etag != keep })
}

// sweepEtag deletes the segments of one content.
func (w *writer) sweepEtag(ctx context.Context, etag string) error {
	return w.sweepWhere(ctx, etag+"/", false, func(string) bool { return true })
}

// ownSegment is what follows the object's name in the name of a segment.
var ownSegment = regexp.MustCompile(`^([0-9a-f]{32})/[0-9]{8}$`)

// sweepWhere deletes segments. Nothing but them tells that their container is in use, and Swift may learn of new ones late: who keeps
// some says so.
func (w *writer) sweepWhere(ctx context.Context, below string, keeps bool, drop func(etag string) bool) error {
	container, own := w.model.segmentContainer()
	prefix := strings.TrimSuffix(segmentName(w.model.Container.ValueString(), w.model.Name.ValueString(), "", 0), "/00000000")
	err := objectstore.EachPage(ctx, w.client, container, prefix+below, false, func(page []objectstore.Listed) error {
		var mine []objectstore.Listed
		for _, o := range page {
			if match := ownSegment.FindStringSubmatch(strings.TrimPrefix(o.Name, prefix)); match != nil && drop(match[1]) {
				mine = append(mine, o)
			}
		}
		if len(mine) == 0 {
			return nil
		}
		return objectstore.DeleteBulk(ctx, w.client, container, mine)
	})
	if openstack.NotFound(err) {
		return nil
	}
	if err != nil || !own || keeps {
		return err
	}
	// The last one puts out the light. Another object's segments keep the container: that is a conflict.
	if err := objectstore.Remove(ctx, w.client, container); err != nil && !openstack.Conflict(err) && !openstack.NotFound(err) {
		return fmt.Errorf("delete container %q of the segments: %w", container, err)
	}
	return nil
}
