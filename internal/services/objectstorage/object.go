package objectstorage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	fwpath "github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// object is an object in a container: its content from a file or the configuration, streamed, in segments when it is large.
type object struct{}

var (
	_ lifecycle.Handler[objectModel]    = object{}
	_ lifecycle.Updater[objectModel]    = object{}
	_ lifecycle.Validator[objectModel]  = object{}
	_ lifecycle.Planner[objectModel]    = object{}
	_ lifecycle.Secrets[objectModel]    = object{}
	_ lifecycle.Timed                   = object{}
	_ lifecycle.Lister                  = object{}
	_ lifecycle.Nested                  = object{}
	_ lifecycle.StateMover[objectModel] = object{}
)

type objectModel struct {
	lifecycle.Object

	Container          types.String `tfsdk:"container"`
	Name               types.String `tfsdk:"name"`
	File               types.String `tfsdk:"file"`
	Content            types.String `tfsdk:"content"`
	ContentBase64      types.String `tfsdk:"content_base64"`
	ContentWO          types.String `tfsdk:"content_wo"`
	ContentWOVersion   types.Int64  `tfsdk:"content_wo_version"`
	CopyFrom           types.Object `tfsdk:"copy_from"`
	SegmentSize        types.Int64  `tfsdk:"segment_size"`
	SegmentContainer   types.String `tfsdk:"segment_container"`
	ContentType        types.String `tfsdk:"content_type"`
	ContentEncoding    types.String `tfsdk:"content_encoding"`
	ContentDisposition types.String `tfsdk:"content_disposition"`
	CacheControl       types.String `tfsdk:"cache_control"`
	Metadata           types.Map    `tfsdk:"metadata"`
	DeleteAfter        types.Int64  `tfsdk:"delete_after"`
	DeleteAt           types.String `tfsdk:"delete_at"`
	ETag               types.String `tfsdk:"etag"`
	Size               types.Int64  `tfsdk:"size"`
	Segmented          types.Bool   `tfsdk:"segmented"`
}

func (object) Name() string { return "object" }

// Timeouts are long, for uploads are.
func (object) Timeouts() lifecycle.Timeouts {
	return lifecycle.Timeouts{Create: time.Hour, Update: time.Hour}
}

// Secrets carries the content that is write-only.
func (object) Secrets(from, to *objectModel) { to.ContentWO = from.ContentWO }

// Parent says that objects are listed container by container.
func (object) Parent() (name, description string) {
	return "container", "Name of the container to look into."
}

// List names the objects of one container.
func (object) List(ctx context.Context, cloud *openstack.Cloud, filter lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	client, err := cloud.ObjectStorage()
	if err != nil {
		return nil, err
	}
	var all []lifecycle.Listed
	err = objectstore.EachPage(ctx, client, filter.Parent, filter.Name, false, func(page []objectstore.Listed) error {
		for _, o := range page {
			all = append(all, lifecycle.Listed{ID: filter.Parent + "/" + o.Name, Name: o.Name})
		}
		return nil
	})
	return all, err
}

// MovesFrom names the type of the common provider.
func (object) MovesFrom() []string { return []string{"openstack_objectstorage_object_v1"} }

// MoveState takes the object's place, and what was uploaded, which no API tells.
func (object) MoveState(from lifecycle.MovedState, m *objectModel) error {
	container, name := from.String("container_name"), from.String("name")
	m.ID = types.StringValue(container + "/" + name)
	m.Container, m.Name = types.StringValue(container), types.StringValue(name)
	m.Content, m.File = value.StringOrNull(from.String("content")), value.StringOrNull(from.String("source"))
	return nil
}

func (o object) Create(ctx context.Context, cloud *openstack.Cloud, m *objectModel) error {
	client, err := cloud.ObjectStorage()
	if err != nil {
		return err
	}
	w := &writer{client: client, model: m}
	return w.write(ctx)
}

func (object) Read(ctx context.Context, cloud *openstack.Cloud, m *objectModel) error {
	client, err := cloud.ObjectStorage()
	if err != nil {
		return err
	}
	container, name, ok := strings.Cut(m.ID.ValueString(), "/")
	if !ok || container == "" || name == "" {
		return fmt.Errorf("the id of an object is CONTAINER/NAME, and %q is not", m.ID.ValueString())
	}
	headers, err := headObject(ctx, client, container, name)
	if openstack.NotFound(err) && m.expired(time.Now()) {
		lifecycle.Warn(ctx, "Object expired", fmt.Sprintf("The object %s was to be deleted at %s, and is. Applying makes it anew; to let it go, remove the resource.",
			m.ID.ValueString(), m.DeleteAt.ValueString()))
	}
	if err != nil {
		return err
	}
	m.Container, m.Name = types.StringValue(container), types.StringValue(name)
	return m.flatten(headers)
}

func (o object) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *objectModel) error {
	client, err := cloud.ObjectStorage()
	if err != nil {
		return err
	}
	w := &writer{client: client, model: plan, prior: prior}
	if plan.otherContent(prior) {
		return w.write(ctx)
	}
	return w.describe(ctx)
}

