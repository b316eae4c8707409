package objectstorage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// writer makes an object what its model says.
type writer struct {
	client *gophercloud.ServiceClient
	model  *objectModel
	prior  *objectModel // nil for a new object
}

func (w *writer) url() string {
	return objectstore.ObjectURL(w.client, w.model.Container.ValueString(), w.model.Name.ValueString())
}

// write sends the content with all that describes it.
func (w *writer) write(ctx context.Context) error {
	m := w.model
	if m.DeleteAt.IsUnknown() {
		end := time.Now().Add(time.Duration(m.DeleteAfter.ValueInt64()) * time.Second)
		m.DeleteAt = types.StringValue(end.UTC().Format(time.RFC3339))
	}
	if value.Known(m.CopyFrom) {
		return w.copy(ctx)
	}
	content, err := m.open()
	if err != nil {
		return err
	}
	err = w.send(ctx, content)
	return errors.Join(err, content.Close())
}

func (w *writer) send(ctx context.Context, content *source) error {
	m := w.model
	mark, err := m.hash(ctx, content)
	if err != nil {
		return err
	}
	if value.Known(m.ETag) && m.ETag.ValueString() != mark.etag {
		return lifecycle.At(path.Root("file"), errors.New("the content has changed since the plan was made: plan again"))
	}
	if w.prior != nil && w.prior.ETag.ValueString() == mark.etag && w.prior.Segmented.ValueBool() == mark.segmented() && m.SegmentContainer.Equal(w.prior.SegmentContainer) {
		return w.describe(ctx) // the content that was not known is what is there
	}
	old, err := w.segments(ctx)
	if err != nil {
		return err
	}
	if m.ContentType.IsUnknown() {
		m.ContentType = types.StringValue(mark.contentType(m.Name.ValueString()))
	}
	headers := m.headers()
	headers["Etag"] = mark.etag
	if mark.segmented() {
		err = w.sendSegments(ctx, content, mark, headers)
	} else {
		err = w.sendPiece(ctx, content, mark, headers)
	}
	if err != nil {
		return err
	}
	m.ETag, m.Size, m.Segmented = types.StringValue(mark.etag), types.Int64Value(mark.size), types.BoolValue(mark.segmented())
	w.written(ctx, old, mark.etag)
	return nil
}

// written is called when the object is there: it has an id, and its old segments are needed no more.
func (w *writer) written(ctx context.Context, old []string, etag string) {
	w.model.ID = types.StringValue(w.model.Container.ValueString() + "/" + w.model.Name.ValueString())
	if err := w.sweep(ctx, old, etag); err != nil {
		lifecycle.Warn(ctx, "Segments left", fmt.Sprintf("The object %s was sent, but segments that it does not need could not be deleted: %v. "+
			"Sending or destroying it again deletes them.", w.model.ID.ValueString(), err))
	}
}

// sendPiece sends an object in one piece. A new one must not replace somebody's.
func (w *writer) sendPiece(ctx context.Context, content *source, mark fingerprint, headers map[string]string) error {
	if w.prior == nil {
		headers["If-None-Match"] = "*"
	}
	begin := time.Now()
	got, err := put(ctx, w.client, w.url(), headers, content.reader(mark.pieces[0]))
	if hasStatus(err, http.StatusPreconditionFailed) && w.prior == nil {
		// What is there may be ours: the answer to an earlier attempt was lost.
		if !w.arrived(ctx, mark, begin) {
			return w.exists()
		}
		return nil
	}
	if err != nil && openstack.Lost(err) && w.arrived(ctx, mark, begin) {
		return nil
	}
	return w.verify(got, mark, err)
}

// exists is the error for a name that another object has.
func (w *writer) exists() error {
	return lifecycle.Exists("object", path.Root("name"), w.model.Container.ValueString()+"/"+w.model.Name.ValueString())
}

// arrived tells whether the object that is there now is the one that we sent.
func (w *writer) arrived(ctx context.Context, mark fingerprint, begin time.Time) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	headers, err := headObject(ctx, w.client, w.model.Container.ValueString(), w.model.Name.ValueString())
	if err != nil || etagOf(headers) != mark.etag {
		return false
	}
	at, err := http.ParseTime(headers.Get("Last-Modified"))
	return err == nil && at.After(begin.Add(-clockSkew))
}

