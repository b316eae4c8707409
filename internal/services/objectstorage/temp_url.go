package objectstorage

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // one of the digests that Swift knows; the user's choice
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// tempURL is a signed address with which somebody without credentials may use an object for a while.
type tempURL struct{}

var (
	_ lifecycle.Ephemeral[tempURLModel] = tempURL{}
	_ lifecycle.Validator[tempURLModel] = tempURL{}
)

type tempURLModel struct {
	lifecycle.EphemeralObject

	Container    types.String `tfsdk:"container"`
	Object       types.String `tfsdk:"object"`
	Prefix       types.String `tfsdk:"prefix"`
	Method       types.String `tfsdk:"method"`
	TTL          types.Int64  `tfsdk:"ttl"`
	IPRange      types.String `tfsdk:"ip_range"`
	Filename     types.String `tfsdk:"filename"`
	Inline       types.Bool   `tfsdk:"inline"`
	Digest       types.String `tfsdk:"digest"`
	Key          types.String `tfsdk:"key"`
	ExpiresAt    types.String `tfsdk:"expires_at"`
	URL          types.String `tfsdk:"url"`
	ContainerURL types.String `tfsdk:"container_url"`
	Query        types.String `tfsdk:"query"`
}

func (tempURL) Name() string { return "temp_url" }

func (tempURL) Schema() schema.Schema {
	sensitive := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true, Sensitive: true}
	}
	return schema.Schema{
		MarkdownDescription: "A signed address with which whoever has it may use an object, or all objects that begin with a prefix, without credentials and until it " +
			"expires. The container or the account must have a key for it: `temp_url_key_wo` of `massif_object_container`. It is in no plan and no state.",
		Attributes: map[string]schema.Attribute{
			"container": schema.StringAttribute{
				MarkdownDescription: "Name of the container. When the same configuration makes it, this is its `id`, which is known when it is there.",
				Required:            true,
				Validators:          containerNameValidators(),
			},
			"object": schema.StringAttribute{
				MarkdownDescription: "Name of the object, which need not exist yet. Either this or `prefix`.",
				Optional:            true,
				Validators: []validator.String{
					stringvalidator.LengthBetween(1, 1024),
					stringvalidator.ExactlyOneOf(path.MatchRoot("object"), path.MatchRoot("prefix")),
				},
			},
			"prefix": schema.StringAttribute{
				MarkdownDescription: "Beginning of the names of the objects; all of the container when empty.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtMost(1024)},
			},
			"method": schema.StringAttribute{
				MarkdownDescription: "What may be done: `GET` (when not set), `HEAD`, `PUT`, `POST` or `DELETE`. `GET` and `PUT` also allow `HEAD`.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{stringvalidator.OneOf(http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete)},
			},
			"ttl": schema.Int64Attribute{
				MarkdownDescription: "How many seconds it is valid, counted from when Terraform opens it.",
				Required:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(1)},
			},
			"ip_range": schema.StringAttribute{
				MarkdownDescription: "Address or network in CIDR notation from which it may be used; from everywhere when not set.",
				Optional:            true,
			},
			"filename": schema.StringAttribute{
				MarkdownDescription: "Name under which browsers save the object; the end of its own name when not set.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthBetween(1, 255)},
			},
			"inline": schema.BoolAttribute{
				MarkdownDescription: "Whether browsers show the object instead of saving it.",
				Optional:            true,
			},
			"digest": schema.StringAttribute{
				MarkdownDescription: "How it is signed: `sha256` (when not set), `sha512`, or `sha1` where a cloud knows nothing better.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{stringvalidator.OneOf("sha1", "sha256", "sha512")},
			},
			"key": schema.StringAttribute{
				MarkdownDescription: "Key to sign with. When not set, the container's key, else the account's, is read from the cloud, which shows it to the project's members.",
				Optional:            true,
				Sensitive:           true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"expires_at":    schema.StringAttribute{MarkdownDescription: "When it ends.", Computed: true},
			"url":           sensitive("The signed address of the object or, for a prefix, of the prefix itself."),
			"container_url": schema.StringAttribute{MarkdownDescription: "Address of the container, without a signature.", Computed: true},
			"query": sensitive("The signature, to be put behind a `?`. With a prefix, `container_url`, a slash, the name of any object below it and " +
				"this are the object's signed address."),
		},
	}
}

func (tempURL) Validate(_ context.Context, config *tempURLModel) error {
	var errs []error
	if value.Known(config.IPRange) {
		errs = append(errs, checkRange(config.IPRange.ValueString()))
	}
	download := config.Method.IsNull() || config.Method.IsUnknown() || config.Method.ValueString() == http.MethodGet
	if value.Known(config.Filename) && !download {
		errs = append(errs, lifecycle.Invalid(path.Root("filename"), "it is for downloads, so the method must be GET"))
	}
	if config.Inline.ValueBool() && !download {
		errs = append(errs, lifecycle.Invalid(path.Root("inline"), "it is for downloads, so the method must be GET"))
	}
	return errors.Join(errs...)
}

