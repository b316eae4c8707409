package simulator

import (
	"cmp"
	"context"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kubeStatus is the error body of the Kubernetes API.
type kubeStatus struct {
	code    int
	reason  string
	message string
	details map[string]any
}

func (s *kubeStatus) Error() string { return s.message }

func (s *kubeStatus) body() map[string]any {
	body := map[string]any{
		"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure",
		"message": s.message, "reason": s.reason, "code": s.code,
	}
	if s.details != nil {
		body["details"] = s.details
	}
	return body
}

func refuse(code int, reason, message string, args ...any) *kubeStatus {
	return &kubeStatus{code: code, reason: reason, message: fmt.Sprintf(message, args...)}
}

func (k kubeKind) refuse(code int, reason, name, message string) *kubeStatus {
	resource := k.plural
	if k.group != "" {
		resource += "." + k.group
	}
	return &kubeStatus{
		code: code, reason: reason, message: fmt.Sprintf("%s %q %s", resource, name, message),
		details: map[string]any{"name": name, "group": k.group, "kind": k.plural},
	}
}

// kubeRequest is a request of the API taken apart.
type kubeRequest struct {
	cluster                 *cluster
	request                 *http.Request
	body                    []byte
	user                    string
	groups                  []string
	kind                    kubeKind
	namespace, name, subres string
}

type tlsConnKey struct{}

// withTLSConn keeps the connection below TLS, which knows the port that was asked.
func withTLSConn(ctx context.Context, conn net.Conn) context.Context {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	return context.WithValue(ctx, tlsConnKey{}, conn)
}

// handler serves the API and the supervisor of a cluster.
func (c *cluster) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _ := r.Context().Value(tlsConnKey{}).(*memoryConn)
		if c.supervise(w, r, conn) {
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 3<<20))
		if err != nil {
			writeStatus(w, refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "%v", err))
			return
		}
		if body, err = asJSON(r.Header.Get("Content-Type"), body); err != nil {
			writeStatus(w, refuse(http.StatusUnsupportedMediaType, "UnsupportedMediaType", "%v", err))
			return
		}
		call := &kubeRequest{cluster: c, request: r, body: body}
		if status := call.authenticate(); status != nil {
			writeStatus(w, status)
			return
		}
		if c.discover(w, call) {
			return
		}
		call.serve(w)
	})
}

// asJSON is a body in the only form that the rest of the API reads.
func asJSON(contentType string, body []byte) ([]byte, error) {
	if len(body) == 0 || !strings.HasPrefix(contentType, protobufType) {
		return body, nil
	}
	o, err := decodeProtobuf(body)
	if err != nil {
		return nil, err
	}
	return json.Marshal(o)
}

// supervise answers what nodes ask before and while they join.
func (c *cluster) supervise(w http.ResponseWriter, r *http.Request, conn *memoryConn) bool {
	supervisor := c.Distribution == "rke2" && conn != nil && strings.HasSuffix(conn.target, ":9345")
	if !supervisor && c.Distribution == "rke2" {
		return false
	}
	_, secret, _ := r.BasicAuth()
	switch path := r.URL.Path; {
	case path == "/cacerts":
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, c.ServerCA)
	case path == "/ping":
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "pong")
	case strings.HasPrefix(path, "/v1-"+c.Distribution+"/"):
		allowed := subtle.ConstantTimeCompare([]byte(secret), []byte(c.ServerToken)) == 1 ||
			c.AgentToken != "" && subtle.ConstantTimeCompare([]byte(secret), []byte(c.AgentToken)) == 1
		if !allowed {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return true
		}
		_, _ = io.WriteString(w, "ok")
	case supervisor:
		http.NotFound(w, r)
	default:
		return false
	}
	return true
}

