package simulator

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

func (l *loadBalancing) listMembers(c *call) (int, any, error) {
	pool, err := l.poolOf(c)
	if err != nil {
		return 0, nil, err
	}
	return l.list(c, l.memberKind(), func(o object) bool { return o.str("_pool") == pool.str("id") })
}

func (l *loadBalancing) memberOf(c *call) (pool, member object, err error) {
	if pool, err = l.poolOf(c); err != nil {
		return nil, nil, err
	}
	member, err = l.get(c, l.memberKind(), c.path("id"))
	if err == nil && member.str("_pool") != pool.str("id") {
		err = fail(http.StatusNotFound, "", "Member %s not found.", c.path("id"))
	}
	return pool, member, err
}

func (l *loadBalancing) getMember(c *call) (int, any, error) {
	_, member, err := l.memberOf(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"member": member.without()}, nil
}

func (l *loadBalancing) createMember(c *call) (int, any, error) {
	pool, err := l.poolOf(c)
	if err != nil {
		return 0, nil, err
	}
	in, err := creation(c, l.memberKind())
	if err != nil {
		return 0, nil, err
	}
	if err := l.checkMember(c, in); err != nil {
		return 0, nil, err
	}
	if err := l.checkQuota(pool.str("project_id"), "member", 1); err != nil {
		return 0, nil, err
	}
	if err := l.uniqueMember(pool, in); err != nil {
		return 0, nil, err
	}
	lb, err := l.openPool(pool)
	if err != nil {
		return 0, nil, err
	}
	member := l.addMember(pool, in)
	l.changing(lb, append(l.listenersOf(pool), pool)...)
	return http.StatusCreated, object{"member": member.without()}, nil
}

func (l *loadBalancing) addMember(pool, in object) object {
	in["_lb"], in["_pool"] = pool.str("_lb"), pool.str("id")
	member := l.created(l.memberKind(), in, pool.str("project_id"))
	member["operating_status"] = "NO_MONITOR"
	if l.monitorOf(pool) != nil {
		member["operating_status"] = "OFFLINE"
	}
	return member
}

func (l *loadBalancing) checkMember(c *call, member object) error {
	if member.str("address") == "169.254.169.254" {
		return fail(http.StatusBadRequest, "", "169.254.169.254 is not a valid option for member address")
	}
	if subnet := member.str("subnet_id"); subnet != "" && c.subnetOf(subnet) == nil {
		return fail(http.StatusBadRequest, "", "Subnet %s not found.", subnet)
	}
	return nil
}

func memberKey(member object) string {
	address, err := netip.ParseAddr(member.str("address"))
	if err != nil {
		return member.str("address")
	}
	return netip.AddrPortFrom(address, uint16(member.num("protocol_port"))).String()
}

func (l *loadBalancing) uniqueMember(pool, member object) error {
	for _, other := range l.membersOf(pool) {
		if memberKey(other) == memberKey(member) {
			return fail(http.StatusConflict, "", "Another member on this pool is already using ip %s on protocol_port %d",
				member.str("address"), member.num("protocol_port"))
		}
	}
	return nil
}

func (l *loadBalancing) updateMember(c *call) (int, any, error) {
	in, err := changes(c, l.memberKind())
	if err != nil {
		return 0, nil, err
	}
	pool, member, err := l.memberOf(c)
	if err != nil {
		return 0, nil, err
	}
	lb, err := l.openPool(pool)
	if err != nil {
		return 0, nil, err
	}
	l.apply(member, in)
	l.changing(lb, append(l.listenersOf(pool), pool, member)...)
	return http.StatusOK, object{"member": member.without()}, nil
}

func (l *loadBalancing) deleteMember(c *call) (int, any, error) {
	pool, member, err := l.memberOf(c)
	if err != nil {
		return 0, nil, err
	}
	lb, err := l.openPool(pool)
	if err != nil {
		return 0, nil, err
	}
	return l.remove(lb, member, append(l.listenersOf(pool), pool)...)
}

// replaceMembers is the batch update: members are told apart by address and port, what is not named is
// deleted unless the query says additive_only. It answers without a body.
func (l *loadBalancing) replaceMembers(c *call) (int, any, error) {
	pool, err := l.poolOf(c)
	if err != nil {
		return 0, nil, err
	}
	current := map[string]object{}
	for _, member := range l.membersOf(pool) {
		current[memberKey(member)] = member
	}
	wanted, err := wantedMembers(c, current)
	if err != nil {
		return 0, nil, err
	}
	lb, err := l.openPool(pool)
	if err != nil {
		return 0, nil, err
	}
	additive := slices.Contains([]string{"true", "1", "yes", "on"}, strings.ToLower(c.query("additive_only")))
	added, seen, twice := []object{}, map[string]bool{}, false
	for _, member := range wanted {
		twice = twice || seen[memberKey(member)]
		seen[memberKey(member)] = true
		if current[memberKey(member)] == nil {
			added = append(added, member)
		}
	}
	removed := 0
	for key := range current {
		if !seen[key] && !additive {
			removed++
		}
	}
	if len(wanted) == 0 && removed == 0 {
		return http.StatusAccepted, nil, nil
	}
	if growth := len(added) - removed; growth > 0 {
		if err := l.checkQuota(pool.str("project_id"), "member", growth); err != nil {
			return 0, nil, err
		}
	}
	for _, member := range added {
		if err := l.checkMember(c, member); err != nil {
			return 0, nil, err
		}
	}
	l.changing(lb, append(l.listenersOf(pool), pool)...)
	for _, member := range wanted {
		if existing := current[memberKey(member)]; existing != nil {
			l.apply(existing, member)
			existing["provisioning_status"] = "PENDING_UPDATE"
		} else {
			l.addMember(pool, member)
		}
	}
	for key, member := range current {
		if !seen[key] && !additive {
			member["provisioning_status"] = "PENDING_DELETE"
		}
	}
	if twice {
		// The real service accepts a member that is named twice, and never ends.
		lb["_frozen"] = true
	}
	return http.StatusAccepted, nil, nil
}

// wantedMembers reads the members of a batch update. Those that exist keep a name and tags that are not given.
func wantedMembers(c *call, current map[string]object) ([]object, error) {
	var body map[string]any
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	list, ok := body["members"].([]any)
	if !ok {
		return nil, invalidField("members", body["members"], "Mandatory field missing.")
	}
	members := []object{}
	for _, in := range asObjects(list) {
		member, err := readFields("members_.members", memberFields(), in, true)
		if err != nil {
			return nil, err
		}
		if existing := current[memberKey(member)]; existing != nil {
			for _, key := range []string{"name", "tags", "subnet_id", "project_id"} {
				// A null takes the member out of its subnet.
				if key == "project_id" || !in.given(key) || key != "subnet_id" && !in.has(key) {
					member[key] = existing[key]
				}
			}
			delete(member, "tenant_id")
		}
		members = append(members, member)
	}
	return members, nil
}
