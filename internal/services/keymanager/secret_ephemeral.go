package keymanager

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// secretPayload reads the payload of a secret for one run of Terraform.
type secretPayload struct{}

var _ lifecycle.Ephemeral[secretPayloadModel] = secretPayload{}

type secretPayloadModel struct {
	lifecycle.EphemeralObject

	ID            types.String `tfsdk:"id"`
	Name          types.String `tfsdk:"name"`
	ContentType   types.String `tfsdk:"content_type"`
	Payload       types.String `tfsdk:"payload"`
	PayloadBase64 types.String `tfsdk:"payload_base64"`
}

func (secretPayload) Name() string { return "secret" }

func (secretPayload) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "The payload of a secret in the key manager, which is in no plan and no state. It is found by `id` or `name`.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "ID of the secret.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1), stringvalidator.ExactlyOneOf(path.MatchRoot("id"), path.MatchRoot("name"))},
			},
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the secret, of which there must be one only.",
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"content_type":   schema.StringAttribute{MarkdownDescription: "Content type of the payload.", Computed: true},
			"payload":        schema.StringAttribute{MarkdownDescription: "The payload as text; not set when it is none.", Computed: true, Sensitive: true},
			"payload_base64": schema.StringAttribute{MarkdownDescription: "The payload in base64.", Computed: true, Sensitive: true},
		},
	}
}

func (secretPayload) Open(ctx context.Context, cloud *openstack.Cloud, m *secretPayloadModel) error {
	found, err := findSecret(ctx, cloud, m.ID, m.Name, types.StringNull(), types.StringNull())
	if err != nil {
		return err
	}
	if contentType(found) == "" {
		return fmt.Errorf("secret %s has no payload yet", describe(found))
	}
	content, err := download(ctx, cloud, found)
	if err != nil {
		return err
	}
	m.ID, m.Name = types.StringValue(secretID(found)), types.StringValue(found.Name)
	m.ContentType = types.StringValue(contentType(found))
	m.Payload, m.PayloadBase64 = types.StringNull(), types.StringValue(encodeBase64(content))
	if utf8.Valid(content) {
		m.Payload = types.StringValue(string(content))
	}
	return nil
}
