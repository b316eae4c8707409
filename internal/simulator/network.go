package simulator

import (
	"fmt"
	"maps"
	"net/http"
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
		if port.has("_host") && port.str("status") != "ACTIVE" {
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

// portTime and floatingIPTime are read when a change starts.
func (n *network) portTime() time.Duration { return n.sim.options.Times.Port }

func (n *network) floatingIPTime() time.Duration { return n.sim.options.Times.FloatingIP }
