package simulator

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// volume is the state of the Block Storage API.
type volume struct {
	sim *Simulator

	Types     table
	Volumes   table // "_users" are the servers that have it or are about to
	Snapshots table
}

func newVolume(s *Simulator) *volume { return &volume{sim: s} }

// multiattachType is the type of volumes that several servers can use at the same time.
const multiattachType = "shared"

// The versions that the Block Storage API understands, 3.0 to 3.70.
const (
	volumeMaxMinor    = 70
	volumeExtendInUse = 42 // an attached volume can be extended
	volumeFromBackup  = 47
)

func (v *volume) service() *service {
	const p = "/v3/{project}"
	return &service{
		kind: "block-storage", name: "cinder", prefix: "/volume", endpoint: "/v3/{project}",
		state: v, seed: v.seed, resume: v.resume, render: computeFault, authorize: v.authorize,
		leftovers: func() []string {
			return append(v.sim.left(v.Volumes, "volume"), v.sim.left(v.Snapshots, "snapshot")...)
		},
		open: map[string]handler{
			"GET /{$}":    v.versions(http.StatusMultipleChoices),
			"GET /v3":     v.versions(http.StatusOK),
			"GET /v3/{$}": v.versions(http.StatusOK),
		},
		routes: map[string]handler{
			"GET " + p + "/types":                        v.listTypes,
			"GET " + p + "/types/{id}":                   v.getType,
			"GET " + p + "/volumes":                      v.list(false),
			"GET " + p + "/volumes/detail":               v.list(true),
			"POST " + p + "/volumes":                     v.create,
			"GET " + p + "/volumes/{id}":                 v.get,
			"PUT " + p + "/volumes/{id}":                 v.update,
			"DELETE " + p + "/volumes/{id}":              v.remove,
			"POST " + p + "/volumes/{id}/action":         v.act,
			"GET " + p + "/volumes/{id}/metadata":        v.metadata(v.find),
			"POST " + p + "/volumes/{id}/metadata":       v.metadata(v.find),
			"PUT " + p + "/volumes/{id}/metadata":        v.metadata(v.find),
			"DELETE " + p + "/volumes/{id}/metadata/{k}": v.deleteMetadata,
			"GET " + p + "/snapshots":                    v.listSnapshots(false),
			"GET " + p + "/snapshots/detail":             v.listSnapshots(true),
			"POST " + p + "/snapshots":                   v.createSnapshot,
			"GET " + p + "/snapshots/{id}":               v.getSnapshot,
			"PUT " + p + "/snapshots/{id}":               v.updateSnapshot,
			"DELETE " + p + "/snapshots/{id}":            v.removeSnapshot,
			"GET " + p + "/snapshots/{id}/metadata":      v.metadata(v.findSnapshot),
			"POST " + p + "/snapshots/{id}/metadata":     v.metadata(v.findSnapshot),
			"PUT " + p + "/snapshots/{id}/metadata":      v.metadata(v.findSnapshot),
			"GET " + p + "/messages":                     v.messages,
			"GET " + p + "/limits":                       v.limits,
			"GET " + p + "/os-quota-sets/{target}":       v.quotas,
			"GET " + p + "/os-availability-zone":         v.zones,
		},
	}
}

func (v *volume) seed() {
	for _, name := range []string{multiattachType, "fake", "fast", "__DEFAULT__"} {
		kind := object{"name": name, "is_public": true, "description": nil, "extra_specs": object{}, "os-volume-type-access:is_public": true, "_seeded": true}
		switch name {
		case "__DEFAULT__":
			kind["description"] = "Default Volume Type"
		case multiattachType:
			kind["extra_specs"] = object{"multiattach": "<is> True"}
		}
		v.sim.add(&v.Types, kind)
	}
}

func (v *volume) versions(status int) handler {
	return func(c *call) (int, any, error) {
		return status, map[string]any{"versions": []any{map[string]any{
			"id": "v3.0", "status": "CURRENT", "version": fmt.Sprintf("3.%d", volumeMaxMinor), "min_version": "3.0", "updated": "2022-08-31T00:00:00Z",
			"links": []any{map[string]any{"rel": "self", "href": c.url("/v3/")}},
		}}}, nil
	}
}

