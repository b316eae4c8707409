package simulator

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// network is the state of the Networking API. Router gateways and floating IPs hold their addresses
// through ports without a project, which no tenant sees.
type network struct {
	sim   *Simulator
	kinds []*resource

	Networks      table
	Subnets       table
	SubnetPools   table
	Ports         table // "_host" when bound
	Routers       table // "_gateway" is the port of the gateway
	FloatingIPs   table // "_port" holds the address
	Groups        table // security groups without their rules
	Rules         table
	AddressGroups table
	AddressScopes table
	QoSPolicies   table
	Quotas        map[string]map[string]int // by project, what differs from the defaults
}

func newNetwork(s *Simulator) *network {
	n := &network{sim: s, Quotas: map[string]map[string]int{}}
	n.kinds = []*resource{
		n.networkResource(), n.subnetResource(), n.subnetPoolResource(), n.portResource(), n.routerResource(),
		n.floatingIPResource(), n.groupResource(), n.ruleResource(), n.addressGroupResource(), n.addressScopeResource(), n.qosPolicyResource(),
	}
	return n
}

// resource is what the Networking API knows about one collection.
type resource struct {
	singular   string
	collection string
	below      string // what stands before the collection in its path
	table      *table
	quota      string // its name among the quotas, "" when it is not counted
	attributes map[string]attribute
	// unfiltered are attributes that lists cannot be filtered by, besides the times.
	unfiltered []string
	// sortKeys are attributes that lists can be sorted by, besides the id and the project.
	sortKeys []string
	// findsMarker says that a page after an object that is gone is 404; the others begin anew.
	findsMarker bool
	// untagged says that it has no tags.
	untagged bool
	// core says that it is one of Neutron's oldest kinds, whose bodies are read by other code than the rest.
	core bool
	// missing is the fault for an id that is not there.
	missing func(id string) *fault
	// create stores an object whose attributes are complete and checked.
	create func(c *call, in object) (object, error)
	// update changes an object; in holds only what was sent, checked.
	update func(c *call, o, in object) error
	// remove deletes an object or says why not.
	remove func(c *call, o object) error
	// view is what is sent of an object; the object itself when nil.
	view func(c *call, o object) object
	// shared says whether other projects see an object; never when nil.
	shared func(o object) bool
	// checkAll looks at all inputs of a request together before the first is created.
	checkAll func(c *call, in []object) error
}

func (n *network) service() *service {
	service := &service{
		kind: "network", name: "neutron", prefix: "/network",
		state: n, seed: n.seed, resume: n.resume, leftovers: n.leftovers,
		render: func(_ *call, f *fault) any {
			return map[string]any{"NeutronError": map[string]any{"type": f.kind, "message": f.message, "detail": f.detail}}
		},
		authorize: func(c *call) error {
			n.ensureDefaultGroup(c.project())
			return nil
		},
		open: map[string]handler{"GET /{$}": n.versions},
		routes: map[string]handler{
			"GET /v2.0":                               n.index,
			"GET /v2.0/{$}":                           n.index,
			"GET /v2.0/extensions":                    n.listExtensions,
			"GET /v2.0/extensions/{alias}":            n.showExtension,
			"GET /v2.0/availability_zones":            n.listZones,
			"GET /v2.0/quotas/{project}":              n.showQuotas,
			"PUT /v2.0/quotas/{project}":              n.updateQuotas,
			"DELETE /v2.0/quotas/{project}":           n.resetQuotas,
			"GET /v2.0/quotas/{project}/default":      n.showDefaultQuotas,
			"GET /v2.0/quotas/{project}/details":      n.showQuotaDetails,
			"GET /v2.0/quotas/{project}/details.json": n.showQuotaDetails,
			"PUT /v2.0/routers/{id}/{action}":         n.routerAction,
			"PUT /v2.0/address-groups/{id}/{action}":  n.addressGroupAction,
		},
	}
	for _, r := range n.kinds {
		path := "/v2.0/" + r.below + r.collection
		service.routes["GET "+path] = func(c *call) (int, any, error) { return n.list(c, r) }
		service.routes["POST "+path] = func(c *call) (int, any, error) { return n.create(c, r) }
		service.routes["GET "+path+"/{id}"] = func(c *call) (int, any, error) { return n.show(c, r) }
		service.routes["PUT "+path+"/{id}"] = func(c *call) (int, any, error) { return n.update(c, r) }
		service.routes["DELETE "+path+"/{id}"] = func(c *call) (int, any, error) { return n.remove(c, r) }
		if r.singular == "security-group-rule" || r.untagged {
			continue
		}
		for pattern, h := range map[string]func(*call, *resource) (int, any, error){
			"GET /tags": n.listTags, "PUT /tags": n.replaceTags, "DELETE /tags": n.removeTags,
			"GET /tags/{tag}": n.showTag, "PUT /tags/{tag}": n.addTag, "DELETE /tags/{tag}": n.removeTag,
		} {
			method, end, _ := strings.Cut(pattern, " ")
			service.routes[method+" "+path+"/{id}"+end] = func(c *call) (int, any, error) { return h(c, r) }
		}
	}
	return service
}

