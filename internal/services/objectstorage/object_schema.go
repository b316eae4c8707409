package objectstorage

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/objectvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// headerText is what a header can carry.
var headerText = regexp.MustCompile(`^[^\x00-\x1f\x7f]+$`)

// copyModel is where a copy comes from.
type copyModel struct {
	Container types.String `tfsdk:"container"`
	Name      types.String `tfsdk:"name"`
	ETag      types.String `tfsdk:"etag"`
}

func (object) Schema() schema.Schema {
	replaced := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	contents := []path.Expression{
		path.MatchRoot("file"), path.MatchRoot("content"), path.MatchRoot("content_base64"), path.MatchRoot("content_wo"), path.MatchRoot("copy_from"),
	}
	header := func(description string) schema.StringAttribute {
		return schema.StringAttribute{
			MarkdownDescription: description,
			Optional:            true,
			Validators: []validator.String{
				stringvalidator.LengthBetween(1, 1024),
				stringvalidator.RegexMatches(headerText, "must be one line of text"),
			},
		}
	}
	contentType := header("Media type, such as `text/html; charset=utf-8`; found out by the ending of `name`, else by the content, when not set.")
	contentType.Computed = true
	contentType.PlanModifiers = []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	return schema.Schema{
		MarkdownDescription: "An object in a container. Its content is streamed and verified by its hash; a large one is sent in segments. " +
			"It is sent again when its hash differs from what is in the cloud, which every plan compares.",
		Attributes: map[string]schema.Attribute{
			"container": schema.StringAttribute{
				MarkdownDescription: "Name of the container.",
				Required:            true,
				Validators:          containerNameValidators(),
				PlanModifiers:       replaced,
			},
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the object. Slashes make folders.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthBetween(1, 1024)},
				PlanModifiers:       replaced,
			},
			"file": schema.StringAttribute{
				MarkdownDescription: "Path of the file with the content. Exactly one of `file`, `content`, `content_base64`, `content_wo` and `copy_from` is set.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1), stringvalidator.ExactlyOneOf(contents...)},
			},
			"content": schema.StringAttribute{
				MarkdownDescription: "Content as text. It is in the state; `file` is not.",
				Optional:            true,
			},
			"content_base64": schema.StringAttribute{
				MarkdownDescription: "Content of any bytes, encoded in base64.",
				Optional:            true,
			},
			"content_wo": schema.StringAttribute{
				MarkdownDescription: "Content that is secret. Write-only: it is never in the state, but its hash is (`etag`). Raise `content_wo_version` to send it again.",
				Optional:            true,
				WriteOnly:           true,
				Sensitive:           true,
				Validators:          []validator.String{stringvalidator.AlsoRequires(path.MatchRoot("content_wo_version"))},
			},
			"content_wo_version": schema.Int64Attribute{
				MarkdownDescription: "Version of `content_wo`. A new number sends it again; so does a change of the object by something else.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AlsoRequires(path.MatchRoot("content_wo"))},
			},
			"copy_from": schema.SingleNestedAttribute{
				MarkdownDescription: "Another object of the project, whose content Swift copies without sending it here: when the object is made and when this changes.",
				Optional:            true,
				Validators:          []validator.Object{objectvalidator.ConflictsWith(path.MatchRoot("segment_size"), path.MatchRoot("segment_container"))},
				Attributes: map[string]schema.Attribute{
					"container": schema.StringAttribute{MarkdownDescription: "Its container.", Required: true, Validators: containerNameValidators()},
					"name": schema.StringAttribute{
						MarkdownDescription: "Its name.", Required: true, Validators: []validator.String{stringvalidator.LengthBetween(1, 1024)},
					},
					"etag": schema.StringAttribute{
						MarkdownDescription: "Its `etag`, so that it is copied again when its content changes.", Optional: true,
					},
				},
			},
			"segment_size": schema.Int64Attribute{
				MarkdownDescription: "A larger object is sent in segments of so many bytes and joined by a manifest (a static large object). " +
					"When not set, objects above 5 GiB are sent in segments of 1 GiB. Swift takes 1000 segments.",
				Optional:   true,
				Validators: []validator.Int64{int64validator.Between(minSegment, largestObject)},
			},
			"segment_container": schema.StringAttribute{
				MarkdownDescription: "Container of the segments, which must exist. When not set, it is the object's with `_segments` behind it, made and deleted as needed.",
				Optional:            true,
				Validators:          containerNameValidators(),
			},
			"content_type":        contentType,
			"content_encoding":    header("Encoding of the content, such as `gzip`."),
			"content_disposition": header("What browsers do with it, such as `attachment; filename=\"report.pdf\"`."),
			"cache_control":       header("How long browsers and proxies may keep it, such as `max-age=3600`."),
			"metadata": schema.MapAttribute{
				MarkdownDescription: "Metadata of the object, all of it. Keys are letters, digits and `-`, whatever their case.",
				ElementType:         types.StringType,
				Optional:            true,
				Computed:            true,
				Default:             mapdefault.StaticValue(value.Map(nil)),
				Validators:          metadataValidators(),
			},
			"delete_after": schema.Int64Attribute{
				MarkdownDescription: "After how many seconds Swift deletes the object, counted from when its content was sent: 2592000 are 30 days. Once it is gone, a plan makes it anew, and says so.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(1), int64validator.ConflictsWith(path.MatchRoot("delete_at"))},
			},
			"delete_at": schema.StringAttribute{
				MarkdownDescription: "When Swift deletes the object, such as `2030-01-31T00:00:00Z`; never when neither this nor `delete_after` is set.",
				Optional:            true,
				Computed:            true,
			},
			"etag": schema.StringAttribute{
				MarkdownDescription: "Hash of the content: its MD5 sum, or of segments the MD5 sum of their MD5 sums.",
				Computed:            true,
			},
			"size":      schema.Int64Attribute{MarkdownDescription: "Size in bytes.", Computed: true},
			"segmented": schema.BoolAttribute{MarkdownDescription: "Whether it is made of segments.", Computed: true},
		},
	}
}