// authenticate reads the client certificate. Nobody is anonymous.
func (q *kubeRequest) authenticate() *kubeStatus {
	unauthorized := refuse(http.StatusUnauthorized, "Unauthorized", "Unauthorized")
	if q.request.TLS == nil || len(q.request.TLS.PeerCertificates) == 0 {
		return unauthorized
	}
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(q.cluster.ClientCA)) {
		return unauthorized
	}
	for _, certificate := range q.request.TLS.PeerCertificates[1:] {
		intermediates.AddCert(certificate)
	}
	leaf := q.request.TLS.PeerCertificates[0]
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return unauthorized
	}
	q.user, q.groups = leaf.Subject.CommonName, append(leaf.Subject.Organization, "system:authenticated")
	return nil
}

// admin says whether the user has everything: by a binding of cluster-admin to it or to one of its groups.
func (q *kubeRequest) admin() bool {
	for _, binding := range q.cluster.list("clusterrolebindings", "") {
		if binding.child("roleRef")["name"] != "cluster-admin" {
			continue
		}
		for _, subject := range kubeList(binding["subjects"]) {
			name := fmt.Sprint(subject["name"])
			if subject["kind"] == "Group" && slices.Contains(q.groups, name) || subject["kind"] == "User" && name == q.user {
				return true
			}
		}
	}
	return false
}

func writeStatus(w http.ResponseWriter, status *kubeStatus) {
	writeKube(w, status.code, status.body())
}

func writeKube(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// A client that went away is its own fault.
	_ = json.NewEncoder(w).Encode(body)
}

// discover answers what everybody with a certificate may read.
func (c *cluster) discover(w http.ResponseWriter, q *kubeRequest) bool {
	path := strings.TrimSuffix(q.request.URL.Path, "/")
	switch path {
	case "/version":
		major, minor := releaseOf(c.Version)
		writeKube(w, http.StatusOK, map[string]any{
			"major": major, "minor": minor, "gitVersion": c.Version, "gitTreeState": "clean", "platform": "linux/amd64", "goVersion": "go1.24", "compiler": "gc",
		})
	case "/readyz", "/livez", "/healthz":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "ok")
	case "/api":
		writeKube(w, http.StatusOK, map[string]any{"kind": "APIVersions", "versions": []any{"v1"}, "serverAddressByClientCIDRs": []any{}})
	case "/apis":
		groups := []any{}
		for _, group := range kubeGroups() {
			groups = append(groups, groupDocument(group))
		}
		writeKube(w, http.StatusOK, map[string]any{"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
	case "/api/v1":
		writeKube(w, http.StatusOK, resourceList(""))
	default:
		group, version, found := strings.Cut(strings.TrimPrefix(path, "/apis/"), "/")
		if !slices.Contains(kubeGroups(), group) || found && version != "v1" {
			return false
		}
		if !found {
			writeKube(w, http.StatusOK, groupDocument(group))
			return true
		}
		writeKube(w, http.StatusOK, resourceList(group))
	}
	return true
}

// parse takes the path of a request for objects apart.
func (q *kubeRequest) parse() *kubeStatus {
	missing := refuse(http.StatusNotFound, "NotFound", "the server could not find the requested resource")
	parts := strings.Split(strings.Trim(q.request.URL.Path, "/"), "/")
	group := ""
	switch {
	case len(parts) > 2 && parts[0] == "api" && parts[1] == "v1":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis" && parts[2] == "v1":
		group, parts = parts[1], parts[3:]
	default:
		return missing
	}
	if len(parts) > 2 && parts[0] == "namespaces" && !slices.Contains([]string{"status", "finalize"}, parts[2]) {
		q.namespace, parts = parts[1], parts[2:]
	}
	at := slices.IndexFunc(kubeKinds(), func(k kubeKind) bool { return k.group == group && k.plural == parts[0] })
	if at < 0 {
		return missing
	}
	q.kind = kubeKinds()[at]
	if len(parts) > 1 {
		q.name = parts[1]
	}
	if len(parts) > 2 {
		q.subres = parts[2]
		if !slices.Contains(q.kind.subresources, q.subres) {
			return missing
		}
	}
	return nil
}

func (q *kubeRequest) verb() string {
	switch q.request.Method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		return "delete"
	}
	watch := q.request.URL.Query().Get("watch")
	switch {
	case watch == "true" || watch == "1":
		return "watch"
	case q.name == "":
		return "list"
	}
	return "get"
}

