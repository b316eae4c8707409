package reverseproxy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"golang.org/x/sync/errgroup"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// routes is a set of routes: one object in the container of each proxy that has it. Its id is that of the proxy it was made in
// first, and its name.
type routes struct {
	known *registry
}

var (
	_ lifecycle.Handler[routesModel]   = routes{}
	_ lifecycle.Updater[routesModel]   = routes{}
	_ lifecycle.Validator[routesModel] = routes{}
	_ lifecycle.Planner[routesModel]   = routes{}
	_ lifecycle.Importer[routesModel]  = routes{}
	_ lifecycle.Lister                 = routes{}
	_ lifecycle.Nested                 = routes{}
)

type routesModel struct {
	lifecycle.Object

	Name         types.String `tfsdk:"name"`
	ProxyIDs     types.Set    `tfsdk:"proxy_ids"`
	Routes       types.Map    `tfsdk:"routes"`
	WaitForNodes types.Bool   `tfsdk:"wait_for_nodes"`
	ETags        types.Map    `tfsdk:"etags"`
}

func (routes) Name() string { return "reverse_proxy_routes" }

func (routes) Parent() (name, description string) {
	return "proxy_id", "ID of the reverse proxy to look into."
}

func (routes) Schema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A set of routes of one or several `massif_reverse_proxy`: which host leads where. A change is one object written for each proxy; nodes " +
			"take it over within seconds, without a reload and without a lost request. A proxy may have many sets, one for each team, but a host is in one of them only.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the set, unique in its proxies. Changing it makes a new set.",
				Required:            true,
				Validators:          []validator.String{isName()},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"proxy_ids": schema.SetAttribute{
				MarkdownDescription: "Reverse proxies that serve the routes. Changed in place.",
				ElementType:         types.StringType,
				Required:            true,
				Validators:          []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1))},
			},
			"routes": schema.MapAttribute{
				MarkdownDescription: "Where each host leads: `<upstream>`, `<upstream>/<prefix>` with a path that is set before that of each request, or `redirect:https://…`, " +
					"to which the request's path is added unless it has one of its own. Hosts may be in capitals and in any script; `*.example.com` stands for every host one " +
					"label longer that has no route of its own.",
				ElementType: types.StringType,
				Required:    true,
			},
			"wait_for_nodes": attribute.Flag("Whether an apply ends only when every living node of the proxies serves the routes. What nodes refuse is then an error.", true),
			"etags": schema.MapAttribute{
				MarkdownDescription: "ETag of the object in each proxy's container, by the proxy's ID.",
				ElementType:         types.StringType,
				Computed:            true,
			},
		},
	}
}

func (routes) Validate(ctx context.Context, config *routesModel) error {
	known := config.known()
	if len(known) > documents.MaxRoutes {
		return lifecycle.Invalid(path.Root("routes"), "a proxy has at most %d routes, these are %d", documents.MaxRoutes, len(known))
	}
	table, err := documents.ParseRoutes(known)
	if err != nil {
		return blame(err, routePath)
	}
	if loops := documents.Loops(table); len(loops) > 0 {
		return lifecycle.Invalid(path.Root("routes").AtMapKey(keyOf(known, loops[0][0])), "the redirect leads back to itself: %s", way(loops[0]))
	}
	if len(known) > documents.AdvisedRoutes {
		lifecycle.Warn(ctx, "Many routes", fmt.Sprintf("The set has %d routes. Up to %d a proxy are advised; beyond, nodes need more memory and changes take longer.",
			len(known), documents.AdvisedRoutes))
	}
	return nil
}

// known are the routes of which the values are known.
func (m *routesModel) known() documents.Routes { return value.StringMap(m.Routes) }

func routePath(problem []string) path.Path {
	if len(problem) == 0 {
		return path.Root("routes")
	}
	return path.Root("routes").AtMapKey(problem[0])
}

func way(loop []string) string {
	text := ""
	for _, host := range loop {
		text += host + " -> "
	}
	return text + loop[0]
}

// keyOf is how the user has written a host.
func keyOf(routes documents.Routes, host string) string {
	if _, ok := routes[host]; ok {
		return host
	}
	for key := range routes {
		if normal, err := documents.Host(key); err == nil && normal == host {
			return key
		}
	}
	return host
}

