package simulator

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

func (v *volume) act(c *call) (int, any, error) {
	o, err := v.find(c, c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	var body object
	if err := c.decode(&body); err != nil {
		return 0, nil, err
	}
	switch {
	case body.obj("os-extend") != nil:
		return v.extend(c, o, body.obj("os-extend"))
	case body.obj("os-retype") != nil:
		return v.retype(o, body.obj("os-retype"))
	case body.obj("os-set_bootable") != nil:
		o["bootable"] = map[bool]string{true: "true", false: "false"}[body.obj("os-set_bootable").flag("bootable")]
		return http.StatusOK, nil, nil
	}
	return 0, nil, fail(http.StatusBadRequest, "", "There is no such action: %s", strings.Join(slices.Sorted(maps.Keys(body)), ", "))
}

func (v *volume) extend(c *call, o, in object) (int, any, error) {
	minor, err := v.minor(c)
	if err != nil {
		return 0, nil, err
	}
	status, size := o.str("status"), in.num("new_size")
	switch {
	case status != "available" && (status != "in-use" || minor < volumeExtendInUse):
		return 0, nil, fail(http.StatusBadRequest, "", "Invalid volume: Volume %s status must be '{'status': 'available'}' to extend, currently %s.", o.str("id"), status)
	case size <= o.num("size"):
		return 0, nil, fail(http.StatusBadRequest, "", "Invalid input received: New size for extend must be greater than current size. (current: %d, extended: %d).", o.num("size"), size)
	}
	if err := v.room(o.str("project_id"), 0, size-o.num("size")); err != nil {
		return 0, nil, err
	}
	o["_before"] = status
	o["status"] = "extending"
	v.finishExtend(o.str("id"), size)
	return http.StatusAccepted, nil, nil
}

func (v *volume) finishExtend(id string, size int) {
	v.sim.after(v.sim.options.Times.Volume/2, func() {
		if o, ok := v.Volumes.get(id); ok && o.str("status") == "extending" {
			o["status"], o["size"], o["updated_at"] = o.str("_before"), size, volumeNow()
			delete(o, "_before")
		}
	})
}

// multiattach says whether several servers can use a volume of a type.
func multiattach(kind object) bool {
	return strings.EqualFold(kind.obj("extra_specs").str("multiattach"), "<is> True")
}

func (v *volume) retype(o, in object) (int, any, error) {
	kind, ok := v.kindNamed(in.str("new_type"))
	if !ok {
		return 0, nil, fail(http.StatusNotFound, "", "Volume type with name %s could not be found.", in.str("new_type"))
	}
	status := o.str("status")
	if status != "available" && multiattach(kind) != o.flag("multiattach") {
		return 0, nil, fail(http.StatusBadRequest, "", "Invalid input received: Invalid volume_type passed, retypes affecting multiattach are only allowed on available volumes, the specified volume however currently has a status of: %s.", status)
	}
	if !slices.Contains([]string{"available", "in-use"}, status) || kind.str("name") == o.str("volume_type") {
		return 0, nil, fail(http.StatusBadRequest, "", "Invalid volume: Retype needs volume to be in available or in-use state, not be part of an active migration or a consistency group, requested type has to be different that the one from the volume, and for in-use volumes front-end qos specs cannot change.")
	}
	o["_before"], o["status"] = status, "retyping"
	v.finishRetype(o.str("id"), kind.str("name"))
	return http.StatusAccepted, nil, nil
}

func (v *volume) finishRetype(id, name string) {
	v.sim.after(v.sim.options.Times.Volume/2, func() {
		o, ok := v.Volumes.get(id)
		kind, known := v.kindNamed(name)
		if ok && known && o.str("status") == "retyping" {
			o["volume_type"], o["volume_type_id"], o["multiattach"] = kind["name"], kind["id"], multiattach(kind)
			o["status"], o["updated_at"] = o.str("_before"), volumeNow()
			delete(o, "_before")
		}
	})
}

// metadata reads and changes the metadata of what find finds.
func (v *volume) metadata(find func(*call, string) (object, error)) handler {
	return func(c *call) (int, any, error) {
		o, err := find(c, c.path("id"))
		if err != nil {
			return 0, nil, err
		}
		if c.request.Method != http.MethodGet {
			in, err := c.input("metadata")
			if err != nil {
				return 0, nil, err
			}
			merged := object{}
			if c.request.Method == http.MethodPost {
				maps.Copy(merged, o.obj("metadata"))
			}
			maps.Copy(merged, in)
			o["metadata"] = merged
		}
		return http.StatusOK, object{"metadata": o.obj("metadata")}, nil
	}
}

func (v *volume) deleteMetadata(c *call) (int, any, error) {
	o, err := v.find(c, c.path("id"))
	if err != nil {
		return 0, nil, err
	}
	metadata := o.obj("metadata")
	if !metadata.given(c.path("k")) {
		return 0, nil, fail(http.StatusNotFound, "", "Metadata item was not found")
	}
	delete(metadata, c.path("k"))
	return http.StatusOK, nil, nil
}