// key is the name of the collection in bodies.
func (r *resource) key() string { return strings.ReplaceAll(r.collection, "-", "_") }

// name is the name of one object in bodies.
func (r *resource) name() string { return strings.ReplaceAll(r.singular, "-", "_") }

// seed makes the external networks and subnet pools of the administrator.
func (n *network) seed() {
	s := n.sim
	admin := s.projectID("admin")
	first := s.public.Addr()
	last := lastAddress(s.public)
	pool := map[string]any{"start": plus(first, 10).String(), "end": minus(last, 5).String()}
	external := n.seedObject(n.networkResource(), admin, object{
		"name": "ext-floating1", "router:external": true, "is_default": true, "mtu": 1500,
	})
	n.seedObject(n.subnetResource(), admin, object{
		"name": "ext-floating1-v4", "network_id": external.str("id"), "ip_version": 4, "cidr": s.public.String(),
		"gateway_ip": plus(first, 1).String(), "enable_dhcp": false, "allocation_pools": []any{pool},
	})
	external6 := n.seedObject(n.networkResource(), admin, object{"name": "ext-v6only", "router:external": true, "mtu": 1500})
	n.seedObject(n.subnetResource(), admin, object{
		"name": "ext-v6only-v6", "network_id": external6.str("id"), "ip_version": 6, "cidr": "2001:db8:ffff::/64", "enable_dhcp": false,
	})
	n.seedObject(n.subnetPoolResource(), admin, object{
		"name": "shared-default-subnetpool-v4", "prefixes": []any{"10.128.0.0/16"}, "default_prefixlen": 24, "shared": true, "is_default": true,
	})
	n.seedObject(n.subnetPoolResource(), admin, object{
		"name": "provisional-v6", "prefixes": []any{"fd00:128::/48"}, "default_prefixlen": 64, "shared": true, "is_default": true,
	})
}

// seedObject creates an object as its service does, and marks it.
func (n *network) seedObject(r *resource, project string, in object) object {
	o, err := n.make(r, project, in)
	if err != nil {
		panic(fmt.Sprintf("seed of %s: %v", r.singular, err)) // the seeds are constants
	}
	o["_seeded"] = true
	return o
}

// make creates an object for a project from inside the simulator, with the checks and defaults of the API.
func (n *network) make(r *resource, project string, in object) (object, error) {
	full, err := r.complete(in.copy())
	if err != nil {
		return nil, err
	}
	full["project_id"], full["tenant_id"] = project, project
	return r.create(nil, full)
}

// resume ends what was on its way when the state was saved.
func (n *network) resume() {
	for _, port := range n.Ports.all() {
		if port.has("_host") && port.str("status") == "DOWN" {
			n.activatePort(port.str("id"))
		}
	}
	for _, f := range n.FloatingIPs.all() {
		n.settleFloatingIP(f.str("id"))
	}
	for _, router := range n.Routers.all() {
		if router.has("_gateway") || len(n.interfaces(router)) > 0 {
			n.scheduleRouter(router)
		}
	}
}

