package simulator

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// stickyCookie is the cookie that the load balancer sets for session persistence of the type HTTP_COOKIE.
const stickyCookie = "SRV"

// verdict is what a listener does with a request: refuse it, redirect it, or send it to a member.
type verdict struct {
	status   int // 0 for a member
	location string
	target   *backend
	insert   object // insert_headers of the listener
	port     string // of the listener
	pool     string // id
	// sets and learns are the names of the cookies by which the client is to find its member again.
	sets, learns string
}

// proxy serves an HTTP listener.
func (p *dataPlane) proxy(listenerID string) http.Handler {
	forward := &httputil.ReverseProxy{
		Transport: &http.Transport{DialContext: p.dialBackend, DisableKeepAlives: true},
		Rewrite:   rewrite,
		ErrorLog:  p.sim.errorLog(),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			if !errors.Is(err, context.Canceled) {
				p.count(listenerID, func(c *counters) { c.errors++ })
			}
			http.Error(w, "503 Service Unavailable\nNo server is available to handle this request.", http.StatusServiceUnavailable)
		},
		ModifyResponse: p.rememberCookie,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := p.judge(listenerID, r)
		p.count(listenerID, func(c *counters) { c.total++; c.active++; c.in += int(max(r.ContentLength, 0)) })
		defer p.count(listenerID, func(c *counters) { c.active-- })
		switch {
		case v.location != "":
			http.Redirect(w, r, v.location, v.status)
		case v.status != 0:
			http.Error(w, http.StatusText(v.status), v.status)
		default:
			defer p.release(v.target)
			v.target.front, _ = r.Context().Value(http.LocalAddrContextKey).(net.Addr)
			ctx := context.WithValue(r.Context(), verdictKey{}, v)
			forward.ServeHTTP(w, r.WithContext(context.WithValue(ctx, backendKey{}, v.target)))
		}
	})
}

type verdictKey struct{}

func rewrite(r *httputil.ProxyRequest) {
	v, ok := r.In.Context().Value(verdictKey{}).(verdict)
	if !ok {
		return
	}
	r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", v.target.host(), r.In.Host
	// What the client said of itself is kept, as the load balancer does.
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values := r.In.Header.Values(name); len(values) > 0 {
			r.Out.Header[name] = slices.Clone(values)
		}
	}
	enabled := func(name string) bool { return strings.EqualFold(text(v.insert[name]), "true") }
	if enabled("X-Forwarded-For") {
		client, _, err := net.SplitHostPort(r.In.RemoteAddr)
		if err == nil {
			r.Out.Header.Set("X-Forwarded-For", strings.Join(append(r.In.Header.Values("X-Forwarded-For"), client), ", "))
		}
	}
	if enabled("X-Forwarded-Port") {
		r.Out.Header.Set("X-Forwarded-Port", v.port)
	}
	if enabled("X-Forwarded-Proto") {
		proto := "http"
		if r.In.TLS != nil {
			proto = "https"
		}
		r.Out.Header.Set("X-Forwarded-Proto", proto)
	}
}

// rememberCookie ties a client to its member.
func (p *dataPlane) rememberCookie(response *http.Response) error {
	v, ok := response.Request.Context().Value(verdictKey{}).(verdict)
	if !ok {
		return nil
	}
	if v.sets != "" {
		response.Header.Add("Set-Cookie", (&http.Cookie{Name: v.sets, Value: v.target.member, Path: "/"}).String())
	}
	for _, cookie := range response.Cookies() {
		if v.learns != "" && cookie.Name == v.learns {
			p.mu.Lock()
			if b := p.pools[v.pool]; b != nil {
				b.cookies[cookie.Value] = v.target.member
			}
			p.mu.Unlock()
		}
	}
	return nil
}

