// Package keymanager has the resources and data sources of Barbican.
package keymanager

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/secrets"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// Resources are the resource types of this service.
func Resources() []func() resource.Resource {
	return []func() resource.Resource{
		lifecycle.Resource(certificate{}),
		lifecycle.Resource(secret{}),
	}
}

// DataSources are the data source types of this service.
func DataSources() []func() datasource.DataSource {
	return []func() datasource.DataSource{
		lifecycle.DataSource(secretSource{}),
	}
}

// EphemeralResources are the ephemeral resource types of this service.
func EphemeralResources() []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{
		lifecycle.EphemeralResource(secretPayload{}),
	}
}

const (
	// maxPayload is how many bytes Barbican takes as it is configured by default.
	maxPayload = 20000
	// maxInline is how many bytes go with the request that makes the secret; what is longer follows it, for the whole
	// request is limited to 25,000 bytes, and was to 15,000 in old releases.
	maxInline = 8000
	// pageSize is the most that Barbican lists at once.
	pageSize = 100

	textPlain   = "text/plain"
	octetStream = "application/octet-stream"
)

// secretReads answers many reads with one list.
var secretReads = openstack.Collection[secrets.Secret]{
	Name:    "secrets",
	Service: (*openstack.Cloud).KeyManager,
	ID:      secretID,
	Get: func(ctx context.Context, client *gophercloud.ServiceClient, id string) (secrets.Secret, error) {
		found, err := secrets.Get(ctx, client, id).Extract()
		if err != nil {
			return secrets.Secret{}, err
		}
		return *found, nil
	},
	// The links between pages forget every filter, so there must be none.
	List: func(ctx context.Context, client *gophercloud.ServiceClient, _ []string) ([]secrets.Secret, error) {
		pages, err := secrets.List(client, secrets.ListOpts{Limit: pageSize}).AllPages(ctx)
		if err != nil {
			return nil, err
		}
		return secrets.ExtractSecrets(pages)
	},
}

// secretID is the end of the URL by which Barbican knows a secret.
func secretID(s secrets.Secret) string { return s.SecretRef[strings.LastIndex(s.SecretRef, "/")+1:] }

// contentType is what kind of payload a secret has, "" when it has none yet.
func contentType(s secrets.Secret) string { return s.ContentTypes["default"] }

// payload is what a secret holds.
type payload struct {
	contentType string
	bytes       []byte
}

// create makes a secret; done is told its id as soon as it exists, before a long payload follows.
func create(ctx context.Context, cloud *openstack.Cloud, opts secrets.CreateOpts, content *payload, done func(id string)) error {
	client, err := cloud.KeyManager()
	if err != nil {
		return err
	}
	inline := content != nil && len(content.bytes) <= maxInline
	if inline {
		opts.PayloadContentType, opts.Payload = content.contentType, string(content.bytes)
		if content.contentType == octetStream {
			opts.PayloadContentEncoding, opts.Payload = "base64", encodeBase64(content.bytes)
		}
	}
	begin := time.Now()
	made, err := secrets.Create(ctx, client, opts).Extract()
	var id string
	switch {
	case openstack.Lost(err):
		id, err = openstack.FindLost(ctx, err, begin, func(ctx context.Context) ([]openstack.Candidate, error) { return alike(ctx, cloud, opts) })
	case err == nil:
		id = secretID(*made)
	}
	if err != nil {
		return fmt.Errorf("create secret %q: %w", opts.Name, err)
	}
	done(id)
	if content == nil || inline {
		return nil
	}
	return upload(ctx, cloud, id, *content)
}

// alike lists the secrets that a request could have made.
func alike(ctx context.Context, cloud *openstack.Cloud, opts secrets.CreateOpts) ([]openstack.Candidate, error) {
	all, err := openstack.All(ctx, cloud, secretReads)
	var candidates []openstack.Candidate
	for _, s := range all {
		kind := opts.SecretType
		if kind == "" {
			kind = secrets.OpaqueSecret
		}
		if s.Name == opts.Name && s.SecretType == string(kind) && s.Algorithm == opts.Algorithm && s.Mode == opts.Mode &&
			s.BitLength == opts.BitLength && contentType(s) == opts.PayloadContentType {
			candidates = append(candidates, openstack.Candidate{ID: secretID(s), Created: s.Created})
		}
	}
	return candidates, err
}

// upload gives a secret its payload, which Barbican takes once.
func upload(ctx context.Context, cloud *openstack.Cloud, id string, content payload) error {
	client, err := cloud.KeyManager()
	if err != nil {
		return err
	}
	err = secrets.Update(ctx, client, id, secrets.UpdateOpts{ContentType: content.contentType, Payload: string(content.bytes)}).ExtractErr()
	if err != nil {
		return fmt.Errorf("store the payload: %w", err)
	}
	return nil
}

