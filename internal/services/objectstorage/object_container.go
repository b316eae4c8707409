package objectstorage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

var (
	containerName = regexp.MustCompile(`^[^/]+$`)
	metadataKey   = regexp.MustCompile(`^[A-Za-z0-9-]{1,128}$`)
	// reservedKey is metadata that has an attribute of its own.
	reservedKey = regexp.MustCompile(`(?i)^(quota-(bytes|count)|temp-url-key(-2)?|access-control-(allow-origin|max-age|expose-headers)|web-(index|error|listings|listings-css))$`)
	aclElement  = regexp.MustCompile(`^[^,\s]+$`)
)

// objectContainer is a container of objects. Its settings are headers: what is not declared is removed.
type objectContainer struct{}

var (
	_ lifecycle.Handler[containerModel]   = objectContainer{}
	_ lifecycle.Updater[containerModel]   = objectContainer{}
	_ lifecycle.Validator[containerModel] = objectContainer{}
	_ lifecycle.Secrets[containerModel]   = objectContainer{}
)

type containerModel struct {
	lifecycle.Object

	Name               types.String `tfsdk:"name"`
	Metadata           types.Map    `tfsdk:"metadata"`
	ReadACL            types.Set    `tfsdk:"read_acl"`
	WriteACL           types.Set    `tfsdk:"write_acl"`
	QuotaBytes         types.Int64  `tfsdk:"quota_bytes"`
	QuotaCount         types.Int64  `tfsdk:"quota_count"`
	Versioning         types.Bool   `tfsdk:"versioning"`
	CORS               types.Object `tfsdk:"cors"`
	StaticWeb          types.Object `tfsdk:"static_web"`
	StoragePolicy      types.String `tfsdk:"storage_policy"`
	TempURLKey         types.String `tfsdk:"temp_url_key_wo"`
	TempURLKey2        types.String `tfsdk:"temp_url_key_2_wo"`
	TempURLKeysVersion types.Int64  `tfsdk:"temp_url_keys_wo_version"`
	SyncTo             types.String `tfsdk:"sync_to"`
	SyncKey            types.String `tfsdk:"sync_key_wo"`
	SyncKeyVersion     types.Int64  `tfsdk:"sync_key_wo_version"`
	ForceDestroy       types.Bool   `tfsdk:"force_destroy"`
}

type corsModel struct {
	AllowedOrigins types.Set   `tfsdk:"allowed_origins"`
	ExposedHeaders types.Set   `tfsdk:"exposed_headers"`
	MaxAge         types.Int64 `tfsdk:"max_age"`
}

type staticWebModel struct {
	Index       types.String `tfsdk:"index"`
	Error       types.String `tfsdk:"error"`
	Listings    types.Bool   `tfsdk:"listings"`
	ListingsCSS types.String `tfsdk:"listings_css"`
}

func (objectContainer) Name() string { return "object_container" }

func (objectContainer) Schema() schema.Schema {
	name := attribute.FixedName("Name of the container, unique for the project.")
	name.Validators = containerNameValidators()
	quota := func(description string) schema.Int64Attribute {
		return schema.Int64Attribute{MarkdownDescription: description, Optional: true, Validators: []validator.Int64{int64validator.AtLeast(0)}}
	}
	key := func(description, version string) schema.StringAttribute {
		return schema.StringAttribute{
			MarkdownDescription: description + " Write-only: it is never in the state, so raise `" + version + "` to change it.",
			Optional:            true,
			WriteOnly:           true,
			Sensitive:           true,
			Validators: []validator.String{
				stringvalidator.LengthBetween(1, 256),
				stringvalidator.AlsoRequires(path.MatchRoot(version)),
			},
		}
	}
	return schema.Schema{
		MarkdownDescription: "A container of objects in Swift, which S3 calls a bucket.",
		Attributes: map[string]schema.Attribute{
			"name": name,
			"metadata": schema.MapAttribute{
				MarkdownDescription: "Metadata of the container, all of it. Keys are letters, digits and `-`, whatever their case.",
				ElementType:         types.StringType,
				Optional:            true,
				Computed:            true,
				Default:             mapdefault.StaticValue(value.Map(nil)),
				Validators:          metadataValidators(),
			},
			"read_acl":    acl("Who may read: `.r:*` is everybody, `.rlistings` lets them list, `PROJECT_ID:USER_ID` (either may be `*`) is somebody."),
			"write_acl":   acl("Who may write: `PROJECT_ID:USER_ID`, of which either may be `*`."),
			"quota_bytes": quota("How many bytes all objects together may have; unlimited when not set."),
			"quota_count": quota("How many objects there may be; unlimited when not set."),
			"versioning":  attribute.Flag("Keep the old versions of objects that are overwritten or deleted.", false),
			"cors":        corsAttribute(),
			"static_web":  staticWebAttribute(),
			"storage_policy": schema.StringAttribute{
				MarkdownDescription: "How the cloud stores the objects; its default when not set. Changing it makes a new container.",
				Optional:            true,
				Computed:            true,
				PlanModifiers: []planmodifier.String{
					stringplanmodifier.UseStateForUnknown(),
					stringplanmodifier.RequiresReplaceIfConfigured(),
				},
			},
			"temp_url_key_wo":   key("Key with which temporary URLs are signed.", "temp_url_keys_wo_version"),
			"temp_url_key_2_wo": key("Second key, so that the first can be changed while URLs that it signed are in use.", "temp_url_keys_wo_version"),
			"temp_url_keys_wo_version": schema.Int64Attribute{
				MarkdownDescription: "Version of the keys for temporary URLs. A new number sends the keys again.",
				Optional:            true,
			},
			"sync_to": schema.StringAttribute{
				MarkdownDescription: "Container that Swift copies all objects to: `//REALM/CLUSTER/ACCOUNT/CONTAINER`, or its address on a host that the cloud's operator allows.",
				Optional:            true,
				Validators: []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^((https?:)?//)[^/\s]+(/[^/\s]+){3}$`),
					"must be such as //realm/cluster/account/container or https://swift.example.org/v1/account/container")},
			},
			"sync_key_wo": key("Secret that both containers have.", "sync_key_wo_version"),
			"sync_key_wo_version": schema.Int64Attribute{
				MarkdownDescription: "Version of the secret. A new number sends it again.",
				Optional:            true,
			},
			"force_destroy": attribute.Flag("Delete all objects, of which there may be many, when the container is destroyed. Otherwise a container with objects stays.", false),
		},
	}
}