// checkRange says what is wrong with an address or a network.
func checkRange(text string) error {
	at := path.Root("ip_range")
	if !strings.Contains(text, "/") {
		if _, err := netip.ParseAddr(text); err != nil {
			return lifecycle.Invalid(at, "it must be an address or a network, such as 203.0.113.7 or 203.0.113.0/24: %w", err)
		}
		return nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return lifecycle.Invalid(at, "it must be an address or a network, such as 203.0.113.7 or 203.0.113.0/24: %w", err)
	}
	if prefix != prefix.Masked() {
		return lifecycle.Invalid(at, "%s is an address inside of a network, whom Swift lets nobody in with: the network is %s", text, prefix.Masked())
	}
	return nil
}

func (tempURL) Open(ctx context.Context, cloud *openstack.Cloud, m *tempURLModel) error {
	client, err := cloud.ObjectStorage()
	if err != nil {
		return err
	}
	if m.Method.IsNull() {
		m.Method = types.StringValue(http.MethodGet)
	}
	if m.Digest.IsNull() {
		m.Digest = types.StringValue("sha256")
	}
	key := m.Key.ValueString()
	if key == "" {
		if key, err = signingKey(ctx, client, m.Container.ValueString()); err != nil {
			return err
		}
	}
	expires := time.Now().Add(time.Duration(m.TTL.ValueInt64()) * time.Second).Truncate(time.Second)
	base := objectstore.ContainerURL(client, m.Container.ValueString())
	query, err := m.sign(base, key, expires)
	if err != nil {
		return err
	}
	m.ExpiresAt = types.StringValue(expires.UTC().Format(time.RFC3339))
	m.ContainerURL = types.StringValue(base)
	m.Query = types.StringValue(query.Encode())
	m.URL = types.StringValue(base + "/" + objectstore.EscapeName(m.Object.ValueString()+m.Prefix.ValueString()) + "?" + query.Encode())
	return nil
}

// signingKey is the container's key or, when it has none, the account's.
func signingKey(ctx context.Context, client *gophercloud.ServiceClient, container string) (string, error) {
	headers, err := objectstore.Head(ctx, client, container)
	if openstack.NotFound(err) {
		return "", lifecycle.Invalid(path.Root("container"), "there is no container %q. When the same configuration makes it, "+
			"refer to it by massif_object_container.NAME.id: that is known only when it is there, and its key can be read", container)
	}
	if err != nil {
		return "", lifecycle.At(path.Root("container"), fmt.Errorf("read the key of container %q: %w", container, err))
	}
	if key := headers.Get(tempURLKey); key != "" {
		return key, nil
	}
	if key := headers.Get(tempURLKey + "-2"); key != "" {
		return key, nil
	}
	account, err := client.Head(ctx, client.Endpoint, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusNoContent}})
	if err != nil {
		return "", fmt.Errorf("read the key of the account: %w", err)
	}
	for _, name := range []string{accountTempURLKey, accountTempURLKey + "-2"} {
		if key := account.Header.Get(name); key != "" {
			return key, nil
		}
	}
	return "", lifecycle.Invalid(path.Root("container"),
		"neither the container %q nor the account has a key to sign with that this user may see. Give the container one (temp_url_key_wo of massif_object_container), or set key", container)
}

// sign is the query that makes an address below base a signed one.
func (m *tempURLModel) sign(base, key string, expires time.Time) (url.Values, error) {
	_, account, found := strings.Cut(base, "/v1/")
	if !found {
		return nil, fmt.Errorf("the object store's address %s has no /v1/, without which nothing can be signed", base)
	}
	target, err := url.PathUnescape("/v1/" + account)
	if err != nil {
		return nil, fmt.Errorf("read the object store's address: %w", err)
	}
	query := url.Values{"temp_url_expires": {strconv.FormatInt(expires.Unix(), 10)}}
	if m.Prefix.IsNull() {
		target += "/" + m.Object.ValueString()
	} else {
		target = "prefix:" + target + "/" + m.Prefix.ValueString()
		query.Set("temp_url_prefix", m.Prefix.ValueString())
	}
	signed := fmt.Sprintf("%s\n%d\n%s", m.Method.ValueString(), expires.Unix(), target)
	if !m.IPRange.IsNull() {
		signed = "ip=" + m.IPRange.ValueString() + "\n" + signed
		query.Set("temp_url_ip_range", m.IPRange.ValueString())
	}
	digest := map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}[m.Digest.ValueString()]
	mac := hmac.New(digest, []byte(key))
	if _, err := mac.Write([]byte(signed)); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	query.Set("temp_url_sig", hex.EncodeToString(mac.Sum(nil)))
	if !m.Filename.IsNull() {
		query.Set("filename", m.Filename.ValueString())
	}
	if m.Inline.ValueBool() {
		query.Set("inline", "")
	}
	return query, nil
}
