package simulator

import (
	"path/filepath"
	"testing"
	"time"
)

// A server that was on its way when the simulator ended goes on when it starts again.
func TestComputeResume(t *testing.T) {
	t.Parallel()
	options := Options{StateFile: filepath.Join(t.TempDir(), "cloud.json"), Times: Times{ServerBoot: time.Hour}}
	first, err := Run(options)
	if err != nil {
		t.Fatal(err)
	}
	c := asNova(t, first)
	id := c.boot(c.place("n", "10.7.0.0/24"), `,"metadata":{"a":"b"},"tags":["t"]`)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	options.Times = Times{}
	c = asNova(t, start(t, options))
	server := c.until(id, "ACTIVE")
	if server.obj("metadata").str("a") != "b" || len(server.obj("addresses").objs("n")) != 1 {
		t.Errorf("server: %v", server)
	}
	c.do(204, "DELETE", "/servers/"+id, "")
	c.gone(id)
}