// containerNameValidators accept what Swift does.
func containerNameValidators() []validator.String {
	return []validator.String{
		stringvalidator.LengthBetween(1, 256),
		stringvalidator.RegexMatches(containerName, "must not contain a slash"),
		stringvalidator.NoneOf(".", ".."),
	}
}

func acl(description string) schema.SetAttribute {
	return schema.SetAttribute{
		MarkdownDescription: description,
		ElementType:         types.StringType,
		Optional:            true,
		Computed:            true,
		Default:             setdefault.StaticValue(value.Set(nil)),
		Validators: []validator.Set{
			setvalidator.ValueStringsAre(stringvalidator.RegexMatches(aclElement, "must be one element, without commas and spaces")),
		},
	}
}

func corsAttribute() schema.SingleNestedAttribute {
	words := func(description string) schema.SetAttribute {
		return schema.SetAttribute{
			MarkdownDescription: description,
			ElementType:         types.StringType,
			Optional:            true,
			Validators: []validator.Set{
				setvalidator.SizeAtLeast(1),
				setvalidator.ValueStringsAre(stringvalidator.RegexMatches(aclElement, "must have no commas and spaces")),
			},
		}
	}
	origins := words("Origins of pages that may ask, such as `https://www.example.org`; `*` is all.")
	origins.Optional, origins.Required = false, true
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Which web pages of other origins browsers let at the objects.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"allowed_origins": origins,
			"exposed_headers": words("Headers that the pages may see besides the usual ones."),
			"max_age": schema.Int64Attribute{
				MarkdownDescription: "How many seconds a browser may remember the answer.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(0)},
			},
		},
	}
}

func staticWebAttribute() schema.SingleNestedAttribute {
	file := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Optional: true, Validators: []validator.String{stringvalidator.LengthBetween(1, 256)}}
	}
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Serve the container as a web site. It also needs `.r:*` in `read_acl`.",
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"index":        file("Object that answers for a folder, such as `index.html`."),
			"error":        file("End of the names of the objects that answer errors: `error.html` makes it `404error.html`."),
			"listings":     schema.BoolAttribute{MarkdownDescription: "Whether folders without an index show what is in them.", Optional: true},
			"listings_css": file("Object with the style sheet of these listings."),
		},
	}
}

func (objectContainer) Validate(_ context.Context, config *containerModel) error {
	errs := []error{checkTwins(config.Metadata)}
	for _, key := range sortedKeys(value.StringMap(config.Metadata)) {
		if reservedKey.MatchString(key) {
			errs = append(errs, lifecycle.Invalid(path.Root("metadata").AtMapKey(key), "this has an attribute of its own"))
		}
	}
	if config.SyncTo.IsNull() && !config.SyncKeyVersion.IsNull() {
		errs = append(errs, lifecycle.Invalid(path.Root("sync_key_wo_version"), "a secret without a container to copy to is of no use: set sync_to, too"))
	}
	if value.Known(config.SyncTo) && config.Versioning.ValueBool() {
		errs = append(errs, lifecycle.Invalid(path.Root("sync_to"), "Swift does not copy containers that keep versions: set either this or versioning"))
	}
	return errors.Join(append(errs, checkACL("read_acl", config.ReadACL, false), checkACL("write_acl", config.WriteACL, true))...)
}