func (h routes) Plan(ctx context.Context, cloud *openstack.Cloud, change *lifecycle.Change[routesModel]) error {
	plan, prior := change.Plan, change.Prior
	plan.ETags = types.MapUnknown(types.StringType)
	if !value.AllKnown(plan.ProxyIDs, plan.Routes, plan.Name) {
		return nil
	}
	table, err := documents.ParseRoutes(plan.known())
	if err != nil {
		return blame(err, routePath)
	}
	content, err := plan.document()
	if err != nil {
		return err
	}
	same := prior != nil && plan.Routes.Equal(prior.Routes) && plan.ProxyIDs.Equal(prior.ProxyIDs)
	if same && len(prior.ETags.Elements()) == len(plan.ProxyIDs.Elements()) {
		plan.ETags = prior.ETags
	} else {
		plan.ETags = etags(value.Strings(plan.ProxyIDs), objectstore.ETag(content))
	}
	var errs []error
	for _, id := range value.Strings(plan.ProxyIDs) {
		planned := h.known.putSet(id, plan.Name.ValueString(), table)
		errs = append(errs, plan.checkPlanned(id, table, planned))
		if !same {
			errs = append(errs, h.checkProxy(ctx, cloud, plan, id, table, planned))
		}
	}
	return errors.Join(errs...)
}

func etags(proxies []string, etag string) types.Map {
	all := map[string]string{}
	for _, id := range proxies {
		all[id] = etag
	}
	return value.Map(all)
}

// document is the object's content. Hosts are in it as nodes look them up, so that spelling does not count.
func (m *routesModel) document() ([]byte, error) {
	normal, err := normalised(m.known())
	if err != nil {
		return nil, err
	}
	return normal.Encode()
}

func normalised(set documents.Routes) (documents.Routes, error) {
	normal := make(documents.Routes, len(set))
	for key, to := range set {
		host, err := documents.Host(key)
		if err != nil {
			return nil, lifecycle.Invalid(path.Root("routes").AtMapKey(key), "%w", err)
		}
		normal[host] = to
	}
	return normal, nil
}

func (h routes) Create(ctx context.Context, cloud *openstack.Cloud, m *routesModel) error {
	proxies := slices.Sorted(slices.Values(value.Strings(m.ProxyIDs)))
	var written []string
	err := h.write(ctx, cloud, m, proxies, true, func(id string) {
		written = append(written, id)
		m.ID = nested(written[0], m.Name.ValueString())
	})
	if err != nil && len(written) < len(proxies) {
		m.ProxyIDs = value.Set(written) // what is in the others is not ours to delete
	}
	return err
}

// write puts the set in the containers of proxies, one after the other, and waits for the nodes.
func (h routes) write(ctx context.Context, cloud *openstack.Cloud, m *routesModel, proxies []string, onlyNew bool, made func(proxy string)) error {
	content, err := m.document()
	if err != nil {
		return err
	}
	table, err := documents.ParseRoutes(m.known())
	if err != nil {
		return blame(err, routePath)
	}
	object := documents.RoutesObject(m.Name.ValueString())
	for _, id := range proxies {
		if err := h.awaitRelease(ctx, cloud, m, id, table); err != nil {
			return err
		}
		container, err := objectstore.Open(cloud, id)
		if err != nil {
			return err
		}
		_, err = container.Put(ctx, object, content, "application/gzip", onlyNew)
		switch {
		case errors.Is(err, objectstore.ErrExists):
			return lifecycle.Exists("reverse_proxy_routes", path.Root("name"), id+"/"+m.Name.ValueString())
		case openstack.NotFound(err):
			return lifecycle.At(path.Root("proxy_ids"), fmt.Errorf("there is no reverse proxy %q: %w", id, err))
		case err != nil:
			return err
		}
		made(id)
	}
	m.ETags = etags(value.Strings(m.ProxyIDs), objectstore.ETag(content))
	if !m.WaitForNodes.ValueBool() {
		return nil
	}
	return awaitAll(ctx, cloud, proxies, object, objectstore.ETag(content))
}

// awaitAll waits until the nodes of all proxies serve a version of a document.
func awaitAll(ctx context.Context, cloud *openstack.Cloud, proxies []string, object, etag string) error {
	var tasks errgroup.Group // each proxy's own, for the others go on
	errs := make([]error, len(proxies))
	for i, id := range proxies {
		tasks.Go(func() error {
			container, err := objectstore.Open(cloud, id)
			if err == nil {
				err = (&audience{container: container, proxy: id, document: object, etag: etag}).await(ctx)
			}
			errs[i] = err
			return nil
		})
	}
	return errors.Join(tasks.Wait(), errors.Join(errs...))
}

// Read asks for the headers of each object. Only one that has changed is read.
func (h routes) Read(ctx context.Context, cloud *openstack.Cloud, m *routesModel) error {
	proxy, name, err := splitID(m.ID.ValueString())
	if err != nil {
		return err
	}
	proxies := slices.Sorted(slices.Values(value.Strings(m.ProxyIDs)))
	if len(proxies) == 0 {
		proxies = []string{proxy}
	}
	m.Name = types.StringValue(name)
	was := value.StringMap(m.ETags)
	found := map[string]string{}
	for _, id := range proxies {
		container, err := objectstore.Open(cloud, id)
		if err != nil {
			return err
		}
		there, err := container.Stat(ctx, documents.RoutesObject(name))
		if openstack.NotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		found[id] = there.ETag
		if was[id] != there.ETag {
			if err := m.learn(ctx, container, name); err != nil {
				return err
			}
		}
	}
	if len(found) == 0 {
		return fmt.Errorf("routes %s: %w", m.ID.ValueString(), openstack.ErrGone)
	}
	m.ProxyIDs = value.Set(slices.Sorted(maps.Keys(found)))
	m.ETags = value.Map(found)
	return nil
}

