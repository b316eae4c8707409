package simulator

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
)

var (
	accessMethod = regexp.MustCompile(`^(POST|GET|HEAD|PATCH|PUT|DELETE)$`)
	accessPath   = regexp.MustCompile(`^\/.*`)
)

// accessRules are the rules of a new application credential called name. A user's credentials share equal rules, which stay when
// the credentials go.
func (i *identity) accessRules(c *call, name string, wanted []object) ([]object, error) {
	rules := []object{}
	for at, rule := range wanted {
		for _, field := range []struct {
			name string
			fits *regexp.Regexp
		}{{"method", accessMethod}, {"path", accessPath}} {
			if rule.has(field.name) && !field.fits.MatchString(rule.str(field.name)) {
				return nil, fail(http.StatusBadRequest, "", "Invalid input for field 'access_rules/%d/%s': '%s' does not match '%s'",
					at, field.name, rule.str(field.name), field.fits)
			}
		}
		equal := func(o object) bool {
			return o.str("service") == rule.str("service") && o.str("method") == rule.str("method") && o.str("path") == rule.str("path") ||
				rule.str("id") != "" && rule.str("id") == o.str("id")
		}
		same := i.AccessRules.where(func(o object) bool { return o.str("_user") == c.token.User && equal(o) })
		switch {
		case slices.ContainsFunc(rules, equal):
			return nil, fail(http.StatusConflict, "", "Conflict occurred attempting to store application_credential - Duplicate entry found with name %s.", name)
		case len(same) > 0:
			rules = append(rules, same[0])
		case rule.str("id") != "":
			return nil, fail(http.StatusNotFound, "", "Could not find Access Rule: %s.", rule.str("id"))
		default:
			rules = append(rules, object{
				"id": newHex(), "service": rule.str("service"), "path": rule.str("path"), "method": rule.str("method"), "_user": c.token.User,
			})
		}
	}
	for _, rule := range rules {
		if _, known := i.AccessRules.get(rule.str("id")); !known {
			i.sim.add(&i.AccessRules, rule)
		}
	}
	return rules, nil
}

func accessRulePath(o object) string { return "/v3/access_rules/" + o.str("id") }

func (i *identity) listAccessRules(c *call) (int, any, error) {
	if err := i.ownUser(c, "list_access_rules"); err != nil {
		return 0, nil, err
	}
	own := i.AccessRules.where(func(o object) bool { return o.str("_user") == c.path("user") })
	return i.list(c, "access_rules", own, accessRulePath)
}

func (i *identity) accessRule(c *call, action string) (object, error) {
	if err := i.ownUser(c, action); err != nil {
		return nil, err
	}
	rule, ok := i.AccessRules.get(c.path("id"))
	if !ok || rule.str("_user") != c.path("user") {
		return nil, fail(http.StatusNotFound, "", "Could not find Access Rule: %s.", c.path("id"))
	}
	return rule, nil
}

func (i *identity) showAccessRule(c *call) (int, any, error) {
	rule, err := i.accessRule(c, "get_access_rule")
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{"access_rule": linked(c, rule, accessRulePath(rule))}, nil
}

func (i *identity) deleteAccessRule(c *call) (int, any, error) {
	rule, err := i.accessRule(c, "delete_access_rule")
	if err != nil {
		return 0, nil, err
	}
	if i.ruleInUse(rule) {
		return 0, nil, fail(http.StatusForbidden, "", "May not delete access rule in use")
	}
	delete(i.AccessRules, rule.str("id"))
	return http.StatusNoContent, nil, nil
}

// ruleInUse says whether an application credential has the rule.
func (i *identity) ruleInUse(rule object) bool {
	return slices.ContainsFunc(i.Applications.all(), func(a object) bool {
		return slices.ContainsFunc(a.objs("access_rules"), func(o object) bool { return o.str("id") == rule.str("id") })
	})
}

// ruleLeftovers are the rules that nothing uses any more.
func (i *identity) ruleLeftovers() []string {
	lines := []string{}
	for _, rule := range i.AccessRules.all() {
		if !i.ruleInUse(rule) {
			lines = append(lines, fmt.Sprintf("access rule %s %s %s", rule.str("service"), rule.str("method"), rule.str("path")))
		}
	}
	return lines
}
