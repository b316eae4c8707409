package network

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// kind is one kind of Neutron's objects. All of them are made, read, changed and listed alike; the client library would
// need an option struct for each and a wrapper for each extension, and drops zeros and nulls that matter here.
type kind[T any] struct {
	singular string // in bodies: "security_group"
	plural   string
	id       func(T) string
}

func (k kind[T]) path() string { return strings.ReplaceAll(k.plural, "_", "-") }

// maxIDs keeps the URL of a filtered list below 2,000 characters.
const maxIDs = 40

func (k kind[T]) get(ctx context.Context, cloud *openstack.Cloud, id string) (T, error) {
	return openstack.Get(ctx, cloud, k.collection(), id)
}

// collection is how the objects are read, alone and many at once.
func (k kind[T]) collection() openstack.Collection[T] {
	return openstack.Collection[T]{
		Name:    k.plural,
		Service: (*openstack.Cloud).Network,
		ID:      k.id,
		MaxIDs:  maxIDs,
		Get: func(ctx context.Context, client *gophercloud.ServiceClient, id string) (T, error) {
			return k.request(ctx, client, http.MethodGet, client.ServiceURL(k.path(), id), nil)
		},
		List: func(ctx context.Context, client *gophercloud.ServiceClient, ids []string) ([]T, error) {
			return k.pages(ctx, client, url.Values{"id": ids})
		},
	}
}

func (k kind[T]) create(ctx context.Context, cloud *openstack.Cloud, body map[string]any) (T, error) {
	begin := time.Now()
	made, err := k.send(ctx, cloud, http.MethodPost, "", body)
	if !openstack.Lost(err) {
		return made, err
	}
	return k.findLost(ctx, cloud, body, begin, err)
}

// findLost returns what a request made of which the answer was lost.
func (k kind[T]) findLost(ctx context.Context, cloud *openstack.Cloud, body map[string]any, begin time.Time, lost error) (T, error) {
	id, err := openstack.FindLost(ctx, lost, begin, func(ctx context.Context) ([]openstack.Candidate, error) {
		return k.alike(ctx, cloud, body)
	})
	if err != nil {
		var none T
		return none, err
	}
	return k.get(ctx, cloud, id)
}

// createUndated is create for kinds of which Neutron does not tell the age: what was there before is asked for first, so
// that it is not taken for what a lost request has made.
func (k kind[T]) createUndated(ctx context.Context, cloud *openstack.Cloud, body map[string]any) (T, error) {
	before, err := k.alike(ctx, cloud, body)
	if err != nil {
		var none T
		return none, fmt.Errorf("list the %s: %w", strings.ReplaceAll(k.plural, "_", " "), err)
	}
	begin := time.Now()
	made, err := k.send(ctx, cloud, http.MethodPost, "", body)
	if !openstack.Lost(err) {
		return made, err
	}
	id, err := openstack.FindLost(ctx, err, begin, func(ctx context.Context) ([]openstack.Candidate, error) {
		now, err := k.alike(ctx, cloud, body)
		now = slices.DeleteFunc(now, func(c openstack.Candidate) bool { return slices.Contains(before, c) })
		for i := range now {
			now[i].Created = begin
		}
		return now, err
	})
	if err != nil {
		var none T
		return none, err
	}
	return k.get(ctx, cloud, id)
}

// stamped is what alike reads of an object of any kind.
type stamped struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	CreatedAt   time.Time `json:"created_at"`
}

