package simulator

import (
	"net/http"
)

func (l *loadBalancing) createMonitor(c *call) (int, any, error) {
	in, err := creation(c, l.monitorKind(), "pool_id")
	if err != nil {
		return 0, nil, err
	}
	pool, err := l.get(c, l.poolKind(), in.str("pool_id"))
	if err != nil {
		return 0, nil, err
	}
	if err := l.checkQuota(pool.str("project_id"), "health_monitor", 1); err != nil {
		return 0, nil, err
	}
	if err := l.checkMonitor(pool, in); err != nil {
		return 0, nil, err
	}
	lb, err := l.openPool(pool)
	if err != nil {
		return 0, nil, err
	}
	monitor := l.addMonitor(pool, in)
	l.changing(lb, append(l.listenersOf(pool), pool)...)
	return http.StatusCreated, object{"healthmonitor": l.monitorView(monitor)}, nil
}

func (l *loadBalancing) addMonitor(pool, in object) object {
	delete(in, "pool_id")
	in["_lb"], in["_pool"] = pool.str("_lb"), pool.str("id")
	return l.created(l.monitorKind(), in, pool.str("project_id"))
}

// checkMonitor checks a monitor and completes those that speak HTTP.
func (l *loadBalancing) checkMonitor(pool, monitor object) error {
	kind := monitor.str("type")
	datagram := pool.str("protocol") == "UDP" || pool.str("protocol") == "SCTP"
	if (kind == "UDP-CONNECT" || kind == "SCTP") && !datagram {
		return fail(http.StatusBadRequest, "", "Validation failure: The %s type is only supported for pools of type UDP/SCTP.", kind)
	}
	defaults := object{"http_method": "GET", "url_path": "/", "expected_codes": "200"}
	for _, key := range []string{"http_method", "url_path", "expected_codes"} {
		switch web := kind == "HTTP" || kind == "HTTPS"; {
		case !web && monitor.has(key):
			return fail(http.StatusBadRequest, "", "%s is not a valid option for health monitors of type %s", key, kind)
		case web && !monitor.has(key):
			monitor[key] = defaults[key]
		}
	}
	if monitor.has("domain_name") && !monitor.has("http_version") {
		return fail(http.StatusBadRequest, "", "Validation failure: 'http_version' must be specified when 'domain_name' is provided.")
	}
	if l.monitorOf(pool) != nil {
		return fail(http.StatusConflict, "", "This pool already has a health monitor")
	}
	return nil
}

func (l *loadBalancing) updateMonitor(c *call) (int, any, error) {
	in, err := changes(c, l.monitorKind())
	if err != nil {
		return 0, nil, err
	}
	monitor, err := l.get(c, l.monitorKind(), c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	pool := l.Pools[monitor.str("_pool")]
	lb, err := l.openPool(pool)
	if err != nil {
		return 0, nil, err
	}
	l.apply(monitor, in)
	l.changing(lb, append(l.listenersOf(pool), pool, monitor)...)
	return http.StatusOK, object{"healthmonitor": l.monitorView(monitor)}, nil
}

func (l *loadBalancing) deleteMonitor(c *call) (int, any, error) {
	monitor, err := l.get(c, l.monitorKind(), c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	pool := l.Pools[monitor.str("_pool")]
	lb, err := l.openPool(pool)
	if err != nil {
		return 0, nil, err
	}
	return l.remove(lb, monitor, append(l.listenersOf(pool), pool)...)
}