func (v *volume) authorize(c *call) error {
	minor, err := v.minor(c)
	if err != nil {
		return err
	}
	c.header.Set("Openstack-Api-Version", fmt.Sprintf("volume 3.%d", minor))
	c.header.Set("Vary", "OpenStack-API-Version")
	if project := c.path("project"); project != c.project() && !c.admin() {
		return fail(http.StatusBadRequest, "", "Malformed request url")
	}
	return nil
}

// minor is the microversion that a call asks for.
func (v *volume) minor(c *call) (int, error) {
	version, ok := strings.CutPrefix(c.request.Header.Get("OpenStack-API-Version"), "volume ")
	if !ok {
		return 0, nil
	}
	return microversion(version, 3, 0, volumeMaxMinor)
}

func (v *volume) kindNamed(name string) (object, bool) {
	if kind, ok := v.Types.get(name); ok {
		return kind, true
	}
	return v.Types.find("name", name)
}

func (v *volume) listTypes(*call) (int, any, error) {
	return http.StatusOK, map[string]any{"volume_types": v.Types.all()}, nil
}

func (v *volume) getType(c *call) (int, any, error) {
	id := c.path("id")
	if id == "default" {
		kind, _ := v.Types.find("name", "fake")
		id = kind.str("id")
	}
	kind, ok := v.Types.get(id)
	if !ok {
		return 0, nil, fail(http.StatusNotFound, "", "Volume type %s could not be found.", id)
	}
	return http.StatusOK, map[string]any{"volume_type": kind}, nil
}

func (v *volume) visible(c *call, o object) bool {
	return o.str("project_id") == c.project() || c.admin()
}

func (v *volume) find(c *call, id string) (object, error) {
	o, ok := v.Volumes.get(id)
	if !ok || !v.visible(c, o) {
		return nil, fail(http.StatusNotFound, "", "Volume %s could not be found.", id)
	}
	return o, nil
}

// volumeNow is the time as Cinder writes it.
func volumeNow() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000000") }

// view is a volume as it is shown.
func (v *volume) view(c *call, o object) object {
	out := object{"links": c.links("/v3/"+o.str("project_id")+"/volumes/"+o.str("id"), "/"+o.str("project_id")+"/volumes/"+o.str("id"))}
	maps.Copy(out, o)
	delete(out, "project_id")
	out["os-vol-tenant-attr:tenant_id"] = o.str("project_id")
	return out
}

func (v *volume) list(detail bool) handler {
	return func(c *call) (int, any, error) {
		volumes := v.Volumes.where(func(o object) bool {
			if o.str("project_id") != c.project() && (!c.admin() || c.query("all_tenants") == "") {
				return false
			}
			for _, key := range []string{"name", "status", "volume_type", "bootable"} {
				if want := c.query(key); want != "" && !sameText(o.str(key), want) {
					return false
				}
			}
			return true
		})
		slices.Reverse(volumes) // the newest first
		page, next, ok := c.page(volumes)
		if !ok {
			return 0, nil, fail(http.StatusBadRequest, "", "marker [%s] not found", c.query("marker"))
		}
		views := []object{}
		for _, o := range page {
			view := v.view(c, o)
			if !detail {
				view = object{"id": view["id"], "name": view["name"], "links": view["links"]}
			}
			views = append(views, view)
		}
		body := object{"volumes": views}
		if next != "" {
			body["volumes_links"] = c.nextLink(next)
		}
		return http.StatusOK, body, nil
	}
}

func (v *volume) get(c *call) (int, any, error) {
	o, err := v.find(c, c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"volume": v.view(c, o)}, nil
}

// volumeFields are what a new volume may have.
var volumeFields = []string{"name", "description", "display_name", "display_description", "size", "volume_type", "imageRef", "availability_zone",
	"metadata", "snapshot_id", "source_volid", "consistencygroup_id", "multiattach", "group_id", "backup_id"}

