// Package reverseproxy has the managed reverse proxy: its nodes with all that is around them, its routes and its certificates.
package reverseproxy

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// Resources are the resource types of this service.
func Resources() []func() resource.Resource {
	known := newRegistry()
	return []func() resource.Resource{
		lifecycle.Resource(proxy{known}),
		lifecycle.Resource(certificate{}),
		lifecycle.Resource(routes{known}),
	}
}

// DataSources are the data source types of this service.
func DataSources() []func() datasource.DataSource { return nil }

// registry is what this process knows of proxies that it has planned: what an apply is going to write is in no container yet.
type registry struct {
	mu        sync.Mutex
	upstreams map[string]map[string]struct{}
	sets      map[string]map[string]map[string]documents.Route // proxy -> set -> host
}

func newRegistry() *registry {
	return &registry{upstreams: map[string]map[string]struct{}{}, sets: map[string]map[string]map[string]documents.Route{}}
}

// putUpstreams notes the upstreams that a proxy is going to have; nil forgets them.
func (r *registry) putUpstreams(proxy string, upstreams map[string]struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.upstreams[proxy] = upstreams
}

func (r *registry) upstreamsOf(proxy string) (map[string]struct{}, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, ok := r.upstreams[proxy]
	return found, ok && found != nil
}

// putSet notes what a set of routes is going to be, and returns the others of the proxy that are known.
func (r *registry) putSet(proxy, set string, table map[string]documents.Route) map[string]map[string]documents.Route {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sets[proxy] == nil {
		r.sets[proxy] = map[string]map[string]documents.Route{}
	}
	r.sets[proxy][set] = table
	return r.others(proxy, set)
}

// setsBeside returns the sets of a proxy that are known, but for one.
func (r *registry) setsBeside(proxy, set string) map[string]map[string]documents.Route {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.others(proxy, set)
}

func (r *registry) others(proxy, set string) map[string]map[string]documents.Route {
	others := map[string]map[string]documents.Route{}
	for name, table := range r.sets[proxy] {
		if name != set {
			others[name] = table
		}
	}
	return others
}

// dropSet forgets a set that is gone.
func (r *registry) dropSet(proxy, set string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sets[proxy], set)
}

// mostProblems is how many problems of one document are shown.
const mostProblems = 20

// blame turns the problems of a document into errors at attributes, each with more behind it. at leads from a problem's path to
// the attribute; the path is empty for what is about all of it.
func blame(err error, at func(problem []string) path.Path, more ...string) error {
	found := documents.Problems(err)
	if len(found) == 0 {
		return err
	}
	var errs []error
	for i, p := range found {
		if i == mostProblems {
			errs = append(errs, lifecycle.Invalid(at(nil), "there are %d more like these", len(found)-i))
			break
		}
		errs = append(errs, lifecycle.Invalid(at(p.Path), "%w%s", p.Err, strings.Join(more, "")))
	}
	return errors.Join(errs...)
}

// failure is the first error among diagnostics about our own types.
func failure(diags diag.Diagnostics) error {
	for _, d := range diags.Errors() {
		return fmt.Errorf("%s: %s", d.Summary(), d.Detail())
	}
	return nil
}

// nested is the id of what belongs to a proxy.
func nested(proxy, name string) types.String { return types.StringValue(proxy + "/" + name) }

// splitID reads such an id.
func splitID(id string) (proxy, name string, err error) {
	proxy, name, ok := strings.Cut(id, "/")
	if !ok || proxy == "" || documents.CheckName(name) != nil {
		return "", "", fmt.Errorf("%q is not the id of a proxy and a name with a slash between, such as brand-1a2b3c4d/customers", id)
	}
	return proxy, name, nil
}
