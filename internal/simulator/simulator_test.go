package simulator

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		s, err := Run(Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestOptionsThatAreWrong(t *testing.T) {
	for _, cidr := range []string{"nonsense", "2001:db8::/64", "10.0.0.0/30"} {
		if _, err := New(Options{PublicCIDR: cidr}); err == nil {
			t.Errorf("public network %s: no error", cidr)
		}
	}
	broken := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{StateFile: filepath.Join(t.TempDir(), "missing", "state.json")}); err == nil {
		t.Error("state file in a directory that does not exist: no error")
	}
	if _, err := New(Options{StateFile: broken}); err == nil || !strings.Contains(err.Error(), broken) {
		t.Errorf("broken state file: %v", err)
	}
}

func TestCloudsYAML(t *testing.T) {
	s := start(t, Options{})
	var file struct {
		Clouds map[string]struct {
			Auth struct {
				URL      string `yaml:"auth_url"`
				User     string `yaml:"username"`
				Password string `yaml:"password"`
				Project  string `yaml:"project_name"`
			} `yaml:"auth"`
		} `yaml:"clouds"`
	}
	if err := yaml.Unmarshal(s.CloudsYAML(), &file); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"demo", "demo2", "admin", "demo-reader"} {
		cloud := file.Clouds[name]
		if cloud.Auth.URL != s.AuthURL() || cloud.Auth.User != name || cloud.Auth.Password != Password {
			t.Errorf("cloud %s: %+v", name, cloud)
		}
		as(t, s, cloud.Auth.User, cloud.Auth.Project)
	}
}

func TestEveryServiceOfTheCatalogAnswers(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	entries := c.body.objs("catalog")
	for _, service := range s.registered {
		if service.name != "" && !slices.ContainsFunc(entries, func(e object) bool { return e.str("type") == service.kind }) {
			t.Errorf("%s is not in the catalog", service.kind)
		}
	}
	for _, entry := range entries {
		endpoints := entry.objs("endpoints")
		if len(endpoints) != 3 {
			t.Fatalf("%s: %d endpoints", entry.str("type"), len(endpoints))
		}
		path := strings.TrimPrefix(endpoints[0].str("url"), s.URL())
		if a := c.send("GET", path, ""); a.header.Get("X-Openstack-Request-Id") == "" {
			t.Errorf("%s: no request id at %s: %d", entry.str("type"), path, a.status)
		}
	}
}

func TestUnknownRoutes(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	c.want(http.StatusNotFound, "GET", "/network/v2.0/nonsense", "")
	c.want(http.StatusMethodNotAllowed, "PATCH", "/network/v2.0/networks/x", "{}")
	c.want(http.StatusMethodNotAllowed, "PUT", "/identity/v3/auth/tokens", "{}")
	c.want(http.StatusNotFound, "GET", "/nonsense", "")
	c.want(http.StatusNotFound, "GET", "/networks", "")
}

func TestRequestLog(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	s.ResetRequests()
	c.want(http.StatusOK, "GET", "/network/v2.0/networks?name=a&limit=2", "")
	c.want(http.StatusNotFound, "GET", "/network/v2.0/networks/nope", "")
	requests := s.Requests()
	if len(requests) != 2 {
		t.Fatalf("%d requests", len(requests))
	}
	first := requests[0]
	if first.Method != "GET" || first.Service != "network" || first.Path != "/v2.0/networks" || first.Query != "name=a&limit=2" ||
		first.Status != 200 || first.Start.IsZero() || first.Duration <= 0 {
		t.Errorf("first: %+v", first)
	}
	if requests[1].Status != 404 {
		t.Errorf("second: %+v", requests[1])
	}
	if got := c.want(http.StatusOK, "GET", "/simulator/requests", "").body.objs("requests"); len(got) != 2 || got[1].str("path") != "/v2.0/networks/nope" {
		t.Errorf("over HTTP: %v", got)
	}
	c.want(http.StatusNoContent, "DELETE", "/simulator/requests", "")
	if got := s.Requests(); len(got) != 0 {
		t.Errorf("after reset: %v", got)
	}
}