// learn takes over what somebody else has written. Hosts that are the same stay as the user has spelled them.
func (m *routesModel) learn(ctx context.Context, container *objectstore.Container, name string) error {
	content, _, err := container.Get(ctx, documents.RoutesObject(name), "")
	if err != nil {
		return err
	}
	there, err := documents.DecodeRoutes(content)
	if err != nil {
		lifecycle.Warn(ctx, "A set of routes cannot be read", fmt.Sprintf("What is in the container of the reverse proxy is no set of routes: %v. The next apply writes it again.", err))
		m.Routes = value.Map(nil)
		return nil
	}
	spelled := map[string]string{}
	for key := range m.known() {
		if host, err := documents.Host(key); err == nil {
			spelled[host] = key
		}
	}
	all := make(map[string]string, len(there))
	for key, to := range there {
		if host, err := documents.Host(key); err == nil && spelled[host] != "" {
			key = spelled[host]
		}
		all[key] = to
	}
	m.Routes = value.Map(all)
	return nil
}

func (h routes) Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *routesModel) error {
	if plan.ETags.Equal(prior.ETags) {
		return nil // only how to wait has changed
	}
	content, err := plan.document()
	if err != nil {
		return err
	}
	has, etag := value.StringMap(prior.ETags), objectstore.ETag(content)
	proxies := slices.Sorted(slices.Values(value.Strings(plan.ProxyIDs)))
	var stale, fresh, written []string
	for _, id := range proxies {
		switch has[id] {
		case etag:
		case "":
			fresh = append(fresh, id)
		default:
			stale = append(stale, id)
		}
	}
	if err := h.write(ctx, cloud, plan, stale, false, func(string) {}); err != nil {
		return err
	}
	if err := h.write(ctx, cloud, plan, fresh, true, func(id string) { written = append(written, id) }); err != nil {
		return errors.Join(err, h.withdraw(ctx, cloud, written, plan.Name.ValueString()))
	}
	for id := range has {
		if !slices.Contains(proxies, id) {
			if err := h.remove(ctx, cloud, id, plan.Name.ValueString()); err != nil {
				return err
			}
		}
	}
	return nil
}

// withdraw removes what a failed update has put into proxies that did not have the set: no state knows of it.
func (h routes) withdraw(ctx context.Context, cloud *openstack.Cloud, proxies []string, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawTime)
	defer cancel()
	var errs []error
	for _, id := range proxies {
		errs = append(errs, h.remove(ctx, cloud, id, name))
	}
	return errors.Join(errs...)
}

const withdrawTime = 30 * time.Second

func (h routes) remove(ctx context.Context, cloud *openstack.Cloud, proxy, name string) error {
	container, err := objectstore.Open(cloud, proxy)
	if err != nil {
		return err
	}
	h.known.dropSet(proxy, name)
	return container.Delete(ctx, documents.RoutesObject(name))
}

func (h routes) Delete(ctx context.Context, cloud *openstack.Cloud, m *routesModel) error {
	var errs []error
	for _, id := range value.Strings(m.ProxyIDs) {
		errs = append(errs, h.remove(ctx, cloud, id, m.Name.ValueString()))
	}
	return errors.Join(errs...)
}

// Import takes the id of a proxy and the name of the set. Further proxies that have it are found by the next apply's plan.
func (routes) Import(_ context.Context, _ *openstack.Cloud, id string, m *routesModel) error {
	proxy, name, err := splitID(id)
	m.Name, m.ProxyIDs = types.StringValue(name), value.Set([]string{proxy})
	return err
}

// List names the sets of one proxy.
func (routes) List(ctx context.Context, cloud *openstack.Cloud, filter lifecycle.ListFilter) ([]lifecycle.Listed, error) {
	return listNested(ctx, cloud, filter.Parent, documents.RoutesPrefix, documents.RoutesSet)
}

// listNested names the documents of one kind in a proxy's container.
func listNested(ctx context.Context, cloud *openstack.Cloud, proxy, prefix string, name func(string) (string, bool)) ([]lifecycle.Listed, error) {
	container, err := objectstore.Open(cloud, proxy)
	if err != nil {
		return nil, err
	}
	objects, _, err := container.List(ctx, prefix)
	var all []lifecycle.Listed
	for _, o := range objects {
		if found, ok := name(o.Name); ok {
			all = append(all, lifecycle.Listed{ID: proxy + "/" + found, Name: found})
		}
	}
	return all, err
}
