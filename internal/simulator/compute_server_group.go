package simulator

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (n *compute) group(c *call, id string) (object, error) {
	group, ok := n.Groups.get(id)
	if !ok || !c.owns(group) {
		return nil, fail(http.StatusNotFound, "", "Instance group %s could not be found.", id)
	}
	return group, nil
}

// groupView is a server group as the microversion of the call shows it.
func (n *compute) groupView(c *call, group object) object {
	members := []string{}
	for _, server := range n.Servers.where(func(o object) bool { return o.str("_group") == group.str("id") }) {
		members = append(members, server.str("id"))
	}
	view := object{"id": group["id"], "name": group["name"], "members": members}
	minor := n.minor(c)
	if minor >= microversionGroupRules {
		view["policy"], view["rules"] = group["_policy"], group["_rules"]
	} else {
		view["policies"], view["metadata"] = []any{group["_policy"]}, object{}
	}
	if minor >= microversionGroupOwner {
		view["project_id"], view["user_id"] = group["project_id"], group["user_id"]
	}
	return view
}

func (n *compute) listGroups(c *call) (int, any, error) {
	if err := n.checkQuery(c, groupParameters); err != nil {
		return 0, nil, err
	}
	all := c.admin() && c.query("all_projects") != ""
	views := []object{}
	for _, group := range n.Groups.where(func(o object) bool { return all || o.str("project_id") == c.project() }) {
		views = append(views, n.groupView(c, group))
	}
	offset, err := strconv.Atoi(cmp.Or(c.query("offset"), "0"))
	if err != nil || offset < 0 {
		return 0, nil, badParameter("offset", c.query("offset"), "'"+c.query("offset")+"' does not match '^[0-9]*$'")
	}
	return http.StatusOK, object{"server_groups": limited(c, views, offset)}, nil
}

func (n *compute) getGroup(c *call) (int, any, error) {
	group, err := n.group(c, c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"server_group": n.groupView(c, group)}, nil
}

func (n *compute) deleteGroup(c *call) (int, any, error) {
	group, err := n.group(c, c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	delete(n.Groups, group.str("id"))
	return http.StatusNoContent, nil, nil
}

func (n *compute) createGroup(c *call) (int, any, error) {
	in, err := c.input("server_group")
	if err != nil {
		return 0, nil, err
	}
	policies := []string{"anti-affinity", "affinity"}
	minor := n.minor(c)
	if minor >= microversionSoft {
		policies = append(policies, "soft-anti-affinity", "soft-affinity")
	}
	policy, field := in.str("policy"), "policy"
	if minor >= microversionGroupRules {
		err = need("server_group", in, "name", "policy")
		if err == nil {
			err = onlyFields("server_group", in, []string{"name", "policy", "rules"})
		}
	} else {
		err = need("server_group", in, "name", "policies")
		if err == nil {
			err = onlyFields("server_group", in, []string{"name", "policies"})
		}
		if list := in.strs("policies"); len(list) > 0 {
			policy, field = list[0], "0"
		}
	}
	if err != nil {
		return 0, nil, err
	}
	if name := in.str("name"); name == "" {
		return 0, nil, badField("name", "", "'' is too short")
	} else if len(name) > 255 {
		return 0, nil, badField("name", name, fmt.Sprintf("'%s' is too long", name))
	}
	if !slices.Contains(policies, policy) {
		return 0, nil, badField(field, policy, fmt.Sprintf("'%s' is not one of ['%s']", policy, strings.Join(policies, "', '")))
	}
	rules := in.obj("rules")
	if len(rules) > 0 && policy != "anti-affinity" {
		return 0, nil, badRequest("Only anti-affinity policy supports rules.")
	}
	if rules == nil {
		rules = object{}
	}
	if len(n.Groups.where(func(o object) bool { return o.str("project_id") == c.project() })) >= n.sim.quotaOf("server_groups", 100) {
		return 0, nil, fail(http.StatusForbidden, "", "Quota exceeded, too many server groups.")
	}
	group := n.sim.add(&n.Groups, object{
		"name": in.str("name"), "_policy": policy, "_rules": rules, "project_id": c.project(), "user_id": c.token.User,
	})
	return http.StatusOK, object{"server_group": n.groupView(c, group)}, nil
}