// clockSkew is how far the cloud's clock may be behind ours.
const clockSkew = 30 * time.Second

// verify compares what Swift has stored with what was sent.
func (w *writer) verify(got http.Header, mark fingerprint, err error) error {
	container, name := w.model.Container.ValueString(), w.model.Name.ValueString()
	switch {
	case openstack.NotFound(err):
		return lifecycle.At(path.Root("container"), fmt.Errorf("there is no container %q to put object %q in: %w", container, name, err))
	case hasStatus(err, http.StatusUnprocessableEntity):
		return fmt.Errorf("object %q of container %q was damaged on its way, or its content changed while it was sent: %w", name, container, err)
	case err != nil:
		return fmt.Errorf("send object %q of container %q: %w", name, container, err)
	case etagOf(got) != mark.etag:
		return fmt.Errorf("send object %q of container %q: Swift has stored the hash %s instead of %s", name, container, etagOf(got), mark.etag)
	}
	return nil
}

// copy makes Swift copy the content. The object's own description counts, not that of the other.
func (w *writer) copy(ctx context.Context) error {
	m := w.model
	var from copyModel
	if err := problem(m.CopyFrom.As(ctx, &from, basetypes.ObjectAsOptions{})); err != nil {
		return err
	}
	if w.prior == nil {
		switch _, err := headObject(ctx, w.client, m.Container.ValueString(), m.Name.ValueString()); {
		case err == nil:
			return w.exists()
		case !openstack.NotFound(err):
			return err
		}
	}
	old, err := w.segments(ctx)
	if err != nil {
		return err
	}
	headers := m.headers()
	headers["X-Copy-From"] = "/" + url.PathEscape(from.Container.ValueString()) + "/" + objectstore.EscapeName(from.Name.ValueString())
	headers["X-Fresh-Metadata"] = "true"
	nothing := inMemory(nil)
	got, err := put(ctx, w.client, w.url(), headers, nothing.reader(piece{}))
	if openstack.NotFound(err) {
		return lifecycle.At(path.Root("copy_from"), fmt.Errorf("copy %q of container %q: one of the objects or containers does not exist: %w",
			from.Name.ValueString(), from.Container.ValueString(), err))
	}
	if err != nil {
		return fmt.Errorf("copy %q of container %q: %w", from.Name.ValueString(), from.Container.ValueString(), err)
	}
	m.ETag, m.Segmented = types.StringValue(etagOf(got)), types.BoolValue(false)
	w.written(ctx, old, "")
	return nil
}

// describe sends all that describes the object, when some of it has changed. A POST replaces all of it.
func (w *writer) describe(ctx context.Context) error {
	m := w.model
	if m.DeleteAt.IsUnknown() {
		end := time.Now().Add(time.Duration(m.DeleteAfter.ValueInt64()) * time.Second)
		m.DeleteAt = types.StringValue(end.UTC().Format(time.RFC3339))
	}
	headers := m.headers()
	if maps.Equal(headers, w.prior.headers()) {
		return nil
	}
	if err := w.post(ctx, w.url(), headers); err != nil {
		return fmt.Errorf("change object %q of container %q: %w", m.Name.ValueString(), m.Container.ValueString(), err)
	}
	if sameTime(m.DeleteAt, w.prior.DeleteAt) || m.DeleteAt.IsNull() && w.prior.DeleteAt.IsNull() {
		return nil
	}
	// The segments end when the object does.
	segments, err := w.segments(ctx)
	if err != nil {
		return err
	}
	for _, s := range segments {
		container, name, _ := strings.Cut(s, "/")
		if err := w.post(ctx, objectstore.ObjectURL(w.client, container, name), m.expiry()); err != nil {
			return fmt.Errorf("change segment %q of object %q: %w", s, m.Name.ValueString(), err)
		}
	}
	return nil
}

func (w *writer) post(ctx context.Context, target string, headers map[string]string) error {
	_, err := w.client.Request(ctx, http.MethodPost, target, &gophercloud.RequestOpts{MoreHeaders: headers, OkCodes: []int{http.StatusAccepted, http.StatusNoContent}})
	return err
}

func hasStatus(err error, status int) bool {
	fault, ok := openstack.FaultOf(err)
	return ok && fault.Status == status
}
