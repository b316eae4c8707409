package reverseproxy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// releaseTime is how long another set may take to let go of hosts that move to this one in the same apply.
const releaseTime = 30 * time.Second

// checkPlanned refuses hosts that another set of this configuration is going to have.
func (m *routesModel) checkPlanned(proxy string, table map[string]documents.Route, planned map[string]map[string]documents.Route) error {
	var errs []error
	for _, set := range slices.Sorted(maps.Keys(planned)) {
		for _, host := range common(table, planned[set]) {
			if len(errs) == mostProblems {
				return errors.Join(errs...)
			}
			errs = append(errs, lifecycle.Invalid(path.Root("routes").AtMapKey(keyOf(m.known(), host)),
				"the host is also in the set %q of the proxy %s, and can be in one only", set, proxy))
		}
	}
	return errors.Join(errs...)
}

// checkProxy checks what is known of a proxy: its upstreams, and the sets of others in its container. The same plan may take
// hosts from those, so that a host is in one of them is no error yet.
func (h routes) checkProxy(ctx context.Context, cloud *openstack.Cloud, m *routesModel, proxy string, table map[string]documents.Route,
	planned map[string]map[string]documents.Route,
) error {
	upstreams, ok := h.known.upstreamsOf(proxy)
	if !ok && cloud != nil {
		config, err := readConfig(ctx, cloud, proxy)
		if openstack.NotFound(err) {
			return lifecycle.Invalid(path.Root("proxy_ids"), "there is no reverse proxy %q", proxy)
		}
		if err != nil {
			return err
		}
		upstreams, ok = names(config.Upstreams), true
	}
	if ok {
		if err := documents.CheckUpstreams(table, upstreams); err != nil {
			there := strings.Join(slices.Sorted(maps.Keys(upstreams)), ", ")
			return blame(err, m.hostPath, "; there are: "+there)
		}
	}
	if cloud == nil {
		return nil
	}
	others, err := h.elsewhere(ctx, cloud, m, proxy)
	if openstack.NotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	merged := map[string]map[string]documents.Route{m.Name.ValueString(): table}
	for set, routes := range planned {
		merged[set] = routes
	}
	for set, routes := range others {
		if hosts := common(table, routes); len(hosts) > 0 {
			lifecycle.Warn(ctx, "Hosts are in another set of routes", fmt.Sprintf("The set %q of the reverse proxy %s has %d of these hosts now, such as %s. "+
				"Unless this apply takes them from there, it will fail.", set, proxy, len(hosts), hosts[0]))
			continue
		}
		merged[set] = routes
	}
	total := 0
	for _, routes := range merged {
		total += len(routes)
	}
	if total > documents.AdvisedRoutes && len(table) <= documents.AdvisedRoutes {
		lifecycle.Warn(ctx, "Many routes", fmt.Sprintf("All sets of the reverse proxy %s have %d routes. Up to %d are advised.", proxy, total, documents.AdvisedRoutes))
	}
	return m.checkLoops(merged)
}

// checkLoops refuses redirects of this set that lead back over others.
func (m *routesModel) checkLoops(sets map[string]map[string]documents.Route) error {
	whole := map[string]documents.Route{}
	for _, set := range sets {
		maps.Copy(whole, set)
	}
	own := sets[m.Name.ValueString()]
	for _, loop := range documents.Loops(whole) {
		for _, host := range loop {
			if _, ours := own[host]; ours {
				return lifecycle.Invalid(path.Root("routes").AtMapKey(keyOf(m.known(), host)), "the redirect leads back to itself: %s", way(loop))
			}
		}
	}
	return nil
}

// elsewhere are the sets in a proxy's container that this process has not planned.
func (h routes) elsewhere(ctx context.Context, cloud *openstack.Cloud, m *routesModel, proxy string) (map[string]map[string]documents.Route, error) {
	container, err := objectstore.Open(cloud, proxy)
	if err != nil {
		return nil, err
	}
	objects, _, err := container.List(ctx, documents.RoutesPrefix)
	if err != nil {
		return nil, err
	}
	planned := h.known.setsBeside(proxy, m.Name.ValueString())
	others := map[string]map[string]documents.Route{}
	for _, o := range objects {
		set, ok := documents.RoutesSet(o.Name)
		if _, known := planned[set]; !ok || known || set == m.Name.ValueString() {
			continue
		}
		content, _, err := container.Get(ctx, o.Name, "")
		if openstack.NotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		read, err := documents.DecodeRoutes(content)
		if err != nil {
			continue // its owner is told when it is refreshed
		}
		table, _ := documents.ParseRoutes(read) // what cannot be read there is not ours to tell
		others[set] = table
	}
	return others, nil
}

// awaitRelease waits until no other set has a host of this one.
func (h routes) awaitRelease(ctx context.Context, cloud *openstack.Cloud, m *routesModel, proxy string, table map[string]documents.Route) error {
	begin := time.Now()
	taken := func(err error) bool { return errors.Is(err, errTaken) && time.Since(begin) < releaseTime }
	return openstack.Unused(ctx, func(ctx context.Context) error {
		others, err := h.elsewhere(ctx, cloud, m, proxy)
		if openstack.NotFound(err) {
			return nil // the write tells it
		}
		if err != nil {
			return err
		}
		for _, set := range slices.Sorted(maps.Keys(others)) {
			if hosts := common(table, others[set]); len(hosts) > 0 {
				return lifecycle.At(path.Root("routes").AtMapKey(keyOf(m.known(), hosts[0])), fmt.Errorf("%w %q of the proxy %s, and can be in one only; %d hosts are",
					errTaken, set, proxy, len(hosts)))
			}
		}
		return nil
	}, taken)
}

var errTaken = errors.New("the host is also in the set")

// common are the hosts that two tables have both.
func common(a, b map[string]documents.Route) []string {
	var hosts []string
	for host := range a {
		if _, ok := b[host]; ok {
			hosts = append(hosts, host)
		}
	}
	slices.Sort(hosts)
	return hosts
}

// readConfig reads the configuration in a proxy's container.
func readConfig(ctx context.Context, cloud *openstack.Cloud, proxy string) (documents.Config, error) {
	container, err := objectstore.Open(cloud, proxy)
	if err != nil {
		return documents.Config{}, err
	}
	content, _, err := container.Get(ctx, documents.ConfigObject, "")
	if err != nil {
		return documents.Config{}, err
	}
	config, err := documents.DecodeConfig(content)
	if err != nil {
		return config, fmt.Errorf("read the configuration of the reverse proxy %s: %w", proxy, err)
	}
	return config, nil
}

func names[T any](all map[string]T) map[string]struct{} {
	set := make(map[string]struct{}, len(all))
	for name := range all {
		set[name] = struct{}{}
	}
	return set
}

// hostPath leads to the route of a host, however it is spelled.
func (m *routesModel) hostPath(problem []string) path.Path {
	if len(problem) == 0 {
		return path.Root("routes")
	}
	return path.Root("routes").AtMapKey(keyOf(m.known(), problem[0]))
}