// alike lists the objects that the body could have made.
func (k kind[T]) alike(ctx context.Context, cloud *openstack.Cloud, body map[string]any) ([]openstack.Candidate, error) {
	query := url.Values{"project_id": {cloud.ProjectID()}}
	for _, name := range []string{"name", "description", "network_id", "floating_network_id"} {
		if text, ok := body[name].(string); ok && text != "" {
			query.Set(name, text)
		} else if p, ok := body[name].(*string); ok && p != nil && *p != "" {
			query.Set(name, *p)
		}
	}
	all, err := kind[stamped]{singular: k.singular, plural: k.plural}.list(ctx, cloud, query)
	candidates := make([]openstack.Candidate, 0, len(all))
	for _, o := range all {
		// Neutron's database takes names for equal that differ in case.
		if query.Has("name") && o.Name != query.Get("name") || query.Has("description") && o.Description != query.Get("description") {
			continue
		}
		candidates = append(candidates, openstack.Candidate{ID: o.ID, Created: o.CreatedAt})
	}
	return candidates, err
}

func (k kind[T]) update(ctx context.Context, cloud *openstack.Cloud, id string, body map[string]any) (T, error) {
	return k.send(ctx, cloud, http.MethodPut, id, body)
}

func (k kind[T]) send(ctx context.Context, cloud *openstack.Cloud, method, id string, body map[string]any) (T, error) {
	client, err := cloud.Network()
	if err != nil {
		var none T
		return none, err
	}
	return k.request(ctx, client, method, strings.TrimSuffix(client.ServiceURL(k.path(), id), "/"), map[string]any{k.singular: body})
}

// createMany makes all or none with one request.
func (k kind[T]) createMany(ctx context.Context, cloud *openstack.Cloud, bodies []map[string]any) ([]T, error) {
	client, err := cloud.Network()
	if err != nil {
		return nil, err
	}
	var answer map[string][]T
	begin := time.Now()
	_, err = client.Post(ctx, client.ServiceURL(k.path()), map[string]any{k.plural: bodies}, &answer, nil)
	if !openstack.Lost(err) {
		return answer[k.plural], err
	}
	lost := err
	var made []T
	for _, body := range bodies {
		one, err := k.findLost(ctx, cloud, body, begin, lost)
		if err != nil {
			return made, err
		}
		made = append(made, one)
	}
	return made, nil
}

func (k kind[T]) delete(ctx context.Context, cloud *openstack.Cloud, id string) error {
	client, err := cloud.Network()
	if err != nil {
		return err
	}
	_, err = client.Delete(ctx, client.ServiceURL(k.path(), id), nil)
	return err
}

// list is for lookups by something else than the id.
func (k kind[T]) list(ctx context.Context, cloud *openstack.Cloud, query url.Values) ([]T, error) {
	client, err := cloud.Network()
	if err != nil {
		return nil, err
	}
	return k.pages(ctx, client, query)
}

func (k kind[T]) request(ctx context.Context, client *gophercloud.ServiceClient, method, address string, body any) (T, error) {
	var answer map[string]T
	_, err := client.Request(ctx, method, address, &gophercloud.RequestOpts{
		JSONBody: body, JSONResponse: &answer, OkCodes: []int{http.StatusOK, http.StatusCreated},
	})
	return answer[k.singular], err
}

func (k kind[T]) pages(ctx context.Context, client *gophercloud.ServiceClient, query url.Values) ([]T, error) {
	var all []T
	next := client.ServiceURL(k.path())
	if len(query) > 0 {
		next += "?" + query.Encode()
	}
	for next != "" {
		var page map[string]json.RawMessage
		if _, err := client.Get(ctx, next, &page, nil); err != nil {
			return nil, err
		}
		var objects []T
		if err := json.Unmarshal(page[k.plural], &objects); err != nil {
			return nil, fmt.Errorf("read the list of %s: %w", k.plural, err)
		}
		var links []struct{ Rel, Href string }
		if raw, ok := page[k.plural+"_links"]; ok {
			if err := json.Unmarshal(raw, &links); err != nil {
				return nil, fmt.Errorf("read the list of %s: %w", k.plural, err)
			}
		}
		next = ""
		for _, link := range links {
			if link.Rel == "next" {
				next = link.Href
			}
		}
		all = append(all, objects...)
	}
	return all, nil
}