// metadataValidators accept the metadata that Swift does.
func metadataValidators() []validator.Map {
	return []validator.Map{
		mapvalidator.SizeAtMost(90),
		mapvalidator.KeysAre(stringvalidator.RegexMatches(metadataKey, "must have 1 to 128 letters, digits and `-`")),
		mapvalidator.ValueStringsAre(stringvalidator.LengthBetween(1, 256), stringvalidator.RegexMatches(headerText, "must be one line of text")),
	}
}

func (object) Validate(ctx context.Context, config *objectModel) error {
	errs := []error{checkObjectName(path.Root("name"), config.Name), checkTwins(config.Metadata)}
	if value.Known(config.ContentBase64) {
		if _, err := base64.StdEncoding.DecodeString(config.ContentBase64.ValueString()); err != nil {
			errs = append(errs, lifecycle.Invalid(path.Root("content_base64"), "it must be base64, as base64encode() and filebase64() make it: %w", err))
		}
	}
	if value.Known(config.ContentType) {
		if kind, _, err := mime.ParseMediaType(config.ContentType.ValueString()); err != nil || !strings.Contains(kind, "/") {
			errs = append(errs, lifecycle.Invalid(path.Root("content_type"), "it must be a media type, such as text/html or application/json; charset=utf-8"))
		}
	}
	if value.Known(config.ContentDisposition) {
		if _, _, err := mime.ParseMediaType(config.ContentDisposition.ValueString()); err != nil {
			errs = append(errs, lifecycle.Invalid(path.Root("content_disposition"), "it must be such as inline or attachment; filename=\"report.pdf\": %w", err))
		}
	}
	if value.Known(config.DeleteAt) {
		if _, err := time.Parse(time.RFC3339, config.DeleteAt.ValueString()); err != nil {
			errs = append(errs, lifecycle.Invalid(path.Root("delete_at"), "it must be a time in RFC 3339's form, such as 2030-01-31T00:00:00Z: %w", err))
		}
	}
	if value.Known(config.CopyFrom) {
		var from copyModel
		if err := problem(config.CopyFrom.As(ctx, &from, basetypes.ObjectAsOptions{})); err != nil {
			return err
		}
		errs = append(errs, checkObjectName(path.Root("copy_from").AtName("name"), from.Name))
		if value.Known(from.Name) && value.Known(from.Container) && from.Name.Equal(config.Name) && from.Container.Equal(config.Container) {
			errs = append(errs, lifecycle.Invalid(path.Root("copy_from"), "an object cannot be a copy of itself"))
		}
	}
	return errors.Join(errs...)
}

// checkObjectName refuses names that clients and proxies would change on their way.
func checkObjectName(at path.Path, name types.String) error {
	for part := range strings.SplitSeq(name.ValueString(), "/") {
		if part == "." || part == ".." {
			return lifecycle.Invalid(at, "a folder must not be called %q, which clients and proxies take for a way to another folder", part)
		}
	}
	if strings.HasPrefix(name.ValueString(), "/") {
		return lifecycle.Invalid(at, "it must not begin with a slash: the container is the root, so write %q", strings.TrimLeft(name.ValueString(), "/"))
	}
	return nil
}

// checkTwins refuses metadata of which Swift sees two keys as one.
func checkTwins(metadata types.Map) error {
	seen := map[string]string{}
	for _, key := range sortedKeys(value.StringMap(metadata)) {
		if other, ok := seen[folded(key)]; ok {
			return lifecycle.Invalid(path.Root("metadata").AtMapKey(key), "%q and %q are the same key to Swift", other, key)
		}
		seen[folded(key)] = key
	}
	return nil
}

// checkCount refuses more segments than Swift takes, before any is hashed.
func (m *objectModel) checkCount(size int64) error {
	limit := m.segmentLimit(size)
	if count := (size + limit - 1) / limit; count > maxSegments {
		return lifecycle.Invalid(path.Root("segment_size"), "the content has %d bytes, which would be %d segments; Swift takes %d, so this must be at least %d",
			size, count, maxSegments, (size+maxSegments-1)/maxSegments)
	}
	return nil
}

// check refuses names that leave no room for those of the segments.
func (p fingerprint) check(config *objectModel) error {
	if p.segmented() && value.AllKnown(config.Container, config.Name) {
		if n := len(segmentName(config.Container.ValueString(), config.Name.ValueString(), p.etag, 0)); n > 1024 {
			return lifecycle.Invalid(path.Root("name"), "it is too long for an object in segments: their names would have %d bytes, and Swift takes 1024. Shorten it by %d", n, n-1024)
		}
	}
	return nil
}

// segmentName is where a segment is. It tells by its own form whose it is, so that sweeping takes no other's.
func segmentName(container, name, etag string, number int) string {
	return fmt.Sprintf("%s/%s/slo/%s/%08d", container, name, etag, number)
}

// copyTypes are the types of copy_from's attributes.
func copyTypes() map[string]attr.Type {
	return map[string]attr.Type{"container": types.StringType, "name": types.StringType, "etag": types.StringType}
}