func (v *volume) create(c *call) (int, any, error) {
	in, err := c.input("volume")
	if err != nil {
		return 0, nil, err
	}
	if err := onlyFields("volume", in, volumeFields); err != nil {
		return 0, nil, err
	}
	options := newVolumeOptions{
		name: in["name"], description: in["description"], size: in.num("size"), kind: in.str("volume_type"), image: in.str("imageRef"),
		metadata: in.obj("metadata"), source: in["source_volid"], snapshot: in["snapshot_id"],
	}
	if text, ok := in["size"].(string); ok {
		options.size, _ = strconv.Atoi(text)
	}
	if in.has("size") && options.size < 1 {
		return 0, nil, fail(http.StatusBadRequest, "", "Invalid input for field/attribute size. Value: %v. %v is less than the minimum of 1", in["size"], in["size"])
	}
	if err := v.fromSource(c, in, &options); err != nil {
		return 0, nil, err
	}
	if options.size == 0 {
		return 0, nil, fail(http.StatusBadRequest, "", "The server could not comply with the request since it is either malformed or otherwise incorrect.")
	}
	if zone := in.str("availability_zone"); zone != "" && zone != computeZone {
		return 0, nil, fail(http.StatusBadRequest, "", "Availability zone '%s' is invalid.", zone)
	}
	if in.has("imageRef") {
		if _, ok := v.sim.image.Images.get(in.str("imageRef")); !ok {
			return 0, nil, fail(http.StatusBadRequest, "", "Invalid image identifier or unable to access requested image.")
		}
	}
	o, err := v.make(c.project(), c.token.User, options)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusAccepted, object{"volume": v.view(c, o)}, nil
}

// newVolumeOptions are what a volume is made of, by its API or by Nova.
type newVolumeOptions struct {
	name, description any
	size              int
	kind              string // type by name or id, "" for the default
	image             string
	metadata          object
	source, snapshot  any // ids, or nil
}

// fromSource checks what a new volume is to be a copy of, and takes size and type from there when they are not given.
func (v *volume) fromSource(c *call, in object, options *newVolumeOptions) error {
	given := 0
	for _, key := range []string{"backup_id", "imageRef", "snapshot_id", "source_volid"} {
		if in.has(key) {
			given++
		}
	}
	if given > 1 {
		return fail(http.StatusBadRequest, "", "Invalid input received: May specify only one of backup, imageRef, snapshot, source volume")
	}
	minor, err := v.minor(c)
	if err != nil {
		return err
	}
	var original object
	size, what := 0, ""
	switch {
	case in.has("backup_id") && minor >= volumeFromBackup:
		return fail(http.StatusNotFound, "", "Backup %s could not be found.", in.str("backup_id"))
	case in.has("source_volid"):
		if original, err = v.find(c, in.str("source_volid")); err != nil {
			return err
		}
		if !slices.Contains([]string{"available", "in-use"}, original.str("status")) {
			return fail(http.StatusBadRequest, "", "Invalid volume: Originating source volume status must be one of 'available, in-use' values")
		}
		size, what = original.num("size"), "original volume size "
	case in.has("snapshot_id"):
		snapshot, err := v.findSnapshot(c, in.str("snapshot_id"))
		if err != nil {
			return err
		}
		original, _ = v.Volumes.get(snapshot.str("volume_id"))
		size, what = snapshot.num("size"), "snapshot size"
	default:
		return nil
	}
	if options.size == 0 {
		options.size = size
	}
	if options.size < size {
		return fail(http.StatusBadRequest, "", "Invalid input received: Volume size '%d'GB cannot be smaller than %s %dGB. They must be >= %s.",
			options.size, what, size, strings.TrimSpace(what))
	}
	if options.kind == "" {
		options.kind = original.str("volume_type")
	}
	return nil
}

// make adds a volume and starts its creation.
func (v *volume) make(project, user string, in newVolumeOptions) (object, error) {
	kindName := in.kind
	if kindName == "" {
		kindName = "fake"
	}
	kind, ok := v.kindNamed(kindName)
	if !ok {
		return nil, fail(http.StatusNotFound, "", "Volume type with name %s could not be found.", kindName)
	}
	if err := v.room(project, 1, in.size); err != nil {
		return nil, err
	}
	metadata := in.metadata
	if metadata == nil {
		metadata = object{}
	}
	o := object{
		"status": "creating", "size": in.size, "availability_zone": computeZone, "created_at": volumeNow(), "updated_at": nil,
		"name": in.name, "description": in.description, "volume_type": kind.str("name"), "snapshot_id": in.snapshot, "source_volid": in.source,
		"metadata": metadata, "user_id": user, "project_id": project, "bootable": "false", "encrypted": false, "replication_status": nil,
		"consistencygroup_id": nil, "multiattach": multiattach(kind), "attachments": []any{}, "group_id": nil, "shared_targets": true, "service_uuid": nil,
		"volume_type_id": kind.str("id"), "consumes_quota": true, "_image": in.image,
	}
	v.sim.add(&v.Volumes, o)
	v.finishCreate(o.str("id"))
	return o, nil
}

