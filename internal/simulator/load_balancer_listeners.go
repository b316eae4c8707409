package simulator

import (
	"net/http"
	"slices"
	"strings"
)

func (l *loadBalancing) createListener(c *call) (int, any, error) {
	kind := l.listenerKind()
	in, err := creation(c, kind, "loadbalancer_id")
	if err != nil {
		return 0, nil, err
	}
	lb, err := l.get(c, l.loadBalancerKind(), in.str("loadbalancer_id"))
	if err != nil {
		return 0, nil, err
	}
	if in.has("default_pool") {
		// A defect of the real service that clients meet.
		return 0, nil, fail(http.StatusInternalServerError, "", "'dict' object has no attribute '_sa_instance_state'")
	}
	if err := l.checkQuota(lb.str("project_id"), "listener", 1); err != nil {
		return 0, nil, err
	}
	if err := l.checkPool(c, lb, in.str("default_pool_id"), in.str("protocol")); err != nil {
		return 0, nil, err
	}
	if err := l.checkListener(lb, in); err != nil {
		return 0, nil, err
	}
	if err := mutable(lb); err != nil {
		return 0, nil, err
	}
	policies := in.objs("l7policies")
	listener := l.addListener(lb, in)
	for _, policy := range policies {
		if _, err := l.graphPolicy(lb, listener, policy, nil); err != nil {
			delete(l.Listeners, listener.str("id"))
			return 0, nil, err
		}
	}
	l.changing(lb, l.Pools[listener.str("default_pool_id")])
	return http.StatusCreated, object{"listener": l.listenerView(listener)}, nil
}

func (l *loadBalancing) addListener(lb, in object) object {
	for _, key := range []string{"loadbalancer_id", "default_pool", "l7policies"} {
		delete(in, key)
	}
	in["_lb"] = lb.str("id")
	return l.created(l.listenerKind(), in, lb.str("project_id"))
}

// checkPool holds that a pool belongs to the load balancer and speaks a protocol that the listener can.
func (l *loadBalancing) checkPool(c *call, lb object, id, protocol string) error {
	if id == "" {
		return nil
	}
	pool, ok := l.Pools.get(id)
	if !ok || !c.owns(pool) || pool.str("_lb") != lb.str("id") {
		return fail(http.StatusNotFound, "", "Pool %s not found.", id)
	}
	return checkProtocols(protocol, pool.str("protocol"))
}

func checkProtocols(listener, pool string) error {
	valid := map[string][]string{
		"TCP":              {"HTTP", "HTTPS", "PROXY", "PROXYV2", "TCP"},
		"HTTP":             {"HTTP", "PROXY", "PROXYV2"},
		"HTTPS":            {"HTTPS", "PROXY", "PROXYV2", "TCP"},
		"TERMINATED_HTTPS": {"HTTP", "PROXY", "PROXYV2"},
		"UDP":              {"UDP"},
		"SCTP":             {"SCTP"},
	}
	if !slices.Contains(valid[listener], pool) {
		return fail(http.StatusBadRequest, "", "Validation failure: The pool protocol '%s' is invalid while the listener protocol is '%s'.", pool, listener)
	}
	return nil
}

func l4Protocol(protocol string) string {
	if protocol == "UDP" || protocol == "SCTP" {
		return protocol
	}
	return "TCP"
}

func (l *loadBalancing) checkListener(lb, listener object) error {
	protocol := listener.str("protocol")
	if err := checkHeaders(listener, protocol); err != nil {
		return err
	}
	certified := listener.has("default_tls_container_ref") || len(listener.strs("sni_container_refs")) > 0
	switch terminated := protocol == "TERMINATED_HTTPS"; {
	case certified && !terminated && protocol != "PROMETHEUS":
		return fail(http.StatusBadRequest, "", "Validation failure: Certificate container references are not allowed on %s protocol listeners.", protocol)
	case terminated && !certified:
		return fail(http.StatusBadRequest, "", "Validation failure: An SNI or default certificate container reference must be provided for %s protocol listeners.", protocol)
	}
	if mode := listener.str("client_authentication"); mode != "NONE" && !listener.has("client_ca_tls_container_ref") {
		return fail(http.StatusBadRequest, "", "Validation failure: Client authentication setting %s requires a client CA container reference.", mode)
	}
	if err := checkHSTS(listener, protocol); err != nil {
		return err
	}
	if err := l.checkCertificates(listener); err != nil {
		return err
	}
	for _, other := range l.childrenOf(l.Listeners, lb) {
		if other.num("protocol_port") == listener.num("protocol_port") && l4Protocol(other.str("protocol")) == l4Protocol(protocol) {
			return fail(http.StatusConflict, "", "Another Listener on this Load Balancer is already using protocol %s and protocol_port %d",
				other.str("protocol"), listener.num("protocol_port"))
		}
	}
	return checkAllowedCIDRs(lb, listener.strs("allowed_cidrs"))
}

// checkHSTS holds that the options of HSTS come together, where there is TLS.
func checkHSTS(listener object, protocol string) error {
	options := listener.flag("hsts_include_subdomains") || listener.flag("hsts_preload")
	switch {
	case options && !listener.has("hsts_max_age"):
		return fail(http.StatusBadRequest, "", "Validation failure: HSTS configuration options hsts_include_subdomains and hsts_preload only make sense if hsts_max_age is set as well.")
	case listener.has("hsts_max_age") && protocol != "TERMINATED_HTTPS":
		return fail(http.StatusBadRequest, "", "Validation failure: The HSTS feature can only be used for listeners using the TERMINATED_HTTPS protocol.")
	}
	return nil
}

func checkHeaders(listener object, protocol string) error {
	headers := listener.obj("insert_headers")
	if len(headers) == 0 {
		return nil
	}
	if protocol != "HTTP" && protocol != "TERMINATED_HTTPS" {
		return fail(http.StatusBadRequest, "", "insert-headers is not a valid option for a %s protocol listener.", protocol)
	}
	for name := range headers {
		known := slices.Contains([]string{"X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto"}, name)
		if !known && (protocol != "TERMINATED_HTTPS" || !strings.HasPrefix(name, "X-SSL-")) {
			return fail(http.StatusBadRequest, "", "dict_keys(['%s']) is not a valid option for insert_headers", name)
		}
	}
	return nil
}

func (l *loadBalancing) updateListener(c *call) (int, any, error) {
	kind := l.listenerKind()
	in, err := changes(c, kind)
	if err != nil {
		return 0, nil, err
	}
	listener, err := l.get(c, kind, c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	lb := l.parent(listener)
	if err := l.checkPool(c, lb, in.str("default_pool_id"), listener.str("protocol")); err != nil {
		return 0, nil, err
	}
	if err := checkHeaders(in, listener.str("protocol")); err != nil {
		return 0, nil, err
	}
	if err := checkHSTS(in, listener.str("protocol")); err != nil {
		return 0, nil, err
	}
	if err := checkAllowedCIDRs(lb, in.strs("allowed_cidrs")); err != nil {
		return 0, nil, err
	}
	if err := l.checkCertificates(in); err != nil {
		return 0, nil, err
	}
	if err := mutable(lb); err != nil {
		return 0, nil, err
	}
	l.apply(listener, in)
	l.changing(lb, listener)
	return http.StatusOK, object{"listener": l.listenerView(listener)}, nil
}

func (l *loadBalancing) deleteListener(c *call) (int, any, error) {
	listener, lb, err := l.one(c, l.listenerKind())
	if err != nil {
		return 0, nil, err
	}
	for _, policy := range l.policiesOf(listener) {
		l.removePolicy(policy)
	}
	return l.remove(lb, listener)
}
