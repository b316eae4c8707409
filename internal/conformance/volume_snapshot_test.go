package conformance

import (
	"net/http"
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

func TestVolumeSnapshot(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	v := s.volume(t)
	volume := v.makeVolume(t, obj{"size": 2})["id"].(string)
	path := "/volumes/" + volume
	v.passes(t, path, "volume.status", "creating", "available")
	made := v.make(t, "/snapshots", "snapshot", obj{"name": c.name("snapshot"), "volume_id": volume, "description": "d", "metadata": obj{"a": "b"}})
	id := made["id"].(string)
	t.Run("create answers creating", func(t *testing.T) {
		is(t, "snapshot", made, obj{
			"id": anUUID, "status": "creating", "name": c.name("snapshot"), "description": "d", "volume_id": volume, "size": 2, "metadata": obj{"a": "b"},
			"created_at": aTimeFine, "user_id": missing, "group_snapshot_id": missing, "os-extended-snapshot-attributes:progress": missing,
		})
	})
	v.passes(t, "/snapshots/"+id, "snapshot.status", "creating", "available")
	t.Run("reads show more, and newer ones more still", func(t *testing.T) {
		is(t, "snapshot", v.get(t, "/snapshots/"+id).at("snapshot"), obj{
			"os-extended-snapshot-attributes:progress": "100%", "os-extended-snapshot-attributes:project_id": s.projectID, "user_id": missing,
		})
		is(t, "snapshot", v.with("OpenStack-API-Version", "volume 3.59").get(t, "/snapshots/"+id).at("snapshot"), obj{"user_id": s.userID, "group_snapshot_id": nil, "consumes_quota": missing})
	})
	t.Run("lists filter by volume and name", func(t *testing.T) {
		for _, query := range []string{"volume_id=" + volume, "name=" + c.name("snapshot")} {
			same(t, query, v.get(t, "/snapshots/detail?"+query).column(t, "snapshots", "id"), []string{id})
		}
	})
	t.Run("name, description and metadata change", func(t *testing.T) {
		a := v.want(t, http.StatusOK, "PUT", "/snapshots/"+id, obj{"snapshot": obj{"name": c.name("renamed"), "description": ""}})
		is(t, "snapshot", a.at("snapshot"), obj{"name": c.name("renamed"), "description": ""})
		same(t, "metadata", v.want(t, http.StatusOK, "PUT", "/snapshots/"+id+"/metadata", obj{"metadata": obj{}}).at("metadata"), obj{})
	})
	v.refuses(t,
		refusal{"a volume with snapshots stays: 400", "DELETE", path, nil, 400, "badRequest", "have snapshots"},
		refusal{"a snapshot of no volume is 404", "POST", "/snapshots", obj{"snapshot": obj{"name": c.name("x"), "volume_id": nobody}}, 404, "itemNotFound", "Volume " + nobody + " could not be found."},
		refusal{"an unknown snapshot is 404", "DELETE", "/snapshots/" + nobody, nil, 404, "itemNotFound", "Snapshot " + nobody + " could not be found."},
		refusal{"a volume of no snapshot is 404", "POST", "/volumes", obj{"volume": obj{"size": 1, "snapshot_id": nobody}}, 404, "itemNotFound", "Snapshot " + nobody + " could not be found."},
		refusal{"a volume of no volume is 404", "POST", "/volumes", obj{"volume": obj{"size": 1, "source_volid": nobody}}, 404, "itemNotFound", "Volume " + nobody + " could not be found."},
		refusal{"a volume of two sources is 400", "POST", "/volumes", obj{"volume": obj{"size": 2, "source_volid": volume, "snapshot_id": id}}, 400, "badRequest", "May specify only one of backup, imageRef, snapshot, source volume"},
		refusal{"a copy cannot be smaller", "POST", "/volumes", obj{"volume": obj{"size": 1, "source_volid": volume}}, 400, "badRequest", "Volume size '1'GB cannot be smaller than original volume size"},
	)
	t.Run("a copy has the size and the type of its source", func(t *testing.T) {
		for key, source := range map[string]string{"snapshot_id": id, "source_volid": volume} {
			copied := v.make(t, "/volumes", "volume", obj{"name": c.name("copy"), key: source})
			is(t, key, copied, obj{"size": 2, "volume_type": "fake", key: source})
			v.passes(t, "/volumes/"+copied["id"].(string), "volume.status", "creating", "available")
		}
	})
	t.Run("cascade deletes the snapshots, too", func(t *testing.T) {
		v.want(t, http.StatusAccepted, "DELETE", path+"?cascade=true", nil)
		v.passes(t, path, "volume.status", "available", "deleting", gone)
		v.want(t, http.StatusNotFound, "GET", "/snapshots/"+id, nil)
	})
}

func TestVolumeRetype(t *testing.T) {
	c := open(t, simulator.Options{})
	v := c.login(t).volume(t)
	path := "/volumes/" + v.makeVolume(t, nil)["id"].(string)
	v.passes(t, path, "volume.status", "creating", "available")
	retype := func(kind string) obj { return obj{"os-retype": obj{"new_type": kind, "migration_policy": "never"}} }
	t.Run("another type is 202 and done in a moment", func(t *testing.T) {
		v.want(t, http.StatusAccepted, "POST", path+"/action", retype("fast"))
		v.passes(t, path, "volume.status", "retyping", "available")
		same(t, "type", v.get(t, path).at("volume.volume_type"), "fast")
	})
	v.refuses(t,
		refusal{"the same type is 400", "POST", path + "/action", retype("fast"), 400, "badRequest", "requested type has to be different that the one from the volume"},
		refusal{"an unknown type is 404", "POST", path + "/action", retype(c.name("x")), 404, "itemNotFound", "Volume type with name " + c.name("x") + " could not be found."},
	)
	t.Run("the default type has an id of its own", func(t *testing.T) {
		is(t, "type", v.get(t, "/types/default").at("volume_type"), obj{"id": anUUID, "name": "fake"})
	})
	t.Run("messages need 3.3", func(t *testing.T) {
		v.want(t, http.StatusNotFound, "GET", "/messages", nil)
		same(t, "messages", v.with("OpenStack-API-Version", "volume 3.5").get(t, "/messages?resource_uuid="+nobody).at("messages"), list{})
	})
}
