package compute

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// image looks up what servers start from: by name or id, tags and properties.
type image struct{}

var (
	_ lifecycle.Source[imageModel]    = image{}
	_ lifecycle.Validator[imageModel] = image{}
)

type imageModel struct {
	lifecycle.SourceObject

	Name            types.String `tfsdk:"name"`
	Tags            types.Set    `tfsdk:"tags"`
	Properties      types.Map    `tfsdk:"properties"`
	Visibility      types.String `tfsdk:"visibility"`
	Owner           types.String `tfsdk:"owner"`
	MostRecent      types.Bool   `tfsdk:"most_recent"`
	Checksum        types.String `tfsdk:"checksum"`
	DiskFormat      types.String `tfsdk:"disk_format"`
	ContainerFormat types.String `tfsdk:"container_format"`
	SizeBytes       types.Int64  `tfsdk:"size_bytes"`
	MinDisk         types.Int64  `tfsdk:"min_disk"`
	MinRAM          types.Int64  `tfsdk:"min_ram"`
	CreatedAt       types.String `tfsdk:"created_at"`
	UpdatedAt       types.String `tfsdk:"updated_at"`
}

func (image) Name() string { return "image" }

func (image) Schema() schema.Schema {
	filter := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Optional: true, Computed: true}
	}
	found := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	number := func(description string) schema.Int64Attribute {
		return schema.Int64Attribute{MarkdownDescription: description, Computed: true}
	}
	visibility := filter("Who sees the image: `public`, `private`, `shared` or `community`.")
	visibility.Validators = []validator.String{stringvalidator.OneOf("public", "private", "shared", "community")}
	return schema.Schema{
		MarkdownDescription: "An image that servers start from. Exactly one must match what is given; `most_recent` takes the newest of several.",
		Attributes: map[string]schema.Attribute{
			"name":             filter("Name of the image."),
			"tags":             schema.SetAttribute{MarkdownDescription: "Tags that the image must have; all that it has when not set.", ElementType: types.StringType, Optional: true, Computed: true},
			"properties":       schema.MapAttribute{MarkdownDescription: "Properties that the image must have, such as `os_distro`; all that it has when not set.", ElementType: types.StringType, Optional: true, Computed: true},
			"visibility":       visibility,
			"owner":            filter("Id of the project that owns the image."),
			"most_recent":      schema.BoolAttribute{MarkdownDescription: "Take the newest of several that match.", Optional: true},
			"checksum":         found("MD5 of the image."),
			"disk_format":      found("Format of the disk, such as `qcow2` or `raw`."),
			"container_format": found("Format of the container, mostly `bare`."),
			"size_bytes":       number("Size of the image in bytes."),
			"min_disk":         number("Least size of a server's root disk, in GiB."),
			"min_ram":          number("Least memory of a server, in MiB."),
			"created_at":       found("When the image was made, in RFC 3339."),
			"updated_at":       found("When the image was changed last, in RFC 3339."),
		},
	}
}

func (image) Validate(_ context.Context, config *imageModel) error {
	switch {
	case !config.Name.IsNull() && !config.ID.IsNull():
		return lifecycle.Invalid(path.Root("name"), "look an image up by name or by id, not by both")
	case config.Name.IsNull() && config.ID.IsNull() && config.Tags.IsNull() && config.Properties.IsNull() && config.Owner.IsNull():
		return lifecycle.Invalid(path.Root("name"), "say which image: by name, id, tags, properties or owner")
	}
	return nil
}

func (image) Read(ctx context.Context, cloud *openstack.Cloud, m *imageModel) error {
	all, err := lookup.Images(ctx, cloud)
	if err != nil {
		return err
	}
	var candidates []images.Image
	for _, i := range all {
		if m.matches(i) {
			candidates = append(candidates, i)
		}
	}
	if m.MostRecent.ValueBool() && len(candidates) > 1 {
		candidates = []images.Image{slices.MaxFunc(candidates, func(a, b images.Image) int {
			return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
		})}
	}
	found, err := lookup.Only("image", candidates, all, lookup.DescribeImage)
	if err != nil {
		return err
	}
	m.flatten(found)
	return nil
}

// matches says whether the image is one that the model asks for.
func (m *imageModel) matches(i images.Image) bool {
	is := func(asked types.String, it string) bool { return !value.Known(asked) || asked.ValueString() == it }
	if !is(m.ID, i.ID) || !is(m.Name, i.Name) || !is(m.Visibility, string(i.Visibility)) || !is(m.Owner, i.Owner) {
		return false
	}
	for _, tag := range value.Strings(m.Tags) {
		if !slices.Contains(i.Tags, tag) {
			return false
		}
	}
	properties := imageProperties(i)
	for key, want := range value.StringMap(m.Properties) {
		if is, ok := properties[key]; !ok || is != want {
			return false
		}
	}
	return true
}

func (m *imageModel) flatten(i images.Image) {
	m.ID = types.StringValue(i.ID)
	m.Name = types.StringValue(i.Name)
	if !value.Known(m.Tags) {
		m.Tags = value.Set(i.Tags)
	}
	if !value.Known(m.Properties) {
		m.Properties = value.Map(imageProperties(i))
	}
	m.Visibility = types.StringValue(string(i.Visibility))
	m.Owner = types.StringValue(i.Owner)
	m.Checksum = value.StringOrNull(i.Checksum)
	m.DiskFormat = value.StringOrNull(i.DiskFormat)
	m.ContainerFormat = value.StringOrNull(i.ContainerFormat)
	m.SizeBytes = types.Int64Value(i.SizeBytes)
	m.MinDisk = value.Int(i.MinDiskGigabytes)
	m.MinRAM = value.Int(i.MinRAMMegabytes)
	m.CreatedAt = types.StringValue(i.CreatedAt.Format(time.RFC3339))
	m.UpdatedAt = types.StringValue(i.UpdatedAt.Format(time.RFC3339))
}

// imageProperties are the properties that somebody gave to the image, without Glance's own fields.
func imageProperties(i images.Image) map[string]string {
	own := []string{"os_hash_algo", "os_hash_value", "self", "direct_url", "locations", "stores"}
	properties := map[string]string{}
	for key, v := range i.Properties {
		if text, ok := v.(string); ok && !slices.Contains(own, key) {
			properties[key] = text
		}
	}
	return properties
}
