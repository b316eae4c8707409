package simulator

import (
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// objectStore is the state of the Object Storage API.
type objectStore struct {
	sim *Simulator

	Accounts map[string]*swiftAccount // by name, AUTH_<project id>
}

type swiftAccount struct {
	Created    float64
	Headers    map[string]string // X-Account-Meta-*, by canonical name
	Containers map[string]*swiftContainer
}

type swiftContainer struct {
	Created  float64
	Modified float64
	Policy   string
	// Headers are the metadata, the ACLs and the other settings, by canonical name.
	Headers   map[string]string
	Versioned string // "", "True" or "False", as X-Versions-Enabled shows it
	Objects   map[string]*swiftObject
	// Versions are the older versions and delete markers of each name, the oldest first.
	Versions map[string][]*swiftObject
}

type swiftObject struct {
	Data        []byte
	ETag        string
	ContentType string
	Modified    float64
	Headers     map[string]string // X-Object-Meta-* and the headers that Swift keeps with an object
	DeleteAt    int64             // seconds since 1970, 0 is never
	VersionID   string
	Marker      bool // a delete marker
	Segments    []swiftSegment
}

const (
	swiftPolicy       = "Policy-0"
	swiftMaxName      = 256
	swiftMaxObject    = 1024
	swiftMaxMetaName  = 128
	swiftMaxMetaValue = 256
	swiftMaxMetaCount = 90
	// swiftExpirer is how long an expired object stays in listings: until the expirer ran.
	swiftExpirer = 2 * time.Second
)

func newObjectStore(s *Simulator) *objectStore {
	return &objectStore{sim: s, Accounts: map[string]*swiftAccount{}}
}

func (o *objectStore) service() *service {
	return &service{
		kind: "object-store", name: "swift", prefix: "/object-store", endpoint: "/v1/AUTH_{project}",
		state: o, leftovers: o.leftovers,
		// Who may do what is decided by ACLs and signatures: also somebody without a token.
		open: map[string]handler{
			"GET /info":               o.info,
			"/v1/{account}":           o.answer,
			"/v1/{account}/{path...}": o.answer,
		},
	}
}

func (o *objectStore) info(*call) (int, any, error) {
	return http.StatusOK, map[string]any{
		"swift": map[string]any{
			"version": "2.30.1", "max_file_size": 5368709122, "max_meta_name_length": swiftMaxMetaName, "max_meta_value_length": swiftMaxMetaValue,
			"max_meta_count": swiftMaxMetaCount, "max_object_name_length": swiftMaxObject, "max_container_name_length": swiftMaxName,
			"container_listing_limit": swiftListingLimit, "account_listing_limit": swiftListingLimit,
			"policies": []any{map[string]any{"name": swiftPolicy, "aliases": swiftPolicy, "default": true}},
		},
		"bulk_delete":       map[string]any{"max_deletes_per_request": 10000, "max_failed_deletes": 1000},
		"container_quotas":  map[string]any{},
		"object_versioning": map[string]any{},
		"slo":               map[string]any{"max_manifest_segments": 1000, "max_manifest_size": 8388608, "min_segment_size": 1},
		"staticweb":         map[string]any{},
		"tempurl":           map[string]any{"methods": []string{"GET", "HEAD", "PUT", "POST", "DELETE"}, "allowed_digests": []string{"sha1", "sha256", "sha512"}},
	}, nil
}

func (o *objectStore) leftovers() []string {
	lines := []string{}
	for _, account := range slices.Sorted(maps.Keys(o.Accounts)) {
		for _, name := range slices.Sorted(maps.Keys(o.Accounts[account].Containers)) {
			lines = append(lines, fmt.Sprintf("object container %q of project %s", name, o.sim.projectName(strings.TrimPrefix(account, "AUTH_"))))
		}
	}
	return lines
}

// swiftAnswer collects an answer, which the core sends after it gave the lock back.
type swiftAnswer struct {
	header http.Header
	status int
	body   []byte
}

func (a *swiftAnswer) Header() http.Header { return a.header }

func (a *swiftAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *swiftAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, p...)
	return len(p), nil
}

