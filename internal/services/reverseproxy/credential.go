package reverseproxy

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/applicationcredentials"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

const (
	// rulesLock is held while credentials with access rules come and go, by all that make them: those of a user share their rules.
	rulesLock = "identity/access rules"
	// lenientRole lets in and allows to read; what it may write is the container's list.
	lenientRole = "reader"
)

// credentialOf is the dedicated credential of a proxy's nodes, as good as the cloud allows. The container lets its user read and write, so
// the role of a reader is enough, and access rules keep it to that container. Not every object storage can check these.
func credentialOf(ctx context.Context, cloud *openstack.Cloud, id string, container *objectstore.Container) (credentialID, secret string, err error) {
	own, err := cloud.Credential()
	if err != nil {
		return "", "", err
	}
	rules, err := accessRules(container.URL())
	if err != nil {
		return "", "", err
	}
	type choice struct {
		roles []applicationcredentials.Role
		rules []applicationcredentials.AccessRule
	}
	choices := []choice{{nil, rules}, {nil, nil}}
	if slices.Contains(own.Roles, lenientRole) {
		reader := []applicationcredentials.Role{{Name: lenientRole}}
		choices = slices.Insert(choices, 0, choice{reader, rules}, choice{reader, nil})
	}
	var refusal error
	for _, c := range choices {
		if len(c.rules) > 0 && cloud.Learned(noAccessRules) {
			continue
		}
		credentialID, secret, err = makeCredential(ctx, cloud, id, c.roles, c.rules)
		if err != nil {
			return "", "", err
		}
		refusal = try(ctx, cloud, id, credentialID, secret)
		if refusal == nil {
			if len(c.roles) == 0 && len(c.rules) == 0 {
				lifecycle.Warn(ctx, "The nodes' credential may do more than it must", "The cloud's object storage takes neither access rules nor a reader's credential, so "+
					"the nodes have one with all roles of the provider's user in the project.")
			}
			return credentialID, secret, nil
		}
		if err := removeCredentials(ctx, cloud, id); err != nil {
			return "", "", errors.Join(refusal, err)
		}
		if ctx.Err() != nil {
			return "", "", refusal
		}
		if len(c.rules) > 0 {
			cloud.Learn(noAccessRules)
		}
	}
	return "", "", fmt.Errorf("no application credential can write container %q: %w", id, refusal)
}

// noAccessRules is learned about clouds whose object storage refuses credentials with access rules: Swift needs service_type and
// include_service_catalog in its authtoken for them, and others do not know them.
const noAccessRules = "object storage checks no access rules"

// accessRules let a credential do with the objects of the container what nodes do. Services behind a prefix of their own may see the path
// without it.
func accessRules(container string) ([]applicationcredentials.AccessRule, error) {
	address, err := url.Parse(container)
	if err != nil {
		return nil, fmt.Errorf("read the address of the container: %w", err)
	}
	paths := []string{address.Path}
	if at := strings.Index(address.Path, "/v1/"); at > 0 {
		paths = append(paths, address.Path[at:])
	}
	var rules []applicationcredentials.AccessRule
	add := func(method, path string) {
		rules = append(rules, applicationcredentials.AccessRule{Service: "object-store", Method: method, Path: path})
	}
	for _, path := range paths {
		add(http.MethodGet, path) // the listing
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete} {
			add(method, path+"/**")
		}
	}
	return rules, nil
}

func makeCredential(ctx context.Context, cloud *openstack.Cloud, name string, roles []applicationcredentials.Role, rules []applicationcredentials.AccessRule) (id, secret string, err error) {
	client, err := cloud.Identity()
	if err != nil {
		return "", "", err
	}
	random := make([]byte, 40) // 54 letters: Keystone hashes no more than 72
	if _, err := rand.Read(random); err != nil {
		return "", "", fmt.Errorf("make a secret: %w", err)
	}
	secret = base64.RawURLEncoding.EncodeToString(random)
	if len(rules) > 0 {
		unlock, err := cloud.Lock(ctx, rulesLock)
		if err != nil {
			return "", "", err
		}
		defer unlock()
	}
	made, err := applicationcredentials.Create(ctx, client, cloud.UserID(), applicationcredentials.CreateOpts{
		Name: name, Description: "Nodes of the reverse proxy " + name, Secret: secret, Roles: roles, AccessRules: rules,
	}).Extract()
	if err != nil {
		return "", "", fmt.Errorf("create the application credential of the nodes: %w", err)
	}
	return made.ID, secret, nil
}

// try does with the credential what a node does.
func try(ctx context.Context, cloud *openstack.Cloud, name, id, secret string) error {
	session, err := cloud.AsApplication(ctx, id, secret)
	if err != nil {
		return err
	}
	container, err := objectstore.Open(session, name)
	if err != nil {
		return err
	}
	const object = documents.StatusPrefix + "credential"
	if _, err := container.Put(ctx, object, []byte("{}"), "application/json", false); err != nil {
		return err
	}
	if _, _, err := container.Get(ctx, object, ""); err != nil {
		return err
	}
	if _, _, err := container.List(ctx, documents.StatusPrefix); err != nil {
		return err
	}
	return container.Delete(ctx, object)
}

// findCredentials are the user's credentials of that name, of which only a proxy can have made one.
func findCredentials(ctx context.Context, cloud *openstack.Cloud, name string) ([]applicationcredentials.ApplicationCredential, error) {
	client, err := cloud.Identity()
	if err != nil {
		return nil, err
	}
	pages, err := applicationcredentials.List(client, cloud.UserID(), applicationcredentials.ListOpts{Name: name}).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the application credential of the nodes: %w", err)
	}
	found, err := applicationcredentials.ExtractApplicationCredentials(pages)
	if err != nil {
		return nil, fmt.Errorf("find the application credential of the nodes: %w", err)
	}
	return slices.DeleteFunc(found, func(c applicationcredentials.ApplicationCredential) bool { return c.Name != name }), nil
}

// removeCredentials deletes the credentials of that name with the access rules that nothing else uses.
func removeCredentials(ctx context.Context, cloud *openstack.Cloud, name string) error {
	unlock, err := cloud.Lock(ctx, rulesLock)
	if err != nil {
		return err
	}
	defer unlock()
	found, err := findCredentials(ctx, cloud, name)
	if err != nil {
		return err
	}
	client, err := cloud.Identity()
	if err != nil {
		return err
	}
	for _, c := range found {
		if err := removeCredential(ctx, client, cloud.UserID(), c); err != nil {
			return err
		}
	}
	return nil
}

func removeCredential(ctx context.Context, client *gophercloud.ServiceClient, user string, c applicationcredentials.ApplicationCredential) error {
	if err := applicationcredentials.Delete(ctx, client, user, c.ID).ExtractErr(); err != nil && !openstack.NotFound(err) {
		return fmt.Errorf("delete application credential %q: %w", c.Name, err)
	}
	for _, rule := range c.AccessRules {
		err := applicationcredentials.DeleteAccessRule(ctx, client, user, rule.ID).ExtractErr()
		if err != nil && !openstack.NotFound(err) && !openstack.Forbidden(err) { // forbidden: in use
			return fmt.Errorf("delete access rule %s of application credential %q: %w", rule.ID, c.Name, err)
		}
	}
	return nil
}