func TestLatencyIsWaitedForInParallel(t *testing.T) {
	const latency = 60 * time.Millisecond
	virtual(t, Options{Latency: latency}, func(t *testing.T, s *Simulator) {
		began := time.Now()
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				answer := httptest.NewRecorder()
				s.ServeHTTP(answer, httptest.NewRequest("GET", "/network/v2.0/networks", nil))
				if answer.Code != http.StatusUnauthorized {
					t.Errorf("answered %d", answer.Code)
				}
			})
		}
		group.Wait()
		if took := time.Since(began); took != latency {
			t.Errorf("20 parallel requests took %s", took)
		}
	})
}

func TestFaults(t *testing.T) {
	const list = "/network/v2.0/networks"
	tests := []struct {
		name  string
		fault Fault
		want  []int // statuses of successive lists, 0 for a dropped connection
	}{
		{"status", Fault{Status: 503, Count: 1}, []int{503, 200}},
		{"after", Fault{Status: 500, After: 1, Count: 2}, []int{200, 500, 500, 200}},
		{"always", Fault{Status: 429}, []int{429, 429, 429}},
		{"drop", Fault{Drop: true, Count: 1}, []int{0, 200}},
		{"other method", Fault{Method: "POST", Status: 500}, []int{200}},
		{"other service", Fault{Service: "compute", Status: 500}, []int{200}},
		{"other path", Fault{Path: "subnets$", Status: 500}, []int{200}},
		{"this path", Fault{Method: "GET", Service: "network", Path: "^/v2.0/networks$", Status: 500}, []int{500}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, Options{})
			c := as(t, s, "demo", "demo")
			if err := s.AddFault(test.fault); err != nil {
				t.Fatal(err)
			}
			s.ResetRequests()
			// A client of its own, because the shared one may repeat a GET on a connection that was reused.
			for at, want := range test.want {
				http.DefaultClient.CloseIdleConnections()
				a, err := c.try("GET", list, "", nil)
				if a.status != want || (err != nil) != (want == 0) {
					t.Errorf("request %d: %d, %v, want %d", at, a.status, err, want)
				}
			}
			var logged []int
			for _, r := range s.Requests() {
				logged = append(logged, r.Status)
			}
			if !slices.Equal(logged, test.want) {
				t.Errorf("log: %v", logged)
			}
		})
	}
}

func TestFaultBodyDelayAndLate(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	c.want(http.StatusNoContent, "POST", "/simulator/faults",
		`{"method":"GET","status":429,"header":{"Retry-After":"7"},"body":"{\"slow\":\"down\"}","delay":"30ms","count":1}`)
	if got := c.want(http.StatusOK, "GET", "/simulator/faults", "").text; !strings.Contains(got, `"delay":"30ms"`) {
		t.Errorf("faults: %s", got)
	}
	began := time.Now()
	a := c.want(http.StatusTooManyRequests, "GET", "/network/v2.0/networks", "")
	if a.header.Get("Retry-After") != "7" || a.body.str("slow") != "down" || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("%v %s", a.header, a.text)
	}
	if took := time.Since(began); took < 30*time.Millisecond {
		t.Errorf("no delay: %s", took)
	}
	c.want(http.StatusNoContent, "DELETE", "/simulator/faults", "")

	if err := s.AddFault(Fault{Method: "POST", Status: 502, Late: true, Count: 1}); err != nil {
		t.Fatal(err)
	}
	c.want(http.StatusBadGateway, "POST", "/network/v2.0/networks", `{"network":{"name":"late"}}`)
	if got := c.want(http.StatusOK, "GET", "/network/v2.0/networks?name=late", "").body.objs("networks"); len(got) != 1 {
		t.Errorf("the request was not carried out: %v", got)
	}
	if err := s.AddFault(Fault{Path: "("}); err == nil {
		t.Error("bad pattern: no error")
	}
	c.want(http.StatusBadRequest, "POST", "/simulator/faults", `{"delay":"soon"}`)
}

func TestOptionsOverHTTP(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	got := c.want(http.StatusOK, "PUT", "/simulator/options", `{"latency":"5ms","times":{"server_boot":"3s"}}`).body
	if got.str("latency") != "5ms" || got.obj("times").str("server_boot") != "3s" || got.obj("times").str("port") != "0s" {
		t.Errorf("%v", got)
	}
	c.want(http.StatusBadRequest, "PUT", "/simulator/options", `{"latency":"9ms","times":{"lunch":"1h"}}`)
	if got := c.want(http.StatusOK, "GET", "/simulator/options", "").body; got.str("latency") != "5ms" {
		t.Errorf("a bad request changed the latency: %v", got)
	}
}