func (o *objectStore) answer(c *call) (int, any, error) {
	// Swift's middleware names a request by the transaction.
	c.header.Set("X-Trans-Id", "tx"+newHex())
	c.header.Set("X-Openstack-Request-Id", c.header.Get("X-Trans-Id"))
	w := &swiftAnswer{header: c.header}
	container, object, _ := strings.Cut(c.path("path"), "/")
	request := &swiftCall{
		s: o.sim, w: w, r: c.request, body: c.body, path: strings.TrimPrefix(c.request.URL.Path, c.service.prefix),
		account: c.path("account"), container: container, object: object,
	}
	if c.token != nil {
		request.caller = swiftCaller{
			user: c.token.User, project: c.project(),
			operator: c.hasRole("admin", "member", "swiftoperator"), reseller: c.hasRole("ResellerAdmin"),
		}
	}
	request.serve()
	return w.status, w.body, nil
}

// swiftNow is a time as Swift keeps it, to ten microseconds.
func swiftNow() float64 {
	return math.Floor(float64(time.Now().UnixMicro())/10) / 1e5
}

func swiftStamp(at float64) string { return strconv.FormatFloat(at, 'f', 5, 64) }

func swiftISO(at float64) string {
	return time.UnixMicro(int64(math.Round(at * 1e6))).UTC().Format("2006-01-02T15:04:05.000000")
}

// swiftDate is a time for Last-Modified, which Swift rounds up to the second.
func swiftDate(at float64) string {
	return time.Unix(int64(math.Ceil(at)), 0).UTC().Format(http.TimeFormat)
}

func (o *swiftObject) version() string {
	if o.VersionID == "" {
		return "null"
	}
	return o.VersionID
}

func (o *swiftObject) expired() bool {
	return o.DeleteAt != 0 && time.Now().Unix() >= o.DeleteAt
}

func (c *swiftContainer) usage() (count int, size int64) {
	for _, object := range c.Objects {
		size += object.size()
	}
	for _, old := range c.Versions {
		for _, object := range old {
			size += object.size()
		}
	}
	return len(c.Objects), size
}

// expire does the work of the expirer.
func (c *swiftContainer) expire() {
	limit := time.Now().Add(-swiftExpirer).Unix()
	maps.DeleteFunc(c.Objects, func(_ string, o *swiftObject) bool { return o.DeleteAt != 0 && o.DeleteAt <= limit })
}

// swiftError answers with a plain line, as Swift's own checks do.
func swiftError(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(status)
	// A client that went away is its own fault.
	_, _ = io.WriteString(w, message)
}