func (object) Delete(ctx context.Context, cloud *openstack.Cloud, m *objectModel) error {
	client, err := cloud.ObjectStorage()
	if err != nil {
		return err
	}
	w := &writer{client: client, model: m, prior: m}
	old, err := w.segments(ctx)
	if err != nil {
		return err
	}
	container, name := m.Container.ValueString(), m.Name.ValueString()
	if _, err := client.Delete(ctx, objectstore.ObjectURL(client, container, name), nil); err != nil && !openstack.NotFound(err) {
		return fmt.Errorf("delete object %q of container %q: %w", name, container, err)
	}
	return w.sweep(ctx, old, "")
}

// otherContent tells whether the content has to be sent.
func (m *objectModel) otherContent(prior *objectModel) bool {
	return !m.ETag.Equal(prior.ETag) || !m.ContentWOVersion.Equal(prior.ContentWOVersion) || !m.CopyFrom.Equal(prior.CopyFrom) ||
		m.Segmented.ValueBool() && !m.SegmentContainer.Equal(prior.SegmentContainer)
}

// expired tells whether the object's time is up.
func (m *objectModel) expired(now time.Time) bool {
	at, err := time.Parse(time.RFC3339, m.DeleteAt.ValueString())
	return err == nil && !now.Before(at)
}

// Plan compares the content with what is in the cloud, by its hash.
func (o object) Plan(ctx context.Context, _ *openstack.Cloud, change *lifecycle.Change[objectModel]) error {
	m, prior := change.Plan, change.Prior
	if err := m.planContent(ctx, change); err != nil {
		return err
	}
	sends := prior == nil || m.otherContent(prior)
	if change.Config.ContentType.IsNull() && prior != nil {
		m.ContentType = prior.ContentType
	}
	return m.planExpiry(change, sends, time.Now())
}

// planContent says what the hash and the size will be, as far as that is known.
func (m *objectModel) planContent(ctx context.Context, change *lifecycle.Change[objectModel]) error {
	config, prior := change.Config, change.Prior
	m.ETag, m.Size, m.Segmented = types.StringUnknown(), types.Int64Unknown(), types.BoolUnknown()
	elsewhere := config.Content.IsNull() && config.ContentBase64.IsNull() && config.File.IsNull()
	if elsewhere && prior != nil && m.ContentWOVersion.Equal(prior.ContentWOVersion) && m.CopyFrom.Equal(prior.CopyFrom) {
		m.ETag, m.Size, m.Segmented = prior.ETag, prior.Size, prior.Segmented
	}
	if elsewhere || !value.AllKnown(config.Content, config.ContentBase64, config.File, config.SegmentSize) {
		return nil
	}
	source, err := config.open()
	if notYet(err) {
		lifecycle.Warn(ctx, "File not found", fmt.Sprintf("There is no file %s now. Applying fails unless something makes it before.", config.File.ValueString()))
		return nil
	}
	if err != nil {
		return err
	}
	mark, err := config.hash(ctx, source)
	if err := errors.Join(err, source.Close()); err != nil {
		return err
	}
	m.ETag, m.Size, m.Segmented = types.StringValue(mark.etag), types.Int64Value(mark.size), types.BoolValue(mark.segmented())
	if m.ContentType.IsUnknown() && prior == nil && config.ContentType.IsNull() && value.Known(m.Name) {
		m.ContentType = types.StringValue(mark.contentType(m.Name.ValueString()))
	}
	return nil
}

// planExpiry says when the object will be deleted. Its time counts from when its content was sent.
func (m *objectModel) planExpiry(change *lifecycle.Change[objectModel], sends bool, now time.Time) error {
	config, prior := change.Config, change.Prior
	switch {
	case value.Known(config.DeleteAt):
		if m.expired(now) && (prior == nil || !sameTime(m.DeleteAt, prior.DeleteAt)) {
			return lifecycle.Invalid(fwpath.Root("delete_at"), "%s is over: Swift takes no object that is to be deleted in the past. Choose a later time, or remove the resource",
				config.DeleteAt.ValueString())
		}
	case config.DeleteAt.IsUnknown(), config.DeleteAfter.IsUnknown():
		m.DeleteAt = types.StringUnknown()
	case config.DeleteAfter.IsNull():
		m.DeleteAt = types.StringNull()
	case !sends && m.DeleteAfter.Equal(prior.DeleteAfter) && !prior.DeleteAt.IsNull():
		m.DeleteAt = prior.DeleteAt
	default:
		m.DeleteAt = types.StringUnknown()
	}
	return nil
}

// sameTime tells whether two texts mean the same instant.
func sameTime(a, b types.String) bool {
	first, err := time.Parse(time.RFC3339, a.ValueString())
	second, otherErr := time.Parse(time.RFC3339, b.ValueString())
	return err == nil && otherErr == nil && first.Unix() == second.Unix()
}

// headObject are the headers of an object.
func headObject(ctx context.Context, client *gophercloud.ServiceClient, container, name string) (http.Header, error) {
	response, err := client.Head(ctx, objectstore.ObjectURL(client, container, name), &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusNoContent}})
	if err != nil {
		return nil, fmt.Errorf("read object %q of container %q: %w", name, container, err)
	}
	return response.Header, nil
}

// extension is the end of a name that tells its type.
func extension(name string) string { return strings.ToLower(path.Ext(name)) }