func (v *volume) finishCreate(id string) {
	v.sim.after(v.sim.options.Times.Volume, func() {
		o, ok := v.Volumes.get(id)
		if !ok || o.str("status") != "creating" {
			return
		}
		if image, ok := v.sim.image.Images.get(o.str("_image")); ok {
			o["bootable"] = "true"
			o["volume_image_metadata"] = object{
				"image_id": image.str("id"), "image_name": image.str("name"), "checksum": image.str("checksum"),
				"container_format": image.str("container_format"), "disk_format": image.str("disk_format"),
				"min_disk": text(image["min_disk"]), "min_ram": text(image["min_ram"]), "size": text(image["size"]),
			}
		}
		if original := v.original(o); original.str("bootable") == "true" {
			o["bootable"], o["volume_image_metadata"] = "true", original["volume_image_metadata"]
		}
		o["status"], o["updated_at"] = "available", volumeNow()
	})
}

// original is the volume that another one is a copy of, directly or by a snapshot; nil when there is none.
func (v *volume) original(o object) object {
	id := o.str("source_volid")
	if snapshot, ok := v.Snapshots.get(o.str("snapshot_id")); ok {
		id = snapshot.str("volume_id")
	}
	original, _ := v.Volumes.get(id)
	return original
}

// resume continues what was on its way.
func (v *volume) resume() {
	for _, o := range v.Volumes.all() {
		switch o.str("status") {
		case "creating":
			v.finishCreate(o.str("id"))
		case "deleting":
			v.finishDelete(o.str("id"))
		case "extending":
			v.finishExtend(o.str("id"), o.num("size"))
		case "retyping":
			v.finishRetype(o.str("id"), o.str("volume_type"))
		}
	}
	for _, o := range v.Snapshots.all() {
		v.finishSnapshot(o)
	}
}

