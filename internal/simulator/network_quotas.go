package simulator

import (
	"maps"
	"net/http"
)

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