func (q *kubeRequest) serve(w http.ResponseWriter) {
	s := q.cluster.kubernetes.sim
	if status := q.parse(); status != nil {
		if strings.HasSuffix(q.request.URL.Path, "/selfsubjectaccessreviews") {
			q.review(w)
			return
		}
		writeStatus(w, status)
		return
	}
	if q.verb() == "watch" {
		q.watch(w)
		return
	}
	s.mu.Lock()
	code, body, err := q.answer()
	if q.request.Method != http.MethodGet {
		s.changed()
	}
	text, encodeErr := json.Marshal(body)
	s.mu.Unlock()
	switch {
	case err != nil:
		writeStatus(w, err)
	case encodeErr != nil:
		writeStatus(w, refuse(http.StatusInternalServerError, "InternalError", "%v", encodeErr))
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = w.Write(text)
	}
}

// review answers "can I": administrators can.
func (q *kubeRequest) review(w http.ResponseWriter) {
	review, err := decodeObject(q.body)
	if err != nil {
		writeStatus(w, refuse(http.StatusBadRequest, "BadRequest", "%v", err))
		return
	}
	q.cluster.kubernetes.sim.locked(func() { review["status"] = map[string]any{"allowed": q.admin()} })
	writeKube(w, http.StatusCreated, review)
}

func (q *kubeRequest) forbidden() *kubeStatus {
	where := "at the cluster scope"
	if q.namespace != "" {
		where = fmt.Sprintf("in the namespace %q", q.namespace)
	}
	message := fmt.Sprintf("%s is forbidden: User %q cannot %s resource %q in API group %q %s",
		q.kind.plural, q.user, q.verb(), q.kind.plural, q.kind.group, where)
	return &kubeStatus{
		code: http.StatusForbidden, reason: "Forbidden", message: message,
		details: map[string]any{"name": q.name, "group": q.kind.group, "kind": q.kind.plural},
	}
}

// answer carries a request out. The caller holds the lock.
func (q *kubeRequest) answer() (int, any, *kubeStatus) {
	if !q.admin() {
		return 0, nil, q.forbidden()
	}
	switch {
	case q.subres == "eviction":
		return q.evict()
	case q.name == "":
		return q.answerCollection()
	}
	o := q.cluster.get(q.kind.plural, q.namespace, q.name)
	if o == nil && q.request.Method == http.MethodPatch && q.patchType() == applyPatch {
		return q.create()
	}
	if o == nil {
		return 0, nil, q.kind.refuse(http.StatusNotFound, "NotFound", q.name, "not found")
	}
	switch q.request.Method {
	case http.MethodGet:
		return http.StatusOK, q.present(q.computed(o)), nil
	case http.MethodPut:
		next, err := decodeObject(q.body)
		if err != nil {
			return 0, nil, refuse(http.StatusBadRequest, "BadRequest", "%v", err)
		}
		return q.store(o, next)
	case http.MethodPatch:
		next, status := q.patched(o)
		if status != nil {
			return 0, nil, status
		}
		return q.store(o, next)
	case http.MethodDelete:
		return q.remove(o)
	}
	return 0, nil, refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "the server does not allow this method on the requested resource")
}

