package reverseproxy

import (
	"fmt"
	"net/url"
	"regexp"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

func isName() validator.String { return attribute.Obeys("must be a name", documents.CheckName) }

// maxProxyName leaves room for what the names of nodes and of the container add.
const maxProxyName = 40

var hostLabel = regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`)

func isProxyName() validator.String {
	return attribute.Obeys("must be a name that servers can have", func(name string) error {
		switch {
		case len(name) > maxProxyName:
			return fmt.Errorf("%q has %d characters; %d are possible, because nodes add theirs", name, len(name), maxProxyName)
		case !hostLabel.MatchString(name):
			return fmt.Errorf("%q has something else than lower case letters, digits and hyphens, or does not begin with a letter", name)
		}
		return nil
	})
}

func isDuration() validator.String {
	return attribute.Obeys("must be a duration", func(text string) error {
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is none such as 5s or 1m30s", text)
		}
		if d < 0 {
			return fmt.Errorf("%s is negative", d)
		}
		return nil
	})
}

func isDownload() validator.String {
	return attribute.Obeys("must be where nodes download from", func(text string) error {
		address, err := url.Parse(text)
		switch {
		case err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http":
			return fmt.Errorf("%q is no URL of http or https", text)
		case address.User != nil:
			return fmt.Errorf("it may hold no password: who can read a node's user data would have it")
		}
		return nil
	})
}