func (n *network) leftovers() []string {
	lines := []string{}
	owned := func(o object) bool { return o.str("project_id") != "" }
	for _, r := range n.kinds {
		for _, o := range r.table.where(owned) {
			if o.flag("_seeded") || r.singular == "security-group" && o.str("name") == "default" {
				continue
			}
			if r.singular == "security-group-rule" {
				// A rule is gone with its group; only rules that were added to a default group stay.
				if group := n.Groups[o.str("security_group_id")]; group.str("name") != "default" || o.flag("_default") {
					continue
				}
			}
			lines = append(lines, fmt.Sprintf("%s %q (%s) of project %s",
				strings.ReplaceAll(r.singular, "-", " "), o.str("name"), o.str("id"), n.sim.projectName(o.str("project_id"))))
		}
	}
	return lines
}

func (n *network) versions(c *call) (int, any, error) {
	return http.StatusOK, map[string]any{"versions": []any{map[string]any{
		"id": "v2.0", "status": "CURRENT", "links": []any{map[string]any{"rel": "self", "href": c.url("/v2.0/")}},
	}}}, nil
}

func (n *network) index(c *call) (int, any, error) {
	resources := []any{}
	for _, r := range n.kinds {
		resources = append(resources, map[string]any{
			"name": r.name(), "collection": r.key(), "links": []any{map[string]any{"rel": "self", "href": c.url("/v2.0/" + r.collection)}},
		})
	}
	return http.StatusOK, map[string]any{"resources": resources}, nil
}

// visible says whether a caller may see an object; the simulator itself, which has no call, sees all.
func (r *resource) visible(c *call, o object) bool {
	return c == nil || c.owns(o) || r.shared != nil && r.shared(o)
}

// find is an object that the caller may see.
func (r *resource) find(c *call, id string) (object, error) {
	o, ok := r.table.get(id)
	if !ok || !r.visible(c, o) {
		return nil, r.missing(id)
	}
	return o, nil
}

// change is an object that the caller may change.
func (r *resource) change(c *call, id, verb string) (object, error) {
	o, err := r.find(c, id)
	if err != nil {
		return nil, err
	}
	if !c.owns(o) {
		return nil, disallowed("rule:" + verb + "_" + r.name())
	}
	if wanted, ok := strings.CutPrefix(c.request.Header.Get("If-Match"), "revision_number="); ok && wanted != strconv.Itoa(o.num("revision_number")) {
		return nil, fail(http.StatusPreconditionFailed, "RevisionNumberConstraintFailed",
			"Constrained to %s, but current revision is %d", wanted, o.num("revision_number"))
	}
	return o, nil
}

func disallowed(rule string) *fault {
	return fail(http.StatusForbidden, "PolicyNotAuthorized", "%s is disallowed by policy", rule)
}

func badRequest(message string, args ...any) *fault {
	return fail(http.StatusBadRequest, "HTTPBadRequest", message, args...)
}

func invalidInput(message string, args ...any) *fault {
	return fail(http.StatusBadRequest, "InvalidInput", "Invalid input for operation: "+message, args...)
}