func (q *kubeRequest) answerCollection() (int, any, *kubeStatus) {
	switch q.request.Method {
	case http.MethodGet:
		objects, status := q.selected()
		if status != nil {
			return 0, nil, status
		}
		revision := strconv.FormatInt(q.cluster.Revision, 10)
		if q.wantsTable() {
			return http.StatusOK, tableOf(q.kind.plural, objects, revision, true), nil
		}
		return http.StatusOK, map[string]any{
			"kind": q.kind.kind + "List", "apiVersion": q.kind.apiVersion(), "metadata": map[string]any{"resourceVersion": revision}, "items": objects,
		}, nil
	case http.MethodPost:
		return q.create()
	case http.MethodDelete:
		objects, status := q.selected()
		if status != nil {
			return 0, nil, status
		}
		for _, o := range objects {
			q.cluster.drop(q.kind.plural, o)
		}
		return http.StatusOK, map[string]any{"kind": q.kind.kind + "List", "apiVersion": q.kind.apiVersion(), "metadata": map[string]any{}, "items": objects}, nil
	}
	return 0, nil, refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "the server does not allow this method on the requested resource")
}

func (q *kubeRequest) wantsTable() bool {
	return strings.Contains(q.request.Header.Get("Accept"), "as=Table")
}

// present is one object as the client wants it.
func (q *kubeRequest) present(o kubeObject) any {
	if q.wantsTable() {
		return tableOf(q.kind.plural, []kubeObject{o}, o.meta("resourceVersion"), true)
	}
	return o
}

// selected are the objects of a collection that the selectors let through.
func (q *kubeRequest) selected() ([]kubeObject, *kubeStatus) {
	query := q.request.URL.Query()
	labels, err := parseSelector(query.Get("labelSelector"))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "BadRequest", "unable to parse requirement: %v", err)
	}
	selected := []kubeObject{}
	for _, o := range q.cluster.list(q.kind.plural, q.namespace) {
		fields, status := q.fieldsMatch(o, query.Get("fieldSelector"))
		if status != nil {
			return nil, status
		}
		if fields && labels.matches(o.labels()) {
			selected = append(selected, q.computed(o))
		}
	}
	return selected, nil
}

// fieldsMatch evaluates a field selector such as "spec.nodeName=a,status.phase!=Failed".
func (q *kubeRequest) fieldsMatch(o kubeObject, selector string) (bool, *kubeStatus) {
	for requirement := range strings.SplitSeq(selector, ",") {
		if requirement == "" {
			continue
		}
		key, value, ok := strings.Cut(requirement, "!=")
		negated := ok
		if !ok {
			if key, value, ok = strings.Cut(requirement, "=="); !ok {
				key, value, ok = strings.Cut(requirement, "=")
			}
		}
		if !ok {
			return false, refuse(http.StatusBadRequest, "BadRequest", "invalid selector: %q", requirement)
		}
		var at any = map[string]any(o)
		for part := range strings.SplitSeq(key, ".") {
			nested, _ := at.(map[string]any)
			at = nested[part]
		}
		if (text(at) == value) == negated {
			return false, nil
		}
	}
	return true, nil
}

// computed adds to an object what follows from others.
func (q *kubeRequest) computed(o kubeObject) kubeObject {
	if q.kind.plural != "poddisruptionbudgets" {
		return o
	}
	o = o.clone()
	health := q.cluster.budgetHealth(o)
	o["status"] = map[string]any{
		"currentHealthy": health.current, "desiredHealthy": health.desired, "expectedPods": health.expected, "disruptionsAllowed": health.allowed(),
		"observedGeneration": 1,
	}
	return o
}

