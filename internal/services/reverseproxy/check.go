package reverseproxy

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// obeys is a string validator made of a sentence and a check.
type obeys struct {
	wants string
	check func(string) error
}

var _ validator.String = obeys{}

func (o obeys) Description(context.Context) string         { return o.wants }
func (o obeys) MarkdownDescription(context.Context) string { return o.wants }

func (o obeys) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if !value.Known(req.ConfigValue) {
		return
	}
	if err := o.check(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid value", fmt.Sprintf("The value %s: %v.", o.wants, err))
	}
}

func isName() validator.String { return obeys{"must be a name", documents.CheckName} }

// maxProxyName leaves room for what the names of nodes and of the container add.
const maxProxyName = 40

var hostLabel = regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`)

func isProxyName() validator.String {
	return obeys{"must be a name that servers can have", func(name string) error {
		switch {
		case len(name) > maxProxyName:
			return fmt.Errorf("%q has %d characters; %d are possible, because nodes add theirs", name, len(name), maxProxyName)
		case !hostLabel.MatchString(name):
			return fmt.Errorf("%q has something else than lower case letters, digits and hyphens, or does not begin with a letter", name)
		}
		return nil
	}}
}

func isDuration() validator.String {
	return obeys{"must be a duration", func(text string) error {
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is none such as 5s or 1m30s", text)
		}
		if d < 0 {
			return fmt.Errorf("%s is negative", d)
		}
		return nil
	}}
}

func isDownload() validator.String {
	return obeys{"must be where nodes download from", func(text string) error {
		address, err := url.Parse(text)
		switch {
		case err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http":
			return fmt.Errorf("%q is no URL of http or https", text)
		case address.User != nil:
			return fmt.Errorf("it may hold no password: who can read a node's user data would have it")
		}
		return nil
	}}
}

var sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)

func isSHA256() validator.String {
	return obeys{"must be a SHA-256 checksum", func(text string) error {
		if !sha256Form.MatchString(text) {
			return fmt.Errorf("%q is not 64 hexadecimal digits in lower case", text)
		}
		return nil
	}}
}