// judge decides on a request by the state of this moment.
func (p *dataPlane) judge(listenerID string, r *http.Request) verdict {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	l := p.sim.loadBalancing
	unavailable := verdict{status: http.StatusServiceUnavailable}
	source, err := netip.ParseAddrPort(r.RemoteAddr)
	listener := l.Listeners[listenerID]
	if err != nil || listener == nil {
		return unavailable
	}
	if !admits(listener, source.Addr()) {
		return verdict{status: http.StatusForbidden}
	}
	pool := l.Pools[listener.str("default_pool_id")]
	if policy := l.policyFor(listener, r); policy != nil {
		switch policy.str("action") {
		case "REJECT":
			return verdict{status: http.StatusForbidden}
		case "REDIRECT_TO_URL":
			return verdict{status: redirectCode(policy), location: policy.str("redirect_url")}
		case "REDIRECT_PREFIX":
			return verdict{status: redirectCode(policy), location: strings.TrimSuffix(policy.str("redirect_prefix"), "/") + r.URL.RequestURI()}
		}
		pool = l.Pools[policy.str("redirect_pool_id")]
	}
	if pool == nil {
		return unavailable
	}
	v := verdict{insert: listener.obj("insert_headers"), port: text(listener["protocol_port"]), pool: pool.str("id")}
	asked := ""
	switch persistence := pool.obj("session_persistence"); persistence.str("type") {
	case "HTTP_COOKIE":
		v.sets = stickyCookie
		asked = cookieValue(r, stickyCookie)
	case "APP_COOKIE":
		v.learns = persistence.str("cookie_name")
		p.mu.Lock()
		asked = p.balancerOf(pool).cookies[cookieValue(r, v.learns)]
		p.mu.Unlock()
	}
	if v.target = p.choose(pool, source, asked); v.target == nil {
		return unavailable
	}
	if v.sets != "" && v.target.member == asked {
		v.sets = ""
	}
	return v
}

func redirectCode(policy object) int {
	return cmp.Or(policy.num("redirect_http_code"), http.StatusFound)
}

func cookieValue(r *http.Request, name string) string {
	cookie, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// policyFor is the first policy that matches: rejections first, then redirections, then pools, and by
// position among themselves, because that is the order in which the load balancer evaluates them.
func (l *loadBalancing) policyFor(listener object, r *http.Request) object {
	order := func(o object) int {
		switch o.str("action") {
		case "REJECT":
			return 0
		case "REDIRECT_TO_POOL":
			return 2
		}
		return 1
	}
	policies := l.policiesOf(listener)
	slices.SortStableFunc(policies, func(a, b object) int { return order(a) - order(b) })
	for _, policy := range policies {
		rules := slices.DeleteFunc(l.rulesOf(policy), func(rule object) bool { return !serves(rule) })
		if !serves(policy) || len(rules) == 0 {
			continue
		}
		if !slices.ContainsFunc(rules, func(rule object) bool { return !ruleMatches(rule, r) }) {
			return policy
		}
	}
	return nil
}

func ruleMatches(rule object, r *http.Request) bool {
	subjects := []string{}
	switch rule.str("type") {
	case "HOST_NAME":
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		subjects = append(subjects, strings.ToLower(host))
	case "PATH":
		subjects = append(subjects, r.URL.Path)
	case "FILE_TYPE":
		subjects = append(subjects, strings.TrimPrefix(path.Ext(r.URL.Path), "."))
	case "HEADER":
		subjects = r.Header.Values(rule.str("key"))
	case "COOKIE":
		for _, cookie := range r.CookiesNamed(rule.str("key")) {
			subjects = append(subjects, cookie.Value)
		}
	}
	matched := slices.ContainsFunc(subjects, func(subject string) bool { return compares(rule, subject) })
	return matched != rule.flag("invert")
}

func compares(rule object, subject string) bool {
	value := rule.str("value")
	if rule.str("type") == "HOST_NAME" && rule.str("compare_type") != "REGEX" {
		value = strings.ToLower(value)
	}
	// Values with spaces are given in quotes.
	if quotedValue.MatchString(value) {
		value = strings.Trim(value, `"`)
	}
	switch rule.str("compare_type") {
	case "REGEX":
		pattern, err := regexp.Compile(value)
		return err == nil && pattern.MatchString(subject)
	case "STARTS_WITH":
		return strings.HasPrefix(subject, value)
	case "ENDS_WITH":
		return strings.HasSuffix(subject, value)
	case "CONTAINS":
		return strings.Contains(subject, value)
	}
	return subject == value
}

// probeURL is the URL that a health monitor asks a member for.
func probeURL(monitor object, target *backend) string {
	scheme := "http"
	if monitor.str("type") == "HTTPS" {
		scheme = "https"
	}
	at, err := url.Parse(monitor.str("url_path"))
	if err != nil {
		at = &url.URL{Path: "/"}
	}
	at.Scheme, at.Host = scheme, target.host()
	return at.String()
}