func (q *kubeRequest) create() (int, any, *kubeStatus) {
	o, err := decodeObject(q.body)
	if err != nil {
		return 0, nil, refuse(http.StatusBadRequest, "BadRequest", "%v", err)
	}
	metadata := o.child("metadata")
	if o.name() == "" && o.meta("generateName") != "" {
		metadata["name"] = o.meta("generateName") + shortID()
	}
	if name := q.name; name != "" {
		metadata["name"] = name
	}
	o["metadata"] = map[string]any(metadata)
	o["kind"], o["apiVersion"] = q.kind.kind, q.kind.apiVersion()
	if o.name() == "" {
		return 0, nil, q.kind.refuse(http.StatusUnprocessableEntity, "Invalid", "", "is invalid: metadata.name: Required value: name or generateName is required")
	}
	namespace := ""
	if q.kind.namespaced {
		namespace = cmp.Or(q.namespace, o.namespace(), "default")
		if q.cluster.get("namespaces", "", namespace) == nil {
			return 0, nil, kubeKinds()[0].refuse(http.StatusNotFound, "NotFound", namespace, "not found")
		}
	}
	if q.cluster.get(q.kind.plural, namespace, o.name()) != nil {
		return 0, nil, q.kind.refuse(http.StatusConflict, "AlreadyExists", o.name(), "already exists")
	}
	switch q.kind.plural {
	case "pods":
		q.cluster.place(o)
	case "namespaces":
		o["status"] = map[string]any{"phase": "Active"}
	case "secrets":
		encodeStringData(o)
	}
	stored := q.cluster.put(q.kind.plural, namespace, o)
	if q.kind.plural == "replicasets" {
		q.cluster.reconcileReplicaSets()
	}
	return http.StatusCreated, q.present(stored), nil
}

// store takes over a new version of an object unless it was changed meanwhile.
func (q *kubeRequest) store(old, next kubeObject) (int, any, *kubeStatus) {
	if version := next.meta("resourceVersion"); version != "" && version != old.meta("resourceVersion") {
		return 0, nil, &kubeStatus{
			code: http.StatusConflict, reason: "Conflict",
			message: fmt.Sprintf("Operation cannot be fulfilled on %s %q: the object has been modified; please apply your changes to the latest version and try again", q.kind.plural, q.name),
			details: map[string]any{"name": q.name, "group": q.kind.group, "kind": q.kind.plural},
		}
	}
	if next.name() != "" && next.name() != q.name {
		return 0, nil, refuse(http.StatusBadRequest, "BadRequest", "the name of the object (%s) does not match the name on the URL (%s)", next.name(), q.name)
	}
	metadata := next.child("metadata")
	metadata["name"] = q.name
	next["metadata"] = map[string]any(metadata)
	next["kind"], next["apiVersion"] = q.kind.kind, q.kind.apiVersion()
	// The status has an endpoint of its own; the other one leaves it alone.
	if slices.Contains(q.kind.subresources, "status") {
		merged := old.clone()
		if q.subres == "status" {
			merged["status"] = next["status"]
			next = merged
		} else if merged["status"] != nil {
			next["status"] = merged["status"]
		}
	}
	if q.kind.plural == "secrets" {
		encodeStringData(next)
	}
	stored := q.cluster.put(q.kind.plural, q.namespace, next)
	if q.kind.plural == "nodes" || q.kind.plural == "replicasets" {
		q.cluster.reconcileReplicaSets()
	}
	return http.StatusOK, q.present(stored), nil
}

func (q *kubeRequest) remove(o kubeObject) (int, any, *kubeStatus) {
	var options struct {
		Preconditions struct {
			UID string `json:"uid"`
		} `json:"preconditions"`
		DryRun []string `json:"dryRun"`
	}
	if len(q.body) > 0 {
		if err := json.Unmarshal(q.body, &options); err != nil {
			return 0, nil, refuse(http.StatusBadRequest, "BadRequest", "%v", err)
		}
	}
	if uid := options.Preconditions.UID; uid != "" && uid != o.uid() {
		return 0, nil, q.kind.refuse(http.StatusConflict, "Conflict", q.name, "the UID in the precondition does not match the UID in record")
	}
	if len(options.DryRun) == 0 {
		q.cluster.drop(q.kind.plural, o)
	}
	if q.kind.plural == "pods" || q.kind.plural == "namespaces" {
		return http.StatusOK, o, nil
	}
	return http.StatusOK, map[string]any{
		"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Success",
		"details": map[string]any{"name": q.name, "group": q.kind.group, "kind": q.kind.plural, "uid": o.uid()},
	}, nil
}