// swiftStatus answers with the page that Swift has for a status.
func swiftStatus(w http.ResponseWriter, r *http.Request, status int) {
	page, ok := map[int]string{
		http.StatusAccepted:                     "The request is accepted for processing.",
		http.StatusUnauthorized:                 "This server could not verify that you are authorized to access the document you requested.",
		http.StatusForbidden:                    "Access was denied to this resource.",
		http.StatusNotFound:                     "The resource could not be found.",
		http.StatusMethodNotAllowed:             "The method is not allowed for this resource.",
		http.StatusConflict:                     "There was a conflict when trying to complete your request.",
		http.StatusPreconditionFailed:           "A precondition for this request was not met.",
		http.StatusRequestedRangeNotSatisfiable: "The Range requested is not available.",
		http.StatusUnprocessableEntity:          "Unable to process the contained instructions",
	}[status]
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	if !ok || r.Method == http.MethodHead {
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(status)
		return
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<html><h1>%s</h1><p>%s</p></html>", http.StatusText(status), page)
}

// swiftCall is one request, its path taken apart.
type swiftCall struct {
	s         *Simulator
	w         http.ResponseWriter
	r         *http.Request
	body      []byte
	path      string // /v1/AUTH_…, as signatures see it
	account   string
	container string
	object    string
	caller    swiftCaller
}

// swiftCaller is who asks: nobody, a user, or the bearer of a signed URL.
type swiftCaller struct {
	user     string
	project  string
	operator bool // has a role that may use the account of its project
	reseller bool // may use every account
	signed   bool
}

func (c *swiftCall) status(status int) { swiftStatus(c.w, c.r, status) }

func (c *swiftCall) fail(status int, message string) { swiftError(c.w, status, message) }

// serve answers the request. The lock is held.
func (c *swiftCall) serve() {
	account := c.s.objectStore.account(c.account)
	for _, container := range account.Containers {
		container.expire()
	}
	query := c.r.URL.Query()
	if c.object != "" && !c.caller.signed {
		c.caller.signed = c.signed(account)
	}
	if !c.allowed(account) {
		if c.caller.user == "" {
			c.w.Header()["Www-Authenticate"] = []string{fmt.Sprintf("Swift realm=%q", c.account), fmt.Sprintf("Keystone uri=%q", c.s.AuthURL())}
			c.status(http.StatusUnauthorized)
		} else {
			c.status(http.StatusForbidden)
		}
		return
	}
	switch {
	case query.Has("bulk-delete") && (c.r.Method == http.MethodPost || c.r.Method == http.MethodDelete):
		c.bulkDelete(account)
	case c.container == "":
		c.serveAccount(account)
	case c.object == "":
		c.serveContainer(account)
	default:
		c.serveObject(account)
	}
}

// account is the account of that name; Swift makes accounts when they are first used.
func (o *objectStore) account(name string) *swiftAccount {
	if o.Accounts == nil {
		o.Accounts = map[string]*swiftAccount{}
	}
	account, ok := o.Accounts[name]
	if !ok {
		account = &swiftAccount{Created: swiftNow(), Headers: map[string]string{}, Containers: map[string]*swiftContainer{}}
		o.Accounts[name] = account
	}
	return account
}

// owner says whether the caller may do all in the account.
func (c *swiftCall) owner() bool {
	return c.caller.operator && "AUTH_"+c.caller.project == c.account || c.caller.reseller
}

// allowed says whether the caller may do this: the operators of the account may do all, others what
// a container's ACL grants.
func (c *swiftCall) allowed(account *swiftAccount) bool {
	if c.owner() || c.caller.signed {
		return true
	}
	container, ok := account.Containers[c.container]
	if !ok {
		return false
	}
	grants := func(header string) bool {
		for _, element := range strings.Split(container.Headers[header], ",") {
			project, user, ok := strings.Cut(element, ":")
			if ok && c.caller.user != "" && !strings.HasPrefix(element, ".") &&
				(project == "*" || project == c.caller.project) && (user == "*" || user == c.caller.user) {
				return true
			}
		}
		return false
	}
	switch c.r.Method {
	case http.MethodGet, http.MethodHead:
		public := strings.Split(container.Headers["X-Container-Read"], ",")
		if slices.Contains(public, ".r:*") && (c.object != "" || slices.Contains(public, ".rlistings")) {
			return true
		}
		return grants("X-Container-Read")
	case http.MethodPut, http.MethodPost, http.MethodDelete:
		return c.object != "" && grants("X-Container-Write")
	}
	return false
}

func (c *swiftCall) serveAccount(account *swiftAccount) {
	header := c.w.Header()
	switch c.r.Method {
	case http.MethodGet, http.MethodHead:
		objects, size := 0, int64(0)
		for _, container := range account.Containers {
			n, bytes := container.usage()
			objects, size = objects+n, size+bytes
		}
		header.Set("X-Account-Container-Count", strconv.Itoa(len(account.Containers)))
		header.Set("X-Account-Object-Count", strconv.Itoa(objects))
		header.Set("X-Account-Bytes-Used", strconv.FormatInt(size, 10))
		header.Set("X-Timestamp", swiftStamp(account.Created))
		for name, value := range account.Headers {
			header.Set(name, value)
		}
		if c.r.Method == http.MethodHead {
			header.Set("Content-Type", "text/plain; charset=utf-8")
			c.w.WriteHeader(http.StatusNoContent)
			return
		}
		swiftList(c.w, c.r, account.entries())
	case http.MethodPost:
		if message := swiftCheckMetadata(c.r.Header, "X-Account-Meta-"); message != "" {
			c.fail(http.StatusBadRequest, message)
			return
		}
		swiftUpdateHeaders(account.Headers, c.r.Header, "X-Account-Meta-", nil)
		c.status(http.StatusNoContent)
	default:
		c.status(http.StatusMethodNotAllowed)
	}
}

// swiftSettings are the headers of a container beside its metadata that are kept as they were sent.
var swiftSettings = []string{"X-Container-Read", "X-Container-Write", "X-Container-Sync-To", "X-Container-Sync-Key", "X-Versions-Location", "X-History-Location"}

func (c *swiftCall) serveContainer(account *swiftAccount) {
	container, exists := account.Containers[c.container]
	if len(c.container) > swiftMaxName && c.r.Method == http.MethodPut {
		c.fail(http.StatusBadRequest, fmt.Sprintf("Container name length of %d longer than %d", len(c.container), swiftMaxName))
		return
	}
	if !exists && c.r.Method != http.MethodPut {
		c.status(http.StatusNotFound)
		return
	}
	switch c.r.Method {
	case http.MethodPut, http.MethodPost:
		if message := c.checkContainer(); message != "" {
			c.fail(http.StatusBadRequest, message)
			return
		}
		policy := c.r.Header.Get("X-Storage-Policy")
		if policy != "" && policy != swiftPolicy && c.r.Method == http.MethodPut {
			c.fail(http.StatusBadRequest, fmt.Sprintf("Invalid X-Storage-Policy '%s'", policy))
			return
		}
		if exists && swiftTrue(c.r.Header.Get("X-Versions-Enabled")) && container.Headers["X-Versions-Location"]+container.Headers["X-History-Location"] != "" {
			c.fail(http.StatusBadRequest, "Cannot enable object versioning on a container that is already using the legacy versioned writes feature.")
			return
		}
		if exists && c.r.Header.Get("X-Container-Sync-To") != "" && container.Versioned != "" {
			c.fail(http.StatusBadRequest, "Cannot configure container sync on a container with object versioning configured.")
			return
		}
		if exists && c.r.Header.Get("X-Versions-Enabled") != "" && container.Headers["X-Container-Sync-To"] != "" {
			c.fail(http.StatusBadRequest, "Cannot enable object versioning on a container configured as source of container syncing.")
			return
		}
		if !exists {
			container = &swiftContainer{Created: swiftNow(), Policy: swiftPolicy, Headers: map[string]string{}, Objects: map[string]*swiftObject{}}
			account.Containers[c.container] = container
		}
		container.Modified = swiftNow()
		if enabled := c.r.Header.Get("X-Versions-Enabled"); enabled != "" {
			container.Versioned = map[bool]string{true: "True", false: "False"}[swiftTrue(enabled)]
		}
		swiftUpdateHeaders(container.Headers, c.r.Header, "X-Container-Meta-", swiftSettings)
		switch {
		case c.r.Method == http.MethodPost:
			c.status(http.StatusNoContent)
		case exists:
			c.status(http.StatusAccepted)
		default:
			c.status(http.StatusCreated)
		}
	case http.MethodGet, http.MethodHead:
		c.containerHeaders(container)
		switch {
		case c.r.Method == http.MethodHead:
			c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			c.w.WriteHeader(http.StatusNoContent)
		case c.r.URL.Query().Has("versions"):
			swiftList(c.w, c.r, container.versions())
		default:
			swiftList(c.w, c.r, container.entries())
		}
	case http.MethodDelete:
		switch {
		case len(container.Objects) > 0:
			c.status(http.StatusConflict)
		case len(container.Versions) > 0:
			c.fail(http.StatusConflict, "Delete all versions before deleting container.")
		default:
			delete(account.Containers, c.container)
			c.status(http.StatusNoContent)
		}
	default:
		c.status(http.StatusMethodNotAllowed)
	}
}

func (c *swiftCall) containerHeaders(container *swiftContainer) {
	header := c.w.Header()
	count, size := container.usage()
	header.Set("X-Container-Object-Count", strconv.Itoa(count))
	header.Set("X-Container-Bytes-Used", strconv.FormatInt(size, 10))
	header.Set("X-Timestamp", swiftStamp(container.Created))
	header.Set("Last-Modified", swiftDate(container.Modified))
	header.Set("Accept-Ranges", "bytes")
	header.Set("X-Storage-Policy", container.Policy)
	if container.Versioned != "" {
		header.Set("X-Versions-Enabled", container.Versioned)
	}
	for name, value := range container.Headers {
		// Keys are for the owner of the account only.
		secret := strings.HasPrefix(name, "X-Container-Meta-Temp-Url-Key") || name == "X-Container-Sync-Key"
		if !secret || c.owner() {
			header.Set(name, value)
		}
	}
}

// checkContainer says what is wrong with the headers of a PUT or POST of a container.
func (c *swiftCall) checkContainer() string {
	header := c.r.Header
	if message := swiftCheckMetadata(header, "X-Container-Meta-"); message != "" {
		return message
	}
	for _, kind := range []string{"bytes", "count"} {
		value := header.Get("X-Container-Meta-Quota-" + kind)
		if _, err := strconv.ParseUint(value, 10, 63); value != "" && err != nil {
			return fmt.Sprintf("Invalid %s quota.", kind)
		}
	}
	for _, name := range []string{"X-Container-Read", "X-Container-Write"} {
		value, message := swiftCleanACL(header.Get(name), name == "X-Container-Write")
		if message != "" {
			return message
		}
		if header.Get(name) != "" {
			header.Set(name, value)
		}
	}
	if target := header.Get("X-Container-Sync-To"); target != "" {
		if message := swiftCheckSync(target); message != "" {
			return message
		}
	}
	return ""
}

// swiftCheckSync says where a container cannot be copied to: the operator has declared no realm, and allows this host only.
func swiftCheckSync(target string) string {
	scheme, rest, found := strings.Cut(target, "//")
	host, _, _ := strings.Cut(rest, "/")
	name, _, _ := strings.Cut(host, ":")
	switch scheme = strings.TrimSuffix(scheme, ":"); {
	case !found, scheme != "" && scheme != "http" && scheme != "https":
		return `Invalid scheme '' in X-Container-Sync-To, must be "//", "http", or "https".`
	case scheme == "":
		return fmt.Sprintf("No realm key for '%s'", host)
	case name != "127.0.0.1":
		return fmt.Sprintf("Invalid host '%s' in X-Container-Sync-To", name)
	}
	return ""
}

var swiftReferrer = regexp.MustCompile(`^\.(r|ref|referer|referrer)$`)

// swiftCleanACL is an ACL in the form that Swift keeps, or what is wrong with it.
func swiftCleanACL(value string, write bool) (clean, message string) {
	elements := []string{}
	for element := range strings.SplitSeq(value, ",") {
		element = strings.TrimSpace(element)
		if element == "" {
			continue
		}
		first, second, ok := strings.Cut(element, ":")
		first, second = strings.TrimSpace(first), strings.TrimSpace(second)
		switch {
		case !ok || !strings.HasPrefix(first, "."):
			elements = append(elements, element)
		case !swiftReferrer.MatchString(first):
			return "", fmt.Sprintf("Unknown designator '%s' in ACL: '%s'", first, element)
		case write:
			return "", fmt.Sprintf("Referrers not allowed in write ACL: '%s'", element)
		case strings.Trim(second, "-*. ") == "" && second != "*":
			return "", fmt.Sprintf("No host/domain value after referrer designator in ACL: '%s'", element)
		default:
			elements = append(elements, ".r:"+second)
		}
	}
	return strings.Join(elements, ","), ""
}

// swiftCheckMetadata says which metadata is too long or too much.
func swiftCheckMetadata(header http.Header, prefix string) string {
	count := 0
	for _, name := range slices.Sorted(maps.Keys(header)) {
		key, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		count++
		switch {
		case key == "":
			return "Metadata name cannot be empty"
		case len(key) > swiftMaxMetaName:
			return "Metadata name too long: " + strings.ToLower(prefix) + key
		case len(header.Get(name)) > swiftMaxMetaValue:
			return fmt.Sprintf("Metadata value longer than %d: %s%s", swiftMaxMetaValue, strings.ToLower(prefix), key)
		}
	}
	if count > swiftMaxMetaCount {
		return fmt.Sprintf("Too many metadata items; max %d", swiftMaxMetaCount)
	}
	return ""
}

// swiftUpdateHeaders changes what is named and keeps the rest: an empty value or an X-Remove- header
// removes one.
func swiftUpdateHeaders(kept map[string]string, header http.Header, metadata string, settings []string) {
	for name, values := range header {
		target, remove := name, false
		if rest, ok := strings.CutPrefix(name, "X-Remove-"); ok {
			target, remove = "X-"+rest, true
		}
		if !strings.HasPrefix(target, metadata) && !slices.Contains(settings, target) {
			continue
		}
		if remove || values[0] == "" {
			delete(kept, target)
		} else {
			kept[target] = values[0]
		}
	}
}

// swiftTrue reads a flag as Swift does.
func swiftTrue(value string) bool {
	return slices.Contains([]string{"true", "1", "yes", "on", "t", "y"}, strings.ToLower(value))
}
