package simulator

import (
	"strings"
	"testing"
	"time"
)

func TestVolume(t *testing.T) {
	t.Parallel()
	virtual(t, Options{Quotas: map[string]int{"gigabytes": 10}, Times: Times{Volume: 400 * time.Millisecond}}, func(t *testing.T, s *Simulator) {
		c := as(t, s, "demo", "demo")
		root := "/volume/v3/" + s.projectID("demo")
		created := c.want(202, "POST", root+"/volumes", `{"volume":{"name":"v","size":1}}`).body.obj("volume")
		if created.str("status") != "creating" || created.str("volume_type") != "fake" || created.has("description") {
			t.Errorf("created: %v", created)
		}
		path := root + "/volumes/" + created.str("id")
		status := func() string { return c.send("GET", path, "").body.obj("volume").str("status") }
		eventually(t, "available", func() bool { return status() == "available" })
		for body, want := range map[string]string{
			`{"volume":{"size":0}}`:                            "Invalid input for field/attribute size. Value: 0. 0 is less than the minimum of 1",
			`{"volume":{}}`:                                    "The server could not comply with the request since it is either malformed or otherwise incorrect.",
			`{"volume":{"size":1,"foo":1}}`:                    "Additional properties are not allowed ('foo' was unexpected)",
			`{"volume":{"size":1,"imageRef":"nope"}}`:          "Invalid image identifier or unable to access requested image.",
			`{"volume":{"size":1,"availability_zone":"nope"}}`: "Availability zone 'nope' is invalid.",
		} {
			if name, message := faultOf(c.want(400, "POST", root+"/volumes", body)); name != "badRequest" || !strings.HasSuffix(message, want) {
				t.Errorf("%s: %s %q", body, name, message)
			}
		}
		c.want(404, "POST", root+"/volumes", `{"volume":{"size":1,"volume_type":"nope"}}`)
		if _, message := faultOf(c.want(413, "POST", root+"/volumes", `{"volume":{"size":100}}`)); message != "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested 100G, quota is 10G and 1G has been consumed." {
			t.Errorf("quota: %q", message)
		}
		c.want(400, "POST", path+"/action", `{"os-extend":{"new_size":1}}`)
		c.want(202, "POST", path+"/action", `{"os-extend":{"new_size":2}}`)
		eventually(t, "extended", func() bool { return status() == "available" })
		if size := c.want(200, "GET", path, "").body.obj("volume").num("size"); size != 2 {
			t.Errorf("size %d", size)
		}
		if list := c.want(200, "GET", root+"/volumes/detail?name=v", "").body.objs("volumes"); len(list) != 1 {
			t.Errorf("list: %v", list)
		}
		c.want(200, "PUT", path, `{"volume":{"name":"w","metadata":{"a":"b"}}}`)
		if got := c.want(200, "POST", path+"/metadata", `{"metadata":{"k":"v"}}`).body.obj("metadata"); len(got) != 2 {
			t.Errorf("metadata: %v", got)
		}
		c.want(202, "DELETE", path, "")
		c.want(400, "DELETE", path, "")
		eventually(t, "the end", func() bool { return c.send("GET", path, "").status == 404 })
	})
}