// download reads a secret's payload as it was stored.
func download(ctx context.Context, cloud *openstack.Cloud, s secrets.Secret) ([]byte, error) {
	client, err := cloud.KeyManager()
	if err != nil {
		return nil, err
	}
	content, err := secrets.GetPayload(ctx, client, secretID(s), secrets.GetPayloadOpts{PayloadContentType: contentType(s)}).Extract()
	if err != nil {
		return nil, fmt.Errorf("read the payload of secret %q: %w", s.Name, err)
	}
	return content, nil
}

// errUsed says that something still uses a secret.
var errUsed = errors.New("it is still used")

// remove deletes a secret that nobody uses. Barbican itself does not ask, and Octavia can neither change nor delete a
// load balancer of which a certificate is missing.
func remove(ctx context.Context, cloud *openstack.Cloud, id string) error {
	client, err := cloud.KeyManager()
	if err != nil {
		return err
	}
	return openstack.Unused(ctx, func(ctx context.Context) error {
		by, err := users(ctx, cloud, client, id)
		if err != nil {
			return err
		}
		if len(by) > 0 {
			return fmt.Errorf("%w by %s. Let the replacement be made first: lifecycle { create_before_destroy = true }", errUsed, strings.Join(by, ", "))
		}
		return secrets.Delete(ctx, client, id).ExtractErr()
	}, func(err error) bool { return errors.Is(err, errUsed) })
}

// users describes what uses a secret: its registered consumers, and Octavia's listeners and pools. Octavia enters itself
// in the access list of what it uses, so where the list is empty nobody needs to look there.
func users(ctx context.Context, cloud *openstack.Cloud, client *gophercloud.ServiceClient, id string) ([]string, error) {
	var found struct {
		Consumers []struct {
			Service      string `json:"service"`
			ResourceType string `json:"resource_type"`
			ResourceID   string `json:"resource_id"`
		} `json:"consumers"`
	}
	_, err := client.Get(ctx, client.ServiceURL("secrets", id, "consumers"), &found, nil)
	if unavailable(err) { // releases before Zed
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the consumers of the secret: %w", err)
	}
	var by []string
	for _, c := range found.Consumers {
		by = append(by, fmt.Sprintf("%s %s of %s", c.ResourceType, c.ResourceID, c.Service))
	}
	acl, err := readACL(ctx, client, id)
	if err != nil || len(acl.users) == 0 {
		return by, err
	}
	balanced, err := balancers(ctx, cloud, id)
	return append(by, balanced...), err
}

// unavailable is the answer of a service that does not offer a request, or not to this user.
func unavailable(err error) bool {
	fault, ok := openstack.FaultOf(err)
	return ok && slices.Contains([]int{http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented}, fault.Status) ||
		ok && fault.Status == http.StatusNotFound && !strings.Contains(fault.Message, "Secret")
}

// balancers describes the listeners and pools of Octavia that use a secret.
func balancers(ctx context.Context, cloud *openstack.Cloud, id string) ([]string, error) {
	client, err := cloud.LoadBalancer()
	if err != nil {
		return nil, nil //nolint:nilerr // a cloud without Octavia has no listeners
	}
	var by []string
	for _, kind := range []string{"listener", "pool"} {
		all, err := everything(ctx, client, "lbaas/"+kind+"s", kind+"s")
		if unavailable(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list the %ss: %w", kind, err)
		}
		for _, o := range all {
			if mentions(o, id) {
				by = append(by, fmt.Sprintf("%s %v (%v)", kind, o["name"], o["id"]))
			}
		}
	}
	return by, nil
}

// everything reads all pages of a list.
func everything(ctx context.Context, client *gophercloud.ServiceClient, path, key string) ([]map[string]any, error) {
	var all []map[string]any
	for next := client.ServiceURL(path); next != ""; {
		var page map[string][]map[string]any
		if _, err := client.Get(ctx, next, &page, nil); err != nil {
			return nil, err
		}
		all = append(all, page[key]...)
		next = ""
		for _, link := range page[key+"_links"] {
			if href, ok := link["href"].(string); ok && link["rel"] == "next" {
				next = href
			}
		}
	}
	return all, nil
}

// mentions tells whether one of an object's references leads to the secret.
func mentions(o map[string]any, id string) bool {
	for _, v := range o {
		switch v := v.(type) {
		case string:
			if strings.HasSuffix(v, "/secrets/"+id) {
				return true
			}
		case []any:
			if slices.ContainsFunc(v, func(e any) bool { text, ok := e.(string); return ok && strings.HasSuffix(text, "/secrets/"+id) }) {
				return true
			}
		}
	}
	return false
}