// Secrets carries the keys, which are write-only.
func (objectContainer) Secrets(from, to *containerModel) {
	to.TempURLKey, to.TempURLKey2, to.SyncKey = from.TempURLKey, from.TempURLKey2, from.SyncKey
}

func (c objectContainer) Create(ctx context.Context, cloud *openstack.Cloud, m *containerModel) error {
	client, err := cloud.ObjectStorage()
	if err != nil {
		return err
	}
	name := m.Name.ValueString()
	// PUT would take over a container that is there already, and a later destroy somebody's data.
	switch _, err := objectstore.Head(ctx, client, name); {
	case err == nil:
		return lifecycle.Exists("object_container", path.Root("name"), name)
	case !openstack.NotFound(err):
		return fmt.Errorf("look for container %q: %w", name, err)
	}
	headers, err := m.headers(ctx, nil)
	if err != nil {
		return err
	}
	if policy := value.Ptr(m.StoragePolicy); policy != nil {
		headers["X-Storage-Policy"] = *policy
	}
	response, err := client.Request(ctx, http.MethodPut, objectstore.ContainerURL(client, name), &gophercloud.RequestOpts{
		MoreHeaders: headers, OkCodes: []int{http.StatusCreated, http.StatusAccepted},
	})
	if err != nil {
		return blame(fmt.Errorf("create container %q: %w", name, err))
	}
	if response.StatusCode == http.StatusAccepted {
		// Somebody was faster since we looked.
		return lifecycle.Exists("object_container", path.Root("name"), name)
	}
	m.ID = types.StringValue(name)
	return nil
}

func (objectContainer) Read(ctx context.Context, cloud *openstack.Cloud, m *containerModel) error {
	client, err := cloud.ObjectStorage()
	if err != nil {
		return err
	}
	headers, err := objectstore.Head(ctx, client, m.ID.ValueString())
	if err != nil {
		return err
	}
	return m.flatten(ctx, headers)
}

func (objectContainer) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *containerModel) error {
	client, err := cloud.ObjectStorage()
	if err != nil {
		return err
	}
	headers, err := plan.headers(ctx, prior)
	if err != nil {
		return err
	}
	if len(headers) == 0 {
		return nil
	}
	// Versions cannot be switched on where the container is still copied to another.
	if versioned, ok := headers[versions]; ok && !prior.SyncTo.IsNull() && len(headers) > 1 {
		delete(headers, versions)
		if err := change(ctx, client, plan.ID.ValueString(), headers); err != nil {
			return err
		}
		headers = map[string]string{versions: versioned}
	}
	return change(ctx, client, plan.ID.ValueString(), headers)
}

// change sends settings of a container.
func change(ctx context.Context, client *gophercloud.ServiceClient, name string, headers map[string]string) error {
	_, err := client.Request(ctx, http.MethodPost, objectstore.ContainerURL(client, name), &gophercloud.RequestOpts{
		MoreHeaders: headers, OkCodes: []int{http.StatusNoContent, http.StatusAccepted},
	})
	if err != nil {
		return blame(fmt.Errorf("change container %q: %w", name, err))
	}
	return nil
}

func (objectContainer) Delete(ctx context.Context, cloud *openstack.Cloud, m *containerModel) error {
	client, err := cloud.ObjectStorage()
	if err != nil {
		return err
	}
	name := m.ID.ValueString()
	if m.ForceDestroy.ValueBool() {
		return objectstore.Destroy(ctx, client, name)
	}
	err = objectstore.Remove(ctx, client, name)
	if openstack.Conflict(err) {
		return fmt.Errorf("container %q is not empty; delete its objects, with all their versions, or set force_destroy and apply before destroying it: %w", name, err)
	}
	return err
}

// blame finds the attribute that Swift's plain words are about.
func blame(err error) error {
	fault, ok := openstack.FaultOf(err)
	if !ok || fault.Status != http.StatusBadRequest {
		return err
	}
	for _, about := range []struct {
		attribute string
		words     *regexp.Regexp
	}{ // the first that fits
		{"storage_policy", regexp.MustCompile(`X-Storage-Policy`)},
		{"sync_to", regexp.MustCompile(`(?i)container[- ]sync|realm`)},
		{"versioning", regexp.MustCompile(`(?i)version`)},
		{"read_acl", regexp.MustCompile(`\bACL\b`)},
	} {
		if about.words.MatchString(fault.Message) {
			return lifecycle.At(path.Root(about.attribute), err)
		}
	}
	return err
}
