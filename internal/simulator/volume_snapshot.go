package simulator

import (
	"net/http"
	"slices"
	"strings"
)

// The microversions that change what snapshots look like.
const (
	snapshotGroup = 14
	snapshotUser  = 41
	snapshotQuota = 65
	snapshotInUse = 66 // an attached volume is no obstacle any more
)

func (v *volume) findSnapshot(c *call, id string) (object, error) {
	o, ok := v.Snapshots.get(id)
	if !ok || !v.visible(c, o) {
		return nil, fail(http.StatusNotFound, "", "Snapshot %s could not be found.", id)
	}
	return o, nil
}

// snapshotsOf are the snapshots of a volume.
func (v *volume) snapshotsOf(o object) []object {
	return v.Snapshots.where(func(s object) bool { return s.str("volume_id") == o.str("id") })
}

func (v *volume) snapshotCount(project string) int {
	return len(v.Snapshots.where(func(s object) bool { return s.str("project_id") == project }))
}

// snapshotView is a snapshot as the microversion of the call shows it; details are what only reads show.
func (v *volume) snapshotView(c *call, o object, details bool) object {
	minor, err := v.minor(c)
	if err != nil {
		minor = 0
	}
	view := object{}
	for _, key := range []string{"id", "created_at", "updated_at", "name", "description", "volume_id", "status", "size", "metadata"} {
		view[key] = o[key]
	}
	if minor >= snapshotGroup {
		view["group_snapshot_id"] = nil
	}
	if minor >= snapshotUser {
		view["user_id"] = o["user_id"]
	}
	if minor >= snapshotQuota {
		view["consumes_quota"] = true
	}
	if details {
		view["os-extended-snapshot-attributes:project_id"] = o["project_id"]
		view["os-extended-snapshot-attributes:progress"] = map[bool]string{true: "100%", false: "0%"}[o.str("status") == "available"]
	}
	return view
}

func (v *volume) listSnapshots(detail bool) handler {
	return func(c *call) (int, any, error) {
		found := v.Snapshots.where(func(o object) bool {
			if o.str("project_id") != c.project() && (!c.admin() || c.query("all_tenants") == "") {
				return false
			}
			for _, key := range []string{"name", "status", "volume_id"} {
				if want := c.query(key); want != "" && o.str(key) != want {
					return false
				}
			}
			return true
		})
		slices.Reverse(found) // the newest first
		page, next, ok := c.page(found)
		if !ok {
			return 0, nil, fail(http.StatusBadRequest, "", "marker [%s] not found", c.query("marker"))
		}
		views := []object{}
		for _, o := range page {
			views = append(views, v.snapshotView(c, o, detail))
		}
		body := object{"snapshots": views}
		if next != "" {
			body["snapshots_links"] = c.nextLink(next)
		}
		return http.StatusOK, body, nil
	}
}

func (v *volume) getSnapshot(c *call) (int, any, error) {
	o, err := v.findSnapshot(c, c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"snapshot": v.snapshotView(c, o, true)}, nil
}

func (v *volume) createSnapshot(c *call) (int, any, error) {
	in, err := c.input("snapshot")
	if err != nil {
		return 0, nil, err
	}
	if err := onlyFields("snapshot", in, []string{"name", "description", "display_name", "display_description", "volume_id", "force", "metadata"}); err != nil {
		return 0, nil, err
	}
	if err := need("snapshot", in, "volume_id"); err != nil {
		return 0, nil, err
	}
	source, err := v.find(c, in.str("volume_id"))
	if err != nil {
		return 0, nil, err
	}
	minor, err := v.minor(c)
	if err != nil {
		return 0, nil, err
	}
	allowed := []string{"available"}
	if in.flag("force") || minor >= snapshotInUse {
		allowed = []string{"available", "in-use"}
	}
	if status := source.str("status"); !slices.Contains(allowed, status) {
		return 0, nil, fail(http.StatusBadRequest, "", "Invalid volume: Volume %s status must be %s, but current status is: %s.", source.str("id"), strings.Join(allowed, ", "), status)
	}
	if limit := v.sim.quotaOf("snapshots", 200); v.snapshotCount(c.project())+1 > limit {
		return 0, nil, fail(http.StatusRequestEntityTooLarge, "overLimit", "SnapshotLimitExceeded: Maximum number of snapshots allowed (%d) exceeded", limit)
	}
	if err := v.room(c.project(), 0, source.num("size")); err != nil {
		return 0, nil, err
	}
	metadata := in.obj("metadata")
	if metadata == nil {
		metadata = object{}
	}
	o := v.sim.add(&v.Snapshots, object{
		"created_at": volumeNow(), "updated_at": nil, "name": in["name"], "description": in["description"], "volume_id": source["id"],
		"status": "creating", "size": source["size"], "metadata": metadata, "user_id": c.token.User, "project_id": c.project(),
	})
	v.finishSnapshot(o)
	return http.StatusAccepted, object{"snapshot": v.snapshotView(c, o, false)}, nil
}

// finishSnapshot ends what a snapshot is in the midst of.
func (v *volume) finishSnapshot(o object) {
	id := o.str("id")
	switch o.str("status") {
	case "creating":
		v.sim.after(v.sim.options.Times.Volume/2, func() {
			if o, ok := v.Snapshots.get(id); ok && o.str("status") == "creating" {
				o["status"], o["updated_at"] = "available", volumeNow()
			}
		})
	case "deleting":
		v.sim.after(v.sim.options.Times.Volume/4, func() { delete(v.Snapshots, id) })
	}
}

func (v *volume) updateSnapshot(c *call) (int, any, error) {
	o, err := v.findSnapshot(c, c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	in, err := c.input("snapshot")
	if err != nil {
		return 0, nil, err
	}
	if err := onlyFields("snapshot", in, []string{"name", "description", "display_name", "display_description"}); err != nil {
		return 0, nil, err
	}
	for _, key := range []string{"name", "description"} {
		if in.given(key) {
			o[key] = in[key]
		}
	}
	o["updated_at"] = volumeNow()
	return http.StatusOK, object{"snapshot": v.snapshotView(c, o, false)}, nil
}

func (v *volume) removeSnapshot(c *call) (int, any, error) {
	o, err := v.findSnapshot(c, c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	if !slices.Contains([]string{"available", "error", "error_deleting"}, o.str("status")) {
		return 0, nil, fail(http.StatusBadRequest, "", "Invalid snapshot: Snapshot status must be available or error, but current status is: %s.", o.str("status"))
	}
	v.startDeleteSnapshot(o)
	return http.StatusAccepted, nil, nil
}

func (v *volume) startDeleteSnapshot(o object) {
	o["status"], o["updated_at"] = "deleting", volumeNow()
	v.finishSnapshot(o)
}

// messages are what Cinder tells about failures; this one has none.
func (v *volume) messages(c *call) (int, any, error) {
	minor, err := v.minor(c)
	if err != nil {
		return 0, nil, err
	}
	if minor < 3 {
		return 0, nil, fail(http.StatusNotFound, "", "The resource could not be found.")
	}
	return http.StatusOK, object{"messages": []any{}}, nil
}