// setTags replaces an object's tags, which Neutron does not take with the object.
func (k kind[T]) setTags(ctx context.Context, cloud *openstack.Cloud, id string, tags types.Set) error {
	client, err := cloud.Network()
	if err != nil {
		return err
	}
	all := value.Strings(tags)
	if all == nil {
		all = []string{}
	}
	_, err = client.Put(ctx, client.ServiceURL(k.path(), id, "tags"), map[string]any{"tags": all}, nil,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	if err != nil {
		return lifecycle.At(path.Root("tags"), fmt.Errorf("set the tags: %w", err))
	}
	return nil
}

// change sends what differs between two models, if anything does.
func (k kind[T]) change(ctx context.Context, cloud *openstack.Cloud, id string, body map[string]any) error {
	if len(body) == 0 {
		return nil
	}
	_, err := k.update(ctx, cloud, id, body)
	return err
}

// fields are what a model says about an object, by the API's names.
type fields map[string]attr.Value

// known is the body of a create: what nobody chose is left to the cloud.
func (f fields) known() map[string]any {
	body := map[string]any{}
	for name, v := range f {
		if value.Known(v) {
			body[name] = plain(v)
		}
	}
	return body
}

// changed is the body of an update: what differs from prior, where null takes a value away.
func (f fields) changed(prior fields) map[string]any {
	body := map[string]any{}
	for name, v := range f {
		if !v.IsUnknown() && !v.Equal(prior[name]) {
			body[name] = plain(v)
		}
	}
	return body
}

// plain is a framework value as JSON has it. Unknown parts are left out.
func plain(v attr.Value) any {
	if !value.Known(v) {
		return nil
	}
	switch v := v.(type) {
	case types.String:
		return v.ValueString()
	case types.Bool:
		return v.ValueBool()
	case types.Int64:
		return v.ValueInt64()
	case types.Object:
		return fields(v.Attributes()).known()
	case interface{ Elements() []attr.Value }:
		all := []any{}
		for _, e := range v.Elements() {
			if value.Known(e) {
				all = append(all, plain(e))
			}
		}
		return all
	default:
		return nil
	}
}

// deleteUnused deletes an object; while the API says that it is in use, again. In the end the error names the users.
func deleteUnused(ctx context.Context, what string, remove func(context.Context) error, users func(context.Context) ([]string, error)) error {
	err := openstack.Unused(ctx, remove, inUse)
	if !inUse(err) || ctx.Err() != nil {
		return err
	}
	by, lookErr := users(ctx)
	if lookErr != nil || len(by) == 0 {
		return err
	}
	return fmt.Errorf("%s is still used by %s: %w", what, strings.Join(by, ", "), err)
}

func inUse(err error) bool {
	fault, ok := openstack.FaultOf(err)
	return ok && (fault.InUse() || fault.Kind == "SubnetPoolDeleteError")
}

// portUsers describes the ports that a query finds, for errors about things in use.
func portUsers(cloud *openstack.Cloud, query url.Values) func(context.Context) ([]string, error) {
	return func(ctx context.Context) ([]string, error) {
		found, err := ports.list(ctx, cloud, query)
		var users []string
		for _, p := range found {
			users = append(users, p.describe())
		}
		return users, err
	}
}

func (p apiPort) describe() string {
	text := "port " + p.ID
	if p.Name != "" {
		text += fmt.Sprintf(" (%s)", p.Name)
	}
	if p.DeviceOwner != "" {
		text += fmt.Sprintf(" of %s %s", p.DeviceOwner, p.DeviceID)
	}
	return text
}

// routerInterface tells whether a port joins a subnet to a router, in any of the forms that agents and drivers know.
func (p apiPort) routerInterface() bool {
	switch p.DeviceOwner {
	case "network:router_interface", "network:router_interface_distributed", "network:ha_router_replicated_interface":
		return true
	}
	return false
}
