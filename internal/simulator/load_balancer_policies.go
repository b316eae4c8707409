package simulator

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
)

func (l *loadBalancing) createPolicy(c *call) (int, any, error) {
	in, err := creation(c, l.policyKind(), "listener_id")
	if err != nil {
		return 0, nil, err
	}
	listener, err := l.get(c, l.listenerKind(), in.str("listener_id"))
	if err != nil {
		return 0, nil, err
	}
	lb := l.parent(listener)
	if err := l.checkQuota(lb.str("project_id"), "l7policy", 1); err != nil {
		return 0, nil, err
	}
	if err := l.checkPolicy(c, listener, in); err != nil {
		return 0, nil, err
	}
	if err := mutable(lb); err != nil {
		return 0, nil, err
	}
	rules := in.objs("rules")
	policy := l.addPolicy(listener, in)
	for _, rule := range rules {
		if _, err := l.graphRule(policy, rule); err != nil {
			l.forgetPolicy(policy)
			return 0, nil, err
		}
	}
	l.changing(lb, listener)
	return http.StatusCreated, object{"l7policy": l.policyView(policy)}, nil
}

// checkPolicy checks a policy and makes it consistent, as its action wants it.
func (l *loadBalancing) checkPolicy(c *call, listener, policy object) error {
	if protocol := listener.str("protocol"); protocol != "HTTP" && protocol != "TERMINATED_HTTPS" {
		return fail(http.StatusNotImplemented, "", "Provider '%s' does not support a requested option: %s protocol listeners do not support L7 policies",
			l.parent(listener).str("provider"), protocol)
	}
	if err := sanitizePolicy(policy); err != nil {
		return err
	}
	if id := policy.str("redirect_pool_id"); id != "" {
		return l.checkPool(c, l.parent(listener), id, listener.str("protocol"))
	}
	return nil
}

func sanitizePolicy(policy object) error {
	needs := map[string]string{"REDIRECT_TO_POOL": "redirect_pool_id", "REDIRECT_TO_URL": "redirect_url", "REDIRECT_PREFIX": "redirect_prefix"}
	action := policy.str("action")
	need := needs[action]
	if need != "" && !policy.has(need) && (action != "REDIRECT_TO_POOL" || !policy.has("redirect_pool")) {
		name := need
		if action == "REDIRECT_TO_POOL" {
			name = "redirect_pool_id or redirect_pool"
		}
		return fail(http.StatusBadRequest, "", "Invalid L7 Policy arguments: %s must not be None", name)
	}
	for _, key := range needs {
		if key != need {
			policy[key] = nil
		}
	}
	switch action {
	case "REDIRECT_TO_URL", "REDIRECT_PREFIX":
		if !policy.has("redirect_http_code") {
			policy["redirect_http_code"] = 302
		}
	case "REDIRECT_TO_POOL":
		policy["redirect_http_code"] = nil
	}
	return nil
}

// addPolicy stores a policy; its position pushes the others down.
func (l *loadBalancing) addPolicy(listener, in object) object {
	delete(in, "rules")
	delete(in, "redirect_pool")
	in["_lb"], in["listener_id"] = listener.str("_lb"), listener.str("id")
	others := l.policiesOf(listener)
	policy := l.created(l.policyKind(), in, listener.str("project_id"))
	place(policy, others)
	return policy
}

// place puts a policy at its position among the others and numbers all of them.
func place(policy object, others []object) {
	at := min(max(policy.num("position")-1, 0), len(others))
	for i, o := range slices.Insert(slices.Clone(others), at, policy) {
		o["position"] = i + 1
	}
}

