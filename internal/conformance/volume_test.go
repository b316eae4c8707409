package conformance

import (
	"net/http"
	"strings"
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

func (a *api) makeVolume(t *testing.T, more obj) obj {
	t.Helper()
	in := obj{"name": a.name("volume"), "size": 1}
	for key, value := range more {
		in[key] = value
	}
	return a.make(t, "/volumes", "volume", in)
}

func TestVolume(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	v := s.volume(t)
	made := v.makeVolume(t, obj{"metadata": obj{"a": "b"}, "description": c.prefix})
	id := made["id"].(string)
	path := "/volumes/" + id
	t.Run("create answers 202 and creating", func(t *testing.T) {
		is(t, "volume", made, obj{
			"id": anUUID, "name": c.name("volume"), "status": "creating", "size": 1, "metadata": obj{"a": "b"}, "description": c.prefix, "volume_type": someText,
			"availability_zone": someText, "bootable": "false", "encrypted": false, "attachments": list{}, "snapshot_id": nil, "source_volid": nil,
			"multiattach": false, "user_id": s.userID, "created_at": aTimeFine, "replication_status": nil, "consistencygroup_id": nil,
		})
	})
	v.passes(t, path, "volume.status", "creating", "available")
	t.Run("an available volume has these keys", func(t *testing.T) {
		is(t, "volume", v.get(t, path).at("volume"), obj{
			"status": "available", "bootable": "false", "attachments": list{}, "metadata": obj{"a": "b"}, "os-vol-tenant-attr:tenant_id": s.projectID, "updated_at": aTimeFine,
			"volume_image_metadata": missing, "os-vol-host-attr:host": missing,
		})
	})
	t.Run("lists filter by name, status and metadata", func(t *testing.T) {
		for _, query := range []string{"name=" + c.name("volume"), "name=" + c.name("volume") + "&status=available"} {
			same(t, query, v.get(t, "/volumes/detail?"+query).column(t, "volumes", "id"), []string{id})
		}
		same(t, "other status", v.get(t, "/volumes/detail?name="+c.name("volume")+"&status=error").at("volumes"), list{})
		is(t, "short list", v.get(t, "/volumes?name="+c.name("volume")).at("volumes.0"), obj{"id": id, "name": c.name("volume"), "status": missing})
	})
	t.Run("name, description and metadata change at once", func(t *testing.T) {
		a := v.want(t, http.StatusOK, "PUT", path, obj{"volume": obj{"name": c.name("renamed"), "description": "e", "metadata": obj{"c": "d"}}})
		is(t, "volume", a.at("volume"), obj{"name": c.name("renamed"), "description": "e", "metadata": obj{"c": "d"}})
		same(t, "added", v.want(t, http.StatusOK, "POST", path+"/metadata", obj{"metadata": obj{"e": "f"}}).at("metadata"), obj{"c": "d", "e": "f"})
		same(t, "replaced", v.want(t, http.StatusOK, "PUT", path+"/metadata", obj{"metadata": obj{}}).at("metadata"), obj{})
	})
	t.Run("it grows and never shrinks", func(t *testing.T) {
		v.want(t, http.StatusAccepted, "POST", path+"/action", obj{"os-extend": obj{"new_size": 2}})
		v.passes(t, path, "volume.status", "extending", "available")
		same(t, "size", v.get(t, path).at("volume.size"), 2)
		v.refuses(t, refusal{"refused", "POST", path + "/action", obj{"os-extend": obj{"new_size": 1}}, 400, "badRequest", "New size for extend must be greater than current size."})
	})
	post := func(name string, status int, kind, words string, in obj) refusal {
		return refusal{name, "POST", "/volumes", obj{"volume": in}, status, kind, words}
	}
	v.refuses(t,
		post("an unknown type is 404", 404, "itemNotFound", "Volume type with name "+c.name("x")+" could not be found.", obj{"size": 1, "volume_type": c.name("x")}),
		post("an unknown image is 400", 400, "badRequest", "Invalid image identifier or unable to access requested image.", obj{"size": 1, "imageRef": nobody}),
		post("an unknown zone is 400", 400, "badRequest", "Availability zone '"+c.name("x")+"' is invalid.", obj{"size": 1, "availability_zone": c.name("x")}),
		post("no size is 400", 400, "badRequest", "", obj{"name": c.name("x")}),
		post("size 0 is 400", 400, "badRequest", "size", obj{"size": 0}),
		refusal{"an unknown id is 404", "GET", "/volumes/" + nobody, nil, 404, "itemNotFound", "Volume " + nobody + " could not be found."},
		refusal{"deleting an unknown id is 404", "DELETE", "/volumes/" + nobody, nil, 404, "itemNotFound", "Volume " + nobody + " could not be found."},
	)
	t.Run("types are listed", func(t *testing.T) {
		is(t, "type", v.get(t, "/types").at("volume_types.0"), obj{"id": anUUID, "name": someText, "is_public": true, "extra_specs": present})
	})
	t.Run("deleting is 202 and then 404", func(t *testing.T) {
		v.want(t, http.StatusAccepted, "DELETE", path, nil)
		v.passes(t, path, "volume.status", "available", "deleting", gone)
	})
	t.Run("a volume is copied when Cinder does nothing with it", func(t *testing.T) {
		made := v.inTurn(t, "Originating source volume status must be one of 'available, in-use' values",
			"POST", "/volumes", obj{"volume": obj{"name": c.name("copy"), "source_volid": v.makeVolume(t, nil)["id"]}})
		v.deleteAfter(t, "/volumes/"+made.at("volume.id").(string))
	})
}

func TestVolumeVersions(t *testing.T) {
	c := open(t, simulator.Options{})
	v := c.login(t).volume(t)
	t.Run("without a header it is 3.0", func(t *testing.T) {
		same(t, "header", v.get(t, "/volumes").header.Get("OpenStack-API-Version"), "volume 3.0")
	})
	t.Run("the answer names the microversion", func(t *testing.T) {
		same(t, "header", v.with("OpenStack-API-Version", "volume 3.59").get(t, "/volumes").header.Get("OpenStack-API-Version"), "volume 3.59")
	})
	t.Run("an unknown microversion is 406", func(t *testing.T) {
		v.with("OpenStack-API-Version", "volume 3.999").want(t, http.StatusNotAcceptable, "GET", "/volumes", nil)
	})
}

func TestServerVolumes(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	k := kit(t, s)
	n, v := k.compute, s.volume(t)
	volume := v.makeVolume(t, nil)["id"].(string)
	v.passes(t, "/volumes/"+volume, "volume.status", "creating", "available")
	id := k.server(t, "boot", obj{"imageRef": "", "block_device_mapping_v2": list{obj{
		"boot_index": 0, "uuid": k.image, "source_type": "image", "destination_type": "volume", "volume_size": 2, "delete_on_termination": true,
	}}})
	other := k.server(t, "other", nil)
	k.active(t, other)
	server := k.active(t, id)
	root, ok := dig(server, "os-extended-volumes:volumes_attached", "0", "id").(string)
	if !ok {
		t.Fatalf("no boot volume in %v", server)
	}
	t.Run("a server on a boot volume has no image", func(t *testing.T) {
		same(t, "image", server["image"], "")
		same(t, "volumes", server["os-extended-volumes:volumes_attached"], list{obj{"id": root, "delete_on_termination": true}})
		is(t, "volume", v.get(t, "/volumes/"+root).at("volume"), obj{"status": "in-use", "bootable": "true", "size": 2, "name": "", "volume_image_metadata": present})
	})
	path := "/servers/" + id + "/os-volume_attachments"
	t.Run("a volume is attached and detached", func(t *testing.T) {
		a := n.want(t, http.StatusOK, "POST", path, obj{"volumeAttachment": obj{"volumeId": volume, "delete_on_termination": true}})
		is(t, "attachment", a.at("volumeAttachment"), obj{"volumeId": volume, "serverId": id, "device": containing("/dev/"), "id": volume, "tag": nil, "delete_on_termination": true})
		v.passes(t, "/volumes/"+volume, "volume.status", "available", "reserved", "attaching", "in-use")
		is(t, "attachment", v.get(t, "/volumes/"+volume).at("volume.attachments.0"), obj{"server_id": id, "volume_id": volume, "device": containing("/dev/"), "attachment_id": anUUID, "id": volume})
		same(t, "listed", n.get(t, path).column(t, "volumeAttachments", "volumeId"), sorted(root, volume))
		n.refuses(t,
			refusal{"a volume twice is 400", "POST", path, obj{"volumeAttachment": obj{"volumeId": volume}}, 400, "badRequest", "is already attached to instances: " + id},
			refusal{"a volume of another server's is 400", "POST", "/servers/" + other + "/os-volume_attachments", obj{"volumeAttachment": obj{"volumeId": volume}}, 400, "badRequest",
				"volume " + volume + " is already attached to instances: " + id},
			refusal{"a server on an empty volume is 400", "POST", "/servers", obj{"server": obj{"name": c.name("x"), "flavorRef": k.small, "networks": "none",
				"block_device_mapping_v2": list{obj{"boot_index": 0, "uuid": volume, "source_type": "volume", "destination_type": "volume"}}}}, 400, "badRequest",
				"Block Device " + volume + " is not bootable."},
			refusal{"a server with a volume of another server's is 400", "POST", "/servers", obj{"server": obj{"name": c.name("x"), "flavorRef": k.small, "networks": "none",
				"imageRef": k.image, "block_device_mapping_v2": list{k.localDisk(), obj{"boot_index": -1, "uuid": volume, "source_type": "volume", "destination_type": "volume"}}}}, 400, "badRequest",
				"Volume " + volume + " status must be available or downloading to reserve, but the current status is in-use."},
			refusal{"an unknown volume is 404", "POST", path, obj{"volumeAttachment": obj{"volumeId": nobody}}, 404, "itemNotFound", "Volume " + nobody + " could not be found."},
			refusal{"the root volume stays", "DELETE", path + "/" + root, nil, 400, "badRequest", "Cannot detach a root device volume"},
			refusal{"detaching what is not attached is 404", "DELETE", path + "/" + nobody, nil, 404, "itemNotFound", nobody})
		v.refuses(t, refusal{"an attached volume cannot be deleted: 400", "DELETE", "/volumes/" + volume, nil, 400, "badRequest", "Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer."})
		n.want(t, http.StatusAccepted, "DELETE", path+"/"+volume, nil)
		v.passes(t, "/volumes/"+volume, "volume.status", "in-use", "detaching", "available")
		n.passes(t, path+"/"+volume, "volumeAttachment.volumeId", volume, gone)
	})
	t.Run("the boot volume goes with the server when it was told so", func(t *testing.T) {
		n.remove(t, "/servers/"+id)
		v.passes(t, "/volumes/"+root, "volume.status", "in-use", "detaching", "available", "deleting", gone)
	})
}

// inTurn asks until it is not refused any more for what another request is about, in these words.
func (a *api) inTurn(t *testing.T, words, method, path string, body any) (got answer) {
	t.Helper()
	if !a.within(a.patience(), func() bool {
		got = a.do(t, method, path, body)
		if got.status < http.StatusMultipleChoices {
			return true
		}
		if kind, message := got.fault(t); got.status != http.StatusBadRequest || kind != "badRequest" || !strings.Contains(message, words) {
			t.Fatalf("%s: %d %s", got.request, got.status, got.text)
		}
		return false
	}) {
		t.Fatalf("%s %s is never accepted: %s", method, path, got.text)
	}
	return got
}

// Cinder gives a volume to one server at a time, and takes it from one at a time. Who asks meanwhile is refused, and may ask again.
func TestServersThatShareAVolume(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	k := kit(t, s)
	n, v := k.compute, s.volume(t)
	volume := v.makeVolume(t, obj{"volume_type": "shared"})["id"].(string)
	v.passes(t, "/volumes/"+volume, "volume.status", "creating", "available")
	one := k.server(t, "one", obj{"block_device_mapping_v2": list{
		k.localDisk(),
		obj{"boot_index": -1, "uuid": volume, "source_type": "volume", "destination_type": "volume"},
	}})
	others := []string{k.server(t, "two", nil), k.server(t, "three", nil)}
	t.Run("a server on a local disk has an image, also when it has a volume", func(t *testing.T) {
		server := k.active(t, one)
		same(t, "image", dig(server, "image", "id"), k.image)
		same(t, "volumes", dig(server, "os-extended-volumes:volumes_attached", "0", "id"), volume)
	})
	for _, id := range others {
		k.active(t, id)
	}
	in := func(server string) string { return "/servers/" + server + "/os-volume_attachments" }
	t.Run("it is given to one after the other", func(t *testing.T) {
		for _, id := range others {
			n.inTurn(t, "Volume "+volume+" status must be available or in-use or downloading to reserve, but the current status is ",
				"POST", in(id), obj{"volumeAttachment": obj{"volumeId": volume}})
			snapshot := v.inTurn(t, "Volume "+volume+" status must be available, in-use, but current status is: ",
				"POST", "/snapshots", obj{"snapshot": obj{"name": c.name("snapshot"), "volume_id": volume, "force": true}})
			v.deleteAfter(t, "/snapshots/"+snapshot.at("snapshot.id").(string))
		}
		v.passes(t, "/volumes/"+volume, "volume.status", "reserved", "attaching", "in-use")
		same(t, "users", len(v.get(t, "/volumes/"+volume).at("volume.attachments").(list)), 3)
	})
	t.Run("it is taken from one after the other", func(t *testing.T) {
		for _, id := range append(others, one) {
			n.inTurn(t, "Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.", "DELETE", in(id)+"/"+volume, nil)
		}
		v.passes(t, "/volumes/"+volume, "volume.status", "detaching", "available")
	})
}

func TestVolumeQuota(t *testing.T) {
	s := quotaSession(t, "volume", map[string]int{"volumes": 1, "gigabytes": 2})
	v := s.volume(t)
	t.Run("a user sees limits and use", func(t *testing.T) {
		is(t, "limits", v.get(t, "/limits").at("limits.absolute"), obj{"maxTotalVolumes": 1, "totalVolumesUsed": 0, "maxTotalVolumeGigabytes": 2, "totalGigabytesUsed": 0})
	})
	v.refuses(t,
		refusal{"too large a volume is 413", "POST", "/volumes", obj{"volume": obj{"size": 3}}, 413, "overLimit", "Requested volume or snapshot exceeds allowed gigabytes quota. Requested 3G, quota is 2G and 0G has been consumed."})
	id := v.makeVolume(t, nil)["id"].(string)
	v.passes(t, "/volumes/"+id, "volume.status", "creating", "available")
	v.refuses(t,
		refusal{"one volume too many is 413", "POST", "/volumes", obj{"volume": obj{"size": 1}}, 413, "overLimit", "Maximum number of volumes allowed (1) exceeded for quota 'volumes'."})
}
