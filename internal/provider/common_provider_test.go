package provider_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// commonProvider stands for the common OpenStack provider: it makes the objects of the tests, and has them in a state
// from which they can be moved.
type commonProvider struct {
	adoptees map[string]func(name string) map[string]string // by type: makes the object and returns its state
	region   string
}

var _ provider.Provider = (*commonProvider)(nil)

func (p *commonProvider) factory() func() (tfprotov6.ProviderServer, error) {
	return providerserver.NewProtocol6WithError(p)
}

func (*commonProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "openstack"
}

func (*commonProvider) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}

func (*commonProvider) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}

func (*commonProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

func (p *commonProvider) Resources(context.Context) []func() resource.Resource {
	var all []func() resource.Resource
	for _, name := range slices.Sorted(maps.Keys(p.adoptees)) {
		all = append(all, func() resource.Resource { return &commonResource{name, p.adoptees[name], p.region} })
	}
	return all
}

// commonResource is a type of the common provider. The cloud's objects outlive it.
type commonResource struct {
	name   string
	make   func(name string) map[string]string
	region string
}

// stateKeys are what moves look at besides id and region.
var stateKeys = []string{"name", "user_id", "private_key", "user_data", "zone_id", "container_name", "content", "secret_ref", "secret"}

func (r *commonResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = r.name
}

func (*commonResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema.Attributes = map[string]schema.Attribute{
		"id":     schema.StringAttribute{Computed: true},
		"region": schema.StringAttribute{Computed: true},
	}
	for _, key := range stateKeys {
		resp.Schema.Attributes[key] = schema.StringAttribute{Computed: true, Optional: true}
	}
}

func (r *commonResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var name types.String
	resp.Diagnostics.Append(req.Plan.GetAttribute(ctx, path.Root("name"), &name)...)
	state := map[string]string{"region": r.region, "name": name.ValueString()}
	maps.Copy(state, r.make(name.ValueString()))
	for _, key := range append(slices.Clone(stateKeys), "id", "region") {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(key), state[key])...)
	}
}

func (*commonResource) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (*commonResource) Update(context.Context, resource.UpdateRequest, *resource.UpdateResponse) {}

func (r *commonResource) Delete(_ context.Context, _ resource.DeleteRequest, resp *resource.DeleteResponse) {
	resp.Diagnostics.AddError("Destroyed", "what was taken over must be forgotten, not destroyed: "+r.name)
}

// api is a cloud spoken to in plain HTTP.
type api struct {
	t *testing.T
	*acctest.Cloud
}

type service = func() (*gophercloud.ServiceClient, error)

type object = map[string]any

// send sends a request and returns the answer.
func (a api) send(of service, method, path string, body any) object {
	a.t.Helper()
	client, err := of()
	if err != nil {
		a.t.Fatal(err)
	}
	resp, err := client.Request(context.WithoutCancel(a.t.Context()), method, client.ServiceURL(path), &gophercloud.RequestOpts{
		JSONBody: body, OkCodes: []int{200, 201, 202, 204}, KeepResponseBody: true,
	})
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, path, err)
	}
	var answer object
	if err := errors.Join(json.NewDecoder(resp.Body).Decode(&answer), resp.Body.Close()); err != nil && !errors.Is(err, io.EOF) {
		a.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer
}

// create makes an object and returns what the API says of it.
func (a api) create(of service, path, noun string, body object) object {
	a.t.Helper()
	made, ok := a.send(of, http.MethodPost, path, object{noun: body})[noun].(object)
	if !ok {
		a.t.Fatalf("no %s was made", noun)
	}
	return made
}

// named finds an object of a list by its name.
func (a api) named(of service, path, name string) string {
	a.t.Helper()
	for _, list := range a.send(of, http.MethodGet, path, nil) {
		all, _ := list.([]any)
		for _, one := range all {
			if o, _ := one.(object); o["name"] == name {
				return fmt.Sprint(o["id"])
			}
		}
	}
	a.t.Fatalf("there is no %q in %s", name, path)
	return ""
}

// until waits for an attribute of an object.
func (a api) until(of service, path, noun, key, want string) {
	a.t.Helper()
	a.wait(path, func() any {
		o, _ := a.send(of, http.MethodGet, path, nil)[noun].(object)
		return o[key]
	}, want)
}

func (a api) wait(what string, state func() any, want string) {
	a.t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	for {
		switch is := strings.ToUpper(fmt.Sprint(state())); {
		case is == want:
			return
		case is == "ERROR", time.Now().After(deadline):
			a.t.Fatalf("%s is %s", what, is)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// active waits until Designate has written an object to its name servers.
func (a api) active(path string) {
	a.t.Helper()
	a.wait(path, func() any { return a.send(a.DNS, http.MethodGet, path, nil)["status"] }, "ACTIVE")
}

// externalNetwork is one for floating IPs.
func (a api) externalNetwork() (name, id string) {
	a.t.Helper()
	found, _ := a.send(a.Network, http.MethodGet, "networks?router:external=true", nil)["networks"].([]any)
	for _, one := range found {
		network, _ := one.(object)
		if name = fmt.Sprint(network["name"]); name == "ext-floating1" || id == "" {
			id = fmt.Sprint(network["id"])
			if name == "ext-floating1" {
				break
			}
		}
	}
	if id == "" {
		a.t.Skip("the cloud has no external network")
	}
	return name, id
}