func (l *loadBalancing) updatePolicy(c *call) (int, any, error) {
	in, err := changes(c, l.policyKind())
	if err != nil {
		return 0, nil, err
	}
	policy, err := l.get(c, l.policyKind(), c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	listener := l.Listeners[policy.str("listener_id")]
	lb := l.parent(policy)
	next := policy.without()
	for key, value := range in {
		next[key] = value
	}
	// A new target says what the action is.
	for key, action := range map[string]string{"redirect_pool_id": "REDIRECT_TO_POOL", "redirect_url": "REDIRECT_TO_URL", "redirect_prefix": "REDIRECT_PREFIX"} {
		if in.has(key) {
			next["action"] = action
		}
	}
	if err := l.checkPolicy(c, listener, next); err != nil {
		return 0, nil, err
	}
	if err := mutable(lb); err != nil {
		return 0, nil, err
	}
	for _, key := range []string{"action", "redirect_pool_id", "redirect_url", "redirect_prefix", "redirect_http_code"} {
		in[key] = next[key]
	}
	l.apply(policy, in)
	if in.given("position") {
		others := slices.DeleteFunc(l.policiesOf(listener), func(o object) bool { return o.str("id") == policy.str("id") })
		place(policy, others)
	}
	l.changing(lb, listener, policy)
	return http.StatusOK, object{"l7policy": l.policyView(policy)}, nil
}

func (l *loadBalancing) deletePolicy(c *call) (int, any, error) {
	policy, lb, err := l.one(c, l.policyKind())
	if err != nil {
		return 0, nil, err
	}
	listener := l.Listeners[policy.str("listener_id")]
	l.removePolicy(policy)
	l.changing(lb, listener)
	return http.StatusNoContent, nil, nil
}

// removePolicy marks a policy and its rules for their end, and closes the gap that it leaves.
func (l *loadBalancing) removePolicy(policy object) {
	policy["provisioning_status"] = "PENDING_DELETE"
	for _, rule := range l.rulesOf(policy) {
		rule["provisioning_status"] = "PENDING_DELETE"
	}
	position := 0
	for _, other := range l.policiesOf(l.Listeners[policy.str("listener_id")]) {
		if other.str("provisioning_status") != "PENDING_DELETE" {
			position++
			other["position"] = position
		}
	}
}

func (l *loadBalancing) forgetPolicy(policy object) {
	for _, rule := range l.rulesOf(policy) {
		delete(l.Rules, rule.str("id"))
	}
	delete(l.Policies, policy.str("id"))
}

func (l *loadBalancing) policyOf(c *call) (object, error) {
	return l.above(c, l.policyKind(), c.path("policy"))
}

func (l *loadBalancing) openPolicy(policy object) (lb object, err error) {
	if policy.str("provisioning_status") != "ACTIVE" {
		return nil, fail(http.StatusConflict, "", "L7Policy %s is immutable and cannot be updated.", policy.str("id"))
	}
	lb = l.parent(policy)
	return lb, mutable(lb)
}

func (l *loadBalancing) listRules(c *call) (int, any, error) {
	policy, err := l.policyOf(c)
	if err != nil {
		return 0, nil, err
	}
	return l.list(c, l.ruleKind(), func(o object) bool { return o.str("_policy") == policy.str("id") })
}

func (l *loadBalancing) ruleOf(c *call) (policy, rule object, err error) {
	if policy, err = l.policyOf(c); err != nil {
		return nil, nil, err
	}
	rule, err = l.get(c, l.ruleKind(), c.path("id"))
	if err == nil && rule.str("_policy") != policy.str("id") {
		err = fail(http.StatusNotFound, "", "L7 Rule %s not found.", c.path("id"))
	}
	return policy, rule, err
}

func (l *loadBalancing) getRule(c *call) (int, any, error) {
	_, rule, err := l.ruleOf(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"rule": rule.without()}, nil
}

func (l *loadBalancing) createRule(c *call) (int, any, error) {
	policy, err := l.policyOf(c)
	if err != nil {
		return 0, nil, err
	}
	in, err := creation(c, l.ruleKind())
	if err != nil {
		return 0, nil, err
	}
	if err := l.checkRule(policy, in); err != nil {
		return 0, nil, err
	}
	if err := l.checkQuota(policy.str("project_id"), "l7rule", 1); err != nil {
		return 0, nil, err
	}
	lb, err := l.openPolicy(policy)
	if err != nil {
		return 0, nil, err
	}
	rule := l.addRule(policy, in)
	l.changing(lb, l.Listeners[policy.str("listener_id")], policy)
	return http.StatusCreated, object{"rule": rule.without()}, nil
}

func (l *loadBalancing) addRule(policy, in object) object {
	in["_lb"], in["_policy"] = policy.str("_lb"), policy.str("id")
	return l.created(l.ruleKind(), in, policy.str("project_id"))
}

// mostRules is how many rules a policy can have.
const mostRules = 50

func (l *loadBalancing) checkRule(policy, rule object) error {
	if len(l.rulesOf(policy)) >= mostRules {
		return fail(http.StatusConflict, "", "Too many rules on L7 policy %s", policy.str("id"))
	}
	if wrong := wrongRule(rule); wrong != "" {
		return fail(http.StatusBadRequest, "", "Error parsing L7Rule: %s", wrong)
	}
	return nil
}

var (
	headerName  = regexp.MustCompile("^[a-zA-Z0-9!#$%&'*+.^_`|~-]+$")
	headerValue = regexp.MustCompile("^[a-zA-Z0-9!#$%&'()*+,./:;<=>?@\\[\\]\\\\^_`{|}~-]+$")
	quotedValue = regexp.MustCompile(`^"[^"\\]*"$`)
)

func wrongRule(rule object) string {
	kind, compare := rule.str("type"), rule.str("compare_type")
	switch {
	case rule.str("value") == "":
		return "Invalid L7 Rule: L7 rule type requires a value"
	case (kind == "HEADER" || kind == "COOKIE") && !rule.has("key"):
		return "Invalid L7 Rule: L7 rule type requires a key"
	case (kind == "HEADER" || kind == "COOKIE") && !headerName.MatchString(rule.str("key")):
		return "Invalid characters in key"
	case kind == "FILE_TYPE" && compare != "REGEX" && compare != "EQUAL_TO":
		return "Invalid L7 Rule: invalid comparison type for rule type"
	}
	if compare == "REGEX" {
		if _, err := regexp.Compile(rule.str("value")); err != nil {
			return fmt.Sprintf("Unable to parse regular expression: %v", err)
		}
		return ""
	}
	if !headerValue.MatchString(rule.str("value")) && !quotedValue.MatchString(rule.str("value")) {
		what := map[string]string{"HEADER": "header value", "COOKIE": "cookie value"}[kind]
		if what == "" {
			what = "comparison value"
		}
		return "Invalid characters in " + what
	}
	return ""
}

func (l *loadBalancing) updateRule(c *call) (int, any, error) {
	in, err := changes(c, l.ruleKind())
	if err != nil {
		return 0, nil, err
	}
	policy, rule, err := l.ruleOf(c)
	if err != nil {
		return 0, nil, err
	}
	next := rule.without()
	for key, value := range in {
		next[key] = value
	}
	if wrong := wrongRule(next); wrong != "" {
		return 0, nil, fail(http.StatusBadRequest, "", "Error parsing L7Rule: %s", wrong)
	}
	lb, err := l.openPolicy(policy)
	if err != nil {
		return 0, nil, err
	}
	l.apply(rule, in)
	l.changing(lb, l.Listeners[policy.str("listener_id")], policy, rule)
	return http.StatusOK, object{"rule": rule.without()}, nil
}

func (l *loadBalancing) deleteRule(c *call) (int, any, error) {
	policy, rule, err := l.ruleOf(c)
	if err != nil {
		return 0, nil, err
	}
	lb, err := l.openPolicy(policy)
	if err != nil {
		return 0, nil, err
	}
	return l.remove(lb, rule, l.Listeners[policy.str("listener_id")], policy)
}