func TestClosedSimulatorRunsNothing(t *testing.T) {
	virtual(t, Options{}, func(t *testing.T, s *Simulator) {
		ran := []string{}
		note := func(what string) func() { return func() { ran = append(ran, what) } }
		s.locked(func() {
			s.after(0, note("first"))
			cancel := s.after(5*time.Millisecond, note("cancelled"))
			cancel()
			s.after(200*time.Millisecond, note("late"))
		})
		time.Sleep(100 * time.Millisecond)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		s.locked(func() {
			if !slices.Equal(ran, []string{"first"}) {
				t.Errorf("ran %v", ran)
			}
		})
	}) // where it is closed a second time
}

func TestStateFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	first, err := Run(Options{StateFile: file, Times: Times{Port: time.Hour, FloatingIP: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	c := as(t, first, "demo", "demo")
	world := makeWorld(c)
	floating := c.want(http.StatusCreated, "POST", "/network/v2.0/floatingips",
		`{"floatingip":{"floating_network_id":"`+world.external+`","port_id":"`+world.port+`"}}`).body.obj("floatingip")
	eventually(t, "the state file is written while the cloud runs", func() bool {
		text, err := os.ReadFile(file)
		return err == nil && strings.Contains(string(text), floating.str("id"))
	})
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	second := start(t, Options{StateFile: file})
	again := &client{t: t, sim: second, token: c.token}
	for path, name := range map[string]string{"networks/" + world.network: "network", "routers/" + world.router: "router", "ports/" + world.port: "port"} {
		if got := again.want(http.StatusOK, "GET", "/network/v2.0/"+path, "").body.obj(name); got.str("id") == "" {
			t.Errorf("%s: %v", path, got)
		}
	}
	eventually(t, "what was pending goes on", func() bool {
		f := again.want(http.StatusOK, "GET", "/network/v2.0/floatingips/"+floating.str("id"), "").body.obj("floatingip")
		return f.str("status") == "ACTIVE"
	})
	if got := len(again.want(http.StatusOK, "GET", "/network/v2.0/networks?name=ext-floating1", "").body.objs("networks")); got != 1 {
		t.Errorf("%d external networks: seeded twice", got)
	}
}

func TestLeftovers(t *testing.T) {
	s := start(t, Options{})
	if got := s.Leftovers(); len(got) != 0 {
		t.Fatalf("new cloud: %v", got)
	}
	c := as(t, s, "demo", "demo")
	id := c.want(http.StatusCreated, "POST", "/network/v2.0/networks", `{"network":{"name":"forgotten"}}`).body.obj("network").str("id")
	want := `network "forgotten" (` + id + `) of project demo`
	if got := s.Leftovers(); !slices.Equal(got, []string{want}) {
		t.Errorf("%q", got)
	}
	if got := c.want(http.StatusOK, "GET", "/simulator/leftovers", "").body.strs("leftovers"); !slices.Equal(got, []string{want}) {
		t.Errorf("over HTTP: %q", got)
	}
	c.want(http.StatusNoContent, "DELETE", "/network/v2.0/networks/"+id, "")
	if got := s.Leftovers(); len(got) != 0 {
		t.Errorf("after delete: %v", got)
	}
}

func TestParallelUse(t *testing.T) {
	s := start(t, Options{})
	c := as(t, s, "demo", "demo")
	world := makeWorld(c)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 5 {
				a, err := c.try("POST", "/network/v2.0/ports", `{"port":{"network_id":"`+world.network+`"}}`, nil)
				if err != nil || a.status != http.StatusCreated {
					t.Errorf("create: %d %v %s", a.status, err, a.text)
					return
				}
				if a, err = c.try("DELETE", "/network/v2.0/ports/"+a.body.obj("port").str("id"), "", nil); err != nil || a.status != http.StatusNoContent {
					t.Errorf("delete: %d %v", a.status, err)
				}
				s.Leftovers()
				s.Requests()
				s.SetTimes(Times{})
			}
		})
	}
	group.Wait()
}