// watch streams the changes of a collection.
func (q *kubeRequest) watch(w http.ResponseWriter) {
	c, s := q.cluster, q.cluster.kubernetes.sim
	query := q.request.URL.Query()
	labels, err := parseSelector(query.Get("labelSelector"))
	if err != nil {
		writeStatus(w, refuse(http.StatusBadRequest, "BadRequest", "unable to parse requirement: %v", err))
		return
	}
	matches := func(o kubeObject) bool {
		if o == nil || q.namespace != "" && o.namespace() != q.namespace || q.name != "" && o.name() != q.name {
			return false
		}
		fields, status := q.fieldsMatch(o, query.Get("fieldSelector"))
		return status == nil && fields && labels.matches(o.labels())
	}
	me := &watcher{events: make(chan kubeEvent, watcherBuffer)}
	backlog, marked, status := []kubeEvent{}, int64(0), (*kubeStatus)(nil)
	s.locked(func() {
		if !q.admin() {
			status = q.forbidden()
			return
		}
		backlog, status = c.backlog(q.kind.plural, query.Get("resourceVersion"), query.Get("sendInitialEvents") == "true")
		marked = c.Revision
		if c.watchers == nil {
			c.watchers = map[*watcher]struct{}{}
		}
		c.watchers[me] = struct{}{}
	})
	defer s.locked(func() { delete(c.watchers, me) })
	if status != nil {
		writeStatus(w, status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	stream := json.NewEncoder(w)
	headed := false
	send := func(kind string, object any) bool {
		if o, ok := object.(kubeObject); ok && q.wantsTable() {
			object = tableOf(q.kind.plural, []kubeObject{o}, o.meta("resourceVersion"), !headed)
			headed = true
		}
		return stream.Encode(map[string]any{"type": kind, "object": object}) == nil && http.NewResponseController(w).Flush() == nil
	}
	pass := func(event kubeEvent) bool {
		is, was := matches(event.object), matches(event.before)
		switch kind := event.kind; {
		case event.resource != q.kind.plural || !is && !was:
			return true
		case kind != "DELETED" && is && !was:
			return send("ADDED", event.object)
		case kind != "DELETED" && !is:
			return send("DELETED", event.object)
		default:
			return send(kind, event.object)
		}
	}
	for _, event := range backlog {
		if !pass(event) {
			return
		}
	}
	if query.Get("sendInitialEvents") == "true" {
		bookmark := map[string]any{"kind": q.kind.kind, "apiVersion": q.kind.apiVersion(), "metadata": map[string]any{
			"resourceVersion": strconv.FormatInt(marked, 10), "annotations": map[string]any{"k8s.io/initial-events-end": "true"},
		}}
		if !send("BOOKMARK", bookmark) {
			return
		}
	}
	if http.NewResponseController(w).Flush() != nil {
		return
	}
	end := time.Hour
	if seconds, err := strconv.Atoi(query.Get("timeoutSeconds")); err == nil && seconds > 0 {
		end = time.Duration(seconds) * time.Second
	}
	timer := time.NewTimer(end)
	defer timer.Stop()
	for {
		select {
		case <-q.request.Context().Done():
			return
		case <-timer.C:
			return
		case event, open := <-me.events:
			if !open || !pass(event) {
				return
			}
		}
	}
}

// backlog are the changes that a watch starts with: those after a revision, or everything that exists.
func (c *cluster) backlog(resource, revision string, initial bool) ([]kubeEvent, *kubeStatus) {
	events := []kubeEvent{}
	if revision == "" || revision == "0" || initial {
		for _, o := range c.list(resource, "") {
			events = append(events, kubeEvent{kind: "ADDED", resource: resource, object: o})
		}
		return events, nil
	}
	since, err := strconv.ParseInt(revision, 10, 64)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "BadRequest", "invalid resource version %q", revision)
	}
	if since < c.Revision && (len(c.history) == 0 || c.history[0].revision > since+1) {
		return nil, refuse(http.StatusGone, "Expired", "too old resource version: %s (%d)", revision, c.Revision)
	}
	for _, event := range c.history {
		if event.revision > since {
			events = append(events, event)
		}
	}
	return events, nil
}