func (v *volume) update(c *call) (int, any, error) {
	o, err := v.find(c, c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	in, err := c.input("volume")
	if err != nil {
		return 0, nil, err
	}
	if err := onlyFields("volume", in, []string{"name", "description", "display_name", "display_description", "metadata"}); err != nil {
		return 0, nil, err
	}
	for _, key := range []string{"name", "description", "metadata"} {
		if in.given(key) {
			o[key] = in[key]
		}
	}
	o["updated_at"] = volumeNow()
	return http.StatusOK, object{"volume": v.view(c, o)}, nil
}

func (v *volume) remove(c *call) (int, any, error) {
	o, err := v.find(c, c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	snapshots := v.snapshotsOf(o)
	cascade, _ := strconv.ParseBool(c.query("cascade"))
	if !slices.Contains([]string{"available", "error", "error_extending"}, o.str("status")) || len(snapshots) > 0 && !cascade {
		return 0, nil, fail(http.StatusBadRequest, "", "Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.")
	}
	for _, snapshot := range snapshots {
		v.startDeleteSnapshot(snapshot)
	}
	v.startDelete(o)
	return http.StatusAccepted, nil, nil
}

func (v *volume) startDelete(o object) {
	o["status"], o["updated_at"] = "deleting", volumeNow()
	v.finishDelete(o.str("id"))
}

func (v *volume) finishDelete(id string) {
	v.sim.after(v.sim.options.Times.Volume/4, func() { delete(v.Volumes, id) })
}

// reserve marks a volume as wanted by a server.
func (v *volume) reserve(o object, server string) {
	o["_users"] = append(o.strs("_users"), server)
	o["status"] = "reserved"
}

// attach gives a volume to a server.
func (v *volume) attach(o object, server, device string) (attachment string) {
	attachment = newUUID()
	if !slices.Contains(o.strs("_users"), server) {
		o["_users"] = append(o.strs("_users"), server)
	}
	o["status"], o["updated_at"] = "in-use", volumeNow()
	o["attachments"] = append(anyList(o["attachments"]), object{
		"id": o.str("id"), "attachment_id": attachment, "volume_id": o.str("id"), "server_id": server, "host_name": nil,
		"device": device, "attached_at": volumeNow(),
	})
	return attachment
}

// detach takes a volume from a server.
func (v *volume) detach(id, server string) {
	o, ok := v.Volumes.get(id)
	if !ok {
		return
	}
	o["attachments"] = slices.DeleteFunc(anyList(o["attachments"]), func(item any) bool {
		attachment, _ := asObject(item)
		return attachment.str("server_id") == server
	})
	o["_users"] = slices.DeleteFunc(o.strs("_users"), func(user string) bool { return user == server })
	o["updated_at"] = volumeNow()
	switch {
	case len(o.strs("_users")) == 0:
		o["status"] = "available"
	case o.str("status") == "detaching":
		o["status"] = "in-use"
	}
}

// usage is how many volumes a project has and how many GiB they and their snapshots hold.
func (v *volume) usage(project string) (count, size int) {
	for _, o := range v.Volumes {
		if o.str("project_id") == project {
			count, size = count+1, size+o.num("size")
		}
	}
	for _, o := range v.Snapshots {
		if o.str("project_id") == project {
			size += o.num("size")
		}
	}
	return count, size
}

// room says whether the quotas of a project have room for more.
func (v *volume) room(project string, volumes, gigabytes int) error {
	count, size := v.usage(project)
	over := func(name, message string, args ...any) error {
		f := fail(http.StatusRequestEntityTooLarge, "overLimit", name+": "+message, args...)
		f.header = map[string]string{"Retry-After": "0"}
		return f
	}
	if limit := v.sim.quotaOf("gigabytes", 20000); limit >= 0 && size+gigabytes > limit {
		return over("VolumeSizeExceedsAvailableQuota", "Requested volume or snapshot exceeds allowed gigabytes quota. Requested %dG, quota is %dG and %dG has been consumed.", gigabytes, limit, size)
	}
	if limit := v.sim.quotaOf("volumes", 200); volumes > 0 && limit >= 0 && count+volumes > limit {
		return over("VolumeLimitExceeded", "Maximum number of volumes allowed (%d) exceeded for quota 'volumes'.", limit)
	}
	return nil
}

func (v *volume) limits(c *call) (int, any, error) {
	count, size := v.usage(c.project())
	return http.StatusOK, object{"limits": object{"rate": []any{}, "absolute": object{
		"maxTotalVolumes": v.sim.quotaOf("volumes", 200), "maxTotalSnapshots": v.sim.quotaOf("snapshots", 200), "maxTotalVolumeGigabytes": v.sim.quotaOf("gigabytes", 20000),
		"maxTotalBackups": 10, "maxTotalBackupGigabytes": 1000, "totalVolumesUsed": count, "totalGigabytesUsed": size,
		"totalSnapshotsUsed": v.snapshotCount(c.project()), "totalBackupsUsed": 0, "totalBackupGigabytesUsed": 0,
	}}}, nil
}

func (v *volume) quotas(c *call) (int, any, error) {
	project := c.path("target")
	count, size := v.usage(project)
	limits := map[string][2]int{
		"volumes": {v.sim.quotaOf("volumes", 200), count}, "gigabytes": {v.sim.quotaOf("gigabytes", 20000), size},
		"per_volume_gigabytes": {-1, 0}, "snapshots": {v.sim.quotaOf("snapshots", 200), v.snapshotCount(project)}, "backups": {10, 0}, "backup_gigabytes": {1000, 0}, "groups": {10, 0},
	}
	for _, kind := range v.Types.all() {
		for _, what := range []string{"volumes_", "gigabytes_", "snapshots_"} {
			limits[what+kind.str("name")] = [2]int{-1, 0}
		}
	}
	usage := strings.EqualFold(c.query("usage"), "true")
	set := object{"id": project}
	for name, limit := range limits {
		set[name] = limit[0]
		if usage {
			set[name] = object{"limit": limit[0], "in_use": limit[1], "reserved": 0}
		}
	}
	return http.StatusOK, object{"quota_set": set}, nil
}

func (v *volume) zones(*call) (int, any, error) {
	return http.StatusOK, object{"availabilityZoneInfo": []any{object{"zoneName": computeZone, "zoneState": object{"available": true}}}}, nil
}

// quotaOf is the default quota of that name, unless the options say another; below zero is unlimited.
func (s *Simulator) quotaOf(name string, usual int) int {
	if limit, ok := s.options.Quotas[name]; ok {
		if limit < 0 {
			return math.MaxInt32
		}
		return limit
	}
	return usual
}