// show answers GET of one object.
func (n *network) show(c *call, r *resource) (int, any, error) {
	o, err := r.find(c, c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{r.name(): r.pick(c, o)}, nil
}

// pick is the view of an object, cut to the fields that are asked for.
func (r *resource) pick(c *call, o object) object {
	if r.view != nil {
		o = r.view(c, o)
	}
	fields := c.request.URL.Query()["fields"]
	if len(fields) == 0 {
		return o
	}
	picked := object{}
	for _, field := range fields {
		if value, ok := o[field]; ok {
			picked[field] = value
		}
	}
	return picked
}

// create answers POST of one object or of several, of which all or none are created.
func (n *network) create(c *call, r *resource) (int, any, error) {
	inputs, bulk, err := n.inputs(c, r)
	if err != nil {
		return 0, nil, err
	}
	if r.checkAll != nil {
		if err := r.checkAll(c, inputs); err != nil {
			return 0, nil, err
		}
	}
	for _, in := range inputs {
		if err := n.checkQuota(r.quota, in.str("project_id"), len(inputs)); err != nil {
			return 0, nil, err
		}
	}
	created := []object{}
	for _, in := range inputs {
		o, err := r.create(c, in)
		if err != nil {
			for _, o := range created {
				// What was just made is in nobody's use.
				_ = r.remove(c, o)
			}
			return 0, nil, err
		}
		created = append(created, o)
	}
	views := []object{}
	for _, o := range created {
		view := r.pick(c, o)
		if r.singular == "security-group-rule" {
			// Only reads have these two.
			view = maps.Clone(view)
			delete(view, "tags")
			delete(view, "standard_attr_id")
		}
		views = append(views, view)
	}
	if !bulk {
		return http.StatusCreated, map[string]any{r.name(): views[0]}, nil
	}
	return http.StatusCreated, map[string]any{r.key(): views}, nil
}

// inputs reads the objects of a POST with defaults, checked one by one.
func (n *network) inputs(c *call, r *resource) (inputs []object, bulk bool, err error) {
	body, err := r.body(c)
	if err != nil {
		return nil, false, err
	}
	raw := []any{body[r.name()]}
	if all, ok := body[r.key()]; ok {
		list, _ := all.([]any)
		if len(list) == 0 {
			return nil, false, badRequest("Resources required")
		}
		bulk, raw = true, list
	}
	for _, given := range raw {
		in, err := r.input(given)
		if err != nil {
			return nil, false, err
		}
		project := c.project()
		for _, key := range []string{"project_id", "tenant_id"} {
			if asked := in.str(key); asked != "" && asked != project {
				if !c.admin() {
					return nil, false, badRequest("Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin or advsvc privileges")
				}
				project = asked
			}
			delete(in, key)
		}
		given := maps.Clone(in)
		full, err := r.complete(in)
		if err != nil {
			return nil, false, err
		}
		if err := r.allowed(c, given, "create"); err != nil {
			return nil, false, err
		}
		full["project_id"], full["tenant_id"] = project, project
		inputs = append(inputs, full)
	}
	return inputs, bulk, nil
}

// body reads the body of a POST or PUT.
func (r *resource) body(c *call) (object, error) {
	if r.core && len(c.body) == 0 {
		return object{}, nil
	}
	if len(c.body) == 0 && c.request.Method == http.MethodPut {
		return nil, fail(http.StatusBadRequest, "BadRequest", "Bad body request: Invalid format: b''.")
	}
	var whole any
	if err := c.decode(&whole); err != nil && len(c.body) > 0 {
		if r.core {
			return nil, badRequest("Body contains invalid data")
		}
		return nil, malformedBody()
	}
	body, ok := asObject(whole)
	switch {
	case r.core && !ok:
		return nil, badRequest("Body contains invalid data")
	case !r.core && len(body) == 0:
		return nil, badRequest("Resource body required")
	}
	return body, nil
}

func malformedBody() *fault {
	return fail(http.StatusBadRequest, "MalformedRequestBody", "Malformed request body: Cannot understand JSON.")
}

// input is one object of a body.
func (r *resource) input(value any) (object, error) {
	in, ok := asObject(value)
	switch {
	case value == nil:
		return nil, badRequest("Unable to find '%s' in request body", r.name())
	case !ok:
		return nil, badRequest("Object '%s' contains invalid data", r.name())
	}
	return in, nil
}

// update answers PUT.
func (n *network) update(c *call, r *resource) (int, any, error) {
	body, err := r.body(c)
	if err != nil {
		return 0, nil, err
	}
	in, err := r.input(body[r.name()])
	if err != nil {
		return 0, nil, err
	}
	o, err := r.find(c, c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	if in, err = r.changes(in); err != nil {
		return 0, nil, err
	}
	if o, err = r.change(c, o.str("id"), "update"); err != nil {
		return 0, nil, err
	}
	if err := r.allowed(c, in, "update"); err != nil {
		return 0, nil, err
	}
	if err := r.update(c, o, in); err != nil {
		return 0, nil, err
	}
	touch(o)
	return http.StatusOK, map[string]any{r.name(): r.pick(c, o)}, nil
}

// remove answers DELETE.
func (n *network) remove(c *call, r *resource) (int, any, error) {
	o, err := r.change(c, c.path("id"), "delete")
	if err != nil {
		return 0, nil, err
	}
	if err := r.remove(c, o); err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, nil
}

// touch notes a change of an object.
func touch(o object) {
	o["revision_number"] = o.num("revision_number") + 1
	o["updated_at"] = now()
}

// set copies what was sent into an object.
func set(o, in object) {
	maps.Copy(o, in)
}

// store adds a new object with what every one has.
func (n *network) store(t *table, in object, revision int) object {
	in["created_at"], in["updated_at"] = now(), now()
	in["revision_number"] = revision
	if !in.given("tags") {
		in["tags"] = []any{}
	}
	return n.sim.add(t, in)
}

// controls are the query parameters of a list that are not filters.
var controls = map[string]bool{"fields": true, "limit": true, "marker": true, "sort_key": true, "sort_dir": true, "page_reverse": true}

// filters says whether a list can be filtered by an attribute.
func (r *resource) filters(key string) bool {
	switch key {
	case "project_id", "tenant_id":
		return true
	case "created_at", "updated_at":
		return false
	case "tags", "tags-any", "not-tags", "not-tags-any":
		return r.singular != "security-group-rule" && !r.untagged
	}
	_, known := r.attributes[key]
	return known && !slices.Contains(r.unfiltered, key)
}

// list answers GET of a collection.
func (n *network) list(c *call, r *resource) (int, any, error) {
	query := c.request.URL.Query()
	var unknown []string
	for key := range query {
		if !controls[key] && !r.filters(key) {
			unknown = append(unknown, "'"+key+"'")
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return 0, nil, badRequest("[%s] is invalid attribute for filtering", strings.Join(unknown, ", "))
	}
	found := r.table.where(func(o object) bool { return r.visible(c, o) && matches(r.wire(c, o), query) })
	if err := r.sort(found, query); err != nil {
		return 0, nil, err
	}
	limit, size := query.Get("limit"), 0
	if limit != "" {
		var err error
		if size, err = strconv.Atoi(limit); err != nil || size < 0 {
			return 0, nil, fail(http.StatusBadRequest, "BadRequest", "Bad limit request: Limit must be an integer 0 or greater and not '%s'.", limit)
		}
	}
	page, next, ok := c.page(found)
	switch {
	case size == 0:
		page, next = found, "" // a marker alone means nothing
	case !ok && r.findsMarker:
		return 0, nil, r.missing(query.Get("marker"))
	case !ok && size < len(found):
		page, next = found[:size], found[size-1].str("id")
	case !ok:
		page = found
	}
	views := []object{}
	for _, o := range page {
		views = append(views, r.pick(c, o))
	}
	body := map[string]any{r.key(): views}
	if links := pageLinks(c, page, next); size > 0 && links != nil {
		body[r.key()+"_links"] = links
	}
	return http.StatusOK, body, nil
}

// wire is the whole view of an object, for filters.
func (r *resource) wire(c *call, o object) object {
	if r.view != nil {
		return r.view(c, o)
	}
	return o
}

func pageLinks(c *call, page []object, next string) []any {
	if len(page) == 0 {
		return nil
	}
	link := func(rel, marker, end string) map[string]any {
		parts := []string{}
		for _, part := range strings.Split(c.request.URL.RawQuery, "&") {
			if !strings.HasPrefix(part, "marker=") && !strings.HasPrefix(part, "page_reverse=") {
				parts = append(parts, part)
			}
		}
		return map[string]any{"rel": rel, "href": c.URL() + c.request.URL.Path + "?" + strings.Join(parts, "&") + "&marker=" + marker + end}
	}
	links := []any{}
	if next != "" {
		links = append(links, link("next", next, ""))
	}
	return append(links, link("previous", page[0].str("id"), "&page_reverse=True"))
}

// sort orders by the query's sort_key and sort_dir pairs, the first of which weighs most; pages are ordered by the id as well.
func (r *resource) sort(objects []object, query url.Values) error {
	keys, dirs := query["sort_key"], query["sort_dir"]
	if len(keys) != len(dirs) {
		return badRequest("The number of sort_keys and sort_dirs must be same")
	}
	known := append([]string{"id", "project_id", "tenant_id"}, r.sortKeys...)
	if unknown := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return slices.Contains(known, key) }); len(unknown) > 0 {
		return badRequest("%s is invalid attribute for sort_keys", pythonList(unknown))
	}
	if unknown := slices.DeleteFunc(slices.Clone(dirs), func(dir string) bool { return dir == "asc" || dir == "desc" }); len(unknown) > 0 {
		return badRequest("%s is invalid value for sort_dirs, valid value is 'asc' and 'desc'", pythonList(unknown))
	}
	if query.Has("limit") {
		keys, dirs = append(slices.Clone(keys), "id"), append(slices.Clone(dirs), "asc")
	}
	slices.SortStableFunc(objects, func(a, b object) int {
		for at, key := range keys {
			order := cmp.Or(cmp.Compare(a.num(key), b.num(key)), strings.Compare(collated(text(a[key])), collated(text(b[key]))))
			if dirs[at] == "desc" {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
	return nil
}

func pythonList(texts []string) string { return "['" + strings.Join(texts, "', '") + "']" }

// matches says whether an object passes all filters; the values of one filter are alternatives.
func matches(o object, query url.Values) bool {
	for key, wanted := range query {
		if controls[key] {
			continue
		}
		ok := true
		switch key {
		case "tags":
			ok = !slices.ContainsFunc(wanted, func(w string) bool { return !hasTags(o, w, false) })
		case "tags-any":
			ok = slices.ContainsFunc(wanted, func(w string) bool { return hasTags(o, w, true) })
		case "not-tags":
			ok = !slices.ContainsFunc(wanted, func(w string) bool { return hasTags(o, w, false) })
		case "not-tags-any":
			ok = !slices.ContainsFunc(wanted, func(w string) bool { return hasTags(o, w, true) })
		case "fixed_ips":
			ok = hasAddress(o, wanted)
		default:
			ok = slices.ContainsFunc(wanted, func(w string) bool { return equalText(o[key], w) })
		}
		if !ok {
			return false
		}
	}
	return true
}

// equalText compares a value with what stands in a query: a list by its items, a boolean in any spelling.
func equalText(value any, wanted string) bool {
	switch value := value.(type) {
	case bool:
		flag, err := strconv.ParseBool(strings.ToLower(wanted))
		return err == nil && flag == value
	case []any, []string:
		return hasText(object{"list": value}.strs("list"), wanted)
	}
	return sameText(text(value), wanted)
}

// hasTags says whether an object has all or any of the tags, which commas separate.
func hasTags(o object, tags string, anyOf bool) bool {
	have := o.strs("tags")
	for _, tag := range strings.Split(tags, ",") {
		if hasText(have, tag) == anyOf {
			return anyOf
		}
	}
	return !anyOf
}

// hasAddress reads filters such as ip_address=10.0.0.5: all keys must fit one address of the
// port, and the values of one key are alternatives.
func hasAddress(o object, filters []string) bool {
	wanted := map[string][]string{}
	for _, filter := range filters {
		key, value, _ := strings.Cut(filter, "=")
		wanted[key] = append(wanted[key], value)
	}
	return slices.ContainsFunc(o.objs("fixed_ips"), func(fixed object) bool {
		for key, values := range wanted {
			if key == "ip_address_substr" {
				if !slices.ContainsFunc(values, func(v string) bool { return strings.Contains(fixed.str("ip_address"), v) }) {
					return false
				}
			} else if !hasText(values, fixed.str(key)) {
				return false
			}
		}
		return true
	})
}

// tagged is the object that a tag request is about.
func (n *network) tagged(c *call, r *resource, write bool) (object, error) {
	o, ok := r.table.get(c.path("id"))
	if !ok || !r.visible(c, o) || write && !c.owns(o) {
		return nil, fail(http.StatusNotFound, "TagResourceNotFound", "Resource %s %s could not be found.", r.collection, c.path("id"))
	}
	return o, nil
}

func (n *network) listTags(c *call, r *resource) (int, any, error) {
	o, err := n.tagged(c, r, false)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{"tags": o["tags"]}, nil
}

func (n *network) replaceTags(c *call, r *resource) (int, any, error) {
	o, err := n.tagged(c, r, true)
	if err != nil {
		return 0, nil, err
	}
	var body object
	if err := c.decode(&body); err != nil {
		return 0, nil, malformedBody()
	}
	list, ok := body["tags"].([]any)
	if !ok && body.has("tags") {
		return 0, nil, invalidInput("%s is not a list.", pythonNested(body["tags"]))
	}
	if !ok {
		return 0, nil, invalidInput("Invalid tags body.")
	}
	for at, tag := range list {
		name, ok := tag.(string)
		if !ok {
			return 0, nil, invalidInput("'%s' is not a valid string.", text(tag))
		}
		if len(name) > 255 {
			return 0, nil, invalidInput("'%s' exceeds maximum length of 255.", name)
		}
		if slices.Contains(list[:at], tag) {
			return 0, nil, invalidInput("Duplicate items in the list: '%s'.", name)
		}
	}
	tags := object{"tags": list}.strs("tags")
	n.setTags(o, tags)
	return http.StatusOK, map[string]any{"tags": list}, nil
}

// setTags stores tags in the order in which they are read back.
func (n *network) setTags(o object, tags []string) {
	slices.Sort(tags)
	o["tags"] = tags
	touch(o)
}

func (n *network) removeTags(c *call, r *resource) (int, any, error) {
	o, err := n.tagged(c, r, true)
	if err != nil {
		return 0, nil, err
	}
	n.setTags(o, []string{})
	return http.StatusNoContent, nil, nil
}

func (n *network) showTag(c *call, r *resource) (int, any, error) {
	o, err := n.tagged(c, r, false)
	if err != nil {
		return 0, nil, err
	}
	if !slices.Contains(o.strs("tags"), c.path("tag")) {
		return 0, nil, fail(http.StatusNotFound, "TagNotFound", "Tag %s could not be found.", c.path("tag"))
	}
	return http.StatusNoContent, nil, nil
}

func (n *network) addTag(c *call, r *resource) (int, any, error) {
	o, err := n.tagged(c, r, true)
	if err != nil {
		return 0, nil, err
	}
	if tags := o.strs("tags"); !slices.Contains(tags, c.path("tag")) {
		n.setTags(o, append(slices.Clone(tags), c.path("tag")))
	}
	return http.StatusCreated, "null", nil
}

func (n *network) removeTag(c *call, r *resource) (int, any, error) {
	o, err := n.tagged(c, r, true)
	if err != nil {
		return 0, nil, err
	}
	tags := slices.Clone(o.strs("tags"))
	at := slices.Index(tags, c.path("tag"))
	if at < 0 {
		return 0, nil, fail(http.StatusNotFound, "TagNotFound", "Tag %s could not be found.", c.path("tag"))
	}
	n.setTags(o, slices.Delete(tags, at, at+1))
	return http.StatusNoContent, nil, nil
}

// extensions are the extensions that the routes above cover.
var extensions = []string{
	"address-group", "allowed-address-pairs", "availability_zone", "default-subnetpools", "dns-integration", "empty-string-filtering",
	"ext-gw-mode", "external-net", "extra_dhcp_opt", "extraroute", "extraroute-atomic", "filter-validation", "fip-port-details",
	"floatingip-pools", "ip-substring-filtering", "net-mtu", "net-mtu-writable", "pagination", "port-security", "project-id",
	"quota_details", "quotas", "revision-if-match", "router", "router_availability_zone", "security-group",
	"security-groups-normalized-cidr", "security-groups-remote-address-group", "sorting", "standard-attr-description",
	"standard-attr-revisions", "standard-attr-tag", "standard-attr-timestamp", "stateful-security-group", "subnet_allocation",
	"subnet-service-types",
}

func extensionBody(alias string) map[string]any {
	name := strings.ReplaceAll(strings.ReplaceAll(alias, "-", " "), "_", " ")
	return map[string]any{
		"alias": alias, "name": name, "description": name, "updated": "2022-10-05T00:00:00-00:00", "links": []any{},
	}
}

func (n *network) listExtensions(*call) (int, any, error) {
	list := []any{}
	for _, alias := range extensions {
		list = append(list, extensionBody(alias))
	}
	return http.StatusOK, map[string]any{"extensions": list}, nil
}

func (n *network) showExtension(c *call) (int, any, error) {
	if !slices.Contains(extensions, c.path("alias")) {
		return 0, nil, fail(http.StatusNotFound, "HTTPNotFound", "Extension with alias %s does not exist", c.path("alias"))
	}
	return http.StatusOK, map[string]any{"extension": extensionBody(c.path("alias"))}, nil
}

func (n *network) listZones(*call) (int, any, error) {
	return http.StatusOK, map[string]any{"availability_zones": []any{
		map[string]any{"state": "available", "name": "nova", "resource": "router"},
	}}, nil
}

// networkQuotas are the default quotas of a project.
func networkQuotas() map[string]int {
	return map[string]int{
		"network": 200, "subnet": 200, "subnetpool": -1, "port": 1000, "router": 100, "floatingip": 100, "rbac_policy": 200,
		"security_group": 200, "security_group_rule": 5000, "trunk": -1,
	}
}

func (n *network) quotas(project string) map[string]int {
	quotas := networkQuotas()
	for name := range quotas {
		if limit, ok := n.sim.options.Quotas[name]; ok {
			quotas[name] = limit
		}
		if limit, ok := n.Quotas[project][name]; ok {
			quotas[name] = limit
		}
	}
	return quotas
}

// used is how many objects of a quota a project has.
func (n *network) used(quota, project string) int {
	for _, r := range n.kinds {
		if r.quota == quota {
			return len(r.table.where(func(o object) bool { return o.str("project_id") == project }))
		}
	}
	return 0
}

// checkQuota refuses count more objects when the project has no room for them.
func (n *network) checkQuota(quota, project string, count int) error {
	limit, ok := n.quotas(project)[quota]
	if !ok || limit < 0 || project == "" || n.used(quota, project)+count <= limit {
		return nil
	}
	return fail(http.StatusConflict, "OverQuota", "Quota exceeded for resources: ['%s'].", quota)
}

func (n *network) quotaAccess(c *call) error {
	if c.path("project") != c.project() && !c.admin() {
		return disallowed("rule:get_quota")
	}
	return nil
}

func (n *network) showQuotas(c *call) (int, any, error) {
	if err := n.quotaAccess(c); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{"quota": n.quotas(c.path("project"))}, nil
}

func (n *network) showDefaultQuotas(c *call) (int, any, error) {
	if err := n.quotaAccess(c); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{"quota": n.quotas("")}, nil
}

func (n *network) showQuotaDetails(c *call) (int, any, error) {
	if err := n.quotaAccess(c); err != nil {
		return 0, nil, err
	}
	details := map[string]any{}
	for name, limit := range n.quotas(c.path("project")) {
		details[name] = map[string]any{"limit": limit, "used": n.used(name, c.path("project")), "reserved": 0}
	}
	return http.StatusOK, map[string]any{"quota": details}, nil
}

func (n *network) updateQuotas(c *call) (int, any, error) {
	if !c.admin() {
		return 0, nil, disallowed("rule:update_quota")
	}
	in, err := c.input("quota")
	if err != nil {
		return 0, nil, err
	}
	limits := maps.Clone(n.Quotas[c.path("project")])
	if limits == nil {
		limits = map[string]int{}
	}
	for name := range in {
		if _, ok := networkQuotas()[name]; !ok {
			return 0, nil, badRequest("Unrecognized attribute(s) '%s'", name)
		}
		limits[name] = in.num(name)
	}
	n.Quotas[c.path("project")] = limits
	return http.StatusOK, map[string]any{"quota": n.quotas(c.path("project"))}, nil
}

func (n *network) resetQuotas(c *call) (int, any, error) {
	if !c.admin() {
		return 0, nil, disallowed("rule:delete_quota")
	}
	delete(n.Quotas, c.path("project"))
	return http.StatusNoContent, nil, nil
}

// plus and minus move an address.
func plus(a netip.Addr, steps uint64) netip.Addr { return move(a, steps, false) }

func minus(a netip.Addr, steps uint64) netip.Addr { return move(a, steps, true) }

func move(a netip.Addr, steps uint64, down bool) netip.Addr {
	bytes := a.AsSlice()
	for at := len(bytes) - 1; at >= 0 && steps > 0; at-- {
		step := steps & 0xff
		steps >>= 8
		sum := uint64(bytes[at]) + step
		if down {
			sum = uint64(bytes[at]) + 256 - step
		}
		bytes[at] = byte(sum)
		if !down && sum > 255 {
			steps++
		}
		if down && sum < 256 {
			steps++
		}
	}
	moved, _ := netip.AddrFromSlice(bytes)
	return moved
}

// lastAddress is the last address of a prefix.
func lastAddress(p netip.Prefix) netip.Addr {
	bytes := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}

// portTime and floatingIPTime are read when a change starts.
func (n *network) portTime() time.Duration { return n.sim.options.Times.Port }

func (n *network) floatingIPTime() time.Duration { return n.sim.options.Times.FloatingIP }
