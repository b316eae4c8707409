package objectstorage

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// containerSource looks up a container.
type containerSource struct{}

var _ lifecycle.Source[containerSourceModel] = containerSource{}

type containerSourceModel struct {
	lifecycle.SourceObject

	Name          types.String `tfsdk:"name"`
	URL           types.String `tfsdk:"url"`
	ObjectCount   types.Int64  `tfsdk:"object_count"`
	BytesUsed     types.Int64  `tfsdk:"bytes_used"`
	Metadata      types.Map    `tfsdk:"metadata"`
	ReadACL       types.Set    `tfsdk:"read_acl"`
	WriteACL      types.Set    `tfsdk:"write_acl"`
	QuotaBytes    types.Int64  `tfsdk:"quota_bytes"`
	QuotaCount    types.Int64  `tfsdk:"quota_count"`
	Versioning    types.Bool   `tfsdk:"versioning"`
	StoragePolicy types.String `tfsdk:"storage_policy"`
}

func (containerSource) Name() string { return "object_container" }

func (containerSource) Schema() schema.Schema {
	number := func(description string) schema.Int64Attribute {
		return schema.Int64Attribute{MarkdownDescription: description, Computed: true}
	}
	words := func(description string) schema.SetAttribute {
		return schema.SetAttribute{MarkdownDescription: description, ElementType: types.StringType, Computed: true}
	}
	return schema.Schema{
		MarkdownDescription: "A container of objects, found by its name, which is its `id`, too.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the container.",
				Optional:            true,
				Computed:            true,
				Validators:          append(containerNameValidators(), stringvalidator.ExactlyOneOf(path.MatchRoot("name"), path.MatchRoot("id"))),
			},
			"url":            schema.StringAttribute{MarkdownDescription: "Address of the container.", Computed: true},
			"object_count":   number("How many objects it has. Swift counts them some time after they come and go."),
			"bytes_used":     number("How many bytes its objects have together."),
			"metadata":       schema.MapAttribute{MarkdownDescription: "Metadata of the container, its keys in lower case.", ElementType: types.StringType, Computed: true},
			"read_acl":       words("Who may read."),
			"write_acl":      words("Who may write."),
			"quota_bytes":    number("How many bytes all objects together may have; null is unlimited."),
			"quota_count":    number("How many objects there may be; null is unlimited."),
			"versioning":     schema.BoolAttribute{MarkdownDescription: "Whether old versions of objects are kept.", Computed: true},
			"storage_policy": schema.StringAttribute{MarkdownDescription: "How the cloud stores the objects.", Computed: true},
		},
	}
}

func (containerSource) Read(ctx context.Context, cloud *openstack.Cloud, m *containerSourceModel) error {
	client, err := cloud.ObjectStorage()
	if err != nil {
		return err
	}
	name := m.Name.ValueString() + m.ID.ValueString() // one of them is set
	headers, err := objectstore.Head(ctx, client, name)
	if openstack.NotFound(err) {
		return fmt.Errorf("there is no container %q; %s", name, others(ctx, client))
	}
	if err != nil {
		return fmt.Errorf("read container %q: %w", name, err)
	}
	whole := containerModel{Object: lifecycle.Object{ID: types.StringValue(name)}, Metadata: value.Map(nil)}
	if err := whole.flatten(ctx, headers); err != nil {
		return err
	}
	m.ID, m.Name, m.URL = whole.ID, whole.Name, types.StringValue(objectstore.ContainerURL(client, name))
	m.Metadata, m.ReadACL, m.WriteACL, m.Versioning, m.StoragePolicy = whole.Metadata, whole.ReadACL, whole.WriteACL, whole.Versioning, whole.StoragePolicy
	m.QuotaBytes, m.QuotaCount = whole.QuotaBytes, whole.QuotaCount
	if m.ObjectCount, err = number(headers.Get("X-Container-Object-Count")); err != nil {
		return err
	}
	m.BytesUsed, err = number(headers.Get("X-Container-Bytes-Used"))
	return err
}

// others names the containers that there are, some of them when there are many.
func others(ctx context.Context, client *gophercloud.ServiceClient) string {
	const most = 20
	var found []objectstore.Listed
	_, err := client.Get(ctx, client.Endpoint+fmt.Sprintf("?format=json&limit=%d", most), &found, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusNoContent}})
	switch {
	case err != nil:
		return "the others cannot be listed"
	case len(found) == 0:
		return "there are none"
	}
	text := "there are:"
	for _, c := range found {
		text += fmt.Sprintf(" %q", c.Name)
	}
	if len(found) == most {
		text += " …"
	}
	return text
}
